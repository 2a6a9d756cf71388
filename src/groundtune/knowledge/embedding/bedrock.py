"""Embedders on Amazon Bedrock: `bedrock:MODEL_ID@REGION`, Titan (text and multimodal) and Cohere Embed.

They are in `_bedrock.py`, which is imported only where one is named: it takes long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundtune.settings import EmbeddingSettings

if TYPE_CHECKING:
    from groundtune.knowledge.embedding._bedrock import BedrockEmbedder

PREFIX = "bedrock:"


def groundtune_embedder(settings: EmbeddingSettings, name: str) -> BedrockEmbedder | None:
    """Hook of `embedders`. Raises `SettingsError` for a model that is not known, `NotInstalled` without the SDK."""
    if not name.startswith(PREFIX):
        return None
    from groundtune.knowledge.embedding._bedrock import BedrockEmbedder

    return BedrockEmbedder(settings)
