"""Domain adaptation: next-token training on an industry's texts, and what it did to them and to general text.

Gururangan et al. 2020, "Don't Stop Pretraining" (arXiv 2004.10964).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.tuning import cloze
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.perplexity import predicted
from groundtune.tuning.probes import probe_texts
from groundtune.tuning.technique import Task
from groundtune.tuning.texts import Texts, split_texts

NAME = "domain"


class DomainSettings(Table):
    """`[tuning.domain]`: how domain adaptation differs from instruction tuning."""

    not_in_key: ClassVar[frozenset[str]] = frozenset({"steps", "learning_rate", "gaps", "probe"})  # a job has its own

    steps: int = Field(120, ge=1, description="Maximum optimizer steps of domain adaptation.")
    learning_rate: float = Field(2e-4, gt=0, description="Peak learning rate of domain adaptation.")
    row_tokens: int = Field(512, ge=32, description="Length of the rows into which texts are packed, in tokens.")
    held_out: int = Field(8, ge=1, description="Documents held out for early stopping, at most a fifth of all.")
    gaps: int = Field(40, ge=0, description="Sentences with a gap on which it is measured whether terms are known.")
    probe: str = Field("", description="File or folder with general text. If empty, the text that groundtune brings.")


@dataclass(frozen=True, slots=True)
class Domain:
    """The technique `domain`."""

    name: str = NAME
    reads: tuple[str, ...] = ("corpus",)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train on the corpus; see `Technique.run`. Perplexity and the cloze test stand in the manifest's measures."""
        own = task.settings.part(NAME, DomainSettings)
        settings = task.settings.model_copy(update={"steps": own.steps, "learning_rate": own.learning_rate})
        training, held_out = split_texts(task.corpus(), own.held_out, np.random.default_rng(settings.seed))
        general = probe_texts(own.in_project(own.probe) if own.probe else None)
        gaps = cloze.cloze(training, general, own.gaps, np.random.default_rng(settings.seed))

        def measure(model: Any, tokenizer: Any) -> Mapping[str, object]:  # noqa: ANN401
            progress("measuring perplexity", 0, 1)
            texts = [text.text for text in held_out]
            measured: dict[str, object] = {
                "domain": predicted(model, tokenizer, texts, own.row_tokens).told(),
                "general": predicted(model, tokenizer, general, own.row_tokens).told(),
            }
            progress("measuring perplexity", 1, 1)
            return measured | ({"cloze": cloze.answered(model, tokenizer, gaps)} if gaps else {})

        job = task.job(
            self.name,
            Texts(training, held_out, own.row_tokens),
            settings=settings,
            own=own,
            counts={"training_texts": len(training), "held_out_texts": len(held_out)},
            measure=measure,
            upkeep=1,  # made of documents: made again when they change
        )
        return task.tune(job, folder, progress)


def groundtune_technique() -> Domain:
    """Give the technique."""
    return Domain()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.domain": DomainSettings}
