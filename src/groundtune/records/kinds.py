"""What kind of comparison a report is of, and of which benchmark, as far as the report tells.

Knows where a report names them, and no database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

ComparisonKind = Literal["comparison", "evaluation"]
COMPARISON: ComparisonKind = "comparison"
EVALUATION: ComparisonKind = "evaluation"


def kind_of(report: Mapping[str, object]) -> tuple[ComparisonKind, str | None]:
    """Return the kind and the benchmark's fingerprint: what has fewer than two candidates compares nothing.

    >>> kind_of({"candidates": {"base": {}, "rag": {}}, "benchmark": {"fingerprint": "9c1e"}})
    ('comparison', '9c1e')
    """
    candidates, benchmark = report.get("candidates"), report.get("benchmark")
    several = isinstance(candidates, dict) and len(candidates) > 1
    fingerprint = benchmark.get("fingerprint") if isinstance(benchmark, dict) else None
    return COMPARISON if several else EVALUATION, None if fingerprint is None else str(fingerprint)


def parsed(text: str | None) -> dict[str, object]:
    """Return the report that JSON text is; an empty one for what is no report."""
    try:
        report = json.loads(text or "{}")
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}
