"""OCR by RapidOCR, which carries its models (PP-OCRv6, Apache-2.0) and asks no network: https://github.com/RapidAI/RapidOCR

It finds lines, not paragraphs and columns: lines at one height are one line here, and a gap ends a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from statistics import median
from typing import Any, NoReturn

from groundtune.errors import NotInstalled
from groundtune.extras import command, not_installed
from groundtune.extras import missing as missing_packages
from groundtune.knowledge.recognition.ocr import NotRecognised, OcrLine, OcrText, Pixels

_WORD = 6  # characters of a word with its blank: RapidOCR is asked how sure it is of a character, we say it of a word
_GAP = 0.7  # of the height of a line, between two paragraphs
_TALL = 1.5  # times the width: RapidOCR turns such a box before it reads it
_WHOLE = {
    "Global.log_level": "critical",
    "Global.use_cls": False,  # it turns lines and not pages, whose lines are then in the wrong order
    "Global.text_score": 0.0,  # what is hardly legible is marked, not dropped
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


def find() -> Rapid | None:
    """Return the engine if its packages are installed."""
    return None if missing_packages("ocr") else Rapid()


def missing() -> NoReturn:
    """Raise the error for an engine that is named and not there."""
    raise NotInstalled("RapidOCR is not installed.", remedy=f"Install the extra: {command('ocr')}.")


@dataclass(frozen=True, slots=True)
class _Box:
    text: str
    confidence: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def is_tall(self) -> bool:
        return self.height > _TALL * (self.right - self.left)


class Rapid:
    """The engine; its models are loaded for the first picture."""

    @property
    def signature(self) -> str:
        """Name and version."""
        return f"rapidocr {version('rapidocr')}"

    def read(self, pixels: Pixels, dpi: int | None, seconds: float) -> OcrText:
        """Return what stands in a picture. Raises `NotRecognised`.

        What takes too long goes on beside, since no thread can be ended; the next picture waits for it.
        """
        try:
            output = _worker().submit(_read, pixels).result(timeout=max(0.0, seconds))
        except TimeoutError:
            raise NotRecognised("it takes too long") from None
        read = [] if output.txts is None else zip(output.txts, output.scores, output.boxes, strict=True)
        boxes = [_box(text.strip(), float(score) ** _WORD, corners) for text, score, corners in read if text.strip()]
        on_side = sum(len(box.text) for box in boxes if box.is_tall)
        return OcrText(tuple(_lines(boxes)), sideways=2 * on_side > sum(len(box.text) for box in boxes))


def _box(text: str, confidence: float, corners: Any) -> _Box:  # noqa: ANN401 -- an array (4, 2) of left and top
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return _Box(text, confidence, float(left), float(right), float(top), float(bottom))


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="ocr")


@cache
def _models() -> Any:  # noqa: ANN401 -- rapidocr has no usable types
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise not_installed("ocr", "reading pictures", error) from None
    return RapidOCR(params=_WHOLE)


def _read(pixels: Pixels) -> Any:  # noqa: ANN401
    return _models()(pixels[:, :, ::-1].copy())  # blue comes first there


def _lines(boxes: Sequence[_Box]) -> Iterator[OcrLine]:
    """Yield lines from top to bottom. Boxes whose middles are within half of a height of one another are one line."""
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: box.top + box.bottom):
        if rows and abs((box.top + box.bottom) - (rows[-1][0].top + rows[-1][0].bottom)) < box.height:
            rows[-1].append(box)
        else:
            rows.append([box])
    usual, paragraph, above = median([box.height for box in boxes] or [0.0]), 0, 0.0
    for number, row in enumerate(rows):
        top, bottom = min(box.top for box in row), max(box.bottom for box in row)
        paragraph += number > 0 and top - above > _GAP * usual
        above = bottom
        row.sort(key=lambda box: box.left)
        text = " ".join(box.text for box in row)
        sure = sum(box.confidence * len(box.text) for box in row) / sum(len(box.text) for box in row)
        yield OcrLine(text, sure, paragraph)
