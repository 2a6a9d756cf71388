"""What Bedrock tells of a job that is over: losses by step, and the facts for the manifest.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-analyze.html
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from typing import Any

from groundtune.errors import TuningError
from groundtune.tuning.adapters import LossPoint
from groundtune.tuning.hosted.deployments import Deployed
from groundtune.tuning.hosted.service import Service

_TRAINING = ("step_wise_training_metrics.csv", "training_loss")
_VALIDATION = ("validation_metrics.csv", "validation_loss")
_log = logging.getLogger(__name__)


def losses(service: Service, output: str) -> tuple[tuple[LossPoint, ...], str]:
    """Return the losses by step that the job wrote below `output`, and the address of the file with those of training.

    None, with a message, where they cannot be read: the model is there all the same.
    """
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    try:
        keys = _keys(service, bucket, prefix)
        training = _curve(service, bucket, keys, *_TRAINING)
        validation = _curve(service, bucket, keys, *_VALIDATION)
    except (TuningError, ValueError, KeyError) as error:
        _log.warning("The losses that Bedrock wrote to %s cannot be read: %s", output, error)
        return (), ""
    points = [*(LossPoint(step, train=loss) for step, loss in training)]
    points += [LossPoint(step, held_out=loss) for step, loss in validation]
    metrics = _ending(keys, _TRAINING[0])
    return tuple(sorted(points, key=lambda point: point.step)), f"s3://{bucket}/{metrics}" if metrics else ""


def facts(job: Mapping[str, Any], deployed: Deployed, metrics: str) -> dict[str, object]:
    """Return what the manifest tells of the job and of its model, in Bedrock's words. Prices it does not tell."""
    told: dict[str, object] = {
        "job": job["jobArn"],
        "custom_model": job["outputModelArn"],
        "base_model": job["baseModelArn"],
        "deployment": deployed.kind,
        "deployment_arn": deployed.arn,
        "hyperparameters": dict(job.get("hyperParameters", {})),
        "hours": round(seconds(job) / 3600, 2),
        "training_metrics_file": metrics,
    }
    if "trainingLoss" in job.get("trainingMetrics", {}):
        told["training_loss"] = job["trainingMetrics"]["trainingLoss"]
    held_out = [metric["validationLoss"] for metric in job.get("validationMetrics", []) if "validationLoss" in metric]
    if held_out:
        told["held_out_loss"] = held_out[0]
    return told


def seconds(job: Mapping[str, Any]) -> float:
    """Return how long the job took, waiting included."""
    end = job.get("endTime") or job.get("lastModifiedTime") or job["creationTime"]
    return round(float((end - job["creationTime"]).total_seconds()), 1)


def _keys(service: Service, bucket: str, prefix: str) -> list[str]:
    """Return the keys below a prefix: a job writes a handful, so one page holds them."""
    listed = service.s3("list_objects_v2", Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/")
    return [entry["Key"] for entry in listed.get("Contents", [])]


def _ending(keys: list[str], name: str) -> str:
    return next((key for key in keys if key.endswith(f"/{name}")), "")


def _curve(service: Service, bucket: str, keys: list[str], name: str, column: str) -> list[tuple[int, float]]:
    key = _ending(keys, name)
    if not key:
        return []
    text = service.s3("get_object", Bucket=bucket, Key=key)["Body"].read().decode("utf-8-sig")
    return [(int(float(row["step_number"])), float(row[column])) for row in csv.DictReader(io.StringIO(text))]
