"""Swagger 2.0 in the words of OpenAPI 3.0: parameters get schemas, bodies and forms become request bodies.

Only what operations need is put into other words; schemas stay where they are. Source: the OpenAPI Specification 2.0.
"""

from __future__ import annotations

from typing import Any

from groundtune.agents.actions.openapi.files import DocumentFiles, SpecNode
from groundtune.agents.actions.openapi.shapes import FORM

_OF_PARAMETERS = {"allowEmptyValue", "collectionFormat", "description", "in", "name", "required"}
_STYLES: dict[str, dict[str, Any]] = {
    "csv": {"explode": False},
    "multi": {"style": "form", "explode": True},
    "pipes": {"style": "pipeDelimited", "explode": False},
    "ssv": {"style": "spaceDelimited", "explode": False},
}
_JSON = "application/json"


def upgraded_root(root: SpecNode) -> SpecNode:
    """Return a document with its security schemes where OpenAPI 3 has them."""
    schemes = {name: dict(scheme.items()) for name, scheme in root.get("securityDefinitions").items()}
    made = {}
    for name, scheme in schemes.items():
        words = {key: each.value for key, each in scheme.items()}
        made[name] = {"type": "http", "scheme": "basic"} if words.get("type") == "basic" else words
    return SpecNode({**root.value, "components": {"securitySchemes": made}}, root.file)


def upgraded_item(files: DocumentFiles, root: SpecNode, item: SpecNode) -> SpecNode:
    """Return a path with its operations as OpenAPI 3 has them. Raises `NotExpressible`."""
    shared = [files.resolved(each) for each in item.get("parameters").entries()]
    made: dict[str, Any] = {}
    for method, operation in item.items():
        if method == "parameters" or not isinstance(operation.value, dict):
            continue
        own = [files.resolved(each) for each in operation.get("parameters").entries()]
        given = {(str(each.get("name").value), str(each.get("in").value)): each for each in (*shared, *own)}
        consumes = (operation if "consumes" in operation.value else root).get("consumes").entries()
        kinds = [str(each.value) for each in consumes] or [_JSON]
        made[method] = {**operation.value, **_parts(list(given.values()), kinds)}
    return SpecNode(made, item.file)


def _parts(given: list[SpecNode], consumes: list[str]) -> dict[str, Any]:
    """Return parameters and request body."""
    parameters, fields = [], []
    body: dict[str, Any] = {}
    for each in given:
        if each.get("in").value == "body":
            content = {kind: {"schema": each.get("schema").value} for kind in consumes}
            body = {"required": each.get("required").value, "content": content}
        elif each.get("in").value == "formData":
            fields.append(each)
        else:
            parameters.append(_parameter(each))
    if fields:
        schema = {
            "type": "object",
            "properties": {str(each.get("name").value): _schema(each) for each in fields},
            "required": [str(each.get("name").value) for each in fields if each.get("required").value is True],
        }
        kind = FORM if FORM in consumes or consumes == [_JSON] else consumes[0]
        body = {"required": bool(schema["required"]), "content": {kind: {"schema": schema}}}
    return {"parameters": parameters, **({"requestBody": body} if body else {})}


def _parameter(node: SpecNode) -> dict[str, Any]:
    words = {key: each.value for key, each in node.items() if key in ("description", "in", "name", "required")}
    form = node.get("collectionFormat").value or "csv"
    written = _STYLES.get(str(form), {"style": form}) if node.get("type").value == "array" else {}
    return {**words, **written, "schema": _schema(node)}


def _schema(node: SpecNode) -> dict[str, Any]:
    described = {"description"} if node.get("in").value == "formData" else set()
    return {key: each.value for key, each in node.items() if key not in _OF_PARAMETERS - described}
