"""The files of an OpenAPI document, and where its references lead: only to files below one folder, never elsewhere.

Knows JSON, YAML and references (RFC 6901, RFC 3986); nothing of what stands in a document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from groundtune.agents.actions.offers import NotExpressible
from groundtune.errors import InputError
from groundtune.extras import not_installed
from groundtune.files import read_text

_MOST_CHARACTERS = 20_000_000
_DEEPEST = 200
_MOST_REFERENCES = 20  # one after the other


@dataclass(frozen=True, slots=True)
class SpecNode:
    """A value in a file of the document: references in it start at that file."""

    value: Any
    file: Path

    def __getitem__(self, key: str) -> SpecNode:
        return SpecNode(self.value[key], self.file)

    def get(self, key: str) -> SpecNode:
        """Return the value of a key; of None where there is none, or where this is no object."""
        return SpecNode(self.value.get(key) if isinstance(self.value, dict) else None, self.file)

    def items(self) -> Iterator[tuple[str, SpecNode]]:
        """Yield the members of an object; none of what is no object."""
        if isinstance(self.value, dict):
            yield from ((key, SpecNode(value, self.file)) for key, value in self.value.items())

    def entries(self) -> Iterator[SpecNode]:
        """Yield the entries of a list; none of what is no list."""
        if isinstance(self.value, list):
            yield from (SpecNode(value, self.file) for value in self.value)


@dataclass(slots=True)
class DocumentFiles:
    """The files below `folder`, each read once."""

    folder: Path
    _read: dict[Path, Any] = field(default_factory=dict)

    def open(self, file: Path) -> SpecNode:
        """Return what a file says. Raises `InputError` for one that is outside of the folder, or is neither."""
        file = file.resolve()
        if not file.is_relative_to(self.folder.resolve()):
            raise InputError(
                f"is outside of {self.folder}.", place=file, remedy="Name the folder that holds all of its files."
            )
        if file not in self._read:
            self._read[file] = parsed_text(read_text(file), file)
        return SpecNode(self._read[file], file)

    def resolved(self, node: SpecNode) -> SpecNode:
        """Return what a node refers to in the end, or the node. Raises `NotExpressible` for what leads nowhere."""
        for _ in range(_MOST_REFERENCES):
            reference = node.value.get("$ref") if isinstance(node.value, dict) else None
            if not isinstance(reference, str):
                return node
            node = self.target(reference, node.file)
        raise NotExpressible("a reference leads to itself")

    def target(self, reference: str, file: Path) -> SpecNode:
        """Return where a reference in a file leads. Raises `NotExpressible`."""
        try:
            parts = urlsplit(reference)
        except ValueError:
            raise NotExpressible(f"`{reference}` is no reference") from None
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            raise NotExpressible(f"it refers to {reference}: only files below the document's folder are read")
        try:
            node = self.open(file.parent / unquote(parts.path) if parts.path else file)
        except InputError as error:
            raise NotExpressible(f"it refers to {reference}, which cannot be read: {error.message}") from None
        pointer = unquote(parts.fragment)
        if pointer and not pointer.startswith("/"):
            raise NotExpressible(f"it refers to {reference}: names instead of paths are not followed")
        for step in pointer.split("/")[1:]:
            node = self._step(node, step.replace("~1", "/").replace("~0", "~"), reference)
        return node

    def _step(self, node: SpecNode, key: str, reference: str) -> SpecNode:
        value = node.value
        if isinstance(value, dict) and key in value:
            return node[key]
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            return SpecNode(value[int(key)], node.file)
        raise NotExpressible(f"it refers to {reference}, which is not there")


def parsed_text(text: str, file: Path) -> Any:  # noqa: ANN401 -- whatever the file says
    """Return what JSON or YAML says. Raises `InputError` with file, reason and remedy."""
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"has {len(text)} characters; at most {_MOST_CHARACTERS} are read.", place=file)
    try:
        import yaml
    except ImportError as error:
        raise not_installed("agents", "reading OpenAPI documents", error) from None
    try:
        with suppress(json.JSONDecodeError):
            return json.loads(text)  # which YAML reads, too, and many times slower
        _check_depth(text)
        return yaml.load(text, _loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"is neither JSON nor YAML: {reason}.", place=file, remedy="Correct that place.") from None


def _check_depth(text: str) -> None:
    """Raise `ValueError` for what is nested too deeply: libyaml would overflow the stack."""
    import yaml

    depth = 0
    for event in yaml.parse(text, _loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


@cache
def _loader() -> Any:  # noqa: ANN401 -- PyYAML is untyped here
    """Return a safe loader without the surprises of YAML 1.1: dates, "yes" and "no" are text, as are all keys."""
    import yaml

    class TextKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML's own
            first: [
                (tag, pattern)
                for tag, pattern in resolvers
                if not tag.endswith(":timestamp") and (not tag.endswith(":bool") or first in "tTfF")
            ]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    def mapping(loader: Any, node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        made: dict[str, Any] = {}
        yield made  # filled afterwards: what it holds may refer to it
        loader.flatten_mapping(node)
        for key, value in node.value:
            made[str(key.value)] = loader.construct_object(value)

    TextKeyLoader.add_constructor("tag:yaml.org,2002:map", mapping)
    return TextKeyLoader
