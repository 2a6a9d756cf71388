"""Transfer learning: first a large general set, then the small one of the company, and what the first gave the second.

Two models are made beside it, which `groundtune compare` knows as candidates: NAME-general, which saw the general set
only, and NAME-small, which saw the small one only. What transfer gained is the difference to the latter. Pratt 1993,
"Discriminability-based transfer between neural networks"; for language models Phang et al. 2018 (arXiv 1811.01088).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from groundtune.errors import TuningError
from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.tuning.adapters import Manifest, companion, write_manifest
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.examples import hold_out, last_question, load_examples
from groundtune.tuning.perplexity import Predicted, answer_nats, as_lists, difference, from_told
from groundtune.tuning.technique import Task
from groundtune.values import Example

NAME = "transfer"


class TransferSettings(Table):
    """`[tuning.transfer]`: the general set, and how long each stage lasts."""

    not_in_key: ClassVar[frozenset[str]] = frozenset({"general", "steps", "general_steps", "frozen_layers"})

    general: str = Field("general.jsonl", description="File with the general training conversations.")
    general_steps: int = Field(120, ge=1, description="Maximum optimizer steps on the general set.")
    steps: int = Field(60, ge=1, description="Maximum optimizer steps on the small set, that of `[tuning] examples`.")
    frozen_layers: int = Field(
        0, ge=0, description="Number of layers, from below, that stay as the general set made them."
    )


@dataclass(frozen=True, slots=True)
class Transfer:
    """The technique `transfer`."""

    name: str = NAME
    reads: tuple[str, ...] = ("examples",)
    reads_besides: tuple[str, ...] = ("general",)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train in two stages, and both models beside it; see `Technique.run`."""
        own = task.settings.part(NAME, TransferSettings)
        small = [_served(task, example) for example in task.examples()]
        general = load_examples(own.in_project(own.general))
        held_out = hold_out(small, task.settings.held_out, np.random.default_rng(task.settings.seed))[1]

        def measure(model: Any, tokenizer: Any) -> Mapping[str, object]:  # noqa: ANN401
            return {"held_out": as_lists(answer_nats(model, tokenizer, held_out))}

        first = companion(folder, "general")
        stage = task.settings.model_copy(update={"steps": own.general_steps})
        task.tune(
            task.job(self.name, Conversations(general), settings=stage, own=own, part="general", measure=measure),
            first,
            progress,
        )
        stage = task.settings.model_copy(update={"steps": own.steps})
        alone = task.tune(
            task.job(self.name, Conversations(small), settings=stage, own=own, part="small", measure=measure),
            companion(folder, "small"),
            progress,
        )
        stage = stage.model_copy(update={"frozen_layers": own.frozen_layers})
        job = task.job(self.name, Conversations(small), settings=stage, own=own, measure=measure)
        manifest = task.tune(replace(job, parents=(*task.parents, first)), folder, progress)
        return _with_gain(manifest, alone, folder)


def _served(task: Task, example: Example) -> Example:
    return replace(example, messages=(*task.closed_book(last_question(example)), example.messages[-1]))


def _with_gain(manifest: Manifest, alone: Manifest, folder: Path) -> Manifest:
    """Add to the manifest what transfer gained on the held-out part of the small set, in nats a token."""
    own, others = manifest.measures.get("after"), alone.measures.get("after")
    if not isinstance(own, Mapping) or not isinstance(others, Mapping) or "gain" in manifest.measures:
        return manifest
    gain = difference(_predicted(others), _predicted(own))
    manifest = replace(manifest, measures={**manifest.measures, "gain": gain})
    write_manifest(folder, manifest)
    return manifest


def _predicted(measured: Mapping[str, object]) -> Predicted:
    held_out = measured["held_out"]
    if not isinstance(held_out, Mapping):
        raise TuningError("the manifest of an adapter of transfer learning lacks its held-out losses.")
    return from_told(held_out)


def groundtune_technique() -> Transfer:
    """Give the technique."""
    return Transfer()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.transfer": TransferSettings}
