"""Generated pages are fresh, links lead somewhere, and what the code cites is listed."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import groundtune
from groundtune import cli
from groundtune.assembly.candidates import registered
from groundtune.errors import GroundtuneError
from groundtune.evaluation.scorers import scorers
from groundtune.settings import ComparisonSettings, Settings, all_tables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"docs/[\w/-]+\.md")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_generated_pages_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.stale() == [], "run `python docs/generate.py`"


def test_every_setting_is_documented() -> None:
    page = read("settings.md")
    assert set(Settings.model_fields) < set(all_tables())
    for table, kind in all_tables().items():
        section = page.partition(f"## [{table}]")[2].partition("\n## ")[0]
        for name, setting in kind.model_fields.items():
            assert setting.description, f"{table}.{name} has no description"
            assert f"| `{name}` |" in section, f"{table}.{name}"


def test_every_command_is_documented() -> None:
    page = read("commands.md")
    for command in cli.COMMANDS:
        assert f"## `groundtune {command}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in LINK.findall(text):
        target = link.partition("#")[0]
        if target and "://" not in target and not (page.parent / target).exists():
            broken.append(link)
    assert not broken


def test_pages_named_in_the_code_exist() -> None:
    sources = [path for folder in ("src", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    named = {
        (name, path.relative_to(ROOT).as_posix())
        for path in sources
        for name in REFERENCE.findall(path.read_text(encoding="utf-8"))
    }
    assert named
    assert not [pair for pair in sorted(named) if not (ROOT / pair[0]).is_file()]


def test_candidates_and_scorers_are_explained() -> None:
    glossary, report = read("glossary.md"), read("report.md")
    for name in registered():
        assert f"`{name}`" in glossary, name
    for scorer in scorers(ComparisonSettings()):
        assert f"`{scorer.name}`" in report, scorer.name


def test_all_that_python_offers_is_on_its_page() -> None:
    """Every public method and property of `Project`, every public function, and every command's counterpart."""
    page = read("python.md")
    members = [name for name in dir(groundtune.Project) if not name.startswith("_")]
    assert len(members) > 20
    assert not [name for name in members if not re.search(rf"\bproject\.{name}\b", page)]
    functions = [name for name in dir(groundtune) if inspect.isfunction(getattr(groundtune, name))]
    assert "score" in functions
    assert not [name for name in functions if not re.search(rf"\bgroundtune\.{name}\b", page)]
    assert not [command for command in cli.COMMANDS if f"`groundtune {command}" not in page]


def test_papers_cited_in_the_code_are_listed() -> None:
    """By the year and the first author, where the code names them together: "Zhang et al. 2024", "Holm 1979"."""
    papers = read("papers.md")
    cited = re.compile(r"\b([A-Z][a-zä]+)(?: & [A-Z][a-z]+| et al\.| and [A-Z][a-z]+)?,? \(?((?:19|20)\d\d)\b")
    missing, seen = set(), 0
    for path in (ROOT / "src").rglob("*.py"):
        for author, year in cited.findall(path.read_text(encoding="utf-8")):
            seen += 1
            if not any(author in line and year in line for line in papers.splitlines()):
                missing.add(f"{path.name}: {author} {year}")
    assert seen > 5
    assert not missing


def test_errors_say_what_to_do() -> None:
    """The form that docs/architecture.md promises: place, message, remedy."""
    error = GroundtuneError("`x` is wrong.", place="a.jsonl", line=3, remedy="Correct it.")
    assert str(error) == "a.jsonl:3: `x` is wrong. Correct it."
