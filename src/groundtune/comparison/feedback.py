"""Feedback out of the records: the report on it, and pairs of answers to learn from. Personal data is replaced in both.

The place where records meet statistics and the formats of training data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from groundtune.agents.preferred import PairFromFeedback, PairsFromFeedback, pairs_of
from groundtune.assembly.assembly import Assembly
from groundtune.comparison.feedback_report import AnswerWithFeedback, FeedbackReport, report_feedback
from groundtune.errors import InputError
from groundtune.files import write_jsonl
from groundtune.records.conversations import TalkRecord
from groundtune.records.feedback import FeedbackRecord
from groundtune.tuning.quality.check import Surroundings
from groundtune.tuning.quality.personal_data import redactor
from groundtune.values import Conversation, Role

_Clean = Callable[[str, Role], str]


@dataclass(frozen=True, slots=True)
class ExportedPreferences:
    """Pairs that were written to `path`: how many by where they are from, in how many personal data was replaced, and
    how many ratings or pairs were left out, by reason."""

    path: Path
    pairs: int
    origins: Mapping[str, int]
    redacted: int
    left_out: Mapping[str, int]


class ProjectFeedback:
    """What users of a project think of its answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def report(self, since: datetime | None = None) -> FeedbackReport:
        """Return how satisfied users are, from all they said or were asked for, or since a time."""
        records = self._assembly.records.feedback().all(since)
        talks = _talks(self._assembly, records)
        rows = [_rated(record, talks.get(record.rated.conversation)) for record in records]
        report = report_feedback(rows, self._assembly.settings.comparison.confidence)
        if not report.worst:
            return report
        clean = _cleaner(self._assembly)
        worst = (
            replace(
                each,
                question=clean(each.question, "user"),
                answer=clean(each.answer, "assistant"),
                text=clean(each.text, "user"),
            )
            for each in report.worst
        )
        return replace(report, worst=tuple(worst))

    def export(self, path: str | Path) -> ExportedPreferences:
        """Write pairs of a better and a worse answer, out of what users and experts said, to the new file `path`.

        Raises `InputError` where there is no pair, with the reasons, and where the file is there.
        """
        path = Path(path)
        if path.exists():
            raise InputError("the file is there already.", place=path, remedy="Name another file, or move this one.")
        records = self._assembly.records.feedback().all()
        made = pairs_of(records, _talks(self._assembly, records))
        lines, left_out, redacted = self._lines(made)
        if not lines:
            why = "; ".join(f"{reason} ({count})" for reason, count in sorted(left_out.items()))
            raise InputError(
                f"feedback gives no pair of a better and a worse answer{f': {why}' if why else ''}.",
                remedy="Collect ratings of answers to the same questions, or have experts correct bad answers.",
            )
        write_jsonl(path, lines)
        origins = Counter(str(line["source"]).partition(":")[2] for line in lines)
        return ExportedPreferences(path, len(lines), dict(origins), redacted, left_out)

    def _lines(self, made: PairsFromFeedback) -> tuple[list[dict[str, object]], dict[str, int], int]:
        """Return the lines without personal data, what is left out, and in how many lines personal data was."""
        left_out, lines, redacted = Counter(made.left_out), [], 0
        clean = _cleaner(self._assembly) if made.pairs else _as_it_is
        for each in made.pairs:
            line = _line(each, clean)
            if line["chosen"] == line["rejected"]:
                left_out["both answers are the same without personal data"] += 1
                continue
            redacted += line != _line(each, _as_it_is)
            lines.append(line)
        return lines, dict(left_out), redacted


def _talks(assembly: Assembly, records: Sequence[FeedbackRecord]) -> dict[str, TalkRecord]:
    """Return the conversations that something was said of, as far as they are still there."""
    kept = assembly.records.conversations()
    owners = {each.rated.conversation: each.rated.actor for each in records}
    talks = (kept.conversation(key, owner) for key, owner in owners.items())
    return {talk.id: talk for talk in talks if talk is not None}


def _rated(record: FeedbackRecord, talk: TalkRecord | None) -> AnswerWithFeedback:
    turns = [] if talk is None else [turn for turn in talk.turns if turn.number <= record.rated.turn]
    if not turns or turns[-1].number != record.rated.turn:
        return AnswerWithFeedback(record)
    question = next((turn.message.content for turn in reversed(turns) if turn.message.role == "user"), "")
    return AnswerWithFeedback(record, question, turns[-1].message.content, turns[-1].answer)


def _cleaner(assembly: Assembly) -> _Clean:
    """Return what replaces personal data in what somebody said, unless it stands in the documents or `[data] allowed`.

    Names of people are looked for in users' words only: the model that finds them also takes "Roaming" for a name, and
    an answer must not be spoilt. `data check` looks for names in answers.
    """
    documents = assembly.knowledge.texts() if assembly.knowledge.documents.is_dir() else {}
    around = Surroundings(assembly.settings.data, documents=documents)
    users, others = redactor(around), redactor(around, with_names=False)
    return lambda text, role: (users if role == "user" else others)(text)[0]


def _as_it_is(text: str, role: Role) -> str:
    return text


def _line(made: PairFromFeedback, clean: _Clean) -> dict[str, object]:
    pair = made.pair
    return {
        "prompt": _turns(pair.prompt, clean),
        "chosen": _turns(pair.chosen, clean),
        "rejected": _turns(pair.rejected, clean),
        "annotator": pair.annotator,
        "group": pair.group,
        "source": f"feedback:{made.origin}",
        "provenance": {
            "conversations": list(made.conversations),
            "candidates": list(made.candidates),
            "documents": list(made.documents),
        },
    }


def _turns(conversation: Conversation, clean: _Clean) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": clean(turn.content, turn.role)} for turn in conversation]
