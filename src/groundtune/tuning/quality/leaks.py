"""Keys and passwords in text: forms that their issuers publish, and what stands after "password is".

A published form decides nothing about whether a key still works; one that ever worked must not be learnt. Knows no
training data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Forms as the issuers publish them; the names are said to people.
_KEYS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "key of Amazon Web Services": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})\b",
    "token of GitLab": r"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt)-[\w-]{20,}",
    "token of Slack": r"\bxox[abeoprs]-[\w-]{10,}|hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
    "key of Stripe": r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}\b",
    "key of Google": r"\bAIza[\w-]{35}\b|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    "key of an AI service": r"\bsk-[A-Za-z0-9_-]{20,}|\bhf_[A-Za-z0-9]{30,}\b|\bgsk_[A-Za-z0-9]{40,}\b",
    "token of a package registry": r"\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{40,}|\bdckr_pat_[\w-]{20,}",
    "key of SendGrid or Mailchimp": r"\bSG\.[\w-]{16,}\.[\w-]{16,}|\b[0-9a-f]{32}-us\d{1,2}\b",
    "key of Twilio": r"\b(?:SK|AC)[0-9a-f]{32}\b",
    "token of a Telegram bot": r"\b\d{8,10}:AA[\w-]{33}\b",
    "token of Shopify or Square": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b|\bsq0(?:atp|csp)-[\w-]{22,}",
    "key of Azure": r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}",
    "signed token (JWT)": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "password in an address": r"\b[a-z][a-z0-9+.-]{2,15}://[^\s/:@'\"<>]+"
    r":(?!\$|<|\{|\*+@|password@|pass@)[^\s/@'\"<>]{3,}@[\w.-]+",
}
_ANY = re.compile("|".join(f"(?P<k{number}>{form})" for number, form in enumerate(_KEYS.values())))
_HINT = re.compile(r"-----BEGIN|://[^\s/]*@|[A-Za-z0-9_+/-]{20,}|\d:AA|eyJ")
_NAMED = re.compile(
    r"""
    (?<![a-z])(?P<what>pass(?:word|wd|phrase|code)|pwd|kennwort|passwort|contraseña|mot\ de\ passe|senha|wachtwoord
    |(?:api|access|secret|auth|client|private|encryption|account|license)[ _-]?(?:key|token|secret)|secret|token
    |bearer|authorization)
    (?:\s+(?:for|of|to)\s+[^:=\n]{1,40}?)?
    ["']?\s*(?:=>|:=|[:=]|\bis\b|\bwas\b|\blautet\b|\bist\b|\bes\b|\best\b|(?<=bearer))\s*(?:bearer\s+|basic\s+)?
    (?P<quote>["'`]?)(?P<value>[^\s"'`]{6,200})
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NAMED_HINT = re.compile(
    r"pass|pwd|kennwort|contraseña|senha|wachtwoord|secret|token|key|bearer|authoriz", re.IGNORECASE
)
_STAND_IN = re.compile(
    r"[<\[({$%*•x].*|.*\*{3}.*|.*(?:your|example|placeholder|changeme|redacted|password|passwort|secret|dummy|xxx).*"
    r"|https?:.*|[\w.+-]+@[\w.-]+",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"[\d.,:/-]+(?:[a-z]{1,3})?[.,;!?)]*", re.IGNORECASE)


def leaks(text: str) -> Iterator[str]:
    """Yield what secrets `text` has, by name."""
    if _HINT.search(text):
        for match in _ANY.finditer(text):
            yield list(_KEYS)[int(str(match.lastgroup)[1:])]
    if _NAMED_HINT.search(text):
        for match in _NAMED.finditer(text):
            if _is_secret(match["value"]):
                yield "password" if match["what"].lower().startswith(_PASSWORDS) else "key or token"


_PASSWORDS = ("pass", "pwd", "kennwort", "contraseña", "mot de passe", "senha", "wachtwoord")


def _is_secret(written: str) -> bool:
    """Return whether it was made up as a secret: letters with digits or signs, and no stand-in for one."""
    value = written.rstrip(".,;:!?)]}")
    if len(value) < 6 or _STAND_IN.fullmatch(value) or _AMOUNT.fullmatch(value):
        return False
    letters = any(letter.isalpha() for letter in value)
    return letters and (any(letter.isdigit() for letter in value) or any(sign in value for sign in "!@#$%^&*+=~?"))
