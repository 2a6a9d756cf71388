"""Does an agent beside the answer delay the answer's first words? With the built-in chat model, in one run.

    python benchmarks/first_token.py [--rounds 100] [--agents hangs raises leaks] [--model NAME]

A process without an agent, and one each with the same model and an agent that never ends, that raises, that takes 10 MB
more in every turn and gives nothing back, and, not by default, that computes in Python for as long as it lives
(`spins`). In a round, each process is asked the same question, in an order that is drawn anew (seeded), while the
others are stopped; what agents of earlier turns have left is still there. Two rounds before do not count. Prints the
median of the time until the first words, and its ratio to that without an agent, with a 95 % interval (bootstrap of
rounds).
"""

from __future__ import annotations

import argparse
import itertools
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

from groundtune import plugins
from groundtune.agents.team import AgentWork, Team, TeamLimits
from groundtune.assistant.closed_book import ClosedBook
from groundtune.settings import AssistantSettings, ModelSettings
from groundtune.values import ActionEvent, Question, TextPiece

QUESTIONS = ("What is roaming?", "How do I read my bill?", "What does a data plan limit?", "How long is a contract?")
WARM = 2  # rounds that do not count
LEAK = 10 * 2**20  # bytes in a turn
_leaked: list[bytes] = []
_begun = threading.Event()


def hangs() -> Iterator[ActionEvent]:
    """Wait for what never comes."""
    threading.Event().wait()
    yield from ()


def raises() -> Iterator[ActionEvent]:
    """Break."""
    yield from ()
    raise ValueError("boom")


def leaks() -> Iterator[ActionEvent]:
    """Take memory, all of it touched, and keep it."""
    _leaked.append(b"x" * LEAK)
    yield from ()


def spins() -> Iterator[ActionEvent]:
    """Compute without end: one agent, that of the first turn."""
    if not _begun.is_set():
        _begun.set()
        for _ in itertools.count():
            pass
    yield from ()


AGENTS: dict[str, AgentWork | None] = {"none": None, "hangs": hangs, "raises": raises, "leaks": leaks, "spins": spins}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=["hangs", "raises", "leaks"])
    parser.add_argument("--model", default=ModelSettings().name)
    parser.add_argument("--child", choices=AGENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        answer_lines(options.child, options.model)
    else:
        report(measured(options.rounds, ["none", *options.agents], options.model))


def answer_lines(name: str, model: str) -> None:
    """Answer each line of the input beside an agent, and print the seconds until the first words."""
    logging.disable(logging.CRITICAL)  # the agent that raises is logged in every turn
    settings, work = ModelSettings(name=model, max_tokens=4), AGENTS[name]
    chat = plugins.first("models", settings.name, settings, Path())
    team = Team(ClosedBook(chat, AssistantSettings(), "benchmark"), TeamLimits(seconds=0.05))
    for line in sys.stdin:
        began, first = time.perf_counter(), 0.0
        for event in team.respond(Question(line.strip()), {} if work is None else {name: work}):
            if not first and isinstance(event, TextPiece):
                first = time.perf_counter() - began
        print(first, flush=True)


def measured(rounds: int, agents: Sequence[str], model: str) -> dict[str, list[float]]:
    """Return the seconds until the first words, by agent, in order of rounds."""
    random = np.random.default_rng(16)
    command = [sys.executable, __file__, "--model", model, "--child"]
    children = {name: Child([*command, name]) for name in agents}
    seconds: dict[str, list[float]] = {name: [] for name in agents}
    for number in range(rounds + WARM):
        print(f"\rround {number + 1} of {rounds + WARM}", end="", file=sys.stderr, flush=True)
        for name in map(str, random.permutation(list(agents))):
            first = children[name].ask(QUESTIONS[number % len(QUESTIONS)])
            if number >= WARM:
                seconds[name].append(first)
    for each in children.values():
        each.process.kill()
    return seconds


class Child:
    """A process that is stopped but while it answers."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask(QUESTIONS[0])

    def ask(self, question: str) -> float:
        """Return the seconds until the first words."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGCONT)
        print(question, file=self.process.stdin, flush=True)
        seconds = float(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return seconds


def report(seconds: dict[str, list[float]]) -> None:
    """Print a row for each agent."""
    print("| agent | rounds | first words, ms | ratio | from | to |\n|---|---:|---:|---:|---:|---:|")
    without = np.array(seconds["none"])
    for name, values in seconds.items():
        row = f"| {name} | {len(values)} | {1000 * np.median(values):.1f} |"
        if name != "none":
            drawn = bootstrap(
                (np.array(values), without), ratio, paired=True, method="percentile", rng=np.random.default_rng(16)
            )
            low, high = drawn.confidence_interval
            row += f" {ratio(np.array(values), without):.3f} | {low:.3f} | {high:.3f} |"
        print(row)


def ratio(times: np.ndarray, others: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the ratio of the medians."""
    return np.median(times, axis=axis) / np.median(others, axis=axis)


if __name__ == "__main__":
    main()
