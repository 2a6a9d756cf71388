"""Words of a PDF's pages with their places, ruling lines and pictures, by pdfium. Knows nothing of lines and tables.

pdfium keeps no order between threads: whoever reads holds `PDFIUM`. Coordinates are points from the lower left corner
of the page; text that stands on its side has coordinates turned so that it runs from left to right.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from ctypes import addressof, byref, c_double, c_float, c_int, create_string_buffer
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described
from groundtune.knowledge.readers._pdf_forms import Filled, filled_in
from groundtune.knowledge.readers._pdf_order import Glyph, runs_right_to_left
from groundtune.text import encodable

PDFIUM = threading.RLock()
_HYPHENS = {0x2, 0xAD, 0xFFFE}  # pdfium's marks of a hyphen at the end of a line, and the soft one
_UNKNOWN = {0x0, 0xFFFF, 0xFFFD}
_THIN = 3.0  # points: a narrower box is a ruling line
_SHORTEST_RULE = 8.0  # points
_MOST_POINTS = 20_000  # of the paths of a page; a drawing with more is no table
_LARGE_PICTURE = 0.1  # of the page
_BOLD = re.compile("bold|black|heavy", re.IGNORECASE)
_DEEPEST = 5  # drawn figures within figures


Rule = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Word:
    """Characters without white space on one baseline: `glyphs` are (left, right, character), in pdfium's order,
    on pages with letters that run from right to left.

    `parted` says whether it ends at a blank or the end of a line, `spaced` whether a blank is drawn after it.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    bold: bool
    order: int
    glyphs: tuple[Glyph, ...]
    parted: bool = True
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class RulingLines:
    """Ruling lines: (place, from, to), `across` at a height, `down` at a distance from the left."""

    across: tuple[Rule, ...] = ()
    down: tuple[Rule, ...] = ()


@dataclass(slots=True)
class PageWords:
    """What stands on a page: words by the angle at which they run, that of most of them first."""

    number: int
    height: float
    groups: list[list[Word]] = field(default_factory=list)
    rules: RulingLines = field(default_factory=RulingLines)
    pictures: int = 0
    covered: float = 0.0  # share of the page that the largest picture covers
    drawn: bool = False  # whether anything is drawn at all
    comments: int = 0
    unknown: int = 0  # characters without a meaning
    damaged: bool = False


def read_pages(path: Path) -> tuple[list[PageWords], dict[str, str]]:
    """Return all pages, and what the file's properties say.

    Raises `UnreadableDocument` if the file asks for a password or cannot be opened at all.
    """
    with PDFIUM:
        try:
            document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
                raise UnreadableDocument(
                    "this PDF is encrypted and asks for a password.",
                    place=path,
                    remedy="Save a copy without a password and ingest that.",
                ) from None
            raise UnreadableDocument(f"broken PDF ({error}).", place=path, remedy="Export it again.") from None
        with closing(document):
            if not len(document):
                raise UnreadableDocument("broken PDF (no pages).", place=path, remedy="Export it again.")
            if document.get_formtype() != raw.FORMTYPE_NONE:
                document.init_forms()
            return [_page(document, index) for index in range(len(document))], _properties(document)


def _properties(document: pdfium.PdfDocument) -> dict[str, str]:
    said = document.get_metadata_dict(skip_empty=True)
    return described(
        title=said.get("Title"),
        author=said.get("Author"),
        date=_day(said.get("CreationDate")),
        subject=said.get("Subject"),
    )


def _day(said: str | None) -> str | None:
    """Return the day of a date as PDF writes them ("D:20240531120000"), None if it is of another kind."""
    digits = (said or "").removeprefix("D:")[:8]
    try:
        return datetime.strptime(digits, "%Y%m%d").date().isoformat()
    except ValueError:  # many programs write dates of their own kinds
        return None


def _page(document: pdfium.PdfDocument, index: int) -> PageWords:
    made = PageWords(index + 1, 0.0)
    try:
        page = document[index]
    except pdfium.PdfiumError:
        made.damaged = True
        return made
    with closing(page):
        made.height = page.get_height()
        try:
            filled, made.comments = filled_in(page, document.formenv)
            by_angle = _Words(page, made).by_angle()
            _objects(page, made)
        except (pdfium.PdfiumError, ValueError, OSError):
            made.damaged = True
            return made
        _put_in(filled, by_angle)
    made.groups = sorted(by_angle.values(), key=len, reverse=True)
    return made


def _put_in(filled: list[Filled], by_angle: dict[int, list[Word]]) -> None:
    """Add what is filled in to the words, in the size of most of them."""
    main = max(by_angle, key=lambda angle: len(by_angle[angle]), default=0)
    words = by_angle.setdefault(main, []) if filled else []
    size = Counter(word.size for word in words).most_common(1)[0][0] if words else 10.0
    for each in filled:
        lines = each.text.splitlines()
        step = min(size * 1.2, (each.top - each.bottom) / max(1, len(lines)))
        top = each.top - max(0.0, (each.top - each.bottom) - step * len(lines)) / 2
        for number, line in enumerate(lines):
            left = each.left
            for part in line.split():
                right = left + len(part) * size * 0.5
                base = top - step * (number + 0.75)
                words.append(_turned_word(part, left, right, base, size, main, len(words) + 1_000_000))
                left = right + size * 0.3


def _turned_word(text: str, left: float, right: float, base: float, size: float, angle: int, order: int) -> Word:
    start, base = _turned(left, base, -math.radians(angle))
    return Word(text, start, start + right - left, base, size, False, order, ((start, start + right - left, text),))


def _turned(x: float, y: float, by: float) -> tuple[float, float]:
    if not by:
        return x, y
    return x * math.cos(by) - y * math.sin(by), x * math.sin(by) + y * math.cos(by)


class _Words:
    """Puts the characters of a page together to words."""

    def __init__(self, page: Any, made: PageWords) -> None:  # noqa: ANN401 -- pdfium's page
        self._page, self._made = page, made
        self._found: dict[int, list[Word]] = {}
        self._styles: dict[int, tuple[float, int, bool]] = {}
        self._open: list[Glyph] = []
        self._style: tuple[float, int, bool] = (1.0, 0, False)
        self._base = 0.0
        self._order = 0
        self._keep = False  # whether places of characters are needed, to put lines from right to left in order

    def by_angle(self) -> dict[int, list[Word]]:
        """Return the words by their angle in degrees, counted against the clock."""
        text = self._page.get_textpage()
        with closing(text):
            self._keep = runs_right_to_left(text.get_text_range(errors="replace"))
            for unicode, left, right, base, style in self._characters(text.raw, text.count_chars()):
                self._take(unicode, left, right, base, style)
            self._close()
        return self._found

    def _characters(self, text: Any, count: int) -> Iterator[tuple[int, float, float, float, tuple[float, int, bool]]]:  # noqa: ANN401
        box, x, y = raw.FS_RECTF(), c_double(), c_double()
        to_box, to_x, to_y = byref(box), byref(x), byref(y)
        unicode_of, box_of, origin_of = (
            raw.FPDFText_GetUnicode,
            raw.FPDFText_GetLooseCharBox,
            raw.FPDFText_GetCharOrigin,
        )
        for index in range(count):
            unicode = unicode_of(text, index)
            if unicode in (10, 13) or (unicode == 32 and raw.FPDFText_IsGenerated(text, index)):
                yield unicode, 0.0, 0.0, 0.0, self._style
                continue
            style = self._style_of(text, index)
            box_of(text, index, to_box)
            origin_of(text, index, to_x, to_y)
            if style[1] == 0:
                yield unicode, box.left, box.right, y.value, style
            else:
                yield unicode, *_turned_box(box, x.value, y.value, style[1]), style

    def _style_of(self, text: Any, index: int) -> tuple[float, int, bool]:  # noqa: ANN401
        """Return size in points, angle in degrees, and whether it is bold, the same for a text object."""
        key = raw.FPDFText_GetTextObject(text, index)
        address = addressof(key.contents) if key else 0
        if address not in self._styles:
            matrix = raw.FS_MATRIX()
            raw.FPDFText_GetMatrix(text, index, byref(matrix))
            size = raw.FPDFText_GetFontSize(text, index) * (math.hypot(matrix.c, matrix.d) or 1.0)
            angle = round(math.degrees(math.atan2(matrix.b, matrix.a))) % 360
            bold = raw.FPDFText_GetFontWeight(text, index) >= 600 or bool(_BOLD.search(_font(text, index)))
            self._styles[address] = (round(size, 1) or 1.0, angle, bold)
        return self._styles[address]

    def _take(self, unicode: int, left: float, right: float, base: float, style: tuple[float, int, bool]) -> None:
        if unicode in (9, 10, 13, 32, 0xA0, 0x3000):
            self._close((left, right, " ") if unicode not in (10, 13) and right > left else None, parted=True)
            return
        if unicode in _UNKNOWN:
            self._made.unknown += 1
            return
        if unicode < 32 and unicode not in _HYPHENS:
            return
        if self._open and self._elsewhere(left, right, base, style):
            self._close()
        if not self._open:
            self._style, self._base = style, base
        self._open.append((left, right, "\u00ad" if unicode in _HYPHENS else chr(unicode)))

    def _elsewhere(self, left: float, right: float, base: float, style: tuple[float, int, bool]) -> bool:
        """Tell whether a character does not stand beside the last one."""
        size = max(style[0], self._style[0])
        last = self._open[-1]
        apart = max(left - last[1], last[0] - right)
        return style[1] != self._style[1] or abs(base - self._base) > size * 0.6 or apart > size * 0.6

    def _close(self, blank: Glyph | None = None, *, parted: bool = False) -> None:
        """End the word; `blank` is the one that is drawn after it."""
        blanks = (blank,) if blank is not None and self._keep else ()
        if not self._open:
            if parted and self._found:
                words = self._found[self._style[1]]
                last = words[-1]
                spaced = last.spaced or blank is not None
                words[-1] = replace(last, parted=True, spaced=spaced, glyphs=(*last.glyphs, *blanks))
            return
        text = encodable("".join(character for _, _, character in self._open))
        size, angle, bold = self._style
        self._order += 1
        lefts, rights, _ = zip(*self._open, strict=True)
        glyphs = (*self._open, *blanks) if self._keep else ()
        word = Word(
            text, min(lefts), max(rights), self._base, size, bold, self._order, glyphs, parted, blank is not None
        )
        self._found.setdefault(angle, []).append(word)
        self._open = []


def _font(text: Any, index: int) -> str:  # noqa: ANN401
    """Return the name of a character's font."""
    name, flags = create_string_buffer(100), c_int()
    raw.FPDFText_GetFontInfo(text, index, name, len(name), byref(flags))
    return name.value.decode("utf-8", "replace")


def _turned_box(box: Any, x: float, y: float, angle: int) -> tuple[float, float, float]:  # noqa: ANN401
    """Return left, right and baseline of a character in coordinates in which its line is level."""
    by = -math.radians(angle)
    start, base = _turned(x, y, by)
    if angle % 90 == 0:
        corners = [_turned(box.left, box.bottom, by)[0], _turned(box.right, box.top, by)[0]]
        return min(corners), max(corners), base
    width = max(box.right - box.left, box.top - box.bottom) * 0.6
    return start, start + width, base


# --- what is drawn --------------------------------------------------------------------------------


def _objects(page: Any, made: PageWords) -> None:  # noqa: ANN401
    """Find ruling lines and pictures."""
    area = (page.get_width() * page.get_height()) or 1.0
    rules: tuple[list[Rule], list[Rule]] = ([], [])
    points = 0
    for shape, matrix in _shapes(page.raw, pdfium.PdfMatrix(), 0):
        made.drawn = True
        kind = raw.FPDFPageObj_GetType(shape)
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = _bounds(shape, matrix)
            covered = (right - left) * (top - bottom) / area
            made.pictures += covered >= _LARGE_PICTURE
            made.covered = max(made.covered, covered)
        elif kind == raw.FPDF_PAGEOBJ_PATH and points < _MOST_POINTS:
            points += raw.FPDFPath_CountSegments(shape)
            for left, bottom, right, top in _boxes(shape, matrix):
                if top - bottom <= _THIN and right - left >= _SHORTEST_RULE:
                    rules[0].append(((top + bottom) / 2, left, right))
                elif right - left <= _THIN and top - bottom >= _SHORTEST_RULE:
                    rules[1].append(((left + right) / 2, bottom, top))
    made.rules = RulingLines(tuple(rules[0]), tuple(rules[1]))


def _shapes(parent: Any, matrix: pdfium.PdfMatrix, depth: int) -> Iterator[tuple[Any, pdfium.PdfMatrix]]:  # noqa: ANN401
    """Yield all that is drawn, also in figures, with what turns its coordinates into those of the page."""
    if depth:
        counted, got = raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject
    else:
        counted, got = raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject
    for index in range(max(0, counted(parent))):
        shape = got(parent, index)
        if not shape:
            continue
        if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_FORM:
            if depth < _DEEPEST:
                yield from _shapes(shape, _matrix(shape).multiply(matrix), depth + 1)
        else:
            yield shape, matrix


def _matrix(shape: Any) -> pdfium.PdfMatrix:  # noqa: ANN401
    got = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(shape, byref(got))
    return pdfium.PdfMatrix.from_raw(got)


def _bounds(shape: Any, matrix: pdfium.PdfMatrix) -> tuple[float, float, float, float]:  # noqa: ANN401
    left, bottom, right, top = c_float(), c_float(), c_float(), c_float()
    raw.FPDFPageObj_GetBounds(shape, byref(left), byref(bottom), byref(right), byref(top))
    return _box(matrix.on_point(left.value, bottom.value), matrix.on_point(right.value, top.value))


def _boxes(shape: Any, outer: pdfium.PdfMatrix) -> Iterator[tuple[float, float, float, float]]:  # noqa: ANN401
    """Yield the straight lines of a path, as boxes."""
    left, bottom, right, top = _bounds(shape, outer)
    count = raw.FPDFPath_CountSegments(shape)
    if min(right - left, top - bottom) <= _THIN or count > _MOST_POINTS:
        yield left, bottom, right, top
        return
    matrix = _matrix(shape).multiply(outer)
    start = last = (0.0, 0.0)
    x, y = c_float(), c_float()
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(shape, index)
        raw.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield _box(last, point)
        if raw.FPDFPathSegment_GetClose(segment):
            yield _box(point, start)
        last = point


def _box(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float, float, float]:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])
