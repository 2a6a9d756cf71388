"""How fast answers are scored, against the reference implementations, on equal values, in one run.

    python benchmarks/scoring.py [--parts words one several]

words    10,000 pairs of 100 words: ROUGE-1, 2, L and BLEU, against rouge-score and sacrebleu called for each pair
one      BERTScore of one candidate, 1,000 pairs, against bert-score with the same encoder and threads
several  BERTScore of five candidates against the same 500 ideal answers, each scored by itself as a comparison does

Ours is `score_answers` with the scorers that `groundtune score` uses. Each side has a process of its own. They take
turns, `ROUNDS` times, each round on other texts and beginning with the other side. Printed are pairs a second, the
median over the rounds of the reference's time through ours, by the clock and by processor time (which other work on the
machine disturbs less), the most memory, and the largest difference between values. Words come from the telecom example:
an ideal answer is a stretch of its documents, an answer one that overlaps it by half, with every fifth word exchanged.
Loading a model is not timed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from groundtune.evaluation.run import score_answers
from groundtune.evaluation.scorers import scorers
from groundtune.evaluation.scorers._encoder import open_encoder
from groundtune.packaged import encoder_folder
from groundtune.protocols import Scorer
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

ROUNDS, THREADS, LAYER = 5, 2, 6
DOCUMENTS = Path(__file__).parents[1] / "examples" / "telecom" / "documents"
LEXICAL = ("rouge1", "rouge2", "rougeL", "bleu")
SEMANTIC = ("bertscore_precision", "bertscore_recall", "bertscore_f1")
Texts = list[tuple[str, str]]
Values = list[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Timed:
    """What one side gave in one round."""

    seconds: float
    processor_seconds: float
    gigabytes: float
    values: Values


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


def timed(score: Callable[[Texts], Values], candidates: Sequence[Texts]) -> Timed:
    started, before, found = time.perf_counter(), time.process_time(), []
    for pairs in candidates:
        found += score(pairs)
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    return Timed(seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, found)


@cache
def our_scorers(names: tuple[str, ...]) -> list[Scorer]:
    settings = ComparisonSettings()
    if names == SEMANTIC:
        import torch

        torch.set_num_threads(THREADS)
        open_encoder(settings.bertscore_model, settings.bertscore_layer)
    return scorers(settings, names)


def ours(candidates: Sequence[Texts], names: tuple[str, ...]) -> Timed:
    chosen = our_scorers(names)

    def score(pairs: Texts) -> Values:
        cases = [
            (Case(str(number), "?", ideal, (), True, "g", "test"), Answer(given, False, Usage()))
            for number, (ideal, given) in enumerate(pairs)
        ]
        scores = score_answers(chosen, cases, {}, lambda scorer, made: None)
        return [tuple(scores[name][case.id].value or 0.0 for name in names) for case, _ in cases]

    return timed(score, candidates)


def rouge_score_and_sacrebleu(candidates: Sequence[Texts], names: tuple[str, ...]) -> Timed:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics.bleu import BLEU

    rouge, bleu = RougeScorer(list(names[:-1])), BLEU(effective_order=True)

    def score(pairs: Texts) -> Values:
        found = []
        for ideal, given in pairs:
            scores = rouge.score(ideal, given)
            found.append((*(scores[name].fmeasure for name in names[:-1]), bleu.sentence_score(given, [ideal]).score))
        return found

    return timed(score, candidates)


@cache
def bert_scorer() -> Any:  # noqa: ANN401 -- bert_score is untyped
    import torch
    from bert_score import BERTScorer

    torch.set_num_threads(THREADS)
    return BERTScorer(model_type=str(encoder_folder("minilm-l6-v2")), num_layers=LAYER)


def bert_score(candidates: Sequence[Texts], names: tuple[str, ...]) -> Timed:
    scorer = bert_scorer()

    def score(pairs: Texts) -> Values:
        triples = scorer.score([given for _, given in pairs], [ideal for ideal, _ in pairs])
        return list(zip(*(values.tolist() for values in triples), strict=True))

    return timed(score, candidates)


def measure(
    title: str, rounds: Sequence[Sequence[Texts]], names: tuple[str, ...], theirs: Callable[..., Timed]
) -> None:
    results: dict[Callable[..., Timed], list[Timed]] = {ours: [], theirs: []}
    new = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=new) as one, ProcessPoolExecutor(1, mp_context=new) as other:
        for side, pool in ((ours, one), (theirs, other)):
            pool.submit(side, [[("a first text", "the first text")]], names).result()  # loads what has to be loaded
        for number, candidates in enumerate(rounds):
            turns = [(ours, one), (theirs, other)]
            for side, pool in turns if number % 2 else reversed(turns):
                results[side].append(pool.submit(side, candidates, names).result())
    mine, reference = results.values()
    apart = max(
        abs(x - y) for a, b in zip(mine, reference, strict=True) for u, v in zip(a.values, b.values, strict=True)
        for x, y in zip(u, v, strict=True)
    )  # fmt: skip
    pairs = sum(len(texts) for candidates in rounds for texts in candidates)
    clock = sorted(b.seconds / a.seconds for a, b in zip(mine, reference, strict=True))
    processor = sorted(b.processor_seconds / a.processor_seconds for a, b in zip(mine, reference, strict=True))
    cells = [
        title,
        *(f"{pairs / sum(run.seconds for run in runs):.0f}" for runs in (mine, reference)),
        *(f"{median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})" for ratios in (clock, processor)),
        *(f"{max(run.gigabytes for run in runs):.2f}" for runs in (mine, reference)),
        f"{apart:.0e}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=["words", "one", "several"], choices=["words", "one", "several"])
    given = parser.parse_args()
    head = "pairs|ours, pairs/s|reference, pairs/s|ratio, clock|ratio, processor|ours, GB|reference, GB|apart".split(
        "|"
    )
    print(f"| {' | '.join(head)} |\n|---{'|---:' * (len(head) - 1)}|", flush=True)
    if "words" in given.parts:
        rounds = [texts(10_000 // ROUNDS, 100, seed=seed) for seed in range(ROUNDS)]
        measure("ROUGE-1/2/L, BLEU", rounds, LEXICAL, rouge_score_and_sacrebleu)
    if "one" in given.parts:
        measure("BERTScore, one candidate", [texts(200, 50, seed=seed) for seed in range(ROUNDS)], SEMANTIC, bert_score)
    if "several" in given.parts:
        rounds = [texts(100, 50, 5, seed) for seed in range(ROUNDS)]
        measure("BERTScore, five candidates", rounds, SEMANTIC, bert_score)


if __name__ == "__main__":
    main()
