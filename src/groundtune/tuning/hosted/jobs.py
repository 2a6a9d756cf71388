"""One customization job at Bedrock: its data in S3, found by its name or made, followed to its end, or stopped.

The name follows from all that the model depends on. So whoever asks for the same model again, after a kill at whichever
call, finds the job that there is. A job that is made twice all the same, because a list ran behind, has the same
`clientRequestToken`, and Bedrock takes the second request for the first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundtune.errors import TuningError
from groundtune.protocols import Progress
from groundtune.tuning.hosted.data import DataFile, Prepared
from groundtune.tuning.hosted.limits import Customization
from groundtune.tuning.hosted.service import AwsRefused, Service
from groundtune.tuning.hosted.settings import BedrockTuning

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 10.0, 120.0, 1.3  # seconds between looks at a job that takes hours
_GOING = frozenset({"InProgress", "Stopping"})
_PHASES = (
    ("trainingDetails", "training"),
    ("dataProcessingDetails", "processing the data"),
    ("validationDetails", "checking the data"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offered:
    """A foundation model that can be customized: its id, as jobs call it, and its ARN."""

    id: str
    arn: str


def offered(service: Service, customization: Customization) -> list[Offered]:
    """Return the models of text that Bedrock customizes in this way, in this region."""
    listed = service.bedrock("list_foundation_models", byCustomizationType=customization, byOutputModality="TEXT")
    models = (Offered(model["modelId"], model["modelArn"]) for model in listed.get("modelSummaries", []))
    return sorted(models, key=lambda model: model.id)


def chosen(model: str, models: Sequence[Offered]) -> Offered | None:
    """Return the one of `models` that has the id `model`, None if none has.

    Jobs add the size of the context to the id (`amazon.nova-lite-v1:0:300k`), calls do not (`amazon.nova-lite-v1:0`).
    Of several sizes it is the largest.
    """
    fitting = [each for each in models if each.id == model or each.id.startswith(f"{model}:")]
    return max(fitting, key=lambda each: (each.id == model, _context(each.id)), default=None)


def _context(model: str) -> int:
    size = model.rpartition(":")[2]
    return int(size[:-1]) if size.endswith("k") and size[:-1].isdecimal() else 0


def check_bucket(service: Service, own: BedrockTuning) -> None:
    """Raise `TuningError` for a bucket that is not there, may not be used, or is in another region."""
    try:
        head = service.s3("head_bucket", Bucket=own.bucket)
    except AwsRefused as refused:
        if refused.absent:
            remedy = "Create it, or correct `[tuning.bedrock] bucket`."
            raise service.failure(f"there is no bucket `{own.bucket}`.", remedy) from None
        raise
    region = head.get("BucketRegion") or service.region
    if region != service.region:
        raise service.failure(
            f"the bucket `{own.bucket}` is in {region}; Bedrock reads data from its own region, {service.region}.",
            "Name a bucket there in `[tuning.bedrock] bucket`.",
        )


def stored(service: Service, own: BedrockTuning, file: DataFile, progress: Progress) -> str:
    """Return the `s3://` address of a file. It is uploaded unless it is there: its key is the hash of its content."""
    key = f"{own.prefix.strip('/')}/data/{file.sha256}.jsonl".lstrip("/")
    stage = f"uploading {file.path.name}"
    sent = 0

    def told(more: int) -> None:
        nonlocal sent
        sent += more
        progress(stage, min(sent, file.size), file.size)

    if not _is_there(service, own.bucket, key, file.size):
        extra = {"ContentType": "application/jsonl"}
        if own.encryption_key:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": own.encryption_key}
        service.upload(file.path, own.bucket, key, extra, told)
    return f"s3://{own.bucket}/{key}"


def _is_there(service: Service, bucket: str, key: str, size: int) -> bool:
    try:
        return bool(service.s3("head_object", Bucket=bucket, Key=key)["ContentLength"] == size)
    except AwsRefused as refused:
        if refused.absent or refused.denied:  # who may not list a bucket is denied what is not in it
            return False
        raise


def request(
    name: str, base: str, customization: Customization, own: BedrockTuning, data: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a job is asked for with; `data` are the addresses of "training", "output" and maybe "validation"."""
    asked: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "clientRequestToken": name,
        "roleArn": own.role_arn,
        "baseModelIdentifier": base,
        "customizationType": customization,
        "trainingDataConfig": {"s3Uri": data["training"]},
        "outputDataConfig": {"s3Uri": data["output"]},
        "hyperParameters": own.hyperparameters,
    }
    if "validation" in data:
        asked["validationDataConfig"] = {"validators": [{"s3Uri": data["validation"]}]}
    if own.encryption_key:
        asked["customModelKmsKeyId"] = own.encryption_key
    if own.subnets or own.security_groups:
        asked["vpcConfig"] = {"subnetIds": own.subnets, "securityGroupIds": own.security_groups}
    return asked


def find(service: Service, name: str) -> dict[str, Any] | None:
    """Return the summary of the job called `name`, None where there is none."""
    jobs = service.listed("list_model_customization_jobs", "modelCustomizationJobSummaries", nameContains=name)
    return next((job for job in jobs if job["jobName"] == name), None)


def addresses(service: Service, own: BedrockTuning, prepared: Prepared, progress: Progress) -> dict[str, str]:
    """Put the data into the bucket and return where data is and results will be."""
    check_bucket(service, own)
    places = {"training": stored(service, own, prepared.training, progress)}
    if prepared.validation is not None:
        places["validation"] = stored(service, own, prepared.validation, progress)
    return places


def follow(service: Service, name: str, progress: Progress) -> dict[str, Any]:
    """Return what Bedrock tells of the job when it is completed. Raises `TuningError` if it fails or is stopped.

    The job goes on if this ends first; a message says so if it is interrupted.
    """
    stage = ""
    pauses = _pauses()
    try:
        while True:
            job = service.bedrock("get_model_customization_job", jobIdentifier=name)
            if job.get("status") not in _GOING:
                break
            stage = _told(job, stage, progress)
            service.pause(next(pauses))
    except KeyboardInterrupt:
        _log.warning(
            "The job `%s` goes on at Bedrock. Run the same command again to go on with it, or with --stop to stop it.",
            name,
        )
        raise
    if stage:
        progress(stage, 1, 1)
    if job.get("status") != "Completed":
        raise _failed(service, name, job)
    return job


def stop(service: Service, name: str) -> str:
    """Stop the job called `name` if it runs, and say what became of it."""
    job = find(service, name)
    if job is None:
        return f"There is no job `{name}` at Bedrock."
    if job["status"] != "InProgress":
        return f"The job `{name}` does not run: it is {job['status']}."
    service.bedrock("stop_model_customization_job", jobIdentifier=name)
    return f"The job `{name}` is being stopped."


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(LONGEST_PAUSE, pause * GROWTH)


def _told(job: Mapping[str, Any], before: str, progress: Progress) -> str:
    """Tell the phase that the job is in, and that the one before it is over."""
    details = job.get("statusDetails", {})
    begun = (phase for key, phase in _PHASES if details.get(key, {}).get("status", "NotStarted") != "NotStarted")
    stage = f"at Bedrock: {next(begun, 'waiting')}"
    if before and before != stage:
        progress(before, 1, 1)
    progress(stage, 0, 1)
    return stage


def _failed(service: Service, name: str, job: Mapping[str, Any]) -> TuningError:
    status = str(job.get("status", "without a status")).lower()
    reason = " ".join(str(job.get("failureMessage", "")).split())
    return service.failure(
        f"the customization job `{name}` {status}{f': {reason}' if reason else '.'}",
        "Correct that, and raise `[tuning.bedrock] attempt` to start a new job.",
    )
