"""What RAFT makes of the telecom example, with the passages that the default pipeline hands over, can be trained on."""

import pytest

import groundtune

pytestmark = pytest.mark.models


def test_raft_conversations_fit_the_default_length(telecom, tmp_path, default_model):
    from transformers import AutoTokenizer

    from groundtune.tuning.conversations import render
    from groundtune.tuning.raft import conversations

    with groundtune.open_project(telecom) as project:
        project.ingest()
        task = project.assembly.adapters.task()
        made = conversations(task)
        tokenizer = AutoTokenizer.from_pretrained(default_model)
        rows = render(tokenizer, made.examples, task.settings.max_length, [])
    assert len(rows) > 400
