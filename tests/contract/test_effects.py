"""Effects happen at most once, on every database that the ledger may stand in. Tests with a number are those of the
list of reliability tests that agents have to pass."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from _back_end import PayBill
from sqlalchemy import create_engine, text
from sqlalchemy.event import listen

from groundtune.agents.approvals import Approvals, ApprovalTimes, Occasion
from groundtune.agents.effects import EffectLedger, LedgerTimes
from groundtune.errors import ApprovalRefused
from groundtune.records import open_records
from groundtune.values import ActionCall, ActionResult, Actor

ANA = Actor("ana", ("customer",), {"account": "A-1"})
BOB = Actor("bob", ("customer",), {"account": "A-2"})
CHEF = Actor("carla", ("staff", "supervisor"))
CALL = ActionCall("pay_bill", {"bill": "B-17", "cents": 3150})
TURN = Occasion("talk", "turn 1")
AT_ONCE = LedgerTimes(lease=0, late=0, wait=5)


class Bench:
    """A ledger, its approvals and a back-end. `now` is the time by the clock of the records."""

    def __init__(self, url, folder, times=None):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.records = open_records(url, folder, clock=lambda: self.now)
        self.kept = self.records.effects()
        self.approvals = Approvals(self.kept, ApprovalTimes())
        self.ledger = EffectLedger(self.kept, self.approvals, times)
        self.pay = PayBill(folder / "back-end.db")

    def approved(self, call=CALL, actor=ANA, occasion=TURN):
        asked = self.approvals.ask(self.pay, call, actor, occasion)
        self.approvals.decide(asked.token, actor, call.digest, granted=True)
        return asked.token

    def perform(self, token, call=CALL, actor=ANA, occasion=TURN):
        return self.ledger.perform(self.pay, call, actor, occasion, token)

    def kinds(self):
        return [entry.kind for entry in self.kept.audit()]


def wait_until(holds):
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.001)


@pytest.fixture
def bench(url, tmp_path):
    made = Bench(url, tmp_path)
    yield made
    made.records.close()


def test_an_approved_call_is_made_and_remembered(bench):
    token = bench.approved()
    result = bench.perform(token)
    assert (result.outcome, result.value) == ("done", {"paid": 3150})
    (effect,) = bench.kept.effects("talk")
    assert (effect.state, effect.call, effect.result) == ("done", CALL, result)
    assert bench.kinds() == ["approval asked", "approval granted", "intended", "settled"]
    assert bench.kept.broken_at() is None
    assert [entry.personal for entry in bench.kept.audit("ana")][2] == {"call": CALL.text}


# --- 9: crash after the back-end applied a payment, before the answer is stored --------------------


LEDGER = ("agents/effects.py", "agents/approvals.py", "records/effects.py", "records/audit.py", "records/part.py")


def killed_at(line, work):
    """Do `work` in a child that is killed before the `line`-th line of the ledger that it runs; tell whether it was."""
    child = os.fork()
    if not child:
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            if not frame.f_code.co_filename.endswith(LEDGER):
                return None
            if event == "line":
                count += 1
                if count == line:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            sys.settrace(trace)
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_09_a_crash_at_any_line_leaves_one_payment_or_none(url, tmp_path):
    """Killed at every line between the intent and the answer, and once more without a crash."""
    bench, kills = Bench(url, tmp_path, AT_ONCE), 0
    outcomes = set()
    crashed = True
    while crashed:
        occasion = Occasion(f"talk {kills}", "turn 1")
        token = bench.approved(occasion=occasion)
        before = len(bench.pay.payments())
        bench.records.close()  # no connection is shared with a child

        def work(token=token, occasion=occasion):
            own = Bench(url, tmp_path, AT_ONCE)
            own.ledger.perform(own.pay, CALL, ANA, occasion, token)

        crashed = killed_at(kills + 1, work)
        kills += crashed
        assert bench.ledger.reconcile({"pay_bill": bench.pay}, {"ana": ANA}.__getitem__) == []
        state = [effect.state for effect in bench.kept.effects(occasion.conversation)]
        result = bench.perform(token, occasion=occasion)
        paid = len(bench.pay.payments()) - before
        assert paid == (result.outcome == "done"), f"killed at line {kills}: {state}, {result}"
        outcomes.add((*state, result.outcome))
    assert kills > 60
    assert outcomes == {("done",) * 2, ("refused",) * 2, ("done",)}
    assert bench.kept.broken_at() is None
    bench.records.close()


def test_09_what_nobody_can_tell_stays_unknown_and_is_not_tried_again(url, tmp_path):
    bench = Bench(url, tmp_path, AT_ONCE)
    bench.pay.knows_keys = False

    def cut():
        raise ConnectionError

    bench.pay.after = cut
    token = bench.approved()
    assert bench.perform(token).outcome == "unknown"
    bench.pay.after = lambda: None
    (left,) = bench.ledger.reconcile({"pay_bill": bench.pay}, {"ana": ANA}.__getitem__)
    assert (left.state, left.result.reason) == ("unknown", "this back-end knows no keys")
    assert bench.perform(token).outcome == "unknown"
    assert len(bench.pay.payments()) == 1
    bench.pay.knows_keys = True
    assert bench.ledger.reconcile({"pay_bill": bench.pay}, {"ana": ANA}.__getitem__) == []
    assert bench.perform(token).outcome == "done"
    assert len(bench.pay.payments()) == 1
    bench.records.close()


def test_09_what_may_still_arrive_is_not_said_to_be_refused(bench):
    """A call that is late is not looked up too early: nobody asks for it a second time."""
    bench.pay.before = lambda: (_ for _ in ()).throw(TimeoutError)
    token = bench.approved()
    assert bench.perform(token).outcome == "unknown"
    reconcile = bench.ledger.reconcile, {"pay_bill": bench.pay}, {"ana": ANA}.__getitem__
    bench.now += timedelta(seconds=300)
    assert [left.state for left in reconcile[0](*reconcile[1:])] == ["unknown"]
    bench.now += timedelta(seconds=301)
    assert reconcile[0](*reconcile[1:]) == []
    assert bench.perform(token).outcome == "refused"
    assert not bench.pay.payments()


def test_09_what_never_came_is_given_up_and_said_to_be_refused(bench):
    """At once where its back-end can give up: whoever asks again makes a new call, and the late one takes no effect."""
    bench.pay.gives_up = True
    bench.pay.before = lambda: (_ for _ in ()).throw(TimeoutError)
    token = bench.approved()
    assert bench.perform(token).outcome == "refused"
    bench.pay.before = lambda: None
    (effect,) = bench.kept.effects()
    assert effect.state == "refused"
    assert bench.pay.perform(CALL.arguments, ANA, effect.key).outcome == "refused"
    assert not bench.pay.payments()


def test_09_what_a_call_did_before_it_was_cut_is_known_at_once(bench):
    def cut():
        raise ConnectionError

    bench.pay.after = cut
    result = bench.perform(bench.approved())
    assert (result.outcome, result.value) == ("done", {"paid": 3150})
    assert [effect.state for effect in bench.kept.effects()] == ["done"]
    assert bench.kinds()[-2:] == ["intended", "settled"]
    assert len(bench.pay.payments()) == 1


def test_09_a_call_whose_caller_is_at_work_is_left_alone(bench):
    seen = []
    bench.pay.before = lambda: seen.append(bench.ledger.reconcile({"pay_bill": bench.pay}, {"ana": ANA}.__getitem__))
    assert bench.perform(bench.approved()).outcome == "done"
    assert seen == [[]]
    assert len(bench.pay.payments()) == 1


# --- 10: double click, client retry, two workers, one approval used twice --------------------------


def test_10_a_second_click_gets_the_first_result(bench):
    token = bench.approved()
    assert bench.perform(token) == bench.perform(token)
    assert len(bench.pay.payments()) == 1


def test_10_many_workers_make_one_payment(url, tmp_path):
    """Twelve threads of three workers, each with connections of its own, all at once."""
    bench = Bench(url, tmp_path)
    token = bench.approved()
    workers = [Bench(url, tmp_path) for _ in range(3)]
    start = threading.Barrier(12)

    def click(number):
        start.wait()
        return workers[number % 3].perform(token)

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(click, range(12)))
    assert {result.outcome for result in results} == {"done"}
    assert len({str(result) for result in results}) == 1
    assert len(bench.pay.payments()) == 1
    assert bench.kept.broken_at() is None
    for each in (bench, *workers):
        each.records.close()


def test_10_what_needs_no_approval_is_done_once_for_a_turn(bench):
    assert bench.perform(None) == bench.perform(None)
    assert len(bench.pay.payments()) == 1
    assert bench.perform(None, occasion=Occasion("talk", "turn 2")).outcome == "done"
    assert len(bench.pay.payments()) == 2


def test_10_an_approval_is_for_one_effect(bench):
    """Also in another conversation, where the effect would have another key."""
    token = bench.approved()
    bench.perform(token)
    again = bench.perform(token, occasion=Occasion("another talk", "turn 1"))
    assert (again.outcome, again.reason) == ("refused", "its approval was used for another call.")
    assert len(bench.pay.payments()) == 1
    assert bench.kinds()[-1] == "approval refused"


# --- 11: arguments changed after approval; approval expired; forged; somebody else's ---------------


def test_11_arguments_that_changed_are_refused(bench):
    token = bench.approved()
    dearer = replace(CALL, arguments={**CALL.arguments, "cents": 9_999_999})
    result = bench.perform(token, dearer)
    assert (result.outcome, "not those that were approved" in result.reason) == ("refused", True)
    assert bench.kinds()[-1] == "approval refused"
    assert not bench.pay.payments()


def test_11_an_action_that_changed_is_refused(bench, tmp_path):
    token = bench.approved()
    bench.pay = PayBill(tmp_path / "back-end.db", version="2")
    assert "the action has changed" in bench.perform(token).reason
    assert not bench.pay.payments()


@pytest.mark.parametrize("seconds", [895, 900, 10_000])
def test_11_an_approval_that_expired_is_refused(bench, seconds):
    """Five seconds before its end it counts as expired: two clocks may differ."""
    token = bench.approved()
    bench.now += timedelta(seconds=seconds)
    assert "expired" in bench.perform(token).reason
    assert bench.kinds()[-1] == "approval refused"
    assert not bench.pay.payments()


def test_11_it_holds_until_then(bench):
    token = bench.approved()
    bench.now += timedelta(seconds=894)
    assert bench.perform(token).outcome == "done"


def test_11_nobody_decides_after_it_expired(bench):
    asked = bench.approvals.ask(bench.pay, CALL, ANA, TURN)
    bench.now += timedelta(seconds=896)
    with pytest.raises(ApprovalRefused, match="expired"):
        bench.approvals.decide(asked.token, ANA, CALL.digest, granted=True)


@pytest.mark.parametrize("token", ["", "forged", "../x", "\ud800", "0" * 10_000])
def test_11_a_forged_approval_is_refused(bench, token):
    bench.approved()
    token = token.encode("utf-8", "replace").decode()
    assert "no such approval" in bench.perform(token).reason
    with pytest.raises(ApprovalRefused, match="no such approval"):
        bench.approvals.decide(token, ANA, CALL.digest, granted=True)
    assert bench.kinds()[-2:] == ["approval refused"] * 2
    assert not bench.pay.payments()


def test_11_the_id_of_an_approval_is_not_its_token(bench):
    """Whoever reads the records, or the audit log, holds no approval."""
    bench.approved()
    (approval,) = bench.kept.approvals("talk")
    assert "no such approval" in bench.perform(approval.id).reason


def test_11_the_approval_of_somebody_else_is_refused(bench):
    token = bench.approved()
    assert "somebody else" in bench.perform(token, actor=BOB).reason
    asked = bench.approvals.ask(bench.pay, CALL, ANA, TURN)
    with pytest.raises(ApprovalRefused, match="for somebody else to decide"):
        bench.approvals.decide(asked.token, BOB, CALL.digest, granted=True)
    assert not bench.pay.payments()


def test_11_what_was_not_granted_is_refused(bench):
    asked = bench.approvals.ask(bench.pay, CALL, ANA, TURN)
    assert "not granted" in bench.perform(asked.token).reason
    bench.approvals.decide(asked.token, ANA, CALL.digest, granted=False)
    assert "not granted" in bench.perform(asked.token).reason
    with pytest.raises(ApprovalRefused, match="decided before"):
        bench.approvals.decide(asked.token, ANA, CALL.digest, granted=True)
    assert not bench.pay.payments()


def test_11_the_approver_saw_exactly_what_is_done(bench):
    asked = bench.approvals.ask(bench.pay, CALL, ANA, TURN)
    other = replace(CALL, arguments={**CALL.arguments, "cents": 1})
    with pytest.raises(ApprovalRefused, match="another call was shown"):
        bench.approvals.decide(asked.token, ANA, other.digest, granted=True)


def test_11_a_supervisor_is_somebody_else(bench):
    """Above a limit, whoever asks for it does not approve it, whatever principals they have."""
    own = replace(CHEF, id="ana")
    asked = bench.approvals.ask(bench.pay, CALL, own, TURN, approver="supervisor")
    for by in (own, ANA, BOB):
        with pytest.raises(ApprovalRefused, match="for somebody else"):
            bench.approvals.decide(asked.token, by, CALL.digest, granted=True)
    assert bench.approvals.decide(asked.token, CHEF, CALL.digest, granted=True).decided_by == "carla"
    assert bench.perform(asked.token, actor=own).outcome == "done"


# --- 12: the audit log cannot be written, or was changed --------------------------------------------


def execute(bench, url, tmp_path, *statements):
    place = f"sqlite:///{tmp_path}/deep/down/records.db" if url.startswith("sqlite") else url
    engine = create_engine(place.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_12_without_the_audit_log_nothing_is_done(bench, url, tmp_path):
    token = bench.approved()
    execute(bench, url, tmp_path, "ALTER TABLE audit RENAME TO gone")
    for approval in (token, None):
        result = bench.perform(approval)
        assert (result.outcome, "cannot be written down" in result.reason) == ("refused", True)
    assert bench.ledger.rehearse(bench.pay, CALL, ANA, TURN).outcome == "refused"
    assert not bench.pay.payments()
    assert bench.kept.effects() == []
    execute(bench, url, tmp_path, "ALTER TABLE gone RENAME TO audit")
    assert bench.perform(token).outcome == "done"  # the approval was not used up


def test_12_what_was_done_and_cannot_be_written_down_is_not_acknowledged(bench, url, tmp_path):
    """The back-end took the payment; the log broke in this moment. It is looked up later, and not paid again."""
    token = bench.approved()
    bench.pay.after = lambda: execute(bench, url, tmp_path, "ALTER TABLE audit RENAME TO gone")
    assert bench.perform(token).outcome == "unknown"
    bench.pay.after = lambda: None
    execute(bench, url, tmp_path, "ALTER TABLE gone RENAME TO audit")
    bench.now += timedelta(seconds=121)
    assert bench.ledger.reconcile({"pay_bill": bench.pay}, {"ana": ANA}.__getitem__) == []
    assert bench.perform(token).outcome == "done"
    assert len(bench.pay.payments()) == 1


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE audit SET body = '{}' WHERE number = 2", 2),
        ("UPDATE audit SET at = '2027-01-01' WHERE number = 1", 1),
        ("UPDATE audit SET sealed = (SELECT sealed FROM audit WHERE number = 1) WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 1", 1),
        ("UPDATE audit SET subject = 'x' WHERE number = 4", 4),
    ],
)
def test_12_a_change_of_the_log_is_seen(bench, url, tmp_path, change, number):
    bench.perform(bench.approved())
    assert bench.kept.broken_at() is None
    execute(bench, url, tmp_path, change)
    assert bench.kept.broken_at() == number


def test_12_a_log_that_was_cut_off_is_seen_by_whoever_noted_its_end(bench, url, tmp_path):
    bench.perform(bench.approved())
    head = bench.kept.head()
    bench.kept.note("ana", TURN.note("rehearsed", CALL))
    assert bench.kept.broken_at(head) is None  # it may have grown
    execute(bench, url, tmp_path, "DELETE FROM audit WHERE number >= 4")
    assert bench.kept.broken_at() is None
    assert bench.kept.broken_at(head) == 4


# --- many at once -----------------------------------------------------------------------------------


def test_calls_that_wait_share_a_transaction_and_one_that_fails_spoils_no_other(bench):
    """Twenty intents, and one whose writing fails, wait for somebody who writes: they are committed together."""
    commits, kept = [], bench.kept
    listen(kept._engine, "commit", lambda connection: commits.append(connection))

    def fails(connection):
        connection.execute(text("DELETE FROM audit"))
        raise ValueError

    with ThreadPoolExecutor(21) as pool:
        with kept._writing():
            made = [pool.submit(bench.perform, None, CALL, ANA, Occasion(f"talk {n}", "turn 1")) for n in range(10)]
            failing = pool.submit(kept._write, fails)
            made += [
                pool.submit(bench.perform, None, CALL, ANA, Occasion(f"talk {n}", "turn 1")) for n in range(10, 20)
            ]
            wait_until(lambda: len(kept._line._line) == 22)
        assert isinstance(failing.exception(30), ValueError)
        assert {each.result(30).outcome for each in made} == {"done"}
    assert len({payment[0] for payment in bench.pay.payments()}) == len(bench.pay.payments()) == 20
    assert len(commits) <= 1 + 1 + 20  # who wrote before, all intents, and at most one for each result
    assert sorted(bench.kinds()) == ["intended"] * 20 + ["settled"] * 20
    assert kept.broken_at() is None


# --- the rest ---------------------------------------------------------------------------------------


def test_a_forgotten_customer_leaves_a_chain_that_holds(bench, url, tmp_path):
    bench.perform(bench.approved())
    bench.perform(bench.approved(actor=BOB), actor=BOB)
    bench.kept.forget("ana")
    assert bench.kept.broken_at() is None
    assert [entry.personal for entry in bench.kept.audit("ana")] == [None] * 4
    assert bench.kept.audit("bob")[2].personal == {"call": CALL.text}
    gone, stays = sorted(bench.kept.effects(), key=lambda effect: effect.actor)
    assert (gone.call, gone.result, gone.state) == (None, None, "done")
    assert stays.call == CALL
    bench.kept.note("ana", TURN.note("rehearsed", CALL))  # they come back
    assert bench.kept.audit("ana")[-1].personal == {"call": CALL.text}
    assert bench.kept.audit("ana")[0].personal is None


def test_an_effect_is_taken_back_once(bench):
    bench.perform(bench.approved())
    (effect,) = bench.kept.effects()
    assert bench.ledger.undo(effect.key, bench.pay, BOB).outcome == "refused"
    assert bench.ledger.undo(effect.key, bench.pay, ANA).outcome == "done"
    assert bench.ledger.undo(effect.key, bench.pay, ANA).outcome == "refused"
    assert [payment[3] for payment in bench.pay.payments()] == [1]
    assert bench.kept.effect(effect.key).state == "undone"
    assert bench.ledger.undo("nowhere", bench.pay, ANA) == ActionResult(
        "refused", reason="there is nothing to take back."
    )


def test_a_dry_run_calls_nothing_and_says_so(bench):
    assert bench.ledger.rehearse(bench.pay, CALL, ANA, TURN).outcome == "rehearsed"
    assert not bench.pay.payments()
    assert bench.kinds() == ["rehearsed", "rehearsal settled"]
    assert bench.kept.effects() == []


def test_an_approval_of_a_dry_run_is_for_no_call_and_none_of_a_call_for_a_dry_run(bench):
    asked = bench.approvals.ask(bench.pay, CALL, ANA, TURN, rehearse=True)
    bench.approvals.decide(asked.token, ANA, CALL.digest, granted=True)
    assert bench.perform(asked.token).outcome == "refused"
    assert bench.ledger.rehearse(bench.pay, CALL, ANA, TURN, asked.token).outcome == "rehearsed"
    assert bench.ledger.rehearse(bench.pay, CALL, ANA, TURN, bench.approved()).outcome == "refused"
    assert not bench.pay.payments()
