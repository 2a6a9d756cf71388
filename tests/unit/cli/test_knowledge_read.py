"""`groundtune knowledge read`, and what `groundtune ingest` says of what it left out."""

import os
import re
from pathlib import Path

import pytest

from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.values import LEFT_OUT_KINDS

DOCUMENTED = Path(__file__).parents[3] / "docs" / "files.md"
PAGE = "<title>Plans</title><nav>Home</nav><script>x()</script><h1>Plans</h1><p>Pebble costs <del>9</del> 8 euros.</p>"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is no project, and stays as it is."""
    place = tmp_path / "anywhere"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_file_as_json(run, folder):
    (folder / "plans.html").write_text(PAGE, encoding="utf-8")
    made = run("knowledge", "read", "plans.html", "--json").json
    (document,) = made["documents"]
    assert document["path"] == "plans.html"
    assert document["title"] == "Plans"
    assert "Pebble costs 8 euros." in document["text"]
    for chunk in document["chunks"]:
        assert set(chunk) >= {"start", "end", "page", "heading", "text"}
        assert document["text"][chunk["start"] : chunk["end"]] == chunk["text"]
    assert {each["kind"] for each in document["left_out"]} == {"navigation", "script", "deleted text"}
    for each in document["left_out"]:
        assert set(each) == {"kind", "count", "reason"}
        assert each["count"] >= 1
        assert each["reason"]


def test_a_file_for_people(run, folder):
    (folder / "plans.html").write_text(PAGE, encoding="utf-8")
    shown = run("knowledge", "read", "plans.html").out
    assert "plans.html: Plans (1 chunk)" in shown
    assert "Pebble costs 8 euros." in shown
    assert "Left out: 1 × navigation" in shown


def test_it_writes_nothing_and_opens_no_model(run, folder, monkeypatch):
    for part in ("embedder", "store", "reranker"):
        monkeypatch.setattr(KnowledgeBase, part, property(lambda self: pytest.fail("was opened")))
    (folder / "a.md").write_text("# A\n\ntext", encoding="utf-8")
    before = everything_below(folder)
    assert run("knowledge", "read", "a.md").code == 0
    assert run("knowledge", "read", "a.md", "--json").code == 0
    assert everything_below(folder) == before


def test_several_files_and_folders_anywhere(run, folder, tmp_path):
    other = tmp_path / "other" / "deep"
    other.mkdir(parents=True)
    (other / "b.md").write_text("B", encoding="utf-8")
    (other / "Thumbs.db").write_bytes(b"junk")
    (folder / "a.md").write_text("A", encoding="utf-8")
    made = run("knowledge", "read", "a.md", tmp_path / "other", "--json").json
    assert [document["text"] for document in made["documents"]] == ["A", "B"]
    assert made["documents"][1]["path"] == str(other / "b.md")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.md", None, "No such file"),
        ("missing.pdf", None, "No such file"),
        ("missing.docx", None, "No such file"),
        ("empty.txt", b" \n", "contains no text"),
        ("odd.xyz", b"x", "no reader"),
        ("broken.docx", b"PK\x03\x04 no archive", "save it"),
        ("navigation.html", b"<script>x</script>", "contains no text"),
    ],
)
def test_what_is_refused(run, folder, name, content, reason):
    if content is not None:
        (folder / name).write_bytes(content)
    (folder / "good.md").write_text("good", encoding="utf-8")
    ran = run("knowledge", "read", name, "good.md", "--json")
    assert ran.code == 2
    refused, good = ran.json["documents"]
    assert set(refused) == {"path", "refused"}
    assert reason in refused["refused"]
    assert good["text"] == "good"
    assert "Refused: " in run("knowledge", "read", name, "good.md").out


def test_a_folder_without_documents(run, folder):
    (folder / ".hidden.md").write_text("x", encoding="utf-8")
    assert run("knowledge", "read", ".", "--json").json == {"documents": []}
    assert "There are no documents." in run("knowledge", "read", ".").out


def test_a_name_that_is_not_utf8_is_no_hindrance(run, folder):
    name = os.fsdecode(b"caf\xe9.md")
    (folder / name).write_text("# Menu\n\ncoffee", encoding="utf-8")
    (document,) = run("knowledge", "read", folder / name, "--json").json["documents"]
    assert document["path"].endswith("caf\\xe9.md")


def test_the_settings_of_a_project_apply(run, project):
    text = "A sentence about roaming. " * 30
    (project / "documents" / "long.txt").write_text(text, encoding="utf-8")
    settings = project / "groundtune.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[knowledge]\nchunk_size = 120\n", encoding="utf-8")

    def longest(*options):
        path = project / "documents" / "long.txt"
        (document,) = run("knowledge", "read", path, "--json", *options).json["documents"]
        return max(len(chunk["text"]) for chunk in document["chunks"])

    assert longest() > 120
    assert longest("--project", project) <= 120
    assert longest("--project", project, "--set", "knowledge.chunk_size=200") > 120


def test_ingest_says_what_it_left_out(run, project):
    (project / "documents" / "plans.html").write_text(PAGE, encoding="utf-8")
    (project / "documents" / "Thumbs.db").write_bytes(b"junk")
    ran = run("ingest", "--project", project, "--json")
    assert ran.code == 0
    said = {each["document"]: each["left_out"] for each in ran.json["documents"]}
    read = run("knowledge", "read", project / "documents" / "plans.html", "--json").json["documents"][0]["left_out"]
    assert said["plans.html"] == read != []
    assert ran.json["ignored"] == [{"path": "Thumbs.db", "reason": "system"}]
    shown = run("ingest", "--project", project).out
    assert "plans.html: left out 1 × deleted text, 1 × navigation, 1 × script." in shown
    assert "Ignored: 1 × system" in shown


def test_ingest_of_many_documents_sums_up(run, project):
    for number in range(30):
        (project / "documents" / f"{number:02}.html").write_text(PAGE, encoding="utf-8")
    shown = " ".join(run("ingest", "--project", project).out.split())
    assert "and 10 more documents" in shown
    assert "30 × deleted text, 30 × navigation, 30 × script" in shown


def test_ingest_says_why_everything_is_read_again(run, project, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("groundtune.protocols.READING", 1)
        run("ingest", "--project", project)
    shown = " ".join(run("ingest", "--project", project).out.split())
    assert "1 of the changed documents had been read by an earlier groundtune" in shown
    assert "earlier groundtune" not in run("ingest", "--project", project).out


def test_all_kinds_are_documented_and_no_others():
    text = DOCUMENTED.read_text(encoding="utf-8")
    table = text.partition("| Kind |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `([a-z ]+)` \|", table, re.MULTILINE)) == LEFT_OUT_KINDS


@pytest.mark.parametrize(
    ("asked", "path", "rule"),
    [
        ("x.txt", "x.txt", "x.txt.meta.toml"),
        ("x.txt", "x.txt", ".meta.toml"),
        (".", "x.txt", ".meta.toml"),
        ("documents/plans/x.txt", "documents/plans/x.txt", "documents/.meta.toml"),
        ("documents/plans", "documents/plans/x.txt", "documents/.meta.toml"),
    ],
)
def test_rules_are_shown(run, folder, asked, path, rule):
    for name, text in {path: "Pebble costs 8 euros.", rule: 'readable_by = "staff"\nteam = "a"'}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (document,) = run("knowledge", "read", asked, "--json").json["documents"]
    assert document["path"] == path
    assert (document["readable_by"], document["metadata"]) == (["staff"], {"team": "a"})
    assert "Readable by staff." in run("knowledge", "read", asked).out


def test_a_broken_rule_is_shown(run, folder):
    (folder / "x.txt").write_text("Text.", encoding="utf-8")
    (folder / ".meta.toml").write_text("readable_by = staff", encoding="utf-8")
    (document,) = run("knowledge", "read", "x.txt", "--json").json["documents"]
    assert document["refused"].startswith(".meta.toml is not TOML")
