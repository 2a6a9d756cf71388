"""What is learned from conversations shows in the benchmark: the real embedder, pages of the telecom example."""

import json
import shutil

import pytest

import groundtune
from groundtune.comparison.report.data import as_json
from groundtune.values import EVERYONE, Answer, Usage

QUESTION = "How much does the Pebble plan cost per month?"
KNOWN = "What does each extra minute cost on Pebble?"
OPEN = "Can I pay my invoice with cryptocurrency?"
PRICE = "No, since October the Pebble plan costs 9.15 euros a month. Write to ana.meyer@mail.example if you doubt it."


SETTINGS = """
[model]
max_tokens = 8
[assistant]
min_support = 0.0
"""


@pytest.fixture
def project(tmp_path, telecom):
    """The plans and the billing pages of the telecom example."""
    for folder in ("plans", "billing"):
        shutil.copytree(telecom / "documents" / folder, tmp_path / "documents" / folder)
    (tmp_path / "groundtune.toml").write_text(SETTINGS, encoding="utf-8")
    with groundtune.open_project(tmp_path) as project:
        project.ingest()
        yield project


def hold(project, user, *said):
    kept = project.learning.conversations
    key = kept.begin(user, "rag", consent=True, asker=EVERYONE)
    for question, abstained, *rest in said:
        passages = tuple(project.search(question, 3))
        kept.add(key, user, "user", question)
        text = "I do not know." if abstained else passages[0].text
        kept.add(key, user, "assistant", text, Answer(text, abstained, Usage(), passages))
        for person, words in rest:
            kept.add(key, user, "assistant" if person else "user", words, person=person)
    kept.end(key, user)


@pytest.mark.models
@pytest.mark.timeout(600)
def test_a_planted_correction_shows_in_the_benchmark_and_goes_with_its_rollback(project):
    hold(project, "ana", (QUESTION, False, ("", PRICE)))
    hold(project, "bob", (KNOWN, True, ("Bo", "On Pebble, each extra minute costs 0.12 euros.")))
    hold(project, "cy", (OPEN, True))
    enrichment = project.learning.propose()
    kinds = {proposal.kind: proposal for proposal in enrichment.proposals}
    assert set(kinds) == {"correction", "missing topic"}, "the duplicate is none of them"
    assert [left_out.reason for left_out in enrichment.left_out] == ["plans/pebble-and-brook.md says so already"]
    drafts = (project.folder / "drafts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["question"] for line in drafts] == [OPEN]
    correction = kinds["correction"]
    assert "ana.meyer" not in correction.text
    assert "9.15 euros" in correction.text

    case = {
        "id": "pebble-now",
        "question": "What is the monthly price of Pebble now?",
        "ideal_answer": "Pebble costs 9.15 euros a month since October.",
        "passages": [{"document": f"learned/{correction.id}.md"}],
        "split": "test",
    }
    other = {"id": "minute", "question": KNOWN, "ideal_answer": "0.12 euros.", "split": "test"}
    lines = "".join(json.dumps(row) + "\n" for row in (case, other))
    (project.folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    before = recall(project)
    project.learning.accept(correction.id, correction.digest, "Rita")
    learned = recall(project)
    project.learning.rollback(correction.id, "Rita")
    assert (before, learned, recall(project)) == (0.0, 1.0, 0.0)


def recall(project):
    with groundtune.open_project(project.folder) as opened:
        scores = as_json(opened.evaluate(["rag"]))["candidates"]["rag"]["scores"]
    return scores["retrieval_recall"]["mean"]
