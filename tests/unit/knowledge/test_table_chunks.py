"""Every chunk that begins within a table says what the table is: its caption, its header, its period and its unit."""

import csv
from itertools import pairwise

import _pdf
import _slide_files
import _word_files
import openpyxl
import pytest
from _lost import read
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._caption import LONGEST_CAPTION, caption_start
from groundtune.knowledge.splitting import split
from groundtune.settings import KnowledgeSettings
from groundtune.values import Document, PlainText

TITLE, UNIT = "STATEMENTS OF INCOME", "(In millions, except shares)"
HEADER = ["Item", "March 2023", "March 2022"]
ROWS = [[f"Expense number {n}", f"{n},101", f"{n},202"] for n in range(1, 61)]
TABLE = [HEADER, *ROWS]
PROSE = "What is said before has nothing to do with it. " * 12


def as_pdf(folder):
    titles = [_pdf.Text(50, 790, PROSE[:46]), _pdf.Text(50, 740, TITLE), _pdf.Text(50, 727, UNIT)]
    rows = [
        _pdf.Text(50 + 180 * column, 700 - 10.5 * row, cell, 9)
        for row, cells in enumerate(TABLE)
        for column, cell in enumerate(cells)
    ]
    return _pdf.written(folder / "a.pdf", [[*titles, *rows]])


def as_docx(folder):
    above = [_word_files.paragraph(text) for text in (PROSE, TITLE, UNIT)]
    return _word_files.word(folder / "a.docx", "".join(above) + _word_files.grid(TABLE))


def as_pptx(folder):
    above = _slide_files.shape(TITLE) + _slide_files.shape(UNIT)
    return _slide_files.slides(folder / "a.pptx", above + _slide_files.graphic(_slide_files.table(TABLE)))


def as_html(folder):
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in TABLE)
    text = f"<html><body><p>{PROSE}</p><p>{TITLE}<br>{UNIT}</p><table>{rows}</table></body></html>"
    (folder / "a.html").write_text(text)
    return folder / "a.html"


def as_markdown(folder):
    rows = "\n".join(f"| {' | '.join(row)} |" for row in [HEADER, ["---"] * 3, *ROWS])
    (folder / "a.md").write_text(f"{PROSE}\n\n**{TITLE}**\n\n*{UNIT}*\n\n{rows}\n")
    return folder / "a.md"


def as_csv(folder):
    with (folder / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[TITLE], [UNIT], *TABLE])
    return folder / "a.csv"


def as_xlsx(folder):
    book = openpyxl.Workbook()
    for row in [[TITLE], [UNIT], *TABLE]:
        book.active.append(row)
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


@pytest.mark.parametrize("write", [as_pdf, as_docx, as_pptx, as_html, as_markdown, as_csv, as_xlsx])
@pytest.mark.parametrize("size", [250, 450])
def test_a_chunk_from_a_table_says_caption_header_and_unit(tmp_path, write, size):
    _, chunks = read(write(tmp_path), chunk_size=size)
    numeric = [chunk for chunk in chunks if ",101" in chunk.text]
    assert len(numeric) > 3
    for chunk in numeric:
        told = f"{chunk.heading}\n{chunk.text}"
        assert all(said in told for said in (TITLE, UNIT, *HEADER[1:])), told


@pytest.mark.parametrize("write", [as_pdf, as_docx, as_pptx, as_html, as_markdown, as_xlsx])
def test_what_stands_above_a_table_is_no_chunk_of_its_own(tmp_path, write):
    _, chunks = read(write(tmp_path), chunk_size=450)
    (first,) = [chunk for chunk in chunks if UNIT in chunk.text]
    assert "1,101" in first.text


# --- what a caption is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "caption"),
    [
        ("", None),
        ("Prices", "Prices"),
        ("What comes before.\n\nPrices\n(in euros)", "Prices\n(in euros)"),
        ("What comes before.\n\nPrices\n\n(in euros)", "Prices\n\n(in euros)"),
        ("What comes before.\n\nPrices\n\n(in euros)\n\nMay 2024", "Prices\n\n(in euros)\n\nMay 2024"),
        ("Another paragraph\n\nPrices", "Prices"),
        ("It rose. Net sales were as follows (in millions):", "Net sales were as follows (in millions):"),
        ("It rose. As follows:\n\n(in millions)", "As follows:\n\n(in millions)"),
        ("It rose. It fell.\n\n(in millions)", "(in millions)"),
        ("It rose. The following table shows net sales.", "The following table shows net sales."),
        ("Der Umsatz stieg. Die Tabelle zeigt ihn.", "Die Tabelle zeigt ihn."),
        ("It rose. It fell.", None),
        ("Prices\n\nIt rose. It fell.", None),
        ("- a list\n- of things", None),
        ("A page.\n\n12", None),
        ("w" * (LONGEST_CAPTION + 1) + ":", None),
    ],
)
def test_what_the_caption_of_a_table_is(above, caption):
    text = f"{above}\n\nPlan | Price"
    start = caption_start(text, 0, text.index("Plan"))
    assert (None if start is None else text[start : text.index("Plan")].strip()) == caption


@given(st.text("ab .:(2024)\n", max_size=900), st.integers(0, 900))
@settings(max_examples=200, deadline=None)
def test_a_caption_is_short_and_below_what_was_said_to_be_something_else(above, floor):
    start = caption_start(above, min(floor, len(above)), len(above))
    assert start is None or (start >= floor and 0 < len(above[start:].strip()) <= LONGEST_CAPTION)


def contexts(builder):
    return [context.text for context in builder.plain().contexts]


def test_headings_and_other_tables_are_no_captions():
    builder = TextBuilder()
    builder.add("Before")
    builder.heading("Prices of 2024", 1)
    builder.table([["a", "b"], ["1", "2"]])
    builder.table([["c", "d"], ["3", "4"]])
    assert contexts(builder) == ["a | b", "c | d"]


def test_no_caption_begins_within_another_context():
    builder = TextBuilder()
    builder.within(builder.add("Speaker notes: as follows"), 25, "Speaker notes")
    builder.table([["a", "b"], ["1", "2"]])
    builder.include(PlainText("Prices", ""))
    builder.table([["c", "d"], ["3", "4"]])
    builder.record([("Plan", "Hazel")])
    builder.table([["e", "f"], ["5", "6"]])
    assert contexts(builder) == ["Speaker notes", "a | b", "c | d", "e | f"]


@pytest.mark.parametrize("period", ["June 25, 2022", "25. Juni 2022", "Nine Months Ended"])
def test_a_heading_that_is_but_a_period_does_not_part_a_table_from_its_caption(period):
    builder = TextBuilder()
    builder.heading("Securities", 1)
    builder.add("They were as follows (in millions):")
    builder.heading(period, 2)
    builder.table([["a", "b"], ["1", "2"]])
    assert contexts(builder) == [f"They were as follows (in millions): {period}", "a | b"]


def test_a_caption_that_the_heading_says_is_not_said_again():
    builder = TextBuilder()
    builder.mark(builder.add("Prices\nin euros"), "Prices, in euros (Sheet!A1:B2)")
    builder.table([["a", "b"], ["1", "2"]])
    assert contexts(builder) == ["a | b"]


def test_a_table_that_goes_on_keeps_its_caption():
    builder = TextBuilder()
    builder.add("Balance sheet\n(in millions)")
    builder.table([["", "2023", "2022"], ["Cash", "1", "2"]])
    builder.add("Liabilities:")
    builder.table([["Debt", "3", "4"], ["Rent", "5", "6"]], 0, names=["", "2023", "2022"])
    assert contexts(builder)[2:] == ["Balance sheet (in millions)", "| 2023 | 2022", "Liabilities:"]


def test_rows_below_a_period_know_it():
    builder = TextBuilder()
    rows = [
        ["", "Sales"],
        ["Three months ended May 2023"],
        ["Phones", "1"],
        ["Three months ended May 2022"],
        ["a", "2"],
    ]
    builder.table(rows)
    plain = builder.plain()
    periods = {context.text: plain.text[context.start : context.end] for context in plain.contexts[1:]}
    assert periods == {
        "Three months ended May 2023": "Three months ended May 2023\nPhones | 1\n",
        "Three months ended May 2022": "Three months ended May 2022\na | 2",
    }


def test_a_long_caption_is_shortened_in_headings_only():
    builder = TextBuilder()
    caption = "What all of it costs " * 30
    builder.table([["a", "b"], ["1", "2"]], caption=caption)
    plain = builder.plain()
    assert " ".join(caption.split()) in plain.text
    assert plain.contexts[0].text.endswith(" …")
    assert len(plain.contexts[0].text) <= LONGEST_CAPTION + 2


@given(
    st.lists(st.sampled_from([TITLE, UNIT, PROSE, "As of 2023", "12", "- item", "Words here:"]), max_size=4),
    st.integers(100, 500),
    st.integers(0, 50),
)
@settings(max_examples=100, deadline=None)
def test_chunks_stay_exact_pieces_whatever_stands_above(above, size, overlap):
    builder = TextBuilder()
    for paragraph in above:
        builder.add(paragraph)
    builder.table(TABLE[:20])
    plain = builder.plain()
    chunks = split(
        Document("a", plain.text, "", ("e",)), plain, KnowledgeSettings(chunk_size=size, chunk_overlap=overlap)
    )
    assert all(plain.text[chunk.start : chunk.end] == chunk.text and len(chunk.text) <= size for chunk in chunks)
    assert not "".join(plain.text[left.end : right.start] for left, right in pairwise(chunks)).strip()
    for chunk in chunks:
        inside = [each.text for each in plain.contexts if each.start < chunk.start < each.end]
        assert all(said in chunk.heading for said in inside)
