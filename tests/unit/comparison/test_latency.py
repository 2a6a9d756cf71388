"""Times belong to the machine that they were measured on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from groundtune import machine
from groundtune.comparison import latency as latency_module
from groundtune.comparison.latency import LATENCY, Seconds, measured, this_machine
from groundtune.comparison.report import as_json, render_html
from groundtune.errors import ModelFailed
from groundtune.records import open_records


@pytest.fixture
def records(tmp_path):
    with open_records("sqlite:///records.db", tmp_path) as opened:
        yield opened


def on(monkeypatch, machine):
    monkeypatch.setattr(latency_module, "this_machine", lambda: machine)


def again():
    return pytest.fail("it was measured again")


def test_times_are_measured_once_on_each_machine(records, monkeypatch):
    on(monkeypatch, "first")
    assert measured(records, "k", lambda: Seconds((0.1,), (1.0,))) == Seconds((0.1,), (1.0,), "first")
    assert measured(records, "k", again).machine == "first"
    on(monkeypatch, "second")
    assert measured(records, "k", lambda: Seconds((0.2,), (2.0,))) == Seconds((0.2,), (2.0,), "second")
    on(monkeypatch, "first")
    assert measured(records, "k", again) == Seconds((0.1,), (1.0,), "first")


def test_other_keys_are_measured_by_themselves(records):
    measured(records, "k", lambda: Seconds((0.1,), (1.0,)))
    assert measured(records, "other", lambda: Seconds((0.3,), (3.0,))).total == (3.0,)


def test_times_of_an_unknown_machine_count_as_measured_here(records):
    records.keep(LATENCY, "k@unknown", Seconds((0.1,), (1.0,), "unknown"))
    assert measured(records, "k", again) == Seconds((0.1,), (1.0,), "unknown")


def test_what_failed_is_not_kept(records):
    def breaks():
        raise ModelFailed("no reply.")

    with pytest.raises(ModelFailed):
        measured(records, "k", breaks)
    assert measured(records, "k", lambda: Seconds((0.1,), (1.0,))).total == (1.0,)


def test_a_machine_is_called_the_same_by_every_process():
    program = "from groundtune.comparison.latency import this_machine\nprint(this_machine())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == this_machine() + "\n"
    processor, cores, *_ = this_machine().split(", ")
    assert processor
    assert cores.startswith(f"{os.cpu_count()} core")


def test_the_processor_has_a_name_on_every_system(monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "ARM64")
    assert machine._processor() == "ARM64"


def test_the_report_says_where_times_were_measured(report):
    """Candidates of the same machine together; old times on one that nobody noted."""
    machines = ["EPYC & Co, 2 cores", "EPYC & Co, 2 cores", "unknown", "", ""]
    candidates = tuple(
        replace(candidate, latency=replace(candidate.latency, machine=machine))
        for candidate, machine in zip(report.candidates, machines, strict=True)
    )
    changed = replace(report, candidates=candidates)
    first, second, third, *_ = [candidate.name for candidate in candidates]
    assert re.findall(r"Times of .* were measured on .*\.", render_html(changed)) == [
        f"Times of {first}, {second} were measured on EPYC &amp; Co, 2 cores.",
        f"Times of {third} were measured on an unknown machine.",
    ]
    assert as_json(changed)["candidates"][first]["latency"]["machine"] == "EPYC & Co, 2 cores"
    assert "were measured on" not in render_html(report)
