"""What is sent for an operation and its arguments, and what is not."""

from __future__ import annotations

import json

import pytest

from groundtune.agents.actions.openapi import described
from groundtune.agents.actions.openapi.requests import request_of
from groundtune.calls import NotACall

DOCUMENT = """
openapi: 3.1.0
security: [{own: []}]
paths:
  '/ä b/{id}/{ids}':
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: ids, in: path, required: true, schema: {type: array, items: {type: integer}}}
    get:
      operationId: find
      parameters:
        - {name: 'filter[name]', in: query, schema: {type: string}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: few, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: piped, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: string}}}
        - {name: deep, in: query, style: deepObject, schema: {type: object, properties: {a: {type: boolean}}}}
        - {name: raw, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: X-Note, in: header, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {name: Api-Key, in: header, schema: {type: string}}
  /things/{id}:
    put:
      operationId: put
      security: [{query: []}]
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: id, in: query, schema: {type: string}}
      requestBody:
        content: {application/json: {schema: {type: object, properties: {id: {type: string}, name: {type: string}}}}}
    post:
      operationId: list
      security: [{basic: []}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content: {application/vnd.own+json: {schema: {type: array, items: {type: string}}}}
    delete:
      operationId: open
      security: []
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
  /search:
    post:
      operationId: search
      security: []
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, properties: {words: {type: array, items: {type: string}}, rows: {type: integer}}}
components:
  securitySchemes:
    own: {type: apiKey, in: header, name: Api-Key}
    query: {type: apiKey, in: query, name: api_key}
    basic: {type: http, scheme: basic}
"""


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "api.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    read = described(path)
    assert not read.refused
    return {each.schema.name: each for each in read.operations}


def test_every_style_is_written_as_openapi_says(operations):
    names = operations["find"].schema.parameters["properties"]
    assert set(names) == {"id", "ids", "filter_name", "tags", "few", "piped", "deep", "raw", "X-Note"}
    request = request_of(
        operations["find"],
        {
            "id": "a?b#c&d=é%",
            "ids": [1, 2],
            "filter_name": "x&y=1",
            "tags": ["a", "b c"],
            "few": ["a", "b"],
            "piped": ["a", "b"],
            "deep": {"a": True},
            "raw": {"a": [1]},
            "X-Note": "hello",
        },
        "secret",
    )
    path, _, query = request.target.partition("?")
    assert path == "/%C3%A4%20b/a%3Fb%23c%26d%3D%C3%A9%25/1%2C2"
    assert query.split("&") == [
        "filter%5Bname%5D=x%26y%3D1",
        "tags=a",
        "tags=b%20c",
        "few=a,b",
        "piped=a%7Cb",
        "deep%5Ba%5D=true",
        "raw=%7B%22a%22%3A%5B1%5D%7D",
    ]
    assert (request.method, request.body) == ("GET", None)
    assert (request.headers["Api-Key"], request.headers["X-Note"]) == ("secret", "hello")
    assert "secret" not in repr(request)


def test_names_that_are_there_twice_are_told_apart(operations):
    assert list(operations["put"].schema.parameters["properties"]) == ["path_id", "query_id", "body_id", "name"]
    request = request_of(operations["put"], {"path_id": "1", "query_id": "2", "body_id": "3"}, "t")
    assert (request.target, json.loads(request.body)) == ("/things/1?id=2&api_key=t", {"id": "3"})


def test_a_body_that_is_no_object_is_one_argument(operations):
    request = request_of(operations["list"], {"id": "1", "body": ["é"]}, "ana:pass")
    assert request.body == '["é"]'.encode()
    assert request.headers["Content-Type"] == "application/vnd.own+json"
    assert request.headers["Authorization"] == "Basic YW5hOnBhc3M="


def test_a_form_is_written_as_a_query_is(operations):
    request = request_of(operations["search"], {"words": ["a&b", "c"], "rows": 5}, "")
    assert (request.target, request.body) == ("/search", b"words=a%26b&words=c&rows=5")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request_of(operations["search"], {}, "").body == b""


def test_a_body_that_is_not_needed_and_a_token_that_nobody_asked_for_are_not_sent(operations):
    assert request_of(operations["put"], {"path_id": "1"}, "").body is None
    assert request_of(operations["put"], {"path_id": "1"}, "").target == "/things/1"
    assert set(request_of(operations["open"], {"id": "1"}, "secret").headers) == {"Accept"}


@pytest.mark.parametrize("step", ["", ".", "..", "a/b", "../b", "a\\b", "a\nb", "a\x00"])
def test_an_argument_is_one_step_of_the_path(operations, step):
    with pytest.raises(NotACall, match="cannot be a step of a path"):
        request_of(operations["open"], {"id": step}, "")


@pytest.mark.parametrize("text", ["a\r\nEvil: 1", "a\nb", "é", " a", "a\x00"])
def test_an_argument_is_one_header(operations, text):
    with pytest.raises(NotACall, match="cannot be a header"):
        request_of(operations["find"], {"id": "1", "ids": [1], "X-Note": text}, "")


def test_an_entry_does_not_become_two(operations):
    with pytest.raises(NotACall, match="parts entries"):
        request_of(operations["find"], {"id": "1", "ids": [1], "few": ["a,b"]}, "")
