"""`--to merged`: the base with all adapters in its weights, as `transformers` loads it: safetensors and tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundtune.protocols import Progress
from groundtune.tuning.export import READING, Exported, TunedModel, finish, make_room, sizes, weights_size, writing
from groundtune.tuning.export._models import (
    check_equal,
    difference,
    load_base,
    logits,
    merge_all,
    needed,
    placed,
    scale,
)

BYTES = {"f32": 4, "bf16": 2, "f16": 2}
STAGE = "writing the model"


def write(tuned: TunedModel, folder: Path, numbers: str, progress: Progress) -> Exported:
    """Write the merged model and compare what `transformers` reads with base and adapters."""
    needed()
    model, tokenizer, reference = merge_all(tuned, *load_base(tuned, progress), progress)
    make_room(folder, weights_size(model, BYTES[numbers]))
    progress(STAGE, 0, 1)
    with writing(folder) as temporary:
        model.to(_type(numbers)).save_pretrained(str(temporary))
        tokenizer.save_pretrained(str(temporary))
        finish(tuned, temporary, "transformers", _card(tuned))
        del model
        progress(STAGE, 1, 1)
        progress(READING, 0, 1)
        outcome = _read(temporary)
        whole = numbers == "f32"
        differ = check_equal(outcome, reference, "the merged model") if whole else difference(outcome, reference)
        files = sizes(temporary)
    progress(READING, 1, 1)
    notes = tuned.remarks if whole else (*tuned.remarks, _rounded(numbers, differ))
    return Exported(tuned.name, "merged", folder, numbers, files, differ, scale(reference), notes)


def _type(numbers: str) -> Any:  # noqa: ANN401 -- torch's type of numbers
    import torch

    return {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[numbers]


def _read(folder: Path) -> list[Any]:
    """Return the logits of what was written, loaded as anybody would."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto")
    return logits(placed(model), AutoTokenizer.from_pretrained(str(folder)))


def _rounded(numbers: str, differ: float) -> str:
    return f"Weights are rounded to {numbers}: logits differ from base and adapters by up to {differ:.2g}."


def _card(tuned: TunedModel) -> str:
    return (
        f"`{tuned.known_as}`, tuned with groundtune. All adapters are merged into the weights.\n\n"
        "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("DIR")\ntokenizer = AutoTokenizer.from_pretrained("DIR")\n```'
    )
