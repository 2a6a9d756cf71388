"""The judges of a project: their models, what they remember, what they cost, and whether they may decide.

The place where chat models are put into judges. Knows no candidate and no statistics.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.evaluation.judge.calibration import doubt
from groundtune.evaluation.judge.grading import JudgeScorer, PanelScorer, judge_scorers
from groundtune.evaluation.judge.judge import Judge, Judgement
from groundtune.evaluation.judge.rubrics import Rubric, load_rubrics
from groundtune.files import within
from groundtune.protocols import ChatModel, Progress, silent
from groundtune.records import KeptKind, Records
from groundtune.settings import JudgeSettings, ModelSettings

JUDGEMENT = KeptKind("judgement", TypeAdapter(Judgement))
CALIBRATION = KeptKind("calibration", TypeAdapter(dict[str, Any]))  # as `calibrate.as_json` gives it
LATEST = "latest"  # the key of the only calibration that is kept


@dataclass(frozen=True, slots=True)
class RecordedMemory:
    """What judges remember, in the records: a judgement each, as it is made."""

    records: Records

    def known(self, keys: Sequence[str]) -> Mapping[str, Judgement]:
        """Return those of these judgements that were made."""
        return self.records.kept_many(JUDGEMENT, keys)

    def put(self, key: str, judgement: Judgement) -> None:
        """Keep `judgement`."""
        self.records.keep(JUDGEMENT, key, judgement)


@dataclass(frozen=True, slots=True)
class Judges:
    """The judges with their short names, the rubrics, and the scorers that both make."""

    judges: tuple[tuple[str, Judge], ...]
    rubrics: tuple[Rubric, ...]
    settings: JudgeSettings
    records: Records

    @property
    def scorers(self) -> list[JudgeScorer]:
        """A scorer for each rubric, and of a panel one for each judge besides."""
        return judge_scorers(self.judges, self.rubrics)

    @property
    def panels(self) -> list[PanelScorer]:
        """The scorers that are the mean of several judges."""
        return [scorer for scorer in self.scorers if isinstance(scorer, PanelScorer)]

    def check_may_decide(self, scorer: str) -> None:
        """Raise `SettingsError` if `scorer` is of a judge that is not trusted to decide."""
        reason = self.doubts().get(scorer)
        if reason:
            raise SettingsError(
                f"`comparison.decide_by` is `{scorer}`: {reason}.",
                remedy="Run `groundtune judge calibrate`, improve judge or rubric, or choose another scorer.",
            )

    def doubts(self) -> dict[str, str]:
        """Return why a scorer may not decide, by scorer name: it was not calibrated, or agrees too little."""
        kept = self.records.kept(CALIBRATION, LATEST)
        known = kept["scorers"] if kept is not None else {}
        reasons = {scorer.name: self._doubt(scorer, known.get(scorer.name)) for scorer in self.scorers}
        return {name: reason for name, reason in reasons.items() if reason}

    def _doubt(self, scorer: JudgeScorer, known: Mapping[str, Any] | None) -> str:
        if known is None:
            return "it has not been calibrated against human ratings"
        if known["signature"] != scorer.signature:
            return "the judge or the rubric has changed since it was calibrated"
        agreement = known["agreement"]
        return doubt(agreement["answers"], agreement["weighted_kappa"]["value"], self.settings.least_agreement)

    def costs(self) -> list[str]:
        """Return a sentence for each judge that was asked anything in this process."""
        return [self._cost(name, judge) for name, judge in self.judges if judge.asked]

    def _cost(self, name: str, judge: Judge) -> str:
        plural = "" if judge.asked == 1 else "s"
        tokens_in, tokens_out = judge.usage.prompt_tokens, judge.usage.completion_tokens
        text = f"Judge {name}: {judge.asked:,} question{plural}, {tokens_in:,} tokens in, {tokens_out:,} tokens out"
        price = self.money(judge)
        return f"{text}." if price is None else f"{text}, cost {price:.2f} at the prices in `[judge]`."

    def money(self, judge: Judge) -> float | None:
        """Return what this process's questions to `judge` cost, None without prices."""
        into, out = self.settings.price_in, self.settings.price_out
        if into is None or out is None:
            return None
        return (judge.usage.prompt_tokens * into + judge.usage.completion_tokens * out) / 1e6


def open_judges(settings: JudgeSettings, folder: Path, records: Records, progress: Progress = silent) -> Judges:
    """Return the judges of the project in `folder`; what they judged is remembered in `records`.

    Raises `SettingsError` for a name that no model has, and `InputError` for rubrics that are not sound.
    """
    if not settings.models:
        return Judges((), (), settings, records)
    rubrics = load_rubrics(within(folder, settings.rubrics) if settings.rubrics else None)
    memory = RecordedMemory(records)
    variables = settings.api_key_variables * (len(settings.models) if len(settings.api_key_variables) == 1 else 1)
    models = [_model(settings, *pair, folder) for pair in zip(settings.models, variables, strict=True)]
    judges = [Judge(model, memory, settings.rationale_tokens, progress) for model in models]
    return Judges(tuple(zip(short_names(settings.models), judges, strict=True)), rubrics, settings, records)


def _model(settings: JudgeSettings, name: str, api_key_variable: str, folder: Path) -> ChatModel:
    options = ModelSettings(
        name=name,
        max_tokens=settings.rationale_tokens or 1,
        api_key_variable=api_key_variable,
        timeout=settings.timeout,
        concurrency=settings.concurrency,
    )
    return cast("ChatModel", plugins.first("models", name, options, folder))


def short_names(models: Sequence[str]) -> list[str]:
    """Return a name for each model that can stand in a scorer's name; equal ones are numbered.

    >>> short_names(["openai:org/Qwen3-8B@http://localhost/v1", "builtin:smollm2-135m-instruct"])
    ['qwen3_8b', 'smollm2_135m_instruct']
    """
    short = [re.sub(r"\W+", "_", model_name(name).lower()).strip("_") or "judge" for name in models]
    seen: Counter[str] = Counter()
    names = []
    for name in short:
        seen[name] += 1
        names.append(f"{name}_{seen[name]}" if short.count(name) > 1 else name)
    return names


def model_name(name: str) -> str:
    """Return the model's own name in `[model] name`: without scheme, organisation, address and region."""
    rest = name.partition(":")[2] or name
    return rest.partition("@")[0].rstrip("/").rpartition("/")[2]
