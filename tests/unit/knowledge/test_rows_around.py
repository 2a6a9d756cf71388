"""Rows of tables next to a place in a text."""

import pytest

from groundtune.knowledge.rows_around import with_rows

LEAD = "Revenue by market was as follows:"
CAPTION = "(In millions)"
ROWS = "| 2023 | 2022\nGaming | $ 2,856 | $ 1,574\nAutomotive:\nCars | 261 | 251"
AFTER = "Gaming grew because there were more players. " * 5
TEXT = f"{LEAD}\n\n{CAPTION}\n\n{ROWS}\n\n{AFTER}"


def around(passage, most=1200, text=TEXT):
    start = text.index(passage)
    begin, end = with_rows(text, (start, start + len(passage)), most)
    assert begin <= start
    assert end >= start + len(passage)
    return text[begin:end]


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        (LEAD, f"{LEAD}\n\n{CAPTION}\n\n{ROWS}"),
        (AFTER, f"{ROWS}\n\n{AFTER}"),
        ("Gaming | $ 2,856 | $ 1,574", ROWS),
        ("Cars | 261 | 251", ROWS),
    ],
    ids=["a sentence before", "a text behind", "a row in the middle", "the last row"],
)
def test_rows_are_taken_in_whole(passage, expected):
    assert around(passage) == expected


def test_what_does_not_fit_stays_out_row_by_row():
    fits = len(f"{LEAD}\n\n{CAPTION}\n\n| 2023 | 2022\nGaming | $ 2,856 | $ 1,574")
    assert around(LEAD, fits).endswith("1,574")
    assert around(LEAD, fits - 1).endswith("2022")
    assert around(LEAD, len(LEAD)) == LEAD
    assert around("Cars | 261 | 251", 30) == "Cars | 261 | 251"


def test_a_table_further_away_is_another_matter():
    text = f"{LEAD} {AFTER}\n\n{AFTER}\n\n{ROWS}\n\n{AFTER}\n\nThe end."
    assert around(LEAD, text=text) == LEAD
    assert around("The end.", text=text) == "The end."


def test_a_text_without_tables_stays_as_it_is():
    assert around(AFTER, text=f"{LEAD}\n\n{AFTER}\n\n{LEAD}") == AFTER


def test_rows_of_markdown():
    table = "| Plan | Price |\n|---|---|\n| Hazel | 10 |"
    assert around("Prices:", text=f"Prices:\n\n{table}\n") == f"Prices:\n\n{table}"
