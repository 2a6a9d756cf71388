"""Places: characters always, a page or a second where the file has them; identities do not change without them."""

from dataclasses import replace

import pytest

from groundtune.knowledge.stores._checks import without_version
from groundtune.protocols import fingerprint, read_by_this_version
from groundtune.values import (
    UNKNOWN_PLACE,
    Actor,
    Chunk,
    Citation,
    Document,
    Message,
    Passage,
    Place,
    Question,
    Search,
    located,
    segments_between,
)

PAGES = (Place(0, 10, 1), Place(10, 30, 2), Place(30, 50, 4))
PLANS = Document("plans.md", "# Plans\n\nHazel costs 9 euros.", "Plans", ("everyone",))
CHUNK = Chunk("plans.md", Place(0, 29), PLANS.text, "Plans", ("everyone",))


@pytest.mark.parametrize(("start", "page"), [(0, 1), (9, 1), (10, 2), (29, 2), (30, 4), (49, 4)])
def test_a_place_is_on_the_page_on_which_it_begins(start, page):
    assert located(start, start + 25, PAGES) == Place(start, start + 25, page)


def test_without_pages_a_place_is_characters_only():
    assert located(3, 5, ()) == Place(3, 5)
    assert located(3, 5, PAGES[1:]) == Place(3, 5)


def test_a_moment_of_a_recording():
    spoken = (Place(0, 40, seconds=0.0), Place(40, 90, seconds=65.4))
    assert located(41, 50, spoken) == Place(41, 50, seconds=65.4)
    assert [place.label for place in (*spoken, *PAGES[2:], Place(0, 1))] == ["0:00", "1:05", "page 4", ""]
    assert Place(0, 1, seconds=3599.9).label == "59:59"
    assert Place(0, 1, seconds=7265).label == "2:01:05"


def test_a_part_of_a_passage_has_a_page_of_its_own():
    passage = Passage("a.pdf", Place(5, 50, 1), "x" * 45, "", 1, 1.0, segments=(Place(5, 10, 1), *PAGES[1:]))
    assert passage.place_of(0, 3) == Place(5, 8, 1)
    assert passage.place_of(6, 40) == Place(11, 45, 2)
    assert passage.place_of(25, 40) == Place(30, 45, 4)
    assert replace(passage, segments=()).place_of(25, 40) == Place(30, 45, 1)


def test_people_are_told_the_page():
    assert Citation("a.pdf", Place(5, 50, 3), "q", "model").source == "a.pdf, page 3"
    assert Citation("decks/a.PPTX", Place(5, 50, 3), "q", "model").source == "decks/a.PPTX, slide 3"
    assert Citation("a.md", Place(5, 50), "q", "model").source == "a.md"


def test_a_place_that_is_not_known_claims_no_characters():
    excerpt = Passage("a.pdf", UNKNOWN_PLACE, "an excerpt in other words", "", 1, 1.0)
    assert excerpt.place_of(3, 10) == UNKNOWN_PLACE
    assert excerpt.source == "a.pdf, place not known"
    assert UNKNOWN_PLACE.as_json() == {
        "start": None,
        "end": None,
        "page": None,
        "seconds": None,
        "confidence": None,
        "unsure": False,
    }
    assert not UNKNOWN_PLACE.known
    assert Place(0, 1).known
    assert Place(3, 5, 2).as_json() == {
        "start": 3,
        "end": 5,
        "page": 2,
        "seconds": None,
        "confidence": None,
        "unsure": False,
    }


def test_what_stands_on_several_pages_has_a_part_of_each():
    assert segments_between(5, 35, PAGES) == (Place(5, 10, 1), Place(10, 30, 2), Place(30, 35, 4))
    assert segments_between(10, 30, PAGES) == ()
    assert segments_between(3, 9, ()) == ()


def test_identities_without_pages_are_those_of_earlier_versions():
    assert CHUNK.id == "df5d004ffe4d746b6bae43b2b7b87a7e"
    assert without_version(fingerprint(PLANS, [CHUNK])) == "2d6a25725b77d598fa89d83d841a6d42"


def test_a_fingerprint_tells_which_version_has_read_the_document():
    assert read_by_this_version(fingerprint(PLANS, [CHUNK]))
    for earlier in ("2d6a25725b77d598fa89d83d841a6d42", "1:2d6a25725b77d598fa89d83d841a6d42", ""):
        assert not read_by_this_version(earlier)


def test_identities_with_pages_are_others():
    on_page = replace(CHUNK, place=Place(0, 29, 1))
    across = replace(on_page, segments=(Place(0, 9, 1), Place(9, 29, 2)))
    later = replace(on_page, segments=(Place(0, 12, 1), Place(12, 29, 2)))
    assert len({chunk.id for chunk in (CHUNK, on_page, across, later)}) == 4


def test_a_place_that_was_recognised_says_where_it_is_hard_to_read():
    assert Place(0, 9, 3, confidence=0.4).judged(0.6).label == "page 3, poorly legible"
    assert Place(0, 9, seconds=65.2, confidence=0.4).judged(0.6).label == "1:05, poorly audible"
    assert Place(0, 9, confidence=0.4).judged(0.6).label == "poorly legible"
    assert Place(0, 9, 3, confidence=0.6).judged(0.6).label == "page 3"
    assert Place(0, 9, 3).judged(1.0).label == "page 3"
    assert Place(0, 9, 3, confidence=0.4).judged(0.6).judged(0.3) == Place(0, 9, 3, confidence=0.4)


def test_a_passage_is_unsure_if_any_of_its_parts_is():
    parts = (Place(0, 5, 1), Place(5, 9, 2, confidence=0.3))
    passage = Passage("a.pdf", Place(0, 9, 1), "some text", "", 1, 0.5, segments=parts).judged(0.6)
    assert passage.source == "a.pdf, page 1, poorly legible"
    assert [passage.place_of(start, start + 1).unsure for start in (0, 6)] == [False, True]


def test_confidence_is_part_of_what_a_chunk_is_and_its_absence_changes_no_id():
    read = Chunk("a.pdf", Place(0, 4, 1), "text", "", ())
    assert replace(read, place=Place(0, 4, 1, confidence=0.5)).id != read.id
    assert replace(read, place=Place(0, 4, confidence=0.5)).id != replace(read, place=Place(0, 4)).id


def test_halves_of_characters_go_no_further():
    half, whole = "caf\udce9 \ud83e\udd8a", "caf\ufffd 🦊"
    assert Message("user", half).content == whole
    assert Question(half).text == whole
    assert (Search(half, where={half: half}).text, Search("", where={half: half}).where) == (whole, {whole: whole})
    assert Actor(half).id == whole
