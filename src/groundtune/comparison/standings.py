"""What was measured of the candidates on the deciding scorer, and where each stands: open to choice, beaten, in doubt.

Pure: takes means, differences and latencies, and knows no model, benchmark or file. Differences decide, never means:
two means may be over different cases, a difference never is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from groundtune.assembly.candidates import Cost
from groundtune.comparison.wording import verdict_of
from groundtune.values import Difference, Estimate, Verdict

MOST_MISSING = 0.2  # a candidate without a score on more of the cases has not been measured
FEWEST_GROUPS = 6  # with fewer, no two-sided test can reach 5 % (2 ÷ 2^6)


@dataclass(frozen=True, slots=True)
class Contender:
    """A candidate as far as choosing goes: `score` on the deciding scorer; median `seconds` to a whole answer over
    `timed` questions; on how many cases it `abstained`, of how many; (answered all the same, asked) of those without
    an answer; the deciding scorer over those `answerable`; and what it costs to keep and to run (None if unknown)."""

    name: str
    score: Estimate
    seconds: float | None = None
    timed: int = 0
    abstained: tuple[int, int] | None = None
    made_up: tuple[int, int] | None = None
    answerable: Estimate | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What the choice stands on.

    `cases` and `groups` count what the deciding scorer applies to: cases that any candidate has a score for or failed
    on. `scale` is its lowest and highest value. `detectable` is the smallest true difference that these cases find
    four times in five (None if unknown). `steps` are the pairs (simpler, richer) in which the second has one part
    more. `flat` says that all candidates have the same score on every case.
    """

    decide_by: str
    cases: int
    groups: int
    scale: tuple[float, float] = (0.0, 1.0)
    detectable: float | None = None
    confidence: float = 0.95
    margin: float = 0.02
    steps: tuple[tuple[str, str], ...] = ()
    higher_is_better: bool = True
    flat: bool = False


@dataclass(frozen=True)
class Standings:
    """Contenders with their differences, of all pairs and all scorers."""

    contenders: Sequence[Contender]
    differences: Sequence[Difference]
    ground: Ground

    @cached_property
    def _deciding(self) -> dict[frozenset[str], Difference]:
        return {
            frozenset((difference.baseline, difference.challenger)): difference
            for difference in self.differences
            if difference.scorer == self.ground.decide_by
        }

    def find(self, name: str, other: str) -> Difference | None:
        """Return the deciding difference of these two, whichever is its baseline."""
        return self._deciding.get(frozenset((name, other)))

    def verdict(self, name: str, other: str) -> Verdict:
        """Return what the candidate `name` is, compared with `other`."""
        difference = self.find(name, other)
        return "cannot tell" if difference is None else verdict_of(difference, name)

    def is_measured(self, contender: Contender) -> bool:
        """Whether it has a score on enough of the cases."""
        enough = (1 - MOST_MISSING) * self.ground.cases
        return contender.score.mean is not None and contender.score.scored >= enough

    def beaten_by(self, contender: Contender) -> list[Contender]:
        """Return who is shown to be better, on the cases that both have. Those that were not measured on enough cases
        count, too: they cannot be chosen, but what they beat must not be chosen either."""
        return [other for other in self.contenders if self.verdict(contender.name, other.name) == "worse"]

    @cached_property
    def measured(self) -> list[Contender]:
        """Those with a score on enough of the cases."""
        return [contender for contender in self.contenders if self.is_measured(contender)]

    @cached_property
    def open_to_choice(self) -> list[Contender]:
        """The measured ones that no other is shown to beat: the choice first, then those nearest to beating it."""
        unbeaten = [contender for contender in self.measured if not self.beaten_by(contender)]
        if not unbeaten:
            return []
        choice = min(unbeaten, key=self._rank)
        others = [contender for contender in unbeaten if contender is not choice]
        return [choice, *sorted(others, key=lambda other: -self.lead(other, choice))]

    @cached_property
    def in_doubt(self) -> list[tuple[Contender, Contender]]:
        """The measured ones that others beat, but none whatever the missing scores were; each with one that does."""
        doubted = []
        for contender in self.measured:
            better = self.beaten_by(contender)
            if better and not any(self._robust(contender, other) for other in better):
                chosen = [other for other in better if other in self.open_to_choice[:1]]
                doubted.append((contender, (chosen or better)[0]))
        return doubted

    def alike(self, name: Contender, other: Contender) -> bool:
        """Whether they are shown to make no difference that matters, whatever the missing scores were."""
        difference = self.find(name.name, other.name)
        return difference is not None and difference.verdict == "equivalent" and difference.robust

    def lead(self, name: Contender, other: Contender) -> float:
        """Return by how much the first is better than the other on the cases that both have; 0 if they have none."""
        difference = self.find(name.name, other.name)
        if difference is None or difference.difference.mean is None:
            return 0.0
        upward = (difference.challenger == name.name) == self.ground.higher_is_better
        return difference.difference.mean if upward else -difference.difference.mean

    def _robust(self, contender: Contender, other: Contender) -> bool:
        difference = self.find(contender.name, other.name)
        return difference is not None and difference.robust

    def _rank(self, contender: Contender) -> tuple[bool, Cost, float]:
        """Lower is preferred: cheaper to keep and to run (last where the cost is unknown); of equals, the one whose
        mean would be better if each missing score were the worst there is."""
        low, high = self.ground.scale
        score, worst = contender.score, low if self.ground.higher_is_better else high
        missing = max(0, self.ground.cases - score.scored)
        total = (score.mean or 0.0) * score.scored + worst * missing
        mean = total / max(1, score.scored + missing)
        return contender.cost is None, contender.cost or Cost(0, 0), -mean if self.ground.higher_is_better else mean
