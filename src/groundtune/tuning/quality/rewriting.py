"""A copy of a file of training data without some of its rows, and with other texts in the rows that stay.

What stays as it is is copied byte for byte where a row has a line of its own. Rows of tables and of JSON arrays become
JSON Lines. Knows no checks.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from groundtune.tuning.formats.reading import rows, suffix
from groundtune.tuning.formats.refusal import RowRefused
from groundtune.tuning.quality.check import Mend

TEXTS = (".txt", ".md")
NOT_TEXT = frozenset(
    "role from speaker id annotator annotator_id labeler rater worker_id group source documents document type "
    "tool_call_id label kto_tag weight".split()
)
"""Keys whose values name something: text in them is not read by a model."""


class Rewriting:
    """Copies `source` to a file in `folder`; afterwards `path` is the copy, None if nothing is left.

    `dropped` and `mended` count rows.
    """

    def __init__(self, source: Path, folder: Path, name: str) -> None:
        self.dropped = 0
        self.mended = 0
        self.kept = 0
        self.path: Path | None = folder / name
        self._source = source
        self._target = folder / name
        self._converted = False

    def run(self, drop: Collection[int], mend: Mend | None) -> None:
        """Leave out the rows that begin on the lines `drop`, and put every other text through `mend`."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if suffix(self._source) in TEXTS:
            self._text(drop, mend)
        else:
            with _opened(self._target, "wb") as out:
                for row in self._rows(drop, mend):
                    out.write(row)
                    self.kept += 1
        if not self.kept:
            self._target.unlink(missing_ok=True)
            self.path = None
        elif self._converted and self._target.suffix != ".jsonl":
            self.path = self._target.with_name(f"{self._target.name.removesuffix('.gz')}.jsonl")
            self._target.replace(self.path)

    def _text(self, drop: Collection[int], mend: Mend | None) -> None:
        if drop:
            self.dropped += 1
            return
        data = self._source.read_bytes()
        text = data.decode("utf-8-sig")
        changed = mend(text) if mend else text
        self.mended += changed != text
        self.kept += 1
        self._target.write_bytes(data if changed == text else changed.encode("utf-8"))

    def _rows(self, drop: Collection[int], mend: Mend | None) -> Iterator[bytes]:
        raw = _RawLines(self._source)
        for line, row in rows(self._source):
            if line in drop or isinstance(row, RowRefused):
                self.dropped += 1
                continue
            changed = mended(row, mend) if mend else row
            self.mended += changed != row
            own = raw.at(line)
            alone = own is not None and _is(own, row)
            self._converted |= not alone
            if alone and own is not None and changed == row:
                yield own.rstrip(b"\r\n") + b"\n"
            else:
                yield json.dumps(changed, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def mended(value: object, mend: Mend) -> object:
    """Return a row with every text put through `mend`, texts in JSON that stands in a text among them.

    >>> mended({"role": "user", "content": "I am Ada"}, lambda text: text.replace("Ada", "[NAME]"))
    {'role': 'user', 'content': 'I am [NAME]'}
    """
    if isinstance(value, str):
        inner = _inner(value)
        if inner is None:
            return mend(value)
        changed = mended(inner, mend)
        return value if changed == inner else json.dumps(changed, ensure_ascii=False)
    if isinstance(value, dict):
        return {key: inner if str(key).lower() in NOT_TEXT else mended(inner, mend) for key, inner in value.items()}
    if isinstance(value, list):
        return [mended(inner, mend) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):  # a card's number is one as well
        changed = mend(str(value))
        return value if changed == str(value) else changed
    return value


def _inner(text: str) -> object:
    """Return the JSON object or list that a text is, such as the arguments of a call; None for other texts."""
    if text[:1] not in ("{", "["):
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict | list) else None


class _RawLines:
    """The lines of a file as they are, asked for in order."""

    def __init__(self, path: Path) -> None:
        self._lines = enumerate(_lines(path), start=1) if suffix(path) in (".jsonl", ".ndjson", ".json") else iter(())
        self._last: tuple[int, bytes] = (0, b"")

    def at(self, line: int) -> bytes | None:
        while self._last[0] < line:
            following = next(self._lines, None)
            if following is None:
                return None
            self._last = following
        return self._last[1] if self._last[0] == line else None


def _lines(path: Path) -> Iterator[bytes]:
    with _opened(path, "rb") as file:
        yield from file


def _is(raw: bytes, row: object) -> bool:
    """Tell whether a line is one row and nothing else."""
    try:
        return bool(json.loads(raw.decode("utf-8-sig")) == row)
    except ValueError:
        return False


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    with cast("IO[bytes]", gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)) as file:
        yield file
