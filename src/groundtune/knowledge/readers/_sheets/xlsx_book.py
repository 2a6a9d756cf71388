"""Office Open XML workbooks: their sheets in order, shared texts and styles, and what belongs to a sheet.

What is hidden by an author is left out and counted. Rows that a filter hides, and what is folded away in an outline,
are read: people open them with a click. Source: ECMA-376, part 1, 18 (SpreadsheetML).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers._office.properties import properties
from groundtune.knowledge.readers._ooxml import (
    Element,
    Package,
    child,
    children,
    is_on,
    is_true,
    reference,
    value,
)
from groundtune.knowledge.readers._sheets.numbers import BUILT_IN, GENERAL, number_format
from groundtune.knowledge.readers._sheets.pages import CellArea, CellTally, DeclaredTable, SheetPage
from groundtune.knowledge.readers._sheets.unseen import without_hidden
from groundtune.knowledge.readers._sheets.xlsx_beside import drawn_blocks, remarks
from groundtune.knowledge.readers._sheets.xlsx_cells import (
    WANTED,
    CellReading,
    CellStyle,
    SheetMarks,
    area_of,
    read_cells,
    rich_text,
)

_MAIN_TYPE = re.compile(r"spreadsheetml\.(?:sheet|template)(?:\.macroenabled)?\.main\+xml|ms-excel\..*main\+xml")
_MAIN_NAME = re.compile(r"xl/workbook\d*\.xml|workbook\.xml")
_SAYS_NOTHING = re.compile(r"[^\W\d_]+_?\d+(?:_\d+)*|__.*|_xlnm.*", re.IGNORECASE)  # Table1, Tabelle_2
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_HIDDEN = {"hidden": "hidden", "veryHidden": "hidden by a program"}
_PLAIN = CellStyle(number_format(GENERAL), bold=False)


class XlsxBook:
    """A workbook whose sheets are read one at a time."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._left_out = package.left_out
        self._main = _main_part(package)
        self._root = package.xml(self._main)
        self._folded: list[str] = []
        self._tally = CellTally()

    def pages(self) -> Iterator[SheetPage]:
        """Yield the sheets that people see, in order. Count what is not read."""
        reading = self._reading()
        for title, part, kind in self._sheets():
            if kind == "worksheet":
                yield self._page(title, part, reading)
            elif kind == "chartsheet":
                page = SheetPage(title)
                page.drawn = drawn_blocks(self._package, part, frozenset(self._seen()))
                yield page
            elif "macro" in kind.lower():
                self._left_out.add("script", detail=f'the macro sheet "{title}"')
            else:
                self._left_out.add("form control", detail=f'the dialog "{title}"')
        self._tally.tell(self._left_out)
        self._count_the_rest()

    def metadata(self) -> dict[str, str]:
        """Return what the file says about itself."""
        return properties(self._package)

    def notes(self) -> list[str]:
        """Return what a person should know of how it was read, after the sheets."""
        if not self._folded:
            return []
        where = listed("sheet", "sheets", self._folded)
        return [f"Rows that a filter or an outline hides were read ({where})."]

    def _listed(self) -> list[Element]:
        return children(child(self._root, "x:sheets"), "x:sheet")

    def _seen(self) -> list[str]:
        """Return the names of the sheets that are not hidden."""
        return [value(each, "name") or "" for each in self._listed() if value(each, "state") not in _HIDDEN]

    def _sheets(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, part and kind of each sheet that people see."""
        kinds = {each.target: each.kind for each in self._package.relations(self._main)}
        number = 0
        for number, each in enumerate(self._listed(), start=1):
            title = " ".join((value(each, "name") or f"Sheet {number}").split())
            part = self._package.target(self._main, reference(each))
            if not kinds:  # the list of relations is lost
                part = f"xl/worksheets/sheet{number}.xml"
            if part is None or part not in self._package:
                self._left_out.add("unreadable part", detail=f'the sheet "{title}" is missing')
            elif state := _HIDDEN.get(value(each, "state") or ""):
                self._left_out.add("hidden text", detail=f'the sheet "{title}" is {state}')
            else:
                yield title, part, kinds.get(part, "worksheet")
        if not number:
            parts = sorted((int(match[1]), each) for each in self._package.parts() if (match := _SHEET.fullmatch(each)))
            yield from ((f"Sheet {number}", part, "worksheet") for number, part in parts)

    def _reading(self) -> CellReading:
        properties = child(self._root, "x:workbookPr")
        computing = child(self._root, "x:calcPr")
        return CellReading(
            texts=self._texts(),
            styles=self._styles(),
            first_day=1462 if is_true(value(properties, "date1904")) else 0,
            uncomputed=is_true(value(computing, "fullCalcOnLoad")),
            tally=self._tally,
            left_out=self._left_out,
        )

    def _texts(self) -> list[str]:
        part = self._part("sharedStrings")
        return [] if part is None else [rich_text(each) for each in self._package.elements(part, "si")]

    def _styles(self) -> list[CellStyle]:
        part = self._part("styles")
        root = self._package.xml(part) if part is not None else None
        named = {
            value(each, "numFmtId"): value(each, "formatCode")
            for each in children(child(root, "x:numFmts"), "x:numFmt")
        }
        bold = [is_on(child(font, "x:b")) for font in children(child(root, "x:fonts"), "x:font")]
        styles = []
        for each in children(child(root, "x:cellXfs"), "x:xf"):
            number, font = value(each, "numFmtId") or "0", value(each, "fontId") or "0"
            code = named.get(number) or (BUILT_IN.get(int(number)) if number.isdecimal() else None) or GENERAL
            is_bold = font.isdecimal() and int(font) < len(bold) and bold[int(font)]
            styles.append(CellStyle(number_format(code), is_bold))
        return styles or [_PLAIN]

    def _part(self, kind: str) -> str | None:
        usual = f"{self._main.rpartition('/')[0]}/{kind}.xml".lstrip("/")
        return next((part for part in (*self._package.related(self._main, kind), usual) if part in self._package), None)

    def _page(self, title: str, part: str, reading: CellReading) -> SheetPage:
        package = self._package
        page = SheetPage(title)
        marks = read_cells(package.elements(part, *WANTED), page, reading)
        page.declared = self._tables(part, marks)
        shown = [row for row in page.hidden_rows if any(area.top < row <= area.bottom for area in marks.filters)]
        page.hidden_rows.difference_update(shown)
        if any(row in page.rows for row in (*shown, *marks.folded_rows)):
            self._folded.append(title)
        page.remarks = remarks(package, part)
        page.drawn = drawn_blocks(package, part, frozenset(self._seen()))
        without_hidden(page, marks.merged, self._left_out)
        for kind in ("oleObject", "package"):
            self._left_out.add("attachment", len(package.related(part, kind)))
        return page

    def _tables(self, part: str, marks: SheetMarks) -> list[DeclaredTable]:
        """Return the tables that a sheet declares; a filter on cells is one, too, but tells nothing of their end."""
        declared = []
        for target in self._package.related(part, "table"):
            root = self._package.xml(target) if target in self._package else None
            area = area_of(value(root, "ref"))
            if root is None or area is None:
                continue
            said = value(root, "displayName") or value(root, "name") or ""
            title = "" if _SAYS_NOTHING.fullmatch(said) else said.replace("_", " ").strip()
            headers = value(root, "headerRowCount") or "1"
            declared.append(DeclaredTable(area, int(headers) if headers.isdecimal() else 1, title))
            if any(len(each) for each in children(root, "x:autoFilter")):
                marks.filters.append(area)
        return [
            each
            for each in declared
            if not any(_overlap(each.area, other.area) for other in declared if other is not each)
        ]

    def _count_the_rest(self) -> None:
        macros = self._package.related(self._main, "vbaProject")
        self._left_out.add("script", len(macros), "macros" if macros else "")


def _overlap(area: CellArea, other: CellArea) -> bool:
    return not (
        area.bottom < other.top or other.bottom < area.top or area.right < other.left or other.right < area.left
    )


def _main_part(package: Package) -> str:
    main = package.main(_MAIN_TYPE, _MAIN_NAME)
    if main is None:
        raise UnreadableDocument(
            "has no sheets: it is a zip file, but no workbook without a password.",
            place=package.path,
            remedy="Open it in its program and save it as .xlsx without a password.",
        )
    return main
