"""Headers of e-mail as people read them: subjects, people and days. Knows nothing of bodies.

    =?utf-8?q?Gr=C3=B6=C3=9Fe?=                      Größe                (RFC 2047)
    "Silva, Ana" <ana@acme.test>                     Silva, Ana <ana@acme.test>
    Fri, 31 May 24 10:00:00 -0500                    2024-05-31 10:00 -0500

The standard library's strict parser of headers (`email.policy.default`) fails on many that programs really write, so
they are taken as they stand and read here.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from quopri import decodestring

from groundtune.knowledge.readers._mail.charsets import text_of

_WORD = r"=\?[^?\s]{1,60}\?[BbQq]\?[^?\r\n]*\?="
_WORDS = re.compile(rf"{_WORD}(?:\s*{_WORD})*")  # the blanks between encoded words are none
_PARTS = re.compile(r"=\?(?P<charset>[^?*\s]*)(?:\*[^?\s]*)?\?(?P<how>[BbQq])\?(?P<text>[^?]*)\?=")
_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_COMMENT = re.compile(r"\(([^()]+)\)\s*$")
_NOBODY = re.compile(
    r"[\s:;,<>]*(?:undisclosed[- ]recipients?|recipient list not shown|unlisted-recipients)?[\s:;,]*$", re.I
)
_MOST_PEOPLE = 20_000  # characters of a header in which addresses are told apart; a longer one is taken as it is


@dataclass(frozen=True, slots=True)
class Sent:
    """When a message was sent: as people write it, the day ("" if the header is no date), and a number to sort by."""

    said: str = ""
    day: str = ""
    order: float | None = None


def header(message: Message, name: str) -> str:
    """Return a header of a message in one line, "" if it has none."""
    return _decoded(_raw(message, name))


def people(message: Message, name: str) -> list[str]:
    """Return those that a header names, each as `Name <address>`."""
    raw = ", ".join(filter(None, (_unfolded(value) for key, value in message.raw_items() if key.lower() == name)))
    pairs = _addresses(raw)
    if not pairs or not all("@" in address for _, address in pairs):
        whole = _decoded(raw)  # "ana at acme.test (Ana Silva)", as archives of mailing lists write it
        return [] if _NOBODY.match(whole) else [whole]
    named = [(" ".join(_decoded(who).split()), address) for who, address in pairs]
    return [f"{who} <{address}>" if who and who != address else address for who, address in named]


def _addresses(raw: str) -> list[tuple[str, str]]:
    if len(raw) > _MOST_PEOPLE or "@" not in raw:
        return []
    try:
        return [pair for pair in getaddresses([raw]) if any(pair)]
    except RecursionError:  # comments within comments
        return []


def short_name(person: str) -> str:
    """Return what to call one of `people`: the name, or else the address."""
    if comment := _COMMENT.search(person):
        return comment[1].strip()
    name, _, _ = person.partition(" <")
    return name.strip("\"' ") or person


def sent(message: Message, otherwise: str = "") -> Sent:
    """Return when a message was sent; `otherwise` is a date from elsewhere, as the line between two messages has it."""
    said = header(message, "date")
    for text in (said, otherwise, header(message, "received").rpartition(";")[2], header(message, "delivery-date")):
        if (moment := _moment(text)) is not None:
            zone = f" {moment:%z}" if moment.tzinfo is not None else ""
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return Sent(f"{moment:%Y-%m-%d %H:%M}{zone}", f"{moment:%Y-%m-%d}", aware.timestamp())
    return Sent(said)


def parameter(message: Message, name: str, of: str = "content-type") -> str:
    """Return a parameter of a header, "" if there is none or it cannot be read (RFC 2231)."""
    try:
        value = message.get_param(name, "", of)
        if isinstance(value, tuple):
            charset, _, quoted = value
            return text_of(quoted.encode("latin-1", "replace"), charset or "utf-8")
    except (TypeError, ValueError, LookupError, AttributeError, IndexError):
        return ""
    return " ".join(_decoded(str(value)).split())


def file_name(message: Message) -> str:
    """Return the name of an attachment, without folders."""
    name = parameter(message, "filename", "content-disposition") or parameter(message, "name")
    return re.split(r"[\\/]", name)[-1].strip(" .\0")


def content_type(message: Message) -> str:
    """Return the type of a part in small letters, as in "text/plain"."""
    try:
        return message.get_content_type()
    except (TypeError, ValueError, LookupError, AttributeError, IndexError):
        return "text/plain"


def disposition(message: Message) -> str:
    """Return "attachment", "inline" or what else a part says of how to show it."""
    return header(message, "content-disposition").partition(";")[0].strip().lower()


def _raw(message: Message, name: str) -> str:
    return next((_unfolded(value) for key, value in message.raw_items() if key.lower() == name), "")


def _unfolded(value: object) -> str:
    """Return the value of a header in one line; bytes that are not ASCII are read in the encoding that fits."""
    text = _FOLD.sub(" ", str(value))
    if text.isascii():
        return text.strip()
    return text_of(text.encode("ascii", "surrogateescape") if _escaped(text) else text.encode(), "utf-8").strip()


def _escaped(text: str) -> bool:
    return all(character < "\x80" or "\udc80" <= character <= "\udcff" for character in text)


def _decoded(text: str) -> str:
    """Return a header with its encoded words read; those side by side in one encoding are put together first."""
    return (
        " ".join(_WORDS.sub(lambda match: _joined(match[0]), text).split()) if "=?" in text else " ".join(text.split())
    )


def _joined(words: str) -> str:
    pieces: list[tuple[str, bytes]] = []
    for match in _PARTS.finditer(words):
        charset, data = match["charset"].lower(), _bytes_of(match["how"].lower(), match["text"])
        if pieces and pieces[-1][0] == charset:
            pieces[-1] = charset, pieces[-1][1] + data
        else:
            pieces.append((charset, data))
    return "".join(text_of(data, charset) for charset, data in pieces)


def _bytes_of(how: str, text: str) -> bytes:
    data = text.encode("latin-1", "replace")
    if how == "q":
        return decodestring(data.replace(b"_", b" "), header=False)
    try:
        bare = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
    except binascii.Error:
        return data


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text) if text.strip() else None
        return moment if moment is not None and moment.year > 1970 and moment.timestamp() else None
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
