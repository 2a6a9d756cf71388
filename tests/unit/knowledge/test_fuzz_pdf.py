"""Generated PDFs: every word that is drawn stands in some chunk, or its kind is left out."""

import tempfile
from pathlib import Path

from _lost import lost, read
from _pdf import Text, lines, written
from hypothesis import given, settings
from hypothesis import strategies as st

LETTERS = ["abcdefgh", "äöüßéñ", "абвгд", "見本文章"]


def unique(kind: str, number: int) -> str:
    return f"{kind}{number}{LETTERS[number % 4][:3]}"


@st.composite
def pages(draw):
    """Return pages as lists of blocks: ("lines", n), ("table", rows, columns), ("columns", n), ("turned", n)."""
    block = st.one_of(
        st.tuples(st.just("lines"), st.integers(1, 5), st.integers(1, 9)),
        st.tuples(st.just("table"), st.integers(2, 5), st.integers(2, 4)),
        st.tuples(st.just("columns"), st.integers(3, 6), st.integers(2, 4)),
        st.tuples(st.just("heading"), st.just(1), st.integers(1, 4)),
    )
    return draw(st.lists(st.lists(block, max_size=4), min_size=1, max_size=4))


@settings(max_examples=60, deadline=None)
@given(pages(), st.booleans())
def test_no_word_is_lost(made, footed):
    words, drawn = [], []
    for number, blocks in enumerate(made, start=1):
        y, texts = 790.0, []
        for kind, rows, many in blocks:
            for _ in range(rows):
                size = 16 if kind == "heading" else 9
                found = [unique(kind[0], len(words) + n) for n in range(many)]
                words += found
                if kind in ("lines", "heading"):
                    texts.append(Text(50, y, " ".join(found), size))
                elif kind == "table":
                    texts += [Text(50 + 120 * n, y, word, size) for n, word in enumerate(found)]
                else:
                    half = many // 2
                    texts += [Text(50, y, " ".join(found[:half]), size), Text(320, y, " ".join(found[half:]), size)]
                y -= size * 1.4
            y -= 14
        if footed:
            texts += lines([f"Tirvane, page {number}"], y=30)
        drawn.append(texts)
    if not words:
        return
    with tempfile.TemporaryDirectory() as folder:
        plain, chunks = read(written(Path(folder) / "a.pdf", drawn))
    assert lost(words, chunks) == []
    heads = sum(each.count for each in plain.left_out if each.kind == "running head")
    assert heads <= (len(made) if footed else 0)
