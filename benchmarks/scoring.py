"""How fast answers are scored, against the reference implementations, on equal values, in one run.

    python benchmarks/scoring.py [--parts words one several]

words    10,000 pairs of 100 words: ROUGE-1, 2, L and BLEU, against rouge-score and sacrebleu called for each pair
one      BERTScore of one candidate, against bert-score with the same encoder and threads
several  BERTScore of five candidates against the same ideal answers, each scored by itself as a comparison does

Ours is `score_answers` with the scorers that `groundtune score` uses. Each side has a process of its own; the sides
take turns, `ROUNDS` times, and the median counts. Words come from the telecom example: an ideal answer is a stretch of
its documents, an answer one that overlaps it by half, with every fifth word exchanged. Loading a model is not timed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

from groundtune.evaluation.run import score_answers
from groundtune.evaluation.scorers import scorers
from groundtune.evaluation.scorers._encoder import open_encoder
from groundtune.packaged import encoder_folder
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

ROUNDS, THREADS, LAYER = 3, 2, 6
DOCUMENTS = Path(__file__).parents[1] / "examples" / "telecom" / "documents"
LEXICAL = ["rouge1", "rouge2", "rougeL", "bleu"]
SEMANTIC = ["bertscore_precision", "bertscore_recall", "bertscore_f1"]
Texts = list[tuple[str, str]]
Values = list[tuple[float, ...]]
Timed = tuple[float, float, Values]


def texts(number: int, words: int, answers: int = 1, seed: int = 17) -> list[Texts]:
    """Return `answers` lists of `number` pairs (ideal answer, answer), all with the same ideal answers."""
    rng = random.Random(seed)
    source = " ".join(path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS.rglob("*.md"))).split()
    source = [word for word in source if any(character.isalnum() for character in word)]
    starts = [rng.randrange(len(source) - 2 * words) for _ in range(number)]

    def answer(start: int) -> str:
        shift = start + rng.randrange(words)
        return " ".join(rng.choice(source) if rng.random() < 0.2 else word for word in source[shift : shift + words])

    return [[(" ".join(source[start : start + words]), answer(start)) for start in starts] for _ in range(answers)]


def peak() -> float:
    """Return the most memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def ours(candidates: Sequence[Texts], names: list[str]) -> Timed:
    settings = ComparisonSettings()
    if names == SEMANTIC:
        load()
    chosen = scorers(settings, names)
    started, found = time.perf_counter(), []
    for pairs in candidates:
        cases = [
            (Case(str(number), "?", ideal, (), True, "g", "test"), Answer(given, False, Usage()))
            for number, (ideal, given) in enumerate(pairs)
        ]
        scores = score_answers(chosen, cases, {}, lambda scorer, made: None)
        found += [tuple(scores[name][case.id].value or 0.0 for name in names) for case, _ in cases]
    return time.perf_counter() - started, peak(), found


def theirs_words(candidates: Sequence[Texts], names: list[str]) -> Timed:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU

    rouge, bleu = RougeScorer(names[:-1]), BLEU(effective_order=True)
    started, found = time.perf_counter(), []
    for ideal, given in candidates[0]:
        scores = rouge.score(ideal, given)
        found.append((*(scores[name].fmeasure for name in names[:-1]), bleu.sentence_score(given, [ideal]).score))
    return time.perf_counter() - started, peak(), found


def theirs_bert(candidates: Sequence[Texts], names: list[str]) -> Timed:
    import torch
    from bert_score import BERTScorer

    torch.set_num_threads(THREADS)
    scorer = BERTScorer(model_type=str(encoder_folder("minilm-l6-v2")), num_layers=LAYER)
    started, found = time.perf_counter(), []
    for pairs in candidates:
        triples = scorer.score([given for _, given in pairs], [ideal for ideal, _ in pairs])
        found += list(zip(*(values.tolist() for values in triples), strict=True))
    return time.perf_counter() - started, peak(), found


def load() -> None:
    """Open the encoder before the clock runs."""
    import torch

    torch.set_num_threads(THREADS)
    open_encoder(ComparisonSettings().bertscore_model, ComparisonSettings().bertscore_layer)


def alone(side: Callable[..., Timed], candidates: Sequence[Texts], names: list[str]) -> Timed:
    """Run one side in a new process, with nothing in its caches."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(side, candidates, names).result()


def measure(title: str, candidates: Sequence[Texts], names: list[str], theirs: Callable[..., Timed]) -> None:
    mine: list[Timed] = []
    other: list[Timed] = []
    for _ in range(ROUNDS):
        mine.append(alone(ours, candidates, names))
        other.append(alone(theirs, candidates, names))
    pairs = zip(mine[0][2], other[0][2], strict=True)
    apart = max(abs(a - b) for one, two in pairs for a, b in zip(one, two, strict=True))
    number = sum(map(len, candidates))
    seconds = [median(run[0] for run in runs) for runs in (mine, other)]
    ratios = sorted(b[0] / a[0] for a, b in zip(mine, other, strict=True))
    print(
        f"| {title} | {number / seconds[0]:.0f} | {number / seconds[1]:.0f} | {seconds[1] / seconds[0]:.2f} "
        f"({ratios[0]:.2f}–{ratios[-1]:.2f}) | {max(run[1] for run in mine):.2f} | {max(run[1] for run in other):.2f} "
        f"| {apart:.0e} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=["words", "one", "several"], choices=["words", "one", "several"])
    parser.add_argument("--pairs", type=int, help="pairs in every part; 10,000, 1,000 and 200 if not given")
    given = parser.parse_args()
    print("| pairs | ours, pairs/s | reference, pairs/s | ratio (of the rounds) | ours, GB | reference, GB | apart |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    if "words" in given.parts:
        measure("ROUGE-1/2/L, BLEU", texts(given.pairs or 10_000, 100), LEXICAL, theirs_words)
    if "one" in given.parts:
        measure("BERTScore, one candidate", texts(given.pairs or 1_000, 50), SEMANTIC, theirs_bert)
    if "several" in given.parts:
        measure("BERTScore, five candidates", texts(given.pairs or 200, 50, 5), SEMANTIC, theirs_bert)


if __name__ == "__main__":
    main()
