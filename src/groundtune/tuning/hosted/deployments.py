"""How a custom model can be asked: deployed on demand, or with Provisioned Throughput; found by its name or made.

Knows no job. Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-use.html
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

from groundtune.protocols import Progress
from groundtune.tuning.hosted.service import AwsRefused, Service
from groundtune.tuning.hosted.settings import BedrockTuning

PAUSE = 15.0  # seconds between looks
STAGE = "at Bedrock: deploying"
# what the service says where it deploys no model of this family, or nothing in this region
_NOT_OFFERED = frozenset({"ValidationException", "UnknownOperationException", "ResourceNotFoundException"})
_INSTEAD = (
    'If Bedrock offers no on-demand deployment of this model, set `[tuning.bedrock] deployment` to "auto" or '
    '"provisioned", which is billed by the hour.'
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model that can be asked: `arn` is its id in calls."""

    arn: str
    kind: Literal["on_demand", "provisioned"]


def deploy(service: Service, name: str, model: str, own: BedrockTuning, progress: Progress) -> Deployed:
    """Return the deployment called `name` of the custom model with the ARN `model`, when it is ready.

    Raises `TuningError` if it fails, or if on-demand is not offered and the settings ask for nothing else.
    """
    progress(STAGE, 0, 1)
    _wait_for_model(service, model)
    deployed = _deployment(service, name, model, own)
    _wait_until_ready(service, deployed)
    progress(STAGE, 1, 1)
    return deployed


def _deployment(service: Service, name: str, model: str, own: BedrockTuning) -> Deployed:
    if own.deployment == "provisioned":
        return _provisioned(service, name, model, own)
    if own.deployment == "auto" and (existing := _find_provisioned(service, name)) is not None:
        return existing
    try:
        return _on_demand(service, name, model)
    except AwsRefused as refused:
        if refused.refusal.code not in _NOT_OFFERED:
            raise
        if own.deployment == "on_demand":
            raise service.failure(refused.message, _INSTEAD) from None
        _log.warning(
            "Bedrock does not deploy this model on demand (%s). Provisioned Throughput `%s` of %d model units is made "
            "for it, without commitment. It is billed by the hour until you delete it: aws bedrock "
            "delete-provisioned-model-throughput --provisioned-model-id %s --region %s",
            refused.refusal.said,
            name,
            own.model_units,
            name,
            service.region,
        )
    return _provisioned(service, name, model, own)


def _on_demand(service: Service, name: str, model: str) -> Deployed:
    return service.found_or_made(
        lambda: _find_on_demand(service, name),
        lambda: service.bedrock(
            "create_custom_model_deployment", modelDeploymentName=name, modelArn=model, clientRequestToken=name
        ),
        f"the deployment `{name}`",
    )


def _provisioned(service: Service, name: str, model: str, own: BedrockTuning) -> Deployed:
    return service.found_or_made(
        lambda: _find_provisioned(service, name),
        lambda: service.bedrock(
            "create_provisioned_model_throughput",
            provisionedModelName=name,
            modelId=model,
            modelUnits=own.model_units,
            clientRequestToken=name,
        ),
        f"the Provisioned Throughput `{name}`",
    )


def _find_on_demand(service: Service, name: str) -> Deployed | None:
    listed = service.listed("list_custom_model_deployments", "modelDeploymentSummaries", nameContains=name)
    arns = (each["customModelDeploymentArn"] for each in listed if each["customModelDeploymentName"] == name)
    arn = next(arns, None)
    return None if arn is None else Deployed(arn, "on_demand")


def _find_provisioned(service: Service, name: str) -> Deployed | None:
    listed = service.listed("list_provisioned_model_throughputs", "provisionedModelSummaries", nameContains=name)
    arns = (each["provisionedModelArn"] for each in listed if each["provisionedModelName"] == name)
    arn = next(arns, None)
    return None if arn is None else Deployed(arn, "provisioned")


def _wait_for_model(service: Service, model: str) -> None:
    """Wait while the custom model is being created. Raises `TuningError` if that failed."""
    try:
        while (made := service.bedrock("get_custom_model", modelIdentifier=model)).get("modelStatus") == "Creating":
            service.pause(PAUSE)
    except AwsRefused as refused:
        if not refused.absent:
            raise
        raise service.failure(
            f"the job is completed, but its custom model `{model}` is not there any longer.",
            "Raise `[tuning.bedrock] attempt` to tune it again.",
        ) from None
    if made.get("modelStatus") == "Failed":
        raise service.failure(
            f"the custom model `{model}` could not be created: {_reason(made)}",
            "Correct that, and raise `[tuning.bedrock] attempt` to start a new job.",
        )


def _wait_until_ready(service: Service, deployed: Deployed) -> None:
    operation, parameter, delete = {
        "on_demand": (
            "get_custom_model_deployment",
            "customModelDeploymentIdentifier",
            "delete-custom-model-deployment --custom-model-deployment-identifier",
        ),
        "provisioned": (
            "get_provisioned_model_throughput",
            "provisionedModelId",
            "delete-provisioned-model-throughput --provisioned-model-id",
        ),
    }[deployed.kind]
    while (made := service.bedrock(operation, **{parameter: deployed.arn}))["status"] in ("Creating", "Updating"):
        service.pause(PAUSE)
    if made["status"] == "Failed":
        raise service.failure(
            f"the deployment `{deployed.arn}` failed: {_reason(made)}",
            f"Correct that, delete it (aws bedrock {delete} {deployed.arn} --region {service.region}), and run the "
            "same command again.",
        )


def _reason(made: dict[str, Any]) -> str:
    return " ".join(str(made.get("failureMessage") or "Bedrock gives no reason.").split())
