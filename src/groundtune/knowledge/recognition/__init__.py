"""Understanding pictures and recordings: what of this machine does it, chosen by `[knowledge]`.

Readers ask `current()`; whoever reads a file says with `using` what that is. Without that, it is what the default
settings give. Weights are loaded once in a process. Knows no file formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from groundtune.errors import UnreadableDocument
from groundtune.extras import command
from groundtune.settings import KnowledgeSettings
from groundtune.values import MediaKind

if TYPE_CHECKING:  # every command imports this module, and few recognise anything
    from groundtune.knowledge.recognition.ocr import OcrEngine, OcrText, Pixels
    from groundtune.knowledge.recognition.whisper import Transcriber

RecognitionKind = Literal["ocr", "speech"]
"""What a file may need to be read, by the names of the parts of `Recognition`."""
PartsDone = Callable[[int, int], None]
"""Is told how many parts of a document are done, and of how many."""

_INSTALL_OCR = f"Install Tesseract (on Debian: apt install tesseract-ocr), or the extra: {command('ocr')}."


def no_step(done: int, total: int) -> None:
    """Tell nobody."""


class Recognition:
    """What `[knowledge]` says of OCR and of transcription. Whoever waits is told by `step` that something goes on.

    Files of the kinds of `media` are embedded: those without words are documents, too.
    """

    def __init__(self, settings: KnowledgeSettings, step: PartsDone = no_step, media: Sequence[MediaKind] = ()) -> None:
        self._settings = settings
        self.step = step
        self.media = media

    @cached_property
    def ocr(self) -> OcrEngine | None:
        """What reads pictures; None if it is off, or nothing is installed and nothing named.

        Raises `NotInstalled` for an engine that is named and missing, and `SettingsError` for a language.
        """
        from groundtune.knowledge.recognition import rapid, tesseract

        named = self._settings.ocr
        if named in ("auto", "tesseract"):
            engine = tesseract.find(self._settings.ocr_languages)
            if engine is not None or named == "tesseract":
                return engine or tesseract.missing()
        if named in ("auto", "rapidocr"):
            return rapid.find() or (rapid.missing() if named == "rapidocr" else None)
        return None

    @cached_property
    def speech(self) -> Transcriber | None:
        """What writes down speech; None if it is off, or nothing is installed and nothing named.

        Raises `NotInstalled` and `SettingsError` for a model that is named and cannot be had.
        """
        from groundtune.knowledge.recognition import whisper

        return whisper.find(self._settings.located(self._settings.transcription))

    def signature(self, kinds: Sequence[str]) -> str:
        """Return what changes when files that need these `kinds` may be read otherwise than before."""
        parts = (getattr(self, kind) for kind in get_args(RecognitionKind) if kind in kinds)
        return "|".join(part.signature for part in parts if part is not None)

    def read_picture(self, pixels: Pixels, dpi: int | None = None) -> OcrText:
        """Return what stands in a picture, of shape (height, width, 3), in whatever direction it is turned.

        Raises `NotRecognised` with the reason, as where it takes longer than `[knowledge] page_seconds`.
        """
        from groundtune.knowledge.recognition.ocr import read_upright

        assert self.ocr is not None
        return read_upright(self.ocr, pixels, dpi, self._settings.page_seconds)

    @property
    def without_ocr(self) -> str:
        """What to do where nothing reads pictures."""
        return 'Set `[knowledge] ocr` to "auto".' if self._settings.ocr == "off" else _INSTALL_OCR

    def not_seen(self, path: Path, what: str) -> UnreadableDocument:
        """Return the error for a file that only OCR could read."""
        return UnreadableDocument(f"{what}, and nothing is there to read it.", place=path, remedy=self.without_ocr)

    @property
    def without_speech(self) -> str:
        """What to do where nothing transcribes."""
        from groundtune.knowledge.recognition import whisper

        off = self._settings.transcription == "off"
        return 'Set `[knowledge] transcription` to "auto".' if off else whisper.INSTALL

    def not_heard(self, path: Path) -> UnreadableDocument:
        """Return the error for a recording where nothing transcribes."""
        return UnreadableDocument(
            "is a recording, and nothing is there to transcribe it.", place=path, remedy=self.without_speech
        )


_CURRENT: ContextVar[Recognition | None] = ContextVar("recognition", default=None)


def current() -> Recognition:
    """Return what reads pictures and recordings here."""
    return _CURRENT.get() or Recognition(KnowledgeSettings())


@contextmanager
def using(recognition: Recognition) -> Iterator[None]:
    """Have readers use `recognition`."""
    token = _CURRENT.set(recognition)
    try:
        yield
    finally:
        _CURRENT.reset(token)
