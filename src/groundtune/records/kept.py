"""Values that took long to get, kept by kind and key: a fitted threshold, measured times, what judges said.

Knows the table and how a value becomes JSON and a value again. Which kinds there are is known where they are kept:
each is a `KeptKind` beside the code that makes its values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from groundtune.errors import StoreError
from groundtune.records import tables
from groundtune.records.connection import inserting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeptKind(Generic[T]):
    """A kind of kept value: its name in the table, and the type that goes in and comes back.

    >>> KeptKind("latency", TypeAdapter(list[float])).name
    'latency'
    """

    name: str
    type: TypeAdapter[T]

    def write(self, value: T) -> str:
        """Return the value as JSON."""
        return self.type.dump_json(value).decode()

    def read(self, text: str, key: str, place: str) -> T:
        """Return the value that JSON text stands for. Raises `StoreError` if it stands for none."""
        try:
            return self.type.validate_json(text)
        except ValidationError as error:
            raise StoreError(
                f"the saved {self.name} value with the key {key} cannot be read: {error.errors()[0]['msg']}.",
                place=place,
                remedy="Delete that row from the table `kept`, and the value is computed again.",
            ) from error


def texts(connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the JSON texts of those of `keys` that are kept, by key."""
    table = tables.kept
    rows = connection.execute(select(table.c.key, table.c.value).where(table.c.kind == kind, table.c.key.in_(keys)))
    return {key: value for key, value in rows.all()}  # noqa: C416 (a row is no pair to a type checker)


def put(connection: Connection, rows: Sequence[Mapping[str, str]], *, instead: bool) -> None:
    """Write rows of the table; a row that is there already is replaced if `instead`, and stays otherwise.

    "Insert or update" is one step on both databases, so that two processes may do it at once.
    """
    if not rows:
        return
    statement = inserting(connection, tables.kept)
    same = ("kind", "key")
    if instead:
        new = {"value": statement.excluded.value, "saved_at": statement.excluded.saved_at}
        connection.execute(statement.on_conflict_do_update(index_elements=same, set_=new), rows)
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=same), rows)
