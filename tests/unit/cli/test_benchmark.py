"""The benchmark's commands: what they print, keep and refuse."""

import json


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_check_warns_of_leaks_with_both_places_and_exits_with_0(run, project):
    asked = read(project / "benchmark.jsonl")[2]["question"]
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": "9."}]
    write(project / "training.jsonl", [{"messages": turns}])
    checked = run("benchmark", "check", "--project", project)
    assert checked.code == 0
    shown = " ".join(checked.out.split())
    assert "benchmark.jsonl:3: c2: the question is asked in training.jsonl:1 too." in shown
    assert "8 cases, 0 problems. 1 warnings." in shown
