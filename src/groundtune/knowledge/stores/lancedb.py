"""LanceDB inside the process: `lancedb:PATH`, a folder on this machine.

Vector search (cosine) is exact up to a number of chunks that is set; above, it looks into a part of its index. Word
search is LanceDB's BM25 over comparable words (`comparing.searchable`). Both are filtered before they rank, read one
version of the table, and are fused here by rank. Tables of earlier versions get the columns that they lack, and their
rows the words of this version, when they are opened; nothing is embedded again. Knows no files, no models and no
splitting.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from pydantic import Field
from tenacity import Retrying, retry_if_exception_message, stop_after_attempt

from groundtune.comparing import searchable
from groundtune.errors import StoreError
from groundtune.extras import not_installed
from groundtune.files import within
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
from groundtune.knowledge.stores._lancedb import (
    EMPTIED,
    GROUP,
    PATIENTLY,
    TABLE,
    WORDS,
    Listing,
    database,
    filling_of,
    has_vector_index,
    index_vectors,
    index_words,
    keep_listing,
    kept_listing,
    open_table,
    searchable_words,
    state_of,
)
from groundtune.protocols import Embedder, Entry, Held, Vectors
from groundtune.settings import StoreSettings, Table
from groundtune.values import Chunk, Passage, Place, Query

NAME = "lancedb"
_LAYOUT = "1"
_ALL = 2**20  # groups of the vector index: more than there are
_PLACE = ["document", "start", "end", "page", "seconds", "confidence", "segments", "confidences"]
_COLUMNS = ["id", *_PLACE, "text", "heading", "fingerprint", "vector"]
# Files of versions older than this may go: a search that another process began before then is long over.
_KEEP_VERSIONS = timedelta(minutes=10)
_WHILE_IT_IS_THERE = Retrying(  # the version that is read may be erased meanwhile
    retry=retry_if_exception_message(match="(?is).*not found"), stop=stop_after_attempt(6), reraise=True
)


class LancedbSettings(Table):
    """`[store.lancedb]`: how exact the vector search of the embedded store is."""

    exact_up_to: int = Field(
        50_000,
        ge=0,
        description="Number of chunks up to which vector search is exact. Above, it looks into half of the groups of "
        "the index, and above five times as many chunks into a quarter.",
    )


DEFAULTS = LancedbSettings()


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One version of the table, and how many groups of its vector index are looked into; 0 without an index."""

    version: int
    table: Any
    probed: int


class LanceDBStore:
    """Chunks in one LanceDB table, in the folder `path`."""

    def __init__(self, path: Path, signature: str, dimension: int, settings: LancedbSettings = DEFAULTS) -> None:
        self._path, self._settings = path, settings
        self._dimension = dimension
        self._filled = {"layout": _LAYOUT, "embedder": signature, "dimension": str(dimension)}
        self._listing: tuple[str, Listing] | None = None
        self._fixed: TableVersion | None = None
        kept = kept_listing(path, state_of(path))
        if kept is not None:
            check_filling(kept.filled, self._filled, path, EMPTIED)
        else:
            _ = self._table

    @cached_property
    def _table(self) -> Any:  # noqa: ANN401 -- lancedb has no usable types
        """The table, opened when the kept listing does not do: LanceDB takes seconds to import."""
        return open_table(self._path, self._filled)

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

        def ask() -> list[tuple[dict[str, Any], float]]:
            version = self._snapshot()  # both searches see one version
            rankings = [
                self._by_vector(version, vector, condition, depth) if "vectors" in query.legs else [],
                self._by_words(version, query.text, condition, depth) if "words" in query.legs else [],
            ]
            rows = {row["id"]: row["_rowid"] for ranking in rankings for row in ranking}
            fused = reciprocal_rank_fusion([[row["id"] for row in ranking] for ranking in rankings])[: query.limit]
            wanted = [rows[id_] for id_, _ in fused]
            taken = version.table.take_row_ids(wanted).select(_COLUMNS).to_list() if wanted else []
            whole = {row["id"]: row for row in taken}
            return [(whole[id_], score) for id_, score in fused]

        found = _WHILE_IT_IS_THERE(ask)
        return [_passage(row, rank, score, vector) for rank, (row, score) in enumerate(found, start=1)]

    def is_empty(self) -> bool:
        """Return whether the store holds no document."""
        if "_table" in self.__dict__:
            return not self._table.count_rows()
        return not self._held().documents

    def document(self, document_id: str) -> Held | None:
        """Return what is held of this document, whoever may read it; None if nothing is."""
        columns = [*_PLACE, "text", "heading", "readable_by", "metadata", "fingerprint"]
        rows = self._table.search().where(_one_of("document", [document_id])).select(columns).to_list()
        if not rows:
            return None
        return Held(rows[0]["fingerprint"], tuple(sorted(map(_chunk, rows), key=lambda chunk: chunk.start)))

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        return dict(self._held().documents)

    def entries(self, document_ids: Sequence[str]) -> list[Entry]:
        """Return what is held of these documents, with vectors; unknown ids are ignored."""
        if not document_ids:
            return []
        columns = [*_PLACE, "text", "heading", "readable_by", "metadata", "fingerprint", "vector"]
        rows = self._table.search().where(_one_of("document", document_ids)).limit(None).select(columns).to_list()
        return entries_of((row["fingerprint"], _chunk(row), row["vector"]) for row in rows)

    def revision(self) -> str:
        """Return a hash of the documents held and of the embedder: independent of history and maintenance.

        It is computed once for each state of the table, and kept beside it for other processes.
        """
        return self._held().revision

    def optimize(self, *, erase: bool = False) -> None:
        """Merge small files, bring the word index up to date and drop versions that nobody reads any more.

        With `erase` every file is written anew, and older versions go at once. Another process that writes at the same
        time makes this fail; it is tried again with growing pauses.
        """
        with self._refusals(), catch_warnings():
            simplefilter("ignore")  # LanceDB warns of readers of older versions: `search` asks again
            if erase:
                PATIENTLY(self._table.update, values_sql={"heading": "heading"})
            PATIENTLY(index_words, self._table, anew=erase)
            PATIENTLY(index_vectors, self._table, anew=erase)
            PATIENTLY(self._table.optimize, cleanup_older_than=timedelta(0) if erase else _KEEP_VERSIONS)

    def drop(self) -> None:
        """Delete the folder of the table."""
        try:
            shutil.rmtree(self._path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(
                f"the store cannot be deleted: {error.strerror or error}.",
                place=self._path,
                remedy="Make the folder writable, or delete it by hand.",
            ) from None

    def _snapshot(self) -> TableVersion:
        """Return the table as it is now, which stays so: kept for as long as the table does not change."""
        version, held = self._table.version, self._fixed
        if held is not None and held.version == version:
            return held
        table = database(self._path).open_table(TABLE)
        table.checkout(version)
        number = table.count_rows()
        exact_up_to = self._settings.exact_up_to
        part = 2 if number <= 5 * exact_up_to else 4
        probed = _ALL if number <= exact_up_to else number // (part * GROUP) + 1
        self._fixed = TableVersion(version, table, probed if has_vector_index(table) else 0)
        return self._fixed

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

    def _held(self) -> Listing:
        """Return what is held: as it was listed before, by whichever process, if the table is as it was then."""
        state = state_of(self._path)
        if self._listing is not None and self._listing[0] == state:
            return self._listing[1]
        listing = kept_listing(self._path, state)
        if listing is None:
            listing = self._listed()
            if state_of(self._path) != state:  # somebody writes: it may be newer than its state
                return listing
            keep_listing(self._path, state, listing)
        self._listing = state, listing
        return listing

    def _listed(self) -> Listing:
        columns = self._table.search().select(["document", "fingerprint"]).to_arrow()
        pairs = zip(columns["document"].to_pylist(), columns["fingerprint"].to_pylist(), strict=True)
        documents, filled = dict(pairs), filling_of(self._table.schema)
        return Listing(documents, revision_of(filled["embedder"], documents), filled)

    def _rows(self, entry: Entry) -> list[dict[str, Any]]:
        vectors = checked_vectors(entry, self._dimension, self._path)
        return [
            {
                "id": chunk.id,
                "document": entry.document,
                "fingerprint": entry.fingerprint,
                **chunk.place.kept(),
                "segments": [segment.kept() for segment in chunk.segments],
                "confidences": [segment.confidence for segment in chunk.segments],
                "text": chunk.text,
                "heading": chunk.heading,
                WORDS: searchable_words(chunk.heading, chunk.text),
                "readable_by": list(chunk.readable_by),
                "metadata": [_pair(key, value) for key, value in sorted(chunk.metadata.items())],
                "vector": vector,
            }
            for chunk, vector in zip(entry.chunks, vectors, strict=True)
        ]

    def _by_vector(self, held: TableVersion, vector: Vectors, condition: str, depth: int) -> list[dict[str, Any]]:
        if not vector.any():  # the cosine with a zero vector does not exist
            return []
        search = held.table.search(vector, vector_column_name="vector").distance_type("cosine")
        search = search.where(condition, prefilter=True).limit(depth).select(["id", "_distance"]).with_row_id(True)
        rows = (search.nprobes(held.probed) if held.probed else search).to_list()
        if 0 < held.probed < _ALL and len(rows) < depth:  # the filter lets few through
            rows = search.nprobes(_ALL).to_list()
        return sorted(rows, key=lambda row: (row["_distance"], row["id"]))

    def _by_words(self, held: TableVersion, text: str, condition: str, depth: int) -> list[dict[str, Any]]:
        words = searchable(text)
        if not words:
            return []
        from lancedb.query import MatchQuery

        search = held.table.search(MatchQuery(words, WORDS), query_type="fts")  # plain words, no operators
        search = search.where(condition, prefilter=True).limit(depth).select(["id", "_score"]).with_row_id(True)
        rows = search.to_list()
        return sorted(rows, key=lambda row: (-row["_score"], row["id"]))


def _literal(value: str) -> str:
    """Return `value` as an SQL string: the only way in which outside text gets into a condition."""
    return "'" + value.replace("'", "''") + "'"


def _one_of(column: str, values: Sequence[str] | Mapping[str, object]) -> str:
    return f"{column} IN ({', '.join(_literal(value) for value in values)})"


def _pair(key: str, value: str) -> str:
    return json.dumps([key, value], ensure_ascii=False)


def _has(key: str, value: str) -> str:
    return f"array_has(metadata, {_literal(_pair(key, value))})"


def _condition(query: Query) -> str:
    principals = ", ".join(_literal(name) for name in query.principals)
    conditions = [f"array_has_any(readable_by, [{principals}])"]
    conditions += [_has(key, value) for key, value in sorted(query.where.items())]
    conditions += [f"NOT {_has(key, value)}" for key, value in sorted(query.without.items())]
    return " AND ".join(conditions)


def _passage(row: Mapping[str, Any], rank: int, score: float, vector: Vectors) -> Passage:
    return passage_of(row, _places(row), rank, score, float(np.asarray(row["vector"], dtype=np.float32) @ vector))


def _chunk(row: Mapping[str, Any]) -> Chunk:
    return chunk_of(row, _places(row), dict(json.loads(pair) for pair in row["metadata"]))


def _places(row: Mapping[str, Any]) -> Places:
    segments, confidences = row["segments"] or (), row["confidences"] or ()
    pairs = zip_longest(segments, confidences)  # rows of an earlier version have no confidences
    return _place(row, row["confidence"]), tuple(_place(segment, confidence) for segment, confidence in pairs)


def _place(row: Mapping[str, Any], confidence: float | None) -> Place:
    return Place(row["start"], row["end"], row["page"], row["seconds"], confidence)


def groundtune_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings) -> LanceDBStore | None:
    """Hook of `stores`. Raises `NotInstalled` without the extra `lancedb`."""
    kind, _, path = url.partition(":")
    if kind != "lancedb" or not path:
        return None
    if find_spec("lancedb") is None:  # asked for before the embedder is, which may take long or cost money
        error = ModuleNotFoundError(name="lancedb")
        raise not_installed("lancedb", f"the knowledge store `{url}`", error) from None
    path, _, beside = path.partition("#")
    place = within(folder, f"{path}-{beside}" if beside else path)
    own = settings.part(NAME, LancedbSettings)
    return LanceDBStore(place, embedder.signature, embedder.dimension, settings=own)


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"store.lancedb": LancedbSettings}
