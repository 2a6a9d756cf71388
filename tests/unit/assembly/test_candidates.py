"""What a candidate's name stands for."""

import pytest

from groundtune.assembly.candidates import Candidate, Tuned, candidate, registered, steps
from groundtune.errors import SettingsError


def test_the_five_that_are_always_compared():
    assert {name: (one.adapter, one.grounded) for name, one in registered().items()} == {
        "base": (None, False),
        "rag": (None, True),
        "tuned": ("tuned", False),
        "tuned+rag": ("tuned", True),
        "raft": ("raft", True),
    }


@pytest.mark.parametrize(("name", "grounded"), [("friendly", False), ("friendly+rag", True)])
def test_any_adapter_is_a_candidate_closed_book_and_grounded(name, grounded):
    assert candidate(name, [Tuned("friendly", ("friendly",))]) == Candidate(name, ("friendly",), grounded)


@pytest.mark.parametrize("name", ["Base", "base+rag", "friendly+raft", "friendly+", "other", "other+rag", ""])
def test_what_is_no_candidate_is_refused_with_those_that_are(name):
    with pytest.raises(SettingsError, match="there is no candidate") as raised:
        candidate(name, [Tuned(each, (each,)) for each in ("friendly", "raft", "tuned")])
    known = "base, rag, tuned, tuned+rag, raft, friendly, friendly+rag"
    assert all(one in raised.value.remedy for one in known.split(", "))
    assert raised.value.remedy.count("tuned+rag") == 1


def test_what_costs_less_to_keep_comes_first_then_what_costs_less_to_run():
    assert sorted(registered().values(), key=lambda each: each.cost) == list(registered().values())
    assert candidate("friendly", [Tuned("friendly", ("friendly",))]).cost == registered()["tuned"].cost


def test_a_step_adds_one_part():
    assert set(steps(list(registered().values()))) == {
        ("base", "rag"), ("base", "tuned"), ("rag", "tuned+rag"), ("tuned", "tuned+rag"), ("rag", "raft"),
    }  # fmt: skip
    assert not Candidate("base").simpler_than(Candidate("brief", grounded=True, prompt="Answer in five words."))


def test_a_twin_leaves_out_what_was_learned_and_costs_as_much():
    below, above = (candidate(f"rag{suffix}") for suffix in ("-without-learned", ""))
    assert (below.grounded, below.learned, above.learned) == (True, False, True)
    assert below.cost == above.cost
    assert steps([above, below, candidate("base")]) == [
        ("rag-without-learned", "rag"), ("base", "rag"), ("base", "rag-without-learned"),
    ]  # fmt: skip
    with pytest.raises(SettingsError, match="there is no candidate"):
        candidate("base-without-learned")


def test_what_stands_on_another_adapter_is_that_one_and_a_part_more():
    below, above = Tuned("domain", ("domain",)), Tuned("support", ("domain", "support"))
    lower, upper = candidate("domain", [below, above]), candidate("support", [below, above])
    assert upper.adapters == ("domain", "support")
    assert lower.simpler_than(upper)
    assert lower.cost < upper.cost


def test_a_whole_model_is_one_of_its_own_and_costs_more_to_keep_than_an_adapter():
    whole = candidate("shop", [Tuned("shop", (), "path:/adapters/shop@1", 3)])
    assert (whole.model, whole.adapters) == ("path:/adapters/shop@1", ())
    assert whole.cost > registered()["tuned"].cost
