"""Continuous pretraining: round after round of what is new in the documents, with a budget for what is forgotten.

A round trains on the documents that changed since the last one, with a share of earlier text replayed, from a learning
rate that is warmed up anew (Ibrahim et al. 2024, arXiv 2403.08763). What the model forgets is the rise of its
perplexity on a fixed probe since before the first round; a round that exceeds the budget does not count. All rounds are
kept (`rounds.py`), so that it is possible to go back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from groundtune.errors import GateFailed, SettingsError
from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.model import Draw
from groundtune.tuning.perplexity import predicted
from groundtune.tuning.probes import probe_texts
from groundtune.tuning.replay import Replayed, earlier
from groundtune.tuning.rounds import Rounds
from groundtune.tuning.technique import Task
from groundtune.tuning.texts import Texts, split_texts
from groundtune.values import TrainingText, digest

NAME = "continual"
GATE = "forgetting"

_log = logging.getLogger(__name__)


class ContinualSettings(Table):
    """`[tuning.continual]`: rounds of new documents, replay, and the budget for forgetting."""

    not_in_key: ClassVar[frozenset[str]] = frozenset({"steps", "learning_rate", "probe", "forgetting_budget"})

    steps: int = Field(60, ge=1, description="Maximum optimizer steps of a round.")
    learning_rate: float = Field(2e-4, gt=0, description="Peak learning rate of a round, warmed up anew.")
    row_tokens: int = Field(512, ge=32, description="Length of the rows into which texts are packed, in tokens.")
    held_out: int = Field(4, ge=1, description="New documents held out for early stopping, at most a fifth of all.")
    replay: float = Field(0.25, ge=0, lt=1, description="Share of a round's text that is not new. 0 replays nothing.")
    replay_from: Literal["earlier", "generated"] = Field(
        "earlier",
        description="What is replayed: documents of earlier rounds, or text that the model itself generates. In the "
        "first round there are no earlier documents.",
    )
    probe: str = Field("", description="File or folder with the probe. If empty, the text that groundtune brings.")
    forgetting_budget: float = Field(
        0.1,
        ge=0,
        description="By which share perplexity on the probe may rise since before the first round.",
    )


@dataclass(frozen=True, slots=True)
class Continual:
    """The technique `continual`. Its adapter goes on from round to round, whatever the settings of a round are."""

    name: str = NAME
    one_version: bool = True
    gates: tuple[str, ...] = (GATE,)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train a round on what is new, or return the last one if nothing is; see `Technique.run`.

        Raises `GateFailed` for a round that forgets too much, unless the gate "forgetting" is accepted.
        """
        own = task.settings.part(NAME, ContinualSettings)
        rounds = Rounds(folder)
        current = rounds.current()
        now = {text.document: digest(text.text) for text in task.texts()}
        learned = _documents(current)
        new = [text for text in task.texts() if learned.get(text.document) != now[text.document]]
        if current is not None and not new:
            _log.info("No document changed since round %d.", rounds.number)
            return current
        made = self._round(task, own, rounds, new, {**learned, **now}, progress)
        if made.measures:  # not so where only an estimate is made
            self._check(task, own, rounds, made)
            return rounds.make_current(rounds.number + 1, task.parents)
        return made

    def _round(
        self,
        task: Task,
        own: ContinualSettings,
        rounds: Rounds,
        new: Sequence[TrainingText],
        documents: Mapping[str, str],
        progress: Progress,
    ) -> Manifest:
        settings = task.settings.model_copy(update={"steps": own.steps, "learning_rate": own.learning_rate})
        rng = np.random.default_rng(settings.seed + rounds.number)
        training, held_out = split_texts(_at_least_two(new), own.held_out, rng)
        probe = probe_texts(own.in_project(own.probe) if own.probe else None)
        fresh = {text.document for text in new}
        known = [text for text in task.texts() if text.document not in fresh]
        replayed = earlier(known, training, own.replay, rng) if own.replay_from == "earlier" else []
        objective: Texts = Texts([*training, *replayed], held_out, own.row_tokens)
        if own.replay_from == "generated" and own.replay:
            objective = Replayed(training, held_out, own.row_tokens, draw=_draw(task), share=own.replay)

        def measure(model: Any, tokenizer: Any) -> Mapping[str, object]:  # noqa: ANN401
            texts = [text.text for text in held_out]
            return {
                "new": predicted(model, tokenizer, texts, own.row_tokens).told(),
                "probe": predicted(model, tokenizer, probe, own.row_tokens).told() | {"text": digest(*probe)},
            }

        last = rounds.place(rounds.number) if rounds.number else None
        whole = settings.method == "full"
        job = task.job(
            self.name,
            objective,
            settings=settings,
            own=own,
            counts={
                "round": rounds.number + 1,
                "new_texts": len(new),
                "replayed_texts": len(replayed),
                "documents": dict(documents),
            },
            parents=(*task.parents, last) if whole and last else task.parents,
            starts_from=None if whole else last,
            measure=measure,
            upkeep=1,  # made of documents: there is a round when they change
        )
        return task.tune(job, rounds.place(rounds.number + 1), progress)

    def _check(self, task: Task, own: ContinualSettings, rounds: Rounds, made: Manifest) -> None:
        """Raise `GateFailed` where the round forgot more than the budget."""
        number = rounds.number + 1
        # an adapter is measured against the model without it; a whole model was there only before the first round
        first = rounds.manifest(1) or made if made.kind == "model" else made
        if _probe(first, "before")["text"] != _probe(made, "after")["text"]:
            raise SettingsError(
                "the probe is another one than in round 1, so it cannot be told what was forgotten since.",
                remedy="Set `[tuning.continual] probe` back.",
            )
        rise = _probe(made, "after")["perplexity"] / _probe(first, "before")["perplexity"] - 1
        moved = f"{'rose' if rise > 0 else 'fell'} by {100 * abs(rise):.1f} %"
        _log.info("Round %d: perplexity on the probe %s since before round 1.", number, moved)
        if rise <= own.forgetting_budget:
            return
        message = (
            f"round {number} forgot too much: perplexity on the probe {moved}, and the budget is "
            f"{100 * own.forgetting_budget:g} %."
        )
        if GATE in task.accepted:
            _log.warning("Accepted: %s", message)
            return
        kept = f"Round {rounds.number} stays in use. " if rounds.number else ""
        raise GateFailed(
            message,
            (GATE,),
            place=rounds.place(number),
            remedy=f"{kept}Lower `[tuning.continual] learning_rate` or `steps`, raise `replay`, or go on with "
            f"--accept {GATE}.",
        )


def _draw(task: Task) -> Draw:
    if task.base.draw is None:
        raise SettingsError(
            f"text cannot be drawn from `{task.base.name}`.",
            remedy='Set `[tuning.continual] replay_from` to "earlier".',
        )
    return task.base.draw


def _documents(manifest: Manifest | None) -> Mapping[str, str]:
    """Return the documents that were learned, with the hash of their texts."""
    result = manifest.data.get("documents") if manifest else None
    return result if isinstance(result, Mapping) else {}


def _probe(manifest: Manifest, when: str) -> Mapping[str, Any]:
    measured = manifest.measures[when]
    result: Mapping[str, Any] = measured["probe"] if isinstance(measured, Mapping) else {}
    return result


def _at_least_two(texts: Sequence[TrainingText]) -> list[TrainingText]:
    """Return the texts; a single one in two parts, of which the later can be held out."""
    if len(texts) != 1:
        return list(texts)
    text, name = texts[0].text, texts[0].document
    place = text.rfind("\n\n", 0, len(text) * 4 // 5)
    place = place if place > 0 else len(text) * 4 // 5
    return [TrainingText(text[:place], name), TrainingText(text[place:], f"{name} (end)")]


def groundtune_technique() -> Continual:
    """Give the technique."""
    return Continual()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.continual": ContinualSettings}
