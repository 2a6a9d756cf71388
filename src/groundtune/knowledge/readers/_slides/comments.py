"""Comments on slides with their authors: those of ECMA-376-1, 19.4, and the newer ones with replies ([MS-PPTX]).

Knows no slide.
"""

from __future__ import annotations

from collections.abc import Iterator

from groundtune.knowledge.readers._office.paragraphs import paragraphs
from groundtune.knowledge.readers._ooxml import Element, Package, name, value

_AUTHORS = ("commentAuthors", "authors")  # kinds of parts


class Comments:
    """Reads the comments of a presentation, whose authors are listed once for all slides."""

    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        self._authors: dict[str, str] = {}
        for part in (each for kind in _AUTHORS for each in package.existing(main, kind)):
            root = package.xml(part)
            for author in () if root is None else root.iter():
                if name(author).endswith((":cmAuthor", ":author")):
                    self._authors[value(author, "id") or ""] = " ".join((value(author, "name") or "").split())

    def of(self, slide: str) -> list[str]:
        """Return the comments on a slide, each as a line: "[Comment by Ada: Is this still so?]"."""
        parts = self._package.existing(slide, "comments")
        roots = [self._package.xml(part) for part in parts]
        return [line for root in roots if root is not None for line in self._lines(root)]

    def _lines(self, root: Element) -> Iterator[str]:
        for each in root.iter():
            kind = name(each).partition(":")[2]
            if kind not in ("cm", "reply"):
                continue
            text = self._text(each)
            is_reply = kind == "reply" or any(name(below).endswith(":parentCm") for below in each.iter())
            author = self._authors.get(value(each, "authorId") or "")
            if text:
                yield f"[{'Reply' if is_reply else 'Comment'}{f' by {author}' if author else ''}: {text}]"

    def _text(self, comment: Element) -> str:
        """Return what a comment says, without its replies."""
        said: list[str] = []
        for each in comment:
            kind = name(each)
            if kind.endswith(":txBody"):
                said += paragraphs(each, self._package.left_out)
            elif kind == "p:text":
                said.append("".join(each.itertext()))
        return " ".join(" ".join(said).split())
