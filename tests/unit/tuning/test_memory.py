"""Peaks of memory that are known, by the kernel's count and by looking, and limits of both kinds of control groups."""

import inspect
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from groundtune.errors import NotInstalled
from groundtune.tuning import _memory
from groundtune.tuning._memory import available, peak_of

MIB = 1 << 20

pytest.importorskip("psutil")


def alone(code):
    """Run the code in a process of its own: in this one, what earlier tests let go may be given back meanwhile."""
    start = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from groundtune.tuning import _memory\nfrom groundtune.tuning._memory import peak_of\n"
        "if sys.argv[2] == 'looking': _memory._reset_peak = lambda: False\n"
        "MIB = 1 << 20\n"
    )
    source = start + inspect.getsource(held).replace("time.sleep", "__import__('time').sleep") + textwrap.dedent(code)
    return lambda way: subprocess.run(
        [sys.executable, "-c", source, str(Path(_memory.__file__).parents[2]), way], check=True, capture_output=True
    )


def held(mebibytes, seconds=0.05):
    """Hold so much memory for so long, and let go of it."""
    block = b"\1" * (mebibytes * MIB)
    time.sleep(seconds)
    return len(block)


@pytest.fixture(params=["kernel", "looking"])
def way(request, monkeypatch):
    if request.param == "looking":
        monkeypatch.setattr(_memory, "_reset_peak", lambda: False)
    elif not _memory._reset_peak():
        pytest.skip("this kernel keeps no peak that can be reset")
    return request.param


def test_the_peak_is_what_was_held_though_it_is_gone_at_the_end(way):
    alone(
        """
        _, before = peak_of(lambda: None)
        size, peak = peak_of(lambda: held(200))
        assert size == 200 * MIB
        assert 195 * MIB < peak - before < 215 * MIB
        """
    )(way)


def test_a_window_does_not_see_what_was_before_it(way):
    held(200)
    _, before = peak_of(lambda: None)
    _, peak = peak_of(lambda: held(20))
    assert peak - before < 60 * MIB


def test_an_inner_window_does_not_hide_the_outer_ones_peak(way):
    alone(
        """
        _, before = peak_of(lambda: None)

        def outer():
            held(200)
            return peak_of(lambda: held(20))[1]

        inner, peak = peak_of(outer)
        assert peak - before > 195 * MIB
        assert inner - before < 60 * MIB
        assert not _memory._windows
        """
    )(way)


def test_what_the_function_raises_comes_through_and_the_window_is_closed(way):
    def fails():
        raise ZeroDivisionError("on purpose")

    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        peak_of(fails)
    assert not _memory._windows
    assert threading.active_count() == threads


@pytest.mark.parametrize("missing", ["status", "clear_refs"])
def test_without_the_kernels_peak_one_looks(tmp_path, monkeypatch, missing):
    (tmp_path / "status").write_text("VmHWM:\t 10 kB\n" if missing != "status" else "Name:\tpython\n")
    if missing == "clear_refs":
        (tmp_path / "clear_refs").mkdir()  # cannot be written
    monkeypatch.setattr(_memory, "_SELF", tmp_path)
    _, peak = peak_of(lambda: held(200))
    assert peak > 200 * MIB


def test_without_psutil_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(NotInstalled, match=r"groundtune\[local\]"):
        available()


def test_available_is_no_more_than_the_machine_has():
    import psutil

    assert 0 < available() <= psutil.virtual_memory().total


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_a_limit_of_the_address_space_counts():
    code = (
        "import resource, psutil; from groundtune.tuning._memory import available;"
        f"resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + {300 * MIB},) * 2);"
        "print(available())"
    )
    left = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert 250 * MIB < left <= 300 * MIB


def group(folder, limit, used=100 * MIB, cached=40 * MIB, version=2):
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    for name, value in zip(names, (limit, used), strict=True):
        (folder / name).write_text(f"{value}\n")
    key = "inactive_file" if version == 2 else "total_inactive_file"
    (folder / "memory.stat").write_text(f"anon 5\n{key} {cached}\n")


def test_version_2_with_a_limit_above_and_none_below(tmp_path):
    group(tmp_path / "a" / "b", "max")
    group(tmp_path / "a", 300 * MIB)
    assert _memory._left_in_groups("0::/a/b\n", tmp_path) == [240 * MIB]


def test_version_1_among_other_controllers(tmp_path):
    group(tmp_path / "memory" / "box", 300 * MIB, version=1)
    group(tmp_path / "memory", 9223372036854771712, version=1)
    group(tmp_path / "cpu" / "box", 1, version=1)
    left = _memory._left_in_groups("9:name=systemd:/\n4:cpu:/box\n3:hugetlb,memory:/box\n0::/\n", tmp_path)
    assert min(left) == 240 * MIB


def test_in_a_container_the_mount_shows_the_group_itself(tmp_path):
    group(tmp_path, 200 * MIB)
    assert _memory._left_in_groups("0::/docker/0123abc\n", tmp_path) == [140 * MIB]
    group(tmp_path / "memory", 150 * MIB, version=1)
    assert _memory._left_in_groups("4:memory:/docker/0123abc\n", tmp_path) == [90 * MIB]


@pytest.mark.parametrize("path", ["/", "/a:b", "/../elsewhere", "/gone (deleted)"])
def test_odd_paths_of_groups(tmp_path, path):
    assert _memory._left_in_groups(f"0::{path}\n", tmp_path) == []
    assert _memory._left_in_groups("", tmp_path) == []


def test_a_group_over_its_limit_leaves_nothing(tmp_path, monkeypatch):
    group(tmp_path, 50 * MIB)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cgroup").write_text("0::/\n")
    monkeypatch.setattr(_memory, "_SELF", tmp_path / "proc")
    monkeypatch.setattr(_memory, "CGROUPS", tmp_path)
    assert available() == 0
