"""One command at a time changes the knowledge base of a project: a slow one never brings back what is old."""

import logging
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from groundtune import open_project
from groundtune.assembly import knowledge as knowledge_module
from groundtune.errors import StoreError
from groundtune.files import only_one
from groundtune.testing.embedders import HashingEmbedder

HOLDING = """
import sys, time
from pathlib import Path
from groundtune.files import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


class Slow(HashingEmbedder):
    """An embedder that waits when it embeds a text with this word."""

    def __init__(self, word):
        super().__init__()
        self.word, self.begun, self.go_on = word, threading.Event(), threading.Event()

    def embed(self, texts, kind):
        if any(self.word in text for text in texts):
            self.begun.set()
            self.go_on.wait(30)
        return super().embed(texts, kind)


@pytest.fixture
def shop(make_shop, tmp_path, monkeypatch):
    make_shop(["Brook", "Pond"])
    monkeypatch.setattr(knowledge_module, "embedder", lambda settings: HashingEmbedder())
    with open_project(tmp_path) as project:
        project.ingest()
    return tmp_path


def test_a_slow_ingestion_does_not_bring_back_an_old_text(shop, monkeypatch, caplog):
    slow = Slow("sixpence")
    file = shop / "documents" / "Brook.md"
    file.write_text("# Brook\n\nThe Brook plan costs sixpence.")
    monkeypatch.setattr(knowledge_module, "embedder", lambda settings: slow)
    with open_project(shop) as first, open_project(shop) as second:
        first_run = threading.Thread(target=first.ingest)
        first_run.start()
        assert slow.begun.wait(30)
        file.write_text("# Brook\n\nThe Brook plan costs a shilling.")
        second_run = threading.Thread(target=second.ingest)
        second_run.start()
        second_run.join(2)  # without a lock it would be done long before
        slow.go_on.set()
        for run in (first_run, second_run):
            run.join(30)
        (passage,) = second.search("Brook plan costs", limit=1)
    assert "shilling" in passage.text
    assert "waits for it to end" in caplog.text


@pytest.mark.parametrize("change", [["remove", "Pond.md"], ["remove", "Pond.md", "--forget"], ["rebuild"]])
def test_every_change_waits(shop, change, caplog):
    caplog.set_level(logging.WARNING)
    with open_project(shop) as project, ExitStack() as held:
        held.enter_context(only_one(shop / ".groundtune" / "writing.lock"))
        work = {"remove": project.knowledge.remove, "rebuild": lambda _: project.knowledge.rebuild()}[change[0]]
        work = project.knowledge.forget if "--forget" in change else work
        run = threading.Thread(target=work, args=(["Pond.md"],))
        run.start()
        run.join(1.5)
        assert run.is_alive()
        held.close()
        run.join(30)
        assert not run.is_alive()
        assert ("Pond.md" in project.knowledge.documents_held()) == (change == ["rebuild"])
    assert "waits for it to end" in caplog.text


def test_the_lock_of_a_killed_command_is_free(shop):
    path = shop / ".groundtune" / "writing.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError), only_one(path, seconds=0.1):
            pass
        other.kill()
    with only_one(path, seconds=10):
        pass


def test_a_lock_that_cannot_be_made_is_told(shop):
    path = shop / ".groundtune" / "writing.lock"
    path.unlink()
    path.mkdir()
    with open_project(shop) as project, pytest.raises(StoreError, match="lock for writing cannot be made"):
        project.ingest()
