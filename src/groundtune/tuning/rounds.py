"""The rounds of an adapter that goes on learning: each kept in a folder of its own, one of them in use.

    NAME@VERSION/                 the round in use, as any adapter is
    NAME@VERSION/rounds/1, 2, …   all rounds
    NAME@VERSION/rounds/current   the number of the one in use

The number is written before the files are copied: a change of rounds that is interrupted is completed the next time.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from groundtune.errors import InputError, SettingsError
from groundtune.files import read_text, write_text
from groundtune.tuning.adapters import MANIFEST, Manifest, read_manifest, write_manifest

FOLDER, CURRENT = "rounds", "current"


class Rounds:
    """The rounds in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def number(self) -> int:
        """The round in use; 0 before the first one."""
        path = self._folder / FOLDER / CURRENT
        if not path.is_file():
            return 0
        try:
            return int(read_text(path))
        except ValueError:
            raise InputError(
                "does not say which round is in use.", place=path, remedy="Choose one with --to-round."
            ) from None

    def place(self, number: int) -> Path:
        """Return the folder of a round."""
        return self._folder / FOLDER / str(number)

    def manifest(self, number: int) -> Manifest | None:
        """Return the manifest of a round, None where it is not finished."""
        return read_manifest(self.place(number))

    def current(self) -> Manifest | None:
        """Return the manifest of the round in use; what was left half done is completed."""
        if not self.number:
            return None
        manifest = read_manifest(self._folder)
        own = self.manifest(self.number)
        if own is None:
            raise InputError(
                f"round {self.number}, which is in use, is not there.",
                place=self.place(self.number),
                remedy="Choose another one with --to-round, or tune again under another name.",
            )
        if manifest is None or manifest.key != own.key:
            return self._copy(self.number)
        return manifest

    def make_current(self, number: int, parents: Sequence[Path] | None = None) -> Manifest:
        """Use a round from now on; `parents` are what all rounds stand on. Raises `SettingsError`."""
        manifest = self.manifest(number)
        if manifest is None:
            there = sorted(int(path.parent.name) for path in self._folder.glob(f"{FOLDER}/*/{MANIFEST}"))
            raise SettingsError(
                f"there is no round {number}.",
                place=self._folder,
                remedy=f"Rounds that are kept: {', '.join(map(str, there)) or 'none'}.",
            )
        if parents is not None:
            write_manifest(self.place(number), replace(manifest, parents=tuple(parent.name for parent in parents)))
        write_text(self._folder / FOLDER / CURRENT, f"{number}\n")
        return self._copy(number)

    def _copy(self, number: int) -> Manifest:
        (self._folder / MANIFEST).unlink(missing_ok=True)
        for path in self.place(number).iterdir():
            if path.is_file() and path.name != MANIFEST:
                shutil.copy2(path, self._folder / path.name)
        manifest = self.manifest(number)
        if manifest is None:
            raise InputError(f"round {number} is not there.", place=self.place(number))
        write_manifest(self._folder, manifest)
        return manifest
