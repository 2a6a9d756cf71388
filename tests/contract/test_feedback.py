"""Feedback in the records, on every database they may stand in: `url` of conftest.py goes through them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from groundtune.errors import InputError
from groundtune.records import open_records
from groundtune.records.feedback import Opinion, RatedTurn

START = datetime(2026, 1, 1, tzinfo=UTC)
RATED = RatedTurn("talk", 2, "ana", "rag")


@pytest.fixture
def kept(url, tmp_path):
    times = (START + timedelta(hours=hour) for hour in range(1000))
    with open_records(url, tmp_path, clock=lambda: next(times)) as records:
        yield records.feedback()


def test_what_is_said_comes_back_and_a_later_rating_replaces_it(kept):
    first, second = Opinion(thumb=False, text="No ☹"), Opinion(stars=5)
    assert kept.give(RATED, "ana", first) is None
    assert kept.classify(RATED, "ana", first, "wrong", "by hand")
    assert [(each.opinion, each.complaint) for each in kept.all()] == [(first, "wrong")]
    assert kept.give(RATED, "ana", second) == first
    (record,) = kept.all()
    assert (record.rated, record.opinion, record.complaint) == (RATED, second, "")
    assert not kept.classify(RATED, "ana", first, "wrong", "by hand"), "its text is there no more"


def test_what_no_database_takes_is_kept_with_other_marks(kept):
    opinion = Opinion(thumb=False, text="half \ud800, nothing \x00")
    kept.give(RATED, "ana", opinion)
    assert kept.classify(RATED, "ana", opinion, "other", "by hand")
    assert [each.opinion.text for each in kept.all()] == ["half \ufffd, nothing \ufffd"]


def test_a_conversation_is_asked_about_once_whoever_asks(kept):
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda turn: kept.ask(RatedTurn("talk", turn, "ana", "rag")), range(1, 9)))
    assert sum(asked) == 1
    assert kept.ask(RatedTurn("other", 2, "ana", "rag"))


def test_who_said_something_is_not_asked(kept):
    kept.give(RATED, "carla", Opinion(correction="11 euros"))
    assert kept.ask(RATED), "an expert's correction is not of the user"
    kept.give(RatedTurn("second", 2, "ana", "rag"), "ana", Opinion(thumb=True))
    assert not kept.ask(RatedTurn("second", 4, "ana", "rag"))


def test_asked_declined_and_given_are_told_apart(kept):
    assert not kept.decline("talk", "ana"), "nobody asked"
    kept.ask(RATED)
    assert kept.decline("talk", "ana")
    kept.give(RATED, "ana", Opinion(thumb=True))
    (record,) = kept.of_user("ana")
    assert record.asked_at < record.declined_at < record.given_at
    assert kept.of_user("bob") == []


def test_feedback_is_forgotten_by_user_and_by_time(kept):
    kept.ask(RATED)
    kept.give(RATED, "carla", Opinion(correction="11 euros"))
    kept.give(RatedTurn("other", 2, "bob", "rag"), "bob", Opinion(thumb=True))
    assert kept.forget("ana") == 2, "with what an expert said of an answer to her"
    assert [each.rated.actor for each in kept.all()] == ["bob"]
    assert kept.purge(START + timedelta(hours=2)) == 0
    assert kept.all(since=START + timedelta(hours=500)) == []
    assert kept.purge(START + timedelta(hours=500)) == 1
    assert kept.all() == []


@pytest.mark.parametrize("wrong", [{}, {"text": " "}, {"stars": 0}, {"stars": 6}])
def test_what_is_no_opinion_is_refused(wrong):
    with pytest.raises(InputError):
        Opinion(**wrong)


def test_stars_say_who_is_satisfied_before_the_thumb_does():
    assert [Opinion(stars=stars).satisfied for stars in range(1, 6)] == [False, False, False, True, True]
    assert [Opinion(stars=stars).bad for stars in range(1, 6)] == [True, True, False, False, False]
    assert (Opinion(thumb=True).satisfied, Opinion(thumb=False).bad, Opinion(text="Hm").satisfied) == (True, True, None)
