"""From a PDF's page to the citation that names it, and from a file's properties to the filter that uses them."""

import json
import shutil

import pytest
from fpdf import FPDF

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.errors import InputError
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.project import Project, open_project
from groundtune.testing.fakes import FunctionModel
from groundtune.values import UNKNOWN_PLACE, Passage

PAGES = ["The pebble plan costs 7 euros a month.", "The brook plan costs 8 euros.", "The river plan costs 9 euros."]


def answers_from_passages(conversation):
    block, question = conversation[-1].content, conversation[-1].content.rpartition("Question")[2]
    name = next((name for name in ("pebble", "brook", "river") if name in question), "pebble")
    place = block.find(f"The {name} plan")
    return f"{block[place : block.find('.', place)]} [1]." if place >= 0 else "I do not know."


def write_pdf(path):
    pdf = FPDF()
    pdf.set_author("Ada")
    for text in PAGES:
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        pdf.cell(text=text)
    pdf.output(str(path))


@pytest.fixture
def place(project, monkeypatch):
    """The project with a PDF of three pages, which make one chunk, beside its Markdown."""
    write_pdf(project / "documents" / "printed.pdf")
    (project / "documents" / "plans.md").unlink()
    note = "---\nauthor: Bob\nproduct: hazel\n---\n# Hazel\n\nThe hazel plan costs 11 euros."
    (project / "documents" / "hazel.md").write_text(note, encoding="utf-8")
    model = FunctionModel(answers_from_passages)
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    return project


@pytest.fixture
def listings(monkeypatch):
    """Counts how often all documents are listed, by the store's own methods too."""
    counted = []
    for name in ("documents", "_listed"):
        original = getattr(LanceDBStore, name)

        def method(self, *arguments, original=original, name=name):
            counted.append(name)
            return original(self, *arguments)

        monkeypatch.setattr(LanceDBStore, name, method)
    return counted


def test_a_passage_and_a_citation_name_their_page(run, place):
    run("ingest", "--project", place)
    passages = run("search", "river plan", "-k", "1", "--project", place, "--json").json["passages"]
    assert [(each["document"], each["page"], each["seconds"]) for each in passages] == [("printed.pdf", 1, None)]
    assert "printed.pdf, page 1" in run("search", "river plan", "--project", place).out
    always = ("--project", place, "--set", "assistant.min_support=0")
    asked = run("ask", "What does the river plan cost?", *always, "--json").json
    (citation,) = asked["citations"]
    assert citation["quote"] == PAGES[2]
    assert (citation["document"], citation["page"], citation["seconds"]) == ("printed.pdf", 3, None)
    assert {"start", "end", "origin"} <= set(citation)
    assert "printed.pdf, page 3: “" in run("ask", "What does the river plan cost?", *always).out


def test_documents_without_pages_have_none(run, place):
    run("ingest", "--project", place)
    passages = run("search", "hazel plan", "-k", "1", "--project", place, "--json").json["passages"]
    assert [(each["document"], each["page"]) for each in passages] == [("hazel.md", None)]
    assert "page" not in run("search", "hazel plan", "-k", "1", "--project", place).out


def test_an_excerpt_that_was_not_found_in_its_document_claims_no_characters(run, place, monkeypatch):
    """Of a service that cuts its own excerpts: both are shown as what they are."""
    excerpt = Passage("printed.pdf", UNKNOWN_PLACE, " ".join(PAGES), "", 1, 1.0, fingerprint="2:abc")
    run("ingest", "--project", place)
    monkeypatch.setattr(KnowledgeBase, "retrieve", lambda *_: [[excerpt]])
    always = ("--project", place, "--set", "assistant.min_support=0")
    (shown,) = run("search", "river plan", *always, "--json").json["passages"]
    assert (shown["document"], shown["start"], shown["end"], shown["page"]) == ("printed.pdf", None, None, None)
    assert "1. printed.pdf, place not known" in run("search", "river plan", *always).out
    (cited,) = run("ask", "What does the river plan cost?", *always, "--json").json["citations"]
    assert (cited["quote"], cited["start"], cited["end"], cited["page"]) == (PAGES[2], None, None, None)
    assert "printed.pdf, place not known: “" in run("ask", "What does the river plan cost?", *always).out


def test_where_filters_by_what_files_say_of_themselves(run, place):
    run("ingest", "--project", place)

    def documents(*options):
        found = run("search", "plan costs euros", "--project", place, "--json", *options)
        assert found.code == 0, found.err
        return [each["document"] for each in found.json["passages"]]

    assert set(documents()) == {"printed.pdf", "hazel.md"}
    assert documents("--where", "author=Ada") == ["printed.pdf"]
    assert documents("--where", "author=Bob", "--where", "product = hazel") == ["hazel.md"]
    assert documents("--where", "author=Ada", "--where", "product=hazel") == []
    assert documents("--where", "author=x' OR 1=1 --") == []


@pytest.mark.parametrize("wrong", ["author", "=Ada", "author=", " = "])
def test_a_condition_of_a_wrong_form(run, place, wrong):
    refused = run("search", "plan", "--where", wrong, "--project", place)
    assert refused.code == 2
    assert f"`--where {wrong}` is not KEY=VALUE" in refused.err
    assert "--where author=Ada" in refused.err


def test_one_key_twice(run, place):
    refused = run("search", "plan", "--where", "author=Ada", "--where", "author=Bob", "--project", place)
    assert refused.code == 2
    assert "given twice" in refused.err


def test_where_does_not_open_what_may_not_be_read(place):
    project: Project = open_project(place, {"knowledge.readable_by": ["staff"]})
    project.ingest()
    assert project.search("plan", where={"author": "Ada"}) == []
    found = project.search("plan", asker=["staff"], where={"author": "Ada"})
    assert [passage.document for passage in found] == ["printed.pdf"]


def test_no_question_lists_the_documents(run, place, listings):
    run("ingest", "--project", place)
    assert listings, "ingestion lists them, so the counting works"
    listings.clear()
    always = ("--project", place, "--json")
    assert run("search", "river plan", *always).code == 0
    assert run("ask", "What does the river plan cost?", *always).code == 0
    with_python = open_project(place)
    with_python.ask("What does the brook plan cost?")
    with_python.ask("What does the river plan cost?")
    with_python.search("brook")
    assert listings == []


def test_an_empty_store_says_so_without_listing(place, listings):
    with pytest.raises(InputError, match="empty"):
        open_project(place).search("plan")
    assert listings == []


def test_a_store_without_pages_is_brought_up_to_date_by_the_next_ingestion(run, place, monkeypatch):
    """As groundtune 0.1 filled it: its reader knew no pages and no metadata."""
    from groundtune.knowledge import ingest as module
    from groundtune.values import PlainText

    (place / "documents" / "plain.md").write_text("# Sprig\n\nThe sprig plan costs 12 euros.", encoding="utf-8")
    read = module.readers.read

    def as_before(path):
        plain = read(path)
        return PlainText(plain.text, plain.title, plain.headings)

    with monkeypatch.context() as earlier:
        earlier.setattr(module.readers, "read", as_before)
        run("ingest", "--project", place)
    (place / ".groundtune" / "seen.json").unlink()  # which it did not write
    assert run("search", "river", "-k", "1", "--project", place, "--json").json["passages"][0]["page"] is None
    again = run("ingest", "--project", place, "--json").json
    assert (again["added"], again["changed"], again["unchanged"], again["removed"]) == (0, 2, 1, 0)
    assert run("search", "river", "-k", "1", "--project", place, "--json").json["passages"][0]["page"] == 1
    last = run("ingest", "--project", place, "--json").json
    assert (last["changed"], last["unchanged"]) == (0, 3)


def test_the_report_names_the_page(run, place, tmp_path):
    case = {
        "id": "c1",
        "question": "What does the river plan cost?",
        "ideal_answer": "9 euros.",
        "group": "river",
        "split": "test",
    }
    (place / "benchmark.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    flags = ("--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1")
    always = ("--set", "assistant.min_support=0", "--project", place, "--out", tmp_path / "out")
    shutil.rmtree(place / ".groundtune", ignore_errors=True)
    done = run("compare", "rag", *flags, *always)
    assert done.code == 0, done.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<cite>printed.pdf, page 3</cite>" in page
    assert "1. printed.pdf, page 1" in page
