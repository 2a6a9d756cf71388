"""Tuning at Amazon Bedrock: prepare the data, upload it, start a customization job and follow it, deploy its model.

Reads top to bottom. What is made there has a name that follows from data, base and hyperparameters (`HostedJob.name`).
So a run that was killed at any call, and is called again, goes on with the job and the deployment that there are.
Fine-tuning for `instruction` and `raft`, continued pre-training for `domain` and `continual` where it is still offered.
Source: https://docs.aws.amazon.com/bedrock/latest/userguide/custom-models.html
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.http import aws
from groundtune.protocols import Progress, silent
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import CHECKPOINTS, Manifest, finished, read_manifest, write_manifest
from groundtune.tuning.examples import data_hash
from groundtune.tuning.hosted import jobs, results
from groundtune.tuning.hosted.data import Prepared, prepare
from groundtune.tuning.hosted.deployments import Deployed, deploy
from groundtune.tuning.hosted.limits import Customization, Limits, foundation_model, limits_of
from groundtune.tuning.hosted.service import Service
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.values import Example, TrainingText, digest

WAYS: Mapping[str, Customization] = {
    "instruction": "FINE_TUNING",
    "raft": "FINE_TUNING",
    "domain": "CONTINUED_PRE_TRAINING",
    "continual": "CONTINUED_PRE_TRAINING",
}
_WORDS: Mapping[Customization, str] = {
    "FINE_TUNING": "fine-tuning",
    "CONTINUED_PRE_TRAINING": "continued pre-training",
}


@dataclass(frozen=True, slots=True)
class HostedJob:
    """One model to be tuned at Bedrock.

    `model` is `[model] name`. `data` are conversations behind the prompts that serving gives, or texts, as the
    technique takes them. `record` tells the settings with their origins, `counts` more of the data. `parent` is the
    folder of the tuned model to go on from, which must be one of Bedrock's own.
    """

    technique: str
    model: str
    data: Sequence[Example] | Sequence[TrainingText]
    settings: TuningSettings
    record: Mapping[str, object]
    counts: Mapping[str, int] = field(default_factory=dict)
    parent: Path | None = None

    @property
    def own(self) -> BedrockTuning:
        """`[tuning.bedrock]`."""
        return self.settings.part("bedrock", BedrockTuning)

    @property
    def data_hash(self) -> str:
        """Identifies the data: conversations whatever their order, texts in theirs."""
        examples = [each for each in self.data if isinstance(each, Example)]
        texts = [each.text for each in self.data if isinstance(each, TrainingText)]
        return data_hash(examples) if examples else digest(*texts)

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


def run_hosted(job: HostedJob, folder: Path, progress: Progress = silent, service: Service | None = None) -> Manifest:
    """Tune at Bedrock and return the manifest, whose `hosted` is what `[model] name` would call the model.

    A finished one of the same job is kept; an interrupted one goes on. Raises `SettingsError` for settings that lack
    something, `TuningError` for data or a model that Bedrock does not take and for a job that fails, `NotInstalled`
    without the extra `aws`.
    """
    model, region = check(job)
    known = finished(folder, lambda manifest: manifest.key == job.key)
    if known is not None:
        return known[1]
    work = folder.with_name(f"{folder.name}.{CHECKPOINTS}") / job.key
    prepared = prepare(job.data, _limits(job, model), work, job.settings.held_out, job.settings.seed)
    service = service or Service(job.model, region)
    told = _customized(job, model, prepared, service, progress)
    deployed = deploy(service, job.name, told["outputModelArn"], job.own, progress)
    manifest = _manifest(job, told, deployed, prepared, service)
    shutil.rmtree(folder, ignore_errors=True)
    write_manifest(folder, manifest)
    shutil.rmtree(work.parent, ignore_errors=True)
    return manifest


def stop_hosted(job: HostedJob, service: Service | None = None) -> str:
    """Stop the job at Bedrock, if there is one that runs, and say what became of it."""
    _, region = check(job)
    return jobs.stop(service or Service(job.model, region), job.name)


def check(job: HostedJob) -> tuple[str, str]:
    """Return id and region of the base. Raises `TuningError`, `SettingsError` for what no network is needed to see."""
    if job.technique not in WAYS:
        offered = ", ".join(f"{name} ({_WORDS[way]})" for name, way in WAYS.items())
        raise TuningError(
            f"`{job.technique}` cannot be done at Bedrock.",
            remedy=f'Bedrock is used for {offered}. For others, set `[tuning] where` to "here".',
        )
    if not job.model.startswith(aws.PREFIX):
        raise SettingsError(
            f'`[tuning] where` is "bedrock", and `[model] name` is {job.model!r}, which is not there.',
            remedy=f'{aws.FORM} Or set `[tuning] where` to "here".',
        )
    for name in ("role_arn", "bucket"):
        if not getattr(job.own, name):
            raise SettingsError(
                f"`[tuning.bedrock] {name}` is not set.", remedy="Set it; docs/bedrock_tuning.md says what it is."
            )
    if not job.data:
        raise TuningError("there is no training data.", remedy="Add some.")
    model, region = aws.model_and_region(job.model)
    return foundation_model(model), region


def _limits(job: HostedJob, model: str) -> Limits:
    """Return what the base takes. Raises `TuningError` for a family that takes no conversations."""
    limits = limits_of(model, WAYS[job.technique])
    if limits.form == "prompt":
        raise TuningError(
            f"Bedrock tunes `{model}` on prompts and completions, which are not what the model is asked with later.",
            place=job.model,
            remedy="Choose a model that is tuned on conversations, as Nova or Llama 3.2 and newer.",
        )
    return replace(limits, most=job.own.most_records or limits.most)


def _base(job: HostedJob, model: str, service: Service) -> str:
    """Return what the job calls its base: the parent's model, or a foundation model that Bedrock offers for this."""
    way = WAYS[job.technique]
    offered = jobs.offered(service, way)
    base = jobs.chosen(model, offered)
    if base is not None:
        return str(job.parent_facts.get("custom_model", base.id))
    if offered:
        raise service.failure(
            f"Bedrock does not offer {_WORDS[way]} of `{model}` in {service.region}.",
            f"It offers it for {', '.join(each.id for each in offered)}.",
        )
    other = next(each for each in _WORDS if each != way)
    instead = ", ".join(each.id for each in jobs.offered(service, other)) or "no model"
    raise service.failure(
        f"Bedrock does not offer {_WORDS[way]} of any model in {service.region}.",
        f"It offers {_WORDS[other]} ({_techniques(other)}) for {instead}. For `{job.technique}`, "
        'set `[tuning] where` to "here" and `[model] name` to a model that is on this machine.',
    )


def _techniques(way: Customization) -> str:
    return ", ".join(name for name, each in WAYS.items() if each == way)


def _customized(job: HostedJob, model: str, prepared: Prepared, service: Service, progress: Progress) -> dict[str, Any]:
    """Return what Bedrock tells of the job when it is completed; it is started where it is not there yet."""
    own = job.own
    output = f"s3://{own.bucket}/{_output(job)}/"

    def start() -> None:
        base = _base(job, model, service)  # before the upload: what is not offered is refused
        places = jobs.addresses(service, own, prepared, progress)
        asked = jobs.request(job.name, base, WAYS[job.technique], own, {**places, "output": output})
        service.bedrock("create_model_customization_job", **asked)

    service.found_or_made(lambda: jobs.find(service, job.name), start, f"the job `{job.name}`")
    return jobs.follow(service, job.name, progress)


def _output(job: HostedJob) -> str:
    return f"{job.own.prefix.strip('/')}/results/{job.name}".lstrip("/")


def _manifest(
    job: HostedJob, told: dict[str, Any], deployed: Deployed, prepared: Prepared, service: Service
) -> Manifest:
    curve, metrics = results.losses(service, f"s3://{job.own.bucket}/{_output(job)}")
    held_out = prepared.validation.records if prepared.validation else 0
    return Manifest(
        key=job.key,
        technique=job.technique,
        base_model=job.model,
        base_weights=job.model,  # the service tells no hash of its weights
        data={
            "training": prepared.training.records,
            "held_out": held_out,
            "hash": job.data_hash,
            "characters": prepared.characters,
            "divided": prepared.divided,
            **job.counts,
        },
        settings=dict(job.record),
        versions={package: version(package) for package in ("boto3", "botocore")},
        tokens=0,  # the service does not tell: it bills them
        seconds=results.seconds(told),
        stopped="when its job at Bedrock was completed",
        best_step=max((point.step for point in curve), default=0),
        loss=curve,
        kind="hosted",
        parents=() if job.parent is None else _lineage(job.parent),
        hosted=f"{aws.PREFIX}{deployed.arn}@{service.region}",
        hardware={"service": f"Amazon Bedrock, {service.region}"},
        measures={"bedrock": results.facts(told, deployed, metrics)},
    )


def _lineage(parent: Path) -> tuple[str, ...]:
    manifest = read_manifest(parent)
    return (*(manifest.parents if manifest else ()), parent.name)
