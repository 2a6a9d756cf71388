"""Embedders behind an OpenAI-compatible endpoint: `openai:MODEL@BASE_URL` (BASE_URL ends before `/embeddings`).

The key is read from the environment variable OPENAI_API_KEY; local servers need none. Knows no store.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import httpx
import numpy as np

from groundtune.errors import ModelFailed, SettingsError
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings

KEY_VARIABLE = "OPENAI_API_KEY"
_ATTEMPTS = 5
_LONGEST_PAUSE = 30.0  # seconds
_TIMEOUT = 60.0  # seconds


class OpenAIEmbedder:
    """`POST {base_url}/embeddings`, `batch_size` texts at a time, tried again when the server is busy."""

    def __init__(
        self,
        model: str,
        base_url: str,
        batch_size: int,
        client: httpx.Client,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model = model
        self._url = base_url.rstrip("/") + "/embeddings"
        self._batch_size = batch_size
        self._client = client
        self._pause = pause

    @property
    def signature(self) -> str:
        """Model and endpoint; an endpoint does not tell more about its weights."""
        return f"openai:{self._model}@{self._url.removesuffix('/embeddings')}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector, learnt by embedding one word."""
        return int(self._batch(["dimension"]).shape[1])

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return unit vectors. Raises `ModelFailed` if the endpoint gives none."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        starts = range(0, len(texts), self._batch_size)
        return np.concatenate([self._batch(texts[start : start + self._batch_size]) for start in starts])

    def _batch(self, texts: Sequence[str]) -> Vectors:
        # An empty input is refused by the API; a blank is what comes closest.
        reply = self._post({"model": self._model, "input": [text or " " for text in texts], "encoding_format": "float"})
        try:
            rows = sorted(reply.json()["data"], key=lambda row: row["index"])
            vectors = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed(f"its reply is not what the API promises ({error!r})") from None
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise self._failed(f"it gave {len(vectors)} vectors for {len(texts)} texts")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._failed("it gave a vector without a direction")
        return np.asarray(vectors / norms, dtype=np.float32)

    def _post(self, body: dict[str, Any]) -> httpx.Response:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                reply = self._client.post(self._url, json=body, headers=headers)
            except httpx.TransportError as error:
                trouble, asked = f"it cannot be reached ({error!r})", None
            else:
                if reply.is_success:
                    return reply
                trouble, asked = (
                    f"it answered {reply.status_code}: {reply.text[:300]}",
                    reply.headers.get("Retry-After"),
                )
                if reply.status_code != 429 and reply.status_code < 500:
                    break
            if attempt < _ATTEMPTS:
                self._pause(_seconds(asked, attempt))
        raise self._failed(trouble)

    def _failed(self, what: str) -> ModelFailed:
        return ModelFailed(
            f"no embeddings from `{self._model}`: {what}.",
            place=self._url,
            remedy=f"Check [embedding] name, the server and {KEY_VARIABLE}.",
        )


def _seconds(asked: str | None, attempt: int) -> float:
    """Return how long to wait: what the server asks for in seconds, or ever longer."""
    wanted = float(asked) if asked and asked.isdigit() else 0.5 * 2**attempt
    return min(wanted, _LONGEST_PAUSE)


def groundtune_embedder(settings: EmbeddingSettings, name: str) -> OpenAIEmbedder | None:
    """Hook of `embedders`."""
    if not name.startswith("openai:"):
        return None
    model, _, base_url = name.removeprefix("openai:").partition("@")
    if not model or not base_url.startswith(("http://", "https://")):
        raise SettingsError(
            f"`embedding.name` is `{name}`.", remedy="Write openai:MODEL@BASE_URL, with https:// or http:// in it."
        )
    return OpenAIEmbedder(model, base_url, settings.batch_size, httpx.Client(timeout=_TIMEOUT))
