"""Reading the tau2 tasks of a domain from a folder, with what they need: policy, databases, splits."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from groundtune.agents.tasks.environment import MethodMark, TaskEnvironment
from groundtune.agents.tasks.task import AgentTask, Side
from groundtune.agents.tasks.tau2._lines import AgentTaskLine
from groundtune.agents.tasks.tau2.retail.environment import RetailEnvironment
from groundtune.agents.tasks.tau2.retail.shop import ShopFile
from groundtune.agents.tasks.tau2.telecom.carrier import CarrierFile
from groundtune.agents.tasks.tau2.telecom.environment import TelecomEnvironment
from groundtune.agents.tasks.tau2.telecom.phone import PhoneFile
from groundtune.errors import InputError
from groundtune.files import read_text, read_toml
from groundtune.values import digest

Tau2Name = Literal["telecom", "retail"]
Payload = TypeVar("Payload")

_FORM = "See https://github.com/sierra-research/tau2-bench for the files."


@dataclass(frozen=True)
class Tau2Domain:
    """A domain: its policy for the agent, its tasks by id, the ids of each split, and its world.

    `fingerprint` is a hash of all that can change a result: policy, databases and tasks.
    """

    name: Tau2Name
    fingerprint: str
    policy: str
    tasks: Mapping[str, AgentTask]
    splits: Mapping[str, tuple[str, ...]]
    fresh: Callable[[], TaskEnvironment]
    """Returns a world in which no task has begun."""

    def split(self, name: str) -> list[AgentTask]:
        """Return the tasks of a split, as "base", in its order. Raises `InputError` if there is none."""
        if name not in self.splits:
            raise InputError(f"no split {name!r} of {self.name}.", remedy=f"There are {', '.join(self.splits)}.")
        return [self.tasks[task_id] for task_id in self.splits[name]]

    def begin(self, task: AgentTask) -> TaskEnvironment:
        """Return a new world in which `task` begins."""
        environment = self.fresh()
        environment.start(task.start)
        return environment


def read_tau2(folder: Path, name: Tau2Name) -> Tau2Domain:
    """Read a domain from `folder`/`name`. Raises `InputError` with the file, for a task that names an unknown tool too.

    Reads `tasks.json`, `split_tasks.json`, `policy.md` and `db.json` of retail; `db.toml`, `user_db.toml`,
    `main_policy.md` and `tech_support_manual.md` of telecom. JSON files may be gzipped (`.json.gz`).
    """
    place = folder / name
    policy, databases, fresh = (_telecom if name == "telecom" else _retail)(place)
    form = TypeAdapter(tuple[AgentTaskLine, ...])
    path, lines = _read_json(place / "tasks.json", form)
    tasks = {line.id: line.task() for line in lines}
    if len(tasks) < len(lines):
        raise InputError(
            f"{len(lines)} tasks have {len(tasks)} ids.", place=path, remedy="Each needs an id of its own."
        )
    _, splits = _read_json(place / "split_tasks.json", TypeAdapter(dict[str, tuple[str, ...]]))
    for split, ids in splits.items():
        if missing := set(ids) - set(tasks):
            raise InputError(f"split {split!r} names {min(missing)!r}, which is no task.", place=path, remedy=_FORM)
    world = fresh()
    for task in tasks.values():
        if unknown := _unknown(task, world):
            raise InputError(f"task {task.id!r} names {unknown!r}, which is unknown.", place=path, remedy=_FORM)
    fingerprint = digest(policy, databases, form.dump_json(lines).decode())
    return Tau2Domain(name, fingerprint, policy, tasks, splits, fresh)


def _telecom(place: Path) -> tuple[str, str, Callable[[], TaskEnvironment]]:
    """Return policy, databases as JSON, and what makes a world of them."""
    carrier, phone = read_toml(place / "db.toml", CarrierFile), read_toml(place / "user_db.toml", PhoneFile)
    main, support = read_text(place / "main_policy.md"), read_text(place / "tech_support_manual.md")
    policy = f"<main_policy>\n{main}\n</main_policy>\n<tech_support_policy>\n{support}\n</tech_support_policy>"
    databases = carrier.model_dump_json() + phone.model_dump_json()
    return policy, databases, lambda: TelecomEnvironment(carrier, phone)


def _retail(place: Path) -> tuple[str, str, Callable[[], TaskEnvironment]]:
    _, shop = _read_json(place / "db.json", TypeAdapter(ShopFile))
    return read_text(place / "policy.md"), shop.model_dump_json(), lambda: RetailEnvironment(shop)


def _read_json(path: Path, form: TypeAdapter[Payload]) -> tuple[Path, Payload]:
    """Read a JSON file, or the gzipped one beside it; return which it was and what it holds."""
    packed = path.with_name(f"{path.name}.gz")
    if not path.exists() and packed.exists():
        path = packed
    try:
        text = gzip.decompress(path.read_bytes()) if path == packed else read_text(path)
        return path, form.validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise InputError(f"{where}: {fault['msg']}.", place=path, remedy=_FORM) from None
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be unpacked: {error}.", place=path, remedy="Fetch it again.") from None


def _unknown(task: AgentTask, world: TaskEnvironment) -> str | None:
    """Return the first name in `task` that `world` does not have in that place."""
    tools: tuple[MethodMark, ...] = ("read", "write")
    named: list[tuple[Side, str, tuple[MethodMark, ...]]] = [
        *((step.side, step.call.action, (*tools, "start")) for step in task.start),
        *((action.side, action.call.action, tools) for action in task.gold),
        *((check.side, check.name, ("check",)) for check in task.checks),
    ]
    return next((name for side, name, marks in named if not world.has(side, name, marks)), None)
