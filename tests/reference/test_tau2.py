"""The public tau2 tasks: gold paths are worth everything, doing nothing next to nothing, and a change of a gold path
nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from groundtune.agents.tasks.environment import finish, replay
from groundtune.agents.tasks.grading import count_effects, grade, passed
from groundtune.agents.tasks.task import AgentTask, Episode, GoldAction, TaskGrade
from groundtune.agents.tasks.tau2.reading import Tau2Domain, read_tau2
from groundtune.values import ActionCall

Gold = dict[str, Episode]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "agents_tau2"


@pytest.fixture(scope="module")
def telecom(folder: Path) -> Tau2Domain:
    return read_tau2(folder, "telecom")


@pytest.fixture(scope="module")
def retail(folder: Path) -> Tau2Domain:
    return read_tau2(folder, "retail")


def golden(domain: Tau2Domain, split: str = "base") -> Gold:
    return {task.id: replay(domain.fresh(), task) for task in domain.split(split)}


@pytest.fixture(scope="module")
def telecom_gold(telecom: Tau2Domain) -> Gold:
    return golden(telecom)


@pytest.fixture(scope="module")
def retail_gold(retail: Tau2Domain) -> Gold:
    return golden(retail)


def grades(domain: Tau2Domain, gold: Gold, *, nothing: bool = False) -> dict[str, TaskGrade]:
    """The grades of the gold paths, or of doing nothing."""
    return {
        task.id: grade(task, finish(domain.begin(task), task) if nothing else gold[task.id], gold[task.id])
        for task in domain.split("base")
    }


def without(task: AgentTask, place: int) -> AgentTask:
    return replace(task, gold=task.gold[:place] + task.gold[place + 1 :])


def with_argument(task: AgentTask, place: int, **changed: object) -> AgentTask:
    action = task.gold[place]
    call = ActionCall(action.call.action, {**action.call.arguments, **changed})
    return replace(task, gold=(*task.gold[:place], replace(action, call=call), *task.gold[place + 1 :]))


def regraded(domain: Tau2Domain, task: AgentTask, tried: AgentTask, gold: Gold) -> TaskGrade:
    return grade(task, replay(domain.fresh(), tried), gold[task.id])


def writes(domain: Tau2Domain, task: AgentTask) -> Iterator[tuple[int, GoldAction]]:
    tools = {side: domain.fresh().tools(side) for side in ("agent", "customer")}
    for place, action in enumerate(task.gold):
        if tools[action.side][action.call.action].reach == "write":
            yield place, action


# telecom


def test_telecom_has_the_tools_of_the_original(telecom: Tau2Domain) -> None:
    world = telecom.fresh()
    assert (len(world.tools("agent")), len(world.tools("customer"))) == (13, 30)


def test_every_gold_path_of_telecom_is_worth_1(telecom: Tau2Domain, telecom_gold: Gold) -> None:
    tasks, graded = telecom.split("base"), grades(telecom, telecom_gold)
    assert len(tasks) == 114
    assert Counter(task.rewarded for task in tasks) == {("checks",): 94, ("checks", "actions"): 20}
    assert {task_id: grade.reward for task_id, grade in graded.items()} == dict.fromkeys(graded, 1.0)
    assert not any(grade.unscored for grade in graded.values())
    assert all(made.result.outcome == "done" for episode in telecom_gold.values() for made in episode.calls)


def test_every_gold_path_of_all_telecom_tasks_is_worth_1(telecom: Tau2Domain) -> None:
    tasks = telecom.split("full")
    rewards = Counter()
    for task in tasks:
        episode = replay(telecom.fresh(), task)
        rewards[grade(task, episode, episode).reward] += 1
    assert rewards == {1.0: len(tasks)} == {1.0: 2285}


def test_doing_nothing_in_telecom_is_worth_0(telecom: Tau2Domain, telecom_gold: Gold) -> None:
    graded = grades(telecom, telecom_gold, nothing=True)
    assert Counter(grade.reward for grade in graded.values()) == {0.0: 114}
    # where nothing can be repaired, the state is as it should be; handing over to a person is what lacks
    assert sum(grade.value("checks") == 1.0 for grade in graded.values()) == 20


def test_a_gold_action_of_telecom_that_is_left_out_costs_everything(telecom: Tau2Domain, telecom_gold: Gold) -> None:
    """But for reboots after which the path makes the phone look for a network once more."""
    rewards, spared = Counter(), []
    for task in telecom.split("base"):
        for place, action in enumerate(task.gold):
            reward = regraded(telecom, task, without(task, place), telecom_gold).reward
            rewards[reward] += 1
            if reward:
                later = {after.call.action for after in task.gold[place + 1 :]}
                spared.append((action.call.action, bool(later & {"reboot_device", "reseat_sim_card"})))
    assert rewards == {0.0: 509, 1.0: 7}
    assert spared == [("reboot_device", True)] * 7


def test_a_gold_action_of_telecom_that_is_changed_costs_everything(telecom: Tau2Domain, telecom_gold: Gold) -> None:
    """But for the summary of a hand-over, which the tasks say is not compared, and for 3G, which is enough for MMS."""
    others = {
        "customer_id": ["C1002", "C0"],
        "line_id": ["L1001", "L0"],
        "bill_id": ["B1002", "B0"],
        "gb_amount": [1.0, 2.5, -2.0],
        "mode": ["3g_only", "2g_only", "6g_only"],
        "app_name": ["browser", "game"],
        "permission": ["phone", "camera"],
        "summary": ["Another one."],
    }
    rewards, spared = Counter(), Counter()
    for task in telecom.split("base"):
        for place, action in enumerate(task.gold):
            changes = [(name, other) for name in action.call.arguments for other in others[name]]
            for name, other in changes:
                reward = regraded(telecom, task, with_argument(task, place, **{name: other}), telecom_gold).reward
                rewards[reward] += 1
                if reward:
                    spared[name, other, "assert_can_send_mms" in {check.name for check in task.checks}] += 1
    assert rewards == {0.0: 895, 1.0: 51}
    assert spared == {("mode", "3g_only", True): 31, ("summary", "Another one.", False): 20}


# retail

REFUSED = {
    "64": "only a delivered order can be exchanged",  # the path tries an exchange before it modifies the order
    "105": "has 17.0 USD, not 21.1",  # the gift card does not cover the difference, as the policy demands
}
"""The two gold writes that the shop's own rules forbid."""


def test_gold_paths_of_retail(retail: Tau2Domain, retail_gold: Gold) -> None:
    graded = grades(retail, retail_gold)
    assert len(graded) == 114
    made = [
        (task_id, call) for task_id, episode in retail_gold.items() for call in episode.calls if call.reach == "write"
    ]
    refused = {task_id: call.result.reason for task_id, call in made if call.result.outcome != "done"}
    assert len(made) == 176
    assert refused.keys() == REFUSED.keys()
    assert all(reason in refused[task_id] for task_id, reason in REFUSED.items())
    database = {task_id: grade.value("database") for task_id, grade in graded.items()}
    assert database == {**dict.fromkeys(graded, 1.0), **dict.fromkeys(REFUSED)}


def test_statements_about_the_talk_are_unscored_without_a_judge(retail: Tau2Domain, retail_gold: Gold) -> None:
    tasks = retail.split("base")
    assert Counter(task.rewarded for task in tasks) == {("database", "statements"): 112, ("database",): 2}
    graded = grades(retail, retail_gold)
    unscored = Counter(part.part for grade in graded.values() for part in grade.unscored)
    assert unscored == {"statements": 40, "database": 2}
    assert sum(bool(task.told) for task in tasks) == 36  # they stand in the files and are not rewarded


def test_doing_nothing_in_retail_is_worth_what_refusals_are(retail: Tau2Domain, retail_gold: Gold) -> None:
    """10 tasks have no write: a polite no leaves the right database."""
    graded = grades(retail, retail_gold, nothing=True)
    assert Counter(grade.value("database") for grade in graded.values()) == {0.0: 103, 1.0: 10, None: 1}
    # 4 of the 10 have statements that only a judge could see fail; of 105 nothing can be said at all
    assert Counter(grade.reward for grade in graded.values()) == {0.0: 103, 1.0: 10, None: 1}
    assert sum(grade.reward == 1.0 and not grade.unscored for grade in graded.values()) == 6


def test_a_gold_write_of_retail_that_is_left_out_costs_everything(retail: Tau2Domain, retail_gold: Gold) -> None:
    """But for writes that the path undoes, that change nothing, or that are refused."""
    values, spared = Counter(), []
    for task in retail.split("base"):
        for place, action in writes(retail, task):
            value = regraded(retail, task, without(task, place), retail_gold).value("database")
            values[value] += 1
            if value != 0.0:
                spared.append((task.id, action.call.action))
    assert values == {0.0: 172, 1.0: 2, None: 2}
    assert sorted(spared) == [
        ("105", "exchange_delivered_order_items"),
        ("110", "modify_user_address"),  # to the address that the user has
        ("22", "modify_user_address"),  # which the path takes back in the end
        ("64", "exchange_delivered_order_items"),
    ]


def other_values(retail: Tau2Domain, call: ActionCall) -> Iterator[dict[str, object]]:
    """Changes of one argument of a write: to others that the shop takes, where there are any."""
    tools, arguments = retail.fresh().tools("agent"), call.arguments

    def look_up(name: str, **given: object) -> dict:
        return tools[name].function(**given).value

    order = look_up("get_order_details", order_id=arguments["order_id"]) if "order_id" in arguments else None
    user = look_up("get_user_details", user_id=order["user_id"] if order else arguments["user_id"])
    for name, value in arguments.items():
        if name == "reason":
            yield {name: {"no longer needed": "ordered by mistake"}.get(value, "no longer needed")}
        elif name == "payment_method_id":
            yield from ({name: other} for other in [*user["payment_methods"], "paypal_0"] if other != value)
        elif name == "order_id":
            yield from ({name: other} for other in [*user["orders"], "#W0"] if other != value)
        elif name == "user_id":
            yield {name: "noah_brown_6181" if value != "noah_brown_6181" else "james_li_5688"}
        elif name == "item_ids":
            yield {name: value[:-1]}
            yield {name: [*value, value[0]]}
            yield from ({name: [item["item_id"], *value[1:]]} for item in order["items"] if item["item_id"] != value[0])
        elif name == "new_item_ids":
            yield {name: value[:-1]}
            bought = next(item for item in order["items"] if item["item_id"] == arguments["item_ids"][0])
            variants = look_up("get_product_details", product_id=bought["product_id"])["variants"]
            yield from ({name: [other, *value[1:]]} for other in variants if other != value[0])
        else:
            yield {name: f"{value}x"}


def test_a_gold_write_of_retail_that_is_changed_costs_everything(retail: Tau2Domain, retail_gold: Gold) -> None:
    """But for a write that the path undoes, and for those that are refused as it is."""
    values, done, spared = Counter(), 0, Counter()
    for task in retail.split("base"):
        for place, action in writes(retail, task):
            for change in other_values(retail, action.call):
                episode = replay(retail.fresh(), with_argument(task, place, **change))
                value = grade(task, episode, retail_gold[task.id]).value("database")
                values[value] += 1
                done += episode.calls[place].is_effect
                if value != 0.0:
                    spared[task.id, action.call.action, value] += 1
    assert values == {0.0: 2401, None: 38, 1.0: 6}
    assert done == 920  # the shop takes so many of them: it is the state that tells
    assert spared == {
        ("22", "modify_user_address", 1.0): 6,
        ("105", "exchange_delivered_order_items", None): 20,
        ("64", "exchange_delivered_order_items", None): 18,
    }


# what an agent is measured by


def test_gold_paths_have_no_unauthorised_effect(telecom_gold: Gold, retail_gold: Gold) -> None:
    counted = count_effects([*telecom_gold.values(), *retail_gold.values()])
    assert (counted.effects, counted.unauthorised, counted.share) == (103 + 174, 0, 0.0)


def test_pass_hat_k_of_gold_paths(telecom: Tau2Domain, telecom_gold: Gold) -> None:
    """Three gold paths and one try at nothing: pass^1 is 3/4, pass^2 is 3/6, pass^4 is 0."""
    gold, nothing = grades(telecom, telecom_gold), grades(telecom, telecom_gold, nothing=True)
    trials = [*gold.values(), *gold.values(), *gold.values(), *nothing.values()]
    for k, value in ((1, 0.75), (2, 0.5), (4, 0.0)):
        assert passed(trials, k) == dict.fromkeys(telecom_gold, value)
