"""The scores of a comparison in one table, from the runs to the report: by scorer, candidate and case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundtune.protocols import Scorer
from groundtune.values import Case, Score

Scores = Mapping[str, Sequence[Score]]  # of one run, by scorer, in order of the cases


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """`columns[scorer][candidate]` holds a score for each of `cases`, in their order."""

    cases: tuple[Case, ...]
    scorers: tuple[Scorer, ...]
    columns: Mapping[str, Scores]

    @property
    def groups(self) -> list[str]:
        """The group of each case."""
        return [case.group for case in self.cases]

    def at(self, place: int, *, totals: bool = True) -> dict[str, dict[str, Score]]:
        """Return the scores of the case at `place` by candidate and scorer; without `totals` only of scorers whose
        number is the mean of the cases."""
        scores: dict[str, dict[str, Score]] = {}
        for scorer in self.scorers:
            if totals or scorer.total is None:
                for candidate, column in self.columns[scorer.name].items():
                    scores.setdefault(candidate, {})[scorer.name] = column[place]
        return scores


def score_table(cases: Sequence[Case], scorers: Sequence[Scorer], runs: Mapping[str, Scores]) -> ScoreTable:
    """Return the table of `runs`, by candidate."""
    columns = {scorer.name: {name: scores[scorer.name] for name, scores in runs.items()} for scorer in scorers}
    return ScoreTable(tuple(cases), tuple(scorers), columns)
