"""Pairs of a better and a worse answer, out of what people said of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from groundtune.agents.preferred import pairs_of
from groundtune.records.conversations import TalkRecord, Turn
from groundtune.records.feedback import FeedbackRecord, Opinion, RatedTurn
from groundtune.values import Answer, Citation, Message, Place, Usage

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = "What does Brook cost?"
UP, DOWN = Opinion(thumb=True), Opinion(thumb=False)


def answer(text, *, abstained=False, document="plans.md"):
    cited = Citation(document, Place(0, 5), "Brook", "model")
    return Answer(text, abstained, Usage(), citations=() if abstained else (cited,))


def talk(key, *said, user=None, consent=True, candidate="rag"):
    made = [
        Turn(number, Message("user", each), NOW)
        if isinstance(each, str)
        else Turn(number, Message("assistant", each.text), NOW, each)
        for number, each in enumerate(said, 1)
    ]
    return TalkRecord(key, user or f"user of {key}", candidate, consent, NOW, NOW, tuple(made))


def rating(of, turn, opinion, rater=None):
    return FeedbackRecord(
        RatedTurn(of.id, turn, of.user, of.candidate), rater or of.user, opinion, asked_at=None, given_at=NOW
    )


def made(*ratings, talks):
    return pairs_of(ratings, {each.id: each for each in talks})


def texts(made):
    return [(each.pair.chosen[0].content, each.pair.rejected[0].content, each.origin) for each in made.pairs]


NINE, TEN, UNKNOWN = answer("9 euros."), answer("10 euros."), answer("I do not know.", abstained=True)


def test_a_liked_and_a_disliked_answer_to_the_same_words_are_a_pair():
    first, second = talk("a", ASKED, NINE), talk("b", "what  does brook cost?", TEN, candidate="base")
    result = made(rating(first, 2, UP), rating(second, 2, Opinion(stars=1)), talks=[first, second])
    assert texts(result) == [("9 euros.", "10 euros.", "thumbs")]
    (pair,) = result.pairs
    assert pair.pair.prompt == (Message("user", ASKED),)
    assert pair.pair.annotator == "", "nobody compared both"
    assert (pair.conversations, pair.candidates, pair.documents) == (("a", "b"), ("rag", "base"), ("plans.md",))


def test_one_user_in_two_conversations_is_one_annotator_and_named_by_number():
    first, second = talk("a", ASKED, NINE, user="ana"), talk("b", ASKED, TEN, user="ana")
    (pair,) = made(rating(first, 2, UP), rating(second, 2, DOWN), talks=[first, second]).pairs
    assert pair.pair.annotator == "user-1"


def test_answers_that_users_disagree_on_make_no_pair_and_are_counted():
    talks = [talk("a", ASKED, NINE), talk("b", ASKED, TEN), talk("c", ASKED, TEN)]
    result = made(*(rating(*each) for each in zip(talks, (2, 2, 2), (UP, DOWN, UP), strict=True)), talks=talks)
    assert (result.pairs, result.left_out) == ((), {"users disagree on the same answer": 2})


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([(3, UP)], [("10 euros.", "9 euros.", "again")]),
        ([(2, UP), (3, DOWN)], [("9 euros.", "10 euros.", "again")]),
        ([(2, DOWN)], []),
        ([(2, UP), (3, UP)], []),
    ],
)
def test_an_answer_given_again_is_better_where_the_user_says_so(ratings, expected):
    again = talk("a", ASKED, NINE, TEN)
    result = made(*(rating(again, *each) for each in ratings), talks=[again])
    assert texts(result) == expected
    assert all(each.pair.annotator == "user-1" for each in result.pairs)


def test_what_follows_an_answer_given_again_has_the_last_one_before_it():
    again, plain = talk("a", ASKED, NINE, TEN, "And L?", NINE), talk("b", ASKED, TEN, "And L?", TEN)
    (pair,) = made(rating(again, 5, UP), rating(plain, 4, DOWN), talks=[again, plain]).pairs
    assert [turn.content for turn in pair.pair.prompt] == [ASKED, "10 euros.", "And L?"]


def test_an_expert_s_correction_is_better_than_what_it_corrects_even_an_abstention():
    talks = [talk("a", ASKED, TEN), talk("b", ASKED, UNKNOWN)]
    nine = Opinion(correction="9 euros a month.")
    result = made(*(rating(each, 2, nine, "carla") for each in talks), talks=talks)
    assert texts(result) == [("9 euros a month.", worse, "correction") for worse in ("10 euros.", "I do not know.")]
    assert [each.pair.annotator for each in result.pairs] == ["expert-1", "expert-1"]
    assert result.pairs[0].pair.group == result.pairs[1].pair.group, "one question stays on one side of a split"


def test_a_user_s_own_correction_counts_for_nothing():
    own = talk("a", ASKED, TEN)
    assert made(rating(own, 2, Opinion(correction="Everything is free.")), talks=[own]).pairs == ()


def test_a_guess_is_not_better_than_an_abstention():
    talks = [talk("a", ASKED, NINE), talk("b", ASKED, UNKNOWN)]
    result = made(rating(talks[0], 2, UP), rating(talks[1], 2, DOWN), talks=talks)
    assert (result.pairs, result.left_out) == ((), {"the worse answer is an abstention": 1})


def test_without_consent_and_after_erasure_nothing_is_used_and_that_is_counted():
    kept, gone = talk("a", ASKED, NINE, consent=False), talk("b", ASKED, TEN)
    result = made(rating(kept, 2, UP), rating(gone, 2, DOWN), talks=[kept])
    assert result.pairs == ()
    assert result.left_out == {"the user did not consent to learning": 1, "the conversation was erased": 1}


def test_three_stars_are_neither_better_nor_worse():
    talks = [talk("a", ASKED, NINE), talk("b", ASKED, TEN)]
    assert made(rating(talks[0], 2, UP), rating(talks[1], 2, Opinion(stars=3)), talks=talks).pairs == ()


def test_what_a_person_said_in_the_assistant_s_place_is_in_no_pair():
    by_person = talk("a", ASKED, NINE)
    by_person = replace(by_person, turns=(by_person.turns[0], replace(by_person.turns[1], person="carla")))
    other = talk("b", ASKED, TEN)
    assert made(rating(by_person, 2, UP), rating(other, 2, DOWN), talks=[by_person, other]).pairs == ()
