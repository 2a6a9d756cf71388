"""Workbooks of odd writers are read, broken ones as far as they go, and a refusal says what is the matter."""

import re
import sys
import time
import zipfile
from contextlib import nullcontext

import openpyxl
import pytest
from _sheet_files import STRICT, TRANSITIONAL, number, relations, rows, styles, text, workbook

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers import _ooxml

PRICES = rows(["Plan", "Price"], ["Hazel", 5], ["Birch", 7.5])
LINES = "Plan | Price\nHazel | 5\nBirch | 7.5"
MAIN = TRANSITIONAL["x"]


def read(path):
    return readers.read(path)


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


@pytest.mark.parametrize("strict", [False, True])
def test_both_forms_of_open_xml(tmp_path, strict):
    shared = f'<sst xmlns="{(STRICT if strict else TRANSITIONAL)["x"]}"><si><t>Hazel</t></si></sst>'
    sheet = f'<sheetData><row r="1">{text("A1", "Plan")}<c r="B1" t="s"><v>0</v></c></row></sheetData>'
    path = workbook(tmp_path / "a.xlsx", {"S": sheet}, {"xl/sharedStrings.xml": shared}, strict=strict)
    assert read(path).text == "S\n\nPlan | Hazel"


def test_days_of_strict_open_xml(tmp_path):
    cells = '<c t="d" s="1"><v>2024-05-31T00:00:00</v></c><c t="d"><v>2024-05-31T14:30:00</v></c>'
    sheet = f"<sheetData><row>{cells}</row></sheetData>"
    looks = styles("mmm yyyy", spaces=STRICT)
    path = workbook(tmp_path / "a.xlsx", {"S": sheet}, {"xl/styles.xml": looks}, strict=True)
    assert read(path).text == "S\n\nMay 2024 | 2024-05-31 14:30:00"


def test_days_from_1904(tmp_path):
    sheet = f"<sheetData><row>{number('A1', 43981, 1)}</row></sheetData>"
    path = workbook(
        tmp_path / "a.xlsx", {"S": sheet}, {"xl/styles.xml": styles("d/m/yy")}, properties='<workbookPr date1904="1"/>'
    )
    assert read(path).text == "S\n\n2024-05-31"


def test_cells_and_rows_without_an_address_follow_one_another(tmp_path):
    sheet = "<sheetData><row><c><v>1</v></c><c/><c><v>2</v></c></row><row><c r='C2'/><c><v>3</v></c></row></sheetData>"
    assert read(workbook(tmp_path / "a.xlsx", {"S": sheet})).text == "S\n\n1 | 2\n|  | 3"


def test_rich_text_readings_and_escapes(tmp_path):
    cell = (
        '<c r="A1" t="inlineStr"><is><r><t>Ha</t></r><r><rPr><b/></rPr><t xml:space="preserve">zel </t></r>'
        "<rPh><t>reading</t></rPh><r><t>A_x005F_B_x000D_\nC</t></r></is></c>"
    )
    plain = read(workbook(tmp_path / "a.xlsx", {"S": f"<sheetData><row>{cell}</row></sheetData>"}))
    assert plain.text == "S\n\nHazel A_B C"


def test_formulas_are_their_last_value(tmp_path):
    cells = (
        '<c r="A1"><f t="shared" ref="A1:B1" si="0">1+1</f><v>2</v></c><c r="B1"><f t="shared" si="0"/><v>4</v></c>'
        '<c r="C1" t="str"><f>"a"</f><v>text</v></c><c r="D1" t="str"><f>""</f><v></v></c>'
        '<c r="E1"><f>A1</f></c><c r="F1"><f>A1</f><v/></c><c r="G1" t="b"><f>TRUE</f><v>1</v></c>'
        '<c r="H1" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    )
    plain = read(workbook(tmp_path / "a.xlsx", {"S": f'<sheetData><row r="1">{cells}</row></sheetData>'}))
    assert plain.text == "S\n\n2 | 4 | text | TRUE"
    assert left_out(plain) == {"unreadable part": 3}


def test_zeros_of_a_program_that_does_not_compute_are_no_values(tmp_path):
    cells = '<c r="A1"><v>0</v></c><c r="B1"><f>1+1</f><v>0</v></c><c r="C1"><f>1+1</f><v>2</v></c>'
    sheet = f"<sheetData><row>{cells}</row></sheetData>"
    asked = '<calcPr calcId="124519" fullCalcOnLoad="1"/>'
    plain = read(workbook(tmp_path / "a.xlsx", {"S": sheet}, properties=asked))  # as XlsxWriter writes
    assert (plain.text, left_out(plain)) == ("S\n\n0 | 2", {"unreadable part": 1})
    assert read(workbook(tmp_path / "b.xlsx", {"S": sheet})).text == "S\n\n0 | 0 | 2"


def test_numbers_whose_format_shows_nothing_are_counted(tmp_path):
    sheet = f"<sheetData><row>{number('A1', 7, 1)}{number('B1', 8)}</row></sheetData>"
    plain = read(workbook(tmp_path / "a.xlsx", {"S": sheet}, {"xl/styles.xml": styles(";;;")}))
    assert (plain.text, left_out(plain)) == ("S\n\n8", {"hidden text": 1})


def test_text_below_a_merged_cell_is_not_seen(tmp_path):
    sheet = f"{rows(['a', 'covered'], ['b', 'c'])}<mergeCells><mergeCell ref='A1:B1'/></mergeCells>"
    plain = read(workbook(tmp_path / "a.xlsx", {"S": sheet}))
    assert (plain.text, left_out(plain)) == ("S\n\na\nb | c", {"hidden text": 1})


THREADED = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
NOTE = (
    f'<comments xmlns="{MAIN}"><authors><author>tc={{1}}</author><author>Bo</author></authors><commentList>'
    '<comment ref="B2" authorId="0"><text><t>[Threaded comment] Your version of Excel …</t></text></comment>'
    '<comment ref="B3" authorId="1"><text><r><t>Bo:</t></r><r><t xml:space="preserve"> net</t></r></text></comment>'
    "</commentList></comments>"
)
THREAD = (
    f'<ThreadedComments xmlns="{THREADED}"><threadedComment ref="B2" personId="p"><text>Is it net?</text>'
    '</threadedComment><threadedComment ref="B2" personId="q"><text>Yes.</text></threadedComment></ThreadedComments>'
)


def test_notes_are_read_and_comments_counted(tmp_path):
    parts = {"xl/comments1.xml": NOTE, "xl/threadedComments/t.xml": THREAD}
    links = {"a": ("comments", "../comments1.xml"), "b": ("threadedComment", "../threadedComments/t.xml")}
    plain = read(workbook(tmp_path / "a.xlsx", {"S": PRICES}, parts, links))
    assert plain.text == f'S\n\n{LINES}\n\nNote on B3 ("7.5"): Bo: net'
    assert left_out(plain) == {"comment": 2}


def drawing(*anchors):
    names = (
        'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        f'xmlns:r="{TRANSITIONAL["r"]}"'
    )
    said = "".join(
        f"<xdr:twoCellAnchor><xdr:from><xdr:col>0</xdr:col><xdr:row>{row}</xdr:row></xdr:from>{content}"
        "</xdr:twoCellAnchor>"
        for row, content in anchors
    )
    return f"<xdr:wsDr {names}>{said}</xdr:wsDr>"


def box(said):
    return f"<xdr:sp><xdr:txBody><a:p><a:r><a:t>{said}</a:t></a:r></a:p></xdr:txBody></xdr:sp>"


PICTURE = '<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="1" descr="A map of all zones"/></xdr:nvPicPr></xdr:pic>'
CHART = '<xdr:graphicFrame><a:graphic><a:graphicData><c:chart r:id="c"/></a:graphicData></a:graphic></xdr:graphicFrame>'


def chart(source):
    points = '<c:pt idx="0"><c:v>5</c:v></c:pt>'
    return (
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea>'
        "<c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>Price</c:v></c:pt></c:strCache></c:strRef>"
        f"</c:tx><c:val><c:numRef><c:f>{source}</c:f><c:numCache>{points}</c:numCache></c:numRef></c:val></c:ser>"
        "</c:barChart></c:plotArea></c:chart></c:chartSpace>"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [("S!$B$2", "Price"), ("'S'!$B$2", "Price"), ("Lists!$A$1", "| Price\n| 5"), ("[1]S!$A$1", "| Price\n| 5")],
)
def test_boxes_pictures_and_charts(tmp_path, source, said):
    """A chart of cells that are read says only what is new; of others, its values are read."""
    drawn = drawing((9, box("below")), (1, box("Call us.")), (3, PICTURE), (5, CHART))
    parts = {
        "xl/drawings/d.xml": drawn,
        "xl/drawings/_rels/d.xml.rels": relations({"c": ("chart", "../charts/c.xml")}),
        "xl/charts/c.xml": chart(source),
    }
    sheets = {"S": PRICES, ("Lists", "hidden"): rows(["secret"])}
    plain = read(workbook(tmp_path / "a.xlsx", sheets, parts, {"d": ("drawing", "../drawings/d.xml")}))
    assert plain.text == f"S\n\n{LINES}\n\nCall us.\n\n[Image: A map of all zones]\n\n{said}\n\nbelow"
    assert left_out(plain) == {"hidden text": 1, "image": 1}


def test_what_is_around_the_cells_is_counted(tmp_path):
    more = (
        "<dataValidations><dataValidation type='list' sqref='A1'><formula1>x</formula1></dataValidation>"
        "<dataValidation type='whole'/></dataValidations><headerFooter><oddHeader>&amp;LConfidential</oddHeader>"
        "<oddFooter/></headerFooter>"
    )
    plain = read(workbook(tmp_path / "a.xlsx", {"S": PRICES + more}))
    assert left_out(plain) == {"form control": 1, "running head": 1}


def test_frozen_rows_are_the_header(tmp_path):
    view = '<sheetViews><sheetView><pane ySplit="2" state="frozen"/></sheetView></sheetViews>'
    sheet = view + rows(["sun", "moon"], ["hot", "cold"], ["yes", "no"], ["no", "no"])
    plain = read(workbook(tmp_path / "a.xlsx", {"S": sheet}))
    assert [context.text for context in plain.contexts] == ["sun hot | moon cold"]


def test_sheets_that_the_book_does_not_list_are_found(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": PRICES}, {"xl/workbook.xml": "<broken"})
    assert LINES in read(path).text


def test_sheets_are_found_without_the_list_of_relations(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": PRICES}, {"xl/_rels/workbook.xml.rels": "<broken"})
    assert read(path).text == f"S\n\n{LINES}"


def test_a_missing_sheet_is_counted(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": PRICES, "T": PRICES})
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as less:
        for name in archive.namelist():
            if "sheet2" not in name:
                less.writestr(name, archive.read(name))
    plain = read(tmp_path / "b.xlsx")
    assert (plain.text, left_out(plain)) == (f"S\n\n{LINES}", {"unreadable part": 1})


# --- broken and hostile files ---------------------------------------------------------------------


def test_a_cut_off_sheet_is_read_as_far_as_it_goes(tmp_path):
    names = f'xmlns="{MAIN}"'
    cut = f"<worksheet {names}>{PRICES}"[: -len("</sheetData>") - 30]
    plain = read(workbook(tmp_path / "a.xlsx", {"S": ""}, {"xl/worksheets/sheet1.xml": cut}))
    assert "Hazel | 5" in plain.text
    assert left_out(plain) == {"unreadable part": 1}


def test_numbers_that_are_none(tmp_path):
    sheet = (
        '<cols><col min="x" max="-3" width="?" hidden="1"/></cols><sheetData><row r="?"><c r="?1" s="99"><v>x</v></c>'
        '<c r="B1" t="s"><v>77</v></c><c r="C1" t="s"><v>-1</v></c><c r="D1"><v>1e999</v></c><c r="E1"><v>5</v></c>'
        '</row><row r="99999999999"><c r="A1"><v>5</v></c></row></sheetData><mergeCell ref="A0:?"/>'
    )
    assert "5" in read(workbook(tmp_path / "a.xlsx", {"S": sheet})).text


def test_entities_are_not_unfolded(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(9)
    )
    cells = f'{text("A1", "x")}<c t="inlineStr"><is><t>&j;</t></is></c>'
    sheet = f'{bomb}]><worksheet xmlns="{MAIN}"><sheetData><row>{cells}</row></sheetData></worksheet>'
    path = workbook(tmp_path / "a.xlsx", {"S": ""}, {"xl/worksheets/sheet1.xml": sheet})
    start = time.process_time()
    with pytest.raises(UnreadableDocument):
        read(path)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("case", ["rows", "columns", "corners", "diagonal", "merged"])
def test_absurd_sizes_are_read_quickly(tmp_path, case):
    last = '<row r="1048576"><c r="XFD1048576"><v>5</v></c></row>'
    first = '<row r="1"><c r="A1"><v>3</v></c></row>'
    made = {
        "rows": first + "".join(f'<row r="{at}" s="1" ht="15"/>' for at in range(2, 300_000)) + last,
        "columns": "".join(f'<row r="{at}">{"<c/>" * 16_384}</row>' for at in range(1, 30)) + last,
        "corners": first + last,
        "diagonal": "".join(f'<row r="{at}">{"<c/>" * at}<c><v>5</v></c></row>' for at in range(1, 1500)) + last,
        "merged": first + last,
    }
    merges = "".join(f'<mergeCell ref="A1:XFC{1_048_575 - at}"/>' for at in range(2000)) if case == "merged" else ""
    path = workbook(tmp_path / "a.xlsx", {"S": f"<sheetData>{made[case]}</sheetData><mergeCells>{merges}</mergeCells>"})
    start = time.process_time()
    plain = read(path)
    assert time.process_time() - start < 20
    assert plain.text.endswith("5")
    assert len(plain.text) < 100_000


def test_a_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_ooxml, "LARGEST_PART", 1_000_000)
    path = workbook(tmp_path / "a.xlsx", {"S": PRICES + " " * 2_000_000})
    with pytest.raises(UnreadableDocument, match="unpacks to more than"):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x05\x06" + bytes(18), "has no sheets"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is damaged, or no workbook of Excel 97"),
        (b"%PDF-1.7", "is a PDF"),
        (b"", "is no Office document"),
        (b"PK\x03\x04 and no more", "is cut off or damaged"),
    ],
)
@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods"])
def test_what_is_no_workbook_is_refused(tmp_path, suffix, content, reason):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=reason) as caught:
        read(path)
    assert caught.value.remedy


def test_a_binary_workbook_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/workbook.bin", b"x")
    with pytest.raises(UnreadableDocument, match="binary workbook"):
        read(tmp_path / "a.xlsx")


def test_a_workbook_with_a_password_is_refused(shared_data):
    path = shared_data / "documents" / "unstructured" / "password_protected.xlsx"
    with pytest.raises(UnreadableDocument, match="has a password"):
        read(path)


def test_a_web_page_that_is_called_xls_is_read(tmp_path):
    path = tmp_path / "export.xls"
    path.write_text("<html><table><tr><th>Plan</th><th>Price</th></tr><tr><td>Hazel</td><td>5</td></tr></table></html>")
    assert read(path).text == "Plan | Price\nHazel | 5"


def test_without_the_extra_only_older_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(UnreadableDocument, match="need the package python_calamine") as caught:
        read(path)
    assert 'pip install "groundtune[xlsx]"' in str(caught.value)
    assert read(workbook(tmp_path / "b.xlsx", {"S": PRICES})).text == f"S\n\n{LINES}"


@pytest.mark.parametrize("name", ["xlsx_01", "xlsx_03_chartsheet", "xlsx_07_gap_tolerance_", "xlsx_emf"])
def test_real_files(shared_data, name):
    """All words that openpyxl finds in visible sheets are read."""
    path = shared_data / "documents" / "docling" / f"{name}.xlsx"
    plain = read(path)
    with pytest.warns() if name == "xlsx_emf" else nullcontext():
        book = openpyxl.load_workbook(path, data_only=True)
    for sheet in (each for each in book.worksheets if each.sheet_state == "visible"):
        said = [cell for row in sheet.iter_rows(values_only=True) for cell in row if isinstance(cell, str)]
        assert not [word for cell in said for word in re.findall(r"\w+", cell) if word not in plain.text]


def test_a_sheet_with_a_million_empty_rows(shared_data):
    folder = shared_data / "documents" / "docling"
    assert read(folder / "xlsx_04_inflated.xlsx").text == read(folder / "xlsx_01.xlsx").text
