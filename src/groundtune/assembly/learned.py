"""An accepted entry as a document: one paragraph below its question, with who may read it and its lineage beside it.

Knows the files of an entry, and nothing of how it came to be accepted.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import MappingProxyType

from groundtune.files import write_text
from groundtune.knowledge.rules import READERS, SUFFIX
from groundtune.records.proposals import ProposalRecord

FOLDER = "learned"
"""Where accepted entries are, in the documents folder."""
LEARNED = MappingProxyType({"origin": "conversation"})
"""What the metadata of an accepted entry has, and that of no other document."""
_MARKUP = re.compile(r"^(?=[#>+*=|~`:-])|(?=<[A-Za-z!/?])|(?=!\[)")


def name_of(proposal: str) -> str:
    """Return the document that a proposal becomes."""
    return f"{FOLDER}/{proposal}.md"


def write_entry(path: Path, record: ProposalRecord) -> None:
    """Write an accepted entry, unless it is there. Its access list comes first: without it, it is never there."""
    if path.is_file():
        return
    proposal, decided = record.proposal, record.decided_at
    lineage = {
        **LEARNED,
        "proposal": proposal.id,
        "conversation": proposal.conversation,
        "turns": " ".join(map(str, proposal.turns)),
        "parents": " ".join(proposal.parents),
        "rests_on": " ".join(proposal.rests_on),
        "reviewer": record.reviewer,
        "date": "" if decided is None else decided.date().isoformat(),
    }
    lines = [f"{READERS} = {_toml(list(proposal.readable_by))}"]
    lines += [f"{key} = {_toml(value)}" for key, value in lineage.items() if value]
    write_text(_rule(path), "".join(f"{line}\n" for line in lines))
    write_text(path, f"# {_plain(proposal.question)}\n\n{_plain(proposal.text)}\n")


def remove_entry(path: Path) -> None:
    """Remove an entry, its access list last."""
    path.unlink(missing_ok=True)
    _rule(path).unlink(missing_ok=True)


def _rule(path: Path) -> Path:
    return path.with_name(f"{path.name}{SUFFIX}")


def _toml(value: object) -> str:
    """Return text or a list of texts as TOML: JSON is the same there, but for DEL, which TOML wants escaped."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return one line such that Markdown takes no part of it for a heading, a list, a table, HTML or a picture."""
    return _MARKUP.sub(r"\\", text)
