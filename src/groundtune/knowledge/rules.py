"""What is said about documents from outside: who may read them, and metadata.

A file `NAME.meta.toml` beside the document NAME holds for it alone, `.meta.toml` in a folder for all below, in the
documents folder as below a prefix in S3. What is nearer to the document counts. A document may say itself who may read
it, and only narrow what holds for it. Knows no format of documents.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.values import EVERYONE, PlainText, digest

SUFFIX = ".meta.toml"
READERS = "readable_by"


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """What holds for a document: the principals that may read it, and its metadata."""

    readable_by: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


def is_rule(path: str) -> bool:
    """Tell whether a file is a rule and no document, by its name."""
    return path.endswith(SUFFIX)


def ruled(path: str) -> str:
    """Return the document or folder that a rule is about, as a path like its own; "" for the folder of all."""
    return path.removesuffix(SUFFIX).removesuffix("/")


class DocumentRules:
    """The rules of a folder or a source: `files` are their paths by name, `readable_by` holds where none says.

    Files are read when a document is looked up. A rule with the path "" must not be read: its documents are refused.
    `metadata` is that of a source, whose readers are in the key as well. `apart` are documents for which other rules
    hold, and none of these.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        readable_by: Sequence[str],
        metadata: Mapping[str, str] | None = None,
        apart: Sequence[tuple[Container[str], DocumentRules]] = (),
    ) -> None:
        self._files, self._apart = files, apart
        self._otherwise = DocumentRule(tuple(readable_by), metadata or {})
        self._key = [] if metadata is None else [json.dumps([list(readable_by), dict(metadata)], sort_keys=True)]
        self._read: dict[str, dict[str, object] | UnreadableDocument] = {}

    def of(self, document: str) -> DocumentRule:
        """Return what holds for a document. Raises `UnreadableDocument` where a rule that holds for it is broken."""
        for documents, rules in self._apart:
            if document in documents:
                return rules.of(document)
        readable_by, metadata = self._otherwise.readable_by, dict(self._otherwise.metadata)
        for name in self._names(document):
            values = self._values(name)
            if isinstance(values, UnreadableDocument):
                raise values
            for key, value in values.items():
                if key == READERS:
                    readable_by = _principals(value, name)
                else:
                    metadata[key] = _scalar(key, value, name)
        return DocumentRule(readable_by, metadata)

    def key(self, document: str) -> str:
        """Return a text that changes with what holds for a document; "" where only settings of `[knowledge]` do."""
        for documents, rules in self._apart:
            if document in documents:
                return rules.key(document)
        parts = [*self._key, *(f"{name} {self._values(name)}" for name in self._names(document))]
        return digest(*parts) if parts else ""

    def _names(self, document: str) -> list[str]:
        """Return the names of the rules for a document, the nearest last."""
        if not self._files:
            return []
        parts = document.split("/")[:-1]
        folders = ["/".join([*parts[:depth], SUFFIX]) for depth in range(len(parts) + 1)]
        return [name for name in (*folders, document + SUFFIX) if name in self._files]

    def _values(self, name: str) -> dict[str, object] | UnreadableDocument:
        if name not in self._read:
            self._read[name] = _loaded(self._files[name], name)
        return self._read[name]


def narrowed(rule: DocumentRule, plain: PlainText) -> tuple[DocumentRule, tuple[str, ...]]:
    """Return what holds for a document that says something itself, and notes about what of it does not count.

    >>> rule = DocumentRule(("staff", "partners"))
    >>> narrowed(rule, PlainText("Text", "Title", readable_by=("staff", "guests")))[0].readable_by
    ('staff',)
    """
    metadata = {**plain.metadata, **rule.metadata}
    if plain.readable_by is None:
        return DocumentRule(rule.readable_by, metadata), ()
    allowed, named = rule.readable_by, plain.readable_by
    if not set(EVERYONE) & set(allowed):
        named = tuple(dict.fromkeys(allowed if set(EVERYONE) & set(named) else (n for n in named if n in allowed)))
    notes = []
    if refused := [name for name in plain.readable_by if name not in named and name not in EVERYONE]:
        notes.append(f"The document names readers that may not read it here: {', '.join(refused)}.")
    if not named:
        notes.append("Nobody may read it.")
    return DocumentRule(named, metadata), tuple(notes)


def _loaded(path: str, name: str) -> dict[str, object] | UnreadableDocument:
    if not path:
        return UnreadableDocument(
            f"{name} is no file in the folder, or could not be fetched.",
            remedy="Put the file itself there, and no link; or run `ingest` again.",
        )
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        return UnreadableDocument(f"{name} cannot be read: {error.strerror}.", remedy="Check its permissions.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return UnreadableDocument(f"{name} is not TOML in UTF-8: {error}.", remedy="Correct it.")


def _principals(value: object, name: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if isinstance(listed, list) and all(isinstance(each, str) and each.strip() for each in listed):
        return tuple(dict.fromkeys(listed))
    raise UnreadableDocument(
        f"{name}: `{READERS}` is {json.dumps(value, default=str)}.",
        remedy='Write a list of principals, as in readable_by = ["staff"]; [] is nobody.',
    )


def _scalar(key: str, value: object, name: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return " ".join(str(value).split())
    raise UnreadableDocument(
        f"{name}: `{key}` is a list or a table.", remedy="Metadata are texts, numbers, dates, true or false."
    )
