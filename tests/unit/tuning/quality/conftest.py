"""Lines as checks see them, and checks that see them."""

import json

import pytest

from groundtune.settings import DataSettings
from groundtune.tuning.quality.check import DataLine, LooksAgain, Surroundings


@pytest.fixture
def pair():
    """Make a line of a question and an answer; what else is given is as in `DataLine`."""

    def make(question, answer, **more):
        given = {"kind": "supervised", "question": question, "file": "training.jsonl", "line": 0} | more
        return DataLine(**({"prompt": question, "answer": answer} | given))

    return make


@pytest.fixture
def run_check():
    """Show numbered lines to a check, and again those that it wants again; return its result."""

    def run(module, lines, **around):
        settings = DataSettings(**around.pop("settings", {}))
        check = module.check(Surroundings(settings, **around))
        numbered = [_numbered(line, number) for number, line in enumerate(lines, start=1)]
        for line in numbered:
            check.see(line)
        if isinstance(check, LooksAgain):
            while (wanted := check.wanted()).size:
                for number in wanted.tolist():
                    check.see_again(number, numbered[number])
        return check.conclude()

    return run


def _numbered(line, number):
    fields = {name: getattr(line, name) for name in DataLine.__dataclass_fields__}
    return DataLine(**(fields | {"line": number}))


@pytest.fixture
def write_lines(tmp_path):
    """Write conversations (question, answer), or lines as they are, to a file in `tmp_path`."""

    def write(name, rows):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{conversation(*row) if isinstance(row, tuple) else row}\n" for row in rows), "utf-8")
        return path

    return write


def conversation(question, answer):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}, ensure_ascii=False)
