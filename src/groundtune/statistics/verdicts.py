"""Better, worse, equivalent or cannot tell: what may be said of a difference, and what it would take to say more.

Knows differences with their intervals and p-values; not how either was computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from groundtune.statistics.sample import Method
from groundtune.statistics.size import POWER
from groundtune.values import Difference, Verdict

MOST_CASES = 100_000  # a benchmark that would have to be larger is no advice


@dataclass(frozen=True, slots=True)
class DifferenceBasis:
    """What a difference rests on: `sd` per case with groups allowed for; `span` of the scale is only given where
    all groups differ by the same, so that `sd` is 0 and tells nothing."""

    cases: int
    groups: int
    sd: float
    span: float | None = None


def judged(
    differences: Sequence[Difference], bases: Sequence[DifferenceBasis | None], method: Method, floor: float = 0.0
) -> list[Difference]:
    """Return the differences of one scorer with p-values corrected for their number and with verdicts.

    The correction is Bonferroni's, not Holm's: Holm's lowers what one pair has to show as soon as another pair has
    shown it, so that a candidate could be beaten because it had become better (docs/decisions/0010-advice.md).

    - **better**, **worse**: the corrected p-value speaks against no difference, and the difference is at least the
      margin and larger than `floor`, by which one candidate differs from itself. Where scores are missing, it is
      enough that it may be: see `Difference.most`.
    - **equivalent**: the whole interval lies within the margin. These are the two one-sided tests of equivalence
      (Schuirmann 1987), each at half the error rate, so that a false one is rarer than a false "better".
    - **cannot tell**: neither, with about how many more cases would tell.

    `bases` is None where nothing can be told, as with one group.
    """
    return [
        _judge(replace(difference, p_value=p_value), basis, method, len(differences), floor)
        for difference, basis, p_value in zip(
            differences, bases, corrected([difference.p_value for difference in differences]), strict=True
        )
    ]


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number: multiplied by it (Bonferroni; Dunn 1961, doi:10.2307/2282330)."""
    return [min(1.0, p_value * len(p_values)) for p_value in p_values]


def _judge(
    difference: Difference, basis: DifferenceBasis | None, method: Method, family: int, floor: float
) -> Difference:
    verdict = _verdict(difference, method, floor)
    if verdict != "cannot tell" or basis is None or difference.difference.mean is None:
        return replace(difference, verdict=verdict, more_cases_needed=None)
    needed = _cases(basis, abs(difference.difference.mean), method, method.alpha / family, floor)
    more = None if needed > MOST_CASES else max(1, math.ceil(needed) - basis.cases)
    return replace(difference, verdict=verdict, more_cases_needed=more)


def _verdict(difference: Difference, method: Method, floor: float) -> Verdict:
    mean, low, high = difference.difference.mean, difference.difference.low, difference.difference.high
    if mean is None or low is None or high is None:
        return "cannot tell"
    reach = _reach(difference, mean)
    if difference.p_value <= method.alpha and mean and reach >= method.margin and reach > floor:
        return "better" if mean > 0 else "worse"
    if -method.margin <= low and high <= method.margin:
        return "equivalent"
    return "cannot tell"


def _reach(difference: Difference, mean: float) -> float:
    """Return how large the difference may be, with missing scores in favour of the one who leads."""
    if mean > 0:
        return mean if difference.most is None else difference.most
    return -mean if difference.least is None else -difference.least


def _cases(basis: DifferenceBasis, seen: float, method: Method, alpha: float, floor: float) -> float:
    """Return how many cases would tell, if the difference is as seen, or if it is none after all.

    A difference that matters is to be found, one below the margin to be shown equivalent; either with
    probability `POWER` (for equivalence: Chow, Shao & Wang 2008, "Sample Size Calculations", 3.2.3).
    """
    a_group = basis.cases / basis.groups
    fewest = (1 + math.log2(1 / alpha)) * a_group  # 2^-(groups - 1) is the smallest p-value there is
    if seen >= method.margin:
        quiet = basis.cases * (floor / seen) ** 2  # the floor sinks as intervals do
        needed = max(quiet, (_z_sum(alpha, POWER) * basis.sd / seen) ** 2)
    elif basis.span is not None:
        needed = _groups_for_constant(basis.span, seen, method) * a_group
    else:
        needed = (_z_sum(method.alpha, (1 + POWER) / 2) * basis.sd / method.margin) ** 2
    return max(needed, fewest)


def _groups_for_constant(span: float, seen: float, method: Method) -> float:
    """Return the groups after which a difference that is always the same has an interval within the margin."""
    share = (method.margin - seen) / (span or 1.0)
    return 1.0 if share >= 1 else math.log(method.alpha / 2) / math.log(1 - share)


def _z_sum(alpha: float, power: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2) + ndtri(power))
