"""Arguments before anything runs: they must be JSON and fit the schema of their action.

What was digested is what is sent: nothing is coerced, filled in or left out. Knows no back-end.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from groundtune.calls import multiple_of
from groundtune.extras import not_installed
from groundtune.secrets import masked
from groundtune.values import ActionCall

LONGEST = 100_000
"""Characters of all arguments together, as JSON."""
_REASON = 300  # characters
_DEEPEST = 50
_LARGEST = 10**400
_TEXT = re.compile(r"[^\ud800-\udfff]*")


class NotArguments(Exception):
    """Why arguments are none that the action takes."""


class NotASchema(Exception):
    """Why a schema cannot be used."""


def plain(action: str, arguments: object) -> dict[str, Any]:
    """Return arguments as JSON has them, as objects of their own.

    Raises `NotArguments` for what JSON does not have (NaN, infinity, lone surrogates, keys that are no text, other
    objects), for what refers to itself, and for more than `LONGEST` characters.
    """
    if not isinstance(arguments, Mapping):
        raise NotArguments("arguments are no object")
    checked(arguments)
    text = ActionCall(action, arguments).text
    if len(text) > LONGEST:
        raise NotArguments(f"arguments have {len(text)} characters; at most {LONGEST} are taken")
    made: dict[str, Any] = json.loads(text)["arguments"]
    return made


def checked(value: object, depth: int = 0) -> None:
    """Raise `NotArguments` for what JSON does not have, and for what is nested too deeply."""
    if depth > _DEEPEST:
        raise NotArguments("it is nested too deeply")
    if isinstance(value, Mapping):
        for key, each in value.items():
            if not isinstance(key, str):
                raise NotArguments(f"{shortened(key)!r} is a key, and no text")
            checked(key)
            checked(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            checked(each, depth + 1)
    elif isinstance(value, str):
        if not _TEXT.fullmatch(value):
            raise NotArguments("a text has half a character (a lone surrogate)")
    elif isinstance(value, float) and not math.isfinite(value):
        raise NotArguments(f"{value} is no number of JSON")
    elif not (value is None or isinstance(value, int | float)):
        raise NotArguments(f"{type(value).__name__} is nothing that JSON has")
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        raise NotArguments("a number has too many digits")


def shortened(reason: object) -> str:
    """Return a reason on one line, without passwords and not too long."""
    text = masked(" ".join(str(reason).split()))
    return text if len(text) <= _REASON else f"{text[:_REASON]}…"


class SchemaCheck:
    """A JSON Schema that arguments are held against. Nothing is fetched.

    With `patterns`, regular expressions are held against text, too: not those of strangers, which may take for ever.
    Raises `NotASchema`.
    """

    def __init__(self, schema: Mapping[str, object], *, patterns: bool = True) -> None:
        try:
            from jsonschema import Draft202012Validator, SchemaError, validators
            from referencing import Registry
        except ImportError as error:
            raise not_installed("agents", "checking arguments", error) from None

        for name, value in _keywords(schema, 0):
            if name in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
                raise NotASchema(f"it refers to {shortened(value)}, outside of itself")
            if name == "pattern" and isinstance(value, str) and patterns:
                _compile(value)
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise NotASchema(f"it is no JSON Schema: {shortened(error.message)}") from None
        own = {"multipleOf": multiple_of} if patterns else {"multipleOf": multiple_of, "pattern": _nothing}
        kind = validators.extend(Draft202012Validator, own)
        self._validator = kind(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)

    def check(self, arguments: Mapping[str, object]) -> None:
        """Raise `NotArguments` unless they fit."""
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        try:
            fault = best_match(self._validator.iter_errors(arguments))
        except (Unresolvable, RecursionError) as error:
            raise NotArguments(f"the schema cannot be applied: {shortened(error)}") from None
        if fault is not None:
            place = ".".join(map(str, fault.absolute_path))
            raise NotArguments(shortened(f"`{place}`: {fault.message}" if place else fault.message))


def check(schema: Mapping[str, object], arguments: Mapping[str, object], *, patterns: bool = True) -> None:
    """Raise `NotArguments` unless arguments fit a schema; see `SchemaCheck`, which is made once for each schema."""
    _check_of(json.dumps(schema, sort_keys=True), patterns).check(arguments)


@lru_cache(1000)
def _check_of(schema: str, patterns: bool) -> SchemaCheck:
    return SchemaCheck(json.loads(schema), patterns=patterns)


def _keywords(value: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield the names and values in a schema, wherever they stand."""
    if depth > _DEEPEST:
        raise NotASchema("it is nested too deeply")
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name, each
            yield from _keywords(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _keywords(each, depth + 1)


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise NotASchema(f"its pattern {shortened(pattern)!r} is no regular expression here: {error}") from None


def _nothing(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    yield from ()
