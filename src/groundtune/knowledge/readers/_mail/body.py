"""The text of one part of a message: decoded, with its paragraphs whole, pages through the reader of HTML.

Knows nothing of other parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.message import Message

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._decoding import Decoded
from groundtune.knowledge.readers._encodings import codec, name_of_codec
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._mail.charsets import decoded_part
from groundtune.knowledge.readers._mail.headers import content_type, disposition, parameter
from groundtune.knowledge.readers._mail.parse import children, payload
from groundtune.knowledge.readers._mail.plain import enriched, plain_body, unfolded
from groundtune.knowledge.readers.html import declared_encoding, page_text
from groundtune.values import PlainText

PAGES, TEXTS = ("text/html", "application/xhtml+xml"), ("text/plain", "text/enriched", "text/richtext")
_BEGINNING = 65_536  # bytes in which a page names its encoding


@dataclass(frozen=True, slots=True)
class MailBody:
    """A text, the files that are written in it as letters, and whether some of it is encrypted."""

    plain: PlainText
    files: tuple[tuple[str, bytes], ...] = ()
    encrypted: bool = False


def is_body(part: Message) -> bool:
    """Tell whether a part is text of its message, and no file."""
    kind = content_type(part)
    broken = kind.startswith("multipart/") and not children(part)  # it has no separators and is read as text
    return (kind in PAGES + TEXTS or broken) and disposition(part) != "attachment"


def body_of(part: Message) -> MailBody:
    """Return what a part says; if it is no text, that is in what is left out."""
    left_out, kind, data = Omissions(), content_type(part), payload(part)
    declared = parameter(part, "charset")
    try:
        if kind in PAGES:
            declared = declared or declared_encoding(data[:_BEGINNING])
            source = decoded_part(data, declared)
            return MailBody(replace(page_text(source, ""), notes=_notes(source, declared)))
        source = decoded_part(data, declared)
    except UnreadableDocument as error:
        left_out.add("unreadable part", detail=f"a text that {error.message}")
        return MailBody(PlainText("", "", left_out=left_out.all()))
    left_out.include(source.left_out)
    text = source.text
    if kind in ("text/enriched", "text/richtext"):
        text = enriched(text)
    elif parameter(part, "format").lower() == "flowed":
        text = unfolded(text, parameter(part, "delsp").lower() == "yes")
    body = plain_body(text, left_out)
    plain = PlainText(body.text, "", left_out=left_out.all(), notes=_notes(source, declared))
    return MailBody(plain, tuple(body.files), body.encrypted)


def _notes(source: Decoded, declared: str) -> tuple[str, ...]:
    """Return what people should know of how the bytes were taken: nothing if it is as the message declares."""
    name = codec(declared)
    as_declared = f"Read as {name_of_codec(name)}" if name else "\n"
    return tuple(note for note in source.notes if not note.startswith(as_declared))
