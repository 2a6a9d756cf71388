"""`groundtune review`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened, several
from groundtune.records.proposals import ProposalRecord

ProposalKey = Annotated[
    str, typer.Argument(metavar="ID", help="A proposal, as `review list` names it, or the beginning of it.")
]
Reviewer = Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who decides. It is kept.")]
State = Annotated[
    str, typer.Option("--state", metavar="STATE", help="quarantined, accepted, rejected, `rolled back` or all.")
]
commands = typer.Typer(no_args_is_help=True, help="Review the knowledge that conversations propose.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="review")


@commands.command()
def propose(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Look through the conversations that ended since the last time, each of them once.

    Only conversations whose user consented are read. Corrections and answers that people gave become proposals, which
    nobody sees before a reviewer accepts them. Questions that were not answered become proposals without a text, and
    drafts of the benchmark.

    Example:

        groundtune review propose

    """
    with opened(project, overrides) as opened_project:
        enrichment = opened_project.learning.propose()
    made = Counter(proposal.kind for proposal in enrichment.proposals)
    said = ", ".join(f"{count} {kind}" for kind, count in made.items()) or "none"
    lines = [
        f"{several(enrichment.conversations, 'conversation')}; proposals: {said}; "
        f"{several(len(enrichment.cases), 'draft case')}."
    ]
    reasons = Counter(each.reason for each in enrichment.left_out)
    lines += [f"Not proposed: {count} × {reason}." for reason, count in reasons.most_common()]
    if enrichment.expired:
        lines.append(f"Erased as too old: {several(enrichment.expired, 'proposal')}.")
    emit(as_json, asdict(enrichment), Text("\n".join(lines)))


@commands.command("list")
def list_(
    state: State = "quarantined",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """List proposals, oldest first.

    Examples:

        groundtune review list
        groundtune review list --state accepted

    """
    with opened(project, overrides) as opened_project:
        records = opened_project.learning.proposals(_states(state))
    lines = [
        f"{record.proposal.id[:8]} {record.state}, {record.proposal.kind}: {record.proposal.question} → "
        f"{record.proposal.text or '?'}"
        for record in records
    ]
    shown = Text("\n".join([*lines, several(len(records), "proposal")]))
    emit(as_json, {"proposals": [_json(record) for record in records]}, shown)


@commands.command()
def show(
    key: ProposalKey,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show a proposal with all that a reviewer has to know of it, and the digest that accepts it.

    Example:

        groundtune review show 3f2a91c0

    """
    with opened(project, overrides) as opened_project:
        record = opened_project.learning.proposal(key)
    emit(as_json, _json(record), Group(*map(Text, _lines(record))))


@commands.command()
def accept(  # noqa: PLR0913 -- each is an option of the command
    key: ProposalKey,
    shown: Annotated[
        str, typer.Option("--shown", metavar="DIGEST", help="The digest that `review show` printed with it.")
    ],
    reviewer: Reviewer,
    text: Annotated[
        str, typer.Option("--text", help="The text of the entry, instead of what was said. A missing topic needs it.")
    ] = "",
    readable_by: Annotated[
        list[str],
        typer.Option(
            "--readable-by",
            metavar="PRINCIPAL",
            help="Who may read the entry, instead of who could. Repeat for several.",
        ),
    ] = [],  # noqa: B006 -- typer reads the default, nobody changes it
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Accept a proposal: it becomes a document in `learned/`, with an access list of its own, and is ingested.

    It is refused if the proposal, or who may read the documents that it rests on, has changed since it was shown.

    Example:

        groundtune review accept 3f2a91c0 --shown 0c5d… --reviewer Ana

    """
    with opened(project, overrides) as opened_project:
        record = opened_project.learning.accept(key, shown, reviewer, text, readable_by)
    emit(as_json, _json(record), Text(f"Accepted as {record.document}."))


@commands.command()
def reject(
    key: ProposalKey,
    reviewer: Reviewer,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Reject a proposal. What says the same is not proposed again as long as it is kept.

    Example:

        groundtune review reject 3f2a91c0 --reviewer Ana

    """
    with opened(project, overrides) as opened_project:
        record = opened_project.learning.reject(key, reviewer)
    emit(as_json, _json(record), Text("Rejected."))


@commands.command()
def rollback(
    key: ProposalKey,
    reviewer: Reviewer,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Take back an accepted proposal, and everything proposed from conversations in which its document was read.

    The documents are removed from the folder and from the store.

    Example:

        groundtune review rollback 3f2a91c0 --reviewer Ana

    """
    with opened(project, overrides) as opened_project:
        records = opened_project.learning.rollback(key, reviewer)
    lines = [f"{record.proposal.id[:8]} {record.document or '(was not accepted)'}" for record in records]
    emit(as_json, {"rolled_back": [_json(record) for record in records]}, Text("\n".join(["Taken back:", *lines])))


def _states(state: str) -> list[Any]:
    from groundtune.errors import SettingsError

    known = ["quarantined", "accepted", "rejected", "rolled back"]
    if state not in (*known, "all"):
        raise SettingsError(f"there is no state `{state}`.", remedy=f"Choose one of: {', '.join(known)}, all.")
    return known if state == "all" else [state]


def _json(record: ProposalRecord) -> dict[str, object]:
    decided = None if record.decided_at is None else record.decided_at.isoformat()
    return {
        **asdict(record.proposal),
        "digest": record.proposal.digest,
        "state": record.state,
        "document": record.document or None,
        "reviewer": record.reviewer or None,
        "made_at": record.made_at.isoformat(),
        "decided_at": decided,
    }


def _lines(record: ProposalRecord) -> list[str]:
    proposal = record.proposal
    said_by = f"{proposal.person}, who had taken over from the assistant" if proposal.person else "the user"
    lines = [
        f"{proposal.id} ({record.state}): {proposal.kind}",
        f"Question:    {proposal.question}",
        f"Text:        {proposal.text or '(none: write it with --text)'}",
        f"Said by:     {said_by}; user {proposal.user}, conversation {proposal.conversation}, "
        f"turns {', '.join(map(str, proposal.turns))}",
        f"Readable by: {', '.join(proposal.readable_by) or 'nobody'}",
        f"Rests on:    {', '.join(proposal.rests_on) or 'no document'}",
    ]
    if proposal.parents:
        lines.append(f"Comes of:    {', '.join(proposal.parents)}")
    lines += [f"Note:        {note}" for note in proposal.notes]
    if record.reviewer:
        lines.append(f"Decided by:  {record.reviewer}; document {record.document or 'none'}")
    return [*lines, f"Digest:      {proposal.digest}"]
