"""The sentences of a recommendation, a method for each kind: every figure with the number of cases behind it.

Pure: knows the evidence, and what was chosen, but not how it was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.comparison.standings import FEWEST_GROUPS, MOST_MISSING, Contender, Standings
from groundtune.comparison.wording import (
    difference_words,
    figure,
    listed,
    more_cases,
    percent,
    signed,
    verdict_of,
    with_interval,
)
from groundtune.values import Difference, Estimate


class Reasons:
    """Words for one body of evidence."""

    def __init__(self, standings: Standings) -> None:
        self._standings = standings
        self._ground = standings.ground

    # --- nothing to ship --------------------------------------------------------------------------

    def nothing_measured(self) -> list[str]:
        """Say that no candidate has enough scores."""
        return [f"No candidate has enough scores on {self._ground.decide_by} to be recommended."]

    def too_few(self) -> list[str]:
        """Say that with so few groups no test can show anything."""
        groups = self._ground.groups
        return [
            f"The evidence cannot tell: {_cases(self._ground.cases)} in {groups} independent group"
            f"{'' if groups == 1 else 's'} cannot show any difference, however large. "
            f"At least {FEWEST_GROUPS} groups are needed for any test, and several dozen for a useful one."
        ]

    def all_beaten(self) -> list[str]:
        """Say that each is shown to be worse than another one, and by how much."""
        beaten = [(contender, self._standings.beaten_by(contender)) for contender in self._standings.measured]
        sentences = ["No candidate can be recommended: each is shown to be worse than another one."]
        for contender, better in beaten:
            difference = self._standings.find(contender.name, better[0].name)
            assert difference is not None  # it is what beats
            figures = self._difference(difference, contender.name)
            sentences.append(f"{contender.name} is worse than {better[0].name}: {figures}.")
        return sentences

    # --- the choice -------------------------------------------------------------------------------

    def headline(self, choice: Contender, others: Sequence[Contender]) -> str:
        """Say what to ship, and how that compares with the others."""
        scorer, doubted = self._ground.decide_by, [name for name, _ in self._standings.in_doubt]
        if len(self._standings.contenders) == 1:
            return f"Ship {choice.name}: it is the only candidate measured on {scorer}, so there was no choice to make."
        if self._ground.flat:
            return (
                f"Ship {choice.name} for now: every candidate has the same {scorer} on each of the "
                f"{_cases(self._ground.cases)}, so it cannot choose between them. Decide by another measure."
            )
        if others and all(self._standings.alike(choice, other) for other in others) and not doubted:
            small = f"less than {self._figure(self._ground.margin)} on {scorer} either way"
            make = "makes" if len(others) == 1 else "make"
            names = listed([other.name for other in others])
            return f"Ship {choice.name}: it is the simplest, and {names} {make} no difference that matters ({small})."
        if others:
            names = listed([other.name for other in others])
            return f"Ship {choice.name} for now: these cases cannot tell it apart from {names}."
        if doubted:
            names = listed([contender.name for contender in doubted])
            return f"Ship {choice.name} for now: scores are missing, and with them {names} might be as good."
        return f"Ship {choice.name}: it {self._best(choice)}."

    def _best(self, choice: Contender) -> str:
        scorer = self._ground.decide_by
        rivals = [rival for rival in self._standings.measured if rival is not choice]
        if not rivals:
            return f"is the only candidate with enough scores on {scorer}, so there was no choice to make"
        if all(self._standings.verdict(rival.name, choice.name) == "worse" for rival in rivals):
            all_of_them = len(self._standings.measured) == len(self._standings.contenders)
            every = "every other candidate" if all_of_them else "every other candidate that could be considered"
            return f"is better than {every} on {scorer}"
        return f"is beaten by no other candidate on {scorer}, and each other one is worse than at least one"

    def why_simplest(self, choice: Contender, others: Sequence[Contender]) -> list[str]:
        """Say that a choice is no proof, and what it would take to know."""
        if not others:
            return []
        sentences = [
            "This is a choice by simplicity, not by proof: among candidates that cannot be told apart, the one that "
            "is cheapest to run and to keep up to date is preferred, and retrieval is preferred to tuning."
        ]
        if self._ground.flat:
            return sentences
        for rival in others:
            difference = self._standings.find(choice.name, rival.name)
            if difference is None:
                return [*sentences, f"{choice.name} and {rival.name} were not compared on the same cases."]
            if difference.verdict == "cannot tell":
                return [*sentences, self._what_would_tell(choice, rival, difference)]
            if not difference.robust:
                both = f"{choice.name} and {rival.name} make no difference that matters on the"
                shared = f"{_cases(difference.difference.scored)} that both have"
                sentences.append(f"{both} {shared}, but {self._missing(rival)} and {self._missing(choice)}.")
        return sentences

    def _what_would_tell(self, choice: Contender, rival: Contender, difference: Difference) -> str:
        text = f"{rival.name} compared with {choice.name}: {self._difference(difference, rival.name)}."
        number, seen = difference.more_cases_needed, difference.difference.mean
        if seen is None:
            return text
        alike = abs(seen) < self._ground.margin
        if number is None:
            would = "show whether these two are alike" if alike else "tell these two apart"
            return f"{text} No benchmark of a sensible size would {would}."
        if alike:
            small = f"less than {self._figure(self._ground.margin)}"
            would = f"would show that they make no difference that matters ({small})"
        else:
            would = "would tell them apart"
        return f"{text} About {more_cases(number)} {would} if the difference stays as it is now."

    def doubts(self) -> list[str]:
        """Say where missing scores could change what the others show."""
        sentences = []
        for contender, better in self._standings.in_doubt:
            difference = self._standings.find(contender.name, better.name)
            assert difference is not None  # it is what beats
            first, other = contender.name, better.name
            text = f"{first} is worse than {other} on the cases that both have: {self._difference(difference, other)}."
            worst = self._at_worst(difference, other)
            bound = "" if worst is None else f"the mean difference would be {self._signed(worst)}, and "
            sentences.append(
                f"{text} But {self._missing(contender)} and {self._missing(better)}. If the missing scores were the "
                f"best for {first} and the worst for {other}, {bound}{other} would not be shown to be better. Run the "
                "missing cases again."
            )
        return sentences

    def _at_worst(self, difference: Difference, leader: str) -> float | None:
        """Return the mean difference, seen from `leader`, if all missing scores spoke against it."""
        least, most = difference.least, difference.most
        if least is None or most is None:
            return None
        if difference.challenger != leader:
            least, most = -most, -least
        return least if self._ground.higher_is_better else most

    def _missing(self, contender: Contender) -> str:
        score = contender.score
        failed = f", {score.failed} failed" if score.failed else ""
        return f"{contender.name} has a score on {score.scored} of {_cases(self._ground.cases)}{failed}"

    # --- the evidence -----------------------------------------------------------------------------

    def means(self) -> list[str]:
        """Give the mean of each candidate, the best first."""
        scored = [contender for contender in self._standings.contenders if contender.score.mean is not None]
        if not scored:
            return []
        turned = "" if self._ground.higher_is_better else ", less is better"
        interval = percent(self._ground.confidence)
        parts = self._by_candidate({contender.name: contender.score for contender in scored})
        return [f"Mean {self._ground.decide_by}, with the {interval} interval in brackets{turned}: {parts}."]

    def where_answerable(self) -> list[str]:
        """Separate what is gained by answers from what is gained by "I do not know"."""
        contenders = self._standings.contenders
        means = {contender.name: contender.answerable for contender in contenders if contender.answerable}
        known = {name: estimate for name, estimate in means.items() if estimate.mean is not None}
        if not known or not any(contender.made_up and contender.made_up[1] for contender in contenders):
            return []
        return [f"The same, only on questions that the documents answer: {self._by_candidate(known)}."]

    def _by_candidate(self, estimates: dict[str, Estimate]) -> str:
        """Return each estimate, the best first, with the number of cases: once if it is the same for all."""
        sign = -1 if self._ground.higher_is_better else 1
        ordered = sorted(estimates.items(), key=lambda pair: sign * (pair[1].mean or 0.0))
        counts = {(estimate.scored, estimate.failed) for estimate in estimates.values()}
        same = len(counts) == 1 and not next(iter(counts))[1]
        parts = [
            f"{name} {with_interval(estimate, self._ground.scale)}{'' if same else _on(estimate)}"
            for name, estimate in ordered
        ]
        return "; ".join(parts) + (f"; {'each ' if len(parts) > 1 else ''}{_on(ordered[0][1]).strip()}" if same else "")

    def against_others(self, choice: Contender) -> list[str]:
        """Compare the choice with those that are not open to choice."""
        sentences = []
        for other in self._standings.contenders:
            difference = self._standings.find(choice.name, other.name)
            if other in self._standings.open_to_choice or difference is None or difference.difference.mean is None:
                continue
            if any(other is doubted for doubted, _ in self._standings.in_doubt) and difference.verdict != "cannot tell":
                continue  # `doubts` has said so
            relation = self._relation(choice.name, other.name, difference)
            sentences.append(f"{relation}: {self._difference(difference, choice.name)}.")
        return sentences

    def _relation(self, name: str, other: str, difference: Difference) -> str:
        verdict = verdict_of(difference, name)
        if verdict == "equivalent":
            return f"{name} and {other} make no difference that matters"
        if verdict != "cannot tell":
            return f"{name} is {verdict} than {other}"
        more = difference.more_cases_needed
        needed = "" if more is None else f" (about {more_cases(more)} needed)"
        return f"These cases cannot tell {name} apart from {other}{needed}"

    def regressions(self) -> list[str]:
        """Adding a part should help; if it hurts, that is a finding."""
        sentences = []
        for simpler, richer in self._ground.steps:
            difference = self._standings.find(simpler, richer)
            if difference is not None and verdict_of(difference, richer) == "worse":
                figures = self._difference(difference, richer)
                sentences.append(f"{richer} is worse than {simpler}, although it has one part more: {figures}.")
        return sentences

    def other_measures(self, choice: Contender) -> list[str]:
        """Name, for each other candidate, the measures by which the choice is better, and those by which it is not."""
        verdicts: dict[str, dict[str, list[str]]] = {}
        for difference in self._standings.differences:
            pair = (difference.baseline, difference.challenger)
            if difference.scorer != self._ground.decide_by and choice.name in pair:
                other = pair[0] if pair[1] == choice.name else pair[1]
                found = verdicts.setdefault(other, {"better": [], "worse": [], "equivalent": [], "cannot tell": []})
                found[verdict_of(difference, choice.name)].append(difference.scorer)
        told = {other: found for other, found in verdicts.items() if found["better"] or found["worse"]}
        rest = [other for other in verdicts if other not in told]
        sentences = [_measures(choice.name, other, found) for other, found in told.items()]
        return [*sentences, *([f"No other measure tells {choice.name} apart from {listed(rest)}."] if rest else [])]

    def manners(self, choice: Contender) -> list[str]:
        """Tell how the choice answers: how fast, how often not at all, and what it makes up."""
        sentences = []
        if choice.seconds is not None:
            others = [
                other for other in self._standings.contenders if other is not choice and other.seconds is not None
            ]
            beside = ", ".join(f"{other.name} {other.seconds:.1f} s" for other in others)
            beside = f" ({beside})" if beside else ""
            asked = f"the median of {choice.timed} question{'' if choice.timed == 1 else 's'}, asked one at a time"
            sentences.append(
                f"{choice.name} takes {choice.seconds:.1f} seconds for a typical answer{beside}: "
                f"{asked}. Other work on the machine counts in."
            )
        if choice.abstained is not None:
            count, cases = choice.abstained
            share = percent(count / cases) if cases else "0 %"
            questions = "question" if cases == 1 else "questions"
            sentences.append(f'{choice.name} said "I do not know" to {count} of {cases} {questions} ({share}).')
        if choice.made_up is not None and choice.made_up[1]:
            answered, asked_without = choice.made_up
            sentences.append(
                f"{choice.name} made up an answer to {answered or 'none'} of the {asked_without} questions that the "
                "documents do not answer."
            )
        return sentences

    def excluded(self) -> list[str]:
        """Name the candidates that were not considered, and those of which some cases have no score."""
        sentences = []
        for contender in self._standings.contenders:
            name, score = contender.name, contender.score
            if score.mean is None:
                sentences.append(
                    f"{name} could not be considered: none of its cases has a score ({score.failed} failed, "
                    f"{score.unscored} not applicable)."
                )
            elif not self._standings.is_measured(contender):
                sentences.append(
                    f"{name} was not considered: it has a score on {score.scored} of {_cases(self._ground.cases)} "
                    f"({score.failed} failed), and at least {percent(1 - MOST_MISSING)} are needed. Fix that first."
                )
            elif score.failed:
                sentences.append(f"{name} failed on {score.failed} of {_cases(self._ground.cases)}.")
        return sentences

    def power(self) -> list[str]:
        """Tell how small a difference these cases can show."""
        if not self._ground.detectable:
            return []
        smallest = self._figure(self._ground.detectable)
        return [
            f"What this benchmark can show: with {_cases(self._ground.cases)} in {self._ground.groups} groups, a true "
            f"difference of {smallest} on {self._ground.decide_by} is found four times in five; smaller ones are "
            "mostly missed."
        ]

    # --- figures ----------------------------------------------------------------------------------

    def _figure(self, value: float) -> str:
        return figure(value, self._ground.scale)

    def _signed(self, value: float) -> str:
        return signed(value, self._ground.scale)

    def _difference(self, difference: Difference, seen_from: str) -> str:
        """Return the difference in words, with the sign for the candidate `seen_from`."""
        estimate, sign = difference.difference, 1 if difference.challenger == seen_from else -1
        text = difference_words(estimate, self._ground.scale, self._ground.confidence, sign)
        if estimate.mean is None:
            return text
        chance = "p < 0.001" if difference.p_value < 0.001 else f"p = {difference.p_value:.3f}"
        return f"{text}, {chance}, on the {_cases(estimate.scored)} scored for both"


def _cases(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"


def _on(estimate: Estimate) -> str:
    failed = f", {estimate.failed} failed" if estimate.failed else ""
    return f" on {_cases(estimate.scored)}{failed}"


def _measures(choice: str, other: str, found: dict[str, list[str]]) -> str:
    parts = [
        f"{one} is better on {listed(scorers)}"
        for one, scorers in ((choice, found["better"]), (other, found["worse"]))
        if scorers
    ]
    rest = [
        f"{count} {words}"
        for count, words in (
            (len(found["equivalent"]), "show no difference that matters"),
            (len(found["cannot tell"]), "cannot tell"),
        )
        if count
    ]
    return f"By the other measures of {choice} and {other}: {'; '.join([*parts, *rest])}."
