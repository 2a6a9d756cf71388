"""Fits the threshold of `groundedness` on half of the human ratings, and shows what it gives on the other half.

    python benchmarks/groundedness.py ../shared/data/human_ratings/rag_answers/judge_human.jsonl

The ratings are those of MTRAG (Apache-2.0): answers of two models and a person to the same questions, each rated for
faithfulness by two or three people, from 1 to 4. Questions are split by hash, so that all answers to one question
stand on one side. The threshold is the one with the highest Spearman correlation on the first half. Beside it stand the
authors' own automatic figures for the same answers. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from groundtune.evaluation.scorers.groundedness import ENOUGH, supported_words
from groundtune.values import digest

THRESHOLDS = np.round(np.arange(0.3, 0.95, 0.05), 2)
AUTHORS = ("Bert-KPrec", "rl_f:composite", "rb_llm:composite", "RougeL")


def share(shares: Sequence[float], enough: float) -> float:
    return sum(one >= enough for one in shares) / len(shares)


def correlations(values: Sequence[float], ratings: Sequence[float]) -> tuple[float, float]:
    return float(stats.pearsonr(values, ratings)[0]), float(stats.spearmanr(values, ratings)[0])


def line(name: str, values: Sequence[float], ratings: Sequence[float]) -> str:
    pearson, spearman = correlations(values, ratings)
    return f"| {name} | {pearson:.2f} | {spearman:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings", type=Path)
    rows = [json.loads(text) for text in parser.parse_args().ratings.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["contexts"]]
    shares = [supported_words(row["response"], row["contexts"]) for row in rows]
    rows, shares = zip(*((row, one) for row, one in zip(rows, shares, strict=True) if one), strict=True)
    ratings = np.array([np.mean([float(given) for given in row["human"]["faithfulness"]]) for row in rows])
    first = np.array([int(digest("half", row["task_id"])[:8], 16) % 2 == 0 for row in rows])
    on_first = {
        enough: correlations(
            [share(one, enough) for one, here in zip(shares, first, strict=True) if here], ratings[first]
        )[1]
        for enough in THRESHOLDS.tolist()
    }
    best = max(on_first, key=lambda enough: on_first[enough])
    print(f"{first.sum()} answers to fit on, {(~first).sum()} to report on. Spearman on the first half by threshold:")
    print(", ".join(f"{enough}: {found:.2f}" for enough, found in on_first.items()))
    print(f"best {best}; the scorer has {ENOUGH}\n")
    rest = [number for number, here in enumerate(first) if not here]
    print("| on the other half | Pearson | Spearman |\n|---|---:|---:|")
    print(line(f"groundedness ({best})", [share(shares[number], best) for number in rest], ratings[rest]))
    print(line("mean share of words", [float(np.mean(shares[number])) for number in rest], ratings[rest]))
    for key in AUTHORS:
        print(line(f"the authors' `{key}`", [rows[number]["auto"][key] for number in rest], ratings[rest]))
    low = ratings[rest] <= 3
    flagged = np.array([share(shares[number], best) < 1 for number in rest])
    print(
        f"\nOf {low.sum()} answers rated 3 or lower {(flagged & low).sum()} have a sentence that is not supported; "
        f"of the {(~low).sum()} others {(flagged & ~low).sum()}."
    )


if __name__ == "__main__":
    main()
