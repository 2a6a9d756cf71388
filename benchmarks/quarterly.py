"""Quarterly reports: are the numbers of an answer in the first passages, and do chunks of tables say what they are?

    python benchmarks/quarterly.py ../shared/data/pdf_sec10q --out after.json
    python benchmarks/quarterly.py --compare before.json after.json

The collection is a folder with docs/*.pdf and qna.jsonl ("question", "answer"). Numbers are those that a reader of
figures would look for: years, and whole numbers below 100 without a sign of money or per cent, are left out. For each
question with such numbers: whether any and whether all of them stand in the first three passages, and which share does,
with vectors alone, words alone, plain fusion, and the default pipeline, which fuses and widens; how many characters the
passages have, and how long a question takes, one at a time. Then where the numbers are lost, on the development half.

A chunk is numeric if two of its lines or more are rows of a table with a digit. It has a period if a year stands in its
text or in its heading behind the title of the document, and a unit if thousands, millions, billions or per cent do.

To compare two revisions, run the first line with each, and then the second line: it prints the paired differences
between the fusion of the first and the default pipeline of the second (the fusion, where it has none) with their 95 %
intervals, over all questions and over both halves: what was chosen was chosen on the development half.
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

from groundtune.assembly.finding import PassageFinder
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import Manner, ingest, passages
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.records import open_records
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.values import EVERYONE, Chunk, Passage, Search

PASSAGES = 3
RESAMPLES, SEED = 10_000, 0
_NUMBER = re.compile(r"(?P<sign>[$€£]\s?)?(?<![\w.])(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<cent>\s?%)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_UNIT = re.compile(r"\b(?:thousand|million|billion)s?\b|%|\bper ?cent", re.IGNORECASE)
_ROW = re.compile(r"\S \| .*\d|\| .*\d")
WAYS = {
    "vectors": {"search": "vectors", "widen": "none"},
    "words": {"search": "words", "widen": "none"},
    "fused": {"widen": "none"},
    "default": {},
}
DEPTHS = (3, 10, 30, 100)
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
    """Return what each way finds, and print what it costs and where numbers are lost."""
    rows = [json.loads(line) for line in (folder / "qna.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = {row["question"]: found for row in rows if (found := numbers(row["answer"].split("\n\nSOURCE")[0]))}
    made = embedder(EmbeddingSettings())
    results = {}
    with tempfile.TemporaryDirectory() as place, open_records("sqlite:///records.db", Path(place)) as records:
        store = LanceDBStore(Path(place), made.signature, made.dimension)
        revisions = records.revisions("benchmark", 0)
        report = ingest(folder / "docs", store, made, KnowledgeSettings(), manner=Manner(revisions=revisions))
        cut = f"{report.cut_by_embedder} longer than the embedder reads"
        print(f"{report.chunks} chunks in {report.seconds:.0f} s, {cut}; failed: {list(report.failed)}")
        finders = {
            way: PassageFinder(KnowledgeSettings(passages=PASSAGES, **settings), store, made, None, revisions)
            for way, settings in WAYS.items()
        }
        for way, (found, seconds) in asked(finders, list(wanted)).items():
            characters = np.mean([sum(len(passage.text) for passage in passages) for passages in found])
            p50, p95 = 1000 * np.quantile(seconds, [0.5, 0.95])
            print(f"{way}: p50 {p50:.1f} ms, p95 {p95:.1f} ms a question, {characters:.0f} characters")
            texts = [[passage.text for passage in passages] for passages in found]
            results[way] = {q: _standing(wanted[q], each) for q, each in zip(wanted, texts, strict=True)}
        gold = {row["question"]: {f"{name}.pdf" for name in row.get("gold_docs", ())} for row in rows}
        explain(finders, {q: each for q, each in wanted.items() if is_development(q)}, gold)
    return results


def asked(
    finders: dict[str, PassageFinder], questions: list[str]
) -> dict[str, tuple[list[list[Passage]], list[float]]]:
    """Return what each way finds for each question, and the seconds that it took; the ways take turns."""
    answers: dict[str, tuple[list[list[Passage]], list[float]]] = {way: ([], []) for way in finders}
    for question in [questions[0], *questions]:  # the first one is asked twice: whatever is opened is open then
        for way, finder in finders.items():
            began = time.perf_counter()
            found = finder.find([Search(question, EVERYONE)])
            answers[way][0].extend(found)
            answers[way][1].append(time.perf_counter() - began)
    return {way: (found[1:], seconds[1:]) for way, (found, seconds) in answers.items()}


def explain(finders: dict[str, PassageFinder], wanted: dict[str, set[str]], gold: dict[str, set[str]]) -> None:
    """Print how many questions have a number of their answer in the first passages of a document that answers them,
    and which share of the first three are from such a document, and have rows of a table."""
    print(f"{len(wanted)} development questions: any number, in a document of the answer, in the first")
    searches = [Search(question, EVERYONE) for question in wanted]
    for way, finder in finders.items():
        places, shares = [], []
        for question, each in zip(wanted, finder.find(searches, DEPTHS[-1]), strict=True):
            right = [passage.document in gold[question] for passage in each]
            has = [bool(wanted[question] & numbers(passage.text, all_of_them=True)) for passage in each]
            places.append(next((n for n, both in enumerate(zip(right, has, strict=True), 1) if all(both)), None))
            rows = [bool(_ROW.search(passage.text)) for passage in each[:PASSAGES]]
            shares.append((np.mean(right[:PASSAGES]), np.mean(rows)))
        counts = ", ".join(f"{depth}: {sum(bool(n and n <= depth) for n in places)}" for depth in DEPTHS)
        of_answer, of_tables = np.mean(shares, axis=0)
        print(f"{way}: {counts}; of the first three, from its documents {of_answer:.2f}, with rows {of_tables:.2f}")


def _standing(looked_for: set[str], texts: list[str]) -> dict[str, float]:
    standing = looked_for & set().union(*(numbers(text, all_of_them=True) for text in texts))
    share = len(standing) / len(looked_for)
    return {"any": float(share > 0), "all": float(share == 1), "share": share}


def is_development(question: str) -> bool:
    """Tell whether a question is on the development side."""
    return hashlib.sha256(question.encode()).digest()[-1] % 2 == 0


def compare(before: Path, after: Path) -> None:
    """Print means and paired differences; the interval is that of a bootstrap over questions."""
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (before, after))
    old, new = old["fused"], new.get("default", new["fused"])
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
