"""What people see in a Word document is its text, in order, once; what they do not see is counted."""

import pytest
from _lost import lost, read
from _word_files import cell, control, field, grid, paragraph, part, row, run, styles, table, text_box, word

W_ON, W_OFF = "<w:vanish/>", '<w:vanish w:val="0"/>'


def text_of(path, *blocks, **more):
    return read(word(path / "a.docx", "".join(blocks), **more))[0]


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


def inserted(content):
    return f'<w:ins w:id="1" w:author="Ada">{content}</w:ins>'


def deleted(text):
    return f'<w:del w:id="1"><w:r><w:delText xml:space="preserve">{text}</w:delText></w:r></w:del>'


@pytest.mark.parametrize(
    ("content", "expected", "counted"),
    [
        (("The fee is ", inserted(run("25")), " euros."), "The fee is 25 euros.", {}),
        (("Call ", inserted(inserted(run("0800")) + run(" 11")), "."), "Call 0800 11.", {}),
        ((f'<w:moveTo w:id="2">{run("Moved here.")}</w:moveTo>', " Stays."), "Moved here. Stays.", {}),
        (("The fee is ", deleted("20"), inserted(run("25")), "."), "The fee is 25.", {"deleted text": 1}),
        (("a", deleted("x"), deleted("y"), "b", deleted("z"), "c"), "abc", {"deleted text": 2}),
        ((f'<w:moveFrom w:id="2">{run("Old place.")}</w:moveFrom>', "Rest."), "Rest.", {"deleted text": 1}),
        (("a ", deleted(" "), "b"), "a b", {}),
        ((run("Old price", "<w:strike/>"), run(" 9", "<w:dstrike/>")), "Old price 9", {}),
    ],
)
def test_tracked_changes(tmp_path, content, expected, counted):
    plain = text_of(tmp_path, paragraph(*content))
    assert plain.text == expected
    assert left_out(plain) == counted


@pytest.mark.parametrize("mark", ["del", "moveFrom", 'del w:id="4" w:author="x"'])
@pytest.mark.parametrize("after", [paragraph("days."), grid([["a1", "b1"], ["a2", "b2"]]), ""])
def test_a_paragraph_whose_end_is_deleted_runs_on_in_the_next(tmp_path, mark, after):
    first = paragraph("Within ten ", properties=f"<w:rPr><w:{mark}/></w:rPr>")
    plain = text_of(tmp_path, first, after, paragraph("End."))
    expected = "Within ten days.\n\nEnd." if "days" in after else "Within ten"
    assert plain.text.startswith(expected)
    assert plain.text.endswith("End.")


@pytest.mark.parametrize(
    "body",
    [
        control(paragraph("Term: ", "two", " years")),
        paragraph("Term: ", control(run("two")), " years"),
        paragraph("Term: ", control(control(run("two"))), " years"),
        control(control(paragraph("Term: two years")), "<w:text/>"),
        f'<w:customXml w:element="x">{paragraph("Term: two years")}</w:customXml>',
        paragraph('<w:smartTag w:element="t">' + run("Term: two") + "</w:smartTag>", " years"),
        paragraph('<w:hyperlink r:id="rId9">' + run("Term: two") + "</w:hyperlink>", " years"),
        paragraph('<w:bdo w:val="rtl">' + run("Term: two") + "</w:bdo>", "<w:dir>" + run(" years") + "</w:dir>"),
        paragraph('<w:unknown w:x="y">' + run("Term: two years") + "</w:unknown>"),
    ],
)
def test_containers_are_looked_through(tmp_path, body):
    assert text_of(tmp_path, body).text == "Term: two years"


PLACEHOLDER = ("PlatzhaltertextZchn", "Placeholder Text", "", "<w:rPr><w:color/></w:rPr>")
HINT = run("Click here to enter text.", '<w:rStyle w:val="PlatzhaltertextZchn"/>')
STANDARD = '<w:placeholder><w:docPart w:val="DefaultPlaceholder_22675703"/></w:placeholder>'
PROMPT, OFF, OWN = (
    f"{STANDARD}<w:showingPlcHdr/>",
    f'{STANDARD}<w:showingPlcHdr w:val="false"/>',
    '<w:placeholder><w:docPart w:val="AB12"/></w:placeholder><w:showingPlcHdr/>',
)
CHOICE = '<w:dropDownList><w:listItem w:value="Hazel"/></w:dropDownList>'


@pytest.mark.parametrize(
    ("content", "expected", "counted"),
    [
        (paragraph("Name: ", control(HINT, PROMPT)), "Name:", {"form control": 1}),
        (paragraph("Name:") + control(paragraph(HINT), PROMPT), "Name:", {"form control": 1}),
        (table(row("Name", "Age"), row("Ada", control(cell(HINT), PROMPT))), "Name | Age\nAda", {"form control": 1}),
        (paragraph("Name: ", control(HINT, OFF)), "Name: Click here to enter text.", {}),
        # a prompt of this form, and a form that a program filled in and left the switch
        (paragraph("Name: ", control(HINT, OWN)), "Name: Click here to enter text.", {}),
        (paragraph("Name: ", control(run("Ada"), PROMPT)), "Name: Ada", {}),
        (paragraph("Plan: ", control(run("Hazel"), CHOICE)), "Plan: Hazel", {"form control": 1}),
    ],
)
def test_a_placeholder_is_no_text(tmp_path, content, expected, counted):
    plain = text_of(tmp_path, content, others={"word/styles.xml": styles(PLACEHOLDER)})
    assert plain.text == expected
    assert left_out(plain) == counted


NESTED = field(f"<w:r><w:instrText>IF </w:instrText></w:r>{field('REF x', 'unseen')}", field("REF y", "yes"))
BOX = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{}</w:checkBox></w:ffData></w:fldChar></w:r>'
END = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
LIST = (
    '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="May"/>'
    '<w:listEntry w:val="June"/></w:ddList></w:ffData></w:fldChar></w:r>'
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (("On ", field("DATE", "1 May"), "."), "On 1 May."),
        (("On ", f'<w:fldSimple w:instr="DATE">{run("1 May")}</w:fldSimple>', "."), "On 1 May."),
        (("It is ", NESTED, "."), "It is yes."),
        (("See ", field('HYPERLINK "http://a.b"', "our site"), "."), "See our site."),
        (("a", field("XE index", "<w:r/>"), "b"), "ab"),
        ((BOX.format('<w:checked w:val="1"/>'), END, " Yes"), "☒ Yes"),
        ((BOX.format('<w:default w:val="0"/>'), END, " No"), "☐ No"),
        ((LIST, END, " 2024"), "June 2024"),
        (('<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>EQ \\f(1,2)</w:instrText></w:r>', END), "1/2"),
        (("a", END, '<w:r><w:fldChar w:fldCharType="separate"/></w:r>', "b"), "ab"),
    ],
)
def test_fields_show_their_result(tmp_path, content, expected):
    assert text_of(tmp_path, paragraph(*content)).text == expected


def test_a_field_that_does_not_end_hides_nothing_behind_its_paragraph(tmp_path):
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    assert text_of(tmp_path, paragraph("a", begin), paragraph("b"), paragraph("c")).text == "a\n\nb\n\nc"


def test_a_field_over_several_paragraphs(tmp_path):
    begin = '<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>TOC</w:instrText></w:r>'
    begin += '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    plain = text_of(tmp_path, paragraph(begin, "One\t1"), paragraph("Two\t2", END), paragraph("c"))
    assert plain.text == "One\t1\n\nTwo\t2\n\nc"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<w:r><w:t>T</w:t><w:noBreakHyphen/><w:t>Mobile</w:t></w:r>", "T-Mobile"),
        ("<w:r><w:t>Vertrags</w:t><w:softHyphen/><w:t>ende</w:t></w:r>", "Vertragsende"),
        (run("Vertrags\u00adende"), "Vertragsende"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>d</w:t></w:r>", "a\tb\nc\nd"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/><w:t> yes</w:t></w:r>', "✓ yes"),
        ('<w:r><w:sym w:font="Symbol" w:char="F061"/><w:t> &lt; 1</w:t></w:r>', "α < 1"),
        ('<w:r><w:sym w:font="Segoe UI Symbol" w:char="2610"/><w:t> no</w:t></w:r>', "☐ no"),
        (run("ü", '<w:rFonts w:ascii="Wingdings"/>') + run(" yes"), "✓ yes"),
        (run("\uf0b3 5", '<w:rFonts w:ascii="Symbol"/>'), "≥ 5"),
    ],
)
def test_signs(tmp_path, content, expected):
    assert text_of(tmp_path, paragraph(content)).text == expected


@pytest.mark.parametrize("sign", ['<w:sym w:font="Webdings" w:char="F0CE"/>', "<w:t>\uf8e5</w:t>", "<w:t>\ue001</w:t>"])
def test_signs_that_nobody_knows_are_counted(tmp_path, sign):
    plain = text_of(tmp_path, paragraph("a", f"<w:r>{sign}</w:r>", "b"))
    assert plain.text == "ab"
    assert left_out(plain) == {"control character": 1}


def ruby(reading, base):
    return f"<w:r><w:ruby><w:rubyPr/><w:rt>{run(reading)}</w:rt><w:rubyBase>{run(base)}</w:rubyBase></w:ruby></w:r>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ((ruby("とう", "東"), ruby("きょう", "京"), "へ"), "東京(とうきょう)へ"),
        (("私は", ruby("かん", "漢"), "と", ruby("じ", "字")), "私は漢(かん)と字(じ)"),
        ((ruby("", "漢"), "b"), "漢b"),
    ],
)
def test_ruby_stands_behind_its_word(tmp_path, content, expected):
    assert text_of(tmp_path, paragraph(*content)).text == expected


HIDING = styles(
    ("Secret", "Secret", "", "<w:rPr><w:vanish/></w:rPr>"),
    ("Deeper", "Deeper", "Secret", "<w:rPr><w:b/></w:rPr>"),
    ("Unseen", "Unseen", "", "<w:pPr/><w:rPr><w:vanish/></w:rPr>"),
)


@pytest.mark.parametrize(
    ("content", "expected", "count"),
    [
        (("a", run("x", W_ON), run("y", W_ON), "b"), "ab", 1),
        (("a", run("x", '<w:rStyle w:val="Secret"/>'), "b", run("y", '<w:rStyle w:val="Deeper"/>')), "ab", 2),
        (("a", run("x", '<w:rStyle w:val="Secret"/>' + W_OFF)), "ax", 0),
        (("a", run("x", "<w:webHidden/>")), "ax", 0),
    ],
)
def test_hidden_text(tmp_path, content, expected, count):
    plain = text_of(tmp_path, paragraph(*content), others={"word/styles.xml": HIDING})
    assert plain.text == expected
    assert left_out(plain).get("hidden text", 0) == count


def test_a_paragraph_of_a_hidden_style(tmp_path):
    hidden = paragraph("x", run("y", W_OFF), properties='<w:pStyle w:val="Unseen"/>')
    assert text_of(tmp_path, hidden, paragraph("b"), others={"word/styles.xml": HIDING}).text == "y\n\nb"


VML = "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>{}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
GROUP = "<w:r><w:drawing><wp:inline><wpg:wgp>{}</wpg:wgp></wp:inline></w:drawing></w:r>"
SHAPE = "<wps:wsp><wps:txbx><w:txbxContent>{}</w:txbxContent></wps:txbx></wps:wsp>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text_box(paragraph("in a box")), "before after\n\nin a box"),
        (VML.format(paragraph("in a box")), "before after\n\nin a box"),
        (GROUP.format(SHAPE.format(paragraph("one")) + SHAPE.format(paragraph("two"))), "before after\n\none\n\ntwo"),
        (text_box(grid([["a", "b"], ["1", "2"]])), "before after\n\na | b\n1 | 2"),
        (text_box(paragraph("outer", text_box(paragraph("inner")))), "before after\n\nouter\n\ninner"),
        ("<w:r><w:drawing><a:p><a:r><a:t>drawn</a:t></a:r></a:p></w:drawing></w:r>", "before after\n\ndrawn"),
        ('<w:r><w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict></w:r>', "before DRAFT after"),
        (
            "<w:r><mc:AlternateContent><mc:Choice Requires='x'><w:drawing/></mc:Choice><mc:Fallback>"
            + VML.format(paragraph("old box")).removeprefix("<w:r>").removesuffix("</w:r>")
            + "</mc:Fallback></mc:AlternateContent></w:r>",
            "before after\n\nold box",
        ),
    ],
)
def test_text_boxes_stand_behind_their_paragraph_and_once(tmp_path, content, expected):
    plain = text_of(tmp_path, paragraph("before", content, " after"))
    assert " ".join(plain.text.split(" ")).replace("  ", " ") == expected


def test_a_text_box_in_a_cell_is_text_of_the_cell(tmp_path):
    rows = [["Plan", "Price"], ["Hazel", paragraph("5", text_box(paragraph("euros")))], ["Pebble", "6"]]
    plain = text_of(tmp_path, table(*(row(*(cell(each) for each in cells)) for cells in rows)))
    assert plain.text == "Plan | Price\nHazel | 5 euros\nPebble | 6"


CHART = part(
    "c:chartSpace",
    "<c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea>"
    "<c:barChart><c:ser>"
    "<c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>North</c:v></c:pt></c:strCache></c:strRef></c:tx>"
    "<c:cat><c:strRef><c:strCache><c:pt idx='0'><c:v>2023</c:v></c:pt><c:pt idx='1'><c:v>2024</c:v></c:pt></c:strCache>"
    "</c:strRef></c:cat><c:val><c:numRef><c:numCache>"
    "<c:pt idx='0'><c:v>4.2999999999999998</c:v></c:pt><c:pt idx='1'><c:v>5.1</c:v>"
    "</c:pt></c:numCache></c:numRef></c:val></c:ser></c:barChart><c:valAx><c:title><a:p><a:r><a:t>Millions</a:t></a:r>"
    "</a:p></c:title></c:valAx></c:plotArea></c:chart>",
)
DIAGRAM = part(
    "dgm:dataModel",
    "<dgm:ptLst>"
    + "".join(f"<dgm:pt><dgm:t><a:p><a:r><a:t>{t}</a:t></a:r></a:p></dgm:t></dgm:pt>" for t in ("Order", "Pay"))
    + "<dgm:pt type='pres'/></dgm:ptLst>",
)


def drawing(inner):
    return paragraph(
        f"<w:r><w:drawing><wp:inline><a:graphic><a:graphicData>{inner}</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<c:chart r:id="c1"/>', "Sales\n | North\n2023 | 4.3\n2024 | 5.1\n\nMillions"),
        ('<dgm:relIds r:dm="d1" r:lo="x"/>', "Order\nPay"),
        ("<a:tbl><a:tr><a:tc><a:p><a:r><a:t>x</a:t></a:r></a:p></a:tc></a:tr></a:tbl>", "x"),
    ],
)
def test_charts_and_diagrams(tmp_path, inner, expected):
    plain = text_of(
        tmp_path,
        drawing(inner),
        others={"word/charts/chart1.xml": CHART, "word/diagrams/data1.xml": DIAGRAM},
        related={"c1": ("chart", "charts/chart1.xml"), "d1": ("diagramData", "diagrams/data1.xml")},
    )
    assert plain.text == expected.strip().replace("\n | North", "\n| North")


@pytest.mark.parametrize(
    ("form", "given", "expected"),
    [
        ("0%", "0.45000000000000001", "45%"),
        ("m/d/yyyy", "45413", "2024-05-01"),
        ("General", "45413", "45413"),
        ("#,##0.00", "4.4000000000000004", "4.4"),
        ("General", "n/a", "n/a"),
    ],
)
def test_a_chart_shows_its_numbers_as_people_see_them(tmp_path, form, given, expected):
    shown = CHART.replace("4.2999999999999998", given).replace(
        "<c:numCache>", f"<c:numCache><c:formatCode>{form}</c:formatCode>"
    )
    related = {"c1": ("chart", "charts/chart1.xml")}
    plain = text_of(
        tmp_path, drawing('<c:chart r:id="c1"/>'), others={"word/charts/chart1.xml": shown}, related=related
    )
    assert f"2023 | {expected}\n" in plain.text


def test_a_chart_in_a_cell_and_in_a_note(tmp_path):
    chart_ = drawing('<c:chart r:id="c1"/>')
    note_ = part("w:footnotes", f'<w:footnote w:id="2">{paragraph("Net.")}{chart_}</w:footnote>')
    rows = table(row("Plan", "Sold"), row("Hazel", cell("see", chart_, paragraph("after"))))
    plain = text_of(
        tmp_path,
        rows,
        paragraph("End", note("footnote", 2)),
        others={"word/charts/chart1.xml": CHART, "word/footnotes.xml": note_},
        related={"c1": ("chart", "charts/chart1.xml")},
    )
    assert plain.text.startswith("Plan | Sold\nHazel | see after\n\nSales\n| North\n2023 | 4.3")
    assert plain.text.count("2024 | 5.1") == 2


PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" descr="{}"/><a:graphic><pic:pic/></a:graphic></wp:inline>'
    "</w:drawing></w:r>"
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PICTURE.format("Router with three green lights"), "See here.\n\n[Image: Router with three green lights]"),
        (PICTURE.format(""), "See here."),
        (PICTURE.format("logo.png"), "See here."),
        (PICTURE.format("A person in a room. Description automatically generated"), "See here."),
        ('<w:r><w:pict><v:shape alt="x"><v:imagedata/></v:shape></w:pict></w:r>', "See here."),
        (
            text_box(paragraph(PICTURE.format("Router with three green lights")))
            .replace("<mc:Fallback>", "<mc:No>", 1)
            .replace("</mc:Fallback>", "</mc:No>"),
            "See here.\n\n[Image: Router with three green lights]",
        ),
    ],
)
def test_pictures_are_counted_and_what_they_show_is_said(tmp_path, content, expected):
    plain = text_of(tmp_path, paragraph("See", content, " here."))
    assert plain.text == expected
    assert left_out(plain) == {"image": 1}


def notes(kind, *texts):
    said = "".join(
        f'<w:{kind} w:id="{at}">{paragraph(f"<w:r><w:{kind}Ref/></w:r>", text)}</w:{kind}>'
        for at, text in enumerate(texts, start=2)
    )
    rule = f'<w:{kind} w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:{kind}>'
    return part(f"w:{kind}s", rule + said)


def note(kind, at, more=""):
    return f'<w:r><w:{kind}Reference w:id="{at}" {more}/></w:r>'


def with_notes(tmp_path, *blocks):
    others = {
        "word/footnotes.xml": notes("footnote", "Net of tax.", "Since May."),
        "word/endnotes.xml": notes("endnote", "Law of 1998."),
    }
    return text_of(tmp_path, *blocks, others=others)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (
            (paragraph("Fee", note("footnote", 2), " and price", note("footnote", 3), "."), paragraph("Next.")),
            "Fee[1] and price[2].\n\n[1] Net of tax.\n\n[2] Since May.\n\nNext.",
        ),
        (
            (
                paragraph("b", note("footnote", 3)),
                paragraph("a", note("footnote", 2)),
                paragraph("c", note("endnote", 2)),
            ),
            "b[1]\n\n[1] Since May.\n\na[2]\n\n[2] Net of tax.\n\nc[i]\n\n[i] Law of 1998.",
        ),
        (
            (
                grid([["Plan", "Fee"], ["Hazel", "NOTE"]]).replace(
                    '<w:t xml:space="preserve">NOTE</w:t>',
                    note("footnote", 2).replace("<w:r>", "<w:t>5</w:t>").replace("</w:r>", ""),
                ),
            ),
            "Plan | Fee\nHazel | 5[1]\n\n[1] Net of tax.",
        ),
        (
            (paragraph("Fee", note("footnote", 2, 'w:customMarkFollows="1"'), "*", "."),),
            "Fee*.\n\nNet of tax.",
        ),
    ],
)
def test_notes_stand_behind_what_refers_to_them(tmp_path, blocks, expected):
    assert with_notes(tmp_path, *blocks).text == expected


@pytest.mark.parametrize("content", ["<w:p/>", "", PICTURE.format("")])
def test_notes_without_text(tmp_path, content):
    said = part("w:footnotes", f'<w:footnote w:id="2">{content}</w:footnote>')
    plain = text_of(tmp_path, paragraph("Fee", note("footnote", 2)), others={"word/footnotes.xml": said})
    assert plain.text == "Fee[1]"
    assert "unreadable part" not in left_out(plain)


@pytest.mark.parametrize("body", ["", deleted("x") + note("footnote", 9), "<w:del>" + note("footnote", 2) + "</w:del>"])
def test_notes_that_nothing_refers_to_are_counted(tmp_path, body):
    plain = with_notes(tmp_path, paragraph("Text.", body))
    assert "Net of tax" not in plain.text
    assert left_out(plain)["hidden text"] == 3


@pytest.mark.parametrize(
    ("others", "related", "counted"),
    [
        (
            {"word/comments.xml": part("w:comments", f"<w:comment>{paragraph('why?')}</w:comment>" * 2)},
            {},
            {"comment": 2},
        ),
        (
            {
                "word/header1.xml": part("w:hdr", paragraph("Acme")),
                "word/footer1.xml": part("w:ftr", paragraph("Page")),
                "word/footer2.xml": part("w:ftr", paragraph("")),
            },
            {"h": ("header", "header1.xml"), "f": ("footer", "footer1.xml"), "g": ("footer", "footer2.xml")},
            {"running head": 2},
        ),
        (
            {"word/glossary/document.xml": part("w:glossaryDocument", paragraph("[Type here]"))},
            {"g": ("glossaryDocument", "glossary/document.xml")},
            {"attachment": 1},
        ),
    ],
)
def test_what_is_beside_the_body_is_counted(tmp_path, others, related, counted):
    plain = text_of(tmp_path, paragraph("Text."), others=others, related=related)
    assert plain.text == "Text."
    assert left_out(plain) == counted


@pytest.mark.parametrize(
    ("content", "counted"),
    [
        (
            '<w:r><w:object><v:shape><v:imagedata/></v:shape><o:OLEObject ProgID="Excel"/></w:object></w:r>',
            "attachment",
        ),
        ('<w:r><w:object><v:shape/><w:control r:id="x" w:name="Button"/></w:object></w:r>', "form control"),
        ('<w:subDoc r:id="x"/>', "attachment"),
    ],
)
def test_objects_are_counted(tmp_path, content, counted):
    plain = text_of(tmp_path, paragraph("a", content, "b"))
    assert plain.text == "ab"
    assert left_out(plain) == {counted: 1}


MHT = (
    'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="x"\n\n--x\n'
    'Content-Type: text/html; charset="utf-8"\n'
    "Content-Transfer-Encoding: quoted-printable\n\n<html><head><title>t</title><style>p {}</style></head><body>"
    "<h1>Fees</h1><table><tr><th>Plan</th><th>Price</th></tr><tr><td><p>Hazel</p></td><td>5 =E2=82=AC</td></tr></table>"
    "<p>End.</p><!-- no --></body></html>\n\n--x--\n"
)


@pytest.mark.parametrize(
    ("target", "content", "expected"),
    [
        ("import.html", "<html><body><h1>Fees</h1><p>Only <b>5</b> euros.</p></body></html>", "Fees\n\nOnly 5 euros."),
        ("import.txt", "Straße".encode("windows-1252"), "Straße"),
        ("import.docx", "", "from another file"),
        ("import.mht", MHT, "Fees\n\nPlan | Price\nHazel | 5 €\n\nEnd."),
        ("import.dat", MHT, "Fees\n\nPlan | Price\nHazel | 5 €\n\nEnd."),
        ("import.rtf", "{\\rtf1 x}", ""),
    ],
)
def test_imported_files(tmp_path, target, content, expected):
    if target == "import.docx":
        content = word(tmp_path / "b.docx", paragraph("from another file")).read_bytes()
    plain = text_of(
        tmp_path,
        paragraph("Before."),
        '<w:altChunk r:id="i1"/>',
        others={f"word/{target}": content},
        related={"i1": ("aFChunk", target)},
    )
    assert plain.text == f"Before.\n\n{expected}".strip()
    assert left_out(plain) == ({} if expected else {"attachment": 1})


def m(text):
    return f"<m:r><m:t>{text}</m:t></m:r>"


def power(base, by):
    return f"<m:sSup><m:e>{m(base)}</m:e><m:sup>{m(by)}</m:sup></m:sSup>"


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        (m("A=π") + power("r", "2"), "A=πr²"),
        (power("x", "n+k"), "x^(n+k)"),
        (f"<m:f><m:num>{m('a+b')}</m:num><m:den>{m('2')}</m:den></m:f>", "(a+b)/2"),
        (f"<m:rad><m:deg/><m:e>{m('x+1')}</m:e></m:rad>", "√(x+1)"),
        (f"<m:rad><m:deg>{m('3')}</m:deg><m:e>{m('x')}</m:e></m:rad>", "∛x"),
        (
            f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{m('i=1')}</m:sub><m:sup>{m('n')}</m:sup>"
            f"<m:e>{m('i')}</m:e></m:nary>",
            "∑_(i=1)ⁿ i",
        ),
        (
            f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr><m:e>{m('a')}</m:e><m:e>{m('b')}</m:e>"
            "</m:d>",
            "[a|b]",
        ),
        (f"<m:func><m:fName>{m('sin')}</m:fName><m:e>{m('x')}</m:e></m:func>", "sin(x)"),
        (
            f"<m:m><m:mr><m:e>{m('1')}</m:e><m:e>{m('2')}</m:e></m:mr><m:mr><m:e>{m('3')}</m:e></m:mr></m:m>",
            "[1, 2; 3]",
        ),
        (f"<m:sSub><m:e>{m('a')}</m:e><m:sub>{m('k')}</m:sub></m:sSub>{m('b')}", "a_k b"),
        (
            f"<m:d><m:e><m:f><m:fPr><m:type m:val='noBar'/></m:fPr><m:num>{m('n')}</m:num><m:den>{m('k')}</m:den></m:f>"
            "</m:e></m:d>",
            "(n choose k)",
        ),
        (f"<m:sSub><m:e>{m('x')}</m:e><m:sub>{m('0')}</m:sub></m:sSub>", "x₀"),
    ],
)
def test_equations_stand_in_one_line(tmp_path, equation, expected):
    inline = paragraph("With ", f"<m:oMath>{equation}</m:oMath>", " we")
    assert text_of(tmp_path, inline).text == f"With {expected} we"
    own = paragraph(f"<m:oMathPara><m:oMath>{equation}</m:oMath><m:oMath>{equation}</m:oMath></m:oMathPara>")
    assert text_of(tmp_path, own).text.split("\n\n") == [expected, expected]
    two = f"<m:oMath>{equation}</m:oMath>" * 2
    assert text_of(tmp_path, paragraph(two)).text == f"{expected} {expected}"


@pytest.mark.parametrize("depth", [50, 400, 2000])
def test_nothing_is_too_deep(tmp_path, depth):
    bodies = {
        "controls": control("", "").replace("</w:sdtContent></w:sdt>", "") * depth
        + paragraph("deepest")
        + "</w:sdtContent></w:sdt>" * depth,
        "insertions": "<w:p>" + "<w:ins>" * depth + run("deepest") + "</w:ins>" * depth + "</w:p>",
        "tables": "<w:tbl><w:tr><w:tc>" * (depth // 4) + paragraph("deepest") + "</w:tc></w:tr></w:tbl>" * (depth // 4),
        "equations": "<w:p>"
        + "<m:oMath><m:e>" * (depth // 2)
        + m("deepest")
        + "</m:e></m:oMath>" * (depth // 2)
        + "</w:p>",
    }
    for kind, body in bodies.items():
        plain, chunks = read(word(tmp_path / f"{kind}.docx", paragraph("first") + body + paragraph("last")))
        kinds = left_out(plain)
        assert not lost(["first"], chunks)
        assert "unreadable part" in kinds or not lost(["deepest", "last"], chunks), kind
