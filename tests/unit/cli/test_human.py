"""A study from start to finish on the command line: compare, assign, fill in, take back, report."""

import csv
import io
import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.errors import ModelFailed
from groundtune.evaluation.ratings import load_ratings
from groundtune.testing.fakes import FunctionModel, only

from .conftest import write_lines

PRODUCTS = "pebble brook river delta hazel sprig forge skim amber cedar flint grove".split()
CASES = [
    {
        "id": f"case-{number}",
        "question": f"What does the {name} plan cost?",
        "ideal_answer": f"The {name} plan costs {number + 7} euros.",
        "group": name,
        "split": "test",
        "tags": ["unexpected"] if number % 3 == 0 else [],
    }
    for number, name in enumerate(PRODUCTS)
]
RATERS = ("ana", "ben", "cleo")


def reply(conversation):
    text = conversation[-1].content
    if "amber" in text.partition("Question:")[2]:
        raise ModelFailed("no reply")
    return "It is 9 euros [1]." if "Question:" in text else "Perhaps 99 euros."


@pytest.fixture
def compared(run, project, monkeypatch):
    """The project with twelve cases, after `compare base rag`; rag failed on one case."""
    cheap = ["resolution", "exact"]
    monkeypatch.setattr(compare_module, "all_scorers", only(*cheap))
    model = FunctionModel(reply)
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    write_lines(project / "benchmark.jsonl", CASES)
    limits = ["--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1"]
    done = run("compare", "base", "rag", "--project", project, "--set", "assistant.min_support=0", *limits)
    assert done.code == 0, done.err
    return project


@pytest.fixture
def assigned(run, compared):
    made = run("human", "assign", *RATERS, "--set", "human.overlap=5", "--project", compared, "--json")
    assert made.code == 0, made.err
    return compared, made.json


def fill(path, rate, best="B"):
    """Fill in a sheet as Excel in Germany saves it: `rate` gives a number for an answer's text."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    titles = [title.split()[0] for title in rows[0]]
    for row in rows[1:]:
        cell = dict(zip(titles, row, strict=True))
        for place, title in enumerate(titles):
            if title in ("intuitive", "appropriate", "unexpected") and not cell[title]:
                row[place] = rate(cell["answer"])
            if title == "best" and not cell[title]:
                row[place] = best
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    return path


def honest(answer):
    return "4" if "9 euros [1]" in answer else "2" if "Perhaps" in answer else "1"


def test_assign_writes_a_sheet_for_each_rater_and_a_key(assigned):
    project, made = assigned
    assert set(made["raters"]) == set(RATERS)
    assert {one["case"] for one in made["raters"].values()} == {7}, "5 for all, and 6 more for three"
    assert list(made["left_out"]) == ["case-8"]
    assert "rag: " in made["left_out"]["case-8"]
    names = {path.name for path in (project / "human" / "study" / "sheets").iterdir()}
    assert {f"{rater}.{kind}" for rater in RATERS for kind in ("csv", "html")} | {"instructions.txt"} <= names
    key = json.loads((project / "human" / "study" / "key.json").read_text(encoding="utf-8"))
    assert set(key["candidates"]) == {"base", "rag"}
    text = (project / "human" / "study" / "sheets" / "ana.csv").read_text(encoding="utf-8-sig")
    assert "It is 9 euros [1]." in text
    assert not any(word in text for word in ("base", "rag", "case-", "amber"))


def test_sheets_come_back_and_are_reported(run, assigned):
    project, _ = assigned
    sheets = project / "human" / "study" / "sheets"
    filled = [fill(sheets / f"{rater}.csv", honest if rater != "cleo" else lambda answer: "5") for rater in RATERS]
    taken = run("human", "import", *filled, "--project", project, "--json")
    assert taken.code == 0, taken.out
    assert taken.json["problems"] == []
    assert [one["rater"] for one in taken.json["files"]] == list(RATERS)
    assert [bool(one["excluded"]) for one in taken.json["raters"]][2] is True
    kept = load_ratings(project / "human" / "study" / "ratings.jsonl")
    assert {one.rater for one in kept} <= {"ana", "ben"}
    assert {one.criterion for one in kept} == {"intuitive", "appropriate", "unexpected", "preference"}
    before = (project / "human" / "study" / "returned.jsonl").read_bytes()
    again = run("human", "import", *filled, "--project", project, "--json").json
    assert {(one["new"], one["changed"]) for one in again["files"]} == {(0, 0)}
    assert (project / "human" / "study" / "returned.jsonl").read_bytes() == before

    reported = run("human", "report", "--project", project, "--json").json
    means = {one["criterion"]: one["means"] for one in reported["everybody"]["criteria"]}
    assert means["intuitive"]["rag"]["mean"] > means["intuitive"]["base"]["mean"]
    assert {"mean", "low", "high", "scored", "unscored", "failed"} == set(means["unexpected"]["rag"])
    assert reported["left_out"] == {"case-8": reported["left_out"]["case-8"]}
    shown = run("human", "report", "--project", project).out
    for word in ("intuitive", "alpha", "exact p", "missed", "left out above", "1 cases were not shown"):
        assert word in shown, shown


def test_the_comparison_s_report_shows_what_people_said_of_these_runs(run, assigned):
    project, _ = assigned
    limits = ["--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1"]
    again = ["compare", "base", "rag", "--project", project, "--json", *limits, "--set", "assistant.min_support=0"]
    assert run(*again).json["human"] == {}, "nothing has come back yet"
    sheets = project / "human" / "study" / "sheets"
    taken = run(
        "human", "import", *(fill(sheets / f"{one}.csv", honest, "equal") for one in RATERS), "--project", project
    )
    assert taken.code == 0
    found = run(*again).json["human"]
    assert list(found) == ["study"]
    assert found["study"]["kept"]["criteria"][0]["means"]["rag"]["mean"] == 4.0
    page = (project / "report" / "report.html").read_text(encoding="utf-8")
    people = page.partition('<section id="people">')[2].partition("</section>")[0]
    for word in ("intuitive", "preference", "4.00", "by 3 raters", "Alpha"):
        assert word in people
    changed = run(*again[:-1], "assistant.min_support=0.9")
    assert changed.json["human"] == {}, "rag now answers otherwise, and the ratings are of other answers"
    (project / "human" / "broken").mkdir()
    (project / "human" / "broken" / "key.json").write_text("{", encoding="utf-8")
    broken = run(*again)
    assert broken.json["human"] == found
    assert "A human study is not shown" in broken.json["notes"][-1]
    other = run("compare", "base", "--project", project, "--json", *limits)
    assert other.json["human"] == {}, "rag is not among the candidates"


def test_wrong_rows_are_named_and_end_with_1(run, assigned):
    project, _ = assigned
    sheet = fill(project / "human" / "study" / "sheets" / "ana.csv", lambda answer: "7")
    taken = run("human", "import", sheet, "--project", project)
    assert taken.code == 1
    assert "ana.csv, row 2: `intuitive` is `7`: write a number from 1 to 5." in " ".join(taken.out.split())
    assert (project / "human" / "study" / "ratings.jsonl").read_text(encoding="utf-8") == ""


def refused(ran, *parts):
    assert ran.code == 2, ran.err
    for part in parts:
        assert part in ran.err


def test_a_study_is_never_written_over(run, assigned):
    project, _ = assigned
    refused(run("human", "assign", "ana", "--project", project), "may have been sent", "--study")
    other = run("human", "assign", "ana", "--study", "second", "--candidate", "rag", "--project", project, "--json")
    assert other.json["candidates"] == ["rag"]
    sheet = project / "human" / "second" / "sheets" / "ana.csv"
    taken = run("human", "import", sheet, "--project", project, "--json")
    assert taken.code == 1
    assert "belongs to study" in taken.json["problems"][0]["reason"]


def test_what_cannot_be_is_refused(run, project, compared):
    refused(run("human", "report", "--project", project), "key.json", "no such file")
    refused(run("human", "assign", "ana", "--candidate", "magic", "--project", project), "`magic`", "base, rag")
    refused(run("human", "assign", "../ana", "--project", project), "`../ana`")
    refused(run("human", "assign", "ana", "--study", "a/b", "--project", project), "`a/b`")
    write_lines(project / "benchmark.jsonl", CASES[:-1])
    refused(run("human", "assign", "ana", "--project", project), "has changed since")


def test_without_a_comparison_there_is_nothing_to_rate(run, project):
    refused(run("human", "assign", "ana", "--project", project), "no comparison yet", "groundtune compare")


def test_unexpected_queries_are_drafted_into_a_file_of_their_own(run, project):
    made = run("human", "unexpected", "--per-kind", "2", "--project", project, "--json")
    assert made.code == 0, made.err
    assert made.json["drafts"] == sum(made.json["kinds"].values()) == 12
    lines = [json.loads(line) for line in (project / "unexpected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["status"] for line in lines} == {"draft"}
    refused(run("human", "unexpected", "--project", project), "already exists", "--out")
    other = run("human", "unexpected", "--per-kind", "2", "--out", project / "u.jsonl", "--project", project)
    assert other.code == 0
    assert (project / "u.jsonl").read_bytes() == (project / "unexpected.jsonl").read_bytes()
    with (project / "benchmark.jsonl").open("a", encoding="utf-8") as file:
        file.write((project / "u.jsonl").read_text(encoding="utf-8"))
    checked = run("benchmark", "check", "--project", project, "--json")
    assert (checked.code, checked.json["cases"]) == (0, 8), "drafts are read and not used"
