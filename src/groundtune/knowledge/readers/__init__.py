"""Readers: one file a format, each with `groundtune_reader()`; they turn a file into plain text with headings.

Know nothing of chunks, stores and models. `reader_for` finds the reader of a file by its suffix.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from groundtune import plugins
from groundtune.errors import GroundtuneError, UnreadableDocument
from groundtune.knowledge.readers._left_out import REASONS
from groundtune.knowledge.recognition import RecognitionKind
from groundtune.protocols import Reader
from groundtune.text import encodable
from groundtune.values import LeftOut, MediaKind, PlainText

MESSAGE = 300  # characters of what a library says
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
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


def recognised() -> dict[str, tuple[RecognitionKind, ...]]:
    """Return what files may need to be read, "ocr" or "speech" or both, by the suffixes of those that may."""
    return {suffix: kinds for suffix, reader in readers().items() if (kinds := getattr(reader, "recognises", ()))}


def suffixes_of(kind: MediaKind) -> frozenset[str]:
    """Return the suffixes of the files that are pictures, or recordings."""
    return frozenset(suffix for suffix, reader in readers().items() if getattr(reader, "media", None) == kind)


def read(path: Path) -> PlainText:
    """Return the text of `path`.

    Whatever a reader meets, here it becomes `UnreadableDocument`, so that one file never ends the work on others.
    Raises it also if the file contains no text.
    """
    reader = reader_for(path)
    try:
        with path.open("rb"):  # libraries say less well why they cannot open it
            pass
        plain = reader.read(path)
    except UnreadableDocument:
        raise
    except GroundtuneError as error:  # what it needs is missing, or set up wrongly
        raise UnreadableDocument(error.message, place=path, remedy=error.remedy) from error
    except OSError as error:
        raise UnreadableDocument(
            f"cannot be read: {error.strerror or error}.", place=path, remedy="Check that it is there and may be read."
        ) from error
    except MemoryError as error:
        raise UnreadableDocument(
            "needs more memory to be read than it may take.",
            place=path,
            remedy="Split it, or raise `[knowledge] read_memory_mb`.",
        ) from error
    except Exception as error:  # a reader's library meets broken files in any way
        raise UnreadableDocument(
            f"is damaged, or has a form that its reader does not know ({_said(error)}).",
            place=path,
            remedy="Open it in the program that it belongs to and save it again.",
        ) from error
    if not plain.text.strip():
        raise UnreadableDocument(f"contains no text{_besides(plain)}.", place=path, remedy="Add text, or remove it.")
    return _storable(plain)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MESSAGE].rstrip(": ")


def _besides(plain: PlainText) -> str:
    """Return what was found instead of text."""
    return f" (left out: {', '.join(f'{each.count} {each.kind}' for each in plain.left_out)})" if plain.left_out else ""


def _storable(plain: PlainText) -> PlainText:
    """Return `plain` with U+FFFD for what no store and no JSON can hold: NUL and halves of characters. Places stay."""

    def stored(text: str) -> str:
        return _UNSTORABLE.sub("\ufffd", text)

    if not _UNSTORABLE.search(plain.text) and not _UNSTORABLE.search(plain.title):
        return plain
    count = len(_UNSTORABLE.findall(plain.text))
    told = LeftOut("control character", count, REASONS["control character"])
    others = tuple(each for each in plain.left_out if each.kind != told.kind)
    return replace(
        plain,
        text=stored(plain.text),
        title=stored(plain.title),
        headings=tuple(replace(heading, title=stored(heading.title)) for heading in plain.headings),
        contexts=tuple(replace(context, text=stored(context.text)) for context in plain.contexts),
        left_out=tuple(sorted((*others, told), key=lambda each: each.kind)) if count else plain.left_out,
    )


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
