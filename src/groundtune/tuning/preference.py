"""Preference tuning: DPO on pairs of a better and a worse answer, KTO on single answers with a thumb.

The cheaper alternative to reinforcement learning: no reward model and no sampling.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from groundtune.errors import TuningError
from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.preferences import PairObjective, ThumbObjective
from groundtune.tuning.technique import Task
from groundtune.values import Conversation, PreferencePair, Question, Thumb

NAME = "preference"

_log = logging.getLogger(__name__)


class PreferenceSettings(Table):
    """`[tuning.preference]`: how preference tuning differs from instruction tuning."""

    not_in_key: ClassVar[frozenset[str]] = frozenset({"steps", "learning_rate"})  # a job has its own

    loss: Literal["auto", "dpo", "kto"] = Field(
        "auto", description="dpo learns from pairs, kto from thumbs. auto takes pairs where there are any."
    )
    steps: int = Field(120, ge=1, description="Maximum optimizer steps of preference tuning.")
    learning_rate: float = Field(5e-5, gt=0, description="Peak learning rate of preference tuning.")
    beta: float = Field(0.1, gt=0, description="How strongly the model is held to what it was before.")


@dataclass(frozen=True, slots=True)
class PreferenceTuning:
    """The technique `preference`."""

    name: str = NAME
    reads: tuple[str, ...] = ("preferences",)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train on pairs or on thumbs; see `Technique.run`."""
        own = task.settings.part(NAME, PreferenceSettings)
        settings = task.settings.model_copy(update={"steps": own.steps, "learning_rate": own.learning_rate})
        judged = task.preferences()
        pairs = [each for each in judged if isinstance(each, PreferencePair)]
        thumbs = [each for each in judged if isinstance(each, Thumb)]
        objective: PairObjective | ThumbObjective
        if own.loss == "dpo" or (own.loss == "auto" and pairs):
            _refuse_none(pairs, "pair")
            settled, counts = agreed(pairs)
            objective = PairObjective([replace(pair, prompt=served(task, pair.prompt)) for pair in settled], own.beta)
        else:
            _refuse_none(thumbs, "thumb")
            counts = {"thumbs": len(thumbs)}
            objective = ThumbObjective(
                [replace(thumb, prompt=served(task, thumb.prompt)) for thumb in thumbs], own.beta
            )
        counts["not_used"] = len(judged) - sum(counts.get(kind, 0) for kind in ("annotations", "thumbs"))
        return task.tune(task.job(self.name, objective, settings=settings, own=own, counts=counts), folder, progress)


def served(task: Task, prompt: Conversation) -> Conversation:
    """Return the conversation as closed-book answering gives it to the model."""
    turns = tuple(message for message in prompt if message.role != "system")
    return task.closed_book(Question(turns[-1].content, turns[:-1]))


def agreed(pairs: Sequence[PreferencePair]) -> tuple[list[PreferencePair], dict[str, int]]:
    """Return each pair once, as most of its annotators judged it, and counts. A pair without a majority is left out."""
    votes: Counter[tuple[Conversation, Conversation, Conversation]] = Counter()
    first: dict[tuple[Conversation, Conversation, Conversation], PreferencePair] = {}
    for pair in pairs:
        votes[pair.prompt, pair.chosen, pair.rejected] += 1
        first.setdefault((pair.prompt, pair.chosen, pair.rejected), pair)
    settled, undecided = [], 0
    for (prompt, chosen, rejected), number in votes.items():
        against = votes.get((prompt, rejected, chosen), 0)
        if number > against:
            settled.append(first[prompt, chosen, rejected])
        elif number == against:
            undecided += 1
    undecided //= 2  # each was met in both directions
    if undecided:
        _log.warning("%d pairs are left out: as many annotators preferred one answer as the other.", undecided)
    return settled, {"annotations": len(pairs), "pairs": len(settled), "without_majority": undecided}


def _refuse_none(found: Sequence[object], kind: str) -> None:
    if not found:
        raise TuningError(
            f"there is no {kind} in the preference data.",
            remedy="Name another file in `[tuning] preferences`, or another `[tuning.preference] loss`.",
        )


def groundtune_technique() -> PreferenceTuning:
    """Give the technique."""
    return PreferenceTuning()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.preference": PreferenceSettings}
