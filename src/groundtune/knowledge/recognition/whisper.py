"""Writing down speech with Whisper, by faster-whisper: https://github.com/SYSTRAN/faster-whisper

Silero's voice detection, which that package carries, says first where somebody speaks: Whisper makes words up where
nobody does. It decodes greedily at temperature 0, so that the same file gives the same text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from groundtune.errors import NotInstalled, SettingsError, UnreadableDocument
from groundtune.extras import command, missing, not_installed
from groundtune.files import beside, sha256_of
from groundtune.packaged import SPEECH, PackagedSpeech, folder_with
from groundtune.protocols import Vectors

_WEIGHTS, _CONFIG, _TOKENIZER = "model.bin", "config.json", "tokenizer.json"
_RATE = 16_000  # samples in a second
_WINDOW, _FRAME = 30 * _RATE, 320  # samples that the encoder reads at once, and that become one frame
_REPEATED = 2.4  # compression ratio above which a text repeats itself, as in Whisper (Radford et al. 2022, section 4.5)
_BEAM = 5
_PAUSE = 4.0  # seconds of silence that part what is transcribed

INSTALL = f"Install the extra and a model: {command('audio')} {SPEECH[-1].packages[0]}."


@dataclass(frozen=True, slots=True)
class SpokenPart:
    """What is said from `start` to `end`, in seconds, with the mean probability of its tokens."""

    start: float
    end: float
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a recording of so many `seconds`, `speech` of them with speech. `unclear` parts, (start, end),
    gave no text that can be believed."""

    parts: tuple[SpokenPart, ...]
    seconds: float
    speech: float
    language: str = ""
    unclear: tuple[tuple[float, float], ...] = ()


class Transcriber:
    """A Whisper model in `folder`, called `name`; it is loaded for the first recording."""

    def __init__(self, name: str, folder: Path, state: str) -> None:
        self._name, self._folder, self._state = name, folder, state

    @property
    def signature(self) -> str:
        """Name, version of the program, and a part of the hash of the weights."""
        return f"{self._name} {self._state[:8]} (faster-whisper {version('faster-whisper')})"

    @property
    def weights(self) -> str:
        """A hash of the weights."""
        return self._state

    @property
    def width(self) -> int:
        """Numbers in a state of the encoder."""
        silence = np.zeros(_FRAME, dtype=np.float32)
        return int(self._encoded(silence).shape[1])

    def states(self, path: Path) -> Iterator[Vectors]:
        """Yield what the encoder makes of a recording, half a minute at a time: (frames, d), 50 frames a second.

        Raises `UnreadableDocument` as `transcribe` does.
        """
        samples = decoded(path, _RATE)
        for start in range(0, len(samples), _WINDOW):
            yield self._encoded(samples[start : start + _WINDOW])

    def _encoded(self, samples: Any) -> Vectors:  # noqa: ANN401
        from faster_whisper.audio import pad_or_trim

        model = _model(self._folder)
        states: Vectors = np.asarray(model.encode(pad_or_trim(model.feature_extractor(samples))), dtype=np.float32)[0]
        return states[: math.ceil(len(samples) / _FRAME)]

    def transcribe(self, path: Path, step: Callable[[int, int], None]) -> Transcript:
        """Return what is said in a file; `step` is told how many seconds are done.

        Raises `UnreadableDocument` for a file that is no recording or is broken.
        """
        samples = decoded(path, _RATE)
        seconds = len(samples) / _RATE
        clips = _speech(samples)
        if not clips:
            return Transcript((), seconds, 0.0)
        segments, about = _model(self._folder).transcribe(
            samples,
            beam_size=_BEAM,
            temperature=0.0,
            condition_on_previous_text=False,  # one mistake would otherwise repeat itself
            clip_timestamps=[edge for clip in clips for edge in clip],
        )
        parts, unclear = [], []
        for segment in segments:
            step(math.ceil(segment.end), math.ceil(seconds))
            if not segment.text.strip():
                continue
            if segment.compression_ratio > _REPEATED:
                unclear.append((segment.start, segment.end))
            else:
                said = " ".join(segment.text.split())
                parts.append(SpokenPart(segment.start, segment.end, said, math.exp(segment.avg_logprob)))
        speech = sum(end - start for start, end in clips)
        return Transcript(tuple(parts), seconds, speech, about.language, tuple(unclear))


def find(named: str, setting: str = "knowledge.transcription") -> Transcriber | None:
    """Return what the setting names; None for "off", and for "auto" where nothing is installed.

    Raises `NotInstalled` and `SettingsError` for a model that is named and cannot be had.
    """
    if named == "off" or (named == "auto" and missing("audio")):
        return None
    if named == "auto":
        packaged = next((model for model in SPEECH if _parts(model)), None)
        return None if packaged is None else _packaged(packaged)
    if missing("audio"):
        raise NotInstalled("transcription needs packages that are not installed.", remedy=INSTALL)
    for model in SPEECH:
        if named == f"builtin:{model.name}":
            if not _parts(model):
                packages = " ".join(model.packages)
                raise NotInstalled(f"`{named}` is not installed.", remedy=f"Install it: pip install {packages}.")
            return _packaged(model)
    from groundtune.knowledge.embedding.local import model_folder  # it takes a while to import

    folder = model_folder(named, setting)
    if folder is None:
        known = ", ".join(f"builtin:{model.name}" for model in SPEECH)
        raise SettingsError(f"`{setting}` is `{named}`.", remedy=f"Write auto, off, hf:ORG/NAME, path:DIR, or {known}.")
    if not (folder / _WEIGHTS).is_file():
        raise SettingsError(
            f"`{named}` is no Whisper model for CTranslate2: it has no {_WEIGHTS}.",
            remedy="Name a converted one, such as hf:Systran/faster-whisper-small.",
        )
    return Transcriber(named, folder, _hash(folder))


@cache
def _hash(folder: Path) -> str:
    return sha256_of(folder / _WEIGHTS)


def _parts(model: PackagedSpeech) -> list[Path]:
    """Return the files with the weights, in order; none if one is not installed."""
    folders = [folder_with(module, file) for module, file in model.weights]
    files = [folder / file for folder, (_, file) in zip(folders, model.weights, strict=True) if folder is not None]
    return files if len(files) == len(model.weights) else []


def _packaged(model: PackagedSpeech) -> Transcriber:
    parts = _parts(model)
    folder = parts[0].parent if len(parts) == 1 else _joined(model, parts)
    if _hash(folder) != model.sha256:
        raise NotInstalled(
            f"the weights of `builtin:{model.name}` are not the ones that are known.",
            place=folder,
            remedy=f"Install {' '.join(model.packages)} again.",
        )
    return Transcriber(model.name, folder, model.sha256)


def _joined(model: PackagedSpeech, parts: Sequence[Path]) -> Path:
    """Return a folder in the user's cache with weights that come in several packages, put together once."""
    folder = user_cache_path("groundtune") / "models" / f"{model.name}-{model.sha256[:16]}"
    if (folder / _WEIGHTS).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in (_CONFIG, _TOKENIZER, "vocabulary.txt"):
        (folder / name).write_bytes((parts[0].parent / name).read_bytes())
    temporary = beside(folder / _WEIGHTS)
    with temporary.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    temporary.replace(folder / _WEIGHTS)
    return folder


@cache
def _model(folder: Path) -> Any:  # noqa: ANN401 -- faster-whisper has no usable types
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)


def decoded(path: Path, rate: int) -> Any:  # noqa: ANN401
    """Return the samples of a recording, float32, so many a second, one channel. Raises `UnreadableDocument`."""
    try:
        import av
        from faster_whisper import decode_audio
    except ImportError as error:
        raise not_installed("audio", "reading recordings", error) from None
    try:
        return decode_audio(str(path), rate)
    except (av.error.FFmpegError, IndexError, TypeError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UnreadableDocument(
            f"is damaged, or no recording ({said}).", place=path, remedy="Play it and save it again, as .wav or .mp3."
        ) from error


def _speech(samples: Any) -> list[tuple[float, float]]:  # noqa: ANN401
    """Return from when to when somebody speaks, in seconds, without the long pauses.

    Each of these is transcribed by itself: Whisper would take what stands on both sides of a pause for one sentence.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    spoken = get_speech_timestamps(samples, VadOptions(min_silence_duration_ms=round(_PAUSE * 1000)))
    return [(each["start"] / _RATE, each["end"] / _RATE) for each in spoken]
