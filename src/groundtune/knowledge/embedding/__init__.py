"""Embedders: what turns texts into vectors, chosen by `[embedding] name`; one file a provider.

Knows nothing of stores. Of documents, it only knows which part of a chunk is embedded.
"""

from __future__ import annotations

from typing import cast

from groundtune import plugins
from groundtune.knowledge.media import MediaEmbedder
from groundtune.protocols import Embedder
from groundtune.settings import EmbeddingSettings
from groundtune.values import Chunk, MediaKind, Passage


def embedder(settings: EmbeddingSettings) -> Embedder:
    """Return the embedder that `settings.name` names.

    Raises `SettingsError` if nobody knows the name and `NotInstalled` if a package or a model is missing.
    """
    return cast("Embedder", plugins.first("embedders", settings.name, settings, settings.located(settings.name)))


def embedded_text(chunk: Chunk | Passage) -> str:
    """Return the text that is embedded for a chunk: the headings above it and its own text."""
    return f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text


def media_embedder(settings: EmbeddingSettings, kind: MediaKind) -> MediaEmbedder:
    """Return the embedder of pictures, or of recordings, that `settings.image` or `settings.sound` names.

    Raises `SettingsError` if nobody knows the name and `NotInstalled` if a package or a model is missing.
    """
    name = settings.located(getattr(settings, kind))
    return cast("MediaEmbedder", plugins.first("media_embedders", name, settings, name, kind))
