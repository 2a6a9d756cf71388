"""RAFT data: the oracle among distractors of other documents, cited by its number, and left out of some."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from groundtune.assistant.prompts import grounded_messages
from groundtune.assistant.rewriting import QuestionRewriting
from groundtune.settings import AssistantSettings
from groundtune.tuning.raft import RaftPrompts, find_oracle, raft_examples
from groundtune.values import Example, Message, Passage, Place

UNKNOWN = "I do not know."
NAMES = ("pebble", "brook", "river", "delta", "hazel", "sprig", "forge", "skim")


def passage(document, text, rank=1):
    return Passage(document, Place(0, len(text)), text, "", rank, 1 / rank)


SHELF = [
    *(passage(f"{name}.md", f"Passage: {name} costs {10 + place} euros.") for place, name in enumerate(NAMES)),
    *(passage(f"{name}.md", f"Passage: {name} has a welcome gift.") for name in NAMES),
]


def retrieve(texts, shelf=SHELF):
    """Rank by shared words, like a search that finds what is named."""
    found = []
    for text in texts:
        asked = set(text.lower().replace("?", "").replace(".", "").split())
        found.append(sorted(shelf, key=lambda one: -len(asked & set(one.text.lower().strip(".").split())))[:8])
    return found


def example(place, documents=None):
    name = NAMES[place]
    turns = (Message("user", f"How much is {name}?"), Message("assistant", f"{name} costs {10 + place} euros."))
    return Example(turns, (f"{name}.md",) if documents is None else documents, "test")


def passages_of(made):
    block = made.messages[-2].content.partition("</passages>")[0]
    return [line.partition("] ")[2] for line in block.splitlines() if line.startswith("[")]


def make(examples, share, passages=3, seed=5, found=retrieve):
    build = partial(grounded_messages, AssistantSettings(unknown=UNKNOWN), "Shop")
    settings = RaftPrompts(passages, share, UNKNOWN)
    return raft_examples(examples, found, QuestionRewriting("rule"), build, settings, np.random.default_rng(seed))


EVERY = [example(place) for place in range(len(NAMES))]


def test_the_oracle_is_there_once_and_cited_by_its_number():
    data = make(EVERY * 5, 1.0)
    assert (data.with_oracle, data.without_oracle, data.oracle_not_found) == (40, 0, 0)
    for original, made in zip(EVERY * 5, data.examples, strict=True):
        answer = original.messages[-1].content
        shown = passages_of(made)
        number = shown.index(f"Passage: {answer}") + 1
        assert made.messages[-1].content == f"{answer} [{number}]"
        assert made.documents == original.documents
        assert made.source == "test"


def test_distractors_are_of_other_documents():
    for original, made in zip(EVERY, make(EVERY, 1.0).examples, strict=True):
        name = original.documents[0].removesuffix(".md")
        shown = passages_of(made)
        assert len(shown) == len(set(shown)) == 3
        assert sum(name in text for text in shown) == 1


def test_the_oracle_stands_at_any_place():
    places = Counter(made.messages[-1].content[-3:] for made in make(EVERY * 20, 1.0).examples)
    assert set(places) == {"[1]", "[2]", "[3]"}
    assert min(places.values()) > 30


def test_without_the_oracle_the_answer_is_that_it_is_not_known():
    data = make(EVERY, 0.0)
    assert (data.with_oracle, data.without_oracle) == (0, len(EVERY))
    for original, made in zip(EVERY, data.examples, strict=True):
        name = original.documents[0].removesuffix(".md")
        assert made.messages[-1].content == UNKNOWN
        assert len(passages_of(made)) == 3
        assert not any(name in text for text in passages_of(made))


def test_the_share_with_the_oracle_is_as_set_and_drawn_from_the_seed():
    data = make(EVERY * 50, 0.8)
    assert data.with_oracle + data.without_oracle == 400
    assert 0.74 < data.with_oracle / 400 < 0.86
    assert make(EVERY * 50, 0.8) == data
    assert make(EVERY * 50, 0.8, seed=6) != data


def test_an_example_without_documents_keeps_its_own_answer():
    declined = Example((Message("user", "How much is snow?"), Message("assistant", "We do not sell snow.")))
    (made,) = make([declined], 1.0).examples
    assert made.messages[-1].content == "We do not sell snow."
    assert len(passages_of(made)) == 3


def test_an_example_whose_document_is_not_found_is_left_out_and_counted():
    data = make([example(0), example(1, documents=("lost.md",))], 1.0)
    assert data.oracle_not_found == 1
    assert [made.documents for made in data.examples] == [("pebble.md",)]


def test_one_passage_is_the_oracle_alone():
    for made in make(EVERY, 1.0, passages=1).examples:
        assert len(passages_of(made)) == 1
        assert made.messages[-1].content.endswith("[1]")


def test_the_oracle_is_the_own_passage_with_most_words_of_the_answer():
    assert find_oracle(example(2), SHELF) == SHELF[2]
    assert find_oracle(example(2, documents=()), SHELF) is None


def test_history_is_searched_and_shown_as_serving_does():
    turns = (
        Message("user", "How much is brook?"),
        Message("assistant", "brook costs 11 euros."),
        Message("user", "And river?"),
        Message("assistant", "river costs 12 euros."),
    )
    asked = []

    def spying(texts):
        asked.append(list(texts))
        return retrieve(texts)

    (made,) = make([Example(turns, ("river.md",))], 1.0, found=spying).examples
    assert asked[0] == ["How much is brook?\nAnd river?"]
    assert [message.role for message in made.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert made.messages[-1].content.startswith("river costs 12 euros. [")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_examples_give_no_data(share):
    assert make([], share, found=lambda texts: []).examples == []
