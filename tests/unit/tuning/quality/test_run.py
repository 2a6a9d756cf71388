"""All checks over files: what is counted, what is read again, what is refused."""

import json

import pytest

from groundtune.errors import GateFailed, InputError, SettingsError
from groundtune.settings import DataSettings
from groundtune.tuning.quality.check import Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult, QualityReport
from groundtune.tuning.quality.gate import gate, short
from groundtune.tuning.quality.lines import data_files, data_lines
from groundtune.tuning.quality.page import TITLES, Mended, render, sections
from groundtune.tuning.quality.run import Registered, check_files

ROWS = [(f"What is {word}?", f"It is the {word} of the house.") for word in ("roof", "door", "floor", "lamp")]
AROUND = Surroundings(DataSettings())


def verdicts(report):
    return {gate.name: gate.passed for gate in report.gates}


def test_every_line_of_every_file_is_checked_once(write_lines, tmp_path):
    write_lines("data/b.jsonl", ROWS)
    write_lines("data/inner/a.jsonl", [*ROWS[:1], '{"messages": [', "", '{"unknown": 1}'])
    (tmp_path / "data" / ".hidden.jsonl").write_text("not data", "utf-8")
    (tmp_path / "data" / "picture.png").write_bytes(b"\x89PNG")
    files = data_files([tmp_path / "data", tmp_path / "data" / "b.jsonl"], tmp_path)
    assert [file.name for file in files] == ["data/b.jsonl", "data/inner/a.jsonl"]
    report = check_files(files, AROUND).report
    assert report.files == (("data/b.jsonl", 4), ("data/inner/a.jsonl", 3))
    assert report.checked == 7
    assert [(found.file, found.line, found.kind) for found in report.findings] == [
        ("data/inner/a.jsonl", 1, "duplicate"),
        ("data/inner/a.jsonl", 2, "schema"),
        ("data/inner/a.jsonl", 4, "schema"),
    ]
    assert set(report.failed) == {"schema", "duplicates"}
    assert all(found.detail and found.remedy for found in report.findings)


def test_a_file_of_nothing_is_a_finding(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n", "utf-8")
    report = check_files(data_files([tmp_path / "empty.jsonl"], tmp_path), AROUND).report
    assert [(found.line, found.kind) for found in report.findings] == [(1, "schema")]
    assert report.failed == ("schema",)


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "none.jsonl", tmp_path / "folder"):
        with pytest.raises(InputError) as caught:
            data_files([path], tmp_path)
        assert caught.value.remedy
    (tmp_path / "data.docx").write_bytes(b"PK")
    with pytest.raises(InputError):
        check_files(data_files([tmp_path / "data.docx"], tmp_path), AROUND)


def test_lines_keep_the_last_question_and_calls_of_tools(tmp_path):
    call = {"type": "function", "function": {"name": "price", "arguments": '{"plan": "Brook"}'}}
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "How much is Brook?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "13.70"},
        {"role": "assistant", "content": "13.70 euros."},
    ]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": turns}), "utf-8")
    (line,) = data_lines(data_files([tmp_path / "a.jsonl"], tmp_path)[0])
    assert (line.question, line.answer) == ("How much is Brook?", "13.70 euros.")
    assert line.prompt.splitlines()[0] == "Be short."
    assert 'price {"plan": "Brook"}' in line.prompt


class Curious:
    """A check that wants its lines again, three times."""

    def __init__(self):
        self.seen, self.again, self.rounds = [], [], 0

    def see(self, line):
        self.seen.append(line.answer)

    def wanted(self):
        import numpy as np

        self.rounds += 1
        return np.array([0, 2] if self.rounds <= 3 else [], dtype=np.int64)

    def see_again(self, number, line):
        self.again.append((number, line.answer))

    def conclude(self):
        return CheckResult((GateResult("curious", True, 0.0, 1.0, "It looked."),))


def test_a_check_sees_lines_again_as_often_as_it_wants(write_lines, tmp_path):
    path = write_lines("a.jsonl", [ROWS[0], "broken", *ROWS[1:]])
    check = Curious()
    report = check_files(data_files([path], tmp_path), AROUND, registered=[Registered(lambda around: check)]).report
    assert len(check.seen) == 4
    assert check.again == [(0, ROWS[0][1]), (2, ROWS[2][1])] * 3  # broken lines have no number
    assert report.gates[0].name == "curious"


def test_progress_never_goes_back_or_over(write_lines, tmp_path):
    told = []
    path = write_lines("a.jsonl", [(f"Question {number}?", f"Answer {number}.") for number in range(2500)])
    check_files(data_files([path], tmp_path), AROUND, lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} >= {"Checking lines", "Drawing conclusions"}
    for stage in {stage for stage, _, _ in told}:
        own = [(done, total) for each, done, total in told if each == stage]
        assert all(0 <= done <= total for done, total in own)
        assert [done for done, _ in own] == sorted(done for done, _ in own)


# --- gates ----------------------------------------------------------------------------------------


def report_of(*names):
    gates = [GateResult(name, False, 0.5, 0.1, f"{name} is too high.", 10, 10) for name in names]
    return QualityReport((*gates, GateResult("schema", True, 0.0, 0.0, "Fine.")), (), 10)


def test_a_gate_stops_training_and_says_how_to_go_on(tmp_path):
    with pytest.raises(GateFailed) as caught:
        gate(report_of("duplicates", "toxic"), ["toxic"], tmp_path / "data.html")
    assert caught.value.gates == ("duplicates",)
    assert "duplicates is too high." in str(caught.value)
    assert "--accept duplicates" in caught.value.remedy
    assert "data.html" in str(caught.value)
    assert "toxic" not in caught.value.message


def test_accepted_gates_are_told_and_unknown_ones_refused():
    assert gate(report_of("duplicates"), ["duplicates", "schema"]) == ("duplicates",)
    assert gate(report_of()) == ()
    with pytest.raises(SettingsError, match="duplicate"):
        gate(report_of("duplicates"), ["duplicate"])


def test_the_short_form_goes_through_json():
    kept = short(report_of("duplicates"))
    assert json.loads(json.dumps(kept))[0] == {
        "name": "duplicates", "passed": False, "value": 0.5, "threshold": 0.1, "detail": "duplicates is too high.",
        "looked_at": 10, "rows": 10,
    }  # fmt: skip


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_lines_escaped_and_mended(write_lines, tmp_path):
    path = write_lines("a.jsonl", [("<script>alert(1)</script> call Ada", "Yes."), *ROWS])
    files = data_files([path], tmp_path)
    found = (
        DataFinding("a.jsonl", 1, "toxic", "bad <b>words</b>", "Remove it, or let `--repair` remove it."),
        DataFinding("a.jsonl", 3, "label", "doubtful"),
    )
    report = QualityReport(report_of("toxic").gates, found, 5, files=(("a.jsonl", 5),))
    shown = sections(report, files, lambda text: text.replace("Ada", "[NAME]"))
    page = render(report, shown, Mended("copy", {"toxic": 1}, 2, report.gates), "Shop & Co")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; call [NAME]" in page
    assert "<script" not in page
    assert "<code>--repair</code>" in page
    assert "Shop &amp; Co" in page
    assert "bad &lt;b&gt;words" in page
    assert "What is door?" in page
    assert "It does not pass: toxic." in page
    assert "http" not in page


def test_the_page_shows_some_of_many_findings_and_counts_the_rest(write_lines, tmp_path):
    path = write_lines("a.jsonl", ROWS * 30)
    files = data_files([path], tmp_path)
    report = check_files(files, AROUND).report
    (section,) = sections(report, files, str)
    assert (section.count, len(section.lines), section.more) == (116, 50, 66)
    assert "66 more" in render(report, [section], None, "Shop")


def test_every_kind_has_a_title():
    from typing import get_args

    from groundtune.tuning.quality.findings import DefectKind

    assert set(TITLES) == set(get_args(DefectKind))
