"""OpenAPI documents: every operation becomes an action or is refused with its reason."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import pytest
import yaml

from groundtune.agents.actions.openapi import described
from groundtune.agents.actions.openapi.files import DocumentFiles, SpecNode
from groundtune.agents.actions.openapi.schemas import SchemaReader
from groundtune.calls import NotACall, call_of
from groundtune.errors import InputError
from groundtune.values import ActionSchema

DATA = Path(__file__).parents[5] / "shared" / "data" / "openapi"
METHODS = {"get", "head", "post", "put", "patch", "delete", "options", "trace"}
DOCUMENTS = sorted(path for path in DATA.rglob("*") if path.suffix in (".yaml", ".json"))
NO_DOCUMENTS = {
    "CAMARA_common.yaml": "its `openapi` is ''",
    "CAMARA_event_common.yaml": "its `openapi` is ''",
    "info-description-templates.yaml": "its `openapi` is ''",
}
REFUSED = {
    "createSimSwapSubscription": "it needs `sink`, an address to call back",
    "post_streams": "it needs `callbackUrl`, an address to call back",
    "markStatus": "it is a webhook",
    "newPet": "it is a webhook",
}


def folder_of(path):
    return DATA / "camara" if "camara" in path.parts else None


@pytest.fixture
def documents():
    if not DOCUMENTS:
        pytest.skip("the OpenAPI documents (../shared/data/openapi) are not here")
    return [path for path in DOCUMENTS if path.name not in NO_DOCUMENTS]


def test_no_operation_is_lost(documents):
    seen = 0
    for path in documents:
        read = described(path, folder_of(path))
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        there = [method for item in raw.get("paths", {}).values() for method in item if method in METHODS]
        whole = [each for each in read.refused if "." not in each.name]
        assert len(read.operations) + len(whole) == len(there) + len(raw.get("webhooks", {})), path.name
        for each in whole:
            assert each.reason.startswith(REFUSED[each.name]), each
        assert all(each.reason.startswith("it is left out: ") for each in read.refused if each not in whole)
        seen += len(read.operations)
    assert seen > 50


def test_what_is_no_document_says_why():
    names = {path.name: path for path in DOCUMENTS}
    for name, reason in NO_DOCUMENTS.items() if names else ():
        with pytest.raises(InputError, match=reason) as caught:
            described(names[name])
        assert str(names[name].resolve()) in str(caught.value)
    if not names:
        pytest.skip("the OpenAPI documents (../shared/data/openapi) are not here")


def test_the_documents_own_examples_fit(documents):
    """What their authors sent fits our schemas, and fits no more with one property too many or too few."""
    fitted = 0
    for path in documents:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        for operation in described(path, folder_of(path)).operations:
            for example in examples(raw, operation):
                sent = {key: each for key, each in example.items() if key != "sink"}
                flat = {each.key: sent[each.name] for each in operation.parameters if each.name in sent}
                given = flat if operation.body.flat else {"body": sent}
                needed = {each.key: "p-1" for each in operation.parameters if each.where == "path"}
                call_of(operation.schema, {**given, **needed})
                with pytest.raises(NotACall):
                    call_of(operation.schema, {**given, **needed, "more": 1})
                fitted += 1
    assert fitted > 5


def examples(raw, operation):
    """Yield what a document gives as examples of a body."""
    body = raw["paths"][operation.path][operation.method.lower()].get("requestBody", {})
    media = body.get("content", {}).get("application/json", {})
    for each in [*media.get("examples", {}).values(), *([{"value": media["example"]}] if "example" in media else [])]:
        if "$ref" in each:
            each = raw["components"]["examples"][each["$ref"].rpartition("/")[2]]
        yield each["value"]


def test_references_lead_to_files_below_the_folder_only(tmp_path):
    outside, inside = tmp_path / "secret.yaml", tmp_path / "api"
    inside.mkdir()
    outside.write_text("type: string", encoding="utf-8")
    (inside / "link.yaml").symlink_to(outside)
    (inside / "good.yaml").write_text("{type: string}", encoding="utf-8")
    for reference, reason in (
        ("../secret.yaml", "is outside of"),
        ("link.yaml", "is outside of"),
        (str(outside), "only files below"),
        ("http://169.254.169.254/latest", "only files below"),
        ("file:///etc/passwd", "only files below"),
        ("//host/share", "only files below"),
        ("gone.yaml", "no such file"),
        ("good.yaml#/nowhere", "which is not there"),
        ("#name", "names instead of paths"),
        ("good.yaml", ""),
    ):
        parameter = f"{{name: x, in: path, required: true, schema: {{$ref: '{reference}'}}}}"
        document = write(inside, paths=f"{{'/a/{{x}}': {{get: {{operationId: a, parameters: [{parameter}]}}}}}}")
        read = described(document)
        assert [reason in each.reason for each in read.refused] == ([True] if reason else []), (reference, read.refused)


def write(folder, paths, version="3.1.0", more=""):
    path = folder / "api.yaml"
    path.write_text(f"openapi: {version}\npaths: {paths}\n{more}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ("{requestBody: {content: {multipart/form-data: {}}}}", "its body is multipart/form-data, neither"),
        ("{requestBody: {content: {application/xml: {}}}}", "its body is application/xml, neither"),
        ("{parameters: [{name: c, in: cookie, required: true}]}", "`c` goes into `cookie`"),
        ("{parameters: [{name: Host, in: header, required: true}]}", "HTTP needs for itself"),
        ("{parameters: [{name: o, in: query, required: true, schema: {type: object}}]}", "is written as form"),
        ("{requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: string}}}}}", "no plain object"),
        (
            "{requestBody: {content: {application/x-www-form-urlencoded: {schema: {properties: {a: "
            "{type: object}}}}}}}",
            "`a` is written as form",
        ),
        ("{servers: [{url: 'https://elsewhere'}]}", "a server of its own"),
        ("{security: [{a: [], b: []}]}", "it needs a and b at once"),
        ("{security: [{cookie: []}]}", "security scheme cookie cannot be met: apiKey cookie"),
        ("{security: [{tls: []}]}", "security scheme tls cannot be met: mutualTLS"),
        ("{security: [{gone: []}]}", "security scheme gone cannot be met"),
        (
            "{requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}}",
            "contains itself",
        ),
        ("{requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Bomb'}}}}}", "parts"),
        ("{requestBody: {content: {application/json: {schema: {$ref: '#/loop'}}}}}", "itself"),
        ("{requestBody: {content: {application/json: {schema: {type: text}}}}}", "no JSON Schema"),
        ("{requestBody: {content: {application/json: {schema: {pattern: '('}}}}}", "unclosed group"),
        ("{parameters: [{name: y, in: path, required: true}]}", "do not agree on `y`"),
        ("[]", "no object"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_its_reason(tmp_path, operation, reason):
    bomb = ", ".join(f"B{n}: {{type: object, properties: {{a: {ref(n + 1)}, b: {ref(n + 1)}}}}}" for n in range(14))
    more = f"""
loop: {{$ref: '#/loop'}}
components:
  securitySchemes: {{cookie: {{type: apiKey, in: cookie, name: c}}, tls: {{type: mutualTLS}}}}
  schemas: {{Tree: {{type: object, properties: {{inner: {{$ref: '#/components/schemas/Tree'}}}}}},
    Bomb: {ref(0)}, {bomb}, B14: {{type: string}}}}
"""
    read = described(write(tmp_path, f"{{/a: {{post: {operation}, get: {{operationId: other}}}}}}", more=more))
    assert [each.schema.name for each in read.operations] == ["other"]
    assert [each.name for each in read.refused] == ["post_a"]
    assert reason in read.refused[0].reason


def ref(number):
    return f"{{$ref: '#/components/schemas/B{number}'}}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "no object"),
        ("a: [", "neither JSON nor YAML"),
        ('{"openapi": ', "neither JSON nor YAML"),
        ("openapi: 4.0.0", "'4.0.0'"),
        ("openapi: 3.1.0", "no operations"),
        ("openapi: 3.1.0\npaths: nothing", "no operations"),
        ("!!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ('{"a":' * 100_000, "neither JSON nor YAML"),
        ("{a: " * 100_000, "neither JSON nor YAML"),
    ],
)
def test_a_broken_document_is_refused_with_its_place(tmp_path, text, reason):
    path = tmp_path / "api.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=reason) as caught:
        described(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ("{type: string, nullable: true}", {"type": ["string", "null"]}),
        ("{type: string, nullable: true, enum: [a]}", {"type": ["string", "null"], "enum": ["a", None]}),
        ("{type: number, minimum: 0, exclusiveMinimum: true}", {"type": "number", "exclusiveMinimum": 0}),
        ("{type: string, enum: [no, yes, 2020-01-01]}", {"type": "string", "enum": ["no", "yes", "2020-01-01"]}),
        ("{type: object, example: {a: 1}, xml: {}, x-own: 1}", {"type": "object"}),
        (
            "{type: object, required: [id, a], properties: {id: {type: string, readOnly: true}, a: {type: string}}}",
            {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "string"}},
                "additionalProperties": False,
            },
        ),
        (
            "{allOf: [{type: object, required: [a], properties: {a: {type: string}}}, "
            "{type: object, required: [b], properties: {b: {type: integer}}}], description: both}",
            {
                "type": "object",
                "required": ["a", "b"],
                "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
                "description": "both",
                "additionalProperties": False,
            },
        ),
        ("{allOf: [{minimum: 1}, {minimum: 2}]}", {"allOf": [{"minimum": 1}, {"minimum": 2}]}),
        (
            "{oneOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
            {
                "oneOf": [
                    {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
                    {"type": "object", "properties": {"b": {}}, "additionalProperties": False},
                ]
            },
        ),
        (
            "{properties: {a: {}, b: {}}, anyOf: [{required: [a]}, {required: [b]}]}",
            {
                "type": "object",
                "properties": {"a": {}, "b": {}},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
                "additionalProperties": False,
            },
        ),
        (
            "{type: object, additionalProperties: {type: string}}",
            {"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ],
)
def test_schemas_of_3_0_become_plain(tmp_path, schema, plain):
    path = tmp_path / "schema.yaml"
    path.write_text(schema, encoding="utf-8")
    files = DocumentFiles(tmp_path)
    made = SchemaReader(files, old=True).read(files.open(path))
    assert json.loads(json.dumps(made)) == plain


def test_a_discriminator_becomes_the_alternatives_that_it_names(tmp_path):
    text = """
Pet: {type: object, required: [kind], properties: {kind: {type: string}},
  discriminator: {propertyName: kind, mapping: {cat: '#/Cat', dog: '#/Dog'}}}
Cat: {allOf: [{$ref: '#/Pet'}, {type: object, required: [lives], properties: {lives: {type: integer}}}]}
Dog: {allOf: [{$ref: '#/Pet'}, {type: object, properties: {barks: {type: boolean}}}]}
"""
    path = tmp_path / "pets.yaml"
    path.write_text(text, encoding="utf-8")
    files = DocumentFiles(tmp_path)
    schema = SchemaReader(files, old=True).read(SpecNode({"$ref": "#/Pet"}, files.open(path).file))
    pet = ActionSchema("pet", "", schema)
    for right in ({"kind": "cat", "lives": 9}, {"kind": "dog"}, {"kind": "dog", "barks": True}):
        call_of(pet, right)
    for wrong in ({"kind": "cat"}, {"kind": "dog", "lives": 9}, {"kind": "cow"}, {}, {"kind": "dog", "x": 1}):
        with pytest.raises(NotACall):
            call_of(pet, wrong)


def test_whatever_is_broken_in_a_document_is_refused_and_raises_nothing_else(documents, tmp_path):
    """Values of real documents are exchanged for others, at random places."""
    generator = random.Random(17)
    others = [
        None,
        5,
        [],
        {},
        "x",
        True,
        {"$ref": 5},
        {"$ref": "#/paths"},
        [None],
        {"type": ["object", "x"]},
        {"a": {}},
    ]
    small = [path for path in documents if path.stat().st_size < 20_000]
    read = refused = 0
    for _ in range(200):
        document = yaml.load(generator.choice(small).read_text(encoding="utf-8"), yaml.BaseLoader)
        for _ in range(generator.randint(1, 3)):
            exchange(document, copy.deepcopy(generator.choice(others)), generator)
        path = tmp_path / "api.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        try:
            made = described(path)
        except InputError:
            refused += 1
        else:
            read += bool(json.dumps([each.schema.parameters for each in made.operations], allow_nan=False))
    assert read > 100
    assert refused > 5


def exchange(value, other, generator):
    """Put `other` somewhere into `value`."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = generator.choice(list(keys))
        if not isinstance(value[key], dict | list) or generator.random() < 0.25:
            value[key] = other
            return
        value = value[key]


SWAGGER = """
swagger: "2.0"
consumes: [application/json]
security: [{basic: []}]
securityDefinitions: {basic: {type: basic}, key: {type: apiKey, in: header, name: X-Key}}
parameters: {id: {name: id, in: path, required: true, type: integer, minimum: 1}}
definitions:
  Pet: {type: object, required: [name], properties: {name: {type: string}, id: {type: integer, readOnly: true}}}
paths:
  '/pets/{id}':
    parameters: [{$ref: '#/parameters/id'}]
    get:
      parameters:
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}
        - {name: few, in: query, type: array, items: {type: string}}
    put:
      operationId: change
      security: [{key: []}]
      parameters: [{name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}]
    post:
      operationId: rename
      consumes: [application/x-www-form-urlencoded]
      parameters: [{name: name, in: formData, required: true, type: string, description: New name}]
    delete: {operationId: image, consumes: [multipart/form-data], parameters: [{name: f, in: formData, type: file}]}
    patch: {operationId: tabs, parameters: [{name: t, in: query, required: true, type: array, collectionFormat: tsv}]}
"""


def test_swagger_is_read_in_the_words_of_openapi_3(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text(SWAGGER, encoding="utf-8")
    read = described(path)
    get, put, post = read.operations
    assert get.schema.parameters == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "minimum": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
            "few": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    assert [each.style for each in get.parameters] == ["plain", "repeated", "commas"]
    assert get.credential.placed == "basic"
    assert set(put.schema.parameters["properties"]) == {"id", "name"}
    assert (put.credential.name, put.body.media_type) == ("X-Key", "application/json")
    assert post.body.form
    assert post.schema.parameters["properties"]["name"] == {"type": "string", "description": "New name"}
    assert [(each.name, each.reason.split(",")[0]) for each in read.refused] == [
        ("image", "its body is multipart/form-data"),
        ("tabs", "`t` is written as tsv"),
    ]
