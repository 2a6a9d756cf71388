"""Passages that say nearly the same, as boilerplate that many documents repeat: the best one is kept.

Compares words, in any order, and never takes two passages for one that differ in a number, a name with a digit or a
word that turns a sentence round. Knows no vectors and no store.

Broder, "On the Resemblance and Containment of Documents", 1997: the resemblance of two sets of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from groundtune.comparing import StatedNumber, figures, tokens
from groundtune.values import Passage

# Apostrophes do not count in comparable words: "doesn't" is "doesnt".
_TURNING = frozenset(
    "not no never none neither nor without except unless until before after only cannot cant dont doesnt didnt isnt "
    "arent wasnt werent wont wouldnt shouldnt couldnt mustnt hasnt havent".split()
)


def resemblance(left: Passage, right: Passage) -> float:
    """Return how much two passages say the same, in [0, 1]: the words of both texts ÷ the words of either.

    0 where their figures (with those of their headings), or the words that may not differ, are not the same.
    """
    own, other = set(tokens(left.text)), set(tokens(right.text))
    if any(_telling(word) for word in own ^ other) or _figures(left) != _figures(right):
        return 0.0
    return len(own & other) / len(own | other) if own | other else 1.0


def _telling(word: str) -> bool:
    return word in _TURNING or any(letter.isdigit() for letter in word)


def _figures(passage: Passage) -> list[StatedNumber]:
    return sorted(figures(f"{passage.heading}\n{passage.text}"), key=str)


def without_near_duplicates(passages: Sequence[Passage], least: float) -> list[Passage]:
    """Return `passages`, best first, without those that resemble an earlier one by at least `least`.

    Those that are kept name the sources of the others in `also_in`. With `least` 0 all are kept.
    """
    kept: list[Passage] = []
    if not least:
        return list(passages)
    for passage in passages:
        place = next((place for place, other in enumerate(kept) if resemblance(other, passage) >= least), None)
        if place is None:
            kept.append(replace(passage, rank=len(kept) + 1))
        else:
            kept[place] = replace(kept[place], also_in=(*kept[place].also_in, passage.source))
    return kept
