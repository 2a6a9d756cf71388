"""What happened: runs with their answers and scores, comparisons, and values that took long to get."""

from __future__ import annotations

from groundtune.records.kept import KeptKind
from groundtune.records.records import ComparisonRecord, Records, RunRecord, open_records

__all__ = ["ComparisonRecord", "KeptKind", "Records", "RunRecord", "open_records"]
