"""A table of questions and answers: CSV, TSV, a spreadsheet, JSON, JSON Lines, Parquet, or what `datasets` saved.

    question,answer,topic
    How long does a refund take?,Ten days.,billing

Columns with usual names are known; others are named by `--map COLUMN=FIELD`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundtune.evaluation.benchmark.importers import Imported, Shares
from groundtune.evaluation.benchmark.importers._columns import FIELDS, read_columns
from groundtune.evaluation.benchmark.importers._rows import source_rows


class QuestionTable:
    """Imports rows of questions and answers."""

    name = "table"
    fields = FIELDS

    def read(self, folder: Path, shares: Shares, mapping: Mapping[str, str] = {}) -> Imported:
        """Return cases and examples; `document` and `quote` name documents that the project has."""
        return read_columns(source_rows(folder), folder, shares, mapping)


def groundtune_importer() -> QuestionTable:
    """Return the importer."""
    return QuestionTable()
