"""Encoders on this machine, whose weights are in memory once: for embedding, for reranking and for scores.

Kept by folder for as long as the process runs, and loaded again when the files change. Whoever needs a network of
another structure takes a copy that shares the weights. Knows no passages and no scores.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal

from groundtune.errors import NotInstalled, damaged
from groundtune.once import Once

EXTRA = 'Install the extra: pip install "groundtune[local]".'
DECISIVE = (".safetensors", ".bin", ".json", ".txt", ".model")
"""What the files are called that decide what a network computes."""
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")  # where `encode_document` looks for what it puts before a text


class HeldEncoder:
    """A model of sentence-transformers, which one thread at a time may use.

    A fast tokenizer keeps in itself where it cuts and how it pads: two threads must not change that at once.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 -- sentence_transformers is optional and has no stubs
        self.model = model
        self.derived: dict[str, Any] = {}  # what its users made of it, by name, for as long as it is kept
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[Any]:
        """Hold the model against other threads."""
        with self._lock:
            yield self.model


class SentenceEncoder(HeldEncoder):
    """A `HeldEncoder` that makes vectors of sentences."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401
        super().__init__(model)
        self._own_limit = model.max_seq_length

    @contextmanager
    def cutting(self, limit: int | None) -> Iterator[Any]:
        """Hold the model, set to cut texts after `limit` word pieces; None is where it does by itself."""
        with self.held() as model:
            wanted = self._own_limit if limit is None else limit
            if model.max_seq_length != wanted:
                model.max_seq_length = wanted
            yield model


_sentence_encoders: Once[Path, SentenceEncoder] = Once()
_cross_encoders: Once[Path, HeldEncoder] = Once()
_networks: Once[str, Any] = Once()


def sentence_encoder(folder: Path) -> SentenceEncoder:
    """Return the model of sentence-transformers in `folder`. Raises `NotInstalled`."""
    return _sentence_encoders.get(folder.resolve(), lambda: SentenceEncoder(_load(folder)), _written(folder))


def cross_encoder(folder: Path) -> HeldEncoder:
    """Return the cross-encoder of sentence-transformers in `folder`. Raises `NotInstalled`."""
    return _cross_encoders.get(folder.resolve(), lambda: HeldEncoder(_load_cross(folder)), _written(folder))


def network(place: str) -> Any:  # noqa: ANN401 -- transformers is untyped here
    """Return the network that transformers loads from `place`, a folder or a name on the hub, ready to encode.

    It is that of the sentence encoder where `place` holds one. Not to be changed: take a `structural_copy`. Raises
    what transformers raises for a place without a model, and `NotInstalled`.
    """
    folder = _local_folder(place)
    if folder is None:
        return _networks.get(place, lambda: _load_network(place))
    if (folder / "modules.json").is_file() and (own := _first_network(sentence_encoder(folder))) is not None:
        return own
    return _networks.get(str(folder.resolve()), lambda: _load_network(place), _written(folder))


def prompt_of(model: Any, kind: Literal["query", "document"]) -> str:  # noqa: ANN401
    """Return what the model puts before a text, as `encode_query` and `encode_document` find it."""
    names = ("query",) if kind == "query" else _DOCUMENT_PROMPTS
    name = next((name for name in names if name in model.prompts), model.default_prompt_name)
    return model.prompts.get(name) or ""


def structural_copy(module: Any) -> Any:  # noqa: ANN401
    """Return a copy of a network whose layers can be exchanged and taken away; its weights are those of `module`."""
    import torch

    shared = {id(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
    for part in module.modules():
        shared |= {id(value): value for value in vars(part).values() if isinstance(value, torch.Tensor)}
    return copy.deepcopy(module, shared)


def sentence_transformers() -> Any:  # noqa: ANN401 -- a module
    """Return the package. Raises `NotInstalled` with the extra's name."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # it warns when a process forks later
    try:
        import sentence_transformers
        from transformers.utils import logging
    except ImportError as error:
        raise NotInstalled(f"sentence-transformers cannot be imported ({error}).", remedy=EXTRA) from error
    logging.disable_progress_bar()  # loading weights is not work that a user waits for
    return sentence_transformers


def _load(folder: Path) -> Any:  # noqa: ANN401
    kind = sentence_transformers().SentenceTransformer
    with _reading(folder):
        return kind(str(folder), local_files_only=True).eval()


def _load_cross(folder: Path) -> Any:  # noqa: ANN401
    kind = sentence_transformers().CrossEncoder
    with _reading(folder):
        return kind(str(folder), local_files_only=True, num_labels=1)


def _reading(place: str | Path) -> AbstractContextManager[None]:
    remedy = "Copy or download it again: its files are incomplete or damaged."
    return damaged("the encoder cannot be loaded", place=place, remedy=remedy)


def _load_network(place: str) -> Any:  # noqa: ANN401
    import torch
    from transformers import AutoModel

    with _reading(place):
        model = AutoModel.from_pretrained(place).eval()
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def _first_network(encoder: SentenceEncoder) -> Any | None:  # noqa: ANN401
    """Return the network below the pooling, None where the encoder is of another kind, such as averaged words."""
    from transformers import PreTrainedModel

    own = getattr(encoder.model[0], "auto_model", None)
    return own if isinstance(own, PreTrainedModel) else None


def _local_folder(place: str) -> Path | None:
    """Return the folder of a place on this machine, also of what was fetched from the hub earlier."""
    if Path(place).is_dir():
        return Path(place)
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(place, local_files_only=True))
    except (ImportError, OSError, ValueError):
        return None


def _written(folder: Path) -> int:
    """Return when the files that decide what a network computes were last written."""
    return max((path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix in DECISIVE), default=0)
