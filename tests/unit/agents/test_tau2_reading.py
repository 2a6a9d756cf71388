"""Reading tau2 tasks: what is wrong with a file is said with its place."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from groundtune.agents.tasks.tau2.reading import read_tau2
from groundtune.errors import InputError


@pytest.fixture
def folder(shared_data: Path, tmp_path: Path) -> Path:
    """A copy of retail with two tasks, which tests may spoil."""
    shutil.copytree(shared_data / "agents_tau2" / "retail", tmp_path / "retail", copy_function=shutil.copyfile)
    (tmp_path / "retail").chmod(0o755)
    tasks = json.loads((tmp_path / "retail" / "tasks.json").read_text())[:2]
    write(tmp_path, tasks)
    (tmp_path / "retail" / "split_tasks.json").write_text(json.dumps({"base": [task["id"] for task in tasks]}))
    return tmp_path


def write(folder: Path, tasks: list[dict[str, Any]]) -> None:
    (folder / "retail" / "tasks.json").write_text(json.dumps(tasks))


def tasks_of(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "retail" / "tasks.json").read_text())


def test_a_domain(folder: Path) -> None:
    retail = read_tau2(folder, "retail")
    assert retail.name == "retail"
    assert retail.policy.startswith("# Retail agent policy")
    task = retail.split("base")[1]
    assert task.id == "1"
    assert task.goal.reason.startswith("You received your order #W2378156")
    assert task.goal.unknown == "You do not remember your email address"
    assert task.gold[-1].call.action == "exchange_delivered_order_items"
    with pytest.raises(InputError, match=r"no split 'test' of retail\. There are base\."):
        retail.split("test")


def test_the_policy_of_telecom_has_the_manual(shared_data: Path) -> None:
    policy = read_tau2(shared_data / "agents_tau2", "telecom").policy
    assert policy.startswith("<main_policy>\n# Telecom Agent Policy")
    assert "# What the user can do on their device" in policy


def test_gzipped_tasks_are_the_same(folder: Path) -> None:
    plain, path = read_tau2(folder, "retail"), folder / "retail" / "tasks.json"
    path.with_name("tasks.json.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    packed = read_tau2(folder, "retail")
    assert (packed.tasks, packed.fingerprint) == (plain.tasks, plain.fingerprint)


def test_the_fingerprint_changes_with_whatever_can_change_a_result(folder: Path) -> None:
    fingerprints = [read_tau2(folder, "retail").fingerprint]
    tasks = tasks_of(folder)
    tasks[1]["evaluation_criteria"]["reward_basis"] = ["DB"]
    write(folder, tasks)
    fingerprints.append(read_tau2(folder, "retail").fingerprint)
    (folder / "retail" / "policy.md").write_text("Do as you like.")
    fingerprints.append(read_tau2(folder, "retail").fingerprint)
    path = folder / "retail" / "db.json.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"Water Bottle", b"Bottle", 1)))
    fingerprints.append(read_tau2(folder, "retail").fingerprint)
    assert len(set(fingerprints)) == 4


@pytest.mark.parametrize("name", ["tasks.json", "split_tasks.json", "policy.md", "db.json.gz"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / "retail" / name).unlink()
    with pytest.raises(InputError, match=f"{name.removesuffix('.gz')}: no such file"):
        read_tau2(folder, "retail")


def test_a_broken_archive_is_named(folder: Path) -> None:
    for data in (b"no archive", gzip.compress(b"{}" * 1000)[:-9]):
        (folder / "retail" / "db.json.gz").write_bytes(data)
        with pytest.raises(InputError, match=r"db\.json\.gz: cannot be unpacked"):
            read_tau2(folder, "retail")


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (
            ("evaluation_criteria", "reward_basis"),
            ["LUCK"],
            r"0\.evaluation_criteria\.reward_basis\.0: Input should be",
        ),
        (("evaluation_criteria", "tips"), 1, r"0\.evaluation_criteria\.tips: Extra inputs"),
        (("initial_state",), {"message_history": []}, r"0\.initial_state\.message_history: Input should be null"),
        (("id",), "1", "2 tasks have 1 ids"),
        (("id",), "7", "split 'base' names '0', which is no task"),
    ],
)
def test_an_unsound_file_is_refused(folder: Path, place: tuple[str, ...], value: object, reason: str) -> None:
    tasks = tasks_of(folder)
    target = tasks[0]
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value
    write(folder, tasks)
    with pytest.raises(InputError, match=rf"tasks\.json: {reason}"):
        read_tau2(folder, "retail")


@pytest.mark.parametrize(
    ("part", "entry", "name"),
    [
        ("gold", {"action_id": "x", "name": "sell_shop", "arguments": {}}, "sell_shop"),
        ("gold", {"action_id": "x", "name": "calculate", "requestor": "user", "arguments": {}}, "calculate"),
        ("checks", {"env_type": "assistant", "func_name": "calculate", "arguments": {}}, "calculate"),
        ("start", {"env_type": "assistant", "func_name": "__init__", "arguments": {}}, "__init__"),
    ],
)
def test_a_task_that_names_what_is_not_there_is_refused(
    folder: Path, part: str, entry: dict[str, object], name: str
) -> None:
    tasks = tasks_of(folder)
    if part == "gold":
        tasks[1]["evaluation_criteria"]["actions"].append(entry)
    elif part == "checks":
        tasks[1]["evaluation_criteria"]["env_assertions"] = [entry]
    else:
        tasks[1]["initial_state"] = {"initialization_actions": [entry]}
    write(folder, tasks)
    with pytest.raises(InputError, match=rf"task '1' names '{name}', which is unknown"):
        read_tau2(folder, "retail")


def test_an_unknown_column_of_a_database_is_refused(folder: Path) -> None:
    path = folder / "retail" / "db.json.gz"
    shop = json.loads(gzip.decompress(path.read_bytes()))
    next(iter(shop["orders"].values()))["colour"] = "red"
    path.write_bytes(gzip.compress(json.dumps(shop).encode()))
    with pytest.raises(InputError, match=r"colour: (Unexpected keyword|Extra inputs)"):
        read_tau2(folder, "retail")
