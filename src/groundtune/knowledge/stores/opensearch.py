"""OpenSearch: `opensearch://HOST:PORT/INDEX`, and Serverless: `opensearch-serverless://HOST/INDEX`.

One index is one knowledge base. It has no transactions, so a change is made in three steps: new chunks are written
hidden; one note about the index, which all see at once, shows them and hides the old ones; the old ones are deleted.
A search looks at the note before and after, and asks again if it changed in between: it sees a document before or
after a change, never half of it. What a killed process left behind stays hidden, and goes with the next change.

Vector search is k-NN over HNSW (inner products of vectors of length 1), word search is BM25 over comparable words.
Both are filtered before they rank, and fused here by rank. Knows no files, no models and no splitting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import numpy as np

from groundtune.comparing import searchable
from groundtune.errors import StoreError
from groundtune.extras import not_installed
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
from groundtune.knowledge.stores._opensearch import PAGE, SCHEMES, OpensearchSettings, SearchIndex
from groundtune.protocols import Embedder, Entry, Held
from groundtune.settings import StoreSettings, Table
from groundtune.values import Chunk, Passage, Place, Query, digest

if TYPE_CHECKING:
    from pathlib import Path

NAME = "opensearch"
T = TypeVar("T")
_LAYOUT = "1"
_FIELDS = ("key", "document", "fingerprint", "place", "segments", "text", "heading")
_MOST_WORDS = 1000  # different ones of a question; Lucene takes 1,024 clauses
_TRIES = 20  # of a search that changes come into, and of a write that the service takes twice
_SETTLED = 120.0  # seconds after which every copy of a Serverless index shows what was written


class OpensearchStore:
    """Chunks in one index."""

    def __init__(self, url: str, signature: str, dimension: int, settings: OpensearchSettings) -> None:
        self._signature, self._dimension, self._settings = signature, dimension, settings
        self._index = SearchIndex(url, settings)
        self._place = self._index.place
        self._listed: tuple[int, dict[str, str]] | None = None
        self._seen = self._prepare()

    def replace(self, entries: Sequence[Entry]) -> None:
        """Replace what the store holds of each entry's document by the entry's chunks, shown all at once."""
        latest = {entry.document: entry for entry in entries}
        filled = [entry for entry in latest.values() if entry.chunks]
        rows = [row for entry in filled for row in self._rows(entry)]
        if not latest:
            return
        with self._index.writer() as renew:
            about, held = self._recovered(renew)
            for _ in range(_TRIES):
                version = uuid4().hex[:16]
                about["hidden"][version] = time.time()
                self._index.note(about)
                self._index.add([{**row, "version": f"{version}:{row['document']}", "batch": version} for row in rows])
                if self._index.await_count({"term": {"batch": version}}, len(rows), renew):
                    break  # else the service took some twice, or lost some: they stay hidden
            else:
                raise StoreError("OpenSearch does not show what was written.", place=self._place, remedy="Try again.")
            held = {key: mark for key, mark in held.items() if key not in latest}
            held |= {entry.document: entry.fingerprint for entry in filled}
            self._show(about, held, retired=latest, version=version, renew=renew)

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored."""
        if not document_ids or not self._index.count(_among("document", document_ids)):
            return
        with self._index.writer() as renew:
            about, held = self._recovered(renew)
            held = {key: mark for key, mark in held.items() if key not in set(document_ids)}
            self._show(about, held, retired=document_ids, version="", renew=renew)

    def search(self, query: Query) -> list[Passage]:
        """Return at most `query.limit` passages that the query's principals may read, best first."""
        check_question(query.vector, self._dimension, self._place)
        if not query.principals or query.limit < 1:
            return []
        vector = np.asarray(query.vector, dtype=np.float32)
        depth = max(query.candidates, query.limit)
        words = list(dict.fromkeys(searchable(query.text).split()))[:_MOST_WORDS]
        sayable = {"vectors": vector.any(), "words": bool(words)}
        legs = [leg for leg in query.legs if sayable[leg]]

        def ask(about: Mapping[str, Any]) -> tuple[list[tuple[str, float]], dict[str, dict[str, Any]]]:
            shown = _readable(query, about)
            bodies = {
                "vectors": self._by_vector(vector, depth, shown),
                "words": {"query": {"bool": {"must": [{"match": {"words": " ".join(words)}}], "filter": [shown]}}},
            }
            asked = [{**bodies[leg], "size": depth, "_source": ["key"]} for leg in legs]
            rankings = [_ranked(answer) for answer in self._index.search(*asked)] if asked else []
            best = reciprocal_rank_fusion(rankings)[: query.limit]
            # texts and vectors of the passages only: each hit's would be several times as many
            chosen = _shown(about, [_among("key", [key for key, _ in best])])
            whole = {"query": chosen, "size": query.limit, "_source": [*_FIELDS, "vector"]}
            hits = self._index.search(whole)[0]["hits"]["hits"] if best else []
            return best, {hit["_source"]["key"]: hit["_source"] for hit in hits}

        best, rows = self._consistently(ask)
        there = [(rows[key], score) for key, score in best if key in rows]
        return [_passage(row, rank, score, vector) for rank, (row, score) in enumerate(there, start=1)]

    def is_empty(self) -> bool:
        """Return whether the store holds no document."""
        return not self._about()["documents"]

    def document(self, document_id: str) -> Held | None:
        """Return what is held of this document, whoever may read it; None if nothing is."""
        fields = [*_FIELDS, "readable_by", "metadata"]

        def ask(about: Mapping[str, Any]) -> list[dict[str, Any]]:
            shown = _shown(about, [{"term": {"document": document_id}}])
            return [hit["_source"] for hit in self._index.walk(shown, fields)]

        rows = self._consistently(ask)
        chunks = tuple(sorted(map(_chunk, rows), key=lambda chunk: chunk.start))
        return Held(rows[0]["fingerprint"], chunks) if rows else None

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        return self._consistently(self._documents)

    def entries(self, document_ids: Sequence[str]) -> list[Entry]:
        """Return what is held of these documents, with vectors; unknown ids are ignored."""
        fields = [*_FIELDS, "readable_by", "metadata", "vector"]

        def ask(about: Mapping[str, Any]) -> list[dict[str, Any]]:
            shown = _shown(about, [_among("document", document_ids)])
            return [hit["_source"] for hit in self._index.walk(shown, fields)]

        rows = self._consistently(ask) if document_ids else []
        return entries_of((row["fingerprint"], _chunk(row), row["vector"]) for row in rows)

    def revision(self) -> str:
        """Return a hash of the documents held and of the embedder: independent of history and maintenance."""
        return str(self._about()["revision"])

    def optimize(self, *, erase: bool = False) -> None:
        """Delete what is hidden and settled, and free its space; Serverless itself decides when."""
        with self._index.writer() as renew:
            about, _ = self._recovered(renew)
            self._index.note(about)
        self._index.tidy(whole=erase)

    def drop(self) -> None:
        """Delete the index."""
        with self._index.writer():
            self._index.drop()

    # --- writing ----------------------------------------------------------------------------------

    def _prepare(self) -> dict[str, Any]:
        """Make the index, unless it is there. Raises `StoreError` where it was filled by another embedder."""
        wanted = {"layout": _LAYOUT, "embedder": self._signature, "dimension": str(self._dimension)}
        about = self._index.about()
        if about is None:
            empty = {"commit": 0, "documents": 0, "hidden": {}, "revision": revision_of(self._signature, {})}
            self._index.create(self._body({**wanted, **empty}))
            about = self._about()
        if "layout" not in about:
            raise StoreError(
                "this index was not made by groundtune.", place=self._place, remedy="Name another index in the URL."
            )
        check_filling(about, wanted, self._place, f"Delete the index `{self._index.name}`")
        return about

    def _body(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the index is made of; each target takes another field for vectors."""
        engine: Mapping[str, Any] = {"method": {"name": "hnsw", "space_type": "innerproduct"}}
        if self._index.serverless and self._settings.generation == "next":
            engine = {"space_type": "innerproduct"}
        elif self._index.serverless:
            engine["method"]["engine"] = "faiss"
        else:
            engine["method"]["engine"] = self._settings.engine
        keyword, kept = {"type": "keyword"}, {"type": "object", "enabled": False}
        stemmed = {"language_stemmer": {"type": "stemmer", "language": self._settings.language}}
        stopped = {"language_stop": {"type": "stop", "stopwords": f"_{self._settings.language}_"}}
        filters = ["lowercase", "language_stop", "language_stemmer"]
        analysis = {
            "filter": {**stemmed, **stopped},
            "analyzer": {"comparable": {"type": "custom", "tokenizer": "whitespace", "filter": filters}},
        }
        fields = {
            "key": keyword, "document": keyword, "fingerprint": keyword, "version": keyword, "batch": keyword,
            "readable_by": keyword, "pairs": keyword, "place": kept, "segments": kept, "metadata": kept,
            "text": {"type": "text", "index": False}, "heading": {"type": "text", "index": False},
            "words": {"type": "text", "analyzer": "comparable"},
            "vector": {"type": "knn_vector", "dimension": self._dimension, **engine},
        }  # fmt: skip
        return {
            "settings": {"index": {"knn": True}, "analysis": analysis},
            "mappings": {"dynamic": False, "_meta": dict(about), "properties": fields},
        }

    def _recovered(self, renew: Callable[[], None]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what is noted and which documents are held, for the only writer; deletes what is hidden."""
        about = self._about()
        if self._listed is None or self._listed[0] != about["commit"]:
            self._listed = about["commit"], self._documents(about)
        about["hidden"] = self._deleted(about["hidden"], renew)
        return about, self._listed[1]

    def _show(
        self,
        about: dict[str, Any],
        held: dict[str, str],
        *,
        retired: Iterable[str],
        version: str,
        renew: Callable[[], None],
    ) -> None:
        """Show the chunks of `version` and hide all others of the `retired` documents, at once; then delete these."""
        others = {"bool": {"filter": [_among("document", list(retired))], "must_not": [{"term": {"batch": version}}]}}
        old = {hit["_source"]["version"] for hit in self._index.walk(others, ["version"])}
        now = time.time()
        hidden = {key: when for key, when in about["hidden"].items() if key != version}
        about |= {
            "commit": about["commit"] + 1,
            "documents": len(held),
            "revision": revision_of(self._signature, held),
            "hidden": hidden | dict.fromkeys(sorted(old), now),
        }
        renew()
        self._index.note(about)
        self._listed = about["commit"], held
        about["hidden"] = self._deleted(about["hidden"], renew)

    def _deleted(self, hidden: Mapping[str, float], renew: Callable[[], None]) -> dict[str, float]:
        """Delete what is hidden; return what has to stay noted, as some copy may not know yet that it is gone."""
        if not hidden:
            return {}
        query = {"bool": {"should": [_among("version", list(hidden)), _among("batch", list(hidden))]}}
        self._index.refresh()  # what a killed writer sent may not be shown yet
        ids = [hit["_id"] for hit in self._index.walk(query, ["key"])]
        self._index.delete(ids)
        gone = self._index.await_count(query, 0, renew)
        if gone and not self._index.serverless:
            return {}
        return {key: when for key, when in hidden.items() if not gone or time.time() - when < _SETTLED}

    def _rows(self, entry: Entry) -> list[dict[str, Any]]:
        vectors = checked_vectors(entry, self._dimension, self._place)
        rows = {}
        for chunk, vector in zip(entry.chunks, vectors, strict=True):
            rows[chunk.id] = {
                "key": chunk.id,
                "document": entry.document,
                "fingerprint": entry.fingerprint,
                "place": chunk.place.kept(),
                "segments": [segment.kept() for segment in chunk.segments],
                "text": chunk.text,
                "heading": chunk.heading,
                "words": searchable(f"{chunk.heading}\n{chunk.text}"),
                "readable_by": list(chunk.readable_by),
                "metadata": dict(chunk.metadata),
                "pairs": [_pair(key, value) for key, value in chunk.metadata.items()],
                "vector": vector.tolist(),
            }
        return list(rows.values())

    # --- reading ----------------------------------------------------------------------------------

    def _about(self) -> dict[str, Any]:
        about = self._index.about()
        if about is None:
            raise StoreError("the index is gone.", place=self._place, remedy="Run `groundtune ingest`.")
        return about

    def _consistently(self, ask: Callable[[Mapping[str, Any]], T]) -> T:
        """Return what `ask` gives while what is noted stays as it is."""
        before = self._seen  # by whichever thread, and perhaps out of date
        for _ in range(_TRIES):
            answer, after = ask(before), self._about()
            if after == before:
                return answer
            before = self._seen = after
        raise StoreError("the store changes too often to be read.", place=self._place, remedy="Try again.")

    def _documents(self, about: Mapping[str, Any]) -> dict[str, str]:
        sources = [{name: {"terms": {"field": name}}} for name in ("document", "fingerprint")]
        documents: dict[str, str] = {}
        after: dict[str, Any] = {}
        while True:
            pages = {"composite": {"size": PAGE, "sources": sources, **({"after": after} if after else {})}}
            body = {"size": 0, "query": _shown(about, []), "aggs": {"held": pages}}
            held = self._index.search(body)[0]["aggregations"]["held"]
            documents |= {bucket["key"]["document"]: bucket["key"]["fingerprint"] for bucket in held["buckets"]}
            if len(held["buckets"]) < PAGE:
                return documents
            after = held["after_key"]

    def _by_vector(self, vector: np.ndarray, depth: int, shown: Mapping[str, Any]) -> dict[str, Any]:
        near = {"vector": vector.tolist(), "k": max(depth, self._settings.ef_search), "filter": shown}
        return {"query": {"knn": {"vector": near}}}


def _shown(
    about: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]], but: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the filter of what meets the conditions, meets none of `but` and is not hidden."""
    hidden = list(about["hidden"])
    unseen = [_among("version", hidden), _among("batch", hidden)] if hidden else []
    return {"bool": {"filter": list(conditions), "must_not": [*unseen, *but]}}


def _readable(query: Query, about: Mapping[str, Any]) -> dict[str, Any]:
    wanted, unwanted = (
        [{"term": {"pairs": _pair(key, value)}} for key, value in sorted(pairs.items())]
        for pairs in (query.where, query.without)
    )
    return _shown(about, [_among("readable_by", query.principals), *wanted], unwanted)


def _among(field: str, values: Sequence[str]) -> dict[str, Any]:
    return {"terms": {field: list(values)}}


def _pair(key: str, value: str) -> str:
    """Return one term for a key with its value, however long it is."""
    return digest(key, value)


def _ranked(answer: Mapping[str, Any]) -> list[str]:
    """Return the keys of an answer's hits, best first, equal ones in a fixed order."""
    hits = sorted(answer["hits"]["hits"], key=lambda hit: (-hit["_score"], hit["_source"]["key"]))
    return [hit["_source"]["key"] for hit in hits]


def _passage(row: Mapping[str, Any], rank: int, score: float, vector: np.ndarray) -> Passage:
    return passage_of(row, _places(row), rank, score, float(np.asarray(row["vector"], dtype=np.float32) @ vector))


def _chunk(row: Mapping[str, Any]) -> Chunk:
    return chunk_of(row, _places(row), row["metadata"])


def _places(row: Mapping[str, Any]) -> Places:
    return Place(**row["place"]), tuple(Place(**segment) for segment in row["segments"])


def groundtune_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings) -> OpensearchStore | None:
    """Hook of `stores`. Raises `NotInstalled` without the extra `opensearch`."""
    if url.partition("://")[0] not in SCHEMES:
        return None
    try:
        import opensearchpy  # noqa: F401
    except ImportError as error:
        raise not_installed("opensearch", "a knowledge store in OpenSearch", error) from None
    url = url.replace("#", "-")
    return OpensearchStore(url, embedder.signature, embedder.dimension, settings.part(NAME, OpensearchSettings))


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"store.opensearch": OpensearchSettings}
