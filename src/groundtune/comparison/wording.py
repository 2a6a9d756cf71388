"""How figures, differences and verdicts are worded, in the same way everywhere. Knows values only."""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundtune.values import Difference, Estimate, Verdict


def figure(value: float, scale: tuple[float, float] = (0.0, 1.0)) -> str:
    """Return `value` with the digits that mean something: two on a scale to 1 (three below 0.1), one beyond.

    What is not zero is never written as zero.

    >>> figure(0.6134), figure(-0.0234), figure(31.49, (0, 100)), figure(0.00004)
    ('0.61', '−0.023', '31.5', '0.00004')
    """
    digits = 1 if scale[1] - scale[0] > 2 else 3 if 0 < abs(value) < 0.0995 else 2
    if value and abs(value) < 0.5 * 10**-digits:
        digits = math.ceil(-math.log10(abs(value)))
    return f"{value:.{digits}f}".replace("-", "−")


def with_interval(estimate: Estimate, scale: tuple[float, float]) -> str:
    """Return the mean with its interval in brackets.

    >>> with_interval(Estimate(0.5, 0.41, 0.59, 100), (0, 1)), with_interval(Estimate(None, None, None, 0), (0, 1))
    ('0.50 (0.41 to 0.59)', 'no score')
    """
    if estimate.mean is None:
        return "no score"
    if estimate.low is None or estimate.high is None:
        return figure(estimate.mean, scale)
    return f"{figure(estimate.mean, scale)} ({figure(estimate.low, scale)} to {figure(estimate.high, scale)})"


def signed(value: float, scale: tuple[float, float]) -> str:
    """Return a difference with its sign. What is zero when rounded is never negative.

    >>> signed(-0.1234, (0, 1)), signed(3.21, (0, 100)), signed(-0.0, (0, 1))
    ('−0.123', '+3.2', '+0.000')
    """
    digits = 1 if scale[1] - scale[0] > 2 else 3
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """Return 0.123 as "12 %", and never a share above nothing as "0 %", nor one below all as "100 %"."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def more_cases(number: int) -> str:
    """Return "1 more case" or "340 more cases"."""
    return f"{number:,} more case{'' if number == 1 else 's'}"


def verdict_words(difference: Difference, seen_from: str | None = None) -> str:
    """Return the verdict as it is shown everywhere: of the challenger, unless `seen_from` names the baseline.

    >>> from groundtune.values import Difference, Estimate
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.1, -0.1, 0.3, 40), 0.2, "cannot tell", 120))
    'cannot tell, about 120 more cases needed'
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.2, 0.1, 0.3, 40), 0.01, "better"), "base")
    'worse'
    """
    verdict = verdict_of(difference, seen_from or difference.challenger)
    if verdict != "cannot tell" or difference.more_cases_needed is None:
        return verdict
    return f"{verdict}, about {more_cases(difference.more_cases_needed)} needed"


def difference_words(difference: Estimate, scale: tuple[float, float], confidence: float, sign: int = 1) -> str:
    """Return a difference with its interval; `sign` −1 turns it round.

    >>> difference_words(Estimate(0.2, 0.1, 0.3, 40), (0, 1), 0.95, -1)
    '−0.200 (95 % sure to lie between −0.300 and −0.100)'
    """
    if difference.mean is None:
        return "no case has a score for both"
    text = signed(sign * difference.mean, scale)
    if difference.low is None or difference.high is None:
        return text
    least, most = sorted((sign * difference.low, sign * difference.high))
    between = f"{signed(least, scale)} and {signed(most, scale)}"
    return f"{text} ({percent(confidence)} sure to lie between {between})"


def verdict_of(difference: Difference, name: str) -> Verdict:
    """Return what the candidate `name` is, compared with the other one of the difference."""
    return difference.verdict if difference.challenger == name else opposite(difference.verdict)


def opposite(verdict: Verdict) -> Verdict:
    """Return the verdict as it is from the other side, or where less is better."""
    turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    return turned.get(verdict, verdict)


def first_of(names: Sequence[str], most: int) -> str:
    """Return at most so many of `names`; a mark says that there are more.

    >>> first_of(["a", "b", "c"], 2)
    'a, b, …'
    """
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def listed(names: list[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
