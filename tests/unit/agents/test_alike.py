"""What is never held for the same, however alike the vectors are; and what is, with the real embedder."""

import numpy as np
import pytest

from groundtune.agents.alike import Stated, says_already
from groundtune.knowledge.embedding import embedder
from groundtune.settings import EmbeddingSettings

ABOUT = "How much is the Pebble plan?"
KNOWN = Stated("Our plans > Pebble", "Pebble costs 8.40 euros a month.", "plans.md")
PAUSED = Stated("Our plans > Pebble", "The plan cannot be paused.", "plans.md")


def all_alike(texts):
    return np.ones((len(texts), 1), dtype=np.float32)


def none_alike(texts):
    return np.eye(len(texts), dtype=np.float32)


def held(text, about=ABOUT, embed=all_alike):
    return says_already(Stated(about, text, ""), [KNOWN], embed) is not None


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Pebble costs 8.40 euros a month.", ABOUT),
        ("It costs €8.40 every month.", ABOUT),
        ("It is 8.40 euros", "What do I pay for Pebble?"),
    ],
)
def test_the_same_in_other_words(text, about):
    assert held(text, about)
    assert not held(text, about, none_alike)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("It costs 9.40 euros a month.", ABOUT),
        ("It costs 8.40 dollars a month.", ABOUT),
        ("Brook costs 8.40 euros a month.", ABOUT),  # the name begins the sentence
        ("It costs 8.40 euros.", "How much is the Brook plan?"),  # the name is in the question alone
        ("It costs 8.40 euros in Norway.", ABOUT),
        ("It costs 8.40 euros for students.", ABOUT),
        ("Pebble does not cost 8.40 euros.", ABOUT),
    ],
)
def test_what_differs_in_a_figure_a_name_a_condition_or_a_no_is_not_the_same(text, about):
    assert not held(text, about)


def test_neither_a_no_nor_a_lack_of_one_is_overlooked():
    assert says_already(Stated("Can I pause Pebble?", "The plan cannot be paused.", ""), [PAUSED], all_alike) == PAUSED
    assert says_already(Stated("Can I pause Pebble?", "The plan can be paused.", ""), [PAUSED], all_alike) is None


def test_where_nothing_is_known_nothing_is_said_already():
    assert says_already(Stated(ABOUT, "It costs 8.40 euros.", ""), [], all_alike) is None


@pytest.mark.models
def test_with_the_real_embedder_what_is_about_something_else_is_not_the_same():
    real = embedder(EmbeddingSettings())

    def embed(texts):
        return real.embed(list(texts), "document")

    assert held("Pebble costs 8.40 euros every month.", embed=embed)
    other = Stated("Fees > Pebble", "Unlocking a phone on Pebble costs 8.40 euros once.", "fees.md")
    assert says_already(Stated(ABOUT, "It costs 8.40 euros a month.", ""), [other], embed) is None
