"""Drafting until there are as many cases as wanted, kept as they come, so that an interrupted run can be resumed.

Two files: the drafts, as lines of the benchmark with status "draft", and a journal of finished requests with what was
refused and why. Knows no model and no template; a `Drafter` brings the drafts.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import BaseModel

from groundtune.errors import ModelFailed
from groundtune.evaluation.benchmark.cases import CaseLine, asked, read_cases
from groundtune.evaluation.benchmark.drafting import (
    Asked,
    Draft,
    Drafter,
    DraftKind,
    DraftOutcome,
    DraftRefused,
    DraftRequest,
    draft_requests,
    fault,
)
from groundtune.files import append_jsonl, read_jsonl
from groundtune.protocols import Progress, silent
from groundtune.values import EVERYONE, Chunk, digest

REPEATED = "the benchmark or the drafts already contain this question"


class _Finished(BaseModel):
    """A line of the journal."""

    key: str
    kind: str
    kept: bool
    refused: list[dict[str, str]] = []


@dataclass(slots=True)
class Tally:
    """What came of a kind: cases (or groups of wordings) wanted and there, how many of them are new, refusals by
    reason, what the drafter said in the first of each, and whether the run gave up because no draft was kept."""

    wanted: int
    there: int = 0
    new: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    gave_up: bool = False

    def refuse(self, refusal: DraftRefused) -> None:
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
        append_jsonl(self._drafts, (row.model_dump(mode="json", exclude_defaults=True) for row in rows))
        for row in rows:
            self.ids.add(row.id)
            self._remember(row)

    def finish(self, key: str, kind: str, kept: bool, refused: Sequence[DraftRefused]) -> None:
        """Note that a request is done, after its drafts are kept."""
        told = [{"reason": refusal.reason, "said": refusal.said} for refusal in refused]
        self.finished[key] = _Finished(key=key, kind=kind, kept=kept, refused=told)
        append_jsonl(self._journal, [self.finished[key].model_dump()])

    def _remember(self, row: CaseLine) -> None:
        self.asked.add(asked(row.question, row.history), [passage.quote for passage in row.passages if passage.quote])
        for document in {passage.document for passage in row.passages}:
            self._groups[document][row.group_or_id] += 1


def draft_cases(
    drafter: Drafter,
    passages: Sequence[Chunk],
    texts: Mapping[str, str],
    wanted: Mapping[DraftKind, int],
    shelf: Shelf,
    *,
    seed: int,
    progress: Progress = silent,
) -> dict[DraftKind, Tally]:
    """Draft until every kind has as many as `wanted`, or its passages give no more. Finished requests are skipped.

    Raises `ModelFailed` if the model fails on all requests of a batch; what was made until then is kept.
    """
    tallies: dict[DraftKind, Tally] = {}
    for kind, number in wanted.items():
        tally = tallies[kind] = Tally(number)
        waiting = _waiting(draft_requests(kind, passages, seed, drafter.per_passage), drafter, shelf, tally)
        progress(f"drafting {kind}", 0, number)
        barren = 0
        while not tally.gave_up and (slice_ := _slice(waiting, drafter.batch, tally)):
            before = tally.new
            _draft(drafter, slice_, texts, shelf, tally)
            progress(f"drafting {kind}", tally.there, number)
            barren = 0 if tally.new > before else barren + len(slice_)
            tally.gave_up = drafter.patience is not None and barren >= drafter.patience
    return tallies


def _slice(waiting: Iterator[DraftRequest], most: int, tally: Tally) -> list[DraftRequest]:
    """Return as many requests as are still wanted; those done before count while they are passed."""
    batch: list[DraftRequest] = []
    while len(batch) < min(most, tally.wanted - tally.there) and (request := next(waiting, None)) is not None:
        batch.append(request)
    return batch


def _waiting(every: Iterator[DraftRequest], drafter: Drafter, shelf: Shelf, tally: Tally) -> Iterator[DraftRequest]:
    """Yield the requests that are not done, and count those that are."""
    for request in every:
        done = shelf.finished.get(_key(request, drafter))
        if done is None:
            yield request
            continue
        tally.there += done.kept
        for refusal in done.refused:
            tally.refuse(DraftRefused(refusal["reason"], refusal["said"]))
        if tally.there >= tally.wanted:
            return


def _draft(
    drafter: Drafter, slice_: Sequence[DraftRequest], texts: Mapping[str, str], shelf: Shelf, tally: Tally
) -> None:
    outcomes = drafter.draft(slice_)
    failed = [outcome for made in outcomes for outcome in made if isinstance(outcome, DraftRefused) and outcome.again]
    if len(failed) == len(slice_):
        raise ModelFailed(failed[0].reason, remedy="Finished drafts are kept. Rerun to resume.")
    for request, made in zip(slice_, outcomes, strict=True):
        rows, refused = _sorted_out(request, made, drafter, texts, shelf)
        for refusal in refused:
            tally.refuse(refusal)
        if any(refusal.again for refusal in refused):
            continue
        shelf.keep([row for row in rows if row.id not in shelf.ids])
        shelf.finish(_key(request, drafter), request.kind, bool(rows), refused)
        tally.there += bool(rows)
        tally.new += bool(rows)


def _sorted_out(
    request: DraftRequest, outcomes: Sequence[DraftOutcome], drafter: Drafter, texts: Mapping[str, str], shelf: Shelf
) -> tuple[list[CaseLine], list[DraftRefused]]:
    """Return what to keep of a request and what not. A single wording of several is no paraphrase group."""
    rows: list[CaseLine] = []
    refused = [outcome for outcome in outcomes if isinstance(outcome, DraftRefused)]
    for number, draft in enumerate(outcome for outcome in outcomes if isinstance(outcome, Draft)):
        row = _row(request, draft, number, drafter.author, shelf)
        reason = fault(draft, request.kind, texts)
        quotes = [evidence.quote or "" for evidence in draft.evidence] if request.kind != "paraphrase" else []
        if reason is None and row.id not in shelf.ids and shelf.asked.has(draft.asked, quotes):
            reason = REPEATED
        if reason is None:
            rows.append(row)
        else:
            refused.append(DraftRefused(reason, draft.question))
    if request.kind == "paraphrase" and len(rows) == 1:
        return [], [*refused, DraftRefused("only one wording is left", rows[0].question)]
    return rows, refused


def _row(request: DraftRequest, draft: Draft, number: int, author: str, shelf: Shelf) -> CaseLine:
    name, group = digest(request.key, author)[:10], shelf.group(request.passages[0].document)
    return CaseLine.model_validate(
        {
            "id": f"draft-{name}-{number + 1}" if request.kind == "paraphrase" else f"draft-{name}",
            "question": draft.question,
            "ideal_answer": draft.ideal_answer,
            "passages": [asdict(evidence) for evidence in draft.evidence],
            "answerable": request.kind != "unanswerable",
            "group": f"unknown:{group}" if request.kind == "unanswerable" else group,
            "tags": [request.kind],
            "history": [{"role": turn.role, "content": turn.content} for turn in draft.history],
            "author": author,
            "asker": shelf.asker,
            "status": "draft",
        }
    )


def _key(request: DraftRequest, drafter: Drafter) -> str:
    return digest(request.key, drafter.author)


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
