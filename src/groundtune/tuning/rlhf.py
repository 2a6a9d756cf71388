"""Reinforcement learning from human feedback, in three runs: supervised tuning, a reward model from what people
preferred, and reinforcement against that reward model.

After Ouyang et al. 2022 (arXiv 2203.02155), with RLOO in the place of PPO (Ahmadian et al. 2024, arXiv 2402.14740).
Beside the adapter NAME stand NAME-supervised, which it is trained on top of and which is a candidate too, and
NAME-reward. The reward model is held to account before reinforcement starts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from groundtune.errors import GateFailed, SettingsError, TuningError
from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.tuning.adapters import Manifest, companion, finished, read_manifest, write_manifest
from groundtune.tuning.card import write_card
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.instruction import conversations
from groundtune.tuning.model import Draw, ready
from groundtune.tuning.objective import MeasureModel, Objective
from groundtune.tuning.preference import served
from groundtune.tuning.reinforcement import Reinforcement, Reinforcing, Reward, measured
from groundtune.tuning.reward.account import account, held_out_conversations
from groundtune.tuning.reward.gates import REWARD_GATES
from groundtune.tuning.reward.judged import JudgedData, gather
from groundtune.tuning.reward.measures import held_out_pairs
from groundtune.tuning.reward.model import HEAD, open_reward, rewards, with_head
from groundtune.tuning.reward.objective import RewardObjective
from groundtune.tuning.reward.splitting import RewardSplit, same_words, split
from groundtune.tuning.stopping import StopLimits, stop_of
from groundtune.tuning.technique import Task
from groundtune.values import Conversation, Example, PreferencePair, Thumb

NAME = "rlhf"
SAMPLES = "samples.jsonl"
UPKEEP = 2  # a reward model is an adapter to keep

_log = logging.getLogger(__name__)


class RlhfSettings(Table):
    """`[tuning.rlhf]`: the reward model, and reinforcement learning against it."""

    not_in_key: ClassVar[frozenset[str]] = frozenset(
        # jobs have steps, learning rates, batches and data of their own
        {"steps", "learning_rate", "prompts", "evaluate_every", "held_out_prompts"}
        | {"reward_steps", "reward_learning_rate", "reward_held_out"}
    )

    reward_steps: int = Field(120, ge=1, description="Maximum optimizer steps of the reward model.")
    reward_learning_rate: float = Field(5e-4, gt=0, description="Peak learning rate of the reward model.")
    reward_held_out: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="Share of the preferences that the reward model is measured on. Nothing is trained on their "
        "prompts: reinforcement learning is measured on them too.",
    )
    algorithm: Literal["rloo", "grpo"] = Field("rloo", description="Algorithm of reinforcement learning.")
    steps: int = Field(60, ge=1, description="Maximum optimizer steps of reinforcement learning.")
    learning_rate: float = Field(1e-4, gt=0, description="Peak learning rate of reinforcement learning.")
    prompts: int = Field(8, ge=1, description="Prompts for each step of reinforcement learning.")
    generations: int = Field(4, ge=2, description="Answers that are drawn for each prompt.")
    new_tokens: int = Field(64, ge=1, description="Maximum length of a drawn answer, in tokens.")
    temperature: float = Field(1.0, gt=0, description="Temperature at which answers are drawn.")
    kl_coefficient: float = Field(
        0.05, ge=0, description="Reward that a nat of divergence from the model before costs. 0 lets it go anywhere."
    )
    kl_budget: float = Field(
        10.0, gt=0, description="Training stops where answers diverge further than this, in nats an answer."
    )
    evaluate_every: int = Field(10, ge=1, description="Steps between measurements on held-out prompts.")
    held_out_prompts: int = Field(48, ge=2, description="Largest number of held-out prompts that are measured.")
    length_limit: float = Field(
        2.0, gt=1, description="Training stops where answers are this many times as long as before."
    )
    cut_limit: float = Field(
        0.3, gt=0, le=1, description="Training stops where the share of answers that do not end has risen by this much."
    )
    repetition_limit: float = Field(
        0.2, gt=0, le=1, description="Training stops where the share of repeated word sequences has risen by this much."
    )
    stop_patience: int = Field(
        2,
        ge=1,
        description="Training stops where the held-out reward is below its best for this many measurements while that "
        "of training prompts rises.",
    )

    @property
    def limits(self) -> StopLimits:
        """What the stop rules allow."""
        return StopLimits(self.kl_budget, self.length_limit, self.cut_limit, self.repetition_limit, self.stop_patience)


@dataclass(frozen=True, slots=True)
class Rlhf:
    """The technique `rlhf`."""

    name: str = NAME
    reads: tuple[str, ...] = ("examples", "preferences")
    gates: tuple[str, ...] = REWARD_GATES

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train all three; see `Technique.run`. Raises `GateFailed` for a reward model that is not good enough."""
        _refuse(task)
        data, own = _judged(task), task.settings.part(NAME, RlhfSettings)
        parts = split(data.prompts, own.reward_held_out, np.random.default_rng(task.settings.seed))
        if not task.parents:
            examples, kept_back = _unmeasured(conversations(task), parts)
            more = {"part": "supervised", "counts": {"kept back, as rewards are measured on their prompts": kept_back}}
            place = self._phase(task, Conversations(examples), folder, progress, **more)[0]
            task = replace(task, parents=(place,))
        place, reward = self._reward(task, data, parts, folder, progress)
        prompts = [[each.prompt for each in side] for side in (parts.training, parts.held_out)]
        return self._reinforced(task, (place, reward), prompts, folder, progress)

    def _phase(
        self,
        task: Task,
        objective: Objective,
        folder: Path,
        progress: Progress,
        **more: Any,  # noqa: ANN401
    ) -> tuple[Path, Manifest]:
        """Carry out a run whose adapter stands beside the one that was asked for; return where it is."""
        beside = companion(folder, more["part"])
        manifest = task.tune(task.job(self.name, objective, **more), beside, progress)
        there = finished(beside, lambda other: other.key == manifest.key)
        return there or (beside, manifest)  # nothing is there where the run was only estimated

    def _reward(
        self, task: Task, data: JudgedData, parts: RewardSplit, folder: Path, progress: Progress
    ) -> tuple[Path, Manifest]:
        """Train the reward model and hold it to account."""
        own = task.settings.part(NAME, RlhfSettings)
        update = {"steps": own.reward_steps, "learning_rate": own.reward_learning_rate}
        settings = task.settings.model_copy(update=update)
        held_out = held_out_conversations(held_out_pairs(parts.held_out))
        place, manifest = self._phase(
            task,
            RewardObjective(parts.training, parts.held_out),
            folder,
            progress,
            part="reward",
            kind="reward",
            settings=settings,
            counts={**data.counts, "judgments held out": len(held_out) // 2, "judgments not used": parts.unused},
            measure=_rewards_of(held_out),
        )
        if "after" in manifest.measures:  # it was just trained: it has not been held to account yet
            model, tokenizer = open_reward(task.base, task.parents, settings, place)
            before = manifest.measures["after"]["rewards"]  # type: ignore[index]
            result = account(model, tokenizer, before, data, parts, task.settings.seed)
            told = {"checks": manifest.measures["checks"], **result.measured}
            manifest = replace(_with_gates(manifest, map(asdict, result.gates), task), measures=told)
            _rewrite(task, place, manifest)
        _refuse_bad(manifest, place, task.accepted)
        return place, manifest

    def _reinforced(
        self,
        task: Task,
        reward: tuple[Path, Manifest],
        prompts: Sequence[Sequence[Conversation]],
        folder: Path,
        progress: Progress,
    ) -> Manifest:
        """Train the policy against the reward model."""
        own, place = task.settings.part(NAME, RlhfSettings), reward[0]
        samples = folder.with_name(f"{folder.name}.{SAMPLES}")
        objective = Reinforcement(
            prompts[0],
            prompts[1][: own.held_out_prompts],
            cache(lambda: _reward_function(task, place)),
            reward[1].key,
            _draw(task),
            Reinforcing(
                own.algorithm, own.generations, own.kl_coefficient, own.new_tokens, own.temperature, own.limits
            ),
            samples,
        )
        chosen = {"steps": own.steps, "learning_rate": own.learning_rate, "batch_size": own.prompts}
        watched = {"evaluate_every": own.evaluate_every, "patience": own.steps + 1}  # only the stop rules end it
        settings = task.settings.model_copy(update={**chosen, **watched})
        more = {"settings": settings, "own": own, "upkeep": UPKEEP, "measure": objective.measure}
        manifest = task.tune(task.job(self.name, objective, **more), folder, progress)
        there = finished(folder, lambda other: other.key == manifest.key)
        if there is None:  # it was only estimated
            samples.unlink(missing_ok=True)
            return manifest
        if "before" not in manifest.measures:  # all is told already
            return manifest
        if samples.is_file():
            samples.replace(there[0] / SAMPLES)
        stop = stop_of(manifest.curves, own.limits)
        stopped = f"by the rule `{stop.rule}` at step {stop.step}: {stop.reason}" if stop else manifest.stopped
        manifest = _with_gates(manifest, (gate for gate in reward[1].gates if gate["name"] in REWARD_GATES), task)
        manifest = replace(manifest, stopped=stopped, measures=measured(manifest.measures, place.name))
        _rewrite(task, there[0], manifest)
        return manifest


def _refuse(task: Task) -> None:
    """Refuse at once what would fail after the first run."""
    _draw(task)
    for name, value in (("method", "lora"), ("quantize", "none")):
        if getattr(task.settings, name) != value:
            raise SettingsError(
                f'`[tuning] {name}` is "{getattr(task.settings, name)}", but `rlhf` needs "{value}": its runs stand on '
                "one another, and the model of before is the one without its adapter.",
                remedy=f'Set it to "{value}".',
            )


def _judged(task: Task) -> JudgedData:
    preferences = task.preferences()
    plain = [row for row in preferences if not _with_tools(row)]
    data = gather(replace(row, prompt=served(task, row.prompt)) for row in plain)
    if len(plain) < len(preferences):
        data = replace(data, counts={**data.counts, "with tools, left out": len(preferences) - len(plain)})
        _log.warning(
            "%d of %d preferences are left out: they use tools, which answers that are drawn cannot call.",
            *(len(preferences) - len(plain), len(preferences)),
        )
    if not data.prompts:
        raise TuningError(
            "there is nothing in the preference data that a reward model could learn from.",
            remedy="Name a file with pairs, rankings or thumbs in `[tuning] preferences`.",
        )
    comparisons = [each for judged in data.prompts for each in judged.comparisons]
    if all(each.worse is None for each in comparisons) or all(each.better is None for each in comparisons):
        raise TuningError(
            "all thumbs point the same way, so nothing can be learned from them.",
            remedy="Add answers that people liked and answers that they did not.",
        )
    return data


def _with_tools(row: PreferencePair | Thumb) -> bool:
    answers = (row.answer,) if isinstance(row, Thumb) else (row.chosen, row.rejected)
    turns = [turn for conversation in (row.prompt, *answers) for turn in conversation]
    return bool(row.tools) or any(turn.tool_calls or turn.role == "tool" for turn in turns)


def _unmeasured(examples: Sequence[Example], parts: RewardSplit) -> tuple[list[Example], int]:
    """Return the examples whose prompts are not held out, and the number of the others: what is measured must be new to
    the supervised model too."""
    held_out = {same_words(each.prompt) for each in parts.held_out}
    kept = [example for example in examples if same_words(example.messages[:-1]) not in held_out]
    return kept, len(examples) - len(kept)


def _rewards_of(held_out: Sequence[Conversation]) -> MeasureModel:
    """Return the rewards of held-out answers; nothing before training, when the model has no head."""

    def measure(model: Any, tokenizer: Any) -> dict[str, object]:  # noqa: ANN401
        return {"rewards": rewards(model, tokenizer, held_out)} if hasattr(model, HEAD) else {}

    return measure


def _with_gates(manifest: Manifest, gates: Iterable[Mapping[str, object]], task: Task) -> Manifest:
    """Add gates to those of the data, and to what was accepted those of them that did not pass and were."""
    more = tuple(gates)
    failed = [str(gate["name"]) for gate in more if not gate["passed"]]
    accepted = (*manifest.accepted, *(name for name in failed if name in task.accepted))
    return replace(manifest, gates=(*manifest.gates, *more), accepted=tuple(dict.fromkeys(accepted)))


def _refuse_bad(manifest: Manifest, place: Path, accepted: Sequence[str]) -> None:
    failed = [gate for gate in manifest.gates if gate["name"] in REWARD_GATES and not gate["passed"]]
    failed = [gate for gate in failed if gate["name"] not in accepted]
    if failed:
        names = tuple(str(gate["name"]) for gate in failed)
        told = [f"{gate['name']}: {gate['detail']}" for gate in failed]
        raise GateFailed(
            f"the reward model is not good enough for reinforcement learning. {' '.join(told)}",
            names,
            place=place,
            remedy=f"Collect more or more consistent preferences, or go on with --accept {' --accept '.join(names)}.",
        )


def _reward_function(task: Task, place: Path) -> Reward:
    """Return what rewards answers. Where a run is only estimated, there is no reward model yet: a new head stands in,
    which takes as long."""
    if read_manifest(place) is None:
        there = [parent for parent in task.parents if read_manifest(parent)]
        plain, tokenizer = ready(task.base, there, task.settings)
        model = with_head(plain, tokenizer, task.settings.seed)
    else:
        model, tokenizer = open_reward(task.base, task.parents, task.settings, place)
    return lambda talks: rewards(model, tokenizer, talks)


def _draw(task: Task) -> Draw:
    if task.base.draw is None:
        raise TuningError(f"answers cannot be drawn from `{task.base.name}`.", remedy="Use the technique `preference`.")
    return task.base.draw


def _rewrite(task: Task, folder: Path, manifest: Manifest) -> None:
    write_card(folder, folder.name, manifest, (task.base.licence, task.settings.licence))
    write_manifest(folder, manifest)


def groundtune_technique() -> Rlhf:
    """Give the technique."""
    return Rlhf()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.rlhf": RlhfSettings}
