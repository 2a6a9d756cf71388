"""What scorers have to say for values that they gave, counted over all cases, so that a mean shows what it rests on.

So far that is one thing: texts that an encoder read in part. Knows no scorer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from groundtune.values import Score

CUT = "cut: "


def cut(texts: Sequence[str], longest: int) -> str:
    """Return the reason that goes with a value if `texts` ("the answer") were cut after `longest` word pieces."""
    if not texts:
        return ""
    are = "is" if len(texts) == 1 else "are"
    return f"{CUT}{' and '.join(texts)} {are} longer than the {longest} word pieces that the encoder reads"


def remarks(scores: Mapping[str, Sequence[Score]]) -> list[str]:
    """Return a sentence for each such reason, with the number of cases; `scores` are by scorer.

    >>> reason = cut(["the answer"], 512)
    >>> remarks({"bertscore_f1": [Score(0.5), Score(0.4, reason)]})
    ['bertscore_f1: in 1 of 2 cases the answer is longer than the 512 word pieces that the encoder reads, and was cut.']
    """
    scorers: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for name, given in scores.items():
        values = [score for score in given if score.value is not None]
        reasons = Counter(score.reason for score in values if score.reason.startswith(CUT))
        for reason, count in reasons.items():
            scorers[reason, count, len(values)].append(name)
    return [
        f"{', '.join(names)}: in {count} of {total} cases {reason.removeprefix(CUT)}, and "
        f"{'was' if ' is longer' in reason else 'were'} cut."
        for (reason, count, total), names in scorers.items()
    ]
