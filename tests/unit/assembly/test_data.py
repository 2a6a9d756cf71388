"""Training data against what a project has, and the gate in front of a technique."""

import json

import pytest

from groundtune.assembly import data
from groundtune.errors import GateFailed, SettingsError
from groundtune.project import open_project


def conversation(question, answer):
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


ROWS = [conversation(f"Is the {word} delivered at home?", f"Yes, a {word} is delivered free of charge.")
        for word in ("router", "telephone", "antenna")]  # fmt: skip


@pytest.fixture
def shop(make_shop, tmp_path):
    make_shop(["Pebble"])
    (tmp_path / "training.jsonl").write_text("\n".join([*ROWS, ROWS[0]]), "utf-8")
    with open_project(tmp_path, {"data.relevance": -1000.0}) as project:  # the hashing embedder knows no meaning
        yield project.assembly


def test_the_surroundings_are_what_the_project_has(shop):
    history = [{"role": "user", "content": "What is Pebble?"}, {"role": "assistant", "content": "A plan."}]
    case = {"id": "a", "question": "And then?", "ideal_answer": "Eight euros.", "group": "g",
            "history": history}  # fmt: skip
    unknown = {"id": "b", "question": "Who is king?", "answerable": False}
    (shop.folder / "benchmark.jsonl").write_text("\n".join(map(json.dumps, (case, unknown))), "utf-8")
    around = data.surroundings(shop)
    assert around.questions == {"a": "What is Pebble?\nAnd then?", "b": "Who is king?"}
    assert around.ideal_answers == {"a": "Eight euros."}
    assert list(around.documents) == ["Pebble.md"]
    assert around.judge is None
    vectors = around.embed(["a", "b c"])
    assert vectors.shape[0] == 2


def test_a_project_without_benchmark_and_documents_can_be_checked(shop):
    (shop.folder / "documents" / "Pebble.md").unlink()
    (shop.folder / "documents").rmdir()
    around = data.surroundings(shop)
    assert (dict(around.questions), dict(around.documents)) == ({}, {})


def test_training_stops_at_the_gate_and_shows_where_the_lines_are(shop):
    with pytest.raises(GateFailed) as caught:
        data.gate_data(shop, [shop.folder / "training.jsonl"])
    assert caught.value.gates == ("duplicates",)
    assert (shop.folder / "report" / "data.html").is_file()
    assert "data.html" in str(caught.value)


def test_an_accepted_gate_is_told_to_the_manifest(shop):
    told, accepted = data.gate_data(shop, [shop.folder / "training.jsonl"], ["duplicates"])
    assert accepted == ("duplicates",)
    duplicates = next(gate for gate in json.loads(json.dumps(told)) if gate["name"] == "duplicates")
    assert (duplicates["passed"], duplicates["value"]) == (False, 0.25)
    with pytest.raises(SettingsError):
        data.gate_data(shop, [shop.folder / "training.jsonl"], ["no such gate"])


def test_files_are_checked_once_until_they_change(shop, monkeypatch):
    path, runs = shop.folder / "training.jsonl", []
    real = data.check_files
    monkeypatch.setattr(data, "check_files", lambda *given, **more: (runs.append(1), real(*given, **more))[1])
    for _ in range(2):
        data.gate_data(shop, [path], ["duplicates"])
    assert len(runs) == 1
    path.write_text("\n".join(ROWS), "utf-8")
    assert data.gate_data(shop, [path])[1] == ()
    assert len(runs) == 2
