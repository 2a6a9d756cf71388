"""What people see on slides is their text, in order, once; what they do not see is counted."""

import pytest
from _lost import lost, read
from _slide_files import (
    MODERN,
    Page,
    alternatives,
    body,
    content,
    graphic,
    group,
    paragraph,
    part,
    picture,
    run,
    shape,
    slides,
    title,
)
from _word_files import relations

from groundtune.knowledge import readers

BULLET, NONE = '<a:buChar char="•"/>', "<a:buNone/>"


def plain_of(path, *pages, **more):
    return read(slides(path / "a.pptx", *pages, **more))[0]


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


def numbered(scheme, text, level=0, start=""):
    first = f'startAt="{start}"' if start else ""
    return paragraph(text, level=level, properties=f'<a:buAutoNum type="{scheme}" {first}/>')


# --- slides ---------------------------------------------------------------------------------------


def test_each_slide_is_under_its_title_and_on_its_page(tmp_path):
    plain, chunks = read(
        slides(tmp_path / "a.pptx", title("Prices", "ctrTitle") + content("Hazel"), content("Pebble"), title("End"))
    )
    assert plain.text == "Prices\n\n- Hazel\n\nSlide 2\n\n- Pebble\n\nEnd"
    assert [(heading.title, heading.level) for heading in plain.headings] == [("Prices", 1), ("Slide 2", 1), ("End", 1)]
    assert [(place.page, plain.text[place.start : place.end].split()[-1]) for place in plain.segments] == [
        (1, "Hazel"),
        (2, "Pebble"),
        (3, "End"),
    ]
    assert plain.title == "Prices"
    assert [(chunk.place.page, chunk.heading) for chunk in chunks][1] == (2, "Prices > Slide 2")


def test_slides_come_in_the_order_of_the_presentation(tmp_path):
    order = '<p:sldIdLst><p:sldId id="9" r:id="s1"/><p:sldId id="8" r:id="s0"/></p:sldIdLst>'
    main = part("p:presentation", order)
    plain = plain_of(tmp_path, title("file 1"), title("file 2"), others={"ppt/presentation.xml": main})
    assert plain.text == "file 2\n\nfile 1"


def test_a_presentation_whose_first_slide_has_no_title_is_called_as_its_file(tmp_path):
    assert read(slides(tmp_path / "road_map.pptx", shape("x"), title("Later")))[0].title == "road map"


def test_a_title_that_is_a_text_is_no_heading(tmp_path):
    long = "We promise " + "much " * 60
    plain = plain_of(tmp_path, title(long))
    assert [heading.title for heading in plain.headings] == ["Slide 1"]
    assert "We promise much" in plain.text


def test_a_title_on_several_lines_and_a_second_title(tmp_path):
    plain = plain_of(tmp_path, shape(paragraph("Big", "<a:br/>", "plans"), place='<p:ph type="title"/>') + title("Two"))
    assert plain.text == "Big plans\n\nTwo"


def test_sections_are_headings_above_their_slides(tmp_path):
    def section(named, *numbers):
        inner = "".join(f'<p14:sldId id="{number}"/>' for number in numbers)
        return f'<p14:section name="{named}"><p14:sldIdLst>{inner}</p14:sldIdLst></p14:section>'

    main = "<p:extLst><p:ext><p14:sectionLst>{}</p14:sectionLst></p:ext></p:extLst>"
    named = main.format(section("Default Section", 256) + section("Prices", 257, 258))
    plain = plain_of(tmp_path, title("Start"), title("Hazel"), title("Pebble"), main=named)
    assert [(heading.title, heading.level) for heading in plain.headings] == [
        ("Start", 2),
        ("Prices", 1),
        ("Hazel", 2),
        ("Pebble", 2),
    ]
    assert [place.page for place in plain.segments] == [1, 2, 3]
    assert plain.text[plain.segments[1].start :].startswith("Prices\n\nHazel")
    assert plain.title == "Start"
    hidden = Page(title("Hazel"), attributes='show="0"')
    plain = plain_of(tmp_path, title("Start"), hidden, title("Pebble"), main=named)
    assert [heading.title for heading in plain.headings] == ["Start", "Prices", "Pebble"]


def test_a_hidden_slide_is_left_out_and_named(tmp_path):
    plain = plain_of(tmp_path, title("One"), Page(title("Two"), attributes='show="0"'), title("Three"))
    assert plain.text == "One\n\nThree"
    assert [place.page for place in plain.segments] == [1, 3]
    (hidden,) = plain.left_out
    assert (hidden.kind, hidden.count) == ("hidden text", 1)
    assert hidden.reason.endswith("slide 2 is hidden")


def test_a_slide_with_nothing_but_pictures_needs_ocr(tmp_path):
    plain = plain_of(tmp_path, title("One"), picture(), "", title("Four"))
    assert plain.text == "One\n\nFour"
    assert [place.page for place in plain.segments] == [1, 4]
    assert left_out(plain) == {"image": 1, "page without text": 1}
    assert "slide 2" in next(each.reason for each in plain.left_out if each.kind == "page without text")


def test_what_stands_on_masters_and_layouts_is_not_text_of_a_slide(tmp_path):
    plain = plain_of(tmp_path, title("One") + content() + shape(place='<p:ph idx="2"/>'))
    assert plain.text == "One"
    assert left_out(plain) == {}
    logo = part("p:sldMaster", f"<p:cSld><p:spTree>{shape('Acme, confidential')}</p:spTree></p:cSld>")
    plain = plain_of(tmp_path, title("One"), title("Two"), others={"ppt/slideMasters/slideMaster1.xml": logo})
    assert plain.text == "One\n\nTwo"
    assert left_out(plain) == {"running head": 1}


# --- running heads --------------------------------------------------------------------------------

NUMBER = shape(paragraph('<a:fld type="slidenum"><a:t>7</a:t></a:fld>'), place='<p:ph type="sldNum" idx="12"/>')


def footer(text, kind="ftr"):
    return shape(text, place=f'<p:ph type="{kind}" idx="11"/>')


def test_footers_dates_and_numbers_that_repeat_are_running_heads(tmp_path):
    pages = [title(name) + footer("Acme 2024") + footer("May", "dt") + NUMBER for name in ("One", "Two")]
    plain = plain_of(tmp_path, *pages)
    assert plain.text == "One\n\nTwo"
    assert left_out(plain) == {"running head": 6}


def test_a_footer_on_one_slide_alone_is_text_of_it(tmp_path):
    plain = plain_of(tmp_path, title("One") + footer("Source: Eurostat") + NUMBER, title("Two") + NUMBER)
    assert plain.text == "One\n\nSource: Eurostat\n\nTwo"
    assert left_out(plain) == {"running head": 2}


@pytest.mark.parametrize(
    ("kind", "expected", "counted"),
    [("slidenum", "on page , see", 1), ("datetime1", "on page , see", 1), ("footer", "on page 7, see", 0)],
)
def test_fields(tmp_path, kind, expected, counted):
    field = f'<a:fld id="x" type="{kind}"><a:rPr/><a:pPr/><a:t>7</a:t></a:fld>'
    plain = plain_of(tmp_path, shape(paragraph("on page ", field, ", see")))
    assert expected in plain.text
    assert left_out(plain).get("running head", 0) == counted


# --- text of shapes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (shape("in a box"), "in a box"),
        (shape("one", "two"), "one\ntwo"),
        (shape("one", "<a:p/>", "two"), "one\n\ntwo"),
        (shape("x " * 101, "two"), f"{'x ' * 100}x\n\ntwo"),
        (shape(paragraph("one ", run("word", "<a:hlinkClick r:id='x'/>"))), "one word"),
        (shape(paragraph("one", "<a:br/>", "two")), "one\ntwo"),
        (f"<p:cxnSp><p:nvCxnSpPr/><p:spPr/>{body('on a line')}</p:cxnSp>", "on a line"),
        (group(shape("in a group"), group(shape("in another"))), "in a group\n\nin another"),
        (f"<p:unknown>{shape('in what is not known')}</p:unknown>", "in what is not known"),
        (shape(paragraph(run("&#xF0FC;", '<a:sym typeface="Wingdings"/>'), " done")), "✓ done"),
        (shape(paragraph("soft\u00adhyphen")), "softhyphen"),
        (shape(paragraph(run("WordArt", "<a:ln/>"))), "WordArt"),
        (f"<p:sp>{body('without properties')}</p:sp>", "without properties"),
    ],
)
def test_shapes(tmp_path, shapes, expected):
    plain, chunks = read(slides(tmp_path / "a.pptx", shapes))
    assert plain.text == f"Slide 1\n\n{expected}"
    assert not lost(plain.text.split(), chunks)


EQUATION = (
    "<m:oMathPara><m:oMath><m:f><m:num><m:r><a:rPr/><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den>"
    "</m:f></m:oMath></m:oMathPara>"
)


@pytest.mark.parametrize(
    "shapes",
    [
        shape(paragraph("It is ", f"<a14:m>{EQUATION}</a14:m>")),
        shape(paragraph("It is ", alternatives(f"<a14:m>{EQUATION}</a14:m>", run("no math")))),
        alternatives(shape(paragraph("It is ", f"<a14:m>{EQUATION}</a14:m>")), shape("\u00a0")),
    ],
)
def test_equations(tmp_path, shapes):
    assert plain_of(tmp_path, shapes).text == "Slide 1\n\nIt is a/b"


def test_of_alternatives_one_is_read(tmp_path):
    assert plain_of(tmp_path, alternatives(shape("new"), shape("old"))).text == "Slide 1\n\nnew"
    assert plain_of(tmp_path, alternatives("<p14:contentPart/>", shape("old"))).text == "Slide 1\n\nold"


def test_control_characters_as_python_pptx_writes_them(tmp_path):
    plain = plain_of(tmp_path, shape("one_x000B_ two"))
    assert plain.text.endswith("one two")
    assert left_out(plain) == {"control character": 1}


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (content("one", paragraph("two", level=1), "three"), "- one\n  - two\n- three"),
        (content(paragraph("plain", properties=NONE), "item"), "plain\n- item"),
        (shape("a", paragraph("b", properties=BULLET)), "a\n- b"),
        (shape("sub", place='<p:ph type="subTitle" idx="4"/>'), "sub"),
        (shape("own", place='<p:ph idx="1"/>', styles=f"<a:lvl1pPr>{NONE}</a:lvl1pPr>"), "own"),
        (shape(paragraph("deep", level=3), paragraph("deeper", level=4)), "deep\n  deeper"),
        (content(paragraph("x" * 9, level=12)), "- " + "x" * 9),
        (content(paragraph("x", "<a:br/>", "y")), "- x\ny"),
    ],
)
def test_levels_and_bullets_are_those_that_a_shape_inherits(tmp_path, shapes, expected):
    assert plain_of(tmp_path, shapes).text == f"Slide 1\n\n{expected}"


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("arabicPeriod", "1. 2."),
        ("arabicParenR", "1) 2)"),
        ("arabicParenBoth", "(1) (2)"),
        ("arabicPlain", "1 2"),
        ("alphaLcPeriod", "a. b."),
        ("alphaUcParenR", "A) B)"),
        ("romanUcPeriod", "I. II."),
        ("romanLcParenBoth", "(i) (ii)"),
        ("circleNumDbPlain", "1 2"),
        ("ea1JpnKorPeriod", "1. 2."),
        ("", "1. 2."),
    ],
)
def test_schemes_of_numbers(tmp_path, scheme, expected):
    lines = plain_of(tmp_path, shape(numbered(scheme, "x"), numbered(scheme, "y"))).text.split("\n")[-2:]
    assert " ".join(line.split()[0] for line in lines) == expected


def test_numbers_go_on_until_something_stands_between(tmp_path):
    one = "arabicPeriod"
    texts = [
        numbered(one, "first"),
        numbered("alphaLcPeriod", "below", 1),
        numbered(one, "second"),
        "<a:p/>",
        numbered(one, "third"),
        "between",
        numbered(one, "anew"),
        numbered("alphaLcPeriod", "below anew", 1),
        numbered(one, "from seven", 0, "7"),
        numbered(one, "eight", 0, "7"),
    ]
    marks = [line.split()[0] for line in plain_of(tmp_path, shape(*texts)).text.split("\n")[2:] if line]
    assert marks == ["1.", "a.", "2.", "3.", "between", "1.", "a.", "7.", "8."]


# --- notes and comments ---------------------------------------------------------------------------

NOTE = shape(place='<p:ph type="sldImg"/>') + shape("Say hello.", "Smile.", place='<p:ph type="body" idx="1"/>')


def test_notes_are_marked(tmp_path):
    plain, chunks = read(slides(tmp_path / "a.pptx", Page(title("One"), notes=NOTE + NUMBER), title("Two")))
    assert plain.text == "One\n\nSpeaker notes: Say hello.\nSmile.\n\nTwo"
    assert left_out(plain) == {"running head": 1}
    long = shape(*(f"Sentence number {at} is said." for at in range(90)), place='<p:ph type="body" idx="1"/>')
    plain, chunks = read(slides(tmp_path / "b.pptx", Page(title("One"), notes=long)), chunk_size=400, chunk_overlap=0)
    assert all(chunk.heading.endswith("Speaker notes") for chunk in chunks[1:])
    assert len(chunks) > 3


def test_a_slide_may_have_nothing_but_notes(tmp_path):
    plain = plain_of(tmp_path, title("One"), Page(picture(), notes=NOTE))
    assert plain.text == "One\n\nSlide 2\n\nSpeaker notes: Say hello.\nSmile."
    assert left_out(plain) == {"image": 1}


CLASSIC = part(
    "p:cmLst",
    '<p:cm authorId="0" idx="1"><p:pos x="1" y="1"/><p:text>Is this so?</p:text></p:cm><p:cm authorId="9" idx="2">'
    "<p:text>It is.</p:text><p:extLst><p:ext><p15:threadingInfo><p15:parentCm/></p15:threadingInfo></p:ext></p:extLst>"
    "</p:cm>",
)
NEWER = part(
    "p188:cmLst",
    f'<p188:cm id="{{C}}" authorId="{{1}}"><p188:replyLst><p188:reply authorId="{{2}}">'
    f"{body('It is.', kind='p188:txBody')}</p188:reply></p188:replyLst>"
    f"{body('Is this so?', kind='p188:txBody')}</p188:cm>",
)


@pytest.mark.parametrize("comments", [CLASSIC, NEWER], ids=["classic", "with replies"])
def test_comments_are_counted(tmp_path, comments):
    slide = Page(title("One"), {"c": ("comments", "../comments/comment1.xml")})
    plain = plain_of(tmp_path, slide, others={"ppt/comments/comment1.xml": comments})
    assert (plain.text, left_out(plain)) == ("One", {"comment": 2})


def test_comments_of_the_newer_kind_are_found(tmp_path):
    modern = relations({"c": ("comments", "../comments/modernComment_1.xml")}, MODERN)
    others = {"ppt/comments/modernComment_1.xml": NEWER, "ppt/slides/_rels/slide1.xml.rels": modern}
    plain = plain_of(tmp_path, title("One"), others=others)
    assert (plain.text, left_out(plain)) == ("One", {"comment": 2})


# --- what is not read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shapes", "expected", "counted"),
    [
        (picture("A red kettle on a table"), "[Image: A red kettle on a table]", {"image": 1}),
        (picture("logo.png"), "", {"image": 1}),
        (picture("A duck AI-generated content may be incorrect."), "", {"image": 1}),
        (picture(inner='<a:videoFile r:link="x"/>'), "", {"media": 1}),
        (picture(inner='<p:extLst><p:ext><p14:media r:embed="x"/></p:ext></p:extLst>'), "", {"media": 1}),
        (group(picture(), picture()), "", {"image": 2}),
        (shape("gone", named='hidden="1"'), "", {"hidden text": 1}),
        (group(shape("gone")).replace('id="9"', 'id="9" hidden="true"'), "", {"hidden text": 1}),
        (graphic('<p:oleObj progId="Excel.Sheet.12" r:id="x"><p:embed/></p:oleObj>'), "", {"attachment": 1}),
        (
            graphic(alternatives('<p:oleObj spid="1" r:id="x"/>', f'<p:oleObj r:id="x">{picture()}</p:oleObj>')),
            "",
            {"attachment": 1},
        ),
        (graphic("<p:unknown/>"), "", {"image": 1}),
        (alternatives("<p14:contentPart/>", picture()), "", {"image": 1}),
        (shape(named='descr="An arrow from left to right"'), "[Image: An arrow from left to right]", {}),
        (shape("text", named='descr="A box with a text"'), "text", {}),
        (shape().replace("</p:spPr>", '<a:blipFill><a:blip r:embed="x"/></a:blipFill></p:spPr>'), "", {"image": 1}),
    ],
)
def test_what_is_left_out_is_counted(tmp_path, shapes, expected, counted):
    plain = plain_of(tmp_path, title("One") + shapes)
    assert plain.text == f"One\n\n{expected}".strip()
    assert left_out(plain) == counted


def test_embedded_objects_are_named(tmp_path):
    plain = plain_of(tmp_path, title("One") + graphic('<p:oleObj progId="Excel.Sheet.12" r:id="x"/>'))
    assert "Excel.Sheet.12" in plain.left_out[0].reason


def test_animations_controls_and_backgrounds(tmp_path):
    timing = '<p:timing><p:par><p:cTn id="1" nodeType="tmRoot"><p:cTn presetID="1" presetClass="entr"/><p:cTn '
    timing += 'presetClass="mediacall"/></p:cTn></p:par></p:timing>'
    controls = "<p:controls><p:control r:id='x'/></p:controls>"
    page = Page(title("One"), around='<p:bg><p:bgPr><a:blipFill><a:blip r:embed="x"/></a:blipFill></p:bgPr></p:bg>')
    page.after = timing
    path = slides(tmp_path / "a.pptx", page)
    assert left_out(read(path)[0]) == {"image": 1, "markup": 1}
    page.around, page.shapes = "", f"{title('One')}"
    inner = part("p:sld", f"<p:cSld><p:spTree>{page.shapes}</p:spTree>{controls}</p:cSld>")
    plain = plain_of(tmp_path, page, others={"ppt/slides/slide1.xml": inner})
    assert left_out(plain) == {"form control": 1}


def test_properties_become_metadata(tmp_path):
    core = (
        '<cp:coreProperties xmlns:cp="x" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>T</dc:title>'
        "<dc:creator>Ada</dc:creator><dc:subject> </dc:subject></cp:coreProperties>"
    )
    package = relations({"m": ("officeDocument", "ppt/presentation.xml"), "c": ("core-properties", "core.xml")})
    plain = readers.read(slides(tmp_path / "a.pptx", title("One"), others={"core.xml": core, "_rels/.rels": package}))
    assert plain.metadata == {"title": "T", "author": "Ada"}
