"""What RAFT makes of the telecom example, with the passages that the default pipeline hands over, can be trained on."""

import shutil

import pytest

import groundtune
from groundtune.models.builtin import chat_model_folder
from groundtune.tuning.conversations import render
from groundtune.tuning.raft import conversations

pytestmark = pytest.mark.models


def test_raft_conversations_fit_the_default_length(telecom, tmp_path):
    """Longer ones are refused, and rows of tables make passages longer."""
    from transformers import AutoTokenizer

    folder = shutil.copytree(telecom, tmp_path / "telecom", ignore=shutil.ignore_patterns(".groundtune"))
    with groundtune.open_project(folder, {"knowledge.reranker": "none"}) as project:  # as long as with it, and quicker
        project.ingest()
        task = project.assembly.adapters.task()
        made = conversations(task)
    rows = render(AutoTokenizer.from_pretrained(chat_model_folder()), made.examples, task.settings.max_length)
    assert len(rows) == len(made.examples) > 300
