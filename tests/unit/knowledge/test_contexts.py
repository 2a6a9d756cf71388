"""A chunk that begins within a table or a long row is told in its heading what it belongs to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.splitting import HEADING_SEPARATOR, split
from groundtune.settings import KnowledgeSettings
from groundtune.values import Context, Document, Heading, PlainText


def cut(plain, **given):
    return split(Document("a", plain.text, "", ("e",)), plain, KnowledgeSettings(**given))


def contexts_of(chunk):
    return chunk.heading.split(HEADING_SEPARATOR) if chunk.heading else []


def rows(count, columns=4, name="r"):
    head = [f"{name}-column-{column}" for column in range(columns)]
    return [head, *[[f"{name}{row}-{column}" for column in range(columns)] for row in range(count)]]


HEADER = "r-column-0 | r-column-1 | r-column-2 | r-column-3"


def table(count=40, before="", after="", **given):
    builder = TextBuilder()
    builder.add(before)
    builder.table(rows(count), **given)
    builder.add(after)
    return builder.plain()


@pytest.mark.parametrize("size", [100, 150, 450, 1000])
@pytest.mark.parametrize("overlap", [0, 20, 50])
@pytest.mark.parametrize("before", ["", "A paragraph above it.", "Words that fill a good part of the chunk. " * 9])
def test_every_row_stands_with_its_header(size, overlap, before):
    plain = table(before=before, after="A paragraph below it.")
    lines = plain.text.split("\n")
    for chunk in cut(plain, chunk_size=size, chunk_overlap=overlap):
        here = [line for line in chunk.text.split("\n") if "-0 | r" in line]
        assert all(line in lines for line in here)
        assert not chunk.text.startswith(("|", *(f"r{row}-{column}" for row in range(40) for column in (1, 2, 3))))
        if here:
            assert (HEADER in chunk.text) != (chunk.heading == HEADER)
        else:
            assert not chunk.heading


def test_a_chunk_that_begins_exactly_where_a_table_does_needs_nothing():
    plain = table(before="Words that fill a chunk. " * 17)
    at_start = [chunk for chunk in cut(plain) if chunk.text.startswith(HEADER)]
    assert [chunk.heading for chunk in at_start] == [""]


def test_a_chunk_that_begins_before_a_table_needs_nothing():
    first = cut(table(before="A short paragraph."))[0]
    assert first.text.startswith("A short")
    assert HEADER in first.text
    assert "r0-0" in first.text
    assert not first.heading


def test_the_header_of_the_first_of_two_tables_only():
    builder = TextBuilder()
    builder.table(rows(16))
    builder.table(rows(30, name="s"))
    both = [chunk for chunk in cut(builder.plain()) if "r15-0" in chunk.text and "s0-0" in chunk.text]
    assert both
    for chunk in both:
        assert chunk.heading == HEADER
        assert "s-column-0" in chunk.text
    later = cut(builder.plain())[-1]
    assert later.heading.startswith("s-column-0")


@pytest.mark.parametrize("size", [100, 200, 450])
def test_a_row_cut_in_the_middle_has_header_and_label(size):
    long = "says much of it and more of it " * 30
    builder = TextBuilder()
    builder.table([["x" * 90, "y" * 90], ["one", "short"], ["Hazel", long], ["Brook", long]])  # too long for records
    plain = builder.plain()
    header = "x" * 90 + " | " + "y" * 90
    found = cut(plain, chunk_size=size)
    inside = [chunk for chunk in found if chunk.text.startswith(("says", "much", "of", "it", "and", "more"))]
    assert len(inside) > 2
    for chunk in inside:
        label = "Hazel" if chunk.start < plain.text.index("Brook") else "Brook"
        assert contexts_of(chunk) == [header, label]


@pytest.mark.parametrize("size", [100, 200, 450])
def test_a_value_cut_in_the_middle_has_label_and_column(size):
    builder = TextBuilder()
    long = "says much of it and more of it " * 30
    builder.table([["plan", "terms", "price"], ["Hazel", long, "9.90"], ["Brook", long, "4.90"]], caption="Plans")
    plain = builder.plain()
    inside = [
        chunk
        for chunk in cut(plain, chunk_size=size)
        if chunk.text.startswith(("says", "much", "of", "and", "it", "more"))
    ]
    assert len(inside) > 2
    for chunk in inside:
        label = "Hazel" if chunk.start < plain.text.index("Brook") else "Brook"
        assert contexts_of(chunk) == ["Plans", label, "terms"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["c" * 40] * 4, True),
        (["c" * 90 + str(number) for number in range(3)], True),
        (["c" * 130, "d" * 130], True),
        (["a paragraph of a page that a table lays out " * 9, "another"], False),
        ([f"{'c' * 75}{number}" for number in range(9)], False),
    ],
)
def test_how_long_a_header_may_be(names, told):
    builder = TextBuilder()
    builder.table([names, *[["v"] * len(names)] * 200], certain=False)
    header = " | ".join(names)
    later = cut(builder.plain(), chunk_size=700)[1:]
    assert later
    assert {header in chunk.heading for chunk in later} == {told}


def test_the_caption_stands_before_the_header():
    later = cut(table(caption="Prices of 2026"))[1:]
    assert later
    assert {chunk.heading for chunk in later} == {f"Prices of 2026 > {HEADER}"}


def test_headings_come_before_the_header():
    builder = TextBuilder()
    builder.heading("Plans", 1)
    builder.heading("Prices", 2)
    builder.table(rows(40))
    later = cut(builder.plain())[1:]
    assert {chunk.heading for chunk in later} == {f"Plans > Prices > {HEADER}"}


NESTED = (Context(0, 1000, "outer"), Context(100, 600, "middle"), Context(200, 300, "inner"), Context(700, 900, "next"))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0, []),
        (1, ["outer"]),
        (100, ["outer"]),
        (150, ["outer", "middle"]),
        (250, ["outer", "middle", "inner"]),
        (300, ["outer", "middle"]),
        (650, ["outer"]),
        (750, ["outer", "next"]),
        (1000, []),
    ],
)
def test_contexts_within_each_other(start, expected):
    text = " " * start + "word" + " " * (1100 - start)
    (chunk,) = cut(PlainText(text, "", contexts=NESTED))
    assert chunk.start == start
    assert contexts_of(chunk) == expected


@pytest.mark.parametrize("drawn", ["{} | {} | {}", "| {} | {} | {} |"])
@pytest.mark.parametrize("rule", ["", "|---|:--|--:|\n", "--- | --- | ---\n"])
@pytest.mark.parametrize("filled", range(280, 450, 17))
def test_a_header_is_not_left_alone_at_the_end_of_a_chunk(drawn, rule, filled):
    above = ("Words above a table. " * 30)[:filled].strip()
    lines = [drawn.format(f"one{number}", f"two{number}", f"three{number}") for number in range(40)]
    text = f"{above}\n{drawn.format('first', 'second', 'third')}\n{rule}" + "\n".join(lines)
    (chunk,) = [chunk for chunk in cut(PlainText(text, "")) if "first | second" in chunk.text]
    assert "one0" in chunk.text
    assert all(line in text.split("\n") for line in chunk.text.split("\n")[-3:])


@pytest.mark.parametrize("head", [["", "price", "volume"], ["plan", "price"], ["", "price", ""]])
@pytest.mark.parametrize("filled", range(340, 450, 17))
def test_nor_is_one_with_an_empty_corner(head, filled):
    builder = TextBuilder()
    builder.add(("Words above a table. " * 30)[:filled])
    builder._gap = "\n"
    builder.table([head, *[[f"Plan{row}", f"{row}.90"] for row in range(60)]])
    (chunk,) = [chunk for chunk in cut(builder.plain()) if "price" in chunk.text]
    assert "Plan0 |" in chunk.text


def test_a_header_as_long_as_a_chunk_is_cut_as_any_row():
    text = "\n".join([" | ".join(["word"] * 60), *["a | b"] * 60])
    assert max(len(chunk.text) for chunk in cut(PlainText(text, ""), chunk_size=200)) <= 200


@st.composite
def tabled(draw):
    """Return a text of paragraphs and tables, with headings and contexts."""
    builder = TextBuilder()
    word = st.sampled_from(["word", "a longer word", "12.50", "", "x" * 120, "a sentence. And one more."])
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["paragraph", "heading", "table"]))
        if kind == "paragraph":
            builder.add(" ".join(draw(st.lists(word, max_size=30))))
        elif kind == "heading":
            builder.heading(draw(word), draw(st.integers(1, 3)))
        else:
            columns = draw(st.integers(1, 5))
            row = st.lists(word, min_size=columns, max_size=columns)
            builder.table(draw(st.lists(row, max_size=12)), draw(st.integers(0, 2)), draw(word))
    return builder.plain()


@given(tabled(), st.integers(100, 500), st.integers(0, 50))
@settings(max_examples=150, deadline=None)
def test_chunks_are_exact_and_say_the_contexts_around_them(plain, size, overlap):
    chunks = cut(plain, chunk_size=size, chunk_overlap=overlap)
    assert all(plain.text[chunk.start : chunk.end] == chunk.text and len(chunk.text) <= size for chunk in chunks)
    covered = {place for chunk in chunks for place in range(chunk.start, chunk.end)}
    assert all(place in covered or character.isspace() for place, character in enumerate(plain.text))
    for chunk in chunks:
        around = [each.text for each in plain.contexts if each.start < chunk.start < each.end]
        assert chunk.heading.endswith(HEADING_SEPARATOR.join(around))


@given(tabled())
@settings(max_examples=100, deadline=None)
def test_contexts_are_in_order_and_within_each_other(plain):
    open_ones = []
    for context in plain.contexts:
        assert 0 <= context.start < context.end <= len(plain.text)
        while open_ones and open_ones[-1].end <= context.start:
            open_ones.pop()
        if open_ones:
            assert open_ones[-1].start <= context.start
            assert context.end <= open_ones[-1].end
        open_ones.append(context)


@given(st.integers(0, 900), st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_any_context_is_told_to_every_chunk_that_begins_within(start, length):
    text = "some words of a text. " * 60
    plain = PlainText(text, "", (Heading(0, 1, "H"),), contexts=(Context(start, start + length, "told"),))
    for chunk in cut(plain, chunk_size=100):
        assert chunk.heading.endswith("told") == (start < chunk.start < start + length)
