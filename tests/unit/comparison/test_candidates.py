"""What a candidate's name stands for."""

import pytest

from groundtune.comparison.candidates import STANDARD, Recipe, recipe
from groundtune.errors import SettingsError


def test_the_five_that_are_always_compared():
    assert {name: (one.adapter, one.grounded) for name, one in STANDARD.items()} == {
        "base": (None, False),
        "rag": (None, True),
        "tuned": ("tuned", False),
        "tuned+rag": ("tuned", True),
        "raft": ("raft", True),
    }


@pytest.mark.parametrize(("name", "grounded"), [("friendly", False), ("friendly+rag", True)])
def test_any_adapter_is_a_candidate_closed_book_and_grounded(name, grounded):
    assert recipe(name, ["friendly"]) == Recipe(name, "friendly", grounded)


@pytest.mark.parametrize("name", ["Base", "base+rag", "friendly+raft", "friendly+", "other", "other+rag", ""])
def test_what_is_no_candidate_is_refused_with_those_that_are(name):
    with pytest.raises(SettingsError, match="there is no candidate") as raised:
        recipe(name, ["friendly", "raft", "tuned"])
    known = "base, rag, tuned, tuned+rag, raft, friendly, friendly+rag"
    assert all(one in raised.value.remedy for one in known.split(", "))
    assert raised.value.remedy.count("tuned+rag") == 1
