"""RLHF on real preferences: a reward model of hh_rlhf, then RLOO against it, judged by another reward model; and DPO.

    python benchmarks/rlhf_hh.py [--folder DIR] [--quick] [--data DIR]

hh_rlhf's pairs are cut into three parts that share no prompt: one that the reward model is trained on, one that is held
out from everything, and one that only the second reward model is trained on, which judges answers of before and after.
The technique `rlhf` does the rest as it does in a project. Reported with 95 % intervals: the accuracy of the reward
model on held-out pairs (and of the second one), length bias, calibration, LLMBar; the reward of held-out prompts before
and after, the divergence, and how often the second model prefers the answer of after. `preference` (DPO) learns from
the pairs that the reward model is trained on, on top of the same supervised adapter, and is judged alike.

It takes about two hours on two free cores and goes on where it was interrupted, in the same --folder. Pairs of
which one side is longer than --longest tokens are left out and counted. --quick is only to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from groundtune.models import local
from groundtune.models.sampling import sample
from groundtune.models.templates import conversation_ids, prompt_ids, turn_ends
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import Manifest, read_manifest
from groundtune.tuning.formats import read_rows
from groundtune.tuning.model import Base, ready
from groundtune.tuning.preference import PreferenceSettings, PreferenceTuning
from groundtune.tuning.reward import measures
from groundtune.tuning.reward.gates import REWARD_GATES
from groundtune.tuning.reward.judged import JudgedPrompt, gather
from groundtune.tuning.reward.measures import HeldOutPair, held_out_pairs
from groundtune.tuning.reward.model import open_reward, rewards
from groundtune.tuning.reward.objective import RewardObjective
from groundtune.tuning.reward.splitting import split
from groundtune.tuning.rlhf import Rlhf, RlhfSettings
from groundtune.tuning.technique import Task
from groundtune.values import Conversation, Example, Message, PreferencePair

MODEL = "smollm2-135m-instruct"
QUICK = {
    "reward_steps": 2, "steps": 2, "evaluate_every": 1, "held_out_prompts": 3, "new_tokens": 8, "prompts": 2,
    "generations": 2,
}  # fmt: skip


def base() -> Base:
    source = local.locate_weights("builtin", MODEL, Path())
    return Base(f"builtin:{MODEL}", local.fingerprint(Path(source)), lambda: local.load(source), draw=sample)


def short_pairs(path: Path, longest: int) -> tuple[list[PreferencePair], dict[str, int]]:
    """Return the pairs of which both sides have at most `longest` tokens, and the number of the others."""
    tokenizer = base().load()[1]
    rows = list(read_rows(path))
    pairs = [row for row in rows if isinstance(row, PreferencePair)]
    kept = [
        pair
        for pair in pairs
        if max(len(conversation_ids(tokenizer, (*pair.prompt, *side))) for side in (pair.chosen, pair.rejected))
        <= longest
    ]
    return kept, {"too long": len(pairs) - len(kept), "broken": len(rows) - len(pairs)}  # an answer is empty


def of(pairs: Sequence[PreferencePair], prompts: Sequence[JudgedPrompt]) -> list[PreferencePair]:
    """Return the pairs that belong to these prompts."""
    wanted = {each.prompt for each in prompts}
    return [pair for pair in pairs if pair.prompt in wanted]


def task(pairs: Sequence[PreferencePair], settings: TuningSettings) -> Task:
    """Return what the technique is given: the chosen answers to learn from first, and all pairs."""
    examples = [Example((*pair.prompt, *pair.chosen)) for pair in pairs]
    return Task(
        base=base(),
        examples=lambda: examples,
        settings=settings,
        record={},
        closed_book=lambda question: (*question.history, Message("user", question.text)),
        grounded=lambda question, _: (Message("user", question.text),),
        search_texts=lambda questions: [question.text for question in questions],
        retrieve=lambda texts: [[] for _ in texts],
        passages=1,
        unknown="I do not know.",
        preferences=lambda: list(pairs),
        accepted=REWARD_GATES,  # whatever they say is reported
    )


def accuracy(model: Any, tokenizer: Any, pairs: Sequence[HeldOutPair]) -> dict[str, float]:  # noqa: ANN401
    talks = [(*prompt, *answer) for pair in pairs for prompt, answer in (pair.chosen, pair.rejected)]
    found = np.array(rewards(model, tokenizer, talks))
    return asdict(measures.accuracy(found[::2] - found[1::2], [pair.group for pair in pairs]))


def llmbar(folder: Path) -> list[HeldOutPair]:
    pairs = []
    for path in sorted(folder.rglob("dataset.json")):
        for number, row in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            sides = [(Message("assistant", row[f"output_{side}"].strip()),) for side in (1, 2)]
            prompt = (Message("user", row["input"].strip()),)
            good, bad = sides if row["label"] == 1 else sides[::-1]
            pairs.append(HeldOutPair((prompt, good), (prompt, bad), f"{path.parent.name} {number}"))
    return pairs


def answers(folders: Sequence[Path], prompts: Sequence[Conversation], own: RlhfSettings) -> list[str]:
    """Return what the model with these adapters answers, drawn with the same random numbers for each model."""
    model, tokenizer = ready(base(), folders, TuningSettings())
    model.eval()
    ids = [prompt_ids(tokenizer, prompt) for prompt in prompts]
    drawn = sample(model, ids, 1, own.new_tokens, turn_ends(tokenizer, model), own.temperature, [5])
    return [tokenizer.decode(each, skip_special_tokens=True).strip() for each in drawn]


def by_preference(given: Task, supervised: Path, pairs: Sequence[PreferencePair], steps: int) -> tuple[Path, Manifest]:
    """Train `preference` on the pairs that the reward model was trained on, on top of the supervised adapter."""
    own = PreferenceSettings(steps=steps)
    settings = given.settings.with_parts({"preference": own})
    task = replace(given, preferences=lambda: list(pairs), parents=(supervised,), settings=settings)
    folder = supervised.with_name("hh-preference")
    return folder, PreferenceTuning().run(task, folder, progress)


def win_rate(
    judge: tuple[Any, Any], prompts: Sequence[Conversation], before: Sequence[str], after: Sequence[str]
) -> dict[str, Any]:
    """Return how often a reward model prefers the answer of after, and by how much, with intervals."""
    from scipy.stats import ttest_1samp

    scores = [
        np.array(rewards(*judge, [(*p, Message("assistant", text)) for p, text in zip(prompts, side, strict=True)]))
        for side in (before, after)
    ]
    gained = scores[1] - scores[0]
    names = [str(number) for number in range(len(gained))]
    ends = ttest_1samp(gained, 0).confidence_interval(0.95) if np.ptp(gained) else (0.0, 0.0)
    return {
        "wins": asdict(measures.accuracy(gained, names)),
        "difference": [float(gained.mean()), float(ends[0]), float(ends[1])],
    }


def told(before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """Return how answers of before and after differ as texts."""
    return {
        "same_answers": sum(a == b for a, b in zip(before, after, strict=True)),
        "words": [float(np.mean([len(text.split()) for text in side])) for side in (before, after)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data/preferences")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()) / "groundtune-rlhf-hh")
    parser.add_argument("--longest", type=int, default=256, help="tokens of a conversation with its answer")
    parser.add_argument("--held-out", type=int, default=520, help="pairs that nothing is trained on")
    parser.add_argument("--second", type=int, default=400, help="pairs for the second reward model")
    parser.add_argument("--reward-steps", type=int, default=90)
    parser.add_argument("--supervised-steps", type=int, default=30)
    parser.add_argument("--steps", type=int, default=40, help="of reinforcement learning")
    parser.add_argument("--preference-steps", type=int, default=40, help="of DPO")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--quick", action="store_true", help="a few pairs and steps")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    started = time.monotonic()
    longest = 80 if options.quick else options.longest
    pairs, left_out = short_pairs(options.data / "hh_rlhf_harmless_test.jsonl.gz", longest)
    rng = np.random.default_rng(options.seed)
    if options.quick:
        pairs = [pairs[place] for place in rng.permutation(len(pairs))[:30]]
        options.held_out, options.second, options.supervised_steps, options.preference_steps = 8, 6, 2, 2
    data = gather(pairs)
    parts = split(data.prompts, options.second / data.comparisons, rng)
    second, first = parts.held_out, parts.training  # no prompt is on both sides
    own = RlhfSettings(
        reward_held_out=options.held_out / (data.comparisons - sum(len(each.comparisons) for each in second)),
        reward_steps=options.reward_steps,
        steps=options.steps,
        new_tokens=48,
        held_out_prompts=100,
    )
    own = own.model_copy(update=QUICK if options.quick else {})
    tuning = TuningSettings(
        steps=options.supervised_steps, evaluate_every=max(1, options.supervised_steps // 2), patience=2,
        batch_size=2 if options.quick else 8, max_length=longest + own.new_tokens, seed=options.seed, held_out=24,
    ).with_parts({"rlhf": own})  # fmt: skip
    given = task(of(pairs, first), tuning)
    folder = options.folder / "hh"
    manifest = Rlhf().run(given, folder, progress)
    reward = read_manifest(folder.with_name("hh-reward"))
    first_phase = read_manifest(folder.with_name("hh-supervised"))
    assert reward is not None
    assert first_phase is not None

    training = tuning.model_copy(update={"steps": own.reward_steps, "learning_rate": own.reward_learning_rate})
    job = given.job("second", RewardObjective(second), settings=training)
    other = options.folder / "second"
    given.tune(job, other, progress)

    supervised = folder.with_name("hh-supervised")
    parents = (supervised,)
    held_out = split(gather(given.preferences()).prompts, own.reward_held_out, np.random.default_rng(options.seed))
    compared = held_out_pairs(held_out.held_out)
    judge = open_reward(given.base, (), training, other)
    prompts = [each.prompt for each in held_out.held_out][: own.held_out_prompts]
    second_accuracy = accuracy(*judge, compared)
    trained_on = of(given.preferences(), held_out.training)
    place, preferred = by_preference(given, supervised, trained_on, options.preference_steps)
    before, *after = (answers(each, prompts, own) for each in ([supervised], [supervised, folder], [supervised, place]))
    won = [win_rate(judge, prompts, before, side) for side in after]
    del judge
    mine = open_reward(given.base, parents, training, folder.with_name("hh-reward"))
    report = {
        "pairs": {"used": len(pairs), "left out": left_out, "second model": len(of(pairs, second))},
        "reward_model": {**{k: v for k, v in reward.measures.items() if k != "checks"}, "gates": reward.gates},
        "llmbar": accuracy(*mine, llmbar(options.data / "llmbar")[: 4 if options.quick else None]),
        "second_reward_model_accuracy": second_accuracy,
        "reinforcement": {
            "reward": manifest.measures["reward"],
            "kl": manifest.curves["eval_kl"],
            "held_out_reward": manifest.curves["eval_reward"],
            "stopped": manifest.stopped,
            "best_step": manifest.best_step,
        },
        "compared": {
            name: {
                "second_model": seconds,
                "own_reward_model": win_rate(mine, prompts, before, said),
                **told(before, said),
                "hours": round(sum(made.seconds for made in runs) / 3600, 2),
            }
            for name, seconds, said, runs in zip(
                ("rlhf", "preference"), won, after, ((reward, manifest), (preferred,)), strict=True
            )
        },
        "hours": {
            "supervised": round(first_phase.seconds / 3600, 2),
            "this call": round((time.monotonic() - started) / 3600, 2),
        },
    }
    print(json.dumps(report, indent=1))


def progress(stage: str, done: int, total: int) -> None:
    logging.info("%s %d/%d", stage, done, total)


if __name__ == "__main__":
    main()
