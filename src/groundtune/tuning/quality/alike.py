"""Whether two lines say the same: part by part, with what tells different things apart although they look alike.

Questions about two products, or two questions about one long passage, share most of their words and are no duplicates.
Knows no files and no signatures: it is given the words of both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from groundtune.tuning.quality.signatures import Hashes, jaccard, shingles

FOREIGN = 4  # words in a row that the other text does not have: something else is asked or said
_GAP = 3  # words in a row that two texts share by chance
_TYPO = 60  # similarity of two words, 0-100, from which one is a misspelling of the other
_ELSEWHERE = 0.6  # share of a run's words that stand elsewhere in the other text: it was moved
_LONG = 60  # words of a text in which one other figure is a slip as well
_MOST_WORDS = 5000  # of a text that are compared word by word
_NUMBER = re.compile(r"(?<!\w)\d(?:[\d ]*\d)?(?!\w)")


@dataclass(frozen=True, slots=True)
class LineParts:
    """The parts of a line, each as `signatures.plain` gives it: what must be alike one by one, such as question and
    answer. `shingles` are those of each part, sorted, each once."""

    parts: tuple[str, ...]
    shingles: tuple[Hashes, ...]


def said(parts: Sequence[str]) -> LineParts:
    """Return what is compared of a line."""
    hashes, offsets = shingles(parts)
    cuts = np.split(hashes, offsets[1:-1].astype(np.int64))
    return LineParts(tuple(parts), tuple(np.unique(cut) for cut in cuts))


def alike(left: LineParts, right: LineParts) -> float:
    """Return how alike two lines are: the smallest Jaccard similarity of a part; 0 where they say different things.

    >>> alike(said(["what is pebble", "8 euros"]), said(["what is pebble", "9 euros"]))
    0.0
    """
    least = 1.0
    for own, other, ours, theirs in zip(left.parts, right.parts, left.shingles, right.shingles, strict=True):
        if own != other:
            least = min(least, jaccard(ours, theirs))
    if least == 1.0 or least == 0.0:
        return least
    differ = any(
        own != other and (_other_numbers(own, other) or _other_things(own, other))
        for own, other in zip(left.parts, right.parts, strict=True)
    )
    return 0.0 if differ else least


def _other_numbers(left: str, right: str) -> bool:
    """Tell whether each has a number that the other lacks: other figures, not a slip."""
    if left.count(" ") >= _LONG and right.count(" ") >= _LONG:
        return False
    own, other = (Counter(number.replace(" ", "") for number in _NUMBER.findall(text)) for text in (left, right))
    return bool(own - other) and bool(other - own)


def _other_things(left: str, right: str) -> bool:
    """Tell whether each has a run of words that is foreign to the other."""
    own, other = left.split()[:_MOST_WORDS], right.split()[:_MOST_WORDS]
    ours, theirs = _unmatched(own, other)
    return _foreign(ours, theirs) and _foreign(theirs, ours)


def _unmatched(own: list[str], other: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the runs of words of either that the other does not have in that place, misspellings aside."""
    ours: list[list[str]] = [[]]
    theirs: list[list[str]] = [[]]
    for step in Levenshtein.opcodes(own, other):
        first, second = own[step.src_start : step.src_end], other[step.dest_start : step.dest_end]
        if step.tag == "equal":
            if len(first) >= _GAP:
                ours.append([])
                theirs.append([])
            continue
        if len(first) == len(second):
            kept = [pair for pair in zip(first, second, strict=True) if fuzz.ratio(*pair) < _TYPO]
            first, second = [word for word, _ in kept], [word for _, word in kept]
        ours[-1] += first
        theirs[-1] += second
    return ours, theirs


def _foreign(runs: list[list[str]], unmatched: list[list[str]]) -> bool:
    """Tell whether a run is long, and its words are not what stands unmatched elsewhere in the other text."""
    long = [run for run in runs if len(run) >= FOREIGN]
    if not long:
        return False
    elsewhere = {word for run in unmatched for word in run}
    return any(sum(word in elsewhere for word in run) < _ELSEWHERE * len(run) for run in long)
