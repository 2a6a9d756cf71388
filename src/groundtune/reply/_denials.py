"""How a reply says that the answer is missing, that it will not be given, or that the question is not clear."""

from __future__ import annotations

from groundtune.reply._phrases import (
    ADVERBS,
    DATA,
    DOCUMENTS,
    EITHER,
    FACTS,
    HELD,
    HOLD,
    IN_THEM,
    LY,
    MANY,
    NOT,
    PAPERS,
    SAID,
    SAY,
    SOME,
    TOLD,
    begins,
)

_I = r"(?:i|we) "
_QUITE = r"(?:too |quite |so |entirely |really |100 ?% )?"
_CAN_NOT = rf"{ADVERBS}(?:can|could) {ADVERBS}not {ADVERBS}"
_DO_NOT = rf"{ADVERBS}(?:do|did|can|could) {ADVERBS}not {ADVERBS}(?:seem to |appear to )?"
_SCOPE = rf"(?:scope|knowledge|expertise|capabilit|remit|ability|area|information|training|{PAPERS})"

_GIVES_FACTS = rf"(?:provide|give|share|offer) {SOME}{FACTS}"
_FINDS = (
    r"(?:find|locate|answer|say|tell|determine|advise|comment|help (?:you )?with (?:that|this)|assist|"
    rf"{_GIVES_FACTS}|confirm (?:whether|if|or)\b)"
)

I_LACK = begins(
    rf"(?:what|when|where|who|why|how|which|whether|that)\b[\w ,'-]*? {_I}{_DO_NOT}know$",
    rf"i {_DO_NOT}know\b",
    rf"we {_DO_NOT}know\b(?! you)",  # "we do not know your PIN" is an answer
    rf"{_I}(?:would|will|could) not {ADVERBS}know\b",
    # an assistant owns nothing: "I do not have" is about facts; "we" may run a shop
    rf"i {_DO_NOT}(?:have|possess|hold|recall|remember|find)\b"
    r"(?! (?:to|any (?:objection|problem|doubt)|it (?:hard|difficult))\b)",
    rf"i {_DO_NOT}see (?:any|that|this|it\b|{SOME}{FACTS})",
    rf"we {_DO_NOT}(?:have|possess|hold) {SOME}{FACTS}",
    rf"i (?:have|had|possess|see|saw|found|find|located) {ADVERBS}(?:no|nothing|none|little|not)\b"
    r"(?! (?:problem|objection|doubt)\b)",
    rf"{_I}(?:could|can) {ADVERBS}(?:find|see|locate) (?:no|nothing)\b",
    rf"i (?:only )?have (?:insufficient|too little|limited) {SOME}{FACTS}",
    rf"we (?:have|had|possess|see|found|find) {ADVERBS}(?:no|nothing|not any) {SOME}{FACTS}",
    rf"i (?:was|have) {ADVERBS}not {ADVERBS}(?:been )?(?:given|told|shown|provided|trained|taught)\b",
    r"i (?:neither have|have neither|lack)\b",
    rf"we lack {SOME}{FACTS}",
    rf"(?:i am|i was|we are) {ADVERBS}(?:not|un) ?{ADVERBS}{_QUITE}"
    r"(?:sure|certain|aware|familiar|clear|informed|knowledgeable)\b",
    rf"{_I}(?:do|would) not (?:think|believe) (?:that )?"
    rf"(?:{_I}(?:have|know|can (?:find|answer|say|tell))|{EITHER} {LY}{SAY}|there is any|.*\b{IN_THEM})\b",
    rf"{_I}(?:have |had )?(?:searched|checked|looked|read|gone|been)\b.*\b(?:found (?:no|nothing)|not find|nothing)\b",
    rf"(?:no (?:idea|clue)|(?:not|un) ?{_QUITE}(?:sure|certain))\b",
    r"do not (?:really )?(?:know(?:$|,)|(?:know|have) (?:that|this|any|enough|the answer)\b)",
    rf"(?:un|not )able to {ADVERBS}{_FINDS}",
    rf"(?:can|could) not {ADVERBS}(?:find|locate|say|tell|answer|determine|see any)\b",
    r"(?:you (?:have )?(?:got me|stumped me)|i am (?:stumped|clueless|at a loss|in the dark)|beats me)\b",
    rf"(?:that|this|it|which) is {ADVERBS}(?:not something|nothing) (?:that )?(?:i|we)\b",
    r"(?:that|this|it|which) is something (?:that )?(?:i|we) (?:do|can|am|are) not\b",
    rf"(?:that|this|it|your question|the question) (?:\w+ )?(?:is|goes|falls|lies|are) {LY}"
    r"(?:beyond|outside|out of|not (?:with)?in) (?:of )?(?:(?:the )?(?:scope|range) of )?"
    rf"(?:what (?:i|we)\b|scope\b|(?:my|our|the) (?:\w+ ){{0,2}}?{_SCOPE})",
    r"(?:my|our|the) (?:\w+ ){0,2}?(?:knowledge|training data|training|information|sources) (?:\w+ ){0,3}?"
    r"(?:does|do|has|have) not (?:include|cover|contain|extend|have|go|reach|been)\b",
    r"(?:i|we) (?:would )?need (?:a (?:bit|little|few) )?(?:some )?(?:more|further|additional) (?:\w+ )?to "
    r"(?:answer|say|tell|know|determine)\b",
    r"(?:my|our) (?:\w+ ){0,2}?(?:knowledge|information|training) (?:is|are) (?:limited|restricted)\b",
    r"(?:unknown|unanswerable|n/?a|no answer|not known|no answer (?:found|available|possible))$",
    rf"(?:it is )?(?:not possible|impossible) (?:for (?:me|us) )?to {LY}"
    r"(?:say|tell|answer|determine|know|find|give|provide|establish|infer|conclude|confirm)\b",
    rf"(?:there is )?(?:not enough|insufficient|too little|no sufficient|no relevant) {SOME}{FACTS}",
    r"(?:more|additional|further) (?:information|details?|context|data) (?:is|are|would be) (?:needed|required)\b",
)
"""I, or we, do not know, have or find it. "We" may run a shop: "we do not have that in stock" is an answer."""

_THERE_IS = r"(?:is|are|was|were|(?:seems?|appears?) to be)"

DOCUMENTS_LACK = begins(
    rf"{DOCUMENTS} (?:.{{0,60}}? )?{LY}{NOT} (?:\w+ ){{0,2}}?(?:{SAY}|{HOLD})\b",
    rf"{DATA} (?:.{{0,60}}? )?{LY}{NOT} (?:\w+ ){{0,2}}?(?:{SAY}\b|{HOLD} (?:this|that|it\b|{SOME}{FACTS}))",
    rf"{EITHER} {LY}(?:has|{HOLD}s?) (?:no|nothing|neither|little)\b",
    rf"{EITHER} (?:is|are|was|were) {LY}(?:silent|unclear|vague|insufficient|irrelevant|unrelated|"
    r"not (?:\w+ )?(?:clear|sufficient|enough|relevant|related|specific|about))\b",
    rf"(?:they|these|those|none of (?:them|these|those)|it) {LY}{NOT} (?:\w+ ){{0,2}}?"
    r"(?:mention|say|state|specify|answer|discuss|address|explain|describe|indicate|cover (?:this|that|your)|"
    rf"{HOLD} {SOME}{FACTS})",
    rf"(?:none|neither|nothing|nowhere|not (?:one|any)|no) (?:of |in )?(?:{EITHER}|(?:\w+ )?{PAPERS}) "
    rf"(?:[\w']+ ){{0,4}}?(?:{SAY}|{HOLD}|point|relat)\w*\b",
    rf"(?:none|neither|nothing) (?:of (?:them|these|those|this) )?(?:{SAY}|{HOLD})s?\b",
    rf"(?:[\w',-]+ ){{0,9}}?there {_THERE_IS} {LY}(?:no|not any|not|little|nothing) (?:such )?{SOME}{TOLD}",
    rf"there (?:is|are|do|does|did) not (?:(?:seem|appear) )?(?:to be )?(?:any )?{SOME}{TOLD}",
    rf"{MANY}(?:is|are|was) {LY}(?:missing|absent) {IN_THEM}",
    r"(?:this|that|the|such) (?:\w+ )?(?:information|details?) (?:\w+ ){0,6}?(?:is|are|was|were) "
    rf"{LY}(?:not (?:provided|available|given|included|listed|known|there|present)(?! to\b)|missing|unavailable|"
    rf"absent)\b",
    r"(?:information|details?|answer) (?:is |are )?(?:not |un)(?:available|found|provided|given|known|specified)$",
    r"nothing (?:about|on|regarding|concerning)\b",
    r"there (?:is|was) nothing (?:\w+ ){0,2}?(?:in|about|on|that)\b",
    rf"no {SOME}{FACTS}(?: (?:is|are|was|were|has been|have been|could be|can be))? ?{LY}"
    r"(?:$|(?:available|found|mentioned|exists?|known|made)\b|(?:provided|given|included|listed|stated)"
    r"(?=$| (?:about|on|in|regarding|concerning|for|here|as|by the|within)\b)|(?:about|on|regarding|concerning)\b"
    r"(?!.*\b(?:is|are|was|were|will be) (?!available|provided|given|found|"
    r"included|mentioned|listed|stated|known|in\b)))",
    rf"{MANY}(?:is|are|was|were|has|have) {LY}(?:not|nowhere|never) (?:been )?{LY}{SAID}"
    rf"(?=$| (?:anywhere|here|or|and|for|as)\b| {IN_THEM})",
    rf"{MANY}(?:is|are|was|were|has|have) {LY}(?:not|nowhere) (?:been )?{LY}"
    rf"(?:{HELD} )?(?:anywhere )?{IN_THEM}",
    rf"{MANY}(?:is|are|was) {LY}not something (?:that )?(?:is )?(?:{EITHER}|(?:\w+ )?{PAPERS}|covered|{SAID})",
    rf"{MANY}(?:can|could) not be {LY}(?:answered|determined|inferred|derived|established|ascertained|found|located|"
    rf"verified|confirmed|deduced) {LY}(?:from|in|with|based|using|by) (?:on |only )?(?:{EITHER}|what)",
    rf"(?:this|that|the|your|it) ?(?:question )?(?:can|could) not be {LY}(?:answered|determined)\b",
    rf"(?:it|this|that) is {LY}(?:unclear|not {LY}clear) (?:from|in|whether|what|which|how|why|if|who|when)\b",
    rf"(?:it|this|that) does not (?:look|seem|appear)\b.*(?:{EITHER}|{PAPERS}|{FACTS})",
    rf"(?:the )?answers? (?:to (?:this|that|your|the) (?:question )?)?(?:is|was|are|can|could) {LY}"
    rf"(?:not (?:be |been )?(?:{SAID}|{HELD}|known|clear|there|contained)|unknown|unavailable|nowhere|missing)\b",
    rf"(?:not|never|nowhere) {LY}(?:{SAID}|answered)\b",
    rf"not {LY}{HELD} (?:anywhere )?{IN_THEM}",
)
"""The documents do not say, or it is not said in them. "It is not covered" alone is an answer."""

NOR = begins(r"(?:found )?(?:(?:do|does|did|can|could) )?(?:not|no|nothing|never|without|neither|nor)\b")
"""What goes on after talk about the documents: "the passages discuss prices, but not discounts"."""

_SERVES = (
    r"(?:locate|say|tell|determine|confirm|verify|provide|give|offer|share|help|assist|comment|explain|"
    r"identify|access|retrieve|respond|reply|address|fulfil|fulfill|comply|engage|support|disclose|discuss|speak|"
    r"do (?:that|this|it)|be (?:sure|certain|of help)|name|specify|make out|work out|figure|look|check|predict|"
    r"speculate|"
    r"guess|generate|write|complete|continue|process|resolve|condone|promote|endorse|answer|facilitate|"
    r"participate|supply|make|teach|describe)"
)
REFUSES = begins(
    rf"i {ADVERBS}(?:can|could|will|would|may|must|shall|do) {ADVERBS}not {ADVERBS}(?:be able to )?{_SERVES}\b",
    rf"i {_CAN_NOT}(?:advise|recommend|suggest|encourage)\b",  # "I would not recommend it" is advice
    rf"we {_CAN_NOT}{_FINDS}",
    rf"i was {ADVERBS}(?:unable|not able) to {ADVERBS}(?:{_SERVES}|{_FINDS})",
    rf"i am {ADVERBS}(?:unable|not {ADVERBS}(?:able|allowed|permitted|authori[sz]ed|qualified|equipped|"
    r"comfortable|in a position|programmed|designed|the right))\b",
    rf"we (?:are|were) {ADVERBS}(?:unable|not {ADVERBS}able) to {ADVERBS}{_FINDS}",
    rf"i (?:must|have to|will have to|need to|would have to|respectfully) {LY}(?:decline|refuse|pass)\b",
    r"i (?:decline|refuse|would rather not|would prefer not|prefer not)\b",
    r"(?:i am|we are) (?:only|just) able to\b",
    r"(?:i|we) can only (?:help|answer|assist|respond|provide|discuss)\b",
    r"(?:my|our) (?:guidelines|policies|policy) (?:do|does) not\b",
    r"i (?:neither|can neither)\b",
)
"""I can not, or will not, help."""

_WHICH = r"\b(?:which|what|who|whom|whose|where|whether|if|how)\b"
_QUESTION = r"(?:your|the|this) (?:\w+ )?(?:question|request|query)"

UNCLEAR = begins(
    r"(?:so )?(?:that )?(?:i|we) (?:would )?need (?:to know|(?:a (?:bit|little|few) )?(?:some )?(?:more|further|"
    r"additional)\b)"
    r"(?!.*\bto (?:answer|say|tell|know|determine)\b)",
    rf".*\bnot (?:\w+ ){{0,3}}?(?:sure|certain|clear|know|understand|tell|see|say)\b.*{_WHICH}.*"
    r"\byou (?:are (?:asking|referring|talking|looking|thinking)|mean|meant|refer|want|ask|have in mind)",
    r".*\bnot (?:\w+ ){0,2}?(?:sure|know) (?:which|what) (?:\w+ ){0,3}(?:is|are) meant",
    r".*\bnot (?:\w+ ){0,2}?(?:understand|follow|get) (?:\w+ ){0,3}?(?:question|request|mean|message|meant)\b",
    rf"{_QUESTION} (?:is|seems|looks|appears) (?:\w+ ){{0,4}}?"
    r"(?:unclear|ambiguous|vague|broad|unspecific|incomplete|not (?:\w+ ){0,2}?(?:clear|specific))",
    rf"(?:{_QUESTION}|that|it|this) (?:could|can|may|might) {LY}(?:mean|refer)\b",
)
"""What was asked is not clear: the question is missing, not the answer."""
