"""Plain text: taken as it is, without headings."""

from __future__ import annotations

from pathlib import Path

from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._decoding import decoded
from groundtune.values import PlainText


class TextReader:
    """Reads UTF-8 text."""

    suffixes = (".txt",)

    def read(self, path: Path) -> PlainText:
        """Return the file's text; its title is made of the file's name."""
        return PlainText(text=decoded(path).text, title=name_of(path))


def groundtune_reader() -> TextReader:
    """Hook of `readers`."""
    return TextReader()
