"""Worked examples of the scorers that need no model; those against other implementations stand in tests/reference."""

import subprocess
import sys
from math import log2

import pytest

from groundtune.errors import SettingsError
from groundtune.evaluation.scorers import scorers
from groundtune.evaluation.scorers.overlap import exact, squad_exact, squad_f1, token_f1, token_recall
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Citation, Evidence, Passage, Place, Usage

QUOTE = "Refunds are paid within 30 days of the day on which we receive the device"


def case(*evidence, ideal_answer="Within 30 days.", answerable=True):
    return Case("1", "How long?", ideal_answer, evidence, answerable, "g", "test")


def passages(*given):
    return tuple(
        Passage(document, Place(0, len(text)), text, "", rank, 1.0) for rank, (document, text) in enumerate(given, 1)
    )


def answer(text="Within 30 days.", *, abstained=False, passages=(), citations=(), support=None):
    return Answer(text, abstained, Usage(), passages, citations, support=support)


def score(name, case, answer):
    return scorers(ComparisonSettings(), [name])[0].score(case, answer)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        ("The Eiffel Tower", "the tower in Paris", (0, 0.4, 0.5)),
        ("The Eiffel Tower", "Eiffel tower!", (1, 1, 1)),
        ("308", "The defense surrendered 308 points.", (0, 0.4, 1)),
        ("a b c", "", (0, 0, 0)),
        ("cat cat", "cat", (0, 2 / 3, 0.5)),
        ("an apple", "the Apple", (1, 1, 1)),
        ("the", "the", (1, 1, 1)),  # nothing but an article is a word of its own
        ("the", "a", (0, 0, 0)),
        ("It costs €1.50.", "It costs €150.", (0, 0.75, 0.75)),
    ],
)
def test_overlap(reference, prediction, expected):
    found = (exact(reference, prediction), token_f1(reference, prediction), token_recall(reference, prediction))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ideal", "given"),
    [
        ("It costs €1.50.", "It costs €150."),
        ("Use firmware 3.1.", "Use firmware 3.10."),
        ("It is written in C++.", "It is written in C#."),
        ("It takes 5-10 days.", "It takes 510 days."),
        ("-5 °C", "5 °C"),
        ("192.168.1.1", "192.168.11"),
    ],
)
def test_what_squad_drops_tells_answers_apart(ideal, given):
    asked, answered = case(ideal_answer=ideal), answer(given)
    assert score("exact", asked, answered).value == 0
    for name in ("token_f1", "token_recall", "resolution"):
        assert score(name, asked, answered).value < 1


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        ("It costs $1.50.", "it costs 150", (1, 1)),
        ("The Eiffel Tower", "the tower in Paris", (0, 0.4)),
        ("the", "the", (1, 0)),  # nothing is left to compare: as in evaluate-v1.1.py, F1 is 0
        ("C++", "c", (1, 1)),
    ],
)
def test_the_published_forms_are_as_published(reference, prediction, expected):
    assert (squad_exact(reference, prediction), squad_f1(reference, prediction)) == pytest.approx(expected)


def test_retrieval_counts_evidence_that_was_found_and_the_first_rank():
    asked = case(Evidence("refunds.md", "within 30 days"), Evidence("fees.md", "no fee"))
    given = answer(passages=passages(("about.md", "x"), ("refunds.md", "paid within\n30 days or so")), support=0.4)
    assert score("retrieval_recall", asked, given).value == 0.5
    assert score("reciprocal_rank", asked, given).value == 0.5


def test_rank_is_that_of_retrieval_whatever_the_order_in_the_prompt():
    first, second = passages(("refunds.md", QUOTE), ("about.md", "x"))
    assert score("reciprocal_rank", case(Evidence("refunds.md")), answer(passages=(second, first))).value == 1


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        (f"About us. {QUOTE}.", True),
        ("Refunds are paid within 30 days of the day", True),  # a chunk ends inside the quote
        ("on which we receive the device", False),  # the smaller piece of it
        ("within 30 days of the day on which we", True),  # a small chunk out of its middle
        ("Device refunds: the 30 days are within the day we are paid", False),  # the words, scattered
    ],
)
def test_a_chunk_hits_with_one_run_of_half_the_quote(text, hit):
    given = answer(passages=passages(("refunds.md", text)))
    assert score("retrieval_recall", case(Evidence("refunds.md", QUOTE)), given).value == hit


def test_the_same_words_in_another_document_are_no_hit():
    given = answer(passages=passages(("other.md", QUOTE)))
    assert score("retrieval_recall", case(Evidence("refunds.md", QUOTE)), given).value == 0


@pytest.mark.parametrize("name", ["retrieval_recall", "reciprocal_rank"])
def test_retrieval_is_unscored_closed_book_and_without_evidence_but_zero_if_nothing_was_found(name):
    assert score(name, case(Evidence("a.md")), answer()).value is None
    assert score(name, case(), answer(passages=passages(("a.md", "x")))).value is None
    assert score(name, case(Evidence("a.md")), answer(support=0.0)).value == 0


def test_citations_on_evidence():
    asked = case(Evidence("refunds.md", QUOTE))
    on = Citation("refunds.md", Place(0, 1), "paid within 30 days", "model")
    off = Citation("about.md", Place(0, 1), "paid within 30 days", "model")
    elsewhere = Citation("refunds.md", Place(0, 1), "Fees are not refunded at all", "model")
    assert score("citation_precision", asked, answer(citations=(on, off))).value == 0.5
    assert score("citation_precision", asked, answer(citations=(elsewhere,))).value == 0
    assert score("citation_precision", asked, answer()).value is None
    assert score("citation_precision", case(), answer(citations=(on,))).value is None


@pytest.mark.parametrize(
    ("answerable", "abstained", "precision", "recall", "resolution"),
    [(False, True, 1, 1, 1), (False, False, None, 0, 0), (True, True, 0, None, 0), (True, False, None, None, 1)],
)
def test_abstention_and_resolution(answerable, abstained, precision, recall, resolution):
    asked, given = case(answerable=answerable), answer(abstained=abstained)
    found = [score(name, asked, given).value for name in ("abstention_precision", "abstention_recall", "resolution")]
    assert found == [precision, recall, resolution]


def test_resolution_where_there_is_an_answer_leaves_the_others_out():
    missing = score("resolution_answerable", case(ideal_answer="", answerable=False), answer("No idea."))
    assert (missing.value, missing.failed) == (None, False)
    asked, given = case(ideal_answer="the tower"), answer("tower bridge")
    assert score("resolution_answerable", asked, given) == score("resolution", asked, given)


def test_resolution_of_an_answer_is_its_token_f1():
    assert score("resolution", case(ideal_answer="the tower"), answer("tower bridge")).value == pytest.approx(2 / 3)


def test_groundedness_counts_sentences_that_the_passages_support():
    given = passages(("refunds.md", f"{QUOTE}."), ("fees.md", "There is no fee."))
    supported = "Refunds are paid within 30 days. There is no fee."
    assert score("groundedness", case(), answer(supported, passages=given)).value == 1
    half = "Refunds are paid within 30 days. Shipping costs five euros [1]."
    assert score("groundedness", case(), answer(half, passages=given)).value == 0.5
    assert score("groundedness", case(), answer("Refunds are paid within 31 days.", passages=given)).value == 0
    assert score("groundedness", case(), answer(supported, support=0.0)).value == 0  # a search that found nothing


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer("Ten days."), "closed-book"),
        (answer("I do not know.", abstained=True, support=0.1), "does not know"),
        (answer("…", support=0.1), "no sentence"),
    ],
)
def test_groundedness_is_unscored_where_it_does_not_apply(given, reason):
    found = score("groundedness", case(), given)
    assert found.value is None
    assert reason in found.reason


def test_context_precision_recall_and_ndcg():
    ndcg_score = pytest.importorskip("sklearn.metrics").ndcg_score
    asked = case(Evidence("refunds.md", "within 30 days"), Evidence("fees.md", "no fee"))
    ranked = passages(("about.md", "x"), ("refunds.md", "paid within 30 days or so"), ("fees.md", "There is no fee."))
    given = answer(passages=ranked, support=0.4)
    assert score("context_precision", asked, given).value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert score("context_recall", asked, given).value == 1
    assert score("ndcg", asked, given).value == pytest.approx(ndcg_score([[0, 1, 1]], [[3, 2, 1]]))
    assert score("ndcg", asked, answer(passages=ranked[:2], support=0.4)).value == pytest.approx(
        (1 / log2(3)) / (1 + 1 / log2(3))
    )
    for name in ("context_precision", "context_recall", "ndcg"):
        assert score(name, asked, answer(passages=ranked[:1], support=0.4)).value == 0
        assert score(name, asked, answer(support=0.0)).value == 0
        assert score(name, asked, answer()).value is None
        assert score(name, case(), given).value is None


def test_evidence_found_twice_counts_once_and_two_pieces_in_one_passage_count_both():
    asked = case(Evidence("refunds.md", "within 30 days"), Evidence("refunds.md", "no fee"))
    both = passages(("refunds.md", "within 30 days, no fee"), ("refunds.md", "within 30 days"))
    assert score("ndcg", asked, answer(passages=both)).value == 1
    twice = passages(("refunds.md", "within 30 days"), ("refunds.md", "within 30 days"))
    assert score("ndcg", asked, answer(passages=twice)).value == pytest.approx(1 / (1 + 1 / log2(3)))


def test_context_recall_counts_the_part_of_a_quote_that_was_found():
    asked = case(Evidence("refunds.md", QUOTE))
    piece = "paid within 30 days of the day"  # 7 of its 15 words
    assert score("context_recall", asked, answer(passages=passages(("refunds.md", piece)))).value == 7 / 15
    other = passages(("refunds.md", piece), ("refunds.md", "on which we receive the device. days of the"))
    assert score("context_recall", asked, answer(passages=other)).value == pytest.approx(13 / 15)
    assert score("context_recall", case(Evidence("refunds.md")), answer(passages=other)).value == 1
    assert score("context_recall", asked, answer(passages=passages(("refunds.md", "")))).value == 1
    assert score("context_recall", asked, answer(passages=passages(("other.md", QUOTE)))).value == 0


@pytest.mark.parametrize(
    ("answerable", "abstained", "expected"),
    [(False, True, 0), (False, False, 1), (True, True, None), (True, False, None)],
)
def test_hallucination_rate(answerable, abstained, expected):
    assert score("hallucination_rate", case(answerable=answerable), answer(abstained=abstained)).value == expected


@pytest.mark.parametrize("name", ["rouge1", "bleu", "exact", "token_recall", "resolution"])
def test_texts_are_unscored_without_an_ideal_answer_and_zero_without_an_answer(name):
    assert score(name, case(ideal_answer=" "), answer("x")).value is None
    assert score(name, case(), answer("")).value == 0


def test_names_are_taken_in_order_and_unknown_ones_refused():
    assert [scorer.name for scorer in scorers(ComparisonSettings(), ["bleu", "exact"])] == ["bleu", "exact"]
    with pytest.raises(SettingsError, match=r"rougeX.*rougeL"):
        scorers(ComparisonSettings(), ["rougeX"])


def test_scorers_are_listed_without_torch():
    code = (
        "import sys; from groundtune.evaluation.scorers import scorers; from groundtune.settings import "
        "ComparisonSettings; [s.signature for s in scorers(ComparisonSettings())]; "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
