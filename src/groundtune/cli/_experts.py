"""`groundtune benchmark draft`: what experts need to make a benchmark."""

from __future__ import annotations

from typing import Annotated, cast

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.errors import SettingsError

_SHOWN = 200  # characters of what a drafter said


def draft(
    cases: Annotated[int, typer.Option(min=1, help="So many of every kind; of wordings, so many groups.")] = 10,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this kind; may be given again: single-document, multi-document, unanswerable, multi-turn, "
            "paraphrase."
        ),
    ] = None,
    drafter: Annotated[
        str, typer.Option(help="model, templates, or auto: templates where the model is a built-in one.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Which passages are drawn, and in which order.")] = 17,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Propose questions, quotes and ideal answers from the documents, for experts to approve, edit or reject.

    Drafts go to `[benchmark] drafts` with the status "draft" and who drafted them; nothing uses them before they are
    approved with `groundtune benchmark review`. Replies that cannot be used are counted and shown. Interrupted or
    called again, it goes on from where it was, and never asks what the benchmark asks already.

    Examples:
        groundtune benchmark draft --cases 20

        groundtune benchmark draft --kind unanswerable --kind paraphrase --set model.name=openai:MODEL@BASE_URL

    """
    from groundtune.evaluation.drafting import KINDS, Kind

    unknown = [name for name in kind or () if name not in KINDS]
    if unknown:
        raise SettingsError(f"no kind of case is called `{unknown[0]}`.", remedy=f"Known here: {', '.join(KINDS)}.")
    wanted = {cast("Kind", name): cases for name in kind or KINDS}
    with opened(project, overrides) as opened_project:
        author, tallies = opened_project.draft_benchmark(wanted, drafter, seed)
        drafts = opened_project.settings.benchmark.drafts
    table = Table("kind", "wanted", "there", "new", "refused")
    reasons: list[Text] = []
    for name, tally in tallies.items():
        table.add_row(name, str(tally.wanted), str(tally.there), str(tally.new), str(tally.refused.total()))
        for reason, count in tally.refused.most_common():
            reasons.append(Text(f"{name}: {count} times {reason}.", style="yellow"))
            if reason in tally.said:
                reasons.append(Text(f"    such as: {tally.said[reason][:_SHOWN]}"))
    document = {
        "author": author,
        "drafts": drafts,
        "kinds": {
            name: {"wanted": one.wanted, "there": one.there, "new": one.new, "refused": dict(one.refused)}
            for name, one in tallies.items()
        },
    }
    emit(as_json, document, Group(table, *reasons, Text(f"By {author}, in {drafts}.")))
