"""Texts on which it is measured what a model forgets: a fixed, general one that ships with groundtune, or your own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from groundtune.tuning.examples import load_texts


def general_texts() -> list[str]:
    """Return the shipped probe: short paragraphs of general knowledge, written for this purpose."""
    return _paragraphs((files("groundtune.tuning") / "data" / "general.txt").read_text(encoding="utf-8"))


def probe_texts(path: Path | None) -> list[str]:
    """Return the texts of a file or folder, or those of the shipped probe if it is None. Raises `InputError`."""
    return general_texts() if path is None else [text.text for text in load_texts(path)]


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
