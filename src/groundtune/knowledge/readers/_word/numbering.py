"""The numbers and marks of lists and numbered headings, as Word counts them. Knows no text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from groundtune.knowledge.readers._office.numerals import in_letters, roman
from groundtune.knowledge.readers._ooxml import Element, child, children, is_on, name, number, value
from groundtune.knowledge.readers._word.styles import Styles

BULLET = "-"
_LEVELS = 9
_WORD = re.compile(r"[^\W_]{2}")
_PLACE = re.compile(r"%([1-9])")


_FORMATS: dict[str, Callable[[int], str]] = {
    "lowerLetter": in_letters,
    "upperLetter": lambda count: in_letters(count).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda count: roman(count).upper(),
    "decimalZero": lambda count: f"{count:02}",
    "none": lambda count: "",
}


@dataclass(slots=True)
class _Level:
    format: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int | None = None
    legal: bool = False


@dataclass(slots=True)
class _List:
    """One way to count, which several lists may share: `counts` is where it is."""

    levels: dict[int, _Level] = field(default_factory=dict)
    styles: dict[str, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the items of lists; `mark` is asked for each paragraph once, in order."""

    def __init__(self, root: Element | None, styles: Styles) -> None:
        self._styles = styles
        abstract, linked = {}, {}
        for each in children(root, "w:abstractNum"):
            counted = abstract[value(each, "abstractNumId") or ""] = _list(each)
            linked[value(child(each, "w:styleLink")) or ""] = counted
        for each in children(root, "w:abstractNum"):  # some only name a style, whose list they are
            if (style := value(child(each, "w:numStyleLink"))) in linked:
                abstract[value(each, "abstractNumId") or ""] = linked[style]
        self._lists: dict[str, _List] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._overrides: dict[str, dict[int, _Level]] = {}
        for each in children(root, "w:num"):
            identifier = value(each, "numId") or ""
            self._lists[identifier] = abstract.get(value(child(each, "w:abstractNumId")) or "", _List())
            for override in children(each, "w:lvlOverride"):
                place = number(value(override, "ilvl"))
                if (start := child(override, "w:startOverride")) is not None:
                    self._restarts.setdefault(identifier, {})[place] = number(value(start))
                if (level := child(override, "w:lvl")) is not None:
                    self._overrides.setdefault(identifier, {})[place] = _level(level)

    def mark(self, properties: Element | None) -> str:
        """Return "2.3", "b)" or "-" for a paragraph with these properties; nothing if it is not numbered."""
        style = self._styles.of(properties)
        named = [own] if (own := child(properties, "w:numPr")) is not None else []
        named += self._styles.numbered(style)
        identifier = next((said for each in named if (said := value(child(each, "w:numId"))) is not None), "0")
        counted = self._lists.get(identifier)
        if counted is None:
            return "" if number(identifier) == 0 else BULLET
        levels = (child(each, "w:ilvl") for each in named)
        said = next((level for level in levels if level is not None), None)
        linked = counted.styles.get(style)
        place = linked if linked is not None and child(properties, "w:numPr", "w:ilvl") is None else number(value(said))
        return self._counted(identifier, counted, min(place, _LEVELS - 1))

    def _counted(self, identifier: str, counted: _List, place: int) -> str:
        overrides = self._overrides.get(identifier, {})

        def level(at: int) -> _Level:
            return overrides.get(at) or counted.levels.get(at) or _Level()

        if (restart := self._restarts.get(identifier, {}).pop(place, None)) is not None:
            counted.counts[place] = restart
        else:
            counted.counts[place] = counted.counts.get(place, level(place).start - 1) + 1
        for deeper in [at for at in counted.counts if at > place]:
            after = level(deeper).restart
            if after is None or (after and place < after):
                del counted.counts[deeper]
        here = level(place)
        if here.format == "bullet" and not _WORD.search(here.text):
            return BULLET

        def written(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            form = "decimal" if here.legal else level(at).format
            return _FORMATS.get(form, str)(counted.counts.get(at, level(at).start))

        return " ".join(_PLACE.sub(written, here.text).split())


def _list(element: Element) -> _List:
    counted = _List()
    for each in children(element, "w:lvl"):
        place = number(value(each, "ilvl"))
        counted.levels[place] = _level(each)
        if (style := value(child(each, "w:pStyle"))) is not None:
            counted.styles[style] = place
    return counted


def _level(element: Element) -> _Level:
    level = _Level(
        format=_format(element),
        text=value(child(element, "w:lvlText")) or "",
        start=number(value(child(element, "w:start")) or "1"),
        legal=is_on(child(element, "w:isLgl")),
    )
    if (restart := child(element, "w:lvlRestart")) is not None:
        level.restart = number(value(restart))
    return level


def _format(element: Element) -> str:
    """Return the format of a level; it may stand within alternatives for newer formats."""
    said = next((each for each in element.iter() if name(each) == "w:numFmt"), None)
    return value(said) or "decimal"
