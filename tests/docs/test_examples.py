"""Every example in README.md and docs/ is run, or says why it is not.

A fenced block of `console` or `python`, or of a file's content, has a comment on the line before it:

    <!-- run -->              run it; lines of a console block without `$ ` must appear in the output, … is any text
    <!-- run: models -->      the same, where the local models are installed
    <!-- run: compared -->    the same, in a project in which `groundtune compare --quick` has run
    <!-- file: PATH -->       write the block to this file
    <!-- not run: REASON -->  leave it alone

The blocks of a page are run in order, in one empty folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {"commands.md", "settings.md"}
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED)]
MARKED = {"console", "python", "json", "toml", "md"}
MARK = re.compile(r"<!-- (run: models|run: compared|run|file: (?P<path>\S+)|not run: .+) -->")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, with what is to be done with it; `mark` is empty if nothing says so."""

    language: str
    text: str
    line: int
    mark: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in FENCE.finditer(text):
        before = text[: fence.start()].rstrip("\n").rpartition("\n")[2]
        marked = MARK.fullmatch(before)
        line = text[: fence.start()].count("\n") + 1
        found.append(Block(fence[1], fence[2], line, marked[1] if marked else ""))
    return found


def steps(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def run(command: list[str] | str, folder: Path, place: str) -> str:
    scripts = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "120",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{place}: {command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def printed(expected: str, output: str) -> bool:
    """Whether the line appears in the output, white space aside; … stands for any text."""
    parts = [re.escape(SPACE.sub(" ", part).strip()) for part in expected.split("…")]
    return re.search(r".*?".join(parts), SPACE.sub(" ", output)) is not None


def play(page: Path, folder: Path, *, models: bool, compared: bool = False) -> int:
    """Run the page's blocks and return how many there were to run: those for a project that was compared, or others."""
    played = 0
    for block in blocks(page):
        if (block.mark == "run: compared") != compared:
            continue
        place = f"{page.name}:{block.line}"
        if block.mark.startswith("file: "):
            path = folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.mark == "run" or (models and block.mark in ("run: models", "run: compared")):
            played += 1
            if block.language == "python":
                run([sys.executable, "-c", block.text], folder, place)
                continue
            for command, lines in steps(block):
                output = run(command, folder, place)
                for line in lines:
                    assert printed(line, output), f"{place}: `{command}` does not print `{line}` but\n{output}"
    return played


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_says_whether_it_is_run(page: Path) -> None:
    unmarked = [f"{page.name}:{one.line}" for one in blocks(page) if one.language in MARKED and not one.mark]
    assert not unmarked


def having(mark: str, pages: list[Path] = PAGES) -> list[Path]:
    return [page for page in pages if any(one.mark == mark for one in blocks(page))]


WITH_MODELS = having("run: models")


@pytest.mark.parametrize(
    "page", having("run", [page for page in PAGES if page not in WITH_MODELS]), ids=lambda page: page.name
)
def test_examples(page: Path, tmp_path: Path) -> None:
    assert play(page, tmp_path, models=False) > 0


@pytest.mark.models
@pytest.mark.parametrize("page", WITH_MODELS, ids=lambda page: page.name)
def test_examples_with_models(page: Path, tmp_path: Path) -> None:
    assert play(page, tmp_path, models=True) > 0


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project after a first look, as a reader has it who has run the demonstration."""
    folder = tmp_path_factory.mktemp("compared") / "shop"
    run(f"groundtune init {folder}", folder.parent, "the compared project")
    (folder / "documents" / "returns.md").write_text("# Returns\n\nA refund takes up to ten days.\n", encoding="utf-8")
    cases = [
        {"id": f"r{number}", "question": f"{asked} a refund?", "ideal_answer": "Up to ten days.", "split": "test"}
        for number, asked in enumerate(("How long takes", "When do I get"))
    ]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    (folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    run("groundtune compare base rag --quick --set comparison.resamples=1000", folder, "the compared project")
    return folder


@pytest.mark.models
@pytest.mark.parametrize("page", having("run: compared"), ids=lambda page: page.name)
def test_examples_in_a_project_that_was_compared(page: Path, compared: Path) -> None:
    assert play(page, compared, models=True, compared=True) > 0


@pytest.mark.models
def test_the_examples_of_judges_run_beside_a_comparison_too(compared: Path, tmp_path: Path) -> None:
    """They replace settings and benchmark; the records keep what was compared before."""
    shutil.copytree(compared, tmp_path / "copy")
    assert play(ROOT / "docs" / "judge.md", tmp_path / "copy", models=True) > 0


def test_what_does_not_hold_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for output in ("another thing", "groundtune 9…"):
        page.write_text(f"<!-- run -->\n```console\n$ groundtune --version\n{output}\n```\n", encoding="utf-8")
        with pytest.raises(AssertionError, match="does not print"):
            play(page, tmp_path, models=False)
    page.write_text("<!-- run -->\n```console\n$ groundtune nothing\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="No such command"):
        play(page, tmp_path, models=False)
