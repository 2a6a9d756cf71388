"""Text that gathers until a block begins or ends: white space as browsers have it, lines, words set apart, kept space.

Knows no elements.
"""

from __future__ import annotations

import re

from groundtune.knowledge.readers._builder import CELLS, LINE, PARAGRAPH, TextBuilder

_LONG_TITLE = 300  # characters; a longer title is a text
# Signs of ours among what has gathered; control characters of the page are removed before.
_BREAK, _KEPT_SPACE, _KEPT_TAB, _KEPT_LINE, _APART = "\0", "\1", "\2", "\3", "\4"
_CONTROLS = str.maketrans(dict.fromkeys(map(chr, (*range(9), *range(14, 32), 127))))
_UNSEEN = str.maketrans(dict.fromkeys("\xad\u200b\u2060\ufeff"))
_KEPT = str.maketrans({" ": _KEPT_SPACE, "\xa0": _KEPT_SPACE, "\t": _KEPT_TAB, "\n": _KEPT_LINE, "\r": None})
_SHOWN = str.maketrans({_KEPT_SPACE: " ", _KEPT_TAB: "\t", _KEPT_LINE: "\n"})
_SPACES = re.compile(r"\s+")
_PARAGRAPHS = re.compile(rf"{_BREAK} *{_BREAK}[{_BREAK} ]*")
_BEFORE_SIGN = re.compile(rf"{_APART}+(?=[.,;:!?)\]])")


class Flow:
    """Gathers text and writes it as blocks; `prefix` stands before the next one."""

    def __init__(self, builder: TextBuilder) -> None:
        self.builder = builder
        self.prefix = ""
        self.plain = 0  # elements around in which white space is kept
        self.lists = 0  # lists around: their blocks are lines
        self.heading = 0  # the level of a heading that may never have been closed: the next block is its title
        self._gathered: list[str] = []
        self._outer: list[list[str]] = []  # what had gathered outside of each cell or heading that is being read

    @property
    def depth(self) -> int:
        """How many cells and headings are being read."""
        return len(self._outer)

    def text(self, text: str) -> None:
        """Add text of the page."""
        cleaned = self._cleaned(text)
        self._gathered.append(cleaned.translate(_KEPT) if self.plain else _SPACES.sub(" ", cleaned))

    def word(self, text: str) -> None:
        """Add what is no text of its line, apart from it."""
        if text.strip():
            self._gathered.append(f"{_APART}{_SPACES.sub(' ', self._cleaned(text).strip())}{_APART}")

    def apart(self) -> None:
        """Keep what follows from being joined to what has gathered."""
        self._gathered.append(_APART)

    def line(self) -> None:
        """Begin a line."""
        self._gathered.append(_KEPT_LINE if self.plain else _BREAK)

    def cell(self) -> None:
        """Begin a cell of a row that is a line."""
        if self.since(0).strip():
            self._gathered = [self.since(0).rstrip(f" {_APART}"), CELLS]

    def _cleaned(self, text: str) -> str:
        seen = text.translate(_UNSEEN)
        cleaned = seen.translate(_CONTROLS)
        self.builder.left_out.add("control character", len(seen) - len(cleaned))
        return cleaned

    def place(self) -> int:
        """Return how much has gathered, for `since`."""
        return len(self._gathered)

    def since(self, place: int) -> str:
        """Return what has gathered since `place`."""
        return "".join(self._gathered[place:])

    def ends_in_digit(self) -> bool:
        """Tell whether the last character is a digit."""
        return next((text for text in reversed(self._gathered) if text), "")[-1:].isdigit()

    def begin(self) -> None:
        """Gather what follows by itself."""
        self._outer.append(self._gathered)
        self._gathered = []

    def end(self) -> str:
        """Return in one line what has gathered since `begin`."""
        line = _one_space(self.since(0).replace(_BREAK, " "))
        self._gathered = self._outer.pop()
        return " ".join(line.split())

    def part(self) -> None:
        """Make sure that the next block begins a paragraph, but in lists and cells."""
        if not self.lists and not self._outer:
            self.builder.part()

    def edge(self, gap: str = PARAGRAPH) -> None:
        """Begin or end a block."""
        if self._outer:
            self._gathered.append(_BREAK)
        else:
            self._flush(gap)

    def _flush(self, gap: str) -> None:
        """Write what has gathered; two line ends of `<br>` in a row begin a paragraph."""
        gathered, self._gathered = self.since(0), []
        for paragraph in _PARAGRAPHS.split(gathered):
            lines = (_one_space(line).rstrip() for line in paragraph.split(_BREAK))
            block = "\n".join(line for line in lines if line)
            if not block.strip():
                continue
            offset = self.builder.add(self.prefix + block, LINE if self.prefix or self.lists else gap)
            title = block.strip().split("\n", 1)[0]
            if self.heading and len(title) <= _LONG_TITLE and not self.prefix:
                self.builder.mark(offset, title, self.heading)
            self.prefix, self.heading = "", 0


def _one_space(line: str) -> str:
    apart = _BEFORE_SIGN.sub("", line).replace(_APART, " ")
    return re.sub(" +", " ", apart).strip(" ").translate(_SHOWN)
