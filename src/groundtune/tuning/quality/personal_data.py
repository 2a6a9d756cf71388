"""Personal data: cards, accounts, addresses, phone numbers and identity numbers by rules, names by a small model.

    "Pay with 4111 1111 1111 1111."   payment card number
    "Ask Anna Meyer."                 name of a person

What the company itself publishes is not personal: what stands in its documents, such as the hotline's number, and what
`[data] allowed` names. Rules see every line; the model sees a sample above `[data] names_sample` lines. Passwords and
keys are the matter of toxic.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np

from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.personal import Finder, PersonalSpan, all_of, patterns, redacted
from groundtune.tuning.quality.personal.names import missing, names
from groundtune.tuning.quality.personal.numbers import ascii_digits
from groundtune.tuning.quality.personal.spans import SAID, PersonalKind
from groundtune.tuning.quality.sampling import Reservoir

REMEDY = "Remove it, replace it with `--repair`, or name it in [data] allowed if it is public."
_LONGEST = 20_000  # characters of a line in which names are looked for: about 40 windows of the model
_BATCH = 512  # lines given to the model at once
_PHONE_DIGITS = 7  # the last ones are the same with and without a country code


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _PersonalData(around)


def redactor(around: Surroundings, *, with_names: bool = True) -> Callable[[str], tuple[str, tuple[PersonalSpan, ...]]]:
    """Return a function that replaces what this check finds in a text by placeholders; see `redacted`.

    Names are replaced where the model for them is installed.
    """
    public = _Public(around)
    find: Finder = all_of(patterns, names()) if with_names and not missing() else patterns

    def find_private(text: str) -> list[PersonalSpan]:
        return [span for span in find(text) if not public.has(text, span)]

    return lambda text: redacted(text, find_private)


class _Public:
    """What may stand in training data although it looks personal."""

    def __init__(self, around: Surroundings) -> None:
        self._documents = tuple(around.documents.values())
        self._allowed = tuple(around.settings.allowed)

    def has(self, text: str, span: PersonalSpan) -> bool:
        own = text[span.start : span.end]
        if span.kind == "name":
            return self._named(" ".join(_words(own)))
        key = _key(own, span.kind)
        return key in self._keys or (span.kind == "email" and f"@{key.partition('@')[2]}" in self._keys)

    @cached_property
    def _keys(self) -> frozenset[str]:
        keys = (
            _key(text[span.start : span.end], span.kind)
            for text in (*self._documents, *self._allowed)
            for span in patterns(text)
        )
        digits = (ascii_digits(entry)[-_PHONE_DIGITS:] for entry in self._allowed)
        return frozenset(keys) | {entry.casefold() for entry in self._allowed} | frozenset(filter(None, digits))

    @cached_property
    def _all_words(self) -> str:
        return " ".join(["", *(word for text in (*self._documents, *self._allowed) for word in _words(text)), ""])

    @lru_cache(maxsize=1 << 14)  # noqa: B019 -- lives as long as its check
    def _named(self, words: str) -> bool:
        return f" {words} " in self._all_words


class _PersonalData:
    def __init__(self, around: Surroundings) -> None:
        self._settings = around.settings
        self._public = _Public(around)
        self._rows = 0
        self._with_patterns = 0
        self._found: list[DataFinding] = []
        self._kinds: Counter[PersonalKind] = Counter()
        self._sample: Reservoir[tuple[str, int, str]] = Reservoir(
            self._settings.names_sample, np.random.default_rng(around.seed)
        )

    def see(self, line: DataLine) -> None:
        self._rows += 1
        text = "\n".join((line.prompt, line.answer, line.rejected))
        self._sample.offer((line.file, line.line, text))
        kinds = Counter(span.kind for span in patterns(text) if not self._public.has(text, span))
        if kinds:
            self._with_patterns += 1
            self._kinds.update(kinds)
            self._found.append(_finding(line.file, line.line, kinds))

    def conclude(self) -> CheckResult:
        gate, findings = self._names()
        return CheckResult((self._patterns(), gate), (*self._found, *findings))

    def _patterns(self) -> GateResult:
        share = self._with_patterns / self._rows if self._rows else 0.0
        limit = self._settings.personal_data
        said = f"{self._with_patterns} of {self._rows} lines have personal data that rules find"
        said += f": {_said(self._kinds)}." if self._kinds else "."
        return GateResult("personal_data", share <= limit, share, limit, said, self._rows, self._rows)

    def _names(self) -> tuple[GateResult, list[DataFinding]]:
        limit = self._settings.names
        if lacking := missing():
            said = f"Names of people were not looked for: {lacking}"
            return GateResult("names", True, None, limit, said, 0, self._rows), []
        lines = self._sample.items
        findings = [
            _finding(file, number, Counter({"name": count}))
            for (file, number, _), count in zip(lines, self._counts([text for *_, text in lines]), strict=True)
            if count
        ]
        share = len(findings) / len(lines) if lines else 0.0
        said = f"{len(findings)} of {len(lines)} lines have names of people that are not in the documents."
        if len(lines) < self._rows:
            said += f" A sample of {len(lines)} of {self._rows} lines was looked at ({len(lines) / self._rows:.1%})."
        if cut := sum(len(text) > _LONGEST for *_, text in lines):
            said += f" Of {cut} lines, only the first {_LONGEST} characters were read."
        return GateResult("names", share <= limit, share, limit, said, len(lines), self._rows), findings

    def _counts(self, texts: Sequence[str]) -> Iterable[int]:
        for first in range(0, len(texts), _BATCH):
            batch = [text[:_LONGEST] for text in texts[first : first + _BATCH]]
            for text, spans in zip(batch, names().find(batch), strict=True):
                numbers = patterns(text)  # what a rule explains, such as an e-mail address, is no name
                yield sum(
                    not self._public.has(text, span)
                    and not any(span.start < other.end and other.start < span.end for other in numbers)
                    for span in spans
                )


def _finding(file: str, line: int, kinds: Counter[PersonalKind]) -> DataFinding:
    return DataFinding(file, line, "personal_data", f"{_said(kinds)}", REMEDY)


def _said(kinds: Counter[PersonalKind]) -> str:
    """Return what was found, without repeating it: reports are passed on."""
    return ", ".join(f"{SAID[kind]} ({count})" for kind, count in sorted(kinds.items()))


def _key(own: str, kind: PersonalKind) -> str:
    """Return what is the same in two spellings of a number or address."""
    if kind == "phone":
        return ascii_digits(own)[-_PHONE_DIGITS:]
    return own.casefold() if kind in ("email", "ip") else re.sub(r"[\W_]", "", own).casefold()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
