"""Means with intervals and paired comparisons for a small benchmark whose cases come in groups.

Cases of one group (one document, one expert, paraphrases of one question) are not independent, so groups are
what is left out, flipped or resampled, never cases. Knows scores and groups only: no scorer, no run, no storage and
no clock; randomness is a generator that is passed in. `benchmarks/simulation.py` shows what the methods hold to.
"""

from groundtune.statistics.comparing import (
    NoiseFloor,
    compare,
    compare_all,
    estimate,
    largest_loss_p,
    noise_floor,
    paired_difference,
)
from groundtune.statistics.sample import Method, clustered_sd, paired_sd
from groundtune.statistics.size import (
    POWER,
    cases_needed,
    detectable_difference,
    smallest_detectable_difference,
)
from groundtune.statistics.verdicts import MOST_CASES, DifferenceBasis, corrected, judged

__all__ = [
    "MOST_CASES",
    "POWER",
    "DifferenceBasis",
    "Method",
    "NoiseFloor",
    "cases_needed",
    "clustered_sd",
    "compare",
    "compare_all",
    "corrected",
    "detectable_difference",
    "estimate",
    "judged",
    "largest_loss_p",
    "noise_floor",
    "paired_difference",
    "paired_sd",
    "smallest_detectable_difference",
]
