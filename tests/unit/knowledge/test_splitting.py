import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.errors import SettingsError
from groundtune.knowledge.readers.markdown import headings as markdown_headings
from groundtune.knowledge.splitting import _best_cut, split
from groundtune.settings import KnowledgeSettings
from groundtune.values import Document, Heading, PlainText


def document(text, title="Guide"):
    return Document("guide.md", text, title, ("staff",), {"language": "en"})


def cut(text, size=100, overlap=0, title="Guide"):
    given = KnowledgeSettings(chunk_size=size, chunk_overlap=overlap)
    return split(document(text, title), PlainText(text, title, markdown_headings(text)), given)


PIECES = st.sampled_from(
    [
        "word ",
        "Sentence one. ",
        "A",
        "\n",
        "\n\n",
        "# Title\n",
        "## Part\n\n",
        "| a | b |\n",
        "- item\n",
        "é😀 ",
        "x" * 130,
        "\t",
    ]
)
TEXTS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=150).map("".join))


@given(TEXTS, st.integers(100, 300))
def test_offsets_are_exact_and_only_white_space_is_lost(text, size):
    chunks = cut(text, size)
    position = 0
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert 0 < len(chunk.text) <= size
        assert chunk.text == chunk.text.strip()
        assert not text[position : chunk.start].strip()
        position = chunk.end
    assert not text[position:].strip()


@given(TEXTS, st.integers(100, 300), st.integers(0, 50))
def test_overlap_stays_within_its_bounds(text, size, overlap):
    chunks = cut(text, size, overlap)
    covered = 0
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert 0 < len(chunk.text) <= size
        assert chunk.start >= covered - overlap
        assert not text[covered : chunk.start].strip()
        covered = max(covered, chunk.end)
    assert not text[covered:].strip()


@given(TEXTS, st.integers(100, 300))
def test_words_are_not_cut(text, size):
    for chunk in cut(text, size):
        for edge in (chunk.start, chunk.end):
            inside = 0 < edge < len(text) and not text[edge - 1].isspace() and not text[edge].isspace()
            if inside:
                start = max((found.end() for found in re.finditer(r"\s", text[:edge])), default=0)
                end = next((edge + found.start() for found in re.finditer(r"\s", text[edge:])), len(text))
                assert end - start > size


@given(TEXTS)
def test_ids_differ(text):
    ids = [chunk.id for chunk in cut(text)]
    assert len(ids) == len(set(ids))


def test_small_siblings_share_a_chunk_below_their_common_heading():
    text = "# Plans\n\n## Hazel\n\nCosts 9.90.\n\n## Pebble\n\nCosts 4.90.\n"
    assert [(chunk.heading, chunk.text) for chunk in cut(text, title="Plans")] == [("Plans", text.strip())]


def test_large_siblings_stand_alone_with_the_path_above_them():
    text = f"# Plans\n\n## Hazel\n\n{'hazel ' * 12}\n\n## Pebble\n\n{'pebble ' * 12}\n"
    chunks = cut(text)
    assert [chunk.heading for chunk in chunks] == ["Guide > Plans > Hazel", "Guide > Plans > Pebble"]
    assert chunks[0].text.startswith("# Plans\n\n## Hazel")  # a heading with nothing of its own joins the next


def test_parts_without_a_heading_in_common_stay_apart():
    text = "How?\nSo.\n\nWhy?\nBecause."
    questions = (Heading(0, 1, "How?"), Heading(10, 1, "Why?"))
    chunks = split(document(text, "faq"), PlainText(text, "faq", tuple(questions)), KnowledgeSettings())
    assert [(chunk.heading, chunk.text) for chunk in chunks] == [
        ("faq > How?", "How?\nSo."),
        ("faq > Why?", "Why?\nBecause."),
    ]


def test_a_deeper_level_ends_with_the_next_higher_heading():
    filler = "text " * 19
    text = f"# A\n\n{filler}\n\n### B\n\n{filler}\n\n## C\n\n{filler}\n\n# D\n\n{filler}\n"
    assert list(dict.fromkeys(chunk.heading for chunk in cut(text, title="A"))) == ["A", "A > B", "A > C", "A > D"]


def test_paragraphs_then_sentences():
    one, two = "One is short. " * 4, "Two is a sentence of some length. " * 4
    chunks = cut(f"{one}\n\n{two}")
    assert chunks[0].text == one.strip()
    assert all(chunk.text.endswith(".") for chunk in chunks)


def test_a_sentence_does_not_end_within_a_number_or_before_a_small_letter():
    text = "It costs 9.90 euros e.g. for a SIM and so on. " * 6
    assert {chunk.text.split()[0] for chunk in cut(text)} == {"It"}


def test_table_rows_are_kept_whole():
    rows = [f"| Zone {number}. Far away | 0.{number}8 euros |" for number in range(10, 30)]
    for chunk in cut("Prices\n\n" + "\n".join(rows)):
        assert all(line in [*rows, "Prices", ""] for line in chunk.text.split("\n"))


def test_lines_of_a_plain_table_are_kept_whole():
    rows = [f"New SIM number {number} {number}.00 euros" for number in range(10, 30)]
    rows.insert(4, "A much longer row that tells at some length what the customer pays for 3.00 euros")
    for chunk in cut("\n".join(rows)):
        assert all(line in rows for line in chunk.text.split("\n"))


def test_as_few_chunks_as_can_be():
    text = "\n\n".join(["A short line."] * 40)
    chunks = cut(text, size=200)
    assert len(chunks) == 4  # thirteen lines fit into one
    assert min(len(chunk.text) for chunk in chunks) > 100


def test_a_paragraph_that_fits_is_not_cut_for_a_better_fill():
    paragraphs = ["One sentence here. " * 8, "Two sentences there. " * 8, "Three of them now. " * 8]
    text = "\n\n".join(paragraph.strip() for paragraph in paragraphs)
    assert [chunk.text for chunk in cut(text, size=200)] == [paragraph.strip() for paragraph in paragraphs]


def test_a_long_text_is_cut_in_good_time():
    began = time.perf_counter()
    cut("Some words in a sentence. " * 40_000, size=600)
    assert time.perf_counter() - began < 20


def test_a_heading_is_not_left_alone_at_the_end():
    text = "# A title\n\n" + "Some words in one long sentence that goes on, " * 5
    assert len(cut(text)[0].text) > 60


def test_a_heading_with_nothing_below_it_is_kept():
    text = "# A\n\n" + "text " * 19 + "\n\n## Last"
    assert [(chunk.heading, chunk.text) for chunk in cut(text, title="A")][-1] == ("A > Last", "## Last")


def test_overlap_repeats_whole_words():
    text = " ".join(f"word{number}" for number in range(100))
    chunks = cut(text, overlap=20)
    for earlier, later in pairwise(chunks):
        shared = text[later.start : earlier.end]
        assert 0 < len(shared) <= 20
        assert shared.startswith("word")


def test_too_much_overlap_is_refused():
    with pytest.raises(SettingsError, match=r"chunk_overlap` is 60"):
        cut("text", overlap=60)


def test_what_a_chunk_takes_from_its_document():
    (chunk,) = cut("text")
    assert (chunk.document, chunk.readable_by, chunk.metadata) == ("guide.md", ("staff",), {"language": "en"})
    assert chunk.heading == "Guide"


def sum_of_costs(units, pieces, size):
    begins = {start: cost for start, _, cost in units}
    return sum(begins[start] + 1 + 0.75 * (1 - (end - start) / size) ** 2 for start, end in pieces)


def best_of_all(units, size):
    """Return the least sum of costs, by trying every chunk that could end at each place."""
    least = [0.0]
    for last in range(len(units)):
        fitting = [first for first in range(last + 1) if units[last][1] - units[first][0] <= size]
        pieces = [[(units[first][0], units[last][1])] for first in fitting]
        costs = [sum_of_costs(units, piece, size) for piece in pieces]
        least.append(min(least[first] + cost for first, cost in zip(fitting, costs, strict=True)))
    return least[-1]


UNITS = st.lists(
    st.tuples(st.integers(1, 100), st.integers(0, 4), st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])),
    min_size=1,
    max_size=60,
)


@given(UNITS, st.integers(100, 1000))
@settings(deadline=None)
def test_no_other_cut_costs_less(drawn, size):
    units, place = [], 0
    for length, gap, cost in drawn:
        units.append((place + gap, place + gap + length, cost))
        place += gap + length
    pieces = _best_cut(units, size)
    assert all(end - start <= size for start, end in pieces)
    assert (pieces[0][0], pieces[-1][1]) == (units[0][0], units[-1][1])
    assert sum_of_costs(units, pieces, size) == pytest.approx(best_of_all(units, size))


def test_nothing_to_split():
    assert cut(" \n ") == []
