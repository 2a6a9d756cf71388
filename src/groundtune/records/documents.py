"""The documents of the knowledge base as they were read: the live revision of each, and a few earlier ones.

A citation opens the text that it was taken from, even when the document says something else now. What was forgotten
leaves its name and fingerprint behind, so that a citation can say that its source was withdrawn. Knows no store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, bindparam, delete, exists, select, update

from groundtune.records.connection import inserting, refusals
from groundtune.records.revisions import rewrite
from groundtune.records.tables import answers, live
from groundtune.records.tables import revisions as table
from groundtune.values import Revision

_KEPT = table.c.revision.is_not(None)
_ONE = (table.c.document == bindparam("one_document")) & (table.c.fingerprint == bindparam("one_fingerprint"))


class KeptRevisions:
    """The `Revisions` in the records, of one `store`. Of each document, `earlier` revisions are kept beside those that
    are live in any store.

    Every method raises `StoreError` if the database refuses.
    """

    def __init__(self, engine: Engine, place: str, clock: Callable[[], datetime], store: str, earlier: int) -> None:
        self._engine, self._place, self._clock = engine, place, clock
        self._store, self._earlier = store, earlier

    def keep(self, revisions: Sequence[Revision]) -> None:
        """Keep these, all or none. One that is kept, or was forgotten, counts as read now."""
        kept_at = self._clock().isoformat()
        rows = [
            {
                "document": revision.document.id,
                "fingerprint": revision.fingerprint,
                "revision": _json().dump_json(revision).decode(),
                "kept_at": kept_at,
            }
            for revision in revisions
        ]
        if not rows:
            return
        with refusals(self._place), self._engine.begin() as connection:
            statement = inserting(connection, table)
            new = {"revision": statement.excluded.revision, "kept_at": statement.excluded.kept_at}
            connection.execute(
                statement.on_conflict_do_update(index_elements=["document", "fingerprint"], set_=new), rows
            )

    def settle(self, held: Mapping[str, str]) -> None:
        """Note which revisions are live, and let go of those that are more than `earlier` revisions old."""
        with refusals(self._place), self._engine.begin() as connection:
            before = self._live(connection)
            gone = [{"one_document": document} for document in before.keys() - held.keys()]
            new = [
                {"store": self._store, "document": document, "fingerprint": mark}
                for document, mark in sorted(held.items())
                if before.get(document) != mark
            ]
            if gone:
                own = (live.c.store == self._store) & (live.c.document == bindparam("one_document"))
                connection.execute(delete(live).where(own), gone)
            if new:
                statement = inserting(connection, live)
                change = {"fingerprint": statement.excluded.fingerprint}
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["store", "document"], set_=change), new
                )
            _drop(connection, self._outdated(connection))

    def live(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision, by document id."""
        with refusals(self._place), self._engine.connect() as connection:
            return self._live(connection)

    def revision(self, document: str, fingerprint: str) -> Revision | None:
        """Return a document as it was read under this fingerprint; None if that is not kept."""
        wanted = select(table.c.revision).where(table.c.document == document, table.c.fingerprint == fingerprint)
        with refusals(self._place), self._engine.connect() as connection:
            text = connection.scalar(wanted)
        return None if text is None else _json().validate_json(text)

    def fingerprints(self, document: str) -> list[str]:
        """Return the fingerprints of a document's kept revisions, newest first."""
        wanted = select(table.c.fingerprint).where(table.c.document == document, _KEPT)
        with refusals(self._place), self._engine.connect() as connection:
            return list(connection.scalars(wanted.order_by(table.c.kept_at.desc())))

    def lacking(self, held: Mapping[str, str]) -> set[str]:
        """Return those of the documents (id to fingerprint) whose text is not kept."""
        with refusals(self._place), self._engine.connect() as connection:
            columns = select(table.c.document, table.c.fingerprint)
            kept = {(row.document, row.fingerprint) for row in connection.execute(columns.where(_KEPT))}
        return {document for document, fingerprint in held.items() if (document, fingerprint) not in kept}

    def withdrawn(self, document: str, fingerprint: str) -> bool:
        """Tell whether this revision was forgotten."""
        wanted = select(table.c.kept_at).where(
            table.c.document == document, table.c.fingerprint == fingerprint, table.c.revision.is_(None)
        )
        with refusals(self._place), self._engine.connect() as connection:
            return connection.scalar(wanted) is not None

    def forget(self, held: Mapping[str, str]) -> int:
        """Erase the texts of all revisions of these documents (id to fingerprint); that they existed is remembered.

        Passages and quotes of them in saved answers are erased, too. Return how many answers had any.
        """
        kept_at = self._clock().isoformat()
        rows = [{"document": document, "fingerprint": mark, "kept_at": kept_at} for document, mark in held.items()]
        if not rows:
            return 0
        with refusals(self._place), self._engine.begin() as connection:
            connection.execute(inserting(connection, table).on_conflict_do_nothing(), rows)
            named = [{"one_document": document} for document in held]
            connection.execute(
                update(table).where(table.c.document == bindparam("one_document")).values(revision=None), named
            )
            connection.execute(delete(live).where(live.c.document == bindparam("one_document")), named)
            answers = _blank_answers(connection, held.keys())
        with refusals(self._place):
            rewrite(self._engine)
        return answers

    def _live(self, connection: Connection) -> dict[str, str]:
        own = select(live.c.document, live.c.fingerprint).where(live.c.store == self._store)
        return {row.document: row.fingerprint for row in connection.execute(own)}

    def _outdated(self, connection: Connection) -> Iterator[tuple[str, str]]:
        """Yield (document, fingerprint) of what is too old to be kept."""
        columns = select(table.c.document, table.c.fingerprint)
        held = select(live.c.document).where(
            live.c.document == table.c.document, live.c.fingerprint == table.c.fingerprint
        )
        old = columns.where(~exists(held), _KEPT)
        rows = connection.execute(old.order_by(table.c.document, table.c.kept_at.desc(), table.c.fingerprint)).all()
        for _, of_document in groupby(rows, key=itemgetter(0)):
            yield from (tuple(row) for row in list(of_document)[self._earlier :])


@cache
def _json() -> TypeAdapter[Revision]:
    return TypeAdapter(Revision)


def _blank_answers(connection: Connection, documents: Set[str]) -> int:
    """Erase what saved answers hold of documents, and return how many did. Their own words stay."""
    changed = 0
    columns = select(answers.c.run, answers.c.case_id, answers.c.answer).where(answers.c.answer.is_not(None))
    for row in connection.execute(columns).all():
        answer = json.loads(row.answer)
        quoted = [each for part in ("passages", "citations") for each in answer.get(part, ())]
        withdrawn = [each for each in quoted if each.get("document") in documents]
        for each in withdrawn:
            each.update({key: "" for key in ("text", "quote", "heading") if key in each})
        if withdrawn:
            same = (answers.c.run == row.run) & (answers.c.case_id == row.case_id)
            connection.execute(update(answers).where(same).values(answer=json.dumps(answer, ensure_ascii=False)))
            changed += 1
    return changed


def _drop(connection: Connection, pairs: Iterable[tuple[str, str]]) -> None:
    rows = [{"one_document": document, "one_fingerprint": fingerprint} for document, fingerprint in sorted(pairs)]
    if rows:
        connection.execute(delete(table).where(_ONE), rows)
