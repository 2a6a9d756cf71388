"""Which candidate to ship, how sure that is, and why, in sentences that need no statistician.

Pure: takes means, differences and latencies, and knows no model, benchmark or file. The rule: the leader by mean
on the deciding scorer, and all that no other is shown to beat, stand for choice; of these the simplest is shipped.
It is told openly when that is a choice by simplicity and not by proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundtune.assembly.candidates import Cost
from groundtune.values import Difference, Estimate, Verdict

MOST_FAILED = 0.2  # a candidate that fails more of its cases has not been measured
FEWEST_GROUPS = 6  # with fewer, no two-sided test can reach 5 % (2 ÷ 2^6)


@dataclass(frozen=True, slots=True)
class Contender:
    """A candidate as far as choosing goes: `score` on the deciding scorer, median `seconds` to a whole answer,
    share of cases on which it `abstained`, (answered all the same, asked) of those without an answer, the deciding
    scorer's mean over those `answerable`, and what it costs to keep and to run (None if unknown)."""

    name: str
    score: Estimate
    seconds: float | None = None
    abstained: float | None = None
    made_up: tuple[int, int] | None = None
    answerable: Estimate | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What the choice stands on: `scale` is the lowest and highest value of the deciding scorer, `detectable` the
    smallest true difference that these cases find four times in five (None if unknown), `steps` the pairs (simpler,
    richer) in which the second has one part more."""

    decide_by: str
    cases: int
    groups: int
    scale: tuple[float, float] = (0.0, 1.0)
    detectable: float | None = None
    confidence: float = 0.95
    margin: float = 0.02
    steps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`candidate` is None where nothing can be said. `indistinguishable` holds the leader and all that the cases
    cannot tell from it, the chosen one first; `sure` is true if all of those make no difference that matters."""

    candidate: str | None
    indistinguishable: tuple[str, ...]
    more_cases_needed: int | None
    reasons: tuple[str, ...]
    sure: bool


def _simplicity(contender: Contender) -> tuple[bool, Cost]:
    """Return a rank: lower is cheaper to keep and to run. Where the cost is unknown, a candidate comes last."""
    return contender.cost is None, contender.cost or Cost(0, 0)


def recommend(contenders: Sequence[Contender], differences: Sequence[Difference], ground: Ground) -> Recommendation:
    """Choose among `contenders`; `differences` are of all pairs and all scorers."""
    decision = _Decision(contenders, differences, ground)
    measured = [one for one in contenders if _measured(one)]
    excluded = decision.excluded()
    if not measured:
        none = f"No candidate has enough scores on {ground.decide_by} to recommend any."
        return Recommendation(None, (), None, (none, *excluded), sure=False)
    if ground.groups < FEWEST_GROUPS and len(measured) > 1:
        return Recommendation(None, (), None, (_too_few(ground), *decision.means(), *excluded), sure=False)
    leader = max(measured, key=_mean)
    # what another candidate beats beyond doubt is no choice, even if the leader, whose lead may be noisier, does not
    open_to_choice = [one for one in measured if one is leader or not decision.beaten(one, measured)]
    choice = min(open_to_choice, key=lambda one: (_simplicity(one), -_mean(one)))
    others = sorted((one for one in open_to_choice if one is not choice), key=_mean, reverse=True)
    rival = leader if choice is not leader else (others[0] if others else None)
    reasons = (
        decision.headline(choice, others),
        *decision.why_simplest(choice, leader, others),
        *decision.means(),
        *decision.where_answerable(),
        *decision.against_others(choice, open_to_choice),
        *decision.regressions(),
        *decision.disagreements(choice.name),
        *decision.manners(choice),
        *excluded,
        *decision.power(),
    )
    threats = decision.threats(leader, [one for one in measured if one not in open_to_choice])
    if threats:
        return Recommendation(None, (), None, (*threats, *decision.means(), *excluded), sure=False)
    sure = all(decision.verdict(choice.name, one.name) == "equivalent" for one in others)
    found = decision.find(choice.name, rival.name) if rival else None
    needed = None if sure or found is None else found.more_cases_needed
    return Recommendation(choice.name, (choice.name, *(one.name for one in others)), needed, reasons, sure)


def figure(value: float, scale: tuple[float, float] = (0.0, 1.0)) -> str:
    """Return `value` with the digits that mean something: two on a scale to 1 (three below 0.1), one beyond.

    >>> figure(0.6134), figure(-0.0234), figure(31.49, (0, 100))
    ('0.61', '−0.023', '31.5')
    """
    digits = 1 if scale[1] - scale[0] > 2 else 3 if 0 < abs(value) < 0.0995 else 2
    return f"{value:.{digits}f}".replace("-", "−")


def verdict_words(found: Difference, seen_from: str | None = None) -> str:
    """Return the verdict as it is shown everywhere: of the challenger, unless `seen_from` names the baseline.

    >>> from groundtune.values import Difference, Estimate
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.1, -0.1, 0.3, 40), 0.2, "cannot tell", 120))
    'cannot tell, about 120 more cases needed'
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.2, 0.1, 0.3, 40), 0.01, "better"), "base")
    'worse'
    """
    verdict = _seen_from(found, seen_from or found.challenger)
    if verdict != "cannot tell" or found.more_cases_needed is None:
        return verdict
    plural = "" if found.more_cases_needed == 1 else "s"
    return f"{verdict}, about {found.more_cases_needed:,} more case{plural} needed"


def percent(share: float) -> str:
    """Return 0.123 as "12 %", and never a share above nothing as "0 %"."""
    return "under 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def _measured(one: Contender) -> bool:
    asked = one.score.scored + one.score.failed
    return one.score.mean is not None and one.score.failed <= MOST_FAILED * asked


def _mean(one: Contender) -> float:
    return one.score.mean if one.score.mean is not None else float("-inf")


def _too_few(ground: Ground) -> str:
    return (
        f"The evidence cannot tell: {ground.cases} cases in {ground.groups} independent group"
        f"{'' if ground.groups == 1 else 's'} cannot show any difference, however large. "
        f"At least {FEWEST_GROUPS} groups are needed for any test, and some dozens for a useful one."
    )


def _names(contenders: Sequence[Contender]) -> str:
    names = [one.name for one in contenders]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class _Decision:
    """The findings of one recommendation, a method for each kind of sentence."""

    def __init__(self, contenders: Sequence[Contender], differences: Sequence[Difference], ground: Ground) -> None:
        self._contenders = contenders
        self._differences = differences
        self._ground = ground

    # --- relations --------------------------------------------------------------------------------

    def find(self, one: str, other: str) -> Difference | None:
        """Return the deciding difference of these two, whichever is its baseline."""
        for found in self._differences:
            if found.scorer == self._ground.decide_by and {found.baseline, found.challenger} == {one, other}:
                return found
        return None

    def verdict(self, one: str, other: str) -> Verdict:
        """Return what `one` is, seen against `other`."""
        found = self.find(one, other)
        return "cannot tell" if found is None else _seen_from(found, one)

    def beaten(self, one: Contender, measured: Sequence[Contender]) -> bool:
        """Whether `one` is below any of the others beyond doubt."""
        return any(self.verdict(one.name, other.name) == "worse" for other in measured if other is not one)

    def _bound(self, one: Contender, *, best: bool) -> float:
        """The mean if every failed case had got the highest or the lowest score that there is."""
        failed = self._ground.scale[1] if best else self._ground.scale[0]
        total = one.score.scored + one.score.failed
        return (_mean(one) * one.score.scored + failed * one.score.failed) / total

    # --- sentences --------------------------------------------------------------------------------

    def headline(self, choice: Contender, others: Sequence[Contender]) -> str:
        if not others:
            rivals = [one for one in self._contenders if one is not choice and _measured(one)]
            if len(self._contenders) == 1:
                best = "is the only candidate measured"
            elif all(self.verdict(one.name, choice.name) == "worse" for one in rivals):
                best = "is better than every other one"
            else:
                best = "leads, and every other one is worse than some other"
            return f"Ship {choice.name}: on {self._ground.decide_by} it {best}."
        if all(self.verdict(choice.name, one.name) == "equivalent" for one in others):
            small = f"less than {self._figure(self._ground.margin)} either way"
            return (
                f"Ship {choice.name}: {_names(others)} made no difference that matters ({small}); it is the simplest."
            )
        return f"Ship {choice.name} for now: these cases cannot tell it from {_names(others)}."

    def why_simplest(self, choice: Contender, leader: Contender, others: Sequence[Contender]) -> list[str]:
        if not others:
            return []
        sentences = [
            "This is a choice by simplicity, not by proof: of candidates that cannot be told apart, the one that is "
            "cheapest to run and to keep up to date is preferred, retrieval before tuning."
        ]
        rival = leader if choice is not leader else others[0]
        found = self.find(choice.name, rival.name)
        if found is None:
            sentences.append(f"{choice.name} and {rival.name} were not compared on the same cases.")
        elif found.verdict == "cannot tell":
            sentences.append(self._what_would_tell(choice, rival, found))
        return sentences

    def _what_would_tell(self, choice: Contender, rival: Contender, found: Difference) -> str:
        seen = self._difference(found, rival.name)
        text = f"{rival.name} against {choice.name}: {seen}."
        if found.more_cases_needed is None:
            return f"{text} No benchmark of a sensible size would tell these two apart."
        more = f"{found.more_cases_needed:,} more case{'' if found.more_cases_needed == 1 else 's'}"
        return f"{text} About {more} would tell them apart, if the difference is what it looks like now."

    def means(self) -> list[str]:
        scored = sorted((one for one in self._contenders if one.score.mean is not None), key=_mean, reverse=True)
        parts = [f"{one.name} {self._estimate(one.score)}" for one in scored]
        if not parts:
            return []
        interval = percent(self._ground.confidence)
        return [f"Mean {self._ground.decide_by}, with the {interval} interval in brackets: {'; '.join(parts)}."]

    def where_answerable(self) -> list[str]:
        """Tell apart what is gained by answers and what by "I do not know"."""
        means = {
            one.name: one.answerable for one in self._contenders if one.answerable and one.answerable.mean is not None
        }
        if not means or not any(one.made_up and one.made_up[1] for one in self._contenders):
            return []
        ordered = sorted(means.items(), key=lambda pair: -(pair[1].mean or 0.0))
        parts = "; ".join(f"{name} {self._estimate(found)}" for name, found in ordered)
        return [f"The same over the questions that have an answer only: {parts}."]

    def against_others(self, choice: Contender, open_to_choice: Sequence[Contender]) -> list[str]:
        sentences = []
        for other in self._contenders:
            found = self.find(choice.name, other.name)
            if other not in open_to_choice and found is not None and found.difference.mean is not None:
                words = verdict_words(found, choice.name)
                sentences.append(
                    f"{choice.name} against {other.name}: {words}; {self._difference(found, choice.name)}."
                )
        return sentences

    def regressions(self) -> list[str]:
        """Adding a part ought to help; where it hurts, that is a finding."""
        sentences = []
        for simpler, richer in self._ground.steps:
            found = self.find(simpler, richer)
            if found is not None and _seen_from(found, richer) == "worse":
                sentences.append(
                    f"{richer} is below {simpler}, which has less to it: {self._difference(found, richer)}."
                )
        return sentences

    def disagreements(self, choice: str) -> list[str]:
        """Name the scorers by which another candidate is better than the choice."""
        losing: dict[str, list[str]] = {}
        for found in self._differences:
            if found.scorer != self._ground.decide_by and choice in (found.baseline, found.challenger):
                other = found.baseline if found.challenger == choice else found.challenger
                if _seen_from(found, choice) == "worse":
                    losing.setdefault(other, []).append(found.scorer)
        return [
            f"Not every measure agrees: {other} is better than {choice} by {', '.join(scorers)}."
            for other, scorers in losing.items()
        ]

    def manners(self, choice: Contender) -> list[str]:
        sentences = []
        if choice.seconds is not None:
            others = [one for one in self._contenders if one is not choice and one.seconds is not None]
            beside = ", ".join(f"{one.name} {one.seconds:.1f} s" for one in others)
            beside = f" ({beside})" if beside else ""
            sentences.append(f"{choice.name} takes {choice.seconds:.1f} seconds for a typical answer{beside}.")
        if choice.abstained is not None:
            sentences.append(f'{choice.name} said "I do not know" to {percent(choice.abstained)} of the questions.')
        if choice.made_up is not None and choice.made_up[1]:
            answered, asked = choice.made_up
            sentences.append(
                f"Of the {asked} questions that the documents do not answer, {choice.name} made up an answer to "
                f"{answered or 'none'}."
            )
        return sentences

    def threats(self, leader: Contender, beaten: Sequence[Contender]) -> list[str]:
        """Say where cases that failed could overturn what the scored ones show."""
        sentences = []
        for other in beaten:
            worst, best = self._bound(leader, best=False), self._bound(other, best=True)
            if leader.score.failed + other.score.failed and best > worst:
                sentences.append(
                    f"The evidence cannot tell, because scores are missing: {leader.name} looks better than "
                    f"{other.name}, but {leader.score.failed} and {other.score.failed} of their cases failed. If the "
                    f"first had been wrong and the second right there, the means would be {self._figure(worst)} and "
                    f"{self._figure(best)}. Run the failed cases again."
                )
        return sentences

    def excluded(self) -> list[str]:
        sentences = []
        for one in self._contenders:
            asked = one.score.scored + one.score.failed
            if one.score.mean is None:
                sentences.append(
                    f"{one.name} could not be considered: none of its cases has a score ({one.score.failed} failed, "
                    f"{one.score.unscored} not applicable)."
                )
            elif not _measured(one):
                sentences.append(
                    f"{one.name} was not considered: it failed on {one.score.failed} of {asked} cases. Mend that first."
                )
        return sentences

    def power(self) -> list[str]:
        if self._ground.detectable is None:
            return []
        smallest = self._figure(self._ground.detectable)
        return [
            f"What this benchmark can show: with {self._ground.cases} cases in {self._ground.groups} groups, a true "
            f"difference of {smallest} on {self._ground.decide_by} is found four times in five; smaller ones are "
            "mostly missed."
        ]

    # --- figures ----------------------------------------------------------------------------------

    def _figure(self, value: float) -> str:
        return figure(value, self._ground.scale)

    def _estimate(self, found: Estimate) -> str:
        if found.mean is None:
            return "no score"
        if found.low is None or found.high is None:
            return self._figure(found.mean)
        return f"{self._figure(found.mean)} ({self._figure(found.low)} to {self._figure(found.high)})"

    def _difference(self, found: Difference, seen_from: str) -> str:
        """Return the difference in words, with the sign as `seen_from` has it."""
        mean, low, high = found.difference.mean, found.difference.low, found.difference.high
        if mean is None:
            return "no case has a score of both"
        sign = 1 if found.challenger == seen_from else -1
        text = f"{self._signed(sign * mean)}"
        if low is not None and high is not None:
            least, most = sorted((sign * low, sign * high))
            sure = percent(self._ground.confidence)
            text += f" ({sure} sure to lie between {self._signed(least)} and {self._signed(most)})"
        chance = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
        return f"{text}, {chance}, on the {found.difference.scored} cases that both have a score for"

    def _signed(self, value: float) -> str:
        digits = 1 if self._ground.scale[1] - self._ground.scale[0] > 2 else 3
        return f"{value:+.{digits}f}".replace("-", "−")


def _seen_from(found: Difference, name: str) -> Verdict:
    turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    return found.verdict if found.challenger == name else turned.get(found.verdict, found.verdict)
