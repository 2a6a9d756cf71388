"""What is read of web pages, and what is left out; tables have tests of their own, as have encodings."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from _lost import lost
from _lost import read as chunked
from _timing import linear
from _web_pages import PAGES, standing

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.values import Heading, PlainText


def read(folder: Path, page: str) -> PlainText:
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    return readers.read(path)


def left_out(plain: PlainText) -> dict[str, int]:
    return {each.kind: each.count for each in plain.left_out}


def test_what_a_page_says(tmp_path):
    page = """<html><head><title>Hazel | Tirvane</title><style>p {}</style></head><body>
    <header><a>Logo</a></header><nav>Home</nav>
    <main><h1>Hazel <small>new</small></h1><!-- remark --><p>Costs <b>9.90</b>
    euros.<br>Every month.</p><ul><li>5 GB</li><li>with <i>eSIM</i><ul><li>or two</li></ul></li></ul>
    <table><tr><th>Data</th><th>Price</th></tr><tr><td>1 GB</td><td>2.00
    euros</td></tr></table><script>x()</script><p hidden>in a tab</p>bare text<aside>Note</aside>
    <pre>a
      b</pre></main><footer>Imprint</footer></body></html>"""
    plain = read(tmp_path, page)
    assert plain.text == (
        "Logo\n\nHazel new\n\nCosts 9.90 euros.\nEvery month.\n\n- 5 GB\n- with eSIM\n- or two\n\n"
        "Data | Price\n1 GB | 2.00 euros\n\nin a tab\n\nbare text\n\nNote\n\na\n      b"
    )
    assert plain.title == "Hazel new"
    assert plain.headings == (Heading(6, 1, "Hazel new"),)
    assert left_out(plain) == {"navigation": 2, "script": 2, "comment": 1}


def test_titled_by_its_head_or_name(tmp_path):
    assert read(tmp_path, "<title> My\npage </title><p>x</p>").title == "My page"
    assert read(tmp_path, "<p>x</p>").title == "page"


# --- nothing goes with its container --------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<h2><button>What is it?</button></h2><div>A plan.</div>", "What is it?\n\nA plan."),
        ("<button><span>Why</span> now?</button><div hidden><p>Because.</p></div>", "Why now?\n\nBecause."),
        ("<button><h3>How?</h3></button><p>So.</p>", "How?\n\nSo."),
        ("<p>Press <button>Save</button>, then <button>Close</button>.</p>", "Press Save, then Close."),
        ("<form><h1>Plans</h1><p>All of them.</p></form>", "Plans\n\nAll of them."),
        ("<form><table><tr><td>a<td>b</table><p>c</form>", "a | b\n\nc"),
        ("<body><form><div><form><p>x</p></form></div>y</form>", "x\n\ny"),
        ("<div role=tabpanel hidden>one</div><div role=tabpanel hidden>two</div>", "one\n\ntwo"),
        ("<p aria-hidden=true>seen</p><p hidden=until-found>found</p>", "seen\n\nfound"),
        ('<div style="display:none">panel</div><p style="visibility: hidden">p</p>', "panel\n\np"),
        ("<p>before</p><article><p>in</p></article><p>behind</p>", "before\n\nin\n\nbehind"),
        ("<div>above</div><main><p>in</p></main><aside>beside</aside>", "above\n\nin\n\nbeside"),
        ("<section>a</section><div role=main>b</div><header>c</header>", "a\n\nb\n\nc"),
        ("<dialog><p>rules</p></dialog><details><summary>q</summary>a</details>", "rules\n\nq\n\na"),
        ("<fieldset><legend>Pick</legend><label>one</label></fieldset>", "Pick\n\none"),
        ("<iframe srcdoc='&lt;p&gt;in it&lt;/p&gt;'></iframe><iframe>else <b>this</b></iframe>", "in it\n\nelse this"),
        ("<object><p>a</object><video>b</video><canvas>c</canvas>", "a\n\nb\n\nc"),
        ("<frameset><frame src=a><noframes><body><p>frames</body></noframes></frameset>", "frames"),
        ("<x-tab><template shadowrootmode=open><h2>S</h2></template>light</x-tab>", "S\n\nlight"),
        (
            "<figure><img src=data:image/png;base64,AAAA alt='A map'><figcaption>Fig.</figcaption></figure>",
            "A map\n\nFig.",
        ),
        ("<article><p>a</p><footer>by Ida</footer></article>", "a\n\nby Ida"),
    ],
)
def test_content_stays_in_any_container(tmp_path, page, text):
    assert read(tmp_path, page).text == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>a</p></body></html><p>b</p>", "a\n\nb"),
        ("<body>a</body><body><p>b</body>c", "a\n\nbc"),
        ("text<P>A<P>B<UL><LI>c<LI>d</UL>", "text\n\nA\n\nB\n\n- c\n- d"),
        ("<nav><div>menu</nav>content", "content"),
        ("<title/><script src=x /><p>a<div/>b", "a\n\nb"),
        (
            '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">'
            '<head><title/></head><body><p>a<i/>b</p></body></html>',
            "ab",
        ),
        ("<p>a<![CDATA[ 1 < 2 & 3 ]]>b", "a 1 < 2 & 3 b"),
        ("<p>a<!--[if mso]>m<![endif]--><![if !mso]>b<![endif]></p>", "ab"),
        ("<p class=MsoNormal>a<o:p></o:p></p><o:p>b</o:p>", "a\n\nb"),
        ("<p><ix:nonFraction name=x>1,234</ix:nonFraction> euros<ix:continuation>!</ix:continuation>", "1,234 euros!"),
        ("<p>a\0b</p>", "a b"),
    ],
)  # fmt: skip
def test_the_page_is_taken_as_browsers_take_it(tmp_path, page, text):
    assert read(tmp_path, page).text == text


@pytest.mark.parametrize(
    "tag", ["div", "span", "b", "blockquote", "ul><li", "table><tr><td", "button", "section", "dl><dd"]
)
@pytest.mark.parametrize("depth", [250, 5000])
def test_depth_costs_nothing(tmp_path, tag, depth):
    path = tmp_path / "page.html"
    path.write_text("".join(f"<{tag}>w{number}x " for number in range(depth)) + "end")
    start = time.perf_counter()
    plain = readers.read(path)
    assert set(plain.text.replace("- ", "").replace("|", "").split()) == {
        *(f"w{number}x" for number in range(depth)),
        "end",
    }
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize(
    "piece",
    [
        "<p>A <b>word</b> and <a href='#x'>more</a>.</p>",
        "<li>item<br>",
        "<![CDATA[",
        "<table><tr><td>a<td>b</table>",
        "<nav><a>m</a></nav><footer>f</footer>",
    ],
)  # fmt: skip
def test_time_is_linear(tmp_path, piece):
    assert linear(lambda pieces: read(tmp_path, "<p>x</p>" + piece * pieces), 4_000, 16_000)


# --- lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("€<span>12</span><span>.99</span>", "€12.99"),
        ("un<b>believ</b>able<em>!</em>", "unbelievable!"),
        ("<h2>Wi<span>-</span>Fi</h2>", "Wi-Fi"),
        ("Ver&shy;trag<wbr>s&#8203;lauf\u2060zeit", "Vertragslaufzeit"),
        ("a&nbsp;b\n  c\t<i> d</i>", "a b c d"),
        ("<span>a</span><div>b</div><span>c</span>", "a\n\nb\n\nc"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a<br><br>b<br> <br>&nbsp;<br>c", "a\n\nb\n\nc"),
        ("<span style='display: block'>a</span><span style='display:block'>b</span>", "a\n\nb"),
        ("<label>Name</label><label>Street</label><button>Go</button>", "Name Street Go"),
        ("x<span class=sr-only>hidden</span>y", "x hidden y"),
        ("H<sub>2</sub>O, m<sup>2</sup>, 5<sup>th</sup>", "H2O, m2, 5th"),
        ("10<sup>6</sup>, 10<sup>-3</sup>, €12.99<sup>1</sup>", "10⁶, 10⁻³, €12.99¹"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt>字<rt>ji</rt></ruby>", "漢字 (kanji)"),
        ("<pre>a <b>b</b>\n\n  c<br>d</pre>", "a b\n\n  c\nd"),
        ("<pre><code><span>if</span> x:\n    y</code></pre>z", "if x:\n    y\n\nz"),
        ("<textarea>one\n  two</textarea>", "one\n  two"),
        ("<dl><dt>a<dd>b<dd>c<dt>d<dd>e</dl>", "a\nb\nc\nd\ne"),
        ("<ol start=3><li>a<li>b<ul><li>c</ul><li value=9>d</ol>", "3. a\n4. b\n- c\n9. d"),
        ("<ul><li><p>a</p><p>b</p></li><li>c</li></ul>", "- a\nb\n- c"),
        ("<p>x<img alt='Alt text'>y<img alt=''>z</p>", "x Alt text yz"),
        ("<map><area alt=Here></map><input type=submit value=Send><input type=image alt=Go>", "Here Send Go"),
        ("<svg><text>Stage</text><text>2</text></svg>", "Stage 2"),
    ],
)
def test_lines_are_those_of_the_screen(tmp_path, page, text):
    assert read(tmp_path, page).text == text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<math><mi>x</mi><mo>=</mo><mn>5</mn></math>", "x = 5"),
        ("<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac></math>", "(a + b)/c"),
        ("<math><semantics><msup><mi>x</mi><mn>2</mn></msup><annotation>x^{2}</annotation></semantics></math>", "x^2"),
        ("<math><msqrt><mi>n</mi></msqrt><msub><mi>a</mi><mi>i</mi></msub></math>", "√na_i"),
        ("<span><span class=katex-mathml><math><mi>q</mi></math></span><span class=katex-html>q</span></span>", "q"),
    ],
)
def test_formulas_are_said_once(tmp_path, formula, text):
    assert read(tmp_path, f"<p>{formula}</p>").text == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<a href='https://a.example/x'>our shop</a>", "our shop"),
        ("<a href='mailto:help@a.example?subject=x'>Write to us</a>.", "Write to us (help@a.example)."),
        ("<a href='mailto:help@a.example'>help@a.example</a>", "help@a.example"),
        ("<a href='tel:+43-1-23'>Call</a> or <a href='tel:+43123'>+43 1 23</a>", "Call (+43-1-23) or +43 1 23"),
    ],
)
def test_links_are_their_text_and_who_can_be_reached(tmp_path, page, text):
    assert read(tmp_path, page).text == text


# --- headings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        ("<h1>A</h1>x<h3>B <i>c</i></h3>y", [(1, "A"), (3, "B c")]),
        ("<div role=heading aria-level=4>A</div>x<p role=heading>B</p>", [(4, "A"), (2, "B")]),
        ("<h2><img alt=Logo></h2>x<h2> </h2>y", [(2, "Logo")]),
        ("<ul><li><h3>A</h3>x</ul>", [(3, "A")]),
        ("<table><tr><th><h3>A</h3><th>B<tr><td><h4>C</h4><td>D</table>", []),
        (f"<h1>Short<p>{'A long text that follows. ' * 20}", [(1, "Short")]),
        ("<h1>T<table><tr><td>a<td>b<tr><td>c<td>d</table></h1>", [(1, "T")]),
    ],
)
def test_headings_stand_where_they_say(tmp_path, page, headings):
    plain = read(tmp_path, page)
    assert [(heading.level, heading.title) for heading in plain.headings] == headings
    for heading in plain.headings:
        assert plain.text[heading.offset :].split("\n", 1)[0] == heading.title


# --- what is left out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("<p>x</p><del>gone</del><ins>new</ins>", {"deleted text": 1}),
        ("<p>x <s>gone</s> <strike>gone</strike></p>", {"deleted text": 2}),
        ("<p>x</p><del><p>gone</p><ul><li>gone</ul></del>", {"deleted text": 1}),
        ("<p>x <span style='text-decoration: line-through'>gone</span>", {"deleted text": 1}),
        (
            "<p>x</p><nav>gone</nav><div role=navigation><a>gone</a></div>"
            "<div role=menu><button>gone</button></div>",
            {"navigation": 3},
        ),
        ("<p>x</p><footer>gone</footer><div role=contentinfo>gone</div>", {"navigation": 2}),
        ("<a href='#c'>Skip to content</a><p>x</p><ol class=breadcrumb><li>gone</ol>", {"navigation": 2}),
        (
            "<h1>x<a href='#x'>¶</a></h1><h2>y <span class=mw-editsection>["
            "<a>edit gone</a>]</span></h2>",
            {"navigation": 2},
        ),
        ("<p>x<select><option>gone</select><datalist><option>gone</datalist>", {"form control": 2}),
        (
            "<p>x<input value=gone><input type=hidden value=gone>"
            "<input type=checkbox value=gone><input>",
            {"form control": 2},
        ),
        ("<p>x<script>gone</script><style>gone</style><noscript>gone</noscript>", {"script": 3}),
        ("<p>x<template><p>gone</template>", {"script": 1}),
        ("<p>x<img src=a><svg><title>gone</title></svg><i class=material-icons>gone</i>", {"image": 3}),
        ("<p>x<!-- gone --><!-- gone -->", {"comment": 2}),
        ("<p>x<div style='display:none'><ix:header>gone</ix:header></div>", {"hidden text": 1}),
    ],
)  # fmt: skip
def test_what_is_left_out_is_counted(tmp_path, page, kinds):
    plain = read(tmp_path, page)
    assert left_out(plain) == kinds
    assert "x" in plain.text
    assert "gone" not in plain.text
    assert ("new" in plain.text) == ("<ins>" in page)


@pytest.mark.parametrize(
    "page",
    [
        "<nav><ul><li><a href=a>only</a></ul></nav>",
        "<footer><p>only</p></footer>",
        "<noscript><p>only</p></noscript>",
        "<template><p>only</p></template>",
        f"<p>x</p><nav><a href=a>menu</a><p>{'only prose ' * 40}</p>",
        "<div role=menu><p>only</p></div>",
        "<nav><h1>only</h1></nav>",
    ],
)
def test_a_page_of_nothing_else_is_read(tmp_path, page):
    assert "only" in read(tmp_path, page).text


@pytest.mark.parametrize("page", ["<script>x</script>", "<select><option>x</select>", "<p> </p><del>x</del>"])
def test_a_page_without_text_is_refused_and_says_what_it_has(tmp_path, page):
    with pytest.raises(UnreadableDocument, match=r"contains no text \(left out: 1 "):
        read(tmp_path, page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_of_ten_shapes(page):
    plain, chunks = chunked(page.path)
    flat = " ".join(plain.text.split())
    assert [phrase for phrase in page.wanted if not standing([phrase], flat)] == []
    assert standing(page.unwanted, flat) == []
    assert not lost([word for phrase in page.wanted for word in phrase.split()], chunks)
