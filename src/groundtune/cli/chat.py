"""`groundtune chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from groundtune.cli._shared import AS_EVERYONE, HERE, AsJson, Asker, Overrides, ProjectFolder, emit, flags
from groundtune.errors import ApprovalRefused, GroundtuneError, InputError, ModelFailed, SettingsError

if TYPE_CHECKING:
    from groundtune.agents.team import TeamEvent
    from groundtune.assembly.talk import Talk
    from groundtune.values import Answer, ApprovalNeeded, EffectMade

_PROMPT = "> "
_COMMANDS = "/feedback 1 to 5, up or down, and why, rates the last answer; /end ends. Ctrl-C stops an answer."
_ASKED = "How satisfied are you? Write 1 to 5, and why if you like."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chat)


def chat(  # noqa: PLR0913 -- each is an option of the command
    candidate: Annotated[
        str, typer.Option(help="Candidate that answers: base, rag, tuned, tuned+rag, raft, or an adapter.")
    ] = "rag",
    asker: Asker = AS_EVERYONE,
    user: Annotated[str, typer.Option(help="Who talks, as the records name them.")] = "me",
    own: Annotated[
        list[str],
        typer.Option("--own", metavar="NAME=VALUE", help="What is the user's own, as in `--own account=A-1001`."),
    ] = [],  # noqa: B006 -- typer reads the default, nobody changes it
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Let agents do everything but the calls.")] = False,
    consent: Annotated[bool, typer.Option("--consent", help="The user agrees that agents learn from it.")] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Talk with the assistant: answers as they come, with citations, and actions that you approve.

    The conversation is kept in the records. Lines may also come from a file. With `--json`, all turns are printed at
    the end, and nothing that waits for an approval is approved.

    Examples:

        groundtune chat
        groundtune chat --candidate tuned+rag --as everyone --as staff
        groundtune chat --user ana --own account=A-1001 --dry-run

    """
    from groundtune.project import open_project
    from groundtune.talking import open_talk
    from groundtune.values import Actor

    actor = Actor(user, tuple(asker), _own(own))
    with (
        open_project(project, flags(overrides)) as opened_project,
        open_talk(opened_project, candidate, actor, consent=consent, rehearse=dry_run) as talk,
    ):
        if not as_json:
            print(f"You talk with {candidate}. {_COMMANDS}", file=sys.stderr)
        turns = []
        for text in _lines(quiet=as_json):
            if text == "/end":
                if not as_json and talk.asks_for_feedback(ended=True):
                    _ask_at_the_end(talk)
                break
            if text.startswith("/feedback"):
                _rate(talk, text.removeprefix("/feedback"))
            else:
                turns.append({"user": text, **_reply(talk, text, quiet=as_json)})
                if not as_json and talk.asks_for_feedback():
                    print(f"{_ASKED} /feedback …")
    if as_json:
        emit(as_json, {"conversation": talk.id, "candidate": candidate, "turns": turns}, "")


def _own(pairs: list[str]) -> dict[str, str]:
    own = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign and value):
            raise SettingsError(f"`--own {pair}` is not NAME=VALUE.", remedy="Write --own account=A-1001.")
        own[name] = value
    return own


def _lines(*, quiet: bool) -> Iterator[str]:
    """Yield what the user says, until the end of it."""
    prompt = _PROMPT if sys.stdin.isatty() and not quiet else ""
    while True:
        try:
            text = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            if not quiet:
                print()
            return
        if text.startswith("/") and text.split()[0] not in ("/feedback", "/end"):
            print(f"There is no command {text.split()[0]}. {_COMMANDS}", file=sys.stderr)
        elif text:
            yield text


def _rate(talk: Talk, line: str) -> None:
    try:
        told = talk.rate(line.strip()) if line.strip() else "Say how satisfied you are: /feedback 4 quick answer"
    except InputError as error:
        told = f"groundtune: {error}"
    print(told, file=sys.stderr)


def _ask_at_the_end(talk: Talk) -> None:
    try:
        line = input(f"{_ASKED} Enter leaves it. ").strip()
    except (EOFError, KeyboardInterrupt):
        line = ""
        print()
    if line:
        _rate(talk, line)
    else:
        talk.feedback.decline(talk.id, talk.user.id)


def _reply(talk: Talk, text: str, *, quiet: bool) -> dict[str, object]:
    """Show the reply to a turn, ask for what has to be approved, and return it all for `--json`."""
    reply = _ChatReply(quiet)
    try:
        try:
            reply.show(talk.say(text))
        except ModelFailed as error:  # what agents did, and what waits for an approval, is there all the same
            reply.failed(error)
        while reply.waiting and not quiet:
            needed = reply.waiting.pop(0)
            granted = _granted(needed)
            if granted is not None:
                reply.show(talk.decide(needed, talk.user, granted=granted))
            if not granted:
                reply.actions.append({"call": asdict(needed.call), "result": {"outcome": "not approved"}})
    except KeyboardInterrupt:
        reply.tell("\n(stopped)\n")
        reply.error = "stopped"
    except (ApprovalRefused, ModelFailed) as error:
        reply.failed(error)
    return reply.document


class _ChatReply:
    """What came of a turn, as it is shown and as JSON."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._shown = ""
        self._said: list[str] = []  # of actions, while the answer is still being shown
        self._answer: dict[str, object] | None = None
        self.actions: list[dict[str, object]] = []
        self.waiting: list[ApprovalNeeded] = []
        self.error: str | None = None

    def show(self, events: Iterable[TeamEvent]) -> None:
        """Show events as they come; those of actions once the answer is there."""
        from groundtune.values import Answered, ApprovalNeeded, EffectMade, HandedOver, TextPiece

        for event in events:
            if isinstance(event, TextPiece):
                self._shown += event.text
                self.tell(event.text)
            elif isinstance(event, Answered):
                self.tell(_checked(event.answer, self._shown))
                self._answer = {"text": event.answer.text, "abstained": event.answer.abstained}
            elif isinstance(event, ApprovalNeeded):
                self.waiting.append(event)
            elif isinstance(event, EffectMade):
                self._said.append(_done(event))
                self.actions.append({"call": asdict(event.call), "result": asdict(event.result)})
            elif isinstance(event, HandedOver):
                self._said.append(f"A person has to go on: {event.reason}\n")
                self.actions.append(asdict(event))
            if self._answer is not None or self.error is not None:
                self._tell_said()

    def _tell_said(self) -> None:
        said, self._said = "".join(self._said), []
        self.tell(said)

    def failed(self, error: GroundtuneError) -> None:
        """Show why there is no answer, or no more of it."""
        if not self._quiet and self._shown:
            print()
        self._tell_said()
        print(f"groundtune: {error}", file=sys.stderr)
        self.error = error.message

    def tell(self, text: str) -> None:
        """Show text, unless all is printed as JSON."""
        if not self._quiet:
            print(text, end="", flush=True)

    @property
    def document(self) -> dict[str, object]:
        """It for `--json`."""
        waiting = [{"call": asdict(each.call), "result": {"outcome": "waiting"}} for each in self.waiting]
        return {"answer": self._answer, "actions": [*self.actions, *waiting], "error": self.error}


def _checked(answer: Answer, shown: str) -> str:
    """Return what is still to be shown of an answer: it as it was checked, if that is not what was shown; citations."""
    lines = [""] if answer.text.strip() == shown.strip() else ["", answer.text] if shown else [answer.text]
    lines += [f"  {citation.source}: “{citation.quote}”" for citation in answer.citations]
    return "\n".join(lines) + "\n"


def _done(event: EffectMade) -> str:
    result = event.result
    value = "" if result.value is None else f" {result.value}"
    return f"{event.call.action}: {result.outcome}.{value} {result.reason}".rstrip() + "\n"


def _granted(needed: ApprovalNeeded) -> bool | None:
    """Ask the user to approve exactly this call; None where it is for somebody else to approve."""
    print(f"{needed.call.action} with")
    for name, value in needed.call.arguments.items():
        print(f"  {name}: {value}")
    if needed.approver != "asker":
        print(f"This has to be approved by somebody else: {needed.approver}.")
        return None
    try:
        granted = input("Shall this be done? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        granted = False
    if not granted:
        print("It is not done.")
    return granted
