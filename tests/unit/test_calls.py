"""Only what fits its schema becomes a call; what is none says why."""

import json
import math
import time

import pytest

from groundtune.calls import LONGEST_ARGUMENTS, NotACall, call_of
from groundtune.testing.selecting import CHANGE_PLAN, NETWORK_STATUS, PAY_BILL, REPORT
from groundtune.values import ActionCall, ActionSchema

ANYTHING = ActionSchema("note", "Note it.", {"type": "object"})


def test_text_and_values_become_the_same_call():
    arguments = {"bill": "B-77", "euros": 12.5, "note": "für Åsa 🙂"}
    call = ActionCall("pay_bill", arguments)
    assert call_of(PAY_BILL, json.dumps(arguments)) == call_of(PAY_BILL, arguments) == call
    assert call_of(NETWORK_STATUS, "{}") == ActionCall("network.status", {})
    assert call_of(PAY_BILL, json.dumps(arguments)).digest == call.digest


def test_the_arguments_are_a_copy():
    arguments = {"faults": [{"place": "Lund"}]}
    call = call_of(REPORT, arguments)
    arguments["faults"][0]["place"] = "Malmö"
    assert call.arguments == {"faults": [{"place": "Lund"}]}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ('{"bill": "B-77", "euros": 12', "no JSON"),
        ('{"bill": "B-77", "euros": 12} {"bill": "B-78"}', "no JSON"),
        ("[" * 7000, "no JSON"),
        ('{"a":' * 1200 + "1" + "}" * 1200, "no JSON"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested more than 32 deep"),
        ('{"euros": ' + "9" * 5000 + "}", "no JSON"),
        ('{"note": NaN}', "hold what JSON cannot"),
        ('{"euros": -Infinity}', "hold what JSON cannot"),
        ('{"euros": 1e999}', "hold what JSON cannot"),
        ('{"note": "\\ud800"}', "hold what JSON cannot"),
        ('{"\\udfff": 1}', "hold what JSON cannot"),
        (f'{{"note": "{"x" * 1_000_000}"}}', f"characters, more than {LONGEST_ARGUMENTS}"),
        ({"note": "x" * 1_000_000}, f"characters, more than {LONGEST_ARGUMENTS}"),
        ({"euros": math.nan}, "hold what JSON cannot"),
        ({"note": "\ud800"}, "hold what JSON cannot"),
        ({"note": object()}, "hold what JSON cannot"),
        ("null", "no JSON object"),
        ('"pay it"', "no JSON object"),
        ("[1]", "no JSON object"),
        (None, "no JSON object"),
    ],
)
def test_what_is_no_json_object_is_no_call(arguments, reason):
    with pytest.raises(NotACall, match=reason):
        call_of(ANYTHING, arguments)


@pytest.mark.parametrize(
    ("action", "arguments", "reason"),
    [
        (CHANGE_PLAN, {"account": "A-1001"}, "'plan' is a required property"),
        (CHANGE_PLAN, {"account": "A-10012", "plan": "Ocean"}, r"\$\.account"),
        (CHANGE_PLAN, {"account": "A-1001", "plan": "Lake"}, "is not one of"),
        (CHANGE_PLAN, {"account": "A-1001", "plan": "Ocean", "approved": True}, "'approved' was unexpected"),
        (PAY_BILL, {"bill": "B-77", "euros": "12"}, "is not of type 'number'"),
        (PAY_BILL, {"bill": "B-77", "euros": True}, "is not of type 'number'"),
        (PAY_BILL, {"bill": "B-77", "euros": 501}, "greater than the maximum"),
        (REPORT, {"faults": []}, "non-empty"),
        (REPORT, {"faults": [{"place": "Lund", "since": "2026-02-30"}]}, "is not a 'date'"),
    ],
)
def test_what_does_not_fit_is_no_call_and_says_where(action, arguments, reason):
    with pytest.raises(NotACall, match=reason):
        call_of(action, arguments)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "dict"},
        {"type": "object", "properties": {"a": 5}},
        {"type": "object", "additionalProperties": "false"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "$ref": "#"},
    ],
)
def test_what_a_broken_schema_describes_is_no_call(schema):
    with pytest.raises(NotACall, match="cannot be checked"):
        call_of(ActionSchema("odd", "", schema), {"a": "x"})


def test_an_older_schema_is_read_as_it_says():
    draft_4 = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {"n": {"type": "number", "minimum": 0, "exclusiveMinimum": True}},
    }
    assert call_of(ActionSchema("n", "", draft_4), {"n": 1}).arguments == {"n": 1}
    with pytest.raises(NotACall, match="less than or equal to the minimum"):
        call_of(ActionSchema("n", "", draft_4), {"n": 0})


@pytest.mark.parametrize(
    ("pattern", "value", "fits"), [(r"^\+[1-9]\d{4,14}$", "+491234567", True), ("b", "abc", True), ("^b", "abc", False)]
)
def test_patterns_are_looked_for(pattern, value, fits):
    action = ActionSchema("call", "", {"type": "object", "properties": {"to": {"type": "string", "pattern": pattern}}})
    if fits:
        assert call_of(action, {"to": value}).arguments == {"to": value}
    else:
        with pytest.raises(NotACall, match="does not match"):
            call_of(action, {"to": value})


def test_a_pattern_of_a_stranger_does_not_take_for_ever():
    action = ActionSchema(
        "call", "", {"type": "object", "properties": {"to": {"type": "string", "pattern": "^(a+)+$"}}}
    )
    began = time.monotonic()
    with pytest.raises(NotACall, match="do not fit"):
        call_of(action, {"to": "a" * 5000 + "!"})
    assert time.monotonic() - began < 5


def test_a_price_is_a_multiple_of_a_cent():
    price = {"type": "number", "multipleOf": 0.01}
    action = ActionSchema("pay", "", {"type": "object", "properties": {"amount": price}})
    assert call_of(action, {"amount": 19.99}).arguments == {"amount": 19.99}
    with pytest.raises(NotACall, match="not a multiple"):
        call_of(action, {"amount": 19.999})


def test_a_pattern_that_cannot_be_looked_for_in_linear_time_makes_no_call():
    parameters = {"type": "object", "properties": {"to": {"type": "string", "pattern": "^(?!x)a"}}}
    with pytest.raises(NotACall, match="cannot be checked"):
        call_of(ActionSchema("call", "", parameters), {"to": "ab"})
