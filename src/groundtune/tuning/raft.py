"""RAFT data: training conversations whose prompts already hold retrieved passages, as serving will give them.

After Zhang et al. 2024 (arXiv 2403.10131): the passage with the answer (the oracle) among distractors. One
thing differs from the paper: where the oracle is left out, the paper still trains the answer, so that it is
remembered; here the target becomes "I do not know", because an answer without evidence is what a grounded
assistant must not give (docs/decisions/0003-raft.md).

Knows neither stores nor prompts: retrieval and the prompt come with the task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from groundtune.protocols import Progress, silent
from groundtune.settings import Table
from groundtune.text import content_words
from groundtune.tuning import sources
from groundtune.tuning.adapters import Manifest, finished
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.examples import last_question
from groundtune.tuning.technique import GroundedPrompt, RetrieveTexts, SearchTexts, Task, recipe
from groundtune.values import Example, Message, Passage

NAME = "raft"


class RaftSettings(Table):
    """`[tuning.raft]`: how RAFT differs from instruction tuning."""

    not_in_key: ClassVar[frozenset[str]] = frozenset({"steps", "oracle_share"})  # a job has its own steps and examples

    steps: int = Field(120, ge=1, description="Maximum optimizer steps for RAFT, whose prompts are longer.")
    oracle_share: float = Field(
        0.9, ge=0, le=1, description="Share of RAFT examples whose prompt contains the passage with the answer."
    )


@dataclass(frozen=True, slots=True)
class RaftPrompts:
    """How prompts are made: `passages` in each; the oracle is there in `oracle_share` of them."""

    passages: int
    oracle_share: float
    unknown: str


@dataclass(frozen=True, slots=True)
class RaftData:
    """Conversations ready for training, and what became of the originals.

    `without_oracle` counts prompts without the passage that answers: left out by chance, or there is none. `lost` are
    the originals that were left out because their documents were not found, `other_words` those whose passage has no
    word of the answer.
    """

    examples: list[Example]
    with_oracle: int
    without_oracle: int
    lost: tuple[Example, ...] = ()
    other_words: tuple[Example, ...] = ()
    without_documents: int = 0

    @property
    def oracle_not_found(self) -> int:
        """How many examples were left out because none of their documents was found."""
        return len(self.lost)

    @property
    def counts(self) -> dict[str, int]:
        """What the manifest tells."""
        return {
            "with_oracle": self.with_oracle,
            "without_oracle": self.without_oracle,
            "oracle_not_found": self.oracle_not_found,
            "oracle_without_answer": len(self.other_words),
            "without_documents": self.without_documents,
        }


@dataclass(frozen=True, slots=True)
class Raft:
    """The technique `raft`."""

    name: str = NAME
    reads: tuple[str, ...] = ("examples",)

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Train on prompts with passages; see `Technique.run`."""
        own = task.settings.part(NAME, RaftSettings)
        made_of = recipe(task, self.name, own)
        known = finished(folder, lambda manifest: manifest.recipe == made_of) if made_of else None
        if known is not None:
            return known[1]
        progress("finding passages", 0, 1)
        data = conversations(task)
        progress("finding passages", 1, 1)
        settings = task.settings.model_copy(update={"steps": own.steps})
        job = task.job(
            self.name, Conversations(data.examples), settings=settings, counts=data.counts, own=own, recipe=made_of
        )
        return task.tune(job, folder, progress)


def conversations(task: Task) -> RaftData:
    """Return what `Raft` trains on: the same for the same task; what is doubtful about it is logged.

    Raises `TuningError` if too few of the documents that it names are there, or are found.
    """
    examples = sources.answered_at_once(task.examples())
    known = None if task.documents is None else task.documents()
    sources.warn_of_missing(examples)
    if known is not None:
        sources.refuse_unknown(examples, known)
        sources.warn_of_unknown(examples, known)
    data = raft_examples(
        examples,
        task.retrieve,
        task.search_texts,
        task.grounded,
        RaftPrompts(task.passages, task.settings.part(NAME, RaftSettings).oracle_share, task.unknown),
        np.random.default_rng(task.settings.seed),
    )
    sources.refuse_unfound(data.lost, examples, task.settings.retrieve_as)
    unfound = [example for example in data.lost if known is None or sources.unknown(example, known) == []]
    sources.warn_of_unfound(unfound, task.settings.retrieve_as)
    sources.warn_of_other_words(data.other_words)
    return data


def groundtune_technique() -> Raft:
    """Give the technique."""
    return Raft()


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"tuning.raft": RaftSettings}


def raft_examples(
    examples: Sequence[Example],
    retrieve: RetrieveTexts,
    search_texts: SearchTexts,
    build_prompt: GroundedPrompt,
    settings: RaftPrompts,
    rng: np.random.Generator,
) -> RaftData:
    """Make one conversation with passages out of each of `examples`.

    `retrieve` is asked for more than `settings.passages`, so that distractors are left when the answer's own
    passages are taken out. An example whose oracle cannot be found is left out and counted.
    """
    asked = [last_question(example) for example in examples]
    results = retrieve(search_texts(asked))
    sources = retrieve(
        [f"{question.text} {_answer(example)}" for example, question in zip(examples, asked, strict=True)]
    )
    made: list[Example] = []
    counts = {"with": 0, "without": 0}
    lost: list[Example] = []
    other_words: list[Example] = []
    for example, question, near, source in zip(examples, asked, results, sources, strict=True):
        oracle = find_oracle(example, [*near, *source])
        if example.documents and oracle is None:
            lost.append(example)
            continue
        if oracle is not None and not _has_words(oracle, _answer(example)):
            other_words.append(example)
        kept = oracle is not None and rng.random() < settings.oracle_share
        counts["with" if kept else "without"] += 1
        passages = _passages(example, oracle if kept else None, near, settings.passages, rng)
        target = _answer(example) if kept or not example.documents else settings.unknown
        prompt = build_prompt(question, passages)
        if kept and oracle is not None:
            target = f"{target} [{passages.index(oracle) + 1}]"
        made.append(replace(example, messages=(*prompt, Message("assistant", target))))
    undocumented = sum(not example.documents for example in examples)
    return RaftData(made, counts["with"], counts["without"], tuple(lost), tuple(other_words), undocumented)


def find_oracle(example: Example, passages: Sequence[Passage]) -> Passage | None:
    """Return the passage of the example's own documents that holds most of the answer's content words."""
    answer = set(content_words(_answer(example)))
    own = [passage for passage in passages if passage.document in example.documents]
    if not own:
        return None
    return max(own, key=lambda passage: len(answer & set(content_words(passage.text))))


def _has_words(passage: Passage, answer: str) -> bool:
    """Tell whether the passage has a content word of the answer, or the answer has none."""
    words = set(content_words(answer))
    return not words or bool(words & set(content_words(f"{passage.heading} {passage.text}")))


def _passages(
    example: Example, oracle: Passage | None, near: Sequence[Passage], number: int, rng: np.random.Generator
) -> list[Passage]:
    """Return the oracle, if any, at a random place among the nearest passages of other documents."""
    distractors = [passage for passage in near if passage.document not in example.documents]
    chosen = distractors[: number - 1 if oracle else number]
    if oracle:
        chosen.insert(int(rng.integers(len(chosen) + 1)), oracle)
    return chosen


def _answer(example: Example) -> str:
    return example.messages[-1].content
