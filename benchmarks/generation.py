"""How fast the built-in model reads and writes here, against the machine's own limits, in one run.

    python benchmarks/generation.py

Reading: tokens a second and the share of the machine's own matrix-multiply rate (2048 x 2048, fp32, measured before
and after each reading). Operations are counted as in Kaplan et al. 2020 (arXiv 2001.08361, section 2.1): two for each
weight of the layers a token passes, and the attention's own. Writing: 60 questions together against one at a time.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import torch

from groundtune import plugins
from groundtune.models import _generation
from groundtune.settings import ModelSettings
from groundtune.values import Message

SIZE = 2048
SHAPES = ((1, 256), (1, 512), (1, 1024), (8, 256), (8, 480), (16, 128), (32, 40))
CASES, TOKENS = 60, 48
TOPICS = ("a phone contract", "a fibre line", "roaming", "an invoice", "a router", "a SIM card")


def matmul_rate() -> float:
    """Return floating-point operations a second of a square matrix product."""
    a = torch.randn(SIZE, SIZE)
    started = time.perf_counter()
    for _ in range(4):
        a @ a
    return 4 * 2 * SIZE**3 / (time.perf_counter() - started)


def operations(config: object, weights: int, rows: int, length: int) -> float:
    """Return the operations of reading `rows` prompts of `length` tokens, causal attention counted half."""
    attention = 2 * 2 * config.num_hidden_layers * config.hidden_size * length / 2  # type: ignore[attr-defined]
    return rows * length * (2 * weights + attention)


def reading(model: object, rows: int, length: int, repeats: int = 5) -> tuple[float, float]:
    """Return (tokens a second, share of the matrix-multiply rate), medians of `repeats`."""
    weights = sum(p.numel() for name, p in model.named_parameters() if "layers" in name)  # type: ignore[attr-defined]
    prompts = torch.randint(100, 40_000, (rows, length)).tolist()
    rates, shares = [], []
    for _ in range(repeats):
        before = matmul_rate()
        started = time.perf_counter()
        with torch.inference_mode():
            _generation.prefill(model, prompts)
        seconds = time.perf_counter() - started
        limit = (before + matmul_rate()) / 2
        rates.append(rows * length / seconds)
        shares.append(operations(model.config, weights, rows, length) / seconds / limit)  # type: ignore[attr-defined]
    return median(rates), median(shares)


def main() -> None:
    settings = ModelSettings()
    chat = plugins.first("models", settings.name, settings, Path())
    torch.manual_seed(0)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, matmul {matmul_rate() / 1e9:.0f} GFLOP/s")
    print(f"{'reading':>12} {'tokens/s':>9} {'of matmul':>9}")
    reading(chat.model, 1, 512, 1)
    for rows, length in SHAPES:
        rate, share = reading(chat.model, rows, length)
        print(f"{rows:>4} x {length:>5} {rate:>9.0f} {share:>9.0%}")
    questions = [
        (Message("user", f"Question {number}: what should I know about {TOPICS[number % len(TOPICS)]}?"),)
        for number in range(CASES)
    ]
    started = time.perf_counter()
    together = chat.complete(questions, TOKENS)
    batch = time.perf_counter() - started
    started = time.perf_counter()
    single = [chat.complete([question], TOKENS)[0] for question in questions]
    one_by_one = time.perf_counter() - started
    written = sum(completion.usage.completion_tokens for completion in together)
    same = sum(a.text == b.text for a, b in zip(together, single, strict=True))
    print(f"writing {CASES} answers ({written} tokens): together {batch:.1f} s, one at a time {one_by_one:.1f} s")
    print(f"together is {one_by_one / batch:.1f} times as fast; {same} of {CASES} answers are the same to the letter")


if __name__ == "__main__":
    main()
