"""CSV as programs and people write it: no row is lost, and ordinary errors refuse no file."""

import pytest
from _lost import lost
from _lost import read as chunked
from _timing import linear

from groundtune.knowledge import readers


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return readers.read(path)


def text(tmp_path, content, name="a.csv"):
    return read(tmp_path / name, content).text


# --- separators -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nname;price\nPebble;3,50\n",
        "SEP=|\r\nname|price\r\nPebble|3,50\r\n",
        '"sep=:"\nname:price\nPebble:3,50\n',
        "\ufeffsep=\t\nname\tprice\nPebble\t3,50\n",
    ],
)
def test_a_line_that_names_the_separator(tmp_path, content):
    assert text(tmp_path, content) == "name: Pebble\nprice: 3,50"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^", "~"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_separators(tmp_path, separator, name):
    rows = [["name", "note"], ["Pebble", "blue"], ["Brook", "wide"]]
    content = "".join(f"{separator.join(row)}\n" for row in rows)
    assert text(tmp_path, content, name) == "name: Pebble\nnote: blue\n\nname: Brook\nnote: wide"


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("name;price;vat\nA;1,50;0,19\nB;2,50;0,40\n", "name: A\nprice: 1,50\nvat: 0,19"),
        ("name|text\nA|one, two\nB|three; four, five\n", "name: A\ntext: one, two"),
        ("name\ttext\nA\tone, two; three\nB\tfour\n", "name: A\ntext: one, two; three"),
        ("name, note\nA, one\nB, two\n", "name: A\nnote: one"),
        ('id,text\n1,"a;b;c"\n2,"d;e"\n', "id: 1\ntext: a;b;c"),
    ],
)
def test_the_separator_that_stands_regularly(tmp_path, content, first):
    assert text(tmp_path, content).split("\n\n")[0] == first


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Name\nSmith, John\nDoe, Jane\n", "Name: Smith, John\n\nName: Doe, Jane"),
        ("Price\n3,50\n4,10\n", "Price: 3,50\n\nPrice: 4,10"),
        ("Industry\nSales\nFood, Drinks\nOther\n", "Industry: Sales\n\nIndustry: Food, Drinks\n\nIndustry: Other"),
        ('Quote\n"Yes, we can"\nNo\n', "Quote: Yes, we can\n\nQuote: No"),
    ],
)
def test_one_column(tmp_path, content, expected):
    assert text(tmp_path, content) == expected


# --- quotes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('"first\nname",price\n"Peb,ble",3\n', "first name: Peb,ble\nprice: 3"),
        ('name;"price; net"\nPebble;3\n', "name: Pebble\nprice; net: 3"),
        ('"a\r\nb","c,d"\r\n"e\r\nf",g\r\n', "a b: e f\nc,d: g"),
        ('name,size\n12" monitor,big\n', 'name: 12" monitor\nsize: big'),
        ("name,size\n'90s radio,small\n", "name: '90s radio\nsize: small"),
        ('name,note\n"Widget ""XL""",x\n', 'name: Widget "XL"\nnote: x'),
        ('name,note\nPebble,"say \\"hi\\", now"\n', 'name: Pebble\nnote: say "hi", now'),
        ('name, note\nPebble, "a, b"\n', "name: Pebble\nnote: a, b"),
        ('name,note\nPebble,"he said "hi" to me"\n', 'name: Pebble\nnote: he said "hi" to me'),
        ('name,note\nPebble,"x" y\n', 'name: Pebble\nnote: "x" y'),
        ('name,data\nA,"{""x"": 1, ""y"": [1,2]}"\n', 'name: A\ndata: {"x": 1, "y": [1,2]}'),
        ('name,data\nA,"{""x"": ""C:\\\\dir""}"\n', 'name: A\ndata: {"x": "C:\\\\dir"}'),
    ],
)
def test_quotes(tmp_path, content, expected):
    plain = read(tmp_path / "a.csv", content)
    assert (plain.text, plain.notes) == (expected, ())


def test_single_quotes(tmp_path):
    content = "name;note\n'Pebble; blue';'ok'\n'Brook';'x; y'\n'A';'it''s'\n"
    assert text(tmp_path, content) == ("name: Pebble; blue\nnote: ok\n\nname: Brook\nnote: x; y\n\nname: A\nnote: it's")


@pytest.mark.parametrize(
    ("content", "line", "rows"),
    [
        ('a,b,c\n1,"2,x\n3,4,5\n6,"7",8\n', 2, 3),
        ('a,b\nx,y\n1,"2\n', 3, 2),
        ('"a,b\n1,2\n3,4\n', 1, 2),
        ("a,b,c\n" + "1,2,3\n" * 9 + '1,"2,3\n' + "4,5,6\n" * 9 + '7,8",9\n', 11, 20),
        ("a;b;c\n" + "1;2;3\n" * 50 + '1;"2;3\n' + "4;5;6\n" * 50 + '7;8";9\n', 52, 102),
    ],
)
def test_a_quote_that_is_never_closed_takes_no_rows_with_it(tmp_path, content, line, rows):
    plain = read(tmp_path / "a.csv", content)
    assert len(plain.headings) == rows
    assert plain.notes == (f"A quote that is never closed was taken as text (line {line}).",)


@pytest.mark.parametrize("lines", [["one", "two"], [f"line {n}, more" for n in range(9)], ["", "x", ""]])
def test_line_breaks_in_a_cell(tmp_path, lines):
    plain = read(tmp_path / "a.csv", 'id,text\n1,"' + "\n".join(lines) + '"\n2,x\n')
    assert plain.text == f"id: 1\ntext: {' '.join(' '.join(lines).split())}\n\nid: 2\ntext: x"


@pytest.mark.parametrize("size", [150_000, 131_073, 400_000])
def test_a_huge_cell(tmp_path, size):
    plain, chunks = chunked_file(tmp_path, f'name,text\nPebble,"{"word " * (size // 5)}end"\nBrook,x\n')
    assert len(plain.text) > size
    assert [heading.title for heading in plain.headings] == ["Pebble", "Brook"]
    assert len(chunks) > 100
    assert all("Pebble" in chunk.heading and "text" in chunk.heading for chunk in chunks[1:-1])


def chunked_file(tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    return chunked(tmp_path / "a.csv")


# --- headers, titles and remarks ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Price list\n\nname,price\nA,3\n", "Price list\n\nname: A\nprice: 3"),
        ("Prices,,\nname,price,n\nA,3,4\n", "Prices\n\nname: A\nprice: 3\nn: 4"),
        (
            "Report;;;\nGenerated: 2024-05-01, 10:00;;;\n;;;\nname;price;vat;n\nA;1,50;0,19;3\n",
            "Report\nGenerated: 2024-05-01, 10:00\n\nname: A\nprice: 1,50\nvat: 0,19\nn: 3",
        ),
        (
            "Prices\nvalid from May, all in euros\n\nname,price,n\nA,3,4\nB,5,6\n",
            "Prices\nvalid from May, all in euros\n\nname: A\nprice: 3\nn: 4\n\nname: B\nprice: 5\nn: 6",
        ),
        ("\n\n  \nname,price\nA,3\n", "name: A\nprice: 3"),
        ("# by X, 2024\n#\nid,name,n\n1,Peb,3\n", "# by X, 2024\n#\n\nid: 1\nname: Peb\nn: 3"),
    ],
)
def test_titles_above_the_header_stay_text(tmp_path, content, expected):
    assert text(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("content", "last"),
    [
        ("id,name,n\n1,A,3\n\nSource: Eurostat\n", "Source: Eurostat"),
        ("id;name;n\n1;A;3\n;;\nSource: Eurostat;;\n", "Source: Eurostat"),
        ("id,name,n\n1,A,3\nPrices include VAT.\nAsk us.\n", "Prices include VAT.\nAsk us."),
        ("id,name,n\n1,A,3\n# the end\n", "# the end"),
        ("name,n\nA,3\nTotal,3\n", "name: Total\nn: 3"),
    ],
)
def test_remarks_and_totals_below_the_rows(tmp_path, content, last):
    assert text(tmp_path, content).split("\n\n")[-1] == last


def test_comments_between_rows(tmp_path):
    assert text(tmp_path, "id,name,n\n1,A,3\n# odd, line\n2,B,4\n").split("\n\n")[1] == "# odd, line"


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("Pebble,3.50\nBrook,9.90\nRiver,12\n", "column 1: Pebble\ncolumn 2: 3.50"),
        ("4.5,2.5,1.5\n5.5,1,0.5\n", "column 1: 4.5\ncolumn 2: 2.5\ncolumn 3: 1.5"),
        ("2024-05-01;Ada;3,50 €\n2024-05-02;Bob;4,00 €\n", "column 1: 2024-05-01\ncolumn 2: Ada\ncolumn 3: 3,50 €"),
    ],
)
def test_no_header(tmp_path, content, first):
    plain = read(tmp_path / "a.csv", content)
    assert plain.text.split("\n\n")[0] == first
    assert plain.notes == ('There is no header row; the columns are called "column 1" and so on.',)


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("Region,2021,2022\nNorth,5,6\n", "Region: North\n2021: 5\n2022: 6"),
        ("1,2,3\n4,5,6\n7,8,9\n", "1: 4\n2: 5\n3: 6"),
        ("1,2,3,4\na,b,c,d\n", "1: a\n2: b\n3: c\n4: d"),
        ("name,name,\nA,B,C\n", "name: A\nname: B\nC"),
        (",v,w\nr1,1,2\n", "r1\nv: 1\nw: 2"),
        (",value\nr1,1\n", "r1\nvalue: 1"),
    ],
)
def test_headers_of_numbers_and_without_names(tmp_path, content, first):
    plain = read(tmp_path / "a.csv", content)
    assert plain.text.split("\n\n")[0] == first
    assert plain.notes == ()


@pytest.mark.parametrize(("content", "expected"), [("a,b,c\n", "a, b, c"), ("x\n", "x"), ("name;price", "name; price")])
def test_a_header_only(tmp_path, content, expected):
    assert text(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("Stock\nid,qty,place\nX1,3,Ulm\n", ["Stock", "id: X1\nqty: 3\nplace: Ulm"]),
        ("id,qty,place\nX1,3,Ulm\nX2,5,Bonn\n", ["id: X1\nqty: 3\nplace: Ulm", "id: X2\nqty: 5\nplace: Bonn"]),
        ("C,5\nD,6\n", ["name: C\nprice: 5", "name: D\nprice: 6"]),
    ],
)
def test_tables_after_an_empty_line(tmp_path, second, expected):
    assert text(tmp_path, f"name,price\nA,3\nB,4\n\n{second}").split("\n\n")[2:] == expected


def test_a_drawn_table(tmp_path):
    assert text(tmp_path, "| name | price |\n|---|---|\n| A | 3 |\n") == "name: A\nprice: 3"


# --- rows that do not fit the header --------------------------------------------------------------


def test_rows_that_are_longer_keep_their_cells(tmp_path):
    plain = read(tmp_path / "a.csv", "a,b\n1,2\n1,2,3,4\n5,6,\n")
    assert plain.text == "a: 1\nb: 2\n\na: 1\nb: 2\ncolumn 3: 3\ncolumn 4: 4\n\na: 5\nb: 6"
    assert plain.notes == ("1 row has more cells than the header (line 3).",)


def test_rows_that_are_shorter_are_counted(tmp_path):
    plain = read(tmp_path / "a.csv", "a,b,c\n1,2,3\n1\n4,5\n1,2,\n")
    assert plain.text == "a: 1\nb: 2\nc: 3\n\na: 1\n\na: 4\nb: 5\n\na: 1\nb: 2"
    assert plain.notes == ("2 rows have fewer cells than the header (lines 3, 4).",)


def test_many_rows_that_do_not_fit_are_named_up_to_five(tmp_path):
    plain = read(tmp_path / "a.csv", "a,b,c\n" + "1,2,3\n" * 20 + "1,2\n" * 9)
    assert plain.notes == ("9 rows have fewer cells than the header (lines 22, 23, 24, 25, 26, …).",)


# --- encodings, chunks, time ----------------------------------------------------------------------


def test_encodings_and_control_characters(tmp_path):
    assert text(tmp_path, "id;name\n1;Müller; Sohn\n2;Groß\n".encode("cp1252")).startswith("id: 1\nname: Müller")
    assert text(tmp_path, 'Produkt,Preis\nKäse,"3,50"\n'.encode("utf-16")) == "Produkt: Käse\nPreis: 3,50"
    plain = read(tmp_path / "a.csv", b'\xef\xbb\xbfid,na\x00me\r\n1,"x\r\ny"\r\n\x1a')
    assert plain.text == "id: 1\nna me: x y"
    assert [(each.kind, each.count) for each in plain.left_out] == [("control character", 2)]


def test_each_chunk_of_a_long_row_knows_its_row_and_column(tmp_path):
    rows = "".join(f"F-{n},Hearth {n},{' '.join(f'w{n}x{i}' for i in range(500))}\n" for n in range(3))
    _, chunks = chunked_file(tmp_path, f"id,product,resolution\n{rows}")
    assert lost([f"w{n}x{i}" for n in range(3) for i in range(500)], chunks) == []
    for chunk in chunks:
        number = chunk.text.split("x")[-2][-1]
        assert f"F-{number}, Hearth {number}" in chunk.heading
        assert "resolution" in chunk.heading or "resolution:" in chunk.text


@pytest.mark.parametrize(
    "row", ['{n},"name {n}","text ""{n}"" here"\n', '{n},"open {n}\n', "{n} alone, so\n\n", "{n},plain,row\n"]
)
def test_time_grows_with_the_rows(tmp_path, row):
    def long(rows):
        path = tmp_path / f"{rows}.csv"
        path.write_text("id,name,text\n" + "".join(row.format(n=n) for n in range(rows)))
        return path

    assert linear(readers.read, long(2000), long(8000))
