"""One model in memory that serves several adapters, against one merged model an adapter, in one run.

    python benchmarks/switching.py

Answering: the same questions asked of a model that PEFT merged and fused as before (its own weights), and of the
pool's, in turns, so that both meet the same machine; the ratio of their times with its quartiles, by the clock and by
the processor's own count, which a busy machine disturbs less. Then the time of changing over from one candidate to the
next, and the memory that each way takes. Adapters are random, of the size that
`groundtune tune` makes by default: what they say does not matter here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import torch
from peft import PeftModel

from groundtune.assembly.pool import ModelPool
from groundtune.models import _llama, local
from groundtune.models._adapters import SharedWeights
from groundtune.models.builtin import chat_model_folder
from groundtune.protocols import ChatModel
from groundtune.settings import ModelSettings
from groundtune.testing.tiny import tiny_adapter
from groundtune.values import Message

ROUNDS, QUESTIONS, TOKENS, SWITCHES = 8, 3, 16, 6
TOPICS = ("a phone contract", "a fibre line", "roaming", "an invoice", "a router", "a SIM card")
PASSAGE = "A plan costs 12 euros a month and ends at the end of a month; whoever leaves earlier pays what is left. " * 6


def megabytes() -> float:
    """Return the memory that this process has resident now."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that passed, and those of all processors together."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def merged(settings: ModelSettings, adapter: Path | None) -> ChatModel:
    """Return what was opened before there was a pool."""
    model, tokenizer = local.load(str(chat_model_folder()))
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload().eval()
    return local.LocalChatModel("merged", "", SharedWeights("", _llama.fuse(model), tokenizer), tokenizer, settings)


def main() -> None:
    settings = ModelSettings(max_tokens=TOKENS)
    with tempfile.TemporaryDirectory() as folder:
        adapters = {
            name: tiny_adapter(chat_model_folder(), Path(folder) / name, seed, r=16, lora_alpha=1)
            for seed, name in enumerate(("tuned", "raft"))
        }
        measure(settings, {"base": None, **adapters}, Path(folder))


def measure(settings: ModelSettings, adapters: dict[str, Path | None], folder: Path) -> None:
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    start = megabytes()
    pool = ModelPool(settings, folder)
    print(f"pool: opened in {seconds(pool.model)[0]:.2f} s, {megabytes() - start:.0f} MB")
    candidates = {name: pool.model(None, [path] if path else []) for name, path in adapters.items()}
    short = [(Message("user", "Hello?"),)]
    for name, model in candidates.items():
        taken, _ = seconds(lambda model=model: model.complete(short, 1))
        print(f"pool: first token of {name} after {taken:.2f} s, {megabytes() - start:.0f} MB in all")
    changing(candidates)
    for name, path in adapters.items():
        before, held = megabytes(), []
        taken, _ = seconds(lambda path=path, held=held: held.append(merged(settings, path)))
        print(f"\nmerged {name}: opened in {taken:.2f} s, {megabytes() - before:.0f} MB")
        answering(name, candidates[name], held[0])


def changing(candidates: dict[str, ChatModel]) -> None:
    """Print how long a change over takes, there and back through all candidates."""
    order = [*candidates.values()] * SWITCHES
    times = []
    for _, model in pairwise(order):
        started = time.perf_counter()
        with model.shared.carrying(model.chain):
            times.append(time.perf_counter() - started)
    low, middle, high = quantiles(times, n=4)
    print(f"changing over: {middle * 1000:.0f} ms (quartiles {low * 1000:.0f} to {high * 1000:.0f}, n={len(times)})")


def answering(name: str, pooled: ChatModel, before: ChatModel) -> None:
    """Print how much longer the pool's model takes than the merged one, reading long prompts and writing."""
    questions = [
        (Message("system", PASSAGE), Message("user", f"Question {number}: what about {TOPICS[number % len(TOPICS)]}?"))
        for number in range(QUESTIONS)
    ]
    jobs: dict[str, Callable[[ChatModel], object]] = {
        "batch": lambda model: model.complete(questions),
        "stream": lambda model: list(model.stream(questions[0])),
    }
    for job, work in jobs.items():
        assert work(pooled) == work(before), "the pool's model answers otherwise"  # and both are warm
        pairs = []
        for number in range(ROUNDS):
            order = (pooled, before) if number % 2 else (before, pooled)
            taken = {id(model): seconds(lambda model=model, work=work: work(model)) for model in order}
            pairs.append((taken[id(pooled)], taken[id(before)]))
        for place, kind in enumerate(("clock", "processor")):
            ours, theirs = ([pair[side][place] for pair in pairs] for side in (0, 1))
            ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
            low, middle, high = quantiles(ratios, n=4)
            print(
                f"{name:>6} {job:>7} {kind:>10}: pool {median(ours):.2f} s, merged {median(theirs):.2f} s, ratio "
                f"{middle:.3f} (quartiles {low:.3f} to {high:.3f}, n={ROUNDS})",
                flush=True,
            )


if __name__ == "__main__":
    main()
