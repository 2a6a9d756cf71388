"""Reasoning that a model writes out, told apart from its answer by the tags that stand round it.

Knows the tags of the field: `<think>` and its relatives, `[THINK]` (Mistral), `<|channel|>analysis` (the harmony
format of gpt-oss, https://cookbook.openai.com/articles/openai-harmony), `<|START_THINKING|>` (Cohere), `◁think▷`
(Kimi) and a few more. Knows no model and no endpoint. A tag counts at the beginning of the text or of a line, never
in code; where in doubt, the text is the answer's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from groundtune.text import encodable

_NAME = (
    r"(?:\w{1,12}[:_])?(?:think(?:ing)?(?:_process)?|thoughts?|reason(?:ing)?|reflection|scratch_?pad|analysis"
    r"|chain_of_thought|inner_(?:monologue|thoughts?)|antthinking)"
)
_SURE = r"(?:\w{1,12}[:_])?(?:think(?:ing)?|thoughts?|reasoning|antthinking)"  # names that an orphan may have
_SPECIAL = r"(?:think(?:ing)?|thought|reasoning)"
_ASSISTANT = r"(?:<\|start\|>\s*assistant[^<]{0,60})?"
_FINAL = rf"{_ASSISTANT}<\|channel\|>\s*final\b[^<]{{0,40}}(?:<\|constrain\|>[^<]{{0,40}})?<\|message\|>"
_FLAGS = re.IGNORECASE | re.MULTILINE


@dataclass(frozen=True, slots=True)
class _Marks:
    """How reasoning begins and ends. Without its end, what `needs_end` opens is no reasoning."""

    opening: re.Pattern[str]
    closing: re.Pattern[str]
    needs_end: bool = False


def _marks(opening: str, closing: str, *, needs_end: bool = False) -> _Marks:
    return _Marks(re.compile(opening, _FLAGS), re.compile(closing, _FLAGS), needs_end)


_CLOSING_TAG = rf"<\s*/\s*{_NAME}\s*>"
_ALL = (
    _marks(rf"<\s*{_NAME}(?:\s[^<>]*)?>", _CLOSING_TAG),
    _marks(r"\[THINK(?:ING)?\]", r"\[/THINK(?:ING)?\]"),
    _marks(
        rf"{_ASSISTANT}<\|channel\|>\s*(?:analysis|commentary)\b[^<]{{0,60}}(?:<\|constrain\|>[^<]{{0,40}})?<\|message\|>",
        r"<\|(?:end|call|return)\|>|(?=<\|(?:start|channel)\|>)",
    ),
    _marks(rf"<\|(?:(?:start|begin)_(?:of_)?)?{_SPECIAL}\|>", rf"<\|(?:/|end_(?:of_)?){_SPECIAL}\|>"),
    _marks(r"<\|channel>\s*thought\b", r"<channel\|>"),
    _marks(r"<unused94>\s*thought\b", r"<unused95>"),
    _marks(r"◁think▷", r"◁/think▷"),
    _marks(r"\A\s*Thinking\.\.\.[ \t]*$", r"^\.\.\.done thinking\.", needs_end=True),
)
_ANY_OPENING = re.compile("|".join(marks.opening.pattern for marks in _ALL), _FLAGS)
# An end without a beginning: the chat template wrote the beginning, or special tokens were taken out of the reply.
_ORPHAN = re.compile(
    rf"<\s*/\s*{_SURE}\s*>|\[/THINK(?:ING)?\]|<\|(?:/|end_(?:of_)?){_SPECIAL}\|>|◁/think▷|{_FINAL}"
    r"|assistant\s?final(?=\S)",
    _FLAGS,
)
_HARMONY = frozenset(f"<|{name}|>" for name in ("start", "channel", "message", "end", "return", "call", "constrain"))
_LEFT_OVER = re.compile(r"\A\s*(?:analysis(?=[A-Z\"'])|<\|message\|>)")
_LEADING_MARK = re.compile(
    rf"\A\s*(?:{_FINAL}|{_ASSISTANT}<\|message\|>|<\|start_(?:response|text)\|>|<\|begin_of_solution\|>)", _FLAGS
)
_TRAILING_MARK = re.compile(r"\s*<\|(?:return|end|end_(?:response|text|of_solution))\|>\s*\Z", _FLAGS)
_WRAPPED = re.compile(
    r"\A\s*<(answer|response|output|final_answer|solution)>\s*(.*?)\s*(?:</\1>\s*)?\Z", _FLAGS | re.DOTALL
)
_QUOTING_BEFORE = re.compile(r"\b(?:the|tag|element|with|closing|until|before|after|is) \Z|[\"'“‘(]\Z", _FLAGS)
_QUOTING_AFTER = re.compile(r"\A(?:[.,;:!?)]| (?:tags?|elements?|tokens?|markers?)\b)", _FLAGS)
_IN_THE_MIDDLE = re.compile(r"think|thought|<\||\[", re.IGNORECASE)  # `<reason>` in an answer may be its own XML
_HALF_A_MARK = re.compile(
    r"(?:<\|(?:start|channel)\|>(?:(?!<\|message\|>).)*|[<◁][^<>▷\n]{0,60}|\[/?[a-z]{0,8})\Z", _FLAGS
)
_MARKED = re.compile(r"[<>\[\]◁▷`]|final", re.IGNORECASE)
_ENDS_A_MARK = re.compile(r"[>\]▷]|final", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parted:
    """A reply: what it answers, and the reasoning that stood beside it."""

    answer: str
    reasoning: str = ""


def parted(text: str, *, whole: bool = True, opened: bool = False) -> Parted:
    r"""Return the answer in `text` and the reasoning in it; a text without reasoning is returned as it is.

    `whole` is false while more may come: what may be half of a tag is then left out. `opened` is true where the prompt
    ended with an opening tag. Reasoning that is never closed goes to the end of the text.

    >>> parted("<think>Nine, says the passage.</think>\n\nIt costs €9.")
    Parted(answer='It costs €9.', reasoning='Nine, says the passage.')
    >>> parted("Put thoughts into `<think>` tags.").reasoning
    ''
    """
    thoughts: list[str] = []
    if opened and _ORPHAN.search(text) is None and not _ANY_OPENING.match(text.lstrip()):
        return Parted("", text.strip())
    answer = _without_blocks(text, thoughts, whole=whole)
    while (orphan := _orphan(answer)) is not None:
        thoughts.append(_LEFT_OVER.sub("", answer[: orphan.start()]))
        answer = answer[orphan.end() :]
    marked = _LEADING_MARK.sub("", answer)
    if thoughts or marked != answer:
        answer = _unwrapped(_TRAILING_MARK.sub("", marked)).lstrip()
    if not whole:
        answer = _HALF_A_MARK.sub("", answer)
        answer = answer if answer.strip() else ""
    return Parted(answer, joined(*thoughts))


def opens(prompt: str) -> bool:
    """Return whether `prompt` ends with an opening tag, as some chat templates do: what comes next is reasoning."""
    return any(not prompt[opening.end() :].strip() for opening in _ANY_OPENING.finditer(prompt))


def marks_among(tokens: Iterable[str]) -> frozenset[str]:
    """Return those of a tokenizer's special tokens that mark reasoning: they must not be left out of a reply."""
    known = frozenset(tokens)
    marks = {token for token in known if _ANY_OPENING.fullmatch(token) or _ORPHAN.fullmatch(token)}
    return frozenset(marks | (_HARMONY & known if "<|channel|>" in known else set()))


def joined(*thoughts: str) -> str:
    """Return pieces of reasoning as one text."""
    return "\n\n".join(filter(None, (thought.strip() for thought in thoughts)))


class Parting:
    """Tells reasoning from answer while a reply comes in pieces: `feed` gives what can be shown of the answer.

    `end` gives the rest. What the pieces make together is `parted`'s answer, unless a reply turns out to have begun
    with reasoning by an end without a beginning: then the answer begins anew after it.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._opened = opened
        self._text = ""
        self._shown = ""
        self._half = ""
        self.parted = Parted("")

    def feed(self, piece: str) -> str:
        """Return the next words of the answer, "" while there are none. Halves of characters are put together."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""  # the other may be in the next piece
        piece = piece if piece.isascii() else encodable(piece.removesuffix(self._half))
        plain = self._shown and not _MARKED.search(piece) and self._text.endswith(self._shown)
        self._text += piece
        if plain and self.parted.answer == self._shown:  # as nearly always: nothing of it can be a tag
            self._shown += piece
            self.parted = Parted(self._shown, self.parted.reasoning)
            return piece
        if self.parted.reasoning and not self._shown and not _ENDS_A_MARK.search(piece):
            return ""  # in the middle of reasoning: what is long need not be read again at every piece
        self.parted = parted(self._text, whole=False, opened=self._opened)
        return self._more(self.parted)

    def end(self) -> str:
        """Return the last words of the answer; `parted` then holds the whole."""
        self._text += encodable(self._half)
        self.parted = parted(self._text, opened=self._opened)
        return self._more(self.parted)

    def _more(self, now: Parted) -> str:
        if self._shown.startswith(now.answer):  # nothing new, or less: what was shown cannot be taken back
            return ""
        more = now.answer[len(self._shown) :] if now.answer.startswith(self._shown) else now.answer
        self._shown = now.answer
        return more


def _without_blocks(text: str, thoughts: list[str], *, whole: bool) -> str:
    """Return `text` without the reasoning that is in tags, which goes to `thoughts`."""
    answer, place, search = "", 0, 0
    while (opening := _ANY_OPENING.search(text, search)) is not None:
        before = answer + text[place : opening.start()]
        search = opening.end()
        first = not before.strip()
        if not first and not (_IN_THE_MIDDLE.search(opening[0]) and _at_line_start(text, opening.start())):
            continue
        marks = next(each for each in _ALL if each.opening.fullmatch(opening[0]))
        end = _end(marks, text, opening, whole=whole)
        if end is None and (marks.needs_end or (whole and not first)):
            continue
        thoughts.append(text[opening.end() : len(text) if end is None else end.start()])
        answer = before
        place = search = len(text) if end is None else end.end()
    return answer + text[place:]


def _end(marks: _Marks, text: str, opening: re.Match[str], *, whole: bool) -> re.Match[str] | None:
    """Return the end of what `opening` opens: of the same name, of another one only where the text is whole."""
    start = opening.end()
    found = list(marks.closing.finditer(text, start))
    ends = [end for end in found if not _in_code(text, end.start(), start)] or (found if whole else [])
    if not opening[0].startswith("<") or "|" in opening[0]:
        return next(iter(ends), None)
    name = re.sub(r"\s.*|[<>\s]", "", opening[0].lower(), flags=re.DOTALL)
    same = [end for end in ends if name in end[0].lower()]
    return next(iter(same or (ends if whole else [])), None)


def _orphan(answer: str) -> re.Match[str] | None:
    """Return the first end in `answer` whose beginning is missing, None if there is none that is not quoted."""
    for end in _ORPHAN.finditer(answer):
        before = answer[: end.start()]
        if _ANY_OPENING.search(before):
            return None  # a pair in the middle of a sentence: the answer speaks of tags
        quoted = _QUOTING_BEFORE.search(before) or _QUOTING_AFTER.match(answer[end.end() :])
        if not quoted and not _in_code(answer, end.start()):
            return end
    return None


def _at_line_start(text: str, place: int) -> bool:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return not line.strip() and len(line) < 4 and not _in_code(text, place)


def _in_code(text: str, place: int, start: int = 0) -> bool:
    """Return whether `place` stands in a fenced block or in a code span of its line."""
    before = text[start:place]
    if len(re.findall(r"^\s*(?:```|~~~)", before, re.MULTILINE)) % 2:
        return True
    return before[before.rfind("\n") + 1 :].count("`") % 2 == 1


def _unwrapped(answer: str) -> str:
    """Return what stands in `<answer>` tags that hold all of `answer`."""
    wrapped = _WRAPPED.fullmatch(answer)
    return wrapped[2] if wrapped else answer
