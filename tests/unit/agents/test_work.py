"""A worker does jobs, each attempt within a boundary of its own, and gives up in words."""

import threading
import time

import pytest

from groundtune.agents.work import Worker, WorkLimits
from groundtune.errors import ModelFailed
from groundtune.records import open_records
from groundtune.records.jobs import enqueue


@pytest.fixture
def records(tmp_path):
    with open_records("sqlite:///records.db", tmp_path) as records:
        yield records


def enqueued(records, *subjects, kind="propose"):
    with records.jobs()._writing() as connection:
        for subject in subjects:
            enqueue(connection, kind, subject, records.jobs().clock())
    return records.jobs()


def outcomes(worker):
    return [(each.job.subject, each.outcome, each.why) for each in worker.work()]


def breaks(subject):
    raise ValueError("boom of ana@mail.example")


def fails(subject):
    raise ModelFailed("the model is down.", remedy="Start it.")


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (breaks, "it broke (ValueError)."),
        (fails, "the model is down. Start it."),
        (lambda subject: "nobody knows yet.", "nobody knows yet."),
        (lambda subject: 1 / len(subject[:0]), "it broke (ZeroDivisionError)."),
    ],
)
def test_a_job_that_is_not_done_is_tried_again_and_then_failed_and_told(records, caplog, handler, why):
    jobs = enqueued(records, "a")
    worker = Worker(jobs, {"propose": handler}, WorkLimits(attempts=3, wait=0))
    assert outcomes(worker) == [("a", "again", why), ("a", "again", why), ("a", "failed", why)]
    assert outcomes(worker) == [], "it is not tried for ever"
    assert [(job.state, job.attempts, job.why) for job in jobs.jobs()] == [("failed", 3, why)]
    assert f"The job to propose a failed, after 3 attempts: {why}" in caplog.text


def test_what_breaks_keeps_no_other_job_from_being_done(records):
    jobs, done = enqueued(records, "a", "b", "c"), []
    worker = Worker(jobs, {"propose": lambda subject: breaks(subject) if subject == "a" else done.append(subject)})
    assert [outcome for _, outcome, _ in outcomes(worker)] == ["again", "done", "done"]
    assert done == ["b", "c"]
    assert [job.subject for job in jobs.jobs()] == ["a"]


def test_what_hangs_is_left_behind_and_its_late_result_counts(records):
    jobs, ends = enqueued(records, "hangs", "later"), threading.Event()

    def handler(subject):
        if subject == "hangs":
            ends.wait(30)
            records.proposals().take(subject, [])

    began = time.monotonic()
    worker = Worker(jobs, {"propose": handler}, WorkLimits(seconds=0.2))
    assert outcomes(worker) == [("hangs", "again", "it had not ended after 0.2 seconds."), ("later", "done", "")]
    assert time.monotonic() - began < 10
    ends.set()
    while jobs.jobs():
        assert time.monotonic() - began < 20
        time.sleep(0.01)
    assert records.proposals().taken() == {"hangs"}


def test_where_too_many_hang_no_job_is_begun_until_they_end(records, caplog):
    jobs, ends = enqueued(records, "a", "b", "c"), threading.Event()
    worker = Worker(jobs, {"propose": lambda _: ends.wait(30) and None}, WorkLimits(seconds=0.05, hanging=2))
    assert [outcome for _, outcome, _ in outcomes(worker)] == ["again", "again"]
    assert "No job is begun: 2 attempts hang." in caplog.text
    assert next((job.subject, job.attempts) for job in jobs.jobs()) == ("c", 0)
    ends.set()
    deadline = time.monotonic() + 10
    while not (worked := outcomes(worker)):
        assert time.monotonic() < deadline
    assert worked == [("c", "done", "")]


def test_a_job_that_kills_whoever_does_it_is_given_up(records):
    jobs = enqueued(records, "a")
    for attempt in range(1, 4):
        assert jobs.take(["propose"], "killed", 0).attempts == attempt
    (left,) = Worker(jobs, {"propose": lambda _: None}, WorkLimits(attempts=3)).work()
    assert (left.outcome, left.why) == ("failed", "whoever worked on it was killed, or hung.")


def test_a_job_that_is_interrupted_is_given_back_at_once(records):
    jobs = enqueued(records, "a")

    def stopped(subject):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Worker(jobs, {"propose": stopped}).work_once()
    assert outcomes(Worker(jobs, {"propose": lambda _: None})) == [("a", "done", "")]


def test_a_worker_takes_only_what_it_has_a_handler_for(records):
    jobs = enqueued(records, "a", kind="settle")
    assert outcomes(Worker(jobs, {"propose": lambda _: None})) == []
    assert [job.attempts for job in jobs.jobs()] == [0]
