"""Whether a reply is a question back: it asks what was meant, and answers nothing.

"Which ocean do you mean?"                                             a question back
"We have two plans, Brook and Lake. Which one is yours?"               a question back
"Brook costs €9. Is there anything else I can help you with?"          an answer
"I don't have that information. Would you like me to call an agent?"   an abstention
"""

from __future__ import annotations

import re

from groundtune.reply._asides import LEADS
from groundtune.reply._denials import UNCLEAR
from groundtune.reply._phrases import begins
from groundtune.reply.abstention import kind_of
from groundtune.reply.clauses import LONGEST_REPLY, clauses, plain, sentences

OPTION = 8  # words of an item in a list of what may be meant
_WORD = re.compile(r"\w+")
_OFFER = re.compile(
    r"\b(?:anything|what|something) else (?:i|we|you)\b|\banything else\b|\bhow (?:else )?(?:can|may|could) (?:i|we)\b|"
    r"\b(?:can|may|could|shall|should) (?:i|we)\b(?! (?:ask|know|clarify))|\blet (?:me|us) know if\b|\bfeel free\b|"
    r"\bwould you like (?:me|us|more|further|any|some|help|to (?:know more|speak|talk|contact|see|continue|proceed))\b|"
    r"\b(?:do|if) you (?:need|want|have) (?:any|more|further|other|anything|me|us|some|additional)\b|\bwant me to\b|"
    r"\b(?:does|did|do) (?:that|this|it|these|i) (?:help|answer|make sense|work|solve|clarify)\b|"
    r"\bis (?:that|this|everything|it) (?:clear|ok|okay|helpful|what you)\b|\bneed (?:any|more) help\b|"
    r"\bhave you (?:tried|checked|considered|thought|restarted)\b|\bare you (?:satisfied|happy)\b|"
    r"\bwhy (?:not|do(?:n't| not) you)\b"
)
_GUESS = re.compile(r"\d|,[\w ]+ not (?:it|you|they|he|she|that|there)\?$")
_ASKS = begins(
    r"(?:which|what|who|whose|where|when|why|how)\b.*\byou(?:r|rs)?\b",
    r"(?:which|what)(?: [\w'-]+){1,5}\?",
    r"(?:do|did|are|were|is|was|have|has|can|could|would|will|may|might|should) (?:you|your|i (?:ask|know))\b",
    r"(?:is|are|was|were) (?:this|that|it|these|those)\b.*\?",
    r"(?:for|in|on|about|with|from|at|of|to|by|under) (?:which|what|whom|whose)\b.*\?",
    r"(?:so |or )?(?:you mean|meaning|do you mean|did you mean|or\b).*\?",
    r".*\bor (?:something|someone|somewhere|another|other|both|neither)\b.*\?",
    r"[\w'-]+(?: [\w'-]+){0,3} or [\w'-]+(?: [\w'-]+){0,3}\?",
    r"(?:please|kindly|just) (?:specify|clarify|tell|let (?:me|us) know|provide|give|say|indicate|state|rephrase|"
    r"elaborate|"
    r"name|choose|confirm|explain|be more specific)\b",
)
_SETS_OUT = begins(
    r"(?:there are|we (?:have|offer)|i (?:see|found|know of)|you (?:can|may|could)|(?:the|these) [\w ]{1,40}? "
    r"(?:mention|"
    r"describe|list|cover)s?) (?:[\w-]+ ){0,3}?(?:several|many|multiple|different|various|two|three|four|five|\d+|"
    r"more than|a few)\b",
    r"(?:that|this|it|the answer|this answer) (?:would |will |may |can |really )*depends?\b",
    r"(?:sure|certainly|of course|absolutely|gladly|with pleasure|no problem|interesting question|happy to help|glad "
    r"to help)$",
    r"(?:to|so that|before) (?:help|answer|i|we)\b",
)
"""What may stand before a question back: that there are several things, and that it depends."""


def asks_back(text: str, question: str = "") -> bool:
    """Return whether the reply to `question` is a question back. A reply that repeats the question is none."""
    if len(text) > LONGEST_REPLY or _letters(text) == _letters(question):
        return False
    told = sentences(text)
    if _is_a_question(told):
        return True
    asked = False
    for sentence in told:
        if _OFFER.search(sentence):
            continue
        if _asks(sentence):
            asked = True
        elif not (
            _says_nothing(sentence) or (asked and len(_WORD.findall(sentence)) <= OPTION and sentence[-1] not in ".!")
        ):
            return False
    return asked


def _asks(sentence: str) -> bool:
    """Return whether the sentence asks the other to say more, and tells nothing before."""
    for clause in clauses(sentence):
        lead = LEADS.match(clause)
        said = clause[lead.end() :] if lead else clause
        if UNCLEAR.match(said) or _ASKS.match(said) or _ASKS.match(clause):
            return True
        if not _empty(clause):
            return False
    return False


def _says_nothing(sentence: str) -> bool:
    return all(map(_empty, clauses(sentence))) or _SETS_OUT.match(sentence) is not None


def _empty(clause: str) -> bool:
    return kind_of(clause) not in ("content", "lesson") or _SETS_OUT.match(clause) is not None


def _is_a_question(told: list[str]) -> bool:
    """Return whether all there is is one question, in whatever language, and no offer."""
    only = told[0] if len(told) == 1 else ""
    is_question = only.endswith("?") and len(clauses(only)) == 1 and len(_WORD.findall(only)) > 2
    return is_question and not _OFFER.search(only) and not _GUESS.search(only)


def _letters(text: str) -> list[str]:
    return _WORD.findall(plain(text))
