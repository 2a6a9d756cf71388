"""Numbers as a sheet shows them: a number format and a value give a text.

    0.125 as 0.0%                  12.5%
    -1234.5 as #,##0.00 "€"        -1234.50 €
    45443 as dd.mm.yyyy            2024-05-31

Thousands are not grouped: which sign does that depends on whoever opens the file, and a number without it is found by
words. Source: ECMA-376, part 1, 18.8.30 and 18.8.31 (numFmt, number format codes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from math import isfinite

from groundtune.knowledge.readers._sheets.dates import DATE_SIGNS, date_shown
from groundtune.knowledge.readers._sheets.pages import CellKind

GENERAL = "General"
_MOST_DIGITS, _DIGITS = 12, 10  # significant ones of a number that somebody typed, and of one that was computed
_LONGEST_FORMAT = 1000  # characters
_MOST_DECIMALS = 30

BUILT_IN = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: '"$"#,##0_);("$"#,##0)',
    6: '"$"#,##0_);[Red]("$"#,##0)',
    7: '"$"#,##0.00_);("$"#,##0.00)',
    8: '"$"#,##0.00_);[Red]("$"#,##0.00)',
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);[Red](#,##0.00)",
    41: '_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)',
    42: '_("$"* #,##0_);_("$"* (#,##0);_("$"* "-"_);_(@_)',
    43: '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)',
    44: '_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)',
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),  # days of East Asia
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}
"""What formats that a file names by number look like; some of them depend on the language of the program."""

_TOKEN = re.compile(
    r'"([^"]*)"?'  # 1: text
    r"|\\(.)"  # 2: one character of text
    r"|_(.)"  # 3: a blank as wide as this
    r"|\*(.)"  # 4: repeated to fill the cell
    r"|\[(?P<in>[^\]]*)\]"
    r"|(?P<general>general|standard|hoofdletter|allmän)"
    r"|(?P<meridian>am/pm|a/p|上午/下午)"
    r"|(?P<exponent>e[+-])"
    r"|(?P<date>e+|g+|b+|y+|m+|d+|h+|s+)"
    r"|(?P<sign>[0#?.,%/@])"
    r"|(.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _FormatSection:
    """One of the parts of a format between semicolons; tokens are (kind, text)."""

    tokens: tuple[tuple[str, str], ...]
    condition: tuple[str, float] | None

    @property
    def is_date(self) -> bool:
        """Tell whether it shows days or times."""
        return any(kind in ("date", "elapsed", "meridian") for kind, _ in self.tokens)

    @property
    def is_text(self) -> bool:
        """Tell whether it is for text."""
        return any(token == ("sign", "@") for token in self.tokens)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A format, ready to show values."""

    sections: tuple[_FormatSection, ...]

    def shown(self, value: float, first_day: int = 0) -> tuple[str, CellKind]:
        """Return what a cell with this number shows, and whether that is a day or a time.

        `first_day` is added to days: 1,462 where they are counted from 1904.
        """
        section, absolute = self._for(value)
        if section is None or not isfinite(value):
            return general(value), "number"
        if section.is_date:
            text = date_shown(section.tokens, value + first_day)
            return (text, "date") if text is not None else (general(value), "number")
        return _number(section, abs(value) if absolute else value), "number"

    def text(self, value: str) -> str:
        """Return what a cell with this text shows."""
        section = next((each for each in self.sections[3:] or self.sections[:1] if each.is_text), None)
        if section is None:
            return "" if len(self.sections) > 3 and not self.sections[3].tokens else value
        return "".join(value if token == ("sign", "@") else _literal(token) for token in section.tokens)

    def _for(self, value: float) -> tuple[_FormatSection | None, bool]:
        """Return the section for a number, and whether the section itself says that it is below zero."""
        numeric = [each for each in self.sections[:3] if not each.is_text or each.condition]
        if any(each.condition for each in numeric):
            for each in numeric:
                if each.condition is None or _holds(each.condition, value):
                    below = each.condition is not None and each.condition[0].startswith("<") and each.condition[1] <= 0
                    return each, below
            return None, False
        if not numeric:
            return None, False
        if len(numeric) > 2 and value == 0:
            return numeric[2], False
        if len(numeric) > 1 and value < 0:
            return numeric[1], True
        return numeric[0], False


def _holds(condition: tuple[str, float], value: float) -> bool:
    sign, limit = condition
    return {
        "<": value < limit,
        ">": value > limit,
        "=": value == limit,
        "<=": value <= limit,
        ">=": value >= limit,
        "<>": value != limit,
    }[sign]


@lru_cache(maxsize=4096)
def number_format(code: str) -> NumberFormat:
    """Return the format that a code describes; what cannot be understood is left out of it."""
    sections: list[_FormatSection] = []
    tokens: list[tuple[str, str]] = []
    condition = None
    for match in _TOKEN.finditer(code[:_LONGEST_FORMAT]):
        said = match[0]
        if said == ";":
            sections.append(_FormatSection(tuple(tokens), condition))
            tokens, condition = [], None
        elif (inside := match["in"]) is not None:
            if limit := _CONDITION.fullmatch(inside.strip()):
                condition = limit[1], _float(limit[2])
            elif inside.startswith("$"):
                tokens.append(("text", inside[1:].partition("-")[0]))
            elif _ELAPSED.fullmatch(inside):
                tokens.append(("elapsed", inside.lower()))
        elif match["general"]:
            tokens.append(("general", ""))
        elif match["meridian"] or match["date"] or match["exponent"] or match["sign"]:
            kind = next(name for name in ("meridian", "exponent", "date", "sign") if match[name])
            tokens.append((kind, said.lower() if kind != "exponent" else said))
        elif match[3] is not None:
            tokens.append(("text", " "))
        elif match[4] is None:
            tokens.append(("text", next((part for part in (match[1], match[2]) if part is not None), said)))
    sections.append(_FormatSection(tuple(tokens), condition))
    return NumberFormat(tuple(map(_settled, sections)))


def _settled(section: _FormatSection) -> _FormatSection:
    """Return a section in which letters of dates beside the places of digits are text."""
    digits = any(kind == "sign" and sign in "0#?" for kind, sign in section.tokens)
    dates = "".join(said for kind, said in section.tokens if kind == "date")
    if not dates or (set(dates) & set(DATE_SIGNS) and not (digits and set(dates) <= set("egb"))):
        return section
    tokens = tuple(("text", said) if kind == "date" else (kind, said) for kind, said in section.tokens)
    return _FormatSection(tokens, section.condition)


def _float(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return 0.0


def general(value: float) -> str:
    """Return a number without a format: 5.0 is "5", and the noise of binary fractions is left out."""
    if value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    said = repr(value)
    if sum(map(str.isdigit, said.partition("e")[0].lstrip("-0."))) > _MOST_DIGITS:
        said = f"{value:.{_DIGITS}g}"
    return said[:-2] if said.endswith(".0") else said


def _literal(token: tuple[str, str]) -> str:
    return token[1] if token[0] == "text" else ""


def _number(section: _FormatSection, value: float) -> str:
    tokens = section.tokens
    signs = [said for kind, said in tokens if kind == "sign"]
    if not any(sign in "0#?" for sign in signs):
        has_general = any(kind == "general" for kind, _ in tokens)
        negative = "-" if value < 0 and tokens and not has_general else ""
        said = "".join(general(value) if kind == "general" else text for kind, text in tokens if kind != "sign")
        return negative + said + "%" * signs.count("%")
    amount = Decimal(repr(value)).scaleb(2 * signs.count("%"))
    if "/" in signs:
        return _fraction(tokens, amount)
    if any(kind == "exponent" for kind, _ in tokens):
        return _scientific(tokens, amount)
    return _decimal(tokens, amount.scaleb(-3 * _thousands(tokens)))


def _thousands(tokens: tuple[tuple[str, str], ...]) -> int:
    """Return how many commas stand behind the last digit, or right before the point: each divides by 1,000."""
    signs = [said for kind, said in tokens if kind == "sign" and said in "0#?.,"]
    said = "".join(signs)
    whole, _, decimals = said.partition(".")
    behind = sum(len(part) - len(part.rstrip(",")) for part in (whole, decimals))
    return behind if whole.strip(",") or decimals.strip(",") else 0


def _places(tokens: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """Return the places of digits before and behind the point."""
    signs = "".join(said for kind, said in tokens if kind == "sign" and said in "0#?.")
    whole, _, decimals = signs.partition(".")
    return whole, decimals.replace(".", "")[:_MOST_DECIMALS]


def _rounded(amount: Decimal, decimals: str) -> tuple[str, str]:
    """Return the digits before and behind the point, without what need not be shown."""
    step = Decimal(1).scaleb(-len(decimals))
    rounded = amount.quantize(step, ROUND_HALF_UP) if amount.adjusted() < 20 else amount
    whole, _, behind = f"{abs(rounded):f}".partition(".")
    behind = behind[: len(decimals)].ljust(len(decimals), "0")
    needed = len(decimals.rstrip("#?")) if decimals else 0
    return whole.lstrip("0"), behind[:needed] + behind[needed:].rstrip("0")


def _decimal(tokens: tuple[tuple[str, str], ...], amount: Decimal) -> str:
    places, decimals = _places(tokens)
    whole, behind = _rounded(amount, decimals)
    negative = amount < 0 and bool(whole or behind.strip("0"))
    digits = list(whole.rjust(len(places)))
    ahead = len(digits) - len(places)
    said: list[str] = []
    place = 0
    before = True
    for kind, text in tokens:
        if kind == "text" or (kind == "sign" and text == "%"):
            said.append(text)
        elif kind == "sign" and text == ".":
            if before:
                said += digits if not places else []
                said.append(f".{behind}" if behind else "")
            before = False
        elif kind == "sign" and text in "0#?" and before:
            shown = digits[: ahead + 1] if place == 0 else digits[ahead + place : ahead + place + 1]
            said += ["0" if digit == " " and text == "0" else digit.strip() for digit in shown]
            place += 1
    return ("-" if negative else "") + "".join(said).lstrip() if negative else "".join(said)


def _around(tokens: tuple[tuple[str, str], ...], number: str) -> str:
    """Return a number with the texts before and behind it."""
    at = [place for place, (kind, _) in enumerate(tokens) if kind in ("sign", "exponent")]
    before = "".join(map(_literal, tokens[: at[0]]))
    return before + number + "".join(map(_literal, tokens[at[-1] + 1 :]))


def _scientific(tokens: tuple[tuple[str, str], ...], amount: Decimal) -> str:
    split = next(place for place, (kind, _) in enumerate(tokens) if kind == "exponent")
    whole, decimals = _places(tokens[:split])
    step = max(1, len(whole))
    exponent = 0 if amount == 0 else amount.adjusted() // step * step
    digits, behind = _rounded(amount.scaleb(-exponent), decimals)
    if len(digits) > step:  # 9.99 became 10.0
        exponent += step
        digits, behind = _rounded(amount.scaleb(-exponent), decimals)
    width = max(1, sum(1 for kind, said in tokens[split:] if kind == "sign" and said in "0#?"))
    sign = "-" if exponent < 0 else "+" if tokens[split][1].endswith("+") else ""
    number = f"{digits or '0'}{'.' if behind else ''}{behind}E{sign}{abs(exponent):0{width}d}"
    return ("-" if amount < 0 else "") + _around(tokens, number)


def _fraction(tokens: tuple[tuple[str, str], ...], amount: Decimal) -> str:
    bar = next(place for place, token in enumerate(tokens) if token == ("sign", "/"))
    below = re.match(r"\d+", "".join(said for _, said in tokens[bar + 1 :]).strip())
    places = min(5, max(1, sum(1 for kind, said in tokens[bar + 1 :] if kind == "sign" and said in "0#?")))
    has_whole = any(kind == "text" and not said.strip() for kind, said in tokens[:bar])
    exact = Fraction(abs(amount))
    whole = int(exact) if has_whole else 0
    rest = exact - whole
    if below and int(below[0]):
        parts = int(below[0])
        top = round(rest * parts)
    else:
        near = rest.limit_denominator(10**places - 1)
        top, parts = near.numerator, near.denominator
    if has_whole and top == parts:
        whole, top = whole + 1, 0
    said = " ".join([*([str(whole)] if whole or not top else []), *([f"{top}/{parts}"] if top else [])])
    return ("-" if amount < 0 and said != "0" else "") + said
