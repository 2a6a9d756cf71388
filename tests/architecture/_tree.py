"""Reading the product's own source: its modules, what they import, and how large they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@dataclass(frozen=True, slots=True)
class Import:
    """An import of `module` on a line; `lazy` if inside a function; `typing_only` if under TYPE_CHECKING."""

    module: str
    line: int
    lazy: bool
    typing_only: bool


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the product, parsed."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The package or module right below `groundtune`; "" for `groundtune/__init__.py` itself."""
        return self.name.removeprefix("groundtune").removeprefix(".").partition(".")[0]

    def imports(self) -> Iterator[Import]:
        """Yield every import, wherever it stands."""
        yield from _imports(self.tree, self.name, self.path.name == "__init__.py", lazy=False, typing_only=False)

    def functions(self) -> Iterator[ast.FunctionDef]:
        """Yield every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef):
                yield node


@cache
def modules() -> tuple[Module, ...]:
    """Return all modules below src/."""
    found = []
    for path in sorted((SOURCE / "groundtune").rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Module(name, path, text, ast.parse(text)))
    return tuple(found)


def _imports(node: ast.AST, name: str, is_package: bool, *, lazy: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = typing_only or (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING")
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy, typing_only) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            source = _absolute(child, name, is_package)
            # `from groundtune import plugins` imports the module groundtune.plugins
            yield from (Import(f"{source}.{alias.name}", child.lineno, lazy, typing_only) for alias in child.names)
        yield from _imports(child, name, is_package, lazy=inside, typing_only=typing)


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    above = name.split(".")[: len(name.split(".")) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])
