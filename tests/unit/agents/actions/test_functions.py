"""Actions from functions: what the schema says, and what is refused before anything runs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from groundtune.agents.actions.functions import ActionRefused, action
from groundtune.values import ActionResult, Actor

ANA = Actor("ana")


class Address(BaseModel):
    street: str
    number: int = 1


@action(reach="write")
def move(
    to: Annotated[Address, Field(description="Where to")],
    on: date,
    plan: Literal["home", "office"] = "home",
    copy: bool = False,
    *,
    who: Actor,
    key: str,
) -> dict[str, object]:
    """Move a customer.

    The contract goes along.
    """
    return {"to": to, "on": on, "plan": plan, "copy": copy, "who": who.id, "key": key}


def test_the_schema_comes_from_annotations_and_docstring():
    assert move.schema.name == "move"
    assert move.schema.description == "Move a customer.\n\nThe contract goes along."
    assert move.schema.parameters == {
        "$defs": {
            "Address": {
                "properties": {"street": {"type": "string"}, "number": {"default": 1, "type": "integer"}},
                "required": ["street"],
                "type": "object",
            }
        },
        "additionalProperties": False,
        "properties": {
            "to": {"$ref": "#/$defs/Address", "description": "Where to"},
            "on": {"format": "date", "type": "string"},
            "plan": {"default": "home", "enum": ["home", "office"], "type": "string"},
            "copy": {"default": False, "type": "boolean"},
        },
        "required": ["to", "on"],
        "type": "object",
    }


def test_it_is_called_with_what_its_annotations_say():
    done = move.perform({"to": {"street": "Brook"}, "on": "2026-11-27"}, ANA, "key-1")
    expected = {"plan": "home", "copy": False, "who": "ana", "key": "key-1", "on": "2026-11-27"}
    assert done == ActionResult("done", {"to": {"street": "Brook", "number": 1}, **expected})
    assert move(Address(street="Brook"), date(2026, 1, 1), who=ANA, key="k")["on"] == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            {"to": {"street": "Brook", "number": "5"}, "on": "2026-11-27"},
            "`to.number`: Input should be a valid integer",
        ),
        ({"to": {"street": "Brook"}, "on": 20261127}, "`on`"),
        ({"to": {"street": "Brook"}, "on": "27.11.2026"}, "`on`"),
        ({"to": {"street": "Brook", "zip": "1"}, "on": "2026-11-27"}, "`to.zip`: Extra inputs"),
        ({"to": {"street": "Brook"}, "on": "2026-11-27", "key": "mine"}, "`key`: Extra inputs"),
        ({"to": {"street": "Brook"}, "on": "2026-11-27", "who": "bob"}, "`who`: Extra inputs"),
        ({"to": {"street": "Brook"}, "on": "2026-11-27", "copy": 1}, "`copy`: Input should be a valid boolean"),
        ({"to": {"street": "Brook"}, "on": "2026-11-27", "plan": "farm"}, "`plan`: Input should be 'home' or 'office'"),
    ],
)
def test_nothing_is_coerced(arguments, reason):
    result = move.perform(arguments, ANA, "key-1")
    assert result.outcome == "refused"
    assert reason in result.reason == move.fault(arguments, ANA, "key-1")


def test_whatever_a_write_raises_leaves_its_effect_unknown_and_a_read_did_nothing():
    def fails(amount: Decimal) -> None:
        raise ValueError(f"no {amount}, password=hunter22")

    for reach, outcome in (("write", "unknown"), ("read", "refused")):
        result = action(reach=reach)(fails).perform({"amount": 1.5}, ANA, "k")
        assert (result.outcome, result.reason) == (outcome, "ValueError: no 1.5, password=***")


def test_a_refusal_says_that_nothing_changed():
    @action()
    def pay(amount: float) -> None:
        """Pay."""
        raise ActionRefused("there is no money")

    assert pay.perform({"amount": 1}, ANA, "k") == ActionResult("refused", reason="there is no money")


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", {"a": {1, 2}, "b": float("inf")}])
def test_what_is_no_json_is_left_out_and_said(value):
    @action()
    def give() -> object:
        """Give."""
        return ActionResult("done", value, "r-1")

    result = give.perform({}, ANA, "k")
    assert (result.outcome, result.value, result.reference) == ("done", None, "r-1")
    assert "no JSON" in result.reason


def test_an_error_of_pydantic_inside_the_function_is_none_of_its_arguments():
    @action()
    def parse(text: str) -> None:
        """Parse."""
        Address.model_validate({"street": text, "number": "no number"})

    assert parse.perform({"text": "a"}, ANA, "k").outcome == "unknown"


def undescribed():
    async def later(a: int) -> None: ...
    def bare(a) -> None: ...
    def many(*a: int) -> None: ...
    def strange(a: ANA.__class__.__mro__[1] | range) -> None: ...

    return [(later, "plain function"), (bare, "`a` has no annotation"), (many, "no name"), (strange, "range")]


@pytest.mark.parametrize(("function", "reason"), undescribed(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_function_that_cannot_be_described_is_refused_where_it_stands(function, reason):
    with pytest.raises(TypeError, match=reason):
        action()(function)


@pytest.mark.parametrize(
    ("returned", "outcome"),
    [
        (None, "refused"),
        ("paid", "done"),
        (ActionResult("done", None, "r-1", "it was done before"), "done"),
        (ActionRefused("it cannot be given up any more"), "unknown"),
        (OSError("nobody is there"), "unknown"),
        (ActionResult("unknown", reason="who knows"), "unknown"),
    ],
)
def test_only_what_was_surely_given_up_is_refused(returned, outcome):
    def stop(key: str) -> object:
        if isinstance(returned, Exception):
            raise returned
        return returned

    @action(give_up=stop)
    def pay(bill: str) -> None:
        """Pay."""

    result = pay.give_up({"bill": "B-1"}, ANA, "k")
    assert (result.outcome, bool(result.reason)) == (outcome, outcome != "done" or result.value is None)


def test_helpers_get_what_they_name_and_nothing_else():
    def back(reference: str, bill: str, by: Actor) -> list[str]:
        return [reference, bill, by.id]

    def wrong(amount: int) -> None: ...

    @action(undo=back)
    def pay(bill: str) -> None:
        """Pay."""

    assert pay.undo({"bill": "B-1"}, ANA, "r-1", "k").value == ["r-1", "B-1", "ana"]
    with pytest.raises(TypeError, match="nothing is known to fill in `amount`"):
        action(look_up=wrong)(pay.function)
