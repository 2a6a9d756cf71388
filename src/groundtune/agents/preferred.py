"""Pairs of a better and a worse answer to the same question, out of what users and experts said of answers.

    thumbs       one answer was found good by all who rated it, another one, to the same words, bad by all
    again        an answer was given again, and the user found one of both good and not the other
    correction   an expert wrote how it should have been answered

Only conversations whose users consented to learning are used. An abstention is never the worse one, but to a
correction: users like a guess better than "I do not know", and a model must not learn that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from groundtune.records.conversations import TalkRecord, Turn
from groundtune.records.feedback import FeedbackRecord
from groundtune.values import Conversation, Message, PreferencePair, digest

PairOrigin = Literal["thumbs", "again", "correction"]


@dataclass(frozen=True, slots=True)
class PairFromFeedback:
    """A pair, and where it is from: conversations, candidates and cited documents of both answers.

    `pair.annotator` tells people apart without naming them: by their number among those who rated.
    """

    pair: PreferencePair
    origin: PairOrigin
    conversations: tuple[str, ...]
    candidates: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairsFromFeedback:
    """The pairs, and how many ratings or pairs were not used, by reason."""

    pairs: tuple[PairFromFeedback, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer as it was said, after `prompt`, with what the user thinks of it and how an expert corrected it."""

    talk: TalkRecord
    turn: Turn
    prompt: Conversation
    own: FeedbackRecord | None
    corrections: tuple[FeedbackRecord, ...]

    @property
    def text(self) -> str:
        return (self.turn.message.content if self.turn.answer is None else self.turn.answer.prose).strip()

    @property
    def abstained(self) -> bool:
        return self.turn.answer is not None and self.turn.answer.abstained

    @property
    def good(self) -> bool:
        return self.own is not None and self.own.opinion is not None and self.own.opinion.satisfied is True

    @property
    def bad(self) -> bool:
        return self.own is not None and self.own.opinion is not None and self.own.opinion.bad

    @property
    def documents(self) -> tuple[str, ...]:
        return () if self.turn.answer is None else tuple(each.document for each in self.turn.answer.citations)


_Compared = tuple[Sequence[_Said], Sequence[_Said], PairOrigin]  # all who liked one answer, all who disliked the other


def pairs_of(records: Sequence[FeedbackRecord], talks: Mapping[str, TalkRecord]) -> PairsFromFeedback:
    """Return the pairs that ratings give, in order of time. `talks` are the conversations that are there, by id."""
    left_out: Counter[str] = Counter()
    ratings: dict[str, list[FeedbackRecord]] = defaultdict(list)
    given = sorted((each for each in records if each.given_at is not None), key=lambda each: str(each.given_at))
    for record in given:
        talk = talks.get(record.rated.conversation)
        if talk is None:
            left_out["the conversation was erased"] += 1
        elif not talk.consent:
            left_out["the user did not consent to learning"] += 1
        else:
            ratings[talk.id].append(record)
    said = [each for key in ratings for each in _answers(talks[key], ratings[key])]
    people = _People(given)
    corrected = _corrected(said, people)
    compared = [*_given_again(said), *_same_words(said, left_out)]
    kept = [_compared(*pair, people) for pair in compared if not pair[1][0].abstained]
    if abstentions := len(compared) - len(kept):
        left_out["the worse answer is an abstention"] += abstentions
    return PairsFromFeedback((*corrected, *kept), dict(left_out))


def _answers(talk: TalkRecord, ratings: Sequence[FeedbackRecord]) -> Iterator[_Said]:
    """Yield all answers of a conversation, each after what was said before; of an answer given again, the last stays
    in what follows it."""
    before: list[Message] = []
    for role, group in groupby(talk.turns, key=lambda turn: turn.message.role):
        turns = list(group)
        if role == "user":
            before += [Message("user", "\n\n".join(turn.message.content for turn in turns))]
        elif role == "assistant" and before:
            for turn in (each for each in turns if not each.person):
                mine = [each for each in ratings if each.rated.turn == turn.number]
                own = next((each for each in mine if not each.by_expert), None)
                yield _Said(talk, turn, tuple(before), own, tuple(each for each in mine if each.by_expert))
            before.append(Message("assistant", turns[-1].message.content))


def _corrected(said: Iterable[_Said], people: _People) -> list[PairFromFeedback]:
    made = []
    for worse in said:
        for record in worse.corrections:
            better = "" if record.opinion is None else record.opinion.correction.strip()
            if better not in ("", worse.text):
                made.append(_pair(worse.prompt, better, worse, "correction", people.of([record]), (worse,)))
    return made


def _given_again(said: Iterable[_Said]) -> Iterator[_Compared]:
    for _, group in groupby(said, key=lambda each: (each.talk.id, each.prompt)):
        answers = [each for each in group if each.text]
        for better in answers:
            yield from (
                ([better], [worse], "again")
                for worse in answers
                if better.good and not worse.good and better.text != worse.text
            )


def _same_words(said: Iterable[_Said], left_out: Counter[str]) -> Iterator[_Compared]:
    questions: dict[str, dict[str, list[_Said]]] = defaultdict(lambda: defaultdict(list))
    for each in said:
        if each.text and (each.good or each.bad):
            questions[_asked(each.prompt)][each.text].append(each)
    for answers in questions.values():
        good = [same for same in answers.values() if all(each.good for each in same)]
        bad = [same for same in answers.values() if all(each.bad for each in same)]
        if undecided := sum(map(len, answers.values())) - sum(map(len, (*good, *bad))):
            left_out["users disagree on the same answer"] += undecided
        for liked in good:
            for disliked in bad:
                if {each.talk.id for each in liked}.isdisjoint(each.talk.id for each in disliked):
                    yield liked, disliked, "thumbs"  # else one was given again


def _compared(
    liked: Sequence[_Said], disliked: Sequence[_Said], origin: PairOrigin, people: _People
) -> PairFromFeedback:
    by = people.of([each.own for each in (*liked, *disliked) if each.own is not None])
    return _pair(liked[0].prompt, liked[0].text, disliked[0], origin, by, (*liked, *disliked))


def _pair(
    prompt: Conversation, better: str, worse: _Said, origin: PairOrigin, annotator: str, behind: Sequence[_Said]
) -> PairFromFeedback:
    answers = ((Message("assistant", better),), (Message("assistant", worse.text),))
    return PairFromFeedback(
        PreferencePair(prompt, *answers, annotator=annotator, group=digest(_asked(prompt))),
        origin,
        tuple(dict.fromkeys(each.talk.id for each in behind)),
        tuple(dict.fromkeys(each.talk.candidate for each in behind)),
        tuple(dict.fromkeys(document for each in behind for document in each.documents)),
    )


class _People:
    """Numbers for people, in the order of their first rating: a file that is passed on names nobody."""

    def __init__(self, given: Iterable[FeedbackRecord]) -> None:
        self._numbers = {name: number for number, name in enumerate(dict.fromkeys(each.rater for each in given), 1)}

    def of(self, records: Sequence[FeedbackRecord]) -> str:
        """Return who judged: empty if it was several, none of whom compared both answers."""
        raters = {record.rater for record in records}
        if len(raters) != 1:
            return ""
        (record, *_) = records
        return f"{'expert' if record.by_expert else 'user'}-{self._numbers[record.rater]}"


def _asked(prompt: Conversation) -> str:
    """Return what was said so far, such that case and white space make no difference."""
    return "\n".join(f"{turn.role}: {' '.join(turn.content.casefold().split())}" for turn in prompt)
