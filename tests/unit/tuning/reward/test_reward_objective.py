"""Training a reward model: TRL's own loss on pairs, its invariants, and equal rewards after reloading."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from _tiny_model import byte_tokenizer, load_tiny

from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import read_manifest, write_manifest
from groundtune.tuning.model import Base
from groundtune.tuning.reward.gates import reload_gate
from groundtune.tuning.reward.judged import gather
from groundtune.tuning.reward.model import HEAD, open_reward, rewards, with_head
from groundtune.tuning.reward.objective import RewardObjective, collated
from groundtune.tuning.training import TrainingJob, tune
from groundtune.values import Message, PreferencePair, Thumb

pytestmark = pytest.mark.models


def pair(number, chosen="yes yes", rejected="no"):
    prompt = (Message("user", f"Is {number} a number?"),)
    return PreferencePair(prompt, (Message("assistant", chosen),), (Message("assistant", rejected),))


PAIRS = [pair(n, "yes" * (1 + n % 3), "no" * (1 + n % 4)) for n in range(12)]


def constructed(tmp_path, objective, **given):
    from groundtune.tuning.estimate import RunEstimate
    from groundtune.tuning.training import Plan, _Built, _built

    settings = TuningSettings(steps=2, batch_size=4, rank=4)
    job = TrainingJob("rlhf", Base("tiny", "0", load_tiny), objective, settings, {})
    model, tokenizer = load_tiny()
    rows = objective.rows(tokenizer, model, settings)
    parts = _Built(model, tokenizer, rows, Plan(given.pop("rows", 4), False, RunEstimate(0, 0.0, 0)))
    watching = {"max_steps": 2, "eval_strategy": "no", "save_strategy": "no"}
    return _built(job, parts, range(len(rows.training)), tmp_path, watching)


def test_the_loss_and_its_gradient_are_those_of_trl(tmp_path):
    import torch
    from trl import RewardTrainer
    from trl.trainer.reward_trainer import DataCollatorForPreference

    trainer = constructed(tmp_path, RewardObjective(gather(PAIRS).prompts))
    rows = [trainer.train_dataset[n] for n in range(4)]
    pad = trainer.model.config.pad_token_id
    theirs = DataCollatorForPreference(pad)(
        [{"chosen_ids": r["answers"][r["better"][0]], "rejected_ids": r["answers"][r["worse"][0]]} for r in rows]
    )

    def loss_and_gradients(compute, batch):
        trainer.model.zero_grad()
        loss = compute(trainer, trainer.model, dict(batch))
        loss.backward()
        return loss.item(), {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}

    ours, gradients = loss_and_gradients(type(trainer).compute_loss, collated(rows, pad))
    reference, expected = loss_and_gradients(RewardTrainer.compute_loss, theirs)
    assert ours == pytest.approx(reference, rel=1e-5)
    assert gradients.keys() == expected.keys()
    assert any(HEAD in name for name in gradients)
    assert not any("lora" in name and HEAD in name for name in gradients)
    for name, gradient in expected.items():
        assert torch.allclose(gradients[name], gradient, atol=1e-6), name


def test_single_thumbs_are_a_logistic_loss(tmp_path):
    prompt = [(Message("user", str(n)),) for n in range(8)]
    data = gather([Thumb(prompt[n], (Message("assistant", "w" * (n + 1)),), n % 2 == 0) for n in range(8)])
    trainer = constructed(tmp_path, RewardObjective(data.prompts))
    rows = [trainer.train_dataset[n] for n in range(3)]
    batch = collated(rows, trainer.model.config.pad_token_id)
    with_thumb = trainer.compute_loss(trainer.model, dict(batch)).item()
    found = [
        trainer.model(**{k: v for k, v in batch.items() if k in ("input_ids", "attention_mask")}).logits[n, 0].item()
        for n in range(3)
    ]
    signs = [1 if row["better"][0] == 0 else -1 for row in rows]
    assert {1, -1} >= set(signs)
    expected = np.mean([np.log1p(np.exp(-s * r)) + 0.01 * r**2 for s, r in zip(signs, found, strict=True)])
    assert with_thumb == pytest.approx(expected, rel=1e-5)


def test_all_pairs_of_a_ranking_are_in_one_row_and_each_prompt_weighs_the_same():
    prompt = (Message("user", "q"),)
    answers = [(Message("assistant", key),) for key in "abcd"]
    ranking = [PreferencePair(prompt, answers[i], answers[j]) for i in range(4) for j in range(i + 1, 4)]
    data = gather([*ranking, *PAIRS])
    rows = RewardObjective(data.prompts).rows(byte_tokenizer(), load_tiny()[0], TuningSettings())
    (ranked,) = [row for row in (*rows.training, *rows.held_out) if len(row["answers"]) == 4]
    batch = collated([ranked, next(row for row in rows.training if len(row["answers"]) == 2)], 0)
    assert batch["input_ids"].shape[0] == 6
    assert batch["weights"][:6].sum().item() == pytest.approx(0.5)
    assert batch["weights"].sum().item() == pytest.approx(1)
    assert batch["better"].max() < 6


def job(objective, base=None, **settings):
    chosen = {"steps": 8, "evaluate_every": 4, "batch_size": 4, "learning_rate": 1e-2, "rank": 4, "patience": 9}
    base = base or Base("tiny", "0", load_tiny)
    return TrainingJob("rlhf", base, objective, TuningSettings(**{**chosen, **settings}), {})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A reward model that learned to prefer what begins with "yes", and its rewards when training ended."""
    folder = tmp_path_factory.mktemp("reward") / "r"
    said = {}

    def measure(model, tokenizer):
        said["rewards"] = rewards(model, tokenizer, CONVERSATIONS) if hasattr(model, HEAD) else []
        return {}

    made = job(RewardObjective(gather(PAIRS).prompts), steps=30)
    manifest = tune(replace(made, measure=measure), folder)
    return folder, made, manifest, said["rewards"]


CONVERSATIONS = [(*each.prompt, *answer) for each in PAIRS for answer in (each.chosen, each.rejected)]


def test_it_learns_what_people_prefer(trained):
    _, _, manifest, found = trained
    margins = np.array(found[::2]) - np.array(found[1::2])
    assert (margins > 0).mean() > 0.9
    assert manifest.curves["eval_rewards/accuracies"][-1][1] > 0.9
    held_out = [point.held_out for point in manifest.loss if point.held_out is not None]
    assert held_out[-1] < held_out[0]


def test_rewards_are_the_same_after_reloading_and_merging(trained):
    folder, made, _, before = trained
    model, tokenizer = open_reward(made.base, (), made.settings, folder)
    assert not any("lora" in name for name, _ in model.named_parameters())
    after = rewards(model, tokenizer, CONVERSATIONS)
    assert reload_gate(before, after).passed
    assert rewards(model, tokenizer, CONVERSATIONS[:3]) == pytest.approx(after[:3], abs=1e-5)


def with_other_head(folder, copy, head):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, copy)
    weights = load_file(copy / "adapter_model.safetensors")
    name = next(name for name in weights if HEAD in name)
    changed = head(weights.pop(name))
    save_file(weights if changed is None else {**weights, name: changed}, copy / "adapter_model.safetensors")
    write_manifest(copy, replace(read_manifest(copy), files={}))  # as if it had been saved so
    return copy


def test_a_random_head_is_noticed(trained, tmp_path):
    """The planted fault of TRL's issue tracker: after reloading, the head is another one."""
    import torch

    folder, made, _, before = trained
    broken = with_other_head(folder, tmp_path / "broken", lambda head: torch.randn_like(head) * head.std())
    model, tokenizer = open_reward(made.base, (), made.settings, broken)
    assert not reload_gate(before, rewards(model, tokenizer, CONVERSATIONS)).passed


def test_a_head_that_was_exchanged_afterwards_is_refused(trained, tmp_path):
    folder, made, _, _ = trained
    broken = with_other_head(folder, tmp_path / "broken", lambda head: head + 1)
    write_manifest(broken, read_manifest(folder))
    with pytest.raises(InputError, match="is not the file that tuning wrote"):
        open_reward(made.base, (), made.settings, broken)


def test_a_file_without_the_head_is_refused(trained, tmp_path):
    folder, made, _, _ = trained
    with pytest.raises(SettingsError, match="reward model cannot be loaded"):
        open_reward(made.base, (), made.settings, with_other_head(folder, tmp_path / "broken", lambda _: None))


def test_micro_batches_change_memory_and_nothing_else(tmp_path):
    objective = RewardObjective(gather(PAIRS).prompts)
    whole, parts = (tune(job(objective, microbatch_tokens=n), tmp_path / str(n)) for n in (4096, 64))
    assert [p.train for p in parts.loss] == pytest.approx([p.train for p in whole.loss], abs=2e-3)


def test_answers_that_are_too_long_are_refused_never_dropped(tmp_path):
    long = [pair(n, "word " * 60) for n in range(3)]
    with pytest.raises(TuningError, match="longer than 128 tokens"):
        tune(job(RewardObjective(gather([*PAIRS, *long]).prompts), max_length=128), tmp_path / "a")


def test_one_prompt_is_too_few(tmp_path):
    with pytest.raises(TuningError, match="too few judged prompts"):
        tune(job(RewardObjective(gather(PAIRS[:1]).prompts)), tmp_path / "a")


def test_rewards_do_not_depend_on_padding(trained):
    folder, made, _, _ = trained
    model, tokenizer = open_reward(made.base, (), made.settings, folder)
    together = rewards(model, tokenizer, CONVERSATIONS)
    alone = [rewards(model, tokenizer, [each])[0] for each in CONVERSATIONS]
    assert together == pytest.approx(alone, abs=1e-5)


def test_the_head_is_that_of_the_seed():
    heads = [with_head(*load_tiny(), seed).score.weight for seed in (1, 1, 2)]
    assert (heads[0] == heads[1]).all()
    assert not (heads[0] == heads[2]).all()
