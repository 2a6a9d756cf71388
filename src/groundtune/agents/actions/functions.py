"""Actions from annotated Python functions.

    @action(reach="read", trusted=True)
    def open_bills(account: str) -> list[Bill]:
        \"\"\"List the bills of an account that are not paid.\"\"\"

The schema comes from annotations and docstring. A parameter of type `Actor` and one called `key` are filled in by
groundtune: no model is told of them. Knows no settings.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, core_schema, to_jsonable_python

from groundtune.calls import NotACall, json_fault, plain, shortened
from groundtune.values import ActionResult, ActionSchema, Actor, Reach, digest

KEY, REFERENCE = "key", "reference"
_PREFIX = "of_"  # parameters may be called like methods of pydantic's models


class ActionRefused(Exception):
    """Raised by the function of an action that changed nothing, with the reason."""


def action(
    *,
    reach: Reach = "write",
    trusted: bool = False,
    look_up: Callable[..., object] | None = None,
    undo: Callable[..., object] | None = None,
    give_up: Callable[..., object] | None = None,
) -> Callable[[Callable[..., object]], FunctionAction]:
    """Make an action of a function. It is called by keyword, with what its annotations say.

    What it returns is the value; it raises `ActionRefused` where it changed nothing, and may return an `ActionResult`
    with the `reference` by which `undo` takes it back. Whatever else a "write" raises leaves its effect unknown.

    `look_up`, `undo` and `give_up` may take the same arguments, `key`, an `Actor`, and `undo` the `reference`.
    `look_up` returns what is known of the call, None if it never came. `give_up` sees to it that a call with this key
    takes no effect any more, and returns None; what is known of the call if it took effect before. Raises `TypeError`
    for a function that cannot be described.
    """

    def made(function: Callable[..., object]) -> FunctionAction:
        return FunctionAction.of(function, reach, trusted, FunctionHelpers(look_up, undo, give_up))

    return made


@dataclass(frozen=True, slots=True)
class FunctionHelpers:
    """The functions that go with the one of an action: they look a call up, take it back, and give it up."""

    finder: Callable[..., object] | None = None
    undoer: Callable[..., object] | None = None
    stopper: Callable[..., object] | None = None


@dataclass(frozen=True, slots=True)
class FunctionAction:
    """A function as an action; calling it calls the function. `testing.actions` has its contract."""

    function: Callable[..., object]
    schema: ActionSchema
    reach: Reach
    trusted: bool
    helpers: FunctionHelpers
    _model: type[BaseModel] = field(repr=False, compare=False)
    _filled: Mapping[str, object] = field(repr=False, compare=False)

    @classmethod
    def of(
        cls, function: Callable[..., object], reach: Reach, trusted: bool, helpers: FunctionHelpers
    ) -> FunctionAction:
        """Return the action of a function. Raises `TypeError` if it cannot be described."""
        described, filled = _parameters(function)
        try:
            model = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **described)
            parameters = model.model_json_schema(schema_generator=_WithoutTitles)
        except PydanticUserError as error:
            raise TypeError(f"{function.__qualname__}: {error.message}") from None
        schema = ActionSchema(function.__name__, inspect.getdoc(function) or "", parameters)
        names = {name.removeprefix(_PREFIX) for name in described}
        for helper in filter(None, (helpers.finder, helpers.undoer, helpers.stopper)):
            _check_helper(helper, {*names, KEY, REFERENCE})
        return cls(function, schema, reach, trusted, helpers, model, filled)

    def __call__(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 -- whatever the function takes and returns
        """Call the function itself."""
        return self.function(*given, **named)

    @property
    def signature(self) -> str:
        """A hash of name, schema and the function's place."""
        parameters = json.dumps(self.schema.parameters, sort_keys=True)
        place = f"{self.function.__module__}:{self.function.__qualname__}"
        return digest(self.schema.name, self.schema.description, parameters, place)

    def fault(self, arguments: Mapping[str, object], actor: Actor, key: str) -> str:
        """Return why arguments are refused before anything runs; see `Action.fault`."""
        try:
            self._values(arguments)
        except NotACall as error:
            return str(error)
        return ""

    def perform(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Call the function once; see `Action.perform`."""
        try:
            values = self._values(arguments)
        except NotACall as error:
            return ActionResult("refused", reason=str(error))
        filled = {name: actor if kind is Actor else key for name, kind in self._filled.items()}
        result = self._called(self.function, {**values, **filled})
        if result.outcome == "unknown" and self.reach == "read":
            return ActionResult("refused", reason=result.reason)
        return result

    def look_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Ask the function for it, if there is one; see `Action.look_up`."""
        if self.helpers.finder is None:
            return ActionResult("unknown", reason="the action has no way to look up what became of a call")
        result = self._helped(self.helpers.finder, arguments, actor, {KEY: key})
        if result.outcome == "done" and result.value is None and not result.reason:
            return ActionResult("refused", reason="the back-end knows of no such call")
        return result

    def give_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Call the function for it, if there is one; see `Action.give_up`."""
        if self.helpers.stopper is None:
            return ActionResult("unknown", reason="the action has no way to give up a call")
        result = self._helped(self.helpers.stopper, arguments, actor, {KEY: key})
        if result.outcome == "done" and result.value is None and not result.reason:
            return ActionResult("refused", reason="it took no effect, and takes none any more")
        return result if result.outcome == "done" else replace(result, outcome="unknown")

    def undo(self, arguments: Mapping[str, object], actor: Actor, reference: str, key: str) -> ActionResult:
        """Call the function for it, if there is one; see `Action.undo`."""
        if self.helpers.undoer is None:
            return ActionResult("refused", reason="the action has no way to undo it")
        return self._helped(self.helpers.undoer, arguments, actor, {KEY: key, REFERENCE: reference})

    def _helped(
        self, helper: Callable[..., object], arguments: Mapping[str, object], actor: Actor, more: Mapping[str, str]
    ) -> ActionResult:
        try:
            values = {**self._values(arguments), **more}
        except NotACall as error:
            return ActionResult("refused", reason=str(error))
        kinds = _kinds(helper)
        taken = {name: actor if kinds.get(name) is Actor else values.get(name) for name in _named(helper)}
        return self._called(helper, taken)

    def _values(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return the arguments as the function's annotations have them. Raises `NotACall`."""
        text = json.dumps(plain(arguments))
        try:
            model = self._model.model_validate_json(text, strict=True, extra="forbid")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise NotACall(shortened(f"`{place}`: {first['msg']}")) from None
        return {name.removeprefix(_PREFIX): getattr(model, name) for name in type(model).model_fields}

    @staticmethod
    def _called(function: Callable[..., object], given: Mapping[str, object]) -> ActionResult:
        try:
            returned = function(**given)
        except ActionRefused as refused:
            return ActionResult("refused", reason=shortened(refused))
        except Exception as error:  # whatever it is, nobody knows what it had done by then
            return ActionResult("unknown", reason=shortened(f"{type(error).__name__}: {error}"))
        result = returned if isinstance(returned, ActionResult) else ActionResult("done", returned)
        try:
            value = to_jsonable_python(result.value)
            fault = json_fault(value)
        except (PydanticSerializationError, ValueError) as error:
            value, fault = None, str(error)
        if fault:
            reason = shortened(f"what it returned is no JSON: {fault}")
            return ActionResult(result.outcome, None, result.reference, f"{result.reason} {reason}".strip())
        return ActionResult(result.outcome, value, result.reference, result.reason)


class _WithoutTitles(GenerateJsonSchema):
    """Schemas without pydantic's titles, which repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 -- three kinds of pydantic's
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        made = super().model_schema(schema)
        made.pop("title", None)
        return made


def _parameters(function: Callable[..., object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields that the schema has, and the kinds of those that groundtune fills in."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"{function.__qualname__} must be a plain function: it is called once and returns")
    kinds = _kinds(function)
    described: dict[str, Any] = {}
    filled: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__qualname__}: `{parameter}` has no name by which it can be given")
        if name not in kinds:
            raise TypeError(f"{function.__qualname__}: `{name}` has no annotation")
        if kinds[name] is Actor or name == KEY:
            filled[name] = kinds[name]
        else:
            default = ... if parameter.default is parameter.empty else parameter.default
            described[_PREFIX + name] = (kinds[name], Field(default, alias=name))
    return described, filled


def _kinds(function: Callable[..., object]) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


def _named(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _check_helper(helper: Callable[..., object], known: set[str]) -> None:
    kinds = _kinds(helper)
    for name in _named(helper):
        if name not in known and kinds.get(name) is not Actor:
            raise TypeError(f"{helper.__qualname__}: nothing is known to fill in `{name}`; known are {sorted(known)}")
