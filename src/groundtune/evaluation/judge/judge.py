"""One model as a judge: asked several questions at once, remembered one by one, stopped where it fails throughout.

Knows chat models and conversations; no rubric, no case, no statistics. A question that fails is a `Failure` with its
reason; the others go on, unless `MOST_FAILURES` fail in a row, after which the rest is not asked: an endpoint that is
down must not be waited for case by case.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol

from groundtune.errors import GroundtuneError, ModelFailed
from groundtune.evaluation.judge.prompts import after_rationale
from groundtune.http.outages import carried
from groundtune.protocols import ChatModel, MeteredModel, Progress, silent
from groundtune.values import Choice, Conversation, Failure, Usage, digest

MOST_FAILURES = 8
NOT_ASKED = "not asked, because "  # what the reason for a question that was left out begins with
CHOICE_VERSION = 2  # 1 asked endpoints for letters, too, and made certainty of whatever little stood on them


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is to choose among, after `messages`; with `rationale` it first answers `messages` in words."""

    messages: Conversation
    options: tuple[str, ...]
    rationale: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """The probability of each option, what it cost, and what the judge said before choosing.

    `doubt` is why it is none: most of the probability stood on something else than the options. Empty if it is one.
    """

    probabilities: dict[str, float]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rationale: str = ""
    doubt: str = ""


class Memory(Protocol):
    """Judgements by key, kept as each is made. Safe across threads."""

    def known(self, keys: Sequence[str]) -> Mapping[str, Judgement]:
        """Return the judgements that are kept under these keys; keys without one are left out."""
        ...

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep `judgement`; when this returns, it is kept."""
        ...


class ShortMemory:
    """A `Memory` that ends with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, Judgement] = {}

    def known(self, keys: Sequence[str]) -> Mapping[str, Judgement]:
        """Return the judgements that are kept under these keys."""
        return {key: self._kept[key] for key in keys if key in self._kept}

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep `judgement`."""
        self._kept[key] = judgement


@dataclass
class Judge:
    """A chat model with its memory. `asked` and `usage` count what was asked of the model and not remembered."""

    model: ChatModel
    memory: Memory = field(default_factory=ShortMemory)
    rationale_tokens: int = 0
    progress: Progress = silent
    asked: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def signature(self) -> str:
        """The model's, how long its rationale may be, and how its choices are read."""
        return f"{self.model.signature}|rationale:{self.rationale_tokens}|choice:{CHOICE_VERSION}"

    def ask(self, requests: Sequence[JudgeRequest]) -> list[Judgement | Failure]:
        """Return the judgement on each request, in order; equal ones are asked once."""
        keys = [self._key(request) for request in requests]
        known = self.memory.known(list(dict.fromkeys(keys)))
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
        outcomes = {**known, **self._ask_all(missing)} if missing else known
        return [outcomes[key] for key in keys]

    def _key(self, request: JudgeRequest) -> str:
        texts = (part for message in request.messages for part in (message.role, message.content))
        return digest(self.signature, str(request.rationale), *request.options, "|", *texts)

    def _ask_all(self, missing: dict[str, JudgeRequest]) -> dict[str, Judgement | Failure]:
        run = _Run(self)
        parallel = self.model.parallel if isinstance(self.model, MeteredModel) else 1
        outcomes: dict[str, Judgement | Failure] = {}
        with ThreadPoolExecutor(parallel) as pool:
            futures = {pool.submit(carried(run.ask), key, request): key for key, request in missing.items()}
            try:
                for done, future in enumerate(as_completed(futures), start=1):
                    outcomes[futures[future]] = future.result()
                    self.progress("judging", done, len(futures))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return outcomes


class _Run:
    """One batch: asks, remembers and counts, in several threads."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._stopped: Failure | None = None

    def ask(self, key: str, request: JudgeRequest) -> Judgement | Failure:
        """Ask and remember; return the judgement, or why that failed."""
        if self._stopped is not None:
            return self._stopped
        try:
            judgement = self._judgement(request)
        except ModelFailed as error:
            return self._failed(str(error))
        except GroundtuneError:  # not installed, wrong settings: fails for one question as for all
            raise
        except Exception as error:  # what a library raises on one text must not spoil the others
            return self._failed(f"{type(error).__name__}: {error}")
        self._judge.memory.put(key, judgement)
        with self._lock:
            self._failed_in_a_row = 0
            self._judge.asked += 1
            before = self._judge.usage
            self._judge.usage = Usage(
                before.prompt_tokens + judgement.prompt_tokens,
                before.completion_tokens + judgement.completion_tokens,
            )
        return judgement

    def _failed(self, reason: str) -> Failure:
        with self._lock:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= MOST_FAILURES and self._stopped is None:
                self._stopped = Failure(f"{NOT_ASKED}{MOST_FAILURES} questions in a row failed: {reason}")
        return Failure(reason)

    def _judgement(self, request: JudgeRequest) -> Judgement:
        model = self._judge.model
        messages, rationale, spent = request.messages, "", Usage()
        if request.rationale:
            (said,) = model.complete([messages], self._judge.rationale_tokens)
            rationale, spent = said.text.strip(), said.usage
            messages = after_rationale(messages, rationale)
        choice = _weighed(model, messages, request.options)
        return Judgement(
            dict(choice.probabilities),
            spent.prompt_tokens + choice.usage.prompt_tokens,
            spent.completion_tokens + choice.usage.completion_tokens,
            rationale,
            choice.doubt(),
        )


def _weighed(model: ChatModel, messages: Conversation, options: Sequence[str]) -> Choice:
    if isinstance(model, MeteredModel):
        return model.weigh(messages, options)
    return Choice(model.choose(messages, options))
