"""Commands that find nothing to do start quickly: they import neither the embedded store nor what computes."""

import json
import subprocess
import sys

import pytest

from groundtune import open_project

COMMAND = """
import sys
from groundtune.assembly import knowledge
from groundtune.testing.embedders import HashingEmbedder
knowledge.embedder = lambda settings: HashingEmbedder()
from groundtune.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print(" ".join(sys.modules), file=sys.stderr)
"""
HEAVY = {
    "lancedb",
    "pyarrow",
    "pandas",
    "scipy",
    "torch",
    "transformers",
    "sentence_transformers",
    "sacrebleu",
    "httpx",
    "lxml",
    "markdown_it",
    "pypdfium2",
}


@pytest.fixture
def shop(make_shop, tmp_path):
    make_shop(["Brook", "Pond"])
    with open_project(tmp_path) as project:
        project.ingest()
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, "-c", COMMAND, *arguments, "--project", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout), {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_an_unchanged_ingest(shop):
    told, modules = run(shop, "ingest")
    assert (told["unchanged"], told["chunks"]) == (2, 0)
    assert not modules & HEAVY


def test_listing(shop):
    told, modules = run(shop, "knowledge", "list")
    assert told["documents"] == ["Brook.md", "Pond.md"]
    assert not modules & HEAVY


def test_a_changed_document_needs_the_store(shop):
    (shop / "documents/Brook.md").write_text("The Brook plan costs 9 euros.")
    told, modules = run(shop, "ingest")
    assert told["changed"] == 1
    assert "lancedb" in modules
    told, modules = run(shop, "ingest")
    assert not modules & HEAVY
