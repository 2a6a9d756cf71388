"""Another embedder, or another splitting, while others ask; and back."""

import json
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from groundtune import open_project
from groundtune.assembly import knowledge as knowledge_module
from groundtune.cli import app
from groundtune.errors import OtherFilling, StoreError
from groundtune.knowledge import checking
from groundtune.testing.embedders import HashingEmbedder

PLUGIN = """
from groundtune.assembly import knowledge
from groundtune.testing.embedders import HashingEmbedder
knowledge.embedder = lambda settings: HashingEmbedder(128 if settings.name.endswith("other") else 64)
"""
ASKING = (
    PLUGIN
    + """
import sys, time
from pathlib import Path
from groundtune import open_project
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
seen, asked = set(), 0
while not stop.exists():
    with open_project(folder) as project:
        (passage,) = project.search("What does the Brook plan cost?", limit=1)
        assert passage.document == "Brook.md", passage
        assert "7 euros" in passage.text, passage
        seen.add(project.knowledge.embedder.dimension)
    asked += 1
    print(asked, project.knowledge.embedder.dimension, flush=True)
"""
)


def by_name(settings):
    return HashingEmbedder(128 if settings.name.endswith("other") else 64)


@pytest.fixture
def shop(make_shop, tmp_path, monkeypatch):
    make_shop(["Brook", "Pond", "Lake"])
    monkeypatch.setattr(knowledge_module, "embedder", by_name)
    with open_project(tmp_path) as project:
        project.ingest()
    return tmp_path


def rebuild(folder, *settings):
    arguments = ["knowledge", "rebuild", "--project", str(folder), "--json"]
    result = CliRunner().invoke(app, [*arguments, *(part for each in settings for part in ("--set", each))])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def best(folder, flags=None):
    with open_project(folder, flags) as project:
        passage = project.search("What does the Lake plan cost?", limit=1)[0]
        return passage.document, project.knowledge.embedder.dimension


def test_another_embedder_is_refused_with_the_remedy(shop):
    with open_project(shop, {"embedding.name": "builtin:other"}) as project:
        with pytest.raises(OtherFilling, match="groundtune knowledge rebuild"):
            project.search("Lake")
        with pytest.raises(OtherFilling, match="groundtune knowledge rebuild"):
            project.ingest()


def test_an_embedder_is_exchanged_and_rolled_back(shop):
    assert best(shop) == ("Lake.md", 64)
    (shop / "groundtune.toml").write_text('# Our shop.\n[project]\nname = "Shop" # the name\n')
    built = rebuild(shop, "embedding.name=builtin:other")
    assert (built["new"], built["added"], built["checked"]) == (True, 3, 3)
    assert best(shop) == ("Lake.md", 128)
    written = (shop / "groundtune.toml").read_text()
    assert written.startswith('# Our shop.\n[project]\nname = "Shop" # the name\n')
    assert 'name = "builtin:other"' in written

    (shop / "documents/Brook.md").unlink()
    with open_project(shop) as project:
        project.ingest()
    back = rebuild(shop, "embedding.name=builtin:minilm-l6-v2")
    assert (back["new"], back["added"], back["removed"]) == (False, 0, 1)  # what changed meanwhile is made up for
    assert best(shop) == ("Lake.md", 64)


def test_the_splitting_is_exchanged_beside_the_old_one(shop):
    (shop / "documents/Lake.md").write_text("# Plan Lake\n\n" + "The Lake plan costs 9 euros a month. " * 40)
    with open_project(shop) as project:
        project.ingest()
        before = len(project.knowledge.held("Lake.md").chunks)
    rebuild(shop, "knowledge.chunk_size=1000")
    with open_project(shop) as project:
        assert len(project.knowledge.held("Lake.md").chunks) < before
    with open_project(shop, {"knowledge.chunk_size": 450}) as project:  # as a process does that has not seen the change
        assert len(project.knowledge.held("Lake.md").chunks) == before
    with (
        open_project(shop, {"knowledge.chunk_size": 700}) as project,
        pytest.raises(StoreError, match=r"no index for the settings .*chunks of 700.*knowledge rebuild"),
    ):
        project.search("Lake")


def test_a_citation_of_the_other_index_still_opens(shop):
    (shop / "documents/Lake.md").write_text("# Plan Lake\n\n" + "The Lake plan costs 9 euros a month. " * 40)
    with open_project(shop) as project:
        project.ingest()
        passage = project.search("Lake", limit=1)[0]
    rebuild(shop, "knowledge.chunk_size=1000", "knowledge.keep_revisions=0")
    with open_project(shop, {"knowledge.keep_revisions": 0}) as project:
        project.ingest()
        source = project.knowledge.source(passage.document, passage.fingerprint)
        assert source.state == "live"  # the same text, in other pieces
        assert source.revision.document.text[passage.start : passage.end] == passage.text


def test_an_interrupted_build_is_used_by_nobody_and_goes_on(shop, monkeypatch):
    def interrupted(store, embedder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, open_project(shop, {"embedding.name": "builtin:other"}) as project:
        patch.setattr(knowledge_module, "check_index", interrupted)
        with pytest.raises(KeyboardInterrupt):
            project.knowledge.rebuild()
    with open_project(shop, {"embedding.name": "builtin:other"}) as project, pytest.raises(OtherFilling):
        project.search("Lake")
    assert best(shop) == ("Lake.md", 64)
    built = rebuild(shop, "embedding.name=builtin:other")
    assert (built["new"], built["added"], built["unchanged"]) == (True, 0, 3)


def test_an_index_that_finds_nothing_is_not_switched_to(shop, monkeypatch):
    monkeypatch.setattr(checking, "_finds", lambda *_: False)
    with (
        open_project(shop, {"embedding.name": "builtin:other"}) as project,
        pytest.raises(StoreError, match="does not find what is in it: of 3 chunks 3 are missing"),
    ):
        project.knowledge.rebuild()
    assert best(shop) == ("Lake.md", 64)


def test_an_index_of_other_vectors_is_not_switched_to(shop, monkeypatch):
    class Drifting(HashingEmbedder):
        def embed(self, texts, kind):
            vectors = super().embed(texts, kind)
            self._shift = getattr(self, "_shift", -1) + 1
            return vectors[:, ::-1].copy() if self._shift else vectors

    monkeypatch.setattr(knowledge_module, "embedder", lambda settings: Drifting(128))
    with open_project(shop) as project, pytest.raises(StoreError, match="does not give the vectors"):
        project.knowledge.rebuild()


def test_forgetting_reaches_every_index(shop):
    rebuild(shop, "embedding.name=builtin:other")
    with open_project(shop) as project:
        project.knowledge.forget(["Lake.md"])
    for name in ("builtin:other", "builtin:minilm-l6-v2"):
        with open_project(shop, {"embedding.name": name}) as project:
            assert sorted(project.knowledge.documents_held()) == ["Brook.md", "Pond.md"]


def test_another_process_asks_all_the_while(shop, tmp_path):
    stop, pipe = tmp_path / "stop", subprocess.PIPE
    command = [sys.executable, "-c", ASKING, str(shop), str(stop)]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as asking:

        def until(dimension):
            deadline = time.monotonic() + 60
            for line in asking.stdout:
                if line.split()[1] == str(dimension):
                    return
                assert time.monotonic() < deadline
            raise AssertionError(asking.stderr.read())

        until(64)
        rebuild(shop, "embedding.name=builtin:other")
        until(128)
        rebuild(shop, "embedding.name=builtin:minilm-l6-v2")
        until(64)
        stop.touch()
        _, said = asking.communicate(timeout=60)
        assert asking.returncode == 0, said
