"""Readers: one file a format, each with `groundtune_reader()`; they turn a file into plain text with headings.

Know nothing of chunks, stores and models. `reader_for` finds the reader of a file by its suffix.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from groundtune import plugins
from groundtune.errors import InputError, UnreadableDocument
from groundtune.files import read_text
from groundtune.protocols import Reader
from groundtune.values import PlainText

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|\s|$)")


def readers() -> dict[str, Reader]:
    """Return the reader of every suffix (".md") that is supported, other people's before ours."""
    by_suffix: dict[str, Reader] = {}
    for hook in sorted(plugins.hooks("readers"), key=lambda hook: hook.__module__.startswith("groundtune.")):
        reader: Reader = hook()
        for suffix in reader.suffixes:
            by_suffix.setdefault(suffix, reader)
    return by_suffix


def reader_for(path: Path) -> Reader:
    """Return the reader for `path`. Raises `UnreadableDocument` if its suffix is unknown."""
    known = readers()
    if path.suffix.lower() not in known:
        raise UnreadableDocument(
            f"no reader for `{path.suffix or path.name}` files.",
            place=path,
            remedy=f"Convert it to one of {', '.join(sorted(known))}, or install a reader plugin.",
        )
    return known[path.suffix.lower()]


def read(path: Path) -> PlainText:
    """Return the text of `path`. Raises `UnreadableDocument`, also if it contains no text."""
    plain = reader_for(path).read(path)
    if not plain.text.strip():
        raise UnreadableDocument("contains no text.", place=path, remedy="Add text to it, or remove it.")
    return plain


def utf8(path: Path) -> str:
    """Return a file's text with one newline character a line. Raises `UnreadableDocument` if it is not UTF-8."""
    try:
        return read_text(path)
    except InputError as error:
        raise UnreadableDocument(error.message, place=error.place, remedy=error.remedy) from None


def encodable(text: str) -> str:
    """Return `text` with halves of characters put together, or in their place U+FFFD: nothing else can store them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def described(**properties: str | datetime | None) -> dict[str, str]:
    """Return what a file says about itself as metadata: white space squeezed, what is blank left out.

    A moment becomes its day, as in "2024-05-31", and so does a "date" that begins with one.
    """
    metadata = {}
    for key, value in properties.items():
        text = value.date().isoformat() if isinstance(value, datetime) else " ".join(encodable(value or "").split())
        if key == "date" and (day := _DAY.match(text)):
            text = day[0]
        if text:
            metadata[key] = text
    return metadata


def name_of(path: Path) -> str:
    """Return a title made of the file's name: "roaming-in_europe.txt" gives "roaming in europe"."""
    return " ".join(path.stem.replace("-", " ").replace("_", " ").split()) or path.name
