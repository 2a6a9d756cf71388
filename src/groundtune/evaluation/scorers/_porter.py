"""Porter's stemmer as rouge-score uses it: nltk's, with nltk's changes to the algorithm.

    caresses → caress    ponies → poni    relational → relat    hopping → hop    news → news

Written anew so that stemming needs no package; equal to nltk's on whole vocabularies (tests/reference).

Source: Porter, "An algorithm for suffix stripping", Program 14(3), 1980, by its step numbers; and for what differs
`nltk.stem.porter` in its default mode (Apache-2.0).
"""

from __future__ import annotations

from functools import lru_cache

Rules = tuple[tuple[str, str], ...]

_IRREGULAR = {
    "skies": "sky", "sky": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
    "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing", "cannings": "canning",
    "canning": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}  # fmt: skip
_PLURALS: Rules = (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", ""))
_STEP_2: Rules = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
_STEP_3: Rules = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4: Rules = tuple(
    (suffix, "") for suffix in "al ance ence er ic able ible ant ement ment ent ou ism ate iti ous ive ize".split()
)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return the stem of a lower-case word."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _step_1c(_step_1b(_step_1a(word)))
    word = _step_4(_apply(_step_2(word), _STEP_3, 0))
    return _step_5(word)


def _shape(word: str) -> str:
    """Return a "c" for every consonant and a "v" for every vowel; y is a vowel after a consonant."""
    shape = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and shape[-1:] == "c")
        shape += "v" if vowel else "c"
    return shape


def _measure(word: str) -> int:
    return _shape(word).count("vc")


def _ends_cvc(word: str) -> bool:
    shape = _shape(word)
    return (shape.endswith("cvc") and word[-1] not in "wxy") or shape == "vc"


def _apply(word: str, rules: Rules, above: int) -> str:
    """Replace the first suffix that fits, if what stands before it has a measure above `above`."""
    for suffix, new in rules:
        if word.endswith(suffix):
            before = word[: -len(suffix)]
            return before + new if _measure(before) > above else word
    return word


def _step_1a(word: str) -> str:
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]
    return _apply(word, _PLURALS, -1)


def _step_1b(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        before = word.removesuffix(suffix)
        if before != word and "v" in _shape(before):
            return _mended(before)
    return word


def _mended(before: str) -> str:
    """Return what is left of "-ed" and "-ing" with the "e" that it lost or without the letter that was doubled."""
    if before.endswith(("at", "bl", "iz")):
        return before + "e"
    if len(before) >= 2 and before[-1] == before[-2] and _shape(before)[-1] == "c":
        return before if before[-1] in "lsz" else before[:-1]
    return before + "e" if _measure(before) == 1 and _ends_cvc(before) else before


def _step_1c(word: str) -> str:
    before = word[:-1]
    return before + "i" if word.endswith("y") and len(before) > 1 and _shape(before)[-1] == "c" else word


def _step_2(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _step_2(word[:-2])
    if word.endswith("logi"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    return _apply(word, _STEP_2, 0)


def _step_4(word: str) -> str:
    if word.endswith("ion"):
        return word[:-3] if _measure(word[:-3]) > 1 and word[-4] in "st" else word
    return _apply(word, _STEP_4, 1)


def _step_5(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _ends_cvc(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
