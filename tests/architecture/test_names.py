"""One name, one meaning: no two classes share a name, and variables are called what they are."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from _tree import modules

MOST = 50
"""How many variables each of `VAGUE` may name in all of src."""
VAGUE = ("one", "found")


def classes(tree: ast.Module) -> list[str]:
    """The names of all classes in `tree`, nested and private ones included, and of aliases that name a type."""
    named = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return named + [name for statement in tree.body if (name := _alias(statement))]


def _alias(statement: ast.stmt) -> str | None:
    """The name of a type alias or type variable at module level: `Row = TypeVar("Row")`, `Fact = Literal["a"]`."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    name, value = statement.targets[0].id, statement.value
    is_type = isinstance(value, ast.Subscript | ast.Call | ast.BinOp) and name.lstrip("_")[:1].isupper()
    return name if is_type and not name.isupper() else None


def variables(tree: ast.Module) -> Counter[str]:
    """How often each name is given to a variable: assigned, looped over, unpacked, or a parameter."""
    return Counter(_bound(tree))


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def shared() -> dict[str, list[str]]:
    """The modules of every class or alias name that more than one of them gives."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules():
        for name in classes(module.tree):
            places[name].append(module.name)
    return {name: names for name, names in places.items() if len(names) > 1}


def test_no_two_classes_or_aliases_share_a_name() -> None:
    assert sum(len(classes(module.tree)) for module in modules()) > 150
    assert not shared(), "rename all but one"


@pytest.mark.parametrize("name", VAGUE)
def test_variables_are_called_what_they_are(name: str) -> None:
    """A noun says more than "one" and "found"."""
    places = {str(module.path): count for module in modules() if (count := variables(module.tree)[name])}
    assert sum(places.values()) <= MOST, dict(sorted(places.items(), key=lambda item: -item[1]))


SNIPPET = """
from typing import Literal, TypeVar

Row = TypeVar("Row")
Fact = Literal["a", "b"]
LIMIT = int("3")

class Job:
    class _Line: ...

def search(found, *, one=1):
    found = [one for one in found]
    for one, (found, rest) in found:
        with open(one) as found:
            print(found, one)
    if found := rest:
        match found:
            case [*found]:
                return lambda one: one
"""


def test_the_rules_can_fail() -> None:
    tree = ast.parse(SNIPPET)
    assert sorted(classes(tree)) == ["Fact", "Job", "Row", "_Line"]
    counted = variables(tree)
    assert (counted["found"], counted["one"], counted["rest"]) == (6, 4, 1)
    assert counted["print"] == 0
