"""What stands beside the cells of an Office Open XML sheet: notes, text boxes, charts, descriptions of pictures.

Source: ECMA-376, part 1, 18.7 (notes, which it calls comments) and 20.5 (spreadsheet drawings); [MS-XLSX] 2.1.21
(threaded comments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from groundtune.knowledge.readers._office.charts import chart
from groundtune.knowledge.readers._office.content import chosen
from groundtune.knowledge.readers._office.diagrams import diagram
from groundtune.knowledge.readers._office.paragraphs import paragraphs
from groundtune.knowledge.readers._office.pictures import shown
from groundtune.knowledge.readers._ooxml import Element, Package, child, children, name, reference, value
from groundtune.knowledge.readers._sheets.pages import CellRemark, DrawnBlock
from groundtune.knowledge.readers._sheets.xlsx_cells import area_of, rich_text

_SHEET_OF = re.compile(r"'((?:[^']|'')+)'!|([^'!,()]+)!")
_IDS = {"dgm:relIds": "dm"}
_PLACEHOLDER = "tc={"  # the author of a note that stands for a threaded comment, for older programs


def remarks(package: Package, part: str) -> list[CellRemark]:
    """Return the notes on the cells of a sheet. Comments, which people answer, are counted."""
    threads = [package.xml(target) for target in package.existing(part, "threadedComment")]
    package.left_out.add("comment", sum(len(children(each, "tc:threadedComment")) for each in threads))
    notes = [each for target in package.existing(part, "comments") for each in _notes(package, target)]
    kept = [note for author, note in notes if not (threads and author.startswith(_PLACEHOLDER))]
    return sorted(kept, key=lambda each: (each.row, each.column))


def _notes(package: Package, part: str) -> Iterator[tuple[str, CellRemark]]:
    root = package.xml(part)
    authors = ["".join(each.itertext()) for each in children(child(root, "x:authors"), "x:author")]
    for each in children(child(root, "x:commentList"), "x:comment"):
        area, text = area_of(value(each, "ref")), child(each, "x:text")
        said = rich_text(text).strip() if text is not None else ""
        at = value(each, "authorId") or ""
        author = authors[int(at)] if at.isdecimal() and int(at) < len(authors) else ""
        if area is not None and said:
            yield author, CellRemark(area.top, area.left, said)


def drawn_blocks(package: Package, part: str, seen: frozenset[str]) -> list[DrawnBlock]:
    """Return what is drawn on a sheet, from top to bottom. `seen` are the names of the sheets that people see.

    Of a chart whose values stand in these sheets its words are read, of another one its values, too.
    """
    blocks: list[DrawnBlock] = []
    for target in package.existing(part, "drawing"):
        root = package.xml(target)
        anchors = [] if root is None else sorted((each for each in root if isinstance(each.tag, str)), key=_anchored)
        for anchor in anchors:
            blocks += _drawn(package, target, anchor, seen)
    return blocks


def _anchored(anchor: Element) -> tuple[int, int]:
    """Return row and column at which something is drawn; what is placed by length goes last."""
    said = [("".join(each.itertext()) if each is not None else "") for each in _corner(anchor)]
    row, column = (int(each) if each.strip().isdecimal() else 1 << 20 for each in said)
    return row, column


def _corner(anchor: Element) -> tuple[Element | None, Element | None]:
    return child(anchor, "xdr:from", "xdr:row"), child(anchor, "xdr:from", "xdr:col")


def _drawn(package: Package, part: str, anchor: Element, seen: frozenset[str]) -> Iterator[DrawnBlock]:
    stack = [anchor]
    while stack:
        each = stack.pop()
        kind = name(each)
        if kind == "mc:AlternateContent":
            branch = chosen(each)
            stack += [] if branch is None else [branch]
        elif kind == "xdr:sp":
            if lines := paragraphs(each, package.left_out):
                yield DrawnBlock("", tuple(lines))
        elif kind == "xdr:pic":
            package.left_out.add("image")
            if described := shown(value(child(each, "xdr:nvPicPr", "xdr:cNvPr"), "descr")):
                yield DrawnBlock("", (described,))
        elif kind in ("c:chart", "cx:chart", "dgm:relIds"):
            yield from _elsewhere(package, package.target(part, reference(each, _IDS.get(kind, "id"))), seen)
        else:
            stack += list(each)[::-1]


def _elsewhere(package: Package, part: str | None, seen: frozenset[str]) -> Iterator[DrawnBlock]:
    """Yield a chart or a diagram, which has a part of its own."""
    root = package.xml(part) if part is not None else None
    if root is None:
        package.left_out.add("unreadable part", detail="a drawing is missing")
    elif any(name(each) == "dgm:pt" for each in root.iter()):
        yield DrawnBlock("", tuple(text for _, text in diagram(root, package.left_out)))
    else:
        drawn = chart(root, package.left_out)
        sources = [each.text or "" for each in root.iter() if name(each) in ("c:f", "cx:f")]
        if drawn.rows and not (sources and all(_stands_in(source, seen) for source in sources)):
            yield DrawnBlock(drawn.title, tuple(drawn.others), tuple(map(tuple, drawn.rows)))
        else:
            names = dict.fromkeys(cell for cell in (drawn.rows[0] if drawn.rows else []) if cell)
            yield DrawnBlock(drawn.title, (*names, *drawn.others))


def _stands_in(source: str, seen: frozenset[str]) -> bool:
    """Tell whether the cells that `'Our prices'!$A$1:$B$2` means are in sheets that are read."""
    sheets = [(match[1] or match[2]).replace("''", "'").strip() for match in _SHEET_OF.finditer(source)]
    return bool(sheets) and all(sheet in seen for sheet in sheets)
