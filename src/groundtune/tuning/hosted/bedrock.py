"""Tuning at Amazon Bedrock: prepare the data, upload it, start a customization job and follow it, deploy its model.

Reads top to bottom. What is made there has a name that follows from data, base and hyperparameters (`HostedJob.name`).
So a run that was killed at any call, and is called again, goes on with the job and the deployment that there are.
Source: https://docs.aws.amazon.com/bedrock/latest/userguide/custom-models.html
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from groundtune.errors import TuningError
from groundtune.http import aws
from groundtune.protocols import Progress, silent
from groundtune.tuning.adapters import Manifest, finished, read_manifest, write_manifest
from groundtune.tuning.card import write_card
from groundtune.tuning.checkpoints import work_folder
from groundtune.tuning.hosted import jobs, results
from groundtune.tuning.hosted.data import Prepared, prepare
from groundtune.tuning.hosted.deployments import Deployed, deploy
from groundtune.tuning.hosted.job import WAYS, WORDS, HostedJob, check, hosted_job, techniques
from groundtune.tuning.hosted.limits import Limits, limits_of
from groundtune.tuning.hosted.service import Service
from groundtune.tuning.training import TrainingJob, passed


def tune_at_bedrock(job: TrainingJob, folder: Path, progress: Progress = silent) -> Manifest:
    """Carry out a training run at Bedrock: what `Task.tune` is where `[tuning] where` is "bedrock".

    See `run_hosted` for what it raises.
    """
    return run_hosted(hosted_job(passed(job)), folder, progress)


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
    work = work_folder(folder, job.key)
    prepared = prepare(job.data, _limits(job, model), work, job.settings.held_out, job.settings.seed)
    service = service or Service(job.model, region)
    told = _customized(job, model, prepared, service, progress)
    deployed = deploy(service, job.name, told["outputModelArn"], job.own, progress)
    manifest = _manifest(job, told, deployed, prepared, service)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(ImportError):  # the card's head is written by a package of the extra `local`
        write_card(folder, folder.name, manifest, ("", job.settings.licence))
    write_manifest(folder, manifest)
    shutil.rmtree(work.parent, ignore_errors=True)
    return manifest


class Stopping:
    """Stands in for `tune`, to stop the job that it would go on with: `said` is what became of it."""

    def __init__(self) -> None:
        self.said = "There is nothing to stop."

    def __call__(self, job: TrainingJob, folder: Path, progress: Progress = silent) -> Manifest:
        """Stop the job and return a manifest of nothing."""
        hosted = hosted_job(job)
        self.said = stop_hosted(hosted)
        return Manifest(hosted.key, job.technique, hosted.model, "", {}, {}, {}, 0, 0.0, "before it ended", 0, ())


def stop_hosted(job: HostedJob, service: Service | None = None) -> str:
    """Stop the job at Bedrock, if there is one that runs, and say what became of it."""
    _, region = check(job)
    return jobs.stop(service or Service(job.model, region), job.name)


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
            f"Bedrock does not offer {WORDS[way]} of `{model}` in {service.region}.",
            f"It offers it for {', '.join(each.id for each in offered)}.",
        )
    other = next(each for each in WORDS if each != way)
    instead = ", ".join(each.id for each in jobs.offered(service, other)) or "no model"
    raise service.failure(
        f"Bedrock does not offer {WORDS[way]} of any model in {service.region}.",
        f"It offers {WORDS[other]} ({techniques(other)}) for {instead}. For `{job.technique}`, "
        'set `[tuning] where` to "here" and `[model] name` to a model that is on this machine.',
    )


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
    told = jobs.follow(service, job.name, progress)
    return {"outputModelArn": job.name, **told}  # the custom model has the name of the job, if the ARN is not told


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
        part=job.part,
        upkeep=job.upkeep,
        gates=job.gates,
        accepted=job.accepted,
        hosted=f"{aws.PREFIX}{deployed.arn}@{service.region}",
        hardware={"service": f"Amazon Bedrock, {service.region}"},
        measures={"bedrock": results.facts(told, deployed, metrics)},
    )


def _lineage(parent: Path) -> tuple[str, ...]:
    manifest = read_manifest(parent)
    return (*(manifest.parents if manifest else ()), parent.name)
