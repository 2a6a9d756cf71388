"""What an endpoint does not take of a request, and what is sent in its place: left out, renamed, lowered or raised.

Learnt from the endpoint's own refusals, one after the other, whatever form they come in, and said once. Knows no
conversation.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from groundtune.http import RequestRefused
from groundtune.http.bodies import loaded, reason
from groundtune.secrets import masked

Accepted = TypeVar("Accepted")

LIMITS = ("max_tokens", "max_completion_tokens")  # two names of one limit
NEEDED = frozenset({"model", "messages", "modelId", "system"})
WITHOUT = {"logprobs": ("top_logprobs",), "stream": ("stream_options",), "tools": ("tool_choice",)}  # mean nothing then
PLAIN = frozenset({*LIMITS, "logprobs", "top_logprobs", "stream", "stream_options"})
LEAST_TEMPERATURE = 0.01  # where 0 is refused: for practical purposes the same
MOST_CHANGES = 12  # refusals of one request in a row
_SPELLINGS = {
    "max_tokens": r"max[_ ]?(?:new[_ ]|output[_ ])?tokens|maximum tokens|num_predict",
    "max_completion_tokens": r"max[_ ]?(?:completion[_ ]|new[_ ]|output[_ ])?tokens|maximum tokens",
    "top_logprobs": r"top[_ ]?log[_ ]?prob(?:abilitie)?s?|sample logprobs",
    "logprobs": r"(?<!top_)(?<!top )log[_ ]?prob(?:abilitie)?s?",
    "temperature": r"temperature|sampling param(?:eter)?s?",
    "stream_options": r"stream[_ ]?options?|include_usage",
    "stream": r"stream(?:ing|ed)?",
    "tools": r"tools?|functions?|(?:tool|function)[_ ]call(?:s|ing)?",
    "tool_choice": r"tool[_ ]choice",
    "toolConfig": r"tool[_ ]?config|tools?|tool[_ ]?use",
    "response_format": r"response[_ ]?format|json[_ ]schema|structured outputs?",
    "strict": r"strict|invalid schema for (?:function|response[_ ]format)",
}
_REFUSAL = re.compile(
    r"support|unknown|unrecogni[sz]|unexpected|permit|extra|invalid|deprecat|must|should|allow|forbid|cannot|can't"
    r"|at most|at least|less than|greater|exceed|too (?:large|high|big|many|small|low)|max(?:imum)?\b|min(?:imum)?\b"
    r"|range|between|\bonly\b|not available|unavailable|disabled|not enabled|remov|no longer|incompatible|instead"
    r"|does(?: not|n't)|not implemented|reject|refus|expect|out of|strip|\bbad\b|illegal|wrong|not accept|[<>≤≥]"
    r"|\brequires\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]|unexpected|permit|extra|deprecat|instead|not allow|not accept"
    r"|forbid|not implemented|no longer|not available",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"context[_ ]length|maximum context|context window|context size|reduce the length|(?:prompt|input) is too long"
    r"|maximum (?:prompt|input|sequence|model) length",
    re.IGNORECASE,
)
_NUMBER = r"\D{0,24}?(\d[\d,]*(?:\.\d+)?)"
_AT_MOST = re.compile(
    r"(?:<=|≤|(?:less|lower) than or equal to|at most|no more than|not (?:be )?(?:exceed|(?:greater|more|larger) than)"
    r"|up to|max(?:imum)?\b(?: number| value)?(?: of)?(?: allowed| permitted| supported)?(?: value| is)?"
    r"|limit\b(?: of| is)?|allowed(?: is)?|\"(?:le|maximum|max|limit_value)\":)" + _NUMBER,
    re.IGNORECASE,
)
_BELOW = re.compile(r"(?:(?<![a-z] )less than|lower than|smaller than|\"lt\":|<)(?! ?=| or)" + _NUMBER, re.IGNORECASE)
_AT_LEAST = re.compile(
    r"(?:>=|≥|greater than or equal to|at least|no less than|not (?:be )?less than"
    r"|min(?:imum)?\b(?: value)?(?: of| is)?|\"(?:ge|minimum|min)\":)" + _NUMBER,
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(?:between|range|from|in|\[|\()\D{0,12}?(-?\d+(?:\.\d+)?)\s*(?:and|to|,|-|–|\.\.\.?)\s*(\d[\d.]*\d|\d)",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"(\d[\d,]*) ?(?:>|is (?:greater|larger|more|higher) than|exceeds|is above)" + _NUMBER, re.IGNORECASE
)
_ABOVE_NOTHING = re.compile(
    r"strictly positive|(?:greater|larger) than 0|\(0(?:\.0)?\s*,|> ?0(?:\.0)?\b|must be positive|non-?zero",
    re.IGNORECASE,
)
_log = logging.getLogger(__name__)


@dataclass
class Parameters:
    """What is known of one endpoint. `other_names` are what it may call a parameter instead. Safe across threads."""

    endpoint: str
    other_names: Mapping[str, str] = field(default_factory=lambda: dict(zip(LIMITS, reversed(LIMITS), strict=True)))
    left_out: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def accepted(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return `body` as this endpoint takes it."""
        return {
            self.renamed.get(key, key): self._within(key, value)
            for key, value in body.items()
            if key not in self.left_out
        }

    def adjusted(self, body: Mapping[str, object]) -> tuple[str, ...]:
        """Say how answers to `body` are made otherwise than it asks; a limit under another name is the same."""
        said = [f"`{key}` left out" for key in body if key in self.left_out and key not in PLAIN - {*LIMITS}]
        for key in body.keys() - self.left_out:
            sent = self._within(key, body[key])
            if sent != body[key] and key != "top_logprobs":
                said.append(f"`{key}` {sent} in the place of {body[key]}")
        return tuple(said)

    def takes(self, key: str) -> bool:
        """Tell whether the endpoint has not refused `key` so far."""
        return key not in self.left_out

    def unless_refused(self, key: str, ask: Callable[[], Accepted]) -> Accepted | None:
        """Return what `ask` returns, which rests on `key`; None where the endpoint refuses that, now or before."""
        if not self.takes(key):
            return None
        try:
            return ask()
        except RequestRefused:
            if self.takes(key):
                raise
            return None

    def ignored(self, key: str, how: str) -> None:
        """Note that the endpoint takes `key` and does nothing with it, and say `how` that was seen."""
        with self._lock:
            if self.takes(key):
                self.left_out |= {key, *WITHOUT.get(key, ())}
                _log.warning(
                    "%s: `%s` is left out from now on, as it is taken and ignored: %s", self.endpoint, key, how
                )

    def patiently(
        self, body: Mapping[str, object], ask: Callable[[Mapping[str, object]], Accepted], needed: str = ""
    ) -> Accepted:
        """Return what `ask` returns for `body` without what is refused, however many parameters that turn out to be.

        Raises what `ask` raises; `RequestRefused` where it is about no parameter, or about the one that is `needed`.
        """
        for _ in range(MOST_CHANGES):
            sent = self.accepted(body)
            try:
                return ask(sent)
            except RequestRefused as error:
                if not self.learn(error.said, sent) or not self.takes(needed):
                    raise
                last = error
        raise last

    def learn(self, refusal: str, sent: Mapping[str, object]) -> bool:
        """Change what is sent so that `refusal`, the whole body of an error, does not come again.

        `sent` is the request that was refused. Returns whether anything in it is refused at all: if not, the reason
        for the error is another one.
        """
        found = refused(refusal, sent)
        if found is None:
            return False
        key = next((ours for ours, theirs in self.renamed.items() if theirs == found.name), found.name)
        with self._lock:
            same = {found.name: sent[found.name]}  # else another thread was faster
            if self.accepted({key: sent[found.name]}) == same:
                _log.warning("%s: %s (%s)", self.endpoint, self._change(key, found), masked(reason(refusal))[:200])
        return True

    def _change(self, key: str, found: Refused) -> str:
        """Change what is sent for `key`, and say so."""
        if found.bound is not None:
            low, high = self.bounds.get(key, (float("-inf"), float("inf")))
            lower = found.bound < float(str(found.value))
            self.bounds[key] = (low, found.bound) if lower else (found.bound, high)
            return f"`{found.name}` is {'lowered' if lower else 'raised'} to {found.bound:g}, as the endpoint asks"
        other = self.other_names.get(found.name)
        if other and key == found.name:
            self.renamed[key] = other
            return f"`{key}` is sent as `{other}`, as the endpoint does not take it"
        self.renamed.pop(key, None)
        self.left_out |= {key, *WITHOUT.get(key, ())}
        return f"`{key}` is left out from now on, as the endpoint does not take it"

    def _within(self, key: str, value: object) -> object:
        if key not in self.bounds or isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        low, high = self.bounds[key]
        bound = min(max(value, low), high)
        return int(bound) if isinstance(value, int) and float(bound).is_integer() else bound


@dataclass(frozen=True, slots=True)
class Refused:
    """A parameter that an endpoint does not take with this value; `bound` is one that it takes, None for none."""

    name: str
    value: object
    bound: float | None = None


def refused(text: str, sent: Mapping[str, object]) -> Refused | None:
    """Return the parameter in `sent` that an error is about, None if it is about none.

    >>> refused("Unsupported value: 'temperature' does not support 0 with this model", {"temperature": 0})
    Refused(name='temperature', value=0, bound=None)
    >>> refused("top_logprobs must be <= 5", {"top_logprobs": 20}).bound
    5.0
    """
    said = reason(text)
    name = _named(text, said, sent)
    if name is None:
        return None
    about = f"{said} {_constraints(text)}"
    if name == "logprobs" and "top_logprobs" in sent and not _UNKNOWN.search(said):
        bound = _bound(about, "top_logprobs", sent["top_logprobs"])
        if bound is not None:
            return Refused("top_logprobs", sent["top_logprobs"], bound)
    return Refused(name, sent[name], _bound(about, name, sent[name]))


def _named(text: str, said: str, sent: Mapping[str, object]) -> str | None:
    """Return which of the parameters an error names: in a field for it, or first in its message."""
    droppable = [key for key in sent if key not in NEEDED]
    if _CONTEXT.search(text):
        return None
    pointers = list(_pointers(text))
    for pointer in pointers:
        for key in droppable:
            if re.fullmatch(_spelling(key), pointer[-1], re.IGNORECASE):
                return key
    if any("messages" in pointer for pointer in pointers) or not _REFUSAL.search(said):
        return None
    places = {key: re.search(rf"(?<![a-z0-9_]){_spelling(key)}(?![a-z0-9_])", said, re.IGNORECASE) for key in droppable}
    named = {key: place.start() for key, place in places.items() if place}
    if "stream" in named and not re.search(f"{_UNKNOWN.pattern}|false|disabled", said, re.IGNORECASE):
        del named["stream"]  # a word that other errors use as well
    return min(named, key=lambda key: (named[key], -len(key)), default=None)


def _spelling(key: str) -> str:
    spelling = _SPELLINGS.get(key, re.escape(key))
    return f"(?:{re.escape(key)}|{spelling})"


def _pointers(text: str) -> Iterator[list[str]]:
    """Yield the parameters that an error points at in fields of its own (`param`, `loc` and the like), as paths."""
    try:
        waiting: list[Any] = [loaded(text)]
    except ValueError:
        return
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting += value
        if not isinstance(value, dict):
            continue
        for key, inside in value.items():
            if key in ("loc", "path", "param", "params", "parameter", "field", "argument", "property"):
                named = [each for each in (inside if isinstance(inside, list) else [inside]) if isinstance(each, str)]
                if named:
                    yield re.split(r"[./\[\]'\"]+", ".".join(named).strip("./[]'\" "))
            elif isinstance(inside, (dict, list)):
                waiting.append(inside)
                if key in ("errors", "details", "fields") and isinstance(inside, dict):
                    yield from ([name] for name in inside)


def _constraints(text: str) -> str:
    """Return the numbers that a validation error states in fields, as in `"ctx": {"le": 5}`."""
    return " ".join(re.findall(r"\"(?:le|lt|ge|maximum|max|minimum|min|limit_value)\"\s*:\s*[\d.]+", text)).replace(
        " :", ":"
    )


def _bound(said: str, name: str, value: object) -> float | None:
    """Return the nearest value that an error says it takes, None where it gives none that is not taken already."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or name == "stream":
        return None
    if name == "temperature" and value == 0 and _ABOVE_NOTHING.search(said):
        return LEAST_TEMPERATURE
    if name in LIMITS and _UNKNOWN.search(said) and not (_AT_MOST.search(said) or _AT_LEAST.search(said)):
        return None
    highest = [_number(each) for each in _AT_MOST.findall(said)] + [_number(each) - 1 for each in _BELOW.findall(said)]
    highest += [_number(most) for given, most in _OVER.findall(said) if _number(given) == value]
    lowest = [_number(each) for each in _AT_LEAST.findall(said)]
    for low, high in _RANGE.findall(said):
        lowest.append(float(low))
        highest.append(_number(high))
    least = 0.0 if name == "temperature" else 1.0
    below = [each for each in highest if least <= each < value]
    above = [each for each in lowest if each > value]
    return min(below) if below else max(above) if above else None


def _number(text: str) -> float:
    return float(text.replace(",", "").rstrip("."))
