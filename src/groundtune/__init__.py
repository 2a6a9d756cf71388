"""groundtune makes a foundation model useful for one company, and shows with evidence how.

    project = groundtune.open_project("support")
    report = project.compare()

The public names are in `dir(groundtune)`; anything else may change. docs/python.md shows how to use them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundtune.assembly.candidates import Candidate
    from groundtune.checkup import DoctorCheck, doctor
    from groundtune.comparison.recommend import Recommendation
    from groundtune.comparison.report import Report, write_report
    from groundtune.errors import (
        GroundtuneError,
        InputError,
        ModelFailed,
        NotComparable,
        NotInstalled,
        SettingsError,
        StoreError,
        TuningError,
        UnreadableDocument,
    )
    from groundtune.evaluation.predictions import Scoring
    from groundtune.knowledge.reading import ReadFile, read_files
    from groundtune.project import Project, open_project
    from groundtune.protocols import (
        Answerer,
        ChatModel,
        Embedder,
        KnowledgeStore,
        Progress,
        Reader,
        Reranker,
        Scorer,
        ScorerDefaults,
        Words,
    )
    from groundtune.settings import Secret, Settings, Table
    from groundtune.standalone import check_gate, import_benchmark, init, load_gate, score
    from groundtune.values import (
        Answer,
        Answered,
        Case,
        Citation,
        Cited,
        Difference,
        Document,
        Estimate,
        Evidence,
        Failure,
        Message,
        Passage,
        Place,
        Question,
        Retrieved,
        Score,
        TextPiece,
    )

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Answered",
    "Answerer",
    "Candidate",
    "Case",
    "ChatModel",
    "Citation",
    "Cited",
    "Difference",
    "DoctorCheck",
    "Document",
    "Embedder",
    "Estimate",
    "Evidence",
    "Failure",
    "GroundtuneError",
    "InputError",
    "KnowledgeStore",
    "Message",
    "ModelFailed",
    "NotComparable",
    "NotInstalled",
    "Passage",
    "Place",
    "Progress",
    "Project",
    "Question",
    "ReadFile",
    "Reader",
    "Recommendation",
    "Report",
    "Reranker",
    "Retrieved",
    "Score",
    "Scorer",
    "ScorerDefaults",
    "Scoring",
    "Secret",
    "Settings",
    "SettingsError",
    "StoreError",
    "Table",
    "TextPiece",
    "TuningError",
    "UnreadableDocument",
    "Words",
    "__version__",
    "check_gate",
    "doctor",
    "import_benchmark",
    "init",
    "load_gate",
    "open_project",
    "read_files",
    "score",
    "write_report",
]
_HOMES = {
    "groundtune.checkup": "DoctorCheck doctor",
    "groundtune.assembly.candidates": "Candidate",
    "groundtune.comparison.recommend": "Recommendation",
    "groundtune.comparison.report": "Report write_report",
    "groundtune.errors": (
        "GroundtuneError InputError ModelFailed NotComparable NotInstalled SettingsError StoreError "
        "TuningError UnreadableDocument"
    ),
    "groundtune.evaluation.predictions": "Scoring",
    "groundtune.knowledge.reading": "ReadFile read_files",
    "groundtune.project": "Project open_project",
    "groundtune.protocols": (
        "Answerer ChatModel Embedder KnowledgeStore Progress Reader Reranker Scorer ScorerDefaults Words"
    ),
    "groundtune.settings": "Secret Settings Table",
    "groundtune.standalone": "check_gate import_benchmark init load_gate score",
    "groundtune.values": (
        "Answer Answered Case Citation Cited Difference Document Estimate Evidence Failure Message Passage "
        "Place Question Retrieved Score TextPiece"
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module has by that name
    """Import a name when it is first used, so that `groundtune --help` answers at once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
