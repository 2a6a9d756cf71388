"""Which pipeline is chosen, from what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from groundtune.comparison.retrieval.choosing import choose
from groundtune.comparison.retrieval.pipelines import Measured, Pipeline, ways
from groundtune.settings import Settings
from groundtune.statistics.sample import Method
from groundtune.values import Score

PRESENT = Pipeline("builtin:minilm-l6-v2", 450, "hybrid", "none", 3)
WORDS = Pipeline("builtin:minilm-l6-v2", 450, "words", "none", 3)
FEW = Pipeline("builtin:minilm-l6-v2", 450, "hybrid", "none", 2)
RERANKED = Pipeline("builtin:minilm-l6-v2", 450, "hybrid", "late:builtin:minilm-l6-v2", 3)
LATE_VECTORS = replace(RERANKED, search="vectors")
GROUPS = [f"group {number}" for number in range(200)]
METHOD = Method(scale=(0.0, 1.0), resamples=2000)


def scores(hits):
    return [Score(float(hit)) for hit in hits]


def measured(pipeline, found, characters=None):
    """`found` of 200 cases found their passage."""
    own = scores(number < found for number in range(len(GROUPS)))
    return Measured(pipeline, own, 10.0, characters or 450.0 * pipeline.passages)


def chosen(*rows):
    choice = choose(rows, rows[0], GROUPS, METHOD, 1)
    return choice.winner.pipeline, choice.why


def test_the_present_one_stays_where_nothing_is_better():
    assert chosen(measured(PRESENT, 150), measured(RERANKED, 152), measured(WORDS, 120)) == (PRESENT, "kept")


def test_a_better_one_wins():
    assert chosen(measured(PRESENT, 120), measured(RERANKED, 170), measured(WORDS, 121)) == (RERANKED, "better")


def test_of_two_better_ones_the_simpler_wins_unless_the_other_is_better_still():
    assert chosen(measured(PRESENT, 100), measured(RERANKED, 171), measured(WORDS, 170)) == (WORDS, "better")
    assert chosen(measured(PRESENT, 100), measured(RERANKED, 195), measured(WORDS, 150)) == (RERANKED, "better")


def test_a_simpler_one_that_finds_as_much_wins():
    assert chosen(measured(PRESENT, 150), measured(WORDS, 150), measured(FEW, 149)) == (WORDS, "simpler")
    assert chosen(measured(PRESENT, 150), measured(FEW, 150)) == (FEW, "simpler")


def test_a_reranking_is_not_made_good_by_a_search_less():
    assert chosen(measured(PRESENT, 150), measured(LATE_VECTORS, 155, characters=300.0)) == (PRESENT, "kept")
    assert chosen(measured(LATE_VECTORS, 150), measured(PRESENT, 150)) == (LATE_VECTORS, "kept")
    assert chosen(measured(RERANKED, 150), measured(PRESENT, 150)) == (PRESENT, "simpler")
    bad = replace(WORDS, passages=2)
    assert chosen(measured(bad, 60), measured(LATE_VECTORS, 170), measured(PRESENT, 170)) == (PRESENT, "better")


def test_one_that_finds_less_is_no_simpler_one():
    """Not shown to be worse is not as good."""
    assert chosen(measured(PRESENT, 150), measured(WORDS, 146)) == (PRESENT, "kept")


def test_as_much_with_more_text_is_not_simpler():
    assert chosen(measured(PRESENT, 150), measured(WORDS, 150, characters=5000.0)) == (PRESENT, "kept")


def test_the_luckiest_of_many_is_not_better():
    """Forty pipelines that differ from the present one by luck alone: about one of forty would win without correction,
    in four of ten runs."""
    rng = np.random.default_rng(3)
    kept = 0
    for _ in range(20):
        rows = [
            Measured(
                Pipeline("e", size, "hybrid", "none", 3), [Score(float(hit)) for hit in rng.random(60) < 0.6], 1, 1
            )
            for size in range(300, 340)
        ]
        choice = choose(rows, rows[0], GROUPS[:60], Method(scale=(0.0, 1.0), resamples=4000), 1)
        kept += choice.why != "better"
    assert kept >= 18


@pytest.mark.parametrize("fixed", [False, True])
def test_ways(fixed):
    """The present pipeline comes first, and rerankers last; a service's index stays as it is."""
    tried = ways(PRESENT, Settings(), fixed_index=fixed)
    assert tried[0] == replace(PRESENT, passages=8)
    assert len(set(tried)) == len(tried) == (2 if fixed else 2 * 4 * 3)
    assert [each.reranker for each in tried] == sorted((each.reranker for each in tried), reverse=True)
    sizes = list(dict.fromkeys(each.chunk_size for each in tried))
    assert sizes == ([450] if fixed else [450, 300, 700, 1000])
    assert {each.search for each in tried} == ({"hybrid"} if fixed else {"hybrid", "vectors", "words"})


def test_changes_are_settings():
    assert WORDS.changes(PRESENT) == {"knowledge.search": "words"}
    other = Pipeline("hf:a/b", 300, "words", "none", 2)
    settings = other.applied(Settings())
    assert Pipeline.of(settings) == other
    assert set(other.changes(Pipeline.of(Settings()))) == {
        "embedding.name",
        "knowledge.chunk_size",
        "knowledge.search",
        "knowledge.passages",
    }
