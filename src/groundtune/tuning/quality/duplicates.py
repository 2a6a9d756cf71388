"""Lines that say the same twice: word for word, or nearly.

    {"prompt": "How much is Pebble?", "completion": "8.40 euros."}      kept
    {"prompt": "How much is  Pebble?", "completion": "8.40 euros."}     duplicate: only blanks differ
    {"prompt": "hello, how much is Pebble", "completion": "8.40 euros"} near duplicate

The first of several is kept. A line is a near duplicate if each of its parts, question, answer and rejected answer, is
like that of an earlier line. One item that several annotators rated is none: their ratings are data of their own.
Models that see duplicates memorise more and learn less: Lee et al. 2022, "Deduplicating Training Data Makes Language
Models Better".
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from groundtune.comparing.folding import fold
from groundtune.tuning.quality.alike import LineParts, alike, said
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.signatures import LENGTH, Signatures, plain, proposed, signatures

REMEDY = "Remove it, or let `--repair` remove it."
_BATCH = 512  # lines whose signatures are made at once
_HELD = 100_000_000  # characters of lines that are held at once to be compared
_CHAINED = 0.85  # similarity to a near duplicate from which a line is one too: else chains of likes would be long
_PREPARED = 1024  # lines whose shingles are kept while they are compared


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Duplicates(around)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is compared of a line, and who rated it."""

    parts: tuple[str, ...]
    kind: str
    group: str
    annotator: str

    def one_item_with(self, other: _Held) -> bool:
        """Tell whether both are of different kinds, or are one item that two annotators rated."""
        return self.kind != other.kind or (
            bool(self.group) and self.group == other.group and self.annotator != other.annotator
        )


class _Duplicates:
    """Keeps of each line where it is, two hashes and a signature: 160 bytes."""

    def __init__(self, around: Surroundings) -> None:
        self._settings = around.settings
        self._files: dict[str, int] = {}
        self._file, self._line = array("I"), array("I")
        self._text_keys, self._keys = array("Q"), array("Q")  # without and with who rated it
        self._lengths = array("I")
        self._made: list[Signatures] = []
        self._waiting: list[str] = []
        self._pairs: NDArray[np.int64] | None = None
        self._held: dict[int, _Held] = {}
        self._batch: NDArray[np.int64] = np.zeros((0, 2), dtype=np.int64)
        self._near: dict[int, tuple[int, float]] = {}

    def see(self, line: DataLine) -> None:
        self._file.append(self._files.setdefault(line.file, len(self._files)))
        self._line.append(line.line)
        text = _text(line)
        self._text_keys.append(_key(text))
        self._keys.append(_key(f"{text}\x00{line.annotator}") if line.annotator else self._text_keys[-1])
        parts = _parts(line)
        self._waiting.append("\n".join(parts[:3]))
        self._lengths.append(sum(map(len, parts)))
        if len(self._waiting) >= _BATCH:
            self._sign()

    def wanted(self) -> NDArray[np.int64]:
        """Return the lines of the next pairs to be compared, as many as may be held at once."""
        if self._pairs is None:
            self._sign()
            self._pairs = self._propose()
        self._compare()
        taken = self._fitting(self._pairs)
        self._batch, self._pairs = self._pairs[:taken], self._pairs[taken:]
        return np.unique(self._batch)

    def see_again(self, number: int, line: DataLine) -> None:
        self._held[number] = _Held(_parts(line), f"{line.kind} {line.good}", line.group, line.annotator)

    def conclude(self) -> CheckResult:
        exact, rows = self._exact(), len(self._line)
        near = {later: alikeness for later, alikeness in self._nearly().items() if later not in exact}
        findings = [self._finding("duplicate", later, earlier, "the same as") for later, earlier in exact.items()]
        findings += [
            self._finding("near_duplicate", later, earlier, f"{share:.0%} like")
            for later, (earlier, share) in near.items()
        ]
        gates = (
            _gate("duplicates", len(exact), rows, self._settings.duplicates, "repeat an earlier line"),
            _gate("near_duplicates", len(near), rows, self._settings.near_duplicates, "nearly repeat an earlier line"),
        )
        return CheckResult(gates, tuple(sorted(findings, key=lambda finding: (finding.file, finding.line))))

    def _sign(self) -> None:
        if self._waiting:
            self._made.append(signatures(self._waiting))
            self._waiting = []

    def _propose(self) -> NDArray[np.int64]:
        """Return pairs of lines (earlier, later); of lines with the same text, the first stands for all."""
        made = np.concatenate([np.zeros((0, LENGTH), dtype=np.uint8), *self._made])
        self._made = []
        _, first = np.unique(np.frombuffer(self._text_keys, dtype=np.uint64), return_index=True)
        first.sort()
        if first.size < len(made):
            made = made[first]
        pairs = proposed(made, self._settings.near_duplicate_similarity)
        return np.asarray(first[pairs])

    def _fitting(self, pairs: NDArray[np.int64]) -> int:
        """Return how many of the pairs can be held: each line is counted with the first pair that it is in."""
        if not len(pairs):
            return 0
        lines, first = np.unique(pairs, return_index=True)
        needed = np.zeros(pairs.size, dtype=np.int64)
        needed[first] = np.frombuffer(self._lengths, dtype=np.uint32)[lines]
        return max(1, int(np.searchsorted(np.cumsum(needed)[1::2], _HELD, side="right")))

    def _compare(self) -> None:
        """Compare the pairs that are held, in order of the later line, so that a line is compared with kept ones."""
        least, held = self._settings.near_duplicate_similarity, self._held

        @lru_cache(maxsize=_PREPARED)
        def prepared(number: int) -> LineParts:
            return said(held[number].parts)

        for earlier, later in self._batch.tolist():
            if later in self._near or held[earlier].one_item_with(held[later]):
                continue
            share = alike(prepared(earlier), prepared(later))
            if share >= (max(least, _CHAINED) if earlier in self._near else least):
                self._near[later] = (earlier, share)
        self._held = {}

    def _exact(self) -> dict[int, int]:
        """Return by line the first line that says the same, for lines that are not the first themselves."""
        keys = np.frombuffer(self._keys, dtype=np.uint64)
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        firsts = first[which]
        return {int(later): int(firsts[later]) for later in np.flatnonzero(firsts < np.arange(keys.size))}

    def _nearly(self) -> dict[int, tuple[int, float]]:
        """Return the near duplicates, with the lines that say the same as one of them and were rated by others."""
        keys = np.frombuffer(self._text_keys, dtype=np.uint64)
        by_key = {int(keys[later]): alikeness for later, alikeness in self._near.items()}
        same = np.flatnonzero(np.isin(keys, np.array(list(by_key), dtype=np.uint64)))
        return {int(later): by_key[int(keys[later])] for later in same}

    def _finding(self, kind: Literal["duplicate", "near_duplicate"], later: int, earlier: int, how: str) -> DataFinding:
        file, line = self._place(later)
        other, place = self._place(earlier)
        return DataFinding(file, line, kind, f"{how} {other}:{place}", REMEDY)

    def _place(self, number: int) -> tuple[str, int]:
        return list(self._files)[self._file[number]], self._line[number]


def _gate(name: str, count: int, rows: int, limit: float, what: str) -> GateResult:
    share = count / rows if rows else 0.0
    return GateResult(name, share <= limit, share, limit, f"{count} of {rows} lines {what}.", rows, rows)


def _text(line: DataLine) -> str:
    """Return all that the line says, blanks and ways of writing Unicode aside."""
    parts = (line.kind, str(line.good), line.prompt, line.answer, line.rejected)
    return "\x00".join(" ".join((part if part.isascii() else fold(part)).split()) for part in parts)


def _key(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _parts(line: DataLine) -> tuple[str, str, str, str]:
    """Return what must be alike one by one. What the model is given counts besides what it is asked."""
    given = line.prompt if line.question and line.question != line.prompt else ""
    return plain(line.asked), plain(line.answer), plain(line.rejected), plain(given)
