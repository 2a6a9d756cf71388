"""What happened: runs with their answers and scores, and comparisons."""

from __future__ import annotations

from groundtune.records.records import ComparisonRecord, Records, RunRecord, open_records

__all__ = ["ComparisonRecord", "Records", "RunRecord", "open_records"]
