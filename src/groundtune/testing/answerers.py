"""The contract that every `Answerer` keeps: closed-book, grounded, agents, and other people's."""

from __future__ import annotations

import pytest

from groundtune.protocols import Answerer
from groundtune.values import Answer, Answered, Cited, Event, Failure, Message, Question, Retrieved, TextPiece


class AnswererContract:
    """What every `Answerer` does. Subclass it as `Test...` and give the `answerer` fixture.

    The answerer under test must be deterministic.
    """

    QUESTION = Question("How much does the Brook plan cost?")
    FOLLOW_UP = Question(
        "And the Pebble plan?", (Message("user", QUESTION.text), Message("assistant", "Brook costs €9 a month."))
    )
    UNKNOWN = Question("Who won the match?")

    @pytest.fixture
    def answerer(self) -> Answerer:
        """Return the answerer under test."""
        raise NotImplementedError

    def test_it_is_an_answerer_with_a_stable_signature(self, answerer: Answerer) -> None:
        """All members are there, and answering does not change the signature."""
        assert isinstance(answerer, Answerer)
        before = answerer.signature
        answerer.answer(self.QUESTION)
        assert before == answerer.signature != ""

    def test_an_answer_or_an_abstention_says_something(self, answerer: Answerer) -> None:
        """The text is never empty, and what is abstained cites nothing."""
        for question in (self.QUESTION, self.UNKNOWN):
            answer = answerer.answer(question)
            assert answer.text.strip()
            assert not (answer.abstained and answer.citations)

    def test_citations_quote_passages(self, answerer: Answerer) -> None:
        """Each quote is in a passage of the answer, at the place that the citation names."""
        answer = answerer.answer(self.QUESTION)
        for citation in answer.citations:
            assert any(
                passage.document == citation.document
                and passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
                for passage in answer.passages
                if passage.start <= citation.start < citation.end <= passage.end
            )

    def test_many_are_answered_in_order_and_as_one_by_one(self, answerer: Answerer) -> None:
        """Batching changes nothing but the clock."""
        questions = [self.QUESTION, self.FOLLOW_UP, self.UNKNOWN]
        together = answerer.answer_many(questions)
        apart = [answerer.answer(question) for question in questions]
        assert [each for each in together if isinstance(each, Failure)] == []
        assert [_said(each) for each in together if isinstance(each, Answer)] == [_said(answer) for answer in apart]

    def test_no_questions_give_no_answers(self, answerer: Answerer) -> None:
        """An empty batch is not an error."""
        assert answerer.answer_many([]) == []

    def test_a_stream_ends_with_the_answer(self, answerer: Answerer) -> None:
        """The last event, and only that, is the answer, which is what `answer` gives."""
        for question in (self.QUESTION, self.FOLLOW_UP, self.UNKNOWN):
            *events, last = answerer.stream(question)
            assert isinstance(last, Answered)
            assert not any(isinstance(event, Answered) for event in events)
            assert _said(last.answer) == _said(answerer.answer(question))

    def test_a_stream_gives_passages_then_text_then_the_citations_that_hold(self, answerer: Answerer) -> None:
        """What comes before the answer is in order, and is what the answer holds."""
        for question in (self.QUESTION, self.FOLLOW_UP, self.UNKNOWN):
            events = list(answerer.stream(question))
            assert [_PLACES[type(event)] for event in events] == sorted(_PLACES[type(event)] for event in events)
            retrieved = [event.passages for event in events if isinstance(event, Retrieved)]
            pieces = [event.text for event in events if isinstance(event, TextPiece)]
            cited = tuple(event.citation for event in events if isinstance(event, Cited))
            answer = _answer_of(events)
            assert retrieved == [answer.passages] or (retrieved, answer.passages) == ([], ())
            assert cited == answer.citations
            assert all(pieces)
            assert "".join(pieces).strip() or answer.abstained, "an answer's text comes in pieces"

    def test_one_answer_is_timed(self, answerer: Answerer) -> None:
        """What a single person waits is known."""
        seconds = answerer.answer(self.QUESTION).usage.seconds
        assert seconds is not None
        assert seconds >= 0


_PLACES: dict[type[Event], int] = {Retrieved: 0, TextPiece: 1, Cited: 2, Answered: 3}


def _answer_of(events: list[Event]) -> Answer:
    (answer,) = (event.answer for event in events if isinstance(event, Answered))
    return answer


def _said(answer: Answer) -> tuple[object, ...]:
    return answer.text, answer.abstained, answer.citations, answer.passages, answer.support
