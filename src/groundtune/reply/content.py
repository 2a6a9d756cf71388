"""Whether a reply has no content: it is neither an answer nor says that there is none.

    "The answer is:"              without content
    "Based on the documents,"     without content
    "[1] [2]"                     without content
    "prices.md, plans.md"         without content, unless a file was asked for
    "9"                           an answer

Goes by form alone: lead-ins that lead nowhere, marks, names of documents, the question once more, and placeholders of
prompts. Each line of a reply must be one of these.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from groundtune.reply._phrases import begins, wholly
from groundtune.reply.clauses import LONGEST_REPLY, expanded
from groundtune.sentences import sentence_spans
from groundtune.text import without_markers
from groundtune.values import Answer

_WORD = re.compile(r"\w+")
_MARKUP = re.compile(
    r"[*_`#|~]+|^\s*>+|^\s*(?:[-+•]|\d+[.)])(?=\s|$)|<(?:br|/?p|/?b|/?i|/?div|hr)\s*/?>", re.MULTILINE | re.IGNORECASE
)
_PAPERS = (
    r"(?:passages?|documents?|documentation|docs|context|texts?|sources?|excerpts?|material|articles?|snippets?|"
    r"(?:search )?results?|references?|citations?|knowledge base|information)"
)
_THE = (
    r"(?:(?:the|these|those|this|your|my|our|all|given|provided|above|following|numbered|available|quoted|retrieved|"
    r"relevant|\d+) )*"
)
_ABOVE = rf"{_THE}{_PAPERS}(?: (?:provided|given|above|below|available|here|\d+|and|,|or))*"
_LABEL = r"(?:(?:final|short|full|my|the|your|best|correct|ideal|long) )*(?:answer|response|reply|output)"
_LEAD_IN = wholly(
    rf"(?:(?:so|and|then|ok|okay|well|sure|certainly|of course|hello|hi|yes|thank you|great question)[,.!]* "
    rf")*(?:{_LABEL})"
    r"(?: (?:to|for|of) (?:this|that|the|your) question)?(?: (?:is|are|was|would be))?(?: as follows| the following| "
    r"this| that| given| below| here)*",
    rf"(?:based (?:up)?on|according to|as (?:per|stated in|described in|mentioned in|shown in|in|seen in)|from|in|"
    rf"given|using|per|with) {_ABOVE}"
    r"(?:,? (?:the )?(?:answer|response)(?: (?:is|would be))?(?: as follows)?|,? (?:we|i|you|it) (?:can|could|may) "
    r"(?:say|see|find|conclude|answer)(?: that)?)?",
    rf"(?:the )?(?:answer|information|details?|response)(?: to (?:this|that|the|your) question)? (?:is|are|can be|may "
    rf"be) (?:found |given |stated |provided |contained |located )?(?:in|by|from) {_ABOVE}",
    rf"(?:please )?(?:see|refer to|check|read|consult|look at|cf|compare|have a look at) (?:also )?{_ABOVE}(?: (?:for|"
    rf"to)\b.*)?",
    rf"{_ABOVE} (?:contain|contains|provide|provides|give|gives|include|includes|have|has|hold|holds|answer|answers) "
    rf"(?:the |all |your |this |that |an? )*(?:answer|information|details?|question)s?(?: (?:to|about|for|you)\b.*)?",
    r"(?:here|below|following|these|this)(?: (?:is|are|it is|follows?|comes?))(?: (?:the|my|your|a|an|some|what|all|i|"
    r"you|need|know|can|short|brief|found|answer|response|information|details|steps|summary|list|overview|result|"
    r"results|asked|requested|for|to|that|have|question|look|with|provide|as|follows))*",
    r"(?:in (?:summary|short|conclusion|other words|brief)|to (?:summari[sz]e|answer (?:your|the|this) question|sum "
    r"up)|as follows|the following|let me (?:explain|answer|see|think|check)|i (?:will|would be happy to|can) "
    r"(?:answer|help|explain)[\w ]*)",
)
_YES = re.compile(r"(?:sure|certainly|of course|ok|okay|absolutely|great question|good question|hello|hi)[!.,]*")
_PLACEHOLDER = wholly(
    r"[<\[{(]+ ?/?(?:[\w'’.,/-]+ ?){1,8}[>\]})]+",
    r"(?:insert|put|write|enter|type|your|add) (?:[\w'’-]+ ){0,3}(?:answer|response|reply|text)(?: (?:here|goes here|"
    r"below))?",
    r"(?:answer|response|text|placeholder|lorem ipsum.*|todo|tbd|tbc|xxx+)(?: here| goes here)",
    r"(?:placeholder|lorem ipsum.*|todo|tbd|tbc|xxx+)",
)
_IN_BRACKETS = re.compile(
    r"\b(?:answer|response|reply|text|insert|your|question|unknown|here|citation|passage|number|placeholder|todo|"
    r"string|content|name|document|source|project)\w*\b"
)
_RULES = begins(
    r"use only the numbered passages\b",
    r"cite the passage of every statement\b",
    r"if the passages do not answer the question, reply exactly\b",
    r"you are the support assistant of\b",
    r"answer the customer's question in one or two\b",
)
"""Our own instructions, which small models repeat."""

_FILE = re.compile(
    r"(?:[\w.-]+/)*[\w-][\w.-]*\.(?:md|markdown|html?|xhtml|pdf|docx?|csv|tsv|json|jsonl|txt|xlsx?|pptx?|odt|ods|rst|"
    r"xml|ya?ml|ndjson|emlx?|mbox|mhtml?|vtt|srt)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?:the )?(?:passages?|documents?|docs?|sources?|chunks?|citations?|references?|ids?)[ _#-]*\d+"
)
_BETWEEN = re.compile(r"\s*(?:[,;&+|\n]|\band\b|\bor\b|\s)\s*")
_SOURCES = re.compile(
    r"^(?:sources?|references?|documents?|citations?|see|files?|found in|from|in)\b:?\s*", re.IGNORECASE
)
_ASKS_WHERE = re.compile(
    r"\b(?:files?|documents?|documentation|docs?|pages?|sources?|passages?|references?|where|guides?|manuals?|"
    r"templates?|configs?|configuration|scripts?|folders?|called|named?|names|read|link|url|path|id|ids|section|chapter)\b"
)


def without_content(text: str, question: str = "", documents: Collection[str] = ()) -> bool:
    """Return whether the reply to `question` says nothing.

    `documents` are names of documents that the reply may list, besides what looks like the name of a file. Names are
    content where the question asks for a document or a place.
    """
    if not _WORD.search(text):
        return True
    if len(text) > LONGEST_REPLY:
        return False
    if _ASKS_WHERE.search(question.casefold()) and _names_documents(text, documents):
        return False
    rest = _without_echo(text, question)
    pieces = _pieces(rest)
    saying = [piece for piece in pieces if not _empty(piece, documents)]
    return not saying or (len(saying) < len(pieces) and all(_YES.fullmatch(expanded(piece)) for piece in saying))


def says_nothing(answer: Answer, question: str) -> bool:
    """Return whether an answer to `question` neither abstains nor says anything."""
    documents = {passage.document for passage in answer.passages}
    return not answer.abstained and without_content(answer.text, question, documents)


def _pieces(text: str) -> list[str]:
    """Return sentences and lines, without markers and markup; those without a letter or digit are left out."""
    bare = _MARKUP.sub(" ", without_markers(text))
    spans = [bare[start:end].strip() for start, end in sentence_spans(bare)]
    return [piece for piece in spans if _WORD.search(piece)]


def _empty(piece: str, documents: Collection[str]) -> bool:
    plain = expanded(piece)
    bare = plain.strip(" .,:;!?…-–—\"'")
    leads_nowhere = plain[-1] == ":" and not re.search(r"\d", plain)
    return (
        leads_nowhere
        or _LEAD_IN.match(bare) is not None
        or _is_placeholder(plain.strip(" .,:;!\"'"))
        or _RULES.match(plain) is not None
        or _names_documents(piece, documents)
    )


def _is_placeholder(piece: str) -> bool:
    match = _PLACEHOLDER.match(piece)
    return match is not None and (piece[0].isalnum() or _IN_BRACKETS.search(piece) is not None)


def _names_documents(text: str, documents: Collection[str]) -> bool:
    """Return whether there is nothing but names of documents, and at least one."""
    known = {name.casefold() for name in documents}
    bare = _SOURCES.sub("", _MARKUP.sub(" ", without_markers(text)).strip(" .\n")).strip()
    if bare.casefold() in known:
        return True
    bare = _NUMBERED.sub(" ", bare.casefold())
    names = [name.strip(" .:()[]\"'") for name in _BETWEEN.split(bare)]
    left = [name for name in names if name]
    counted = len(left) or bare.casefold() != text.casefold()
    return (
        bool(counted)
        and all(name in known or _FILE.fullmatch(name) for name in left)
        and _WORD.search(text) is not None
    )


def _without_echo(text: str, question: str) -> str:
    """Return `text` without the question, wherever its words stand in it one after the other."""
    asked = _WORD.findall(question)
    if len(asked) < 2:
        return "" if asked and _WORD.findall(text.casefold()) == _WORD.findall(question.casefold()) else text
    return re.sub(r"\b" + r"\W+".join(map(re.escape, asked)) + r"\b[?.!]*", "\n", text, flags=re.IGNORECASE)
