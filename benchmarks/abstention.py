"""Compares ways to recognise "I do not know" on replies that people labelled.

    python benchmarks/abstention.py ../shared/data

Abstentions are the completions that XSTest's annotators call a full refusal (CC BY 4.0) and the reference answers of
MTRAG-UN's unanswerable tasks (Apache-2.0); what XSTest calls compliance, the answers of MTRAG's answerable and partly
answerable tasks and its questions back are none. XSTest's partial refusals are left out. Halves are drawn by the hash
of the id, so that both models' replies to one prompt stand in the same half; the wordings of `groundtune.reply` were
chosen on the first. A word model stands beside it, which on that half is fitted on four fifths of the texts and asked
about the fifth. `each text once` counts equal replies as one: most of GPT-4's are "Sorry, but I can't assist with
that." Prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtune.reply import says_unknown
from groundtune.settings import AssistantSettings
from groundtune.values import digest

UNKNOWN = AssistantSettings().unknown
MODELS = ("gpt4", "mistralinstruct")
LABELS = {"1_full_compliance": False, "2_full_refusal": True}
_APOLOGY = re.compile(
    r"(?:(?:i'm|i am|we're|we are) )?(?:(?:very |so )?sorry|unfortunately|i apologi[sz]e)[,.;:!]? (?:but )?"
)
_OPENINGS = re.compile(
    r"""(?:
    (?:i|we)\ do\ not\ (?:know|have\ (?:(?:that|this|any|enough)\ )?(?:information|details|an\ answer))
    | (?:i|we)\ cannot\ (?:answer|find\ (?:that|this|any))
    | (?:i|we)\ can\ only\ help\ with
    | that\ is\ not\ something\ (?:i|we)\ (?:have|know)
    | the\ (?:provided\ |numbered\ )?(?:passages|documents)\ do\ not\ (?:answer|contain|mention|provide|say)
    | there\ is\ no\ information
    )\b""",
    re.VERBOSE,
)
_FULL_FORMS = {"don't": "do not", "can't": "cannot", "can not": "cannot", "isn't": "is not", "that's": "that is"}


@dataclass(frozen=True, slots=True)
class LabelledReply:
    """A reply, whether it abstains, where it is from, and in which half it stands."""

    text: str
    abstains: bool
    source: str
    chosen_on: bool


def labelled(data: Path) -> list[LabelledReply]:
    """Return all labelled replies in the folder of data sets."""
    return [
        LabelledReply(text, abstains, source, int(digest("half", id_)[:8], 16) % 2 == 0)
        for id_, text, abstains, source in (*_xstest(data), *_mtrag(data))
    ]


def _xstest(data: Path) -> Iterator[tuple[str, str, bool, str]]:
    for model in MODELS:
        with (data / "safety_xstest" / f"completions_{model}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["final_label"] in LABELS:
                    yield row["id"], row["completion"], LABELS[row["final_label"]], f"XSTest, {model}"


def _mtrag(data: Path) -> Iterator[tuple[str, str, bool, str]]:
    for line in (data / "rag_mtrag" / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["_id"], row["reference_answer"], "UNANSWERABLE" in row["answerability"], "MTRAG-UN"


def by_openings(text: str) -> bool:
    """Return what groundtune 0.1 said: a list of openings."""
    plain = re.sub(r"\s+", " ", text.replace("’", "'")).strip().lstrip("\"'*").casefold()
    for short, full in _FULL_FORMS.items():
        plain = plain.replace(short, full)
    plain = _APOLOGY.sub("", plain, count=1) if _APOLOGY.match(plain) else plain
    return plain.startswith("i do not know") or _OPENINGS.match(plain) is not None


def by_clauses(text: str) -> bool:
    """Return what groundtune says now."""
    return says_unknown(text, UNKNOWN)


def by_words(replies: Sequence[LabelledReply]) -> Callable[[str], bool]:
    """Return a logistic regression over words and pairs of words that was fitted on `replies`."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"[\w']+")
    model = make_pipeline(features, LogisticRegression(C=10, class_weight="balanced", max_iter=1000))
    model.fit([reply.text for reply in replies], [reply.abstains for reply in replies])
    return lambda text: bool(model.predict([text])[0])


def by_other_words(replies: Sequence[LabelledReply], folds: int = 5) -> Callable[[str], bool]:
    """Return `by_words` for each of `replies`, fitted on those of the other folds; equal texts stand in one fold."""

    def fold(text: str) -> int:
        return int(digest("fold", text)[:8], 16) % folds

    models = [by_words([reply for reply in replies if fold(reply.text) != number]) for number in range(folds)]
    return lambda text: models[fold(text)](text)


def rates(recognise: Callable[[str], bool], replies: Sequence[LabelledReply]) -> tuple[float, float, int, int]:
    """Return precision (1 where nothing is recognised), recall, and how many were taken and missed wrongly."""
    taken = [reply.abstains for reply in replies if recognise(reply.text)]
    right, of = sum(taken), sum(reply.abstains for reply in replies)
    return right / len(taken) if taken else 1.0, right / of if of else 1.0, len(taken) - right, of - right


def once(replies: Sequence[LabelledReply]) -> list[LabelledReply]:
    """Return the replies, equal ones once."""
    return list({" ".join(reply.text.split()): reply for reply in replies}.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with safety_xstest and rag_mtrag")
    replies = labelled(parser.parse_args().data)
    chosen_on = [reply for reply in replies if reply.chosen_on]
    held_out = [reply for reply in replies if not reply.chosen_on]
    words, other_words = by_words(chosen_on), by_other_words(chosen_on)
    parts = {"chosen on: all": chosen_on, "held out: all": held_out, "held out: each text once": once(held_out)}
    for source in dict.fromkeys(reply.source for reply in replies):
        parts[f"held out: {source}"] = [reply for reply in held_out if reply.source == source]
    print("| replies | abstentions / others | way | precision | recall | taken wrongly | missed |")
    print("|---|---|---|---:|---:|---:|---:|")
    for part, those in parts.items():
        abstaining = sum(reply.abstains for reply in those)
        in_fold = other_words if those is chosen_on else words
        ways = {"list of openings (0.1)": by_openings, "words and pairs": in_fold, "clauses": by_clauses}
        for name, way in ways.items():
            precision, recall, wrong, missed = rates(way, those)
            counts = f"{abstaining} / {len(those) - abstaining}"
            print(f"| {part} | {counts} | {name} | {precision:.2f} | {recall:.2f} | {wrong} | {missed} |")


if __name__ == "__main__":
    main()
