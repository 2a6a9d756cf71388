"""Rows of RAGAS, in any file that `table` reads: question, contexts and ground truth, under the names of all versions.

    {"user_input": "When?", "reference_contexts": ["In May ..."], "reference": "In May.", "response": "In June."}

Contexts become documents without titles. `reference_contexts`, or else `contexts`, are the evidence;
`retrieved_contexts` are only documents, for they are what some system found. What it answered (`response`, `answer`)
is not used.

Source: docs.ragas.io, "Evaluation Dataset" and "Testset Generation", versions 0.1 to 0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundtune.evaluation.benchmark.importers import Imported, Shares
from groundtune.evaluation.benchmark.importers._columns import FIELDS, USUAL, read_columns
from groundtune.evaluation.benchmark.importers._rows import source_rows

NAMES: Mapping[str, tuple[str, ...]] = {
    **USUAL,
    "question": ("user_input", "question", "query"),
    "ideal_answer": ("reference", "ground_truth", "ground_truths", "reference_answer"),
    "contexts": ("reference_contexts", "contexts"),
    "other_contexts": ("retrieved_contexts", "contexts"),
}
ANSWERS = ("answer", "response")


class Ragas:
    """Imports rows of RAGAS."""

    name = "ragas"
    fields = FIELDS

    def read(self, folder: Path, shares: Shares, mapping: Mapping[str, str] = {}) -> Imported:
        """Return contexts as documents, and cases and examples."""
        return read_columns(source_rows(folder), folder, shares, mapping, NAMES, ANSWERS)


def groundtune_importer() -> Ragas:
    """Return the importer."""
    return Ragas()
