"""Whether arguments are what an action takes: fit for its schema, and JSON at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from groundtune.extras import not_installed
from groundtune.values import ActionSchema

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

LONGEST = 100_000
"""Characters of the arguments of a call, as JSON."""


def unfit(schema: ActionSchema, arguments: Mapping[str, object]) -> str:
    """Return why arguments are none for an action, in words for a log; empty if they are.

    Besides what does not fit the schema, these are numbers that JSON does not have (NaN, Infinity), halves of
    characters (U+D800), and more than `LONGEST` characters.
    """
    try:
        text = json.dumps(dict(arguments), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # a lone surrogate is a ValueError, too
        return f"they are not JSON ({type(error).__name__})"
    if len(text) > LONGEST:
        return f"they have {len(text):,} characters, more than {LONGEST:,}"
    errors = sorted(_validator(schema).iter_errors(json.loads(text)), key=lambda error: list(map(str, error.path)))
    return "; ".join(_told(error) for error in errors[:3])


def _validator(schema: ActionSchema) -> Validator:
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise not_installed("agents", "checking the arguments of actions", error) from None
    return cast("Validator", Draft202012Validator(dict(schema.parameters)))


def _told(error: Any) -> str:  # noqa: ANN401 -- a ValidationError
    where = ".".join(map(str, error.path))
    message = error.message if len(error.message) <= 200 else f"{error.message[:200]} …"
    return f"{where}: {message}" if where else message
