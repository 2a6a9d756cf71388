"""Tables, charts and diagrams on slides."""

import pytest
from _lost import read
from _slide_files import Page, alternatives, body, cell, content, graphic, paragraph, part, slides, table, title

CHART_AT = {"c1": ("chart", "../charts/chart1.xml"), "d1": ("diagramData", "../diagrams/data1.xml")}


def plain_of(path, *shapes, others=None, related=None):
    return read(slides(path / "a.pptx", Page("".join(shapes), related or CHART_AT), others=others))[0]


def text_of(path, *shapes, **more):
    plain = plain_of(path, *shapes, **more)
    return plain.text.removeprefix("Slide 1\n\n")


PRICES = [["Plan", "Price"], ["Hazel", "5 euros"], ["Pebble", "6 euros"]]


def test_a_table_with_its_header(tmp_path):
    plain = plain_of(tmp_path, graphic(table(PRICES)))
    assert plain.text.endswith("Plan | Price\nHazel | 5 euros\nPebble | 6 euros")
    assert plain.contexts[0].text == "Plan | Price"


def test_a_table_has_its_description_and_its_first_row_as_caption(tmp_path):
    rows = [[cell("All prices", 'gridSpan="2"'), cell("", 'hMerge="1"')], *PRICES]
    plain = plain_of(tmp_path, graphic(table(rows), "What our plans cost"))
    assert plain.text.endswith("What our plans cost\nAll prices\nPlan | Price\nHazel | 5 euros\nPebble | 6 euros")
    assert [context.text for context in plain.contexts] == ["What our plans cost All prices", "Plan | Price"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # over two columns and over two rows
        (
            [
                [cell("Plan", 'rowSpan="2"'), cell("Price", 'gridSpan="2"'), cell("", 'hMerge="1"')],
                [cell("", 'vMerge="1"'), "Day", "Month"],
                ["Hazel", "5", "100"],
                ["Pebble", "6", "120"],
            ],
            "Plan | Price | Price\nPlan | Day | Month\nHazel | 5 | 100\nPebble | 6 | 120",
        ),
        (
            [["Plan", "Price"], [cell("Hazel", 'rowSpan="2"'), "5"], [cell("", 'vMerge="1"'), "6"]],
            "Plan | Price\nHazel | 5\nHazel | 6",
        ),
        # over a square, as PowerPoint and as others write it
        (
            [
                ["A", "B", "C"],
                [cell("x", 'gridSpan="2" rowSpan="2"'), cell("", 'hMerge="1"'), "1"],
                [cell("", 'gridSpan="2" vMerge="1"'), cell("", 'hMerge="1" vMerge="1"'), "2"],
            ],
            "A | B | C\nx |  | 1\nx |  | 2",
        ),
        (
            [
                ["A", "B", "C"],
                [cell("x", 'gridSpan="2" rowSpan="2"'), cell("", 'hMerge="1"'), "1"],
                [cell("", 'vMerge="1"'), cell("", 'hMerge="1" vMerge="1"'), "2"],
            ],
            "A | B | C\nx |  | 1\nx |  | 2",
        ),
        # marks of merging without a cell that covers them
        ([["A", "B"], [cell("x", 'vMerge="1"'), cell("y", 'hMerge="1"')]], "A | B\nx | y"),
        ([["A", "B"], [cell("x", 'gridSpan="9999999" rowSpan="9999999"'), cell("", 'hMerge="1"')]], "A | B\nx"),
    ],
)
def test_merged_cells(tmp_path, rows, expected):
    plain = plain_of(tmp_path, graphic(table(rows)))
    assert plain.text.endswith(expected)
    assert not plain.left_out


def test_text_below_a_merged_cell_is_not_shown(tmp_path):
    rows = [["A", "B"], [cell("x", 'gridSpan="2"'), cell("below", 'hMerge="1"')], ["1", "2"]]
    plain = plain_of(tmp_path, graphic(table(rows)))
    assert "below" not in plain.text
    assert [(each.kind, each.count) for each in plain.left_out] == [("hidden text", 1)]


def test_lists_in_cells(tmp_path):
    listed = "".join(paragraph(text, properties='<a:buChar char="•"/>') for text in ("fast", "cheap"))
    assert text_of(tmp_path, graphic(table([["Plan", "Why"], ["Hazel", listed]]))).endswith("Hazel | - fast - cheap")


def test_a_long_table_without_names_of_columns_gives_no_value_a_name(tmp_path):
    rows = [["Hazel", "cheap " * 20, "x"], ["Pebble", "fast " * 45, "y"]]
    named = text_of(tmp_path, graphic(table([["Plan", "Why", "Z"], *rows])))
    assert "Why: cheap" in named
    assert "Hazel: Pebble" not in text_of(tmp_path, graphic(table(rows, 'firstCol="1"')))


# --- charts ---------------------------------------------------------------------------------------


def points(kind, *values, form=""):
    said = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values))
    code = f"<c:formatCode>{form}</c:formatCode>" if form else ""
    return f"<c:{kind}Ref><c:f>Sheet1!A1</c:f><c:{kind}Cache>{code}{said}</c:{kind}Cache></c:{kind}Ref>"


def series(named, names, values, kind=("cat", "val"), form="", more=""):
    return (
        f"<c:ser><c:tx>{points('str', named)}</c:tx><c:{kind[0]}>{points('str', *names)}</c:{kind[0]}>"
        f"<c:{kind[1]}>{points('num', *values, form=form)}</c:{kind[1]}>{more}</c:ser>"
    )


def heading(text):
    return f"<c:title><c:tx><c:rich>{paragraph(text)}</c:rich></c:tx></c:title>"


def chart(inner, axes="", named=None):
    said = heading("Sales") if named is None else named
    return part(
        "c:chartSpace", f"<c:chart>{said}<c:plotArea><c:barChart>{inner}</c:barChart>{axes}</c:plotArea></c:chart>"
    )


TWO = series("North", ["Q1", "Q2"], ["1", "2"]) + series("South", ["Q1", "Q2"], ["0.30000000000000004", "4"])


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (chart(TWO), "Sales\n| North | South\nQ1 | 1 | 0.3\nQ2 | 2 | 4"),
        (
            chart(TWO, f"<c:catAx>{heading('Quarter')}</c:catAx><c:valAx>{heading('Million euros')}</c:valAx>"),
            "Sales\nQuarter | North | South\nQ1 | 1 | 0.3\nQ2 | 2 | 4\n\nMillion euros",
        ),
        (
            chart(TWO, named=f"<c:title><c:tx>{points('str', 'Sales of a cell')}</c:tx></c:title>"),
            "Sales of a cell\n| North | South\nQ1 | 1 | 0.3\nQ2 | 2 | 4",
        ),
        (chart(TWO, named=""), "| North | South\nQ1 | 1 | 0.3\nQ2 | 2 | 4"),
        (chart(series("Share", ["Q1"], ["0.25"], form="0%")), "Sales\n| Share\nQ1 | 25%"),
        (
            chart(
                series("A", ["1", "2"], ["5", "6"], ("xVal", "yVal"))
                + series("B", ["3", "4"], ["7", "8"], ("xVal", "yVal"))
            ),
            "Sales\n| A | B (x) | B\n1 | 5 | 3 | 7\n2 | 6 | 4 | 8",
        ),
        (
            chart(
                series(
                    "A",
                    ["Q1", "Q2"],
                    ["5", "6"],
                    more='<c:dLbls><c:dLbl><c:tx><c:rich><a:p><a:fld type="CELLRANGE">'
                    "<a:t>[CELLRANGE]</a:t></a:fld></a:p>"
                    "</c:rich></c:tx></c:dLbl></c:dLbls><c:extLst><c:ext><c15:datalabelsRange><c15:dlblRangeCache>"
                    '<c:pt idx="0"><c:v>Ada</c:v></c:pt></c15:dlblRangeCache></c15:datalabelsRange></c:ext></c:extLst>',
                )
            ),
            "Sales\n| A | A\nQ1 | 5 | Ada\nQ2 | 6",
        ),
        (part("c:chartSpace", f"<c:chart>{heading('Empty')}</c:chart>"), "Empty"),
    ],
)
def test_charts(tmp_path, xml, expected):
    others = {"ppt/charts/chart1.xml": xml}
    assert text_of(tmp_path, graphic('<c:chart r:id="c1"/>'), others=others) == expected


NEWER = part(
    "cx:chartSpace",
    '<cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl><cx:pt idx="0">Start</cx:pt><cx:pt idx="1">End</cx:pt>'
    '</cx:lvl></cx:strDim><cx:numDim type="val"><cx:lvl formatCode="General"><cx:pt idx="0">5</cx:pt><cx:pt idx="1">7'
    "</cx:pt></cx:lvl></cx:numDim></cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>Waterfall</cx:v>"
    f"</cx:txData>{body('Waterfall', kind='cx:rich')}</cx:tx></cx:title><cx:plotArea><cx:plotAreaRegion><cx:series "
    'layoutId="waterfall"><cx:tx><cx:txData><cx:f>A1</cx:f><cx:v>Cash</cx:v></cx:txData></cx:tx><cx:dataId val="0"/>'
    "</cx:series></cx:plotAreaRegion></cx:plotArea></cx:chart>",
)


def test_a_chart_of_the_newer_kind(tmp_path):
    frame = alternatives(graphic('<cx:chart r:id="c1"/>'), content("This chart is not available."))
    related = {"c1": ("chartEx", "../charts/chartEx1.xml")}
    text = text_of(tmp_path, frame, others={"ppt/charts/chartEx1.xml": NEWER}, related=related)
    assert text == "Waterfall\n| Cash\nStart | 5\nEnd | 7"


def test_what_is_written_onto_a_chart_and_what_describes_it(tmp_path):
    drawing = part("c:userShapes", f"<x>{body('A note on the chart')}</x>")
    named = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="u" '
        'Type="http://x/chartUserShapes" Target="../drawings/drawing1.xml"/></Relationships>'
    )
    others = {
        "ppt/charts/chart1.xml": chart(TWO),
        "ppt/charts/_rels/chart1.xml.rels": named,
        "ppt/drawings/drawing1.xml": drawing,
    }
    text = text_of(tmp_path, graphic('<c:chart r:id="c1"/>', "Sales rise in both"), others=others)
    assert text.startswith("[Image: Sales rise in both]\n\nSales\n")
    assert text.endswith("Q2 | 2 | 4\n\nA note on the chart")


@pytest.mark.parametrize("inner", ['<c:chart r:id="gone"/>', '<dgm:relIds r:dm="gone"/>', "<c:chart/>"])
def test_a_drawing_that_is_missing_is_counted(tmp_path, inner):
    plain = plain_of(tmp_path, title("One"), graphic(inner))
    assert [(each.kind, each.count) for each in plain.left_out] == [("unreadable part", 1)]


# --- diagrams -------------------------------------------------------------------------------------


def diagram(tree, *points):
    """`tree` has (above, order, below) and `points` (id, type, text)."""
    said = "".join(
        f'<dgm:pt modelId="{key}" type="{kind}">{body(text, kind="dgm:t") if text else ""}</dgm:pt>'
        for key, kind, text in points
    )
    joined = "".join(
        f'<dgm:cxn modelId="c{at}" srcId="{above}" srcOrd="{order}" destId="{below}" destOrd="0"/>'
        for at, (above, order, below) in enumerate(tree)
    )
    return part("dgm:dataModel", f"<dgm:ptLst>{said}</dgm:ptLst><dgm:cxnLst>{joined}</dgm:cxnLst>")


NODES = [
    ("0", "doc", ""),
    ("2", "node", "Pay"),
    ("1", "node", "Order"),
    ("3", "asst", "Call"),
    ("4", "sibTrans", "then"),
]


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (diagram([("0", 1, "2"), ("0", 0, "1"), ("1", 0, "3")], *NODES), "- Order\n  - Call\n- Pay\n- then"),
        (diagram([("0", 0, "1"), ("1", 0, "0"), ("1", 1, "1")], *NODES), "- Order\n- Pay\n- Call\n- then"),
        (diagram([], *NODES), "- Pay\n- Order\n- Call\n- then"),
    ],
)
def test_diagrams_in_the_order_of_their_tree(tmp_path, xml, expected):
    others = {"ppt/diagrams/data1.xml": xml}
    assert text_of(tmp_path, graphic('<dgm:relIds r:dm="d1" r:lo="x"/>'), others=others) == expected
