"""`groundtune.toml`: documented tables, where each value comes from, and the errors for wrong ones.

`load` resolves file, environment and flags, in rising order of strength, and remembers where each value came from, so
that a run can record it. Unknown keys are refused with file and remedy.

A part with settings of its own derives a table from `Table`, names it in `groundtune_settings()` beside its hook
(`groundtune.plugins`), and takes it out of the table that it is given: `settings.part("raft", RaftSettings)`. What is
secret in it has the type `Secret`, or `SecretUrl` for an address with a password in it.
"""

from __future__ import annotations

from groundtune.secrets import Secret, SecretUrl
from groundtune.settings.declared import all_tables
from groundtune.settings.quick import QUICK
from groundtune.settings.resolve import Resolved, load, load_project
from groundtune.settings.sources import ENVIRONMENT_PREFIX, FILE_NAME, Origin
from groundtune.settings.starter import about, template, toml
from groundtune.settings.table import Principals, Table
from groundtune.settings.tables import (
    ON_THIS_MACHINE,
    AssistantSettings,
    BenchmarkSettings,
    ComparisonSettings,
    EmbeddingSettings,
    EnrichmentSettings,
    HumanSettings,
    JudgeSettings,
    KnowledgeSettings,
    ModelSettings,
    ProjectSettings,
    RecordsSettings,
    Settings,
    SourceSettings,
    StoreSettings,
)
from groundtune.settings.training import DataSettings, TuningSettings
from groundtune.settings.writing import write_settings

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FILE_NAME",
    "ON_THIS_MACHINE",
    "QUICK",
    "AssistantSettings",
    "BenchmarkSettings",
    "ComparisonSettings",
    "DataSettings",
    "EmbeddingSettings",
    "EnrichmentSettings",
    "HumanSettings",
    "JudgeSettings",
    "KnowledgeSettings",
    "ModelSettings",
    "Origin",
    "Principals",
    "ProjectSettings",
    "RecordsSettings",
    "Resolved",
    "Secret",
    "SecretUrl",
    "Settings",
    "SourceSettings",
    "StoreSettings",
    "Table",
    "TuningSettings",
    "about",
    "all_tables",
    "load",
    "load_project",
    "template",
    "toml",
    "write_settings",
]
