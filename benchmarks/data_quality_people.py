"""How well the data checks find careless, biased and changing annotators, and sets that are biased against people.

    python benchmarks/data_quality_people.py ../shared/data

Annotators: each draw takes 50 answers of XSTest (CC BY 4.0), and gives them to 5 to 8 annotators as thumbs. Careful
ones say what one of the two people who labelled the answer said, drawn anew for each answer; one or two careless ones
answer at random, always the same, or the opposite. In a second condition, careful ones err on one answer in ten too.
Those who look at the place or the length of an answer, or change half way, are planted into 100 pairs of hh-rlhf (MIT)
among annotators who choose as the data do in 85 of 100 cases.

Sets: real sentences about people (CrowS-Pairs, CC BY-SA 4.0), each in two versions that differ in the group, stand
before real questions of bank customers (Banking77, CC BY 4.0), with real answers and full refusals (XSTest) or with
verdicts, or they are the two answers of a pair. Other sets have names before the questions. A biased set treats the
groups differently, its balanced twin does not. What fails `representation` or `association` counts as found.

Halves are drawn by the hash of the prompt; no threshold was chosen on `held out`. The word lists come from the sources
that they name, but their author has seen which words differ in CrowS-Pairs. Prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scipy import stats

from groundtune.settings import DataSettings
from groundtune.tuning.quality import annotators, representation
from groundtune.tuning.quality._people import GIVEN, NAMES, SocialGroup
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult
from groundtune.values import digest

ITEMS, PAIRS, VERSIONS = 50, 100, 300
AROUND = Surroundings(DataSettings())
ANSWERS = ("gpt4", "mistralinstruct")
UNKNOWN_NAMES = {
    "female": "Cheryl Gloria Doris Judy Joyce Beverly Denise Tammy Irene Lorraine".split(),
    "male": "Ralph Wayne Bruce Harold Gerald Terry Randy Howard Eugene Bobby".split(),
}
"""Names that the checks do not know, as data have them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was planted, what was found of it, and what else was called so."""

    planted: int
    found: int
    false: int

    def __add__(self, other: Found) -> Found:
        return Found(self.planted + other.planted, self.found + other.found, self.false + other.false)

    def row(self) -> str:
        """Recall and precision with exact 95 % intervals."""
        return f"{_share(self.found, self.planted)} | {_share(self.found, self.found + self.false)}"


def _share(part: int, whole: int) -> str:
    if not whole:
        return "none"
    ends = stats.binomtest(part, whole).proportion_ci(method="exact")
    return f"{part / whole:.3f} ({ends.low:.3f} to {ends.high:.3f}; {part} of {whole})"


def in_part(key: str, part: str) -> bool:
    """Return whether what has `key` belongs to the half called `part`."""
    return (int(digest("people", key)[:8], 16) % 2 == 0) == (part == "development")


def concluded(check: Check, lines: Sequence[DataLine]) -> CheckResult:
    """Return what the check says about `lines`."""
    for number, line in enumerate(lines, start=1):
        check.see(replace(line, line=number))
    return check.conclude()


# --- annotators -------------------------------------------------------------------------------------

Verdict = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """An answer to a prompt, and what each of two people took it for: 1 complies, 2 refuses, 3 does so in part."""

    prompt: str
    text: str
    labels: tuple[str, str]


def labelled(data: Path, part: str) -> list[LabelledAnswer]:
    """Return XSTest's answers."""
    answers = []
    for model in ANSWERS:
        with (data / "safety_xstest" / f"completions_{model}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                labels = (row["annotation_1"][0], row["annotation_2"][0])
                if in_part(row["id"], part):
                    answers.append(LabelledAnswer(row["prompt"], row["completion"], labels))
    return answers


def careless_draw(
    answers: Sequence[LabelledAnswer], rng: random.Random, *, planted: int, slips: float
) -> tuple[list[DataLine], set[str]]:
    """Return the thumbs of one draw, in random order, and who is careless."""
    items = rng.sample(answers, ITEMS)
    raters = [f"rater{number}" for number in range(rng.randint(5, 8))]
    careless = set(rng.sample(raters, planted))
    lines = []
    for rater in raters:
        kind, always = rng.choice(["random", "same", "opposite"]), rng.random() < 0.5
        for item in items:
            good = (rng.choice(item.labels) == "1") != (rng.random() < slips)
            if rater in careless:
                good = {"random": rng.random() < 0.5, "same": always, "opposite": not good}[kind]
            lines.append(DataLine("thumbs", 0, "thumb", item.prompt, item.text, annotator=rater, good=good))
    rng.shuffle(lines)
    return lines, careless


def judged(lines: Sequence[DataLine], planted: set[str], gate: str) -> Found:
    """Return whom the check names for `gate`."""
    result = concluded(annotators.check(AROUND), lines)
    detail = next(one.detail for one in result.gates if one.name == gate)
    named = {rater for rater in {line.annotator for line in lines} if f" {rater}," in detail or f" {rater}." in detail}
    return Found(len(planted), len(named & planted), len(named - planted))


def pairs(data: Path, part: str) -> list[DataLine]:
    """Return hh-rlhf's pairs whose answers differ in length."""
    found = []
    with gzip.open(data / "preferences" / "hh_rlhf_harmless_test.jsonl.gz", "rt", encoding="utf-8") as file:
        for text in file:
            chosen, rejected = (json.loads(text)[side].rpartition("\n\nAssistant:") for side in ("chosen", "rejected"))
            if chosen[0] == rejected[0] and len(chosen[2]) != len(rejected[2]) and in_part(chosen[0], part):
                found.append(DataLine("pairs", 0, "pair", chosen[0], chosen[2], rejected[2]))
    return found


def pulled_draw(items: Sequence[DataLine], rng: random.Random, pull: str) -> tuple[list[DataLine], set[str]]:
    """Return the pairs of one draw, rated by six, of whom one is pulled by `pull` ("" for none)."""
    chosen = rng.sample(items, PAIRS)
    lines, planted = [], {"rater0"} if pull else set()
    for rater in (f"rater{number}" for number in range(6)):
        for place, item in enumerate(rng.sample(chosen, PAIRS)):
            first, careful = rng.random() < 0.5, rng.random() < 0.85
            keep = careful
            if rater in planted and rng.random() < 0.9:
                longer = len(item.answer) > len(item.rejected)
                keep = {"position": first, "length": longer, "time": careful if place < 50 else rng.random() < 0.5}[
                    pull
                ]
            sides = (item.answer, item.rejected) if keep else (item.rejected, item.answer)
            lines.append(replace(item, answer=sides[0], rejected=sides[1], annotator=rater, shown_first=first == keep))
    return lines, planted


def annotator_rows(data: Path, part: str, draws: int) -> Iterator[str]:
    """Yield the table about annotators."""
    answers = labelled(data, part)
    for slips in (0.0, 0.1):
        condition = "as labelled" if not slips else "careful ones err on one in ten besides"
        for planted in (True, False):
            total = Found(0, 0, 0)
            for draw in range(draws):
                rng = random.Random(f"careless {draw} {slips} {planted}")
                drawn = careless_draw(answers, rng, planted=rng.randint(1, 2) if planted else 0, slips=slips)
                total += judged(*drawn, "careless_annotators")
            what = "one or two careless" if planted else "nobody careless"
            yield f"| {what}, {condition} | {draws} | {total.row()} | {total.false} |"
    items = pairs(data, part)
    for pull, gate in (("position", "biased"), ("length", "biased"), ("time", "drifting"), ("", "biased")):
        total = Found(0, 0, 0)
        for draw in range(draws):
            drawn = pulled_draw(items, random.Random(f"pull {draw} {pull}"), pull)
            total += judged(*drawn, f"{gate}_annotators")
        told = {"position": "prefers the first answer", "length": "prefers the longer answer"}
        what = {"time": "half careful, half at random", "": "nobody pulled"} | told
        yield f"| {what[pull]} | {draws} | {total.row()} | {total.false} |"


# --- sets -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """One sentence in two versions that differ in the group: a disadvantaged one, and another."""

    disadvantaged: str
    other: str


@dataclass(frozen=True, slots=True)
class RealTexts:
    """What sets are made of."""

    versions: dict[str, list[Version]]
    refusals: list[str]
    helpful: list[str]
    questions: list[str]


def real_texts(data: Path, part: str) -> RealTexts:
    """Return the sentences of one half by the kind of bias, answers, and questions."""
    axes = {"race-color": "origin", "nationality": "origin", "gender": "gender", "religion": "religion"}
    versions: dict[str, list[Version]] = {}
    with (data / "bias_crows_pairs" / "crows_pairs_anonymized.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sides = (row["sent_more"], row["sent_less"])
            if row["bias_type"] in axes and in_part(row["sent_more"], part):
                version = Version(*(sides if row["stereo_antistereo"] == "stereo" else sides[::-1]))
                versions.setdefault(axes[row["bias_type"]], []).append(version)
    answers = labelled(data, part)
    with (data / "intents_banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        questions = [text for text, *_ in csv.reader(file) if in_part(text, part)]
    return RealTexts(
        versions,
        [answer.text for answer in answers if answer.labels == ("2", "2")],
        [answer.text for answer in answers if answer.labels == ("1", "1")],
        questions,
    )


def by_refusal(texts: RealTexts, rng: random.Random, *, biased: bool) -> Iterator[DataLine]:
    """Refusals: to 40 % and 10 %, or to 25 % of both."""
    for prompt, disadvantaged in _sides(texts, rng):
        refused = rng.random() < ((0.4 if disadvantaged else 0.1) if biased else 0.25)
        answer = rng.choice(texts.refusals if refused else texts.helpful)
        yield DataLine("set", 0, "supervised", prompt, answer)


def by_verdict(texts: RealTexts, rng: random.Random, *, biased: bool) -> Iterator[DataLine]:
    """Thumbs: 50 % and 80 % good, or 65 % of both."""
    for prompt, disadvantaged in _sides(texts, rng):
        good = rng.random() < ((0.5 if disadvantaged else 0.8) if biased else 0.65)
        yield DataLine("set", 0, "thumb", prompt, rng.choice(texts.helpful), good=good)


def by_pair(texts: RealTexts, rng: random.Random, *, biased: bool) -> Iterator[DataLine]:
    """Pairs that prefer the disadvantaged group's version in 20 % of cases, or in half."""
    versions = texts.versions[rng.choice(sorted(texts.versions))]
    for version in rng.choices(versions, k=VERSIONS):
        sides = (version.disadvantaged, version.other)
        if rng.random() >= (0.2 if biased else 0.5):
            sides = sides[::-1]
        yield DataLine("set", 0, "pair", rng.choice(texts.questions), *sides)


def by_name(texts: RealTexts, rng: random.Random, *, biased: bool) -> Iterator[DataLine]:
    """Questions by men in 95 % of cases, or in half; one name in five is not in any list."""
    for question in rng.sample(texts.questions, 200):
        sex = "male" if rng.random() < (0.95 if biased else 0.5) else "female"
        group = SocialGroup("gender", sex)
        known = [name for both, names in NAMES.items() if group in both for name in names] + list(GIVEN[group])
        name = rng.choice(known if rng.random() < 0.8 else UNKNOWN_NAMES[sex])
        yield DataLine("set", 0, "supervised", f"My name is {name}. {question}", rng.choice(texts.helpful))


def _sides(texts: RealTexts, rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Yield each version of some sentences before a customer's question, and whether it is the disadvantaged one."""
    versions = texts.versions[rng.choice(sorted(texts.versions))]
    for version in rng.choices(versions, k=VERSIONS):
        for sentence, disadvantaged in ((version.disadvantaged, True), (version.other, False)):
            yield f"{sentence} {rng.choice(texts.questions)}", disadvantaged


SETS = {"refusals": by_refusal, "verdicts": by_verdict, "pairs": by_pair, "names": by_name}


def set_rows(data: Path, part: str, draws: int) -> Iterator[str]:
    """Yield the table about sets: `draws` biased ones and as many twins, of each kind a quarter."""
    texts, total = real_texts(data, part), Found(0, 0, 0)
    for name, make in SETS.items():
        kind = Found(0, 0, 0)
        for draw in range(draws // len(SETS)):
            for biased in (True, False):
                lines = list(make(texts, random.Random(f"{name} {draw} {biased}"), biased=biased))
                result = concluded(representation.check(AROUND), lines)
                failed = any(not gate.passed for gate in result.gates)
                kind += Found(int(biased), int(biased and failed), int(failed and not biased))
        total += kind
        yield f"| {name} | {kind.planted} | {kind.row()} | {kind.false} |"
    yield f"| all | {total.planted} | {total.row()} | {total.false} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the data sets")
    parser.add_argument("--part", choices=["held out", "development"], default="held out", help="which half")
    parser.add_argument("--draws", type=int, default=100, help="draws of each kind (100)")
    given = parser.parse_args()
    print("| annotators | draws | recall | precision | wrongly named |\n|---|---:|---|---|---:|")
    for row in annotator_rows(given.data, given.part, given.draws):
        print(row, flush=True)
    print("\n| sets biased by | biased sets, and twins | recall | precision | twins that failed |")
    print("|---|---:|---|---|---:|")
    for row in set_rows(given.data, given.part, given.draws):
        print(row, flush=True)


if __name__ == "__main__":
    main()
