"""Retrieval quality and speed on public collections: words only, vectors only, both fused, and fused and reranked.

    python benchmarks/retrieval.py ../shared/data [--collections cranfield medline] [--hashing]

A collection is a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv (BEIR's layout). Each text is one chunk,
as the relevance judgements are per text. Prints a Markdown table: nDCG@10, seconds to embed and store, and
milliseconds a question with both legs, without and with the reranker (whose first reading of a passage counts too).
A second table has the differences question by question, with intervals of 95 % (bootstrap over questions): fusion
against the better of its two legs, and the reranker against fusion.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtune.knowledge.embedding import embedded_text, embedder
from groundtune.knowledge.reranking import reranker
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.protocols import Embedder, Entry, Reranker
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.rerankers import OverlapReranker
from groundtune.values import Chunk, Document, Leg, Place, Search

COLLECTIONS = {
    "cranfield": "retrieval/cranfield",
    "medline": "retrieval/medline",
    "qa_xquad": "qa_xquad",
    "rag_mtrag": "rag_mtrag",
}
LEGS: dict[str, tuple[Leg, ...]] = {"words": ("words",), "vectors": ("vectors",), "fused": ("vectors", "words")}
DEPTH = 10
RERANKED = KnowledgeSettings().reranked
RERANKER = "late:builtin:minilm-l6-v2"
RESAMPLES, SEED = 10_000, 0
READERS = ("everyone",)


@dataclass(frozen=True, slots=True)
class Collection:
    """`judgements` maps a question's id to the grade of each relevant document."""

    chunks: list[Chunk]
    questions: dict[str, str]
    judgements: dict[str, dict[str, int]]


def load(folder: Path) -> Collection:
    chunks = [
        Chunk(row["_id"], Place(0, len(row["text"])), row["text"], row.get("title") or "", READERS)
        for row in _rows(folder / "corpus.jsonl")
    ]
    judgements: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            judgements.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    questions = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl") if row["_id"] in judgements}
    return Collection(chunks, questions, judgements)


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def ndcg(found: Sequence[str], grades: Mapping[str, int], depth: int = DEPTH) -> float:
    """Return nDCG@depth with linear gains and log2 discounts, as trec_eval's ndcg_cut (Järvelin & Kekäläinen 2002)."""
    discounts = 1.0 / np.log2(np.arange(2, depth + 2))
    gains = np.array([grades.get(document, 0) for document in found[:depth]], dtype=float)
    ideal = np.array(sorted(grades.values(), reverse=True)[:depth], dtype=float)
    best = float(ideal @ discounts[: len(ideal)])
    return float(gains @ discounts[: len(gains)]) / best if best > 0 else 0.0


def fill(path: Path, collection: Collection, embedder: Embedder) -> None:
    """Embed and store the collection in one batch."""
    vectors = embedder.embed([embedded_text(chunk) for chunk in collection.chunks], "document")
    store = LanceDBStore(path, embedder.signature, embedder.dimension)
    store.replace(
        [
            Entry.of(
                Document(chunk.document, chunk.text, chunk.heading, READERS), [chunk], vectors[number : number + 1]
            )
            for number, chunk in enumerate(collection.chunks)
        ]
    )
    store.optimize()


def measure(
    path: Path, collection: Collection, embedder: Embedder, legs: tuple[Leg, ...], reranker: Reranker | None = None
) -> tuple[np.ndarray, float]:
    """Return (nDCG@10 of each question, milliseconds a question without its embedding)."""
    store = LanceDBStore(path, embedder.signature, embedder.dimension)
    ids = list(collection.questions)
    vectors = dict(zip(ids, embedder.embed([collection.questions[id_] for id_ in ids], "query"), strict=True))
    known = _Known(embedder, {collection.questions[id_]: vector for id_, vector in vectors.items()})
    began = time.perf_counter()
    searches = [Search(collection.questions[id_], READERS) for id_ in ids]
    found = search_many(store, known, searches, Depth(DEPTH, RERANKED, legs=legs), reranker)
    seconds = time.perf_counter() - began
    scores = [
        ndcg([passage.document for passage in passages], collection.judgements[id_])
        for id_, passages in zip(ids, found, strict=True)
    ]
    return np.array(scores), 1000 * seconds / len(ids)


def difference(left: np.ndarray, right: np.ndarray) -> str:
    """Return the mean of `left - right` with its interval."""
    draws = np.random.default_rng(SEED).choice(left - right, (RESAMPLES, len(left))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{(left - right).mean():+.3f} ({low:+.3f} to {high:+.3f})"


class _Known:
    """Gives back vectors that are there already, so that the time is the store's."""

    def __init__(self, embedder: Embedder, vectors: Mapping[str, np.ndarray]) -> None:
        self.signature, self.dimension, self._vectors = embedder.signature, embedder.dimension, vectors

    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the collections")
    parser.add_argument("--collections", nargs="+", choices=COLLECTIONS, default=list(COLLECTIONS))
    parser.add_argument(
        "--hashing", action="store_true", help="embed by hashing words: no model, to try the script out"
    )
    arguments = parser.parse_args()
    made = HashingEmbedder(384) if arguments.hashing else embedder(EmbeddingSettings())
    made.embed(["the model is loaded before the clock starts"], "query")
    order = OverlapReranker() if arguments.hashing else reranker(RERANKER)
    print(f"Embedder: {made.signature}\n")
    print(f"| collection | texts | questions | {' | '.join(LEGS)} | reranked | ingest s | ms fused | ms reranked |")
    print("|---|---:|---:|" + "---:|" * (len(LEGS) + 4))
    differences = []
    for name in arguments.collections:
        collection = load(arguments.data / COLLECTIONS[name])
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            fill(Path(folder) / name, collection, made)
            ingest_seconds = time.perf_counter() - began
            results = {leg: measure(Path(folder) / name, collection, made, legs) for leg, legs in LEGS.items()}
            results["reranked"] = measure(Path(folder) / name, collection, made, LEGS["fused"], order)
        scores = {way: each for way, (each, _) in results.items()}
        figures = " | ".join(f"{each.mean():.4f}" for each in scores.values())
        sizes = f"{len(collection.chunks)} | {len(collection.questions)}"
        times = " | ".join(f"{results[way][1]:.1f}" for way in ("fused", "reranked"))
        print(f"| {name} | {sizes} | {figures} | {ingest_seconds:.1f} | {times} |", flush=True)
        better = max(("words", "vectors"), key=lambda leg: float(scores[leg].mean()))
        pairs = [("fused", better), ("reranked", "fused")]
        differences.append(f"| {name} | {better} | {' | '.join(difference(scores[a], scores[b]) for a, b in pairs)} |")
    print("\n| collection | better leg | fused minus it | reranked minus fused |\n|---|---|---:|---:|")
    print("\n".join(differences))


if __name__ == "__main__":
    main()
