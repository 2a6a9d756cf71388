"""The telecom example as it is shipped passes every gate at the default limits."""

import shutil

import pytest

from groundtune.project import open_project


@pytest.mark.models
def test_the_telecom_example_passes_all_gates(telecom, tmp_path):
    folder = tmp_path / "telecom"
    shutil.copytree(telecom, folder, ignore=shutil.ignore_patterns("sources", ".groundtune", "report"))
    with open_project(folder) as project:
        checked = project.check_data()
    assert [name for name, _ in checked.report.files][:2] == ["training.jsonl", "preferences.jsonl"]
    assert not checked.report.failed
    measured = {gate.name: gate.value for gate in checked.report.gates}
    assert measured["paraphrased_contamination"] is not None


@pytest.mark.models
def test_its_general_set_stops_at_no_gate_that_transfer_asks(telecom, tmp_path):
    folder = tmp_path / "telecom"
    shutil.copytree(telecom, folder, ignore=shutil.ignore_patterns("sources", ".groundtune", "report"))
    with open_project(folder) as project:
        checked = project.check_data([folder / "general.jsonl"])
    # it is general, so it has nothing to do with the documents
    assert set(checked.report.failed) == {"relevance"}
