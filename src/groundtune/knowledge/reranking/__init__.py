"""Rerankers: what puts the passages that fusion found first into a better order; one file a kind.

A reranker reads question and passage together, which is too slow for a whole store and worth it for a dozen
passages. Chosen by `[knowledge] reranker`. Knows no store.
"""

from __future__ import annotations

from typing import cast

from groundtune import plugins
from groundtune.protocols import Reranker

NONE = "none"


def reranker(name: str) -> Reranker | None:
    """Return the reranker that `name` stands for, or None for "none": passages stay as fusion ordered them.

    Raises `SettingsError` if nobody knows the name and `NotInstalled` if a package or a model is missing.
    """
    return None if name == NONE else cast("Reranker", plugins.first("rerankers", name, name))
