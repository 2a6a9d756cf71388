"""From bytes to the parts of a message, also where its headers are broken. Knows nothing of what parts say.

The parser is the standard library's, with its lenient policy.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from quopri import decodestring

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._encodings import wide
from groundtune.knowledge.readers._mail.headers import header

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]|>?From ")
_NAMED = re.compile(rb"^[A-Za-z][A-Za-z0-9-]*:", re.MULTILINE)
_HEAD = re.compile(rb".*?(?:\r?\n[ \t]*\r?\n|\r[ \t]*\r|\Z)", re.DOTALL)
_MOST_HEAD = 2**20  # bytes of headers that are mended
_MOST_PARTS = 100_000
_COUNTED = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n(?=[!-9;-~]+:)")  # how Apple Mail's own files begin
_USUAL = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "received", "return-path")


def parsed(data: bytes, path: Path) -> Message:
    """Return a message. Raises `UnreadableDocument` if it has absurdly many parts, or too deep ones."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (name := wide(data)):
        name = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else name
        data = data.decode(name, "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if counted := _COUNTED.match(data):
        data = data[counted.end() : counted.end() + int(counted[1])]
    if data.count(b"\n--") > _MOST_PARTS and _parts(data) > _MOST_PARTS:
        raise UnreadableDocument(
            f"has more than {_MOST_PARTS:,} parts.",
            place=path,
            remedy="If you do not know where it is from, delete it.",
        )
    try:
        return message_from_bytes(_mended(data))
    except RecursionError:
        raise UnreadableDocument(
            "has parts that are nested too deeply.", place=path, remedy="Save the message again in a mail program."
        ) from None


def has_headers(message: Message) -> bool:
    """Tell whether a message has headers as e-mail does."""
    return any(header(message, name) for name in _USUAL)


def payload(part: Message) -> bytes:
    """Return the content of a part that has no parts itself."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def children(part: Message) -> list[Message]:
    """Return the parts of a part."""
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def message_within(part: Message, parse: Callable[[bytes], Message | None]) -> Message | None:
    """Return the message in a part of the type message/rfc822; `parse` reads one that is encoded against the rules."""
    inner = next(iter(children(part)), None)
    encoding = header(part, "content-transfer-encoding").lower()
    if inner is None or encoding not in ("base64", "quoted-printable") or has_headers(inner):
        return inner
    text = inner.get_payload()
    data = text.encode("ascii", "surrogateescape") if isinstance(text, str) else b""
    try:
        return parse(binascii.a2b_base64(data) if encoding == "base64" else decodestring(data))
    except binascii.Error:
        return inner


def _parts(data: bytes) -> int:
    """Return how many lines may separate parts: those that begin with the boundary that the headers name."""
    names = re.findall(rb"boundary\s*=\s*\"?([^\"\r\n;]{1,70})", data, re.IGNORECASE)[:_MOST_PARTS]
    return max((data.count(b"\n--" + name.strip()) for name in set(names[:100])), default=0)


def _mended(data: bytes) -> bytes:
    """Return a message whose headers go to the first blank line, whatever stands between them.

    The parser takes a line without a name for the beginning of the text.
    """
    match = _HEAD.match(data[:_MOST_HEAD])
    head = match[0] if match else b""
    lines = head.splitlines(keepends=True)
    if not lines or not _FIELD.match(lines[0]) or lines[0][:1] in b" \t":
        return data
    last = max((number for number, line in enumerate(lines) if _NAMED.match(line)), default=0)
    mended = [
        line if not line.strip() or _FIELD.match(line) or number > last else b" " + line
        for number, line in enumerate(lines)
    ]
    text = next((at for at in range(last + 1, len(lines)) if lines[at].strip() and not _FIELD.match(lines[at])), None)
    if text is not None:  # text follows the headers at once
        mended.insert(text, b"\n")
    return b"".join(mended) + data[len(head) :]
