"""Of tables longer than a chunk, a value stands in one chunk (heading and text) with its header and its row's label.

Through the readers of HTML, DOCX, Markdown, CSV and XLSX, and through `TextBuilder.table`, which they build on.
"""

import csv
import random
from collections.abc import Iterator
from functools import cache

import pytest

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._grid import TableCell, laid_out
from groundtune.knowledge.splitting import split
from groundtune.settings import KnowledgeSettings
from groundtune.values import Document

SHARE = 0.95
SAMPLE = 300  # cells
SENTENCE = "The fee is due at the end of the month and may be paid in two parts if the customer asks for it."


def table(rows, columns, words=1, numbered=False):
    """Return a table with a header, whose cells are different from all others, of `words` words each."""
    header = ["Plan" if not column else f"Header{column} of it" for column in range(columns)]
    return [header, *[_row(row, columns, words, numbered) for row in range(rows)]]


def _row(row, columns, words, numbered):
    label = f"{row}" if numbered else f"Label{row:04}"
    values = [" ".join([f"v{row}x{column}x", *SENTENCE.split()[: words - 1]]) for column in range(1, columns)]
    return [label, *values]


SHAPES = {
    "1000 rows of 5": table(1000, 5),
    "200 rows of 4": table(200, 4),
    "500 rows of 6": table(500, 6),
    "30 columns": table(60, 30),
    "12 columns of short cells": table(80, 12),
    "long cells": table(80, 4, words=20),
    "cells longer than lines": table(40, 5, words=21),
    "numbered rows": table(300, 5, numbered=True),
    "two columns": table(400, 2),
}


def usable(rows, chunks, seed=5):
    """Return the share of a sample of cells that stand in a chunk with their column's header and their row's label."""
    cells = [(row, column) for row in range(1, len(rows)) for column in range(1, len(rows[0])) if rows[row][column]]
    sample = random.Random(seed).sample(cells, min(SAMPLE, len(cells)))
    told = [f"{chunk.heading}\n{chunk.text}" for chunk in chunks]
    good = 0
    for row, column in sample:
        value, header, label = rows[row][column].split()[0], rows[0][column], rows[row][0]
        good += any(value in each and header in each and label in each for each in told)
    return good / len(sample)


def chunks_of(plain, **settings):
    return split(Document("a", plain.text, plain.title, ("e",)), plain, KnowledgeSettings(**settings))


def built(rows, headers=1, caption="", above=""):
    builder = TextBuilder()
    builder.heading("Prices", 1)
    builder.add(above)
    builder.table(rows, headers, caption)
    builder.add("Ask us for more.")
    return builder.plain()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("settings", [{}, {"chunk_size": 200}, {"chunk_size": 1000}, {"chunk_overlap": 60}])
def test_tables_that_are_built(name, settings):
    assert usable(SHAPES[name], chunks_of(built(SHAPES[name]), **settings)) >= SHARE


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("above", ["A paragraph. " * 10, "A paragraph. " * 30, "A short line."])
def test_tables_below_a_paragraph_and_a_caption(name, above):
    plain = built(SHAPES[name], caption="Table 7: Prices", above=above)
    assert usable(SHAPES[name], chunks_of(plain)) >= SHARE
    row = next(chunk for chunk in reversed(chunks_of(plain)) if SHAPES[name][-1][0] in chunk.text)
    assert "Table 7: Prices" in row.heading


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("empty", [0.2, 0.5])
def test_tables_with_empty_cells(name, empty):
    rng = random.Random(3)
    head, *body = SHAPES[name]
    sparse = [head, *[[row[0], *["" if rng.random() < empty else cell for cell in row[1:]]] for row in body]]
    assert usable(sparse, chunks_of(built(sparse))) >= SHARE


@pytest.mark.parametrize("name", ["1000 rows of 5", "30 columns", "long cells"])
def test_a_header_of_two_rows(name):
    head, *body = SHAPES[name]
    groups = [TableCell("Name"), TableCell("Prices of 2026", columns=len(head) - 1)]
    grid = laid_out([groups, *[[TableCell(cell) for cell in row] for row in SHAPES[name]]], headers=2)
    found = chunks_of(built(grid, headers=2))
    names = ["Name Plan", *[f"Prices of 2026 {cell}" for cell in head[1:]]]
    assert usable([names, *body], found[1:]) >= SHARE  # the first chunk has the two rows as they are


@pytest.mark.parametrize("rows", [SHAPES["200 rows of 4"], SHAPES["long cells"], SHAPES["12 columns of short cells"]])
def test_a_label_over_several_rows_stands_in_each(rows):
    head, *body = rows
    spanned = [
        [*([TableCell(row[0], rows=3)] if not number % 3 else []), *map(TableCell, row[1:])]
        for number, row in enumerate(body)
    ]
    grid = laid_out([list(map(TableCell, head)), *spanned])
    expected = [head, *[[body[number - number % 3][0], *row[1:]] for number, row in enumerate(body)]]
    assert usable(expected, chunks_of(built(grid))) >= SHARE


def test_the_measure_can_fail():
    rows = SHAPES["200 rows of 4"]
    builder = TextBuilder()
    for row in rows:
        builder.add(" | ".join(row), "\n")
    assert usable(rows, chunks_of(builder.plain())) < 0.2


# --- through the readers --------------------------------------------------------------------------


def _html(rows, path):
    lines = ["<!doctype html><title>Prices</title><h1>Prices</h1><p>All of them.</p><table><thead>"]
    for number, row in enumerate(rows):
        cell = "td" if number else "th"
        lines.append("<tr>" + "".join(f"<{cell}>{each}</{cell}>" for each in row) + "</tr>")
        lines += ["</thead><tbody>"] if not number else []
    path.write_text("\n".join([*lines, "</tbody></table><p>Ask us.</p>"]), encoding="utf-8")


def _docx(rows, path):
    from docx import Document as Word

    document = Word()
    document.add_heading("Prices", 1)
    document.add_paragraph("All of them.")
    made = document.add_table(len(rows), len(rows[0]))
    cells: Iterator = iter(made._cells)  # `cell(i, j)` looks at all of them each time
    for row in rows:
        for text in row:
            next(cells).text = text
    document.add_paragraph("Ask us.")
    document.save(path)


def _md(rows, path):
    head, *body = rows
    lines = ["# Prices", "", "All of them.", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    path.write_text("\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body), "", "Ask us.", ""]))


def _csv(rows, path):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _xlsx(rows, path):
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "Prices"
    for row in [["All of them."], [], *rows, [], ["Ask us."]]:
        sheet.append(row)
    book.save(path)


WRITERS = {"html": _html, "docx": _docx, "md": _md, "csv": _csv, "xlsx": _xlsx}


@pytest.fixture(scope="module")
def file_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")

    @cache
    def make(suffix, name):
        path = folder / f"{name.replace(' ', '-')}.{suffix}"
        WRITERS[suffix](SHAPES[name], path)
        return path

    return make


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("name", [name for name in SHAPES if name != "cells longer than lines"])
def test_tables_in_files(file_of, suffix, name):
    from _lost import read

    _, chunks = read(file_of(suffix, name))
    assert usable(SHAPES[name], chunks) >= SHARE
