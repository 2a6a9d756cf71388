"""What HTTP bodies say, whoever sent them: compression that is not what the headers say, events of a stream, errors.

Liberal, because servers differ. Knows JSON and server-sent events; no request, no model.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

DONE = "[DONE]"
_GZIP = b"\x1f\x8b"
_PLAIN_BEGINNINGS = (b"{", b"[", b"<", b":", b"data:", b"event:", b"id:", b"retry:", b"\xef\xbb\xbf")
_MESSAGE_KEYS = tuple(
    "message msg Message detail details error errors error_message error_msg reason title description fault".split()
)
_BUSY = re.compile(r"overload|rate.?limit|too many requests|capacity|unavailable|time.?out|try again", re.IGNORECASE)
_DEEPEST = 8
_LONGEST_ERROR = 100_000  # characters
_MOST_TRIES = 50  # places of a page at which a JSON object may begin


@dataclass(frozen=True, slots=True)
class Fault:
    """An error that a body tells of: its message, and the HTTP status that it would have had (0: not known)."""

    message: str
    status: int = 0


# --- compression ------------------------------------------------------------------------------------


class _BodyBegun(httpx.SyncByteStream):
    """A body of which the first piece has been read already."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._first = first
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._rest


def unpacked(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body, decompressed as its first bytes tell, not as the header says. Raises what httpx raises."""
    if response.is_stream_consumed:  # a client's own transport has read it already
        yield from response.iter_bytes()
        return
    raw = response.iter_raw()
    first = b""
    while len(first) < len(_GZIP):
        piece = next(raw, None)
        if piece is None:
            break
        first += piece
    stated = response.headers.get("content-encoding", "").strip().lower()
    encoding = _encoding(first, stated)
    headers = {"Content-Encoding": encoding} if encoding else {}
    yield from httpx.Response(200, headers=headers, stream=_BodyBegun(first, raw)).iter_bytes()


def _encoding(first: bytes, stated: str) -> str:
    if first.startswith(_GZIP):
        return "gzip"
    if stated in ("gzip", "x-gzip") or first.lstrip().startswith(_PLAIN_BEGINNINGS) or not first.strip():
        return ""
    return stated


# --- texts --------------------------------------------------------------------------------------------


def decoded(data: bytes) -> str:
    """Return the text of a body, without a byte order mark; what is no text in its encoding becomes U+FFFD."""
    try:
        return data.decode(json.detect_encoding(data), "replace").strip("\ufeff\x00 \t\r\n")
    except UnicodeError:
        return data.decode("utf-8", "replace").strip()


def loaded(text: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return what JSON text stands for. Raises `ValueError`, also for what is nested too deeply."""
    try:
        return json.loads(text, strict=False)  # strict: a line break in a string would be an error
    except RecursionError:
        raise ValueError("nested too deeply") from None


def frames(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of each event of a stream (WHATWG HTML §9.2.6), `[DONE]` included.

    A line of data that is a whole JSON object is an event by itself, blank line or not. JSON that stands in no event,
    in one line or in several, is yielded as well: some servers answer a stream with a plain reply, or end it with a
    plain error. What is neither is yielded only if there is nothing else.
    """
    held: list[str] = []
    stray: list[str] = []
    bare = anything = False
    for line in _lines(pieces):
        text = line.decode("utf-8", "replace").strip("\ufeff\x00 \t")
        field, _, value = text.partition(":")
        ended = not text and not bare
        if bare or text.startswith(("{", "[", "<")):
            bare = bare or not held
            held.append(text)
        elif field == "data":
            held += filter(None, [_value(value)])
        elif field not in ("", "event", "id", "retry"):
            stray.append(text)
        if held and (ended or _whole(held)):
            yield "\n".join(held)
            held, bare, anything = [], False, True
    if held or (stray and not anything):
        yield "\n".join(held or stray)


def _value(text: str) -> str:
    while text.lstrip().startswith("data:"):  # a proxy that put the field's name before it once more
        text = text.lstrip().removeprefix("data:")
    return text.strip()


def _whole(lines: list[str]) -> bool:
    if lines == [DONE]:
        return True
    if not lines[-1].endswith("}"):
        return False
    try:
        return isinstance(loaded("\n".join(lines)), dict)
    except ValueError:
        return False


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends: LF, CR LF or CR; nothing else breaks a line."""
    rest = b""
    for piece in pieces:
        *lines, rest = re.split(rb"\r\n|\n|\r(?!\Z)", rest + piece)  # a last CR may be half of an end
        yield from lines
    yield from re.split(rb"\r\n|\n|\r", rest)


# --- errors -------------------------------------------------------------------------------------------


def fault_in(text: str) -> Fault | None:
    """Return the error that a body with status 200 tells of in the place of a result, None if it tells of none."""
    if len(text) > _LONGEST_ERROR:
        return None
    try:
        said = loaded(text)
    except ValueError:
        return None
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    return fault_of(said) if isinstance(said, dict) and not (said.get("choices") or said.get("data")) else None


def fault_of(said: Mapping[str, Any]) -> Fault | None:
    """Return the error in a JSON object, None if there is none, or only an empty one.

    >>> fault_of({"error": {"message": "overloaded", "code": 529}})
    Fault(message='overloaded', status=529)
    >>> fault_of({"choices": [], "error": None})
    """
    kind = str(said.get("object", said.get("type", ""))).lower()
    error = said if kind == "error" and not said.get("error") else said.get("error") or said.get("errors")
    if not error and not said.get("choices") and not said.get("data"):
        error = {key: said[key] for key in ("detail", "message", "msg") if isinstance(said.get(key), (str, list))}
    message = message_of(error) or _named(error, said)
    if not message:
        return None
    return Fault(message, _status(error) or _status(said) or (503 if _BUSY.search(_kinds(error)) else 0))


def _named(error: object, said: Mapping[str, Any]) -> str:
    """Return what can be said of an error without a message, "" if it is none: servers send `"error": {}` too."""
    if error is True:
        return message_of({key: value for key, value in said.items() if key != "error"}) or "no reason is given"
    if isinstance(error, Mapping) and not any(error.values()):
        return ""
    return json.dumps(error) if error else ""


def _status(value: object) -> int:
    """Return the HTTP status that an error names, 0 if it names none."""
    for key in ("code", "status", "status_code", "statusCode", "http_status"):
        number = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(number, bool) and str(number).isdecimal() and 400 <= int(str(number)) <= 599:
            return int(str(number))
    return 0


def _kinds(error: object) -> str:
    named = [error.get(key) for key in ("type", "code", "status")] if isinstance(error, Mapping) else []
    return " ".join(str(each) for each in named if each)


def reason(text: str) -> str:
    """Return the message of an error's body: of JSON, of JSON in a page, of a page, or the text as it is."""
    for said in _objects(text):
        message = message_of(said)
        if message:
            return " ".join(message.split())
    return _shown(text) or "(nothing)"


def message_of(value: object, depth: int = 0) -> str:
    """Return the message in an error that is a text, a list or an object, however nested; "" if there is none.

    >>> message_of({"detail": [{"loc": ["body", "logprobs"], "msg": "extra fields not permitted"}]})
    'body.logprobs: extra fields not permitted'
    """
    if isinstance(value, str):
        return value.strip()
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (message_of(each, depth + 1) for each in value[:5])))
    if not isinstance(value, Mapping):
        return ""
    message = next(filter(None, (message_of(value.get(key), depth + 1) for key in _MESSAGE_KEYS)), "")
    place = value.get("loc")
    return f"{'.'.join(map(str, place))}: {message}" if message and isinstance(place, list) else message


def _objects(text: str) -> Iterator[object]:
    """Yield the JSON value that `text` is, or those that stand in it."""
    try:
        yield loaded(text)
        return
    except ValueError:
        pass
    plain = html.unescape(text)
    decoder = json.JSONDecoder(strict=False)
    for place in [match.start() for match in re.finditer(r"\{", plain)][:_MOST_TRIES]:
        try:
            yield decoder.raw_decode(plain, place)[0]
        except (ValueError, RecursionError):
            continue


def _shown(text: str) -> str:
    """Return what a page says, its title first; other text as it is."""
    if not re.search(r"<\s*(?:!doctype|html|head|body|title|h1)\b", text, re.IGNORECASE):
        return " ".join(text.split())
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    body = re.sub(r"<(script|style|title)\b.*?</\1>", " ", text, flags=re.IGNORECASE | re.DOTALL)
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())
    named = " ".join(html.unescape(title[1]).split()) if title else ""
    return f"{named}: {words}" if named and words else named or words
