"""Styles: which paragraphs are headings, items, captions, and which text is hidden. Knows no numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from groundtune.knowledge.readers._ooxml import Element, child, is_on, name, number, value

BODY_TEXT = 9  # the outline level of what is no heading
_DEEPEST = 9
_LONGEST_CHAIN = 50  # styles based on one another
# "heading 1" in Word, whatever its language, and in LibreOffice; the others are styles that people and converters make.
_HEADING = re.compile(
    r"(?:heading|head|überschrift|titre|título|titulo|titolo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|cím|"
    r"címsor|başlık|заголовок|标题|標題|見出し|제목|berschrift) ?([1-9])",
    re.IGNORECASE,
)
_TITLES = frozenset(("title", "titel", "titre", "título", "titolo", "название", "标题", "標題", "表題", "제목"))
_PLACEHOLDER = "placeholdertext"


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    based_on: str
    paragraph: Element | None
    run: Element | None


class Styles:
    """The styles of a document by their id; a document may use styles that it does not have."""

    def __init__(self, root: Element | None) -> None:
        self._styles: dict[str, _Style] = {}
        self._default = ""
        self._hidden: dict[str, bool | None] = {}
        self._levels: dict[str, int | None] = {}
        self._captions: dict[str, bool] = {}
        for each in [] if root is None else root.iter():
            if name(each) == "w:style":
                self._add(each)

    def _add(self, element: Element) -> None:
        identifier = value(element, "styleId") or ""
        self._styles[identifier] = _Style(
            value(child(element, "w:name")) or identifier,
            value(child(element, "w:basedOn")) or "",
            child(element, "w:pPr"),
            child(element, "w:rPr"),
        )
        if value(element, "type") == "paragraph" and value(element, "default") in ("1", "true", "on"):
            self._default = identifier

    def _chain(self, identifier: str) -> Iterator[_Style]:
        """Yield a style and those it is based on."""
        for _ in range(_LONGEST_CHAIN):
            style = self._styles.get(identifier)
            if style is None:
                return
            yield style
            identifier = style.based_on

    def of(self, properties: Element | None, kind: str = "w:pStyle") -> str:
        """Return the id of the style that properties name, or that holds without one."""
        return value(child(properties, kind)) or (self._default if kind == "w:pStyle" else "")

    def name(self, identifier: str) -> str:
        """Return the name of a style in small letters without spaces around it."""
        style = self._styles.get(identifier)
        return " ".join((style.name if style else identifier).casefold().split())

    def level(self, properties: Element | None) -> int | None:
        """Return the level of the heading that a paragraph with these properties is, 1 for the outermost."""
        own = _level(child(properties, "w:outlineLvl"))
        if own is not None:
            return own + 1 if own < BODY_TEXT else None
        identifier = self.of(properties)
        if identifier not in self._levels:
            self._levels[identifier] = self._style_level(identifier)
        return self._levels[identifier]

    def _style_level(self, identifier: str) -> int | None:
        names = [self.name(identifier)]
        for style in self._chain(identifier):
            own = _level(child(style.paragraph, "w:outlineLvl"))
            if own is not None:
                return own + 1 if own < BODY_TEXT else None
            names.append(" ".join(style.name.casefold().split()))
        for said in names:
            if heading := _HEADING.fullmatch(said):
                return min(int(heading[1]), _DEEPEST)
            if said in _TITLES:
                return 1
        return None

    def numbered(self, identifier: str) -> list[Element]:
        """Return the `numPr` of a style and of those it is based on."""
        numbered = (child(style.paragraph, "w:numPr") for style in self._chain(identifier))
        return [each for each in numbered if each is not None]

    def hides(self, properties: Element | None, paragraph: str) -> bool:
        """Tell whether a run with these properties in a paragraph of a style is hidden."""
        own = child(properties, "w:vanish")
        if own is not None:
            return is_on(own)
        by_run = self._style_hides(self.of(properties, "w:rStyle"))
        return by_run if by_run is not None else bool(self._style_hides(paragraph))

    def _style_hides(self, identifier: str) -> bool | None:
        if identifier not in self._hidden:
            said = (child(style.run, "w:vanish") for style in self._chain(identifier))
            first = next((each for each in said if each is not None), None)
            self._hidden[identifier] = None if first is None else is_on(first)
        return self._hidden[identifier]

    def is_placeholder(self, properties: Element | None) -> bool:
        """Tell whether a run looks like "Click here to enter text"."""
        return self.name(self.of(properties, "w:rStyle")).replace(" ", "") == _PLACEHOLDER

    def is_caption(self, identifier: str) -> bool:
        """Tell whether a style is for what is written above or below a table or a picture."""
        if identifier not in self._captions:
            named = [self.name(identifier), *(style.name.casefold() for style in self._chain(identifier))]
            self._captions[identifier] = any(said.endswith("caption") for said in named)
        return self._captions[identifier]

    def font(self, properties: Element | None) -> str:
        """Return the font that a run itself names."""
        fonts = child(properties, "w:rFonts")
        return value(fonts, "ascii") or value(fonts, "hAnsi") or ""


def _level(element: Element | None) -> int | None:
    said = value(element)
    return number(said) if said is not None else None
