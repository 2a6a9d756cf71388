"""Tuning at a service: the data goes there, and the model that comes of it stays there and is asked there.

`bedrock` is the one there is, and reads top to bottom. Its parts: `limits` and `data` make the files, `service` calls
AWS, `jobs` and `deployments` find what is there or make it, `results` reads what the service tells.
"""

from __future__ import annotations

from groundtune.settings import Table
from groundtune.tuning.hosted.settings import BedrockTuning


def groundtune_settings() -> dict[str, type[Table]]:
    """Give the table of a service's settings."""
    return {"tuning.bedrock": BedrockTuning}
