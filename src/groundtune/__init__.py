"""groundtune makes a foundation model useful for one company, and says with evidence how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundtune.errors import GroundtuneError

if TYPE_CHECKING:
    from groundtune.project import Project, open_project

__all__ = ["GroundtuneError", "Project", "__version__", "open_project"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module has by that name
    """Import what is heavy when it is first used, so that `groundtune --help` answers at once."""
    if name in __all__:
        from groundtune import project

        return getattr(project, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
