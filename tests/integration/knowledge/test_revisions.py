"""A citation opens the text that it was taken from: documents change, go, and are forgotten."""

import json

import pytest
from typer.testing import CliRunner

from groundtune import open_project
from groundtune.cli import app
from groundtune.errors import InputError
from groundtune.knowledge import ingest as module
from groundtune.values import Answer, Citation, Usage

OLD, NEW = "The plan Brook costs 5 euros.", "The plan Brook costs 7 euros."


@pytest.fixture
def shop(make_shop, tmp_path):
    """A shop's folder with two documents, ingested once."""
    make_shop(["Brook", "Pond"])
    change(tmp_path, OLD)
    return tmp_path


def cited(project, question="What does Brook cost?"):
    passage = next(each for each in project.search(question, limit=5) if "Brook" in each.document)
    return Citation(passage.document, passage.place, passage.text, "model", "", passage.fingerprint)


def opened(project, citation):
    """Return the state, and what stands where the citation points."""
    source = project.knowledge.source(citation.document, citation.fingerprint)
    text = source.revision.document.text[citation.start : citation.end] if source.revision else None
    return source.state, text


def change(folder, text):
    (folder / "documents/Brook.md").write_text(text)
    with open_project(folder) as project:
        project.ingest()


def test_a_citation_opens_the_text_of_its_own_revision(shop):
    with open_project(shop) as project:
        first = cited(project)
        assert opened(project, first) == ("live", OLD)
    change(shop, NEW)
    with open_project(shop) as project:
        second = cited(project)
        assert first.fingerprint != second.fingerprint
        assert opened(project, first) == ("earlier", OLD)
        assert opened(project, second) == ("live", NEW)
        (shop / "documents/Brook.md").unlink()
        project.ingest()
        assert opened(project, first) == ("earlier", OLD)
        assert opened(project, second) == ("earlier", NEW)


def test_a_text_that_comes_back_is_live_again(shop):
    with open_project(shop) as project:
        first = cited(project)
    change(shop, NEW)
    change(shop, OLD)
    with open_project(shop) as project:
        assert opened(project, first) == ("live", OLD)


@pytest.mark.parametrize("earlier", [0, 2])
def test_as_many_earlier_revisions_are_kept_as_the_setting_says(shop, earlier):
    made = []
    for number in range(5):
        (shop / "documents/Brook.md").write_text(f"The plan Brook costs {number} euros.")
        with open_project(shop, {"knowledge.keep_revisions": earlier}) as project:
            project.ingest()
            made.append(cited(project))
    with open_project(shop) as project:
        kept = [opened(project, citation)[0] for citation in made]
    assert kept == ["not kept"] * (4 - earlier) + ["earlier"] * earlier + ["live"]


def test_who_may_not_read_a_document_gets_none_of_its_revisions(shop):
    with open_project(shop) as project:
        first = cited(project)
    with open_project(shop, {"knowledge.readable_by": ["staff"]}) as project:
        project.ingest()
        source = project.knowledge.source
        assert source(first.document, first.fingerprint).state == "not readable"  # it is for staff now
        assert source(first.document, first.fingerprint, ("staff",)).state == "not readable"  # and was not then
        assert source(first.document, first.fingerprint, ("staff", "everyone")).state == "live"


def test_a_kill_between_keeping_and_storing_leaves_the_old_revision_live(shop, monkeypatch):
    (shop / "documents/Brook.md").write_text(NEW)

    def killed(*_):
        raise KeyboardInterrupt

    with open_project(shop) as project:
        first = cited(project)
        monkeypatch.setattr(module, "_embedded", killed)
        with pytest.raises(KeyboardInterrupt):
            project.ingest()
        assert opened(project, first) == ("live", OLD)
        monkeypatch.undo()


def test_a_store_that_an_earlier_groundtune_filled_gets_its_texts(shop):
    with open_project(shop) as project:
        first = cited(project)
        project.assembly.records.revisions("", 0).forget(project.knowledge.documents_held())
        assert opened(project, first) == ("withdrawn", None)
        assert project.ingest().unchanged == 2
        assert opened(project, first) == ("live", OLD)


def test_forgetting_erases_texts_and_quotes(shop):
    secret = "The plan Brook is for Quetzalina only."
    change(shop, secret)
    with open_project(shop) as project:
        citation, passages = cited(project), tuple(project.search("Brook", limit=2))
        run = project.assembly.records.run("rag", "model", "fingerprint", "test", {})
        answers = {
            "quotes": Answer("For her.", False, Usage(), passages, (citation,)),
            "does not": Answer("No.", False, Usage(), tuple(each for each in passages if each.document == "Pond.md")),
        }
        project.assembly.records.save_answers(run, answers)
    change(shop, OLD)
    (shop / "documents/Brook.md").unlink()
    with open_project(shop) as project:
        assert project.knowledge.forget(["Brook.md"]) == 1
        assert opened(project, citation) == ("withdrawn", None)
        assert {each.document for each in project.search("Brook", limit=5)} == {"Pond.md"}
        kept = project.assembly.records.answers(run)
        assert kept["does not"] == answers["does not"]
        assert kept["quotes"].text == "For her."
        assert kept["quotes"].citations[0].quote == ""
        assert {each.document: each.text for each in kept["quotes"].passages}["Brook.md"] == ""
        assert all(each.text for each in kept["quotes"].passages if each.document != "Brook.md")
    held = [path for path in (shop / ".groundtune").rglob("*") if path.is_file() and b"Quetzalina" in path.read_bytes()]
    assert held == []


def test_what_is_gone_from_the_folder_can_be_forgotten_too(shop):
    with open_project(shop) as project:
        first = cited(project)
        (shop / "documents/Brook.md").unlink()
        project.ingest()
        project.knowledge.forget(["Brook.md"])
        assert opened(project, first) == ("withdrawn", None)
        with pytest.raises(InputError, match=r"no document `Brook\.md`"):
            project.knowledge.forget(["Brook.md"])


def test_on_the_command_line(shop):
    def run(*arguments):
        result = CliRunner().invoke(app, ["knowledge", *arguments, "--project", str(shop), "--json"])
        return result.exit_code, json.loads(result.stdout)

    _, first = run("show", "Brook.md")
    assert first["kept_revisions"] == [first["fingerprint"]]
    change(shop, NEW)
    code, shown = run("show", "Brook.md", "--revision", first["fingerprint"])
    assert (code, shown["state"], shown["text"]) == (0, "earlier", OLD)
    code, removed = run("remove", "Brook.md", "--forget")
    assert (code, removed["files_left"]) == (0, ["Brook.md"])
    code, shown = run("show", "Brook.md", "--revision", first["fingerprint"])
    assert (code, shown["state"]) == (1, "withdrawn")
    assert "withdrawn" in shown["said"]
    assert run("show", "Brook.md", "--revision", "2:never")[1]["state"] == "not kept"
