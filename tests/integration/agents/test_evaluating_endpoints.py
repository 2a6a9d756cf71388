"""`groundtune agents evaluate` on the telecom example, set up as in docs/agents.md, with a model behind an endpoint."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from backend.client import FOLDER, running
from typer.testing import CliRunner

from groundtune.agents.tasks.files import load_tasks
from groundtune.cli import app
from groundtune.settings.tables import BenchmarkSettings
from groundtune.testing.endpoint import LocalEndpoint, served_by
from groundtune.testing.fakes import FunctionSelector

TASKS = load_tasks(FOLDER / "tasks.jsonl", BenchmarkSettings().development_share).tasks
FEW = 10


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The documented project, with its back-end."""
    page = (Path(__file__).parents[3] / "docs" / "agents.md").read_text(encoding="utf-8")
    (settings,) = [block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "simulation = " in block]
    with running(str(tmp_path / "backend.db"), "--simulation") as backend:
        monkeypatch.setenv("BACKEND_TOKEN", backend.client.token)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        folder = tmp_path / "project"
        (folder / "backend").mkdir(parents=True)
        lines = (FOLDER / "tasks.jsonl").read_text(encoding="utf-8").splitlines()
        chosen = [lines[number] for number, task in enumerate(TASKS) if len(task.turns) == 1]
        (folder / "tasks.jsonl").write_text("\n".join(chosen), encoding="utf-8")
        shutil.copy(FOLDER / "backend" / "openapi.json", folder / "backend")
        settings = settings.replace("http://127.0.0.1:8800", backend.client.url)
        (folder / "groundtune.toml").write_text(settings, encoding="utf-8")
        yield folder


class Gold:
    """Selects the right calls of the task whose words it hears."""

    def __init__(self):
        self._by_words = {task.turns[0]: task for task in TASKS}
        self.heard = ""
        self._left = []

    def __call__(self, conversation, _):
        (own, said) = [message.content for message in conversation if message.role == "user"][:2]
        if said != self.heard:
            task = self._by_words[said]
            assert task.customer.own["account"] in own, "the model is told what the customer does not say"
            self.heard, self._left = said, [*task.reads, *task.gold]
        return self._left.pop(0) if self._left else "That is done."


def test_the_same_command_runs_with_any_endpoint(project):
    with LocalEndpoint(served_by(FunctionSelector(Gold()))) as endpoint:
        model = f"model.name=openai:served@{endpoint.url}"
        options = ["--project", str(project), "--limit", str(FEW), "--set", model, "--json"]
        run = CliRunner().invoke(app, ["agents", "evaluate", *options])
    assert run.exit_code == 0, run.output
    assert '"pass_hat": {"1": 1.0}' in json.dumps(json.loads(run.stdout))
    assert len(endpoint.requests) > FEW
    assert all("tools" in request.body for request in endpoint.requests)
