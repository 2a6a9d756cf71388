"""The records on every database they may stand in: `url` of conftest.py goes through them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from groundtune import secrets
from groundtune.errors import StoreError
from groundtune.records import KeptKind, open_records
from groundtune.secrets import Secret, masked
from groundtune.values import Answer, Citation, Document, Failure, Passage, Place, Revision, Score, Usage

RUN = ("rag", "model=x", "fingerprint", "test", {"model.name": {"value": "x", "origin": "file"}})


@pytest.fixture
def records(url, tmp_path):
    with open_records(url, tmp_path) as opened:
        yield opened


def test_a_run_is_the_same_until_something_it_depends_on_changes(records):
    first = records.run(*RUN)
    assert records.run(*RUN) == first
    assert first.settings == RUN[4]
    others = [("base", *RUN[1:]), ("rag", "model=y", *RUN[2:]), (*RUN[:2], "other", *RUN[3:])]
    others.append((*RUN[:3], "development", RUN[4]))
    assert len({first.id, *(records.run(*other).id for other in others)}) == 5
    assert len(records.runs()) == 5


def test_finishing_is_kept(url, tmp_path):
    times = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(9))
    with open_records(url, tmp_path, clock=lambda: next(times)) as records:
        run = records.run(*RUN)
        assert run.finished_at is None
        assert records.finish(run).finished_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    with open_records(url, tmp_path) as again:
        assert again.run(*RUN).finished_at == datetime(2026, 1, 1, 1, tzinfo=UTC)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 10**6)
places = st.builds(Place, count, count, st.none() | count, st.none() | number)
segments = st.lists(places, max_size=2).map(tuple)
passages = st.builds(Passage, texts, places, texts, texts, count, number, st.none() | number, segments)
citations = st.builds(Citation, texts, places, texts, st.sampled_from(["model", "attributed"]))
usages = st.builds(Usage, count, count, st.none() | number, st.none() | number)
answers = st.builds(
    Answer,
    texts,
    st.booleans(),
    usages,
    st.lists(passages, max_size=3).map(tuple),
    st.lists(citations, max_size=3).map(tuple),
    count,
    st.none() | number,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers)
def test_every_answer_comes_back_exactly(records, answer):
    run = records.run(*RUN)
    records.save_answers(run, {"case": answer})
    assert records.answers(run) == {"case": answer}


def answer(content="yes"):
    return Answer(content, False, Usage())


def test_failures_are_kept_as_failures(records):
    run = records.run(*RUN)
    records.save_answers(run, {"a": answer(), "b": Failure("no reply: timed out")})
    assert records.answers(run) == {"a": answer(), "b": Failure("no reply: timed out")}


def test_scores_come_back_with_their_kind(records):
    run = records.run(*RUN)
    given_scores = {"a": Score(1 / 3), "b": Score(None, "no gold passages"), "c": Score(None, "broke", failed=True)}
    given_scores["d"] = Score(0.5, parts=(3.0, 1 / 3, 0.0))
    records.save_scores(run, "rouge1", "rouge1|v1", given_scores)
    assert records.scores(run, "rouge1|v1") == given_scores
    assert records.scores(run, "rouge1|v2") == {}


def test_a_score_that_is_no_number_is_refused(records):
    with pytest.raises(StoreError, match="exact gave case a the score nan"):
        records.save_scores(records.run(*RUN), "exact", "exact|v1", {"a": Score(float("nan"))})


def test_parts_that_are_no_numbers_are_refused(records):
    with pytest.raises(StoreError, match="bleu gave case a the score inf"):
        records.save_scores(records.run(*RUN), "bleu", "bleu|v1", {"a": Score(0.5, parts=(1.0, float("inf")))})


def test_reasons_may_hold_what_programs_say_when_they_break(records):
    run = records.run(*RUN)
    records.save_answers(run, {"a": Failure("bad byte \x00 and \udcff")})
    assert records.answers(run)["a"] == Failure("bad byte \ufffd and \ufffd")


def test_a_new_answer_takes_the_old_scores_away(records):
    run = records.run(*RUN)
    records.save_answers(run, {"a": Failure("timed out"), "b": answer()})
    records.save_scores(run, "exact", "exact|v1", {"a": Score(None, "no answer", failed=True), "b": Score(1.0)})
    records.save_answers(run, {"a": answer("better late than never")})
    assert records.answers(run)["a"] == answer("better late than never")
    assert records.scores(run, "exact|v1") == {"b": Score(1.0)}


def test_runs_do_not_see_one_another(records):
    one, other = records.run(*RUN), records.run("base", *RUN[1:])
    records.save_answers(one, {"a": answer()})
    records.save_scores(one, "exact", "exact|v1", {"a": Score(1.0)})
    assert (records.answers(other), records.scores(other, "exact|v1")) == ({}, {})


def test_more_cases_than_a_statement_has_room_for(records):
    run = records.run(*RUN)
    many = {f"case {index:05}": answer(str(index)) for index in range(3000)}
    records.save_answers(run, many)
    records.save_answers(run, many)
    assert records.answers(run) == many


def test_the_latest_comparison_is_the_last_saved(records):
    assert records.latest_comparison() is None
    records.save_comparison({"recommendation": {"candidate": None}})
    saved = records.save_comparison({"recommendation": {"candidate": "rag"}, "umlaut": "ä"})
    assert records.latest_comparison() == saved


def test_threads_may_save_at_once(records):
    run = records.run(*RUN)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: records.save_answers(run, {str(index): answer()}), range(40)))
    assert len(records.answers(run)) == 40


def test_the_same_run_begun_at_once_is_begun_once(records):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: records.run(*RUN), range(8)))
    assert len({run.id for run in found}) == 1
    assert len(records.runs()) == 1


PASSWORD = "postgresql://ana:hunter2@db/x"


def test_passwords_are_blanked_in_what_is_saved(records):
    """Settings, signature and report; what failed says why without them; answers and scores find their run again."""
    run = records.run("rag", f"openai:m@{PASSWORD}", "fingerprint", "test", {"records.url": {"value": PASSWORD}})
    assert run.settings == {"records.url": {"value": "postgresql://ana:***@db/x"}}
    assert run.signature == "openai:m@postgresql://ana:***@db/x"
    assert records.run("rag", f"openai:m@{PASSWORD}", "fingerprint", "test", {}) == run
    saved = records.save_comparison({"settings": [PASSWORD, {"deeper": PASSWORD}], "n": 1.5, "none": None})
    blank = "postgresql://ana:***@db/x"
    assert saved.report == {"settings": [blank, {"deeper": blank}], "n": 1.5, "none": None}
    assert records.latest_comparison() == saved
    records.save_answers(run, {"a": Failure(f"cannot reach {PASSWORD}")})
    records.save_scores(run, "exact", "exact|v1", {"a": Score(None, f"cannot reach {PASSWORD}", failed=True)})
    assert records.answers(run)["a"].reason == "cannot reach postgresql://ana:***@db/x"
    assert records.scores(run, "exact|v1")["a"].reason == "cannot reach postgresql://ana:***@db/x"


TIMES = KeptKind("times", TypeAdapter(list[float]))
WORDS = KeptKind("words", TypeAdapter(dict[str, str]))


def test_a_password_that_is_a_word_leaves_the_word_in_what_is_saved(records, monkeypatch):
    """Or a run would not be known again, and a report of the part "test" not be read again."""
    monkeypatch.setattr(secrets, "_known", set())
    before = records.run("rag", "model=test", "fingerprint", "test", {})
    Secret("test")
    assert masked("of test") == "of ***"
    assert records.run("rag", "model=test", "fingerprint", "test", {}) == before
    report = {"benchmark": {"part": "test"}}
    records.save_comparison(report)
    assert records.latest_comparison().report == report


def test_what_is_kept_comes_back_by_kind_and_key(records):
    assert records.kept(TIMES, "a") is None
    records.keep(TIMES, "a", [0.1, 1 / 3])
    records.keep(WORDS, "a", {"ä": "\x00"})
    records.keep(TIMES, "b", [])
    assert records.kept(TIMES, "a") == [0.1, 1 / 3]
    assert records.kept(WORDS, "a") == {"ä": "\x00"}
    assert records.kept_many(TIMES, ["a", "b", "c"]) == {"a": [0.1, 1 / 3], "b": []}


def test_keeping_again_takes_the_place_of_what_was_kept(records):
    records.keep(TIMES, "a", [1.0])
    records.keep(TIMES, "a", [2.0])
    assert records.kept(TIMES, "a") == [2.0]


def test_what_is_remembered_is_made_once_for_each_key(records):
    assert records.remembered(TIMES, "a", lambda: [1.0]) == [1.0]
    assert records.remembered(TIMES, "a", lambda: pytest.fail("it was made again")) == [1.0]
    assert records.remembered(TIMES, "b", lambda: [2.0]) == [2.0]
    assert records.kept(TIMES, "a") == [1.0]


def test_more_keys_than_a_statement_has_room_for(records):
    for number in range(3):
        records.keep(TIMES, f"key {1000 * number}", [float(number)])
    assert len(records.kept_many(TIMES, [f"key {number}" for number in range(3000)])) == 3


def test_a_kept_value_that_is_none_of_its_kind_is_named(records):
    records.keep(WORDS, "a", {"b": "c"})
    with pytest.raises(StoreError, match=r"words value with the key a cannot be read.*Delete that row"):
        records.kept(KeptKind("words", TypeAdapter(list[float])), "a")


def test_threads_may_keep_the_same_at_once(records):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: records.keep(TIMES, "a", [float(number)]), range(40)))
    assert records.kept(TIMES, "a")[0] in range(40)


def report_of(*names, fingerprint="f"):
    return {"candidates": {name: {} for name in names}, "benchmark": {"fingerprint": fingerprint}}


def test_the_latest_comparison_is_one_of_several_candidates(records):
    first = records.save_comparison(report_of("base"))
    assert records.latest_comparison() == first, "there is nothing better"
    compared = records.save_comparison(report_of("base", "rag"))
    records.save_comparison(report_of("rag"))
    records.save_comparison(report_of("base", "rag", "raft"), "evaluation")
    records.save_comparison({"no": "report"})
    assert records.latest_comparison() == compared
    later = records.save_comparison(report_of("rag", "base"))
    assert records.latest_comparison("f") == later


def test_the_latest_comparison_of_one_benchmark_is_found_among_others(records):
    first = records.save_comparison(report_of("base", "rag", fingerprint="a"))
    records.save_comparison(report_of("base", "rag", fingerprint="b"))
    assert records.latest_comparison("a") == first
    assert records.latest_comparison("c") is None


def read(text, document="a.md", number=0):
    return Revision(Document(document, text, "A", ("everyone",), {"author": "Ñ"}), f"2:{number}", (Place(0, 1, 1),))


def test_documents_come_back_as_they_were_read(records):
    kept = records.revisions("lancedb:x", 1)
    strange = read("a\u0000b\u202e \U0001f600 '; DROP TABLE revisions; --")
    kept.keep([strange, read("b", "b.md")])
    assert kept.live() == {}
    kept.settle({"a.md": "2:0"})
    assert kept.live() == {"a.md": "2:0"}
    assert kept.revision("a.md", "2:0") == strange
    assert kept.revision("a.md", "2:1") is None
    assert kept.lacking({"a.md": "2:0", "b.md": "2:1"}) == {"b.md"}


def test_earlier_revisions_go_when_there_are_too_many(records):
    kept = records.revisions("lancedb:x", 1)
    for number in range(4):
        kept.keep([read(f"text {number}", number=number)])
        kept.settle({"a.md": f"2:{number}"})
    assert kept.fingerprints("a.md") == ["2:3", "2:2"]
    kept.settle({})
    assert kept.live() == {}
    assert kept.fingerprints("a.md") == ["2:3"]


def test_what_is_forgotten_is_known_to_be_so_until_it_is_read_again(records):
    kept = records.revisions("lancedb:x", 1)
    kept.keep([read("text")])
    kept.settle({"a.md": "2:0"})
    kept.forget({"a.md": "2:0", "unknown.md": "2:7"})
    assert kept.withdrawn("a.md", "2:0")
    assert kept.withdrawn("unknown.md", "2:7")
    assert not kept.withdrawn("a.md", "2:1")
    assert kept.fingerprints("a.md") == []
    assert kept.live() == {}
    kept.keep([read("text")])
    assert not kept.withdrawn("a.md", "2:0")
