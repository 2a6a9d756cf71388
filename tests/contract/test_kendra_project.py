"""A project whose knowledge base is an index of Kendra: ingested, asked, changed, forgotten, through the records."""

import json

import pytest
from typer.testing import CliRunner

pytest.importorskip("boto3")

from _kendra_service import INDEX
from _opensearch_gateway import REGION

from groundtune import open_project
from groundtune.cli import app
from groundtune.errors import InputError, SettingsError
from groundtune.testing.retrievers import RetrieverContract

URL = f"kendra://{INDEX}@{REGION}"


@pytest.fixture
def shop(service, make_shop, tmp_path):
    make_shop(["Brook", "Pond"])
    with (tmp_path / "groundtune.toml").open("a") as file:
        file.write(f'[knowledge]\nstore = "{URL}"\n')
    return tmp_path


def run(folder, *arguments):
    result = CliRunner().invoke(app, [*arguments, "--project", str(folder), "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.output


def test_from_ingestion_to_forgetting(shop):
    code, told = run(shop, "ingest")
    assert (code, told["added"], told["chunks"]) == (0, 2, 0)
    assert run(shop, "ingest")[1]["unchanged"] == 2
    with open_project(shop) as project:
        (first, *_) = project.search("What does Brook cost?", limit=2)
        assert first.document == "Brook.md"
        source = project.knowledge.source(first.document, first.fingerprint)
        assert source.revision.document.text[first.start : first.end] == first.text

    (shop / "documents/Brook.md").write_text("# Plan Brook\n\nThe Brook plan costs 99 euros a month.")
    assert run(shop, "ingest")[1]["changed"] == 1
    with open_project(shop) as project:
        assert "99" in project.search("What does Brook cost?", limit=1)[0].text
        assert project.knowledge.source(first.document, first.fingerprint).state == "earlier"
        assert project.knowledge.held("Brook.md").chunks[0].text.endswith("99 euros a month.")

    assert run(shop, "knowledge", "list")[1]["documents"] == ["Brook.md", "Pond.md"]
    assert run(shop, "knowledge", "remove", "Brook.md", "--forget")[0] == 0
    with open_project(shop) as project:
        assert {each.document for each in project.search("Brook", limit=5)} <= {"Pond.md"}
        assert project.knowledge.source(first.document, first.fingerprint).state == "withdrawn"


def test_who_may_not_read_finds_nothing(shop):
    with open_project(shop, {"knowledge.readable_by": ["staff"]}) as project:
        project.ingest()
        assert project.search("Brook") == []
        assert project.search("Brook", asker=["staff"])


def test_a_document_that_kendra_does_not_take_is_told_and_the_others_come_through(shop, service):
    (shop / "documents/Huge.md").write_text("zebra " * 1_000_000)
    code, told = run(shop, "ingest", "--set", "knowledge.file_mb=10")
    assert (code, told["added"]) == (2, 2)
    assert [each["document"] for each in told["failed"]] == ["Huge.md"]


def test_what_a_store_held_before_is_sent(shop):
    """Another store's documents are not taken for Kendra's."""
    with open_project(shop, {"knowledge.store": "lancedb:before"}) as project:
        assert project.ingest().added == 2
    assert run(shop, "ingest")[1]["added"] == 2


def test_what_needs_vectors_is_refused(shop):
    with open_project(shop) as project:
        project.ingest()
        with pytest.raises(InputError, match="a retriever has no index of ours"):
            project.knowledge.rebuild()
        with pytest.raises(SettingsError, match="which keeps no vectors"):
            project.knowledge.migrate(URL, "lancedb:copy")


class TestWithTheRecords(RetrieverContract):
    """The contract, with the live revisions in the records."""

    @pytest.fixture(autouse=True)
    def _shop(self, service, tmp_path):
        (tmp_path / "groundtune.toml").write_text(f'[project]\nname = "Shop"\n[knowledge]\nstore = "{URL}"\n')

    def open(self, folder):
        return open_project(folder).knowledge.retriever
