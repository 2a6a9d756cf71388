"""The words that ROUGE counts: rouge-score's, or those of any script.

    ascii     "Ärger, 30 days"  →  rger 30 days         "日本語"  →  nothing
    unicode   "Ärger, 30 days"  →  ärger 30 days        "日本語"  →  日 本 語

`unicode` gives the words of `ascii` wherever a text has ASCII only. Scripts that put no blanks between words (Han,
kana, Thai, Lao, Burmese, Khmer) are taken character by character, the usual way without a dictionary; vowel signs and
accents stay with their letter. Stemming takes the endings off English words of more than three letters, with nltk's
changes to Porter's algorithm, as in rouge-score.

Source: `rouge_score/tokenize.py` of google-research (Apache-2.0); Unicode general categories L, N and M.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import chain
from typing import Literal

Tokens = tuple[str, ...]
Alphabet = Literal["ascii", "unicode"]

REMEMBERED = 1 << 15  # texts: those of some thousand answers, which scorers ask for one after another
_WORDS = 1 << 17
STEMMED = 4  # letters from which on rouge-score stems a word
_ASCII = re.compile("[a-z0-9]+")
_NO_LETTER = re.compile(r"[^\w\s]|_")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


class Vocabulary(dict[str, Tokens]):
    """The tokens of words, each worked out once: most words of a text have been seen in another."""

    def __init__(self, split: Callable[[str], Tokens]) -> None:
        self._split = split

    def __missing__(self, word: str) -> Tokens:
        if len(self) >= _WORDS:
            self.clear()
        tokens = self[word] = self._split(word)
        return tokens

    def tokens(self, text: str) -> Tokens:
        """Return the tokens of all words of `text`, which no token may cross."""
        return tuple(chain.from_iterable(map(self.__getitem__, text.split())))


@lru_cache(maxsize=REMEMBERED)
def tokenize(text: str, alphabet: Alphabet = "ascii", stemmed: bool = False) -> Tokens:
    """Return the words of the lower-cased text, in order."""
    return _VOCABULARIES[alphabet, stemmed].tokens(text)


def _vocabulary(alphabet: Alphabet, stemmed: bool) -> Vocabulary:
    def split(word: str) -> Tokens:
        words = _ASCII.findall(word.lower()) if alphabet == "ascii" else _words(word)
        if stemmed:
            stem = _stemmer()
            words = [stem(word) if len(word) >= STEMMED and word.isascii() else word for word in words]
        return tuple(words)

    return Vocabulary(split)


@cache
def _stemmer() -> Callable[[str], str]:
    from nltk.stem.porter import PorterStemmer  # half a second

    return PorterStemmer().stem  # type: ignore[no-any-return]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_NO_LETTER.sub(_blank_unless_mark, plain))


def _blank_unless_mark(match: re.Match[str]) -> str:
    return match[0] if unicodedata.category(match[0])[0] == "M" else " "


_ALPHABETS: tuple[Alphabet, ...] = ("ascii", "unicode")
_VOCABULARIES = {
    (alphabet, stemmed): _vocabulary(alphabet, stemmed) for alphabet in _ALPHABETS for stemmed in (False, True)
}
