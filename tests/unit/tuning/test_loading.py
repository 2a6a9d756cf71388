"""What tuning loads: each row once, whatever the format, and what is left out is said."""

import json
import logging

import pytest

from groundtune.errors import InputError
from groundtune.tuning.examples import (
    data_hash,
    last_question,
    load_examples,
    load_judged,
    load_texts,
    reply_turns,
)
from groundtune.values import Example, Message, PreferencePair, Question, Thumb, ToolCall, TrainingText

TALK = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
PAIR = {"prompt": "q", "chosen": "good", "rejected": "bad"}
THUMB = {"prompt": "q", "completion": "a", "label": True}


def written(tmp_path, *rows, name="rows.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_the_first_broken_row_is_named_and_the_others_are_counted(tmp_path):
    path = written(tmp_path, TALK, {"messages": []}, TALK, {"prompt": "x"}, 5)
    with pytest.raises(InputError, match="2 more rows are broken") as raised:
        load_examples(path)
    assert raised.value.place == f"{path}:2"
    with pytest.raises(InputError, match="1 more row is broken"):
        load_examples(written(tmp_path, 5, TALK, {"messages": []}))
    with pytest.raises(InputError) as raised:
        load_examples(written(tmp_path, TALK, 5))
    assert "more" not in str(raised.value)


def test_repeats_are_counted(tmp_path, said):
    same = {"conversations": [{"from": "human", "value": "q "}, {"from": "gpt", "value": "a"}]}
    assert len(load_examples(written(tmp_path, TALK, same, {"prompt": "q2", "completion": "a"}, TALK))) == 2
    assert "2 of 4 conversations repeat an earlier one and are left out" in said()[0]
    assert said()[0].endswith("rows.jsonl:2.")


def test_without_repeats_nothing_is_said(tmp_path, said):
    load_examples(written(tmp_path, TALK))
    assert said() == []


def test_turns_that_are_not_trained_and_tools_make_another_conversation(tmp_path):
    longer = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}, *TALK["messages"]]
    trained = [*TALK["messages"], *TALK["messages"]]
    rows = [{"messages": longer}, {"messages": trained}, {"messages": trained, "tools": [{"name": "f"}]}]
    assert len(load_examples(written(tmp_path, *rows))) == 3


def test_a_pair_that_several_people_judged_stays_several_pairs(tmp_path, said):
    rows = [PAIR | {"annotator": "a"}, PAIR | {"annotator": "b"}, PAIR | {"annotator": "a"}]
    assert [pair.annotator for pair in load_judged(written(tmp_path, *rows))] == ["a", "b"]
    assert "1 of 3 preference pairs or rated answers repeat" in said()[0]


def test_thumbs_of_both_kinds_are_kept(tmp_path):
    assert [thumb.good for thumb in load_judged(written(tmp_path, THUMB, THUMB | {"label": False}))] == [True, False]


def test_pairs_and_thumbs_in_one_file_are_both_judged(tmp_path, said):
    assert [type(row) for row in load_judged(written(tmp_path, PAIR, THUMB, PAIR))] == [PreferencePair, Thumb]
    assert [line.partition(": ")[2] for line in said()] == [
        f"1 of 3 preference pairs or rated answers repeat an earlier one and are left out, the first on "
        f"{tmp_path / 'rows.jsonl'}:3."
    ]


@pytest.mark.parametrize(
    ("row", "first"),
    [
        (PAIR, None),
        (PAIR | {"chosen_first": True}, True),
        (PAIR | {"chosen_first": "False"}, False),
        (PAIR | {"chosen_first": None}, None),
        ({"prompt": "q", "response_a": "x", "response_b": "y", "winner": "b"}, False),
        ({"prompt": "q", "response_a": "x", "response_b": "y", "winner": "response_a"}, True),
    ],
)
def test_which_answer_was_shown_first(row, first, tmp_path):
    (pair,) = load_judged(written(tmp_path, row))
    assert pair.chosen_first is first


def test_what_was_shown_first_is_true_or_false(tmp_path):
    with pytest.raises(InputError, match="`chosen_first` is 'left', not true or false"):
        load_judged(written(tmp_path, PAIR | {"chosen_first": "left"}))


def test_rows_of_other_kinds_are_counted(tmp_path, said):
    path = written(tmp_path, TALK, PAIR, PAIR, THUMB)
    assert len(load_examples(path)) == 1
    assert len(load_judged(path)) == 2
    assert "holds 2 preference pairs, 1 rated answer as well, which are not used as conversations" in said()[0]


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = written(tmp_path, PAIR)
    with pytest.raises(InputError, match=r"contains no conversation. It holds 1 preference pair: name another file"):
        load_examples(path)
    with pytest.raises(InputError, match="contains no preference pair or rated answer"):
        load_judged(written(tmp_path, TALK))
    with pytest.raises(InputError, match="contains no text"):
        load_texts(written(tmp_path, TALK))


def test_columns_that_nothing_uses_are_named(tmp_path, said):
    load_examples(written(tmp_path, TALK | {"score": 3, "lists": [1]}))
    assert "columns that training does not use: `score`, `lists`" in said()[0]


def test_texts_of_a_folder(tmp_path, said):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.md").write_text("one", encoding="utf-8")
    (tmp_path / "b.txt").write_text("two", encoding="utf-8")
    (tmp_path / "c.pdf").write_bytes(b"%PDF")
    (tmp_path / ".hidden").write_text("x", encoding="utf-8")
    written(tmp_path, {"text": "three"}, {"text": "one"}, name="d.jsonl")
    assert load_texts(tmp_path) == [TrainingText("two", "b.txt"), TrainingText("three"), TrainingText("one")]
    assert "1 of 4 files hold no training text" in said()[0]
    assert "1 of 4 texts repeat" in said()[1]


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(InputError, match="contains no text"):
        load_texts(tmp_path)


CALLED = Example(
    (
        Message("system", "s"),
        Message("user", "q1"),
        Message("assistant", "a1"),
        Message("user", "q2"),
        Message("assistant", "", (ToolCall("f"),)),
        Message("tool", "1"),
        Message("assistant", "a2"),
    )
)


def test_the_last_question_is_the_users_also_where_tools_were_called():
    assert last_question(CALLED) == Question("q2", CALLED.messages[1:3])
    assert reply_turns(CALLED) == CALLED.messages[4:]


def test_the_hash_sees_calls_tools_and_weights():
    def changed(number, **more):
        from dataclasses import replace

        messages = list(CALLED.messages)
        messages[number] = replace(messages[number], **more)
        return Example(tuple(messages))

    others = [
        changed(4, tool_calls=(ToolCall("g"),)),
        changed(4, tool_calls=(ToolCall("f", '{"n": 1}'),)),
        changed(2, trained=False),
        Example(CALLED.messages, tools=('{"type": "function"}',)),
    ]
    assert len({data_hash([each]) for each in (CALLED, *others)}) == 5
