"""`--to adapter`: one LoRA adapter that vLLM accepts, for a server that holds the base once for many adapters.

Adapters that stand on one another become one: what they add up to, s1 B1 A1 + s2 B2 A2, is [s1 B1, s2 B2] times A1 on
top of A2, exactly. Its rank is the sum of theirs, filled up with zeros to the next rank that vLLM allows; the scaling
s is in the factors, because vLLM takes one scaling for all layers. What vLLM documents that it refuses is refused here.

Sources: Hu et al., "LoRA", 2021 (arXiv 2106.09685), equation 3; vLLM's `vllm/lora/peft_helper.py` (modules_to_save,
DoRA, bias) and `MaxLoRARanks` in `vllm/config/lora.py`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundtune.errors import InputError
from groundtune.merging import (
    CONFIG,
    WEIGHTS,
    NotAdditive,
    check_additive,
    check_files,
    has_more_words,
    own_tokenizer,
    read_config,
    reading,
)
from groundtune.protocols import Progress
from groundtune.tuning.export import READING, Exported, TunedModel, finish, make_room, sizes, writing
from groundtune.tuning.export._models import check_equal, load_base, logits, needed, scale

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
MODULES = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),  # Llama, Mistral, Qwen, Gemma
    *("qkv_proj", "gate_up_proj", "out_proj", "fc1", "fc2", "dense"),  # Phi, OPT
    *("query_key_value", "dense_h_to_4h", "dense_4h_to_h"),  # Falcon, GPT-NeoX
    *("c_attn", "c_proj", "c_fc"),  # GPT-2
)
INSTEAD = "Export it with `--to merged`: vLLM serves that as a model of its own."
STAGE = "writing the adapter"
Factors = dict[str, tuple[Any, Any]]
"""By the name of the layer: A [rank, inputs] and B [outputs, rank], with the scaling in B."""


def write(tuned: TunedModel, folder: Path, numbers: str, progress: Progress) -> Exported:
    """Write the adapter and compare base and new adapter with base and all adapters."""
    needed()
    check_limits(tuned)
    base, tokenizer = load_base(tuned, progress)
    own = tokenizer
    for folder_of_part in tuned.folders:
        own = own_tokenizer(folder_of_part, own)
    if has_more_words(own, tokenizer, base):
        raise _refused(tuned.folders[-1], f"it adds {len(own) - len(tokenizer)} words to the tokenizer")
    model = _stacked(base, tuned.folders)
    factors = join(model)
    rank = allowed_rank(max(len(a) for a, _ in factors.values()), tuned.folders[-1])
    tensors = _padded(factors, rank)
    make_room(folder, sum(tensor.numel() for tensor in tensors.values()) * 4)
    progress(STAGE, 0, 1)
    with writing(folder) as temporary:
        _save(temporary, tensors, _config(tuned, model, factors, rank))
        if own is not tokenizer:
            own.save_pretrained(str(temporary))
        finish(tuned, temporary, "peft", _card(tuned, rank))
        progress(STAGE, 1, 1)
        progress(READING, 0, 1)
        reference = logits(model, own)
        differ = check_equal(_read(model, temporary, own), reference, "the joined adapter")
        files = sizes(temporary)
    progress(READING, 1, 1)
    notes = (*tuned.remarks, *_told(tuned, rank, factors, folder))
    return Exported(tuned.name, "adapter", folder, numbers, files, differ, scale(reference), notes)


def check_limits(tuned: TunedModel) -> None:
    """Raise `InputError` for adapters that vLLM refuses, with the reason. Loads no weights."""
    if not tuned.folders:
        raise InputError(
            "was tuned in full: there is no adapter to export.", place=tuned.home, remedy="Export it with --to merged."
        )
    for folder in tuned.folders:
        check_files(folder)
        config = read_config(folder)
        if config.get("peft_type") != "LORA":
            raise _refused(folder, f"it is of the type {config.get('peft_type')}, not LoRA")
        if config.get("modules_to_save"):
            raise _refused(folder, f"it has whole modules (`modules_to_save`: {_list(config['modules_to_save'])})")
        if config.get("use_dora"):
            raise _refused(folder, "it uses DoRA (`use_dora`)")
        if config.get("bias", "none") != "none":
            raise _refused(folder, f"it trained biases (`bias` is {config['bias']!r})")
        try:
            with reading(folder):
                check_additive(folder)
        except NotAdditive as error:
            raise _refused(folder, f"it is more than factors that are added to weights ({error})") from None


def allowed_rank(rank: int, folder: Path) -> int:
    """Return the next rank that vLLM allows. Raises `InputError` above the largest.

    >>> allowed_rank(9, Path("tuned"))
    16
    """
    fitting = [allowed for allowed in RANKS if allowed >= rank]
    if not fitting:
        raise _refused(folder, f"its rank is {rank}, and vLLM's largest is {RANKS[-1]}")
    return fitting[0]


def join(model: Any) -> Factors:  # noqa: ANN401 -- PEFT's model, with all adapters active
    """Return the factors of all active adapters as one pair for each layer. Raises `InputError` as `write` does."""
    import torch
    from peft.tuners.lora import LoraLayer

    factors: Factors = {}
    for name, layer in model.get_base_model().named_modules():
        if not isinstance(layer, LoraLayer):
            continue
        parts = [part for part in layer.active_adapters if part in layer.lora_A]
        if name.rpartition(".")[2] not in MODULES or not parts:
            raise _refused(Path(name), f"it changes `{name}`, which is not among the layers that vLLM adapts")
        down = [layer.lora_A[part].weight.detach().float().cpu() for part in parts]
        up = [layer.lora_B[part].weight.detach().float().cpu() * layer.scaling[part] for part in parts]
        factors[name] = (torch.cat(down, dim=0), torch.cat(up, dim=1))
    return factors


def _stacked(base: Any, folders: Sequence[Path]) -> Any:  # noqa: ANN401
    """Return the base with all adapters on it, all of them active."""
    from peft import PeftModel

    names = [f"part{number}" for number in range(len(folders))]
    with reading(folders[0]):
        model = PeftModel.from_pretrained(base, str(folders[0]), adapter_name=names[0])
    for name, folder in zip(names[1:], folders[1:], strict=True):
        with reading(folder):
            model.load_adapter(str(folder), name)
    model.base_model.set_adapter(names)
    return model.eval()


def _padded(factors: Factors, rank: int) -> dict[str, Any]:
    """Return the tensors of the file, with zeros up to `rank`: they add nothing."""
    from torch.nn.functional import pad

    tensors = {}
    for name, (down, up) in factors.items():
        more = rank - len(down)
        tensors[f"base_model.model.{name}.lora_A.weight"] = pad(down, (0, 0, 0, more)).contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = pad(up, (0, more)).contiguous()
    return tensors


def _config(tuned: TunedModel, model: Any, factors: Factors, rank: int) -> Any:  # noqa: ANN401
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=rank,  # the scaling, alpha / r, is 1: it is in the factors
        target_modules=_targets(model, factors),
        task_type="CAUSAL_LM",
        base_model_name_or_path=tuned.known_as,
        inference_mode=True,
    )


def _targets(model: Any, factors: Mapping[str, object]) -> list[str]:  # noqa: ANN401
    """Return what the layers are called: short where all layers of a name are adapted, else with their full names."""
    adapted = {name.rpartition(".")[2] for name in factors}
    linear = [name for name, layer in model.get_base_model().named_modules() if hasattr(layer, "weight")]
    whole = {name for name in linear if name.rpartition(".")[2] in adapted}
    return sorted(adapted) if whole == set(factors) else sorted(factors)


def _save(folder: Path, tensors: Mapping[str, Any], config: Any) -> None:  # noqa: ANN401
    from safetensors.torch import save_file

    save_file(dict(tensors), str(folder / WEIGHTS), metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    if not (folder / CONFIG).is_file():
        raise FileNotFoundError(folder / CONFIG)


def _read(model: Any, folder: Path, tokenizer: Any) -> list[Any]:  # noqa: ANN401
    """Return the logits of the base with what was written; the adapters are active again afterwards."""
    active = list(model.base_model.active_adapters)
    with reading(folder):
        model.load_adapter(str(folder), "written")
    model.base_model.set_adapter(["written"])
    outcome = logits(model.eval(), tokenizer)
    model.base_model.set_adapter(active)
    model.delete_adapter("written")
    return outcome


def _told(tuned: TunedModel, rank: int, factors: Factors, folder: Path) -> list[str]:
    told = []
    if len(tuned.folders) > 1:
        told.append(f"{len(tuned.folders)} adapters were joined into one, which adds what they add.")
    own = max(len(a) for a, _ in factors.values())
    if own != rank:
        told.append(f"The rank, {own}, was filled up with zeros to {rank}, the next that vLLM allows.")
    told.append(f"Serve it: {_command(tuned, rank, str(folder))}")
    return told


def _command(tuned: TunedModel, rank: int, place: str) -> str:
    modules = shlex.quote(f"{tuned.name}={place}")
    return f"vllm serve {shlex.quote(tuned.known_as)} --enable-lora --max-lora-rank {rank} --lora-modules {modules}"


def _refused(place: Path, reason: str) -> InputError:
    return InputError(f"vLLM cannot serve this adapter: {reason}.", place=place, remedy=INSTEAD)


def _list(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _card(tuned: TunedModel, rank: int) -> str:
    command = _command(tuned, rank, "DIR")
    return f"A LoRA adapter for `{tuned.known_as}`, tuned with groundtune.\n\n```\n{command}\n```"
