"""Writes the pages of this folder that are made from the code: settings.md and commands.md.

    python docs/generate.py            write them anew
    python docs/generate.py --check    exit with 1 if they are stale, as tests/docs does

Knows no prose: what is to be said about a setting or a command stands in the code.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from groundtune.settings import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    Secret,
    SecretUrl,
    Settings,
    Table,
    about,
    all_tables,
    toml,
)

HERE = Path(__file__).parent
NOTICE = "<!-- Made by docs/generate.py; do not edit. -->\n\n"
SETTINGS_HEAD = f"""# Settings

A project's settings stand in `{FILE_NAME}`, one table a part. Every setting has a default that works, so the file may
be empty. `groundtune init DIR` writes one in which every setting stands, commented out, with its default.

Where a value may come from, weakest first: the default; the file; an environment variable
(`{ENVIRONMENT_PREFIX}TUNING_STEPS=40` for `tuning.steps`); the command line (`--set tuning.steps=40`). Lists are
written as JSON on the command line. Unknown keys are refused with the nearest known one. A report names every
resolved value and where it came from.

A table in a table belongs to one technique, one store or one plugin. Its variables have two underscores between the
names: `{ENVIRONMENT_PREFIX}TUNING__RAFT__STEPS=40` for `tuning.raft.steps`. Plugins that are installed add tables
of their own, which `groundtune init` writes too.

Settings that may hold a password are shown with `***` in its place: in errors, in reports and in records.

Paths are relative to the project's folder.
"""


def settings_page() -> str:
    """Return the page on settings: a table of keys, types, defaults and meanings for each table of the file."""
    parts = [NOTICE + SETTINGS_HEAD]
    for table, model in own_tables().items():
        parts.append(f"\n## [{table}]\n\n{about(model) or 'The project.'}\n")
        if model.model_fields:
            parts.append("\n| Setting | Type | Default | Meaning |\n|---|---|---|---|\n")
        parts += [_row(name, setting) for name, setting in model.model_fields.items()]
    return "".join(parts)


def own_tables() -> dict[str, type[Table]]:
    """Return the tables of groundtune itself, not those of plugins that happen to be installed."""
    home = Settings.__module__.partition(".")[0]
    return {name: kind for name, kind in all_tables().items() if kind.__module__.partition(".")[0] == home}


def commands_page() -> str:
    """Return the page on commands, as Typer's own documentation command writes it."""
    command = [sys.executable, "-m", "typer", "groundtune.cli", "utils", "docs", "--name", "groundtune"]
    text = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    text = text.replace("# `groundtune`", "# Commands", 1)
    # an indented example is code in Markdown only after an empty line
    return NOTICE + re.sub(r"^(Examples?:)\n(?=    )", r"\1\n\n", text, flags=re.MULTILINE).rstrip() + "\n"


PAGES: Mapping[str, Callable[[], str]] = {"settings.md": settings_page, "commands.md": commands_page}


def stale() -> list[str]:
    """Return the names of the pages that are not what the code says now."""
    return [
        name
        for name, make in PAGES.items()
        if not (HERE / name).is_file() or (HERE / name).read_text(encoding="utf-8") != make()
    ]


def _row(name: str, setting: FieldInfo) -> str:
    default = "not set" if setting.default is None else f"`{toml(setting.default)}`"
    cells = (f"`{name}`", _type(setting), default, setting.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _type(setting: FieldInfo) -> str:
    kind: Any = setting.annotation
    name = _NAMES.get(kind) or (str(kind) if get_origin(kind) else kind.__name__)
    limits = [
        f"{sign} {getattr(limit, key)}" for limit in setting.metadata for key, sign in _SIGNS if hasattr(limit, key)
    ]
    return ", ".join([name.replace(" | None", ", optional").replace("typing.", ""), *limits])


_NAMES = {Secret: "secret", SecretUrl: "URL, password masked"}
_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(stale())}; run python docs/generate.py" if stale() else 0)
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), encoding="utf-8")
        print(f"wrote {HERE / page}")
