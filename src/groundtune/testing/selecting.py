"""The contract that every `SelectingModel` keeps. Fakes are in `groundtune.testing.fakes`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from groundtune.acting import SelectingModel
from groundtune.calls import MOST_ACTIONS
from groundtune.errors import ModelFailed
from groundtune.values import ActionSchema, Conversation, Message, Selection, ToolCall


def _action(name: str, description: str, required: Mapping[str, object], **optional: object) -> ActionSchema:
    schema = {"type": "object", "properties": {**required, **optional}, "required": list(required)}
    return ActionSchema(name, description, {**schema, "additionalProperties": False})


CHANGE_PLAN = _action(
    "change_plan",
    "Change the plan of an account.",
    {"account": {"type": "string", "pattern": "^A-[0-9]{4}$"}, "plan": {"enum": ["Brook", "River", "Ocean"]}},
)
PAY_BILL = _action(
    "pay_bill",
    "Pay a bill, or a part of it.",
    {"bill": {"type": "string", "maxLength": 12}, "euros": {"type": "number", "exclusiveMinimum": 0, "maximum": 500}},
    note={"type": "string"},
)
NETWORK_STATUS = _action("network.status", "Tell whether the network has a fault now.", {})
REPORT = _action(
    "report-fault",
    "Report faults of the network.",
    {
        "faults": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"place": {"type": "string"}, "since": {"type": "string", "format": "date"}},
                "required": ["place"],
                "additionalProperties": False,
            },
        }
    },
    severity={"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "null"}]},
)


class SelectingModelContract:
    """What every `SelectingModel` does. Subclass it as `Test...` and give the `model` fixture."""

    ACTIONS = (CHANGE_PLAN, PAY_BILL, NETWORK_STATUS, REPORT)
    GREETING: Conversation = (Message("user", "Hello!"),)
    WISH: Conversation = (
        Message("system", "You serve the customers of a phone company."),
        Message("user", "Please change the plan of account A-1001 to Ocean."),
    )
    AFTER_A_CALL: Conversation = (
        Message("user", "Is there a fault in the network?"),
        Message("assistant", "", (ToolCall("network_status", "{}", "call00000"),)),
        Message("tool", '{"fault": true, "place": "Lund"}', name="network_status", call="call00000"),
        Message("assistant", "Yes, in Lund."),
        Message("user", "Then report it, and pay 12.50 euros of bill B-77."),
    )

    @pytest.fixture
    def model(self) -> SelectingModel:
        """Return the model under test."""
        raise NotImplementedError

    def test_it_is_a_selecting_model(self, model: SelectingModel) -> None:
        """All members are there."""
        assert isinstance(model, SelectingModel)

    def test_no_conversations_give_no_selections(self, model: SelectingModel) -> None:
        """An empty batch is not an error."""
        assert model.select([], self.ACTIONS) == []

    def test_without_actions_nothing_is_selected(self, model: SelectingModel) -> None:
        """There is nothing to call."""
        assert [each.call for each in model.select([self.GREETING, self.WISH], [])] == [None, None]

    def test_each_selection_is_a_call_that_fits_or_none(self, model: SelectingModel) -> None:
        """Whatever is said: alone, among others, after a call."""
        conversations = [self.GREETING, self.WISH, self.AFTER_A_CALL]
        for actions in (self.ACTIONS, self.ACTIONS[:1], self.ACTIONS[2:]):
            selections = model.select(conversations, actions)
            assert len(selections) == len(conversations)
            for selection in selections:
                check_selection(selection, actions)

    def test_a_batch_is_selected_in_order_and_as_one_by_one(self, model: SelectingModel) -> None:
        """Batching changes nothing."""
        conversations = [self.GREETING, self.WISH, self.AFTER_A_CALL, self.WISH]
        together = [each.call for each in model.select(conversations, self.ACTIONS)]
        apart = [model.select([each], self.ACTIONS)[0].call for each in conversations]
        assert together == apart

    def test_usage_counts_tokens(self, model: SelectingModel) -> None:
        """Selecting costs something, and a longer conversation costs more."""
        short, long = model.select([self.GREETING, (*self.WISH, *self.WISH)], self.ACTIONS[:1])
        assert 0 < short.usage.prompt_tokens < long.usage.prompt_tokens

    def test_too_many_actions_are_refused(self, model: SelectingModel) -> None:
        """The limit is said, and nothing is left out of the offer silently."""
        many = [_action(f"action_{number}", "Do something.", {}) for number in range(MOST_ACTIONS + 1)]
        with pytest.raises(ModelFailed, match=str(MOST_ACTIONS)):
            model.select([self.GREETING], many)


def check_selection(selection: Selection, actions: tuple[ActionSchema, ...]) -> None:
    """Raise unless it is none, or a faultless call of one of the actions that fits its schema and is plain JSON."""
    import jsonschema

    if selection.call is None:
        return
    assert not selection.fault
    (action,) = (each for each in actions if each.name == selection.call.action)
    arguments = json.loads(json.dumps(dict(selection.call.arguments), allow_nan=False))
    assert arguments == selection.call.arguments
    jsonschema.validate(arguments, action.parameters, jsonschema.Draft202012Validator)
    selection.call.text.encode()
    assert selection.call.digest
