"""The file that `groundtune init` writes: every setting, commented out, with its default and meaning."""

from __future__ import annotations

import json

from groundtune.secrets import Secret
from groundtune.settings.declared import all_tables
from groundtune.settings.table import Table


def template(name: str) -> str:
    """Return a groundtune.toml in which every setting stands, commented out, with its default and meaning."""
    lines = [f"[project]\nname = {toml(name)}"]
    for table, kind in all_tables().items():
        if table == "project":
            continue
        lines.append(f"\n[{table}]")
        if not kind.model_fields:
            lines.append(f"# {about(kind)}")
        for key, setting in kind.model_fields.items():
            default = setting.get_default(call_default_factory=True)
            value = "" if default is None else toml(default)
            lines.append(f"# {setting.description}\n# {key} = {value}".rstrip())
    return "\n".join(lines) + "\n"


def about(kind: type[Table]) -> str:
    """Return what a table is for, from its docstring ("`[model]`: the chat model …")."""
    text = (kind.__doc__ or "").partition(": ")[2].strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def toml(value: object) -> str:
    """Return a text, number, truth value or list as TOML has it, passwords blanked."""
    return json.dumps(value, ensure_ascii=False, default=lambda each: str(each) if isinstance(each, Secret) else each)
