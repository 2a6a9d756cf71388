"""What an Office document says about itself: the core properties of its package (ECMA-376-2, 10). Knows no text."""

from __future__ import annotations

from groundtune.knowledge.readers import described
from groundtune.knowledge.readers._ooxml import Package, name


def properties(package: Package) -> dict[str, str]:
    """Return the file's properties; nothing for a file without them."""
    part = next(iter(package.existing("", "core-properties")), None)
    root = package.xml(part) if part is not None else None
    if root is None:
        return {}
    said = {name(each).partition(":")[2]: "".join(each.itertext()) for each in root if isinstance(each.tag, str)}
    return described(
        title=said.get("title"),
        author=said.get("creator"),
        date=said.get("created"),
        subject=said.get("subject"),
        category=said.get("category"),
        keywords=said.get("keywords"),
        language=said.get("language"),
    )
