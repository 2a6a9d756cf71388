"""What raters get: nothing that tells who answered, whole texts, and files that spreadsheets open."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from groundtune.errors import NotInstalled
from groundtune.evaluation.human.assign import RatedCase
from groundtune.evaluation.human.sheets import COLUMNS, NOT_ASKED, as_csv, page, rows, view, write_sheets, write_xlsx

from .conftest import NAMES

HOSTILE = "=HYPERLINK(\"http://x\") <script>document.title='x'</script> \x07"


class Texts(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.attributes, self.tags, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def shown(made):
    materials, study = made
    return view(study, study.sheets[0], materials)


def parsed(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_every_answer_is_a_row_with_its_text_as_customers_see_it(made, shown):
    materials, study = made
    table = rows(shown)
    assert len(table) == sum(len(item.shown) for item in study.sheets[0].items)
    by_place = {(row["item"], row["label"]): row["answer"] for row in table}
    for item in study.sheets[0].items:
        for one in item.shown:
            donor = materials[item.donor].case.ideal_answer if item.donor else ""
            text = donor if one.candidate is None else materials[item.case].answers[one.candidate]
            assert by_place[item.id, one.label] == text
    assert any("[1]" in text for text in by_place.values()), "citation markers stay"


def test_earlier_turns_are_shown(shown):
    talk = next(item for item in shown.items if item.history)
    assert talk.asked_text.startswith("Customer: Hello, about")
    assert "\nAssistant: Yes?\nCustomer: What does" in talk.asked_text


def test_the_unexpected_question_is_asked_where_the_case_is_one(made, shown):
    marked = {row["item"]: row["unexpected"] == "" for row in rows(shown)}
    unusual = {item.id: item.unexpected for item in shown.items}
    assert marked == unusual
    assert set(marked.values()) == {True, False}
    text = page(shown)
    assert text.count("How well did the answer deal with that?") == 3 * sum(unusual.values())


@pytest.mark.parametrize("form", [as_csv, page])
def test_no_sheet_tells_candidates_cases_kinds_or_signatures(made, shown, form):
    text = re.sub(r"<style>.*</style>", "", form(shown), flags=re.DOTALL)
    _, study = made
    for item in study.sheets[0].items:
        assert not re.search(rf"\b{item.case}\b(?! \[1\])", text), (
            "the tests' answers name their case, nothing else does"
        )
        assert item.group not in text
    for word in (*NAMES, "attention", "repeat", "signature", "donor", "candidate", "f00d"):
        assert not re.search(rf"\b{word}\b", text), word


def test_csv_is_what_excel_opens(shown):
    text = as_csv(shown)
    assert text.startswith("\ufeffstudy,sheet,item,")
    table = parsed(text)
    assert [name.split()[0] for name in table[0]] == list(COLUMNS)
    assert "intuitive (1-5)" in table[0]
    assert {row["best (letter, equal or none)"] for row in table} == {"", NOT_ASKED}


def hostile(made):
    materials, study = made
    return {
        id: RatedCase(one.case, {name: HOSTILE + text for name, text in one.answers.items()})
        for id, one in materials.items()
    }, study


def test_texts_become_neither_formulas_nor_markup(made):
    materials, study = hostile(made)
    shown = view(study, study.sheets[0], materials)
    answers = [row["answer"] for row in parsed(as_csv(shown))]
    assert sum(text.startswith("'=") for text in answers) > 30
    assert not any(text.startswith("=") for text in answers)
    read = Texts(page(shown))
    assert read.tags.count("script") == 2
    assert any("<script>document.title" in text for text in read.texts)


def test_the_page_needs_nothing_besides_itself(shown):
    read = Texts(page(shown))
    assert not [one for one in read.attributes if one[1] in ("src", "href", "action")]
    assert "default-src 'none'" in next(
        value for tag, name, value in read.attributes if name == "content" and "src" in value
    )
    names = {value for tag, name, value in read.attributes if tag == "input" and name == "name"}
    answers = sum(len(item.answers) for item in shown.items)
    unusual = sum(len(item.answers) for item in shown.items if item.unexpected)
    assert len(names) == 2 * answers + unusual + len(shown.items)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page(shown))[1])
    assert data == {"study": "gtest", "sheet": shown.sheet}


def test_one_candidate_is_rated_without_a_choice(made):
    from .conftest import make, study_of

    materials, sheets = make(names=("only",))
    study = study_of(sheets, ("only",))
    shown = view(study, sheets[0], {one.case.id: one for one in materials})
    assert {row["best"] for row in rows(shown)} == {NOT_ASKED}
    assert "||best" not in page(shown)


def test_xlsx_holds_the_same_rows_as_text(made, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    materials, study = hostile(made)
    shown = view(study, study.sheets[0], materials)
    write_xlsx(shown, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    table = list(book["ratings"].iter_rows(min_row=2))
    assert len(table) == len(rows(shown))
    assert all(cell.data_type != "f" for row in table for cell in row)
    expected = [row["answer"].replace("\x07", "") for row in rows(shown)]
    assert [row[COLUMNS.index("answer")].value for row in table] == expected
    assert "instructions" in book.sheetnames


def test_without_the_package_the_error_names_the_extra(made, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    materials, study = made
    with pytest.raises(NotInstalled, match=r"groundtune\[xlsx\]"):
        write_sheets(study, materials, tmp_path, xlsx=True)


def test_every_rater_gets_files_and_instructions(made, tmp_path):
    materials, study = made
    written = write_sheets(study, materials, tmp_path, xlsx=False)
    assert {path.name for path in written} == {
        "instructions.txt",
        *(f"{name}.{kind}" for name in ("ana", "ben", "cleo") for kind in ("csv", "html")),
    }
    assert "5 = suits exactly" in (tmp_path / "instructions.txt").read_text(encoding="utf-8")
