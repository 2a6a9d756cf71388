"""What an encoder learns from: sides, batches without answers as wrong passages, negatives that are filled up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.errors import TuningError
from groundtune.tuning.encoder.pairs import QuestionPair, batches, filled, hold_out_groups, pairs_hash, row


def pair(number, group="", negatives=(), answers=()):
    passage = f"passage {number}"
    return QuestionPair(f"question {number}", passage, tuple(negatives), frozenset({passage, *answers}), group or "a")


def rng():
    return np.random.default_rng(3)


@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=30), number=st.integers(1, 40))
def test_a_group_stays_on_one_side(sizes, number):
    pairs = [pair(f"{group}-{place}", str(group)) for group, size in enumerate(sizes) for place in range(size)]
    training, held_out = hold_out_groups(pairs, number, rng())
    assert sorted(map(repr, [*training, *held_out])) == sorted(map(repr, pairs))
    assert not {each.group for each in training} & {each.group for each in held_out}
    assert training
    assert 0 < len(held_out) <= max(min(number, len(pairs) // 5), min(sizes))


def test_one_group_cannot_be_held_out():
    with pytest.raises(TuningError, match="1 group"):
        hold_out_groups([pair(1), pair(2)], 1, rng())
    with pytest.raises(TuningError, match="0 groups"):
        hold_out_groups([], 1, rng())


@given(
    answers=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    wrong=st.lists(st.integers(0, 6), min_size=40, max_size=40),
    size=st.integers(2, 9),
)
def test_no_batch_teaches_that_an_answer_is_none(answers, wrong, size):
    """Some questions have the same answer, and one's answer may be another's negative."""
    pairs = [
        QuestionPair(f"q{number}", f"p{answer}", (f"p{other}",) * (other != answer), frozenset({f"p{answer}"}), "a")
        for number, (answer, other) in enumerate(zip(answers, wrong, strict=False))
    ]
    drawn = batches(pairs, size, 3, rng())
    assert all(0 < len(batch) <= size for batch in drawn)
    counts = np.bincount([index for batch in drawn for index in batch], minlength=len(pairs))
    assert (counts == 3).all()
    for batch in drawn:
        for index in batch:
            others = {text for other in batch if other != index for text in pairs[other].passages}
            assert not pairs[index].answers & others


def test_wordings_of_one_question_are_apart():
    same = [QuestionPair("q", f"p{number}", (), frozenset({f"p{number}"}), "a") for number in range(3)]
    assert [len(batch) for batch in batches(same, 8, 1)] == [1, 1, 1]


def test_the_batches_of_a_run_are_drawn_at_once_and_alike():
    pairs = [pair(number) for number in range(20)]
    drawn = batches(pairs, 4, 2, rng())
    assert drawn == batches(pairs, 4, 2, rng())
    assert sorted(index for batch in drawn[:5] for index in batch) == list(range(20))
    assert drawn[:5] != drawn[5:]
    assert batches(pairs, 4, 1)[0] == [0, 1, 2, 3]


def test_negatives_are_filled_up_from_other_groups():
    pairs = [
        pair(1, "a", ["wrong 1", "wrong 2", "wrong 3"]),
        pair(2, "a", ["wrong 1"]),
        pair(3, "b", answers=["passage 1", "wrong 1", "wrong 2"]),
    ]
    made, drawn = filled(pairs, 2, rng())
    assert made[0].negatives == ("wrong 1", "wrong 2")
    assert made[1].negatives == ("wrong 1", "passage 3")
    assert set(made[2].negatives) == {"passage 2", "wrong 3"}
    assert drawn == 3
    assert row(made[1]) == {
        "question": "question 2", "passage": "passage 2", "negative_1": "wrong 1", "negative_2": "passage 3"
    }  # fmt: skip


def test_all_have_as_few_negatives_as_the_one_with_fewest():
    made, drawn = filled([pair(1, "a", ["wrong"]), pair(2, "b", answers=["passage 1", "wrong"])], 3, rng())
    assert [len(each.negatives) for each in made] == [0, 0]
    assert drawn == 0


def test_the_hash_is_of_the_set():
    pairs = [pair(1), pair(2)]
    assert pairs_hash(pairs) == pairs_hash(pairs[::-1])
    assert pairs_hash(pairs) != pairs_hash(pairs[:1])
