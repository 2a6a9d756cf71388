"""Lines of a page: words on one baseline, and the pieces of a line between wide gaps. Knows nothing of pdfium."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from groundtune.knowledge.readers._pdf_order import logical, mostly_right_to_left, runs_right_to_left
from groundtune.knowledge.readers._pdf_pages import RulingLines, Word

_WIDE = 0.9  # of the size: a wider gap may separate cells or columns
_GLUED = 0.12  # of the size: what stands closer is one word, wherever it stands in the file
_MARK = 3  # characters: marks as "(1)" may stand one after the other
_BACK = 4  # lines that are compared
_LEVEL = 0.25  # of the size: baselines that are so close are one
_SMALL, _RAISED, _TOUCHING = 0.85, 0.5, 0.3  # of the size of the word that a raised one stands beside
_BEFORE = frozenset("$ € £ ¥ US$ C$ A$ CHF ( $( €(".split())
_AFTER = frozenset(") % )% %) ),".split())


@dataclass(slots=True, eq=False)
class LinePiece:
    """Words of a line without a wide gap between them, from left to right."""

    words: list[Word]

    @property
    def left(self) -> float:
        return self.words[0].left

    @property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @property
    def inner_left(self) -> float:
        """Return where it begins without a sign such as "$", which may stand far from its number."""
        return next((word.left for word in self.words if word.text not in _BEFORE), self.left)

    @property
    def base(self) -> float:
        return main_word(self.words).base

    @property
    def order(self) -> int:
        return min(word.order for word in self.words)

    @property
    def text(self) -> str:
        return text_of(self.words)


class LineRow:
    """Pieces at one height, from left to right."""

    def __init__(self, pieces: Sequence[LinePiece]) -> None:
        self.pieces = list(pieces)

    @cached_property
    def words(self) -> list[Word]:
        return [word for piece in self.pieces for word in piece.words]

    @cached_property
    def left(self) -> float:
        return min(piece.left for piece in self.pieces)

    @cached_property
    def right(self) -> float:
        return max(piece.right for piece in self.pieces)

    @cached_property
    def base(self) -> float:
        return main_word(self.words).base

    @cached_property
    def size(self) -> float:
        """Return the size of most of its characters."""
        sizes = Counter[float]()
        for word in self.words:
            sizes[word.size] += len(word.text)
        return sizes.most_common(1)[0][0]

    @cached_property
    def bold(self) -> bool:
        return all(word.bold for word in self.words)

    @cached_property
    def text(self) -> str:
        return text_of(self.words)

    @cached_property
    def from_right(self) -> bool:
        """Return whether it is read from right to left."""
        return mostly_right_to_left([self.text])

    @cached_property
    def spaced(self) -> bool:
        """Return whether a blank is drawn after its last word."""
        return max(self.words, key=lambda word: word.order).spaced


def main_word(words: Iterable[Word]) -> Word:
    """Return the first of the largest words."""
    return max(words, key=lambda word: word.size)


def text_of(words: Sequence[Word]) -> str:
    """Return words of a line as a person reads them."""
    if any(runs_right_to_left(word.text) for word in words):
        return logical([glyph for word in words for glyph in word.glyphs], main_word(words).size)
    parts: list[str] = []
    last: Word | None = None
    for word in words:
        if last is not None and not _is_glued(last, word):
            parts.append(" ")
        parts.append(word.text)
        last = word
    text = "".join(parts)
    return text[:-1].replace("\u00ad", "") + text[-1:].replace("\u00ad", "-") if "\u00ad" in text else text


def _is_glued(last: Word, word: Word) -> bool:
    if word.order == last.order + 1 and last.parted:
        return False
    return word.left - last.right < _GLUED * max(last.size, word.size)


def rows_of(words: Iterable[Word], rules: RulingLines) -> list[LineRow]:
    """Return the lines of a page from top to bottom."""
    got: list[list[Word]] = []
    for word in sorted(words, key=lambda word: -word.base):
        line = next((line for line in got[: -_BACK - 1 : -1] if _same_line(line[0], word)), None)
        if line is None:
            got.append([word])
        else:
            line.append(word)
    got = _raised(got)
    got.sort(key=lambda line: -main_word(line).base)
    down = sorted(rules.down)
    return [LineRow(_pieces(sorted(line, key=lambda word: word.left), down)) for line in got]


def _same_line(one: Word, other: Word) -> bool:
    return abs(one.base - other.base) <= _LEVEL * min(one.size, other.size)


def _raised(lines: list[list[Word]]) -> list[list[Word]]:
    """Put raised and lowered words of a smaller size into the lines that they belong to."""
    kept: list[list[Word]] = []
    sizes = [(min(word.size for word in line), max(word.size for word in line)) for line in lines]
    for index, line in enumerate(lines):
        largest = max(size for _, size in sizes[max(0, index - _BACK) : index + 1 + _BACK])
        if sizes[index][0] > _SMALL * largest:
            kept.append(line)
            continue
        near = [*lines[max(0, index - _BACK) : index], *lines[index + 1 : index + 1 + _BACK]]
        rest = []
        for word in sorted(line, key=lambda word: word.left):
            host = next((other for other in near if other and _is_raised(word, other)), None)
            if host is None:
                rest.append(word)
            else:
                host.append(word)
        kept.append(rest)
    return [line for line in kept if line]


def _is_raised(word: Word, line: Sequence[Word]) -> bool:
    """Tell whether a word is small and stands right beside one of a line, halfway up or down."""
    main = main_word(line)
    if word.size > _SMALL * main.size or abs(word.base - main.base) > _RAISED * main.size:
        return False
    near = main.size * _TOUCHING
    return any(
        -near / 2 < max(word.left - beside.right, beside.left - word.right) < near
        for beside in line
        if beside.size > _SMALL * main.size or max(len(word.text), len(beside.text)) <= _MARK
    )


def _pieces(line: list[Word], down: Sequence[tuple[float, float, float]]) -> list[LinePiece]:
    base = main_word(line).base
    lines = [x for x, low, high in down if low - 1 <= base + 2 <= high + 1]
    made: list[LinePiece] = []
    end, size = 0.0, 0.0
    for word in line:
        size = max(size, word.size) if made else word.size
        apart = word.left - end
        if not made or apart > _WIDE * min(size, word.size * 1.5) or any(end - 1 <= x <= word.left + 1 for x in lines):
            made.append(LinePiece([word]))
            size = word.size
        else:
            made[-1].words.append(word)
        end = max(end, word.right) if made[-1].words[:-1] else word.right
    return _with_signs(made)


def _with_signs(pieces: list[LinePiece]) -> list[LinePiece]:
    """Join "$" with the number after it, and ")" and "%" with the one before."""
    made: list[LinePiece] = []
    waiting: list[Word] = []
    for piece in pieces:
        text = "".join(word.text for word in piece.words)
        if text in _BEFORE:
            waiting += piece.words
        elif text in _AFTER and made and not waiting:
            made[-1].words += piece.words
        elif waiting and (text[:1].isdigit() or text[:1] in "(-–—−."):
            made.append(LinePiece([*waiting, *piece.words]))
            waiting = []
        else:
            made += [*([LinePiece(waiting)] if waiting else []), piece]
            waiting = []
    return [*made, *([LinePiece(waiting)] if waiting else [])]
