"""Opening a conversation with the assistant of a project: what `groundtune chat` and the service do."""

from __future__ import annotations

from groundtune.assembly.talk import Talk
from groundtune.project import Project
from groundtune.values import Actor


def open_talk(project: Project, candidate: str, user: Actor, *, consent: bool = False, rehearse: bool = False) -> Talk:
    """Begin a conversation of a user with a candidate; it is kept in the records of the project.

    `consent` is the user's to agents that learn from it. With `rehearse`, agents do everything but the calls.
    """
    answerer = project.answerer(candidate)
    return Talk(answerer, candidate, user, project.assembly.records.conversations(), consent=consent)
