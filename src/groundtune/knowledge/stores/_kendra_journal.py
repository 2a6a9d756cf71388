"""What is under way between us and an index of Kendra, in a file of the project: its only writer, and its journal.

Kendra lists no documents, so what is neither live nor gone is noted here before it is asked for: the next run goes on
where one was killed, and tries again what could not be deleted. All of it may be lost without harm to what is found:
old revisions then stay in the index, where they are never found and take room. Knows no connection.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from groundtune.errors import StoreError
from groundtune.files import only_one, write_text
from groundtune.knowledge.stores._kendra_requests import first_of

ABANDONED = 24 * 3600.0
"""Seconds after which nobody goes on with what a killed run had sent."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class KendraJournal:
    """Ids of documents in Kendra. Every change is on disk when it returns.

    `written`: sent, or about to be, and not live, with our document and since when. `retired`: to be deleted, or asked
    to be. `again`: the one of a revision, by its first id, where that is another one.
    """

    path: Path
    place: str = ""
    written: dict[str, tuple[str, float]] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)
    again: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def writing(cls, path: Path, seconds: float, place: str) -> Iterator[KendraJournal]:
        """Be the only writer of this machine; waits `seconds` for another one. Raises `StoreError`."""
        with ExitStack() as held:
            try:
                held.enter_context(only_one(path.with_suffix(".lock"), seconds))
            except TimeoutError:
                raise StoreError(
                    "another process has been writing to it for long.",
                    place=place,
                    remedy="Wait for it, or raise [store.kendra] index_seconds.",
                ) from None
            except OSError as error:
                raise _unwritten(error, place, path) from None
            yield cls.read(path, place)

    @classmethod
    def read(cls, path: Path, place: str) -> KendraJournal:
        """Return what the file says; an empty one where there is none, or it cannot be understood."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            written = {id_: (str(document), float(since)) for id_, (document, since) in told["written"].items()}
            return cls(path, place, written, [str(id_) for id_ in told["retired"]], dict(told["again"]))
        except FileNotFoundError:
            return cls(path, place)
        except OSError as error:
            raise _unwritten(error, place, path) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("%s cannot be understood and is begun anew: old revisions may stay in the index.", path)
            return cls(path, place)

    def id_of(self, first: str) -> str:
        """Return the id of a revision that was sent."""
        return self.again.get(first, first)

    def of_documents(self, documents: Iterable[str]) -> set[str]:
        """Return what was written of these documents, and what nobody goes on with."""
        named, since = set(documents), time.time() - ABANDONED
        return {id_ for id_, (document, when) in self.written.items() if document in named or when < since}

    def write(self, documents: Mapping[str, str]) -> None:
        """Note what is about to be sent: our document by its id. What Kendra was to delete under these ids is gone."""
        self.written |= {id_: (document, time.time()) for id_, document in documents.items()}
        self.retired = [id_ for id_ in self.retired if id_ not in documents]
        self.again |= {first_of(id_): id_ for id_ in documents if id_ != first_of(id_)}
        self._save()

    def retire(self, ids: Iterable[str]) -> None:
        """Note what is about to be no longer live."""
        for id_ in ids:
            self.written.pop(id_, None)
            if id_ not in self.retired:
                self.retired.append(id_)
        self._save()

    def settle(self, ids: Iterable[str]) -> None:
        """Note what is live from now on."""
        for id_ in ids:
            self.written.pop(id_, None)
        self._save()

    def forget(self, ids: Iterable[str]) -> None:
        """Note what Kendra deletes by now."""
        gone = set(ids)
        self.again = {first: id_ for first, id_ in self.again.items() if id_ not in gone}
        self.restore(gone)

    def restore(self, ids: Iterable[str]) -> None:
        """Note what is live after all: a run was killed before it was not."""
        kept = set(ids)
        self.retired = [id_ for id_ in self.retired if id_ not in kept]
        self._save()

    def _save(self) -> None:
        told = {"written": self.written, "retired": self.retired, "again": self.again}
        try:
            write_text(self.path, json.dumps(told, indent=1))
        except OSError as error:
            raise _unwritten(error, self.place, self.path) from None


def _unwritten(error: Exception, place: str, path: Path) -> StoreError:
    return StoreError(
        f"what is under way cannot be noted in {path}: {error}.",
        place=place,
        remedy="Make the folder writable, or make room on its disk.",
    )
