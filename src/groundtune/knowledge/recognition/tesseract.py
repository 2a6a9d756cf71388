"""OCR by the program Tesseract, with its own confidences: https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html

It is asked for TSV, one word a row: level, page, block, paragraph, line, word, left, top, width, height, confidence
(0 to 100), text. It finds out itself in which direction a page is turned where it knows `osd`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NoReturn

from groundtune.errors import NotInstalled, SettingsError
from groundtune.knowledge.recognition.ocr import NotRecognised, OcrLine, OcrText, Pixels

_WORD = "5"  # level of a row with a word
_UPRIGHT, _ANY_DIRECTION = "3", "1"  # page segmentation modes
_ASKED_SECONDS = 20.0


def find(languages: Sequence[str]) -> Tesseract | None:
    """Return the program that is installed, None if none is. Raises `SettingsError` for a language that it lacks."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        version = _asked(program, "--version").split()[1]
        known = _asked(program, "--list-langs").splitlines()[1:]
    except (OSError, subprocess.SubprocessError, IndexError):  # it is there and does not run
        return None
    if unknown := [name for name in languages if name not in known]:
        raise SettingsError(
            f"`knowledge.ocr_languages`: Tesseract lacks {', '.join(unknown)}; it has {', '.join(known)}.",
            remedy=f"Install it (on Debian: apt install tesseract-ocr-{unknown[0]}), or leave it out.",
        )
    return Tesseract(program, version, languages, _ANY_DIRECTION if "osd" in known else _UPRIGHT)


def missing() -> NoReturn:
    """Raise the error for a program that is named and not there."""
    raise NotInstalled("the program tesseract is not installed.", remedy="On Debian: apt install tesseract-ocr.")


def _asked(program: str, what: str) -> str:
    told = subprocess.run([program, what], capture_output=True, timeout=_ASKED_SECONDS, check=True)
    return (told.stdout or told.stderr).decode("utf-8", "replace")


class Tesseract:
    """The program, for pages in `languages` (its names: eng, deu)."""

    def __init__(self, program: str, version: str, languages: Sequence[str], mode: str) -> None:
        self._program, self._version, self._languages, self._mode = program, version, "+".join(languages), mode

    @property
    def signature(self) -> str:
        """Name, version and languages."""
        return f"tesseract {self._version} ({self._languages})"

    def read(self, pixels: Pixels, dpi: int | None, seconds: float) -> OcrText:
        """Return what stands in a picture. Raises `NotRecognised`."""
        height, width, _ = pixels.shape
        size = ["--dpi", str(dpi)] if dpi else []
        command = [self._program, "stdin", "stdout", *size, "--psm", self._mode, "-l", self._languages, "tsv"]
        try:
            told = subprocess.run(
                command,
                input=b"P6 %d %d 255\n" % (width, height) + pixels.tobytes(),  # a portable pixmap
                capture_output=True,
                timeout=max(0.0, seconds),
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # more threads take longer in all, and hardly less time
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotRecognised("it takes too long") from None
        except OSError as error:
            raise NotRecognised(f"tesseract does not start: {error.strerror}") from None
        if told.returncode:
            said = told.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {told.returncode}"]
            raise NotRecognised(f"tesseract failed: {said[-1]}")
        return OcrText(tuple(_lines(told.stdout.decode("utf-8", "replace"))))


def _lines(table: str) -> Iterator[OcrLine]:
    rows = [row.split("\t", 11) for row in table.splitlines()]
    words = [row for row in rows if len(row) == 12 and row[0] == _WORD and row[11].strip()]
    paragraphs: dict[tuple[str, ...], int] = {}
    for place, line in groupby(words, key=lambda row: tuple(row[1:5])):
        read = [(row[11].strip(), max(0.0, float(row[10])) / 100) for row in line]
        letters = sum(len(text) for text, _ in read)
        confidence = sum(len(text) * sure for text, sure in read) / letters
        number = paragraphs.setdefault(place[:3], len(paragraphs))
        yield OcrLine(" ".join(text for text, _ in read), confidence, number)
