"""Tables of web pages: cells under their headers, tables that lay out a page, long ones; and encodings of pages."""

from __future__ import annotations

import pytest
from _lost import read as chunked

from groundtune.knowledge import readers


def text(folder, page):
    (folder / "page.html").write_text(page, encoding="utf-8")
    return readers.read(folder / "page.html").text


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ("<tr><th>a<th>b<tr><td>€<span>12</span><span>.99</span><td>x<b>y</b>", "a | b\n€12.99 | xy"),
        ("<tr><th>a<th>b<tr><td><p>one</p><p>two</p><td><ul><li>x<li>y</ul>", "a | b\none two | x y"),
        ("<tr><td>a<td rowspan=2>b<tr><td>c<tr><td>d<td>e", "a | b\nc | b\nd | e"),
        ("<tr><th rowspan=2>P<th colspan=2>Q<tr><th>r<th>s<tr><td>1<td>2<td>3", "P | Q | Q\nP | r | s\n1 | 2 | 3"),
        ("<tr><th>a<th>b<th>c<tr><td colspan=2>x<td>y", "a | b | c\nx |  | y"),
        ("<caption>Fees</caption><thead><tr><td>a<td>b</thead><tr><td>1<td>2", "Fees\na | b\n1 | 2"),
        ("<tr><th colspan=2>Fees<tr><th>a<th>b<tr><td>1<td>2", "Fees\na | b\n1 | 2"),
        ("<tr><td>a<td><td colspan=3>2023<tr><td>b<td><td>$<td>(5<td>)", "a | 2023\nb | $(5)"),
        ("<tr><td>a<td colspan=2>b", "a | b"),
    ],
)
def test_cells_stand_in_their_columns(tmp_path, table, lines):
    assert text(tmp_path, f"<table>{table}</table>") == lines


@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("<table role=presentation><tr><td>a<td>b</table>", "a\n\nb"),
        ("<table><tr><td><p>one cell</p><p>more</p></table>", "one cell\n\nmore"),
        ("<table><tr><td><h2>News</h2>x<td><ul><li>y</ul></table>", "News\n\nx\n\n- y"),
        ("<table><tr><td>a<td>b<tr><td><table><tr><td>c<td>d</table></table>", "a | b\n\nc | d"),
        ("<table><tr><td><pre>1\n2</pre><td><pre>x\n y</pre></table>", "1\n2\n\nx\n y"),
    ],
)
def test_tables_that_lay_out_come_out_as_blocks(tmp_path, page, blocks):
    assert text(tmp_path, page) == blocks


HEADS = (
    "<thead><tr><th>Plan<th>Price</thead>",
    "<tr><th>Plan<th>Price",
    "<tr><td>Plan<td>Price",
    "<tr><th rowspan=2>Plan<th>Price<tr><th>a month",
)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("cell", ["td", "th"])
def test_long_tables_keep_their_header(tmp_path, head, cell):
    rows = "".join(f"<tr><{cell}>Plan {number}<td>{number}.99 euros" for number in range(1000))
    (tmp_path / "page.html").write_text(f"<table>{head}{rows}</table>")
    _, chunks = chunked(tmp_path / "page.html")
    seen = [f"{chunk.heading}\n{chunk.text}" for chunk in chunks]
    assert len(chunks) > 10
    assert all("Plan" in each and "Price" in each for each in seen)


@pytest.mark.parametrize(
    ("beginning", "encoding", "words"),
    [
        ('<meta charset="latin1">', "cp1252", "Größe – 5 €"),
        ('<meta http-equiv=Content-Type content="text/html; charset=gb2312">', "gb18030", "价格表和说明"),
        ('<?xml version="1.0" encoding="windows-1251"?>', "cp1251", "Стоимость тарифа"),
        ('<meta charset="shift_jis">', "cp932", "①料金プラン"),
        ('<meta charset="ks_c_5601-1987">', "cp949", "요금제 안내"),
        ('<meta charset="utf-16">', "utf-8", "Größe – 5 €"),
        ('<meta charset="windows-1252">', "utf-16", "Größe – 5 €"),
        ("<!-- <meta charset=big5> --><meta charset=x-cp1250>", "cp1250", "Změna tarifu Ž"),
        ("", "cp1252", "Die Größe des Büros für drei Gäste"),
        ("", "utf-8-sig", "Größe"),
    ],
)
def test_encodings_are_those_that_browsers_take(tmp_path, beginning, encoding, words):
    (tmp_path / "page.html").write_bytes(f"{beginning}<p>{words}</p>".encode(encoding))
    assert readers.read(tmp_path / "page.html").text == words
