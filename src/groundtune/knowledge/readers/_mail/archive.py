"""Pages that browsers and Word save as a message (MHTML, RFC 2557): the page, its pictures and styles are counted."""

from __future__ import annotations

from dataclasses import replace
from email.message import Message
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._mail.body import PAGES, body_of
from groundtune.knowledge.readers._mail.headers import content_type, header, sent
from groundtune.values import PlainText


def page_of(message: Message, path: Path) -> PlainText | None:
    """Return the page that a message holds, with the pages in its frames behind it; None if it holds none.

    Raises `UnreadableDocument` if the page is no text.
    """
    leaves = [part for part in message.walk() if not part.is_multipart()]
    pages = [part for part in leaves if content_type(part) in PAGES]
    if not pages:
        return None
    named = [
        part for part in pages if _location(part) and _location(part) == header(message, "snapshot-content-location")
    ]
    main = (named or pages)[0]
    builder = TextBuilder()
    first = body_of(main).plain
    for part in [main, *(each for each in pages if each is not main)]:
        plain = first if part is main else body_of(part).plain
        builder.include(plain)
        builder.left_out.of_part("", plain.left_out)
    for part in leaves:
        kind = content_type(part)
        if kind.startswith("image/"):
            builder.left_out.add("image")
        elif kind == "text/css" or kind.endswith("javascript"):
            builder.left_out.add("script")
        elif kind not in PAGES:
            builder.left_out.add("attachment", detail=f"{kind} in the page")
    plain = builder.plain()
    if not plain.text:
        raise UnreadableDocument("holds a page without text.", place=path, remedy="Save the page again.")
    subject = header(message, "subject")
    day = sent(message).day
    metadata = described(title=subject) | dict(first.metadata)
    metadata |= {} if "date" in metadata else described(date=day)
    return replace(plain, title=first.title or subject or name_of(path), metadata=metadata)


def _location(part: Message) -> str:
    return header(part, "content-location")
