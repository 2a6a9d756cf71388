"""Calls as somebody says them: one that fits its action's schema, or the reason why it is none.

Whoever makes an `ActionCall` of words that a model, a file or a person wrote does it here, and whoever sends one holds
it against the same check. What was digested is what is sent: nothing is coerced, filled in or left out. Opens nothing:
a schema that refers to another address cannot be used, and what cannot be checked is no call.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from groundtune.secrets import masked
from groundtune.values import ActionCall, ActionSchema

LONGEST_ARGUMENTS = 8_000
"""Characters of a call's arguments, as JSON: whoever approves a call has to read them."""
MOST_ACTIONS = 64
"""Actions that are offered to a model at once."""
DEEPEST = 50
"""Lists and objects within one another, in values and in schemas."""
_REASON = 300  # characters: reasons quote arguments
_LARGEST = 10**400
_TEXT = re.compile(r"[^\ud800-\udfff]*")


class NotACall(Exception):
    """Why something is no call, as a sentence without a capital and a full stop."""


class NotASchema(Exception):
    """Why arguments cannot be held against a schema."""


def call_of(action: ActionSchema, arguments: object) -> ActionCall:
    """Return the call of `action` with these arguments: the text of a JSON object, or the object itself.

    Raises `NotACall` for what `plain` does not take, and for what does not fit the schema. Formats, as of dates and
    addresses, are part of the schema.
    """
    values = plain(_loaded(arguments) if isinstance(arguments, str) else arguments)
    misfit = _misfit(action.parameters, values)
    if misfit:
        raise NotACall(f"the arguments of `{action.name}` do not fit its schema: {misfit}")
    return ActionCall(action.name, values)


def plain(arguments: object) -> dict[str, Any]:
    """Return arguments as JSON has them, as an object of their own.

    Raises `NotACall` for what is no object, for more than `LONGEST_ARGUMENTS` characters, and for what `json_fault`
    names.
    """
    if not isinstance(arguments, Mapping):
        raise NotACall("the arguments are no JSON object")
    if fault := json_fault(arguments):
        raise NotACall(f"the arguments hold what JSON cannot: {fault}")
    made: dict[str, Any] = _loaded(json.dumps(arguments, ensure_ascii=False, default=dict))  # a mapping may be no dict
    return made


def json_fault(value: object, depth: int = 0) -> str:
    """Return what of a value JSON does not have, "" if it has all: no NaN, no infinity, no lone surrogate (RFC 8259 and
    RFC 7493), no keys but texts; and what is nested more than `DEEPEST`."""
    if depth > DEEPEST:
        return f"it is nested more than {DEEPEST} deep"
    if isinstance(value, Mapping):
        return next(filter(None, (_key_fault(key) or json_fault(value[key], depth + 1) for key in value)), "")
    if isinstance(value, list):
        return next(filter(None, (json_fault(each, depth + 1) for each in value)), "")
    if isinstance(value, str):
        return "" if _TEXT.fullmatch(value) else "a text has half a character (a lone surrogate)"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is no number of JSON"
    if isinstance(value, int):
        return "" if abs(value) < _LARGEST else "a number has too many digits"
    return "" if value is None else f"{type(value).__name__} is nothing that JSON has"


def _key_fault(key: object) -> str:
    return json_fault(key) if isinstance(key, str) else f"{shortened(key)!r} is a key, and no text"


def shortened(reason: object) -> str:
    """Return a reason on one line, without passwords and not too long."""
    text = masked(" ".join(str(reason).split()))
    return text if len(text) <= _REASON else f"{text[:_REASON]}…"


def _loaded(text: str) -> Any:  # noqa: ANN401 -- whatever JSON is
    if len(text) > LONGEST_ARGUMENTS:
        raise NotACall(f"the arguments have {len(text)} characters, more than {LONGEST_ARGUMENTS}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotACall(f"the arguments are no JSON ({shortened(error)})") from None


# --- schemas ------------------------------------------------------------------------------------------


def check_schema(schema: Mapping[str, object]) -> None:
    """Raise `NotASchema` for what is no JSON Schema, refers to something outside of itself, or has a pattern that
    cannot be looked for in linear time (with a look-ahead, or a reference back)."""
    _validator(_text_of(schema))


def _misfit(schema: Mapping[str, object], arguments: Mapping[str, object]) -> str:
    """Return what does not fit and where, "" if all does."""
    from jsonschema.exceptions import best_match

    try:
        error = best_match(_validator(_text_of(schema)).iter_errors(arguments))
    except Exception as failure:  # a schema may come from anybody, and a bad one breaks the validator in many ways
        return f"it cannot be checked ({shortened(failure)})"
    return f"{shortened(error.message)} (at {shortened(error.json_path)})" if error else ""


def _text_of(schema: Mapping[str, object]) -> str:
    try:
        return json.dumps(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotASchema(f"it is no JSON ({shortened(error)})") from None


@lru_cache(maxsize=1000)
def _validator(schema: str) -> Any:  # noqa: ANN401 -- jsonschema is untyped
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError, validators
    from referencing import Registry

    read = json.loads(schema)
    for name, value in _keywords(read, 0):
        if name in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise NotASchema(f"it refers to {shortened(value)}, outside of itself")
        if name == "unevaluatedProperties" and '"patternProperties"' in schema:
            raise NotASchema("it has both `unevaluatedProperties` and `patternProperties`")  # looked for by `re`
        if name == "pattern" and isinstance(value, str):
            _engine(value)
        for pattern in value if name == "patternProperties" and isinstance(value, dict) else ():
            _engine(pattern)
    kind = validators.validator_for(read, default=Draft202012Validator)
    try:
        kind.check_schema(read, FormatChecker(formats=()))  # patterns are those of another engine than `re`
    except SchemaError as error:
        raise NotASchema(f"it is no JSON Schema: {shortened(error.message)}") from None
    own = {"multipleOf": _multiple_of, "pattern": _pattern, "patternProperties": _pattern_properties}
    others = {"additionalProperties": _additional_properties(kind.VALIDATORS["additionalProperties"])}
    # the registry is empty: the default one would fetch what a schema names
    return validators.extend(kind, {**own, **others})(read, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


def _keywords(value: object, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the names and values in a schema, wherever they stand."""
    if depth > DEEPEST:
        raise NotASchema("it is nested too deeply")
    if isinstance(value, dict):
        yield from value.items()
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keywords(each, depth + 1)


def _multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    """Tell multiples in decimals for jsonschema, as people write them: 5.55 is one of 0.01, though not in binary."""
    from fractions import Fraction

    from jsonschema import ValidationError

    if validator.is_type(instance, "number") and Fraction(str(instance)) % Fraction(str(divisor)):
        yield ValidationError(f"{instance!r} is not a multiple of {divisor}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    for pattern, inner in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(theirs: Any) -> Any:  # noqa: ANN401
    """Return jsonschema's own check, which is shown no properties that match a pattern: it would look for them."""

    def check(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
        patterns = schema.get("patternProperties", {})
        if patterns and isinstance(instance, dict):
            schema = {name: value for name, value in schema.items() if name != "patternProperties"}
            instance = {
                name: value for name, value in instance.items() if not any(_matches(each, name) for each in patterns)
            }
        yield from theirs(validator, inner, instance, schema)

    return check


def _matches(pattern: str, text: str) -> bool:
    from pydantic_core import ValidationError

    try:
        _engine(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=1000)
def _engine(pattern: str) -> Any:  # noqa: ANN401 -- a SchemaValidator
    """Return what looks for a pattern in linear time: a stranger's may keep Python's own engine busy for ever."""
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        why = shortened(str(error).splitlines()[-1].removeprefix("error: "))
        raise NotASchema(f"its pattern {shortened(pattern)!r} cannot be looked for: {why}") from None
