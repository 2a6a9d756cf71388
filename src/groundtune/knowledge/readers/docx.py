"""Word documents (.docx): all text that people see, in the order of the document.

Reads the XML itself: insertions, content controls, fields, text boxes, charts, equations and notes are text like any
other. Notes stand behind the paragraph that refers to them. Deleted and hidden text, comments, headers and footers are
left out, and counted. Headings are known by their outline level. A .docx file has no pages: where they break depends
on the printer.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import CELLS, TextBuilder
from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._office.properties import properties
from groundtune.knowledge.readers._ooxml import Element, Package, name, value
from groundtune.knowledge.readers._word.body import Parts, WordBody
from groundtune.knowledge.readers._word.imports import lines
from groundtune.knowledge.readers._word.numbering import Numbering
from groundtune.knowledge.readers._word.styles import Styles
from groundtune.values import PlainText

_MAIN_TYPE = re.compile(r"wordprocessingml\.(?:document|template)(?:\.macroenabled)?\.main\+xml|ms-word\..*main\+xml")
_MAIN_NAME = re.compile(r"word/document\d*\.xml|document\.xml")
_DEEPEST_IMPORT = 3  # Word documents within one another


class DocxReader:
    """Reads Word's documents and templates, with and without macros."""

    suffixes = (".docx", ".docm", ".dotx", ".dotm")

    def read(self, path: Path) -> PlainText:
        """Return the document's body; the title is its first heading, or the file's name.

        Raises `UnreadableDocument` if the file has a password, another format or no body.
        """
        builder = TextBuilder()
        package = Package(path.read_bytes(), path, builder.left_out)
        _read(package, builder)
        return builder.plain(otherwise=name_of(path), metadata=properties(package))


def _read(package: Package, builder: TextBuilder, depth: int = 0) -> None:
    main = _main_part(package)
    root = package.xml(main)
    if root is None:
        raise UnreadableDocument(
            f"has a body that cannot be read ({main}).", place=package.path, remedy="Save it again in Word."
        )
    styles = Styles(_part(package, main, "styles"))
    notes = {}
    for kind in ("footnote", "endnote"):
        root_of_notes = _part(package, main, f"{kind}s")
        for note in [] if root_of_notes is None else root_of_notes:
            if name(note) == f"w:{kind}" and value(note, "type") in (None, "normal"):
                notes[kind, value(note, "id") or ""] = note
    parts = Parts(package, main, styles, Numbering(_part(package, main, "numbering"), styles), notes)
    _Importing(parts, builder, depth).read(root)
    _count_the_rest(package, main, builder)


class _Importing(WordBody):
    """A body that reads the files within it which are text, HTML or Word documents."""

    def __init__(self, parts: Parts, builder: TextBuilder, depth: int) -> None:
        super().__init__(parts, builder)
        self._package, self._main, self._to = parts.package, parts.main, builder
        self._imports = depth

    def imported(self, block: Element) -> None:
        target = self._package.target(self._main, value(block, "id"))
        data = self._package.content(target) if target is not None else None
        if target is None or data is None:
            self._to.left_out.add("unreadable part", detail="an imported file is missing")
        elif data.startswith(b"PK") and self._imports < _DEEPEST_IMPORT:
            within = Package(data, self._package.path, self._to.left_out, self._package)
            _read(within, self._to, self._imports + 1)
        elif (said := lines(target, data)) is not None:
            for are_rows, group in groupby(said, lambda line: CELLS in line):
                if are_rows:
                    self._to.table([line.split(CELLS) for line in group])
                else:
                    self._to.add("\n\n".join(group))
        else:
            self._to.left_out.add("attachment")


def _main_part(package: Package) -> str:
    main = package.main(_MAIN_TYPE, _MAIN_NAME)
    if main is None:
        raise UnreadableDocument(
            "has no body: it is a zip file, but no Word document without a password.",
            place=package.path,
            remedy="Open it in Word and save it as .docx without a password.",
        )
    return main


def _part(package: Package, main: str, kind: str) -> Element | None:
    """Return the root of a part of one kind, as related to the body or else by its usual name."""
    named = package.related(main, kind) or [f"{main.rpartition('/')[0]}/{kind}.xml".lstrip("/")]
    part = next((each for each in named if each in package), None)
    return package.xml(part) if part is not None else None


def _count_the_rest(package: Package, main: str, builder: TextBuilder) -> None:
    """Count what is read nowhere: comments, running heads, stored building blocks."""
    comments = _part(package, main, "comments")
    count = sum(1 for each in comments if has_text(each)) if comments is not None else 0
    builder.left_out.add("comment", count)
    for kind in ("header", "footer"):
        for part in package.existing(main, kind):
            root = package.xml(part)
            builder.left_out.add("running head", int(root is not None and has_text(root)))
    for part in package.existing(main, "glossaryDocument"):
        root = package.xml(part)
        if root is not None and has_text(root):
            builder.left_out.add("attachment", detail="building blocks of a template")


def groundtune_reader() -> DocxReader:
    """Hook of `readers`."""
    return DocxReader()
