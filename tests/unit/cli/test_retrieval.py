"""`groundtune retrieval`, as it is typed."""

import json

import pytest

from groundtune.settings import load

ONE = ["--set", 'retrieval.rerankers=["none"]', "--set", "retrieval.chunk_sizes=[300]"]


def test_tune_shows_what_it_chose_and_writes_it(project, run):
    before = (project / "groundtune.toml").read_text(encoding="utf-8")
    ran = run("retrieval", "tune", "--project", project, "--dry-run", *ONE)
    assert ran.code == 0
    assert "present" in ran.out
    assert "Chosen: " in ran.out
    assert "3 development cases" in ran.out
    assert "Nothing was written." in ran.out
    assert (project / "groundtune.toml").read_text(encoding="utf-8") == before
    written = run("retrieval", "tune", "--project", project, "--json", *ONE).json
    assert written["written"]
    assert written["why"] == "simpler"
    settings = load(project).settings.knowledge
    assert (settings.search, settings.passages) == (written["winner"]["search"], written["winner"]["passages"])
    assert written["test"]["verdict"] in ("equivalent", "cannot tell")
    assert written["test_cases"] == 3
    assert run("search", "river plan", "--project", project).code == 0


def test_pipelines_that_were_not_tried_are_summed_up(project, run):
    ran = run("retrieval", "tune", "--project", project, "--dry-run", "--set", 'retrieval.rerankers=["cross:path:no"]')
    assert "Not tried: 12 pipelines, search hybrid, vectors, words, reranker cross:path:no" in " ".join(ran.out.split())
    assert "chunks of 450, 300, 700, 1000" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--minutes", "0"], "minutes"),
        (["--set", "retrieval.chunk_size=300"], "chunk_sizes"),
        (["--set", 'retrieval.searches=["both"]'], "hybrid"),
    ],
)
def test_wrong_options_are_explained(project, run, given, said):
    ran = run("retrieval", "tune", "--project", project, *given)
    assert ran.code == 2
    assert said in ran.err


def test_without_passages_in_the_cases_it_says_what_to_do(project, run):
    cases = [json.loads(line) for line in (project / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    bare = "".join(json.dumps({**case, "passages": []}) + "\n" for case in cases)
    (project / "benchmark.jsonl").write_text(bare, encoding="utf-8")
    ran = run("retrieval", "tune", "--project", project)
    assert ran.code == 2
    assert "passages" in ran.err
