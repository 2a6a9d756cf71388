"""Toxic words and phrases in a text, also where letters are exchanged, spaced out, doubled or starred.

    "What a sh1t!"  "s h i t"  "shiiiit"  "sh*t"       all are the word in the list

Whole words only: a place whose name has one inside of it is left alone. The list is `toxic_words.txt`; it cannot know
what is meant, and finds no insult that is put politely.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources

_TOKEN = re.compile(r"[^\W_]+")
_DISGUISE = re.compile(r"[0-9@$!*|+€]")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][ .*_-]{1,2}){3,}[^\W_](?![^\W_])")
_LETTERS = str.maketrans("0134578@$!|+€", "oieastbasiite")
_NONE: tuple[tuple[str, ...], ...] = ()
_REPEATED = re.compile(r"(.)\1{2,}")
_EDGES = re.compile(r"^[^\w@$!*|+€]+|[^\w@$*|+€]+$")
_APOSTROPHES = str.maketrans("", "", "'’ʼ`´")


def toxic(text: str) -> Iterator[str]:
    """Yield the words and phrases of the list that `text` has, as the list has them."""
    plain = _folded(text)
    tokens = [_known_spelling(token) for token in _TOKEN.findall(plain)]
    listed = _listed()
    for place, token in enumerate(tokens):
        if word := listed.word(token):
            yield word
        yield from listed.phrases(tokens, place)
    if _DISGUISE.search(plain):
        for written in plain.split():
            if _DISGUISE.search(written) and (word := _undisguised(_EDGES.sub("", written))):
                yield word
    for match in _SPACED.finditer(plain):
        if word := listed.beginning("".join(_TOKEN.findall(match[0].translate(_LETTERS)))):
            yield word


class _Listed:
    """The list, for looking up: whole words, beginnings of words, and phrases by their first word."""

    def __init__(self, entries: Sequence[str]) -> None:
        single = dict.fromkeys(entry for entry in entries if " " not in entry)  # in order: English goes first
        self._words = dict.fromkeys(entry for entry in single if not entry.endswith("*"))
        self._stems = dict.fromkeys(entry[:-1] for entry in single if entry.endswith("*"))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._phrases: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for entry in entries:
            if " " in entry:
                words = tuple(entry.translate(_APOSTROPHES).split())
                self._phrases[words[0]].append(words)

    @lru_cache(maxsize=1 << 16)  # noqa: B019 -- there is one list; most words of a text were met before
    def word(self, token: str) -> str:
        if token in self._words:
            return token
        return next((token[:length] for length in self._lengths if token[:length] in self._stems), "")

    def phrases(self, tokens: Sequence[str], place: int) -> Iterator[str]:
        for words in self._phrases.get(tokens[place], _NONE):
            given = tokens[place : place + len(words)]
            last = words[-1]
            same = given[-1].startswith(last[:-1]) if last.endswith("*") else given[-1] == last
            if len(given) == len(words) and same and tuple(given[:-1]) == words[:-1]:
                yield " ".join(words)

    def beginning(self, letters: str) -> str:
        """Return the word that spaced-out letters begin with."""
        both = (letters[:length] for length in range(4, len(letters) + 1))
        return next((word for word in both if word in self._words or word in self._stems), "")

    def starred(self, word: str) -> str:
        """Return the word that a starred one may stand for."""
        pattern = re.compile(re.escape(word).replace(r"\*", "."))
        exact = next((known for known in self._words if pattern.fullmatch(known)), "")
        return exact or next(
            (
                stem
                for stem in self._stems
                if len(stem) <= len(word)
                and re.fullmatch(re.escape(word[: len(stem)]).replace(r"\*", "."), stem)
                and "*" not in word[len(stem) :]
            ),
            "",
        )


@cache
def _listed() -> _Listed:
    text = resources.files("groundtune.tuning.quality").joinpath("toxic_words.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return _Listed([line for line in lines if line and line[0] not in "#["])


def _folded(text: str) -> str:
    """Return small letters without accents and apostrophes: "you're" is "youre"."""
    small = text.casefold()
    if not small.isascii():
        apart = unicodedata.normalize("NFKD", small.replace("ß", "ss"))
        small = "".join(character for character in apart if not unicodedata.combining(character))
    return small.translate(_APOSTROPHES)


def _known_spelling(token: str) -> str:
    """Return a word whose letters are not drawn out: "shiiit" is "shit"."""
    if not _REPEATED.search(token):
        return token
    for once in (r"\1", r"\1\1"):
        if _listed().word(_REPEATED.sub(once, token)):
            return _REPEATED.sub(once, token)
    return token


def _undisguised(word: str) -> str:
    """Return the word of the list that one with exchanged or starred letters stands for."""
    if len(word) < 4 or not any(character.isalpha() for character in word):
        return ""
    if "*" not in word:
        plain = word.translate(_LETTERS)
        letters = sum(character.isalpha() for character in word)
        if letters * 2 < len(word) or not plain.isalpha():
            return ""
        return _listed().word(_known_spelling(plain))
    stars = word.count("*")
    if word[0] == "*" or stars * 2 > len(word):
        return ""
    return _listed().starred(word.translate(_LETTERS))
