"""A base of two layers with adapters on top of one another, ready to export."""

from functools import partial
from pathlib import Path

import pytest

from groundtune.models import local
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.export import TunedModel, export
from groundtune.tuning.model import Base

IDS = [list(range(2, 60)), [5, 9, 200, 17, 1, 0, 44]]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder / "model", initializer_range=0.1)
    tiny_adapter(folder / "model", folder / "domain", 1)
    rest = {"r": 3, "lora_alpha": 7, "use_rslora": True, "target_modules": ["q_proj", "up_proj"]}
    tiny_adapter(folder / "model", folder / "friendly", 2, **rest)
    return folder


@pytest.fixture
def tuned(place):
    return tuned_model(place, "domain", "friendly")


def tuned_model(place: Path, *adapters: str, model: str = "model", **changed):
    folders = tuple(place / name for name in adapters)
    base = Base(f"path:{model}", "weights", partial(local.load, str(place / model)))
    given = {"name": "friendly", "base": base, "known_as": "org/tiny", "folders": folders}
    return TunedModel(**{**given, "home": folders[-1] if folders else place / model, **changed})


def write(tuned, to, folder, numbers=None, progress=lambda *_: None):
    return export(tuned, to, folder, progress, numbers)


def expected_logits(tuned):
    """What base and adapters give, added up by PEFT without merging."""
    import torch
    from peft import PeftModel

    model, _ = tuned.base.load()
    for number, folder in enumerate(tuned.folders):
        if number == 0:
            model = PeftModel.from_pretrained(model, str(folder), adapter_name="0")
        else:
            model.load_adapter(str(folder), str(number))
    if tuned.folders:
        model.base_model.set_adapter([str(number) for number in range(len(tuned.folders))])
    with torch.inference_mode():
        return [model.eval()(torch.tensor([ids])).logits for ids in IDS]


def differ(model, expected):
    import torch

    with torch.inference_mode():
        found = [model.eval()(torch.tensor([ids])).logits for ids in IDS]
    return max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True))
