"""Grades and pass^k, against values computed by hand."""

from __future__ import annotations

import pytest

from groundtune.agents.tasks.grading import beyond, count_effects, grade, pass_hat_k, passed
from groundtune.agents.tasks.task import (
    AgentTask,
    CustomerGoal,
    Episode,
    GoldAction,
    MadeCall,
    PartGrade,
    RewardPart,
    SideCall,
    StateCheck,
    TaskGrade,
)
from groundtune.values import ActionCall, ActionResult, Reach

PAY = ActionCall("pay", {"bill": "B1", "amount": 5.0})
LOOK = ActionCall("look", {"bill": "B1"})


def made(call: ActionCall, reach: Reach = "write", outcome: str = "done", side: str = "agent") -> MadeCall:
    return MadeCall(side, call, reach, ActionResult(outcome, reason="no" if outcome == "refused" else ""))


def task(*rewarded: RewardPart, **fields: object) -> AgentTask:
    return AgentTask("t", "bank", CustomerGoal("Pay."), rewarded=rewarded, **fields)


def episode(*calls: MadeCall, state: str = "a", **fields: object) -> Episode:
    return Episode("t", calls, state, **fields)


def part(name: RewardPart, tried: Episode, right: Episode | None = None, **fields: object) -> PartGrade:
    graded = grade(task(name, **fields), tried, right or episode())
    assert [part.part for part in graded.parts] == [name]
    return graded.parts[0]


@pytest.mark.parametrize(
    ("successes", "trials", "k", "value"),
    [
        (4, 4, 1, 1.0),
        (4, 4, 4, 1.0),
        (3, 4, 1, 3 / 4),
        (3, 4, 2, 1 / 2),  # 3 of the 6 pairs
        (3, 4, 3, 1 / 4),  # 1 of the 4 triples
        (3, 4, 4, 0.0),
        (0, 4, 1, 0.0),
        (5, 8, 4, 5 / 70),
    ],
)
def test_pass_hat_k(successes: int, trials: int, k: int, value: float) -> None:
    assert pass_hat_k(successes, trials, k) == pytest.approx(value)


@pytest.mark.parametrize(("successes", "trials", "k"), [(1, 2, 3), (3, 2, 1), (-1, 2, 1), (1, 2, 0), (0, 0, 1)])
def test_pass_hat_k_of_nothing(successes: int, trials: int, k: int) -> None:
    with pytest.raises(ValueError, match=r"no pass\^"):
        pass_hat_k(successes, trials, k)


def graded(name: str, *rewards: float | None) -> list[TaskGrade]:
    return [TaskGrade(name, (PartGrade("database", reward),)) for reward in rewards]


def test_pass_hat_k_of_tasks() -> None:
    """Trials that could not be graded do not count; a task with fewer trials than k has no value."""
    grades = [*graded("a", 1.0, 1.0, 0.0, 1.0), *graded("b", 1.0, None, 0.0), *graded("c", None)]
    assert passed(grades, 1) == {"a": 0.75, "b": 0.5}
    assert passed(grades, 2) == {"a": 0.5, "b": 0.0}
    assert passed(grades, 3) == {"a": 0.25}


def test_pass_hat_k_of_one_part() -> None:
    both = TaskGrade("a", (PartGrade("database", 1.0), PartGrade("statements", 0.0)))
    unread = TaskGrade("a", (PartGrade("database", 1.0), PartGrade("statements", None)))
    assert passed([both, unread], 1) == {"a": 0.5}
    assert passed([both, unread], 1, "database") == {"a": 1.0}
    assert passed([both, unread], 1, "statements") == {"a": 0.0}
    assert passed([both, unread], 1, "told") == {}


def test_the_reward_is_a_product_of_what_was_scored() -> None:
    def of(*values: float | None) -> TaskGrade:
        return TaskGrade("t", tuple(PartGrade("database", value) for value in values))

    assert of(1.0, 1.0).reward == 1.0
    assert of(1.0, 0.0).reward == 0.0
    assert of(1.0, None).reward == 1.0
    assert len(of(1.0, None).unscored) == 1
    assert of(0.0, None).reward == 0.0
    assert of(None, None).reward is None
    assert of().reward is None


def test_database() -> None:
    assert part("database", episode(state="a")) == PartGrade("database", 1.0)
    assert part("database", episode(state="b")).value == 0.0
    failing = episode(made(PAY, outcome="refused"), state="a")
    assert part("database", episode(state="a"), failing) == PartGrade(
        "database", None, "the gold action pay is refused: no"
    )
    assert part("database", episode(state="b"), failing).value == 0.0
    assert part("database", episode(state="a"), episode(made(LOOK, "read", "refused"))).value == 1.0


def test_checks() -> None:
    checks = (StateCheck("agent", "is_paid"), StateCheck("agent", "is_late", expected=False))
    assert part("checks", episode(checks=(True, False)), checks=checks).value == 1.0
    assert part("checks", episode(checks=(True, True)), checks=checks) == PartGrade("checks", 0.0, "not met: is_late")
    assert part("checks", episode(checks=(True, None)), checks=checks).value == 0.0
    with pytest.raises(ValueError, match="zip"):
        part("checks", episode(checks=(True,)), checks=checks)


def test_actions() -> None:
    gold = (GoldAction("agent", PAY), GoldAction("agent", LOOK, compared=()))
    assert part("actions", episode(made(ActionCall("look", {"bill": "B2"})), made(PAY)), gold=gold).value == 1.0
    assert part("actions", episode(made(PAY)), gold=gold) == PartGrade("actions", 0.0, "not met: look")
    assert part("actions", episode(made(LOOK), made(PAY, side="customer")), gold=gold).value == 0.0
    more = ActionCall("pay", {**PAY.arguments, "twice": True})
    assert part("actions", episode(made(LOOK), made(more)), gold=gold).value == 0.0


def test_a_gold_action_compares_what_it_names() -> None:
    gold = GoldAction("agent", PAY, compared=("bill",))
    assert gold.is_met_by(SideCall("agent", ActionCall("pay", {"bill": "B1", "amount": 7})))
    assert not gold.is_met_by(SideCall("agent", ActionCall("pay", {"bill": "B2", "amount": 5.0})))
    assert not gold.is_met_by(SideCall("agent", ActionCall("pay", {})))


def test_told() -> None:
    told = ("1234.50",)
    assert part("told", episode(said=("It is $1,234.50.",)), told=told).value == 1.0
    assert part("told", episode(said=("It is 12.",)), told=told).value == 0.0
    assert part("told", episode(said=("It is $1234.50",)), told=("$1,234.50",)).value == 1.0
    assert part("told", episode(), told=()).value == 1.0


def test_statements() -> None:
    statements = ("It said so.", "It was polite.")
    assert part("statements", episode(), statements=()).value == 1.0
    unscored = part("statements", episode(), statements=statements)
    assert unscored == PartGrade("statements", None, "no judge read the talk for 2 statements")
    assert part("statements", episode(judged=(True, True)), statements=statements).value == 1.0
    assert part("statements", episode(judged=(True, False)), statements=statements).reason == "not met: It was polite."


def test_effects_beyond_what_is_allowed() -> None:
    """Each call is allowed once. Reads, refused calls and what the customer does are no effects of the agent."""
    calls = [
        made(LOOK, "read"),
        made(PAY),
        made(PAY, outcome="refused"),
        made(PAY, outcome="unknown"),
        made(PAY, side="customer"),
        made(ActionCall("pay", {"bill": "B2"})),
    ]
    outside = beyond([PAY], (call.call for call in calls if call.side == "agent" and call.is_effect))
    assert outside == (PAY, ActionCall("pay", {"bill": "B2"}))
    counted = count_effects([episode(*calls, unauthorised=outside), episode()])
    assert (counted.effects, counted.unauthorised) == (3, 2)
    assert (counted.episodes, counted.episodes_with_unauthorised) == (2, 1)
    assert counted.share == pytest.approx(2 / 3)
    assert count_effects([]).share is None
