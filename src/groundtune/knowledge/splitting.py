"""Cutting documents into chunks along their structure.

Headings first, then paragraphs, then sentences and table rows, then words; a word is cut only if it is longer
than a chunk. Every chunk is an exact piece of its document, and nothing but white space is left out. Knows no
file format (readers tell where headings are), no model and no tokens: sizes are characters.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtune.errors import SettingsError
from groundtune.knowledge.graphemes import cut_before
from groundtune.sentences import CLOSING, SPACED_ENDS, UNSPACED_ENDS
from groundtune.settings import KnowledgeSettings
from groundtune.values import Chunk, Context, Document, Heading, Place, PlainText, located, segments_between

Span = tuple[int, int]
_Unit = tuple[int, int, float]  # start, end, cost of a cut before it

HEADING_SEPARATOR = " > "
# What it costs to begin a chunk at a paragraph, a row or sentence, a line, a word, within a word; a chunk costs 1.
_COSTS = (0.0, 0.25, 0.5, 1.0, 2.0)
_PARTS = 4  # of what a chunk costs: all other costs are whole numbers of them
_HELD = 0.5  # what it costs besides to part the caption of a table, or what else is a context, from what follows
_MARKUP = 16  # characters: so much longer may it stand in the text
_EMPTINESS = 3  # parts, times the square of the share of a chunk that stays empty
# Lines shorter than this share of the block's width (of so many characters at most) end something.
_SHORT = 0.6
_WIDEST = 120

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_ROW = re.compile(r"\s*(?:[|>#]|[-*+•]\s|\d+[.)]\s|[^\s.!?:][^.!?:\n]{0,40}:\s)|[^\n]*\S \| \S")
_SENTENCE = re.compile(
    rf"(?<=[{SPACED_ENDS}])[{CLOSING}\]]*+\s++(?=[^\sa-z])"
    rf"|(?<=[{UNSPACED_ENDS}])(?!\d|[{SPACED_ENDS}{UNSPACED_ENDS}])[{CLOSING}\]]*+\s*+(?=\S)"
)
_SENTENCE_OR_LINE = re.compile(rf"{_SENTENCE.pattern}|\n")
# Where no blank parts words, the marks between clauses do, or a blank of no width (Thai, Lao, Burmese, Khmer).
_WORD = re.compile(
    rf"\s+|(?<=[、，；：{UNSPACED_ENDS}])[{CLOSING}\]]*+(?=[^\s\d])|(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]\u200b)"
)
TABLE_ROW = re.compile(r"[ \t]*\||[^\n]*\S \| \S")
_RULE = re.compile(r"[ \t]*[|:+-][-|:+= \t]*\Z")


@dataclass(frozen=True, slots=True)
class _Section:
    start: int
    end: int
    path: tuple[str, ...]


def split(document: Document, plain: PlainText, settings: KnowledgeSettings) -> list[Chunk]:
    """Return the chunks of `document`, whose text is `plain.text`, in order, each at most `settings.chunk_size`
    characters long.

    Chunks know on which of `plain.segments` they stand; where they are cut does not depend on it. A chunk that begins
    within a context, in the middle of a table, has it at the end of its heading. What a context
    quotes, as the caption of a table, stays with what follows if it can.

    Neighbouring sections below one heading share a chunk as long as they fit, and its heading is then what they
    have in common. Chunks of one section share up to `settings.chunk_overlap` characters.
    Raises `SettingsError` if the overlap leaves less than half of a chunk for new text.
    """
    size, overlap = settings.chunk_size, settings.chunk_overlap
    if overlap * 2 > size:
        raise SettingsError(
            f"`knowledge.chunk_overlap` is {overlap}, more than half of `chunk_size` ({size}).", remedy="Lower it."
        )
    chunks, within, held = [], _Within(plain.contexts), _held(document.text, plain.contexts)
    for section in _merged(_sections(document, plain.headings), document.text, size):
        for start, end in _overlapping(_pieces(document.text, section, (size, overlap), held), document.text, overlap):
            chunks.append(_chunk(document, (start, end), (*section.path, *within.at(start)), plain.segments))
    return chunks


def _held(text: str, contexts: Sequence[Context]) -> frozenset[int]:
    """Return where the paragraphs begin that stand right below those which contexts quote, and within the contexts."""
    held: set[int] = set()
    for context in contexts:
        quoted = min(context.start + len(context.text) + _MARKUP, context.end)
        held.update(gap.end() for gap in _PARAGRAPH.finditer(text, context.start, quoted) if gap.end() < context.end)
    return frozenset(held)


class _Within:
    """Finds the contexts of places that are asked for in order."""

    def __init__(self, contexts: Sequence[Context]) -> None:
        self._coming = list(reversed(contexts))
        self._open: list[Context] = []

    def at(self, place: int) -> tuple[str, ...]:
        """Return what the contexts around `place` say, the outermost first."""
        while self._coming and self._coming[-1].start < place:
            self._open.append(self._coming.pop())
        self._open = [context for context in self._open if place < context.end]
        return tuple(context.text for context in self._open)


def _chunk(document: Document, span: Span, path: tuple[str, ...], segments: Sequence[Place]) -> Chunk:
    start, end = span
    above = path if path[:1] == (document.title,) or not document.title else (document.title, *path)
    return Chunk(
        document=document.id,
        place=located(start, end, segments),
        text=document.text[start:end],
        heading=HEADING_SEPARATOR.join(above),
        readable_by=document.readable_by,
        metadata=document.metadata,
        segments=segments_between(start, end, segments),
    )


# --- sections -------------------------------------------------------------------------------------


def _sections(document: Document, headings: Sequence[Heading]) -> list[_Section]:
    """Return the parts between headings, none without text; a heading with no text of its own joins the next."""
    sections: list[_Section] = []
    above: list[Heading] = []
    start, path = 0, ()  # type: int, tuple[str, ...]
    last = Heading(len(document.text), 0, "")
    for heading in [*headings, last]:
        body = document.text[start : heading.offset].strip()
        if body and (heading is last or not _only_heading(body, path)):
            sections.append(_Section(start, heading.offset, path))
            start = heading.offset
        elif not body:
            start = heading.offset
        above = [other for other in above if other.level < heading.level] + [heading]
        path = tuple(other.title for other in above)
    return sections


def _only_heading(body: str, path: tuple[str, ...]) -> bool:
    """Tell whether `body` is the heading it stands under and nothing more, with or without Markdown's marks."""
    return bool(path) and body.split("\n")[-1].strip("#=- \t") in ("", path[-1]) and len(body) <= 2 * len(path[-1]) + 16


def _merged(sections: list[_Section], text: str, size: int) -> list[_Section]:
    """Join neighbours that have a heading in common and fit into one chunk together."""
    merged: list[_Section] = []
    for section in sections:
        last = merged[-1] if merged else None
        common = _common(last.path, section.path) if last else ()
        if last and common and len(text[last.start : section.end].strip()) <= size:
            merged[-1] = _Section(last.start, section.end, common)
        else:
            merged.append(section)
    return merged


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return left[:length]


# --- pieces of a section --------------------------------------------------------------------------


def _pieces(text: str, section: _Section, sizes: tuple[int, int], held: frozenset[int]) -> list[Span]:
    size, overlap = sizes
    whole = _trim(text, section.start, section.end)
    if whole[1] - whole[0] <= size:
        return [whole]
    units = _units(text, whole, size - overlap, 0, 0.0)
    return _best_cut([(start, end, cost + _HELD * (start in held)) for start, end, cost in units], size - overlap)


def _units(text: str, span: Span, size: int, level: int, cost: float) -> list[_Unit]:
    """Return the parts that are not cut further: paragraphs always are, what is finer only if it is too long.

    `cost` is what it costs to begin a chunk at `span`.
    """
    units: list[_Unit] = []
    for number, part in enumerate(_LEVELS[level](text, span, size)):
        here = _COSTS[level] if number else cost
        if level == 0 or part[1] - part[0] > size:
            units.extend(_units(text, part, size, level + 1, here))
        else:
            units.append((*part, here))
    return units


def _best_cut(units: Sequence[_Unit], size: int) -> list[Span]:
    """Join units to chunks of at most `size`: as few as can be, cut where it costs least, none of them tiny.

    Finds the least sum of costs by dynamic programming, as a typesetter breaks lines (Knuth & Plass 1981). Costs are
    whole numbers, in parts of `_PARTS * size**2` a chunk.
    """
    candidates, begin, least = _Candidates(size), [], 0
    for first, (start, end, cost) in enumerate(units):
        candidates.add(start, least + round(_PARTS * cost) * size**2, first)
        chosen, least = candidates.best(end)
        begin.append(chosen)
    pieces: list[Span] = []
    last = len(units) - 1
    while last >= 0:
        pieces.append((units[begin[last]][0], units[last][1]))
        last = begin[last] - 1
    return pieces[::-1]


class _Candidates:
    """Where a chunk may begin, and which beginning is best for one that ends at a place, each asked for once.

    A later beginning that has become better than an earlier one stays so: the emptiness of a short chunk shrinks
    faster. So they wait in a queue for the place from which they are the best, and the time is linear in their number
    (Galil & Giancarlo 1989), however many fit into a chunk.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: deque[tuple[int, int, int, int]] = deque()  # start, cost up to it, number, best from which end on

    def add(self, start: int, cost: int, number: int) -> None:
        """Take one that begins at `start`, after all others, and costs `cost` up to there."""
        queue = self._queue
        best_from = 0
        while queue:
            best_from = self._overtakes(queue[-1], start, cost)
            if best_from > queue[-1][3]:
                break
            queue.pop()
        queue.append((start, cost, number, best_from if queue else 0))

    def best(self, end: int) -> tuple[int, int]:
        """Return the number of the best one for a chunk that ends at `end`, and what all cost up to there.

        Of equals it is the last one.
        """
        queue = self._queue
        while len(queue) > 1 and queue[1][3] <= end:
            queue.popleft()
        start, cost, number, _ = queue[0]
        return number, cost + _PARTS * self._size**2 + _EMPTINESS * (self._size - (end - start)) ** 2

    def _overtakes(self, earlier: tuple[int, int, int, int], start: int, cost: int) -> int:
        """Return the first end for which the one at `start` is no worse than `earlier`, or `earlier` is too long."""
        distance = start - earlier[0]
        gain = earlier[1] - cost - _EMPTINESS * distance * (earlier[0] + start)
        # cost + E * (size - end + start)**2 <= the same of `earlier`, solved for `end`
        no_worse = self._size - gain // (2 * _EMPTINESS * distance)
        return min(no_worse, earlier[0] + self._size + 1)


def _between(pattern: re.Pattern[str], text: str, span: Span) -> list[Span]:
    """Return the trimmed parts of `span` between the matches of `pattern`."""
    parts, start = [], span[0]
    for match in pattern.finditer(text, *span):
        parts.append(_trim(text, start, match.end()))
        start = match.end()
    parts.append(_trim(text, start, span[1]))
    return [part for part in parts if part[0] < part[1]]


def _paragraphs(text: str, span: Span, size: int) -> list[Span]:
    return _between(_PARAGRAPH, text, span)


def _rows_and_sentences(text: str, span: Span, size: int) -> list[Span]:
    """Return rows (of tables and lists, and `key: value` lines) whole, and what is between them as sentences.

    The first rows of a table, its header and what stands right below it, are one part if they fit into a chunk.
    """
    parts: list[Span] = []
    above, head = "", False  # the row above, and whether all rows of its table so far stand in the last part
    for block, is_row in _runs(text, span):
        row = text[slice(*block)] if is_row and TABLE_ROW.match(text, *block) else ""
        goes_on = bool(above and row) and _same_table(above, row)
        if goes_on and head and block[1] - parts[-1][0] <= size:
            parts[-1] = parts[-1][0], block[1]
        else:
            parts.extend([block] if is_row else _between(_SENTENCE, text, block))
        head = bool(row) and (not goes_on or (head and bool(_RULE.match(row))))
        above = above if goes_on and head else row
    return parts


def _same_table(above: str, row: str) -> bool:
    """Tell whether `row` may be below `above` in a table: a rule, or cells in no more columns.

    A header may begin with a bar and its rows not, where the corner of the table is empty.
    """
    narrower = row.count("|") <= above.count("|")
    return bool(_RULE.match(row)) or (narrower and (above.startswith("|") or not row.startswith("|")))


def _runs(text: str, span: Span) -> Iterator[tuple[Span, bool]]:
    """Yield each row, and each run of other lines, as (span, whether it is a row).

    A line that ends well short of the others' width was not wrapped: what follows it is something new.
    """
    width = min(max(map(len, text[slice(*span)].split("\n"))), _WIDEST)
    start = position = span[0]
    while position < span[1]:
        newline = text.find("\n", position, span[1])
        end = span[1] if newline < 0 else newline + 1
        if _ROW.match(text, position, end):
            if start < position:
                yield _trim(text, start, position), False
            yield _trim(text, position, end), True
            start = end
        elif end - position < width * _SHORT:
            yield _trim(text, start, end), False
            start = end
        position = end
    if start < span[1]:
        yield _trim(text, start, span[1]), False


def _sentences_and_lines(text: str, span: Span, size: int) -> list[Span]:
    return _between(_SENTENCE_OR_LINE, text, span)


def _words(text: str, span: Span, size: int) -> list[Span]:
    return _between(_WORD, text, span)


def _characters(text: str, span: Span, size: int) -> list[Span]:
    parts, start = [], span[0]
    while start < span[1]:
        end = cut_before(text, start, min(start + size, span[1]))
        parts.append((start, end))
        start = end
    return parts


_LEVELS = (_paragraphs, _rows_and_sentences, _sentences_and_lines, _words, _characters)


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), max(start, end - len(piece) + len(piece.rstrip()))


def _overlapping(pieces: list[Span], text: str, overlap: int) -> list[Span]:
    """Let each piece but the first begin up to `overlap` characters earlier, at the beginning of a word or a row."""
    if not overlap:
        return pieces
    result = pieces[:1]
    for (earlier, _), (start, end) in pairwise(pieces):
        earliest = max(earlier, start - overlap)
        words = (match.end() for match in _WORD.finditer(text, max(earliest - 1, 0), start))
        begin = next((word for word in words if word >= earliest), start)
        result.append((_whole_row(text, earlier, begin, start), end))
    return result


def _whole_row(text: str, earlier: int, begin: int, start: int) -> int:
    """Return where the next line begins if `begin` is within a row that ends before `start`; else `begin`."""
    line = max(text.rfind("\n", earlier, begin) + 1, earlier)
    newline = text.find("\n", begin, start)
    within = line < begin and newline >= 0 and TABLE_ROW.match(text, line, newline)
    return _trim(text, newline + 1, start)[0] if within else begin
