"""How fast documents are ingested, and texts embedded, against others with the same encoder, in one run.

    python benchmarks/ingesting.py embed integers ingest again [--share 0.1] [--threads 2] [--data DIR]

embed     tokens a second of our embedder, of sentence-transformers and, where they are installed, of LlamaIndex
          (llama-index-embeddings-huggingface) and Haystack (sentence-transformers-haystack), on chunks of the
          PostgreSQL documentation; all take turns, `ROUNDS` times. The smallest cosine of vectors, and the share of
          what the machine's matrix products reach in the same run.
integers  the same for `[embedding] precision = "int8"`, and its nDCG@10 by vectors on four collections, question by
          question against float32, with the bootstrap interval of the mean difference.
ingest    a whole ingestion (reading, splitting, embedding, storing) against the encoder alone on the same chunks.
again     ingesting once more after one page in a hundred changed, against the first time; start.py measures it when
          nothing changed.

Printed are medians over the rounds and of ratios within a round, by processor time: other work disturbs it less.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from groundtune.knowledge.embedding import embedded_text
from groundtune.knowledge.embedding.local import BUILTIN, LocalEmbedder, builtin_folder
from groundtune.knowledge.ingest import IngestReport, Manner, chunked, ingest
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.protocols import Vectors
from groundtune.settings import KnowledgeSettings
from retrieval import COLLECTIONS, load, ndcg
from techniques import interval

ROUNDS, TOKENS, BATCH = 5, 512, 32
Encode = Callable[[list[str]], Vectors]


def ours(*, integers: bool = False) -> LocalEmbedder:
    return LocalEmbedder(BUILTIN, builtin_folder(), BATCH, TOKENS, integers=integers)


def sentence_transformers() -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(builtin_folder()), device="cpu", local_files_only=True)
    model.max_seq_length = TOKENS
    return lambda texts: model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)


def llama_index() -> Encode:
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    model = HuggingFaceEmbedding(str(builtin_folder()), max_length=TOKENS, embed_batch_size=BATCH, device="cpu")
    return lambda texts: np.array(model.get_text_embedding_batch(texts), dtype=np.float32)


def haystack() -> Encode:
    from haystack.dataclasses import Document
    from haystack.utils import ComponentDevice
    from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersDocumentEmbedder

    model = SentenceTransformersDocumentEmbedder(
        model=str(builtin_folder()), device=ComponentDevice.from_str("cpu"), batch_size=BATCH, progress_bar=False,
        normalize_embeddings=True,
    )  # fmt: skip
    model.warm_up()

    def encode(texts: list[str]) -> Vectors:
        made = model.run([Document(content=text) for text in texts])["documents"]
        return np.array([document.embedding for document in made], dtype=np.float32)

    return encode


def peers() -> dict[str, Encode]:
    found = {}
    for name, make in (
        ("sentence-transformers", sentence_transformers),
        ("LlamaIndex", llama_index),
        ("Haystack", haystack),
    ):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def write_pages(folder: Path, options: argparse.Namespace) -> None:
    """Write a share of the documentation as one text file a page, a minute old."""
    rows = [json.loads(line) for line in (options.data / "corpus_postgres_docs/docs.jsonl").open(encoding="utf-8")]
    folder.mkdir()
    for row in rows[:: max(1, round(1 / options.share))]:
        path = folder / f"{row['id'].replace('/', '_')}.txt"
        path.write_text(row["text"], encoding="utf-8")
        os.utime(path, (time.time() - 60,) * 2)


def chunks_of(folder: Path) -> list[str]:
    settings = KnowledgeSettings()
    return [
        embedded_text(chunk) for path in sorted(folder.iterdir()) for chunk in chunked(path.name, path, settings)[2]
    ]


def seconds_of(work: Callable[[], object]) -> float:
    """Return the processor time of `work`, in seconds."""
    before = time.process_time()
    work()
    return time.process_time() - before


def products() -> float:
    """Return what matrix products of the encoder's sizes reach, in GFLOP a second of processor time."""
    import torch

    states, weights = torch.randn(1024, 384), torch.randn(1536, 384)

    def multiply() -> None:
        for _ in range(200):
            torch.nn.functional.linear(states, weights)

    multiply()
    return 200 * 2 * states.numel() * len(weights) / seconds_of(multiply) / 1e9


def operations(tokens: int, texts: int) -> float:
    """Return the floating-point operations of the encoder's layers: products with weights, and attention.

    6 layers of width 384: four products of 384 x 384 and two of 384 x 1,536; attention over texts of mean length.
    """
    weights, length = 6 * (4 * 384 * 384 + 2 * 384 * 1536), tokens / texts
    return tokens * (2 * weights + 6 * 4 * length * 384)


def race(sides: Mapping[str, Encode], texts: list[str], reference: str) -> Iterator[str]:
    """Yield lines with tokens a second and ratios to the first of `sides`."""
    tokenizer = ours()._model.model.tokenizer
    tokens = sum(map(len, tokenizer(texts, truncation=True, max_length=TOKENS, verbose=False)["input_ids"]))
    yield f"{len(texts)} chunks, {tokens:,} tokens"
    vectors = {name: encode(texts) for name, encode in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    peaks = []
    for number in range(ROUNDS):
        names = list(sides)
        for name in names if number % 2 else names[::-1]:
            times[name].append(seconds_of(lambda name=name: sides[name](texts)))  # type: ignore[misc]
        peaks.append(products())
    for name in sides:
        ratio = median(other / own for other, own in zip(times[reference], times[name], strict=True))
        cosine = float((vectors[name] * vectors[reference]).sum(1).min())
        share = operations(tokens, len(texts)) / median(times[name]) / 1e9 / median(peaks)
        yield (
            f"{name:24} {tokens / median(times[name]):7,.0f} tokens/s of one core, {ratio:.2f} times {reference}, "
            f"smallest cosine {cosine:.6f}, {share:.0%} of the rate of products"
        )


def embed(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    texts = chunks_of(folder)
    encode = ours()
    sides: dict[str, Encode] = {"groundtune": lambda given: encode.embed(given, "document"), **peers()}
    yield from race(sides, texts, "sentence-transformers")


def integers(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    texts = chunks_of(folder)
    rounded, exact = ours(integers=True), ours()
    sides: dict[str, Encode] = {
        "groundtune, int8": lambda given: rounded.embed(given, "document"),
        "sentence-transformers": sentence_transformers(),
    }
    yield from race(sides, texts, "sentence-transformers")
    for name, place in COLLECTIONS.items():
        collection = load(options.data / place)
        scores = []
        for model in (exact, rounded):
            passages = model.embed([embedded_text(chunk) for chunk in collection.chunks], "document")
            asked = model.embed(list(collection.questions.values()), "query")
            order = np.argsort(-(asked @ passages.T), axis=1, kind="stable")[:, :10]
            found = [[collection.chunks[place].document for place in row] for row in order]
            pairs = zip(found, collection.questions, strict=True)
            scores.append(np.array([ndcg(each, collection.judgements[id_]) for each, id_ in pairs]))
        difference = scores[1] - scores[0]
        yield (f"{name:10} nDCG@10 {scores[0].mean():.4f}, int8 {scores[1].mean():.4f}: {interval(difference)}")


class Base:
    """A folder of pages with a store beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.embedder, self.settings = folder, ours(), KnowledgeSettings(read_apart=False)

    def ingest(self) -> IngestReport:
        """Bring the store up to date, as the command does; files are read in this process, whose time is taken."""
        store = open_store("lancedb:store", self.folder.parent, self.embedder)
        seen = SeenFiles(self.folder.parent / "seen.json", self.settings)
        return ingest(self.folder, store, self.embedder, self.settings, None, Manner(seen=seen))


def whole(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    texts, base, encode = chunks_of(folder), Base(folder), sentence_transformers()
    base.embedder.embed(texts[:64], "document")
    encode(texts[:64])
    own, bare = seconds_of(base.ingest), seconds_of(lambda: encode(texts))
    yield f"{len(texts)} chunks: ingested in {own:.1f} s, the bare encoder takes {bare:.1f} s: {bare / own:.2f} times"


def again(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    base = Base(folder)
    base.embedder.embed(["The model is loaded before the clock starts."] * 64, "document")
    first = seconds_of(base.ingest)
    base.ingest()
    for path in sorted(folder.iterdir())[::100]:
        path.write_text(path.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    changed = seconds_of(base.ingest)
    yield f"one in a hundred changed: {changed:.2f} s, {changed / first:.1%} of the first time ({first:.1f} s)"


PARTS = {"embed": embed, "integers": integers, "ingest": whole, "again": again}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--share", type=float, default=0.1, help="share of the pages that is taken")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    for name in options.parts:
        print(f"== {name} ({options.threads} threads)", flush=True)
        with TemporaryDirectory() as folder:
            write_pages(Path(folder) / "pages", options)
            for line in PARTS[name](Path(folder) / "pages", options):
                print(line, flush=True)


if __name__ == "__main__":
    main()
