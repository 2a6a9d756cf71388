"""OpenDocument spreadsheets: cells show what the program that saved them showed, and days are written as ISO 8601.

Source: OASIS OpenDocument 1.3, part 3, 9 (tables), 19.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers._office.pictures import shown
from groundtune.knowledge.readers._ooxml import Element, Package, children, name, number, value
from groundtune.knowledge.readers._sheets.numbers import general
from groundtune.knowledge.readers._sheets.pages import (
    ERRORS,
    LAST_COLUMN,
    LAST_ROW,
    NO_VALUE,
    CellArea,
    CellKind,
    CellRemark,
    CellTally,
    DrawnBlock,
    SheetCell,
    SheetPage,
)
from groundtune.knowledge.readers._sheets.unseen import without_hidden

_CONTENT, _META, _MANIFEST = "content.xml", "meta.xml", "META-INF/manifest.xml"
_WANTED = ("style", "table-row", "table-column", "shapes", "table")
_MOST_CELLS = 3_000_000  # of a sheet, after repeated ones are laid out
_NUMBERS: dict[str, CellKind] = {
    **dict.fromkeys(("float", "percentage", "currency"), "number"),
    **dict.fromkeys(("date", "time"), "date"),
}
_ERROR = re.compile(r"#[A-Z/0!?]+[!?]?|Err:\d+|#N/A")
_WHOLE_DAY = re.compile(r"\D*\d+\D+\d+\D+\d+.*|.*\d+.*[^\W\d_]{3}.*\d{2,4}.*|.*[^\W\d_]{3}.*\d{1,2}\D+\d{2,4}.*")
_DURATION = re.compile(r"-?PT(\d+)H(\d+)M([\d.]+)S")
_ASIDE = frozenset(("office:annotation", "text:ruby-text", "text:note"))
_SHAPES = frozenset("draw:custom-shape draw:rect draw:ellipse draw:caption draw:text-box draw:polyline".split())


def is_ods(package: Package) -> bool:
    """Tell whether a package is an OpenDocument. Raises `UnreadableDocument` if it has a password or is no workbook."""
    if _CONTENT not in package:
        return False
    if b"encryption-data" in (package.content(_MANIFEST) or b"" if _MANIFEST in package else b""):
        raise UnreadableDocument("has a password.", place=package.path, remedy="Save it without a password.")
    kind = package.content("mimetype") if "mimetype" in package else b"spreadsheet"
    if b"spreadsheet" not in (kind or b""):
        said = (kind or b"").decode("ascii", "replace").rpartition(".")[2][:40]
        raise UnreadableDocument(
            f"is no workbook, but an OpenDocument of another kind ({said}).",
            place=package.path,
            remedy="Give it the suffix of its format.",
        )
    return True


class OdsBook:
    """A workbook whose sheets are read one at a time."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._left_out = package.left_out
        self._tally = CellTally()
        self._filtered: list[str] = []

    def metadata(self) -> dict[str, str]:
        """Return what the file says about itself."""
        root = self._package.xml(_META) if _META in self._package else None
        said = (
            {name(each).partition(":")[2]: "".join(each.itertext()) for each in root.iter()} if root is not None else {}
        )
        return described(
            title=said.get("title"),
            author=said.get("initial-creator") or said.get("creator"),
            date=said.get("creation-date"),
            subject=said.get("subject"),
            keywords=said.get("keyword"),
            language=said.get("language"),
        )

    def notes(self) -> list[str]:
        """Return what a person should know of how it was read, after the sheets."""
        where = listed("sheet", "sheets", self._filtered)
        return [f"Rows that a filter or an outline hides were read ({where})."] if self._filtered else []

    def pages(self) -> Iterator[SheetPage]:
        """Yield the sheets that people see, in order. Count what is not read."""
        bold: set[str] = set()
        unseen: set[str] = set()
        reading = _OdsPage(self._package, self._tally, bold)
        for element in self._package.elements(_CONTENT, *_WANTED):
            kind = name(element)
            if kind == "style:style":
                bold.update(_named(element, "style:text-properties", "font-weight", "bold"))
                unseen.update(_named(element, "style:table-properties", "display", "false"))
            elif kind == "table:table" and not _within(element, "table:table"):
                page, hidden = reading.finished(element), value(element, "style-name") in unseen
                if hidden and (page.rows or page.drawn):
                    self._left_out.add("hidden text", detail=f'the sheet "{page.name}" is hidden')
                elif not hidden:
                    self._filtered += [page.name] if reading.filtered else []
                    without_hidden(page, reading.merged, self._left_out)
                    yield page
                reading = _OdsPage(self._package, self._tally, bold)
            elif kind == "table:table-row":
                reading.row(element)
            elif kind == "table:table-column":
                reading.columns(element)
            elif kind == "table:shapes":
                reading.page.drawn += reading.drawn(element)
        self._tally.tell(self._left_out)
        macros = [each for each in self._package.parts() if each.startswith("basic/") and each.count("/") > 1]
        self._left_out.add("script", int(bool(macros)), "macros" if macros else "")


def _named(style: Element, properties: str, attribute: str, said: str) -> list[str]:
    fits = any(value(each, attribute) == said for each in children(style, properties))
    return [value(style, "name") or ""] if fits else []


def _within(element: Element, *kinds: str) -> bool:
    return any(name(each) in kinds for each in element.iterancestors())


class _OdsPage:
    """Reads the rows of a sheet, which come before its end and its name."""

    def __init__(self, package: Package, tally: CellTally, bold: set[str]) -> None:
        self.page = SheetPage("")
        self.merged: list[CellArea] = []
        self.filtered = False
        self._package, self._bold = package, bold
        self._tally = tally
        self._faults: list[tuple[str, int, int]] = []
        self._row = self._column = self._cells = 0

    def finished(self, table: Element) -> SheetPage:
        """Return the sheet at its end."""
        self.page.name = " ".join((value(table, "name") or "Sheet").split())
        for why, row, column in self._faults:
            self._tally.add(why, self.page.name, row, column)
        return self.page

    def columns(self, element: Element) -> None:
        """Read whether columns are hidden."""
        last = min(self._column + (number(value(element, "number-columns-repeated")) or 1), LAST_COLUMN + 1)
        if value(element, "visibility") == "collapse" and not _within(element, "table:table-column-group"):
            self.page.hidden_columns.update(range(self._column, last))
        self._column = last

    def row(self, element: Element) -> None:
        """Read a row, which may stand for several."""
        times = number(value(element, "number-rows-repeated")) or 1
        cells = self._read(element)
        if cells:
            last = min(self._row + times, LAST_ROW + 1)
            self._cells += len(cells) * (last - self._row)
            if self._cells > _MOST_CELLS:
                raise UnreadableDocument(
                    f"has a sheet with more than {_MOST_CELLS:,} cells.",
                    place=self._package.path,
                    remedy="Delete rows and columns that you do not need.",
                )
            for row in range(self._row, last):
                self.page.rows[row] = dict(cells)
            self._seen(element, range(self._row, last))
        self._row += times

    def _seen(self, element: Element, rows: range) -> None:
        if _within(element, "table:table-header-rows"):
            self.page.frozen = rows.stop
        visible = value(element, "visibility")
        if visible == "filter" or (visible == "collapse" and _within(element, "table:table-row-group")):
            self.filtered = True
        elif visible == "collapse":
            self.page.hidden_rows.update(rows)

    def _read(self, element: Element) -> dict[int, SheetCell]:
        cells: dict[int, SheetCell] = {}
        column = 0
        for each in element:
            kind = name(each)
            if kind not in ("table:table-cell", "table:covered-table-cell"):
                continue
            times = number(value(each, "number-columns-repeated")) or 1
            if len(each) or value(each, "value-type"):
                self._beside(each, column)
                cell = self._cell(each, column)
                last = min(column + times, LAST_COLUMN + 1) if cell is not None else column
                cells |= dict.fromkeys(range(column, last), cell) if cell is not None else {}
            self._merge(each, column)
            column += times
        return cells

    def _merge(self, cell: Element, column: int) -> None:
        down, across = (number(value(cell, f"number-{each}-spanned")) or 1 for each in ("rows", "columns"))
        if down > 1 or across > 1:
            bottom, right = min(self._row + down - 1, LAST_ROW), min(column + across - 1, LAST_COLUMN)
            self.merged.append(CellArea(self._row, column, bottom, right))

    def _beside(self, cell: Element, column: int) -> None:
        for each in children(cell, "office:annotation"):
            said = "\n".join(filter(None, (_text(part) for part in each if name(part) in ("text:p", "text:list"))))
            author = next(("".join(part.itertext()) for part in each if name(part).endswith(":creator")), "")
            if said.strip():
                text = f"{author}: {said}" if author.strip() else said
                self.page.remarks.append(CellRemark(self._row, column, text))
        self.page.drawn += self.drawn(cell)

    def _cell(self, cell: Element, column: int) -> SheetCell | None:
        paragraphs = [_text(each) for each in cell if name(each) in ("text:p", "text:h")]
        said = "\n".join(paragraphs).strip()
        kind, formula = value(cell, "value-type") or "string", value(cell, "formula") is not None
        if (kind == "error") or (formula and _ERROR.fullmatch(said)):
            self._faults.append((ERRORS, self._row, column))
            return None
        said = _shown(cell, kind, said)
        if not said:
            if formula and kind != "string":
                self._faults.append((NO_VALUE, self._row, column))
            return None
        return SheetCell(said, _NUMBERS.get(kind, "text"), value(cell, "style-name") in self._bold)

    def drawn(self, parent: Element) -> Iterator[DrawnBlock]:
        """Yield what is drawn in a cell, or on the sheet."""
        for each in parent.iter():
            kind = name(each)
            if kind in _SHAPES and not _within(each, *_SHAPES):
                lines = [line for part in each.iter() if name(part) == "text:p" and (line := _text(part).strip())]
                if lines:
                    yield DrawnBlock("", tuple(lines))
            elif kind == "draw:object":
                yield from self._chart((value(each, "href") or "").removeprefix("./"))
            elif kind == "draw:image" and not children(each.getparent(), "draw:object"):
                self._package.left_out.add("image")
                said = [_text(part) for part in each.getparent() if name(part).endswith((":title", ":desc"))]
                if described_as := shown(said[-1] if said else ""):
                    yield DrawnBlock("", (described_as,))

    def _chart(self, folder: str) -> Iterator[DrawnBlock]:
        part = f"{folder}/{_CONTENT}"
        root = self._package.xml(part) if folder and part in self._package else None
        if root is None:
            self._package.left_out.add("unreadable part", detail="a drawing is missing")
            return
        titles = [each for each in root.iter() if name(each).endswith((":title", ":subtitle", ":footer"))]
        names = (row for each in root.iter() if name(each) == "table:table-header-rows" for row in each)
        cells = chain.from_iterable(row.iter() for row in names)
        said = [_text(part).strip() for each in (*titles, *cells) for part in each if name(part) == "text:p"]
        lines = tuple(dict.fromkeys(filter(None, said)))
        if lines:
            yield DrawnBlock("", lines)


def _shown(cell: Element, kind: str, said: str) -> str:
    """Return what a cell shows: what stands in it, but a whole day as ISO 8601 has it, and a bare value as a number."""
    if kind == "date":
        day, _, time = (value(cell, "date-value") or "").partition("T")
        if not day or (said and not _WHOLE_DAY.fullmatch(said)):
            return said or day
        return f"{day} {time[:5] if said.count(':') < 2 else time[:8]}" if time and ":" in said else day
    if kind == "boolean":
        return (value(cell, "boolean-value") or said).upper()
    if said:
        return said
    bare = value(cell, "value")
    if kind == "time" and (duration := _DURATION.fullmatch(value(cell, "time-value") or "")):
        return f"{int(duration[1]):02d}:{int(duration[2]):02d}:{int(float(duration[3])):02d}"
    if bare is None:
        return value(cell, "string-value") or ""
    try:
        return f"{general(float(bare) * 100)}%" if kind == "percentage" else general(float(bare))
    except (ValueError, OverflowError):
        return bare


def _text(element: Element) -> str:
    """Return the text of a paragraph, with blanks, tabs and ends of lines where elements stand for them."""
    pieces = [element.text or ""]
    for part in element:
        kind = name(part)
        if kind == "text:s":
            pieces.append(" " * min(number(value(part, "c")) or 1, 1000))
        elif kind == "text:tab":
            pieces.append("\t")
        elif kind == "text:line-break":
            pieces.append("\n")
        elif kind and kind not in _ASIDE and not kind.startswith("draw:"):
            pieces.append(_text(part))
        pieces.append(part.tail or "")
    return "".join(pieces)
