"""The command line: one file a command, each a thin layer over `groundtune.project`.

Exit codes: 0 success, 1 a failed check or gate, 2 wrong use or wrong input, 130 interrupted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

import typer

from groundtune.cli import _help, _shared
from groundtune.errors import GateFailed, GroundtuneError

COMMANDS = (
    "init", "doctor", "ingest", "knowledge", "retrieval", "search", "ask", "chat", "agents", "feedback", "review",
    "benchmark", "data", "tune", "export", "evaluate", "score", "judge", "human", "compare",
)  # fmt: skip
INTERRUPTED = 130

app = typer.Typer(
    name="groundtune",
    help="Make a foundation model useful for your company: ground it in your documents, tune it, measure every "
    "candidate on the same expert benchmark, and see which one to ship, and why.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in COMMANDS:
    importlib.import_module(f"groundtune.cli.{command}").register(app)
_help.plain_types(app)


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", is_eager=True, callback=_shared.version
    ),
) -> None:
    """Options that come before the command."""


def main() -> None:
    """Run the command line; errors made on purpose become one message and exit code 2, or 1 for a gate."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    _shared.tell()
    try:
        app()
    except GroundtuneError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": {"message": error.message, "place": error.place, "remedy": error.remedy}}))
        print(f"groundtune: {error}", file=sys.stderr)
        raise SystemExit(1 if isinstance(error, GateFailed) else 2) from None
    except Exception:
        sys.excepthook = _shared.masked_traceback  # which typer has set to its own
        raise
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # which is what typer makes of Ctrl-C
            print("groundtune: interrupted. Finished work is kept. Rerun to resume.", file=sys.stderr)
        raise
