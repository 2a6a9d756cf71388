"""`groundtune agents actions` and `agents approve`: what back-ends offer, and tools that somebody has looked at."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.assembly.offers import ActionOffers


def actions(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show what the back-ends of `[actions]` offer: each action, who may have it done, and what is not offered and why.

    Tools of MCP servers that nobody has approved are shown whole, with their digests: read them before you approve one.

    Examples:

        groundtune agents actions
        groundtune agents actions --json

    """
    from groundtune.assembly.offers import action_offers

    with opened(project, overrides) as opened_project:
        offers = action_offers(opened_project.assembly.settings.actions, opened_project.assembly.folder)
    emit(as_json, offers.as_json(), _offered(offers))


def approve(
    backend: Annotated[str, typer.Argument(help="Name of the back-end: an MCP server.")],
    tool: Annotated[str, typer.Argument(help="Name of the tool, as the server calls it.")],
    shown: Annotated[
        str, typer.Option("--shown", metavar="DIGEST", help="The digest that `agents actions` printed with it.")
    ],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Approve a tool of an MCP server, exactly as it was shown: its digest is written into groundtune.toml.

    It is refused if the tool has changed since. Rules say who may have it done.

    Example:

        groundtune agents approve git git_log --shown 9b755c440307ffa823180d26327d06ff

    """
    from groundtune.assembly.offers import approve_tool

    with opened(project, overrides) as opened_project:
        approve_tool(opened_project.assembly.settings.actions, opened_project.assembly.folder, backend, tool, shown)
    document = {"backend": backend, "tool": tool, "digest": shown}
    emit(as_json, document, Text(f"Approved: {tool} of {backend}. groundtune.toml has it."))


def _offered(offers: ActionOffers) -> Group:
    from groundtune.agents.enrichment import visible
    from groundtune.assembly.offers import approved_line

    table = Table("action", "back-end", "reach", "trusted", "back-end can", "who", box=None)
    for action in offers.actions:
        row = (action.name, action.backend, action.reach, "yes" if action.trusted else "no", ", ".join(action.ways))
        table.add_row(*map(Text, row), Text("\n".join(action.rules) or "nobody: no rule names it"))
    refused = [f"  {visible(each.name)}: {visible(each.reason)}." for each in offers.refused]
    lines = [Text("\n".join(["\nNot offered:", *refused]))] if refused else []
    for each in offers.refused:
        if (tool := each.tool) is not None:
            backend = each.name.removesuffix(f": {tool.name}")
            told = {"name": tool.name, "description": tool.description, "inputSchema": tool.parameters}
            shown = visible(json.dumps(told, indent=2, ensure_ascii=False))
            command = f"groundtune agents approve {backend} {shlex.quote(tool.name)} --shown \\\n  {tool.digest}"
            lines.append(Text(f"\n{shown}\n{command}\nor, below `approved` of {backend}:\n{approved_line(tool)}"))
    return Group(table, *lines)
