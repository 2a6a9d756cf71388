"""What content names is fetched by one client, which refuses what must not be asked: `http/guarded.py`.

Everybody else who can talk to the network is named here, with the address that it talks to. A new name needs a reason.
"""

from __future__ import annotations

import ast

from _tree import Module, modules

TALKING = {
    "aiohttp",
    "boto3",
    "botocore",
    "ftplib",
    "http.client",
    "httpcore",
    "httpx",
    "httpx2",
    "huggingface_hub",
    "mcp",
    "opensearchpy",
    "psycopg",
    "requests",
    "smtplib",
    "socket",
    "urllib.request",
    "urllib3",
    "websockets",
}
GUARDED = {"groundtune.http.guarded", "groundtune.http.addresses"}
CONFIGURED = {
    "groundtune.http.endpoint": "the endpoint of a model in the settings",
    "groundtune.http.backend": "the server of a back-end in the settings, through the guard's connections",
    "groundtune.http.bodies": "reads replies, asks nobody",
    "groundtune.http.aws": "AWS, in the region of the settings",
    "groundtune.agents.actions.mcp": "the MCP servers of `[actions]`",
    "groundtune.tuning.hosted.service": "the bucket of `[tuning.bedrock]`",
    "groundtune.knowledge.embedding.openai_": "the endpoint of an embedder in the settings",
    "groundtune.knowledge.stores.pgvector": "the database of `[knowledge] store`",
    "groundtune.knowledge.stores._postgresql": "the database of `[knowledge] store`",
    "groundtune.knowledge.stores.opensearch": "the cluster of `[knowledge] store`",
    "groundtune.knowledge.stores._opensearch": "the cluster of `[knowledge] store`",
    "groundtune.encoders": "the model hub, for a model in the settings",
    "groundtune.knowledge.embedding.local": "the model hub, for a model in the settings",
    "groundtune.models.local": "the model hub, for a model in the settings",
    "groundtune.tuning.card": "writes a model card, asks nobody",
}


def talks(module: Module) -> bool:
    names = [each.module for each in module.imports() if not each.typing_only]
    return any(f"{name}.".startswith(f"{package}.") for name in names for package in TALKING)


def test_nobody_else_talks_to_the_network() -> None:
    talking = {module.name for module in modules() if module.part != "testing" and talks(module)}
    assert talking == GUARDED | CONFIGURED.keys()


def test_the_rule_can_fail() -> None:
    for line, wrong in (
        ("import requests", True),
        ("def later():\n    from urllib import request", True),
        ("from http import client", True),
        ("from urllib.parse import unquote", False),
        ("from http import HTTPStatus", False),
        ("if TYPE_CHECKING:\n    import httpx", False),
    ):
        example = modules()[0]
        made = Module("groundtune.example", example.path, line, ast.parse(line))
        assert talks(made) is wrong, line
