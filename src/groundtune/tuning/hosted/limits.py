"""What Bedrock takes as training data, by family of models: the form of a record, and how many and how long.

A job whose data breaks a limit fails after it has waited in the queue. So the limits that Amazon documents are checked
before anything is uploaded. Of a family that is not listed here only the form is known. Sources:

- https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-prepare.html (forms and quotas)
- https://docs.aws.amazon.com/nova/latest/userguide/fine-tune-prepare-data-understanding.html (Nova, reserved words)
- https://github.com/aws-samples/amazon-nova-samples, `nova_ft_dataset_validator.py` (Nova, numbers of records)
- https://github.com/aws-samples/amazon-bedrock-samples, `custom-models/bedrock-fine-tuning` (Llama, Claude 3 Haiku)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Customization = Literal["FINE_TUNING", "CONTINUED_PRE_TRAINING"]
RecordForm = Literal["converse", "anthropic", "prompt", "text"]

_PROFILE = re.compile(r"^(?:us-gov|us|eu|apac|jp|au|ca|sa|me|af|il|uk|global)\.")
_GIGABYTE = 1024**3
_NOVA_WORDS = (
    *("System:", "SYSTEM:", "User:", "USER:", "Bot:", "BOT:", "Assistant:", "ASSISTANT:", "Thought:"),
    *("[EOS]", "<image>", "<video>", "<unk>"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a family takes. `form` is that of a record; "prompt" is one that we do not write.

    `least` and `most` count the records of training and validation together, `validation` those of validation (0: the
    family takes none), `characters` those of one record, `size` the bytes of the training file. None: not documented.
    `reserved` are the words that may stand nowhere in a record.
    """

    form: RecordForm = "converse"
    least: int = 1
    most: int | None = None
    characters: int | None = None
    size: int | None = None
    validation: int | None = 0
    reserved: tuple[str, ...] = ()


_FINE_TUNING = {
    "amazon.nova-2": Limits(least=200, most=20_000, reserved=_NOVA_WORDS),
    "amazon.nova": Limits(least=8, most=20_000, validation=None, reserved=_NOVA_WORDS),
    "anthropic.claude-3-haiku": Limits(
        "anthropic",
        least=32,
        most=10_000,
        characters=3 * 32_000,  # at most 32,000 tokens, of which Amazon's own check counts three characters each
        size=10 * _GIGABYTE,
        validation=1000,
        reserved=("\nHuman:", "\nAssistant:"),
    ),
    "meta.llama3-1": Limits("prompt"),
    "meta.llama": Limits(most=10_000, validation=1000),
    "amazon.titan-text": Limits("prompt"),
    "cohere.command": Limits("prompt"),
}
_TEXT_CHARACTERS = 6 * 4096  # "token quota x 6", where the quota is 4,096 tokens
_CONTINUED_PRE_TRAINING = Limits("text", characters=_TEXT_CHARACTERS, size=10 * _GIGABYTE)


def foundation_model(model: str) -> str:
    """Return the id of a model that is called by an ARN or by an inference profile of several regions.

    >>> foundation_model("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0")
    'amazon.nova-lite-v1:0'
    """
    return _PROFILE.sub("", model.rpartition("/")[2])


def limits_of(model: str, customization: Customization) -> Limits:
    """Return the limits for a foundation model's id.

    >>> limits_of("amazon.nova-lite-v1:0:300k", "FINE_TUNING").least
    8
    """
    if customization == "CONTINUED_PRE_TRAINING":
        return _CONTINUED_PRE_TRAINING
    return next((limits for family, limits in _FINE_TUNING.items() if model.startswith(family)), Limits())
