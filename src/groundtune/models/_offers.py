"""How actions are offered to a model, and what its reply selects: one call that fits, or none and why.

Knows no endpoint and no tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any

from groundtune.calls import MOST_ACTIONS, NotACall, call_of
from groundtune.errors import ModelFailed
from groundtune.http.bodies import loaded
from groundtune.values import ActionSchema, Completion, FinishReason, Selection, Usage

CALL_TOKENS = 512
"""Tokens of a reply that may hold a call, where the settings allow fewer; what needs more is none."""
NO_ACTION = "no_action"
NO_ACTION_MEANS = "None of these does what the user wants now, or a value that is needed for it is not known yet."
_ARGUMENTS = "#/properties/selection/anyOf/{}/properties/arguments"
_CUT: frozenset[FinishReason] = frozenset({"length", "repetition", "content_filter"})
_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Offer:
    """Actions by the names that every API takes: up to 64 letters, digits, underscores and hyphens."""

    by_name: Mapping[str, ActionSchema]

    @classmethod
    def of(cls, actions: Sequence[ActionSchema]) -> Offer:
        """Name the actions. Raises `ModelFailed` for more than `MOST_ACTIONS`."""
        if len(actions) > MOST_ACTIONS:
            raise ModelFailed(
                f"cannot select among {len(actions)} actions.", remedy=f"Offer at most {MOST_ACTIONS} at once."
            )
        by_name: dict[str, ActionSchema] = {}
        for action in actions:
            name = _OTHER.sub("_", action.name)[:_LONGEST_NAME]
            numbered = (f"{name[: _LONGEST_NAME - 3]}_{number}" for number in count(2))
            by_name[next(each for each in chain([name], numbered) if each not in {"", NO_ACTION, *by_name})] = action
        return cls(by_name)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The actions in OpenAI's form."""
        return [{"type": "function", "function": _function(name, action)} for name, action in self.by_name.items()]

    @property
    def response_format(self) -> dict[str, Any]:
        """What OpenAI's API holds a reply to that selects one of the actions, or none and says something."""
        nothing = {"action": {"enum": [NO_ACTION]}, "reply": {"type": "string"}}
        choices = [
            {"action": {"enum": [name]}, "arguments": _moved(each.parameters, _ARGUMENTS.format(place))}
            for place, (name, each) in enumerate(self.by_name.items())
        ]
        schema = _closed({"selection": {"anyOf": [_closed(each) for each in (*choices, nothing)]}})
        return {"type": "json_schema", "json_schema": {"name": "selection", "schema": schema}}

    @property
    def instructions(self) -> str:
        """What a model is told that has to write such a reply."""
        listed = "\n".join(described(name, action) for name, action in self.by_name.items())
        return (
            f"You may select one of these actions:\n{listed}\n{NO_ACTION}: {NO_ACTION_MEANS}\n\n"
            'Reply with JSON and nothing else: {"selection": {"action": NAME, "arguments": {...}}}, or '
            f'{{"selection": {{"action": "{NO_ACTION}", "reply": "what you say to the user"}}}}.'
        )

    def selection(self, calls: Sequence[tuple[object, object]], said: Completion) -> Selection:
        """Return what a reply selects that has these calls, each a name and its arguments, and says this besides.

        A call counts only if it is whole, the only one, and fits.
        """
        try:
            if not calls:
                return Selection(None, said.text, said.usage)
            if said.finish_reason in _CUT:
                raise NotACall(f"it was cut off, as the finish reason {said.finish_reason!r} says")
            if len(calls) > 1:
                raise NotACall(f"there are {len(calls)} at once")
            name, arguments = calls[0]
            action = self.by_name.get(name) if isinstance(name, str) else None
            if action is None:
                raise NotACall(f"there is no action {str(name)[:_LONGEST_NAME]!r}")
            return Selection(call_of(action, {} if arguments in ("", None) else arguments), said.text, said.usage)
        except NotACall as reason:
            told = f"{said.text}\n(This was no valid call: {reason}.)".strip()
            return Selection(None, told, said.usage, str(reason))

    def selection_in(self, said: Completion) -> Selection:
        """Return what a reply selects that was to be JSON in `response_format`; other words select nothing."""
        chosen = json_in(said.text)
        chosen = chosen.get("selection", chosen) if isinstance(chosen, Mapping) else None
        if not isinstance(chosen, Mapping) or "action" not in chosen:
            return self.selection([("", None)] if said.finish_reason in _CUT else [], said)
        if chosen["action"] == NO_ACTION:
            return self.selection([], replace(said, text=str(chosen.get("reply") or "")))
        return self.selection([(chosen["action"], chosen.get("arguments"))], replace(said, text=""))


def strictly(body: Mapping[str, object]) -> dict[str, Any]:
    """Return a request as OpenAI's API takes it: the `strict` in it stands with every schema that allows it."""
    made: dict[str, Any] = {key: value for key, value in body.items() if key != "strict"}
    if "strict" in body:
        if tools := made.get("tools"):
            made["tools"] = [{**tool, "function": _strict(tool["function"], "parameters")} for tool in tools]
        if format := made.get("response_format"):
            made["response_format"] = {**format, "json_schema": _strict(format["json_schema"], "schema")}
    return made


def _strict(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {**holder, "strict": True} if is_closed(holder[key]) else dict(holder)


def is_closed(schema: object) -> bool:
    """Tell whether strict APIs take a schema: every object in it requires all its properties and allows no others."""
    if isinstance(schema, Mapping):
        if "properties" in schema or schema.get("type") == "object":
            properties, required = schema.get("properties", {}), schema.get("required", [])
            if schema.get("additionalProperties") is not False or {*properties} != {*required}:
                return False
        return all(map(is_closed, schema.values()))
    return all(map(is_closed, schema)) if isinstance(schema, (list, tuple)) else True


def json_in(text: str) -> object:
    """Return what a reply says as JSON, fences around it left out; None if it is none."""
    fenced = _FENCED.search(text)
    for each in (text, *([fenced[1]] if fenced else [])):
        try:
            return loaded(each)
        except ValueError:
            continue
    return None


def together(*usages: Usage) -> Usage:
    """Return what several requests cost together; their seconds are not added up."""
    return Usage(
        sum(each.prompt_tokens for each in usages),
        sum(each.completion_tokens for each in usages),
        reasoning_tokens=sum(each.reasoning_tokens for each in usages),
    )


def described(name: str, action: ActionSchema) -> str:
    """Return an action in a line: its name, what it does, and its schema as JSON."""
    schema = json.dumps(dict(action.parameters), ensure_ascii=False)
    return f"{name}: {' '.join(action.description.split())} Arguments: {schema}"


def _function(name: str, action: ActionSchema) -> dict[str, Any]:
    return {"name": name, "description": action.description, "parameters": dict(action.parameters)}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _moved(schema: Any, place: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return a schema whose references within itself hold at `place` of another one."""
    if isinstance(schema, Mapping):
        moved = {key: _moved(value, place) for key, value in schema.items()}
        reference = schema.get("$ref")
        inner = isinstance(reference, str) and reference.startswith("#")
        return {**moved, "$ref": place + str(reference)[1:]} if inner else moved
    return [_moved(each, place) for each in schema] if isinstance(schema, (list, tuple)) else schema
