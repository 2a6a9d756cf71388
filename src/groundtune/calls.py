"""Calls as somebody says them: one that fits its action's schema, or the reason why it is none.

Whoever makes an `ActionCall` of words that a model, a file or a person wrote does it here. Opens nothing: a schema that
refers to another address cannot be checked, and what cannot be checked is no call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from groundtune.values import ActionCall, ActionSchema

LONGEST_ARGUMENTS = 8_000
"""Characters of a call's arguments, as JSON."""
MOST_ACTIONS = 64
"""Actions that are offered to a model at once."""
DEEPEST = 32
"""Lists and objects within one another."""
_REASON = 200  # characters of why a schema is not met: it quotes the arguments


class NotACall(Exception):
    """Why something is no call, as a sentence without a capital and a full stop."""


def call_of(action: ActionSchema, arguments: object) -> ActionCall:
    """Return the call of `action` with these arguments: the text of a JSON object, or the object itself.

    Raises `NotACall` for what is longer than `LONGEST_ARGUMENTS` or deeper than `DEEPEST`, is no JSON (RFC 8259: no
    NaN, no Infinity, no lone surrogate), is no object, or does not fit the schema. Formats, as of dates and addresses,
    are part of the schema.
    """
    values = _plain(_loaded(arguments) if isinstance(arguments, str) else arguments)
    if not isinstance(values, dict):
        raise NotACall(f"the arguments of `{action.name}` are no JSON object")
    if _deeper(values, DEEPEST):
        raise NotACall(f"the arguments are nested more than {DEEPEST} deep")
    misfit = _misfit(action.parameters, values)
    if misfit:
        raise NotACall(f"the arguments of `{action.name}` do not fit its schema: {misfit}")
    return ActionCall(action.name, values)


def _loaded(text: str) -> object:
    if len(text) > LONGEST_ARGUMENTS:
        raise NotACall(f"the arguments have {len(text)} characters, more than {LONGEST_ARGUMENTS}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotACall(f"the arguments are no JSON ({error})") from None


def _plain(value: object) -> object:
    """Return the value as JSON gives it: lists for tuples, nothing shared."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()  # a lone surrogate has no encoding
    except (TypeError, ValueError, RecursionError) as error:
        raise NotACall(f"the arguments hold what JSON cannot ({str(error)[:_REASON]})") from None
    return _loaded(text)


def _deeper(value: object, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inside) and (levels == 0 or any(_deeper(each, levels - 1) for each in inside))


def _misfit(schema: Mapping[str, object], arguments: Mapping[str, object]) -> str:
    """Return what does not fit and where, "" if all does."""
    from jsonschema.exceptions import best_match

    try:
        error = best_match(_validator(json.dumps(schema)).iter_errors(arguments))
    except Exception as failure:  # a schema may come from anybody, and a bad one breaks the validator in many ways
        return f"it cannot be checked ({' '.join(str(failure).split())[:_REASON]})"
    return f"{error.message[:_REASON]} (at {error.json_path[:_REASON]})" if error else ""


@lru_cache(maxsize=512)
def _validator(schema: str) -> Any:  # noqa: ANN401 -- jsonschema is untyped
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry

    read = json.loads(schema)
    own = {"multipleOf": multiple_of, "pattern": _pattern}
    kind = validators.extend(validators.validator_for(read, default=Draft202012Validator), own)
    kind.check_schema(read)
    # the registry is empty: the default one would fetch what a schema names
    return kind(read, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


def multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    """Tell multiples in decimals for jsonschema, as people write them: 5.55 is one of 0.01, though not in binary."""
    from fractions import Fraction

    from jsonschema import ValidationError

    if validator.is_type(instance, "number") and Fraction(str(instance)) % Fraction(str(divisor)):
        yield ValidationError(f"{instance!r} is not a multiple of {divisor}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    """Look for a pattern in linear time: a stranger's may keep Python's own engine busy for ever. One that cannot be
    looked for in this way (with a look-ahead) raises."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _matches(pattern: str, text: str) -> bool:
    from pydantic_core import ValidationError

    try:
        _engine(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=512)
def _engine(pattern: str) -> Any:  # noqa: ANN401 -- a SchemaValidator
    from pydantic_core import SchemaValidator, core_schema

    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
