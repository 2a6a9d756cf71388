"""PostgreSQL with pgvector: `postgresql://USER@HOST/DATABASE`, also on Amazon RDS and Aurora.

One schema of the database is one knowledge base. Vector search is exact (cosine) up to `[store.postgresql] exact_up_to`
chunks, then over an HNSW index, which is scanned on until enough chunks pass the filter. Word search is PostgreSQL's
own, with the dictionary of the document's language; what is no plain word ("C++", "3.10") is found as it is written.
Both are filtered before they rank, and fused here by rank. A search reads one snapshot: it sees a document before or
after a change, never half of it. Knows no files, no models and no splitting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from groundtune.errors import StoreError
from groundtune.extras import not_installed
from groundtune.knowledge.fusion import reciprocal_rank_fusion
from groundtune.knowledge.stores import _postgresql as server
from groundtune.knowledge.stores._checks import (
    Places,
    check_filling,
    check_question,
    checked_vectors,
    chunk_of,
    entries_of,
    passage_of,
    revision_of,
)
from groundtune.knowledge.stores._postgresql import PostgresqlSettings
from groundtune.knowledge.stores._postgresql_words import best_by_words, words_of
from groundtune.protocols import Embedder, Entry, Held, Vectors
from groundtune.settings import StoreSettings, Table
from groundtune.values import Chunk, Passage, Place, Query

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection

NAME = "postgresql"
_LAYOUT = "1"
_NEEDS_HALF = 2000  # dimensions that an HNSW index of `vector` can have; one of `halfvec` can have twice as many
_HNSW = "hnsw ({}) WITH (ef_construction = 200)"  # the default of 64 finds fewer among vectors that are alike
_MOST_INLINE = 1000  # dimensions of a vector that is kept in its row: exact search then takes a third of the time
_MOST_SCANNED = 1_000_000  # tuples that a scan of the index may look at for those that pass the filter
_PLACE = "document, start, end_, page, seconds, confidence, segments"
_TABLES = """
CREATE TABLE about (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE document (id text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL);
CREATE TABLE chunk (
    id text COLLATE "C" PRIMARY KEY,
    document text COLLATE "C" NOT NULL REFERENCES document ON DELETE CASCADE,
    start bigint NOT NULL, end_ bigint NOT NULL, page bigint, seconds double precision, segments jsonb NOT NULL,
    text text NOT NULL, heading text NOT NULL, readable_by text[] NOT NULL, metadata jsonb NOT NULL,
    language regconfig NOT NULL, words tsvector NOT NULL, vector vector({dimension}) NOT NULL,
    confidence double precision
);
CREATE INDEX chunk_document ON chunk (document);
CREATE INDEX chunk_language ON chunk (language);
CREATE INDEX chunk_words ON chunk USING gin (words);
CREATE INDEX chunk_readable_by ON chunk USING gin (readable_by);
CREATE INDEX chunk_metadata ON chunk USING gin (metadata jsonb_path_ops);
"""
_ADD = """
INSERT INTO chunk VALUES (
    %(id)s, %(document)s, %(start)s, %(end)s, %(page)s, %(seconds)s, %(segments)s, %(text)s, %(heading)s,
    %(readable_by)s, %(metadata)s, %(language)s::regconfig,
    to_tsvector(%(language)s::regconfig, %(plain)s) || array_to_tsvector(%(other)s::text[]), %(vector)s::vector,
    %(confidence)s
)
"""


class PgvectorStore:
    """Chunks in the tables of one schema."""

    def __init__(self, url: str, signature: str, dimension: int, settings: PostgresqlSettings) -> None:
        self._signature, self._dimension = signature, dimension
        self._settings = settings
        self._database = server.Database(url, settings)
        self._place = self._database.place
        self._revision: tuple[str, str] | None = None
        self._prepare()

    def replace(self, entries: Sequence[Entry]) -> None:
        """Replace what the store holds of each entry's document by the entry's chunks, all in one transaction."""
        latest = {entry.document: entry for entry in entries}
        rows = [row for entry in latest.values() for row in self._rows(entry)]
        marks = [(entry.document, entry.fingerprint) for entry in latest.values() if entry.chunks]
        if not latest:
            return
        with self._writing() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM document WHERE id = ANY(%s)", [list(latest)])
            cursor.executemany("INSERT INTO document VALUES (%s, %s)", marks)
            cursor.executemany(_ADD, list({row["id"]: row for row in rows}.values()))

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored."""
        if document_ids:
            with self._writing() as connection:
                connection.execute("DELETE FROM document WHERE id = ANY(%s)", [list(document_ids)])

    def search(self, query: Query) -> list[Passage]:
        """Return at most `query.limit` passages that the query's principals may read, best first."""
        check_question(query.vector, self._dimension, self._place)
        principals = [name for name in query.principals if "\0" not in name]
        if not principals or query.limit < 1 or any("\0" in part for pair in query.where.items() for part in pair):
            return []
        from psycopg.types.json import Jsonb

        vector = np.asarray(query.vector, dtype=np.float32)
        known = {
            "vector": _vector(vector),
            "principals": principals,
            "where": Jsonb(dict(query.where)),
            "without": [Jsonb({key: value}) for key, value in query.without.items() if "\0" not in key + value],
            "depth": max(query.candidates, query.limit),
        }
        with self._reading() as connection:
            rankings = [
                # a zero vector has no direction
                self._by_vector(connection, known) if "vectors" in query.legs and vector.any() else [],
                self._by_words(connection, known, query.text) if "words" in query.legs else [],
            ]
        rows = {row["id"]: row for ranking in rankings for row in ranking}
        fused = reciprocal_rank_fusion([[row["id"] for row in ranking] for ranking in rankings])
        return [_passage(rows[id_], rank, score) for rank, (id_, score) in enumerate(fused[: query.limit], start=1)]

    def is_empty(self) -> bool:
        """Return whether the store holds no document."""
        with self._reading() as connection:
            return not _value(connection, "SELECT EXISTS (SELECT FROM document)")

    def document(self, document_id: str) -> Held | None:
        """Return what is held of this document, whoever may read it; None if nothing is."""
        with self._reading() as connection:
            mark = _value(connection, "SELECT fingerprint FROM document WHERE id = %s", [document_id])
            rows = connection.execute(
                f"SELECT {_PLACE}, text, heading, readable_by, metadata FROM chunk WHERE document = %s ORDER BY start",
                [document_id],
            ).fetchall()
        return None if mark is None else Held(mark, tuple(map(_chunk, rows)))

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        with self._reading() as connection:
            return _documents(connection)

    def entries(self, document_ids: Sequence[str]) -> list[Entry]:
        """Return what is held of these documents, with vectors; unknown ids are ignored."""
        with self._reading() as connection:
            rows = connection.execute(_HELD, [list(document_ids)]).fetchall()
        return entries_of((row["fingerprint"], _chunk(row), json.loads(row["vector"])) for row in rows)

    def revision(self) -> str:
        """Return a hash of the documents held and of the embedder: independent of history and maintenance.

        It is computed once for each change, and kept in the database for other processes.
        """
        with self._reading() as connection:
            about = _about(connection)
            number, _, kept = about["revision"].partition(" ")
            if self._revision is not None and self._revision[0] == about["changes"]:
                return self._revision[1]
            if number != about["changes"]:
                kept = revision_of(about["embedder"], _documents(connection))
        self._revision = about["changes"], kept
        if number != about["changes"]:
            self._keep(f"{about['changes']} {kept}")
        return kept

    def optimize(self, *, erase: bool = False) -> None:
        """Free the space of what was removed, tell the planner what changed, and index vectors once there are many.

        With `erase` the tables are written anew; searches wait meanwhile.
        """
        with self._database.connection(autocommit=True) as connection:
            number = int(_value(connection, "SELECT count(*) FROM chunk"))
            indexed = bool(_value(connection, "SELECT to_regclass('chunk_vector') IS NOT NULL"))
            if number > self._settings.exact_up_to and not indexed and self._indexed is not None:
                connection.execute(
                    f"CREATE INDEX IF NOT EXISTS chunk_vector ON chunk USING {_HNSW.format(self._indexed)}"
                )
            for table in ("chunk", "document"):
                connection.execute(f"VACUUM ({'FULL, ' if erase else ''}ANALYZE) {table}")

    def drop(self) -> None:
        """Drop the tables, and their schema where nothing else is in it."""
        with self._database.connection() as connection:
            connection.execute("DROP TABLE IF EXISTS chunk, document, about")
            server.drop_empty_schema(connection, self._settings.schema_name)

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _half(self) -> bool:
        return self._dimension > _NEEDS_HALF

    @property
    def _indexed(self) -> str | None:
        """What an index is made on; None where there are too many dimensions for any."""
        if self._dimension > 2 * _NEEDS_HALF:
            return None
        return f"(vector::halfvec({self._dimension})) halfvec_cosine_ops" if self._half else "vector vector_cosine_ops"

    def _prepare(self) -> None:
        """Make the tables, unless they are there. Raises `StoreError` where they were filled by another embedder."""
        wanted = {"layout": _LAYOUT, "embedder": self._signature, "dimension": str(self._dimension)}
        with self._database.connection() as connection:
            if not self._is_made(connection):
                server.lock(connection)  # two processes that open it for the first time
                server.check_extension(connection, self._place)
                if not self._is_made(connection):
                    server.make_schema(connection, self._settings.schema_name)
                    connection.execute(_TABLES.replace("{dimension}", str(self._dimension)))
                    if self._dimension <= _MOST_INLINE:
                        connection.execute("ALTER TABLE chunk ALTER vector SET STORAGE PLAIN")
                    with connection.cursor() as cursor:
                        first = {**wanted, "changes": "0", "revision": ""}
                        cursor.executemany("INSERT INTO about VALUES (%s, %s)", list(first.items()))
            server.add_column(connection, "chunk", "confidence", "double precision")
            held = _about(connection)
        check_filling(held, wanted, self._place, f"Drop the schema `{self._settings.schema_name}`")

    def _is_made(self, connection: Connection[Any]) -> bool:
        made = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = %s AND tablename = 'about')"
        return bool(_value(connection, made, [self._settings.schema_name]))

    @contextmanager
    def _writing(self) -> Iterator[Connection[Any]]:
        """Give a connection in a transaction that waits for other writers and counts as a change."""
        with self._database.connection() as connection:
            connection.execute("UPDATE about SET value = (value::bigint + 1)::text WHERE key = 'changes'")
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        """Give a connection whose statements all see one state of the store."""
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    def _keep(self, revision: str) -> None:
        """Keep the revision for other processes; who may only read does without."""
        try:
            with self._database.connection() as connection:
                connection.execute("UPDATE about SET value = %s WHERE key = 'revision'", [revision])
        except StoreError:
            return

    def _rows(self, entry: Entry) -> list[dict[str, Any]]:
        from psycopg.types.json import Jsonb

        vectors = checked_vectors(entry, self._dimension, self._place)
        rows = []
        for chunk, vector in zip(entry.chunks, vectors, strict=True):
            plain, other = words_of(f"{chunk.heading}\n{chunk.text}")
            place = chunk.place.kept()
            rows.append(
                {
                    "id": chunk.id,
                    "document": entry.document,
                    **place,
                    "segments": Jsonb([segment.kept() for segment in chunk.segments]),
                    "text": chunk.text,
                    "heading": chunk.heading,
                    "readable_by": list(chunk.readable_by),
                    "metadata": Jsonb(dict(chunk.metadata)),
                    "language": server.language(chunk.metadata.get("language", ""), self._settings.language),
                    "plain": " ".join(plain),
                    "other": sorted(set(other)),
                    "vector": _vector(vector),
                }
            )
        return rows

    def _by_vector(self, connection: Connection[Any], known: Mapping[str, object]) -> list[dict[str, Any]]:
        type_ = f"halfvec({self._dimension})" if self._half else "vector"
        statement = f"{_SELECT} ORDER BY vector::{type_} <=> %(vector)s::{type_}, id LIMIT %(depth)s"
        indexed = bool(_value(connection, "SELECT to_regclass('chunk_vector') IS NOT NULL"))
        if indexed:
            connection.execute(
                "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', %s, true)"
                ", set_config('hnsw.max_scan_tuples', %s, true)",
                [str(min(1000, max(self._settings.ef_search, cast("int", known["depth"])))), str(_MOST_SCANNED)],
            )
        rows = connection.execute(statement, known).fetchall()
        if indexed and len(rows) < cast("int", known["depth"]):  # fewer pass the filter, or the scan ended before them
            connection.execute("SELECT set_config('enable_indexscan', 'off', true)")
            rows = connection.execute(statement, known).fetchall()
        return sorted(rows, key=lambda row: (-row["similarity"], row["id"]))

    def _by_words(self, connection: Connection[Any], known: Mapping[str, object], text: str) -> list[dict[str, Any]]:
        ranks = best_by_words(connection, text, _ALLOWED, known)
        rows = connection.execute(f"{_SELECT} AND id = ANY(%(ids)s)", {**known, "ids": list(ranks)}).fetchall()
        return sorted(rows, key=lambda row: (-ranks[row["id"]], row["id"]))


_ALLOWED = (
    "readable_by && %(principals)s::text[] AND metadata @> %(where)s AND NOT metadata @> ANY(%(without)s::jsonb[])"
)
_SELECT = f"""
SELECT id, {_PLACE}, text, heading, 1 - (vector <=> %(vector)s::vector) AS similarity,
    (SELECT fingerprint FROM document WHERE id = chunk.document) AS fingerprint
FROM chunk WHERE {_ALLOWED}
"""
_HELD = f"""
SELECT {_PLACE}, text, heading, readable_by, metadata, fingerprint, vector::text AS vector
FROM chunk JOIN document ON document.id = document WHERE document = ANY(%s)
"""


def _vector(values: Vectors) -> str:
    """Return a vector as pgvector reads it."""
    return json.dumps(values.tolist())


def _value(connection: Connection[Any], statement: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401
    """Return the first value of the first row, None where there is no row."""
    row = connection.execute(cast("Any", statement), parameters).fetchone()
    return None if row is None else next(iter(row.values()))


def _about(connection: Connection[Any]) -> dict[str, str]:
    return {row["key"]: row["value"] for row in connection.execute("SELECT key, value FROM about").fetchall()}


def _documents(connection: Connection[Any]) -> dict[str, str]:
    rows = connection.execute("SELECT id, fingerprint FROM document").fetchall()
    return {row["id"]: row["fingerprint"] for row in rows}


def _passage(row: Mapping[str, Any], rank: int, score: float) -> Passage:
    return passage_of(row, _places(row), rank, score, row["similarity"])


def _chunk(row: Mapping[str, Any]) -> Chunk:
    return chunk_of(row, _places(row), row["metadata"])


def _places(row: Mapping[str, Any]) -> Places:
    place = Place(row["start"], row["end_"], row["page"], row["seconds"], row["confidence"])
    return place, tuple(Place(**segment) for segment in row["segments"])


def groundtune_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings) -> PgvectorStore | None:
    """Hook of `stores`. Raises `NotInstalled` without the extra `postgresql`."""
    if url.partition("://")[0] not in ("postgresql", "postgres"):
        return None
    try:
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise not_installed("postgresql", "a knowledge store in PostgreSQL", error) from None
    url, _, beside = url.partition("#")
    own = settings.part(NAME, PostgresqlSettings)
    if beside:
        own = own.model_copy(update={"schema_name": f"{own.schema_name}_{beside}"})
    return PgvectorStore(url, embedder.signature, embedder.dimension, own)


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"store.postgresql": PostgresqlSettings}
