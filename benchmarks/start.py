"""How long commands take that find nothing to do, against importing the packages that any of them needs, in one run.

    python benchmarks/start.py [--rounds 9] [--files 5000]

A project with the telecom example's documents is ingested once. Then `--help`, an unchanged `ingest` and `knowledge
list` take turns with `python -c "import typer, pydantic, sqlalchemy"`, each in a process of its own. Printed are
medians of processor seconds and of the ratios within a round. Last, an unchanged ingestion of many small files, in one
process, against a walk over their folder that looks at each.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from groundtune.knowledge.ingest import IngestReport, Manner, ingest
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder

BARE = "import typer, pydantic, sqlalchemy"


def seconds(*arguments: str) -> float:
    """Return the processor seconds of a Python process with these arguments."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(rounds: int) -> None:
    with TemporaryDirectory() as folder:
        project = str(Path(folder) / "shop")
        run = "from groundtune.cli import main; import sys; sys.argv[0] = 'groundtune'; main()"
        seconds("-c", run, "init", project)
        source = Path(__file__).parents[1] / "examples" / "telecom" / "documents"
        for number, path in enumerate(sorted(source.rglob("*.md"))):
            (Path(project) / "documents" / f"{number}.md").write_bytes(path.read_bytes())
        sides = {
            "bare": (BARE,),
            "--help": (run, "--help"),
            "ingest, unchanged": (run, "ingest", "--project", project),
            "knowledge list": (run, "knowledge", "list", "--project", project),
        }
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(2):  # the first one fills the store, the second one finds its files old enough
            time.sleep(2.5)
            seconds("-c", *sides["ingest, unchanged"])
        for _ in range(rounds):
            for name, arguments in sides.items():
                times[name].append(seconds("-c", *arguments))
    for name, taken in times.items():
        ratio = median(own / bare for own, bare in zip(taken, times["bare"], strict=True))
        print(f"{name:20} {median(taken):.2f} s, {ratio:.2f} times the bare import", flush=True)


def files(number: int, rounds: int) -> None:
    with TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        for each in range(number):
            path = documents / str(each % 50) / f"{each}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {each}\n\nA zebra.", encoding="utf-8")
            os.utime(path, (time.time() - 60,) * 2)
        settings, embedder = KnowledgeSettings(read_apart=False), HashingEmbedder()

        def again() -> IngestReport:
            store = open_store("lancedb:store", Path(folder), embedder)
            seen = SeenFiles(Path(folder) / "seen.json", settings)
            return ingest(documents, store, embedder, settings, None, Manner(seen=seen))

        def walk() -> None:
            for place, _, names in os.walk(documents):
                for name in names:
                    os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 -- the barest there is

        again()
        again()
        ratios = []
        for _ in range(rounds):
            began = time.process_time()
            walk()
            middle = time.process_time()
            again()
            ratios.append((time.process_time() - middle) / (middle - began))
        print(f"{number:,} unchanged files: {median(ratios):.1f} times a walk with stat")


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--files", type=int, default=5000)
    options = parser.parse_args()
    commands(options.rounds)
    files(options.files, options.rounds)


if __name__ == "__main__":
    main()
