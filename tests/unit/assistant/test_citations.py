import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.assistant.citations import check_citations
from groundtune.values import UNKNOWN_PLACE, Passage, Place

PLANS = (
    "# Plans\n\nThe Pebble plan costs €24.90 a month, incl. VAT. You can cancel it at any time.\n\n"
    "| Plan | Price |\n|---|---|\n| Brook | €9.00 |\n"
)
SHIPPING = "Delivery takes two days. A courier brings the SIM card to your door."
DOCUMENTS = {"plans.md": f"Introduction.\n{PLANS}The end.", "shipping.md": SHIPPING}


def passage(document, text, heading="", rank=1):
    start = DOCUMENTS[document].index(text)
    return Passage(document, Place(start, start + len(text)), text, heading, rank, 1.0, 0.5)


PASSAGES = (passage("plans.md", PLANS, "Plans"), passage("shipping.md", SHIPPING, "Delivery", 2))


def quotes(checked):
    return [(citation.quote, citation.origin) for citation in checked.citations]


def test_a_citation_becomes_the_sentence_that_supports_it():
    checked = check_citations("Pebble costs €24.90 a month [1]. The SIM comes by courier [2].", PASSAGES)
    assert checked.text == "Pebble costs €24.90 a month [1]. The SIM comes by courier [2]."
    assert quotes(checked) == [
        ("The Pebble plan costs €24.90 a month, incl. VAT.", "model"),
        ("A courier brings the SIM card to your door.", "model"),
    ]
    assert checked.removed == 0


@pytest.mark.parametrize(
    "text",
    [
        "[1] Brook costs €9.",
        "Brook costs €9. [1]",
        "Brook costs €9 [1].",
        "Brook costs €9[Passage 1].",
        "Brook costs €9 [ 1 ].",
    ],
)
def test_a_citation_may_stand_anywhere_in_its_sentence(text):
    assert quotes(check_citations(text, PASSAGES)) == [("Brook | €9.00", "model")]


def test_two_citations_in_one_sentence_stand_for_their_own_parts():
    checked = check_citations("Brook costs €9 [1] and delivery takes two days [2].", PASSAGES)
    assert quotes(checked) == [("Brook | €9.00", "model"), ("Delivery takes two days.", "model")]


@pytest.mark.parametrize(
    ("text", "clean", "removed"),
    [
        ("Pebble costs €24.90 [3].", "Pebble costs €24.90.", 1),
        ("Pebble costs €24.90 [0].", "Pebble costs €24.90.", 1),
        ("Pebble costs €24.90 [1, 7].", "Pebble costs €24.90 [1].", 1),
        ("Pebble costs €24.90 [1][7].", "Pebble costs €24.90 [1].", 1),
        ("Pebble costs €24.90 [1; 8-9].", "Pebble costs €24.90 [1].", 2),
        ("Pebble costs €24.90 [99999999999999999999].", "Pebble costs €24.90.", 1),
        ("Pebble costs [[9]1] €24.90.", "Pebble costs [1] €24.90.", 1),
    ],
)
def test_numbers_of_no_passage_are_removed_and_counted(text, clean, removed):
    checked = check_citations(text, PASSAGES)
    assert (checked.text, checked.removed) == (clean, removed)
    assert ("The Pebble plan costs €24.90 a month, incl. VAT.") in [quote for quote, _ in quotes(checked)]


def test_a_passage_without_a_word_of_the_sentence_is_no_source():
    checked = check_citations("Pebble costs €24.90 a month [2].", PASSAGES)
    assert checked.text == "Pebble costs €24.90 a month."
    assert checked.removed == 1
    assert quotes(checked) == [("The Pebble plan costs €24.90 a month, incl. VAT.", "attributed")]


def test_a_short_reply_cites_the_whole_passage():
    assert quotes(check_citations("Yes [2].", PASSAGES)) == [(SHIPPING, "model")]


def test_a_true_quotation_is_the_quote():
    checked = check_citations("It says “cancel it at any time.” [1]", PASSAGES)
    assert quotes(checked) == [("cancel it at any time", "model")]


def test_a_quotation_may_begin_with_another_case():
    assert quotes(check_citations('It says "you can cancel it" [1].', PASSAGES)) == [("You can cancel it", "model")]


@pytest.mark.parametrize("number", ["1", "2", "1, 2"])
def test_a_made_up_quotation_loses_its_citation(number):
    checked = check_citations(f'The terms say "you pay nothing for ever" [{number}].', PASSAGES)
    assert checked.text == 'The terms say "you pay nothing for ever".'
    assert checked.removed == len(number.split(","))
    assert checked.citations == ()


def test_a_quotation_keeps_only_the_passage_that_holds_it():
    checked = check_citations('It says "Delivery takes two days" [1][2].', PASSAGES)
    assert checked.text == 'It says "Delivery takes two days" [2].'
    assert quotes(checked) == [("Delivery takes two days", "model")]


def test_sentences_without_citation_are_attributed():
    checked = check_citations("Brook costs €9 a month. Delivery takes two days.", PASSAGES)
    assert quotes(checked) == [("Brook | €9.00", "attributed"), ("Delivery takes two days.", "attributed")]


@pytest.mark.parametrize(
    "text",
    [
        "Brook costs €12 a month.",  # a number that no passage has
        "Delivery takes two to five weeks at most everywhere.",  # too few words in common
        "Delivery.",  # one word is not enough
        "Plans.",
    ],
)
def test_what_no_passage_says_is_not_attributed(text):
    assert check_citations(text, PASSAGES).citations == ()


def test_the_same_place_is_cited_once():
    checked = check_citations("Delivery takes two days [2]. Delivery takes two days [2].", PASSAGES)
    assert quotes(checked) == [("Delivery takes two days.", "model")]


def test_without_passages_nothing_is_cited():
    checked = check_citations("Brook costs €9 [1].", [])
    assert (checked.text, checked.citations, checked.removed) == ("Brook costs €9.", (), 1)


PIECES = [
    "[1]",
    "[2]",
    "[9]",
    "[1, 2]",
    "[2-4]",
    "[",
    "]",
    "1",
    "Pebble costs",
    "€24.90",
    ". ",
    " ",
    "\n",
    '"',
    "two days",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.integers(0, 2))
def test_quotes_are_exact_and_no_false_number_remains(text, count):
    passages = PASSAGES[:count]
    checked = check_citations(text, passages)
    for citation in checked.citations:
        assert DOCUMENTS[citation.document][citation.start : citation.end] == citation.quote
        assert citation.quote
    for marker in re.findall(r"\[([\d ,;-]+)\]", checked.text):
        assert all(1 <= int(number) <= count for number in re.findall(r"\d+", marker))
    again = check_citations(checked.text, passages)
    assert (again.text, again.citations, again.removed) == (checked.text, checked.citations, 0)


def test_a_citation_names_the_page_on_which_its_words_begin():
    text = "Pebble costs 24 euros a month.\n\nBrook costs nine euros. Hazel costs ten euros a month."
    second, third = text.index("Brook"), text.index("Hazel")
    pages = (Place(100, 100 + second, 3), Place(100 + second, 100 + third, 4), Place(100 + third, 100 + len(text), 6))
    given = Passage("plans.pdf", Place(100, 100 + len(text), 3), text, "Plans", 1, 1.0, 0.5, pages)
    said = "Pebble costs 24 euros a month [1]. Brook costs nine euros [1]. Hazel costs ten euros a month."
    citations = check_citations(said, [given]).citations
    assert [(each.quote[:5], each.place.page, each.source) for each in citations] == [
        ("Pebbl", 3, "plans.pdf, page 3"),
        ("Brook", 4, "plans.pdf, page 4"),
        ("Hazel", 6, "plans.pdf, page 6"),
    ]
    assert all(text[each.start - 100 : each.end - 100] == each.quote for each in citations)


@pytest.mark.parametrize(
    ("said", "passage"),
    [
        ("The Pebble plan costs €1.50 a month.", "The Pebble plan costs €150 a month."),
        ("The Pebble plan costs €5 a month.", "The Pebble plan costs $5 a month."),
        ("The router supports firmware 3.1 only.", "The router supports firmware 3.10 only."),
        ("The router's address is 192.168.1.1 at home.", "The router's address is 192.168.11 at home."),
        ("Delivery takes 5-10 days for routers.", "Delivery takes 510 days for routers."),
        ("The freezer keeps -5 °C at night.", "The freezer keeps 5 °C at night."),
    ],
)
def test_a_sentence_with_another_number_is_not_attributed(said, passage):
    given = Passage("a.md", Place(0, len(passage)), passage, "", 1, 1.0, 0.5)
    assert check_citations(said, [given]).citations == ()
    assert [each.quote for each in check_citations(passage, [given]).citations] == [passage]


@pytest.mark.parametrize(
    ("said", "passage"),
    [
        ("The Pebble plan costs 24.9 EUR a month.", "The Pebble plan costs €24.90 a month."),
        ("The oﬃce opens at 10:30 on Monday.", "The office opens at 10:30 on Monday."),
        ("You don’t pay for 5GB of data.", "You don't pay for 5 GB of data."),
    ],
)
def test_the_same_number_in_other_writing_is_attributed(said, passage):
    given = Passage("a.md", Place(0, len(passage)), passage, "", 1, 1.0, 0.5)
    assert [each.quote for each in check_citations(said, [given]).citations] == [passage]


def test_citations_whose_places_are_not_known_stay_apart_by_their_quotes():
    excerpt = Passage("shipping.md", UNKNOWN_PLACE, SHIPPING, "Delivery", 1, 1.0)
    text = "Delivery takes two days [1]. The SIM comes by courier [1]. A courier brings the SIM card [1]."
    checked = check_citations(text, [excerpt])
    assert [(each.quote, each.place) for each in checked.citations] == [
        ("Delivery takes two days.", UNKNOWN_PLACE),
        ("A courier brings the SIM card to your door.", UNKNOWN_PLACE),
    ]
