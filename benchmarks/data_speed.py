"""How long the checks of training data without a model take, and how much memory: in proportion to the lines?

    python benchmarks/data_speed.py [--lines 100000 1000000] [--profile]

Lines are conversations of about 300 characters, made of the telecom example's documents: a question of 15 words and an
answer of 30. One in twenty repeats an earlier line, one in twenty nearly repeats one. Each size has a process of its
own, so that its memory is its own. Printed are lines, seconds by the clock and of processor time (which other work on
the machine disturbs less), microseconds of processor time a line, and the most memory that the process had.
`--profile` tells what each check takes of the smallest size. The gates that need an encoder or a judge do not run;
docs/data.md says how many lines those look at.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from groundtune.settings import DataSettings
from groundtune.tuning.quality.check import Surroundings
from groundtune.tuning.quality.lines import DataFile, data_lines
from groundtune.tuning.quality.run import CHECKS, check_files

TELECOM = Path(__file__).parents[1] / "examples" / "telecom"
KEPT = 2000  # lines that later ones may repeat


def words() -> list[str]:
    source = " ".join(path.read_text(encoding="utf-8") for path in sorted((TELECOM / "documents").rglob("*.md")))
    return [word for word in source.split() if any(letter.isalnum() for letter in word)]


def rows(count: int, seed: int = 17) -> Iterator[tuple[str, str]]:
    """Yield `count` (question, answer)."""
    rng, source = random.Random(seed), words()
    earlier: list[tuple[str, str]] = []
    for number in range(count):
        draw = rng.random()
        if draw < 0.1 and earlier:
            question, answer = rng.choice(earlier)
            if draw < 0.05:
                answer = f"{answer} {rng.choice(source)}"
        else:
            question, answer = (" ".join(rng.choices(source, k=length)) for length in (15, 30))
        if len(earlier) < KEPT:
            earlier.append((question, answer))
        elif number % 50 == 0:
            earlier[rng.randrange(KEPT)] = (question, answer)
        yield question, answer


def write(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for question, answer in rows(count):
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")


def around() -> Surroundings:
    cases = [json.loads(line) for line in (TELECOM / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = {case["id"]: case["question"] for case in cases}
    ideal = {case["id"]: case["ideal_answer"] for case in cases if case["answerable"]}
    documents = {path.name: path.read_text(encoding="utf-8") for path in (TELECOM / "documents").rglob("*.md")}
    return Surroundings(DataSettings(names_sample=1, model_sample=1), questions, ideal, documents)


def measure(path: Path) -> tuple[float, float, float, list[str]]:
    """Return (seconds, seconds of processor time, gigabytes, gates that did not pass)."""
    started, before = time.perf_counter(), time.process_time()
    report = check_files([DataFile(path, path.name)], around()).report
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    return seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, list(report.failed)


def profile(path: Path) -> None:
    started = time.perf_counter()
    lines = list(data_lines(DataFile(path, path.name)))
    print(f"{'reading':40} {1e6 * (time.perf_counter() - started) / len(lines):8.1f} microseconds a line")
    for one in CHECKS:
        check = one.check(around())
        started = time.perf_counter()
        for line in lines:
            check.see(line)  # type: ignore[arg-type]
        print(f"{one.check.__module__:40} {1e6 * (time.perf_counter() - started) / len(lines):8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--profile", action="store_true", help="what each check takes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for count in sorted(arguments.lines):
            path = Path(folder) / f"{count}.jsonl"
            write(path, count)
            if arguments.profile:
                profile(path)
                return
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                seconds, processor, gigabytes, failed = pool.submit(measure, path).result()
            print(
                f"{count:>10,} lines {seconds:8.1f} s {processor:8.1f} s of processor time, "
                f"{1e6 * processor / count:6.0f} µs a line {gigabytes:6.2f} GB  not passed: {failed}",
                flush=True,
            )
            path.unlink()


if __name__ == "__main__":
    main()
