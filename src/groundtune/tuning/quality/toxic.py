"""Toxic content, and secrets that must not be learnt: by a list of words and published forms of keys, or by a model.

    "You're an idiot."                     phrase of the list
    "The password is Summer2024!"          password

The list finds what is put crudely and nothing that is meant badly in polite words; `[data] toxicity_model` names a
classifier that finds more. What a pair rejects is not looked at for toxicity: it may be bad on purpose; for secrets,
all text is.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np

from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.leaks import leaks
from groundtune.tuning.quality.sampling import Reservoir
from groundtune.tuning.quality.toxic_words import toxic
from groundtune.tuning.quality.toxicity_model import ToxicityModel

_REMEDY = "Reword or remove the line."
_SECRET = "Remove the secret, and change it wherever it is in use: it has left its place."
_BATCH = 64


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Toxic(around)


class _Toxic:
    def __init__(self, around: Surroundings) -> None:
        self._settings = around.settings
        self._rows = self._toxic = self._leaking = 0
        self._found: list[DataFinding] = []
        self._secrets: Counter[str] = Counter()
        self._sample: Reservoir[tuple[str, int, str]] = Reservoir(
            self._settings.model_sample, np.random.default_rng(around.seed)
        )

    @cached_property
    def _model(self) -> ToxicityModel | None:
        name = self._settings.toxicity_model
        return ToxicityModel(self._settings.located(name), self._settings.toxicity_labels) if name else None

    def see(self, line: DataLine) -> None:
        self._rows += 1
        wanted = "\n".join((line.prompt, line.answer if line.good is not False else ""))
        if words := list(dict.fromkeys(toxic(wanted))):
            self._toxic += 1
            said = ", ".join(f"“{_veiled(word)}”" for word in words[:5])
            self._found.append(DataFinding(line.file, line.line, "toxic", f"toxic words: {said}", _REMEDY))
        secrets = Counter(secret for text in (line.prompt, line.answer, line.rejected) for secret in leaks(text))
        if secrets:
            self._leaking += 1
            self._secrets.update(secrets)
            self._found.append(DataFinding(line.file, line.line, "toxic", f"secret: {_counted(secrets)}", _SECRET))
        if self._settings.toxicity_model:
            self._sample.offer((line.file, line.line, wanted))

    def conclude(self) -> CheckResult:
        said = f"{self._toxic} of {self._rows} lines have words of the list of toxic words."
        if not self._settings.toxicity_model:
            said += " No model looked for what a list cannot find; [data] toxicity_model names one."
        secrets = f"{self._leaking} of {self._rows} lines have keys or passwords"
        secrets += f": {_counted(self._secrets)}." if self._secrets else "."
        gates = [
            self._gate("toxic", self._toxic, self._settings.toxic, said),
            self._gate("secrets", self._leaking, self._settings.secrets, secrets),
        ]
        if self._settings.toxicity_model:
            gates.append(self._by_model())
        return CheckResult(tuple(gates), tuple(self._found))

    def _gate(self, name: str, count: int, limit: float, said: str) -> GateResult:
        share = count / self._rows if self._rows else 0.0
        return GateResult(name, share <= limit, share, limit, said, self._rows, self._rows)

    def _by_model(self) -> GateResult:
        model, lines, count = self._model, self._sample.items, 0
        assert model is not None  # its name is set
        for first in range(0, len(lines), _BATCH):
            batch = lines[first : first + _BATCH]
            for (file, number, _), (odds, label) in zip(batch, model.judge([text for *_, text in batch]), strict=True):
                if odds >= self._settings.toxicity:
                    count += 1
                    said = f"{label} with probability {odds:.2f}, says {self._settings.toxicity_model}"
                    self._found.append(DataFinding(file, number, "toxic", said, _REMEDY))
        share = count / len(lines) if lines else 0.0
        said = f"{self._settings.toxicity_model} holds {count} of {len(lines)} lines for toxic."
        if len(lines) < self._rows:
            said += f" A sample of {len(lines)} of {self._rows} lines was looked at ({len(lines) / self._rows:.1%})."
        limit = self._settings.toxic
        return GateResult("toxicity_model", share <= limit, share, limit, said, len(lines), self._rows)


def _counted(secrets: Counter[str]) -> str:
    return ", ".join(f"{secret} ({count})" for secret, count in sorted(secrets.items()))


def _veiled(phrase: str) -> str:
    """Return a phrase as it can stand in a report: enough to find it."""
    return " ".join(word if len(word) < 4 else word[:2] + "*" * (len(word) - 2) for word in phrase.split())
