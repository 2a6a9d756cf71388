"""`ingest --watch`: goes on until Ctrl+C, whatever happens in the folder."""

import json
import time

import pytest

from groundtune.errors import StoreError


@pytest.fixture
def meanwhile(monkeypatch):
    """Do these things, one at each wait, then press Ctrl+C."""

    def set_up(*happens):
        left = list(happens)

        def sleep(seconds):
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr("groundtune.knowledge.watch.changes.__defaults__", (sleep,))
        return left

    return set_up


def nothing():
    pass


def test_every_change_is_ingested(run, project, meanwhile):
    documents = project / "documents"
    meanwhile(
        lambda: (documents / "new.md").write_text("# New\n\nA zebra.", encoding="utf-8"), nothing,
        lambda: (documents / "new.md").rename(documents / "old.md"), nothing,
        lambda: (documents / "old.md").unlink(), nothing,
    )  # fmt: skip
    done = run("ingest", "--watch", "--project", project, "--json")
    assert done.code == 0
    reports = [json.loads(line) for line in done.out.splitlines()]
    assert [(each["added"], each["removed"]) for each in reports] == [(1, 0), (1, 0), (1, 1), (0, 1)]


def test_a_store_that_fails_is_said_and_tried_again(run, project, meanwhile, monkeypatch):
    from groundtune.assembly.knowledge import KnowledgeBase

    ingest, calls = KnowledgeBase.ingest, []

    def failing_once(self, *given, **more):
        calls.append(time.time())
        if len(calls) == 1:
            raise StoreError("the disk is full.")
        return ingest(self, *given, **more)

    monkeypatch.setattr(KnowledgeBase, "ingest", failing_once)
    meanwhile(lambda: (project / "documents" / "new.md").write_text("A zebra.", encoding="utf-8"), nothing)
    done = run("ingest", "--watch", "--project", project)
    assert done.code == 0
    assert "the disk is full" in done.err
    assert "2 added" in done.out


def test_paths_are_not_watched(run, project):
    done = run("ingest", "documents/plans.md", "--watch", "--project", project)
    assert done.code == 2
    assert "watches the whole documents folder" in done.err
