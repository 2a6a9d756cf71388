"""What an OpenAPI document offers: its operations as values, and what of it is none, with the reason.

Knows no server and no token.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from groundtune.agents.actions.offers import NotExpressible, NotOffered
from groundtune.agents.actions.openapi.files import DocumentFiles, SpecNode
from groundtune.agents.actions.openapi.reading import OperationReader
from groundtune.agents.actions.openapi.shapes import LONGEST_NAME, NOT_A_NAME, Operation
from groundtune.agents.actions.openapi.swagger import upgraded_item, upgraded_root
from groundtune.calls import NotASchema
from groundtune.errors import InputError

_METHODS = ("get", "head", "post", "put", "patch", "delete", "query")
_USELESS = ("options", "trace")
_Found = tuple[str, str, SpecNode, SpecNode]  # method, path, operation, path item


@dataclass(frozen=True, slots=True)
class Described:
    """A document: its operations, and what of it is none."""

    operations: tuple[Operation, ...]
    refused: tuple[NotOffered, ...]


def described(file: Path, folder: Path | None = None, ours: Collection[str] = ()) -> Described:
    """Read an OpenAPI document; references lead to files below `folder`, that of the document if it is None. `ours` are
    headers that groundtune fills in: no model is told of them.

    Raises `InputError` for a document that is none, with the reason.
    """
    files = DocumentFiles(folder or file.parent)
    root = files.open(file)
    version = _version(root)
    root = upgraded_root(root) if version == "2.0" else root
    operations: dict[str, Operation] = {}
    refused: list[NotOffered] = []
    for method, path, operation, item in _each(files, root, refused, swagger=version == "2.0"):
        name = _name(operation, method, path)
        reader = OperationReader(files, root, name, ours, old=version in ("2.0", "3.0"))
        try:
            if name in operations:
                raise NotExpressible("another operation has this name")
            operations[name] = reader.read(method, path, operation, item)
            refused += reader.dropped
        except (NotExpressible, NotASchema) as error:
            refused.append(NotOffered(name, str(error)))
    refused += [NotOffered(name, "it is a webhook: the server calls it") for name, _ in root.get("webhooks").items()]
    if not operations and not refused:
        raise InputError("describes no operations.", place=file, remedy="Name the document that has `paths`.")
    return Described(tuple(operations.values()), tuple(refused))


def _version(root: SpecNode) -> str:
    if not isinstance(root.value, dict):
        raise InputError("is no OpenAPI document: it is no object.", place=root.file)
    version = str(root.value.get("openapi", root.value.get("swagger", "")))
    for known in ("2.0", "3.0", "3.1", "3.2"):
        if version == known or version.startswith(f"{known}."):
            return known
    raise InputError(
        f"is no OpenAPI document that is known: its `openapi` is {version!r}.",
        place=root.file,
        remedy="2.0, 3.0, 3.1 and 3.2 are read.",
    )


def _each(files: DocumentFiles, root: SpecNode, refused: list[NotOffered], *, swagger: bool) -> Iterator[_Found]:
    for path, given in root.get("paths").items():
        if path.startswith("x-"):
            continue
        try:
            item = files.resolved(given)
            item = upgraded_item(files, root, item) if swagger else item
        except NotExpressible as error:
            refused.append(NotOffered(path, str(error)))
            continue
        for method, operation in item.items():
            if method in _METHODS:
                yield method, path, operation, item
            elif method in _USELESS:
                refused.append(NotOffered(f"{method} {path}", f"{method.upper()} does nothing for anybody"))
        for method, operation in item.get("additionalOperations").items():
            yield method, path, operation, item


def _name(operation: SpecNode, method: str, path: str) -> str:
    given = operation.get("operationId").value
    words = given if isinstance(given, str) and given else f"{method} {path.lstrip('/')}"
    return NOT_A_NAME.sub("_", words).strip("_")[:LONGEST_NAME] or method
