"""The tail is kept short: sizes of modules and functions, and what every module has to say of itself."""

from __future__ import annotations

import ast
import re

import pytest
from _tree import ROOT, Module, modules

MODULE_LINES, FUNCTION_LINES, PARAMETERS = 400, 60, 7
EXCEPTED = "noqa: PLR0913 -- "  # the line says why
TEXTS = ("*.py", "*.md", "*.toml", "*.txt", "*.j2", "*.css", "*.js", "Makefile", "run")
LEFT_OUT = {".venv", ".git", "build", "dist", "demo", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
# put together, so that this file does not name what it looks for
MACHINE_PATHS = re.compile("|".join(rf"(?<![\w.]){path}\b" for path in ("/" + "work", "/" + "tmp/w", "/" + "root/")))


def parameters(function: ast.FunctionDef) -> int:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in given)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_module(module: Module) -> None:
    lines = module.text.count("\n")
    assert lines <= MODULE_LINES, f"{module.path} has {lines} lines: split it by what it knows"
    assert ast.get_docstring(module.tree), f"{module.path} does not say what it does and what it does not know"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_functions(module: Module) -> None:
    for function in module.functions():
        place = f"{module.path}:{function.lineno}: {function.name}"
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{place} has {lines} lines"
        excepted = EXCEPTED in module.path.read_text(encoding="utf-8").splitlines()[function.lineno - 1]
        assert excepted or parameters(function) <= PARAMETERS, f"{place} has {parameters(function)} parameters"


def test_no_file_names_a_machine() -> None:
    """What works only where it was written works nowhere else."""
    found, seen = [], 0
    for pattern in TEXTS:
        for path in ROOT.rglob(pattern):
            if LEFT_OUT & set(path.relative_to(ROOT).parts) or not path.is_file():
                continue
            seen += 1
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if MACHINE_PATHS.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert seen > 100
    assert not found
    assert MACHINE_PATHS.search("see " + "/" + "work/main")
