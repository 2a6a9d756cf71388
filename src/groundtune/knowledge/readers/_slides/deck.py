"""The slides of a presentation in its order, with their notes and sections. Writes no text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._ooxml import Element, Package, child, children, name, reference, value
from groundtune.knowledge.readers._slides.layouts import Layouts
from groundtune.knowledge.readers._slides.shapes import ShapeTree, SlidePiece, SlideText, read_shapes

_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")
_LAST_NUMBER = re.compile(r"(\d+)\D*$")
# What PowerPoint, Keynote and others call a section that nobody has named.
_UNNAMED = re.compile(
    r"(?:default|untitled|unnamed) section|summary section|standardabschnitt|abschnitt ohne titel|"
    r"section (?:par défaut|sans titre)|sección (?:predeterminada|sin título)|sezione (?:predefinita|senza titolo)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Slide:
    """A slide: `number` counts from 1, hidden ones too. `section` is the name of the section that begins with it."""

    number: int
    shapes: ShapeTree
    notes: list[SlidePiece] = field(default_factory=list)
    section: str = ""


class Deck:
    """A presentation whose main part is `main`, with `root` as its root; without one, slides come by their names."""

    def __init__(self, package: Package, main: str, root: Element | None) -> None:
        self._package, self._main, self._root = package, main, root
        self._layouts = Layouts(package)
        self._from_right = (value(root, "rtl") or "").lower() in ("1", "true", "on")

    def slides(self) -> list[Slide]:
        """Return the slides that are shown; dates, footers and numbers that repeat are left out of them.

        What is left out is counted. A section that begins with a hidden slide begins with the next one.
        """
        listed, sections = self._listed(), self._sections()
        slides: list[Slide] = []
        section = ""
        for number, (identifier, part) in enumerate(listed, start=1):
            section = sections.get(identifier, section)
            slide = self._slide(number, part, section)
            if slide is not None:
                slides.append(slide)
                section = ""
        self._count_unlisted({part for _, part in listed})
        self._package.left_out.add("running head", self._layouts.texts())
        _furnish(slides, self._package)
        return slides

    def _listed(self) -> list[tuple[str, str]]:
        """Return the id and the part of each slide, each part once."""
        identifiers: dict[str, str] = {}
        for each in children(child(self._root, "p:sldIdLst"), "p:sldId"):
            part = self._package.target(self._main, reference(each))
            if part is None:
                self._package.left_out.add("unreadable part", detail="a slide is missing")
            else:
                identifiers.setdefault(part, value(each, "id") or "")
        if not identifiers:
            identifiers = dict.fromkeys(sorted(self._related(), key=_number), "")
        return [(identifier, part) for part, identifier in identifiers.items()]

    def _related(self) -> list[str]:
        return self._package.existing(self._main, "slide") or slide_parts(self._package)

    def _count_unlisted(self, listed: set[str]) -> None:
        for part in self._package.existing(self._main, "slide"):
            if part not in listed and (root := self._package.xml(part)) is not None and has_text(root):
                self._package.left_out.add("hidden text", detail="slides that the presentation does not list")

    def _sections(self) -> dict[str, str]:
        """Return the names of sections by the id of their first slide; a first one that nobody has named has none."""
        names: dict[str, str] = {}
        elements = () if self._root is None else self._root.iter()
        sections = [each for each in elements if name(each).endswith(":section")]
        for section in sections:
            first = next((value(each, "id") for each in section.iter() if name(each).endswith(":sldId")), None)
            said = " ".join((value(section, "name") or "").split())
            if first and said and (section is not sections[0] or not _UNNAMED.fullmatch(said)):
                names[first] = said
        return names

    def _slide(self, number: int, part: str, section: str) -> Slide | None:
        root = self._package.xml(part)
        if root is None:
            return None
        if (value(root, "show") or "").lower() in ("0", "false", "off"):
            self._package.left_out.add("hidden text", detail=f"slide {number} is hidden")
            return None
        shapes = read_shapes(root, self._package, part, self._layouts.of(part), self._from_right)
        self._count_comments(part)
        return Slide(number, shapes, list(self._notes(part)), section)

    def _count_comments(self, slide: str) -> None:
        """Count comments and replies (ECMA-376-1, 19.4, and [MS-PPTX] for those with replies)."""
        for part in self._package.existing(slide, "comments"):
            root = self._package.xml(part)
            kinds = [] if root is None else [name(each).partition(":")[2] for each in root.iter()]
            self._package.left_out.add("comment", sum(kind in ("cm", "reply") for kind in kinds))

    def _notes(self, slide: str) -> Iterator[SlidePiece]:
        for part in self._package.existing(slide, "notesSlide"):
            root = self._package.xml(part)
            if root is None:
                continue
            layout = self._layouts.of(part, "notesMaster", ())
            shapes = read_shapes(root, self._package, part, layout, self._from_right)
            self._package.left_out.add("running head", len(shapes.furniture))
            yield from ([SlideText(shapes.title)] if shapes.title else [])
            yield from shapes.pieces


def slide_parts(package: Package) -> list[str]:
    """Return the parts that are called as slides usually are."""
    return [part for part in package.parts() if _SLIDE.fullmatch(part)]


def _number(part: str) -> int:
    match = _LAST_NUMBER.search(part)
    return int(match[1]) if match else 0


def _furnish(slides: list[Slide], package: Package) -> None:
    """Give a date or a footer that stands on one slide alone back to it: it does not repeat. Count the others."""
    repeated = Counter(text for slide in slides for text in {text for _, text in slide.shapes.furniture})
    for slide in slides:
        for kind, text in slide.shapes.furniture:
            if kind != "sldNum" and text and repeated[text] == 1:
                slide.shapes.pieces.append(SlideText(text))
            else:
                package.left_out.add("running head")
