"""Several answers to one prompt, from the best to the worst: made into pairs that stay together in one group.

A list called `ranking`, best first; or a list of answers with `scores` (more is better) or `ranks` (1 is best), beside
it or in each answer (Nectar, UltraFeedback, Argilla's `generations` and `ratings`). Ties give no pair. After Ouyang et
al. 2022 (arXiv 2203.02155), who take all pairs of a ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from groundtune.tuning.formats.columns import ANNOTATOR, RowColumns, said
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.pairs import is_answer
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.supervised import ASK, CHAT, prompt_of
from groundtune.values import Conversation, PreferencePair

RANKED = ("ranking", "rankings", "ranked", "ranked_responses", "ranked_answers", "ranked_completions", "ranked_outputs")
ANSWERS = ("responses", "answers", "completions", "generations", "outputs", "candidates")
SCORES = ("scores", "ratings", "rewards", "score", "overall_score", "rating", "reward")
RANKS = ("ranks", "rank")
_TEXT = ("response", "answer", "completion", "text", "output", "generation", "content")
_REMEDY = "Add `scores` (more is better) or `ranks` (1 is best), or name the list `ranking`, the best answer first."


def _read_ranked(columns: RowColumns) -> list[TrainingRow]:
    key, value = columns.take(RANKED, "the ranking")
    listed = value if isinstance(value, list) else []
    if len(listed) < 2 or not all(isinstance(each, str | list | Mapping) for each in listed):
        raise RowRefused(f"`{key}` is {shown(value)}, not a list of answers, the best one first.", _REMEDY)
    if all(isinstance(each, Mapping) and _graded(each) for each in listed):
        return _pairs(columns, key, listed, [_grade_in(each, f"{key}.{number}") for number, each in enumerate(listed)])
    return _pairs(columns, key, listed, [-float(place) for place in range(len(listed))])


def _read_scored(columns: RowColumns) -> list[TrainingRow]:
    key, value = columns.take(ANSWERS, "the answers")
    if not isinstance(value, list) or not value:
        raise RowRefused(f"`{key}` is {shown(value)}, not a list of answers.", _REMEDY)
    if isinstance(columns.values.get("labels"), list):
        raise RowRefused(f"`{key}` with `labels` judges single steps, which nothing here is tuned on.", "Write pairs.")
    beside = [name for name in (*SCORES, *RANKS) if columns.filled(name)]
    if beside:
        name = beside[0]
        columns.used.add(name)
        given = columns.values[name]
        if not isinstance(given, list) or len(given) != len(value):
            raise RowRefused(
                f"`{name}` is {shown(given)}, not {len(value)} numbers.", "Give one number for each answer."
            )
        grades = [_number(each, f"{name}.{place}") for place, each in enumerate(given)]
        grades = [-grade for grade in grades] if name in RANKS else grades
    else:
        grades = [_grade_in(each, f"{key}.{number}") for number, each in enumerate(value)]
    return _pairs(columns, key, value, grades)


def _pairs(columns: RowColumns, key: str, answers: list[object], grades: list[float]) -> list[TrainingRow]:
    """Return a pair for each two answers of different grades."""
    prompt, tools = prompt_of(columns)
    annotator = columns.name(ANNOTATOR)
    group = columns.name(("group",)) or columns.place
    sides = [_answer(each, f"{key}.{number}") for number, each in enumerate(answers)]
    made: list[TrainingRow] = []
    for (each, first), (other, second) in combinations(zip(sides, grades, strict=True), 2):
        if first == second or each == other:
            continue
        better, worse = (each, other) if first > second else (other, each)
        pair = PreferencePair(prompt, better, worse, annotator, group, tools)
        made.append(replace(pair, place=columns.place))
    if not made:
        raise RowRefused(f"`{key}`: no answer is better than another.", "Remove the row: nobody can learn from it.")
    return made


def _answer(value: object, where: str) -> Conversation:
    if isinstance(value, Mapping) and not ("role" in value or "from" in value):
        name = next((name for name in _TEXT if value.get(name)), None)
        if name is None:
            raise RowRefused(f"`{where}` is {shown(value)}, which holds no answer.", f"Write it as `{_TEXT[0]}`.")
        value = value[name]
    return is_answer(said(value, where, "assistant"), where)


def _graded(value: Mapping[str, object]) -> bool:
    return any(value.get(name) is not None for name in (*SCORES, *RANKS))


def _grade_in(value: object, where: str) -> float:
    if not isinstance(value, Mapping) or not _graded(value):
        raise RowRefused(f"`{where}` does not say how good it is.", _REMEDY)
    name = next(name for name in (*SCORES, *RANKS) if value.get(name) is not None)
    grade = _number(value[name], f"{where}.{name}")
    return -grade if name in RANKS else grade


def _number(value: object, where: str) -> float:
    try:
        grade = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else float("nan")
    except ValueError:
        grade = float("nan")
    if grade != grade:
        raise RowRefused(f"`{where}` is {shown(value)}, not a number.", _REMEDY)
    return grade


DIALECTS = (
    DataDialect("ranking", ((*ASK, *CHAT), RANKED), _read_ranked, over=("messages", "graded answers")),
    DataDialect("graded answers", ((*ASK, *CHAT), ANSWERS), _read_scored, over=("messages",)),
)
