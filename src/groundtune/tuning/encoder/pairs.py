"""What an encoder learns from: pairs of a question and a passage that answers it, with passages that do not.

Decides which pairs are held out, and which go together into a batch: no passage may stand against a question that it
answers. Knows no documents, no stores and no encoder.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundtune.errors import TuningError
from groundtune.values import digest

QUESTION, PASSAGE = "question", "passage"
"""The columns of a row; `negative_1` and so on follow."""


@dataclass(frozen=True, slots=True)
class QuestionPair:
    """A question, a passage that answers it, and the `negatives`, hardest first, which do not, as they are embedded.

    `answers` are all passages that are known to answer it, `passage` among them. Pairs of one `group` are learned from
    together, or held out together.
    """

    question: str
    passage: str
    negatives: tuple[str, ...]
    answers: frozenset[str]
    group: str

    @property
    def passages(self) -> frozenset[str]:
        """The passages that it brings into a batch."""
        return frozenset((self.passage, *self.negatives))

    def clashes_with(self, other: QuestionPair) -> bool:
        """Tell whether one of the two would have the other learn that an answer is none."""
        if self.question == other.question:
            return True
        return bool(self.answers & other.passages or other.answers & self.passages)


def pairs_hash(pairs: Sequence[QuestionPair]) -> str:
    """Identify a set of pairs, whatever their order."""
    parts = (
        json.dumps([pair.question, pair.passage, *pair.negatives, sorted(pair.answers), pair.group]) for pair in pairs
    )
    return digest(*sorted(parts))


def hold_out_groups(
    pairs: Sequence[QuestionPair], number: int, rng: np.random.Generator
) -> tuple[list[QuestionPair], list[QuestionPair]]:
    """Return (training, held out): whole groups, in random order, with `number` pairs together, at most a fifth.

    A group that is larger than what is left is passed over; if all are, the smallest one is held out. Raises
    `TuningError` for fewer than two groups.
    """
    sizes: dict[str, int] = {}
    for pair in pairs:
        sizes[pair.group] = sizes.get(pair.group, 0) + 1
    if len(sizes) < 2:
        raise TuningError(
            f"the pairs of questions and passages are of {len(sizes)} group{'' if len(sizes) == 1 else 's'}. At least "
            "2 are needed: one is held out for early stopping.",
            remedy="Add development cases with `passages`, or training conversations with `documents`.",
        )
    most, apart, held = min(number, len(pairs) // 5), set[str](), 0
    groups = sorted(sizes)
    for place in rng.permutation(len(groups)):
        group = groups[place]
        if held + sizes[group] <= most:
            apart.add(group)
            held += sizes[group]
    apart = apart or {min(groups, key=lambda group: (sizes[group], group))}
    return [pair for pair in pairs if pair.group not in apart], [pair for pair in pairs if pair.group in apart]


def batches(
    pairs: Sequence[QuestionPair], size: int, passes: int, rng: np.random.Generator | None = None
) -> list[list[int]]:
    """Return the indices of the pairs of each batch, for all passes; in the given order without `rng`.

    Each pair comes once in a pass. A batch has `size` pairs, or fewer where all that are left would clash with them.
    """
    drawn: list[list[int]] = []
    for _ in range(passes):
        order = range(len(pairs)) if rng is None else rng.permutation(len(pairs)).tolist()
        left = deque(order)
        while left:
            batch: list[int] = []
            passed_over: list[int] = []
            while left and len(batch) < size:
                index = left.popleft()
                clashes = any(pairs[index].clashes_with(pairs[other]) for other in batch)
                (passed_over if clashes else batch).append(index)
            left.extendleft(reversed(passed_over))
            drawn.append(batch)
    return drawn


def filled(pairs: Sequence[QuestionPair], negatives: int, rng: np.random.Generator) -> tuple[list[QuestionPair], int]:
    """Return the pairs with equally many negatives each, and how many of these were drawn at random.

    Where too few passages were found for a question that do not answer it, passages of pairs of other groups stand in.
    If there are not enough of them either, all pairs have fewer.
    """
    pool = sorted({(text, pair.group) for pair in pairs for text in pair.passages})
    made = []
    for pair in pairs:
        own = list(pair.negatives[:negatives])
        for place in rng.permutation(len(pool)) if len(own) < negatives else ():
            text, group = pool[place]
            if group != pair.group and text not in pair.answers and text not in own:
                own.append(text)
            if len(own) == negatives:
                break
        made.append(replace(pair, negatives=tuple(own)))
    width = min((len(pair.negatives) for pair in made), default=0)
    made = [replace(pair, negatives=pair.negatives[:width]) for pair in made]
    drawn = sum(len(set(own.negatives) - set(pair.negatives)) for own, pair in zip(made, pairs, strict=True))
    return made, drawn


def row(pair: QuestionPair) -> dict[str, str]:
    """Return the texts of a pair by column."""
    columns = {QUESTION: pair.question, PASSAGE: pair.passage}
    return columns | {f"negative_{place}": text for place, text in enumerate(pair.negatives, 1)}
