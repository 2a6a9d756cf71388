"""Where an export is written: all of it or nothing, whatever happens on the way."""

import resource
import shutil
import signal
import subprocess
import sys
from collections import namedtuple

import pytest

from groundtune import files
from groundtune.errors import InputError, SettingsError
from groundtune.tuning.export import FORMATS

from .conftest import write

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize("to", FORMATS)
def test_an_empty_folder_is_taken_and_a_new_one_is_made(tuned, tmp_path, to):
    (tmp_path / "empty").mkdir()
    write(tuned, to, tmp_path / "empty")
    write(tuned, to, tmp_path / "deep" / "er")
    assert {path.name for path in (tmp_path / "empty").iterdir()} == {
        path.name for path in (tmp_path / "deep" / "er").iterdir()
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "empty"]


def test_what_is_there_is_never_overwritten(tuned, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name, reason in (("full", "is not empty"), ("file", "is a file"), ("file/below", "is not a folder")):
        with pytest.raises(InputError, match=reason) as raised:
            write(tuned, "merged", tmp_path / name, progress=not_called)
        assert raised.value.remedy
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


def test_what_comes_meanwhile_is_not_overwritten_either(tuned, tmp_path):
    def meanwhile(stage, done, total):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "thesis.txt").write_text("mine")

    with pytest.raises(InputError, match="is not empty"):
        write(tuned, "merged", tmp_path / "out", progress=meanwhile)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.txt"]


@pytest.mark.parametrize(
    ("to", "numbers"),
    [("onnx", None), ("", None), ("merged", "f8"), ("gguf", "bf16"), ("adapter", "f16"), ("GGUF", None)],
)
def test_an_order_that_cannot_be_filled_is_refused_before_loading(tuned, tmp_path, to, numbers):
    with pytest.raises(SettingsError) as raised:
        write(tuned, to, tmp_path / "out", numbers, progress=not_called)
    assert raised.value.remedy


def not_called(*_):
    raise AssertionError("something was loaded")


@pytest.mark.parametrize("to", FORMATS)
def test_too_little_room_is_told_before_anything_is_written(tuned, tmp_path, to, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 9_000, 9_000))
    with pytest.raises(InputError, match=r"kB are needed, but 9 kB are free") as raised:
        write(tuned, to, tmp_path / "out")
    assert "another disk" in raised.value.remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="limits on the size of files are Linux's here")
@pytest.mark.parametrize(("to", "most"), [("merged", 50_000), ("adapter", 20_000), ("gguf", 40_000), ("gguf", 5_000)])
def test_a_disk_that_fills_up_while_writing_loses_nothing(tuned, tmp_path, to, most):
    """A file that may not grow fails where a full disk does: in the writers of safetensors and of GGUF."""
    (tmp_path / "out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(InputError, match="the disk is full") as raised:
            write(tuned, to, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "Make room" in raised.value.remedy
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]
    write(tuned, to, tmp_path / "out")
    assert any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("to", FORMATS)
def test_interrupted_anywhere_it_leaves_nothing_and_can_be_called_again(tuned, tmp_path, to):
    seen = []
    write(tuned, to, tmp_path / "whole", progress=lambda *step: seen.append(step))
    assert len(seen) >= 4
    for step in dict.fromkeys([seen[0], seen[len(seen) // 2], seen[-2], seen[-1]]):

        def stop(*given, step=step):
            if given == step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write(tuned, to, tmp_path / "out", progress=stop)
        left = {path.name for path in tmp_path.iterdir()}
        assert left <= {"whole", "out"}, step
        shutil.rmtree(tmp_path / "out", ignore_errors=True)  # after the last step it is complete
    write(tuned, to, tmp_path / "out")


KILLED = """
import sys
from pathlib import Path
from groundtune.files import replacing
with replacing(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    print("written", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_command_leaves_is_named_and_in_nobody_s_way(tuned, tmp_path, caplog):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "out")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out").exists()
    (left,) = tmp_path.iterdir()
    assert files.left_behind(tmp_path / "out") == [left]
    write(tuned, "adapter", tmp_path / "out")
    assert any(str(left) in record.getMessage() for record in caplog.records)
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
