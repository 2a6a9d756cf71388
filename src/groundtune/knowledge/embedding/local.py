"""Embedders on this machine, by sentence-transformers: `builtin:minilm-l6-v2`, `hf:ORG/NAME`, `path:DIR`.

The model is loaded when the first text comes, so that opening a store costs nothing, and once for all who need it
(`encoders.py`). Knows no store.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from platformdirs import user_cache_path

from groundtune.encoders import DECISIVE, EXTRA, SentenceEncoder, prompt_of, sentence_encoder
from groundtune.errors import NotInstalled, SettingsError
from groundtune.files import settled, within, write_text
from groundtune.knowledge.embedding._packed import PackedBert, packed, pieces
from groundtune.packaged import encoder_folder
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings
from groundtune.values import digest

BUILTIN = "builtin:minilm-l6-v2"
# all-MiniLM-L6-v2 is set to cut at 256 word pieces; its positions go to 512, and a chunk may well need them.
_BUILTIN_TOKENS = 512
_NOT_NEEDED = ["onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.tflite"]


class LocalEmbedder:
    """A sentence-transformers model in `folder`, fp32, vectors normalised.

    Texts longer than `max_tokens` word pieces (the model's own limit if None) are cut by the model.
    """

    def __init__(
        self, name: str, folder: Path, batch_size: int, max_tokens: int | None = None, *, integers: bool = False
    ) -> None:
        self._name = name
        self._integers = integers
        self._folder = folder
        self._batch_size = batch_size
        self._max_tokens = max_tokens

    @property
    def folder(self) -> Path:
        """Where the model is."""
        return self._folder

    @property
    def max_tokens(self) -> int | None:
        """Word pieces after which texts are cut; None if the model itself says where."""
        return self._max_tokens

    @cached_property
    def signature(self) -> str:
        """Name, a hash of all files of the model, and where texts are cut."""
        precision = "|int8" if self._integers else ""
        return f"{self._name}|weights:{hash_of(self._folder)}|tokens:{self._max_tokens or 'model'}{precision}"

    @cached_property
    def dimension(self) -> int:
        """Length of a vector, out of the model's configuration if it says so."""
        pooling = self._folder / "1_Pooling" / "config.json"
        if pooling.is_file() and not (self._folder / "2_Dense").exists():
            config = json.loads(pooling.read_text(encoding="utf-8"))
            size = config.get("word_embedding_dimension") or config.get("embedding_dimension")
            modes = sum(value is True for key, value in config.items() if key.startswith("pooling_mode_"))
            if isinstance(size, int) and modes == 1:
                return size
        return int(self._model.model.get_embedding_dimension())

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return unit vectors; the model's own prompts for questions and documents are used."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._model.cutting(self._max_tokens) as model:
            if (row := self._packed(model)) is not None:
                return row.vectors(pieces(model, texts, prompt_of(model, kind)))
            encode = model.encode_query if kind == "query" else model.encode_document
            vectors = encode(
                list(texts), batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False,
                convert_to_numpy=True,
            )  # fmt: skip
        return np.asarray(vectors, dtype=np.float32)

    def cut(self, texts: Sequence[str]) -> int | None:
        """Return how many of these documents' texts have more word pieces than the model reads.

        None for a model that has no tokenizer of transformers.
        """
        if not texts:
            return 0
        with self._model.cutting(self._max_tokens) as model:
            limit: float | None = model.max_seq_length
            tokenizer = model.tokenizer
            if limit is None or limit == math.inf:
                return 0
            if not callable(tokenizer):
                return None
            prompt = prompt_of(model, "document")
            whole = tokenizer([prompt + text for text in texts], truncation=False, padding=False, verbose=False)
        return sum(len(ids) > limit for ids in whole["input_ids"])

    def embed_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Return for each text the unit vectors of its word pieces, (pieces, d), without the model's special tokens.

        d is the encoder's own width, before pooling; what late interaction compares.
        """
        if not texts:
            return []
        with self._model.cutting(self._max_tokens) as model:
            special = model.tokenizer.all_special_ids
            if (row := self._packed(model)) is not None:
                cut = pieces(model, texts, None)
                pairs = zip(cut, row.states(cut), strict=True)
                return [_unit(states[~np.isin(ids, special)]) for ids, states in pairs]
            encoded = model.encode(
                list(texts), batch_size=self._batch_size, output_value=None, show_progress_bar=False
            )  # fmt: skip
        return [_token_vectors(features, special) for features in encoded]

    @cached_property
    def _model(self) -> SentenceEncoder:
        return sentence_encoder(self._folder)

    def _packed(self, model: Any) -> PackedBert | None:  # noqa: ANN401
        """Return what reads without padding, for the model that is held; None for one of another shape."""
        name = f"packed, {'int8' if self._integers else 'float32'}"
        if name not in self._model.derived:
            self._model.derived[name] = packed(model, integers=self._integers)
        made: PackedBert | None = self._model.derived[name]
        if made is None and self._integers:
            raise SettingsError(
                f'`embedding.precision` is "int8", but {self._name} has not the shape of BERT, or is on a GPU.',
                remedy='Set it to "float32".',
            )
        return made


def _token_vectors(encoded: Mapping[str, Any], special: Sequence[int]) -> Vectors:
    ids, mask = encoded["input_ids"].cpu().numpy(), encoded["attention_mask"].cpu().numpy()
    vectors = encoded["token_embeddings"].float().cpu().numpy()
    return _unit(vectors[(mask == 1) & ~np.isin(ids, special)])


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def hash_of(folder: Path) -> str:
    """Return a hash of the files that decide what the model computes.

    It is kept in the user's cache for as long as these files have the sizes and times that they have.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in DECISIVE)
    states = [(path, path.stat()) for path in files]
    key = digest(*(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}" for path, state in states))
    kept = user_cache_path("groundtune") / "hashes" / key
    if not settled(max((state.st_mtime_ns for _, state in states), default=0), time.time_ns()):
        return _hash_of(folder, files)
    try:
        return kept.read_text(encoding="ascii")
    except (OSError, ValueError):
        computed = _hash_of(folder, files)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, computed)
    return computed


def _hash_of(folder: Path, files: Sequence[Path]) -> str:
    state = hashlib.blake2b(digest_size=8)
    for path in files:
        state.update(str(path.relative_to(folder).as_posix()).encode())
        with path.open("rb") as file:
            state.update(hashlib.file_digest(file, "blake2b").digest())
    return state.hexdigest()


def builtin_folder() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2. Raises `NotInstalled` if the package is missing."""
    folder = encoder_folder(BUILTIN.removeprefix("builtin:"))
    if folder is None:
        raise NotInstalled(f"the model of `{BUILTIN}` is not installed.", remedy=EXTRA)
    return folder


def _hub_folder(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise NotInstalled(f"huggingface_hub cannot be imported ({error}).", remedy=EXTRA) from error
    try:
        return Path(snapshot_download(name, ignore_patterns=_NOT_NEEDED))
    except (OSError, ValueError) as error:
        raise NotInstalled(
            f"`hf:{name}` cannot be downloaded: {error}.",
            remedy="Check the name and the network, or download the model on another machine and use path:DIR.",
        ) from error


def model_folder(name: str, setting: str) -> Path | None:
    """Return where the model `name` (hf:ORG/NAME, path:DIR) is, fetched if it must be; None for other forms.

    `setting` is what names it, for the error.
    """
    kind, _, rest = name.partition(":")
    if kind == "hf" and rest:
        return _hub_folder(rest)
    if kind == "path" and rest:
        folder = within(Path(), rest)
        if not (folder / "config.json").is_file():
            raise SettingsError(
                f"`{setting}` is `{name}`, but there is no model in {folder}.",
                remedy="Name a folder that contains config.json and the weights.",
            )
        return folder
    return None


def groundtune_embedder(settings: EmbeddingSettings, name: str) -> LocalEmbedder | None:
    """Hook of `embedders`."""
    integers = settings.precision == "int8"
    if name == BUILTIN:
        return LocalEmbedder(name, builtin_folder(), settings.batch_size, _BUILTIN_TOKENS, integers=integers)
    folder = model_folder(name, "embedding.name")
    if folder is None:
        return None
    told = f"path:{folder.name}" if name.startswith("path:") else name
    return LocalEmbedder(told, folder, settings.batch_size, integers=integers)
