"""The command line in this process, and a small project that needs no model."""

import json
import sys
from contextlib import nullcontext

import pytest

from groundtune import cli
from groundtune.assembly import knowledge
from groundtune.testing.embedders import HashingEmbedder

CASES = [
    {
        "id": f"c{number}",
        "question": f"What does the {name} plan cost?",
        "ideal_answer": f"The {name} plan costs {number + 7} euros.",
        "passages": [{"document": "plans.md", "quote": f"The {name} plan costs {number + 7} euros"}],
        "group": name,
        "split": "test" if number % 2 else "development",
    }
    for number, name in enumerate(["pebble", "brook", "river", "delta", "hazel", "sprig"])
] + [
    {"id": f"u{number}", "question": text, "answerable": False, "group": text, "split": split}
    for number, (text, split) in enumerate([("Who is the king?", "test"), ("Is it raining?", "development")])
]
PLANS = "# Plans\n\n" + "\n\n".join(
    f"The {case['group']} plan costs {number + 7} euros a month and can be left at any time."
    for number, case in enumerate(CASES[:6])
)


class Ran:
    """What a command printed and with which code it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["groundtune", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err + printed.out
        return Ran(ended.value.code or 0, printed.out, printed.err)

    return run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one document, eight cases and words instead of meaning for search."""
    monkeypatch.setattr(knowledge, "embedder", lambda settings: HashingEmbedder())
    # no process is started for each command
    monkeypatch.setattr(knowledge, "reading", lambda *_: nullcontext())
    folder = tmp_path / "shop"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "plans.md").write_text(PLANS, encoding="utf-8")
    (folder / "groundtune.toml").write_text('[project]\nname = "Shop"\n', encoding="utf-8")
    write_lines(folder / "benchmark.jsonl", CASES)
    return folder


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
