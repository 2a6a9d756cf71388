"""Presentations (.pptx): what stands on each slide, in the order of reading, with its notes.

Each slide is under a heading, its title or "Slide 3", and a page, so that a citation names it. Titles come first, then
shapes from top to bottom and from left to right, wherever they stand in the file. Hidden slides and comments are left
out and counted. What is on a master or a layout is not text of a slide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import LINE, TextBuilder
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers._office.properties import properties
from groundtune.knowledge.readers._ooxml import Package, name
from groundtune.knowledge.readers._slides.deck import Deck, Slide, slide_parts
from groundtune.knowledge.readers._slides.shapes import SlidePiece, SlideText
from groundtune.values import PlainText

_MAIN_TYPE = re.compile(r"(?:presentationml|ms-powerpoint)\..*main\+xml")
_MAIN_NAME = re.compile(r"ppt/presentation\d*\.xml")
_LONGEST_HEADING = 250  # characters; a longer title is text
_USUAL_MAIN = "ppt/presentation.xml"
_NOTES = "Speaker notes"


class PptxReader:
    """Reads PowerPoint's presentations, shows and templates, with and without macros."""

    suffixes = (".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm")

    def read(self, path: Path) -> PlainText:
        """Return the slides; the title is that of the first slide, or the file's name.

        Raises `UnreadableDocument` if the file has a password or is no presentation.
        """
        builder = TextBuilder()
        package = Package(path.read_bytes(), path, builder.left_out)
        slides = _deck(package).slides()
        has_sections = any(slide.section for slide in slides)
        without = [slide.number for slide in slides if not _write(slide, builder, has_sections)]
        if without:
            builder.left_out.add("page without text", len(without), listed("slide", "slides", without))
        title = slides[0].shapes.title if slides else ""
        return builder.plain(
            title=title if len(title) <= _LONGEST_HEADING and title else name_of(path),
            metadata=properties(package),
        )


def _deck(package: Package) -> Deck:
    main = package.main(_MAIN_TYPE, _MAIN_NAME)
    root = package.xml(main) if main is not None else None
    if main is not None and root is not None and name(root) == "p:presentation":
        return Deck(package, main, root)
    if not slide_parts(package):
        raise UnreadableDocument(
            "is no presentation: it has no slides, or is of another kind, or has a password.",
            place=package.path,
            remedy="Open it in PowerPoint or LibreOffice and save it as .pptx without a password.",
        )
    if main is None or root is not None:  # otherwise its damage is counted
        package.left_out.add("unreadable part", detail="the list of slides is missing")
    return Deck(package, main or _USUAL_MAIN, None)


def _write(slide: Slide, builder: TextBuilder, has_sections: bool) -> bool:
    """Write a slide; tell whether there is nothing on it but pictures and the like, which are counted."""
    title, pieces = slide.shapes.title, list(slide.shapes.pieces)
    if len(title) > _LONGEST_HEADING:
        title, pieces = "", [SlideText(title), *pieces]
    says_something = bool(title or pieces or slide.notes)
    starts = [builder.heading(slide.section, 1)] if slide.section else []
    if says_something:
        starts.append(builder.heading(title or f"Slide {slide.number}", 2 if has_sections else 1))
    if starts and starts[0] is not None:
        builder.page(starts[0], slide.number)
    _write_pieces(pieces, builder)
    _write_notes(slide.notes, builder)
    return says_something or not slide.shapes.pictures


def _write_pieces(pieces: Sequence[SlidePiece], builder: TextBuilder) -> None:
    for piece in pieces:
        builder.part()
        if isinstance(piece, SlideText):
            builder.add(piece.text)
        else:
            builder.table(piece.rows, piece.headers, piece.caption, piece.certain)
            for text in piece.others:
                builder.add(text, LINE)
    builder.part()


def _write_notes(notes: Sequence[SlidePiece], builder: TextBuilder) -> None:
    """Write what a speaker has noted; each chunk that begins within it says so."""
    builder.part()
    text = "\n\n".join(piece.text for piece in notes if isinstance(piece, SlideText))
    said = f"{_NOTES}: {text}".strip() if text else ""
    offset = builder.add(said)
    if offset is not None:
        builder.within(offset, offset + len(said), _NOTES)
    _write_pieces([piece for piece in notes if not isinstance(piece, SlideText)], builder)


def groundtune_reader() -> PptxReader:
    """Hook of `readers`."""
    return PptxReader()
