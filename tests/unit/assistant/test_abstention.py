import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.assistant.abstention import fit_threshold, says_unknown, support
from groundtune.settings import AssistantSettings
from groundtune.values import Passage, Place

UNKNOWN = AssistantSettings().unknown


def passage(text, similarity=None, heading=""):
    return Passage("a.md", Place(0, len(text)), text, heading, 1, 1.0, similarity)


@pytest.mark.parametrize(
    "reply",
    [
        UNKNOWN,
        UNKNOWN.upper(),
        "I do not know.",
        "I don’t know that, sorry.",
        '"I do not know. The documents do not tell."',
        "I'm sorry, but I don't have an answer to your question.",
        "Sorry, I can't find that.",
        "Unfortunately, I do not have enough information.",
        "I can only help with our products.",
        "That isn't something I have details on.",
        "The passages do not answer this question.",
        "There is no information about that.",
    ],
)
def test_replies_that_say_unknown(reply):
    assert says_unknown(reply, UNKNOWN)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Brook costs €9, but I do not know since when.",
        "I know that Brook costs €9.",
        "The documents do not need to be signed.",
        "We do not have knowledge tests: anyone may join.",
        "No information is given to others.",
        "Sorry for the delay: it takes 3 days.",
        "If you do not know your PIN, dial 2200.",
    ],
)
def test_replies_that_answer(reply):
    assert not says_unknown(reply, UNKNOWN)


def test_the_sentence_of_the_settings_comes_first():
    assert says_unknown("Da bin ich überfragt.", "Da bin ich überfragt. Fragen Sie uns.")
    assert not says_unknown("Da bin ich überfragt.", UNKNOWN)
    assert not says_unknown("Brook costs €9.", "")


def test_support_rises_with_similarity_and_with_words():
    question = "What does the Brook plan cost?"
    none = support([passage("Delivery takes two days.", 0.1)], question)
    similar = support([passage("Delivery takes two days.", 0.8)], question)
    both = support([passage("The Brook plan costs €9.", 0.8)], question)
    assert 0 < none < similar < both <= 1
    assert both == pytest.approx(0.8 * 0.8 + 0.2)


def test_support_reads_headings_and_the_best_of_the_passages():
    question = "What does the Brook plan cost?"
    assert support([passage("It costs €9.", None, "Plans > Brook")], question) == 1.0
    passages = [passage("Brook", 0.2), passage("plan", 0.9), passage("cost", -0.4)]
    assert support(passages, question) == pytest.approx(0.8 * 0.9 + 0.2)


def test_support_without_anything_is_zero():
    assert support([], "What?") == 0.0
    assert support([passage("text", -0.5)], "What is it?") == 0.0


def test_the_threshold_stands_midway_between_the_two_kinds():
    fitted = fit_threshold([0.2, 0.3, 0.6, 0.8], [False, False, True, True], 0.9)
    assert fitted.threshold == pytest.approx(0.45)
    assert (fitted.sensitivity, fitted.specificity, fitted.n, fitted.note) == (1.0, 1.0, 4, "")


def test_of_equal_thresholds_the_lowest_is_taken():
    # answering from 0.3 on and from anywhere up to 0.4 stops the same one of two
    fitted = fit_threshold([0.2, 0.4, 0.6, 0.8], [False, True, False, True], 1.0)
    assert fitted.threshold == pytest.approx(0.3)
    assert (fitted.sensitivity, fitted.specificity) == (1.0, 0.5)


def test_where_support_tells_nothing_all_is_answered():
    fitted = fit_threshold([0.5, 0.5, 0.5], [True, False, True], 0.9)
    assert (fitted.threshold, fitted.sensitivity, fitted.specificity) == (0.0, 1.0, 0.0)
    assert "does not tell" in fitted.note


@pytest.mark.parametrize(
    ("answerable", "rates", "missing"),
    [
        ([True, True], (1.0, None), "unanswerable"),
        ([False, False], (None, 0.0), "answerable"),
        ([], (None, None), "case"),
    ],
)
def test_without_both_kinds_there_is_no_threshold(answerable, rates, missing):
    fitted = fit_threshold([0.5] * len(answerable), answerable, 0.9)
    assert fitted.threshold == 0.0
    assert (fitted.sensitivity, fitted.specificity) == rates
    assert missing in fitted.note


def test_what_may_be_refused_in_vain_is_bounded():
    supports, answerable = [0.3, 0.4, 0.5, 0.6, 0.7], [True, False, False, True, True]
    assert fit_threshold(supports, answerable, 0.6).threshold == pytest.approx(0.55)
    bounded = fit_threshold(supports, answerable, 0.7)
    assert (bounded.threshold, bounded.sensitivity, bounded.specificity) == (0.0, 1.0, 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=2, max_size=25),
    st.sampled_from([0.0, 0.5, 0.9, 1.0]),
)
def test_no_other_threshold_stops_more_within_the_bound(cases, least_answered):
    supports, answerable = [case[0] for case in cases], [case[1] for case in cases]
    fitted = fit_threshold(supports, answerable, least_answered)
    if fitted.sensitivity is None or fitted.specificity is None:
        return
    values, truth = np.array(supports), np.array(answerable)
    assert fitted.sensitivity >= least_answered
    assert fitted.sensitivity == np.mean(values[truth] >= fitted.threshold)
    for threshold in np.linspace(0, max(supports), 43):  # above all supports nothing at all would be answered
        if np.mean(values[truth] >= threshold) >= least_answered:
            assert fitted.specificity >= np.mean(values[~truth] < threshold) - 1e-9
