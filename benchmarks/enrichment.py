"""Which statements are held for said already: planted duplicates and near misses of the telecom example.

    python benchmarks/enrichment.py [--model N]

Experts wrote a question, an ideal answer and the quote that it rests on. The first sentence of the ideal answer is a
statement in other words than those of the quote. Against all quotes of the example, each below its headings:

    duplicate    the statement as it is; counts if its own quote is held for the same
    novel        the statement as it is, its own quote taken out
    figure       its first figure raised by 3
    name         the name of a plan exchanged
    condition    a condition added, as "for students"
    negation     its verb negated

All but the duplicates should be held for new. Quotes that say less than the statement make some duplicates new.

`--model N`: of N corrections ("It is 12 euros now."), how many the chat model puts into words that stand by themselves
and that pass the check.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from groundtune.agents.alike import Stated, says_already
from groundtune.agents.rewording import reworded
from groundtune.assembly.pool import ModelPool
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.knowledge.embedding import embedder
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings, ModelSettings
from groundtune.values import Case

EXAMPLE = Path(__file__).parent.parent / "examples" / "telecom"
PLANS = ("Pebble", "Brook", "River", "Delta", "Hearth", "Sprig", "Skim", "Drift")
CONDITIONS = ("for students", "on weekends", "for business customers", "in the first year")


def statement(case: Case) -> str:
    """Return the first sentence of the ideal answer, without the yes or no before it."""
    return re.sub(r"^(?:Yes|No), ", "", re.split(r"(?<=[.!?]) ", case.ideal_answer)[0])


def headings(document: str, quote: str) -> str:
    """Return the headings above a quote, the first one first."""
    text = (EXAMPLE / "documents" / document).read_text(encoding="utf-8") if document.endswith(".md") else ""
    above: dict[int, str] = {}
    for match in re.finditer(r"^(#+) (.*)$", text[: max(0, text.find(quote))], re.MULTILINE):
        above = {level: name for level, name in above.items() if level < len(match[1])} | {len(match[1]): match[2]}
    return " > ".join(above.values())


def exchanged(text: str) -> str:
    """Return it with the name of another plan."""
    named = next((name for name in PLANS if name in text), None)
    return text if named is None else text.replace(named, PLANS[(PLANS.index(named) + 3) % len(PLANS)])


def near_misses(number: int) -> dict[str, Callable[[str], str]]:
    """Return by kind what makes a near miss of the statement with this number."""
    condition = CONDITIONS[number % len(CONDITIONS)]
    return {
        "figure": lambda text: re.sub(r"\d+(?:\.\d+)?", lambda match: f"{float(match[0]) + 3:g}", text, count=1),
        "name": exchanged,
        "condition": lambda text: f"{text.rstrip('.')} {condition}.",
        "negation": lambda text: re.sub(r"\b(is|are|can|costs|has|takes|does)\b", r"\1 not", text, count=1),
    }


class Remembering:
    """Vectors of texts, each computed once."""

    def __init__(self) -> None:
        self._embedder = embedder(EmbeddingSettings())
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return an array of shape (len(texts), dimension)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._embedder.embed(new, "document"), strict=True))
        return np.stack([self._known[text] for text in texts])


def measure(cases: Sequence[Case]) -> dict[str, tuple[int, int]]:
    """Return by kind how many statements were held for said already, and of how many."""
    embed, counts = Remembering(), dict[str, tuple[int, int]]()
    quotes = [Stated(headings(e.document, e.quote or ""), e.quote or "", c.id) for c in cases for e in c.evidence[:1]]

    def count(kind: str, text: str, about: str, known: Sequence[Stated]) -> None:
        same, of = counts.get(kind, (0, 0))
        counts[kind] = same + (says_already(Stated(about, text, ""), known, embed) is not None), of + 1

    for number, (case, own) in enumerate(zip(cases, quotes, strict=True)):
        text = statement(case)
        count("duplicate", text, case.question, [own])
        count("novel", text, case.question, [quote for quote in quotes if quote.text != own.text])
        for kind, change in near_misses(number).items():
            changed, about = change(text), exchanged(case.question) if kind == "name" else case.question
            if changed != text:
                count(kind, changed, about, quotes)
    return counts


def rewording(cases: Sequence[Case], number: int) -> None:
    """Print how many statements the built-in model puts into words that stand by themselves."""
    model = ModelPool(ModelSettings(), EXAMPLE).model()
    said = [re.sub(r"^.*?\b(costs?|is|has)\b", r"It \1", statement(case), count=1) for case in cases]
    chosen = [(case.question, text) for case, text in zip(cases, said, strict=True) if text.startswith("It ")][:number]
    made = [(text, reworded(question, text, model)) for question, text in chosen]
    print(f"{sum(bool(new) for _, new in made)} of {len(made)} statements were put into other words")
    print(*(f"    {text} → {new}" for text, new in made if new), sep="\n")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", type=int, default=0)
    given = options.parse_args()
    every = load_benchmark(EXAMPLE / "benchmark.jsonl", 0.5).cases
    cases = [
        case for case in every if case.answerable and not case.history and case.evidence and case.evidence[0].quote
    ]
    for kind, (same, of) in measure(cases).items():
        print(f"{kind:<10} {same:>4} of {of:>4} held for said already ({same / of:.1%})")
    if given.model:
        rewording(cases, given.model)


if __name__ == "__main__":
    main()
