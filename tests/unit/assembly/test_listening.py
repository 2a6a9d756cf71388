"""Which part classifies complaints in a project."""

import pytest

from groundtune.assembly import knowledge
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.listening import open_feedback
from groundtune.project import open_project
from groundtune.records.feedback import Opinion
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.fakes import FunctionModel


class Chooses(FunctionModel):
    def weigh(self, messages, options):
        self._chosen = {options[5]: 1.0}
        return super().weigh(messages, options)


@pytest.mark.parametrize(
    ("name", "by"), [("builtin:smollm2-135m-instruct", "examples:"), ("openai:some@http://127.0.0.1:9", "model:some")]
)
def test_a_model_classifies_complaints_unless_it_is_a_small_built_in_one(tmp_path, monkeypatch, name, by):
    monkeypatch.setattr(knowledge, "embedder", lambda settings: HashingEmbedder())
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: Chooses(str, "some"))
    (tmp_path / "groundtune.toml").write_text("", encoding="utf-8")
    with open_project(tmp_path, {"model.name": name}) as project:
        talks = project.assembly.records.conversations()
        key = talks.begin("ana", "rag")
        talks.add(key, "ana", "user", "Hello")
        talks.add(key, "ana", "assistant", "What?")
        given = open_feedback(project.assembly).give(key, "ana", Opinion(text="That was rude."))
    assert given.classified.by.startswith(by)
    assert given.classified.complaint == "tone"
