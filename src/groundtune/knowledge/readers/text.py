"""Plain text: taken as it is, without headings."""

from __future__ import annotations

import re
from pathlib import Path

from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._decoding import decoded
from groundtune.values import PlainText

_OTHER_BREAKS = re.compile("[\v\x85\u2028]|(?P<wide>[\f\u2029])")  # lines and, wide, pages and paragraphs


class TextReader:
    """Reads text in any encoding."""

    suffixes = (".txt",)

    def read(self, path: Path) -> PlainText:
        """Return the file's text with newlines for all that breaks lines; its title is made of the file's name."""
        source = decoded(path)
        text = _OTHER_BREAKS.sub(lambda match: "\n\n" if match["wide"] else "\n", source.text)
        return PlainText(text, name_of(path), left_out=source.left_out.all(), notes=source.notes)


def groundtune_reader() -> TextReader:
    """Hook of `readers`."""
    return TextReader()
