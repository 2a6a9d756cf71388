"""Cases that need a question back, through every scorer that knows of kinds of cases."""

import pytest

from groundtune.evaluation.scorers import scorers
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Passage, Place, Usage

ASKED = "What is the largest one there?"
ASKING_BACK = [
    "Which ocean do you mean?",
    "Do you mean the Atlantic or the Pacific?",
    "I'm not sure which ocean you mean. Could you tell me?",
    "There are several oceans. Which one are you asking about?",
    "I don't have enough information to answer. Which ocean is it about?",
]
GUESSES = [
    "The largest ocean is the Pacific.",
    "The Pacific. Is there anything else I can help you with?",
    "The answer is:",
    ASKED,
    "Please contact support.",
]


def case(*, clarify=True, ideal="Which ocean do you mean?", answerable=False):
    return Case("1", ASKED, ideal, (), answerable, "g", "test", clarify=clarify)


def answer(text, *, abstained=False, passages=()):
    return Answer(text, abstained, Usage(), passages)


def score(name, case, answer):
    return scorers(ComparisonSettings(), [name])[0].score(case, answer)


@pytest.mark.parametrize("reply", ASKING_BACK)
def test_a_question_back_is_right(reply):
    assert score("resolution", case(), answer(reply)).value == 1.0
    assert score("resolution", case(ideal=""), answer(reply)).value == 1.0, "without an ideal answer too"


@pytest.mark.parametrize("ideal", ["Which index fund?", "Say more.", "Atlantik oder Pazifik"])
def test_the_experts_own_words_are_right(ideal):
    assert score("resolution", case(ideal=ideal), answer(ideal)).value == 1.0


@pytest.mark.parametrize("reply", ["I do not know.", "I don't have that information.", "Sorry, I can't find it."])
def test_an_abstention_is_half_right(reply):
    given = answer(reply, abstained=True)
    assert score("resolution", case(), given).value == 0.5
    assert score("abstention_precision", case(), given).value == 0.5


@pytest.mark.parametrize("reply", GUESSES)
def test_a_guess_is_wrong(reply):
    assert score("resolution", case(), answer(reply)).value == 0.0


@pytest.mark.parametrize("name", ["resolution_answerable", "abstention_recall", "hallucination_rate"])
@pytest.mark.parametrize("abstained", [True, False])
def test_what_is_about_answerable_or_unanswerable_cases_leaves_it_out(name, abstained):
    found = score(name, case(), answer("Which ocean?", abstained=abstained))
    assert (found.value, found.reason) == (None, "the case needs a question back")


@pytest.mark.parametrize("reply", ASKING_BACK[:3])
def test_a_question_back_where_there_is_an_answer_or_none_is_no_resolution(reply):
    unanswerable = case(clarify=False, ideal="")
    assert score("resolution", unanswerable, answer(reply)).value == 0.0
    assert score("hallucination_rate", unanswerable, answer(reply)).value == 1.0


@pytest.mark.parametrize("reply", ASKING_BACK)
def test_groundedness_does_not_judge_questions_back(reply):
    passages = (Passage("a.md", Place(0, 5), "The sea is deep.", "", 1, 1.0),)
    assert score("groundedness", case(), answer(reply, passages=passages)).value is None


@pytest.mark.parametrize("reply", ["The answer is:", "prices.md, plans.md", "[1]", ASKED, ""])
def test_an_answer_without_content_to_an_unanswerable_case_is_no_abstention(reply):
    """Deliberately: the customer is not told that it is not known."""
    unanswerable = case(clarify=False, ideal="")
    assert score("resolution", unanswerable, answer(reply)).value == 0.0
    assert score("abstention_recall", unanswerable, answer(reply)).value == 0.0
    assert score("hallucination_rate", unanswerable, answer(reply)).value == 1.0
