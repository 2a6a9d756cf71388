"""Jobs are done once, whatever is killed and however many work on them, on every database that they may stand in."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from _back_end import PayBill
from sqlalchemy.engine.default import DefaultDialect

from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.complaints import Classified
from groundtune.agents.effects import EffectLedger, LedgerTimes
from groundtune.agents.enrichment import EnrichmentAgent, EnrichmentTools
from groundtune.agents.feedback import FeedbackAgent
from groundtune.agents.work import Worker, WorkLimits
from groundtune.assembly.background import settling
from groundtune.errors import ModelFailed
from groundtune.records import open_records
from groundtune.records.feedback import Opinion, RatedTurn
from groundtune.records.jobs import enqueue, over
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import EVERYONE, ActionCall, Actor, Answer, Usage

START = datetime(2026, 1, 1, tzinfo=UTC)
CALL = ActionCall("pay_bill", {"bill": "B-17", "cents": 3150})
ANSWER = Answer("The pebble plan costs 7 euros.", abstained=False, usage=Usage())


class Service:
    """What talks with users, and works on what is left: all parts are real but for the model and the back-end."""

    def __init__(self, url, folder, hours=0):
        self.now = START + timedelta(hours=hours)
        self.records = open_records(url, folder, clock=lambda: self.now)
        self.jobs, self.talks = self.records.jobs(), self.records.conversations()
        effects = self.records.effects()
        self.ledger = EffectLedger(effects, Approvals(effects), LedgerTimes(lease=60, late=0, wait=0))
        self.pay = PayBill(folder / "back-end.db")

    def talk(self, user):
        """Hold a conversation that goes on where it was cut off: a question, a payment, a complaint, a correction."""
        known = [talk for talk in self._talks(user) if talk.ended_at is None]
        if self._talks(user) and not known:
            return
        key = known[0].id if known else self.talks.begin(user, "rag", consent=True, asker=EVERYONE)
        said = ("How much is the pebble plan?", ANSWER, "No, it is 12 euros now.")
        for number, turn in enumerate(said):
            if number >= (len(known[0].turns) if known else 0):
                answer = turn if isinstance(turn, Answer) else None
                text = turn.text if answer else turn
                self.talks.add(key, user, "assistant" if answer else "user", text, answer)
        self.pay.after = self._cut
        self.ledger.perform(self.pay, CALL, Actor(user), Occasion(key, "turn 1"))
        if not self.records.feedback().of_user(user):
            FeedbackAgent(self.records, self._model_is_down).give(key, user, Opinion(thumb=False, text="Wrong!"), 2)
        self.talks.end(key, user)

    def _talks(self, user):
        with self.talks._reading() as connection:
            keys = connection.exec_driver_sql(f"SELECT id FROM conversations WHERE actor = '{user}'").scalars().all()
        return [self.talks.conversation(key, user) for key in keys]

    @staticmethod
    def _cut():
        raise ConnectionError

    @staticmethod
    def _model_is_down(text):
        raise ModelFailed("the model is down.")

    def propose(self, key):
        tools = EnrichmentTools(
            nearest=lambda text, asker: (),
            embed=lambda texts: HashingEmbedder().embed(list(texts), "document"),
            redact=lambda text: (text, ()),
            readers=lambda document: EVERYONE,
        )
        for talk in self.talks.ended(START - timedelta(days=1), key):
            self.records.proposals().take(key, EnrichmentAgent(tools).look(talk, []).proposals)

    def worker(self, **limits):
        handlers = {
            "settle": settling(self.ledger, {"pay_bill": self.pay}),
            "classify": FeedbackAgent(self.records, lambda text: Classified("wrong", "by hand")).classify,
            "propose": self.propose,
        }
        return Worker(self.jobs, handlers, WorkLimits(**limits))

    def close(self):
        self.records.close()


def killed_at(place, work):
    """Do `work` in a child that is killed at the `place`-th of all moments before and after a commit; tell whether."""
    child = os.fork()
    if not child:
        moments = iter(range(1, 10_000))

        def commits(dialect, connection, real=DefaultDialect.do_commit):
            for step in (lambda: real(dialect, connection), lambda: None):
                if next(moments) == place:
                    os.kill(os.getpid(), signal.SIGKILL)
                step()

        try:
            DefaultDialect.do_commit = commits
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_restart_at_every_commit_finishes_each_job_once(url, tmp_path):
    """A conversation, a payment that is cut off, a complaint while the model is down, and the work on all three."""
    Service(url, tmp_path).close()
    kills, outcomes, crashed = 0, set(), True
    while crashed:
        user = f"user-{kills}"

        def work(user=user):
            service = Service(url, tmp_path)
            service.talk(user)
            service.now += timedelta(minutes=5)
            assert [each.outcome for each in service.worker().work()] == ["done"] * 3

        crashed = killed_at(kills + 1, work)
        kills += crashed
        restarted = Service(url, tmp_path, hours=1)
        paid = len(restarted.pay.payments())
        restarted.talk(user)
        restarted.now += timedelta(hours=1)
        assert {each.outcome for each in restarted.worker().work()} <= {"done"}
        assert restarted.jobs.jobs() == [], f"killed at moment {kills}"
        (proposal,) = restarted.records.proposals().records(user=user)
        assert proposal.proposal.text == "It is 12 euros now."
        (feedback,) = restarted.records.feedback().of_user(user)
        assert (feedback.complaint, feedback.classified_by) == ("wrong", "by hand")
        (talk,) = restarted._talks(user)
        (effect,) = restarted.records.effects().effects(talk.id)
        mine = [payment for payment in restarted.pay.payments() if payment[0] == effect.key]
        assert len(mine) == (effect.state == "done")
        assert len(talk.turns) == 3
        outcomes.add((effect.state, len(restarted.pay.payments()) > paid))
        restarted.close()
    assert kills > 20
    assert {("done", False), ("refused", False), ("done", True)} == outcomes


def test_several_workers_do_each_job_once(url, tmp_path):
    with open_records(url, tmp_path) as records, records.jobs()._writing() as connection:
        for number in range(40):
            enqueue(connection, "propose", f"talk {number}", datetime.now(UTC))
    done, meeting = [], threading.Barrier(4, timeout=30)

    def work(_):
        with open_records(url, tmp_path) as records:
            meeting.wait()
            return list(Worker(records.jobs(), {"propose": done.append}).work())

    with ThreadPoolExecutor(4) as workers:
        worked = [each.job.subject for some in workers.map(work, range(4)) for each in some]
    assert sorted(done) == sorted(worked) == sorted(f"talk {number}" for number in range(40))


@pytest.fixture
def service(url, tmp_path):
    made = Service(url, tmp_path)
    yield made
    made.close()


def enqueued(service, kind="propose", subject="talk", wait=0.0):
    with service.jobs._writing() as connection:
        enqueue(connection, kind, subject, service.now, wait)


def test_a_job_is_held_by_one_owner_for_a_time(service):
    for _ in range(2):
        enqueued(service, wait=10)
    assert len(service.jobs.jobs()) == 1, "twice is once"
    assert service.jobs.take(["propose"], "first", 60) is None, "not due"
    service.now += timedelta(seconds=10)
    assert service.jobs.take(["settle"], "first", 60) is None, "of another kind"
    first = service.jobs.take(["propose"], "first", 60)
    assert (first.owner, first.attempts) == ("first", 1)
    assert service.jobs.take(["propose"], "second", 60) is None, "held"
    service.now += timedelta(seconds=61)
    second = service.jobs.take(["propose"], "second", 60)
    assert (second.owner, second.attempts) == ("second", 2)
    assert not service.jobs.put_back(first, "late", 0)
    assert not service.jobs.end(first)
    assert service.jobs.put_back(second, "half \ud800", 0)
    assert [job.why for job in service.jobs.jobs()] == ["half \ufffd"]
    assert service.jobs.end(service.jobs.take(["propose"], "third", 60))
    assert service.jobs.jobs() == []


def test_what_failed_is_kept_until_it_is_asked_for_again(service):
    def failed():
        assert service.jobs.put_back(service.jobs.take(["propose"], "me", 60), "it broke", 0, failed=True)
        assert service.jobs.take(["propose"], "me", 60) is None
        (job,) = service.jobs.jobs()
        assert (job.state, job.why) == ("failed", "it broke")

    enqueued(service)
    failed()
    assert service.jobs.reopen() == 1
    failed()
    enqueued(service)
    (job,) = service.jobs.jobs()
    assert (job.state, job.attempts) == ("open", 0)
    with service.jobs._writing() as connection:
        over(connection, "propose", "talk")
    assert service.jobs.jobs() == []


def test_a_conversation_without_consent_and_a_rating_without_a_complaint_are_no_jobs(service):
    key = service.talks.begin("ana", "rag")
    service.talks.end(key, "ana")
    rated, feedback = RatedTurn(key, 2, "ana", "rag"), service.records.feedback()
    feedback.give(rated, "ana", Opinion(stars=5, text="Good"))
    feedback.give(rated, "carla", Opinion(correction="11 euros"))
    assert service.jobs.jobs() == []
    feedback.give(rated, "ana", Opinion(stars=1, text="Bad"))
    assert [job.subject for job in service.jobs.jobs()] == [f"{key}/2"]
    feedback.give(rated, "ana", Opinion(stars=5, text="Good after all"))
    assert service.jobs.jobs() == []


def test_a_complaint_that_is_replaced_meanwhile_is_classified_as_it_is_then(service):
    key = service.talks.begin("ana", "rag")
    rated, feedback = RatedTurn(key, 2, "ana", "rag"), service.records.feedback()
    feedback.give(rated, "ana", Opinion(text="It is wrong"))

    def classify(text):
        if "wrong" in text:
            feedback.give(rated, "ana", Opinion(text="It was slow"))
        return Classified("wrong" if "wrong" in text else "too slow", "by hand")

    worker = Worker(service.jobs, {"classify": FeedbackAgent(service.records, classify).classify}, WorkLimits(wait=0))
    assert [each.outcome for each in worker.work()] == ["again", "done"]
    assert [each.complaint for each in feedback.all()] == ["too slow"]


def test_a_call_of_which_nobody_knows_is_looked_up_ever_later_and_then_said(service, caplog):
    service.pay.knows_keys, service.pay.after = False, service._cut
    assert service.ledger.perform(service.pay, CALL, Actor("ana"), Occasion("talk", "turn 1")).outcome == "unknown"
    worker, waits = service.worker(attempts=4, wait=60, longest=200), []
    while (job := service.jobs.jobs()[0]).state == "open":
        waits.append((job.due_at - service.now).total_seconds())
        assert worker.work_once() is None, "not before it is due"
        service.now = job.due_at
        worker.work_once()
    assert waits == [60, 60, 120, 200], "first when no caller can be at work any more"
    assert job.why == "this back-end knows no keys"
    assert "failed, after 4 attempts: this back-end knows no keys" in caplog.text
    service.pay.knows_keys = True
    service.jobs.reopen()
    assert [each.outcome for each in worker.work()] == ["done"]
    assert [effect.state for effect in service.records.effects().effects()] == ["done"]
    assert len(service.pay.payments()) == 1


def test_what_was_left_before_there_were_jobs_is_one(url, tmp_path):
    with open_records(url, tmp_path) as records:
        talks = records.conversations()
        for consent, ends in ((True, True), (True, False), (False, True)):
            key = talks.begin("ana", "rag", consent=consent)
            if ends:
                talks.end(key, "ana")
        learned = talks.begin("ana", "rag", consent=True)
        talks.end(learned, "ana")
        records.proposals().take(learned, [])
        before = records.jobs().jobs()
        with records.jobs()._writing() as connection:
            connection.exec_driver_sql("DROP TABLE jobs")
            connection.exec_driver_sql("UPDATE groundtune_revision SET version_num = '0008'")
    with open_records(url, tmp_path) as records:
        after = records.jobs().jobs()
    assert len(before) == 1
    assert [(job.kind, job.subject) for job in after] == [(job.kind, job.subject) for job in before]


def test_forgetting_a_user_takes_their_jobs_away(service):
    for user in ("ana", "bob"):
        service.talk(user)
    assert len(service.jobs.jobs()) == 6
    for part in (service.talks, service.records.feedback(), service.records.effects()):
        part.forget("ana")
    assert sorted(job.kind for job in service.jobs.jobs()) == ["classify", "propose", "settle"]
    assert {each.outcome for each in service.worker().work()} == {"done"}
    assert len(service.records.proposals().records(user="bob")) == 1
