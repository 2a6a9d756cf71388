"""Contract of actions, whatever back-end they are of.

class TestMine(ActionContract):
    def read(self) -> tuple[Action, Arguments]: ...     # an action that looks something up
    def write(self) -> tuple[Action, Arguments]: ...    # one that changes `state`
    def changed(self) -> Action: ...                    # the one of `write` after its schema changed
    def state(self) -> object: ...                      # what `write` changes, as the back-end has it
    def refuse(self) -> Arguments: ...                  # arguments of `write` that the back-end refuses
    def lose(self) -> None: ...                         # from now on nobody learns what came of a call
    def stop(self) -> None: ...                         # from now on nobody is there
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from groundtune.acting import Action
from groundtune.calls import call_of
from groundtune.values import ActionResult, Actor

Arguments = Mapping[str, Any]
ACTOR = Actor("ana", ("customer",), {"account": "A-1001"})


class ActionContract:
    """Every action passes these tests. Override what the module names, and say what the back-end can do.

    `idempotent`: it does once what is asked twice with the same key. `looks_up`, `undoes` and `gives_up`: it has a way
    to.
    """

    idempotent = looks_up = undoes = gives_up = True

    def read(self) -> tuple[Action, Arguments]:
        """Return an action that changes nothing, with arguments."""
        raise NotImplementedError

    def write(self) -> tuple[Action, Arguments]:
        """Return an action that changes `state`, with arguments; each time the same, opened anew."""
        raise NotImplementedError

    def changed(self) -> Action:
        """Return the action of `write` after its back-end gave it another schema."""
        raise NotImplementedError

    def state(self) -> object:
        """Return what `write` changes, as the back-end has it."""
        raise NotImplementedError

    def refuse(self) -> Arguments:
        """Return arguments of `write` that fit the schema and that the back-end refuses."""
        raise NotImplementedError

    def lose(self) -> None:
        """Let nobody learn what comes of a call, from now on."""
        raise NotImplementedError

    def stop(self) -> None:
        """Let nobody be there, from now on."""
        raise NotImplementedError

    def test_the_schema_is_that_of_an_object(self) -> None:
        """Closed, valid, and under a name that endpoints of models take."""
        for action, arguments in (self.read(), self.write()):
            schema: dict[str, Any] = dict(action.schema.parameters)
            assert schema["type"] == "object"
            assert schema["additionalProperties"] is False
            assert set(schema.get("required", ())) <= schema["properties"].keys()
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", action.schema.name)
            assert call_of(action.schema, arguments).arguments == arguments

    def test_it_says_what_it_is(self) -> None:
        """One reads, one writes."""
        (read, _), (write, _) = self.read(), self.write()
        assert (read.reach, write.reach) == ("read", "write")
        assert isinstance(read.trusted, bool)
        assert isinstance(write.trusted, bool)

    def test_the_signature_is_that_of_what_was_approved(self) -> None:
        """The same for the same action; another one when its schema changes."""
        assert isinstance(self.write()[0], Action)
        assert self.write()[0].signature == self.write()[0].signature
        assert self.write()[0].signature not in (self.changed().signature, self.read()[0].signature)

    def test_garbage_is_refused_before_anything_runs(self) -> None:
        """Without an exception, with the reason, and nothing changed."""
        action, arguments = self.write()
        before, tried = self.state(), 0
        for wrong in garbage(action, arguments):
            result = action.perform(wrong, ACTOR, "key-garbage")
            assert (result.outcome, bool(result.reason)) == ("refused", True), wrong
            assert action.fault(wrong, ACTOR, "key-garbage") == result.reason
            assert action.give_up(wrong, ACTOR, "key-garbage").outcome in ("refused", "unknown")
            assert action.look_up(wrong, ACTOR, "key-garbage").outcome in ("refused", "unknown")
            assert action.undo(wrong, ACTOR, "reference", "key-garbage").outcome in ("refused", "unknown")
            tried += 1
        assert tried > 8
        assert self.state() == before

    def test_what_would_be_sent_has_no_fault(self) -> None:
        """Asking changes nothing."""
        action, arguments = self.write()
        before = self.state()
        assert action.fault(arguments, ACTOR, "key-1") == ""
        assert self.state() == before

    def test_a_read_changes_nothing(self) -> None:
        """It returns JSON, as often as it is asked."""
        action, arguments = self.read()
        before = self.state()
        first, second = (action.perform(arguments, ACTOR, key) for key in ("key-1", "key-2"))
        assert (first.outcome, second.outcome) == ("done", "done"), (first, second)
        json.dumps(first.value, allow_nan=False).encode()
        assert self.state() == before

    def test_a_write_writes(self) -> None:
        """What it returns is JSON."""
        action, arguments = self.write()
        before = self.state()
        result = action.perform(arguments, ACTOR, "key-1")
        assert result.outcome == "done", result
        json.dumps(result.value, allow_nan=False).encode()
        assert self.state() != before

    def test_the_same_key_has_one_effect(self) -> None:
        """Where the back-end knows keys; the answer is the same."""
        if not self.idempotent:
            pytest.skip("this back-end knows no keys")
        action, arguments = self.write()
        first = action.perform(arguments, ACTOR, "key-1")
        after = self.state()
        second = action.perform(arguments, ACTOR, "key-1")
        assert (first.value, first.reference) == (second.value, second.reference)
        assert self.state() == after

    def test_a_refusal_is_told_with_its_reason(self) -> None:
        """Nothing changed."""
        action, _ = self.write()
        before = self.state()
        result = action.perform(self.refuse(), ACTOR, "key-1")
        assert (result.outcome, bool(result.reason)) == ("refused", True), result
        assert self.state() == before

    def test_what_nobody_knows_is_unknown(self) -> None:
        """Neither done nor refused, for a write; a read that fails did nothing."""
        (action, arguments), (read, question) = self.write(), self.read()
        self.lose()
        result = action.perform(arguments, ACTOR, "key-1")
        assert (result.outcome, bool(result.reason)) == ("unknown", True), result
        assert read.perform(question, ACTOR, "key-2").outcome in ("refused", "done")

    def test_what_never_left_is_refused(self) -> None:
        """Nobody is there: nothing changed."""
        action, arguments = self.write()
        before = self.state()
        self.stop()
        result = action.perform(arguments, ACTOR, "key-1")
        assert (result.outcome, bool(result.reason)) == ("refused", True), result
        assert action.look_up(arguments, ACTOR, "key-1").outcome == "unknown"
        assert self.state() == before

    def test_a_call_is_looked_up_by_its_key(self) -> None:
        """Looking changes nothing; without a way to look, nobody knows."""
        action, arguments = self.write()
        done = action.perform(arguments, ACTOR, "key-1")
        after = self.state()
        known, never = (action.look_up(arguments, ACTOR, key) for key in ("key-1", "key-never"))
        assert self.state() == after
        if self.looks_up:
            assert (known.outcome, known.reference, never.outcome) == ("done", done.reference, "refused")
        else:
            assert (known.outcome, never.outcome) == ("unknown", "unknown")
            assert known.reason

    def test_what_is_given_up_takes_no_effect_any_more(self) -> None:
        """Unless it did before: that is told. Without a way to, nobody knows, and nothing changes."""
        action, arguments = self.write()
        before = self.state()
        never = action.give_up(arguments, ACTOR, "key-late")
        assert self.state() == before
        if not self.gives_up:
            assert (never.outcome, bool(never.reason)) == ("unknown", True)
            return
        assert (never.outcome, bool(never.reason)) == ("refused", True)
        assert action.perform(arguments, ACTOR, "key-late").outcome == "refused"
        assert self.state() == before
        done = action.perform(arguments, ACTOR, "key-1")
        after = self.state()
        known = action.give_up(arguments, ACTOR, "key-1")
        assert (known.outcome, known.reference) == ("done", done.reference)
        assert self.state() == after != before

    def test_it_is_taken_back_by_its_reference(self) -> None:
        """Without a way to, that is said, and nothing changes."""
        action, arguments = self.write()
        before = self.state()
        done = action.perform(arguments, ACTOR, "key-1")
        after = self.state()
        result: ActionResult = action.undo(arguments, ACTOR, done.reference, "key-2")
        if self.undoes:
            assert (result.outcome, bool(done.reference)) == ("done", True), result
            assert self.state() == before
        else:
            assert (result.outcome, bool(result.reason)) == ("refused", True)
            assert self.state() == after


def garbage(action: Action, arguments: Arguments) -> Iterator[Any]:
    """Yield what are no arguments of an action: made of such as are."""
    yield from (None, [], "text", 7, {1: 2}, {**arguments, "nobody_knows_this": 1}, {**arguments, "\ud800": 1})
    required = action.schema.parameters.get("required")
    assert isinstance(required, list)
    for name in required:
        yield {key: value for key, value in arguments.items() if key != name}
        for wrong in (float("nan"), float("inf"), "\ud800", object(), b"bytes", {"a": {"b": [None]}}, "x" * 1_000_000):
            yield {**arguments, name: wrong}
    circular: dict[str, Any] = dict(arguments)
    circular["itself"] = circular
    yield circular
