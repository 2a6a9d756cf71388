"""Runs with their answers and scores, comparisons and kept values, so that no finished work is lost or done twice.

Every save is one transaction. Knows no candidate, benchmark or scorer, only their names and signatures; the
time comes from a clock that is passed in. Passwords are blanked in settings, signatures, reports and reasons.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from sqlalchemy import Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from groundtune.errors import StoreError
from groundtune.records import tables
from groundtune.records.blanking import blanked, sound
from groundtune.records.connection import connect, refusals
from groundtune.records.conversations import KeptConversations
from groundtune.records.documents import KeptRevisions
from groundtune.records.earlier import with_places
from groundtune.records.effects import KeptEffects
from groundtune.records.feedback import KeptFeedback
from groundtune.records.jobs import KeptJobs
from groundtune.records.kept import KeptKind, T, put, texts
from groundtune.records.kinds import COMPARISON, EVALUATION, ComparisonKind, kind_of
from groundtune.records.proposals import KeptProposals
from groundtune.records.takeover import take_over
from groundtune.secrets import masked, without_passwords
from groundtune.values import Answer, Failure, Score, digest

_SLICE = 200  # cases named in one statement: databases limit the number of parameters


def now() -> datetime:
    """Return the time of the computer's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One candidate over one part of one benchmark. `finished_at` is None while cases are missing."""

    id: str
    candidate: str
    signature: str
    fingerprint: str
    part: str
    settings: Mapping[str, object]
    created_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """A comparison's report as it was written."""

    id: int
    created_at: datetime
    report: Mapping[str, object]


def open_records(url: str, folder: Path, clock: Callable[[], datetime] = now) -> Records:
    """Open the records at `url`, and make them where there are none; relative SQLite paths start at `folder`.

    What an older groundtune left in files of the project in `folder` is taken over. Raises `SettingsError` for a URL
    that cannot be used, `NotInstalled` for a missing driver and `StoreError` for a database that refuses.
    """
    engine, place = connect(url, folder)
    try:
        with refusals(place):
            take_over(engine, folder, clock)
    except BaseException:
        engine.dispose()
        raise
    return Records(engine, place, clock)


class Records:
    """The open records. Safe to use from several threads; every method raises `StoreError` if the database
    refuses."""

    def __init__(self, engine: Engine, place: str, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._place = place
        self._clock = clock

    # --- runs -------------------------------------------------------------------------------------

    def run(
        self, candidate: str, signature: str, fingerprint: str, part: str, settings: Mapping[str, object]
    ) -> RunRecord:
        """Return the run of this candidate with this signature over this part of this benchmark; begin it if new.

        `settings` are kept from the first time.
        """
        key = digest(candidate, signature, fingerprint, part)
        known = self._run(key)
        if known is not None:
            return known
        row = {
            "id": key,
            "candidate": candidate,
            "signature": without_passwords(signature),
            "fingerprint": fingerprint,
            "part": part,
            "settings": json.dumps(blanked(settings)),
            "created_at": self._time(),
        }
        with refusals(self._place):
            try:
                with self._engine.begin() as connection:
                    connection.execute(insert(tables.runs).values(row))
            except IntegrityError:  # another process began it in this moment
                pass
        begun = self._run(key)
        if begun is None:
            raise StoreError(f"run {key} was saved but cannot be read back.", place=self._place)
        return begun

    def runs(self) -> list[RunRecord]:
        """Return all runs, oldest first."""
        with refusals(self._place), self._engine.connect() as connection:
            rows = connection.execute(select(tables.runs).order_by(tables.runs.c.created_at, tables.runs.c.id)).all()
        return [_run_record(row) for row in rows]

    def finish(self, run: RunRecord) -> RunRecord:
        """Note that every case of the run has been answered and scored."""
        with refusals(self._place), self._engine.begin() as connection:
            connection.execute(update(tables.runs).where(tables.runs.c.id == run.id).values(finished_at=self._time()))
        return self._run(run.id) or run

    # --- answers ----------------------------------------------------------------------------------

    def answers(self, run: RunRecord) -> dict[str, Answer | Failure]:
        """Return what has been saved, by case id, in order of id."""
        wanted = select(tables.answers).where(tables.answers.c.run == run.id).order_by(tables.answers.c.case_id)
        with refusals(self._place), self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return {row.case_id: self._outcome(row) for row in rows}

    def save_answers(self, run: RunRecord, answers: Mapping[str, Answer | Failure]) -> None:
        """Keep these answers, all or none. A case's earlier answer goes, and its scores with it."""
        time = self._time()
        rows = [
            {
                "run": run.id,
                "case_id": case,
                "answer": None if isinstance(outcome, Failure) else _answers().dump_json(outcome).decode(),
                "failure": _clean(outcome.reason) if isinstance(outcome, Failure) else None,
                "saved_at": time,
            }
            for case, outcome in answers.items()
        ]
        if not rows:
            return
        with refusals(self._place), self._engine.begin() as connection:
            for cases in _slices(list(answers)):
                for table in (tables.scores, tables.answers):
                    connection.execute(delete(table).where(table.c.run == run.id, table.c.case_id.in_(cases)))
            connection.execute(insert(tables.answers), rows)

    # --- scores -----------------------------------------------------------------------------------

    def scores(self, run: RunRecord, scorer_signature: str) -> dict[str, Score]:
        """Return the scores that the scorer of this signature gave, by case id, in order of id."""
        table = tables.scores
        wanted = select(table).where(table.c.run == run.id, table.c.signature == scorer_signature)
        with refusals(self._place), self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(table.c.case_id)).all()
        return {row.case_id: _score(row) for row in rows}

    def save_scores(self, run: RunRecord, scorer: str, signature: str, scores: Mapping[str, Score]) -> None:
        """Keep these scores, all or none. They replace earlier ones of the same signature."""
        for case, score in scores.items():
            for number in (*score.parts, *(() if score.value is None else (score.value,))):
                if not math.isfinite(number):  # SQLite would keep NaN as "unscored"
                    raise StoreError(f"{scorer} gave case {case} the score {number}, which is not a finite number.")
        rows = [
            {
                "run": run.id,
                "signature": signature,
                "case_id": case,
                "scorer": scorer,
                "value": score.value,
                "reason": _clean(score.reason),
                "failed": score.failed,
                "parts": json.dumps(score.parts) if score.parts else None,
            }
            for case, score in scores.items()
        ]
        if not rows:
            return
        table = tables.scores
        with refusals(self._place), self._engine.begin() as connection:
            for cases in _slices(list(scores)):
                connection.execute(
                    delete(table).where(
                        table.c.run == run.id, table.c.signature == signature, table.c.case_id.in_(cases)
                    )
                )
            connection.execute(insert(table), rows)

    # --- comparisons ------------------------------------------------------------------------------

    def save_comparison(self, report: Mapping[str, object], kind: ComparisonKind = COMPARISON) -> ComparisonRecord:
        """Keep the report (JSON) of a finished comparison, or of an evaluation.

        A report with fewer than two candidates is of an evaluation, whatever it is called.
        """
        created, report = self._clock(), blanked(report)
        told, fingerprint = kind_of(report)
        row = {
            "created_at": created.isoformat(),
            "report": json.dumps(report, ensure_ascii=False),
            "fingerprint": fingerprint,
            "kind": EVALUATION if EVALUATION in (kind, told) else COMPARISON,
        }
        with refusals(self._place), self._engine.begin() as connection:
            key = connection.execute(insert(tables.comparisons).values(row)).inserted_primary_key
        return ComparisonRecord(0 if key is None else key[0], created, report)

    def latest_comparison(self, fingerprint: str | None = None) -> ComparisonRecord | None:
        """Return the comparison of several candidates that was saved last; where there is none, the last evaluation.

        Only those of the benchmark with this `fingerprint` count, if it is given. None if there are none.
        """
        table = tables.comparisons
        wanted = select(table).order_by((table.c.kind == COMPARISON).desc(), table.c.id.desc()).limit(1)
        if fingerprint is not None:
            wanted = wanted.where(table.c.fingerprint == fingerprint)
        with refusals(self._place), self._engine.connect() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return None
        return ComparisonRecord(row.id, datetime.fromisoformat(row.created_at), json.loads(row.report))

    # --- kept values ------------------------------------------------------------------------------

    def kept(self, kind: KeptKind[T], key: str) -> T | None:
        """Return what is kept of this kind under this key, or None."""
        return self.kept_many(kind, [key]).get(key)

    def kept_many(self, kind: KeptKind[T], keys: Sequence[str]) -> dict[str, T]:
        """Return what is kept of this kind under these keys; keys without a value are left out."""
        values: dict[str, T] = {}
        with refusals(self._place), self._engine.connect() as connection:
            for some in _slices(keys):
                for key, value in texts(connection, kind.name, some).items():
                    values[key] = kind.read(value, key, self._place)
        return values

    def keep(self, kind: KeptKind[T], key: str, value: T) -> None:
        """Keep `value`. It replaces what was kept of this kind under this key."""
        row = {"kind": kind.name, "key": key, "value": kind.write(value), "saved_at": self._time()}
        with refusals(self._place), self._engine.begin() as connection:
            put(connection, [row], instead=True)

    def remembered(self, kind: KeptKind[T], key: str, make: Callable[[], T]) -> T:
        """Return what is kept of this kind under this key; make and keep it where there is nothing."""
        kept = self.kept(kind, key)
        if kept is None:
            kept = make()
            self.keep(kind, key, kept)
        return kept

    # --- the rest ---------------------------------------------------------------------------------

    def revisions(self, store: str, earlier: int) -> KeptRevisions:
        """Return the documents as they were read for `store`, of each the live revision and `earlier` earlier ones."""
        return KeptRevisions(self._engine, self._place, self._clock, store, earlier)

    def conversations(self) -> KeptConversations:
        """Return the conversations of users with an assistant."""
        return KeptConversations(self._engine, self._place, self._clock)

    def feedback(self) -> KeptFeedback:
        """Return what users think of answers."""
        return KeptFeedback(self._engine, self._place, self._clock)

    def proposals(self) -> KeptProposals:
        """Return the knowledge that was proposed from conversations."""
        return KeptProposals(self._engine, self._place, self._clock)

    def effects(self) -> KeptEffects:
        """Return what agents did and were allowed to, with the audit log."""
        return KeptEffects(self._engine, self._place, self._clock)

    def jobs(self) -> KeptJobs:
        """Return what is still to be done in the background."""
        return KeptJobs(self._engine, self._place, self._clock)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, key: str) -> RunRecord | None:
        with refusals(self._place), self._engine.connect() as connection:
            row = connection.execute(select(tables.runs).where(tables.runs.c.id == key)).first()
        return None if row is None else _run_record(row)

    def _outcome(self, row: Row[Any]) -> Answer | Failure:
        if row.answer is None:
            return Failure(row.failure)
        try:
            return _answers().validate_json(row.answer)
        except ValidationError as error:
            raise StoreError(
                f"the answer to case {row.case_id} in run {row.run} cannot be read: {error.errors()[0]['msg']}.",
                place=self._place,
                remedy="Delete that row, or move the database elsewhere to start with empty records.",
            ) from error

    def _time(self) -> str:
        return self._clock().isoformat()


@cache
def _answers() -> TypeAdapter[Answer]:
    """What turns answers into JSON and back; made when it is first needed, which takes a moment."""
    return TypeAdapter(Annotated[Answer, BeforeValidator(with_places)])


def _run_record(row: Row[Any]) -> RunRecord:
    return RunRecord(
        row.id,
        row.candidate,
        row.signature,
        row.fingerprint,
        row.part,
        json.loads(row.settings),
        datetime.fromisoformat(row.created_at),
        None if row.finished_at is None else datetime.fromisoformat(row.finished_at),
    )


def _score(row: Row[Any]) -> Score:
    return Score(row.value, row.reason, bool(row.failed), tuple(json.loads(row.parts or "[]")))


def _clean(reason: str) -> str:
    """Error messages may hold what a text column cannot, NUL (PostgreSQL) and halves of characters, and passwords."""
    return sound(masked(reason))


def _slices(items: Sequence[str]) -> list[Sequence[str]]:
    return [items[start : start + _SLICE] for start in range(0, len(items), _SLICE)]
