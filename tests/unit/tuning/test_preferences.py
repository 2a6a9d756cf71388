"""Learning from preferences: what is rendered, who is believed, and that liked answers become likelier."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from groundtune.errors import TuningError
from groundtune.tuning.perplexity import nats_of
from groundtune.tuning.preference import PreferenceSettings, agreed, served
from groundtune.tuning.preferences import Pairs, Thumbs, _with_other_answers, held_out_groups
from groundtune.tuning.technique import technique
from groundtune.values import Message, PreferencePair


@pytest.fixture
def judged(make_pair, make_thumb):
    return [make_pair(n) for n in range(10)], [make_thumb(n, good=n % 2 == 0) for n in range(12)]


def test_a_pair_counts_once_as_most_annotators_judged_it(make_pair, caplog):
    pairs = [make_pair(1, "a"), make_pair(1, "b"), make_pair(1, "c", swapped=True), make_pair(2, "a", swapped=True)]
    pairs += [make_pair(3, "a"), make_pair(3, "b", swapped=True)]
    with caplog.at_level(logging.WARNING):
        settled, counts = agreed(pairs)
    assert [(pair.prompt, pair.chosen) for pair in settled] == [
        (make_pair(1).prompt, make_pair(1).chosen),
        (make_pair(2).prompt, make_pair(2, swapped=True).chosen),
    ]
    assert counts == {"annotations": 6, "pairs": 2, "without_majority": 1}
    assert "1 pairs are left out" in caplog.text


def test_what_belongs_together_is_not_parted(make_pair):
    pairs = [make_pair(n % 4, str(n)) for n in range(12)]
    training, held_out = held_out_groups(pairs, 2, np.random.default_rng(1))
    assert not {pair.group for pair in training} & {pair.group for pair in held_out}
    assert len(training) + len(held_out) == 12
    with pytest.raises(TuningError, match="too few prompts"):
        held_out_groups(pairs[:1], 2, np.random.default_rng(1))


def test_without_groups_the_prompt_holds_pairs_together(make_pair):
    pairs = [replace(make_pair(n % 3), group="", annotator=str(n)) for n in range(9)]
    training, held_out = held_out_groups(pairs, 3, np.random.default_rng(1))
    assert not {pair.prompt for pair in training} & {pair.prompt for pair in held_out}


@pytest.mark.models
def test_pairs_are_tokenized_as_trl_would(task, judged):
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    model, tokenizer = task.base.load()
    pairs = [replace(pair, prompt=served(task, pair.prompt)) for pair in judged[0]]
    ours = Pairs(pairs).rows(tokenizer, model, task.settings)

    def turns(messages):
        return [{"role": message.role, "content": message.content} for message in messages]

    data = [{name: turns(getattr(pair, name)) for name in ("prompt", "chosen", "rejected")} for pair in pairs]
    arguments = DPOConfig(output_dir="x", report_to="none", bf16=False, max_length=None)
    theirs = DPOTrainer._prepare_dataset(
        type("Trainer", (), {"_tokenizer": tokenizer})(), Dataset.from_list(data), tokenizer, arguments, "train"
    )
    end = tokenizer("\n", add_special_tokens=False)["input_ids"]  # the template writes a line break after a turn
    expected = {
        (tuple(row["prompt_ids"]), *(tuple(row[name])[: -len(end)] for name in ("chosen_ids", "rejected_ids")))
        for row in theirs
    }
    made = {
        tuple(tuple(row[name]) for name in ("prompt_ids", "chosen_ids", "rejected_ids"))
        for row in (*ours.training, *ours.held_out)
    }
    assert made == expected


@pytest.mark.models
@pytest.mark.parametrize("kind", ["dpo", "kto"])
def test_liked_answers_become_likelier_than_disliked_ones(task, judged, kind, tmp_path):
    import torch
    from peft import PeftModel

    own = PreferenceSettings(steps=12, learning_rate=1e-2, loss=kind)
    task = replace(
        task,
        preferences=lambda: judged[0] if kind == "dpo" else judged[1],
        settings=task.settings.with_parts({"preference": own}),
    )
    made = technique("preference").run(task, tmp_path / "a")
    model, tokenizer = task.base.load()
    pairs = [replace(pair, prompt=served(task, pair.prompt)) for pair in judged[0]]
    rows = Pairs(pairs).rows(tokenizer, model, task.settings)

    def margins(network):
        both = [
            nats_of(network, [row["prompt_ids"] + row[name] for row in rows.training])
            for name in ("rejected_ids", "chosen_ids")
        ]
        return np.subtract(*both)

    before = margins(model)
    with torch.inference_mode():
        after = margins(PeftModel.from_pretrained(model, str(tmp_path / "a")))
    assert (after > before).mean() > 0.8
    assert made.data["not_used"] == 0


@pytest.mark.models
def test_thumbs_of_one_kind_teach_nothing(task, make_thumb, tmp_path):
    task = replace(task, preferences=lambda: [make_thumb(n, good=True) for n in range(8)])
    with pytest.raises(TuningError, match="all thumbs point the same way"):
        technique("preference").run(task, tmp_path / "a")


def test_a_loss_without_its_data_is_refused(task, judged, tmp_path):
    task = replace(
        task,
        preferences=lambda: judged[0],
        settings=task.settings.with_parts({"preference": PreferenceSettings(loss="kto")}),
    )
    with pytest.raises(TuningError, match="there is no thumb"):
        technique("preference").run(task, tmp_path / "a")


@pytest.mark.models
def test_the_scarcer_verdict_weighs_more(make_thumb, monkeypatch):
    import trl
    from datasets import Dataset

    from groundtune.tuning.objective import Construction

    thumbs = [make_thumb(n, good=n < 2) for n in range(8)]
    taken = {}
    monkeypatch.setattr(trl, "KTOConfig", lambda **arguments: taken.update(arguments))
    monkeypatch.setattr(trl, "KTOTrainer", type("Trainer", (), {"__init__": lambda self, **_: None}))
    rows = Dataset.from_list([{"completion_ids": [n], "prompt_ids": [1], "label": True} for n in range(4)])
    given = {"train_dataset": rows, "eval_dataset": rows}
    Thumbs(thumbs).trainer(Construction({}, given, 1, 4))
    assert (taken["desirable_weight"], taken["undesirable_weight"]) == (3.0, 1.0)
    assert (taken["per_device_train_batch_size"], taken["gradient_accumulation_steps"]) == (2, 2)


@pytest.mark.models
def test_answers_of_other_prompts_stay_within_the_rows_that_go_together():
    from datasets import Dataset

    rows = Dataset.from_list([{"completion_ids": [n]} for n in range(5)])
    assert _with_other_answers(rows, 2)["KL_completion_ids"] == [[1], [0], [3], [2], [4]]


def test_a_pair_says_what_it_is_about(task):
    prompt = (Message("system", "Be rude."), Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Go"))
    assert served(task, prompt) == (Message("system", "Be short."), *prompt[1:])
    pair = PreferencePair(prompt, (Message("assistant", "a"),), (Message("assistant", "b"),))
    assert Pairs([pair]).data_hash != Pairs([replace(pair, chosen=pair.rejected, rejected=pair.chosen)]).data_hash
