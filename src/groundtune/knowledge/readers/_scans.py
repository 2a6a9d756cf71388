"""Pages that are pictures, read by OCR one after the other. Counts what was not read, and notes what did read the rest.

Knows no file format: who has a page brings its pixels.
"""

from __future__ import annotations

from collections.abc import Callable

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._left_out import named_pages
from groundtune.knowledge.recognition import Recognition
from groundtune.knowledge.recognition.ocr import NotRecognised, OcrText, Pixels


class Scans:
    """Reads the pages of a file by OCR, which is there."""

    def __init__(self, recognition: Recognition, builder: TextBuilder) -> None:
        self._recognition, self._left_out = recognition, builder.left_out
        self._read: dict[int, float] = {}

    def read(self, pixels: Callable[[], Pixels], number: int, total: int, dpi: int | None = None) -> OcrText | None:
        """Return what stands on page `number` of `total`; None if it was given up, which is counted."""
        self._recognition.step(number - 1, total)
        try:
            text = self._recognition.read_picture(pixels(), dpi)
        except NotRecognised as error:
            self._left_out.add("unreadable part", detail=f"{named_pages([number])} was given up: {error}")
            return None
        if text.lines:
            self._read[number] = text.confidence
        return text

    def notes(self) -> tuple[str, ...]:
        """Say what read the pages, and how sure it is."""
        engine = self._recognition.ocr
        if engine is None or not self._read:
            return ()
        sure = sum(self._read.values()) / len(self._read)
        return (f"OCR by {engine.signature} read {named_pages(sorted(self._read))}, confidence {sure:.2f}.",)


def write_scan(text: OcrText, page: int | None, builder: TextBuilder) -> None:
    """Append what was read of `page`, None of a file without pages; each part with its own confidence."""
    for part in text.parts:
        builder.page(builder.begin(), page, part.confidence)
        builder.add(part.text)
    builder.part()
