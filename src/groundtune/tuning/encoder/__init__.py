"""Training the encoder that finds passages, on questions and the passages that answer them.

`pairs` knows what is learned and in which order, `training` is one run. Knows no documents, no stores and no cases.
"""

from __future__ import annotations

from groundtune.settings import Table
from groundtune.tuning.encoder.settings import EncoderSettings


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    return {"retrieval.training": EncoderSettings}
