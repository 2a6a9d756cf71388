"""The encoder that scorers share: texts into vectors of their word pieces, as few and as fast as may be.

Its weights are those of the embedder where both name the same model (`encoders.py`). No layer beyond the one used is
computed. Texts are encoded
in order of length, in batches that fit into the processor's cache: measured with the built-in encoder on
two cores, 12,500 tokens a second with 1,000 to 2,000 tokens a batch, 8,700 with 64 texts a batch. Knows no score.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtune import encoders
from groundtune.errors import NotInstalled, SettingsError
from groundtune.packaged import ENCODERS, encoder_folder

if TYPE_CHECKING:
    import torch

BATCH_TOKENS = 1536  # padding included
LONGEST = 512  # pieces, for tokenizers that name no limit of their own


@dataclass(frozen=True, slots=True)
class Encoder:
    """A network cut after its layer number `layer`, with its tokenizer; `longest` is where texts are cut, in pieces."""

    tokenizer: Any
    network: Any
    layer: int
    longest: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text's word pieces, special ones included."""
        if not texts:
            return []
        with self.lock:  # a fast tokenizer keeps in itself where it cuts
            ids: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=self.longest)["input_ids"]
        return ids

    def is_cut(self, text: str, pieces: Sequence[int]) -> bool:
        """Return whether `pieces`, which `pieces()` gave for `text`, are only the beginning of it."""
        if len(pieces) < self.longest:
            return False
        with self.lock:
            return len(self.tokenizer(text, verbose=False)["input_ids"]) > self.longest

    def encode(self, pieces: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield place and vectors, (pieces, d), float32 on the CPU, of every text in `pieces`, in order of length."""
        import torch

        for places in _batches(pieces):
            width = len(pieces[places[-1]])
            ids = torch.zeros(len(places), width, dtype=torch.long)
            mask = torch.zeros_like(ids)
            for row, place in enumerate(places):
                ids[row, : len(pieces[place])] = torch.tensor(pieces[place])
                mask[row, : len(pieces[place])] = 1
            device = self.network.device
            with torch.inference_mode():
                output = self.network(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
            output = output.float().cpu()
            for row, place in enumerate(places):
                yield place, output[row, : len(pieces[place])]


def _batches(pieces: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield places of texts that go together, shortest first."""
    batch: list[int] = []
    for place in sorted(range(len(pieces)), key=lambda place: len(pieces[place])):
        if batch and (len(batch) + 1) * len(pieces[place]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


@lru_cache(maxsize=2)
def open_encoder(name: str, layer: int | None) -> Encoder:
    """Return the encoder called `name`, up to `layer` or all of it.

    Raises `NotInstalled` without the packages, and `SettingsError` if there is no such model or layer.
    """
    try:
        import torch  # noqa: F401 -- so that it is missed here
        from transformers import AutoTokenizer
    except ImportError as error:
        raise NotInstalled(f"the encoder of the scorers needs {error.name}.", remedy=encoders.EXTRA) from None
    place = _place(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, add_prefix_space=True)  # RoBERTa's; others ignore it
        network = encoders.network(place)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"bertscore_model `{name}` cannot be loaded: {error}", remedy="Name an encoder in Hugging Face format."
        ) from None
    longest = _longest(tokenizer, network)
    if network.config.is_encoder_decoder:
        network = network.get_encoder()
    layers = network.config.num_hidden_layers
    if layer is not None and not 0 <= layer <= layers:
        raise SettingsError(
            f"bertscore_layer is {layer}, but `{name}` has {layers} layers.", remedy=f"Choose 1 to {layers}."
        )
    if layer is not None and layer != layers:
        network = encoders.structural_copy(network)
        _cut(network, layers, layer)
    return Encoder(tokenizer, network, layers if layer is None else layer, longest)


def _cut(network: Any, layers: int, layer: int) -> None:  # noqa: ANN401 -- transformers is untyped here
    """Take the layers after `layer` away. They stand in lists as long as there are layers; ALBERT has one for all."""
    from torch.nn import ModuleList

    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ModuleList) and len(child) == layers:
                setattr(module, name, child[:layer])
    network.config.num_hidden_layers = layer


def _longest(tokenizer: Any, network: Any) -> int:  # noqa: ANN401
    """Tokenizers without a limit claim 10^30 pieces, which overflows (bert_score#205): the network's is taken."""
    if tokenizer.model_max_length < 10**6:
        return int(tokenizer.model_max_length)
    return int(getattr(network.config, "max_position_embeddings", LONGEST))


def _place(name: str) -> str:
    """Return what transformers loads: a folder, or the name of a model on the Hugging Face hub."""
    kind, _, rest = name.partition(":")
    if kind == "hf" and rest:
        return rest
    if kind == "path" and Path(rest).is_dir():
        return rest
    if kind == "path":
        raise SettingsError(f"bertscore_model `{name}`: no such folder.", remedy="Correct the path.")
    if kind != "builtin" or rest not in ENCODERS:
        raise SettingsError(
            f"bertscore_model `{name}` is unknown.", remedy="Use builtin:minilm-l6-v2, hf:ORG/NAME or path:DIR."
        )
    folder = encoder_folder(rest)
    if folder is None:
        raise NotInstalled(f"the encoder `{name}` is not installed.", remedy=encoders.EXTRA)
    return str(folder)
