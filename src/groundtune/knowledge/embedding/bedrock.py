"""Embedders on Amazon Bedrock: `bedrock:MODEL_ID@REGION`, Titan (text and multimodal) and Cohere Embed.

They are in `_bedrock.py`, which is imported only where one is named: it takes long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtune.settings import EmbeddingSettings
from groundtune.values import MediaKind

if TYPE_CHECKING:
    from groundtune.knowledge.embedding._bedrock import BedrockEmbedder, BedrockPictureEmbedder

PREFIX = "bedrock:"


def groundtune_embedder(settings: EmbeddingSettings, name: str) -> BedrockEmbedder | None:
    """Hook of `embedders`. Raises `SettingsError` for a model that is not known, `NotInstalled` without the SDK."""
    if not name.startswith(PREFIX):
        return None
    from groundtune.knowledge.embedding._bedrock import BedrockEmbedder

    return BedrockEmbedder(settings)


def groundtune_media_embedder(settings: EmbeddingSettings, name: str, kind: MediaKind) -> BedrockPictureEmbedder | None:
    """Hook of `media_embedders`. Raises as `groundtune_embedder` does."""
    if kind != "image" or not name.startswith(PREFIX):
        return None
    from groundtune.knowledge.embedding._bedrock import BedrockPictureEmbedder

    return BedrockPictureEmbedder(settings)
