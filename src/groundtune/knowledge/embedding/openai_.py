"""Embedders behind an OpenAI-compatible endpoint: `openai:MODEL@BASE_URL` (BASE_URL ends before `/embeddings`).

The key is read from the environment variable OPENAI_API_KEY; local servers need none. Knows no store.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal

import httpx
import numpy as np

from groundtune.errors import ModelFailed
from groundtune.http import ApiKey, Backoff, Endpoint, Guidance, RequestRefused, named_address
from groundtune.http.bodies import decoded, loaded
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings

PREFIX = "openai:"
PATH = "/embeddings"
KEY_VARIABLE = "OPENAI_API_KEY"
_TIMEOUT = 60.0  # seconds
_REMEDY = f"Check [embedding] name, the server and {KEY_VARIABLE}."


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
        self._base_url = base_url.rstrip("/")
        self._batch_size = batch_size
        key = ApiKey.from_environment(KEY_VARIABLE)
        backoff = Backoff(base=1.0, least_share=1.0, sleep=pause)  # batches go out one by one: nothing to spread
        self._format = {"encoding_format": "float"}
        self._endpoint = Endpoint(f"{self._base_url}{PATH}", key, _TIMEOUT, backoff, _guidance(model), client)

    @property
    def signature(self) -> str:
        """Model and endpoint; an endpoint does not tell more about its weights."""
        return f"openai:{self._model}@{self._base_url}"

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
        reply = self._post(texts)
        try:
            rows = loaded(decoded(reply))["data"]
            if all(isinstance(row.get("index"), int) for row in rows):  # some servers give none, and keep the order
                rows = sorted(rows, key=lambda row: row["index"])
            vectors = np.asarray([_vector(row["embedding"]) for row in rows], dtype=np.float32)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._failed(f"sent a reply that does not follow the API ({error!r})") from None
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise self._failed(f"returned {len(vectors)} vectors for {len(texts)} texts")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._failed("returned a vector that is zero or not finite")
        return np.asarray(vectors / norms, dtype=np.float32)

    def _post(self, texts: Sequence[str]) -> bytes:
        """Return the reply; `encoding_format` is left out from then on where a server does not take it."""
        # An empty input is refused by the API; a blank is what comes closest.
        body = {"model": self._model, "input": [text or " " for text in texts], **self._format}
        try:
            return self._endpoint.post(body)
        except RequestRefused as error:
            if not self._format or "encoding_format" not in error.said:
                raise
            self._format = {}
            return self._post(texts)

    def _failed(self, what: str) -> ModelFailed:
        return self._endpoint.failure(f"{what}.", _REMEDY)


def _vector(embedding: object) -> object:
    """Return the numbers of a vector, which some servers send in base64 (of little-endian float32) or in a list of one.

    Raises `ValueError` for a text that is none.
    """
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    if isinstance(embedding, list) and len(embedding) == 1 and isinstance(embedding[0], list):
        return embedding[0]
    return embedding


def _guidance(model: str) -> Guidance:
    return Guidance(
        subject=f"no embeddings from `{model}`: it ",
        address=_REMEDY,
        late="Lower `embedding.batch_size`, or check the server load.",
        busy=_REMEDY,
        broken=_REMEDY,
        too_long="Lower `knowledge.chunk_size`.",
    )


def groundtune_embedder(settings: EmbeddingSettings, name: str) -> OpenAIEmbedder | None:
    """Hook of `embedders`."""
    if not name.startswith(PREFIX):
        return None
    model, base_url = named_address(name, PREFIX, "embedding.name")
    return OpenAIEmbedder(model, base_url, settings.batch_size, httpx.Client(timeout=_TIMEOUT))
