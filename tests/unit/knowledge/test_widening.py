"""Passages with what stands around them."""

from dataclasses import replace

import pytest

from groundtune.knowledge.splitting import split
from groundtune.knowledge.widening import Widening
from groundtune.protocols import Held, fingerprint
from groundtune.settings import KnowledgeSettings
from groundtune.testing.revisions import MemoryRevisions
from groundtune.values import UNKNOWN_PLACE, Document, Heading, Passage, Place, PlainText, Revision, Search

SENTENCE = "The {} plan is sold in every shop and has many friends all over the country."
NAMES = ("Brook", "River", "Hazel", "Delta", "Pebble", "Aspen")
PLANS = [SENTENCE.format(name) for name in NAMES]
TEXT = "Prices\n\n{}\n\n{}\n\n{}\n\nRoaming\n\n{}\n\n{}\n\n{}".format(*PLANS)
DOCUMENT = Document("plans.md", TEXT, "Plans", ("everyone",))
HEADINGS = (Heading(0, 1, "Prices"), Heading(TEXT.index("Roaming"), 1, "Roaming"))
PAGES = (Place(0, 200, 1), Place(200, len(TEXT), 2))
SMALL = {"chunk_size": 100}


class Store:
    """Holds one document."""

    def __init__(self, chunks):
        self.held = Held(fingerprint(DOCUMENT, chunks), tuple(chunks))

    def document(self, document):
        return self.held if document == DOCUMENT.id else None


@pytest.fixture
def chunks():
    plain = PlainText(TEXT, "Plans", HEADINGS, PAGES)
    return split(DOCUMENT, plain, KnowledgeSettings(**SMALL))


def passages_of(chunks, *numbers):
    mark = fingerprint(DOCUMENT, chunks)
    return [
        Passage(each.document, each.place, each.text, each.heading, rank, 1 / rank, 1 / rank, each.segments, mark)
        for rank, each in enumerate((chunks[number] for number in numbers), start=1)
    ]


def widened(chunks, passages, widen="neighbours", widen_to=1200, asker=("everyone",), store=True):
    revisions = MemoryRevisions()
    revisions.keep([Revision(DOCUMENT, fingerprint(DOCUMENT, chunks), PAGES)])
    settings = KnowledgeSettings(widen=widen, widen_to=widen_to, **SMALL)
    (found,) = Widening(settings, revisions, Store(chunks) if store else None).widened([passages], [Search("?", asker)])
    for each in found:
        assert TEXT[each.start : each.end] == each.text
        assert each.place_of(0, 1).page == each.place.page
    return found


def named(passage):
    return [name for name, plan in zip(NAMES, PLANS, strict=True) if plan in passage.text]


def test_there_is_a_chunk_for_each_plan(chunks):
    assert len(chunks) == 6


def test_a_passage_takes_in_its_neighbours_as_far_as_they_fit(chunks):
    (found,) = widened(chunks, passages_of(chunks, 1), widen_to=270)
    assert named(found) == ["Brook", "River", "Hazel"]
    assert (found.rank, found.similarity, found.heading) == (1, 1.0, chunks[1].heading)
    (found,) = widened(chunks, passages_of(chunks, 1), widen_to=180)
    assert named(found) == ["River", "Hazel"]
    assert widened(chunks, passages_of(chunks, 1), widen_to=100) == passages_of(chunks, 1)
    assert widened(chunks, passages_of(chunks, 1), widen="none") == passages_of(chunks, 1)


def test_neighbours_may_stand_below_another_heading_and_a_section_ends_there(chunks):
    (found,) = widened(chunks, passages_of(chunks, 2))
    assert (found.text, found.heading) == (TEXT, "Plans")
    (found,) = widened(chunks, passages_of(chunks, 2), widen="section")
    assert (named(found), found.heading) == (["Brook", "River", "Hazel"], "Plans > Prices")


def test_pages_are_those_of_all_that_was_taken_in(chunks):
    (found,) = widened(chunks, passages_of(chunks, 4))
    assert (found.place.page, [segment.page for segment in found.segments]) == (1, [1, 2])
    assert found.place_of(TEXT.index("Aspen"), TEXT.index("Aspen") + 5).page == 2


def test_passages_that_touch_become_one_at_the_better_rank(chunks):
    found = widened(chunks, passages_of(chunks, 5, 1, 0), widen_to=100)
    assert [(named(each), each.rank) for each in found] == [(["Aspen"], 1), (["Brook", "River"], 2)]
    (found,) = widened(chunks, passages_of(chunks, 4, 0))
    assert (found.text, found.similarity) == (TEXT, 1.0)


def test_only_what_the_asker_may_read_is_taken_in(chunks):
    closed = [*chunks[:2], replace(chunks[2], readable_by=("staff",)), *chunks[3:]]
    (found,) = widened(closed, passages_of(closed, 1))
    assert named(found) == ["Brook", "River"]
    (found,) = widened(closed, passages_of(closed, 1), asker=("everyone", "staff"))
    assert named(found)[2:] == ["Hazel", "Delta", "Pebble", "Aspen"]


def test_what_was_taken_from_another_revision_stays_as_it_is(chunks):
    (earlier,) = (replace(each, fingerprint="2:earlier") for each in passages_of(chunks, 1))
    assert widened(chunks, [earlier]) == [earlier]


def test_what_a_retriever_found_is_widened_in_the_kept_text(chunks):
    excerpt = "sold in every shop"
    start = TEXT.index(excerpt, TEXT.index("Hazel"))
    mark = fingerprint(DOCUMENT, chunks)
    known = Passage("plans.md", Place(start, start + len(excerpt), 1), excerpt, "Plans", 1, 1.0, None, (), mark)
    (found,) = widened(chunks, [known], widen_to=270, store=False)
    assert named(found) == ["River", "Hazel", "Delta"]


def test_what_has_no_place_or_no_kept_text_stays_as_it_is(chunks):
    known, unknown = passages_of(chunks, 1, 2)
    unknown = replace(unknown, place=UNKNOWN_PLACE, text="in other words")
    widening = Widening(KnowledgeSettings(widen="section", **SMALL), MemoryRevisions(), None)
    assert widening.widened([[known, unknown]], [Search("?")]) == [[known, unknown]]


# --- rows of tables -------------------------------------------------------------------------------

PRICES = "Prices:\n\n| 2023 | 2022\nHazel | 10 | 9\nPebble | 20 | 18\n\nThey hold for a year."
LIST = Document("prices.md", PRICES, "Prices", ("staff",))


def with_tables(*quotes, asker=("staff",)):
    revisions = MemoryRevisions()
    revisions.keep([Revision(LIST, "mark")])
    spans = [(PRICES.index(quote), PRICES.index(quote) + len(quote)) for quote in quotes]
    passages = [
        Passage(LIST.id, Place(*span), PRICES[slice(*span)], "Prices", rank, 1 / rank, fingerprint="mark")
        for rank, span in enumerate(spans, start=1)
    ]
    (found,) = Widening(KnowledgeSettings(), revisions, None).widened([passages], [Search("?", asker)])
    assert all(PRICES[each.start : each.end] == each.text for each in found)
    return [each.text for each in found]


def test_rows_of_tables_are_taken_in_by_default():
    assert with_tables("Prices:") == [PRICES.removesuffix("\n\nThey hold for a year.")]


def test_passages_that_share_rows_become_one():
    assert with_tables("They hold for a year.", "Hazel | 10 | 9") == [PRICES.removeprefix("Prices:\n\n")]


def test_rows_are_taken_in_for_those_only_who_may_read_the_document():
    assert with_tables("Prices:", asker=("everyone",)) == ["Prices:"]


def test_passages_that_touch_stay_apart_where_there_are_no_rows(chunks):
    assert len(widened(chunks, passages_of(chunks, 0, 1), widen="tables")) == 2
