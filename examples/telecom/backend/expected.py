"""Writes the expected end states into a file of tasks, by making the gold calls of each task on the back-end.

    python -m backend.expected tasks.jsonl

Whoever changes a task, the seed or a rule runs it, and looks at what changed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from backend.client import Client, running


def expected(task: dict, client: Client) -> dict[str, object]:
    """Return what the gold calls change. Ends with a message if one is refused."""
    client.begin(task.get("start", {}))
    for call in [*task.get("reads", []), *task.get("gold", [])]:
        reply = client.call(call["action"], call.get("arguments", {}), task["customer"]["id"])
        if reply.is_error:
            raise SystemExit(f"{task['id']}: {call} is refused: {reply.text}")
    return client.changes()


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(prog="python -m backend.expected", description=__doc__.partition("\n")[0])
    parser.add_argument("tasks", type=Path, help="a file of tasks, one JSON object a line")
    path = parser.parse_args().tasks
    tasks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder, running(f"{folder}/tasks.db", "--simulation") as backend:
        for task in tasks:
            task["expected"] = expected(task, backend.client)
    path.write_text("".join(json.dumps(task, ensure_ascii=False) + "\n" for task in tasks), encoding="utf-8")


if __name__ == "__main__":
    main()
