"""`groundtune retrieval tune`: a planted better setting is found, within its time, and the rest goes."""

import hashlib
import json
import time

import numpy as np
import pytest

from groundtune.assembly import knowledge
from groundtune.assembly.trials import KeptTexts, Trial
from groundtune.errors import InputError
from groundtune.project import open_project
from groundtune.settings import load
from groundtune.testing.embedders import HashingEmbedder

FIRST, SECOND = "ash elm oak fir bay yew".split(), "dale ford ham mere ton wick by ley stead worth".split()
NAMES = [first + second for first in FIRST for second in SECOND]


class NoiseEmbedder(HashingEmbedder):
    """Vectors that say nothing of their texts."""

    @property
    def signature(self):
        return "noise"

    def embed(self, texts, kind):
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=self.dimension) for seed in seeds])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class SlowEmbedder(HashingEmbedder):
    """Takes a tenth of a second for each batch of documents."""

    def embed(self, texts, kind):
        time.sleep(0.1 * (kind == "document"))
        return super().embed(texts, kind)


EMBEDDERS = {"path:noise": NoiseEmbedder, "path:words": HashingEmbedder, "path:slow": SlowEmbedder}


@pytest.fixture
def town(tmp_path, monkeypatch):
    """Sixty places, a document and two questions each: one question for development, one for the test."""
    monkeypatch.setattr(knowledge, "embedder", lambda settings: EMBEDDERS[settings.name]())
    folder = tmp_path / "town"
    (folder / "documents").mkdir(parents=True)
    lines = []
    for number, name in enumerate(NAMES):
        fee = f"A resident of {name} pays {number + 11} euros a year for the library, which is due in the month of May"
        market = f"The market of {name} is held on day {number} of each month near the bridge."
        text = f"# {name.title()}\n\n{fee}.\n\n{market}\n"
        (folder / "documents" / f"{name}.md").write_text(text, encoding="utf-8")
        for split in ("development", "test"):
            lines.append(
                {
                    "id": f"{name}-{split}",
                    "question": f"What does the library cost in {name}?",
                    "ideal_answer": f"{number + 11} euros",
                    "passages": [{"document": f"{name}.md", "quote": fee}],
                    "split": split,
                    "group": f"{name}-{split}",
                }
            )
    (folder / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def settings(folder, **tables):
    """Write `groundtune.toml`; JSON lists and texts are TOML, too."""
    text = "".join(
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for table, values in tables.items()
    )
    (folder / "groundtune.toml").write_text(text, encoding="utf-8")


PLAIN = {"rerankers": ["none"], "chunk_sizes": [], "passages": []}
APART = {"read_apart": False}


def indexes(folder):
    return sorted(each.name for each in (folder / ".groundtune").iterdir() if each.name.startswith("knowledge"))


def test_a_planted_better_way_of_searching_is_found_and_written(town):
    settings(town, embedding={"name": "path:noise"}, knowledge={"search": "vectors", **APART}, retrieval=PLAIN)
    with open_project(town) as project:
        tuned = project.tune_retrieval()
    assert tuned.choice.why == "better"
    assert tuned.changes == {"knowledge.search": "words"}
    assert tuned.present.recall < 0.5
    assert tuned.choice.winner.recall == 1.0
    assert tuned.tested.verdict == "better"
    assert tuned.test_cases == len(NAMES)
    assert load(town).settings.knowledge.search == "words"
    assert indexes(town) == ["knowledge"]


def test_a_planted_better_embedder_is_found_and_its_index_serves(town):
    """Its index is there, so that nothing is embedded again; the earlier one stays for the earlier settings."""
    tried = {**PLAIN, "searches": [], "embeddings": ["path:words"]}
    settings(town, embedding={"name": "path:noise"}, knowledge={"search": "vectors", **APART}, retrieval=tried)
    with open_project(town) as project:
        tuned = project.tune_retrieval()
    assert tuned.changes == {"embedding.name": "path:words"}
    assert len(indexes(town)) == 2
    with open_project(town) as project:
        assert project.search("library in oakford", 1)[0].document == "oakford.md"
        report = project.ingest()
        assert (report.added, report.changed, report.chunks) == (0, 0, 0)
        assert not project.knowledge.indexes.trials()
        passage = project.search("library in oakford", 1)[0]
        assert project.knowledge.source(passage.document, passage.fingerprint).state == "live"
    with open_project(town, {"embedding.name": "path:noise"}) as project:
        assert not project.ingest().chunks


def lengthen(town):
    """Make each case's sentence too long for a chunk of 100 characters."""
    rows = [json.loads(line) for line in (town / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        (passage,) = row["passages"]
        path, quote = town / "documents" / passage["document"], passage["quote"]
        longer = f"{quote} and the fee for each further member of the same household is half of that, says the council"
        path.write_text(path.read_text(encoding="utf-8").replace(f"{quote}.", f"{longer}."), encoding="utf-8")
        passage["quote"] = longer
    (town / "benchmark.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_planted_better_splitting_is_found_if_it_may_hand_over_as_much(town):
    """Chunks of 100 characters cut the sentence in three, and no more text may be handed over, or more may."""
    tried = {**PLAIN, "searches": [], "chunk_sizes": [300]}
    project = {"embedding": {"name": "path:words"}, "knowledge": {"chunk_size": 100, "passages": 1, **APART}}
    lengthen(town)
    settings(town, **project, retrieval=tried)
    with open_project(town) as opened:
        tuned = opened.tune_retrieval()
    assert (tuned.choice.why, tuned.changes) == ("kept", {})
    settings(town, **project, retrieval={**tried, "characters": 400})
    with open_project(town) as opened:
        tuned = opened.tune_retrieval()
    assert tuned.changes == {"knowledge.chunk_size": 300}
    assert tuned.choice.why == "better"


def test_of_equal_ones_the_simpler_is_chosen(town):
    """All find everything: one search and one passage are enough."""
    tried = {**PLAIN, "passages": [1, 2]}
    settings(town, embedding={"name": "path:words"}, knowledge=APART, retrieval=tried)
    with open_project(town) as project:
        tuned = project.tune_retrieval()
    assert tuned.choice.why == "simpler"
    assert (tuned.choice.winner.pipeline.steps, tuned.choice.winner.pipeline.passages) == ((0, 1), 1)


def test_it_keeps_to_its_time_and_says_what_it_left_out(town):
    """Fifty indexes would take minutes; there are three seconds."""
    sizes = list(range(200, 250))
    tried = {**PLAIN, "chunk_sizes": sizes, "minutes": 0.05}
    settings(town, embedding={"name": "path:slow"}, knowledge={"chunk_size": 199, **APART}, retrieval=tried)
    with open_project(town) as project:
        project.ingest()
        began = time.monotonic()
        tuned = project.tune_retrieval(write=False)
        seconds = time.monotonic() - began
    assert seconds < 3 + 3
    assert tuned.skipped
    assert {each.reason for each in tuned.skipped} == {"there was no time left."}
    assert len({each.pipeline for each in tuned.skipped}) + len(tuned.measured) == 3 * 51
    assert indexes(town) == ["knowledge"]


def test_a_second_one_at_the_same_time_is_refused(town):
    """Both would make the same indexes, and each delete the other's."""
    tried = {**PLAIN, "searches": [], "chunk_sizes": [300]}
    settings(town, embedding={"name": "path:words"}, knowledge=APART, retrieval=tried)
    seen = []

    def second(stage, done, total):
        if stage == "try pipelines" and done == 1 and not seen:
            busy = "another command is tuning or training"
            with open_project(town) as other, pytest.raises(InputError, match=busy) as refused:
                other.tune_retrieval()
            with open_project(town) as other, pytest.raises(InputError, match=busy):
                other.train_retrieval("ours")
            seen.append(refused.value.remedy)

    with open_project(town, progress=second) as project:
        tuned = project.tune_retrieval(write=False)
    assert seen == ["Wait until it has ended."]
    assert {each.pipeline.chunk_size for each in tuned.measured} == {300, 450}
    assert indexes(town) == ["knowledge"]


def test_what_cannot_be_tried_is_said(town):
    tried = {**PLAIN, "rerankers": ["none", "cross:path:nowhere"]}
    settings(town, embedding={"name": "path:words"}, knowledge=APART, retrieval=tried)
    with open_project(town) as project:
        tuned = project.tune_retrieval(write=False)
    assert len(tuned.skipped) == 3
    assert all("nowhere" in each.pipeline.reranker and each.reason for each in tuned.skipped)
    assert load(town).settings.knowledge.search == "hybrid"


def test_an_index_that_a_killed_run_left_is_erased_in_and_deleted(town):
    settings(town, embedding={"name": "path:noise"}, knowledge=APART, retrieval=PLAIN)
    with open_project(town) as project:
        project.ingest()
        other = project.settings.knowledge.model_copy(update={"chunk_size": 300})
        changed = project.knowledge.changed(project.settings.model_copy(update={"knowledge": other}))
        trial = Trial(changed, KeptTexts())
        trial.fill(project.assembly.progress)
        left = changed.open_index(changed.trial_index)
        assert "oakford.md" in left.documents()
        assert project.search("oakford")  # nobody uses it
        project.knowledge.forget(["oakford.md"])
        assert "oakford.md" not in left.documents()
        assert len(indexes(town)) == 2
        project.tune_retrieval(write=False)
        assert indexes(town) == ["knowledge"]
        assert not project.knowledge.indexes.trials()


def test_cases_without_passages_cannot_be_fitted_to(town):
    rows = [json.loads(line) for line in (town / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    bare = [{**row, "passages": []} if row["split"] == "development" else row for row in rows]
    (town / "benchmark.jsonl").write_text("".join(json.dumps(row) + "\n" for row in bare), encoding="utf-8")
    settings(town, embedding={"name": "path:words"}, knowledge=APART)
    with open_project(town) as project, pytest.raises(InputError, match="development cases"):
        project.tune_retrieval()
