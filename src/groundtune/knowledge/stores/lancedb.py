"""LanceDB inside the process: `lancedb:PATH`, a folder on this machine.

Vector search is exact (cosine, no index): up to about 100,000 chunks an approximate index is little faster and
misses neighbours. Word search is LanceDB's BM25 over comparable words (`comparing.searchable`). Both are filtered
before they rank, read one version of the table, and are fused here by rank. Tables of earlier versions get the columns
that they lack, and their rows the words of this version, when they are opened; nothing is embedded again. Knows no
files, no models and no splitting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
from tenacity import Retrying, retry_if_exception_message, stop_after_attempt, wait_random_exponential

from groundtune.comparing import VERSION, searchable
from groundtune.errors import StoreError
from groundtune.extras import not_installed
from groundtune.files import within, write_text
from groundtune.knowledge.fusion import reciprocal_rank_fusion
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
from groundtune.protocols import Embedder, Entry, Held, Vectors
from groundtune.settings import StoreSettings
from groundtune.values import Chunk, Passage, Place, Query

if TYPE_CHECKING:
    import pyarrow as pa

_TABLE = "chunks"
_LAYOUT = "1"
_PLACE = ["document", "start", "end", "page", "seconds", "segments"]
_COLUMNS = ["id", *_PLACE, "text", "heading", "fingerprint", "vector"]
_WORDS = f"words_{VERSION}"  # what the word index is made of; another version is another column
_KEPT = "revision.json"  # beside the table: the revision of one version of it
# Files of versions older than this may go: a search that another process began before then is long over.
_KEEP_VERSIONS = timedelta(minutes=10)
_PATIENTLY = Retrying(
    retry=retry_if_exception_message(match="(?is).*conflict"),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.2, max=6.4),
    reraise=True,
)
_WHILE_IT_IS_THERE = Retrying(  # the version that is read may be erased meanwhile
    retry=retry_if_exception_message(match="(?is).*not found"), stop=stop_after_attempt(6), reraise=True
)


class LanceDBStore:
    """Chunks in one LanceDB table. `legs` of "vectors" and "words" says what is searched (for measurements)."""

    def __init__(self, path: Path, signature: str, dimension: int, legs: Sequence[str] = ("vectors", "words")) -> None:
        self._path = path
        self._dimension = dimension
        self._legs = tuple(legs)
        self._table = _open(path, _schema(signature, dimension))
        self._documents: tuple[int, dict[str, str]] | None = None
        self._revision: tuple[int, str] | None = None
        self._fixed: tuple[int, Any] | None = None

    def replace(self, entries: Sequence[Entry]) -> None:
        """Replace what the store holds of each entry's document by the entry's chunks, all in one commit."""
        latest = {entry.document: entry for entry in entries}
        rows = [row for entry in latest.values() for row in self._rows(entry)]
        if not rows:
            self.remove(list(latest))
            return
        import pyarrow as pa

        unique = {row["id"]: row for row in rows}
        data = pa.Table.from_pylist(list(unique.values()), schema=self._table.schema)
        with self._refusals():
            (
                self._table.merge_insert("id")
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .when_not_matched_by_source_delete(_one_of("document", latest))
                .execute(data)
            )

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored and make no new version of the table."""
        with self._refusals():
            if document_ids and self._table.count_rows(_one_of("document", document_ids)):
                self._table.delete(_one_of("document", document_ids))

    def search(self, query: Query) -> list[Passage]:
        """Return at most `query.limit` passages that the query's principals may read, best first."""
        check_question(query.vector, self._dimension, self._path)
        if not query.principals or query.limit < 1:
            return []
        condition = _condition(query)
        depth = max(query.candidates, query.limit)
        vector = np.asarray(query.vector, dtype=np.float32)

        def ask() -> list[list[dict[str, Any]]]:
            table = self._snapshot()  # both searches see one version
            return [
                self._by_vector(table, vector, condition, depth),
                self._by_words(table, query.text, condition, depth),
            ]

        rankings = _WHILE_IT_IS_THERE(ask)
        rows = {row["id"]: row for ranking in rankings for row in ranking}
        fused = reciprocal_rank_fusion([[row["id"] for row in ranking] for ranking in rankings])
        return [
            _passage(rows[id_], rank, score, vector) for rank, (id_, score) in enumerate(fused[: query.limit], start=1)
        ]

    def is_empty(self) -> bool:
        """Return whether the store holds no document."""
        return not self._table.count_rows()

    def document(self, document_id: str) -> Held | None:
        """Return what is held of this document, whoever may read it; None if nothing is."""
        columns = [*_PLACE, "text", "heading", "readable_by", "metadata", "fingerprint"]
        rows = self._table.search().where(_one_of("document", [document_id])).select(columns).to_list()
        if not rows:
            return None
        return Held(rows[0]["fingerprint"], tuple(sorted(map(_chunk, rows), key=lambda chunk: chunk.start)))

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        return self._listed(self._table.version).copy()

    def entries(self, document_ids: Sequence[str]) -> list[Entry]:
        """Return what is held of these documents, with vectors; unknown ids are ignored."""
        if not document_ids:
            return []
        columns = [*_PLACE, "text", "heading", "readable_by", "metadata", "fingerprint", "vector"]
        rows = self._table.search().where(_one_of("document", document_ids)).limit(None).select(columns).to_list()
        return entries_of((row["fingerprint"], _chunk(row), row["vector"]) for row in rows)

    def revision(self) -> str:
        """Return a hash of the documents held and of the embedder: independent of history and maintenance.

        It is computed once for each version of the table, and kept beside it for other processes.
        """
        version = self._table.version
        if self._revision is None or self._revision[0] != version:
            self._revision = version, self._kept_revision(version)
        return self._revision[1]

    def optimize(self, *, erase: bool = False) -> None:
        """Merge small files, bring the word index up to date and drop versions that nobody reads any more.

        With `erase` every file is written anew, and older versions go at once. Another process that writes at the same
        time makes this fail; it is tried again with growing pauses.
        """
        with self._refusals(), catch_warnings():
            simplefilter("ignore")  # LanceDB warns of readers of older versions: `search` asks again
            if erase:
                _PATIENTLY(self._table.update, values_sql={"heading": "heading"})
                _PATIENTLY(_index_words, self._table, anew=True)
            _PATIENTLY(self._table.optimize, cleanup_older_than=timedelta(0) if erase else _KEEP_VERSIONS)

    def _snapshot(self) -> Any:  # noqa: ANN401
        """Return the table as it is now, which stays so: kept for as long as the table does not change."""
        version, held = self._table.version, self._fixed
        if held is not None and held[0] == version:
            return held[1]
        table = _database(self._path).open_table(_TABLE)
        table.checkout(version)
        self._fixed = version, table
        return table

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what LanceDB raises into `StoreError` with place and remedy; what was held before is held still."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            full = any(words in str(error) for words in ("No space left", "os error 28", "disk full", "Disk quota"))
            remedy = "Free some disk space, then run" if full else "Check the disk and its permissions, then run"
            raise StoreError(
                f"LanceDB cannot write to the store: {' '.join(str(error).split())}.",
                place=self._path,
                remedy=f"{remedy} `groundtune ingest` again.",
            ) from error

    def _listed(self, version: int) -> dict[str, str]:
        if self._documents is None or self._documents[0] != version:
            columns = self._table.search().select(["document", "fingerprint"]).to_arrow()
            pairs = zip(columns["document"].to_pylist(), columns["fingerprint"].to_pylist(), strict=True)
            self._documents = version, dict(pairs)
        return self._documents[1]

    def _kept_revision(self, version: int) -> str:
        """Return the revision of this version of the table; if it is not kept, compute and keep it.

        A version is known by number and time: a table that replaces another one starts counting again.
        """
        written = next((each["timestamp"] for each in self._table.list_versions() if each["version"] == version), "")
        key = f"{version} {written}"
        path = self._path / _KEPT
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["version"] == key:
                return str(kept["revision"])
        except (OSError, ValueError, KeyError, TypeError):  # not there, or not what was written
            pass
        revision = revision_of(_setting(self._table.schema, "embedder"), self._listed(version))
        with suppress(OSError):  # a store that may only be read works as well
            write_text(path, json.dumps({"version": key, "revision": revision}))
        return revision

    def _rows(self, entry: Entry) -> list[dict[str, Any]]:
        vectors = checked_vectors(entry, self._dimension, self._path)
        return [
            {
                "id": chunk.id,
                "document": entry.document,
                "fingerprint": entry.fingerprint,
                **asdict(chunk.place),
                "segments": [asdict(segment) for segment in chunk.segments],
                "text": chunk.text,
                "heading": chunk.heading,
                _WORDS: _searchable(chunk.heading, chunk.text),
                "readable_by": list(chunk.readable_by),
                "metadata": [_pair(key, value) for key, value in sorted(chunk.metadata.items())],
                "vector": vector,
            }
            for chunk, vector in zip(entry.chunks, vectors, strict=True)
        ]

    def _by_vector(self, table: Any, vector: Vectors, condition: str, depth: int) -> list[dict[str, Any]]:  # noqa: ANN401
        if "vectors" not in self._legs or not vector.any():  # the cosine with a zero vector does not exist
            return []
        search = table.search(vector, vector_column_name="vector").distance_type("cosine")
        rows = search.where(condition, prefilter=True).limit(depth).select([*_COLUMNS, "_distance"]).to_list()
        return sorted(rows, key=lambda row: (row["_distance"], row["id"]))

    def _by_words(self, table: Any, text: str, condition: str, depth: int) -> list[dict[str, Any]]:  # noqa: ANN401
        words = searchable(text)
        if "words" not in self._legs or not words:
            return []
        from lancedb.query import MatchQuery

        search = table.search(MatchQuery(words, _WORDS), query_type="fts")  # plain words, no operators
        rows = search.where(condition, prefilter=True).limit(depth).select([*_COLUMNS, "_score"]).to_list()
        return sorted(rows, key=lambda row: (-row["_score"], row["id"]))


def _schema(signature: str, dimension: int) -> pa.Schema:
    import pyarrow as pa

    text, integer, number, texts = pa.string(), pa.int64(), pa.float64(), pa.list_(pa.string())
    place = pa.struct({"start": integer, "end": integer, "page": integer, "seconds": number})
    return pa.schema(
        {
            "id": text, "document": text, "fingerprint": text, "start": integer, "end": integer, "text": text,
            "heading": text, _WORDS: text, "readable_by": texts, "metadata": texts,
            "vector": pa.list_(pa.float32(), dimension), "page": integer, "seconds": number,
            "segments": pa.list_(place),
        },
        metadata={"layout": _LAYOUT, "embedder": signature, "dimension": str(dimension)},
    )  # fmt: skip


def _setting(schema: pa.Schema, key: str) -> str:
    return str((schema.metadata or {}).get(key.encode(), b"").decode())


def _open(path: Path, schema: pa.Schema) -> Any:  # noqa: ANN401 -- lancedb has no usable types
    """Open or create the table. Raises `StoreError` if it was made with another embedder."""
    try:
        database = _database(path)
        if _TABLE in database.list_tables().tables:
            table = database.open_table(_TABLE)
        else:
            table = database.create_table(_TABLE, schema=schema, exist_ok=True)
        _check(path, table.schema, schema)
        _add_columns(table, schema)
        _PATIENTLY(_fill_words, table)
        _PATIENTLY(_index_words, table)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(
            f"LanceDB cannot open the store: {error}.", place=path, remedy="Check the path and its permissions."
        ) from error
    return table


def _database(path: Path) -> Any:  # noqa: ANN401
    """Connect. Interval zero: every read looks for what others wrote, so that a deleted document is gone at once."""
    import lancedb

    return lancedb.connect(path, read_consistency_interval=timedelta(0))


def _add_columns(table: Any, wanted: pa.Schema) -> None:  # noqa: ANN401
    """Give a table of an earlier version the columns that it lacks, empty, unless another process just did."""
    import pyarrow as pa

    def lacking() -> list[pa.Field]:
        return [field for field in wanted if field.name not in table.schema.names]

    if lacking():
        try:
            table.add_columns(pa.schema(lacking()))
        except (OSError, RuntimeError, ValueError):
            if lacking():
                raise


def _fill_words(table: Any) -> None:  # noqa: ANN401
    """Give the rows that an earlier version wrote the words by which this one finds them."""
    import pyarrow as pa

    if not table.count_rows(f"{_WORDS} IS NULL"):
        return
    rows = table.search().where(f"{_WORDS} IS NULL").limit(None).to_arrow().select(table.schema.names)
    pairs = zip(rows["heading"].to_pylist(), rows["text"].to_pylist(), strict=True)
    words = pa.array([_searchable(heading, text) for heading, text in pairs], pa.string())
    filled = rows.set_column(rows.schema.get_field_index(_WORDS), _WORDS, words)
    table.merge_insert("id").when_matched_update_all().execute(filled)


def _index_words(table: Any, *, anew: bool = False) -> None:  # noqa: ANN401
    """Make the word index, unless it is there. The words are parted already: no tokenizer takes them apart."""
    from lancedb.index import FTS

    if anew or not any(index.columns == [_WORDS] for index in table.list_indices()):
        config = FTS(
            base_tokenizer="whitespace", language="English", stem=True, remove_stop_words=True, max_token_length=None
        )
        table.create_index(_WORDS, config=config)


def _searchable(heading: str, text: str) -> str:
    return searchable(f"{heading}\n{text}")


def _check(path: Path, held: pa.Schema, wanted: pa.Schema) -> None:
    told = [{key: _setting(schema, key) for key in ("layout", "embedder", "dimension")} for schema in (held, wanted)]
    check_filling(told[0], told[1], path, "Delete the folder")


def _literal(value: str) -> str:
    """Return `value` as an SQL string: the only way in which outside text gets into a condition."""
    return "'" + value.replace("'", "''") + "'"


def _one_of(column: str, values: Sequence[str] | Mapping[str, object]) -> str:
    return f"{column} IN ({', '.join(_literal(value) for value in values)})"


def _pair(key: str, value: str) -> str:
    return json.dumps([key, value], ensure_ascii=False)


def _condition(query: Query) -> str:
    principals = ", ".join(_literal(name) for name in query.principals)
    conditions = [f"array_has_any(readable_by, [{principals}])"]
    conditions += [f"array_has(metadata, {_literal(_pair(key, value))})" for key, value in sorted(query.where.items())]
    return " AND ".join(conditions)


def _passage(row: Mapping[str, Any], rank: int, score: float, vector: Vectors) -> Passage:
    return passage_of(row, _places(row), rank, score, float(np.asarray(row["vector"], dtype=np.float32) @ vector))


def _chunk(row: Mapping[str, Any]) -> Chunk:
    return chunk_of(row, _places(row), dict(json.loads(pair) for pair in row["metadata"]))


def _places(row: Mapping[str, Any]) -> Places:
    return _place(row), tuple(map(_place, row["segments"] or ()))


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["start"], row["end"], row["page"], row["seconds"])


def groundtune_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings) -> LanceDBStore | None:
    """Hook of `stores`. Raises `NotInstalled` without the extra `lancedb`."""
    kind, _, path = url.partition(":")
    if kind != "lancedb" or not path:
        return None
    try:
        import lancedb  # noqa: F401 -- asked for before the embedder is, which may take long or cost money
    except ImportError as error:
        raise not_installed("lancedb", f"the knowledge store `{url}`", error) from None
    path, _, beside = path.partition("#")
    return LanceDBStore(within(folder, f"{path}-{beside}" if beside else path), embedder.signature, embedder.dimension)
