"""From the blocks of a document to text: paragraphs, headings, lists, tables and what stands beside them, in order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder
from groundtune.knowledge.readers._grid import laid_out
from groundtune.knowledge.readers._office.charts import chart
from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._office.diagrams import diagram
from groundtune.knowledge.readers._office.paragraphs import paragraphs
from groundtune.knowledge.readers._office.tables import GridRow, drawn_table, has_title, headers, spread
from groundtune.knowledge.readers._ooxml import Element, Package, child, name, value
from groundtune.knowledge.readers._word.content import opened
from groundtune.knowledge.readers._word.inline import BESIDE, Inline, Line, NoteSigns
from groundtune.knowledge.readers._word.numbering import BULLET, Numbering
from groundtune.knowledge.readers._word.styles import Styles
from groundtune.knowledge.readers._word.tables import is_layout, rows_of

_LONGEST_HEADING = 250  # characters; what is longer is text in the style of a heading
_LONG_ITEM = 200  # characters; a longer item of a list is a paragraph
_LONG_NAME = 80  # characters; a longer cell names no row and no column
_DEEPEST = 25  # tables in tables; what is deeper is read without its form
_ITEM = re.compile(r"list(?: ?(?:bullet|number))?(?: ?\d)?")
_LOOSE = frozenset(
    "w:r w:t w:hyperlink w:fldSimple m:oMath m:oMathPara w:drawing w:pict".split()
)  # without a paragraph
_BLOCKS = BESIDE | _LOOSE
_Nested = Element | list[GridRow]  # what stands behind the table or the note that it is in
_LINES = {"w:p", "a:p"} | _LOOSE


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a document that its body needs: `notes` by kind and id."""

    package: Package
    main: str
    styles: Styles
    numbering: Numbering
    notes: dict[tuple[str, str], Element]


class WordBody:
    """Writes blocks to a builder."""

    def __init__(self, parts: Parts, builder: TextBuilder) -> None:
        self._parts = parts
        self._styles = parts.styles
        self._builder = builder
        self._left_out = builder.left_out
        self._inline = Inline(parts.styles, builder.left_out, NoteSigns())
        self._carried: Line | None = None  # a paragraph whose end is deleted
        self._caption = ""  # waits for a table
        self._notes: list[tuple[str, str, str]] = []
        self._told: set[tuple[str, str]] = set()
        self._depth = 0

    def read(self, root: Element) -> None:
        """Write all blocks below `root`, and the notes that they refer to."""
        self._blocks([root])
        for (kind, identifier), note in self._parts.notes.items():
            if (kind, identifier) not in self._told and has_text(note):
                self._left_out.add("hidden text", detail=f"a {kind} that the text does not refer to")

    # --- blocks -----------------------------------------------------------------------------------

    def _blocks(self, elements: Iterable[Element]) -> None:
        self._depth += 1
        for block in self._opened(elements):
            self._block(block)
        self._end_paragraph()
        self._end_caption()
        self._depth -= 1

    def _block(self, block: Element) -> None:
        kind = name(block)
        if kind in _LINES:
            self._paragraph(block)
            return
        self._end_paragraph()
        if kind == "w:tbl":
            self._table(block)
            return
        self._end_caption()
        self._builder.part()
        if kind == "w:txbxContent":
            self._blocks(block)
        elif kind == "a:tbl":
            self._drawn_table(block)
        elif kind in ("c:chart", "cx:chart"):
            self._chart(value(block, "id"))
        elif kind == "dgm:relIds":
            root = self._related(value(block, "dm"))
            for _, text in diagram(root, self._left_out) if root is not None else ():
                self._builder.add(text, LINE)
        elif kind == "w:altChunk":
            self.imported(block)
        self._builder.part()

    def _drawn_table(self, block: Element) -> None:
        table = drawn_table(block, lambda cell: "\n".join(paragraphs(cell, self._left_out)), self._left_out)
        self._builder.table(table.rows, table.headers, table.title, table.certain)

    def imported(self, block: Element) -> None:
        """Count a file within the file; whoever can read it overrides this."""
        self._left_out.add("attachment")

    def _related(self, identifier: str | None) -> Element | None:
        target = self._parts.package.target(self._parts.main, identifier)
        if target is None:
            self._left_out.add("unreadable part", detail="a drawing is missing")
            return None
        return self._parts.package.xml(target)

    def _chart(self, identifier: str | None) -> None:
        root = self._related(identifier)
        if root is None:
            return
        drawn = chart(root, self._left_out)
        self._builder.table(drawn.rows, caption=drawn.title)
        for text in drawn.others:
            self._builder.add(text, LINE)

    # --- paragraphs -------------------------------------------------------------------------------

    def _paragraph(self, paragraph: Element) -> None:
        line = self._inline.line(paragraph)
        if self._carried is not None:
            before, self._carried = self._carried, None
            line = Line(
                before.text + line.text,
                before.notes + line.notes,
                before.beside + line.beside,
                before.pictures + line.pictures,
                line.joined,
            )
        if line.joined:
            self._carried = line
            return
        self._write(line, child(paragraph, "w:pPr"))

    def _end_paragraph(self) -> None:
        if self._carried is not None:
            line, self._carried = self._carried, None
            self._write(line, None)

    def _write(self, line: Line, properties: Element | None) -> None:
        mark = self._parts.numbering.mark(properties)
        style = self._styles.of(properties)
        text = line.text.strip()
        level = self._styles.level(properties)
        if not text:
            self._builder.part()
        elif level is not None and len(text) <= _LONGEST_HEADING:
            self._end_caption()
            self._builder.heading(text if mark == BULLET else f"{mark} {text}", level)
        elif self._styles.is_caption(style):
            self._end_caption()
            self._caption = text if mark == BULLET else f"{mark} {text}".strip()
        else:
            self._end_caption()
            self._text(text, mark or (BULLET if _ITEM.fullmatch(self._styles.name(style)) else ""))
        self._besides(line)

    def _text(self, text: str, mark: str) -> None:
        if mark and len(text) <= _LONG_ITEM:
            self._builder.add(f"{mark} {text}", LINE)
            return
        self._builder.part()
        self._builder.add(f"{mark} {text}", PARAGRAPH)
        self._builder.part()

    def _end_caption(self) -> None:
        if self._caption:
            text, self._caption = self._caption, ""
            self._text(text, "")
            self._write_notes()

    def _besides(self, line: Line) -> None:
        """Write the pictures, boxes and drawings beside a paragraph, and then its notes."""
        if line.pictures or line.beside:
            self._end_caption()
        for picture in line.pictures:
            self._builder.part()
            self._builder.add(picture)
            self._builder.part()
        if line.beside:
            if self._depth > _DEEPEST:
                self._builder.add(_bare(line.beside))
            else:
                self._builder.part()
                self._blocks(line.beside)
                self._builder.part()
        self._notes += line.notes
        if self._caption == "":
            self._write_notes()

    def _write_notes(self) -> None:
        notes, self._notes = self._notes, []
        for kind, identifier, sign in notes:
            note = self._parts.notes.get((kind, identifier))
            if note is None:
                self._left_out.add("unreadable part", detail=f"a {kind} is missing")
            elif (kind, identifier) not in self._told:
                self._told.add((kind, identifier))
                self._builder.part()
                nested: list[_Nested] = []
                text = self._flat(note, nested)
                self._builder.add(f"{sign} {text}" if text else "")
                self._builder.part()
                for each in nested:
                    self._write_nested(each)

    # --- tables -----------------------------------------------------------------------------------

    def _table(self, table: Element) -> None:
        self._rows(rows_of(table, self._styles, self._left_out))

    def _rows(self, rows: list[GridRow], caption: str = "") -> None:
        if self._depth > _DEEPEST:
            self._end_caption()
            self._builder.add(_bare(cell.element for row in rows for cell in row.cells))
            return
        self._depth += 1
        self._builder.part()
        if is_layout(rows):
            self._end_caption()
            for cell in (cell for row in rows for cell in row.cells if cell.above is None):
                self._blocks([cell.element])
                self._builder.part()
        else:
            caption, self._caption = self._caption or caption, ""
            self._data(rows, caption)
        self._builder.part()
        self._write_notes()
        self._depth -= 1

    def _data(self, rows: list[GridRow], caption: str) -> None:
        texts: dict[int, str] = {}
        nested: list[tuple[GridRow, int, _Nested]] = []
        for row in rows:
            for cell in row.cells:
                within: list[_Nested] = []
                said = self._flat(cell.element, within) if cell.above is None else texts[id(cell.above)]
                texts[id(cell)] = said
                nested += [(row, cell.column, each) for each in within]
        holding = {id(row) for row, _, _ in nested}
        rows = [
            row
            for row in rows
            if id(row) in holding or any(texts[id(cell)] for cell in row.cells if cell.above is None)
        ]
        if has_title(rows):
            title = texts[id(rows[0].cells[0])]
            caption = f"{caption}\n{title}" if caption else title
            rows = rows[1:]
        names = headers(rows)
        grid = laid_out([spread(row, texts) for row in rows], names)
        self._builder.table(grid, names, caption)
        places = {id(row): number for number, row in enumerate(rows)}
        for row, column, each in nested:
            self._write_nested(each, _place(grid, places.get(id(row)), column))

    def _write_nested(self, nested: _Nested, caption: str = "") -> None:
        if isinstance(nested, list):
            self._rows(nested, caption)
        else:
            self._block(nested)

    def _flat(self, parent: Element, nested: list[_Nested]) -> str:
        """Return the text of a cell or a note, a paragraph a line; tables and drawings in it are added to `nested`."""
        lines: list[str] = []
        carried = ""
        going_on = [self._opened([parent])]
        while going_on:
            block = next(going_on[-1], None)
            if block is None:
                going_on.pop()
            elif name(block) in _LINES:
                line = self._inline.line(block)
                self._notes += line.notes
                carried += line.text
                if not line.joined:
                    mark = self._parts.numbering.mark(child(block, "w:pPr"))
                    text, carried = carried.strip(), ""
                    lines.append(text if mark == BULLET else f"{mark} {text}".strip())
                lines += line.pictures
                going_on.append(self._opened(line.beside))
            elif name(block) == "w:txbxContent":
                going_on.append(self._opened(block))
            elif name(block) == "w:tbl":
                rows = rows_of(block, self._styles, self._left_out)
                if is_layout(rows):
                    going_on.append(self._opened(cell.element for row in rows for cell in row.cells if not cell.above))
                else:
                    nested.append(rows)
            else:
                nested.append(block)
        return "\n".join(line for line in [*lines, carried.strip()] if line)

    def _opened(self, elements: Iterable[Element]) -> Iterator[Element]:
        return opened(elements, _BLOCKS, self._styles, self._left_out)


def _place(grid: list[list[str]], row: int | None, column: int) -> str:
    """Return what a cell's row and column are called, as the caption of a table in it."""
    if row is None:
        return ""
    label = grid[row][0] if column and grid[row] else ""
    header = grid[0][column] if row and column < len(grid[0]) else ""
    said = (" ".join(text.split()) for text in (label, header))
    return ", ".join(text for text in said if 0 < len(text) <= _LONG_NAME)


def _bare(elements: Iterable[Element]) -> str:
    """Return the text of what is nested too deep, a paragraph a line."""
    lines = [""]
    for element in elements:
        for each in element.iter():
            kind = name(each)
            if kind in ("w:p", "a:p"):
                lines.append("")
            elif kind in ("w:t", "a:t", "m:t"):
                lines[-1] += each.text or ""
    return "\n".join(line for line in lines if line.strip())
