"""What `import groundtune` promises, and that hooks are where plugins are looked for."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import groundtune
from groundtune import plugins

USED = "Answer Candidate Case Citation Project Question Report Scorer SettingsError init open_project score".split()


def test_what_a_user_looks_for_is_there_and_nothing_else() -> None:
    """A name that goes, or comes, is a decision and stands in the changelog."""
    assert dir(groundtune) == sorted(groundtune.__all__)
    assert set(USED) <= set(dir(groundtune))
    for name in dir(groundtune):
        assert getattr(groundtune, name) is not None, name
    modules = [name for name in dir(groundtune) if inspect.ismodule(getattr(groundtune, name))]
    assert not modules
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        groundtune.magic  # noqa: B018


def test_public_names_are_documented() -> None:
    for name in set(dir(groundtune)) - {"__version__"}:
        assert inspect.getdoc(getattr(groundtune, name)), name
    for name, member in inspect.getmembers(groundtune.Project):
        if not name.startswith("_"):
            assert inspect.getdoc(member), f"Project.{name}"


def test_fakes_need_no_pytest() -> None:
    """Other people's test runner may be another one."""
    fakes = "fakes embedders rerankers endpoint bedrock revisions tiny"
    program = "import sys; sys.modules['pytest'] = None\n" + "\n".join(
        f"import groundtune.testing.{name}" for name in fakes.split()
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_error_has_the_one_base() -> None:
    from groundtune import errors

    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(kinds) >= 9
    for kind in kinds:
        assert issubclass(kind, groundtune.GroundtuneError)
        assert kind.__name__ in (errors.__doc__ or ""), f"{kind.__name__} is not drawn in the tree of errors.py"


def test_built_in_parts_register_like_everybody_s() -> None:
    for kind in ("readers", "embedders", "stores", "retrievers", "sources", "models", "scorers", "importers"):
        found = plugins.hooks(kind)
        assert found, kind
        assert all(hook.__name__ == plugins.HOOKS[kind] for hook in found)
