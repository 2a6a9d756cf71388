"""How satisfied users are, over time and by candidate: figures with intervals, and how far they can be trusted.

A user is satisfied with an answer by 4 or 5 stars, or a thumb up. Users are the groups: ratings of one user are not
independent. A function of values: opens nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundtune.comparison.wording import percent
from groundtune.records.feedback import FeedbackRecord
from groundtune.statistics import Method, estimate
from groundtune.values import Answer, Estimate, Score

FEW = 10  # users, below which a note says that there are few
UNCITED = "(cites nothing)"
_NO_RATING = Score(None, "neither a thumb nor stars")


@dataclass(frozen=True, slots=True)
class AnswerWithFeedback:
    """What a user said of an answer, with the answer and what it answered; None and empty where the conversation was
    erased. `topic` is what the answer is counted under."""

    record: FeedbackRecord
    question: str = ""
    said: str = ""
    answer: Answer | None = None

    @property
    def topic(self) -> str:
        """The document that the answer cites first."""
        if self.answer is None:
            return "(erased)" if not self.said else UNCITED
        return self.answer.citations[0].document if self.answer.citations else UNCITED


_Key = Callable[[AnswerWithFeedback], str]


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Ratings that belong together: the share of satisfied ones, and the mean of stars where there are any."""

    name: str
    share: Estimate
    stars: Estimate
    users: int


@dataclass(frozen=True, slots=True)
class ResponseFigures:
    """Who answers when asked. `least` and `most` bound the share of satisfied ones among all conversations that were
    asked about: all who said nothing are dissatisfied, or all are satisfied (Manski 1990, jstor.org/stable/2006592).

    `asked` and `unasked` are the satisfied among those who were asked, and among those who spoke up by themselves.
    `support_answered` and `support_silent` are how well retrieval supported the answers that were asked about.
    """

    conversations: int
    answered: int
    declined: int
    rate: Estimate
    least: float | None
    most: float | None
    asked: Estimate
    unasked: Estimate
    support_answered: Estimate
    support_silent: Estimate


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """An answer that was found bad: what it rests on, and what was said of it. `passages` are (document, quote)."""

    conversation: str
    turn: int
    candidate: str
    stars: int | None
    question: str
    answer: str
    passages: tuple[tuple[str, str], ...]
    complaint: str
    text: str


@dataclass(frozen=True, slots=True)
class FeedbackReport:
    """What users think. `complaints` counts by class; `notes` say what to be careful about."""

    ratings: int
    users: int
    overall: Satisfaction
    weeks: tuple[Satisfaction, ...]
    candidates: tuple[Satisfaction, ...]
    topics: tuple[Satisfaction, ...]
    complaints: Mapping[str, int]
    response: ResponseFigures
    worst: tuple[WorstAnswer, ...]
    notes: tuple[str, ...]


def report_feedback(rows: Sequence[AnswerWithFeedback], confidence: float = 0.95, worst: int = 10) -> FeedbackReport:
    """Return the report on all that users said or were asked for; what experts corrected is not counted."""
    own = [row for row in rows if not row.record.by_expert]
    given = [row for row in own if row.record.opinion is not None]
    overall = _satisfaction("all", given, confidence)
    weeks = _by(given, _week, confidence)
    candidates = _by(given, lambda row: row.record.rated.candidate, confidence)
    response = _response(own, confidence)
    return FeedbackReport(
        ratings=len(given),
        users=overall.users,
        overall=overall,
        weeks=tuple(sorted(weeks, key=lambda each: each.name)),
        candidates=candidates,
        topics=_by(given, lambda row: row.topic, confidence),
        complaints=dict(Counter(row.record.complaint for row in given if row.record.complaint).most_common()),
        response=response,
        worst=tuple(_worst(given)[:worst]),
        notes=tuple(_notes(given, overall, candidates, response)),
    )


def _week(row: AnswerWithFeedback) -> str:
    """Return the ISO week in which somebody said it, as in "2026-W09"."""
    assert row.record.given_at is not None
    year, week, _ = row.record.given_at.isocalendar()
    return f"{year}-W{week:02}"


def _by(
    given: Sequence[AnswerWithFeedback], key: Callable[[AnswerWithFeedback], str], confidence: float
) -> tuple[Satisfaction, ...]:
    """Return the satisfaction of each part, those with most ratings first."""
    parts: dict[str, list[AnswerWithFeedback]] = defaultdict(list)
    for row in given:
        parts[key(row)].append(row)
    listed = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    return tuple(_satisfaction(name, rows, confidence) for name, rows in listed)


def _satisfaction(name: str, rows: Sequence[AnswerWithFeedback], confidence: float) -> Satisfaction:
    opinions = [row.record.opinion for row in rows if row.record.opinion is not None]
    users = [row.record.rated.actor for row in rows]
    shares = [_share(each.satisfied) for each in opinions]
    stars = [_NO_RATING if each.stars is None else Score(float(each.stars)) for each in opinions]
    on_stars = Method(confidence, scale=(1.0, 5.0))
    return Satisfaction(
        name,
        estimate(shares, users, method=Method(confidence)),
        estimate(stars, users, method=on_stars),
        len(set(users)),
    )


def _share(satisfied: bool | None) -> Score:
    return _NO_RATING if satisfied is None else Score(float(satisfied))


def _response(own: Sequence[AnswerWithFeedback], confidence: float) -> ResponseFigures:
    said: dict[str, list[AnswerWithFeedback]] = defaultdict(list)
    for row in own:
        if row.record.opinion is not None:
            said[row.record.rated.conversation].append(row)
    asked = {row.record.rated.conversation: row for row in own if row.record.asked_at is not None}
    method = Method(confidence)

    def mean(rows: Iterable[AnswerWithFeedback], value: Callable[[AnswerWithFeedback], Score]) -> Estimate:
        listed = list(rows)
        return estimate([value(row) for row in listed], [row.record.rated.actor for row in listed], method=method)

    answered = [row for key, row in asked.items() if key in said]
    silent = [row for key, row in asked.items() if key not in said]
    first = [said[row.record.rated.conversation][0] for row in answered]
    satisfied = [_opinion(row) for row in first]
    known = [value for value in satisfied if value.value is not None]
    good = sum(value.value or 0.0 for value in known)
    total = len(asked)
    return ResponseFigures(
        conversations=total,
        answered=len(answered),
        declined=sum(row.record.declined_at is not None for row in silent),
        rate=mean(asked.values(), lambda row: Score(float(row.record.rated.conversation in said))),
        least=good / total if total else None,
        most=(good + total - len(known)) / total if total else None,
        asked=mean(first, _opinion),
        unasked=mean((row for rows in said.values() for row in rows if _spoke_up(row, asked)), _opinion),
        support_answered=mean(answered, _support),
        support_silent=mean(silent, _support),
    )


def _opinion(row: AnswerWithFeedback) -> Score:
    return _share(None if row.record.opinion is None else row.record.opinion.satisfied)


def _spoke_up(row: AnswerWithFeedback, asked: Mapping[str, AnswerWithFeedback]) -> bool:
    return row.record.rated.conversation not in asked


def _support(row: AnswerWithFeedback) -> Score:
    support = None if row.answer is None else row.answer.support
    return Score(None, "without retrieval, or erased") if support is None else Score(support)


def _worst(given: Sequence[AnswerWithFeedback]) -> list[WorstAnswer]:
    """Return the answers that were found bad, those with fewest stars first, then the latest."""
    bad = [row for row in given if row.record.opinion is not None and row.record.opinion.bad]
    bad.sort(key=lambda row: str(row.record.given_at), reverse=True)
    bad.sort(key=lambda row: 2 if row.record.opinion is None else row.record.opinion.stars or 2)
    return [_worst_answer(row) for row in bad]


def _worst_answer(row: AnswerWithFeedback) -> WorstAnswer:
    opinion, rated = row.record.opinion, row.record.rated
    assert opinion is not None
    cited = () if row.answer is None else row.answer.citations
    passages = tuple((each.document, each.quote) for each in cited)
    if row.answer is not None and not cited:
        passages = tuple((each.document, each.text) for each in row.answer.passages)
    return WorstAnswer(
        rated.conversation,
        rated.turn,
        rated.candidate,
        opinion.stars,
        row.question,
        row.said,
        passages,
        row.record.complaint,
        opinion.text,
    )


def _notes(
    given: Sequence[AnswerWithFeedback],
    overall: Satisfaction,
    candidates: Sequence[Satisfaction],
    response: ResponseFigures,
) -> list[str]:
    notes = []
    if not given:
        notes.append("Nobody has said anything yet.")
    elif overall.users < 2:
        notes.append("All ratings are of one user: nothing tells how others would rate, so there are no intervals.")
    elif overall.users < FEW:
        notes.append(f"Only {overall.users} users rated: the intervals are wide, and weeks and topics tell little.")
    if response.conversations and response.least is not None and response.most is not None:
        notes.append(
            f"{response.answered} of {response.conversations} conversations that users were asked about were rated. "
            f"Whatever the others think, between {percent(response.least)} and {percent(response.most)} of all of them "
            "were satisfactory."
        )
    if response.unasked.scored:
        notes.append(
            f"{response.unasked.scored} ratings were given without asking. Who speaks up by themselves is often more "
            "pleased or more annoyed than others."
        )
    if len(candidates) > 1:
        notes.append(
            "Nobody drew by chance which candidate a user talked with: differences between candidates may be between "
            "their users. `groundtune compare` compares candidates on the same questions."
        )
    erased = sum(row.answer is None and not row.said for row in given)
    if erased:
        notes.append(f"Of {erased} ratings the conversation was erased: topic, question and answer are not known.")
    return notes
