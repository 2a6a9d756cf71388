"""Whether a reply is that the answer is not known, or that none will be given.

The whole reply counts: its clauses are denials ("I could not find it", "the passages do not say"), refusals ("I
can't help with that"), courtesies, referrals, talk about what the documents are about, or else content. A reply with
a denial or a refusal and no content abstains.

    "I don't have that information. Is there anything else?"       abstains
    "I don't know why it failed, but you can restart it."          an answer
    "It costs €9, but I do not know since when."                   an answer
    "I'm not sure which plan you mean. Which one is it?"           a question back: see `question_back`

The wordings stand in `_denials` and `_asides`; they were chosen on half of XSTest's refusals (Röttger et al.,
NAACL 2024) and of the answers to MTRAG's unanswerable questions; docs/results.md has the other half
(`python benchmarks/abstention.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from groundtune.reply import _asides, _denials
from groundtune.reply._phrases import Wording
from groundtune.reply.clauses import LONGEST_REPLY, TURNS, clauses, plain
from groundtune.values import digest

Kind = Literal["denial", "refusal", "unclear", "about", "aside", "lesson", "content"]

LONGEST = 300  # characters of a clause that are looked at
_WORD = re.compile(r"\w+")
_APOLOGY = re.compile(r"(?:(?:i am|we are) )?(?:(?:very |so )?sorry|unfortunately|i apologi[sz]e)[,.;:!]? (?:but )?")
_TRIED: tuple[tuple[Wording, Kind], ...] = (
    (_denials.UNCLEAR, "unclear"),
    (_denials.I_LACK, "denial"),
    (_denials.DOCUMENTS_LACK, "denial"),
    (_denials.REFUSES, "refusal"),
    (_asides.COURTESY, "aside"),
    (_asides.REFERRAL, "aside"),
    (_asides.LESSON, "lesson"),
    (_asides.SUBORDINATE, "aside"),
)
_OTHERS: tuple[Wording | re.Pattern[str], ...] = (_asides.LEADS, _asides.ABOUT, _asides.EXAMPLES, _denials.NOR, TURNS)
_PATTERNS: tuple[Wording | re.Pattern[str], ...] = (*(pattern for pattern, _ in _TRIED), *_OTHERS)

RULE = f"abstention:1-{digest(*(pattern.pattern for pattern in _PATTERNS))[:8]}"
"""Part of every answerer's signature: answers that were taken in by other rules are not reused."""


def says_unknown(text: str, unknown: str, others: Sequence[str] = ()) -> bool:
    """Return whether a model's reply is that it does not know, or that it will not answer.

    It is if it begins, an apology aside, with the first sentence of what the model was told to say (`unknown`) or with
    one of the project's `others`, in whatever language; these need no grammar. An English sentence that the grammar
    knows as an abstention goes by the grammar, so that "I do not know when, but it costs €9" remains an answer.
    """
    reply = plain(text).lstrip("\"'")
    own = (plain(unknown).split(". ")[0], *map(plain, others))
    openings = [opening for each in own if (opening := each.strip("\"' .,!")) and not abstains(opening)]
    bare = _APOLOGY.sub("", reply, count=1) if _APOLOGY.match(reply) else reply
    return any(_begins(said, opening) for said in (reply, bare) for opening in openings) or abstains(text)


def abstains(text: str) -> bool:
    """Return whether an English reply denies or refuses, and says nothing besides."""
    if len(text) > LONGEST_REPLY:
        return False
    kinds = {kind for kind, _ in kinds_of(text)}
    if "content" in kinds:
        return False
    return "refusal" in kinds or ("denial" in kinds and "lesson" not in kinds)


def kinds_of(text: str) -> list[tuple[Kind, str]]:
    """Return what each clause of a reply does, and the clause, in order."""
    kinds: list[tuple[Kind, str]] = []
    for clause in clauses(text):
        kind, before = kind_of(clause), kinds[-1][0] if kinds else "content"
        if kind == "content" and before == "about" and _denials.NOR.match(clause):
            kind = "denial"
        elif kind == "content" and before != "content" and _asides.EXAMPLES.match(clause):
            kind = before
        kinds.append((kind, clause))
    return kinds


def kind_of(clause: str) -> Kind:
    """Return what a clause does in a reply, whatever stands beside it."""
    clause = clause[:LONGEST]
    lead = _asides.LEADS.match(clause)
    bare = clause[lead.end() :] if lead else clause
    if not _WORD.search(bare):
        return "aside"
    for pattern, kind in _TRIED:
        if pattern.match(bare) and not (kind in ("denial", "refusal") and bare.endswith("?")):
            return kind
    return "about" if _asides.is_about_documents(clause) or _asides.is_about_documents(bare) else "content"


def _begins(reply: str, opening: str) -> bool:
    return reply.startswith(opening) and not reply[len(opening) :][:1].isalnum()
