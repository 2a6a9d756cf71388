"""What is wrong or doubtful about a benchmark, found by computing on words and counts, with file and line.

A problem contradicts the documents or the benchmark itself and must be mended. A warning is for an expert to look
at: it may be meant. Knows no project and no model; documents come in as texts, training data as what was said in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from groundtune.comparing import figures, tokens, unbacked, words
from groundtune.evaluation.benchmark.cases import Benchmark, asked, check_evidence
from groundtune.evaluation.benchmark.similarity import RUN, near_pairs, shared_runs
from groundtune.reply import asks_back
from groundtune.values import Case, Document

FindingKind = Literal[
    "evidence", "duplicate", "near-duplicate", "leak", "split", "balance", "unanswerable", "number", "asker", "clarify"
]
PARTS: tuple[Literal["development", "test"], ...] = ("development", "test")
MOST_SHARE = 0.2  # of a part's cases in one group; above, one subject decides the result
FEWEST_CASES = 10  # in a part, below which shares of groups mean nothing
SHOWN_PLACES = 3
_SPELT = dict(zip("one two three four five six seven eight nine ten eleven twelve".split(), range(1, 13), strict=True))


@dataclass(frozen=True, slots=True)
class BenchmarkFinding:
    """A problem or a warning about `case` (empty: about the whole), which stands in `file` on `line`.

    `others` are the further places that the message is about, as "file:line".
    """

    kind: FindingKind
    problem: bool
    message: str
    file: str
    case: str = ""
    line: int | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What customers asked and what was answered in one line of training or preference data.

    `questions` hold each turn of a customer, and also all turns up to it together.
    """

    place: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]


def check_benchmark(
    benchmark: Benchmark,
    file: str,
    documents: Mapping[str, Document],
    training: Sequence[Said] = (),
) -> list[BenchmarkFinding]:
    """Return all findings, problems first, in order of the file.

    `file` is how the benchmark is named in them; `documents` are the company's by id; `training` is all that tuned
    candidates may have read.
    """
    texts = {id_: document.text for id_, document in documents.items()}
    looking = _Looking(benchmark, file)
    findings = chain(
        looking.evidence(texts),
        looking.duplicates(),
        looking.leaked_questions(training),
        looking.leaked_answers(training),
        looking.groups(),
        looking.unanswerable(),
        looking.numbers(texts),
        looking.askers(documents),
        looking.questions_back(),
    )
    return sorted(findings, key=lambda finding: (not finding.problem, finding.line or 0, finding.kind))


def missing_numbers(answer: str, sources: Sequence[str]) -> list[str]:
    """Return the numbers of `answer`, with their units, that no source has; small ones may be spelt out there.

    >>> missing_numbers("Two cost €16.80.", ["One is 8.40 euros.", "What do two cost?"])
    ['16.8 eur']
    """
    text = "\n".join(sources)
    spelt = [str(_SPELT[word]) for word in tokens(text) if word in _SPELT]
    return list(dict.fromkeys(map(str, unbacked(figures(answer), text, also=spelt))))


class _Looking:
    """The checks of one benchmark."""

    def __init__(self, benchmark: Benchmark, file: str) -> None:
        self._cases = benchmark.cases
        self._lines = benchmark.lines
        self._file = file

    def evidence(self, texts: Mapping[str, str]) -> Iterable[BenchmarkFinding]:
        for problem in check_evidence(self._cases, texts):
            yield self._finding("evidence", f"{problem.document}: {problem.reason}", problem.case, problem=True)

    def duplicates(self) -> Iterable[BenchmarkFinding]:
        own = [asked(case.question, case.history) for case in self._cases]
        for later, earlier, alike in near_pairs(own, own):
            if earlier < later:
                finding = self._alike(self._cases[later], self._cases[earlier], alike)
                if finding:
                    yield finding

    def leaked_questions(self, training: Sequence[Said]) -> Iterable[BenchmarkFinding]:
        own = [asked(case.question, case.history) for case in self._cases]
        said = [(line.place, question) for line in training for question in line.questions]
        exact: dict[str, dict[str, None]] = defaultdict(dict)
        near: dict[str, dict[str, None]] = defaultdict(dict)
        for index, other, _ in near_pairs(own, [question for _, question in said]):
            place, question = said[other]
            (exact if words(question) == words(own[index]) else near)[self._cases[index].id][place] = None
        for case, places in exact.items():
            yield self._finding("leak", f"the same question is asked in {_places(places)}.", case, places)
        for case, places in near.items():
            others = [place for place in places if place not in exact.get(case, ())]
            if others:
                yield self._finding("leak", f"nearly the same question is asked in {_places(others)}.", case, others)

    def leaked_answers(self, training: Sequence[Said]) -> Iterable[BenchmarkFinding]:
        """Unanswerable cases are left out: that nothing is known may be said in the same words everywhere."""
        cases = [case for case in self._cases if case.answerable]
        said = [(line.place, answer) for line in training for answer in line.answers]
        shared: dict[str, dict[str, str]] = defaultdict(dict)
        for index, other, run in shared_runs([case.ideal_answer for case in cases], [answer for _, answer in said]):
            shared[cases[index].id].setdefault(said[other][0], run)
        for case, runs in shared.items():
            longest = max(runs.values(), key=len)
            message = f"the ideal answer shares {RUN} or more consecutive words with {_places(runs)}: “{longest}”."
            yield self._finding("leak", message, case, runs)

    def groups(self) -> Iterable[BenchmarkFinding]:
        sides: dict[str, set[str]] = defaultdict(set)
        for case in self._cases:
            sides[case.group].add(case.split)
        for group in [group for group, splits in sides.items() if len(splits) > 1]:
            yield self._first(
                group, "split", f"group `{group}` has cases in the development part and in the test part."
            )
        for part in PARTS:
            counts = Counter(case.group for case in self._cases if case.split == part)
            total = counts.total()
            for group, count in counts.most_common() if total >= FEWEST_CASES else ():
                if count > MOST_SHARE * total:
                    message = f"group `{group}` has {count} of the {total} {part} cases, more than {MOST_SHARE:.0%}."
                    yield self._first(group, "balance", message)

    def unanswerable(self) -> Iterable[BenchmarkFinding]:
        for part in PARTS:
            cases = [case for case in self._cases if case.split == part]
            if cases and all(case.answerable or case.clarify for case in cases):
                reason = (
                    "it cannot show whether a candidate makes things up"
                    if part == "test"
                    else "no threshold can be fitted"
                )
                message = f"the {part} part has no unanswerable question: {reason}."
                yield BenchmarkFinding("unanswerable", problem=False, message=message, file=self._file)

    def numbers(self, texts: Mapping[str, str]) -> Iterable[BenchmarkFinding]:
        """Numbers that the customer said may be said back."""
        for case in self._cases:
            if not case.answerable or not case.evidence:
                continue
            quotes = [
                texts.get(evidence.document, "") if evidence.quote is None else evidence.quote
                for evidence in case.evidence
            ]
            told = [case.question, *(turn.content for turn in case.history)]
            missing = missing_numbers(case.ideal_answer, quotes + told)
            if missing:
                listed = ", ".join(missing)
                yield self._finding("number", f"no quote contains the number {listed} from the ideal answer.", case.id)

    def askers(self, documents: Mapping[str, Document]) -> Iterable[BenchmarkFinding]:
        hidden, readers = [], set[str]()
        for case in self._cases:
            named = [documents[each.document] for each in case.evidence if each.document in documents]
            closed = [each for each in named or documents.values() if not set(case.asker) & set(each.readable_by)]
            if case.answerable and closed and (named or len(closed) == len(documents)):
                hidden.append(case)
                readers.update(*(each.readable_by for each in closed))
        if hidden:
            message = (
                f"{len(hidden)} answerable cases are asked by principals who may not read the documents that they need "
                f"(readable by {', '.join(sorted(readers)) or 'nobody'}): grounded candidates will abstain on them."
            )
            others = tuple(self._place(case.id) for case in hidden[:SHOWN_PLACES])
            yield BenchmarkFinding("asker", problem=False, message=message, file=self._file, others=others)

    def questions_back(self) -> Iterable[BenchmarkFinding]:
        for case in self._cases:
            told = [text for text in case.ideal_answers if case.clarify and not asks_back(text, case.question)]
            if told:
                message = f"needs a question back (`clarify`), but its ideal answer asks nothing: {told[0]!r}."
                yield self._finding("clarify", message, case.id)

    def _alike(self, later: Case, earlier: Case, alike: float) -> BenchmarkFinding | None:
        """Wordings of one question in one group, and one question of several askers, are meant; all else is not."""
        same = words(asked(later.question, later.history)) == words(asked(earlier.question, earlier.history))
        apart = later.group != earlier.group
        name, places = f"case `{earlier.id}`", [self._place(earlier.id)]
        groups = f" but in group `{earlier.group}`, not `{later.group}`" if apart else ""
        if same and not apart and later.asker != earlier.asker:
            return None
        if same and later.answerable != earlier.answerable and later.asker == earlier.asker:
            message = f"asks the same as {name}, but only one of the two is answerable."
            return self._finding("duplicate", message, later.id, places, problem=True)
        if same and later.clarify != earlier.clarify and later.asker == earlier.asker:
            message = f"asks the same as {name}, but only one of the two needs a question back."
            return self._finding("duplicate", message, later.id, places, problem=True)
        if same:
            return self._finding("duplicate", f"asks the same as {name}{groups}.", later.id, places, problem=apart)
        if not apart:
            return None
        sides = ", and on the other side of the split" if later.split != earlier.split else ""
        message = f"asks nearly the same as {name} ({alike:.2f}){groups}{sides}."
        return self._finding("near-duplicate", message, later.id, places)

    def _first(self, group: str, kind: FindingKind, message: str) -> BenchmarkFinding:
        return self._finding(kind, message, next(case.id for case in self._cases if case.group == group))

    def _finding(
        self, kind: FindingKind, message: str, case: str, others: Iterable[str] = (), *, problem: bool = False
    ) -> BenchmarkFinding:
        return BenchmarkFinding(kind, problem, message, self._file, case, self._lines.get(case), tuple(others))

    def _place(self, case: str) -> str:
        return f"{self._file}:{self._lines.get(case, '')}".rstrip(":")


def _places(places: Iterable[str]) -> str:
    listed = list(places)
    more = f" and {len(listed) - SHOWN_PLACES} more places" if len(listed) > SHOWN_PLACES else ""
    return ", ".join(listed[:SHOWN_PLACES]) + more
