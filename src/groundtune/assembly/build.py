"""From a candidate's parts to an `Answerer`. Pure: opens nothing."""

from __future__ import annotations

from dataclasses import dataclass

from groundtune.assembly.candidates import Candidate
from groundtune.assistant.closed_book import ClosedBook
from groundtune.assistant.grounded import BY_RULE, Grounded, Retrieve, Rewrite
from groundtune.protocols import Answerer, ChatModel
from groundtune.settings import AssistantSettings


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a grounded candidate retrieves with: `signature` names all that can change what is found; below
    `min_support` it abstains; `rewrite` says what is searched with."""

    retrieve: Retrieve
    signature: str
    min_support: float
    rewrite: Rewrite = BY_RULE


def build(
    candidate: Candidate,
    model: ChatModel,
    retrieval: Retrieval | None,
    settings: AssistantSettings,
    project: str,
) -> Answerer:
    """Return the candidate, ready to answer. Raises `ValueError` for a grounded one without retrieval."""
    if candidate.prompt is not None:
        settings = settings.model_copy(update={"instructions": candidate.prompt})
    if not candidate.grounded:
        return ClosedBook(model, settings, project)
    if retrieval is None:
        raise ValueError(f"candidate {candidate.name} is grounded and has no retrieval")
    search, signature = retrieval.retrieve, retrieval.signature
    return Grounded(model, search, settings, project, retrieval.min_support, signature, retrieval.rewrite)
