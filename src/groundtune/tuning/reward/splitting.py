"""Which judgments a reward model is not trained on: prompts that it never sees, and annotators. Pure.

Held-out annotators tell whether it learned what people prefer or what its teachers prefer (Ouyang et al. 2022,
arXiv 2203.02155, section 4.1, who hold out labellers).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundtune.tuning.reward.judged import JudgedPrompt, texts, without_annotators
from groundtune.values import Conversation, digest

LEAST_ANNOTATORS = 4  # with fewer, too much of the data would be held out with one of them
MOST_OF_ANNOTATORS = 0.25  # largest share of the judgments that is held out with annotators


@dataclass(frozen=True, slots=True)
class RewardSplit:
    """`training` and `held_out` share no prompt and no group; `training` has nothing that held-out annotators said.

    `unused` counts judgments that are on neither side: those of held-out annotators about prompts of training.
    """

    training: tuple[JudgedPrompt, ...]
    held_out: tuple[JudgedPrompt, ...]
    annotators: frozenset[str]
    unused: int


def split(prompts: Sequence[JudgedPrompt], share: float, rng: np.random.Generator) -> RewardSplit:
    """Hold out prompts with about `share` of the comparisons. The order of `prompts` does not matter."""
    families = _families(prompts)
    wanted = share * _size(prompts)
    held_out: list[JudgedPrompt] = []
    for index in rng.permutation(len(families)):
        if _size(held_out) >= wanted:
            break
        held_out += families[index]
    kept = {each.identity for each in held_out}
    training = [each for family in families for each in family if each.identity not in kept]
    annotators = _annotators(prompts, rng)
    reduced = [each for judged in training if (each := without_annotators(judged, annotators)).comparisons]
    return RewardSplit(tuple(reduced), tuple(held_out), annotators, _size(training) - _size(reduced))


def _families(prompts: Sequence[JudgedPrompt]) -> list[list[JudgedPrompt]]:
    """Return prompts that must stay together: same words but for blanks and case, or a group in common."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ordered = sorted(prompts, key=lambda each: each.identity)
    names: dict[str, int] = {}
    edges = [
        (place, names.setdefault(name, len(names)))
        for place, each in enumerate(ordered)
        for name in (f"prompt {same_words(each.prompt)}", *(f"group {group}" for group in each.groups))
    ]
    size = len(ordered) + len(names)
    rows, columns = [edge[0] for edge in edges], [len(ordered) + edge[1] for edge in edges]
    _, labels = connected_components(coo_matrix((np.ones(len(edges)), (rows, columns)), shape=(size, size)))
    families: dict[int, list[JudgedPrompt]] = {}
    for each, label in zip(ordered, labels, strict=False):
        families.setdefault(int(label), []).append(each)
    return list(families.values())


def _annotators(prompts: Sequence[JudgedPrompt], rng: np.random.Generator) -> frozenset[str]:
    said = Counter(each.annotator for judged in prompts for each in judged.comparisons if each.annotator)
    if len(said) < LEAST_ANNOTATORS:
        return frozenset()
    room, chosen = MOST_OF_ANNOTATORS * _size(prompts), []
    names = sorted(said)
    for index in rng.permutation(len(names)):
        name = names[index]
        if said[name] <= room:
            chosen.append(name)
            room -= said[name]
    return frozenset(chosen)


def _size(prompts: Sequence[JudgedPrompt]) -> int:
    return sum(len(each.comparisons) for each in prompts)


def same_words(prompt: Conversation) -> str:
    """Identify a prompt by its words, whatever their case and the blanks between them."""
    return digest(*(" ".join(part.casefold().split()) for part in texts(prompt)))
