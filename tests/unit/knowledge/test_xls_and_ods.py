"""What is read of OpenDocument spreadsheets and of workbooks of Excel 97 to 2003."""

import datetime as dt
import random

import pytest
import xlwt
from _books import Error, Formula, ods, ods_cell, save
from _lost import lost
from _lost import read as read_and_split

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers

PRICES = [["Plan", "Price"], ["Hazel", 5.0], ["Birch", 7.5]]
LINES = "Plan | Price\nHazel | 5\nBirch | 7.5"


def read(path):
    plain, chunks = read_and_split(path)
    assert not lost(plain.text.split(), chunks)
    return plain


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


def cell(said, **told):
    """Return a cell of OpenDocument; `value_type="float"` is `office:value-type="float"`."""
    names = {"spanned": "table:number-columns-spanned", "down": "table:number-rows-spanned", "formula": "table:formula"}
    names |= {"repeated": "table:number-columns-repeated"}
    attributes = "".join(
        f' {names.get(key) or "office:" + key.replace("_", "-")}="{value}"' for key, value in told.items()
    )
    paragraphs = said if said.startswith("<") else f"<text:p>{said}</text:p>" if said else ""
    return f"<table:table-cell{attributes}>{paragraphs}</table:table-cell>"


def row(*cells, told=""):
    return f"<table:table-row{told}>{''.join(cells)}</table:table-row>"


def table(*content, name="S", told=""):
    return f'<table:table table:name="{name}"{told}>{"".join(content)}</table:table>'


@pytest.fixture
def read_ods(tmp_path):
    def make(*tables):
        path = tmp_path / "a.ods"
        path.write_bytes(ods("".join(tables)))
        return read(path)

    return make


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
def test_all_formats_read_alike(tmp_path, suffix):
    rows = [
        ["Roaming prices"],
        [None],
        ["Plan", "From", "At", "Sold"],
        ["Hazel", dt.date(2024, 5, 31), dt.time(14, 30), True],
    ]
    rows += [["Birch", dt.date(2024, 6, 1), dt.time(9, 5), False]]
    plain = read(save(tmp_path, suffix, {"Prices": rows, "Other": [["x"]]}))
    assert plain.text == (
        "Prices\n\nRoaming prices\n\nPlan | From | At | Sold\nHazel | 2024-05-31 | 14:30 | TRUE\n"
        "Birch | 2024-06-01 | 09:05 | FALSE\n\nOther\n\nx"
    ).replace("14:30", "14:30:00" if suffix != ".xls" else "14:30").replace(
        "09:05", "09:05:00" if suffix != ".xls" else "09:05"
    )
    assert [heading.title for heading in plain.headings] == [
        "Prices",
        "Roaming prices (Prices!A3:D5)",
        "Other",
        "Other!A1",
    ]


@pytest.mark.parametrize("suffix", [".xls", ".ods"])
def test_errors_are_counted(tmp_path, suffix):
    plain = read(save(tmp_path, suffix, {"S": [["a", "b"], ["c", Error("#REF!")]]}))
    assert plain.text.startswith("S\n\na | b\nc")
    assert left_out(plain) == {"unreadable part": 1}


# --- OpenDocument ---------------------------------------------------------------------------------


def test_ods_shows_what_the_program_showed(read_ods):
    shown = [
        cell("1.234,50 €", value_type="currency", value="1234.5"),
        cell("12,5 %", value_type="percentage", value="0.125"),
        cell("31.05.24", value_type="date", date_value="2024-05-31"),
        cell("31.05.24 14:30", value_type="date", date_value="2024-05-31T14:30:00"),
        cell("Mai 2024", value_type="date", date_value="2024-05-01"),
        cell("", value_type="float", value="5.0"),
        cell("", value_type="percentage", value="0.125"),
        cell("", value_type="time", time_value="PT30H05M00S"),
    ]
    plain = read_ods(table(row(*shown)))
    said = "1.234,50 € | 12,5 % | 2024-05-31 | 2024-05-31 14:30 | Mai 2024 | 5 | 12.5% | 30:05:00"
    assert plain.text == f"S\n\n{said}"


def test_ods_repeats_cells_and_rows(read_ods):
    last = row(cell("", repeated=1024), told=' table:number-rows-repeated="1048000"')
    rows = row(cell("x", repeated=3), told=' table:number-rows-repeated="2"')
    assert (
        read_ods(table(row(cell("a"), cell("b"), cell("c")), rows, last)).text == "S\n\na | b | c\nx | x | x\nx | x | x"
    )


def test_ods_that_repeats_for_ever_is_refused(read_ods):
    with pytest.raises(UnreadableDocument, match=r"more than 3,000,000 cells"):
        read_ods(table(row(cell("x", repeated=16000), told=' table:number-rows-repeated="1000000"')))


def test_ods_merged_cells_lines_and_remarks(read_ods):
    note = "<office:annotation><text:p>Net.</text:p></office:annotation>"
    box = "<draw:custom-shape><text:p>Call us.</text:p></draw:custom-shape>"
    head = row(cell("Plan", down=2), cell("EU", spanned=2), "<table:covered-table-cell/>")
    below = row("<table:covered-table-cell/>", cell("Call"), cell("Data"))
    body = row(
        cell(f"<text:p>Ha<text:span>zel</text:span><text:s text:c='2'/>A</text:p><text:p>B</text:p>{note}{box}"),
        cell("1", value_type="float", value=1),
        cell("2", value_type="float", value=2),
    )
    plain = read_ods(table(head, below, body).replace("draw:", "").replace("custom-shape", "table:x"))
    assert plain.text.endswith('Hazel A B | 1 | 2\n\nNote on A3 ("Hazel  A\nB"): Net.'.replace("  A\nB", " A B"))
    assert [context.text for context in plain.contexts] == ["Plan | EU Call | EU Data"]


def test_ods_hidden_parts(read_ods):
    hidden = ' table:visibility="collapse"'
    filtered = ' table:visibility="filter"'
    columns = f"<table:table-column/><table:table-column/><table:table-column{hidden}/>"
    content = [row(cell("a"), cell("b"), cell("c")), row(cell("d"), cell("e"), cell("f"), told=hidden)]
    group = f"<table:table-row-group>{row(cell('i'), cell('j'), told=hidden)}</table:table-row-group>"
    plain = read_ods(table(columns, *content, row(cell("g"), cell("h"), told=filtered), group))
    assert plain.text == "S\n\na | b\ng | h\ni | j"
    assert left_out(plain) == {"hidden text": 2}
    assert plain.notes == ("Rows that a filter or an outline hides were read (sheet S).",)


def test_ods_formulas_and_errors(read_ods):
    cells = [
        cell("5", value_type="float", value=5, formula="of:=2+3"),
        cell("", value_type="float", formula="of:=2+3"),
        cell("#DIV/0!", value_type="string", formula="of:=1/0"),
        cell("Err:502", value_type="string", formula="of:=X()"),
    ]
    plain = read_ods(table(row(*cells)))
    assert (plain.text, left_out(plain)) == ("S\n\n5", {"unreadable part": 3})


def test_ods_of_another_kind_or_with_a_password_is_refused(tmp_path):
    import io
    import zipfile

    def changed(name, **parts):
        packed = io.BytesIO(ods(table(row(ods_cell("x")))))
        with zipfile.ZipFile(packed) as archive:
            content = {each: archive.read(each) for each in archive.namelist()} | parts
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for part, data in content.items():
                archive.writestr(part, data)
        return tmp_path / name

    text = changed("a.ods", mimetype=b"application/vnd.oasis.opendocument.text")
    with pytest.raises(UnreadableDocument, match="OpenDocument of another kind"):
        readers.read(text)
    locked = changed("b.ods", **{"META-INF/manifest.xml": b"<manifest><encryption-data/></manifest>"})
    with pytest.raises(UnreadableDocument, match="has a password"):
        readers.read(locked)


# --- Excel 97 to 2003 -----------------------------------------------------------------------------


@pytest.fixture
def read_xls(tmp_path):
    def make(fill):
        book = xlwt.Workbook()
        fill(book)
        book.save(str(tmp_path / "a.xls"))
        return read(tmp_path / "a.xls")

    return make


def _filled(book, rows, name="S"):
    sheet = book.add_sheet(name)
    for number, line in enumerate(rows):
        for column, value in enumerate(line):
            if value is not None:
                sheet.write(number, column, value)
    return sheet


def test_xls_numbers_look_as_in_the_sheet(read_xls):
    def fill(book):
        sheet = book.add_sheet("S")
        values = {"0.0%": 0.125, '#,##0.00 "€"': -1234.5, "DD.MM.YYYY": dt.date(2024, 5, 31), "MMM YY": 45443, "0": 3.0}
        for column, (code, value) in enumerate(values.items()):
            sheet.write(0, column, value, xlwt.easyxf(num_format_str=code))
        for row in (1, 2):
            for column in range(3):  # numbers side by side are one record
                sheet.write(row, column, 10 * row + column, xlwt.easyxf(num_format_str='0" kg"'))

    plain = read_xls(fill)
    assert plain.text == (
        "S\n\n12.5% | -1234.50 € | 2024-05-31 | May 2024 | 3\n10 kg | 11 kg | 12 kg\n20 kg | 21 kg | 22 kg"
    )


def test_xls_merged_cells_and_hidden_parts(read_xls):
    def fill(book):
        sheet = _filled(book, [[None], [None, None, "secret"], *PRICES, ["gone", 1]])
        sheet.write_merge(0, 0, 0, 1, "All prices")
        sheet.row(5).hidden = True
        sheet.col(2).hidden = True
        _filled(book, [["secret"]], "Lists").visibility = 1
        _filled(book, [["secret"]], "Code").visibility = 2

    plain = read_xls(fill)
    assert plain.text == f"S\n\nAll prices\n\n{LINES}"
    assert left_out(plain) == {"hidden text": 4}


def test_xls_formulas_that_nobody_computed(read_xls):
    plain = read_xls(lambda book: _filled(book, [["a", xlwt.Formula("1+1")]]))
    assert (plain.text, left_out(plain)) == ("S\n\na", {"unreadable part": 1})


def test_damaged_xls_files_are_read_or_refused(tmp_path):
    """Never anything else, such as a panic of calamine."""
    path = save(tmp_path, ".xls", {"S": [*PRICES, ["x", dt.date(2024, 5, 31)], ["y", Formula("1+1")]]})
    sound, draw = path.read_bytes(), random.Random(7)
    refused = 0
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(data[: draw.randrange(len(data))] if draw.random() < 0.3 else data)
        try:
            readers.read(path)
        except UnreadableDocument:
            refused += 1
    assert 0 < refused < 300
