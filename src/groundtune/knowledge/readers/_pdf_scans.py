"""Pages of a PDF that are pictures, or whose text layer says nothing: drawn and read by OCR.

A page is a scan if it has no text but is drawn on; if one picture covers most of it and the text is only what a scanner
prints beside; or if most of its letters have no meaning. A scan with text behind it, by another program's OCR, is read
as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._pdf_pages import PDFIUM, PageWords
from groundtune.knowledge.readers._scans import Scans
from groundtune.knowledge.recognition import current
from groundtune.knowledge.recognition.ocr import OcrText, Pixels

_POINTS = 72  # in an inch
_DPI = 300
_LONGEST = 5000  # pixels of a side: a poster is drawn smaller
_MOST = 0.5  # of the page
_BESIDE = 100  # letters


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page as OCR read it."""

    number: int
    text: OcrText


def read_scans(
    path: Path, pages: Sequence[PageWords], builder: TextBuilder
) -> tuple[dict[int, OcrText], tuple[str, ...]]:
    """Return what OCR reads of the pages that are scans, by number, and notes. Their words are taken out of `pages`.

    Without OCR, and where it finds nothing, pages stay as they are.
    """
    recognition = current()
    wanted = [page for page in pages if _is_scan(page)]
    if not wanted or recognition.ocr is None:
        return {}, ()
    scans, texts = Scans(recognition, builder), {}
    with PDFIUM:
        document = pdfium.PdfDocument(path)
    try:
        for page in wanted:
            text = scans.read(partial(_drawn, document, page.number), page.number, len(pages), _DPI)
            if text is not None and text.lines:
                texts[page.number] = text
                page.groups = []
    finally:
        with PDFIUM:
            document.close()
    return texts, scans.notes()


def _is_scan(page: PageWords) -> bool:
    letters = sum(len(word.text) for group in page.groups for word in group)
    if not letters:
        return page.drawn and not page.damaged
    return page.unknown > letters or (page.covered >= _MOST and letters < _BESIDE)


def _drawn(document: Any, number: int) -> Pixels:  # noqa: ANN401 -- pdfium has no usable types
    """Return a page as a viewer shows it, turned as the file says."""
    with PDFIUM, closing(document[number - 1]) as page:
        scale = min(_DPI / _POINTS, _LONGEST / max(page.get_size()))
        with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
            pixels: Pixels = bitmap.to_numpy()[:, :, :3].copy()
    return pixels
