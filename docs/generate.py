"""Writes the pages of this folder that are generated from the code: settings.md and commands.md.

    python docs/generate.py            write them
    python docs/generate.py --check    exit with 1 if they are stale, as tests/docs does

What they say about a setting or a command is in the code.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from groundtune.settings import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    Secret,
    SecretUrl,
    Settings,
    SourceSettings,
    Table,
    about,
    all_tables,
    toml,
)

HERE = Path(__file__).parent
NOTICE = "<!-- Made by docs/generate.py; do not edit. -->\n\n"
SETTINGS_HEAD = f"""# Settings

The settings of a project are in `{FILE_NAME}`, with one table per part. Every setting has a working default, so the
file may be empty. `groundtune init DIR` writes a file with all settings and their defaults, commented out.

A value can come from four places. Each one overrides those before it:

1. the default,
2. the file,
3. an environment variable: `{ENVIRONMENT_PREFIX}TUNING_STEPS=40` sets `tuning.steps`,
4. the command line: `--set tuning.steps=40`.

In environment variables and on the command line, write lists as JSON. An unknown key is an error, and the message
names the closest known key. A report lists every value and where it came from.

A table inside a table belongs to one technique, store or plugin. In the names of its environment variables, separate
the tables and the key by two underscores: `{ENVIRONMENT_PREFIX}TUNING__RAFT__STEPS=40` sets `tuning.raft.steps`.
Installed plugins add their own tables, and `groundtune init` writes those too.

Where a setting contains a password, errors, reports and records show `***` instead.

Paths are relative to the project folder, wherever a command runs: those of files and folders, and those in `path:DIR`,
whether they name a chat model, a judge, an embedding model, a reranker or the encoder of BERTScore. Absolute paths and
paths that begin with `~` work too. Paths in the arguments of a command are relative to the folder that it runs in.
"""


def settings_page() -> str:
    """Return the page on settings: for each table of the file, its settings with type, default and meaning."""
    parts = [NOTICE + SETTINGS_HEAD]
    for table, model in own_tables().items():
        parts.append(f"\n## [{table}]\n\n{about(model) or 'The project.'}\n")
        parts += _rows(model)
        parts += _inner_tables(table, model)
    return "".join(parts)


def _rows(model: type[Table]) -> Iterator[str]:
    if model.model_fields:
        yield "\n| Setting | Type | Default | Meaning |\n|---|---|---|---|\n"
    yield from (_row(name, setting) for name, setting in model.model_fields.items())


def _inner_tables(table: str, model: type[Table]) -> Iterator[str]:
    """Yield what stands in tables that are values of settings, as entries of lists are."""
    for name, setting in model.model_fields.items():
        for kind in _tables_in(setting.annotation):
            yield f"\n### {table}.{name}\n\n{about(kind)}\n"
            yield from _rows(kind)
            yield from _inner_tables(f"{table}.{name}", kind)


def _tables_in(kind: Any) -> Iterator[type[Table]]:  # noqa: ANN401 -- types have no common type
    if isinstance(kind, type) and issubclass(kind, Table) and kind not in _NAMES:
        yield kind
    for inner in get_args(kind):
        yield from _tables_in(inner)


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
    default = "not set" if setting.default is None else "" if setting.is_required() else f"`{toml(setting.default)}`"
    cells = (f"`{name}`", _type(setting), default, setting.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _type(setting: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(limit, key)}" for limit in setting.metadata for key, sign in _SIGNS if hasattr(limit, key)
    ]
    optional = ["optional"] if type(None) in get_args(setting.annotation) else []
    return ", ".join([plain_type(setting.annotation), *optional, *limits])


def plain_type(kind: Any) -> str:  # noqa: ANN401 -- types have no common type
    """Return what people call a type: "list of text" for `list[str]`, "text or list of numbers" for a union."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return plain_type(inner[0])
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in inner)
    if origin is list:
        name = plain_type(inner[0])
        return f"list of {_PLURALS.get(name, name)}"
    if origin is dict:
        return f"table of {_PLURALS.get(plain_type(inner[1]), plain_type(inner[1]))} by name"
    if isinstance(kind, type) and issubclass(kind, Table) and kind not in _NAMES:
        return "table"
    if origin in (Union, UnionType):
        return " or ".join(plain_type(each) for each in inner if each is not type(None))
    return _NAMES.get(kind, str(getattr(kind, "__name__", kind)))


_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false", Secret: "secret"} | {SecretUrl: "URL"}
_NAMES |= {SourceSettings: "address or table"}
_PLURALS = {"table": "tables", "integer": "integers", "number": "numbers", "address or table": "addresses or tables"}
_SIGNS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("multiple_of", "a multiple of"))


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(stale())}; run python docs/generate.py" if stale() else 0)
    for page, make in PAGES.items():
        (HERE / page).write_text(make(), encoding="utf-8")
        print(f"wrote {HERE / page}")
