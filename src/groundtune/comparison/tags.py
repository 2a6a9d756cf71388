"""The deciding scorer tag by tag: which kinds of questions a candidate answers well.

Knows the table of scores. Compares nothing: with many tags some difference always looks large, so there are means with
their intervals, and no verdicts.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from groundtune import statistics
from groundtune.comparison.report.data import TagResult
from groundtune.comparison.table import ScoreTable
from groundtune.statistics import Method

FEWEST_CASES = 10  # of a tag: fewer say next to nothing of others of their kind


def by_tag(table: ScoreTable, scorer: str, method: Method, seed: int) -> tuple[TagResult, ...]:
    """Return the estimate of every candidate on the cases of each tag that at least ten cases have, but not all."""
    counts = Counter(tag for case in table.cases for tag in set(case.tags))
    results = []
    for tag in sorted(tag for tag, count in counts.items() if FEWEST_CASES <= count < len(table.cases)):
        places = [place for place, case in enumerate(table.cases) if tag in case.tags]
        groups = [table.groups[place] for place in places]
        rng = np.random.default_rng(seed)  # its own, so that tags change no other figure
        scores = {
            candidate: statistics.estimate([column[place] for place in places], groups, method=method, rng=rng)
            for candidate, column in table.columns[scorer].items()
        }
        results.append(TagResult(tag, len(places), scores))
    return tuple(results)
