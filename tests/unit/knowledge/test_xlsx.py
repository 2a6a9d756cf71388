"""What is read of workbooks that openpyxl writes: tables with titles, header and remarks, and what is left out."""

import datetime as dt

import openpyxl
import pytest
from _lost import lost, read
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.table import Table

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers


@pytest.fixture
def read_book(tmp_path):
    """Write sheets, lists of rows by name, change them, and read the file."""

    def make(sheets, change=None):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        if change:
            change(book)
        path = tmp_path / "price_list.xlsx"
        book.save(path)
        plain, chunks = read(path)
        assert not lost(plain.text.split(), chunks)
        return plain

    return make


def headings(plain):
    return [heading.title for heading in plain.headings]


def contexts(plain):
    return [context.text for context in plain.contexts]


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


PRICES = [["Plan", "EU", "World"], ["Hazel", 1, 5.0], ["Birch", 2, 7.5]]
LINES = "Plan | EU | World\nHazel | 1 | 5\nBirch | 2 | 7.5"


def test_a_table_has_title_unit_header_sheet_and_range(read_book):
    plain = read_book({"Prices": [["Roaming prices"], ["in euros a day"], [], *PRICES, ["Source: our tariff"]]})
    assert plain.text == f"Prices\n\nRoaming prices\nin euros a day\n\n{LINES}\n\nSource: our tariff"
    assert headings(plain) == ["Prices", "Roaming prices, in euros a day (Prices!A4:C6)"]
    assert contexts(plain) == ["Plan | EU | World"]
    assert plain.title == "price list"
    assert not plain.left_out


def test_every_chunk_of_a_long_table_says_what_it_is(tmp_path, read_book):
    rows = [["Plan", "Price"], *[[f"Plan {row}", row + 1000] for row in range(300)]]
    read_book({"Prices": [["Roaming prices"], ["in euros"], *rows]})
    _, chunks = read(tmp_path / "price_list.xlsx")
    assert len(chunks) > 10
    assert all("> Roaming prices, in euros (Prices!A3:B303) > Plan | Price" in each.heading for each in chunks[1:])


def test_the_name_of_a_sheet_is_a_heading_and_empty_sheets_have_none(read_book):
    plain = read_book({"EU": PRICES, "Empty": [], "World": [["Ask us."]]})
    assert headings(plain) == ["EU", "EU!A1:C3", "World", "World!A1"]
    assert plain.text == f"EU\n\n{LINES}\n\nWorld\n\nAsk us."


def test_tables_below_one_another(read_book):
    other = [["Zone", "Days"], ["EU", 3], ["US", 5]]
    plain = read_book({"S": [*PRICES, [], ["Delivery"], *other]})
    assert headings(plain) == ["S", "S!A1:C3", "Delivery (S!A6:B8)"]
    assert contexts(plain) == ["Plan | EU | World", "Zone | Days"]


def test_tables_side_by_side(read_book):
    other = [["Zone", "Days"], ["EU", 3], ["US", 5]]
    plain = read_book({"S": [[*left, None, *right] for left, right in zip(PRICES, other, strict=True)]})
    assert plain.text == f"S\n\n{LINES}\n\nZone | Days\nEU | 3\nUS | 5"
    assert headings(plain) == ["S", "S!A1:C3", "S!E1:F3"]


def test_an_empty_column_within_a_table_parts_nothing(read_book):
    rows = [["", None, "2023", None, "2022"], ["Cash", None, 10, None, 11], ["Stock", None, 20, None, 21]]
    plain = read_book({"S": [["Balance sheet"], *rows]})
    assert plain.text == "S\n\nBalance sheet\n\n| 2023 | 2022\nCash | 10 | 11\nStock | 20 | 21"


def test_a_table_goes_on_below_an_empty_row(read_book):
    rows = [["Item", 2023, 2022], ["Assets"], ["Cash", 10, 11], [], ["Liabilities"], ["Debt", 5, 6], ["Equity", 7, 8]]
    plain = read_book({"S": rows})
    assert (
        plain.text == "S\n\nItem | 2023 | 2022\n\nAssets\nCash | 10 | 11\n\nLiabilities\nDebt | 5 | 6\nEquity | 7 | 8"
    )
    assert contexts(plain) == [
        "Item | 2023 | 2022",
        *("Item | 2023 | 2022", "Assets"),
        *("Item | 2023 | 2022", "Liabilities"),
    ]
    assert headings(plain) == ["S", "S!A1:C7"]


def test_a_header_of_two_rows_with_merged_cells(read_book):
    rows = [["Plan", "EU", None, "World"], [None, "Call", "Data", "Call", "Data"], ["Hazel", 1, 2, 3, 4]]

    def change(book):
        for area in ("A1:A2", "B1:C1", "D1:E1"):
            book["S"].merge_cells(area)

    plain = read_book({"S": rows}, change)
    assert contexts(plain) == ["Plan | EU Call | EU Data | World Call | World Data"]
    assert plain.text.endswith("Hazel | 1 | 2 | 3 | 4")


def test_a_row_of_units_belongs_to_the_header(read_book):
    plain = read_book({"S": [["Part", "Weight", "Length"], [None, "kg", "mm"], ["Bolt", 1, 20], ["Nut", 2, 30]]})
    assert contexts(plain) == ["Part | Weight kg | Length mm"]


def test_a_label_over_several_rows_stands_in_each(read_book):
    rows = [["Zone", "Plan", "Price"], ["EU", "Hazel", 1], [None, "Birch", 2], ["US", "Hazel", 3]]
    plain = read_book({"S": rows}, lambda book: book["S"].merge_cells("A2:A3"))
    assert "EU | Hazel | 1\nEU | Birch | 2\nUS | Hazel | 3" in plain.text


def test_bold_names_are_a_header(read_book):
    def change(book):
        for cell in book["S"][1]:
            cell.font = Font(bold=True)

    texts = [["Word", "Meaning"], ["sun", "star"], ["moon", "rock"]]
    assert contexts(read_book({"S": texts}, change)) == ["Word | Meaning"]


def test_pairs_are_no_table_with_a_header(read_book):
    plain = read_book({"S": [["Package no.:", "A1"], ["Author:", "Ada"], ["Pages:", "seven"]]})
    assert plain.contexts == ()
    assert plain.text == "S\n\nPackage no.: | A1\nAuthor: | Ada\nPages: | seven"


def test_a_declared_table_has_its_name_and_its_header(read_book):
    def change(book):
        book["S"].add_table(Table(displayName="Branch_offices", ref="A2:C4"))
        book["T"].add_table(Table(displayName="Table1", ref="A1:C3"))

    plain = read_book({"S": [["As of May"], *PRICES, ["Ask us for more."]], "T": PRICES}, change)
    assert headings(plain) == ["S", "As of May (S!A2:C4)", "S!A5", "T", "T!A1:C3"]
    plain = read_book({"S": [[], *PRICES], "T": PRICES}, change)
    assert headings(plain)[1] == "Branch offices (S!A2:C4)"


def test_values_look_as_in_the_sheet(read_book):
    formats = ["0.0%", '#,##0.00 "€"', "dd/mm/yyyy", "mmm yyyy", "hh:mm", "General"]

    def change(book):
        for cell, code in zip(book["S"][2], formats, strict=True):
            cell.number_format = code

    row = [0.125, -1234.5, dt.date(2024, 5, 31), dt.date(2024, 5, 1), dt.time(14, 30), True]
    plain = read_book({"S": [["a", "b", "c", "d", "e", "f"], row]}, change)
    assert plain.text.endswith("12.5% | -1234.50 € | 2024-05-31 | May 2024 | 14:30 | TRUE")


def test_formulas_without_values_and_errors_are_counted(read_book):
    plain = read_book({"S": [["a", "b"], [1, "=A2*2"], [2, "=A3*2"], [3, "#REF!"]]})
    assert plain.text == "S\n\na | b\n1\n2\n3"
    assert left_out(plain) == {"unreadable part": 3}
    (reason,) = (each.reason for each in plain.left_out)
    assert "cells S!B2, S!B3: a formula whose value the file does not keep" in reason
    assert "cell S!B4: an error" in reason


def test_hidden_sheets_rows_and_columns_are_left_out(read_book):
    def change(book):
        book["Lists"].sheet_state = "hidden"
        book["Code"].sheet_state = "veryHidden"
        book["S"].row_dimensions[2].hidden = True
        book["S"].column_dimensions["C"].hidden = True

    plain = read_book({"S": PRICES, "Lists": [["secret"]], "Code": [["secret"]]}, change)
    assert plain.text == "S\n\nPlan | EU\nBirch | 2"
    assert left_out(plain) == {"hidden text": 4}
    told = plain.left_out[0].reason
    assert all(said in told for said in ('row 2 of "S"', 'column C of "S"', '"Lists" is hidden', "hidden by a program"))


def test_what_a_filter_or_an_outline_hides_is_read(read_book):
    def change(book):
        filtered, folded = book["S"], book["T"]
        filtered.auto_filter.ref = "A1:C3"
        filtered.auto_filter.add_filter_column(0, ["Birch"])
        filtered.row_dimensions[2].hidden = True
        folded.row_dimensions.group(2, 3, hidden=True)
        folded.column_dimensions.group("B", "C", hidden=True)

    plain = read_book({"S": PRICES, "T": PRICES}, change)
    assert plain.text == f"S\n\n{LINES}\n\nT\n\n{LINES}"
    assert plain.notes == ("Rows that a filter or an outline hides were read (sheets S, T).",)
    assert not plain.left_out


def test_a_merged_cell_whose_first_column_is_hidden_is_seen(read_book):
    def change(book):
        book["S"].merge_cells("A1:C1")
        book["S"].column_dimensions["A"].hidden = True

    plain = read_book({"S": [["Prices of 2024"], *PRICES]}, change)
    assert plain.text == "S\n\nPrices of 2024\n\nEU | World\n1 | 5\n2 | 7.5"


def test_notes_stand_below_their_table(read_book):
    def change(book):
        book["S"]["B2"].comment = Comment("Valid from May.", "Ada")

    plain = read_book({"S": [*PRICES, [], [], [], [], [], ["The end."]]}, change)
    assert plain.text == f'S\n\n{LINES}\n\nNote on B2 ("1"): Valid from May.\n\nThe end.'


def test_notes_on_hidden_cells_are_counted(read_book):
    def change(book):
        book["S"]["B2"].comment = Comment("secret", "Ada")
        book["S"].column_dimensions["B"].hidden = True

    plain = read_book({"S": PRICES}, change)
    assert "secret" not in plain.text
    assert left_out(plain) == {"comment": 1, "hidden text": 1}


def test_a_chart_has_its_words(read_book):
    def change(book):
        chart = BarChart()
        chart.title, chart.y_axis.title = "Prices by plan", "euros"
        chart.add_data(Reference(book["S"], min_col=2, min_row=1, max_row=3), titles_from_data=True)
        book["S"].add_chart(chart, "F1")

    plain = read_book({"S": PRICES}, change)
    assert plain.text.startswith(f"S\n\n{LINES}\n\nPrices by plan")
    assert plain.text.endswith("euros")


def test_properties_are_metadata(read_book):
    def change(book):
        book.properties.title, book.properties.creator = "Tariffs", "Ada Byron"
        book.properties.created = dt.datetime(2024, 5, 31, 12)

    metadata = read_book({"S": PRICES}, change).metadata
    assert metadata == {"title": "Tariffs", "author": "Ada Byron", "date": "2024-05-31"}


def test_a_workbook_without_text(tmp_path, read_book):
    with pytest.raises(UnreadableDocument, match="contains no text"):
        read_book({"S": []})


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xltx", ".xltm", ".XLSX"])
def test_workbooks_and_templates(tmp_path, suffix):
    book = openpyxl.Workbook()
    book.active["A1"] = "Text."
    book.save(tmp_path / "a.xlsx")
    path = (tmp_path / "a.xlsx").rename(tmp_path / f"a{suffix}")
    assert readers.read(path).text == "Sheet\n\nText."
