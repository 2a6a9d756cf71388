"""Passwords, keys and tokens: kept whole for those who connect, blank wherever they would be shown or written.

`Secret` is the type of settings that may hold one. `masked` blanks passwords in any text: those that stand in a
URL or beside a telling name, and those of every `Secret` that this process has read. Knows no setting by name.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

BLANK = "***"
_IN_URL = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:'\"]*:)(?P<secret>[^\s'\"]+)(?=@)")
_NAMED = re.compile(
    r"(?P<before>\b(?:password|passwd|pwd|token|secret|api[_-]?key|access[_-]?key|sslpassword)=)(?P<secret>[^\s&;'\"]+)",
    re.IGNORECASE,
)
_SHORTEST = 4  # shorter ones are blanked where they are told by their place only: "a" stands in every word
_known: set[str] = set()


class Secret:
    """A text that may hold a password. `str`, `repr` and JSON show it blanked; `reveal` gives all of it.

    >>> url = Secret("postgresql://ana:hunter2@db/records")
    >>> str(url), "hunter2" in repr(url), url.reveal()
    ('postgresql://ana:***@db/records', False, 'postgresql://ana:hunter2@db/records')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        for found in _secrets(text):
            _known.update(each for each in (found, unquote(found)) if len(each) >= _SHORTEST)

    def reveal(self) -> str:
        """Return the text as it was given: for those who connect, never to be shown."""
        return self._text

    def __str__(self) -> str:
        return masked(self._text)

    def __repr__(self) -> str:
        return f"Secret({masked(self._text)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Take a text or a `Secret`; give the blanked text."""
        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.union_schema(
            [core_schema.is_instance_schema(cls), from_text],
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )


def masked(text: str) -> str:
    """Return `text` with its passwords blanked.

    >>> masked("cannot reach https://ana:hunter2@host/v1?token=abc")
    'cannot reach https://ana:***@host/v1?token=***'
    """
    for pattern in (_IN_URL, _NAMED):
        text = pattern.sub(lambda found: f"{found['before']}{BLANK}", text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, BLANK)
    return text


def _secrets(text: str) -> list[str]:
    return [found["secret"] for pattern in (_IN_URL, _NAMED) for found in pattern.finditer(text)]
