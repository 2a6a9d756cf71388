"""What each command prints: exactly one JSON document on stdout, of the documented shape."""

import json

import pytest
from typer.main import get_command

from groundtune import cli
from groundtune.assembly.assembly import Assembly
from groundtune.errors import ModelFailed
from groundtune.settings import load
from groundtune.standalone import example_folder
from groundtune.testing.fakes import FunctionModel

ESTIMATE = {"mean", "low", "high", "scored", "unscored", "failed"}


def every_command():
    def walk(command, words):
        for name, each in getattr(command, "commands", {}).items():
            yield from walk(each, [*words, name])
        if not hasattr(command, "commands"):
            yield words, command

    return list(walk(get_command(cli.app), []))


@pytest.mark.parametrize(("words", "command"), every_command(), ids=[" ".join(words) for words, _ in every_command()])
def test_the_help_of_every_command_has_an_example_and_explains_every_option(run, words, command):
    shown = run(*words, "--help")
    assert shown.code == 0
    assert f"groundtune {' '.join(words)}" in command.help.partition("Example")[2]
    assert "Example" in shown.out
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    for example in (line.strip() for line in command.help.splitlines() if line.startswith("    groundtune ")):
        assert any(example.startswith(line) and line.startswith("groundtune") for line in lines), (
            f"not a line: {example}"
        )
    assert "<" not in shown.out, "types have the names of Python"
    for option in command.params:
        assert option.name == "help" or getattr(option, "help", ""), f"{option.name} has no help"


def test_the_documented_commands_are_there():
    named = {" ".join(words) for words, _ in every_command()}
    assert {"init", "doctor", "ingest", "search", "ask", "evaluate", "score", "compare"} <= named
    assert {f"benchmark {name}" for name in "check stats import draft export review freeze".split()} <= named
    assert "tune" in {name.split()[0] for name in named}


def test_the_version(run):
    from groundtune import __version__

    assert run("--version").out == f"groundtune {__version__}\n"


def test_init_makes_a_project_with_working_defaults(run, tmp_path):
    made = run("init", tmp_path / 'my "shop"', "--json")
    assert made.code == 0
    assert made.json == {"project": str(tmp_path / 'my "shop"'), "example": None}
    assert (tmp_path / 'my "shop"' / "documents").is_dir()
    assert load(tmp_path / 'my "shop"', environment={}).settings.project.name == 'my "shop"'


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_init_copies_the_example_without_its_workings(run, tmp_path):
    made = run("init", tmp_path / "demo", "--example", "telecom", "--json")
    assert made.json["example"] == "telecom"
    copied, given = names(tmp_path / "demo"), names(example_folder("telecom"))
    assert {"groundtune.toml", "benchmark.jsonl", "training.jsonl", "preferences.jsonl", "README.md"} <= copied <= given
    assert not any(name.startswith(("sources", "make_", ".groundtune", "report")) for name in copied)


def test_doctor_tells_what_works(run, project):
    found = run("doctor", "--project", project, "--json")
    assert found.code in (0, 1)
    assert {"what", "works", "detail"} == set(found.json["findings"][0])
    assert found.code == (0 if all(one["works"] for one in found.json["findings"]) else 1)


def test_doctor_fails_on_a_broken_project(run, project):
    (project / "groundtune.toml").write_text("[modell]\n", encoding="utf-8")
    found = run("doctor", "--project", project, "--json")
    assert found.code == 1
    assert any("unknown setting `modell`" in one["detail"] for one in found.json["findings"])


def test_ingest_counts_and_skips_what_is_unchanged(run, project):
    first = run("ingest", "--project", project, "--json").json
    shape = {"added", "changed", "unchanged", "removed", "failed", "chunks", "seconds", "revision"}
    assert shape <= set(first)
    assert (first["added"], first["failed"]) == (1, [])
    assert first["chunks"] > 0
    again = run("ingest", "--project", project, "--json").json
    assert (again["added"], again["unchanged"], again["chunks"]) == (0, 1, 0)
    assert again["revision"] == first["revision"]


def test_search_shows_passages_with_places(run, project):
    run("ingest", "--project", project)
    found = run("search", "river plan", "-k", "2", "--project", project, "--json").json["passages"]
    assert [one["rank"] for one in found] == list(range(1, len(found) + 1))
    assert {"document", "start", "end", "text", "score", "rank"} <= set(found[0])
    assert found[0]["document"] == "plans.md"
    assert PLANS_TEXT(project)[found[0]["start"] : found[0]["end"]] == found[0]["text"]


def PLANS_TEXT(project):  # noqa: N802 -- the text as the reader gives it
    from groundtune.knowledge import readers

    return readers.read(project / "documents" / "plans.md").text


def answers_from_passages(conversation):
    block = conversation[-1].content
    place = block.find("The river plan")
    return f"{block[place : block.find('.', place)]} [1]." if place >= 0 else "I do not know."


@pytest.fixture
def models(monkeypatch):
    """A model that says what the passages say; remembers what it was asked."""
    model = FunctionModel(answers_from_passages)
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    return model


def test_ask_answers_with_checked_citations(run, project, models):
    always = ("--set", "assistant.min_support=0")
    asked = run("ask", "What does the river plan cost?", "--project", project, "--json", *always)
    assert asked.code == 0, asked.err
    answer = asked.json
    assert {"answer", "abstained", "citations", "candidate", "usage"} <= set(answer)
    assert answer["candidate"] == "rag"
    assert not answer["abstained"]
    assert "9 euros" in answer["answer"]
    (citation,) = answer["citations"]
    assert {"document", "start", "end", "quote"} <= set(citation)
    assert PLANS_TEXT(project)[citation["start"] : citation["end"]] == citation["quote"]
    assert answer["usage"]["prompt_tokens"] > 0


def test_compare_writes_the_report_where_it_is_told(run, project, models, tmp_path):
    limits = ("--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1")
    out = tmp_path / "out"
    compared = run("compare", "base", "rag", "--project", project, "--out", out, "--json", *limits)
    assert compared.code == 0, compared.err
    assert compared.json == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert set(compared.json["candidates"]) == {"base", "rag"}
    assert set(compared.json["candidates"]["rag"]["scores"]["resolution"]) == ESTIMATE
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!")
    shown = run("compare", "base", "rag", "--project", project, "--out", out, *limits)
    assert "report.html" in shown.out.replace("\n", "")


def test_benchmark_check_and_stats(run, project):
    checked = run("benchmark", "check", "--project", project, "--json")
    assert (checked.code, checked.json) == (0, {"cases": 8, "problems": [], "warnings": []})
    counted = run("benchmark", "stats", "--project", project, "--json").json
    assert counted["parts"]["test"]["cases"] == 4
    assert counted["parts"]["test"]["unanswerable"] == 1
    (project / "documents" / "plans.md").write_text("# Plans\n\nNothing yet.", encoding="utf-8")
    failed = run("benchmark", "check", "--project", project, "--json")
    assert failed.code == 1
    assert {problem["case"] for problem in failed.json["problems"]} == {f"c{number}" for number in range(6)}
    assert failed.json["problems"][0].keys() >= {"kind", "message", "case", "file", "line", "others"}


@pytest.fixture
def predictions(tmp_path):
    path = tmp_path / "predictions.jsonl"
    lines = [{"id": "c0", "answer": "The pebble plan costs 7 euros."}, {"id": "c1", "answer": "I am a teapot."}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_score_has_the_documented_shape_in_any_folder(run, project, predictions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["rougeL", "bleu", "exact", "token_f1", "token_recall"]
    chosen = [word for name in names for word in ("--scorer", name)]
    scored = run("score", predictions, "--benchmark", project / "benchmark.jsonl", "--json", *chosen)
    assert scored.code == 0, scored.err
    assert set(scored.json["summary"]) == {*names, "corpus_bleu"}
    assert all(set(found) >= ESTIMATE for found in scored.json["summary"].values())
    cases = {case["id"]: case["scores"] for case in scored.json["cases"]}
    assert set(cases) == {f"c{number}" for number in range(6)} | {"u0", "u1"}
    assert cases["c0"]["exact"] == cases["c0"]["rougeL"] == 1.0
    assert cases["c0"]["bleu"] == pytest.approx(100)
    assert cases["c1"]["exact"] == 0.0
    assert cases["c2"]["exact"] is None, "a case without a prediction has failed and is no zero"
    assert scored.json["summary"]["exact"]["failed"] == 6


def test_progress_goes_to_stderr(run, project, predictions):
    scored = run("score", predictions, "--benchmark", project / "benchmark.jsonl", "--json", "--scorer", "exact")
    assert "scoring" in scored.err
    json.loads(scored.out)


@pytest.mark.parametrize(
    "reply",
    [
        "<think>Nine it is.</think>It costs 9 euros.",
        "Nine it is.\n</think>\nIt costs 9 euros.",
        "[THINK]Nine it is.[/THINK]It costs 9 euros.",
    ],
)
def test_ask_shows_reasoning_apart(run, project, monkeypatch, reply):
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: reply))
    asked = ("ask", "What does the river plan cost?", "--project", project, "--candidate", "base")
    shown = run(*asked)
    assert shown.code == 0, shown.err
    assert shown.out.strip() == "It costs 9 euros."
    assert "reasoned before it answered (3 words); --json shows it" in shown.err
    told = run(*asked, "--json").json
    assert (told["answer"], told["reasoning"], told["abstained"]) == ("It costs 9 euros.", "Nine it is.", False)


@pytest.mark.parametrize("reply", ["", "  \n", "<think>Nine it is."])
def test_ask_says_why_there_is_no_answer(run, project, monkeypatch, reply):
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: reply))
    asked = run("ask", "What does the river plan cost?", "--project", project, "--candidate", "base")
    assert asked.code == 2
    assert "gave no answer" in asked.err
    assert "Traceback" not in asked.err


@pytest.mark.parametrize("reply", ["The answer is:", "plans.md", "What does the river plan cost?"])
def test_ask_says_that_a_reply_has_no_content(run, project, monkeypatch, reply):
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: reply))
    words = ("ask", "What does the river plan cost?", "--candidate", "base", "--project", project)
    assert run(*words, "--json").json["without_content"] is True
    assert "Note: this reply has no content" in run(*words).out


def test_ask_says_nothing_of_content_where_there_is_some(run, project, models):
    words = ("ask", "What does the river plan cost?", "--project", project, "--set", "assistant.min_support=0")
    assert run(*words, "--json").json["without_content"] is False
    assert "no content" not in run(*words).out


def test_score_names_answers_without_content(run, project, tmp_path):
    path = tmp_path / "empty.jsonl"
    lines = [{"id": f"c{number}", "answer": text} for number, text in enumerate(("Answer:", "7", "**", "plans.md"))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    words = ("score", path, "--benchmark", project / "benchmark.jsonl", "--scorer", "exact")
    assert "Note: 3 answers have no content, and did not abstain either: c0, c2, c3." in run(*words).out
    assert run(*words, "--json").json["without_content"] == ["c0", "c2", "c3"]


def test_benchmark_stats_counts_questions_to_be_clarified(run, project):
    asked = {"id": "q", "question": "Is it dear?", "clarify": True, "split": "test"}
    with (project / "benchmark.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asked) + "\n")
    counted = run("benchmark", "stats", "--project", project, "--json").json["parts"]["test"]
    assert (counted["cases"], counted["unanswerable"], counted["to_clarify"]) == (5, 1, 1)


class Dead(FunctionModel):
    """Cannot be reached; knows the answers of which it is told."""

    def __init__(self, known=()):
        super().__init__(str)
        self._known = known

    def complete(self, conversations, max_tokens=None):
        if any(all(word not in one[-1].content for word in self._known) for one in conversations):
            raise ModelFailed("cannot be reached (Connection refused).", remedy="Check that the server is running.")
        return super().complete(conversations, max_tokens)


@pytest.mark.parametrize("command", ["compare", "evaluate"])
@pytest.mark.parametrize("known", [(), ("brook",)])
def test_a_candidate_that_answers_no_case_ends_the_command_with_1_and_the_reason(
    run, project, monkeypatch, command, known
):
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: Dead(known))
    ended = run(command, "base", "--project", project)
    assert "Traceback" not in ended.err
    assert ended.code == (0 if known else 1)
    assert ("base answered none of the" in ended.err) == (not known)
    assert ("cannot be reached (Connection refused)" in ended.err) == (not known)
    if command == "compare":
        assert "Note: base failed on" in ended.out


@pytest.mark.parametrize(
    ("candidates", "documents"), [(("base",), True), (("base",), False), (("rag",), True), (("base", "rag"), True)]
)
def test_a_project_that_was_never_ingested_is_compared(run, project, monkeypatch, candidates, documents):
    """Closed-book candidates need no documents; for the others they are ingested first."""
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: "It costs 8 euros."))
    if not documents:
        (project / "documents" / "plans.md").unlink()
        (project / "documents").rmdir()
    compared = run("compare", *candidates, "--project", project, "--json")
    assert compared.code == 0, compared.err
    assert set(compared.json["candidates"]) == set(candidates)
    assert all(one["failed"] == 0 for one in compared.json["candidates"].values())
