"""`[tuning.bedrock]`: where data goes, how the job trains, and how its model is deployed."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from groundtune.settings import Table

Deployment = Literal["auto", "on_demand", "provisioned"]
_NAMES = {
    "epochs": "epochCount",
    "batch_size": "batchSize",
    "learning_rate": "learningRate",
    "learning_rate_multiplier": "learningRateMultiplier",
    "warmup_steps": "learningRateWarmupSteps",
}


class BedrockTuning(Table):
    """`[tuning.bedrock]`: tuning at Amazon Bedrock, with `[tuning] where = "bedrock"`; see docs/bedrock_tuning.md."""

    # who may do it, where it is kept and how it is asked: the model is the same
    not_in_key: ClassVar[frozenset[str]] = frozenset(
        "role_arn bucket prefix encryption_key subnets security_groups deployment model_units most_records".split()
    )

    role_arn: str = Field("", description="ARN of the IAM role with which Bedrock reads the data and writes results.")
    bucket: str = Field("", description="S3 bucket for data and results, in the model's region.")
    prefix: str = Field("groundtune", description="Prefix of all keys in the bucket.")
    deployment: Deployment = Field(
        "auto",
        description="How the tuned model is deployed: `on_demand` is billed by token, `provisioned` (Provisioned "
        "Throughput without commitment) by the hour until you delete it. `auto` takes on-demand where Bedrock offers "
        "it for the model, else provisioned.",
    )
    model_units: int = Field(1, ge=1, description="Model units of Provisioned Throughput.")
    epochs: int | None = Field(None, ge=1, description="Passes over the data. If not set, Bedrock's default.")
    batch_size: int | None = Field(None, ge=1, description="Records per step. If not set, Bedrock's default.")
    learning_rate: float | None = Field(None, gt=0, description="Learning rate. If not set, Bedrock's default.")
    learning_rate_multiplier: float | None = Field(
        None, gt=0, description="Factor on the base learning rate, for models that take this instead."
    )
    warmup_steps: int | None = Field(None, ge=0, description="Steps of warm-up. If not set, Bedrock's default.")
    attempt: int = Field(1, ge=1, description="Raise it to start a new job in place of one that failed or was stopped.")
    most_records: int | None = Field(
        None, ge=1, description="Your account's quota of records for a job, if it differs from Bedrock's default."
    )
    encryption_key: str = Field("", description="KMS key (ARN, id or alias) that encrypts data and model.")
    subnets: list[str] = Field([], description="Subnets of the VPC that the job runs in.")
    security_groups: list[str] = Field([], description="Security groups of the VPC that the job runs in.")

    @property
    def hyperparameters(self) -> dict[str, str]:
        """What is set of them, as Bedrock names and writes them."""
        values = {name: getattr(self, field) for field, name in _NAMES.items()}
        return {name: str(value) for name, value in values.items() if value is not None}
