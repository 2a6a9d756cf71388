"""Which candidate to ship, how sure that is, and why, in sentences that need no statistician.

Pure: takes means, differences and latencies, and knows no model, benchmark or file. The rule: the leader by mean
on the deciding scorer, and all that no other is shown to beat, are open to choice; the simplest of these is shipped.
The sentences say so when that is a choice by simplicity and not by proof.
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
    measured = [contender for contender in contenders if _measured(contender)]
    excluded = decision.excluded()
    if not measured:
        none = f"No candidate has enough scores on {ground.decide_by} to be recommended."
        return Recommendation(None, (), None, (none, *excluded), sure=False)
    if ground.groups < FEWEST_GROUPS and len(measured) > 1:
        return Recommendation(None, (), None, (_too_few(ground), *decision.means(), *excluded), sure=False)
    leader = max(measured, key=_mean)
    # what another candidate beats beyond doubt is no choice, even if the leader, whose lead may be noisier, does not
    open_to_choice = [each for each in measured if each is leader or not decision.beaten(each, measured)]
    choice = min(open_to_choice, key=lambda contender: (_simplicity(contender), -_mean(contender)))
    others = sorted((other for other in open_to_choice if other is not choice), key=_mean, reverse=True)
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
    threats = decision.threats(leader, [other for other in measured if other not in open_to_choice])
    if threats:
        return Recommendation(None, (), None, (*threats, *decision.means(), *excluded), sure=False)
    sure = all(decision.verdict(choice.name, other.name) == "equivalent" for other in others)
    difference = decision.find(choice.name, rival.name) if rival else None
    needed = None if sure or difference is None else difference.more_cases_needed
    return Recommendation(choice.name, (choice.name, *(other.name for other in others)), needed, reasons, sure)


def figure(value: float, scale: tuple[float, float] = (0.0, 1.0)) -> str:
    """Return `value` with the digits that mean something: two on a scale to 1 (three below 0.1), one beyond.

    >>> figure(0.6134), figure(-0.0234), figure(31.49, (0, 100))
    ('0.61', '−0.023', '31.5')
    """
    digits = 1 if scale[1] - scale[0] > 2 else 3 if 0 < abs(value) < 0.0995 else 2
    return f"{value:.{digits}f}".replace("-", "−")


def verdict_words(difference: Difference, seen_from: str | None = None) -> str:
    """Return the verdict as it is shown everywhere: of the challenger, unless `seen_from` names the baseline.

    >>> from groundtune.values import Difference, Estimate
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.1, -0.1, 0.3, 40), 0.2, "cannot tell", 120))
    'cannot tell, about 120 more cases needed'
    >>> verdict_words(Difference("bleu", "base", "rag", Estimate(0.2, 0.1, 0.3, 40), 0.01, "better"), "base")
    'worse'
    """
    verdict = _seen_from(difference, seen_from or difference.challenger)
    if verdict != "cannot tell" or difference.more_cases_needed is None:
        return verdict
    return f"{verdict}, about {_more_cases(difference.more_cases_needed)} needed"


def percent(share: float) -> str:
    """Return 0.123 as "12 %", and never a share above nothing as "0 %"."""
    return "under 1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def _more_cases(number: int) -> str:
    return f"{number:,} more case{'' if number == 1 else 's'}"


def _measured(contender: Contender) -> bool:
    asked = contender.score.scored + contender.score.failed
    return contender.score.mean is not None and contender.score.failed <= MOST_FAILED * asked


def _mean(contender: Contender) -> float:
    return contender.score.mean if contender.score.mean is not None else float("-inf")


def _too_few(ground: Ground) -> str:
    return (
        f"The evidence cannot tell: {ground.cases} cases in {ground.groups} independent group"
        f"{'' if ground.groups == 1 else 's'} cannot show any difference, however large. "
        f"At least {FEWEST_GROUPS} groups are needed for any test, and several dozen for a useful one."
    )


def _names(contenders: Sequence[Contender]) -> str:
    names = [contender.name for contender in contenders]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class _Decision:
    """The findings of one recommendation, a method for each kind of sentence."""

    def __init__(self, contenders: Sequence[Contender], differences: Sequence[Difference], ground: Ground) -> None:
        self._contenders = contenders
        self._differences = differences
        self._ground = ground

    # --- relations --------------------------------------------------------------------------------

    def find(self, name: str, other: str) -> Difference | None:
        """Return the deciding difference of these two, whichever is its baseline."""
        for difference in self._differences:
            pair = {difference.baseline, difference.challenger}
            if difference.scorer == self._ground.decide_by and pair == {name, other}:
                return difference
        return None

    def verdict(self, name: str, other: str) -> Verdict:
        """Return what the candidate `name` is, compared with `other`."""
        difference = self.find(name, other)
        return "cannot tell" if difference is None else _seen_from(difference, name)

    def beaten(self, contender: Contender, measured: Sequence[Contender]) -> bool:
        """Whether `contender` is below any of the others beyond doubt."""
        return any(self.verdict(contender.name, other.name) == "worse" for other in measured if other is not contender)

    def _bound(self, contender: Contender, *, best: bool) -> float:
        """The mean if every failed case had the highest or the lowest possible score."""
        score, failed = contender.score, self._ground.scale[1] if best else self._ground.scale[0]
        return (_mean(contender) * score.scored + failed * score.failed) / (score.scored + score.failed)

    # --- sentences --------------------------------------------------------------------------------

    def headline(self, choice: Contender, others: Sequence[Contender]) -> str:
        scorer = self._ground.decide_by
        if not others:
            rivals = [rival for rival in self._contenders if rival is not choice and _measured(rival)]
            if len(self._contenders) == 1:
                best = f"is the only candidate measured on {scorer}"
            elif all(self.verdict(rival.name, choice.name) == "worse" for rival in rivals):
                best = f"is better than every other candidate on {scorer}"
            else:
                best = f"leads on {scorer}, and each other candidate is worse than at least one"
            return f"Ship {choice.name}: it {best}."
        if all(self.verdict(choice.name, other.name) == "equivalent" for other in others):
            small = f"less than {self._figure(self._ground.margin)} on {scorer} either way"
            make = "makes" if len(others) == 1 else "make"
            return (
                f"Ship {choice.name}: it is the simplest, and {_names(others)} {make} no difference that matters "
                f"({small})."
            )
        return f"Ship {choice.name} for now: these cases cannot tell it apart from {_names(others)}."

    def why_simplest(self, choice: Contender, leader: Contender, others: Sequence[Contender]) -> list[str]:
        if not others:
            return []
        sentences = [
            "This is a choice by simplicity, not by proof: among candidates that cannot be told apart, the one that "
            "is cheapest to run and to keep up to date is preferred, and retrieval is preferred to tuning."
        ]
        rival = leader if choice is not leader else others[0]
        difference = self.find(choice.name, rival.name)
        if difference is None:
            sentences.append(f"{choice.name} and {rival.name} were not compared on the same cases.")
        elif difference.verdict == "cannot tell":
            sentences.append(self._what_would_tell(choice, rival, difference))
        return sentences

    def _what_would_tell(self, choice: Contender, rival: Contender, difference: Difference) -> str:
        text = f"{rival.name} compared with {choice.name}: {self._difference(difference, rival.name)}."
        if difference.more_cases_needed is None:
            return f"{text} No benchmark of a sensible size would tell these two apart."
        more = _more_cases(difference.more_cases_needed)
        return f"{text} About {more} would tell them apart if the difference stays as it is now."

    def means(self) -> list[str]:
        scored = [contender for contender in self._contenders if contender.score.mean is not None]
        ordered = sorted(scored, key=_mean, reverse=True)
        parts = [f"{contender.name} {self._estimate(contender.score)}" for contender in ordered]
        if not parts:
            return []
        interval = percent(self._ground.confidence)
        return [f"Mean {self._ground.decide_by}, with the {interval} interval in brackets: {'; '.join(parts)}."]

    def where_answerable(self) -> list[str]:
        """Separate what is gained by answers from what is gained by "I do not know"."""
        means = {
            contender.name: contender.answerable
            for contender in self._contenders
            if contender.answerable and contender.answerable.mean is not None
        }
        if not means or not any(contender.made_up and contender.made_up[1] for contender in self._contenders):
            return []
        ordered = sorted(means.items(), key=lambda pair: -(pair[1].mean or 0.0))
        parts = "; ".join(f"{name} {self._estimate(estimate)}" for name, estimate in ordered)
        return [f"The same, only on questions that the documents answer: {parts}."]

    def against_others(self, choice: Contender, open_to_choice: Sequence[Contender]) -> list[str]:
        sentences = []
        for other in self._contenders:
            difference = self.find(choice.name, other.name)
            if other not in open_to_choice and difference is not None and difference.difference.mean is not None:
                words = self._relation(choice.name, other.name, difference)
                sentences.append(f"{words}: {self._difference(difference, choice.name)}.")
        return sentences

    def _relation(self, name: str, other: str, difference: Difference) -> str:
        verdict = _seen_from(difference, name)
        if verdict == "equivalent":
            return f"{name} and {other} make no difference that matters"
        if verdict != "cannot tell":
            return f"{name} is {verdict} than {other}"
        more = difference.more_cases_needed
        needed = "" if more is None else f" (about {_more_cases(more)} needed)"
        return f"These cases cannot tell {name} apart from {other}{needed}"

    def regressions(self) -> list[str]:
        """Adding a part should help; if it hurts, that is a finding."""
        sentences = []
        for simpler, richer in self._ground.steps:
            difference = self.find(simpler, richer)
            if difference is not None and _seen_from(difference, richer) == "worse":
                figures = self._difference(difference, richer)
                sentences.append(f"{richer} is worse than {simpler}, although it has one part more: {figures}.")
        return sentences

    def disagreements(self, choice: str) -> list[str]:
        """Name the scorers by which another candidate is better than the choice."""
        losing: dict[str, list[str]] = {}
        for difference in self._differences:
            pair = (difference.baseline, difference.challenger)
            if difference.scorer != self._ground.decide_by and choice in pair:
                other = pair[0] if pair[1] == choice else pair[1]
                if _seen_from(difference, choice) == "worse":
                    losing.setdefault(other, []).append(difference.scorer)
        return [
            f"Not every measure agrees: {other} is better than {choice} on {', '.join(scorers)}."
            for other, scorers in losing.items()
        ]

    def manners(self, choice: Contender) -> list[str]:
        sentences = []
        if choice.seconds is not None:
            others = [other for other in self._contenders if other is not choice and other.seconds is not None]
            beside = ", ".join(f"{other.name} {other.seconds:.1f} s" for other in others)
            beside = f" ({beside})" if beside else ""
            sentences.append(f"{choice.name} takes {choice.seconds:.1f} seconds for a typical answer{beside}.")
        if choice.abstained is not None:
            sentences.append(f'{choice.name} said "I do not know" to {percent(choice.abstained)} of the questions.')
        if choice.made_up is not None and choice.made_up[1]:
            answered, asked = choice.made_up
            sentences.append(
                f"{choice.name} made up an answer to {answered or 'none'} of the {asked} questions that the documents "
                "do not answer."
            )
        return sentences

    def threats(self, leader: Contender, beaten: Sequence[Contender]) -> list[str]:
        """Say where failed cases could overturn what the scored ones show."""
        sentences = []
        for other in beaten:
            worst, best = self._bound(leader, best=False), self._bound(other, best=True)
            if leader.score.failed + other.score.failed and best > worst:
                sentences.append(
                    f"The evidence cannot tell, because scores are missing: {leader.name} looks better than "
                    f"{other.name}, but {leader.score.failed} cases of {leader.name} and {other.score.failed} of "
                    f"{other.name} failed. If {leader.name} had the lowest score on them and {other.name} the highest, "
                    f"the means would be {self._figure(worst)} and {self._figure(best)}. Run the failed cases again."
                )
        return sentences

    def excluded(self) -> list[str]:
        sentences = []
        for contender in self._contenders:
            name, score = contender.name, contender.score
            if score.mean is None:
                sentences.append(
                    f"{name} could not be considered: none of its cases has a score ({score.failed} failed, "
                    f"{score.unscored} not applicable)."
                )
            elif not _measured(contender):
                asked = score.scored + score.failed
                sentences.append(
                    f"{name} was not considered: it failed on {score.failed} of {asked} cases. Fix that first."
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

    def _estimate(self, estimate: Estimate) -> str:
        if estimate.mean is None:
            return "no score"
        if estimate.low is None or estimate.high is None:
            return self._figure(estimate.mean)
        return f"{self._figure(estimate.mean)} ({self._figure(estimate.low)} to {self._figure(estimate.high)})"

    def _difference(self, difference: Difference, seen_from: str) -> str:
        """Return the difference in words, with the sign for the candidate `seen_from`."""
        mean, low, high = difference.difference.mean, difference.difference.low, difference.difference.high
        if mean is None:
            return "no case has a score for both"
        sign = 1 if difference.challenger == seen_from else -1
        text = f"{self._signed(sign * mean)}"
        if low is not None and high is not None:
            least, most = sorted((sign * low, sign * high))
            sure = percent(self._ground.confidence)
            text += f" ({sure} sure to lie between {self._signed(least)} and {self._signed(most)})"
        chance = "p < 0.001" if difference.p_value < 0.001 else f"p = {difference.p_value:.3f}"
        return f"{text}, {chance}, on the {difference.difference.scored} cases scored for both"

    def _signed(self, value: float) -> str:
        digits = 1 if self._ground.scale[1] - self._ground.scale[0] > 2 else 3
        return f"{value:+.{digits}f}".replace("-", "−")


def _seen_from(difference: Difference, name: str) -> Verdict:
    turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    verdict = difference.verdict
    return verdict if difference.challenger == name else turned.get(verdict, verdict)
