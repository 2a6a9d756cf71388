"""An operation and its arguments as one HTTP request.

An argument never leads elsewhere: nothing in it becomes a step of the path, a second header or another parameter.
Knows no server.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from groundtune.agents.actions.openapi.shapes import Operation, OperationParameter
from groundtune.calls import NotACall

_STEPS = re.compile(r"[/\\\x00-\x1f\x7f]")
_SEPARATORS = {"commas": ",", "spaces": " ", "pipes": "|"}


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """What is sent: `target` is path and query, percent-encoded. Headers may hold a token, and are not shown."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None


def request_of(operation: Operation, arguments: Mapping[str, object], token: str) -> OperationRequest:
    """Return the request for arguments that fit the schema. Raises `NotACall` for what cannot be written."""
    path = operation.path
    query: list[tuple[str, str]] = []
    headers = {"Accept": "application/json, application/problem+json;q=0.9, */*;q=0.1"}
    form: list[tuple[str, str]] = []
    inner: dict[str, object] = {}
    for parameter in operation.parameters:
        if parameter.key not in arguments:
            continue
        value = arguments[parameter.key]
        if parameter.where == "path":
            path = path.replace(f"{{{parameter.name}}}", _step(_joined(parameter, value), parameter.key))
        elif parameter.where == "query":
            query += _pairs(parameter, value)
        elif parameter.where == "header":
            headers[parameter.name] = header_text(_joined(parameter, value), parameter.key)
        elif operation.body is not None and operation.body.form:
            form += _pairs(parameter, value)
        else:
            inner[parameter.name] = value
    body = None
    if operation.body is not None and (inner or form or operation.body.needed):
        content = inner if operation.body.flat else inner["body"]
        text = _words(form) if operation.body.form else json.dumps(content, ensure_ascii=False, allow_nan=False)
        body = text.encode("utf-8")
        headers["Content-Type"] = operation.body.media_type
    words = _words([*query, *_credentials(operation, token, headers)])
    target = quote(path, safe="/%:@!$&'()*+,;=~")
    return OperationRequest(operation.method, f"{target}?{words}" if words else target, headers, body)


def _words(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(text, safe=',')}" for name, text in pairs)


def _credentials(operation: Operation, token: str, headers: dict[str, str]) -> list[tuple[str, str]]:
    """Put the token into the headers, or return what goes into the query."""
    credential = operation.credential
    if token and credential.placed == "bearer":
        headers["Authorization"] = f"Bearer {token}"
    elif token and credential.placed == "basic":
        headers["Authorization"] = f"Basic {b64encode(token.encode()).decode()}"
    elif token and credential.placed == "header":
        headers[credential.name] = token
    return [(credential.name, token)] if token and credential.placed == "query" else []


def _pairs(parameter: OperationParameter, value: object) -> Iterator[tuple[str, str]]:
    if parameter.style == "repeated" and isinstance(value, list):
        yield from ((parameter.name, _text(each, parameter.key)) for each in value)
    elif parameter.style == "deep" and isinstance(value, dict):
        yield from ((f"{parameter.name}[{name}]", _text(each, parameter.key)) for name, each in value.items())
    elif value is not None:
        yield parameter.name, _joined(parameter, value)


def _joined(parameter: OperationParameter, value: object) -> str:
    if parameter.style == "json":
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not isinstance(value, list):
        return _text(value, parameter.key)
    separator = _SEPARATORS.get(parameter.style, ",")
    texts = [_text(each, parameter.key) for each in value]
    if any(separator in text for text in texts):
        raise NotACall(f"`{parameter.key}`: an entry contains {separator!r}, which parts entries")
    return separator.join(texts)


def _text(value: object, key: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise NotACall(f"`{key}`: {json.dumps(value)[:50]} cannot be written there")


def _step(text: str, key: str) -> str:
    if text in ("", ".", "..") or _STEPS.search(text):
        raise NotACall(f"`{key}`: {text[:50]!r} cannot be a step of a path")
    return quote(text, safe="")


def header_text(text: str, key: str) -> str:
    """Return what can stand in a header. Raises `NotACall` for what cannot."""
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise NotACall(f"`{key}`: {text[:50]!r} cannot be a header")
    return text
