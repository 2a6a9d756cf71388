"""Equations in one line that can be read and searched: fractions as a/b, powers as x². Knows no document."""

from __future__ import annotations

import re

from groundtune.knowledge.readers._ooxml import Element, child, children, is_on, name, value

_DEEPEST = 60  # what is nested deeper is written without its form
_ABOVE = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_BELOW = dict(zip("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
_PROPERTIES = frozenset(("w:rPr", "w:del", "w:moveFrom", "w:pPr"))
_SCRIPT_LAST = re.compile(r"[\^_]\w+$")
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}


def linear(element: Element, depth: int = 0) -> str:
    """Return an equation, or a part of one, in one line; deleted parts are left out."""
    if depth > _DEEPEST:
        return "".join(each.text or "" for each in element.iter() if name(each) in ("m:t", "w:t"))
    kind = name(element)
    if kind in ("m:t", "w:t"):
        return element.text or ""
    if kind in ("w:tab", "w:br", "w:cr"):
        return " "
    if kind in _PROPERTIES or (kind.startswith("m:") and kind.endswith("Pr")):
        return ""
    if kind in _FORMS:
        return _Parts(element, depth).written(kind)
    text = ""
    for each in element:
        text = _beside(text, linear(each, depth + 1), name(each) == "m:func")
    return text


def _beside(left: str, right: str, is_function: bool) -> str:
    """Return two parts in a row, with a space where letters would run together that do not belong together."""
    apart = right[:1].isalnum() and ((is_function and left[-1:].isalnum()) or _SCRIPT_LAST.search(left))
    return f"{left} {right}" if apart else left + right


class _Parts:
    """The parts of one form, as the numerator and the denominator of a fraction."""

    def __init__(self, element: Element, depth: int) -> None:
        self._element = element
        self._depth = depth

    def written(self, kind: str) -> str:
        return str(_FORMS[kind](self))

    def part(self, local: str) -> str:
        element = child(self._element, f"m:{local}")
        return "" if element is None else linear(element, self._depth + 1).strip()

    def parts(self, local: str) -> list[str]:
        return [linear(each, self._depth + 1).strip() for each in children(self._element, f"m:{local}")]

    def setting(self, properties: str, local: str, otherwise: str) -> str:
        said = value(child(self._element, f"m:{properties}", f"m:{local}"))
        return otherwise if said is None else said

    def fraction(self) -> str:
        over, under = self.part("num"), self.part("den")
        if self.setting("fPr", "type", "bar") == "noBar":
            return _wrapped(f"{over} choose {under}")
        return f"{_grouped(over)}/{_grouped(under)}"

    def script(self) -> str:
        lower, upper = self.part("sub"), self.part("sup")
        return f"{self.part('e')}{_lowered(lower)}{_raised(upper)}"

    def script_before(self) -> str:
        return f"{_lowered(self.part('sub'))}{_raised(self.part('sup'))}{self.part('e')}"

    def root(self) -> str:
        degree = self.part("deg")
        sign = _ROOTS.get(degree, f"{_raised(degree)}√")
        return f"{sign}{_grouped(self.part('e'))}"

    def nary(self) -> str:
        sign = self.setting("naryPr", "chr", "∫")
        return f"{sign}{_lowered(self.part('sub'))}{_raised(self.part('sup'))} {self.part('e')}"

    def delimited(self) -> str:
        begin, end = self.setting("dPr", "begChr", "("), self.setting("dPr", "endChr", ")")
        within = self.setting("dPr", "sepChr", "|").join(self.parts("e"))
        return _wrapped(within) if (begin, end) == ("(", ")") else f"{begin}{within}{end}"

    def function(self) -> str:
        return f"{self.part('fName')}{_wrapped(self.part('e'))}"

    def matrix(self) -> str:
        rows = [
            ", ".join(linear(each, self._depth + 2).strip() for each in children(row, "m:e"))
            for row in children(self._element, "m:mr")
        ]
        return f"[{'; '.join(rows)}]"

    def array(self) -> str:
        return "; ".join(self.parts("e"))

    def limit(self) -> str:
        return f"{self.part('e')}{_lowered(self.part('lim'))}"

    def limit_above(self) -> str:
        return f"{self.part('e')}{_raised(self.part('lim'))}"

    def accent(self) -> str:
        sign = self.setting("accPr", "chr", "\u0302")
        return f"{self.part('e')}{sign}"

    def phantom(self) -> str:
        shown = child(self._element, "m:phantPr", "m:show")
        return self.part("e") if shown is None or is_on(shown) else ""


_FORMS = {
    "m:f": _Parts.fraction,
    "m:sSup": _Parts.script,
    "m:sSub": _Parts.script,
    "m:sSubSup": _Parts.script,
    "m:sPre": _Parts.script_before,
    "m:rad": _Parts.root,
    "m:nary": _Parts.nary,
    "m:d": _Parts.delimited,
    "m:func": _Parts.function,
    "m:m": _Parts.matrix,
    "m:eqArr": _Parts.array,
    "m:limLow": _Parts.limit,
    "m:limUpp": _Parts.limit_above,
    "m:acc": _Parts.accent,
    "m:phant": _Parts.phantom,
}


def _raised(text: str) -> str:
    return _scripted(text, _ABOVE, "^")


def _lowered(text: str) -> str:
    return _scripted(text, _BELOW, "_")


def _scripted(text: str, small: dict[str, str], sign: str) -> str:
    if not text:
        return ""
    if all(letter in small for letter in text):
        return "".join(small[letter] for letter in text)
    return f"{sign}{_grouped(text)}"


def _grouped(text: str) -> str:
    """Return `text` in parentheses unless it is one word or number."""
    return text if text.replace(".", "").replace(",", "").isalnum() else _wrapped(text)


def _wrapped(text: str) -> str:
    within = text[1:-1]
    whole = text.startswith("(") and text.endswith(")") and "(" not in within and ")" not in within
    return text if whole or not text else f"({text})"
