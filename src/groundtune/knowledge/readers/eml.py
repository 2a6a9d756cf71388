"""E-mail: messages (.eml, and .emlx of Apple Mail), mailboxes (.mbox), and pages saved as messages (.mht, .mhtml).

    Subject: Router broken              Router broken
    From: Ana Silva <ana@acme.test>     From: Ana Silva <ana@acme.test>
    ...                                 Date: 2024-05-31 10:00 -0500
    The light is off.                   The light is off.

A mailbox is one document: each message is a part of it, in the order of their dates, and what one quotes of another
before it is left out. Attachments are read by the readers of their kinds. Knows what a file is, not what is in parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded_bytes
from groundtune.knowledge.readers._mail.archive import page_of
from groundtune.knowledge.readers._mail.headers import header, people, sent, short_name
from groundtune.knowledge.readers._mail.mailbox import Stored, stored, unstuffed
from groundtune.knowledge.readers._mail.parse import has_headers, parsed
from groundtune.knowledge.readers._mail.quotes import Quotes
from groundtune.knowledge.readers._mail.text import MailText
from groundtune.values import PlainText

_PAGES = (".mht", ".mhtml")
_REPEATED = "messages that are there twice"
_INTERNAL = "what the mail server keeps for itself"


class MailReader:
    """Reads messages, mailboxes and saved pages."""

    suffixes = (".eml", ".emlx", ".mbox", *_PAGES)

    def read(self, path: Path) -> PlainText:
        """Return the messages of a file; the title is the subject, or made of the file's name.

        Raises `UnreadableDocument` if the file is no e-mail, or all of it is encrypted.
        """
        if path.suffix.lower() == ".mbox":
            with path.open("rb") as file:
                if places := stored(file):
                    return _mailbox(path, file, places)
        message = parsed(path.read_bytes(), path)
        if not has_headers(message):
            return _without_headers(path)
        if path.suffix.lower() in _PAGES and (page := page_of(message, path)) is not None:
            return page
        return _message(message, path)


def _message(message: Message, path: Path) -> PlainText:
    builder = TextBuilder()
    subject = header(message, "subject")
    text = MailText(builder, path)
    text.message(message, subject)
    notes = text.notes()
    if text.encrypted and not text.read_bodies:
        raise UnreadableDocument(
            "is encrypted.", place=path, remedy="Open it in your mail program and save it there without encryption."
        )
    metadata = described(
        title=subject,
        author=", ".join(people(message, "from")),
        to=", ".join(people(message, "to")),
        cc=", ".join(people(message, "cc")),
        date=sent(message).day or sent(message).said,
    )
    return builder.plain(title=subject or name_of(path), metadata=metadata, notes=notes)


def _without_headers(path: Path) -> PlainText:
    """Return a file that has no headers as text."""
    source = decoded_bytes(path.read_bytes(), path)
    note = "It has no headers as e-mail has, and is read as text."
    return PlainText(source.text.strip(), name_of(path), left_out=source.left_out.all(), notes=(note, *source.notes))


def _mailbox(path: Path, file: BinaryIO, places: Sequence[Stored]) -> PlainText:
    builder = TextBuilder()
    text = MailText(builder, path, Quotes())
    seen: set[tuple[str, str, str]] = set()
    if _text_before(file, min(place.start for place in places)):
        builder.left_out.add("unreadable part", detail="text before the first message")
    for place in places:
        if place.internal:
            builder.left_out.add("front matter", detail=_INTERNAL)
        elif place.deleted:
            builder.left_out.add("deleted text", detail="messages that the mail program marks as deleted")
        elif any(place.key) and place.key in seen:
            builder.left_out.add("repeated text", detail=_REPEATED)
        else:
            seen.add(place.key)
            file.seek(place.start)
            try:
                message = parsed(unstuffed(file.read(place.end - place.start)), path)
            except UnreadableDocument as error:
                builder.left_out.add("unreadable part", detail=f"a message that {error.message}")
                continue
            text.message(message, _heading(message, place))
    return builder.plain(title=name_of(path), notes=text.notes())


def _text_before(file: BinaryIO, start: int) -> bool:
    """Tell whether anything stands before the line that begins the first message, whose headers begin at `start`."""
    file.seek(0)
    lines = file.read(start).rstrip(b"\r\n").rpartition(b"\n")[0]
    return bool(lines.removeprefix(b"\xef\xbb\xbf").strip())


def _heading(message: Message, place: Stored) -> str:
    """Return "Router broken (ana@acme.test, 2024-05-31)"."""
    said = [*map(short_name, people(message, "from")[:1]), place.sent.day]
    told = ", ".join(filter(None, said))
    return f"{header(message, 'subject') or 'No subject'}{f' ({told})' if told else ''}"


def groundtune_reader() -> MailReader:
    """Hook of `readers`."""
    return MailReader()
