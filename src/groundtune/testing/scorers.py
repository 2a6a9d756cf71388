"""The contract that every `Scorer` keeps: ours and other people's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from groundtune.protocols import BatchScorer, Scorer
from groundtune.values import Answer, Case, Citation, Evidence, Passage, Place, Score, Usage

TOLERANCE = 1e-5  # between one by one and in a batch: models round differently


class ScorerContract:
    """What every `Scorer` does. Subclass it as `Test...` and give the `scorer` fixture."""

    @pytest.fixture
    def scorer(self) -> Scorer:
        """Return the scorer under test."""
        raise NotImplementedError

    def test_it_is_a_scorer_with_a_stable_signature(self, scorer: Scorer) -> None:
        """The name fits into a table, the signature is one line, and scoring changes neither."""
        assert isinstance(scorer, Scorer)
        before = (scorer.name, scorer.signature)
        scorer.score(*GOOD)
        assert before == (scorer.name, scorer.signature)
        assert scorer.name.isidentifier()
        assert scorer.signature
        assert "\n" not in scorer.signature

    def test_a_score_is_a_number_or_has_a_reason(self, scorer: Scorer) -> None:
        """Whatever the texts are: nothing raises, nothing is NaN, and unscored says why."""
        for case, answer in PAIRS:
            score = scorer.score(case, answer)
            assert not score.failed
            assert score.reason if score.value is None else math.isfinite(score.value)

    def test_scoring_again_gives_the_same(self, scorer: Scorer) -> None:
        """Scores do not depend on what was scored before."""
        first = [scorer.score(case, answer) for case, answer in PAIRS]
        again = [scorer.score(case, answer) for case, answer in reversed(PAIRS)]
        _assert_equal(first, again[::-1])

    def test_many_are_scored_in_order_and_as_one_by_one(self, scorer: Scorer) -> None:
        """Batching changes nothing but the clock, also with a pair twice in the batch."""
        if not isinstance(scorer, BatchScorer):
            pytest.skip("scores one by one only")
        pairs = [*PAIRS, GOOD]
        _assert_equal(scorer.score_many(pairs), [scorer.score(case, answer) for case, answer in pairs])
        assert scorer.score_many([]) == []

    def test_the_ideal_answer_is_not_worse_than_nonsense(self, scorer: Scorer) -> None:
        """Where both are scored, the better one scores at least as well."""
        good, bad = scorer.score(*GOOD).value, scorer.score(*BAD).value
        if good is None or bad is None:
            pytest.skip("does not score these cases")
        assert good >= bad if scorer.higher_is_better else good <= bad

    def test_values_are_on_its_scale_and_it_has_words(self, scorer: Scorer) -> None:
        """What the report shows and what statistics rest on are what the scorer says of itself."""
        low, high = scorer.scale
        assert low < high
        values = [score.value for score in (scorer.score(case, answer) for case, answer in PAIRS)]
        assert all(low - TOLERANCE <= value <= high + TOLERANCE for value in values if value is not None)
        assert scorer.words.title
        assert scorer.words.means
        assert scorer.words.misleads

    def test_the_number_of_a_single_case_is_its_value(self, scorer: Scorer) -> None:
        """Where cases become a number by sums of parts, a case by itself has the number that its parts give."""
        if scorer.total is None:
            pytest.skip("its number is the mean of its values")
        for case, answer in PAIRS:
            score = scorer.score(case, answer)
            if score.value is not None:
                assert math.isclose(score.value, scorer.total(np.array([score.parts]))[0], abs_tol=TOLERANCE)


def _assert_equal(left: Sequence[Score], right: Sequence[Score]) -> None:
    assert [(score.reason, score.failed) for score in left] == [(score.reason, score.failed) for score in right]
    for first, second in zip(left, right, strict=True):
        assert (first.value is None) == (second.value is None)
        assert first.value is None or second.value is None or math.isclose(first.value, second.value, abs_tol=TOLERANCE)


def _case(ideal_answer: str, *evidence: Evidence, answerable: bool = True, clarify: bool = False) -> Case:
    question = "How long does a refund take?"
    return Case("1", question, ideal_answer, evidence, answerable, "refunds", "test", clarify=clarify)


def _answer(text: str, document: str = "", quote: str = "", *, abstained: bool = False) -> Answer:
    if not document:
        return Answer(text, abstained, Usage())
    passage = Passage(document, Place(0, len(quote)), quote, "", 1, 1.0)
    citation = Citation(document, Place(0, len(quote)), quote, "model")
    return Answer(text, abstained, Usage(), (passage,), (citation,), support=0.5)


_SENTENCE = "A refund takes ten days."
_CASE = _case(_SENTENCE, Evidence("refunds.md", _SENTENCE))
GOOD = (_CASE, _answer(_SENTENCE, "refunds.md", f"About refunds. {_SENTENCE}"))
BAD = (_CASE, _answer("Purple elephants sing.", "zoo.md", "Purple elephants sing."))
PAIRS: list[tuple[Case, Answer]] = [
    GOOD,
    BAD,
    (_CASE, _answer("")),
    (_CASE, _answer("I do not know.", abstained=True)),
    (_case("Ten days.\n\nThen we call."), _answer("ten\ndays\n" * 40)),
    (_case("返金には十日かかります。"), _answer("十日です。 🙂 \x00 \u202e")),
    (_case("…"), _answer("?!")),
    (_case("", answerable=False), _answer("I do not know.", abstained=True)),
    (_case("", answerable=False), _answer("Ten days.")),
    (_case("Which refund?", answerable=False, clarify=True), _answer("Which refund do you mean?")),
    (_case("Which refund?", answerable=False, clarify=True), _answer("I do not know.", abstained=True)),
    (_case("", answerable=False, clarify=True), _answer("Ten days.")),
]
