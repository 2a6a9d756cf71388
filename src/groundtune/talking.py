"""Opening a conversation with the assistant of a project: what `groundtune chat` and the service do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from groundtune.assembly.acting import open_acting
from groundtune.assembly.background import beside_answers
from groundtune.assembly.listening import open_feedback
from groundtune.assembly.talk import Talk
from groundtune.project import Project
from groundtune.values import Actor


@contextmanager
def open_talk(
    project: Project, candidate: str, user: Actor, *, consent: bool = False, rehearse: bool = False
) -> Iterator[Talk]:
    """Begin a conversation of a user with a candidate, and end it afterwards; it is kept in the records of the project.

    Where `[actions]` has back-ends and rules, an agent acts beside the answers; with `rehearse`, it does everything but
    the calls. `consent` is the user's to agents that learn from the conversation.
    """
    answerer = project.answerer(candidate)
    with open_acting(project.assembly, {user.id: user}.get, rehearse=rehearse) as acting:
        kept, feedback = project.assembly.records.conversations(), open_feedback(project.assembly)
        background = beside_answers(project.assembly, acting)
        talk = Talk(answerer, candidate, user, kept, feedback, acting, consent, background)
        try:
            yield talk
        finally:
            talk.end()
