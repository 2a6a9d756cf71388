from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.sentences import comparable, sentence_spans, without_repetition


def split(text):
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs €24.90. €9 more abroad.", ["It costs €24.90.", "€9 more abroad."]),
        ("Version 2.10.3 is out.", ["Version 2.10.3 is out."]),
        ("Fees, e.g. Mr. Smith's, incl. VAT. Done.", ["Fees, e.g. Mr. Smith's, incl. VAT.", "Done."]),
        ("See no. 5 below. No. You cannot.", ["See no. 5 below.", "No.", "You cannot."]),
        ("Ask J. Smith. She knows.", ["Ask J. Smith.", "She knows."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("1. Open Settings.\n2. Tap Roaming", ["Open Settings.", "Tap Roaming"]),
        ("- First item\n- Second item\n* Third", ["First item", "Second item", "Third"]),
        ("# Prices\nBrook is cheap.", ["Prices", "Brook is cheap."]),
        ("| Plan | Price |\n|---|---|\n| Brook | €9.00 |", ["Plan | Price", "Brook | €9.00"]),
        (
            "TN5-04 | 5G+ never appears on the phone | SIM made before 2021\nTN5-07 | No 5G | Plan without 5G",
            ["TN5-04 | 5G+ never appears on the phone | SIM made before 2021", "TN5-07 | No 5G | Plan without 5G"],
        ),
        ("Monday 9-17\nTuesday 9-12", ["Monday 9-17", "Tuesday 9-12"]),
        (
            "You may cancel the contract at any time, and\nwe pay back what you have paid. Write to us.",
            ["You may cancel the contract at any time, and\nwe pay back what you have paid.", "Write to us."],
        ),
    ],
)
def test_sentences(text, expected):
    assert split(text) == expected


@given(st.text(alphabet="ab 1.,!?\n-|#€\"'()A", max_size=80))
def test_sentences_are_in_order_apart_and_leave_no_letter_out(text):
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert "".join(split(text)).count("a") == text.count("a")


def test_words_are_compared_without_plural_and_number_form():
    assert comparable("The plans cost 1,000.50") == comparable("plan COSTS 1000.5")
    assert comparable("50% off, €10.00") == {"50", "%", "off", "10", "eur"}
    assert comparable("an address") == {"address"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It takes 90 days. It takes 90 days. It takes", "It takes 90 days."),
        ("The fastest is:\n\nHearth 1500.\n\nThe fastest is:\n\nHearth", "The fastest is:\n\nHearth 1500."),
        ("- Call us\n- Write to us\n- Call us", "- Call us\n- Write to us"),
        ("It takes 90 days. IT  takes 90 days.", "It takes 90 days."),
        ("Yes. You can. Yes. You can.", "Yes. You can. Yes."),
        ("Zone 1 costs 5 euros. Zone 2 costs 5 euros.", "Zone 1 costs 5 euros. Zone 2 costs 5 euros."),
        ("", ""),
    ],
)
def test_what_is_said_again_is_cut(text, expected):
    assert without_repetition(text) == expected
