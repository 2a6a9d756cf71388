"""Near repetitions and shared runs, against the plain computation over all pairs."""

import random

from hypothesis import given
from hypothesis import strategies as st

from groundtune.evaluation.benchmark.similarity import NEAR, jaccard, near_pairs, shared_runs, shingles
from groundtune.text import words

TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=9).map(" ".join), max_size=12)


@given(TEXTS, TEXTS, st.sampled_from([0.3, 0.5, 0.75, 1.0]))
def test_no_pair_is_missed_and_none_is_made_up(left, right, threshold):
    expected = {
        (one, other)
        for one, text in enumerate(left)
        for other, given in enumerate(right)
        if jaccard(shingles(text), shingles(given)) >= threshold
    }
    assert {pair[:2] for pair in near_pairs(left, right, threshold)} == expected


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_shared_runs_are_those_of_all_pairs(left, right, length):
    def runs(text):
        found = words(text)
        return {tuple(found[start : start + length]) for start in range(len(found) - length + 1)}

    expected = {
        (one, other) for one, text in enumerate(left) for other, given in enumerate(right) if runs(text) & runs(given)
    }
    found = list(shared_runs(left, right, length))
    assert {(one, other) for one, other, _ in found} == expected
    for one, other, run in found:
        assert len(run.split()) >= length
        assert f" {run} " in f" {' '.join(words(left[one]))} "
        assert f" {run} " in f" {' '.join(words(right[other]))} "


def test_rewording_a_little_is_near_and_another_question_is_not():
    (pair,) = near_pairs(["How long does a refund take?"], ["how long does a refund take by card"])
    assert pair[:2] == (0, 0)
    assert NEAR <= pair[2] < 1
    assert not list(near_pairs(["What does Pebble cost?"], ["What does a window cleaner cost in Paris?"]))


def test_texts_without_words_are_alike_only_if_equal():
    assert [pair[:2] for pair in near_pairs(["?!", "日本語"], ["?!", "...", "日本語"])] == [(0, 0), (1, 2)]


def test_planted_repetitions_are_found_among_real_questions(shared_data):
    """One word put in front, or left out at the end, of questions of eight words or more."""
    import csv

    with (shared_data / "intents_banking77" / "train.csv").open(encoding="utf-8") as file:
        asked = [row["text"] for row in csv.DictReader(file)]
    chosen = random.Random(7).sample([text for text in asked if len(words(text)) >= 8], 50)
    planted = [f"Please {text}" if number % 2 else text.rsplit(" ", 1)[0] for number, text in enumerate(chosen)]
    found = {(one, asked[other]) for one, other, _ in near_pairs(planted, asked)}
    assert all((number, text) in found for number, text in enumerate(chosen))
