"""Asking Titan (text and multimodal) and Cohere Embed on Amazon Bedrock for vectors.

Credentials come from where every AWS tool takes them. Needs the extra `aws`. A text that is longer than the model reads
is cut, and counted: the service refuses it, and half of it is sent, until it fits. Knows no store.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
model-parameters-titan-embed-mm.html, model-parameters-embed-v3.html.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from groundtune.errors import ModelFailed, SettingsError
from groundtune.http import Backoff, Passing, RequestRefused, aws
from groundtune.http.outages import all_at_once
from groundtune.knowledge.readers.image import shown
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings

FORM = "Write bedrock:MODEL_ID@REGION, for example bedrock:amazon.titan-embed-text-v2:0@eu-west-1."
TIMEOUT = 60.0  # seconds
AT_ONCE = 8  # requests: most of these models take one text each
SHORTEST = 64  # characters: a shorter text is refused for another reason than its length
TextKind = Literal["query", "document"]
_ADVICE = {
    "AccessDeniedException": "Give the credentials `bedrock:InvokeModel` for this model.",
    "ResourceNotFoundException": "Check the model id and the region, and that the account has access to the model.",
    "ValidationException": FORM,
}


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """How a kind of models is asked: `texts` in one request, of so many `characters` each, and what stands where."""

    texts: int
    characters: int
    body: Callable[[Sequence[str], TextKind], Mapping[str, object]]
    vectors: Callable[[Any], Any]


def _titan(texts: Sequence[str], kind: TextKind) -> Mapping[str, object]:
    return {"inputText": texts[0]}


def _cohere(texts: Sequence[str], kind: TextKind) -> Mapping[str, object]:
    # without `truncate`, a text with too many tokens is refused instead of cut without a word
    return {"texts": list(texts), "input_type": f"search_{kind}", "truncate": "NONE", "embedding_types": ["float"]}


FAMILIES = {
    "amazon.titan-embed-text": ModelFamily(1, 50_000, _titan, lambda reply: [reply["embedding"]]),
    "amazon.titan-embed-image": ModelFamily(1, 50_000, _titan, lambda reply: [reply["embedding"]]),
    "cohere.embed-english-v3": ModelFamily(96, 2048, _cohere, lambda reply: reply["embeddings"]["float"]),
    "cohere.embed-multilingual-v3": ModelFamily(96, 2048, _cohere, lambda reply: reply["embeddings"]["float"]),
    "cohere.embed-v4": ModelFamily(96, 500_000, _cohere, lambda reply: reply["embeddings"]["float"]),
}
"""By what is in the model's id; the id of an inference profile has the region before it."""
_OF_PICTURES = "amazon.titan-embed-image"
_LONGEST = 2048  # pixels of a side that this model takes


class BedrockEmbedder:
    """`InvokeModel`, up to `AT_ONCE` requests at once, tried again when the service is busy.

    `client` is a boto3 client of `bedrock-runtime` made elsewhere. `backoff` says how long to be patient.
    """

    def __init__(
        self,
        settings: EmbeddingSettings,
        backoff: Backoff | None = None,
        client: Any | None = None,  # noqa: ANN401
        setting: Literal["name", "image"] = "name",
    ) -> None:
        self._name = name = str(getattr(settings, setting))
        self._model, self._region = aws.model_and_region(name, f"embedding.{setting}")
        family = next((family for part, family in FAMILIES.items() if part in self._model), None)
        if family is None:
            raise SettingsError(
                f"`embedding.{setting}` is {name!r}, and it is not known how that model is asked.",
                remedy=f"Known models: {', '.join(FAMILIES)}.",
            )
        self._family, self._size = family, min(settings.batch_size, family.texts)
        self._backoff = backoff or Backoff()
        config = {**aws.timeouts(TIMEOUT), "max_pool_connections": AT_ONCE}
        self._client = client or aws.client("bedrock-runtime", self._region, config, f"`{self._name}`", self._failure)
        self._cut: set[str] = set()

    @property
    def signature(self) -> str:
        """Model and region; the service does not tell more about its weights."""
        return self._name

    @cached_property
    def dimension(self) -> int:
        """Length of a vector, learnt by embedding one word."""
        return int(self._asked(["dimension"], "document").shape[1])

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return unit vectors. Raises `ModelFailed` if the service gives none."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        batches = [texts[start : start + self._size] for start in range(0, len(texts), self._size)]
        return np.concatenate(all_at_once(partial(self._batch, kind=kind), batches, AT_ONCE))

    def cut(self, texts: Sequence[str]) -> int:
        """Return how many of these texts, which were embedded before, were too long."""
        return sum(text in self._cut for text in texts)

    def _batch(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return the vectors of texts; one that is refused for its length is cut."""
        most = self._family.characters
        self._cut.update(text for text in texts if len(text) > most)
        # an empty input is refused; a blank is what comes closest
        shortened = [text[:most] if text.strip() else " " for text in texts]
        try:
            return self._asked(shortened, kind)
        except RequestRefused:
            if len(texts) > 1:
                return np.concatenate([self._batch([text], kind) for text in texts])
            return self._halved(texts[0], shortened[0], kind)

    def _halved(self, text: str, refused: str, kind: TextKind) -> Vectors:
        """Return the vector of the longest beginning of `text` that is taken, out of a half, a quarter and so on."""
        while True:
            refused = refused[: len(refused) // 2]
            try:
                vectors = self._asked([refused], kind)
            except RequestRefused:
                if len(refused) < SHORTEST:
                    raise
            else:
                self._cut.add(text)
                return vectors

    def _asked(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Return unit vectors. Raises `RequestRefused` where the service does not take these texts."""
        return self._answered(self._family.body(texts, kind), len(texts))

    def _answered(self, request: Mapping[str, object], number: int) -> Vectors:
        body = json.dumps(request)
        reply = self._backoff.run(lambda: self._once(body), self._failure, (self._region, self._name))
        try:
            vectors = np.asarray(self._family.vectors(json.loads(reply)), dtype=np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise self._failure(f"sent a reply that does not follow the API ({error!r}).", FORM) from None
        if vectors.ndim != 2 or len(vectors) != number:
            raise self._failure(f"returned {len(vectors)} vectors for {number} inputs.", FORM)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._failure("returned a vector that is zero or not finite.", FORM)
        return np.asarray(vectors / norms, dtype=np.float32)

    def _once(self, body: str) -> bytes:
        def call() -> bytes:
            kinds = {"contentType": "application/json", "accept": "application/json"}
            return bytes(self._client.invoke_model(modelId=self._model, body=body, **kinds)["body"].read())

        return aws.once(call, self._failure, self._refused, TIMEOUT, FORM)

    def _refused(self, refusal: aws.Refusal) -> Exception:
        if refusal.passes:
            return Passing(refusal.told, "Request a higher quota, or try later.", refusal.wait)
        if refusal.code == "ValidationException":
            refused = RequestRefused(refusal.told, place=self._name, remedy=_ADVICE[refusal.code])
            refused.said = refusal.said
            return refused
        return self._failure(refusal.told, _ADVICE.get(refusal.code, FORM))

    def _failure(self, message: str, remedy: str) -> ModelFailed:
        return ModelFailed(message, place=self._name, remedy=remedy)


class BedrockPictureEmbedder(BedrockEmbedder):
    """Titan multimodal, which places pictures and texts in one space."""

    places_texts = True

    def __init__(
        self,
        settings: EmbeddingSettings,
        backoff: Backoff | None = None,
        client: Any | None = None,  # noqa: ANN401
    ) -> None:
        super().__init__(settings, backoff, client, "image")
        if _OF_PICTURES not in self._model:
            raise SettingsError(
                f"`embedding.image` is {settings.image!r}, and that model does not read pictures.",
                remedy="Name bedrock:amazon.titan-embed-image-v1@REGION.",
            )

    def embed_files(self, files: Sequence[Path]) -> Vectors:
        """Return unit vectors of pictures. Raises `UnreadableDocument`, and `ModelFailed` as `embed` does."""
        if not files:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.concatenate(all_at_once(self._picture, files, AT_ONCE))

    def _picture(self, file: Path) -> Vectors:
        picture, written = shown(file), io.BytesIO()
        picture.thumbnail((_LONGEST, _LONGEST))
        picture.save(written, "PNG")
        return self._answered({"inputImage": base64.b64encode(written.getvalue()).decode()}, 1)
