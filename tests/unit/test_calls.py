"""Only what fits its schema becomes a call; what is none says why."""

import json
import math
import time
from types import MappingProxyType

import pytest

from groundtune.calls import DEEPEST, LONGEST_ARGUMENTS, NotACall, NotASchema, call_of, check_schema, plain
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
    inner = {"a": [1, "é", None, True, 1.5], "b": MappingProxyType({"c": 1})}
    assert plain(inner) == {"a": [1, "é", None, True, 1.5], "b": {"c": 1}}
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
        ('{"a":' * 60 + "1" + "}" * 60, f"nested more than {DEEPEST} deep"),
        ({1: "x"}, "'1' is a key, and no text"),
        ({"note": [{2: "x"}]}, "'2' is a key, and no text"),
        ({"note": ("a", "b")}, "tuple is nothing that JSON has"),
        ({"euros": 10**4000}, "too many digits"),
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
        {"$id": "http://127.0.0.1:9/y", "$ref": "#/gone"},
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


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"properties": {"to": {"pattern": "^(a+)+$"}}}, {"to": "a" * 5000 + "!"}),
        ({"properties": {"to": {"propertyNames": {"pattern": "^(a+)+$"}}}}, {"to": {"a" * 5000 + "!": 1}}),
        ({"patternProperties": {"^(a+)+$": True}, "additionalProperties": False}, {"a" * 5000 + "!": 1}),
        ({"patternProperties": {"^(a+)+$": {"type": "integer"}}}, {"a" * 5000: "!"}),
    ],
)
def test_a_pattern_of_a_stranger_does_not_take_for_ever(schema, arguments):
    began = time.monotonic()
    with pytest.raises(NotACall, match="do not fit"):
        call_of(ActionSchema("call", "", {"type": "object", **schema}), arguments)
    assert time.monotonic() - began < 5


def test_properties_are_told_by_patterns():
    schema = {
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "patternProperties": {"^x-": {"type": "integer"}, "size$": {"minimum": 1}},
        "additionalProperties": {"type": "boolean"},
    }
    action = ActionSchema("tag", "", schema)
    right = {"id": "a", "x-1": 7, "x-size": 2, "open": True}
    assert call_of(action, right).arguments == right
    for wrong in ({"x-1": "7"}, {"x-size": 0}, {"open": 1}, {"id": True}):
        with pytest.raises(NotACall, match="do not fit"):
            call_of(action, {**right, **wrong})
    closed = ActionSchema("tag", "", {**schema, "additionalProperties": False})
    with pytest.raises(NotACall, match="'open' was unexpected"):
        call_of(closed, right)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "http://169.254.169.254/latest"}, "outside of itself"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "outside of itself"),
        ({"type": "objekt"}, "no JSON Schema"),
        ({"properties": {"a": {"pattern": "^(?!x)"}}}, "look-around"),
        ({"patternProperties": {"(a)\\1": {}}}, "backreferences"),
        ({"patternProperties": {"^x": {}}, "unevaluatedProperties": False}, "both `unevaluatedProperties` and"),
        ({"default": float("nan"), "enum": [object()]}, "no JSON"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema, reason):
    with pytest.raises(NotASchema, match=reason):
        check_schema(schema)


@pytest.mark.parametrize(
    ("amount", "step", "fits"),
    [(19.99, 0.01, True), (5.55, 0.001, True), (0.1 + 0.2, 0.1, False), (19.995, 0.01, False), (7, 7, True)],
)
def test_multiples_are_those_of_decimals(amount, step, fits):
    """19.99 is no multiple of 0.01 in binary, and JSON Schema does not say how to count."""
    price = {"type": "number", "multipleOf": step}
    action = ActionSchema("pay", "", {"type": "object", "properties": {"amount": price}})
    if fits:
        assert call_of(action, {"amount": amount}).arguments == {"amount": amount}
    else:
        with pytest.raises(NotACall, match="not a multiple"):
            call_of(action, {"amount": amount})


def test_a_pattern_that_cannot_be_looked_for_in_linear_time_makes_no_call():
    parameters = {"type": "object", "properties": {"to": {"type": "string", "pattern": "^(?!x)a"}}}
    with pytest.raises(NotACall, match="cannot be checked"):
        call_of(ActionSchema("call", "", parameters), {"to": "ab"})
