"""Every technique, ours and others': makes an adapter, keeps a finished one, and refuses data that cannot teach."""

import json
import re
from pathlib import Path

import pytest

from groundtune.errors import InputError, SettingsError
from groundtune.models.sampling import sample
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import read_manifest
from groundtune.tuning.continual import ContinualSettings
from groundtune.tuning.domain import DomainSettings
from groundtune.tuning.examples import load_examples, load_judged
from groundtune.tuning.model import Base
from groundtune.tuning.preference import PreferenceSettings
from groundtune.tuning.raft import RaftSettings
from groundtune.tuning.reward.gates import REWARD_GATES
from groundtune.tuning.rlhf import RlhfSettings
from groundtune.tuning.technique import Task, technique
from groundtune.tuning.transfer import TransferSettings
from groundtune.values import Message, Passage, Place, TrainingText

# a new technique is one more name here
TECHNIQUES = ["instruction", "raft", "preference", "domain", "transfer", "continual", "rlhf"]

OWN = {
    "raft": RaftSettings(steps=2),
    "preference": PreferenceSettings(steps=2),
    "domain": DomainSettings(steps=2, row_tokens=64, gaps=4),
    "rlhf": RlhfSettings(steps=2, prompts=2, generations=2, new_tokens=4, reward_steps=2, reward_held_out=0.5),
    "continual": ContinualSettings(steps=2, row_tokens=64, forgetting_budget=9.0),
}
DATA = {"instruction": "training.jsonl", "raft": "training.jsonl", "preference": "preferences.jsonl"}
DATA |= {"transfer": "training.jsonl", "rlhf": "preferences.jsonl"}

pytestmark = pytest.mark.models


def general(path):
    return {"transfer": TransferSettings(steps=2, general_steps=2, general=str(path))}


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    from groundtune.models.builtin import chat_model_folder

    return AutoTokenizer.from_pretrained(chat_model_folder())


@pytest.fixture
def task(tmp_path, tokenizer):
    def load():
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, pad_token_id=2, eos_token_id=2, bos_token_id=1,
        )  # fmt: skip
        return LlamaForCausalLM(config), tokenizer

    passages = [Passage(f"{n}.md", Place(0, 20), f"Plan {n} costs {n} euros.", "Plans", n, 1 / n) for n in range(1, 7)]
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"What does plan {n} cost?"},
                {"role": "assistant", "content": f"Plan {n} costs {n} euros."},
            ],
            "documents": [f"{n}.md"],
        }
        for n in range(1, 7)
    ]
    path = tmp_path / "training.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    judged = tmp_path / "preferences.jsonl"
    pairs = [
        {
            "prompt": line["messages"][:1],
            "chosen": line["messages"][1:],
            "rejected": [{"role": "assistant", "content": "Look it up yourself."}],
        }
        for line in lines
    ]
    judged.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    texts = [TrainingText(f"Plan {n} of Tirvane costs {n} euros a month. " * 8, f"{n}.md") for n in range(1, 7)]
    return Task(
        base=Base("tiny", "0", load, draw=sample),
        examples=lambda: load_examples(path),
        settings=TuningSettings(steps=2, batch_size=2, evaluate_every=1, held_out=1).with_parts(OWN | general(path)),
        record={},
        closed_book=lambda question: (*question.history, Message("user", question.text)),
        grounded=lambda question, found: (
            *question.history,
            Message("user", "\n".join(f"[{n}] {one.text}" for n, one in enumerate(found, 1)) + question.text),
        ),
        search_texts=lambda questions: [question.text for question in questions],
        retrieve=lambda texts: [passages for _ in texts],
        passages=3,
        unknown="I do not know.",
        preferences=lambda: load_judged(judged),
        accepted=REWARD_GATES,  # a model of two steps may fail them
        corpus=lambda: texts,
        texts=lambda: texts,
    )


@pytest.mark.parametrize("name", TECHNIQUES)
def test_makes_an_adapter_once(name, task, tmp_path):
    folder = tmp_path / "adapters" / "a"
    made = technique(name).run(task, folder)
    assert made.technique == name
    assert read_manifest(folder) == made
    assert (folder / "adapter_model.safetensors").is_file()
    written = (folder / "adapter_model.safetensors").stat().st_mtime_ns
    assert technique(name).run(task, folder) == made
    assert (folder / "adapter_model.safetensors").stat().st_mtime_ns == written


@pytest.mark.parametrize("name", DATA)
def test_missing_data_is_named(name, task, tmp_path):
    (tmp_path / DATA[name]).unlink()
    with pytest.raises(InputError, match=re.escape(DATA[name])):
        technique(name).run(task, Path(tmp_path / "a"))


def test_an_unknown_technique_is_refused_with_those_there_are():
    with pytest.raises(SettingsError, match="continual, domain, instruction, preference, raft, rlhf"):
        technique("magic")
