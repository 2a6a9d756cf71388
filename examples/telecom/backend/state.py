"""States of the database as JSON: putting rows into it, and saying what differs from what a simulation began with.

    {"lines": {"0650100101": {"plan": "river"}}}

A table, a row by its key, and the columns that are to be set; a row that is not there yet is made.
"""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Column, Date, delete, select
from sqlalchemy.orm import Session

from backend.tables import Base, Euros, Kept, Moment

Rows = dict[str, dict[str, dict[str, object]]]
SEED = Path(__file__).with_name("seed.json")
_START = "start"
_TABLES = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
_ORDER = [table.name for table in Base.metadata.sorted_tables if table.name not in ("effects", "kept")]

_READ = {Euros: Decimal, Moment: datetime.datetime.fromisoformat, Date: datetime.date.fromisoformat}


def read_seed() -> Rows:
    """Return the state that the example begins with, its contracts too."""
    return json.loads(SEED.read_text(encoding="utf-8"))


def put(session: Session, rows: Rows) -> None:
    """Set columns of rows, and make rows that are not there. Raises `ValueError` for what no table knows."""
    if unknown := set(rows) - set(_ORDER):
        raise ValueError(f"There is no table {', '.join(sorted(unknown))}. Tables: {', '.join(_ORDER)}.")
    for name in _ORDER:  # those that others point to come first
        table = _TABLES[name]
        columns = {column.name: column for column in table.__table__.columns}
        key = _key(table)
        there = set(session.scalars(select(table.__table__.primary_key.columns[0])))
        for row, values in rows.get(name, {}).items():
            if strange := set(values) - set(columns):
                raise ValueError(f"{name} has no column {', '.join(sorted(strange))}.")
            made = table(**{key: row}, **{each: _value(columns[each], values[each]) for each in values})
            session.merge(made) if row in there else session.add(made)
        session.flush()


def empty(session: Session) -> None:
    """Remove everything, known keys too."""
    for table in reversed(Base.metadata.sorted_tables):
        session.execute(delete(table))
    session.expunge_all()


def dump(session: Session) -> Rows:
    """Return all rows but what is known of keys. When something was done is left out: it is no effect."""
    rows: Rows = {}
    for name in _ORDER:
        table = _TABLES[name]
        columns = [column.name for column in table.__table__.columns if column.name not in ("at", _key(table))]
        rows[name] = {
            getattr(row, _key(table)): {column: _text(getattr(row, column)) for column in columns}
            for row in session.scalars(select(table))
        }
    return rows


def begin(session: Session, rows: Rows) -> None:
    """Begin anew: the seed, with `rows` put upon it."""
    empty(session)
    put(session, {name: table for name, table in read_seed().items() if name != "contracts"})
    put(session, rows)
    session.add(Kept(name=_START, text=json.dumps(dump(session))))


def changes(session: Session) -> dict[str, dict[str, object]]:
    """Return what differs from the beginning, table by table: `changed` columns of rows, and rows that were `added`.

    Added rows come without their numbers and in an order of their own: it is the same, whatever was done first.
    """
    start, differing = json.loads(session.get_one(Kept, _START).text), {}
    for name, rows in dump(session).items():
        before = start[name]
        changed = {
            key: {column: value for column, value in row.items() if value != before[key][column]}
            for key, row in rows.items()
            if key in before and row != before[key]
        }
        added = sorted((row for key, row in rows.items() if key not in before), key=json.dumps)
        if found := ({"changed": changed} if changed else {}) | ({"added": added} if added else {}):
            differing[name] = found
    return differing


def _key(table: type[Base]) -> str:
    return table.__table__.primary_key.columns[0].name


def _value(column: Column, value: object) -> object:
    return _READ.get(type(column.type), str)(value) if isinstance(value, str) else value


def _text(value: object) -> object:
    return str(value) if isinstance(value, Decimal | datetime.date) else value
