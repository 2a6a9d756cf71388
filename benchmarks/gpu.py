"""Tuning and answering on an NVIDIA GPU: the telecom example by LoRA in bf16, and on weights of four bits.

    python benchmarks/gpu.py [--folder DIR] [--steps N]

Instruction tuning twice, from the same seed on the same rows: activations in bf16 over fp32 weights, and over NF4
weights (needs bitsandbytes). Then base and both adapters answer the test questions closed-book, served alike:
the adapter in fp32 weights. Intervals are of 95 %, over cases. At last, how many tokens a second are decoded at once.
Without a GPU the first run is in fp32 and the second is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch

from groundtune import open_project
from groundtune.assistant.prompts import closed_book_messages
from groundtune.project import Project
from groundtune.settings import AssistantSettings
from groundtune.standalone import init
from groundtune.tuning.adapters import Manifest
from groundtune.values import Case, Conversation, Question
from techniques import interval, token_f1

AT_ONCE = (1, 8, 32, 128)
TOKENS = 64


def opened(folder: Path, steps: int, quantize: str) -> Project:
    """Open the project; no swaps of names are asked, which would take longer than the training."""
    settings = {"tuning.steps": steps, "tuning.quantize": quantize, "data.swap_questions": 0}
    return open_project(folder, settings, lambda stage, done, total: None)


def told(manifest: Manifest) -> Iterator[str]:
    """Tell what a run took and what was checked of it."""
    losses = [point for point in manifest.loss if point.held_out is not None]
    yield f"{manifest.tokens:,} tokens in {manifest.seconds:.1f} s, {manifest.tokens / manifest.seconds:.0f} a second"
    yield f"estimated {dict(manifest.estimate)}, took {dict(manifest.took)}"
    yield f"held-out loss {losses[0].held_out:.3f} -> {min(point.held_out or 9.9 for point in losses):.3f}"
    yield f"stopped: {manifest.stopped}, checks {manifest.measures}"


def answers(project: Project, names: list[str], cases: list[Case], prompts: list[Conversation]) -> Iterator[str]:
    """Let candidates answer, and compare their words with the ideal answers."""
    scores: dict[str, np.ndarray] = {}
    for name in names:
        model: Any = project.assembly.model_of(project.assembly.candidate(name))
        given = [completion.text for completion in model.complete(prompts, 4 * TOKENS)]
        pairs = zip(given, cases, strict=True)
        scores[name] = np.array([token_f1(answer, case.ideal_answers) for answer, case in pairs])
        yield f"{name:6} token F1 {scores[name].mean():.3f} on {len(given)} questions"
    for name, other in [(name, "base") for name in names[1:]] + [tuple(names[1:])] * (len(names) == 3):
        yield f"{name} - {other}: {interval(scores[name] - scores[other])}"


def rates(project: Project, prompts: list[Conversation]) -> Iterator[str]:
    """Time how fast the base answers so many questions at once."""
    model: Any = project.assembly.model_of(project.assembly.candidate("base"))
    for count in AT_ONCE:
        asked = [prompts[place % len(prompts)] for place in range(count)]
        model.complete(asked[:1], 2)
        started = time.perf_counter()
        given = model.complete(asked, TOKENS)
        seconds = time.perf_counter() - started
        tokens = sum(completion.usage.completion_tokens for completion in given)
        yield f"{count:4} at once: {tokens / seconds:.0f} tokens a second"


def main() -> None:
    """Tune, answer and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a new folder for the project; a temporary one unless given")
    parser.add_argument("--steps", type=int, default=120)
    options = parser.parse_args()
    folder = options.folder or Path(mkdtemp()) / "telecom"
    init(folder, "telecom")
    gpu = torch.cuda.is_available()
    print(torch.cuda.get_device_name() if gpu else "no GPU: fp32 on the processor", flush=True)
    runs = {"bf16": "none", "nf4": "4bit"} if gpu else {"fp32": "none"}
    for name, quantize in runs.items():
        with opened(folder, options.steps, quantize) as project:
            for line in told(project.tune(name, "instruction")):
                print(f"{name}: {line}", flush=True)
    with opened(folder, options.steps, "none") as project:
        cases = [case for case in project.benchmark.cases if case.split == "test"]
        name = project.settings.project.name
        prompts = [closed_book_messages(AssistantSettings(), name, Question(case.question)) for case in cases]
        for line in (*answers(project, ["base", *runs], cases, prompts), *rates(project, prompts)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
