"""Which passages are left out because another one says nearly the same."""

from dataclasses import replace

import pytest

from groundtune.knowledge.near_duplicates import nearly_same, without_near_duplicates
from groundtune.knowledge.search import Depth, retrieve_many, search_many
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.rerankers import OverlapReranker, passage
from groundtune.values import Search

NOTICE = (
    "This document is for customers of our company in all countries where we offer services. We take care to keep it "
    "up to date, yet errors and later changes are possible, and nobody can rely on it in court. Please ask our support "
    "team whenever something in this text is unclear to you, or write to the address that stands at the end of it."
)
LEAST = 0.95


def texts(found):
    return [each.text for each in found]


def test_what_says_nearly_the_same_is_left_out_and_named():
    passages = [passage(NOTICE, 1), passage(NOTICE.replace("Please ask", "Ask"), 2), passage("Brook costs €9.", 3)]
    found = without_near_duplicates(passages, LEAST)
    assert texts(found) == [NOTICE, "Brook costs €9."]
    assert [each.rank for each in found] == [1, 2]
    assert [each.also_in for each in found] == [("2.md",), ()]
    assert without_near_duplicates(passages, 0) == passages


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("costs €24.90", "costs €29.90"),
        ("costs €24.90", "costs $24.90"),
        ("lasts 12 months", "lasts 24 months"),
        ("is the Wisp H5", "is the Wisp H6"),
        ("is possible", "is not possible"),
        ("is paid with fees", "is paid without fees"),
        ("is due before Monday", "is due after Monday"),
    ],
)
def test_what_differs_in_a_figure_or_turns_round_is_never_the_same(left, right):
    passages = [passage(f"{NOTICE} It {left}.", 1), passage(f"{NOTICE} It {right}.", 2)]
    assert not nearly_same(*passages, least=0.1)
    assert len(without_near_duplicates(passages, 0.1)) == 2


def test_figures_count_however_they_are_written_and_in_headings_too():
    written = [passage(f"{NOTICE} It costs €1,000.", 1), passage(f"{NOTICE} It costs EUR 1000.", 2)]
    assert len(without_near_duplicates(written, LEAST)) == 1
    years = [passage(NOTICE, 1, "Report 2023"), passage(NOTICE, 2, "Report 2024")]
    assert len(without_near_duplicates(years, LEAST)) == 2


@pytest.mark.parametrize(
    ("said", "swapped"),
    [
        ("Brook costs 9 euros, and River costs 12 euros.", "Brook costs 12 euros, and River costs 9 euros."),
        ("Brook is cheaper than River.", "River is cheaper than Brook."),
    ],
)
def test_what_is_swapped_is_seen(said, swapped):
    one = passage(f"{NOTICE} {said}")
    assert not nearly_same(one, replace(one, text=f"{NOTICE} {swapped}"), LEAST)


def test_short_passages_that_differ_in_a_word_stay():
    assert len(without_near_duplicates([passage("The shop in Leeds."), passage("The shop in York.", 2)], LEAST)) == 2


class Finding:
    """A store and a retriever that finds the same notice in ten documents, and then the answer."""

    def __init__(self):
        self.found = [passage(NOTICE, rank) for rank in range(1, 11)] + [passage("Brook costs €9.", 11)]

    def search(self, query):
        return self.found[: query.limit]

    def retrieve(self, searches, limit):
        return [self.found[:limit] for _ in searches]


@pytest.mark.parametrize("reranker", [None, OverlapReranker()])
def test_a_search_looks_further_to_fill_the_places_of_near_duplicates(reranker):
    searches, depth = [Search("What does Brook cost?")], Depth(2, candidates=20, resemblance=LEAST)
    for (found,) in (
        search_many(Finding(), HashingEmbedder(), searches, depth, reranker),
        retrieve_many(Finding(), searches, depth, reranker),
    ):
        assert sorted(texts(found)) == sorted([NOTICE, "Brook costs €9."])
    ((first, second),) = search_many(Finding(), HashingEmbedder(), searches, Depth(2), None)
    assert first.text == second.text
