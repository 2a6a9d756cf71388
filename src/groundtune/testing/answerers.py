"""The contract that every `Answerer` keeps: closed-book, grounded, agents, and other people's."""

from __future__ import annotations

import pytest

from groundtune.protocols import Answerer
from groundtune.values import Answer, Message


class AnswererContract:
    """What every `Answerer` does. Subclass it as `Test...` and give the `answerer` fixture.

    The answerer under test must be deterministic.
    """

    QUESTION = "How much does the Brook plan cost?"
    FOLLOW_UP = "And the Pebble plan?"
    HISTORY = (Message("user", QUESTION), Message("assistant", "Brook costs €9 a month."))

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
        for question in (self.QUESTION, "Who won the match?"):
            answer = answerer.answer(question)
            assert answer.text.strip()
            assert not (answer.abstained and answer.citations)

    def test_citations_quote_passages(self, answerer: Answerer) -> None:
        """Each quote stands in a passage of the answer, at the place that the citation names."""
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
        questions = [(self.QUESTION, ()), (self.FOLLOW_UP, self.HISTORY), ("Who won the match?", ())]
        together = answerer.answer_many(questions)
        apart = [answerer.answer(question, history) for question, history in questions]
        assert [_said(answer) for answer in together] == [_said(answer) for answer in apart]

    def test_no_questions_give_no_answers(self, answerer: Answerer) -> None:
        """An empty batch is not an error."""
        assert answerer.answer_many([]) == []

    def test_a_stream_ends_with_the_answer(self, answerer: Answerer) -> None:
        """Pieces of text, then one `Answer`, which is what `answer` gives."""
        *pieces, last = answerer.stream(self.FOLLOW_UP, self.HISTORY)
        assert all(isinstance(piece, str) for piece in pieces)
        assert isinstance(last, Answer)
        assert _said(last) == _said(answerer.answer(self.FOLLOW_UP, self.HISTORY))

    def test_one_answer_is_timed(self, answerer: Answerer) -> None:
        """What a single person waits is known."""
        seconds = answerer.answer(self.QUESTION).usage.seconds
        assert seconds is not None
        assert seconds >= 0


def _said(answer: Answer) -> tuple[object, ...]:
    return answer.text, answer.abstained, answer.citations, answer.passages, answer.support
