"""What the patterns of this package are made of: nouns for facts and for documents, negations, and two builders.

Patterns match clauses as `clauses` makes them: small letters, short forms written out, no marks at the ends.
"""

from __future__ import annotations

import re
from functools import cached_property


class Wording:
    """A pattern that is compiled when a clause is first held against it: that takes long, and few commands do it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def match(self, clause: str) -> re.Match[str] | None:
        """Return the match at the beginning of a clause, None if there is none."""
        return self._compiled.match(clause)


def begins(*patterns: str) -> Wording:
    """Return what matches a clause that begins with any of `patterns`."""
    return Wording(rf"(?:{'|'.join(patterns)})")


def wholly(*patterns: str) -> Wording:
    """Return what matches a clause that is any of `patterns` from beginning to end."""
    return Wording(rf"(?:{'|'.join(patterns)})$")


ADVERBS = r"(?:(?:\w+ly|really|just|still|yet|also|even|as yet|at (?:this|the) (?:time|moment)|right now) )*"
LY = r"(?:\w+ly |also |only |just )*"
SOME = r"(?:[\w'’%,-]+ ){0,6}?"  # a few words in between
MANY = (  # a subject
    r"(?!(?:if|when|unless|because)\b)[\w'’%,-]+ (?:(?!(?:if|when|unless|because|who)\b)[\w'’%,-]+ ){0,11}?"
)

FACTS = (
    r"(?:information|info|details?|data|answers?|knowledge|specifics?|figures?|records?|facts?|clues?|ideas?|"
    r"evidence|mentions?|references?|documentation|passages?|documents?|sources?|statements?|guidance|"
    r"specifications?|explanations?|descriptions?|indications?|instructions|list|access|context|insights?)"
)
# what may stand behind such a noun; "an answer key" and "information desks" are other things
FACTS += (
    r"(?=$|[,.;)]|\s(?:about|on|of|regarding|concerning|for|in|within|from|that|which|to|available|provided|given|"
    r"here|as|whether|relat\w+|at|with|beyond|either|anywhere|how|what|where|when|who|why|or|and|you|sorry|yet|now|"
    r"right|currently|needed|required|necessary|is|are|was|were|has|have|could|can|exists?|found|included|listed|"
    r"stated|mentioned|seems?|made)\b)"
)
TOLD = (
    r"(?:information|info|mentions?|references?|details?|answers?|documentation|passages?|documents?|sources?|guidance|"
    r"specifics|indications? (?:of|in|as)|descriptions?|explanations?|records? of|data (?:on|about|available)|"
    r"instructions)(?=$|[,.;)]|\s(?:about|on|of|regarding|concerning|for|in|within|from|that|which|to|available|"
    r"provided|"
    r"given|here|as|whether|relat\w+|at|how|what|where|when|who|why|or|and|either)\b)"
)

_PAPERS = (
    r"(?:passages?|documents?|documentation|docs|context|texts?|sources?|excerpts?|materials?|articles?|snippets?|"
    r"extracts?|search results?|knowledge base|manuals?|guides?|faqs?|handbooks?|references?|corpus|help pages?)"
)
_DATA = r"(?:information|pages?|files?|records?|data|content|database|results?)"
_WHOSE = r"(?:the|these|those|this|that|my|our|your|any|all|both|either|of|each)"
_PROVIDED = (
    r"(?: (?:provided|given|available|above|supplied|shared|retrieved|at hand|here|in question|"
    r"(?:that )?(?:i|you|we)(?: have| were| was)? (?:have|see|provided|given|shared|supplied|searched|found)|"
    r"(?:about|on|for|in|from|of) [\w'-]+(?: [\w'-]+){0,3}?)){0,3}"
)
PAPERS = _PAPERS
DOCUMENTS = (
    rf"(?:(?:{_WHOSE} )+(?:[\w'-]+ ){{0,3}}?{_PAPERS}{_PROVIDED}|"
    r"(?:(?:passages?|documents?|sources?)(?: \d+)?(?: and \d+)?|documentation)(?! (?:that|which)\b))"
)
DATA = rf"(?:{_WHOSE} )+(?:[\w'-]+ ){{0,3}}?{_DATA}{_PROVIDED}"
EITHER = rf"(?:{DOCUMENTS}|{DATA})"
IN_THEM = (
    rf"(?:in|by|within|at|from|of) (?:{DOCUMENTS}|"
    rf"(?:{_WHOSE} )+(?:[\w'-]+ ){{0,3}}?(?:information|data|content|results|knowledge))"
)

NOT = r"(?:do|does|did|can|could|has|have|will|would)? ?(?:not|never)(?: (?:seem|appear) to)?"
SAY = (
    r"(?:answer|mention|say|state|specify|specifies|tell|address|discuss|explain|describe|indicate|reveal|detail|"
    r"clarify|"
    r"make (?:it |that |this )?clear|go into|touch (?:up)?on|talk|speak|document|note|report|confirm|define|disclose|"
    r"refer|elaborate|shed|cover|list|name|help|suggest)"
)
HOLD = r"(?:contain|include|provide|give|offer|have|show|hold|make)"
SAID = r"(?:mentioned|specified|stated|documented|described|discussed|addressed|explained|indicated|detailed)"
HELD = r"(?:covered|included|provided|listed|available|found|given|answered|contained|part of|present|to be found|in)"
