"""Quarterly reports: are the numbers of an answer in the first passages, and do chunks of tables say what they are?

    python benchmarks/quarterly.py ../shared/data/pdf_sec10q --out after.json
    python benchmarks/quarterly.py --compare before.json after.json

The collection is a folder with docs/*.pdf and qna.jsonl ("question", "answer"). Numbers are those that a reader of
figures would look for: years, and whole numbers below 100 without a sign of money or per cent, are left out. For each
question with such numbers: whether any and whether all of them stand in the first three passages, and which share does,
with vectors alone, words alone, and plain fusion, without a reranker.

A chunk is numeric if two of its lines or more are rows of a table with a digit. It has a period if a year stands in its
text or in its heading behind the title of the document, and a unit if thousands, millions, billions or per cent do.

To compare two revisions, run the first line with each (`PYTHONPATH=OTHER/src` for another one), and then the second
line: it prints the paired differences of the fusion with their 95 % intervals, over all questions and over both halves:
what was chosen was chosen on the development half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import ingest, passages
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.values import EVERYONE, Chunk, Leg, Search

PASSAGES = 3
RESAMPLES, SEED = 10_000, 0
_NUMBER = re.compile(r"(?P<sign>[$€£]\s?)?(?<![\w.])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<cent>\s?%)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNIT = re.compile(r"\b(?:thousand|million|billion)s?\b|%|\bper ?cent", re.IGNORECASE)
_ROW = re.compile(r"\S \| .*\d|\| .*\d")
LEGS: dict[str, tuple[Leg, ...]] = {"vectors": ("vectors",), "words": ("words",), "fused": ("vectors", "words")}
KINDS = ("any", "all", "share")

Results = dict[str, dict[str, float]]  # by question: "any", "all" and "share", each from 0 to 1


def numbers(text: str, *, all_of_them: bool = False) -> set[str]:
    """Return the numbers of `text` without thousands separators."""
    found = set()
    for match in _NUMBER.finditer(text):
        digits = match["digits"].replace(",", "")
        signed = bool(match["sign"] or match["cent"])
        small = "." not in digits and len(digits) < 3
        if all_of_them or signed or not (small or _YEAR.fullmatch(digits)):
            found.add(digits)
    return found


def explained(chunks: list[Chunk]) -> dict[str, float]:
    """Return how many chunks are numeric, and which share of them has a period, a unit, both and neither."""
    told = []
    for chunk in chunks:
        if sum(bool(_ROW.search(line)) for line in chunk.text.split("\n")) >= 2:
            said = f"{chunk.heading.partition(' > ')[2]}\n{chunk.text}"
            told.append((bool(_YEAR.search(said)), bool(_UNIT.search(said))))
    shares = np.array([(period, unit, period and unit, not (period or unit)) for period, unit in told]).mean(axis=0)
    return {"chunks": len(told), **dict(zip(("period", "unit", "both", "neither"), map(float, shares), strict=True))}


def measure(folder: Path) -> dict[str, Results]:
    """Return what each leg finds."""
    rows = [json.loads(line) for line in (folder / "qna.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = {row["question"]: found for row in rows if (found := numbers(row["answer"].split("\n\nSOURCE")[0]))}
    settings, made = KnowledgeSettings(), embedder(EmbeddingSettings())
    results = {}
    with tempfile.TemporaryDirectory() as place:
        store = LanceDBStore(Path(place), made.signature, made.dimension)
        report = ingest(folder / "docs", store, made, settings)
        cut = f"{report.cut_by_embedder} longer than the embedder reads"
        print(f"{report.chunks} chunks in {report.seconds:.0f} s, {cut}; failed: {list(report.failed)}")
        searches = [Search(question, EVERYONE) for question in wanted]
        for leg, parts in LEGS.items():
            began = time.perf_counter()
            found = search_many(store, made, searches, Depth(PASSAGES, PASSAGES, settings.candidates, legs=parts), None)
            print(f"{leg}: {1000 * (time.perf_counter() - began) / len(searches):.0f} ms a question")
            texts = [[passage.text for passage in passages] for passages in found]
            results[leg] = {q: _standing(wanted[q], each) for q, each in zip(wanted, texts, strict=True)}
    return results


def _standing(looked_for: set[str], texts: list[str]) -> dict[str, float]:
    standing = looked_for & set().union(*(numbers(text, all_of_them=True) for text in texts))
    share = len(standing) / len(looked_for)
    return {"any": float(share > 0), "all": float(share == 1), "share": share}


def is_development(question: str) -> bool:
    """Tell whether a question is on the development side."""
    return hashlib.sha256(question.encode()).digest()[-1] % 2 == 0


def compare(before: Path, after: Path) -> None:
    """Print means and paired differences; the interval is that of a bootstrap over questions."""
    old, new = (json.loads(path.read_text(encoding="utf-8"))["fused"] for path in (before, after))
    assert old.keys() == new.keys(), "not the same questions"
    halves = {"all": list(old), "development": [], "test": []}
    for question in old:
        halves["development" if is_development(question) else "test"].append(question)
    for half, questions in halves.items():
        for name in KINDS:
            differences = np.array([new[question][name] - old[question][name] for question in questions])
            draws = np.random.default_rng(SEED).choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            means = [float(np.mean([side[question][name] for question in questions])) for side in (old, new)]
            gained = f"difference {differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"
            print(f"{half}, {len(questions)} questions, {name}: {means[0]:.3f} -> {means[1]:.3f}, {gained}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of the collection")
    parser.add_argument("--out", type=Path, help="where the values of each question go")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"))
    arguments = parser.parse_args()
    if arguments.compare:
        compare(*arguments.compare)
        return
    if arguments.folder is None:
        parser.error("name the folder of the collection, or --compare")
    told = explained(passages(arguments.folder / "docs", KnowledgeSettings()))
    print(", ".join(f"{name}: {value:.3f}" for name, value in told.items()))
    results = measure(arguments.folder)
    for leg, values in results.items():
        means = (f"{name} {np.mean([each[name] for each in values.values()]):.3f}" for name in KINDS)
        print(f"{leg}: {', '.join(means)} of {len(values)} questions")
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
