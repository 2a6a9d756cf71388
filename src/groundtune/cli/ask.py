"""`groundtune ask`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import AS_EVERYONE, HERE, AsJson, Asker, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.values import Answer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ask)


def ask(
    question: Annotated[str, typer.Argument(help="Question to answer.")],
    candidate: Annotated[
        str, typer.Option(help="Candidate that answers: base, rag, tuned, tuned+rag, raft, or an adapter.")
    ] = "rag",
    asker: Asker = AS_EVERYONE,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Answer a question with checked citations, or say that the answer is not known.

    A candidate that uses documents ingests them first if nothing has been ingested yet. A tuned candidate must have
    been tuned.

    Examples:

        groundtune ask "How much is the Brook plan?"
        groundtune ask "How much is the Brook plan?" --candidate raft --json
        groundtune ask "What discount may I give?" --as everyone --as staff

    """
    with opened(project, overrides) as opened_project:
        answer = opened_project.ask(question, candidate, asker=asker)
        adapters = [opened_project.adapter_folder(name).name for name in opened_project.adapters_of(candidate)]
    document = {**_document(answer, question), "candidate": candidate, "adapters": adapters}
    shown = Text(answer.text)
    for citation in answer.citations:
        made = "" if citation.origin == "model" else " (attributed afterwards)"
        shown.append(f"\n  {citation.source}{made}: ", style="cyan")
        shown.append(f"“{citation.quote}”", style="dim")
        shown.append(f" (under “{citation.heading}”)" if citation.heading else "", style="dim")
    if answer.reasoning and not as_json:
        print(f"{_reasoned(answer)}; --json shows it.", file=sys.stderr)
    if document["without_content"]:
        shown.append(
            "\nNote: this reply has no content. It neither answers nor says that the answer is not known.", "yellow"
        )
    emit(as_json, document, shown)


def _document(answer: Answer, question: str) -> dict[str, object]:
    from groundtune.reply import says_nothing

    citations = [
        {
            "document": citation.document,
            **citation.place.as_json(),
            "quote": citation.quote,
            "fingerprint": citation.fingerprint,
            "origin": citation.origin,
            "heading": citation.heading,
        }
        for citation in answer.citations
    ]
    return {
        "answer": answer.text,
        "abstained": answer.abstained,
        "without_content": says_nothing(answer, question),
        "citations": citations,
        "citations_removed": answer.citations_removed,
        "support": answer.support,
        "reasoning": answer.reasoning,
        "adjusted": list(answer.adjusted),
        "searched": answer.searched,
        "usage": asdict(answer.usage),
    }


def _reasoned(answer: Answer) -> str:
    tokens = f", {answer.usage.reasoning_tokens:,} tokens" if answer.usage.reasoning_tokens else ""
    return f"The model reasoned before it answered ({len(answer.reasoning.split()):,} words{tokens})"
