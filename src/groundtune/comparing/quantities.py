"""Numbers in text, with what stands beside them: signs, currencies, units, ranges; amounts by value, versions by parts.

    "€1,000.50" and "1000.5 EUR"        1000.5 eur
    "5–10 GB"                           5 to 10 gb
    "firmware 3.10"                     3·10: no amount, so that it is not 3.1
    "it runs on 3.10"                   3.10?: no telling what it is
    "24.90"                             24.90~: written as prices are

Works on folded text in small letters. English words and the usual abbreviations. Knows no sentences and no scorers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NO_AMOUNT: Final = "·"  # in the place of the dot: parts that are compared one by one
UNKNOWN: Final = "?"
LIKELY: Final = "~"

_SYMBOLS = dict(
    zip("€$£¥₹₽₩₺₪₫₴₦₱฿₵₸", "eur usd gbp jpy inr rub krw try ils vnd uah ngn php thb ghs kzt".split(), strict=True)
)
_DOLLARS = {
    "us$": "usd", "a$": "aud", "au$": "aud", "c$": "cad", "ca$": "cad", "nz$": "nzd", "hk$": "hkd", "s$": "sgd",
    "r$": "brl", "mx$": "mxn", "nt$": "twd", "zł": "pln", "kč": "czk",
}  # fmt: skip
_CODES = (
    "eur usd gbp chf jpy cny inr rub krw brl sek nok dkk pln czk huf ron bgn isk uah try ils aud cad nzd sgd hkd twd "
    "mxn ars clp cop zar ngn kes egp aed sar qar idr myr php thb vnd kr"
).split()
NAMES = {
    "euro": "eur", "euros": "eur", "dollar": "usd", "dollars": "usd", "pound": "gbp", "pounds": "gbp", "yen": "jpy",
    "yuan": "cny", "renminbi": "cny", "rmb": "cny", "rupee": "inr", "rupees": "inr", "franc": "chf", "francs": "chf",
    "ruble": "rub", "rubles": "rub", "rouble": "rub", "roubles": "rub", "zloty": "pln", "percent": "%", "pct": "%",
    "degree": "°", "degrees": "°",
}  # fmt: skip
CURRENCIES = frozenset([*_SYMBOLS.values(), *_DOLLARS.values(), *_CODES])
_LONG_SCALES = frozenset("thousand million billion trillion mio mn bn".split())
_SCALES = frozenset([*_LONG_SCALES, "k", "m"])
_TIGHT = frozenset(  # units that may stand right after the number
    "°c °f ° kb mb gb tb pb kib mib gib tib kbit mbit gbit kbps mbps gbps kbit/s mbit/s gbit/s kb/s mb/s gb/s nm μm mm "
    "cm dm km m ft yd mi km/h kph mph m/s mg g kg t lb lbs oz ml cl dl l s ms ns min h hr hrs hz khz mhz ghz mv v kv "
    "mw w kw gw wh kwh mwh mah ah ma px pt dpi fps rpm db k am pm b kcal cal kj j n pa kpa bar psi mm^2 cm^2 m^2 km^2 "
    "m^3 cm^3 m2 m3 km2 ′′ ′ ‰".split()
)
_LOOSE = _TIGHT - set("t b n s am".split())  # apart from the number these may be something else
UNITS = _TIGHT


UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
PRIVATE: Final = "\ue000-\ue1ff"
"""What callers write for punctuation that belongs to a word they have found before."""

_NOT_AFTER = rf"(?<![^\W{UNSPACED}])(?<![{PRIVATE}])"
_NOT_BEFORE = rf"(?![^\W{UNSPACED}]|[{PRIVATE}])"
_LETTER = rf"[^\W\d_{UNSPACED}]"
_SIGNS = "".join(_SYMBOLS)
_MONEY = rf"(?:(?<!\w)(?:{'|'.join(map(re.escape, [*_DOLLARS, *_CODES]))})|[{_SIGNS}])"
_RUN = r"\d+(?:\^[-+]?\d+|[.,:/']\d+)*"
_NUMBER = re.compile(
    rf"""
    {_NOT_AFTER}(?P<number>{_RUN}(?:\.x\b)?)
    (?: (?P<more>(?:-\d[\d.]*){{2,}}(?:t\d[\d:.]*z?)?)
      | (?P<range>(?:-|\s-\s)(?:{_MONEY}\s?)?)(?P<upper>{_RUN})
    )?
    (?P<plus>\+(?!\w))?
    """,
    re.VERBOSE,
)
_BEFORE = re.compile(
    rf"""
    (?:(?P<compare>(?<![-=])[<>]=?|!=|[≤≥≠≈~±])\s?)?
    (?P<sign>(?<![^\s(\[{{<>=~≤≥≠≈±"'|,;:])[-+])?
    (?:(?P<money>{_MONEY})\s?)?
    (?P<inner>(?<=[{_SIGNS}])[-+])?
    (?P<point>(?<![\w.])\.)?$
    """,
    re.VERBOSE,
)
_AFTER = re.compile(
    rf"""
    \s?(?:per\s?cent\b|(?:°|degrees?)\s?(?:celsius|fahrenheit|[cf])\b|[%‰{_SIGNS}°]|′′?
    |{_LETTER}+(?:\$|/{_LETTER}+|\^?\d)?)
    """,
    re.VERBOSE,
)
_TAIL = re.compile(rf"{_NOT_BEFORE}(?![.,:/'^]\d|\+)")
_FARTHEST = 8  # characters before a number in which its sign and currency stand


_PLAIN = re.compile(r"\d+")
_ENGLISH = re.compile(r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")
_EUROPEAN = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+")
_EUROPEAN_WHOLE = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}){2,}")
_SWISS = re.compile(r"[1-9]\d{0,2}(?:'\d{3})+(?:[.,]\d+)?")
_DECIMAL = re.compile(r"\d*[.,]\d+")
_THOUSAND_OR_DECIMAL = re.compile(r"[1-9]\d{0,2}\.\d{3}")
_PRICE = re.compile(r"\d{2,}\.\d\d|\d+\.00")
_VERSION_WORDS = frozenset(
    "version versions ver release releases released firmware software build builds update updates updated upgrade "
    "upgrades upgraded patch patched revision rev driver drivers kernel api sdk bios os app".split()
)
_PLACE_WORDS = frozenset(
    "section sections chapter chapters clause clauses article articles paragraph paragraphs appendix annex figure fig "
    "table § sec rule step item schedule lemma theorem equation example".split()
)
_AMOUNT_WORDS = frozenset(
    "cost costs costing price prices priced fee fees pay pays paid paying charge charges charged total totals sum "
    "amount amounts balance bill billed deposit refund refunded discount worth spend spent owe owes".split()
)
_NO_NAMES = frozenset(
    "a an the is are was were be been it its of for from to at by in on with and or than only about around nearly "
    "almost exactly approximately roughly up per just".split()
)
_DIGIT = re.compile(r"\d")
_WORD_END = re.compile(r"\w*")
_CLAUSE = re.compile(r"(?:.*[.!?;\n]\s)?(.*)", re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]+|§")
_VERSION_AFTER = re.compile(rf"\s*(?:{'|'.join(sorted(_VERSION_WORDS | {'branch', 'series'}))})\b")
_LOOKED_AT = 60  # characters before a number


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in a text, from `start` to `end`, as tokens: comparator, number or range, scale, unit."""

    start: int
    end: int
    tokens: tuple[str, ...]


def quantities(text: str) -> Iterator[Quantity]:
    """Yield the quantities of `text`, which is folded and in small letters, in order."""
    place = 0
    while match := _DIGIT.search(text, place):
        found = _quantity(text, match.start(), place)
        place = found.end if found else _WORD_END.match(text, match.start()).end()  # type: ignore[union-attr]
        if found:
            yield found


def _quantity(text: str, start: int, free: int) -> Quantity | None:
    """Return the quantity whose digits begin at `start`, or None where they belong to a name. `free` is where the last
    one ended."""
    match = _NUMBER.match(text, start)
    if match is None:
        return None
    before = _BEFORE.search(text, max(free, start - _FARTHEST), start)
    assert before is not None  # it may be empty
    end, scale, unit = _units(text, match.end())
    if not _TAIL.match(text, end):
        return None
    ahead = before.groupdict()
    money = unit_of(ahead["money"])
    units = [part for part in dict.fromkeys((scale, unit, money)) if part]
    amount = bool(scale or money) or unit not in ("", "am", "pm")
    context = "" if amount else _context(text, start, end)
    priced = not CURRENCIES.isdisjoint(units)
    sign = (ahead["sign"] or "") + (ahead["inner"] or "")
    tokens = [ahead["compare"]] if ahead["compare"] else []
    if match["more"]:
        tokens.append(sign + match["number"] + match["more"])
    else:
        number = (ahead["point"] or "") + match["number"]
        tokens.append(sign + _number(number, context, priced) + (match["plus"] or ""))
    if match["upper"]:
        tokens += ["to", _number(match["upper"], context, priced)]
    return Quantity(start - len(before[0]), end, (*tokens, *units))


def _units(text: str, place: int) -> tuple[int, str, str]:
    """Return where the units after a number end, its scale ("million") and its unit."""
    end, scale = place, ""
    for _ in range(2):
        match = _AFTER.match(text, end)
        if match is None:
            break
        tight = not match[0][0].isspace()
        word = match[0].strip()
        if word in _SCALES and not scale:
            following = _units_word(text, match.end())
            if following in CURRENCIES or word in _LONG_SCALES or tight:
                end, scale = match.end(), word
                continue
        known = _TIGHT if tight else _LOOSE
        if "/" in word and word not in known:
            word = word.partition("/")[0]
        unit = unit_of(word)
        if word in known or unit in CURRENCIES or unit == "%" or unit[0] == "°":
            return end + match[0].index(word) + len(word), scale, unit
        break
    return end, scale, ""


def _units_word(text: str, place: int) -> str:
    match = _AFTER.match(text, place)
    return unit_of(match[0]) if match else ""


def same_number(one: str, other: str) -> bool:
    """Return whether two tokens that are not equal may be the same number, written in two ways.

    Amounts have one form each, so two of them differ here. What is no amount equals what may be none if it is written
    the same. What may be an amount equals an amount of its value. In doubt they differ.

    >>> [same_number("24.9", "24.90?"), same_number("3·1", "3.1?"), same_number("3.1?", "3.10?")]
    [True, True, False]
    """
    kinds = {_kind(one), _kind(other)}
    if len(kinds) == 1 and LIKELY not in kinds:
        return False
    left, right = written(one), written(other)
    if left == right:
        return kinds != {"", NO_AMOUNT}
    if NO_AMOUNT in kinds:
        return False
    return _value(left) is not None and _value(left) == _value(right)


def doubtful(token: str) -> bool:
    """Return whether a token may be the same number as one that is written otherwise."""
    return token[-1:] in (UNKNOWN, LIKELY) or NO_AMOUNT in token


def value_of(token: str) -> str | None:
    """Return the value of a number that is or may be an amount, None for anything else."""
    return None if NO_AMOUNT in token else _value(written(token))


def unit_of(text: str | None) -> str:
    """Return the one name of a currency or unit, "" for nothing."""
    word = " ".join((text or "").split())
    if word.endswith(("celsius", "fahrenheit")) or (word[:1] in "°d" and word[-2:] in (" c", " f", "°c", "°f")):
        return "°" + ("c" if word.endswith(("celsius", "c")) else "f")
    if word in ("per cent", "percent"):
        return "%"
    if word in ("m2", "m3", "km2"):
        return f"{word[:-1]}^{word[-1]}"
    return _SYMBOLS.get(word) or _DOLLARS.get(word) or NAMES.get(word) or word


def _number(run: str, context: str, priced: bool) -> str:
    value = _value(run)
    if value is None and priced and _EUROPEAN_WHOLE.fullmatch(run):
        return run.replace(".", "")
    if value is None:
        return run.replace(".", NO_AMOUNT)
    if _PLAIN.fullmatch(run):
        return run
    if not _DECIMAL.fullmatch(run):
        return value
    if context == "" and _THOUSAND_OR_DECIMAL.fullmatch(run):
        return run.replace(".", NO_AMOUNT)  # 1.500 is one and a half here and fifteen hundred there
    run = "0" + run if run[0] == "." else run
    if context == NO_AMOUNT:
        return run.replace(".", NO_AMOUNT)
    return value if context == "" else run + (LIKELY if context == LIKELY and _PRICE.fullmatch(run) else UNKNOWN)


def _context(text: str, start: int, end: int) -> str:
    """Return what the words around a decimal number say: no amount, an amount (""), unknown, or likely an amount."""
    if _VERSION_AFTER.match(text, end):
        return NO_AMOUNT
    clause = _CLAUSE.fullmatch(text[max(0, start - _LOOKED_AT) : start])
    words = _WORDS.findall(clause[1] if clause else "")[-5:]
    for distance, word in enumerate(reversed(words)):
        if word in _VERSION_WORDS or (word in _PLACE_WORDS and distance < 3) or (word == "v" and not distance):
            return NO_AMOUNT
        if word in _AMOUNT_WORDS:
            return ""
    before = text[:start].rstrip(" ")[-1:]
    named = before.isalpha() and bool(words) and words[-1] not in _NO_NAMES
    return UNKNOWN if named else LIKELY


def _kind(token: str) -> str:
    return NO_AMOUNT if NO_AMOUNT in token else token[-1] if token[-1:] in (UNKNOWN, LIKELY) else ""


def written(token: str) -> str:
    """Return a number without the mark of what it is."""
    return token.rstrip(UNKNOWN + LIKELY).replace(NO_AMOUNT, ".")


def _value(run: str) -> str | None:
    """Return the value as a plain decimal without trailing zeros, None where it is no number of one reading."""
    sign, digits = (run[0], run[1:]) if run[:1] in ("-", "+") else ("", run)
    if _PLAIN.fullmatch(digits):
        return run
    if _ENGLISH.fullmatch(digits):
        digits = digits.replace(",", "")
    elif _EUROPEAN.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif _SWISS.fullmatch(digits):
        digits = digits.replace("'", "").replace(",", ".")
    elif _DECIMAL.fullmatch(digits):
        digits = digits.replace(",", ".")
    else:
        return None
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    return sign + (whole or "0") + (f".{part}" if part else "")
