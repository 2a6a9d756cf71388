"""Pages of PDFs: where they begin in the text, which chunk stands on which, and that nothing else changes."""

from dataclasses import replace
from pathlib import Path

import pytest
from fpdf import FPDF

from groundtune.knowledge import readers
from groundtune.knowledge.splitting import split
from groundtune.settings import KnowledgeSettings
from groundtune.values import Document, Place, PlainText

LINE = "A call from Ostrevia to a foreign number is not roaming, because the line"
END = "is at home."
OTHER = "Every minute that has begun counts in full, and calls within the EU cost"


def pdf(path: Path, pages: list[list[tuple[int, str]]], footer: str = "") -> PlainText:
    """Write pages of (font size, line) and read them."""
    made = FPDF()
    made.set_auto_page_break(auto=False)
    for number, lines in enumerate(pages, start=1):
        made.add_page()
        for size, text in lines:
            made.set_font("helvetica", size=size)
            made.cell(text=text, new_x="LMARGIN", new_y="NEXT")
        if footer:
            made.set_y(280)
            made.set_font("helvetica", size=8)
            made.cell(text=footer.format(number))
    made.output(str(path))
    return readers.read(path)


def by_page(plain: PlainText) -> dict[int | None, str]:
    return {segment.page: plain.text[segment.start : segment.end].strip() for segment in plain.segments}


def chunks(plain: PlainText, size: int, overlap: int = 0):
    document = Document("a.pdf", plain.text, plain.title, ("everyone",))
    settings = KnowledgeSettings(chunk_size=size, chunk_overlap=overlap)
    return split(document, plain, settings)


def test_each_page_begins_where_its_text_does(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[(11, "One.")], [(18, "Two"), (11, "Zwei.")], [(11, "Three.")]])
    assert by_page(plain) == {1: "One.", 2: "Two\n\nZwei.", 3: "Three."}


def test_a_paragraph_goes_over_to_the_next_page(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[(11, LINE)], [(11, END), (11, OTHER)]])
    assert f"{LINE} {END}" in plain.text
    assert by_page(plain) == {1: LINE, 2: plain.text[plain.text.index(END) :]}


def test_a_word_goes_over_to_the_next_page(tmp_path):
    before, known = LINE + " can be cancel-", f"{OTHER} once cancelled by you."
    plain = pdf(tmp_path / "a.pdf", [[(11, known)], [(11, before)], [(11, "led at any time.")]])
    assert "can be cancelled at any time." in plain.text
    assert by_page(plain)[3] == "led at any time."


def test_running_heads_and_pages_without_text_are_no_pages_of_the_text(tmp_path):
    lines = [[(11, f"Number {name}.")] if name else [] for name in ("one", "two", "", "four")]
    plain = pdf(tmp_path / "a.pdf", lines, footer="Tirvane | page {} of 4")
    assert by_page(plain) == {1: "Number one.", 2: "Number two.", 4: "Number four."}
    assert "Tirvane" not in plain.text


def test_the_first_page_may_be_blank(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[], [(11, "Two.")]])
    assert plain.segments == (Place(0, 4, 2),)


def test_a_chunk_has_the_page_on_which_it_begins(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[(11, f"Sentence {page} number {n}.") for n in range(9)] for page in range(1, 5)])
    for made in (chunks(plain, 150), chunks(plain, 110, 40)):
        assert {chunk.place.page for chunk in made} == {1, 2, 3, 4}
        for chunk in made:
            line = plain.text[plain.text.rfind("\n", 0, chunk.start) + 1 :]
            assert line.startswith(f"Sentence {chunk.place.page} ")


def test_a_chunk_on_two_pages_knows_where_the_second_begins(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[(11, "One.")], [(11, "Two.")], [(11, "Three.")]])
    (chunk,) = chunks(plain, 200)
    assert chunk.place == Place(0, len(plain.text), 1)
    assert [plain.text[segment.start : segment.end].strip() for segment in chunk.segments] == ["One.", "Two.", "Three."]
    assert [segment.page for segment in chunk.segments] == [1, 2, 3]
    assert chunk.segments[-1].end == chunk.end


def test_a_chunk_on_one_page_has_no_segments(tmp_path):
    plain = pdf(tmp_path / "a.pdf", [[(18, "One"), (11, LINE)], [(18, "Two"), (11, OTHER)]])
    made = chunks(plain, 100)
    assert [chunk.place.page for chunk in made] == [1, 2]
    assert all(chunk.segments == () for chunk in made)


@pytest.mark.parametrize("size", [100, 150, 400])
def test_pages_do_not_change_where_chunks_are_cut(tmp_path, size):
    plain = pdf(tmp_path / "a.pdf", [[(11, f"{LINE} {page}.")] * 5 for page in range(6)])
    document = Document("a.pdf", plain.text, plain.title, ("everyone",))
    without = split(document, replace(plain, segments=()), KnowledgeSettings(chunk_size=size, chunk_overlap=0))
    assert [(chunk.start, chunk.end) for chunk in chunks(plain, size)] == [(c.start, c.end) for c in without]
