"""Files that groundtune 0.1 kept beside the records: taken over once, whatever their state."""

from __future__ import annotations

import json

import pytest

from groundtune.assembly.assembly import THRESHOLD
from groundtune.assembly.judges import CALIBRATION, JUDGEMENT, LATEST
from groundtune.comparison.latency import LATENCY, Seconds
from groundtune.evaluation.judge.judge import Judgement
from groundtune.records import open_records

URL = "sqlite:///.groundtune/records.db"
FITTED = {"threshold": 0.36, "sensitivity": 1.0, "specificity": None, "n": 4, "note": ""}
JUDGED = {"probabilities": {"yes": 0.75, "no": 0.25}, "prompt_tokens": 3, "completion_tokens": 1, "rationale": "So."}
AGREEMENT = {"answers": 40, "weighted_kappa": {"value": 0.7, "low": None, "high": None}, "kappa": {"value": 0.6}}


@pytest.fixture
def state(tmp_path):
    state = tmp_path / ".groundtune"
    (state / "latency").mkdir(parents=True)
    return state


def write(path, *values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


def test_everything_is_taken_over_and_the_files_are_removed(state, tmp_path):
    write(state / "threshold.json", {"key": "t", "value": FITTED})
    write(state / "latency" / "base.json", {"key": "b", "value": {"first_token": [0.1], "total": [1 / 3]}})
    write(state / "latency" / "tuned+rag.json", {"key": "r", "value": {"first_token": [], "total": []}})
    write(state / "judgements.jsonl", {"key": "j1", **JUDGED}, {"key": "j2", "probabilities": {"a": 1.0}})
    write(state / "judge-calibration.json", {"scorers": {"judge": {"signature": "s", "agreement": AGREEMENT}}})
    (state / "drafting.jsonl").write_text("{}\n")
    with open_records(URL, tmp_path) as records:
        assert records.kept(THRESHOLD, "t").threshold == 0.36
        assert records.kept(LATENCY, "b@unknown") == Seconds((0.1,), (1 / 3,), "unknown")
        assert records.kept(LATENCY, "r@unknown") == Seconds(machine="unknown")
        assert records.kept(JUDGEMENT, "j1") == Judgement({"yes": 0.75, "no": 0.25}, 3, 1, "So.")
        assert records.kept(JUDGEMENT, "j2") == Judgement({"a": 1.0})
        assert records.kept(CALIBRATION, LATEST) == {"scorers": {"judge": {"signature": "s", "agreement": AGREEMENT}}}
        assert {path.name for path in state.iterdir()} - {"records.db-wal", "records.db-shm"} == {
            "records.db",
            "drafting.jsonl",
        }


def test_it_is_done_once(state, tmp_path):
    """What was kept since stays, also where files of before come back."""
    write(state / "threshold.json", {"key": "t", "value": FITTED})
    with open_records(URL, tmp_path) as records:
        newer = records.kept(THRESHOLD, "t").__class__(0.5, None, None, 0)
        records.keep(THRESHOLD, "t", newer)
    write(state / "threshold.json", {"key": "t", "value": FITTED})
    with open_records(URL, tmp_path) as records:
        assert records.kept(THRESHOLD, "t") == newer
    assert not (state / "threshold.json").exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '{"key": "t"}', '{"key": "t", "value": {}}', '{"key": "t", "value": {"threshold": NaN}}'],
)
@pytest.mark.parametrize("name", ["threshold.json", "latency/base.json", "judge-calibration.json", "judgements.jsonl"])
def test_broken_files_are_said_set_aside_and_never_in_the_way(state, tmp_path, caplog, name, text):
    (state / name).write_text(text)
    with open_records(URL, tmp_path) as records:
        for kind in (THRESHOLD, LATENCY, JUDGEMENT):
            assert records.kept_many(kind, ["t", "t@unknown"]) == {}
        assert records.kept(CALIBRATION, LATEST) is None
    assert not (state / name).exists()
    aside = state / f"{name}.skipped"
    if text:
        assert aside.read_text() == text + "\n"
        assert f"{name}: unreadable entries: 1. They were moved to" in caplog.text
    else:
        assert not aside.exists()
    caplog.clear()
    open_records(URL, tmp_path).close()
    assert caplog.text == ""


def test_of_judgements_only_the_broken_lines_are_skipped(state, tmp_path, caplog):
    write(state / "judgements.jsonl", {"key": "j1", **JUDGED})
    with (state / "judgements.jsonl").open("ab") as file:
        file.write(b'\n[1]\n{"key": "j2", "probabilities": {"a": 1}}\n{"key": "j3", "prob\xff')
    with open_records(URL, tmp_path) as records:
        assert set(records.kept_many(JUDGEMENT, ["j1", "j2", "j3"])) == {"j1", "j2"}
    assert (state / "judgements.jsonl.skipped").read_text().split("\n")[0] == "[1]"
    assert "unreadable entries: 2" in caplog.text


def test_passwords_are_blanked_on_the_way(state, tmp_path):
    signature = "judge|openai:m@https://ana:hunter2@host/v1"
    write(state / "judge-calibration.json", {"scorers": {"judge": {"signature": signature, "agreement": AGREEMENT}}})
    (state / "threshold.json").write_text('{"broken": "postgresql://ana:hunter2@db/x"}')
    with open_records(URL, tmp_path) as records:
        kept = records.kept(CALIBRATION, LATEST)
        assert kept["scorers"]["judge"]["signature"] == "judge|openai:m@https://ana:***@host/v1"
    assert not [path for path in state.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_a_file_that_cannot_be_read_stays_and_is_said(state, tmp_path, caplog, monkeypatch):
    """Reading breaks as it does on a disk with faults: root reads what nobody may."""
    write(state / "threshold.json", {"key": "t", "value": FITTED})

    def broken(self, *arguments, **options):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_text", broken)
        open_records(URL, tmp_path).close()
    assert "threshold.json cannot be read and was not imported into the records: Input/output error." in caplog.text
    with open_records(URL, tmp_path) as records:
        assert records.kept(THRESHOLD, "t").threshold == 0.36


PASSWORD = "postgresql://ana:hunter2@db/x"


@pytest.fixture
def written(state, tmp_path):
    """What groundtune 0.1 wrote elsewhere in the project."""
    settings = {"settings": {"records.url": {"value": PASSWORD, "origin": "file"}}, "margin": 0.02, "ä": [1, None]}
    page = f"<td>{PASSWORD}</td><td>file</td><td>ana@shop</td><script>{json.dumps(settings)}</script>"
    files = {
        "report/report.json": json.dumps(settings, indent=2),
        "report/report.html": page,
        "human/first/key.json": json.dumps({"candidates": {"base": f"openai:m@{PASSWORD}"}}),
        ".groundtune/adapters/raft/manifest.json": json.dumps(settings),
        ".groundtune/adapters/sane/manifest.json": '{"settings":{}}',
        "documents/manual.md": f"Connect to {PASSWORD}.",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return files


def test_passwords_are_blanked_in_files_that_groundtune_wrote(written, tmp_path):
    open_records(URL, tmp_path).close()
    for name, text in written.items():
        now = (tmp_path / name).read_text(encoding="utf-8")
        expected = text if name.startswith("documents") else text.replace("hunter2", "***")
        if name.endswith("json"):
            assert json.loads(now) == json.loads(expected)
        else:
            assert now == expected
    assert (tmp_path / ".groundtune/adapters/sane/manifest.json").read_text() == '{"settings":{}}'


def test_files_are_blanked_once(written, tmp_path, monkeypatch):
    open_records(URL, tmp_path).close()
    monkeypatch.setattr("groundtune.records.takeover.blank_files", lambda folder: pytest.fail("blanked again"))
    open_records(URL, tmp_path).close()


def test_a_file_that_cannot_be_blanked_is_said_and_tried_again(written, tmp_path, caplog):
    page = tmp_path / "report" / "report.html"
    page.write_bytes(b"\xff" + page.read_bytes())
    open_records(URL, tmp_path).close()
    assert "report.html may contain a password" in caplog.text
    assert "hunter2" not in (tmp_path / "report" / "report.json").read_text()
    page.write_bytes(page.read_bytes()[1:])
    open_records(URL, tmp_path).close()
    assert "hunter2" not in page.read_text()
