"""Training conversations: what is read, what is refused with its line, and what is held out."""

import json

import numpy as np
import pytest

from groundtune.errors import InputError, TuningError
from groundtune.tuning.examples import data_hash, hold_out, last_question, load_examples
from groundtune.values import Example, Message, Question

GOOD = {"messages": [{"role": "user", "content": "How much?"}, {"role": "assistant", "content": " 8 euros. "}]}


def written(tmp_path, *lines):
    path = tmp_path / "training.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def turns(*roles):
    return {"messages": [{"role": role, "content": f"turn {number}"} for number, role in enumerate(roles)]}


def example(number):
    return Example((Message("user", f"question {number}"), Message("assistant", f"answer {number}")))


def test_conversations_are_read_once_each_without_white_space_around_turns(tmp_path):
    again = GOOD | {"source": "another line, the same conversation"}
    (read,) = load_examples(written(tmp_path, GOOD | {"documents": ["a.md"], "source": "s"}, "", again))
    assert read == Example((Message("user", "How much?"), Message("assistant", "8 euros.")), ("a.md",), "s")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"messages": [', "broken JSON"),
        ({}, "`messages` is missing"),
        ({"messages": []}, "`messages`"),
        (turns("user"), "`messages`"),
        (turns("assistant", "user"), "the turns are assistant, user"),
        (turns("user", "assistant", "user"), "the turns are"),
        (turns("user", "user", "assistant"), "the turns are"),
        (turns("user", "system", "assistant"), "the turns are"),
        (turns("user", "bot"), "`messages.1.role` is 'bot'"),
        ({"messages": [*GOOD["messages"][:1], {"role": "assistant", "content": "  "}]}, "content"),
        (GOOD | {"document": ["a.md"]}, "unknown key `document`. Did you mean `documents`?"),
        (GOOD | {"documents": "a.md"}, "`documents` is 'a.md'"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(tmp_path, line, reason):
    path = written(tmp_path, GOOD, "", line)
    with pytest.raises(InputError) as raised:
        load_examples(path)
    assert raised.value.place == f"{path}:3"
    assert reason in str(raised.value)
    assert raised.value.remedy


def test_an_empty_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="contains no conversation"):
        load_examples(written(tmp_path, ""))
    with pytest.raises(InputError, match="no such file"):
        load_examples(tmp_path / "nowhere.jsonl")


def test_what_is_held_out_depends_on_the_seed_alone():
    examples = [example(number) for number in range(40)]
    training, held_out = hold_out(examples, 4, np.random.default_rng(1))
    assert (len(training), len(held_out)) == (36, 4)
    assert {id(one) for one in training} | {id(one) for one in held_out} == {id(one) for one in examples}
    assert hold_out(examples, 4, np.random.default_rng(1)) == (training, held_out)
    assert hold_out(examples, 4, np.random.default_rng(2)) != (training, held_out)


@pytest.mark.parametrize(("examples", "held_out"), [(2, 1), (9, 1), (10, 2), (60, 12), (200, 24)])
def test_at_least_one_and_at_most_a_fifth_are_held_out(examples, held_out):
    parts = hold_out([example(number) for number in range(examples)], 24, np.random.default_rng(0))
    assert [len(part) for part in parts] == [examples - held_out, held_out]


def test_one_conversation_alone_cannot_be_held_out():
    with pytest.raises(TuningError, match="too few"):
        hold_out([example(1)], 1, np.random.default_rng(0))


def test_the_hash_of_the_data_ignores_order_and_sees_every_word_and_role():
    first, second = example(1), example(2)
    assert data_hash([first, second]) == data_hash([second, first]) != data_hash([first])
    moved = Example((Message("user", "question 1answer 1"), Message("assistant", " ")))
    assert data_hash([first]) != data_hash([moved])


def test_the_last_question_is_asked_with_the_turns_before_it_and_without_the_system_message():
    conversation = tuple(
        Message(role, str(number)) for number, role in enumerate(("system", "user", "assistant", "user", "assistant"))
    )
    assert last_question(Example(conversation)) == Question("3", (Message("user", "1"), Message("assistant", "2")))
