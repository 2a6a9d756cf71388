"""What an answer states, as far as rules can tell: its figures, whether it denies, and its other words.

Two answers to one question contradict each other if they have other figures of the same unit, if one says yes and the
other no, or if they differ in a negation only. English, and the commonest negations of some other languages. Knows no
training data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from groundtune.comparing import StatedNumber, figures, tokens
from groundtune.comparing.quantities import same_number
from groundtune.sentences import comparable
from groundtune.text import FUNCTION_WORDS

_NEGATIONS = frozenset(
    "no not never none nobody nothing nowhere neither nor cannot without nicht kein keine keinen keiner nie niemals "
    "ohne nunca jamais ningun ninguna sin pas ne aucun aucune sans non mai nessun nessuna senza nao nem nenhum niet "
    "geen nooit".split()
)
_SHORTENED = ("nt", "n't")  # don't, isn't, can't lose their apostrophe among comparable words
_VERBS = "do does did is are was were ca wo could would should must has have had need may might dare ai sha".split()
_NEGATED = _NEGATIONS | {f"{verb}{end}" for verb in _VERBS for end in _SHORTENED}
_YES = frozenset("yes yeah yep sure correct right ja si oui sim".split())
_NO = frozenset("no nope nein non nee".split())
_AUXILIARIES = frozenset("do does did be can will".split())


@dataclass(frozen=True, slots=True)
class Statement:
    """`core` identifies the words that remain without figures, negations and function words; `negations` is their
    number; `opening` is "yes" or "no" where the answer begins so.
    """

    figures: tuple[StatedNumber, ...]
    core: int
    negations: int
    opening: str

    def packed(self) -> str:
        """Return it as a short string without line breaks."""
        stated = "\x1f".join(f"{each.number}|{each.unit}|{each.compare}" for each in self.figures)
        return f"{self.core}\t{self.negations}\t{self.opening}\t{stated}"

    @classmethod
    def unpacked(cls, packed: str) -> Statement:
        """Return what `packed` came from."""
        core, negations, opening, stated = packed.split("\t")
        figures_of = tuple(StatedNumber(*each.split("|")) for each in stated.split("\x1f") if each)
        return cls(figures_of, int(core), int(negations), opening)


def statement(answer: str) -> Statement:
    """Return what `answer` states."""
    split = tokens(answer)
    first = split[0] if split else ""
    content = frozenset(word for word in split if word not in FUNCTION_WORDS | _NEGATED | _AUXILIARIES)
    return Statement(
        tuple(figures(answer)),
        hash(frozenset(word for word in content if not word[0].isdigit())),
        sum(word in _NEGATED for word in split[first in _NO :]),
        "yes" if first in _YES else "no" if first in _NO else "",
    )


def contradiction(left: Statement, right: Statement) -> str:
    """Return in which way two answers to the same question contradict each other, "" where rules see none."""
    if left.opening and right.opening and left.opening != right.opening:
        return "one says yes, one says no"
    if conflict := _other_figures(left.figures, right.figures):
        return f"other figures: {conflict}"
    if left.core == right.core and (left.negations + right.negations) % 2:
        return "one denies what the other says"
    return ""


def names(text: str) -> frozenset[str]:
    """Return what is named: words with a capital or a digit in them that do not begin a sentence.

    >>> sorted(names("How much is Brook on the Otter 3?"))
    ['3', 'brook', 'otter']
    """
    called, begins = set(), True
    for written in text.split():
        word = written.strip(".,;:!?()[]\"'“”‘’")
        if word and (any(map(str.isdigit, word)) or (word != word.lower() and not begins and word != "I")):
            called.add(word.casefold().removesuffix("'s").removesuffix("’s"))
        begins = written[-1] in ".!?:"
    return frozenset(called)


def alike(first: str, second: str) -> float:
    """Return the share of content words that two texts have in common, numbers and negations left out."""
    left, right = (_words(comparable(text)) for text in (first, second))
    return len(left & right) / len(left | right) if left or right else 0.0


def _words(comparable_words: Collection[str]) -> set[str]:
    return {word for word in comparable_words if word not in _NEGATED and not word[0].isdigit()}


def _other_figures(first: Iterable[StatedNumber], second: Iterable[StatedNumber]) -> str:
    """Return the figures of a unit of which each answer has one that the other lacks; more of them are no conflict."""
    left, right = _by_unit(first), _by_unit(second)
    for unit in left.keys() & right.keys():
        mine = [number for number in left[unit] if not _has(right[unit], number)]
        yours = [number for number in right[unit] if not _has(left[unit], number)]
        if mine and yours:
            return f"{StatedNumber(mine[0], unit)} and {StatedNumber(yours[0], unit)}"
    return ""


def _by_unit(stated: Iterable[StatedNumber]) -> dict[str, list[str]]:
    units: dict[str, list[str]] = {}
    for figure in stated:
        units.setdefault(figure.unit, []).append(figure.number)
    return units


def _has(numbers: Iterable[str], number: str) -> bool:
    return any(number == known or same_number(number, known) for known in numbers)
