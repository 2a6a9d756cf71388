"""Passwords, keys and tokens: kept whole for those who connect, blank wherever they would be shown or written.

`Secret` is the type of settings that hold nothing else, `SecretUrl` of addresses that may hold one among other
things. `without_passwords` blanks what a text itself shows to be a password: by its place in a URL or by the name
beside it. `masked` blanks besides what this process has read as a `Secret`; it is what errors and reports pass
through. Knows no setting by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, unquote_plus

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

BLANK = "***"
_SHORTEST = 4  # shorter ones are blanked where they are told by their place only: "a" stands in every word
_NAME = r"(?:pass(?:word|wd|phrase)?|pwd|token|secret|credentials?|(?:api|access|account|private|shared)[_-]?key)"
_QUOTED = r"""'(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?"""
_LONGEST = 1000  # characters of a password: what limits the time that a long text without one takes
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,30}://"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # scheme://user:SECRET@host, up to the last @, as a password may hold one
        rf"(?P<before>{_SCHEME}[^\s/:'\"]*:)(?P<secret>[^\s'\"]{{1,{_LONGEST}}})(?=@)",
        # https://TOKEN@host: a user without a password is a token there
        r"(?P<before>https?://)(?P<secret>[^\s/:@'\"]+)(?=@)",
        # user:SECRET@host without a scheme. Not openai:MODEL@URL, bedrock:MODEL:0@REGION or mailto:ana@example.com
        r"(?<![\w/.:%+-])(?P<before>(?!(?:openai|bedrock|mailto|e?-?mail|contact):)[\w.%+-]{1,64}:)"
        rf"(?P<secret>[^\s'\"/\\][^\s'\"]{{0,{_LONGEST}}})(?=@(?!\w+://)(?:localhost\b|\[|[\w-]+[.:/]\w))",
        # password=SECRET, in a query or in a list of keywords
        rf"(?P<before>{_NAME}\s*=\s*)(?P<secret>{_QUOTED}|[^\s&'\"]+)",
        # "password": "SECRET", as in JSON
        rf"(?P<before>{_NAME}['\"]\s*:\s*(?P<quote>['\"]))(?P<secret>(?:(?!(?P=quote))[^\\\n]|\\.)+)",
        r"(?P<before>[?&](?:key|sig|signature|auth|code)=)(?P<secret>[^\s&'\"]+)",
        r"(?P<before>\b(?:Bearer|Basic) )(?P<secret>(?=\S*\d)[\w.~+/=-]{12,})",
    )
)
# a keyword of libpq and its value, https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
_KEYWORD = re.compile(rf"{_NAME}\s*=\s*(?P<secret>{_QUOTED}|(?:\\.|\S)+)", re.IGNORECASE)
_known: set[str] = set()


class Secret:
    """A password, key or token. `str`, `repr` and JSON show it blanked; `reveal` gives all of it.

    >>> key = Secret("hunter2")
    >>> str(key), repr(key), key.reveal()
    ('***', "Secret('***')", 'hunter2')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        for secret in self._secrets():
            _known.update(_forms(secret))

    def reveal(self) -> str:
        """Return the text as it was given: for those who connect, never to be shown."""
        return self._text

    def _secrets(self) -> list[str]:
        return [self._text]

    def __str__(self) -> str:
        return BLANK if self._text else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Take a text or a `Secret`; give the blanked text."""
        from pydantic_core import core_schema

        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.union_schema(
            [core_schema.is_instance_schema(cls), from_text],
            custom_error_type="string_type",
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )


class SecretUrl(Secret):
    """An address that may hold a password: a URL, user:password@host, or keywords as libpq takes them.

    >>> url = SecretUrl("postgresql://ana:hunter2@db/records")
    >>> str(url), "hunter2" in repr(url), url.reveal()
    ('postgresql://ana:***@db/records', False, 'postgresql://ana:hunter2@db/records')
    """

    __slots__ = ()

    def _secrets(self) -> list[str]:
        pieces = _cut(self._text)
        shown = [secret for text, is_secret in pieces if not is_secret for secret in _passwords(text)]
        return [*(text for text, is_secret in pieces if is_secret), *shown]

    def __str__(self) -> str:
        pieces = _cut(self._text)
        return "".join(BLANK if is_secret else without_passwords(text) for text, is_secret in pieces if text)


def without_passwords(text: str) -> str:
    """Return `text` with the passwords blanked that it shows to be some; the same text gives the same at any time.

    >>> without_passwords("cannot reach https://ana:hunter2@host/v1?token=abc")
    'cannot reach https://ana:***@host/v1?token=***'
    """
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: f"{match['before']}{BLANK}", text)
    return text


def masked(text: str) -> str:
    """Return `text` with its passwords blanked, and with every secret that this process has read.

    >>> masked("password authentication failed: postgresql://ana:hunter2@db/records")
    'password authentication failed: postgresql://ana:***@db/records'
    """
    for secret in sorted(_known, key=len, reverse=True):
        if secret in text:
            text = re.sub(_whole(secret), BLANK, text)
    return without_passwords(text)


def remember(text: str) -> None:
    """Have `masked` blank, from now on, what `text` shows to be a password wherever it appears."""
    for secret in _passwords(text):
        _known.update(_forms(secret))


def _passwords(text: str) -> list[str]:
    return [match["secret"] for pattern in _PATTERNS for match in pattern.finditer(text)]


def _cut(address: str) -> list[tuple[str, bool]]:
    """Return the pieces of one address, and whether each is a secret: more is known of it than of any text."""
    scheme = address.find("://")
    keywords = list(_KEYWORD.finditer(address)) if scheme < 0 else []
    if keywords:
        starts = [0, *(match.end("secret") for match in keywords)]
        ends = [*(match.start("secret") for match in keywords), len(address)]
        shown = [(address[start:end], False) for start, end in zip(starts, ends, strict=True)]
        hidden = [(match["secret"], True) for match in keywords]
        return [piece for pair in zip(shown, [*hidden, ("", False)], strict=True) for piece in pair]
    begin, end = (0 if scheme < 0 else scheme + len("://")), address.rfind("@")
    colon = address.find(":", begin, max(begin, end))
    if end < begin or (colon < 0 and not address.lower().startswith("http")):
        return [(address, False)]
    start = begin if colon < 0 else colon + 1
    return [(address[:start], False), (address[start:end], True), (address[end:], False)]


def _forms(secret: str) -> Iterator[str]:
    """Yield what a secret may look like in a message: decoded, encoded, escaped, or cut at a sign that URLs use."""
    bare = secret[1:-1] if secret[:1] in ("'", '"') and secret[-1:] == secret[:1] and len(secret) > 1 else secret
    plain = {secret, bare, unquote(bare), unquote_plus(bare), re.sub(r"\\(.)", r"\1", bare)}
    whole = {*plain, *(quote(text, safe="") for text in plain), *(repr(text)[1:-1] for text in plain)}
    whole |= {json.dumps(text)[1:-1] for text in plain}
    pieces = {piece for text in whole for piece in re.split(r"[@:/?#\s]", text)}
    yield from (text for text in whole | pieces if len(text) >= _SHORTEST and set(text) != {"*"})


def _whole(secret: str) -> str:
    """Return a pattern for `secret` where it is no part of a longer word: "post" is not blanked in "postgresql"."""
    before = r"(?<![^\W_])" if secret[0].isalnum() else ""
    after = r"(?![^\W_])" if secret[-1].isalnum() else ""
    return f"{before}{re.escape(secret)}{after}"
