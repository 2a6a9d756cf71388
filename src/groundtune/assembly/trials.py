"""Trying a knowledge base with other settings: an index that only measurements use, and that goes when they are over.

It lies in the project's own store, so that what is measured is what would serve. That it is there is noted before
anything is written, so that `knowledge remove --forget` erases in it too, and a run that was killed finds it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from groundtune.assembly.finding import PassageFinder
from groundtune.assembly.knowledge import STATE, KnowledgeBase
from groundtune.errors import InputError
from groundtune.files import only_one
from groundtune.knowledge import readers
from groundtune.knowledge.checking import check_index
from groundtune.knowledge.ingest import Manner, ingest
from groundtune.knowledge.reading_process import Read, reading
from groundtune.protocols import KnowledgeStore, Progress, Reranker
from groundtune.settings import KnowledgeSettings
from groundtune.values import PlainText, Revision

MOST_KEPT = 200_000_000  # characters of texts that are kept between two trials


@dataclass
class KeptTexts:
    """What was read, for the next trial, which only splits it otherwise. Texts beyond `MOST_KEPT` are read again."""

    _texts: dict[Path, PlainText] = field(default_factory=dict)
    _characters: int = 0

    def reading(self, read: Read | None) -> Read:
        """Return what reads a file once."""

        def once(path: Path) -> PlainText:
            plain = self._texts.get(path)
            if plain is None:
                plain = (read or readers.read)(path)
                self._characters += len(plain.text)
                if self._characters <= MOST_KEPT:
                    self._texts[path] = plain
            return plain

        return once


@dataclass
class TrialRevisions:
    """The `Revisions` of a trial, in memory: those of the records are for answers."""

    _kept: dict[tuple[str, str], Revision] = field(default_factory=dict)
    _live: dict[str, str] = field(default_factory=dict)

    def keep(self, revisions: Sequence[Revision]) -> None:
        """Keep these."""
        self._kept |= {(revision.document.id, revision.fingerprint): revision for revision in revisions}

    def all(self) -> list[Revision]:
        """Return all that are kept."""
        return list(self._kept.values())

    def lacking(self, held: Mapping[str, str]) -> set[str]:
        """Return those of the documents whose text is not kept."""
        return {document for document, mark in held.items() if (document, mark) not in self._kept}

    def settle(self, held: Mapping[str, str]) -> None:
        """Note which revisions are live, and let go of the others."""
        self._live = dict(held)
        self._kept = {key: revision for key, revision in self._kept.items() if held.get(key[0]) == key[1]}

    def live(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision."""
        return self._live

    def revision(self, document: str, fingerprint: str) -> Revision | None:
        """Return a document as it was read."""
        return self._kept.get((document, fingerprint))


class Trial:
    """The index that fits the settings of `knowledge`: the one that is there, else one of its own, until `drop`."""

    def __init__(self, knowledge: KnowledgeBase, texts: KeptTexts) -> None:
        self._knowledge, self._texts = knowledge, texts
        self._revisions = TrialRevisions()
        self._store: KnowledgeStore | None = None

    @property
    def is_there(self) -> bool:
        """Whether nothing has to be made: there is an index for these settings, or a service needs none."""
        return self._knowledge.retriever is not None or self._knowledge.has_index()

    def fill(self, progress: Progress) -> None:
        """Make the index, or go on with one that a run which was killed left. `progress` may raise to end it."""
        knowledge, settings = self._knowledge, self._knowledge.settings.knowledge
        index, media = knowledge.trial_index, knowledge.spaces.named
        with knowledge.writing():
            knowledge.indexes.note_trial(index)
            self._store = store = knowledge.open_index(index)
            with reading(settings, progress, media) as read:
                manner = Manner(progress, read=self._texts.reading(read), revisions=self._revisions, media=media)
                sources = knowledge.sources.mirrored()
                ingest(knowledge.documents, store, knowledge.embedder, settings, None, manner, sources)

    def finder(self, settings: KnowledgeSettings, reranker: Reranker | None) -> PassageFinder:
        """Return what finds in it, without pictures and recordings, and may search and rerank otherwise."""
        if self._store is None:
            return replace(self._knowledge.finder, settings=settings, reranker=reranker, spaces=())
        return PassageFinder(settings, self._store, self._knowledge.embedder, reranker, self._revisions)

    def keep(self) -> None:
        """Make an index of one's own one that serves. Raises `StoreError` if it does not find what is in it."""
        if self._store is not None:
            knowledge, index = self._knowledge, self._knowledge.trial_index
            with knowledge.writing():
                check_index(self._store, knowledge.embedder)
                kept = knowledge.revisions_of(index.name)
                kept.keep(self._revisions.all())
                kept.settle(self._store.documents())
                knowledge.indexes.keep(index)
            self._store = None

    def drop(self) -> None:
        """Delete the index if it is the trial's own."""
        if self._store is not None:
            index = self._knowledge.trial_index
            with self._knowledge.writing():
                self._store.drop()
                self._knowledge.indexes.forget_trial(index)
            self._store = None


@contextmanager
def only_trials(knowledge: KnowledgeBase) -> Iterator[None]:
    """Be the only one who makes trials or an encoder in a project. Raises `InputError` where another command does: both
    would make the same indexes, and each delete the other's.
    """
    with ExitStack() as held:
        try:
            held.enter_context(only_one(knowledge.folder / STATE / "trials.lock", seconds=0))
        except TimeoutError:
            raise InputError(
                "another command is tuning or training retrieval in this project.",
                place=knowledge.folder,
                remedy="Wait until it has ended.",
            ) from None
        yield


def drop_leftovers(knowledge: KnowledgeBase) -> None:
    """Delete the indexes of trials that a run which was killed left."""
    with knowledge.writing():
        for index in knowledge.indexes.trials():
            knowledge.open_index(index).drop()
            knowledge.indexes.forget_trial(index)
