"""Drafting until there are as many cases as wanted, kept as they come, so that an interrupted run goes on.

Two files: the drafts, as lines of the benchmark with status "draft", and a journal of finished jobs with what was
refused and why. Knows no model and no template; a `Drafter` brings the drafts.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import BaseModel

from groundtune.errors import ModelFailed
from groundtune.evaluation.benchmark.cases import CaseLine, asked, read_cases
from groundtune.evaluation.benchmark.drafting import Asked, Draft, Drafter, Job, Kind, Outcome, Refused, fault, jobs
from groundtune.files import json_lines, read_jsonl
from groundtune.protocols import Progress, silent
from groundtune.values import EVERYONE, Chunk, digest

REPEATED = "the benchmark or the drafts have this question already"


class _Finished(BaseModel):
    """A line of the journal."""

    key: str
    kind: str
    kept: bool
    refused: list[dict[str, str]] = []


@dataclass(slots=True)
class Tally:
    """What came of one kind: cases (or groups of wordings) wanted and there, how many of them are new, refusals by
    reason, what the drafter said in each (the first of a reason), and whether the run gave up for want of any."""

    wanted: int
    there: int = 0
    new: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    gave_up: bool = False

    def refuse(self, refusal: Refused) -> None:
        """Count a refusal."""
        self.refused[refusal.reason] = self.refused.get(refusal.reason, 0) + 1
        if refusal.said:
            self.said.setdefault(refusal.reason, refusal.said)


class Shelf:
    """The drafts' file and the journal. `benchmark` is the file with the cases that there are already; `asker` the
    principals that drafts are to be asked with."""

    def __init__(self, drafts: Path, journal: Path, benchmark: Path, asker: Sequence[str] = EVERYONE) -> None:
        self._drafts, self._journal = drafts, journal
        self.asker = list(asker)
        self.asked = Asked()
        self._groups: dict[str, Counter[str]] = defaultdict(Counter)
        for path in (drafts, journal):
            _mend(path)
        rows = [row for path in (drafts, benchmark) if path.is_file() for _, row in read_cases(path)]
        self.ids = {row.id for row in rows}
        for row in rows:
            self._remember(row)
        finished = read_jsonl(journal, _Finished) if journal.is_file() else []
        self.finished = {row.key: row for _, row in finished}

    def group(self, document: str) -> str:
        """Return the group of most cases on the document, for a new one depends on them; without any, its name."""
        return self._groups[document].most_common(1)[0][0] if document in self._groups else document

    def keep(self, rows: Sequence[CaseLine]) -> None:
        """Append drafts."""
        _append(self._drafts, (row.model_dump(mode="json", exclude_defaults=True) for row in rows))
        for row in rows:
            self.ids.add(row.id)
            self._remember(row)

    def finish(self, key: str, kind: str, kept: bool, refused: Sequence[Refused]) -> None:
        """Note that a job is done, after its drafts are kept."""
        told = [{"reason": one.reason, "said": one.said} for one in refused]
        self.finished[key] = _Finished(key=key, kind=kind, kept=kept, refused=told)
        _append(self._journal, [self.finished[key].model_dump()])

    def _remember(self, row: CaseLine) -> None:
        self.asked.add(asked(row.question, row.history), [one.quote for one in row.passages if one.quote])
        for document in {one.document for one in row.passages}:
            self._groups[document][row.group_or_id] += 1


def draft_cases(
    drafter: Drafter,
    passages: Sequence[Chunk],
    texts: Mapping[str, str],
    wanted: Mapping[Kind, int],
    shelf: Shelf,
    *,
    seed: int,
    progress: Progress = silent,
) -> dict[Kind, Tally]:
    """Draft until every kind has as many as `wanted`, or its passages give no more. Finished jobs are not done again.

    Raises `ModelFailed` if the model fails on all jobs of a batch; what was made until then is kept.
    """
    tallies: dict[Kind, Tally] = {}
    for kind, number in wanted.items():
        tally = tallies[kind] = Tally(number)
        waiting = _waiting(jobs(kind, passages, seed, drafter.per_passage), drafter, shelf, tally)
        progress(f"drafting {kind}", 0, number)
        barren = 0
        while not tally.gave_up and (slice_ := _slice(waiting, drafter.batch, tally)):
            before = tally.new
            _draft(drafter, slice_, texts, shelf, tally)
            progress(f"drafting {kind}", tally.there, number)
            barren = 0 if tally.new > before else barren + len(slice_)
            tally.gave_up = drafter.patience is not None and barren >= drafter.patience
    return tallies


def _slice(waiting: Iterator[Job], most: int, tally: Tally) -> list[Job]:
    """Return as many jobs as are still wanted; those done before count while they are passed."""
    found: list[Job] = []
    while len(found) < min(most, tally.wanted - tally.there) and (job := next(waiting, None)) is not None:
        found.append(job)
    return found


def _waiting(every: Iterator[Job], drafter: Drafter, shelf: Shelf, tally: Tally) -> Iterator[Job]:
    """Yield the jobs that are not done, and count those that are."""
    for job in every:
        done = shelf.finished.get(_key(job, drafter))
        if done is None:
            yield job
            continue
        tally.there += done.kept
        for one in done.refused:
            tally.refuse(Refused(one["reason"], one["said"]))
        if tally.there >= tally.wanted:
            return


def _draft(drafter: Drafter, slice_: Sequence[Job], texts: Mapping[str, str], shelf: Shelf, tally: Tally) -> None:
    outcomes = drafter.draft(slice_)
    failed = [one for found in outcomes for one in found if isinstance(one, Refused) and one.again]
    if len(failed) == len(slice_):
        raise ModelFailed(failed[0].reason, remedy="What was drafted is kept; run the command again to go on.")
    for job, found in zip(slice_, outcomes, strict=True):
        rows, refused = _sorted_out(job, found, drafter, texts, shelf)
        for one in refused:
            tally.refuse(one)
        if any(one.again for one in refused):
            continue
        shelf.keep([row for row in rows if row.id not in shelf.ids])
        shelf.finish(_key(job, drafter), job.kind, bool(rows), refused)
        tally.there += bool(rows)
        tally.new += bool(rows)


def _sorted_out(
    job: Job, found: Sequence[Outcome], drafter: Drafter, texts: Mapping[str, str], shelf: Shelf
) -> tuple[list[CaseLine], list[Refused]]:
    """Return what to keep of a job and what not. A single wording of several is no paraphrase group."""
    rows: list[CaseLine] = []
    refused = [one for one in found if isinstance(one, Refused)]
    for number, draft in enumerate(one for one in found if isinstance(one, Draft)):
        row = _row(job, draft, number, drafter.author, shelf)
        reason = fault(draft, job.kind, texts)
        quotes = [one.quote or "" for one in draft.evidence] if job.kind != "paraphrase" else []
        if reason is None and row.id not in shelf.ids and shelf.asked.has(draft.asked, quotes):
            reason = REPEATED
        if reason is None:
            rows.append(row)
        else:
            refused.append(Refused(reason, draft.question))
    if job.kind == "paraphrase" and len(rows) == 1:
        return [], [*refused, Refused("only one wording is left", rows[0].question)]
    return rows, refused


def _row(job: Job, draft: Draft, number: int, author: str, shelf: Shelf) -> CaseLine:
    name, group = digest(job.key, author)[:10], shelf.group(job.passages[0].document)
    return CaseLine.model_validate(
        {
            "id": f"draft-{name}-{number + 1}" if job.kind == "paraphrase" else f"draft-{name}",
            "question": draft.question,
            "ideal_answer": draft.ideal_answer,
            "passages": [asdict(one) for one in draft.evidence],
            "answerable": job.kind != "unanswerable",
            "group": f"unknown:{group}" if job.kind == "unanswerable" else group,
            "tags": [job.kind],
            "history": [asdict(turn) for turn in draft.history],
            "author": author,
            "asker": shelf.asker,
            "status": "draft",
        }
    )


def _key(job: Job, drafter: Drafter) -> str:
    return digest(job.key, drafter.author)


def _append(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    text = json_lines(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _mend(path: Path) -> None:
    """Set aside half a line that a kill left at the end, as .broken; a whole one only lacks its end."""
    content = path.read_bytes() if path.is_file() else b""
    last = content.rpartition(b"\n")[2]
    if not last:
        return
    try:
        json.loads(last)
    except ValueError:
        with path.with_name(f"{path.name}.broken").open("ab") as aside:
            aside.write(last + b"\n")
        os.truncate(path, len(content) - len(last))
    else:
        with path.open("ab") as file:
            file.write(b"\n")
