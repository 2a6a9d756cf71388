"""Arguments are JSON and fit their schema; a schema of strangers does no harm."""

from __future__ import annotations

import time

import pytest

from groundtune.agents.actions.arguments import NotArguments, NotASchema, SchemaCheck, check, plain


def test_what_is_checked_is_a_copy():
    inner = {"a": [1, "é", None, True, 1.5]}
    made = plain("pay", inner)
    assert made == inner
    assert made["a"] is not inner["a"]


def test_too_much_is_not_taken():
    with pytest.raises(NotArguments, match="at most 100000"):
        plain("pay", {"a": "x" * 100_000})
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(NotArguments, match="too deeply"):
        plain("pay", {"a": deep})
    with pytest.raises(NotArguments, match="too many digits"):
        plain("pay", {"a": 10**5000})


@pytest.mark.parametrize(
    ("amount", "step", "fits"),
    [(19.99, 0.01, True), (5.55, 0.001, True), (0.1 + 0.2, 0.1, False), (19.995, 0.01, False), (7, 7, True)],
)
def test_multiples_are_those_of_decimals(amount, step, fits):
    """19.99 is no multiple of 0.01 in binary, and JSON Schema does not say how to count."""
    schema = {"type": "object", "properties": {"amount": {"multipleOf": step}}}
    if fits:
        return check(schema, {"amount": amount})
    with pytest.raises(NotArguments, match="is not a multiple of"):
        return check(schema, {"amount": amount})


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "http://169.254.169.254/latest"}, "outside of itself"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "outside of itself"),
        ({"type": "objekt"}, "no JSON Schema"),
        ({"properties": {"a": {"pattern": "\\p{L}"}}}, "no regular expression"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema, reason):
    with pytest.raises(NotASchema, match=reason):
        SchemaCheck(schema)


@pytest.mark.parametrize("schema", [{"$ref": "#/gone"}, {"$ref": "#"}, {"$id": "http://x/y", "$ref": "#/gone"}])
def test_references_that_lead_nowhere_raise_nothing_else(schema):
    with pytest.raises(NotArguments, match="cannot be applied"):
        check(schema, {"a": 1})


def test_patterns_of_strangers_are_not_tried():
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    started = time.monotonic()
    check(schema, {"a": "a" * 40 + "!"}, patterns=False)
    assert time.monotonic() - started < 1
    with pytest.raises(NotArguments, match="does not match"):
        check(schema, {"a": "b"})
