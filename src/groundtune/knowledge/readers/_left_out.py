"""Counting what a reader leaves out, by kind, with the reason that people are told. Knows no file format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from groundtune.values import LeftOut, LeftOutKind

_NAMED, _NAMED_PAGES = 5, 12

REASONS: dict[LeftOutKind, str] = {
    "attachment": "files inside the file are not read",
    "comment": "comments are remarks on the text, not part of it",
    "control character": "characters that cannot be shown were removed",
    "deleted text": "text that is struck out or deleted does not hold any more",
    "form control": "lists to choose from and prefilled values are not text of the page",
    "front matter": "it describes the file; its values became metadata",
    "hidden text": "it is not shown to people who read the file",
    "image": "pictures are not read",
    "markup": "it says how something is shown, not what",
    "media": "sound and film are not read",
    "navigation": "menus, links around the content and footers of a site stand on every page",
    "page without text": "these pages are pictures, and OCR is not there or finds no text",
    "quoted text": "it stands word for word in an earlier message",
    "repeated text": "the same stands elsewhere in the file",
    "running head": "headers, footers and page numbers repeat on every page",
    "script": "programs and styles are not text",
    "unreadable part": "it is damaged or in a form that is not known",
}


class Omissions:
    """What was left out so far."""

    def __init__(self) -> None:
        self._counts: Counter[LeftOutKind] = Counter()
        self._details: dict[LeftOutKind, list[str]] = {}

    def add(self, kind: LeftOutKind, count: int = 1, detail: str = "") -> None:
        """Count `count` pieces; `detail` says which ("pages 3 and 7")."""
        self._counts[kind] += count
        if detail and detail not in (details := self._details.setdefault(kind, [])):
            details.append(detail)

    def of_part(self, name: str, left_out: Sequence[LeftOut]) -> None:
        """Count what was left out of a part of the file; `name` is what people call it, if they do."""
        for each in left_out:
            detail = each.reason.removeprefix(REASONS[each.kind]).lstrip("; ")
            self.add(each.kind, each.count, f"{name}: {detail}" if name and detail else detail)

    def include(self, other: Omissions) -> None:
        """Count what `other` counts, too."""
        for kind, count in other._counts.items():
            self._counts[kind] += count
            for detail in other._details.get(kind, []):
                self.add(kind, 0, detail)

    def all(self) -> tuple[LeftOut, ...]:
        """Return each kind of which something was left out, in alphabetical order."""
        return tuple(
            LeftOut(kind, count, "; ".join([REASONS[kind], *self._details.get(kind, [])]))
            for kind, count in sorted(self._counts.items())
            if count
        )


def named_pages(numbers: Sequence[int]) -> str:
    """Return "page 3", or "pages 3, 7 and others" with the first twelve, "" for none."""
    if not numbers:
        return ""
    named = ", ".join(map(str, numbers[:_NAMED_PAGES])) + (" and others" if len(numbers) > _NAMED_PAGES else "")
    return f"page{'' if len(numbers) == 1 else 's'} {named}"


def listed(one: str, several: str, numbers: Sequence[object]) -> str:
    """Return which ones: "line 3", or "lines 3, 7, …" with the first five."""
    named = ", ".join(map(str, numbers[:_NAMED])) + (", …" if len(numbers) > _NAMED else "")
    return f"{one if len(numbers) == 1 else several} {named}"
