"""Passages that say nearly the same, as boilerplate that many documents repeat: the best one is kept.

Compares pairs of neighbouring words, and never takes two passages for one that differ in a number, a name with a digit
or a word that turns a sentence round. Knows no vectors and no store.

Broder, "On the Resemblance and Containment of Documents", 1997: resemblance, with shingles of two words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from groundtune.comparing import StatedNumber, figures, tokens, turns
from groundtune.values import Passage

REMEMBERED = 1024  # passages: each is compared with all that rank above it


def nearly_same(left: Passage, right: Passage, least: float) -> bool:
    """Tell whether two passages say nearly the same: of all pairs of words in either, both have a share of `least`.

    Never where they differ in a word that tells them apart, or in figures, those of their headings among them.
    """
    own, other = _shingles(left.text), _shingles(right.text)
    if len(own & other) < least * len(own | other):
        return False
    different = set(tokens(left.text)) ^ set(tokens(right.text))
    return not any(map(_telling, different)) and _figures(left) == _figures(right)


@lru_cache(maxsize=REMEMBERED)
def _shingles(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(("", *tokens(text))))


def _telling(word: str) -> bool:
    return turns(word) or any(letter.isdigit() for letter in word)


def _figures(passage: Passage) -> list[StatedNumber]:
    return figures(f"{passage.heading}\n{passage.text}")


def without_near_duplicates(passages: Sequence[Passage], least: float) -> list[Passage]:
    """Return `passages`, best first, without those that say nearly the same as an earlier one.

    Those that are kept name the sources of the others in `also_in`. With `least` 0 all are kept.
    """
    kept: list[Passage] = []
    if not least:
        return list(passages)
    for passage in passages:
        place = next((place for place, other in enumerate(kept) if nearly_same(other, passage, least)), None)
        if place is None:
            kept.append(replace(passage, rank=len(kept) + 1))
        else:
            kept[place] = replace(kept[place], also_in=(*kept[place].also_in, passage.source))
    return kept
