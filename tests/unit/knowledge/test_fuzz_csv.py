"""Whatever a CSV file holds, each word of it stands in a chunk."""

import csv
import io
from itertools import count

from _lost import lost, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# A cell is a list of glues: what stands after each of its words.
GLUES = st.sampled_from(
    [" ", ", ", "; ", " | ", '" ', ' "', "\n", "\n\n", "\t", "'", " – ", "#", ": ", ",", ";", '""', "\\"]
)
CELLS = st.lists(GLUES, max_size=4)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=12)
TITLES = st.lists(st.integers(0, 3), max_size=3)


def filled(cell, numbers, words):
    text = ""
    for glue in cell:
        words.append(f"w{next(numbers)}z")
        text += words[-1] + glue
    return text


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=TABLES,
    titles=TITLES,
    separator=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
    ends=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    named=st.booleans(),
)
def test_every_word_is_in_a_chunk(tmp_path, table, titles, separator, quoting, ends, encoding, named):
    numbers, words = count(), list[str]()
    out = io.StringIO()
    if named:
        out.write(f"sep={separator}{ends}")
    for title in titles:
        out.write(" ".join(filled([" "], numbers, words) for _ in range(title)) + ends)
    rows = [[filled(cell, numbers, words) for cell in row] for row in table]
    if quoting == csv.QUOTE_NONE:  # broken on purpose: nothing is quoted where it should be
        out.write("".join(separator.join(row) + ends for row in rows))
    else:
        csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=ends).writerows(rows)
    if not words:
        return
    path = tmp_path / "table.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    assert lost(words, read(path, chunk_size=200, chunk_overlap=0)[1]) == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="ab1 ,;|\t\"'\\\n#-=:", min_size=1, max_size=80))
def test_any_text_keeps_its_letters(tmp_path, text):
    if not any(letter in text for letter in "ab1"):
        return
    (tmp_path / "table.csv").write_text(text)
    plain, _ = read(tmp_path / "table.csv")
    for letter in "ab1":
        assert plain.text.count(letter) >= text.count(letter)
