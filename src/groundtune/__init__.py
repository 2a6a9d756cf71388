"""groundtune makes a foundation model useful for one company, and says with evidence how."""

from __future__ import annotations

from groundtune.errors import GroundtuneError

__all__ = ["GroundtuneError", "__version__"]
__version__ = "0.1.0"
