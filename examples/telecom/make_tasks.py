"""Writes the expected end states into tasks.jsonl, by making the gold calls of each task on the back-end.

    python make_tasks.py

Whoever changes a task, the seed or a rule runs it, and looks at what changed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from backend.client import Client, running

TASKS = Path(__file__).with_name("tasks.jsonl")


def expected(task: dict, client: Client) -> dict[str, object]:
    """Return what the gold calls change. Raises if one is refused."""
    client.begin(task["start"])
    for call in [*task["reads"], *task["gold"]]:
        reply = client.call(call["action"], call["arguments"], task["customer"]["id"])
        if reply.is_error:
            raise SystemExit(f"{task['id']}: {call} is answered {reply.status_code}: {reply.text}")
    return client.changes()


def main() -> None:
    """Write the file anew."""
    tasks = [json.loads(line) for line in TASKS.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder, running(f"{folder}/tasks.db", "--simulation") as backend:
        for task in tasks:
            task["expected"] = expected(task, backend.client)
    lines = "".join(json.dumps(task, ensure_ascii=False) + "\n" for task in tasks)
    TASKS.write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
