"""Tables that go through spreadsheets: what is written comes back, and what a spreadsheet does to it is told."""

import csv
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtune.errors import InputError
from groundtune.spreadsheets import (
    Look,
    Page,
    guarded,
    read_cells,
    read_table,
    unguarded,
    write_table,
    write_xlsx,
)

HEADER = ["id", "question", "quote 1"]
COLUMNS = ("id", "question", r"quote \d+")
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t=+-@'"), max_size=30)


def cells(path):
    return [(row.number, dict(row.cells), row.faults) for row in read_table(path, COLUMNS)]


@pytest.fixture(params=[".csv", ".xlsx"])
def file(request, tmp_path):
    return tmp_path / f"table{request.param}"


@given(st.text())
def test_guarding_is_undone_and_leaves_nothing_that_computes(text):
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in tuple("=+-@\t\r")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_any_text_comes_back(file, rows):
    file.unlink(missing_ok=True)
    write_table(file, HEADER, [[f"c{number}", *row] for number, row in enumerate(rows)])
    expected = [
        (number + 2, dict(zip(HEADER, (f"c{number}", *row), strict=True)), ()) for number, row in enumerate(rows)
    ]
    assert cells(file) == expected


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-5 degrees", "@home", "'=quoted", "\t=tab", "'Tis"])
def test_formulas_do_not_go_out_and_text_comes_back(file, text):
    write_table(file, HEADER, [["1", text, ""]])
    if file.suffix == ".xlsx":
        written = openpyxl.load_workbook(file).active["B2"]
        assert (written.data_type, written.number_format) == ("s", "@")
        assert written.value == guarded(text)
    else:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            assert list(csv.reader(opened))[1][1] == guarded(text)
    assert cells(file)[0][1]["question"] == text


def book(tmp_path, *rows):
    path = tmp_path / "edited.xlsx"
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save(path)
    return path


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("=HYPERLINK(A1)", "contains a formula"),
        (datetime(2026, 3, 4), "was turned into a date"),
        (date(2026, 3, 4), "was turned into a date"),
        ("#REF!", "contains a spreadsheet error"),
    ],
)
def test_what_a_spreadsheet_made_of_a_cell_is_a_fault_with_the_column(tmp_path, value, words):
    path = book(tmp_path, HEADER, ["1", value, "x"], ["2", "fine", "x"])
    (number, _, faults), (_, _, none) = cells(path)
    assert number == 2
    assert len(faults) == 1
    assert faults[0].startswith("`question`")
    assert words in faults[0]
    assert none == ()


def test_numbers_and_truth_values_become_the_text_that_was_typed(tmp_path):
    path = book(tmp_path, HEADER, [7, 8.0, True], [7.5, None, False], [None, " ", None], [9, "x", None])
    assert [(number, list(found.values())) for number, found, _ in cells(path)] == [
        (2, ["7", "8", "yes"]),
        (3, ["7.5", "", "no"]),
        (5, ["9", "x", ""]),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_habits_of_csv_are_survived(tmp_path, delimiter, mark, end):
    path = tmp_path / "edited.csv"
    rows = [["ID", "Question ", "quote 1", ""], ["1", f'two{end}lines, with; "quotes"', "é", ""], ["", "", "", ""]]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(rows)
    assert cells(path) == [(2, {"id": "1", "question": 'two\nlines, with; "quotes"', "quote 1": "é"}, ())]


def test_unicode_text_and_a_line_that_names_the_separator(tmp_path):
    path = tmp_path / "edited.csv"
    path.write_bytes('sep=;\r\nid;question\r\n1;"é, ü"\r\n'.encode("utf-16"))
    assert cells(path) == [(2, {"id": "1", "question": "é, ü"}, ())]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"edited.csv:1: not UTF-8"):
        read_table(path, COLUMNS)


def test_a_code_page_is_only_guessed_where_that_is_asked_for(tmp_path):
    path = tmp_path / "edited.csv"
    path.write_bytes("id,question\n1,é\n".encode("cp1252"))
    assert [cell.text for cell in read_cells(path, western=True)[1]] == ["1", "é"]
    with pytest.raises(InputError, match="not UTF-8"):
        read_cells(path)


def test_columns_look_as_told(tmp_path):
    path = tmp_path / "table.xlsx"
    write_xlsx(path, {"one": Page(["a", "b"], [["#N/A", "=1"], ["", "x"]], {"b": Look(30, ("x", "y"), hidden=True)})})
    sheet = openpyxl.load_workbook(path)["one"]
    assert [cell.data_type for cell in sheet[2]] == ["s", "s"]
    assert [cell.number_format for cell in sheet[2]] == ["@", "General"]
    assert [cell.font.bold for cell in sheet[1]] == [True, True]
    assert (sheet.column_dimensions["B"].width, sheet.column_dimensions["B"].hidden) == (30, True)
    assert (sheet.column_dimensions["A"].width, sheet.column_dimensions["A"].hidden) == (16, False)
    assert [(str(one.sqref), one.formula1) for one in sheet.data_validations.dataValidation] == [("B2:B3", '"x,y"')]
    assert sheet.freeze_panes == "B2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,qestion\n1,x\n", r"table.csv:1: unknown column `qestion`"),
        ("question\nx\n", "no column `id`"),
        ("id,id\n1,2\n", "`id` appears twice"),
        ("", "no column `id`"),
        ('id,question\n1,"open\n', "table.csv:2"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, content, words):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_table(path, COLUMNS)


def test_csv_faults_and_notes(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,question,Note for Ben\n1,=1+1,=x\n2,-5 degrees,\n3,x,,too many\n", encoding="utf-8")
    found = cells(path)
    assert ["equals sign" in fault for fault in found[0][2]] == [True]
    assert found[1] == (3, {"id": "2", "question": "-5 degrees"}, ())
    assert found[2][2] == ("it has more cells than the header",)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "table.xlsx").write_text("no zip", encoding="utf-8")
    with pytest.raises(InputError, match="is not a valid XLSX file"):
        read_table(tmp_path / "table.xlsx", COLUMNS)
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.xlsx", COLUMNS)
    with pytest.raises(InputError, match=r"is not a \.csv"):
        read_table(tmp_path / "table.pdf", COLUMNS)
    (tmp_path / "latin.csv").write_bytes("id\né\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin.csv:2: not UTF-8"):
        read_table(tmp_path / "latin.csv", COLUMNS)


@pytest.mark.parametrize(("text", "words"), [("x" * 32_768, "32767"), ("-" * 32_767, "32767"), ("a\x00b", "control")])
def test_what_no_cell_can_hold_is_refused_and_nothing_written(file, text, words):
    with pytest.raises(InputError, match=words):
        write_table(file, HEADER, [["1", text, ""]])
    assert not file.exists()


def test_a_file_with_reviews_is_not_overwritten(file):
    write_table(file, HEADER, [])
    with pytest.raises(InputError, match="already exists"):
        write_table(file, HEADER, [])
