"""Which questions are asked as people of several groups."""

import json

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.bias import _questions
from groundtune.settings import load


def opened(folder):
    (folder / "groundtune.toml").write_text('[project]\nname = "Shop"\n', encoding="utf-8")
    return Assembly(folder, load(folder, {}, environment={}))


def test_they_are_those_of_training_else_those_of_the_benchmark_else_none(tmp_path):
    assert _questions(opened(tmp_path)) == []
    case = {"id": "a", "question": "How long does a refund take?", "ideal_answer": "Ten days.", "group": "g"}
    (tmp_path / "benchmark.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    assert _questions(opened(tmp_path)) == ["How long does a refund take?"]
    turns = [{"role": "user", "content": "Is pick-up free?"}, {"role": "assistant", "content": "Yes."}]
    (tmp_path / "training.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    assert _questions(opened(tmp_path)) == ["Is pick-up free?"]
