"""Encoders of pictures on this machine, by sentence-transformers: `hf:ORG/NAME` and `path:DIR`, of CLIP and its kin.

Radford et al. 2021 (https://arxiv.org/abs/2103.00020). The model is loaded when the first picture or question comes,
and once for all who need it. Knows no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from groundtune.encoders import SentenceEncoder, sentence_encoder
from groundtune.errors import SettingsError
from groundtune.knowledge.embedding.local import hash_of, model_folder
from groundtune.knowledge.readers.image import shown
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings
from groundtune.values import MediaKind

if TYPE_CHECKING:
    from PIL.Image import Image


_LONGEST = 1024  # pixels of a side


class LocalPictureEmbedder:
    """The model in `folder`, which reads pictures and perhaps texts."""

    def __init__(self, folder: Path, batch_size: int) -> None:
        self._folder, self._batch_size = folder, batch_size

    @cached_property
    def signature(self) -> str:
        """A hash of all files of the model."""
        return f"pictures|weights:{hash_of(self._folder)}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.model.get_embedding_dimension())

    @property
    def places_texts(self) -> bool:
        """Whether the model reads texts, too."""
        return bool(self._model.model.supports("text"))

    def embed_files(self, files: Sequence[Path]) -> Vectors:
        """Return unit vectors of pictures. Raises `UnreadableDocument`, and `SettingsError` for a model of texts."""
        return self._encoded([_small(shown(file)) for file in files])

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return unit vectors of what pictures show; texts that are too long are cut by the model."""
        return self._encoded(list(texts))

    def _encoded(self, inputs: Sequence[object]) -> Vectors:
        if not inputs:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._model.held() as model:
            vectors = model.encode(
                inputs, batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False
            )  # fmt: skip
        return np.asarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> SentenceEncoder:
        made = sentence_encoder(self._folder)
        if not made.model.supports("image"):
            raise SettingsError(
                "the model that `embedding.image` names does not read pictures.",
                place=self._folder,
                remedy="Name one of CLIP's kind, such as hf:sentence-transformers/clip-ViT-B-32.",
            )
        return made


def _small(picture: Image) -> Image:
    """Return a picture in a size of which many fit into memory; models look at far fewer pixels."""
    picture.thumbnail((_LONGEST, _LONGEST))
    return picture


def groundtune_media_embedder(settings: EmbeddingSettings, name: str, kind: MediaKind) -> LocalPictureEmbedder | None:
    """Hook of `media_embedders`."""
    if kind != "image":
        return None
    folder = model_folder(name, "embedding.image")
    return None if folder is None else LocalPictureEmbedder(folder, settings.batch_size)
