"""The latest comparison: of several candidates, finished, of the present benchmark; evaluations do not replace it."""

import json
import logging

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.comparison.calibrate import answers_to
from groundtune.comparison.latest import latest, latest_runs
from groundtune.comparison.pilot import pilot
from groundtune.comparison.summary import PART
from groundtune.errors import InputError, NotComparable
from groundtune.project import Project
from groundtune.settings import load
from groundtune.testing.fakes import FunctionModel, only

NAMES = ("pebble", "brook", "river", "delta", "hazel", "sprig")
FLAGS = {"comparison.resamples": "1000", "comparison.latency_cases": "1", "assistant.min_support": "0"}
MADE_UP = "It is 99 euros."


def write_benchmark(folder, names=NAMES):
    lines = [
        {"id": f"c{n}", "question": f"What is {name}?", "ideal_answer": MADE_UP if n % 2 else "7", "group": name}
        for n, name in enumerate(names)
    ]
    lines = [line | {"split": "test"} for line in lines]
    (folder / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, make_shop):
    make_shop(NAMES)
    write_benchmark(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder, monkeypatch):
    monkeypatch.setattr(compare_module, "all_scorers", only("exact", "resolution"))

    def make(model=None, **flags):
        assembly = Assembly(folder, load(folder, FLAGS | flags, environment={}))
        fake = model or FunctionModel(lambda conversation: MADE_UP)
        monkeypatch.setattr(assembly, "chat_model", lambda *_: fake)
        return Project(assembly)

    return make


def other():
    return FunctionModel(lambda conversation: "Something else.", name="other")


class Killed(BaseException):
    pass


def dying():
    def die(conversation):
        raise Killed

    return FunctionModel(die, name="dying")


def evaluates_one(make):
    make().evaluate(["rag"])


def evaluates_one_made_otherwise(make):
    make(other()).evaluate(["rag"])


def evaluates_both_made_otherwise(make):
    make(other()).evaluate(["base", "rag"])


def compares_one(make):
    make(other()).compare(["base"])


def is_interrupted(make):
    with pytest.raises(Killed):
        make(dying()).compare(["base", "rag"])


AFTERWARDS = [
    evaluates_one, evaluates_one_made_otherwise, evaluates_both_made_otherwise, compares_one, is_interrupted,
]  # fmt: skip


def texts(answers):
    return {(answer.case.id, answer.name): answer.answer.prose for answer in answers}


@pytest.mark.models
@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_whoever_asks_for_the_latest_comparison_gets_the_comparison(project, afterwards, caplog):
    made = project().compare(["base", "rag"])
    signatures = {candidate.name: candidate.signature for candidate in made.candidates}
    said = texts(answers_to(project().assembly, None))
    told = pilot(project().assembly)
    afterwards(project)
    now = project()
    assert latest(now.assembly).signatures == signatures
    study, _ = now.assign_raters(["ana"])
    assert study.candidates == signatures
    assert study.source.startswith("comparison of 20")
    assert study.source.endswith("UTC (base, rag)")
    caplog.clear()
    with caplog.at_level(logging.INFO, "groundtune"):
        assert texts(answers_to(now.assembly, None)) == said
    assert caplog.messages == [f"The answers are those of the {latest(now.assembly)}."]
    assert pilot(now.assembly) == told


@pytest.mark.models
def test_a_later_comparison_takes_its_place(project):
    project().compare(["base", "rag"])
    made = project(other()).compare(["rag", "base"])
    assert latest(project().assembly).signatures == {each.name: each.signature for each in made.candidates}
    assert set(texts(answers_to(project().assembly, None)).values()) == {"Something else."}


@pytest.mark.models
def test_where_nothing_was_compared_the_latest_evaluation_is_taken_and_called_so(project):
    project().evaluate(["base"])
    study, _ = project().assign_raters(["ana"])
    assert list(study.candidates) == ["base"]
    assert study.source.startswith("evaluation of ")


@pytest.mark.models
def test_a_candidate_that_was_not_compared_has_its_latest_finished_run(project):
    project().compare(["base", "rag"])
    records = project().assembly.records
    records.run("old", "unfinished", project().benchmark.fingerprint, PART, {})
    done = records.run("old", "finished", project().benchmark.fingerprint, PART, {})
    records.finish(done)
    records.run("old", "later", project().benchmark.fingerprint, PART, {})
    runs, _ = latest_runs(project().assembly)
    assert runs["old"].signature == "finished"


@pytest.mark.models
def test_a_comparison_of_another_benchmark_is_not_the_latest(project, folder):
    project().compare(["base", "rag"])
    fingerprint = project().benchmark.fingerprint
    write_benchmark(folder, NAMES[:5])
    with pytest.raises(NotComparable, match="has changed since the latest comparison"):
        project().assign_raters(["ana"])
    project().evaluate(["rag"])
    assert list(project().assign_raters(["ana"])[0].candidates) == ["rag"]
    write_benchmark(folder)
    assert project().benchmark.fingerprint == fingerprint
    assert list(project().assign_raters(["ana"], study="again")[0].candidates) == ["base", "rag"]


@pytest.mark.models
def test_nothing_at_all_is_refused(project):
    with pytest.raises(InputError, match="no comparison yet"):
        project().assign_raters(["ana"])


@pytest.mark.models
def test_the_second_run_of_a_candidate_is_no_run_of_its_own(project):
    project(**{"comparison.repeat": "base"}).compare(["base", "rag"])
    runs, _ = latest_runs(project().assembly)
    assert {run.part for run in runs.values()} == {PART}
