"""Reading one operation of an OpenAPI document: its parameters, its body, and where a token goes.

What cannot be expressed is refused with its reason; a part that is not needed is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from groundtune.agents.actions.offers import NotExpressible, NotOffered, untried
from groundtune.agents.actions.openapi.files import DocumentFiles, SpecNode
from groundtune.agents.actions.openapi.schemas import Plain, SchemaReader
from groundtune.agents.actions.openapi.shapes import (
    FORM,
    NOT_A_NAME,
    Operation,
    OperationBody,
    OperationCredential,
    OperationParameter,
    PlacedIn,
    Style,
)
from groundtune.values import ActionSchema

_IGNORED = {"accept", "authorization", "content-type"}  # as parameters, says OpenAPI 3.0.4, "Parameter Object"
_OF_HTTP = {"connection", "content-length", "cookie", "host", "te", "trailer", "transfer-encoding", "upgrade"}
_PLACES: dict[str, PlacedIn] = {"path": "path", "query": "query", "header": "header"}
_LISTS: dict[str, Style] = {"form": "commas", "simple": "commas", "spaceDelimited": "spaces", "pipeDelimited": "pipes"}
_JSON = re.compile(r"application/(json|[\w.+-]+\+json)")
_CALLED_BACK = re.compile(r"\{\$request\.(?:(body)#/([^}]+)|(query|path|header)\.([^}]+))\}")
_NOBODY_LISTENS = "an address to call back, and nobody listens"


@dataclass(frozen=True, slots=True)
class _Part:
    """A parameter, or a property of the body, before it has its key."""

    name: str
    where: PlacedIn
    schema: Plain
    needed: bool
    style: Style = "plain"


class OperationReader:
    """Reads the operation `name`; `ours` are headers that groundtune fills in, `dropped` is what was left out."""

    def __init__(self, files: DocumentFiles, root: SpecNode, name: str, ours: Collection[str], *, old: bool) -> None:
        self._files, self._root, self._name = files, root, name
        self._headers = {*_IGNORED, *(each.lower() for each in ours)}
        self._schemas = SchemaReader(files, old)
        self.dropped: list[NotOffered] = []

    def read(self, method: str, path: str, node: SpecNode, item: SpecNode) -> Operation:
        """Return it. Raises `NotExpressible` and `NotASchema`."""
        if not isinstance(node.value, dict):
            raise NotExpressible("it is no object")
        if node.get("servers").value or item.get("servers").value:
            raise NotExpressible("it has a server of its own; one base URL is set for all")
        if "?" in path or "#" in path:
            raise NotExpressible("its path has a query")
        credential = self._credential(node)
        parts = list(self._parameters(node, item, credential))
        body, inner = self._body(node, method)
        called_back = set(self._called_back(node))
        parts = [part for part in parts if not self._calls_back(part, called_back)]
        self.dropped += untried(self._name, self._schemas.untried)
        made = Operation(ActionSchema(self._name, _said(node), {}), method.upper(), path, (), body, credential)
        return _flat(made, [*parts, *inner])

    # --- parameters -----------------------------------------------------------------------------------

    def _parameters(self, node: SpecNode, item: SpecNode, credential: OperationCredential) -> Iterator[_Part]:
        given: dict[tuple[str, str], SpecNode] = {}  # those of the operation override those of its path
        for each in (*item.get("parameters").entries(), *node.get("parameters").entries()):
            resolved = self._files.resolved(each)
            given[str(resolved.get("in").value), str(resolved.get("name").value)] = resolved
        for (where, name), parameter in given.items():
            ours = credential.placed == where and credential.name.lower() == name.lower()
            if ours or (where == "header" and name.lower() in self._headers):
                continue  # groundtune and HTTP fill them in
            needed = parameter.get("required").value is True
            try:
                yield self._parameter(where, name, parameter, needed)
            except NotExpressible as error:
                if needed:
                    raise
                self._drop(name, str(error))

    def _parameter(self, where: str, name: str, node: SpecNode, needed: bool) -> _Part:
        if where not in _PLACES:
            raise NotExpressible(f"`{name}` goes into `{where}`, which is not written")
        if where == "header" and name.lower() in _OF_HTTP:
            raise NotExpressible(f"`{name}` is a header that HTTP needs for itself")
        content = dict(node.get("content").items())
        if content and "application/json" not in content:
            raise NotExpressible(f"`{name}` is written as {', '.join(content)}")
        inner = content["application/json"].get("schema") if content else node.get("schema")
        schema = self._schemas.read(inner) if inner.value is not None else {"type": "string"}
        style: Style = "json" if content else _style(where, node, schema, name)
        said = node.get("description").value
        if isinstance(said, str) and "description" not in schema:
            schema = {**schema, "description": said}
        return _Part(name, _PLACES[where], schema, needed, style)

    # --- body -----------------------------------------------------------------------------------------

    def _body(self, node: SpecNode, method: str) -> tuple[OperationBody | None, list[_Part]]:
        body = self._files.resolved(node.get("requestBody"))
        if body.value is None:
            return None, []
        if method in ("get", "head"):
            raise NotExpressible(f"it is a {method.upper()} with a body")
        content = dict(body.get("content").items())
        kinds = [kind for kind in content if _JSON.fullmatch(_bare(kind)) or _bare(kind) == FORM]
        if not kinds:
            raise NotExpressible(f"its body is {', '.join(content) or 'of no kind'}, neither JSON nor a plain form")
        kind = min(kinds, key=lambda each: (_bare(each) == FORM, _bare(each) != "application/json"))
        inner = self._files.resolved(content[kind]).get("schema")
        schema = self._schemas.read(inner) if inner.value is not None else {}
        for place, pointer in self._called_back(node):
            if place == "body":
                schema = self._without(schema, pointer.split("/"))
        return self._parts_of_body(schema, kind, body.get("required").value is True)

    def _parts_of_body(self, schema: Plain, kind: str, needed: bool) -> tuple[OperationBody, list[_Part]]:
        """Return the properties of a plain object as parts, of which a body is always made if it needs one of them."""
        form = _bare(kind) == FORM
        properties, required = schema.get("properties"), schema.get("required", [])
        plain_object = schema.keys() <= {"additionalProperties", "description", "properties", "required", "type"}
        if plain_object and properties and not schema.get("additionalProperties"):
            nothing_said = SpecNode({}, self._root.file)
            parts = []
            for name, each in properties.items():
                style = _style("query", nothing_said, each, name) if form else "plain"
                parts.append(_Part(name, "body", each, name in required, style))
            return OperationBody(kind, True, needed or bool(required)), parts
        if form:
            raise NotExpressible("its body is a form that is no plain object")
        return OperationBody(kind, False, needed), [_Part("body", "body", schema, needed)]

    # --- callbacks ------------------------------------------------------------------------------------

    def _called_back(self, node: SpecNode) -> Iterator[tuple[str, str]]:
        """Yield where the addresses stand that the server will call back: place, and name or pointer."""
        for _, callback in node.get("callbacks").items():
            for expression, _ in self._files.resolved(callback).items():
                for body, pointer, place, name in _CALLED_BACK.findall(expression):
                    yield body or place, pointer or name

    def _calls_back(self, part: _Part, called_back: set[tuple[str, str]]) -> bool:
        if (part.where, part.name) not in called_back:
            return False
        if part.needed:
            raise NotExpressible(f"it needs `{part.name}`, {_NOBODY_LISTENS}")
        self._drop(part.name, f"it is {_NOBODY_LISTENS}")
        return True

    def _without(self, schema: Plain, steps: list[str]) -> Plain:
        """Return the schema of a body without a property, in all of its alternatives."""
        made = dict(schema)
        for key in made.keys() & {"allOf", "anyOf", "oneOf"}:
            made[key] = [self._without(each, steps) for each in made[key]]
        name, *rest = steps
        if name not in made.get("properties", {}):
            return made
        if rest:
            inner = self._without(made["properties"][name], rest)
            return {**made, "properties": {**made["properties"], name: inner}}
        if name in made.get("required", []):
            raise NotExpressible(f"it needs `{name}`, {_NOBODY_LISTENS}")
        self._drop(name, f"it is {_NOBODY_LISTENS}")
        return {**made, "properties": {key: each for key, each in made["properties"].items() if key != name}}

    def _drop(self, name: str, reason: str) -> None:
        dropped = NotOffered(f"{self._name}.{name}", f"it is left out: {reason}")
        if dropped not in self.dropped:
            self.dropped.append(dropped)

    # --- security -------------------------------------------------------------------------------------

    def _credential(self, node: SpecNode) -> OperationCredential:
        """Return where the token goes: for the first of the alternatives that can be expressed."""
        own = "security" in node.value
        reasons = []
        for alternative in (node if own else self._root).get("security").entries():
            schemes = [name for name, _ in alternative.items()]
            try:
                if len(schemes) > 1:
                    raise NotExpressible(f"it needs {' and '.join(schemes)} at once")
                return self._scheme(schemes[0]) if schemes else OperationCredential()
            except NotExpressible as error:
                reasons.append(str(error))
        if reasons:
            raise NotExpressible("; ".join(reasons))
        return OperationCredential() if own else OperationCredential("bearer")

    def _scheme(self, name: str) -> OperationCredential:
        scheme = self._files.resolved(self._root.get("components").get("securitySchemes").get(name))
        kind, how = scheme.get("type").value, str(scheme.get("scheme").value).lower()
        if kind in ("oauth2", "openIdConnect") or (kind == "http" and how == "bearer"):
            return OperationCredential("bearer")
        if kind == "http" and how == "basic":
            return OperationCredential("basic")
        place = scheme.get("in").value
        if kind == "apiKey" and place in ("header", "query"):
            return OperationCredential(place, str(scheme.get("name").value))
        raise NotExpressible(f"its security scheme {name} cannot be met: {kind} {place if kind == 'apiKey' else how}")


def _flat(made: Operation, parts: list[_Part]) -> Operation:
    """Return the operation with one flat schema of its parts. Raises `NotExpressible`."""
    names = [part.name for part in parts]
    properties: dict[str, Any] = {}
    parameters, required = [], []
    for part in parts:
        key = NOT_A_NAME.sub("_", part.name).strip("_") or part.where
        if names.count(part.name) > 1 or key in properties:
            key = f"{part.where}_{key}"
        if key in properties:
            raise NotExpressible(f"two of its parameters are called {key}")
        properties[key] = part.schema
        parameters.append(OperationParameter(key, part.name, part.where, part.style))
        required += [key] if part.needed or part.where == "path" else []
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    in_path = {each.name for each in parameters if each.where == "path"}
    if odd := set(re.findall(r"\{([^{}]*)\}", made.path)) ^ in_path:
        raise NotExpressible(f"its path and its parameters do not agree on `{min(odd)}`")
    return replace(made, schema=replace(made.schema, parameters=schema), parameters=tuple(parameters))


def _style(where: str, node: SpecNode, schema: Plain, name: str) -> Style:
    style = str(node.get("style").value or ("form" if where == "query" else "simple"))
    kinds = schema.get("type")
    types = set(kinds) if isinstance(kinds, list) else {kinds}
    if "object" in types or "properties" in schema:
        if style == "deepObject":
            return "deep"
    elif "array" in types:
        if style == "form" and node.get("explode").value is not False:
            return "repeated"
        if style in _LISTS:
            return _LISTS[style]
    elif style in ("form", "simple"):
        return "plain"
    raise NotExpressible(f"`{name}` is written as {style}")


def _said(node: SpecNode) -> str:
    said = [node.get(key).value for key in ("summary", "description")]
    return "\n\n".join(dict.fromkeys(each.strip() for each in said if isinstance(each, str) and each.strip()))


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
