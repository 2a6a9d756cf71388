"""What a reply says besides: courtesies, referrals, talk about the documents, and what stands before a denial."""

from __future__ import annotations

import re

from groundtune.reply._phrases import EITHER, LY, begins, wholly

LEADS = re.compile(
    r"(?:(?:and|so|then|therefore|thus|hence|also|well|ok|okay|oh|h+m+|um+|(?:hello|hi|hey)(?: there)?|dear \w+|"
    r"unfortunately|regrettably|"
    r"because|since|as(?= (?:i|we|it|they|the|this|that)\b)|"
    r"given that|in fact|while|sadly|apologies|sorry|honestly|frankly|actually|currently|but|"
    r"as of (?:now|today)|at (?:this|the|that) (?:time|moment|point)|right now|(?:please )?note(?: that)?|"
    r"it (?:seems|appears|looks)(?: like| as if| that)?|in short|to be (?:honest|fair|clear)|"
    r"in (?:this|that|which) case|i (?:think|fear)(?: that)?|"
    r"i (?:must|have to|should|need to) (?:say|admit|confess|clarify|inform you)(?: that)?|"
    r"as a result|for now|as such|as far as i (?:know|can (?:see|tell))|"
    r"(?:i am |we are |very |so |really |terribly |truly |deeply )*(?:sorry|afraid|apologi[sz]e|regret)"
    r"(?: to (?:say|tell you|inform you|hear (?:that|this)))?(?: that| not$)?|"
    r"(?:my|our) (?:sincere )?apologies|i (?:deeply |sincerely )?(?:regret|apologi[sz]e)(?: that)?|i wish i could help|"
    r"(?:as|i am) an? (?:[\w-]+ ){0,4}?(?:ai|assistant|model|chatbot|bot)(?: (?:(?:developed|made|created|trained) "
    r")?by \w+)?|"
    r"(?:based on|according to|from|in|within|given|using|after (?:reviewing|reading|checking|searching)|"
    r"having (?:read|checked|reviewed|searched)|judging (?:by|from)) (?:all )?(?:of )?"
    rf"(?:{EITHER}|them|this|that|what i (?:have|know|see|was given)))\b[,:]?\s*)*"
)
"""What may stand before a denial and says nothing itself."""

SUBORDINATE = begins(
    r"(?:if|when|unless|until|because|since|as|given|for|about|regarding|concerning|to|with (?:regard|respect)|in|on|"
    r"from|at|under|based on|according to|besides|beyond|despite|after|before|due to)\b[^,]*$"
)
"""A clause that says nothing by itself, before or behind a main clause."""

EXAMPLES = begins(r"(?:such as|like|for example|for instance|including|e\.g)\b")
"""What names examples of the clause before."""

_TELL_OF = (
    r"(?:mention|discuss|cover|describe|focus|talk|deal|contain|list|provide|offer|relate|pertain|concern|address|"
    r"refer|"
    r"explain|touch|include|give)(?:s|es|ed)?|(?:is|are) (?:about|related|limited)"
)
ABOUT = wholly(
    rf"(?:while |although |though |even though |whereas )?(?:{EITHER}|they|some of (?:them|these)|"
    r"(?:the )?(?:closest|nearest|only|most relevant)[\w ]{0,30}?) "
    rf"(?:all |do |does |seem to |appear to |instead |{LY})*(?:{_TELL_OF})\b"
    r"(?: [a-z'-]+,?| \d{1,2}\b)*",
    rf"{EITHER} (?:is|are) {LY}(?:about|on|related to|limited to)\b.*",
    rf"(?:i|we) (?:have |had )?{LY}(?:searched|checked|looked|read|gone|been|went|reviewed)\b.*",
)
_SAYS_THAT = re.compile(r"\b(?:that|as|costs?|is|are|how to)\b(?! (?:related|about|limited))")


def is_about_documents(clause: str) -> bool:
    """Return whether the clause tells what the documents are about, and nothing of what stands in them."""
    return ABOUT.match(clause) is not None and _SAYS_THAT.search(clause) is None


COURTESY = wholly(
    r"(?:thanks?|thank you|sorry|apologies|hello|hi|good (?:morning|day|evening)|please|i apologi[sz]e|"
    r"i am (?:\w+ )?sorry|i am afraid(?: not)?|afraid not|no worries|i understand|i hope|i wish|great question|good "
    r"question|"
    r"that is an? \w+ question|unfortunately(?: not)?|either|too|as well|for (?:any|the) (?:inconvenience|confusion)|"
    r"my apologies|regrettably|have a \w+ day|all the best|best regards|kind regards|goodbye|bye|stay safe)\b.{0,80}",
    r"(?:please )?(?:do not hesitate|feel free|let (?:me|us) know)\b.*",
    r"you (?:are|would be) (?:welcome|best (?:off|served)|feeling)\b.*",
    r"(?:i|we) (?:would be |will be |am |are |can |will )*(?:happy|glad|here|pleased|ready) to\b.*",
    r"(?:i|we) (?:can|could|will|would) (?:\w+ )?(?:help|assist|try|look into|get back|check|forward|pass on|connect|"
    r"transfer|escalate|do my best|keep)\b.*",
    r"(?:i|we) (?:am|are) (?:an?|just|only|designed|programmed|here|still learning)\b.*",
    r"(?:is there|do you (?:have|need|want)|would you like|have you (?:tried|checked)|can i|may i|could i|shall i|"
    r"how (?:else )?(?:can|may)|what else|anything else|does (?:that|this)|did (?:that|this)|want me|should i)\b.*\?",
    r"(?:could|can|would|will) you (?:please )?(?:\w+ )?(?:provide|give|share|tell|clarify|specify|rephrase|explain|"
    r"say|let|be more|elaborate|check|describe|try|ask)\b.*",
    r"(?:please )?(?:try (?:again|asking|rephrasing|another|a different|to (?:ask|rephrase))|rephrase|"
    r"ask (?:again|another|something)|provide (?:me |us )?(?:with )?(?:more|further|additional)|give me more|"
    r"clarify|specify)\b.*",
)
"""Apologies, offers and good wishes: they answer nothing."""

_WHO = (
    r"(?:support|help ?(?:desk|line)|customer (?:service|care|support|relations)|team|hotline|staff|colleagues?|office|"
    r"agent|representative|advis[eo]rs?|experts?|professionals?|specialists?|lawyer|attorney|doctor|accountant|bank|"
    r"provider|manufacturer|vendor|administrator|admin|manager|hr|department|website|web ?site|web ?page|homepage|site|"
    r"documentation|docs|manual|handbook|faqs?|knowledge base|help (?:center|centre|page)|source|sources|authority|"
    r"authorities|someone|somebody|us\b|store|shop|branch|planner|consultant|therapist|person|friend|hospital|police|"
    r"pages?|portal|resources|engine|chat|\d{3,})"
)
_MAY = (
    r"(?: ?(?:can|may|could|should|might|want to|would|will|need to|have to|recommend|suggest|advise|encourage|try|"
    r"consider|best|"
    r"better|always|also|either|directly|then|do|is|be|please|you|that|to|it|really|important|helpful|advisable|like|"
    r"wish to))* ?"
)
REFERRAL = wholly(
    r"(?:(?:if|for|to) [^,]{1,80}, )?"
    r"(?:(?:please|you|i|we|it|instead|otherwise|alternatively|perhaps|maybe|is|would be)\b,? ?)*"
    r"(?:(?:for|to) [\w ]{1,60}? )??"
    + _MAY
    + r"(?:contact(?:ing)?\b|reach(?:ing)? out\b|get(?:ting)? in (?:touch|contact)\b"
    r"|(?:call|phone|ring|dial|text|e-?mail|mail|message|write(?: to)?|ask|consult(?:ing)?(?: with)?|visit(?:ing)?|"
    r"check(?:ing)?|see|refer(?:ring)?|look(?:ing)?|search(?:ing)?|turn|speak(?:ing)?|talk(?:ing)?|go|head|chat|follow|"
    rf"review(?:ing)?|try|seek(?:ing)?|let|read|raise|submit|open)\b.*\b{_WHO}).*",
    rf"(?:they|.*\b{_WHO})\b.*"
    r"\b(?:may|might|will|should|can|could|would|are able to|is able to) (?:\w+ly )?(?:be able to )?"
    r"(?:know|have|help|assist|tell|answer|check|look|find|advise|explain|clarify|say|sort|give|provide|confirm)\b.*",
)
"""Who or what else to ask."""

LESSON = begins(
    r"it is (?:also |always |really |very )*(?:important|crucial|essential|vital|best|necessary|illegal|unethical|"
    r"wrong|"
    r"never|not (?:\w+ )?(?:appropriate|acceptable|ethical|right|legal|okay|respectful))\b",
    r"(?:instead|please remember|remember|i (?:strongly |would |also )*(?:encourage|urge|condemn|advise))\b",
    r".*\b(?:illegal|unethical|harmful|never acceptable|not acceptable|against the law|respect|privacy|harm)\b",
)
"""What is said behind a refusal to help, to explain it."""
