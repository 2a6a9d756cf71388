"""Correlation of ROUGE, BLEU and BERTScore with people's ratings, by our scorers and by the reference implementations.

    python benchmarks/correlation.py ../shared/data/human_ratings

Four public sets: MTRAG answers (without those that are the reference itself), SummEval (11 references), BAGEL (several
references) and WMT19 Kazakh-English (pairs of a better and a worse translation, `WMT_PAIRS` of them). Item-level
correlations are over all items together; system-level ones over the means of systems, where a set has enough of them.
For WMT, the share of pairs in which the better one scores higher, a tie counting as wrong, and WMT's Kendall-like tau,
(right - wrong) / all. Both sides score the same texts; the largest difference between them is printed. The encoder is
the built-in one. Prints Markdown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sacrebleu
from scipy import stats

from groundtune.evaluation.run import score_answers
from groundtune.evaluation.scorers import scorers
from groundtune.packaged import encoder_folder
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

METRICS = ["rouge1", "rouge2", "rougeL", "bleu", "bertscore_f1"]
WMT_PAIRS = 2000
FEWEST_SYSTEMS = 5
Values = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Item:
    """A text with its references, its system, and the mean of its ratings by dimension."""

    text: str
    references: tuple[str, ...]
    system: str
    ratings: Mapping[str, float]


def lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def rag_answers(folder: Path) -> list[Item]:
    rows = [row for row in lines(folder / "rag_answers" / "judge_human.jsonl") if row["model"] != "reference"]
    dimensions = ["faithfulness", "appropriateness", "completeness", "naturalness"]
    return [
        Item(
            row["response"],
            (row["reference"],),
            row["model"],
            {name: float(np.mean([float(given) for given in row["human"][name]])) for name in dimensions},
        )
        for row in rows
    ]


def summeval(folder: Path) -> list[Item]:
    references = {row["doc_id"]: tuple(row["refs"]) for row in lines(folder / "summeval" / "docs.jsonl")}
    rows = lines(folder / "summeval" / "outputs.jsonl")
    return [Item(row["hypothesis"], references[row["doc_id"]], row["system"], row["human"]) for row in rows]


def bagel(folder: Path) -> list[Item]:
    rows = lines(folder / "d2t_bagel.jsonl")
    return [Item(row["hypothesis"], tuple(row["refs"]), row["system"], row["human"]) for row in rows]


def wmt(folder: Path) -> list[Item]:
    """Return better and worse in turns."""
    rows = lines(folder / "wmt19_kk-en_darr.jsonl.gz")
    chosen = random.Random(17).sample(rows, WMT_PAIRS)
    return [Item(row[side], (row["ref"],), "", {}) for row in chosen for side in ("better", "worse")]


def ours(items: Sequence[Item]) -> Values:
    pairs = [
        (
            Case(str(number), "?", item.references[0], (), True, "g", "test", other_ideal_answers=item.references[1:]),
            Answer(item.text, False, Usage()),
        )
        for number, item in enumerate(items)
    ]
    chosen = scorers(ComparisonSettings(), METRICS, [case for case, _ in pairs])
    found = score_answers(chosen, pairs, {}, lambda scorer, made: None)
    return {name: [float(scores[case.id].value) for case, _ in pairs] for name, scores in found.items()}


def theirs(items: Sequence[Item]) -> Values:
    from bert_score import BERTScorer
    from rouge_score.rouge_scorer import RougeScorer

    rouge, bleu = RougeScorer(METRICS[:3]), sacrebleu.BLEU(effective_order=True)
    encoder = BERTScorer(model_type=str(encoder_folder("minilm-l6-v2")), num_layers=6)
    rouges = [rouge.score_multi(list(item.references), item.text) for item in items]
    f1 = encoder.score([item.text.strip() for item in items], [[one.strip() for one in i.references] for i in items])[2]
    return {name: [found[name].fmeasure for found in rouges] for name in METRICS[:3]} | {
        "bleu": [bleu.sentence_score(item.text, list(item.references)).score for item in items],
        "bertscore_f1": f1.tolist(),
    }


def correlations(values: Sequence[float], ratings: Sequence[float]) -> tuple[float, float, float]:
    """Return all three; scores are rounded, since bert-score gives equal texts values that differ in the last bits, and
    rank correlations would take these for an order."""
    rounded = np.round(values, 6)
    tests = (stats.pearsonr, stats.spearmanr, stats.kendalltau)
    return tuple(float(test(rounded, ratings)[0]) for test in tests)  # type: ignore[return-value]


def by_system(items: Sequence[Item], values: Sequence[float]) -> list[float]:
    found: dict[str, list[float]] = defaultdict(list)
    for item, value in zip(items, values, strict=True):
        found[item.system].append(value)
    return [float(np.mean(found[system])) for system in sorted(found)]


def rated(title: str, items: Sequence[Item]) -> tuple[Values, Values]:
    """Print a row a dimension, and return the scores of both sides."""
    sides = ours(items), theirs(items)
    levels = [("items", lambda values: values)]
    if len({item.system for item in items}) >= FEWEST_SYSTEMS:
        levels.append(("systems", lambda values: by_system(items, values)))
    apart = 0.0
    for level, reduce in levels:
        for dimension in items[0].ratings:
            ratings = reduce([item.ratings[dimension] for item in items])
            cells = []
            for name in METRICS:
                one, other = (correlations(reduce(side[name]), ratings) for side in sides)
                apart = max(apart, *(abs(a - b) for a, b in zip(one, other, strict=True)))
                cells.append(" / ".join(f"{value:.2f}" for value in one))
            print(f"| {title}, {len(ratings)} {level}: {dimension} | {' | '.join(cells)} |", flush=True)
    print(f"| {title}: most that a correlation differs from the reference's | {apart:.0e} |" + " |" * 4)
    return sides


def preferred(items: Sequence[Item]) -> tuple[Values, Values]:
    sides = ours(items), theirs(items)
    cells, others = (
        [(np.array(side[name][::2]) > np.array(side[name][1::2])).mean() for name in METRICS] for side in sides
    )
    title = f"WMT19 kk-en, {len(items) // 2} pairs"
    print(f"| {title}: better one scores higher | {' | '.join(f'{right:.3f}' for right in cells)} |")
    print(f"| {title}: Kendall-like tau | {' | '.join(f'{2 * right - 1:.3f}' for right in cells)} |")
    print(f"| {title}: the reference's tau | {' | '.join(f'{2 * right - 1:.3f}' for right in others)} |", flush=True)
    return sides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder human_ratings")
    folder = parser.parse_args().folder
    print(f"| Pearson / Spearman / Kendall | {' | '.join(METRICS)} |")
    print("|---" * (1 + len(METRICS)) + "|")
    apart = dict.fromkeys(METRICS, 0.0)
    for sides in (
        rated("MTRAG answers", rag_answers(folder)),
        rated("SummEval", summeval(folder)),
        rated("BAGEL", bagel(folder)),
        preferred(wmt(folder)),
    ):
        for name in METRICS:
            apart[name] = max(apart[name], float(np.abs(np.subtract(sides[0][name], sides[1][name])).max()))
    print(f"| most that a score differs from the reference's | {' | '.join(f'{apart[n]:.0e}' for n in METRICS)} |")


if __name__ == "__main__":
    main()
