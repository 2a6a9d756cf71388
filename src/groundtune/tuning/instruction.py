"""Instruction tuning: the company's conversations behind the prompt that closed-book answering gives.

After Ouyang et al. 2022 (arXiv 2203.02155), its supervised step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from groundtune.protocols import Progress, silent
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.examples import last_question, reply_turns
from groundtune.tuning.technique import Task
from groundtune.values import Example


@dataclass(frozen=True, slots=True)
class Instruction:
    """The technique `instruction`."""

    name: str = "instruction"
    reads: tuple[str, ...] = ("examples",)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train on every conversation; see `Technique.run`."""
        return task.tune(task.job(self.name, Conversations(conversations(task))), folder, progress)


def conversations(task: Task) -> list[Example]:
    """Return every conversation behind the served prompt. Earlier assistant turns stay in it and are trained too."""
    return [
        replace(example, messages=(*task.closed_book(last_question(example)), *reply_turns(example)))
        for example in task.examples()
    ]


def groundtune_technique() -> Instruction:
    """Give the technique."""
    return Instruction()
