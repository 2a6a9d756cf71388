"""Mailboxes (mbox): where each message is, in the order of their dates. Reads a line at a time, and holds no message.

    From ana@acme.test Fri May 31 10:00:00 2024        begins a message, if headers follow
    >From here on ...                                  is text that begins with "From "

The standard library's `mailbox.mbox` takes every line that begins with "From " for the beginning of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import BinaryIO

from groundtune.knowledge.readers._mail.headers import Sent, header, sent

_DATE = rb"\d{1,2}:\d{2}(?::\d{2})?\b.*\b\d{4}\b|\b\d{4}\b.*\d{1,2}:\d{2}"
_SEPARATOR = re.compile(rb"From (?P<rest>.{0,500})")
_DATED = re.compile(_DATE)
_FIELD = re.compile(rb"(?:[!-9;-~]{1,100}[ \t]*:|>From )")
_USUAL = re.compile(
    rb"(?:from|to|cc|subject|date|received|return-path|message-id|mime-version|delivered-to|status|x-[\w-]+|content-type"
    rb"|reply-to|sender|envelope-to|dkim-signature|authentication-results|arc-[\w-]+)[ \t]*:",
    re.IGNORECASE,
)
_STUFFED = re.compile(rb"^>(>*From )", re.MULTILINE)
_DAY = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b[^\n]*")
_MOST_HEADERS = 2**18  # bytes that are looked at for a date
_LONGEST = 2**16  # bytes of a line that are looked at
_EXPUNGED = 0x0008  # Mozilla's flag of a message that is deleted and still in the file


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in a mailbox: where it begins and ends, in bytes, and what its headers say at once."""

    start: int
    end: int
    sent: Sent
    key: tuple[str, str, str]  # the same for copies of one message: its id, sender and date; all empty without an id
    deleted: bool = False
    internal: bool = False  # what a server keeps for itself


def stored(file: BinaryIO) -> list[Stored]:
    """Return the messages of a mailbox in the order of their dates; one without a date stays behind the one before."""
    messages = list(_each(file))
    order, last = [], float("-inf")
    for message in messages:
        last = message.sent.order if message.sent.order is not None else last
        order.append(last)
    return [message for _, _, message in sorted(zip(order, range(len(order)), messages, strict=True))]


def unstuffed(data: bytes) -> bytes:
    """Return a message without the signs that keep its lines from beginning another one."""
    return _STUFFED.sub(rb"\1", data)


def _each(file: BinaryIO) -> Iterator[Stored]:
    start, envelope, before = -1, b"", b""
    head: list[bytes] = []  # of the message that is being read, while its headers last
    in_head, size = False, 0
    line, place = file.readline(), 0
    while line:
        following = file.readline()
        bare = line if place else line.removeprefix(b"\xef\xbb\xbf")
        if bare.startswith(b"From ") and _begins(bare[:_LONGEST], following[:_LONGEST], before):
            if start >= 0:
                yield _stored(start, place, envelope, head)
            start, envelope, head, in_head, size = place + len(line), line, [], True, 0
        elif in_head and start >= 0:
            in_head = bool(line.strip()) and size < _MOST_HEADERS
            size += len(line)
            head.append(line)
        before, place, line = line[:_LONGEST], place + len(line), following
    if start >= 0:
        yield _stored(start, place, envelope, head)


def _begins(line: bytes, following: bytes, before: bytes) -> bool:
    """Tell whether `line` begins a message: with a date, or after a blank line, and with a header behind it."""
    match = _SEPARATOR.match(line)
    if match is None or not _FIELD.match(following):
        return False
    return bool(_DATED.search(match["rest"])) or (not before.strip() and bool(_USUAL.match(following)))


def _stored(start: int, end: int, envelope: bytes, head: list[bytes]) -> Stored:
    message: Message = BytesHeaderParser().parsebytes(b"".join(head))
    date = _DAY.search(envelope.decode("ascii", "replace"))
    moment = sent(message, otherwise=date[0].strip() if date else "")
    identifier = header(message, "message-id")
    key = (identifier, header(message, "from"), header(message, "date")) if identifier else ("", "", "")
    internal = bool(header(message, "x-imap")) and header(message, "subject").upper().startswith("DON'T DELETE")
    return Stored(start, end, moment, key, _is_deleted(message), internal)


def _is_deleted(message: Message) -> bool:
    """Tell whether a mail program has deleted a message and left it in the file."""
    status = header(message, "x-mozilla-status")
    flags = int(status, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", status) else 0
    return bool(flags & _EXPUNGED) or "D" in header(message, "x-status")
