"""From a row of a table to the citation that names it."""

import pytest
from _lost import read

from groundtune.assistant.citations import check_citations
from groundtune.values import Passage

ROWS = [
    ("P-1", "Pebble", "8.40 euros", "5 GB"),
    ("B-2", "Brook", "12.90 euros", "20 GB"),
    ("R-3", "River", "29 euros", "all"),
]
HEAD = ("id", "plan", "monthly price", "data volume")
WRITERS = {
    "csv": lambda: "\n".join(",".join(row) for row in (HEAD, *ROWS)),
    "html": lambda: (
        "<h1>Plans</h1><table>"
        + "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (HEAD, *ROWS * 20))
        + "</table>"
    ),
    "md": lambda: "\n".join(
        ["| " + " | ".join(HEAD) + " |", "|---" * 4 + "|", *["| " + " | ".join(row) + " |" for row in ROWS * 20]]
    ),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_what_is_cited_of_a_row_names_the_row_and_its_column(tmp_path, suffix, row):
    path = tmp_path / f"plans.{suffix}"
    path.write_text(WRITERS[suffix](), encoding="utf-8")
    _, chunks = read(path)
    chunk = next(chunk for chunk in reversed(chunks) if row[2] in chunk.text)
    passage = Passage(chunk.document, chunk.place, chunk.text, chunk.heading, 1, 1.0)
    checked = check_citations(f"The monthly price of {row[1]} is {row[2]} [1].", [passage])
    (citation,) = checked.citations
    assert row[2] in citation.quote
    assert row[1] in f"{citation.heading}\n{citation.quote}"
    assert "monthly price" in f"{citation.heading}\n{citation.quote}"
