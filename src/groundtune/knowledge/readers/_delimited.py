"""Records of text whose cells stand between separators: which separator and quotes it has, and its cells.

Forgiving where the csv module is not: a quote that is never closed takes no other rows with it. Knows nothing of
headers and of what cells mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

SEPARATORS = ";\t|,"  # of two that fit equally well the first
_RARE_SEPARATORS = "^~"
_SAMPLE, _SAMPLE_RECORDS, _TITLES = 100_000, 200, 20  # characters, records, records above a header
_CONSISTENT, _MOSTLY = 0.5, 0.8  # shares of the records
_ROWS_IN_QUOTES = 0.8  # of the lines in a quoted cell look like rows: then its quote was never closed
_SEP_LINE = re.compile(r"[\"']?sep=(?P<separator>[^\n]?)[\"']?[;,\t|]*(?:\n|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """A row: its cells, and the line of the file on which it begins."""

    line: int
    cells: tuple[str, ...]


class Dialect:
    """How a text separates and quotes its cells.

    `unclosed` collects the lines on which a quote is opened and not closed: there it is part of the text.
    """

    def __init__(self, separator: str, quote: str = '"', escapes: bool = False, width: int = 0) -> None:
        self.separator, self.quote, self.width = separator, quote, width
        self.unclosed: list[int] = []
        end, s, q = rf"(?=[{re.escape(separator)}\n]|\Z)", re.escape(separator), re.escape(quote)
        blank = "[ ]*" if separator == "\t" else r"[ \t]*"
        self._open = re.compile(rf"{blank}{q}")
        doubled = re.compile(rf"{blank}{q}((?:[^{q}]++|{q}{q})*+){q}{blank}{end}")
        escaped = re.compile(rf"{blank}{q}((?:[^{q}\\]++|\\.|{q}{q})*+){q}{blank}{end}", re.DOTALL)
        self._quoted = (escaped, doubled) if escapes else (doubled,)
        self._escapes = escapes
        self._loose = re.compile(rf"{blank}{q}([^\n]*?){q}{blank}{end}")
        self._plain = re.compile(rf"[^{s}\n]*")

    def records(self, text: str, start: int = 0, line: int = 1) -> Iterator[Record]:
        """Yield the rows of `text` from `start` on, which is on `line`; an empty line is a row of one empty cell."""
        place = start
        while place < len(text):
            stop = text.find("\n", place)
            stop = len(text) if stop < 0 else stop
            if text.find(self.quote, place, stop) < 0:
                cells = text[place:stop].split(self.separator)
            else:
                cells, stop = self._cells(text, place, line)
            yield Record(line, tuple(cells))
            line += text.count("\n", place, stop) + 1
            place = stop + 1

    def _cells(self, text: str, place: int, line: int) -> tuple[list[str], int]:
        cells = []
        while True:
            cell, place = self._cell(text, place, line)
            cells.append(cell)
            if place == len(text) or text[place] == "\n":
                return cells, place
            place += 1

    def _cell(self, text: str, place: int, line: int) -> tuple[str, int]:
        if self._open.match(text, place):
            for pattern in self._quoted:
                match = pattern.match(text, place)
                if match and not self._swallows_rows(match[1]):
                    return self._unquoted(match[1]), match.end()
            if match := self._loose.match(text, place):
                return match[1], match.end()
        end = match.end() if (match := self._plain.match(text, place)) else place
        if self._open.match(text, place) and text.count(self.quote, place, end) % 2:
            self.unclosed.append(line)
        return text[place:end], end

    def _unquoted(self, cell: str) -> str:
        cell = cell.replace(2 * self.quote, self.quote)
        return re.sub(rf"\\([\\{self.quote}])", r"\1", cell) if self._escapes else cell

    def _swallows_rows(self, cell: str) -> bool:
        """Tell whether the lines between two quotes are rows of the table, and the quotes belong to two cells."""
        lines = cell.split("\n")[1:-1] if "\n" in cell else []
        if self.width < 2 or len(lines) < (5 if self.width == 2 else 1):
            return False
        rows = sum(line.count(self.separator) == self.width - 1 > line.count(f"{self.separator} ") for line in lines)
        return rows >= _ROWS_IN_QUOTES * len(lines)


def dialect_of(text: str, preferred: str = "") -> tuple[Dialect, int]:
    """Return how `text` separates its cells, and where its first record begins: after a line `sep=;`.

    A text in which no separator stands regularly has one column. `preferred` wins where it fits equally well.
    """
    said = _SEP_LINE.match(text)
    start = said.end() if said else 0
    sample = text[start : start + _SAMPLE]
    if start + _SAMPLE < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    quote, escapes = _quoting(sample)
    separator, width = said["separator"] if said else "", 0
    if separator:
        width = _regularity(sample, Dialect(separator, quote, escapes)).width
    else:
        separator, width = _separator(sample, quote, escapes, preferred)
    return Dialect(separator, quote, escapes, width), start


def _quoting(sample: str) -> tuple[str, bool]:
    """Return the quote, and whether a backslash before it makes it text."""
    any_separator = re.escape(SEPARATORS)
    double = len(re.findall(rf'(?:^|[{any_separator}])[ ]*"', sample, re.MULTILINE))
    single = len(re.findall(rf"(?:^|[{any_separator}])[ ]*'[^'\n]*'[ ]*(?=[{any_separator}]|$)", sample, re.MULTILINE))
    quote = "'" if single > max(2, 2 * double, sample.count("\n") // 3) else '"'
    escaped = len(re.findall(rf"\\{quote}(?![ ]*(?:[{any_separator}]|$))", sample, re.MULTILINE))
    return quote, escaped > 0 and escaped >= len(re.findall(rf"[^{any_separator}\n]{quote}{quote}", sample))


def _separator(sample: str, quote: str, escapes: bool, preferred: str) -> tuple[str, int]:
    order = dict.fromkeys([*preferred, *SEPARATORS])
    best, width, most = "", 1, (0.0, 0.0, 0)
    for separator in [*order, *_RARE_SEPARATORS]:
        if separator not in sample or (separator in _RARE_SEPARATORS and best):
            continue
        found = _regularity(sample, Dialect(separator, quote, escapes))
        if found.separates(separator, sample):
            rank = (round(found.share + 0.1 * found.named, 1), found.share, found.width)
            if rank > most:
                best, width, most = separator, found.width, rank
    return best or "\0", width  # no text has a NUL: one column


@dataclass(frozen=True, slots=True)
class _Regularity:
    """How regular a separator stands: which share of the records, but for titles above them, has `width` cells, which
    share has several, how many records these are, and whether the very first of the sample is one of them."""

    share: float
    several: float
    width: int
    records: int
    named: bool

    def separates(self, separator: str, sample: str) -> bool:
        """Tell whether it separates cells, not the parts of sentences and numbers."""
        if self.width < 2 or (separator in _RARE_SEPARATORS and self.share < 1):
            return False
        prose = _in_sentences(sample, separator)
        if self.named:
            return self.share >= _CONSISTENT or (self.several >= _MOSTLY and not prose)
        return self.share >= _MOSTLY and self.records > 1 and not prose


def _regularity(sample: str, dialect: Dialect) -> _Regularity:
    records = (record for record in dialect.records(sample) if any(cell.strip() for cell in record.cells))
    sizes = [len(record.cells) for record in islice(records, _SAMPLE_RECORDS)]
    several = Counter(size for size in sizes if size > 1)
    if not several:
        return _Regularity(0, 0, 1, len(sizes), True)
    width = max(several, key=lambda size: (several[size], size))
    below = sizes[min(sizes.index(width), _TITLES) :]
    several = Counter(size for size in below if size > 1)
    return _Regularity(several[width] / len(below), several.total() / len(below), width, len(below), named=sizes[0] > 1)


def _in_sentences(sample: str, separator: str) -> bool:
    """Tell whether each comma or semicolon is followed by a space or, a comma, stands within a number."""
    within = rf"{separator}(?:[ \n]|\Z)" + (r"|(?<=\d),(?=\d)" if separator == "," else "")
    return separator in ",;" and sample.count(separator) == len(re.findall(within, sample))
