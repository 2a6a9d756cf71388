"""The gate in front of a technique: which files it learns from, checked when it begins to train and not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtune import plugins
from groundtune.assembly.data import DataParts, gate_data
from groundtune.errors import SettingsError
from groundtune.files import within
from groundtune.tuning.technique import technique

AFTERWARDS = "bias_amplification"
"""The gate that an adapter passes after training; see `bias.py`."""


@dataclass(frozen=True, slots=True)
class DataGate:
    """Checks the files of one technique: what `TrainingJob.gate` calls. `accepted` are gates that need not pass.

    `about_the_task` are files that have to be relevant to it; `others` need not be.
    """

    parts: DataParts
    about_the_task: Sequence[Path]
    others: Sequence[Path]
    accepted: Sequence[str]
    own: Sequence[str]

    def __call__(self) -> tuple[tuple[Mapping[str, object], ...], tuple[str, ...]]:
        """Return what the gates said, and which did not pass and were accepted. Raises `GateFailed`."""
        accept = [name for name in self.accepted if name not in (*self.own, AFTERWARDS)]
        gates: tuple[Mapping[str, object], ...] = ()
        accepted: list[str] = [name for name in self.accepted if name in self.own]
        for paths, relevant in ((self.about_the_task, True), (self.others, False)):
            if paths:
                said, let_through = gate_data(self.parts, paths, accept, relevant=relevant)
                gates += said
                accepted += let_through
        return gates, tuple(dict.fromkeys(accepted))


def data_gate(parts: DataParts, technique_name: str, accepted: Sequence[str] = ()) -> DataGate:
    """Return the gate in front of a technique. Raises `SettingsError` for accepted gates that nothing of it has."""
    chosen = technique(technique_name)
    settings = [name for name in parts.settings.data.accept if name not in accepted]
    elsewhere = {name for hook in plugins.hooks("techniques") for name in getattr(hook(), "gates", ())}
    tuning, own = parts.settings.tuning, tuple(getattr(chosen, "gates", ()))
    named = [within(parts.folder, str(getattr(tuning, name))) for name in getattr(chosen, "reads", ())]
    besides = tuning.inner(technique_name)
    apart = getattr(chosen, "reads_besides", ()) if besides is not None else ()
    others = [within(parts.folder, str(getattr(besides, name))) for name in apart]
    there = [path for path in named if path.exists()]
    if not there and not others and (wrong := [name for name in accepted if name not in (*own, AFTERWARDS)]):
        raise SettingsError(
            f"`{technique_name}` has no gate `{wrong[0]}` here.", remedy=f"Its gates: {', '.join(own) or 'none'}."
        )
    kept = [name for name in settings if name in own or name not in (*elsewhere, AFTERWARDS)]
    return DataGate(parts, there, [path for path in others if path.exists()], [*accepted, *kept], own)
