"""The jobs of a project are done by its own parts, beside answers and by hand."""

from contextlib import nullcontext

import pytest

from groundtune.agents.approvals import Occasion
from groundtune.agents.feedback import FeedbackAgent
from groundtune.assembly import knowledge
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.background import beside_answers, open_worker
from groundtune.assembly.learning import Learning
from groundtune.errors import ModelFailed
from groundtune.project import Project, open_project
from groundtune.records.feedback import Opinion
from groundtune.talking import open_talk
from groundtune.testing.fakes import FunctionModel
from groundtune.values import EVERYONE, ActionCall, Actor, Answer, Answered, TextPiece, Usage

ACTIONS = '''
from pathlib import Path
from groundtune.agents.actions.functions import action

PAID = Path(__file__).parent / "paid.txt"

def known(key: str) -> str | None:
    return "paid" if PAID.exists() and key in PAID.read_text() else None

@action(reach="write", trusted=True, look_up=known)
def pay_bill(bill: str, key: str) -> str:
    """Pay a bill."""
    with PAID.open("a") as file:
        file.write(f"{bill} {key}\\n")
    raise ConnectionError
'''
SETTINGS = """
[[actions.backends]]
name = "own"
functions = "own_actions.py"

[[actions.rules]]
action = "pay_bill"
who = ["customer"]
then = "allow"
"""
ANA = Actor("ana", ("customer",))
ANSWER = Answer("Seven euros.", abstained=False, usage=Usage())


@pytest.fixture
def shop(make_shop, tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge, "reading", lambda *_: nullcontext())  # no process is started for each command
    make_shop(["pebble"])
    with open_project(tmp_path) as project:
        yield project


def fails(text):
    raise ModelFailed("the model is down.")


def left(project):
    return sorted((job.kind, job.attempts) for job in project.assembly.records.jobs().jobs())


def talk(project):
    """A conversation that leaves a complaint while the model is down, and a correction to learn from."""
    records = project.assembly.records
    kept = records.conversations()
    key = kept.begin("ana", "rag", consent=True, asker=EVERYONE)
    kept.add(key, "ana", "user", "How much is the pebble plan?")
    kept.add(key, "ana", "assistant", ANSWER.text, ANSWER)
    kept.add(key, "ana", "user", "No, it is 12 euros now.")
    given = FeedbackAgent(records, fails).give(key, "ana", Opinion(stars=1, text="That was very rude of you."))
    assert given.classified.why == "the model is down."
    kept.end(key, "ana")
    return key


def test_by_hand_all_is_done_until_nothing_is_left(shop):
    key = talk(shop)
    assert left(shop) == [("classify", 0), ("propose", 0)]
    with open_worker(shop.assembly) as worker:
        assert {(each.job.kind, each.outcome) for each in worker.work()} == {("classify", "done"), ("propose", "done")}
    assert left(shop) == []
    assert [each.proposal.conversation for each in shop.learning.proposals()] == [key]
    assert [each.complaint for each in shop.assembly.records.feedback().all()] == ["tone"]
    assert shop.learning.propose().conversations == 0


def test_what_a_review_proposes_is_no_job_any_more(shop):
    talk(shop)
    assert len(shop.learning.propose().proposals) == 1
    assert left(shop) == [("classify", 0)]


class Says:
    """An answerer that says the same."""

    def stream(self, question):
        yield TextPiece(ANSWER.text)
        yield Answered(ANSWER)


def test_beside_answers_a_job_is_done_once_a_turn(shop, monkeypatch):
    monkeypatch.setattr(Project, "answerer", lambda *_: Says())
    talk(shop)
    with open_talk(shop, "rag", Actor("bob")) as opened:
        for jobs in (1, 0):
            list(opened.say("Hello"))
            opened._team.close(30)
            assert len(left(shop)) == jobs
    assert len(shop.learning.proposals()) == 1
    assert left(shop) == [], "bob has not agreed to anything"


@pytest.mark.parametrize("place", ["beside answers", "by hand"])
def test_a_call_that_was_cut_off_is_settled_in_the_background(shop, monkeypatch, place):
    """Once no caller can be at work any more."""
    monkeypatch.setattr(Project, "answerer", lambda *_: Says())
    model = FunctionModel(str)
    model.select = lambda conversations, actions: [None]
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    (shop.folder / "own_actions.py").write_text(ACTIONS, encoding="utf-8")
    with (shop.folder / "groundtune.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    with open_project(shop.folder) as project, open_talk(project, "rag", ANA) as opened:
        records, acting = project.assembly.records, opened.acting
        ledger, (pay,) = acting.tools.ledger, acting.tools.actions
        made = ledger.perform(pay, ActionCall("pay_bill", {"bill": "B-17"}), ANA, Occasion(opened.id, "turn 1"))
        assert made.outcome == "unknown"

        def work():
            if place == "beside answers":
                beside_answers(project.assembly, acting)()
            else:
                with open_worker(project.assembly) as worker:
                    list(worker.work())

        work()
        (job,) = records.jobs().jobs()
        assert job.attempts == 0, "not while a caller may be at work"
        monkeypatch.setattr(type(records.jobs()), "_time", lambda _: job.due_at.isoformat())
        work()
        assert records.jobs().jobs() == []
        assert [effect.state for effect in records.effects().effects()] == ["done"]
    assert len((shop.folder / "paid.txt").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "reword", "kinds"),
    [
        ("builtin:smollm2-135m-instruct", "auto", ["classify", "propose"]),
        ("builtin:smollm2-135m-instruct", "model", ["classify"]),
        ("hf:some/model", "auto", []),
        ("hf:some/model", "none", ["propose"]),
        ("openai:some@http://127.0.0.1:9", "auto", ["classify", "propose"]),
    ],
)
def test_beside_answers_no_job_asks_a_model_that_answers_on_this_machine(shop, monkeypatch, name, reword, kinds):
    monkeypatch.setattr(FeedbackAgent, "classify", lambda *_: None)
    monkeypatch.setattr(Learning, "looking", lambda _: lambda conversation: ())
    talk(shop)
    with open_project(shop.folder, {"model.name": name, "enrichment.reword": reword}) as project:
        work, before = beside_answers(project.assembly, None), left(project)
        for _ in before:
            work()
        assert [kind for kind, _ in before if kind not in dict(left(project))] == kinds


def test_beside_answers_jobs_are_done_one_at_a_time(shop):
    talk(shop)
    with shop.assembly.background:
        beside_answers(shop.assembly, None)()
    assert left(shop) == [("classify", 0), ("propose", 0)]
