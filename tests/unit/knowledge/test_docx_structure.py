"""Headings, numbers and tables of Word documents are what a person sees."""

import pytest
from _lost import read
from _word_files import cell, grid, item, numbering, paragraph, part, row, run, styles, table, word


def text_of(path, *blocks, **others):
    return read(word(path / "a.docx", "".join(blocks), {f"word/{key}.xml": text for key, text in others.items()}))[0]


def styled(text, style):
    return paragraph(text, properties=f'<w:pStyle w:val="{style}"/>')


def outline(level):
    return f'<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr>'


STYLES = styles(
    ("berschrift1", "heading 1", "", outline(0)),
    ("Kapitel", "Kapitel", "berschrift1", ""),
    ("KapitelTief", "Kapitel tief", "Kapitel", outline(3)),
    ("Inhalt", "TOC Heading", "berschrift1", outline(9)),
    ("Nur", "Nur Name", "", outline(1)),
    ("Titel", "Title", "", ""),
    ("Head4", "Heading 4", "", ""),
    ("Kreis", "Kreis", "Kreis", ""),
    ("Beschriftung", "caption", "", ""),
    ("Tabelle", "Table", "Beschriftung", ""),
)


@pytest.mark.parametrize(
    ("block", "level"),
    [
        (styled("Fees", "berschrift1"), 1),
        (styled("Fees", "Kapitel"), 1),
        (styled("Fees", "KapitelTief"), 4),
        (styled("Fees", "Nur"), 2),
        (styled("Fees", "Titel"), 1),
        (styled("Fees", "Head4"), 4),
        (paragraph("Fees", properties='<w:outlineLvl w:val="2"/>'), 3),
        (paragraph("Fees", properties='<w:pStyle w:val="Kapitel"/><w:outlineLvl w:val="9"/>'), None),
        (styled("Fees", "Inhalt"), None),
        (styled("Fees", "Kreis"), None),
        (styled("Fees", "Missing"), None),
        (styled("F" * 400, "berschrift1"), None),
    ],
)
def test_headings_by_outline_level(tmp_path, block, level):
    plain = text_of(tmp_path, block, paragraph("Text."), styles=STYLES)
    assert [heading.level for heading in plain.headings] == ([] if level is None else [level])


@pytest.mark.parametrize("style", ["Heading1", "heading 1", "Heading 1", "Überschrift 1", "Titre1", "標題 1", "Title"])
def test_headings_of_a_file_without_styles(tmp_path, style):
    plain = text_of(tmp_path, styled("Fees", style), paragraph("Text."))
    assert [(heading.level, heading.title) for heading in plain.headings] == [(1, "Fees")]


@pytest.mark.parametrize(
    ("levels", "items", "expected"),
    [
        ([("decimal", "%1."), ("decimal", "%1.%2")], [0, 1, 1, 0, 1], "1. a\n1.1 b\n1.2 c\n2. d\n2.1 e"),
        ([("upperRoman", "§ %1"), ("lowerLetter", "%2)")], [0, 1, 1, 0], "§ I a\na) b\nb) c\n§ II d"),
        ([("bullet", "\uf0b7"), ("bullet", "o")], [0, 1, 0], "- a\n- b\n- c"),
        ([("bullet", "Note:"), ("none", "Article")], [0, 1], "Note: a\nArticle b"),
        ([("none", ""), ("decimal", "%2.")], [0, 1, 1], "a\n\n1. b\n2. c"),
        ([("decimalZero", "%1"), ("decimal", "%1.%2")], [0, 1, 0], "01 a\n01.1 b\n02 c"),
    ],
)
def test_items_have_their_numbers(tmp_path, levels, items, expected):
    blocks = [item(text, level) for text, level in zip("abcdef", items, strict=False)]
    assert text_of(tmp_path, *blocks, numbering=numbering(*levels)).text == expected


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ((item("a"), paragraph("between"), item("b")), "1. a\n\nbetween\n\n2. b"),
        ((item("a"), item("b"), item("c", number=2), item("d", number=2)), "1. a\n2. b\n1. c\n2. d"),
        ((item("a", number=0), item("b", number=44)), "a\n\n- b"),
        ((item("a"), item(""), item("c")), "1. a\n\n3. c"),
        ((item("Fees", more='<w:outlineLvl w:val="0"/>'), paragraph("Text.")), "1. Fees\n\nText."),
    ],
)
def test_numbers_go_on_as_word_counts(tmp_path, blocks, expected):
    assert text_of(tmp_path, *blocks, numbering=numbering(("decimal", "%1."))).text == expected


@pytest.mark.parametrize("form", ["decimal", "lowerRoman", "bullet"])
def test_a_list_that_only_names_its_style(tmp_path, form):
    text = "x" if form == "bullet" else "%1)"
    said = (
        '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Mine"/></w:abstractNum>'
        '<w:abstractNum w:abstractNumId="2"><w:styleLink w:val="Mine"/>'
        f'<w:lvl w:ilvl="0"><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )
    marks = {"decimal": "1) 2)", "lowerRoman": "i) ii)", "bullet": "- -"}[form].split()
    plain = text_of(tmp_path, item("a"), item("b"), numbering=part("w:numbering", said))
    assert plain.text == f"{marks[0]} a\n{marks[1]} b"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("List Bullet", "- a\n- b"),
        ("ListNumber2", "- a\n- b"),
        ("List", "- a\n- b"),
        ("List Paragraph", "a\n\nb"),
        ("Listing Number", "a\n\nb"),
    ],
)
def test_lists_of_a_file_without_numbering(tmp_path, style, expected):
    assert text_of(tmp_path, styled("a", style), styled("b", style)).text == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((cell(item("")), cell("a")), "1. | a"),
        ((cell(item("a"), item("b")), cell("c")), "1. a 2. b | c"),
        ((cell(item("a", number=5)), cell("b")), "a | b"),
    ],
)
def test_numbers_in_cells(tmp_path, cells, expected):
    plain = text_of(tmp_path, table(row("No", "What"), row(*cells)), numbering=numbering(("decimal", "%1.")))
    assert plain.text == f"No | What\n{expected}"


def test_numbers_of_heading_styles(tmp_path):
    numbered = (
        '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:pStyle w:val="H1"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1"/></w:lvl><w:lvl w:ilvl="1"><w:pStyle w:val="H2"/><w:numFmt w:val="decimal"/>'
        '<w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum><w:num w:numId="3"><w:abstractNumId w:val="1"/></w:num>'
    )
    number = '<w:numPr><w:numId w:val="3"/></w:numPr>'
    known = styles(
        ("H1", "heading 1", "", f"<w:pPr>{number}</w:pPr>"), ("H2", "heading 2", "H1", f"<w:pPr>{number}</w:pPr>")
    )
    blocks = [styled(text, style) for text, style in [("Fees", "H1"), ("SIM", "H2"), ("Data", "H2"), ("End", "H1")]]
    plain = text_of(tmp_path, *blocks, numbering=part("w:numbering", numbered), styles=known)
    assert [heading.title for heading in plain.headings] == ["1 Fees", "1.1 SIM", "1.2 Data", "2 End"]


# --- tables ---------------------------------------------------------------------------------------

SPAN2, SPAN3 = '<w:gridSpan w:val="2"/>', '<w:gridSpan w:val="3"/>'
DOWN, GOES_ON = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [
                row(cell("Plan", properties=DOWN), cell("Price", properties=SPAN2)),
                row(cell("", properties=GOES_ON), "net", "gross"),
                row("Hazel", "4", "5"),
            ],
            "Plan | Price | Price\nPlan | net | gross\nHazel | 4 | 5",
        ),
        (
            [
                row("Plan", "Item", "Fee"),
                row(cell("Hazel", properties=DOWN), "SIM", "5"),
                row(cell("", properties=GOES_ON), "Call", "1"),
            ],
            "Plan | Item | Fee\nHazel | SIM | 5\nHazel | Call | 1",
        ),
        (
            [row("a", "b", "c"), row("1", "2", properties='<w:gridBefore w:val="1"/>'), row("3")],
            "a | b | c\n | 1 | 2\n3",
        ),
        (
            [
                row(cell("a", properties=SPAN3), "b"),
                row(cell("1", properties=SPAN3), "2"),
                row(cell("3", properties=SPAN3), "4"),
            ],
            "a | b\n1 | 2\n3 | 4",
        ),
        (
            [row("a", "b"), row(cell("1", properties=GOES_ON), "2"), row("3", cell("own", properties=GOES_ON))],
            "a | b\n1 | 2\n3 | own",
        ),
        (
            [row(cell("All prices", properties=SPAN2)), row("Plan", "Price"), row("Hazel", "5")],
            "All prices\nPlan | Price\nHazel | 5",
        ),
        (
            [row("a", "b"), row("gone", "too", properties="<w:del/>"), row("1", "2", properties="<w:ins/>")],
            "a | b\n1 | 2",
        ),
        (
            [
                row(cell("a", properties='<w:hMerge w:val="restart"/>'), cell("", properties="<w:hMerge/>"), "b"),
                row("1", "2", "3"),
            ],
            "a | a | b\n1 | 2 | 3",
        ),
    ],
)
def test_merged_and_ragged_cells(tmp_path, rows, expected):
    assert text_of(tmp_path, table(*rows)).text == expected.replace("\n | 1", "\n| 1")


@pytest.mark.parametrize("grid_xml", ["<w:tblGrid/>", "", '<w:tblGrid><w:gridCol w:w="x"/></w:tblGrid>'])
def test_a_broken_grid(tmp_path, grid_xml):
    broken = grid([["Plan", "Price"], ["Hazel", "5"]]).replace("<w:tblGrid/>", grid_xml)
    assert text_of(tmp_path, broken).text == "Plan | Price\nHazel | 5"


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda r, c: table(f"<w:sdt><w:sdtContent>{r}</w:sdtContent></w:sdt>", row("x", "y")),
        lambda r, c: table(row(f"<w:sdt><w:sdtContent>{c}</w:sdtContent></w:sdt>", cell("Price")), row("x", "y")),
        lambda r, c: table(f"<w:ins>{r}</w:ins>", f"<w:customXml>{row('x', 'y')}</w:customXml>"),
    ],
)
def test_controls_around_rows_and_cells(tmp_path, wrapped):
    assert text_of(tmp_path, wrapped(row("Plan", "Price"), cell("Plan"))).text == "Plan | Price\nx | y"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(cell("One.", "Two."))], "One.\n\nTwo."),
        ([row(cell(paragraph("Fees", properties='<w:outlineLvl w:val="0"/>'), "Text."))], "Fees\n\nText."),
        ([row(cell("Left.", "More."), cell("Right.", "End."))], "Left.\n\nMore.\n\nRight.\n\nEnd."),
        ([row(cell("One.", "Two.")), row(cell("Three."))], "One.\n\nTwo.\n\nThree."),
        ([row(cell(grid([["a", "b"], ["1", "2"]]), ""))], "a | b\n1 | 2"),
    ],
)
def test_boxes_and_columns_made_of_tables_are_paragraphs(tmp_path, rows, expected):
    assert text_of(tmp_path, paragraph("Start."), table(*rows)).text == f"Start.\n\n{expected}"


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_tables_in_cells_keep_their_rows(tmp_path, depth):
    inner = grid([["From", "To"], ["May", "June"]])
    for _ in range(depth - 1):
        inner = table(row("Kind", "Times"), row("Deal", cell("", inner, "")), row("Other", "none"))
    plain = text_of(tmp_path, table(row("Plan", "Terms"), row("Hazel", cell("see", inner, "")), row("Pebble", "free")))
    assert "Plan | Terms\nHazel | see\nPebble | free" in plain.text
    assert "From | To\nMay | June" in plain.text
    assert "Hazel, Terms\n" in plain.text


@pytest.mark.parametrize("style", ["Beschriftung", "Tabelle", "Caption"])
def test_a_caption_belongs_to_its_table(tmp_path, style):
    rows = [["Plan", "Price"], *[[f"Plan {n}", f"{n}.00"] for n in range(200)]]
    known = {"styles": STYLES} if style != "Caption" else {}
    caption = styled("Table 1: Prices", style)
    path = word(tmp_path / "a.docx", caption + grid(rows), {f"word/{key}.xml": text for key, text in known.items()})
    plain, chunks = read(path)
    assert plain.text.startswith("Table 1: Prices\nPlan | Price\n")
    assert all(chunk.heading.endswith("Table 1: Prices > Plan | Price") for chunk in chunks[1:])
    assert text_of(tmp_path, caption, paragraph("Text."), **known).text == "Table 1: Prices\n\nText."


def columns(count, value="{row}.{column}"):
    names = [f"Column {column} of the tariff" for column in range(count)]
    body = [[f"Plan {n}", *(value.format(row=n, column=c) for c in range(1, count))] for n in range(200)]
    return [names, *body]


@pytest.mark.parametrize(
    "rows",
    [
        columns(3),
        columns(25),
        columns(
            4, value="For plan {row} the price in column {column} is as long as a sentence of its own, with a comma."
        ),
        [["Plan", "P" * 150, "Q" * 120], *[[f"Plan {n}", f"a{n}", f"b{n}"] for n in range(200)]],
        [["Plan", "P" * 70, "Q" * 70, "R" * 70], *[[f"Plan {n}", f"a{n}", f"b{n}", f"c{n}"] for n in range(200)]],
    ],
)
@pytest.mark.parametrize("size", [400, 1200])
def test_every_cell_of_a_long_table_stands_with_its_names(tmp_path, rows, size):
    _, chunks = read(word(tmp_path / "a.docx", grid(rows)), chunk_size=size, chunk_overlap=0)
    said = [f"{chunk.heading} {chunk.text}" for chunk in chunks]
    cells = [(line[0], rows[0][at], line[at]) for line in rows[1:] for at in range(1, len(line))][::7]
    whole = [any(all(part in text for part in triple) for text in said) for triple in cells]
    assert sum(whole) >= 0.95 * len(whole)


def test_rows_marked_as_headers_name_the_columns(tmp_path):
    marked = "<w:tblHeader/>"
    rows = [row("Price", "Price", properties=marked), row("net", "gross", properties=marked)]
    rows += [row(f"{n}.1", f"{n}.2") for n in range(300)]
    _, chunks = read(word(tmp_path / "a.docx", table(*rows)))
    assert len(chunks) > 2
    assert all(chunk.heading.endswith("Price net | Price gross") for chunk in chunks[1:])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (run("loose") + paragraph("end"), "loose\n\nend"),
        ("<m:oMathPara><m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath></m:oMathPara>", "a=b"),
        (table(row("a", "b"), row("1", "2"), paragraph("stray")), "a | b\n1 | 2\nstray"),
        (table(row("a", "b"), cell("1"), row("1", "2")), "a | b\n1\n1 | 2"),
        (table(row("a", "b"), row("1", paragraph("2"))), "a | b\n1 | 2"),
        ("<w:p><w:t>no run</w:t></w:p>", "no run"),
        (paragraph("outer", paragraph("inner")), "outer\n\ninner"),
    ],
)
def test_misplaced_text_is_not_lost(tmp_path, body, expected):
    assert text_of(tmp_path, body).text == expected


@pytest.mark.parametrize("empty", [row("", ""), row(cell("", properties=GOES_ON), ""), row()])
def test_rows_that_say_nothing_are_left_out(tmp_path, empty):
    rows = [row("Plan", "Fee"), row(cell("Hazel", properties=DOWN), "5"), empty, row("Pebble", "6")]
    assert text_of(tmp_path, table(*rows)).text == "Plan | Fee\nHazel | 5\nPebble | 6"


def test_one_bold_run(tmp_path):
    assert text_of(tmp_path, paragraph(run("Un", "<w:b/>"), "limited")).text == "Unlimited"
