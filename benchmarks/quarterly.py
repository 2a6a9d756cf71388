"""Quarterly reports: do the numbers of an answer stand in the first passages? With plain fusion, no reranker.

    python benchmarks/quarterly.py ../shared/data/pdf_sec10q --out after.json
    python benchmarks/quarterly.py --compare before.json after.json

The collection is a folder with docs/*.pdf and qna.jsonl ("question", "answer"). Numbers are those that a reader of
figures would look for: years, and whole numbers below 100 without a sign of money or per cent, are left out. For each
question with such numbers: whether any and whether all of them stand in the first three passages, and which share does.
To compare two revisions, run the first line with each, and then the second line: it prints the paired differences with
their 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path

import numpy as np

from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import ingest
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.values import EVERYONE, Search

PASSAGES = 3
RESAMPLES, SEED = 10_000, 0
_NUMBER = re.compile(r"(?P<sign>[$€£]\s?)?(?<![\w.])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<cent>\s?%)?")
_YEAR = re.compile(r"(?:19|20)\d\d")


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


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Return by question "any", "all" and "share", each from 0 to 1."""
    rows = [json.loads(line) for line in (folder / "qna.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = {row["question"]: found for row in rows if (found := numbers(row["answer"].split("\n\nSOURCE")[0]))}
    settings, made = KnowledgeSettings(), embedder(EmbeddingSettings())
    with tempfile.TemporaryDirectory() as place:
        store = LanceDBStore(Path(place), made.signature, made.dimension)
        report = ingest(folder / "docs", store, made, settings)
        print(f"{report.chunks} chunks in {report.seconds:.0f} s; failed: {list(report.failed)}")
        searches = [Search(question, EVERYONE) for question in wanted]
        began = time.perf_counter()
        found = search_many(store, made, searches, Depth(PASSAGES, PASSAGES, settings.candidates), None)
        print(f"{1000 * (time.perf_counter() - began) / len(searches):.0f} ms a question")
    results = {}
    for (question, looked_for), passages in zip(wanted.items(), found, strict=True):
        standing = looked_for & set().union(*(numbers(passage.text, all_of_them=True) for passage in passages))
        share = len(standing) / len(looked_for)
        results[question] = {"any": float(share > 0), "all": float(share == 1), "share": share}
    return results


def compare(before: Path, after: Path) -> None:
    """Print means and paired differences; the interval is that of a bootstrap over questions."""
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (before, after))
    assert old.keys() == new.keys(), "not the same questions"
    for name in ("any", "all", "share"):
        differences = np.array([new[question][name] - old[question][name] for question in old])
        draws = np.random.default_rng(SEED).choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        means = [float(np.mean([each[name] for each in side.values()])) for side in (old, new)]
        gained = f"difference {differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        print(f"{name}: {means[0]:.3f} -> {means[1]:.3f}, {gained}")


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
    results = measure(arguments.folder)
    for name in ("any", "all", "share"):
        print(f"{name}: {np.mean([each[name] for each in results.values()]):.3f} of {len(results)} questions")
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
