"""`benchmark import` and what follows: sets without answers are compared by search, and tags are told apart."""

import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.testing.fakes import FunctionModel, only

from .conftest import CASES, write_lines

NAMES = "pebble brook river delta hazel sprig forge skim amber cedar flint grove".split()
LIMITS = [
    option
    for key in ("comparison.resamples=1000", "comparison.latency_cases=1", "assistant.min_support=0")
    for option in ("--set", key)
]


@pytest.fixture
def beir(tmp_path):
    """A set of twelve questions in the format of BEIR, without answers."""
    folder = tmp_path / "set"
    (folder / "qrels").mkdir(parents=True)
    texts = [
        {"_id": name, "title": "", "text": f"The {name} plan costs {n + 7} euros."} for n, name in enumerate(NAMES)
    ]
    queries = [
        {"_id": f"q-{name}", "text": f"What does {name} cost?", "kind": "ab"[n % 2]} for n, name in enumerate(NAMES)
    ]
    write_lines(folder / "corpus.jsonl", texts)
    write_lines(folder / "queries.jsonl", queries)
    qrels = "query-id\tcorpus-id\tscore\n" + "".join(f"q-{name}\t{name}\t1\n" for name in NAMES)
    (folder / "qrels" / "test.tsv").write_text(qrels + "q-pebble\tgone\t1\n", encoding="utf-8")
    return folder


@pytest.fixture
def imported(run, project, beir, monkeypatch):
    (project / "benchmark.jsonl").unlink()
    (project / "documents" / "plans.md").unlink()
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: "It is 9 euros."))
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution", "retrieval_recall"))
    done = run("benchmark", "import", "beir", beir, "--shares", "0,0,1", "--project", project, "--json")
    assert done.code == 0, done.err
    return project, done.json


def test_what_is_imported_and_left_out_is_told(run, imported, beir, tmp_path):
    project, told = imported
    assert {key: told[key] for key in ("documents", "training", "development", "test")} == {
        "documents": 12,
        "training": 0,
        "development": 0,
        "test": 12,
    }
    assert [(note["count"], note["first"]) for note in told["notes"]] == [(1, "test.tsv:14"), (12, "queries.jsonl:1")]
    shown = " ".join(run("benchmark", "import", "beir", beir, "--shares", "0,0,1", "--project", project).out.split())
    assert "12 documents, 0 training, 0 development, 12 test" in shown
    assert "12 cases have no ideal answer: only retrieval scorers score them (first: queries.jsonl:1)" in shown
    assert run("benchmark", "check", "--project", project).code == 0
    assert "12 cases have no ideal answer" in run("benchmark", "stats", "--project", project).out
    stats = run("benchmark", "stats", "--project", project, "--json").json
    assert stats["parts"]["test"]["without_ideal_answer"] == 12


def test_a_deciding_scorer_that_needs_answers_is_refused_before_anything_is_asked(run, imported, monkeypatch):
    project, _ = imported
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: pytest.fail("a model was opened"))
    refused = run("compare", "base", "rag", "--project", project, *LIMITS)
    assert refused.code == 2
    assert (
        "`[comparison] decide_by` is 'resolution', which needs ideal answers, and no test case has one" in refused.err
    )
    assert 'decide_by="retrieval_recall"' in refused.err


def test_search_decides_where_there_are_no_answers(run, imported):
    project, _ = imported
    done = run(
        "compare", "rag", "--project", project, "--json", "--set", "comparison.decide_by=retrieval_recall", *LIMITS
    )
    assert done.code == 0, done.err
    report = json.loads((project / "report" / "report.json").read_text(encoding="utf-8"))
    scores = report["candidates"]["rag"]["scores"]
    assert scores["retrieval_recall"]["scored"] == 12
    assert (scores["resolution"]["scored"], scores["resolution"]["unscored"]) == (0, 12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "question"], "`--map question` is not COLUMN=FIELD"),
        (["--map", "=question"], "is not COLUMN=FIELD"),
        (["--map", "a=question", "--map", "a=id"], "two fields to the column `a`"),
        (["--map", "a=nothing"], "no field `nothing`"),
        (["--shares", "1,2"], "is not three numbers"),
        (["--shares", "0.5,0.6,0.7"], "do not add up to 1"),
    ],
)
def test_wrong_options_of_import(run, project, tmp_path, options, words):
    write_lines(tmp_path / "x.jsonl", [{"a": "Why?", "b": "So."}])
    refused = run("benchmark", "import", "table", tmp_path / "x.jsonl", "--project", project, *options)
    assert refused.code == 2
    assert words in refused.err


@pytest.mark.parametrize(("kind", "words"), [("squad", "Available: beir, ragas, table"), ("beir", "corpus.jsonl")])
def test_what_cannot_be_imported(run, project, tmp_path, kind, words):
    refused = run("benchmark", "import", kind, tmp_path, "--project", project)
    assert refused.code == 2
    assert words in refused.err


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ([["a"], ["b"]], {"a": 12, "b": 12}),
        ([["a"], ["a", "b"]], {"b": 12}),  # all have "a"
        ([["a"], []], {"a": 12}),
        ([["a"], ["b"], ["c"]], {}),  # eight cases are too few
        ([[]], {}),
    ],
)
def test_the_report_tells_tags_apart(run, project, monkeypatch, tags, told):
    def reply(asked):
        return "The pebble plan costs 7 euros." if "0 " in asked[-1].content else "No."

    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(reply))
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution"))
    cases = [{**CASES[0], "id": f"n{n}", "question": f"Plan {n % 2} ?", "group": f"g{n}"} for n in range(24)]
    rows = [{**case, "tags": tags[n % len(tags)], "split": "test"} for n, case in enumerate(cases)]
    write_lines(project / "benchmark.jsonl", rows)
    done = run("compare", "base", "--project", project, *LIMITS)
    assert done.code == 0, done.err
    report = json.loads((project / "report" / "report.json").read_text(encoding="utf-8"))
    assert {tag: one["cases"] for tag, one in report["by_tag"].items()} == told
    for tag, one in report["by_tag"].items():
        own = [row["id"] for row in rows if tag in row["tags"]]
        values = [case["scores"]["base"]["resolution"] for case in report["cases"] if case["id"] in own]
        assert one["scores"]["base"]["mean"] == pytest.approx(sum(values) / len(values))
        assert one["scores"]["base"]["scored"] == one["cases"]
    page = (project / "report" / "report.html").read_text(encoding="utf-8")
    assert ("<h2>By tag</h2>" in page) == bool(told)
    assert ("resolution by tag" in done.out) == bool(told)
