"""What slides inherit: the places and the list styles of placeholders, from their layout and its master.

A placeholder of a slide has the one of the layout with its index above it, and that one the one of the master with its
type (ECMA-376-1, 19.3.1.36). Knows no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._ooxml import Element, Package, child, name, value
from groundtune.knowledge.readers._slides.order import Box

TITLES = frozenset(("title", "ctrTitle"))
FURNITURE = frozenset(("dt", "ftr", "hdr", "sldNum"))
_ALIKE = {"ctrTitle": "title", "subTitle": "body", **{kind: kind for kind in (*FURNITURE, "title", "sldImg")}}
_STYLES = {"title": "p:titleStyle", "body": "p:bodyStyle"}
_TURNED = (45 * 60_000, 135 * 60_000)  # angles, in 60,000ths of a degree, at which width and height change places
_PLACES = ("p:spPr", "p:grpSpPr", "p:xfrm")
_LARGEST = 2**40  # EMU; larger numbers say nothing


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What an element of a slide stands in for: `kind` is its type ("" for any content)."""

    kind: str
    index: str

    @property
    def family(self) -> str:
        """The kind of the master's placeholder that it inherits from."""
        return _ALIKE.get(self.kind, "body")


def placeholder(shape: Element) -> Placeholder | None:
    """Return the placeholder that a shape is; None for a shape of its own."""
    said = child(_properties(shape), "p:nvPr", "p:ph")
    return None if said is None else Placeholder(value(said, "type") or "", value(said, "idx") or "0")


def drawn(shape: Element) -> Element | None:
    """Return the `p:cNvPr` of a shape: its name, its alternative text, whether it is hidden."""
    return child(_properties(shape), "p:cNvPr")


def _properties(shape: Element) -> Element | None:
    return next((each for each in shape if name(each).startswith("p:nv")), None)


def own_box(shape: Element) -> Box | None:
    """Return where a shape says that it stands."""
    holder = next((each for each in shape if name(each) in _PLACES), None)
    frame = holder if holder is not None and name(holder) == "p:xfrm" else child(holder, "a:xfrm")
    corner, size = child(frame, "a:off"), child(frame, "a:ext")
    if corner is None or size is None:
        return None
    left, top, wide, high = (
        _whole(value(element, key)) for element, key in ((corner, "x"), (corner, "y"), (size, "cx"), (size, "cy"))
    )
    if _TURNED[0] <= _whole(value(frame, "rot")) % (180 * 60_000) < _TURNED[1]:
        left, top, wide, high = left + (wide - high) // 2, top + (high - wide) // 2, high, wide
    return Box(left, top, left + wide, top + high)


def _whole(said: str | None) -> int:
    try:
        return max(-_LARGEST, min(_LARGEST, int(float(said or 0))))
    except (ValueError, OverflowError):
        return 0


@dataclass(slots=True)
class Layout:
    """What a part that others inherit from has: its placeholders, and what it inherits itself.

    `texts` counts what stands on it that is no placeholder: slides show it, and none of them has it.
    """

    placeholders: list[tuple[Placeholder, Element]] = field(default_factory=list)
    styles: Element | None = None
    master: Layout | None = None
    texts: int = 0

    def above(self, wanted: Placeholder) -> list[Element]:
        """Return the shapes that a placeholder inherits from, the nearest first."""
        nearest = self._same(wanted)
        higher = [] if self.master is None else self.master._of_family(wanted if nearest is None else nearest[0])
        return ([] if nearest is None else [nearest[1]]) + higher

    def _same(self, wanted: Placeholder) -> tuple[Placeholder, Element] | None:
        alike = [each for each in self.placeholders if each[0].family == wanted.family]
        by_index = next((each for each in alike if each[0].index == wanted.index), None)
        by_kind = next((each for each in alike if each[0].kind == wanted.kind), None)
        only = alike[0] if alike and wanted.family != "body" else None
        return by_index or by_kind or only

    def _of_family(self, wanted: Placeholder) -> list[Element]:
        return [shape for each, shape in self.placeholders if each.family == wanted.family][:1]

    def list_styles(self, wanted: Placeholder | None) -> list[Element]:
        """Return the styles of lists that a shape inherits, the nearest first."""
        if wanted is None:
            return []
        styles = [child(shape, "p:txBody", "a:lstStyle") for shape in self.above(wanted)]
        top = self.master if self.master is not None else self
        styles.append(child(top.styles, _STYLES.get(wanted.family, "p:otherStyle")))
        return [each for each in styles if each is not None]

    def box(self, wanted: Placeholder) -> Box | None:
        """Return where a placeholder stands that does not say it itself."""
        return next((box for shape in self.above(wanted) if (box := own_box(shape)) is not None), None)


NO_LAYOUT = Layout()


class Layouts:
    """Reads the layouts and masters of a presentation, each once."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._read: dict[str, Layout] = {}

    def of(self, part: str, kind: str = "slideLayout", above: Sequence[str] = ("slideMaster",)) -> Layout:
        """Return what `part` inherits from; `above` are the kinds of parts that this inherits from in turn."""
        named = next(iter(self._package.existing(part, kind)), None)
        if named is None:
            return NO_LAYOUT
        if named not in self._read:
            self._read[named] = Layout()  # of a part that names itself
            self._read[named] = self._layout(named, above)
        return self._read[named]

    def texts(self) -> int:
        """Return how many texts stand on the layouts and masters that were read and are no placeholders."""
        return sum(each.texts for each in self._read.values())

    def _layout(self, part: str, above: Sequence[str]) -> Layout:
        root = self._package.xml(part)
        tree = child(root, "p:cSld", "p:spTree")
        shapes = [] if tree is None else list(tree)
        known = [(said, shape) for shape in shapes if (said := placeholder(shape)) is not None]
        own = {id(shape) for _, shape in known}
        texts = sum(1 for shape in shapes if id(shape) not in own and has_text(shape))
        master = self.of(part, above[0], above[1:]) if above else None
        return Layout(known, child(root, "p:txStyles"), master, texts)
