"""Schemas of OpenAPI documents as plain JSON Schemas of what is sent: without references, closed, as short as can be.

`$ref` is put in place, `allOf` of objects becomes one object, `nullable` a type, and a `discriminator` the alternatives
that it names; what is `readOnly` is left out, as it is not sent. Objects take no properties but those that they name,
where the document does not say otherwise. Knows no operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundtune.agents.actions.offers import NotExpressible
from groundtune.agents.actions.openapi.files import DocumentFiles, SpecNode
from groundtune.calls import check_schema

Plain = dict[str, Any]
_ONE = {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"}
_ONE |= {"unevaluatedItems", "unevaluatedProperties"}
_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_MAPS = {"dependentSchemas", "patternProperties", "properties"}
_KEPT = {
    "const",
    "default",
    "dependentRequired",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
}
_REFUSED = {"$dynamicRef", "$id", "$recursiveRef"}
_TOLD = ("description", "default")  # of two, the later counts
_OPEN = {"additionalProperties", "dependentSchemas", "if", "patternProperties", "unevaluatedProperties"}
_DEEPEST = 100
_MOST = 5_000  # schemas in an operation, after references are put in place


@dataclass(slots=True)
class SchemaReader:
    """Reads the schemas of one operation; `old` for OpenAPI 3.0."""

    files: DocumentFiles
    old: bool
    _count: int = 0

    def read(self, node: SpecNode) -> Plain:
        """Return the plain schema of a node. Raises `NotExpressible`, and `NotASchema` for what is none."""
        made = _closed(self._read(node, (), frozenset()))
        check_schema(made)
        return made

    def _read(self, node: SpecNode, path: tuple[int, ...], bases: frozenset[int]) -> Plain:
        """Return a schema whose own object, if it is one, is still open: `allOf` may add to it.

        `path` are the schemas around it, `bases` those whose discriminator is not to be followed again.
        """
        self._count += 1
        if self._count > _MOST:
            raise NotExpressible(f"its schema has more than {_MOST} parts")
        if isinstance(node.value, bool):
            return {} if node.value else {"not": {}}
        if not isinstance(node.value, dict):
            raise NotExpressible("a schema is no object")
        if id(node.value) in path:
            raise NotExpressible("its schema contains itself")
        if len(path) > _DEEPEST:
            raise NotExpressible(f"its schema is more than {_DEEPEST} levels deep")
        path = (*path, id(node.value))
        if "$ref" in node.value:
            return self._referred(node, path, bases)
        if wrong := sorted(_REFUSED & node.value.keys()):
            raise NotExpressible(f"its schema uses `{wrong[0]}`")
        if not isinstance(node.value.get("enum", []), list):
            raise NotExpressible("the `enum` of its schema is no list")
        children = self._alternatives(node)
        if children and id(node.value) not in bases:
            return self._discriminated(node, children, path, bases | {id(node.value)})
        made: Plain = {}
        for key, inner in node.items():
            if key in _KEPT:
                made[key] = inner.value
            elif key in _ONE:
                made[key] = inner.value if isinstance(inner.value, bool) else _closed(self._read(inner, path, bases))
            elif key in _LISTS:
                made[key] = [self._read(each, path, bases) for each in inner.entries()]
            elif key in _MAPS:
                made[key] = {name: _closed(self._read(each, path, bases)) for name, each in self._sent(inner)}
        if "required" in made:
            unsent = {name for name, each in node.get("properties").items() if self._read_only(each)}
            made["required"] = [name for name in _texts(made["required"]) if name not in unsent]
        return _joined(self._typed(node, made))

    def _referred(self, node: SpecNode, path: tuple[int, ...], bases: frozenset[int]) -> Plain:
        made = self._read(self.files.target(str(node.value["$ref"]), node.file), path, bases)
        beside = {key: value for key, value in node.value.items() if key != "$ref"}
        if self.old or not beside:
            return made
        return _joined({"allOf": [made, self._read(SpecNode(beside, node.file), path, bases)]})

    def _sent(self, properties: SpecNode) -> Iterator[tuple[str, SpecNode]]:
        return ((name, each) for name, each in properties.items() if not self._read_only(each))

    def _read_only(self, node: SpecNode) -> bool:
        resolved = self.files.resolved(node)
        return resolved.get("readOnly").value is True or node.get("readOnly").value is True

    def _alternatives(self, node: SpecNode) -> list[tuple[str, SpecNode]]:
        """Return the values of a discriminator that stands alone, and the schemas that it maps them to."""
        if not isinstance(node.value, dict) or {"oneOf", "anyOf"} & node.value.keys():
            return []
        mapping = node.get("discriminator").get("mapping")
        found = []
        for value, each in mapping.items():
            name = str(each.value)
            reference = name if "/" in name or "#" in name else f"#/components/schemas/{name}"
            found.append((value, self.files.target(reference, node.file)))
        return found

    def _discriminated(
        self, node: SpecNode, children: list[tuple[str, SpecNode]], path: tuple[int, ...], bases: frozenset[int]
    ) -> Plain:
        name = str(node.get("discriminator").get("propertyName").value)
        inner = tuple(each for each in path if each not in bases)
        alternatives: list[Plain] = []
        for value, child in children:
            made = self._read(child, inner, bases)
            properties = {**made.get("properties", {}), name: {"type": "string", "const": value}}
            required = list(dict.fromkeys([*made.get("required", []), name]))
            alternatives.append({**made, "properties": properties, "required": required})
        said = {key: node.value[key] for key in _TOLD if key in node.value}
        return {**said, "oneOf": alternatives} if len(alternatives) > 1 else {**alternatives[0], **said}

    def _typed(self, node: SpecNode, made: Plain) -> Plain:
        """Return the schema with the words of OpenAPI 3.0 in those of JSON Schema, and the type that it implies."""
        if self.old:
            for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
                if made.pop(word, None) is True and limit in made:
                    made[word] = made.pop(limit)
                elif node.value.get(word) not in (None, True, False):
                    made[word] = node.value[word]
        if "type" not in made and "properties" in made:
            made["type"] = "object"
        if not (self.old and node.value.get("nullable") is True):
            return made
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        if isinstance(made.get("type"), str) and not _LISTS & made.keys():
            return {**made, "type": [made["type"], "null"]}
        return {"anyOf": [_closed(_joined(made)), {"type": "null"}]}


def _texts(value: object) -> list[str]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise NotExpressible("the `required` of its schema is no list of names")


def _joined(schema: Plain) -> Plain:
    """Return a schema with its `allOf` in it, where that says the same; else as it is."""
    parts = schema.get("allOf")
    if not parts:
        return {key: value for key, value in schema.items() if key != "allOf"}
    own = {key: value for key, value in schema.items() if key != "allOf"}
    whole: Plain = {}
    for part in (*parts, own):
        merged = _merged(whole, part)
        if merged is None:
            return schema
        whole = merged
    return whole


def _merged(first: Plain, second: Plain) -> Plain | None:
    """Return one schema that says what both say; None where they say different things of the same."""
    made = dict(first)
    for key, value in second.items():
        if key not in made or made[key] == value or key in _TOLD:
            made[key] = value
        elif key == "required":
            made[key] = list(dict.fromkeys([*made[key], *value]))
        elif key == "enum":
            made[key] = [each for each in made[key] if each in value]
        elif key == "properties":
            inner = {name: _merged(made[key].get(name, {}), each) for name, each in value.items()}
            if None in inner.values():
                return None
            made[key] = {**made[key], **inner}
        else:
            return None
    names = made.get("properties", {}).keys()
    limited = [each for each in (first, second) if "additionalProperties" in each]
    return made if all(names == each.get("properties", {}).keys() for each in limited) else None


def _closed(schema: Plain) -> Plain:
    """Return a schema of an object that takes no properties but its own; what says otherwise, as it is."""
    made = dict(schema)
    if "properties" not in made:
        for key in made.keys() & {"anyOf", "oneOf"}:
            made[key] = [_closed(each) for each in made[key]]
        return made
    others = any("properties" in each for key in ("allOf", "anyOf", "oneOf") for each in made.get(key, ()))
    return made if others or _OPEN & made.keys() else {**made, "additionalProperties": False}
