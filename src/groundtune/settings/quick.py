"""The settings of a first look: fewer cases and training steps."""

from __future__ import annotations

from collections.abc import Mapping

QUICK: Mapping[str, object] = {
    "comparison.cases": 48,
    "comparison.latency_cases": 3,
    "tuning.steps": 48,
    "tuning.raft.steps": 24,
    "tuning.preference.steps": 24,
    "tuning.domain.steps": 24,
    "tuning.transfer.steps": 24,
    "tuning.transfer.general_steps": 24,
    "tuning.continual.steps": 24,
    "tuning.rlhf.reward_steps": 24,
    "tuning.rlhf.steps": 6,
    "tuning.rlhf.evaluate_every": 3,
    "tuning.evaluate_every": 12,
    "tuning.held_out": 12,
}
"""Set where no flag says otherwise, by `--quick`."""
