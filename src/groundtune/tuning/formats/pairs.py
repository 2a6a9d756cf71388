"""Pairs of a better and a worse answer to one prompt: DPO's dialects.

`prompt`, `chosen`, `rejected` (TRL, Together, Argilla), `conversations` with `chosen` and `rejected` (LLaMA-Factory),
OpenAI's `input`, `preferred_output`, `non_preferred_output`; whole conversations on both sides, whose common beginning
is the prompt (TRL's implicit prompt, UltraFeedback, HH-RLHF); two answers with the name of the better one (arenas),
of which the first is the one that was shown first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from groundtune.tuning.formats.columns import ANNOTATOR, RowColumns, said
from groundtune.tuning.formats.contents import sound_text
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.human_assistant import is_written, written_turns
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.supervised import ASK, CHAT, prompt_of
from groundtune.tuning.formats.turns import checked_prompt, with_system
from groundtune.values import Conversation, PreferencePair

CHOSEN: tuple[str, ...] = (
    *("chosen", "chosen_messages", "chosen_response", "response_chosen", "preferred_output", "preferred", "accepted"),
    *("chosen_conversations", "response_j"),  # Stack Exchange: j is better than k
)
REJECTED: tuple[str, ...] = (
    *("rejected", "rejected_messages", "rejected_response", "response_rejected", "non_preferred_output"),
    *("dispreferred", "rejected_conversations", "response_k"),
)
SIDES = tuple(
    (f"{what}{first_side}", f"{what}{second_side}")
    for what in ("response_", "response", "answer_", "output_", "completion_", "conversation_", "generation_")
    for first_side, second_side in (("a", "b"), ("0", "1"), ("1", "2"))
)
VERDICT = ("winner", "preference", "preferred", "better", "better_response_id", "preferred_response", "label")
_FIRST, _SECOND = tuple(first_side for first_side, _ in SIDES), tuple(second_side for _, second_side in SIDES)


def pairs(
    columns: RowColumns, better: tuple[str, object], worse: tuple[str, object], chosen_first: bool | None = None
) -> list[TrainingRow]:
    """Return the pairs of two sides, each (column, value): several where a side lists several answers as texts."""
    annotator, group = columns.name(ANNOTATOR), columns.name(("group",))
    sides = [[(key, first_side) for first_side in _answers(columns, value)] for key, value in (better, worse)]
    several = len(sides[0]) * len(sides[1]) > 1
    group = group or (columns.place if several else "")
    return [
        replace(_pair(columns, good, bad), annotator=annotator, group=group, chosen_first=chosen_first)
        for good in sides[0]
        for bad in sides[1]
    ]


def _answers(columns: RowColumns, value: object) -> Sequence[object]:
    """Return the answers of one side: a list of texts holds several, unless it begins with what was asked."""
    if not isinstance(value, list) or not value or not all(isinstance(first_side, str) for first_side in value):
        return [value]
    asked = [columns.values[key] for key in ASK if columns.filled(key)]
    return value if asked and value[0] not in asked else [value]


def _pair(columns: RowColumns, better: tuple[str, object], worse: tuple[str, object]) -> PreferencePair:
    chosen, rejected = _conversation(*better), _conversation(*worse)
    key = better[0]
    whole = [side[0].role != "assistant" for side in (chosen, rejected)]
    asks = any(columns.filled(name) for name in (*ASK, *CHAT))
    if any(whole) and not all(whole):
        raise RowRefused(
            f"`{better[0]}` and `{worse[0]}` begin with different roles.", "Write both with the prompt or both without."
        )
    tools: tuple[str, ...] = ()
    if all(whole):
        shared = _shared(chosen, rejected)
        prompt, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
        prompt, tools = with_system(prompt, columns.system()), columns.tools()
        checked_prompt(prompt, key)
    elif asks:
        prompt, tools = prompt_of(columns)
    elif isinstance(better[1], str) and isinstance(worse[1], str):
        prompt, chosen, rejected = _implicit(key, sound_text(better[1], key), sound_text(worse[1], worse[0]))
        prompt = with_system(prompt, columns.system())
    else:
        raise RowRefused("`prompt` is missing: both answers begin with the assistant.", "Add the prompt.")
    for name, side in ((better[0], chosen), (worse[0], rejected)):
        is_answer(side, name)
    if chosen == rejected:
        raise RowRefused(f"`{better[0]}` and `{worse[0]}` are equal.", "Remove the row: nobody can learn from it.")
    return PreferencePair(prompt, chosen, rejected, tools=tools, place=columns.place)


def _conversation(key: str, value: object) -> Conversation:
    """Return one side without weights: what a pair compares is not trained turn by turn."""
    if isinstance(value, str) and is_written(value):
        turns = written_turns(value, key)
    elif isinstance(value, dict) and "messages" in value:
        turns = said(value["messages"], key, "assistant")
    else:
        turns = said(value, key, "assistant")
    if turns and turns[-1].role == "assistant" and not turns[-1].trained:
        raise RowRefused(f"`{key}`: the last answer has the weight 0.", "Give it the weight 1, or remove the row.")
    return tuple(replace(turn, trained=True) for turn in turns)


def _shared(chosen: Conversation, rejected: Conversation) -> int:
    """Return how many turns both sides begin with."""
    number = 0
    while number < min(len(chosen), len(rejected)) and chosen[number] == rejected[number]:
        number += 1
    if number == len(chosen) == len(rejected):
        raise RowRefused("both sides are equal.", "Remove the row: nobody can learn from it.")
    return number


def _implicit(key: str, chosen: str, rejected: str) -> tuple[Conversation, Conversation, Conversation]:
    """Return (prompt, chosen, rejected) of two texts with a common beginning, cut at white space as TRL does.

    After `extract_prompt` of https://github.com/huggingface/trl, trl/data_utils.py.
    """
    number = 0
    while number < min(len(chosen), len(rejected)) and chosen[number] == rejected[number]:
        number += 1
    while number and not chosen[number - 1].isspace():
        number -= 1
    if not chosen[:number].strip():
        raise RowRefused("`prompt` is missing, and the answers have no common beginning.", "Add the prompt.")
    sides = [said(text[number:], key, "assistant") for text in (chosen, rejected)]
    return said(chosen[:number], key, "user"), sides[0], sides[1]


def is_answer(side: Conversation, key: str) -> Conversation:
    """Return turns that begin and end with the assistant. Raises `RowRefused` for others."""
    if not side:
        raise RowRefused(f"`{key}` is empty after the common beginning.", "Write the answer, or remove the row.")
    if side[0].role != "assistant" or side[-1].role != "assistant":
        roles = ", ".join(turn.role for turn in side)
        raise RowRefused(
            f"`{key}`: after the common beginning the turns are {roles}: an answer begins and ends with the assistant.",
            "Compare two answers to the same turns.",
        )
    return side


def _read_pair(columns: RowColumns) -> list[TrainingRow]:
    sides = columns.take(CHOSEN, "the better answer"), columns.take(REJECTED, "the worse answer")
    return pairs(columns, *sides, columns.flag("chosen_first"))


def _two_sides(columns: RowColumns) -> bool:
    return any(columns.there(first_side) and columns.there(second_side) for first_side, second_side in SIDES)


def _read_versus(columns: RowColumns) -> list[TrainingRow]:
    """Read two answers and which of them is better."""
    first_side, second_side = next(
        (first_side, second_side)
        for first_side, second_side in SIDES
        if columns.there(first_side) and columns.there(second_side)
    )
    key, verdict = columns.take(VERDICT, "which answer is better")
    first = _is_first(verdict, first_side, second_side, key)
    columns.used.update((first_side, second_side))
    sides = [(first_side, columns.values[first_side]), (second_side, columns.values[second_side])]
    better, worse = sides if first else reversed(sides)
    return pairs(columns, better, worse, first)


def _is_first(verdict: object, first_side: str, second_side: str, key: str) -> bool:
    text = str(verdict).strip().casefold()
    for name, is_first in ((first_side, True), (second_side, False)):
        if text in (name, name[-1], f"model_{name[-1]}", f"model {name[-1]}"):
            return is_first
    if "tie" in text or text in ("both", "neither", "none", "equal", "draw"):
        raise RowRefused(f"`{key}` is {shown(verdict)}: nobody preferred an answer.", "Remove the row.")
    raise RowRefused(
        f"`{key}` is {shown(verdict)}, which names neither `{first_side}` nor `{second_side}`.",
        f"Write `{first_side}` or `{second_side}`.",
    )


DIALECTS = (
    DataDialect("pairs", (CHOSEN, REJECTED), _read_pair, over=("messages",)),
    DataDialect("two answers and the better one", (_FIRST, _SECOND, VERDICT), _read_versus, ("messages",), _two_sides),
)
