"""Wrong use: one message with place and remedy on stderr, exit code 2, no traceback, nothing lost."""

import importlib.util
import json

import pytest

from groundtune import cli
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.testing.fakes import FunctionModel


def refused(ran, *parts):
    """Check that a command was refused with all of `parts` in one message, and return the message."""
    assert ran.code == 2
    lines = [line for line in ran.err.splitlines() if line.startswith("groundtune: ")]
    assert len(lines) == 1, ran.err
    for part in parts:
        assert str(part) in lines[0]
    return lines[0]


@pytest.mark.parametrize("command", [["ingest"], ["search", "x"], ["ask", "x"], ["compare"], ["evaluate", "rag"]])
def test_a_missing_project(run, tmp_path, command):
    refused(run(*command, "--project", tmp_path / "nowhere"), tmp_path / "nowhere", "groundtune.toml", "--project")


def test_an_error_is_one_json_document_too(run, tmp_path):
    ran = run("ingest", "--project", tmp_path, "--json")
    refused(ran, "there is no groundtune.toml")
    assert ran.json["error"]["place"] == str(tmp_path)
    assert set(ran.json["error"]) == {"message", "place", "remedy"}


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("[tuning]\nstepps = 3\n", ["groundtune.toml", "unknown setting `tuning.stepps`", "Did you mean `steps`"]),
        ("[tunning]\n", ["groundtune.toml", "unknown setting `tunning`", "Did you mean `tuning`"]),
        ('[tuning]\nsteps = "many"\n', ["groundtune.toml", "`tuning.steps` is 'many'"]),
        ("[tuning]\nsteps = 0\n", ["groundtune.toml", "`tuning.steps` is 0"]),
        ('[comparison]\ncandidates = "rag"\n', ["groundtune.toml", "`comparison.candidates` is 'rag'"]),
        ("[tuning\n", ["groundtune.toml", "not valid TOML", "line 1"]),
        ("steps = 3\n", ["groundtune.toml", "`steps` is outside any table"]),
        ('[model]\nname = "magic:wand"\n', ["magic:wand"]),
        ('[knowledge]\ndocuments = "nowhere"\n', ["nowhere", "documents"]),
        ('[comparison]\ndecide_by = "magic"\n', ["magic", "resolution"]),
        ("[knowledge]\nchunk_size = 100\nchunk_overlap = 100\n", ["chunk_overlap"]),
    ],
)
def test_wrong_settings(run, project, monkeypatch, content, parts):
    if "magic:wand" not in content:
        monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: "x"))
    (project / "groundtune.toml").write_text(content, encoding="utf-8")
    refused(run("compare", "base", "rag", "--project", project), *parts)
    assert not (project / "report").exists()


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("tuning.steps", ["KEY=VALUE"]),
        ("steps=3", ["KEY=VALUE"]),
        ("tuning.stepps=3", ["command line", "Did you mean `steps`"]),
        ("tunning.steps=3", ["command line", "Did you mean `tuning`"]),
        ("tuning.steps=many", ["command line", "`tuning.steps` is 'many'"]),
        ("comparison.candidates=[rag", ["comparison.candidates=[rag"]),
    ],
)
def test_wrong_overrides(run, project, override, parts):
    refused(run("ingest", "--project", project, "--set", override), *parts)


def test_a_missing_file(run, project):
    (project / "benchmark.jsonl").unlink()
    refused(run("benchmark", "check", "--project", project), project / "benchmark.jsonl", "no such file")
    refused(run("compare", "base", "--project", project), project / "benchmark.jsonl", "no such file")


def test_missing_training_data_is_told_before_anything_is_run(run, project, monkeypatch):
    model = FunctionModel(lambda _: "x")
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    refused(run("compare", "base", "tuned", "--project", project), project / "training.jsonl", "no such file")
    assert model.asked == []


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('{"id": "c9", "question": ', ["broken JSON"]),
        ('{"id": "c0", "question": "?", "ideal_answer": "!"}', ["`c0`", "line 1"]),
        ('{"id": "c9", "question": "?", "ideal_anwser": "!"}', ["ideal_anwser", "Did you mean `ideal_answer`"]),
        ('{"question": "?"}', ["`id` is missing"]),
        ('{"id": "c9", "question": "?", "answerable": "perhaps"}', ["`answerable` is 'perhaps'"]),
        ('{"id": "c9", "question": "?"}', ["no ideal answer"]),
    ],
)
def test_a_broken_line_is_named(run, project, line, parts):
    path = project / "benchmark.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    refused(run("benchmark", "stats", "--project", project), f"{path}:9", *parts)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b'{"id": "c0", "answer": "caf\xe9"}\n', ["predictions.jsonl:1", "not UTF-8", "Save it as UTF-8"]),
        (b'{"id": "c0", "answer": "a"}\n{"id": "c0", "answer": "b"}\n', ["predictions.jsonl:2", "line 1"]),
        (b'{"id": "zz", "answer": "a"}\n', ["predictions.jsonl:1", "`zz`"]),
        (b'\n{"id": "c0"}\n', ["predictions.jsonl:2", "`answer` is missing"]),
    ],
)
def test_bad_predictions(run, project, tmp_path, content, parts):
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(content)
    refused(run("score", path, "--benchmark", project / "benchmark.jsonl", "--scorer", "exact"), *parts)


def test_scoring_what_is_not_there(run, project, tmp_path):
    cases = project / "benchmark.jsonl"
    refused(run("score", tmp_path / "p.jsonl", "--benchmark", cases), tmp_path / "p.jsonl", "no such file")
    (tmp_path / "p.jsonl").write_text('{"id": "c0", "answer": "a"}\n', encoding="utf-8")
    ran = run("score", tmp_path / "p.jsonl", "--benchmark", cases, "--scorer", "rouge9")
    refused(ran, "no scorer is called `rouge9`", "rougeL")


def test_documents_that_cannot_be_read_are_told_with_the_reason_and_the_others_go_on(run, project):
    documents = project / "documents"
    (documents / "empty.md").write_text("  \n", encoding="utf-8")
    (documents / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing of the sort")
    (documents / "noise.txt").write_bytes(bytes(range(128, 256)) * 20)
    (documents / "picture.xyz").write_bytes(b"\x00\x01")
    (documents / "faq.json").write_text('{"questions": ', encoding="utf-8")
    ran = run("ingest", "--project", project, "--json")
    assert ran.code == 2
    failed = {one["document"]: one["reason"] for one in ran.json["failed"]}
    assert set(failed) == {"empty.md", "broken.pdf", "noise.txt", "picture.xyz", "faq.json"}
    assert "no text" in failed["empty.md"]
    assert "UTF-8" in failed["noise.txt"]
    assert all(len(reason) > 20 for reason in failed.values())
    assert ran.json["added"] == 1
    shown = run("ingest", "--project", project).out
    assert all(document in shown for document in failed)


def test_ingesting_what_is_not_there_or_not_inside(run, project, tmp_path):
    refused(run("ingest", project / "documents" / "gone.md", "--project", project), "gone.md", "no such file")
    (tmp_path / "outside.md").write_text("x", encoding="utf-8")
    refused(run("ingest", tmp_path / "outside.md", "--project", project), "outside the documents folder")


def test_searching_an_empty_store(run, project):
    refused(run("search", "river", "--project", project), "empty", "groundtune ingest")


@pytest.mark.parametrize("words", [["ask", "  "], ["search", "  "]])
def test_an_empty_question(run, project, words):
    run("ingest", "--project", project)
    refused(run(*words, "--project", project), "empty")


@pytest.mark.parametrize(
    "command", [["compare", "base", "best"], ["evaluate", "best"], ["ask", "x", "--candidate", "best"]]
)
def test_an_unknown_candidate(run, project, command):
    refused(run(*command, "--project", project), "there is no candidate `best`", "base, rag, tuned, tuned+rag, raft")


def test_a_candidate_that_is_not_tuned_yet(run, project):
    run("ingest", "--project", project)
    refused(
        run("ask", "x", "--candidate", "tuned", "--project", project), "has not been tuned yet", "groundtune compare"
    )


def test_a_model_that_is_not_installed(run, project, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if "smollm" in name else found(name, *more)
    )
    refused(run("ask", "x", "--candidate", "base", "--project", project), "not installed", "pip install")


def test_a_model_that_cannot_be_tuned_is_told_before_anything_is_run(run, project, monkeypatch):
    model = FunctionModel(lambda _: "x")
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    (project / "training.jsonl").write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    remote = "model.name=openai:m@http://127.0.0.1:9/v1"
    refused(
        run("compare", "base", "tuned", "--project", project, "--set", remote), "cannot be tuned", "`base` and `rag`"
    )
    assert model.asked == []


@pytest.mark.parametrize("words", [["frobnicate"], ["tune", "magic"], ["compare", "--frob"], ["search"], ["init"]])
def test_unknown_commands_options_and_missing_arguments(run, words):
    ran = run(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert "Usage" in ran.err


def test_a_bad_adapter_name(run, project):
    refused(run("tune", "instruction", "--name", "../x", "--project", project), "../x", "letters")


def test_init_overwrites_nothing(run, project, tmp_path):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    refused(run("init", project), project, "is already a project")
    refused(run("init", project, "--example", "telecom"), project, "is already a project")
    (project / "groundtune.toml").unlink()
    refused(run("init", project, "--example", "telecom"), project, "not empty")
    (tmp_path / "file").write_text("x")
    refused(run("init", tmp_path / "file"), tmp_path / "file")
    refused(run("init", tmp_path / "new", "--example", "bakery"), "`bakery`", "telecom")
    assert not (tmp_path / "new").exists()
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert after == {path: content for path, content in before.items() if path.name != "groundtune.toml"}


def test_an_interruption_says_that_nothing_is_lost(run, project, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(KnowledgeBase, "ingest", interrupted)
    ran = run("ingest", "--project", project)
    assert ran.code == 130
    assert "Rerun to resume" in ran.err


def test_commands_are_imported_without_the_heavy_packages():
    import subprocess
    import sys

    heavy = ("torch", "transformers", "lancedb", "altair")
    code = f"import sys, groundtune.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "compare" in cli.COMMANDS
