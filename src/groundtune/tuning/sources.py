"""What is doubtful about the documents that training conversations name, said while there is time to correct them.

Knows neither stores nor searches: it is told which documents there are and what was found.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from groundtune.errors import TuningError
from groundtune.tuning.examples import reply_turns
from groundtune.values import Example

MOST_NAMED = 10
"""Doubts that are told one by one; the rest are counted."""
LEAST_FOUND = 0.5
"""Share of the conversations with documents whose documents must be there: with fewer, something else is wrong."""

_log = logging.getLogger(__name__)


def unknown(example: Example, known: Collection[str]) -> list[str]:
    """Return the documents that the example names and that are not there."""
    return [name for name in example.documents if name not in known]


def answered_at_once(examples: Sequence[Example]) -> list[Example]:
    """Return the examples that are answered out of documents, and say how many call tools first.

    Raises `TuningError` if all do.
    """
    kept = [example for example in examples if len(reply_turns(example)) == 1 and not example.messages[-1].tool_calls]
    if not kept:
        raise TuningError(
            "each training conversation is answered by calling tools, so no passage can hold an answer.",
            place=examples[0].place or None,
            remedy="Tune with `instruction`, or add conversations that documents answer.",
        )
    if len(kept) < len(examples):
        _log.warning(
            "%d of %d training conversations call tools before they answer: raft leaves them out.",
            *(len(examples) - len(kept), len(examples)),
        )
    return kept


def refuse_unknown(examples: Sequence[Example], known: Collection[str]) -> None:
    """Raise `TuningError` where too many of the examples with documents name none that is there."""
    named = [example for example in examples if example.documents]
    lost = [example for example in named if len(unknown(example, known)) == len(example.documents)]
    if _too_many(len(lost), len(named)):
        raise TuningError(
            f"{len(lost)} of {len(named)} training conversations name only documents that are not in the knowledge "
            f"store. The first one names {_with_guesses(lost[0].documents, known)}.",
            place=lost[0].place or None,
            remedy="Correct `documents`, which are paths in the documents folder, or run `groundtune ingest`.",
        )


def refuse_unfound(lost: Sequence[Example], examples: Sequence[Example], asker: Sequence[str]) -> None:
    """Raise `TuningError` where searching as `asker` found the documents of too few examples."""
    named = sum(bool(example.documents) for example in examples)
    if _too_many(len(lost), named):
        share = "none" if len(lost) == named else f"only {named - len(lost)} of {named}"
        raise TuningError(
            f"searching as {', '.join(asker)} found {share} of the documents named in the training conversations.",
            place=lost[0].place or None,
            remedy="Run `groundtune ingest`, or name in `[tuning] retrieve_as` someone who may read them.",
        )


def warn_of_unknown(examples: Iterable[Example], known: Collection[str]) -> None:
    """Name documents that are not there, with those that may be meant."""
    _warn(
        f"{example.place}: names {_with_guesses(names, known)}, which is not in the knowledge store."
        f"{' The conversation is left out.' if len(names) == len(example.documents) else ''}"
        for example in examples
        if (names := unknown(example, known))
    )


def warn_of_unfound(lost: Iterable[Example], asker: Sequence[str]) -> None:
    """Name the examples whose documents are there and were not found."""
    _warn(
        f"{example.place}: searching as {', '.join(asker)} finds nothing of {', '.join(example.documents)}. "
        "The conversation is left out."
        for example in lost
    )


def warn_of_other_words(examples: Iterable[Example]) -> None:
    """Name the examples whose passages do not seem to hold the answer."""
    _warn(
        f"{example.place}: no passage found of {', '.join(example.documents)} has a word of the answer. Check "
        "`documents`: the conversation teaches to cite a passage that does not answer."
        for example in examples
    )


def warn_of_missing(examples: Sequence[Example]) -> None:
    """Say so where most examples name no documents: they teach nothing about passages."""
    without = sum(not example.documents for example in examples)
    if _too_many(without, len(examples)):
        _log.warning(
            "%d of %d training conversations name no `documents`: their prompts contain no passage with the answer.",
            without,
            len(examples),
        )


def _too_many(lost: int, of: int) -> bool:
    return bool(lost) and of - lost < LEAST_FOUND * of


def _with_guesses(names: Sequence[str], known: Collection[str]) -> str:
    return ", ".join(f"`{name}`{_guess(name, known)}" for name in names)


def _guess(name: str, known: Collection[str]) -> str:
    alike = get_close_matches(name, known, n=1, cutoff=0.6)
    alike = alike or [other for other in sorted(known) if other.rpartition("/")[2] == name.rpartition("/")[2]]
    return f" (did you mean `{alike[0]}`?)" if alike else ""


def _warn(doubts: Iterable[str]) -> None:
    """Tell the first ones and count the others; what is not told is not worked out."""
    doubts = iter(doubts)
    for doubt in islice(doubts, MOST_NAMED):
        _log.warning("%s", doubt)
    if rest := sum(1 for _ in doubts):
        _log.warning("The same holds for %d more training conversations.", rest)
