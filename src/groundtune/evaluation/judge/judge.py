"""One model as a judge: asked several questions at once, remembered one by one, stopped where it fails throughout.

Knows chat models and conversations; no rubric, no case, no statistics. A question that fails is a `Failure` with its
reason; the others go on, unless `MOST_FAILURES` fail in a row, after which the rest is not asked: an endpoint that is
down must not be waited for case by case.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from groundtune.errors import GroundtuneError, InputError, ModelFailed
from groundtune.evaluation.judge.prompts import after_rationale
from groundtune.protocols import ChatModel, MeteredModel, Progress, silent
from groundtune.values import Choice, Conversation, Failure, Usage, digest

MOST_FAILURES = 8


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is to choose among, after `messages`; with `rationale` it first answers `messages` in words."""

    messages: Conversation
    options: tuple[str, ...]
    rationale: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """The probability of each option, what it cost, and what the judge said before choosing."""

    probabilities: dict[str, float]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rationale: str = ""


class Memory:
    """Judgements by key, in a file that grows by a line as each is made, or in memory only. Safe across threads.

    A last line that a kill cut off is left out and made again.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Judgement] = {}
        text = path.read_text(encoding="utf-8") if path is not None and path.is_file() else ""
        self._cut_off = not text.endswith("\n") and text != ""
        for number, line in enumerate(text.split("\n"), start=1):
            self._read(line, number)

    def __getitem__(self, key: str) -> Judgement:
        return self._known[key]

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep `judgement`; when this returns, it is in the file."""
        with self._lock:
            self._known[key] = judgement
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write("\n" * self._cut_off + json.dumps({"key": key, **asdict(judgement)}) + "\n")
                self._cut_off = False

    def _read(self, line: str, number: int) -> None:
        try:
            row = json.loads(line)
        except ValueError:  # cut off by a kill
            return
        try:
            key = row.pop("key")
            self._known[key] = Judgement(**row)
        except (AttributeError, KeyError, TypeError):
            raise InputError("no judgement.", place=self._path, line=number, remedy="Delete the line.") from None


@dataclass
class Judge:
    """A chat model with its memory. `asked` and `usage` count what was asked of the model and not remembered."""

    model: ChatModel
    memory: Memory = field(default_factory=Memory)
    rationale_tokens: int = 0
    progress: Progress = silent
    asked: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def signature(self) -> str:
        """The model's, and how long its rationale may be."""
        return f"{self.model.signature}|rationale:{self.rationale_tokens}"

    def ask(self, requests: Sequence[JudgeRequest]) -> list[Judgement | Failure]:
        """Return the judgement on each request, in order; equal ones are asked once."""
        keys = [self._key(request) for request in requests]
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in self.memory}
        failures = self._ask_all(missing) if missing else {}
        return [failures[key] if key in failures else self.memory[key] for key in keys]

    def _key(self, request: JudgeRequest) -> str:
        texts = (part for message in request.messages for part in (message.role, message.content))
        return digest(self.signature, str(request.rationale), *request.options, "|", *texts)

    def _ask_all(self, missing: dict[str, JudgeRequest]) -> dict[str, Failure]:
        run = _Run(self)
        parallel = self.model.parallel if isinstance(self.model, MeteredModel) else 1
        failures: dict[str, Failure] = {}
        with ThreadPoolExecutor(parallel) as pool:
            futures = {pool.submit(run.ask, key, request): key for key, request in missing.items()}
            try:
                for done, future in enumerate(as_completed(futures), start=1):
                    failure = future.result()
                    if failure is not None:
                        failures[futures[future]] = failure
                    self.progress("judging", done, len(futures))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return failures


class _Run:
    """One batch: asks, remembers and counts, in several threads."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._stopped: Failure | None = None

    def ask(self, key: str, request: JudgeRequest) -> Failure | None:
        """Ask and remember; return why that failed, or None."""
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
        return None

    def _failed(self, reason: str) -> Failure:
        with self._lock:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= MOST_FAILURES and self._stopped is None:
                self._stopped = Failure(f"not asked, as {MOST_FAILURES} questions before failed in a row: {reason}")
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
        )


def _weighed(model: ChatModel, messages: Conversation, options: Sequence[str]) -> Choice:
    if isinstance(model, MeteredModel):
        return model.weigh(messages, options)
    return Choice(model.choose(messages, options))
