"""Workbooks of every format that people send back give the same cells, and what cannot be read is told."""

import io
import random
import zipfile
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from _books import Error, Formula, ods, save

from groundtune import workbooks
from groundtune.errors import InputError
from groundtune.spreadsheets import Page, read_cells, write_xlsx

FORMATS = [".xlsx", ".xls", ".ods"]


def texts(path, **asked):
    return [[cell.text for cell in row] for row in read_cells(path, **asked)]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        ("TRUE", "TRUE"),
        ("4,5", "4,5"),
        ("two\nlines & <more>", "two\nlines & <more>"),
        ("Très – 日本語 😀", "Très – 日本語 😀"),
        ("#N/A", "#N/A"),
        ("=1+1", "=1+1"),
        (4, "4"),
        (4.0, "4"),
        (4.5, "4.5"),
        (-0.25, "-0.25"),
        (0.5, "0.5"),  # 50 % is a look of 0.5
        (True, "yes"),
        (False, "no"),
        (None, ""),
    ],
    ids=str,
)
def test_a_value_is_the_same_text_in_every_format(tmp_path, suffix, value, text):
    path = save(tmp_path, suffix, {"ratings": [["id", "label", "end"], ["1", value, "x"]]})
    assert texts(path)[1] == ["1", text, "x"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Formula("2+2"), "contains a formula"),
        (Formula("A1"), "contains a formula"),
        (Error("#REF!"), ("contains a spreadsheet error", "contains a formula")),
        (Error("#DIV/0!"), ("contains a spreadsheet error", "contains a formula")),
        (date(2026, 3, 4), "turned into a date"),
        (datetime(2026, 3, 4, 5, 6), "turned into a date"),
        (time(3, 4), "turned into a date"),
    ],
    ids=str,
)
def test_what_a_spreadsheet_made_of_a_cell_is_told_in_every_format(tmp_path, suffix, value, words):
    path = save(tmp_path, suffix, {"ratings": [["id", "label"], ["1", value], ["2", "fine"]]})
    header, (_, wrong), (_, fine) = read_cells(path)
    assert wrong.text == ""
    assert any(each in wrong.fault for each in ((words,) if isinstance(words, str) else words))
    assert [cell.fault for cell in (*header, fine)] == ["", "", ""]


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_keep_their_numbers_and_faults_behind_the_last_value_are_not_lost(tmp_path, suffix):
    rows = [[None, None], ["id", "x"], [None, None], [None, "late"], [None, Formula("1+1")]]
    found = read_cells(save(tmp_path, suffix, {"ratings": rows}))
    assert [(row, column) for row, cells in enumerate(found) for column, cell in enumerate(cells) if cell.text] == [
        (1, 0),
        (1, 1),
        (3, 1),
    ]
    assert found[4][1].fault


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_page_is_the_one_of_that_name_or_the_first(tmp_path, suffix):
    pages = {"one": [["1"]], "ratings": [["2", Formula("1+1")]], "instructions": [["3"]]}
    path = save(tmp_path, suffix, pages)
    assert texts(path, page="ratings") == [["2", ""]]
    assert read_cells(path, page="ratings")[0][1].fault
    assert texts(path, page="none of them") == [["1"]]
    assert texts(path) == [["1"]]


def test_a_hidden_page_is_only_read_by_its_name(tmp_path):
    book = openpyxl.Workbook()
    book.active.title, book.active["A1"] = "lists", "hidden"
    book.active.sheet_state = "hidden"
    book.create_sheet("shown")["A1"] = "shown"
    book.save(tmp_path / "book.xlsx")
    assert texts(tmp_path / "book.xlsx") == [["shown"]]
    assert texts(tmp_path / "book.xlsx", page="lists") == [["hidden"]]


def test_merged_cells_hold_what_shows(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b", "c"])
    book.active.append(["d", "e", "f"])
    book.active.merge_cells("A1:B2")
    book.save(tmp_path / "book.xlsx")
    assert texts(tmp_path / "book.xlsx") == [["a", "", "c"], ["", "", "f"]]
    cell = '<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    hidden = '<table:covered-table-cell office:value-type="string"><text:p>b</text:p></table:covered-table-cell>'
    rows = f'<table:table table:name="x"><table:table-row>{cell}{hidden}{cell}</table:table-row></table:table>'
    (tmp_path / "book.ods").write_bytes(ods(rows))
    assert texts(tmp_path / "book.ods") == [["a", "", "a"]]


def test_repeated_cells_and_rows_of_opendocument(tmp_path):
    cell = '<table:table-cell table:number-columns-repeated="2" office:value-type="string"><text:p>a</text:p></table:table-cell>'  # noqa: E501
    formula = '<table:table-cell table:formula="of:=1" office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'  # noqa: E501
    row = f'<table:table-row table:number-rows-repeated="3">{cell}{formula}</table:table-row>'
    (tmp_path / "book.ods").write_bytes(ods(f'<table:table table:name="x">{row}</table:table>'))
    assert texts(tmp_path / "book.ods") == [["a", "a", ""]] * 3
    assert all(row[2].fault for row in read_cells(tmp_path / "book.ods"))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("other", [".csv", ".xlsx", ".xls", ".ods", ".sheet"])
def test_what_a_file_is_shows_inside_whatever_its_name(tmp_path, suffix, other):
    path = save(tmp_path, suffix, {"ratings": [["id", Formula("1+1")], ["1", "x"]]})
    renamed = path.rename(tmp_path / f"renamed{other}")
    assert texts(renamed) == [["id", ""], ["1", "x"]]


@pytest.mark.parametrize("text", ["_x0041_", "a_x000D_b", "_x005F_", "_x_", "__x0041__"])
def test_what_looks_like_an_escape_of_xlsx_comes_back(tmp_path, text):
    write_xlsx(tmp_path / "book.xlsx", {"one": Page(["a"], [[text]])})
    assert texts(tmp_path / "book.xlsx") == [["a"], [text]]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_broken_file_is_refused_with_its_format_and_the_remedy(tmp_path, suffix):
    whole = save(tmp_path, suffix, {"ratings": [["id", "x"], ["1", "2"]]}).read_bytes()
    chance = random.Random(5)
    path = tmp_path / f"broken{suffix}"
    refused = 0
    for attempt in range(60):
        data = bytearray(whole[: chance.randrange(8, len(whole))] if attempt % 2 else whole)
        for _ in range(0 if attempt % 2 else 20):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            read_cells(path)
        except InputError as error:
            refused += 1
            assert f"not a valid {suffix[1:].upper()}" in error.message or "is " in error.message  # noqa: PT017
            assert error.remedy  # noqa: PT017
    assert refused > 20


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("data", [b"", b"id,x\n1,2\n", b"<html><table></table></html>"])
def test_text_under_the_name_of_a_workbook_is_refused(tmp_path, suffix, data):
    (tmp_path / f"book{suffix}").write_bytes(data)
    with pytest.raises(InputError, match=f"not a valid {suffix[1:].upper()} file") as raised:
        read_cells(tmp_path / f"book{suffix}")
    assert ".xlsx" in raised.value.remedy


def test_a_page_that_would_not_fit_into_memory_is_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "a", "far away"
    book.save(tmp_path / "far.xlsx")
    cell = '<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>a</text:p></table:table-cell>'  # noqa: E501
    row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    (tmp_path / "far.ods").write_bytes(ods(f'<table:table table:name="x">{row}</table:table>'))
    for name in ("far.xlsx", "far.ods"):
        with pytest.raises(InputError, match="is too large: it reaches to row 1048576"):
            read_cells(tmp_path / name)


def test_a_book_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "LARGEST_BOOK", 300)
    for suffix in (".xlsx", ".ods"):
        with pytest.raises(InputError, match="unpacks to"):
            read_cells(save(tmp_path, suffix, {"a": [["x"]]}))


def test_a_password_is_named(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", b"\x00scrambled")
        archive.writestr("META-INF/manifest.xml", "<manifest><file-entry><encryption-data/></file-entry></manifest>")
    (tmp_path / "locked.ods").write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="protected by a password"):
        read_cells(tmp_path / "locked.ods")


def test_spans_of_time_count_as_dates(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = timedelta(hours=30)
    book.save(tmp_path / "book.xlsx")
    assert "date" in read_cells(tmp_path / "book.xlsx")[0][0].fault
