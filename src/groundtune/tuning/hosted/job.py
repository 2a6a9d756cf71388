"""What is to be tuned at Bedrock: a training run of the frame, as the service needs it, and what it is called there.

Knows no AWS beyond names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.http import aws
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import read_manifest
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.examples import data_hash
from groundtune.tuning.hosted.limits import Customization, foundation_model
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.tuning.objective import Objective
from groundtune.tuning.texts import Texts
from groundtune.tuning.training import TrainingJob
from groundtune.values import Example, TrainingText, digest

WAYS: Mapping[str, Customization] = {
    "instruction": "FINE_TUNING",
    "raft": "FINE_TUNING",
    "domain": "CONTINUED_PRE_TRAINING",
    "continual": "CONTINUED_PRE_TRAINING",
}
# as the API's own model has them
_FORMS = {
    "role_arn": (re.compile(r"arn:aws(-[^:]+)?:iam::\d{12}:role/.+"), "as arn:aws:iam::123456789012:role/NAME"),
    "bucket": (
        re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]"),
        "the name of a bucket alone, without s3:// and folders",
    ),
    "prefix": (
        re.compile(r"/*([-!_*'().a-zA-Z0-9]+(/[-!_*'().a-zA-Z0-9]+)*)?/*"),
        "as folder/folder, of letters, digits, - _ .",
    ),
}
WORDS: Mapping[Customization, str] = {
    "FINE_TUNING": "fine-tuning",
    "CONTINUED_PRE_TRAINING": "continued pre-training",
}


@dataclass(frozen=True, slots=True)
class HostedJob:
    """One model to be tuned at Bedrock.

    `model` is `[model] name`. `data` are conversations behind the prompts that serving gives, or texts, as the
    technique takes them. `record` tells the settings with their origins, `counts` more of the data. `parent` is the
    folder of the tuned model to go on from, which must be one of Bedrock's own. The rest is for the manifest.
    """

    technique: str
    model: str
    data: Sequence[Example] | Sequence[TrainingText]
    settings: TuningSettings
    record: Mapping[str, object]
    counts: Mapping[str, object] = field(default_factory=dict)
    parent: Path | None = None
    gates: tuple[Mapping[str, object], ...] = ()
    accepted: tuple[str, ...] = ()
    part: str = ""
    upkeep: int = 0

    @property
    def own(self) -> BedrockTuning:
        """`[tuning.bedrock]`."""
        return self.settings.part("bedrock", BedrockTuning)

    @property
    def data_hash(self) -> str:
        """Identifies the data, whatever its order."""
        examples = [each for each in self.data if isinstance(each, Example)]
        texts = [each.text for each in self.data if isinstance(each, TrainingText)]
        return data_hash(examples) if examples else digest(*sorted(texts))

    @property
    def key(self) -> str:
        """Identifies all that the model depends on. Waiting, billing and permissions change nothing."""
        own = self.own
        return digest(
            self.technique,
            self.model,
            str(self.parent_facts.get("custom_model", "")),
            self.data_hash,
            f"{self.settings.held_out} {self.settings.seed}",
            *(f"{name}={value}" for name, value in sorted(own.hyperparameters.items())),
            str(own.attempt),
        )

    @property
    def name(self) -> str:
        """What job, custom model and deployment are called at Bedrock, and the token of the requests for them."""
        return f"groundtune-{self.technique}-{self.key}"

    @property
    def parent_facts(self) -> Mapping[str, object]:
        """What the manifest of the parent tells of its job, nothing without one. Raises `InputError`."""
        if self.parent is None:
            return {}
        manifest = read_manifest(self.parent)
        facts = manifest.measures.get("bedrock") if manifest is not None and manifest.kind == "hosted" else None
        if not isinstance(facts, Mapping):
            raise InputError(
                "is not a model that was tuned at Bedrock, so tuning cannot go on from it there.",
                place=self.parent,
                remedy='Name one that was, leave --from out, or set `[tuning] where` to "here".',
            )
        return facts


def hosted_job(job: TrainingJob) -> HostedJob:
    """Return what Bedrock is to do for a training run. Raises `TuningError` for a technique that it does not do."""
    check_technique(job.technique)
    below = [*job.parents, *([job.starts_from] if job.starts_from else [])]
    return HostedJob(
        job.technique,
        job.base.name,
        _data(job.objective),
        job.settings,
        job.record,
        job.counts,
        below[-1] if below else None,
        job.gates,
        job.accepted,
        job.part,
        job.upkeep,
    )


def _data(objective: Objective) -> Sequence[Example] | Sequence[TrainingText]:
    """Return all that a run learns from; what is held out is drawn anew for the service."""
    if isinstance(objective, Conversations):
        return objective.examples
    if isinstance(objective, Texts):
        return [*objective.texts, *objective.held_out]
    raise TuningError(
        f"Bedrock cannot learn what {type(objective).__name__} teaches: it takes conversations and texts.",
        remedy='Set `[tuning] where` to "here".',
    )


def check_technique(technique: str) -> None:
    """Raise `TuningError` for a technique that Bedrock is not used for."""
    if technique not in WAYS:
        offered = ", ".join(f"{name} ({WORDS[way]})" for name, way in WAYS.items())
        raise TuningError(
            f"`{technique}` cannot be done at Bedrock.",
            remedy=f'Bedrock is used for {offered}. For others, set `[tuning] where` to "here".',
        )


def check(job: HostedJob) -> tuple[str, str]:
    """Return id and region of the base. Raises `TuningError`, `SettingsError` for what no network is needed to see."""
    check_technique(job.technique)
    if not job.model.startswith(aws.PREFIX):
        raise SettingsError(
            f'`[tuning] where` is "bedrock", and `[model] name` is {job.model!r}, which is not there.',
            remedy=f'{aws.FORM} Or set `[tuning] where` to "here".',
        )
    _check_settings(job.own)
    if not job.data:
        raise TuningError("there is no training data.", remedy="Add some.")
    model, region = aws.model_and_region(job.model)
    return foundation_model(model), region


def _check_settings(own: BedrockTuning) -> None:
    """Raise `SettingsError` for what Bedrock would refuse after the upload."""
    for name, (form, words) in _FORMS.items():
        value = getattr(own, name)
        if not value and name != "prefix":
            raise SettingsError(
                f"`[tuning.bedrock] {name}` is not set.", remedy="Set it; docs/bedrock_tuning.md says what it is."
            )
        if not form.fullmatch(value):
            raise SettingsError(f"`[tuning.bedrock] {name}` is {value!r}.", remedy=f"It must be {words}.")
    if bool(own.subnets) != bool(own.security_groups):
        raise SettingsError(
            "`[tuning.bedrock]` names subnets without security groups, or the other way round.",
            remedy="Name both, or neither.",
        )


def techniques(way: Customization) -> str:
    """Return the names of the techniques that are done in this way."""
    return ", ".join(name for name, each in WAYS.items() if each == way)
