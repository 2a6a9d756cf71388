"""PDFs: the edges of pages, tables, broken words, order of reading, what is filled in, what cannot be read."""

import re
from pathlib import Path

import pytest
from _lost import read
from _pdf import Text, document, lines, right_to_left, width, written
from _timing import linear
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "documents"


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


def sample(name: str):
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return readers.read(path)


# --- running heads --------------------------------------------------------------------------------

PRICES = [[f"Zone {5 * page + row} costs 0.{19 + 7 * page + row} euros" for row in range(5)] for page in range(4)]
DATES = [["Opened", "Closed", f"Bill of {3 * page + 2} March 2024"] for page in range(4)]
PLANS = [[f"Text {page}", "More text", f"Plan {page} costs {10 * page} euros"] for page in range(4)]


@pytest.mark.parametrize("pages", [PRICES, DATES, PLANS])
def test_lines_at_the_edge_that_differ_in_digits_are_text(tmp_path, pages):
    plain, _ = read(written(tmp_path / "a.pdf", [lines(page) for page in pages]))
    assert all(line in plain.text for page in pages for line in page)
    assert not plain.left_out


@pytest.mark.parametrize("head", ["Tirvane price list", "Page {} of 4", "{}", "- {} -", "Terms 2024 | {}"])
def test_running_heads_are_left_out_and_counted(tmp_path, head):
    body = [["One word first", "then more"], ["Two of them", "stand here"], ["Three", "are there"], ["Four", "end it"]]
    pages = [[Text(50, 810, head.format(n)), *lines(body[n - 1], y=760)] for n in range(1, 5)]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    assert head.split("{")[0].strip() not in plain.text or head.startswith("{")
    assert left_out(plain) == {"running head": 4}
    assert all(line in plain.text for page in body for line in page)


@pytest.mark.parametrize(
    "last", ["Zone {}: {} euros", "Step {}", "Fee of tariff {} for {} days", "Chapter {} on prices"]
)
def test_what_counts_up_at_the_edge_is_a_page_number_only_at_the_end_of_a_small_line(tmp_path, last):
    said = [last.format(page, 5 * page) for page in range(1, 5)]
    pages = [
        [
            *lines(["Text that stands above it", f"and says {n} more"]),
            Text(50, 60, line, 14 if line[-1].isdigit() else 10),
        ]
        for n, line in enumerate(said)
    ]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    assert all(line in plain.text for line in said)
    assert not plain.left_out


@pytest.mark.parametrize(("first", "count"), [(2, 3), (4, 4), (8, 3)])
def test_the_head_of_a_chapter_stays_on_its_first_page(tmp_path, first, count):
    body = "ebony jade olive amber coral ivory hazel cedar maple birch".split()
    pages = [
        [
            *([Text(50, 810, "Chapter on fees")] if first <= number < first + count else []),
            *lines([f"Of {word} and {word} alone", f"we say {word} here"], y=760),
        ]
        for number, word in enumerate(body, start=1)
    ]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    assert plain.text.count("Chapter on fees") == 1
    assert left_out(plain) == {"running head": count - 1}


@pytest.mark.parametrize("place", ["Basic rules", "Prices 2025 for all", "§ 4 Liability"])
def test_bold_lines_of_their_own_are_headings(tmp_path, place):
    made = FPDF()
    made.add_page()
    for size, style, text in ((16, "", "Terms"), (10, "B", place), (10, "", "Everyone may leave at any time. " * 9)):
        made.set_font("helvetica", style=style, size=size)
        made.multi_cell(0, text=text, new_x="LMARGIN", new_y="NEXT")
    made.output(str(tmp_path / "a.pdf"))
    plain, chunks = read(tmp_path / "a.pdf")
    assert [(heading.level, heading.title) for heading in plain.headings] == [(1, "Terms"), (2, place)]
    assert all(chunk.heading.endswith(place) for chunk in chunks if "Everyone" in chunk.text)


@pytest.mark.parametrize("blank", [(2,), (1, 3), (4,)])
def test_blank_pages_are_named(tmp_path, blank):
    pages = [[] if n in blank else lines([f"Text of page {n}"]) for n in range(1, 5)]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    (told,) = plain.left_out
    assert (told.kind, told.count) == ("page without text", len(blank))
    assert told.reason.endswith(", ".join(map(str, blank)))


# --- tables ---------------------------------------------------------------------------------------

TABLES = [
    [["Plan", "Price", "Data"], ["Flex", "9.90", "10 GB"], ["Surf", "19.90", "40 GB"], ["Max", "29.90", "all"]],
    [["", "2023", "2022"], ["Net sales", "$ 96,388", "$ 104,429"], ["Cost of sales", "60,765", "64,309"]],
    [["City", "Street"], ["Brno", "Long Street 5"], ["Oslo", "Short Street 7"], ["Rome", "Old Street 1"]],
]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("gap", [120, 160])
def test_rows_with_wide_gaps_are_table_rows(tmp_path, table, gap):
    cells = [
        Text(50 + gap * c, 700 - 14 * r, cell) for r, row in enumerate(table) for c, cell in enumerate(row) if cell
    ]
    plain, _ = read(written(tmp_path / "a.pdf", [[*lines(["Our prices and what is in them, for this year."]), *cells]]))
    assert "\n".join(" | ".join(row).strip() for row in table) in plain.text


def test_ruled_cells_with_several_lines_are_one_row(tmp_path):
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=10)
    rows = [
        ("Service", "What it is"),
        ("Care", "repairs of a phone " * 9),
        ("Swap", "a new phone on the next day " * 5),
    ]
    with made.table() as table:
        for row in rows:
            table.row(row)
    made.output(str(tmp_path / "a.pdf"))
    text = readers.read(tmp_path / "a.pdf").text
    for label, said in rows[1:]:
        assert f"{label} | {said.strip()}" in text or f"Service: {label}\nWhat it is: {said.strip()}" in text


@pytest.mark.parametrize(
    ("names", "row"),
    [
        (["Zone", "Per minute", "Per text"], ["Country {}", "0.{}9", "0.{}5"]),
        (["Phone", "Screen", "Battery"], ["Otter {}", "1{}.00 euros", "{}.00 euros"]),
        (["Day", "Shop", "Closes at"], ["{} June", "Brno {}", "{}:30"]),
    ],
)
def test_later_chunks_of_a_table_know_its_columns(tmp_path, names, row):
    rows = [names, *([cell.format(n) for cell in row] for n in range(10, 50))]
    cells = [Text(50 + 150 * c, 780 - 14 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row)]
    _, chunks = read(written(tmp_path / "a.pdf", [cells]), chunk_size=200, chunk_overlap=0)
    assert len(chunks) > 3
    assert all(" | ".join(names) in chunk.heading for chunk in chunks[1:])


@pytest.mark.parametrize(
    ("head", "row"),
    [
        (["Zone", "Per minute"], ["Land {}{}", "0.{}{}"]),
        (["Service", "Fee"], ["Change {}{}", "{}{}.50 euros"]),
        (["Name", "City"], ["Ann {}{}", "Port {}{}"]),
    ],
)
def test_a_table_goes_on_over_pages_under_one_header(tmp_path, head, row):
    def page(rows):
        return [Text(50 + 150 * c, 780 - 14 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row)]

    pages = [page([head, *([cell.format(p, n) for cell in row] for n in range(10, 20))]) for p in range(3)]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    assert plain.text.count(" | ".join(head)) == 1
    assert left_out(plain) == {"running head": 2}
    assert [segment.page for segment in plain.segments] == [1, 2, 3]


YEARS = [["", "July 2024", "July 2023"], ["Sales", "$ 1,100", "$ 900"], ["Costs", "700", "650"], ["Tax", "45", "40"]]


@pytest.mark.parametrize(
    "titles",
    [
        ["Acme Corporation"],
        ["Acme Corporation", "STATEMENT OF INCOME", "(in millions, not audited)"],
        ["Prices and all that is in them for customers of 2024"],
    ],
)
def test_titles_over_a_table_are_no_names_of_columns(tmp_path, titles):
    right = 450 + width("$ 900")
    above = [Text((50 + right - width(title)) / 2, 780 - 14 * n, title) for n, title in enumerate(titles)]
    cells = [
        Text(50 + 200 * c, 720 - 14 * r, cell) for r, row in enumerate(YEARS) for c, cell in enumerate(row) if cell
    ]
    plain, _ = read(written(tmp_path / "a.pdf", [[*above, *cells]]))
    table = "| July 2024 | July 2023\nSales | $ 1,100 | $ 900\nCosts | 700 | 650\nTax | 45 | 40"
    assert table in plain.text
    assert all(title in plain.text.split(table)[0] for title in titles)
    assert [context.text for context in plain.contexts] == [" ".join(titles), "| July 2024 | July 2023"]


@pytest.mark.parametrize(
    "between", ["Liabilities, and what is owed to the shareholders of the company:", "LIABILITIES " * 4]
)
def test_a_table_that_goes_on_below_a_line_knows_its_columns(tmp_path, between):
    def cells(rows, y):
        return [
            Text(50 + 200 * c, y - 14 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell
        ]

    more = [["Debt", "$ 300", "$ 200"], ["Shares", "500", "450"], ["Other", "12", "19"]]
    page = [*cells(YEARS, 780), Text(50, 720, between), *cells(more, 700)]
    _, chunks = read(written(tmp_path / "a.pdf", [page]), chunk_size=100, chunk_overlap=0)
    later = [chunk for chunk in chunks if "Debt" in chunk.text and "Tax" not in chunk.text]
    assert later
    assert all("July 2024 | July 2023" in chunk.heading for chunk in later)


def test_a_heading_between_tables_is_no_row(tmp_path):
    table = [
        Text(50 + 150 * c, y, cell)
        for y, row in ((700, "AB"), (686, "CD"), (640, "EF"), (626, "GH"))
        for c, cell in enumerate(row)
    ]
    plain, _ = read(
        written(tmp_path / "a.pdf", [[*table, Text(50, 660, "Second part", 16), *lines(["body text " * 9] * 3, y=560)]])
    )
    assert [heading.title for heading in plain.headings] == ["Second part"]


# --- broken words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "rest", "whole"),
    [
        ("the customer asked for the cancel-", "lation of it all", "the cancellation of"),
        ("this is an agreement of a long-", "term kind, as said", "a long-term kind"),
        ("the phone and the docu\u00ad", "mentation come with it", "the documentation come"),
        ("prices in the list are zone-", "based and fixed", "are zone-based and"),
        ("we speak about the 24-", "hour service for all", "the 24-hour service"),
        ("it was the Anglo-", "American company here", "the Anglo-American company"),
        ("all of the inter-", "national calls are free", "the international calls"),
    ],
)
def test_words_broken_at_the_end_of_a_line_are_whole(tmp_path, start, rest, whole):
    before = ("x" * 3 + " ") * 20
    text = [(before + start)[-60:], rest + " and so on until the line is full of words", "The end."]
    assert whole in readers.read(written(tmp_path / "a.pdf", [lines(text)])).text


def test_the_documents_own_words_decide(tmp_path):
    text = [
        "We have an on-site service, a database and a report of it in there,",
        "and here it is in full length: the re-",
    ]
    text = [*text, "port of the data-", "base and the on-", "site team that comes to you and your house with it"]
    text = [line if n not in (2, 3) else ("so we say " * 6 + line) for n, line in enumerate(text)]
    text[1] = "and here it is in its full length of all: " * 1 + "what we say is in the re-"
    plain = readers.read(written(tmp_path / "a.pdf", [lines(text)]))
    assert "on-site team" in plain.text
    assert "database and" in plain.text


# --- order of reading -----------------------------------------------------------------------------

HEBREW = [  # as typed, as seen
    ("שלום עולם", "םלוע םולש"),
    ("המחיר הוא 12.50 לחודש", "שדוחל 12.50 אוה ריחמה"),
    ("שירות Tirvane Flex זמין", "ןימז Tirvane Flex תוריש"),
    ("ראו סעיף (3) להלן", "ןלהל (3) ףיעס ואר"),
]
ARABIC = [("السعر 50 يورو", "وروي 50 رعسلا"), ("مرحبا بكم", "مكب ابحرم"), ("خدمة Flex جديدة", "ةديدج Flex ةمدخ")]


@pytest.mark.parametrize(("typed", "seen"), HEBREW + ARABIC)
def test_lines_from_right_to_left_are_in_order(tmp_path, typed, seen):
    plain, _ = read(written(tmp_path / "a.pdf", [right_to_left([seen])]))
    assert plain.text == typed


def test_a_word_from_right_to_left_in_a_line_from_left_to_right(tmp_path):
    plain, _ = read(written(tmp_path / "a.pdf", [lines(["The word םולש means peace here"])]))
    assert plain.text == "The word שלום means peace here"


def test_lines_of_strangers_files_from_right_to_left():
    text = sample("docling/right_to_left_01.pdf").text
    assert text.startswith("تحسين الإنتاجية وحل المشكلات من خلال البرمجة بلغة R و Python\n\nتعتبر البرمجة بلغة R و")
    assert "يمكن استخدام مكتبة pandas في Python لإدارة البيانات بكفاءة، بينما توفر R أدوات قوية للرسم البياني" in text
    text = sample("docling/right_to_left_03.pdf").text
    assert "شماره استاندارد ملی | 20300" in text
    assert "مرجع صادرکننده استاندارد | سازمان ملی استاندارد ايران" in text


CJK = [
    ["見本の文章は二行にわたって書かれていますので", "続きはここにあります。"],
    ["这个合同从二零二五年三月一日起生效并且一直有效", "直到双方解除为止。"],
    ["料金は一か月あたり九百八十円となっておりますが", "割引があります。"],
]


@pytest.mark.parametrize("text", CJK)
def test_chinese_and_japanese_lines_are_joined_without_a_blank(tmp_path, text):
    plain, _ = read(written(tmp_path / "a.pdf", [lines(text)]))
    assert plain.text == "".join(text)


def test_korean_lines_of_a_strangers_file():
    text = sample("docling/normal_4pages.pdf").text
    lines_in_order = [
        "코로나-19 관련 보험약관상 재해보험금 지급문제 및 개선과제",
        "세계적 유행(Pandemic) 단계에 돌입하였다고 세계보건기구(WHO)가 인정한 코로나-19와 관련하여, 보험회사에서",
        "국내 확진자는 9,661명, 사망자는 158명으로 나타났다.",
        "과연 질병으로 보아야 할지, 상해1)나 재해2)로 보아야 할지",
        "이슈가 될 것으로 판단된다.",
        "통상 질병보험금에 비해 상해나 재해로 인한 보험금의 경우 보장금액 등이 높게 책정되어 있다 보니",
        "재해보험금 지급문제의 개선과제에 대하여 정리하고자 한다.",
    ]
    places = [text.index(line) for line in lines_in_order]
    assert places == sorted(places)


LEFT = [f"the left column goes on with words {n}" for n in "abcdefgh"]
RIGHT = [f"the right column goes on with words {n}" for n in "abcdefgh"]


def columns(kind: str) -> list:
    left, right = lines(LEFT, step=14), lines(RIGHT, x=320, step=14, y=773 if kind == "uneven" else 780)
    if kind == "row by row":
        return [text for pair in zip(left, right, strict=True) for text in pair]
    return [*right, *left] if kind == "right first" else [*left, *right]


@pytest.mark.parametrize("kind", ["in order", "row by row", "right first", "uneven"])
def test_columns_are_read_one_after_the_other(tmp_path, kind):
    title = Text(120, 815, "A title that stands over both of the columns of this page", 11)
    plain, _ = read(written(tmp_path / "a.pdf", [[title, *columns(kind)]]))
    assert " ".join(plain.text.split()) == " ".join([title.text, *LEFT, *RIGHT])


def test_columns_of_strangers_files():
    text = sample("unstructured/multi-column-2p.pdf").text
    assert "answers factoid questions using a large collection of documents. While early QA systems are often" in text
    assert text.index("1 Introduction") < text.index("2 Background") < text.index("3.1 Overview")
    text = sample("unstructured/pdf-bad-color-space.pdf").text
    assert "climate change is an urgent threat to human well-being and the health of the planet." in text
    assert text.index("Our ambition") < text.index("At Google, we’re working") < text.index("Charting our path")


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_text_on_its_side_is_read_in_lines(tmp_path, turned):
    step = {90: (14, 0), 180: (0, 14), 270: (-14, 0)}[turned]
    text = [
        Text(300 + step[0] * n, 400 + step[1] * n, line, turned=turned)
        for n, line in enumerate(["First line.", "Second line."])
    ]
    plain, _ = read(written(tmp_path / "a.pdf", [text], rotate=turned))
    assert plain.text == "First line.\nSecond line."


# --- figures, forms, annotations ------------------------------------------------------------------


@pytest.mark.parametrize("place", ["before", "after", "alone"])
def test_text_in_drawn_figures_is_read(tmp_path, place):
    text = lines(["Text of the page"], y=700)
    page = {"before": ["/Fig Do", *text], "after": [*text, "/Fig Do"], "alone": ["/Fig Do"]}[place]
    plain, _ = read(written(tmp_path / "a.pdf", [page], figures={"Fig": lines(["Box in a figure"], y=500)}))
    assert "Box in a figure" in plain.text


FIELD = "<< /Type /Annot /Subtype /Widget /Rect [50 450 300 470] /T (a) "


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        (FIELD + "/FT /Tx /V (Ada Lovelace) >>", "Ada Lovelace"),
        (FIELD + "/FT /Ch /Ff 131072 /Opt [[(a) (Alpha plan)] [(b) (Beta plan)]] /V (b) >>", "Beta plan"),
        (FIELD + "/FT /Ch /Opt [(red) (blue)] /V (blue) /I [1] >>", "blue"),
        (FIELD + "/FT /Btn /V /Yes /AS /Yes /AP << /N << /Yes 1 0 R >> >> >>", "[x]"),
        (
            "<< /Type /Annot /Subtype /FreeText /Rect [50 500 300 540] /Contents (Paid in May) /DA (/H 9 Tf) >>",
            "Paid in May",
        ),
    ],
)
def test_what_is_filled_in_is_read(tmp_path, annotation, shown):
    plain, _ = read(written(tmp_path / "a.pdf", [lines(["Name:"])], annotations=[annotation], catalog="form"))
    assert shown in plain.text


@pytest.mark.parametrize("kind", ["Text", "Highlight", "Underline"])
def test_comments_are_counted(tmp_path, kind):
    note = f"<< /Type /Annot /Subtype /{kind} /Rect [50 300 60 310] /Contents (is this right?) >>"
    plain, _ = read(written(tmp_path / "a.pdf", [lines(["Text"])], annotations=[note]))
    assert left_out(plain) == {"comment": 1}
    assert "right" not in plain.text


# --- encryption, scans, damage --------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_encrypted_without_a_password_to_open_it(tmp_path, algorithm):
    writer = PdfWriter(clone_from=PdfReader(written(tmp_path / "open.pdf", [lines(["Open to all."])])))
    writer.encrypt("", "owner", algorithm=algorithm)
    writer.write(tmp_path / "a.pdf")
    assert readers.read(tmp_path / "a.pdf").text == "Open to all."


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_encrypted_with_a_password(tmp_path, algorithm):
    writer = PdfWriter(clone_from=PdfReader(written(tmp_path / "open.pdf", [lines(["Closed."])])))
    writer.encrypt("secret", algorithm=algorithm)
    writer.write(tmp_path / "a.pdf")
    with pytest.raises(UnreadableDocument, match=r"encrypted.*without a password"):
        readers.read(tmp_path / "a.pdf")


@pytest.mark.parametrize("scanned", [[2], [1, 3], [2, 3, 4]])
def test_pages_without_text_are_named(tmp_path, scanned):
    pages = [["50 50 400 600 re f"] if n in scanned else lines([f"Page {n} in words."]) for n in range(1, 6)]
    plain, _ = read(written(tmp_path / "a.pdf", pages))
    (told,) = plain.left_out
    assert (told.kind, told.count) == ("page without text", len(scanned))
    assert told.reason.endswith(", ".join(map(str, scanned)))


@pytest.mark.parametrize("part", [0.5, 0.8, 0.95])
def test_a_truncated_file_is_read_as_far_as_it_goes_or_refused(tmp_path, part):
    data = document([lines([f"Page {n} says this."]) for n in range(9)])
    (tmp_path / "a.pdf").write_bytes(data[: int(len(data) * part)])
    try:
        assert "Page" in readers.read(tmp_path / "a.pdf").text
    except UnreadableDocument as refused:
        if not re.search("broken PDF|no text layer|damaged", str(refused)):
            raise


def test_reading_is_linear(tmp_path):
    def long(pages: int) -> Path:
        text = [
            lines([f"Line {n} of page {p} goes on until it is full of words" for n in range(40)]) for p in range(pages)
        ]
        return written(tmp_path / f"{pages}.pdf", text)

    assert linear(readers.read, long(40), long(160))


def test_widths_of_hand_made_files():
    assert width("ab") == 10
    assert width("見") == 10
