"""Encoders of recordings on this machine: Whisper's, and CLAP (Wu et al. 2023, https://arxiv.org/abs/2211.06687).

`builtin:whisper-base`, and `hf:ORG/NAME` or `path:DIR`. Whisper for CTranslate2 is the model that transcribes, with the
same weights in memory: its encoder's states, their mean and spread over time, tell what a recording sounds like. It
places no texts. CLAP places texts as well. Knows no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from groundtune.encoders import network
from groundtune.errors import SettingsError, UnreadableDocument
from groundtune.knowledge.embedding.local import hash_of, model_folder
from groundtune.knowledge.recognition import whisper
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings
from groundtune.values import MediaKind

_SETTING = "embedding.sound"
_CTRANSLATE2 = "model.bin"  # what only a model for CTranslate2 has


class WhisperEmbedder:
    """The encoder of a Whisper model."""

    places_texts = False

    def __init__(self, transcriber: whisper.Transcriber) -> None:
        self._transcriber = transcriber

    @property
    def signature(self) -> str:
        """A hash of the weights."""
        return f"whisper, mean and spread|weights:{self._transcriber.weights[:16]}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector: twice the width of the model."""
        return 2 * self._transcriber.width

    def embed_files(self, files: Sequence[Path]) -> Vectors:
        """Return unit vectors of recordings. Raises `UnreadableDocument`."""
        vectors = [self._vector(file) for file in files]
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Raise `TypeError`: Whisper's encoder places no texts."""
        raise TypeError("this encoder places no texts")

    def _vector(self, file: Path) -> Vectors:
        count, total, squares = 0, np.zeros(self.dimension // 2), np.zeros(self.dimension // 2)
        for states in self._transcriber.states(file):
            count += len(states)
            total += states.sum(axis=0, dtype=np.float64)
            squares += np.square(states, dtype=np.float64).sum(axis=0)
        if not count:
            raise _silent(file)
        mean = total / count
        vector = np.concatenate([mean, np.sqrt(np.maximum(squares / count - mean**2, 0.0))])
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


class ClapEmbedder:
    """A model of CLAP's shape that transformers loads from `folder`. A long recording is the mean of its parts."""

    places_texts = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def signature(self) -> str:
        """A hash of all files of the model."""
        return f"sounds|weights:{hash_of(self._folder)}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.config.projection_dim)

    def embed_files(self, files: Sequence[Path]) -> Vectors:
        """Return unit vectors of recordings. Raises `UnreadableDocument`."""
        vectors = [self._vector(file) for file in files]
        return np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return unit vectors of what recordings sound like; texts that are too long are cut."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        read = self._processor.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return self._unit(self._model.get_text_features, read)

    def _vector(self, file: Path) -> Vectors:
        hears = self._processor.feature_extractor
        samples, size = whisper.decoded(file, hears.sampling_rate), hears.nb_max_samples
        parts = [samples[start : start + size] for start in range(0, len(samples), size)]
        if not parts:
            raise _silent(file)
        heard = hears(parts, sampling_rate=hears.sampling_rate, return_tensors="pt")
        mean = self._unit(self._model.get_audio_features, heard).mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _unit(self, features: Any, read: Any) -> Vectors:  # noqa: ANN401 -- transformers is untyped here
        import torch

        with torch.inference_mode():
            made = features(**read.to(self._model.device)).pooler_output
        return np.asarray(torch.nn.functional.normalize(made, dim=1).float().cpu().numpy(), dtype=np.float32)

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401
        made = network(str(self._folder))
        if not hasattr(made, "get_audio_features"):
            raise SettingsError(
                f"the model that `{_SETTING}` names does not read recordings.",
                place=self._folder,
                remedy="Name one of CLAP's kind, such as hf:laion/clap-htsat-unfused, or Whisper for CTranslate2.",
            )
        return made

    @cached_property
    def _processor(self) -> Any:  # noqa: ANN401
        from transformers import AutoProcessor

        return AutoProcessor.from_pretrained(self._folder)


def _silent(file: Path) -> UnreadableDocument:
    return UnreadableDocument("is a recording of no length.", place=file, remedy="Record it again, or remove it.")


def groundtune_media_embedder(
    settings: EmbeddingSettings, name: str, kind: MediaKind
) -> WhisperEmbedder | ClapEmbedder | None:
    """Hook of `media_embedders`."""
    if kind != "sound":
        return None
    folder = None if name.startswith("builtin:") else model_folder(name, _SETTING)
    if folder is not None and not (folder / _CTRANSLATE2).is_file():
        return ClapEmbedder(folder)
    if folder is None and not name.startswith("builtin:"):
        return None
    transcriber = whisper.find(name, _SETTING)
    return None if transcriber is None else WhisperEmbedder(transcriber)
