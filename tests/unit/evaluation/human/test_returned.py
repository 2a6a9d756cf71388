"""Sheets that come back: in every form that spreadsheets save, whole or in part, twice, wrong, or of another study."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime

import pytest
from _books import Error, Formula, save

from groundtune.errors import InputError
from groundtune.evaluation.human.returned import Reply, load_replies, read_rows, save_replies, take
from groundtune.evaluation.human.sheets import COLUMNS, as_csv, rows, view, write_xlsx


@pytest.fixture
def shown(made):
    materials, study = made
    return view(study, study.sheets[0], materials)


def filled(shown, items=None, value="4"):
    """The sheet's rows as a rater fills them in; only the first `items` questions."""
    kept = {item.id for item in shown.items[:items]}
    table = []
    for row in rows(shown):
        mine = dict(row)
        if row["item"] in kept:
            mine |= {"intuitive": value, "appropriate": "2" if row["label"] == "A" else "5"}
            if not row["unexpected"]:
                mine["unexpected"] = "3"
            if not row["best"]:
                mine |= {"best": "B", "comment": "Très bien; merci"}
        table.append(mine)
    return table


def csv_bytes(table, delimiter=",", end="\r\n", encoding="utf-8-sig"):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in table)
    return text.getvalue().encode(encoding, "replace")


def saved(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"delimiter": ";"},
        {"delimiter": ";", "encoding": "cp1252"},
        {"delimiter": "\t", "encoding": "utf-16"},
        {"end": "\n", "encoding": "utf-8"},
    ],
    ids=str,
)
def test_every_form_of_csv_gives_the_same(made, shown, tmp_path, habits):
    _, study = made
    path = saved(tmp_path / "ana.csv", csv_bytes(filled(shown), **habits))
    replies, (taken,), problems = take([path], study, [])
    assert problems == []
    assert taken.rater == "ana"
    expected, _, _ = take([saved(tmp_path / "plain.csv", csv_bytes(filled(shown)))], study, [])
    assert replies == expected
    assert Reply(shown.items[0].id, "", "best", "B") in replies
    assert Reply(shown.items[0].id, "A", "comment", "Très bien; merci") in replies
    answers = sum(len(item.answers) for item in shown.items)
    unusual = sum(len(item.answers) for item in shown.items if item.unexpected)
    assert taken.new == 2 * answers + unusual + 2 * len(shown.items)


def test_a_sheet_as_written_and_not_filled_in_brings_nothing(made, shown, tmp_path):
    path = saved(tmp_path / "ana.csv", as_csv(shown).encode())
    replies, (taken,), problems = take([path], made[1], [])
    assert (replies, taken.new, problems) == ([], 0, [])


def test_what_excel_does_to_numbers_and_letters(made, shown, tmp_path):
    table = filled(shown, items=1)
    for row, value in zip(table, ("4.0", "4,0", " 4 "), strict=False):
        row["intuitive"] = value
    table[0]["best"] = " eQual "
    path = saved(tmp_path / "a.csv", b"sep=;\r\n" + csv_bytes(table, ";", encoding="utf-8"))
    replies, _, problems = take([path], made[1], [])
    assert problems == []
    assert {one.value for one in replies if one.column == "intuitive"} == {"4"}
    assert next(one.value for one in replies if one.column == "best") == "equal"


def test_xlsx_comes_back(made, shown, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "ana.xlsx"
    write_xlsx(shown, path)
    book = openpyxl.load_workbook(path)
    page = book["ratings"]
    for number, row in enumerate(filled(shown), start=2):
        for place, name in enumerate(COLUMNS, start=1):
            page.cell(number, place).value = int(row[name]) if row[name].isdigit() else row[name]
    book.save(path)
    replies, _, problems = take([path], made[1], [])
    assert problems == []
    assert replies == take([saved(tmp_path / "a.csv", csv_bytes(filled(shown)))], made[1], [])[0]
    with pytest.raises(InputError, match="not a valid XLSX file"):
        read_rows(saved(tmp_path / "b.xlsx", b"PK nothing"))


def numbers(row):
    return [int(row[name]) if row[name].isdigit() else row[name] for name in COLUMNS]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
@pytest.mark.parametrize("first", ["ratings", "Sheet1", "ana"])
def test_what_excel_and_libreoffice_save_comes_back(made, shown, tmp_path, suffix, first):
    rows = [list(COLUMNS), *map(numbers, filled(shown))]
    path = save(tmp_path, suffix, {first: rows, "instructions": [["Read this."]]})
    replies, (taken,), problems = take([path], made[1], [])
    assert (problems, taken.rater) == ([], "ana")
    assert replies == take([saved(tmp_path / "a.csv", csv_bytes(filled(shown)))], made[1], [])[0]


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
@pytest.mark.parametrize("value", [Formula("2+2"), datetime(2026, 5, 4), Error("#REF!"), 4.5, 7, True, "four"])
def test_a_wrong_cell_is_named_in_every_format(made, shown, tmp_path, suffix, value):
    rows = [list(COLUMNS), *map(numbers, filled(shown))]
    rows[3][COLUMNS.index("intuitive")] = value
    _, taken, problems = take([save(tmp_path, suffix, {"ratings": rows})], made[1], [])
    assert taken == []
    assert [(one.row, "`intuitive`" in one.reason) for one in problems] == [(4, True)]


def test_what_a_spreadsheet_made_of_a_rating_is_named(made, shown, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "ana.xlsx"
    write_xlsx(shown, path)
    book = openpyxl.load_workbook(path)
    page = book["ratings"]
    page.cell(2, COLUMNS.index("intuitive") + 1).value = "=2+2"
    page.cell(3, COLUMNS.index("intuitive") + 1).value = datetime(2026, 5, 4)
    page.cell(4, COLUMNS.index("intuitive") + 1).value = 3.0
    page.cell(5, COLUMNS.index("answer") + 1).value = "=1"  # is not read
    book.save(path)
    _, taken, problems = take([path], made[1], [])
    assert taken == []
    assert [one.row for one in problems] == [2, 3]
    assert problems[0].reason == "`intuitive` contains a formula: enter the text itself."
    assert "`intuitive` was turned into a date" in problems[1].reason


def test_a_comment_may_begin_as_a_formula_does(made, shown, tmp_path):
    table = filled(shown, items=1)
    table[0]["comment"], table[1]["comment"] = "=) nice", "'-- too long"
    replies, _, problems = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert problems == []
    assert {one.value for one in replies if one.column == "comment"} >= {"=) nice", "-- too long"}


def from_page(shown, table):
    """What the page saves: only what is filled in, the choice in a row without a label."""
    found = []
    for row in table:
        found.append(
            {"item": row["item"], "label": row["label"]}
            | {n: row[n] for n in ("intuitive", "appropriate", "unexpected", "comment") if row[n] not in ("", "–")}
        )
        if row["best"] not in ("", "–"):
            found.append({"item": row["item"], "label": "", "best": row["best"]})
    return json.dumps({"study": shown.study, "sheet": shown.sheet, "rows": found}).encode()


def test_what_the_page_saves_comes_back(made, shown, tmp_path):
    path = saved(tmp_path / "ratings.json", from_page(shown, filled(shown)))
    replies, _, problems = take([path], made[1], [])
    assert problems == []
    assert replies == take([saved(tmp_path / "a.csv", csv_bytes(filled(shown)))], made[1], [])[0]
    for broken in (b"{}", b"[]", b"{", b'{"study": "gtest", "sheet": "s", "rows": [1]}'):
        _, taken, problems = take([saved(tmp_path / "x.json", broken)], made[1], [])
        assert taken == []
        assert len(problems) == 1


def test_half_a_sheet_now_and_the_rest_later(made, shown, tmp_path):
    _, study = made
    half = saved(tmp_path / "half.csv", csv_bytes(filled(shown, items=5)))
    whole = saved(tmp_path / "whole.csv", csv_bytes(filled(shown, value="3")))
    first, (taken,), _ = take([half], study, [])
    assert 0 < taken.new == len(first)
    again, (taken,), _ = take([half], study, first)
    assert again == first
    assert (taken.new, taken.changed, taken.unchanged) == (0, 0, len(first))
    both, (taken,), _ = take([whole], study, first)
    assert taken.changed == sum(one.column == "intuitive" for one in first)
    assert {one.value for one in both if one.column == "intuitive"} == {"3"}
    after, _, _ = take([saved(tmp_path / "empty.csv", csv_bytes(rows(shown)))], study, both)
    assert after == both, "an empty cell takes nothing away"


def test_replies_are_kept_in_a_file(tmp_path):
    assert load_replies(tmp_path) == []
    replies = [Reply("i1", "A", "intuitive", "4"), Reply("i1", "", "best", "none")]
    save_replies(tmp_path, replies)
    assert load_replies(tmp_path) == replies


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("intuitive", "6", "`intuitive` is `6`: write a number from 1 to 5"),
        ("intuitive", "0", "write a number"),
        ("appropriate", "4.5", "write a number"),
        ("appropriate", "good", "write a number"),
        ("best", "D", "`best` is `D`: write one of A, B, C, equal, none"),
        ("label", "Z", "has no answer `Z`"),
        ("item", "i0", "item `i0` is not in this study"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_nothing_of_the_file_is_taken(made, shown, tmp_path, column, value, reason):
    table = filled(shown)
    first = next(number for number, row in enumerate(table) if number > 5 and row["best"] == "B")
    table[first][column] = value
    good = saved(tmp_path / "good.csv", csv_bytes(filled(shown, items=1)))
    bad = saved(tmp_path / "bad.csv", csv_bytes(table))
    replies, taken, problems = take([bad, good], made[1], [])
    assert [(one.file, one.row) for one in problems] == [("bad.csv", first + 2)]
    assert reason in problems[0].reason
    assert [one.file for one in taken] == ["good.csv"]
    assert {one.item for one in replies} == {shown.items[0].id}


def test_the_row_is_the_spreadsheet_s_also_behind_cells_of_several_lines(made, shown, tmp_path):
    table = filled(shown)
    assert any("\n" in row["question"] for row in table)
    table[-1]["intuitive"] = "9"
    _, _, (problem,) = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert problem.row == len(table) + 1


def test_all_problems_are_named_at_once(made, shown, tmp_path):
    table = filled(shown)
    for row in table[:4]:
        row["intuitive"] = "x"
    _, _, problems = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert [one.row for one in problems] == [2, 3, 4, 5]


def test_two_choices_for_one_question_are_refused(made, shown, tmp_path):
    table = filled(shown)
    table[1]["best"] = "C"
    _, _, (problem,) = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert "`C` here and `B` above" in problem.reason
    table[1]["best"] = "b"
    assert take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])[2] == []


def test_a_question_that_was_not_asked_takes_no_rating(made, shown, tmp_path):
    table = filled(shown)
    number = next(n for n, row in enumerate(table) if row["unexpected"] == "–")
    table[number]["unexpected"] = "4"
    _, _, (problem,) = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert (problem.row, "not asked" in problem.reason) == (number + 2, True)


def test_a_row_of_notes_is_named(made, shown, tmp_path):
    table = [*filled(shown), dict.fromkeys(COLUMNS, "") | {"answer": "Thank you, this was fun!"}]
    _, taken, (problem,) = take([saved(tmp_path / "a.csv", csv_bytes(table))], made[1], [])
    assert taken == []
    assert (problem.row, "not a row of the sheet" in problem.reason) == (len(table) + 1, True)


def test_sheets_of_another_study_and_other_files_are_refused(made, shown, tmp_path):
    _, study = made
    path = saved(tmp_path / "a.csv", csv_bytes(filled(shown)))
    other = replace(study, id="gother")
    replies, taken, (problem,) = take([path], other, [])
    assert (replies, taken) == ([], [])
    assert "belongs to study `gtest`, not to `gother`" in problem.reason
    for data, reason in (
        (b"a,b\n1,2\n", "no columns"),
        (b"", "contains no rows"),
        (b"study,item,label\n", "no rows"),
        (b"\xff\xfea\x00\n\x00b\x00?", "no columns"),
        (b'"' + b"x" * 200_000, "not a valid CSV file"),
    ):
        _, _, (problem,) = take([saved(tmp_path / "b.csv", data)], study, [])
        assert reason in problem.reason
    _, _, (problem,) = take([tmp_path / "missing.csv"], study, [])
    assert "cannot be read" in problem.reason
