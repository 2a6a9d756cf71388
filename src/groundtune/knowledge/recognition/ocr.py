"""The seam of OCR: what an engine does, and what it reads. Knows no engine and no file format."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture of shape (height, width, 3), red, green and blue."""

LEGIBLE = 0.6  # mean confidence below which a picture is looked at once more
_FEW = 60  # letters of a paragraph that has no confidence of its own
_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")


class NotRecognised(Exception):
    """A picture was not read; the message says why."""


@dataclass(frozen=True, slots=True)
class OcrLine:
    """A line of text as it was read. `confidence`, from 0 to 1, is about the share of its words that are right. Lines
    of one `paragraph` have the same number."""

    text: str
    confidence: float
    paragraph: int


@dataclass(frozen=True, slots=True)
class OcrText:
    """The lines of a picture in the order in which they are read. Lines that run up or down are `sideways`."""

    lines: tuple[OcrLine, ...] = ()
    sideways: bool = False

    @property
    def text(self) -> str:
        """The lines, with a blank one between paragraphs. A word that is parted at the end of a line is put together,
        if a small letter follows."""
        paragraphs = (
            "\n".join(line.text for line in lines) for _, lines in groupby(self.lines, lambda line: line.paragraph)
        )
        return "\n\n".join(map(_joined, paragraphs))

    @property
    def parts(self) -> tuple[OcrText, ...]:
        """It by paragraphs. Short ones are part of the one before, or of the next if they are the first: how sure an
        engine is of few letters says little."""
        parts: list[list[OcrLine]] = []
        for _, lines in groupby(self.lines, lambda line: line.paragraph):
            paragraph = list(lines)
            if parts and min(_letters(parts[-1]), _letters(paragraph)) < _FEW:
                parts[-1] += paragraph
            else:
                parts.append(paragraph)
        return tuple(OcrText(tuple(part), self.sideways) for part in parts)

    @property
    def confidence(self) -> float:
        """The mean of all lines, weighted by length; 0 without any."""
        letters = _letters(self.lines)
        return self.weight / letters if letters else 0.0

    @property
    def weight(self) -> float:
        """How many characters were read, each as far as it is sure; half of it if their order is not."""
        weight = sum(line.confidence * len(line.text) for line in self.lines)
        return weight / 2 if self.sideways else weight


def _joined(paragraph: str) -> str:
    return _HYPHEN.sub(lambda match: "" if paragraph[match.end()].islower() else match[0], paragraph)


def _letters(lines: Sequence[OcrLine]) -> int:
    return sum(len(line.text) for line in lines)


class OcrEngine(Protocol):
    """Reads pictures."""

    @property
    def signature(self) -> str:
        """Name, version and languages: "tesseract 5.3.0 (eng)"."""
        ...

    def read(self, pixels: Pixels, dpi: int | None, seconds: float) -> OcrText:
        """Return what stands in a picture with so many `dpi`, None if that is not known.

        Raises `NotRecognised`, also if it takes longer than so many `seconds`.
        """
        ...


def read_upright(engine: OcrEngine, pixels: Pixels, dpi: int | None, seconds: float) -> OcrText:
    """Return what stands in a picture, in whatever direction it is turned. Raises `NotRecognised`.

    A picture that can hardly be read is read once more without its speckles (median of 3 × 3 pixels), then turned by a
    half and by quarters; the best reading counts.
    """
    end = time.monotonic() + seconds
    best = engine.read(pixels, dpi, seconds)
    if best.confidence >= LEGIBLE:
        return best
    from scipy.ndimage import median_filter  # it takes a while to import

    pixels = median_filter(pixels, size=(3, 3, 1))
    for turns in (1, 3) if best.sideways else (0, 2, 1, 3):
        try:
            read = engine.read(np.ascontiguousarray(np.rot90(pixels, turns)), dpi, end - time.monotonic())
        except NotRecognised:
            if best.lines:
                break  # what is there counts
            raise
        best = max(best, read, key=lambda text: text.weight)
        if best.confidence >= LEGIBLE or not best.lines:
            break
    return best
