"""Whatever stands on a sheet, each word of it stands in a chunk, or `left_out` counts it as hidden."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import openpyxl
from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

places = st.tuples(st.integers(1, 14), st.integers(1, 9))
kinds = st.sampled_from(["text", "text", "text", "bold", "number", "long", "day"])
cells = st.dictionaries(places, kinds, min_size=1, max_size=60)
blocks = st.lists(st.tuples(places, st.integers(1, 5), st.integers(1, 4), st.booleans()), max_size=3)
merges = st.lists(st.tuples(places, st.integers(0, 3), st.integers(0, 3)), max_size=3)
hidden = st.tuples(st.sets(st.integers(1, 14), max_size=2), st.sets(st.integers(1, 9), max_size=2))


def _filled(sheet, loose, tables):
    """Fill a sheet and return the word in each cell."""
    words = {}

    def put(row, column, kind):
        if (row, column) in words:
            return
        word = f"w{row}x{column}x"
        cell = sheet.cell(row, column)
        if kind == "number":
            word = f"{row * 100_000 + column}"
            cell.value = int(word)
        elif kind == "day":
            word = f"{2000 + row}-01-{column:02d}"
            cell.value = date.fromisoformat(word)
        else:
            cell.value = word + (" and so on," * 30 if kind == "long" else "")
            cell.font = Font(bold=kind == "bold")
        words[row, column] = word

    for (top, left), height, width, numbers in tables:
        for row in range(top, top + height):
            for column in range(left, left + width):
                put(row, column, "number" if numbers and row > top and column > left else "text")
    for (row, column), kind in loose.items():
        put(row, column, kind)
    return words


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cells, blocks, merges, hidden, st.sampled_from([100, 450, 1500]))
def test_no_word_is_lost(loose, tables, merged, unseen, size) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    words = _filled(sheet, loose, tables)
    covered: set[tuple[int, int]] = set()
    for (row, column), down, across in merged:
        area = {(r, c) for r in range(row, row + down + 1) for c in range(column, column + across + 1)}
        if len(area) > 1 and not area & covered:
            covered |= area
            sheet.merge_cells(start_row=row, start_column=column, end_row=row + down, end_column=column + across)
            for place in area - {(row, column)}:
                words.pop(place, None)  # openpyxl empties them
    rows, columns = unseen
    if covered:
        rows = columns = set()  # what a hidden part of a merged cell shows is another test
    for row in rows:
        sheet.row_dimensions[row].hidden = True
    for column in columns:
        sheet.column_dimensions[get_column_letter(column)].hidden = True
    seen = {place: word for place, word in words.items() if place[0] not in rows and place[1] not in columns}
    if not seen:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        book.save(path)
        plain, chunks = read(path, chunk_size=size, chunk_overlap=0)
    assert not lost(seen.values(), chunks)
    gone = [word for place, word in words.items() if place not in seen]
    assert len(lost(gone, chunks)) == len(gone)
    counts = {each.kind: each.count for each in plain.left_out}
    hidden_rows = {row for row, _ in words if row in rows}
    hidden_columns = {column for row, column in words if column in columns and row not in rows}
    assert counts.get("hidden text", 0) == len(hidden_rows) + len(hidden_columns)
