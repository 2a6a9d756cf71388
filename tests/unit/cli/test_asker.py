"""Who asks reaches every search: from the command line, from Python and from a benchmark's cases."""

import json

import pytest

import groundtune
from groundtune.assembly.assembly import Assembly
from groundtune.errors import SettingsError
from groundtune.testing.fakes import FunctionModel
from groundtune.values import Answered, Cited, Question, Retrieved, TextPiece

from .conftest import CASES, write_lines

ASKED = "What does the river plan cost?"
ALWAYS = ("--set", "assistant.min_support=0")
STAFF = ("staff",)


def from_passages(conversation):
    """Say what the passages say of the plan that is asked about."""
    passages, _, question = conversation[-1].content.partition("</passages>")
    name = next((case["group"] for case in CASES if case["group"] in question), "no")
    place = passages.find(f"The {name} plan costs")
    return f"{passages[place : passages.find(' a month', place)]} [1]." if place >= 0 else "It is sunny."


@pytest.fixture
def model(monkeypatch):
    """A model that says what the passages say; remembers what it was asked."""
    model = FunctionModel(from_passages)
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    return model


@pytest.fixture
def internal(project, model):
    """The project with documents that only staff may read, in its store."""
    (project / "groundtune.toml").write_text('[knowledge]\nreadable_by = ["staff"]\n', encoding="utf-8")
    opened(project).ingest()
    return project


def opened(folder):
    return groundtune.open_project(folder, {"assistant.min_support": 0, "comparison.resamples": 1000})


@pytest.mark.parametrize(
    ("askers", "abstains"),
    [([], True), (["staff"], False), (["everyone"], True), (["everyone", "staff"], False), (["Staff"], True)],
)
def test_ask_answers_those_who_may_read_and_nobody_else(run, internal, model, askers, abstains):
    words = [word for asker in askers for word in ("--as", asker)]
    asked = run("ask", ASKED, *words, "--project", internal, "--json", *ALWAYS)
    assert asked.code == 0, asked.err
    assert asked.json["abstained"] is abstains
    assert bool(asked.json["citations"]) is not abstains
    assert ("9 euros" in asked.json["answer"]) is not abstains
    assert len(model.asked) == (0 if abstains else 1), "a model is not given what its asker may not read"


def test_staff_do_not_read_what_is_for_everyone_unless_they_ask_as_everyone_too(run, project, model):
    for words, abstains in (((), False), (("--as", "staff"), True), (("--as", "staff", "--as", "everyone"), False)):
        asked = run("ask", ASKED, *words, "--project", project, "--json", *ALWAYS)
        assert asked.json["abstained"] is abstains


def test_search_shows_what_the_asker_may_read(run, internal):
    assert run("search", "river plan", "--project", internal, "--json").json == {"passages": []}
    passages = run("search", "river plan", "--as", "staff", "--project", internal, "--json").json["passages"]
    assert {passage["document"] for passage in passages} == {"plans.md"}


@pytest.mark.parametrize("command", [("ask", ASKED), ("search", "river")])
def test_a_blank_asker_is_refused(run, project, command):
    refused = run(*command, "--as", " ", "--project", project, *ALWAYS)
    assert refused.code == 2
    assert "--as staff" in refused.err


def test_python_asks_as_the_command_line_does(internal):
    project = opened(internal)
    assert project.ask(ASKED).abstained
    answer = project.ask(ASKED, asker=STAFF)
    assert not answer.abstained
    assert "9 euros" in answer.text
    assert project.search("river") == []
    assert project.search("river", asker=["staff"])
    for wrong in ("staff", [], [""]):
        with pytest.raises(SettingsError, match="list of principals"):
            project.ask(ASKED, asker=wrong)
        with pytest.raises(SettingsError, match="list of principals"):
            project.search("river", asker=wrong)


def test_a_stream_gives_passages_text_citations_and_the_answer(internal):
    answerer = opened(internal).answerer("rag")
    retrieved, *pieces, cited, answered = answerer.stream(Question(ASKED, asker=STAFF))
    assert isinstance(retrieved, Retrieved)
    assert {passage.document for passage in retrieved.passages} == {"plans.md"}
    assert "9 euros" in "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
    assert isinstance(cited, Cited)
    assert isinstance(answered, Answered)
    assert answered.answer.citations == (cited.citation,)
    nothing, said, abstained = answerer.stream(Question(ASKED))
    assert (nothing, said.text) == (Retrieved((), ASKED), abstained.answer.text)
    assert abstained.answer.abstained


def test_compare_asks_each_case_as_its_asker(run, internal, model, tmp_path):
    mine = {"c1", "c5", "u0"}  # of the test part, whose answerable cases are c1, c3 and c5
    write_lines(
        internal / "benchmark.jsonl", [case | {"asker": ["staff"]} if case["id"] in mine else case for case in CASES]
    )
    out = tmp_path / "out"
    flags = ("--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=3", *ALWAYS)
    compared = run("compare", "base", "rag", "--project", internal, "--out", out, "--json", *flags)
    assert compared.code == 0, compared.err
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    scores = {case["id"]: case["scores"]["rag"] for case in report["cases"]}
    assert {id_: found["exact"] for id_, found in scores.items() if id_ != "u0"} == {"c1": 1.0, "c3": 0.0, "c5": 1.0}
    assert all(found["retrieval_recall"] == found["exact"] for id_, found in scores.items() if id_ != "u0")
    with_passages = [asked for asked in model.asked if "euros" in asked[-1].content]
    assert not any("delta" in asked[-1].content.partition("</passages>")[2] for asked in with_passages)


def test_the_threshold_is_fitted_with_what_each_case_may_read(internal):
    write_lines(internal / "benchmark.jsonl", CASES)
    assert opened_to_fit(internal).sensitivity == 1.0
    assert opened_to_fit(internal).threshold == 0.0, "nothing is found for anybody: every support is zero"
    write_lines(internal / "benchmark.jsonl", [case | {"asker": ["staff"]} for case in CASES])
    assert opened_to_fit(internal).threshold > 0


def opened_to_fit(folder):
    return groundtune.open_project(folder).assembly.threshold()


def test_drafts_are_made_of_what_their_asker_may_read(run, internal):
    refused = run("benchmark", "draft", "--cases", "1", "--project", internal, "--json")
    assert refused.code == 2
    assert "[benchmark] draft_as" in refused.err
    assert not (internal / "drafts.jsonl").exists()
    as_staff = ("--set", 'benchmark.draft_as=["staff"]')
    assert run("benchmark", "draft", "--cases", "1", "--project", internal, "--json", *as_staff).code == 0
    drafts = [json.loads(line) for line in (internal / "drafts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert drafts
    assert all(draft["asker"] == ["staff"] for draft in drafts)
