"""One model in memory that serves itself and its adapters: whose weights it carries now, and how it changes over.

An adapter is added into the weights, as PEFT merges it: answering costs what it costs without one. Adapters are kept
as their low-rank factors, so that changing over reads nothing from disk, and the weights that they change are kept as
they were, so that changing back restores every bit. Knows no tokens and no conversations.

Source: Hu et al., "LoRA", 2021 (arXiv 2106.09685), equation 3 and section 4.1.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtune.encoders import structural_copy
from groundtune.merging import TOKENIZER, NotAdditive, check_additive, has_more_words, own_tokenizer, reading
from groundtune.models._prefix import ReadPrefix
from groundtune.once import Once
from groundtune.values import digest

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """A LoRA adapter. `layers` are PEFT's, by the name of the parameter that each changes."""

    layers: Mapping[str, Any]

    def delta(self, parameter: str) -> Tensor:
        """Return what is added to one of the parameters, computed as PEFT does."""
        delta: Tensor = self.layers[parameter].get_delta_weight("default")
        return delta


Chain = tuple[Adapter, ...]
"""Adapters in the order in which they are added."""


class SharedWeights:
    """A model with its tokenizer, and the adapters that were read for it. `source` is where it was loaded from.

    `prefix` is what it read last where an action was selected; it goes with the weights. Hold `lock` while a tokenizer
    works: two threads must not change where it cuts at once.
    """

    def __init__(self, source: str, model: Any, tokenizer: Any) -> None:  # noqa: ANN401
        self.source = source
        self.model = model
        self.tokenizer = tokenizer
        self.prefix = ReadPrefix()
        self.lock = threading.Lock()
        self._applied: Chain | None = ()
        self._pristine: dict[str, Tensor] = {}
        self._adapters: Once[Path, Adapter] = Once()
        self._merged: Once[tuple[Path, ...], SharedWeights] = Once()

    @contextmanager
    def carrying(self, chain: Chain) -> Iterator[bool]:
        """Hold the model, with `chain` in its weights, against other threads; yield whether it had to change over.

        Not to be entered twice by one thread.
        """
        with self.lock:
            changes = self._applied != chain
            if changes:
                self._change_over(chain)
            yield changes

    def adapter(self, folder: Path, fingerprint: str) -> Adapter:
        """Return the adapter in `folder`, read once for as long as its fingerprint is the same.

        Raises `NotAdditive`.
        """
        with reading(folder):
            return self._adapters.get(folder, lambda: Adapter(_layers(self.model, folder)), fingerprint)

    def merged(self, folders: Sequence[Path], version: str, make: Callable[[], SharedWeights]) -> SharedWeights:
        """Return the model of its own that serves the adapters in `folders`, made once for as long as they stay."""
        return self._merged.get(tuple(folders), make, version)

    def _change_over(self, chain: Chain) -> None:
        """Write the weights that `chain` gives. In place: fused layers look at the same memory (`_llama.py`)."""
        import torch

        self.prefix.forget()
        self._applied = None  # if this is interrupted, the next one begins from what is kept
        parameters = dict(self.model.named_parameters())
        with torch.no_grad():
            for name in {name for adapter in chain for name in adapter.layers} - self._pristine.keys():
                self._pristine[name] = parameters[name].detach().clone()
            for name, pristine in self._pristine.items():
                value, weight = pristine, parameters[name].data
                for adapter in chain:
                    if name in adapter.layers:
                        value = torch.add(value, adapter.delta(name), out=weight)
                if value is pristine:
                    weight.copy_(pristine)
        self._applied = chain


def tokenizer_of(folder: Path, tokenizer: Any, model: Any) -> Any:  # noqa: ANN401 -- transformers' own
    """Return the tokenizer that the adapter in `folder` was trained with: one beside it, or the model's.

    Raises `NotAdditive` where it has more words than the model.
    """
    own = own_tokenizer(folder, tokenizer)
    if has_more_words(own, tokenizer, model):
        raise NotAdditive(f"{len(own)} words")
    return own


def words(folder: Path) -> str:
    """Return a hash of the tokenizer that the adapter in `folder` brings along, "" if it brings none."""
    if not (folder / TOKENIZER).is_file():
        return ""
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".json", ".jinja", ".model", ".txt")]
    return "~" + digest(*(path.read_bytes().hex() for path in files if not path.name.startswith("adapter")))


def _layers(model: Any, folder: Path) -> dict[str, Any]:  # noqa: ANN401
    """Read an adapter by PEFT, onto a copy of the model's structure whose weights are the model's own."""
    from peft import PeftModel
    from peft.tuners.lora import Embedding, Linear, LoraLayer

    check_additive(folder)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    layers: dict[str, Any] = {}
    for layer in PeftModel.from_pretrained(structural_copy(model), str(folder)).modules():
        if not isinstance(layer, LoraLayer):
            continue
        name = names.get(id(layer.get_base_layer().weight))
        if type(layer) not in (Linear, Embedding) or layer.lora_variant or name is None or name in layers:
            raise NotAdditive(f"{type(layer).__name__} of {name}")
        layers[name] = layer.requires_grad_(requires_grad=False)
    return layers
