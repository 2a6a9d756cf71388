"""What `import groundtune` promises, and that hooks are where plugins are looked for."""

from __future__ import annotations

import inspect

import groundtune
from groundtune import plugins

PUBLIC = ["GroundtuneError", "Project", "__version__", "open_project"]


def test_public_names_are_these_and_all_are_there() -> None:
    """A name that goes, or comes, is a decision and stands in the changelog."""
    assert sorted(groundtune.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(groundtune, name) is not None


def test_public_names_are_documented() -> None:
    for name in ("GroundtuneError", "Project", "open_project"):
        assert inspect.getdoc(getattr(groundtune, name)), name
    for name, member in inspect.getmembers(groundtune.Project):
        if not name.startswith("_"):
            assert inspect.getdoc(member), f"Project.{name}"


def test_every_error_has_the_one_base() -> None:
    from groundtune import errors

    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(kinds) >= 9
    for kind in kinds:
        assert issubclass(kind, groundtune.GroundtuneError)
        assert kind.__name__ in (errors.__doc__ or ""), f"{kind.__name__} is not drawn in the tree of errors.py"


def test_built_in_parts_register_like_everybody_s() -> None:
    for kind in ("readers", "embedders", "stores", "models", "scorers", "importers"):
        found = plugins.hooks(kind)
        assert found, kind
        assert all(hook.__name__ == plugins.HOOKS[kind] for hook in found)
