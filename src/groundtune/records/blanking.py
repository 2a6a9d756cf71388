"""Passwords blanked in what the records hold as JSON, string by string, so that it stays JSON.

Knows JSON and `secrets.masked`; no table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar, cast

from groundtune.secrets import masked

Json = TypeVar("Json")


def blanked(value: Json) -> Json:
    """Return a JSON value with the passwords in its strings blanked; keys stay as they are.

    >>> blanked({"url": {"value": "postgresql://ana:hunter2@db/x", "origin": "file"}, "n": [1, None]})
    {'url': {'value': 'postgresql://ana:***@db/x', 'origin': 'file'}, 'n': [1, None]}
    """
    return cast("Json", _blanked(value))


def _blanked(value: object) -> object:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: _blanked(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_blanked(held) for held in value]
    return value


def blanked_json(text: str) -> str:
    """Return JSON text with its passwords blanked; the same text, to the letter, where there is none."""
    try:
        value = json.loads(text)
    except ValueError:  # no JSON, whoever wrote it: what it shows is blanked all the same
        return masked(text)
    blank = blanked(value)
    return text if blank == value else json.dumps(blank, ensure_ascii=False)
