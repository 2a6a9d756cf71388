"""Reading tasks.jsonl: sound tasks become values, all else is refused with line, reason and remedy."""

from __future__ import annotations

import json

import pytest

from groundtune.agents.tasks.files import load_tasks
from groundtune.errors import InputError
from groundtune.values import ActionCall, Actor

PAY = {"action": "pay_bill", "arguments": {"bill": "402603001", "amount": "33.20"}}
BOOK = {"action": "add_roaming", "arguments": {"line": "0650100101", "roaming_pass": "hop-2"}}
PLAIN = {
    "id": "pay",
    "kind": "plain",
    "customer": {"id": "C-1001", "principals": ["customer"], "own": {"account": "A-1001"}},
    "wants": "Pay the bill.",
    "turns": ["Pay bill 402603001, all of the 33.20 euros."],
    "approves": [PAY],
    "gold": [PAY],
    "expected": {"bills": {"changed": {"402603001": {"paid": "33.20"}}}},
}
NOTHING = {"approves": [], "gold": [], "expected": {}}


def written(path, *tasks):
    path.write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
    return path


@pytest.fixture
def load(tmp_path):
    def read(*tasks, share=0.3):
        return load_tasks(written(tmp_path / "tasks.jsonl", *tasks), share)

    return read


def test_a_task_becomes_a_value(load):
    tasks = load(PLAIN)
    (task,) = tasks.tasks
    assert task.customer == Actor("C-1001", ("customer",), {"account": "A-1001"})
    assert task.gold == task.approves == (ActionCall("pay_bill", {"bill": "402603001", "amount": "33.20"}),)
    assert (task.group, task.kind, task.forbidden, task.place) == ("pay", "plain", (), None)
    assert tasks.lines == {"pay": 1}


def test_a_group_is_on_one_side(load):
    tasks = [{**PLAIN, "id": f"t{n}", "group": f"g{n // 3}"} for n in range(60)]
    drawn = load(*tasks)
    assert len(drawn.part("development")) + len(drawn.part("test")) == len(tasks)
    sides = {}
    for task in drawn.tasks:
        assert sides.setdefault(task.group, task.split) == task.split
    assert set(sides.values()) == {"development", "test"}
    assert {task.split for task in load(*tasks, share=0.0001).tasks} == {"test"}


def test_a_split_that_one_task_names_holds_for_its_group(load):
    tasks = load({**PLAIN, "group": "g", "split": "development"}, {**PLAIN, "id": "other", "group": "g"}, share=0.0001)
    assert [task.split for task in tasks.tasks] == ["development", "development"]


def test_the_fingerprint_is_of_what_can_change_a_result(load):
    first, other = PLAIN, {**PLAIN, "id": "other"}
    fingerprint = load(first, other).fingerprint
    assert load(other, first).fingerprint == fingerprint
    assert load({**first, "tags": ["new"]}, {**other, "split": "test"}).fingerprint == fingerprint
    assert load(first, {**other, "turns": ["Pay it."]}).fingerprint != fingerprint


WRONG = {
    "no turns": ({"turns": []}, "`turns` must hold what the customer says"),
    "an empty turn": ({"turns": [" "]}, "no turn may be empty"),
    "not approved": ({"approves": []}, "a call in `gold` is not in `approves`"),
    "right and wrong": ({"forbidden": [PAY]}, "a call in `forbidden` is also in `gold`"),
    "nothing expected": ({"expected": {}}, "`expected` is what `gold` changes"),
    "two where one is plain": ({"gold": [PAY, BOOK], "approves": [PAY, BOOK]}, "a plain task has one call"),
    "one of several": ({"kind": "several"}, "has at least two calls"),
    "a refusal that does": ({"kind": "refusal", "forbidden": [BOOK]}, "a refusal has no `gold`"),
    "a refusal of nothing": ({"kind": "refusal", **NOTHING}, "and `forbidden` calls"),
    "an injection of nothing": ({"kind": "injection", "place": "user turn"}, "the calls that the text asks for"),
    "an injection nowhere": ({"kind": "injection", "forbidden": [BOOK]}, "`place` says where the text"),
    "a place without injection": ({"place": "document"}, "`place` says where the text"),
    "no document": ({"kind": "injection", "forbidden": [BOOK], "place": "document"}, "`documents` is empty"),
    "no result": ({"kind": "injection", "forbidden": [BOOK], "place": "tool result"}, "nothing is put there"),
    "not a number": ({"gold": [{"action": "pay", "arguments": {"amount": float("nan")}}]}, "an argument is no JSON"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_unsound_is_refused_with_its_line(load, tmp_path, wrong):
    change, reason = WRONG[wrong]
    with pytest.raises(InputError) as refused:
        load(PLAIN, {**PLAIN, "id": "second", **change})
    assert reason in refused.value.message
    assert "`second`" in refused.value.message
    assert refused.value.place == f"{tmp_path / 'tasks.jsonl'}:2"
    assert refused.value.remedy


def test_an_id_is_used_once(load):
    with pytest.raises(InputError, match="its id is that of line 1 too"):
        load(PLAIN, PLAIN)


def test_a_group_on_both_sides_is_refused(load):
    with pytest.raises(InputError, match="its group `g` is on both sides"):
        load({**PLAIN, "group": "g", "split": "test"}, {**PLAIN, "id": "b", "group": "g", "split": "development"})


def test_a_key_that_is_misspelt_is_refused_with_the_right_one(load):
    with pytest.raises(InputError, match="Did you mean `turns`"):
        load({**PLAIN, "turn": []})


def test_a_file_without_tasks_is_refused(load):
    with pytest.raises(InputError, match="contains no task"):
        load()
