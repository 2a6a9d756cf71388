"""From the tree of shapes of a slide to pieces of text and tables, in the order in which they are read.

Knows layouts and places; knows nothing of the other slides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.charts import chart
from groundtune.knowledge.readers._office.content import chosen, has_text
from groundtune.knowledge.readers._office.diagrams import diagram
from groundtune.knowledge.readers._office.paragraphs import paragraphs
from groundtune.knowledge.readers._office.pictures import description, shown
from groundtune.knowledge.readers._office.tables import drawn_table
from groundtune.knowledge.readers._ooxml import Element, Package, child, name, reference, value
from groundtune.knowledge.readers._slides.layouts import FURNITURE, TITLES, Layout, drawn, own_box, placeholder
from groundtune.knowledge.readers._slides.lists import BULLET, ListLine, block, lines_of
from groundtune.knowledge.readers._slides.order import Box, in_order

_DEEPEST = 25  # groups in groups; what is deeper is read without its form
_NO_SHAPES = frozenset("p:nvGrpSpPr p:grpSpPr p:extLst p:nvPr".split())
_MEDIA = frozenset("a:audioCd a:audioFile a:quickTimeFile a:videoFile a:wavAudioFile :media".split())
_GRAPHICS = frozenset("a:tbl c:chart cx:chart dgm:relIds p:oleObj".split())
_PLAYS = "mediacall"  # the effect of a film that begins
_CONTROLS = frozenset(("p:control",))


@dataclass(frozen=True, slots=True)
class SlideText:
    """Paragraphs of one shape."""

    text: str


@dataclass(frozen=True, slots=True)
class SlideTable:
    """A table, or the values of a chart; `others` is what else is written in the chart."""

    rows: list[list[str]]
    headers: int = 1
    caption: str = ""
    certain: bool = True
    others: tuple[str, ...] = ()


SlidePiece = SlideText | SlideTable


@dataclass(slots=True)
class ShapeTree:
    """What the shapes of a slide say: `furniture` are dates, footers and numbers with their kinds.

    `pictures` tells whether there is anything on it that cannot be read.
    """

    title: str = ""
    pieces: list[SlidePiece] = field(default_factory=list)
    furniture: list[tuple[str, str]] = field(default_factory=list)
    pictures: bool = False


@dataclass(slots=True)
class _Placed:
    box: Box | None
    pieces: list[SlidePiece]


def read_shapes(root: Element, package: Package, part: str, layout: Layout, from_right: bool = False) -> ShapeTree:
    """Return what is on a slide or a page of notes, which is `part`; `from_right` if it is read from right to left."""
    reading = _Reading(package, part, layout, from_right)
    tree = child(root, "p:cSld", "p:spTree")
    reading.tree.pieces = _pieces(reading.placed([] if tree is None else tree, 0))
    if any(name(each) == "a:blip" for each in _below(child(root, "p:cSld", "p:bg"))):
        reading.picture("image")
    effects = (value(each, "presetClass") for each in _below(child(root, "p:timing")) if name(each) == "p:cTn")
    count = sum(1 for effect in effects if effect not in (None, _PLAYS))
    package.left_out.add("markup", count, "animations" if count else "")
    controls = child(root, "p:cSld", "p:controls")
    package.left_out.add("form control", sum(1 for _ in _opened([controls], _CONTROLS)) if controls is not None else 0)
    return reading.tree


def _below(element: Element | None) -> Iterable[Element]:
    return () if element is None else element.iter()


def _pieces(placed: list[_Placed]) -> list[SlidePiece]:
    order = in_order([each.box for each in placed])
    return [piece for at in order for piece in placed[at].pieces]


class _Reading:
    """One way through the tree of a slide."""

    def __init__(self, package: Package, part: str, layout: Layout, from_right: bool) -> None:
        self._package, self._part, self._layout = package, part, layout
        self._left_out = package.left_out
        self._from_right = from_right
        self.tree = ShapeTree()

    def picture(self, kind: str, detail: str = "") -> None:
        """Count something that is seen and not read."""
        self._left_out.add("media" if kind == "media" else "attachment" if kind == "attachment" else "image", 1, detail)
        self.tree.pictures = True

    def placed(self, elements: Iterable[Element], depth: int) -> list[_Placed]:
        """Return what shapes say and where they stand, without those that say nothing."""
        shapes = [self._placed(shape, depth) for shape in _opened(elements)]
        return [each for each in shapes if each is not None and each.pieces]

    def _placed(self, shape: Element, depth: int) -> _Placed | None:
        if (value(drawn(shape), "hidden") or "").lower() in ("1", "true", "on"):
            self._left_out.add("hidden text", int(has_text(shape)))
            return None
        kind = name(shape)
        if kind in _HANDLERS:
            return self._at(shape, _HANDLERS[kind](self, shape))
        if kind == "p:grpSp" or has_text(shape):
            return self._group(shape, depth)
        if kind.endswith(":contentPart"):
            self.picture("image", "ink")
        return None

    def _at(self, shape: Element, pieces: list[SlidePiece]) -> _Placed:
        stands_for = placeholder(shape)
        box = own_box(shape)
        if box is None and stands_for is not None:
            box = self._layout.box(stands_for)
        return _Placed(box.mirrored() if box is not None and self._from_right else box, pieces)

    def _group(self, group: Element, depth: int) -> _Placed:
        said: list[SlidePiece] = _described(group)
        if depth >= _DEEPEST:
            said += [SlideText(text) for text in paragraphs(group, self._left_out)]
            return self._at(group, said)
        within = self.placed(group, depth + 1)
        placed = self._at(group, said + _pieces(within))
        if placed.box is None or (placed.box.left, placed.box.top) == (placed.box.right, placed.box.bottom):
            boxes = [each.box for each in within if each.box is not None]
            placed.box = _around(boxes) if boxes else None
        return placed

    def _shape(self, shape: Element) -> list[SlidePiece]:
        stands_for = placeholder(shape)
        kind = "" if stands_for is None else stands_for.kind
        body = next((each for each in shape if name(each).endswith(":txBody")), None)
        if any(name(each) == "a:blip" for each in _below(child(shape, "p:spPr"))):
            self.picture("image")
        if kind in FURNITURE:
            self._furnish(kind, body)
            return []
        lines = [] if body is None else lines_of(body, self._layout.list_styles(stands_for), self._left_out)
        if kind in TITLES and not self.tree.title:
            self.tree.title = " ".join(line.text for line in lines)
            return []
        text = block(lines)
        return [SlideText(text)] if text else _described(shape)

    def _furnish(self, kind: str, body: Element | None) -> None:
        """Keep what a date, a footer or a number says, whose fields are part of it."""
        aside = Omissions()
        text = "" if body is None else " ".join(paragraphs(body, aside))
        if text or aside.all():
            self.tree.furniture.append((kind, text))

    def _picture(self, shape: Element) -> list[SlidePiece]:
        is_media = any(name(each) in _MEDIA for each in _below(child(shape, "p:nvPicPr", "p:nvPr")))
        self.picture("media" if is_media else "image")
        return _described(shape)

    def _frame(self, frame: Element) -> list[SlidePiece]:
        graphics = list(_opened([frame], _GRAPHICS))
        if not graphics:
            self.picture("image")
            return _described(frame)
        pieces: list[SlidePiece] = []
        for graphic in graphics:
            if name(graphic) == "a:tbl":
                pieces.append(self._table(graphic, description(_alternative(frame))))
            else:
                pieces += [*_described(frame), *self._graphic(graphic)]
        return pieces

    def _graphic(self, graphic: Element) -> Iterator[SlidePiece]:
        kind = name(graphic)
        if kind == "p:oleObj":
            self.picture("attachment", value(graphic, "progId") or "")
            return
        target = self._package.target(self._part, value(graphic, "dm") if kind == "dgm:relIds" else reference(graphic))
        root = None if target is None else self._package.xml(target)
        if target is None:
            self._left_out.add("unreadable part", detail="a drawing is missing")
        elif root is not None and kind == "dgm:relIds":
            lines = [ListLine(level, BULLET, text) for level, text in diagram(root, self._left_out)]
            yield SlideText(block(lines))
        elif root is not None:
            drawn_chart = chart(root, self._left_out)
            others = (*drawn_chart.others, *self._drawn_on(target))
            yield SlideTable(drawn_chart.rows, caption=drawn_chart.title, others=others)

    def _drawn_on(self, chart_part: str) -> Iterator[str]:
        """Yield what somebody has written onto a chart, which is a part of its own."""
        for part in self._package.existing(chart_part, "chartUserShapes"):
            root = self._package.xml(part)
            yield from () if root is None else paragraphs(root, self._left_out)

    def _table(self, table: Element, caption: str) -> SlideTable:
        def said(cell: Element) -> str:
            return " ".join(f"{line.mark} {line.text}".strip() for line in lines_of(cell, (), self._left_out))

        got = drawn_table(table, said, self._left_out)
        named = "\n".join(text for text in (caption, got.title) if text)
        return SlideTable(got.rows, got.headers, named, got.certain)


_HANDLERS: dict[str, Callable[[_Reading, Element], list[SlidePiece]]] = {
    "p:sp": _Reading._shape,
    "p:cxnSp": _Reading._shape,
    "p:pic": _Reading._picture,
    "p:graphicFrame": _Reading._frame,
}


def _opened(elements: Iterable[Element], wanted: frozenset[str] | None = None) -> Iterator[Element]:
    """Yield shapes, or the `wanted` elements within them, one branch of each set of alternatives."""
    stack = list(elements)[::-1]
    while stack:
        element = stack.pop()
        kind = name(element)
        if kind == "mc:AlternateContent":
            branch = chosen(element)
            stack += [] if branch is None else list(branch)[::-1]
        elif kind in _NO_SHAPES or not kind:
            continue
        elif wanted is None or kind in wanted:
            yield element
        else:
            stack += list(element)[::-1]


def _described(shape: Element) -> list[SlidePiece]:
    said = shown(_alternative(shape))
    return [SlideText(said)] if said else []


def _alternative(shape: Element) -> str | None:
    return value(drawn(shape), "descr") or value(drawn(shape), "title")


def _around(boxes: list[Box]) -> Box:
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
