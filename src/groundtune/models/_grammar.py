"""Decoding under a JSON Schema: at each step, only tokens after which the text can still become a fitting object.

llguidance works out which tokens these are; see docs/decisions/0026-selecting-actions.md. Knows token ids, no
conversations. Strings and lists are bounded, so that what is written ends.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from groundtune.errors import ModelFailed
from groundtune.extras import not_installed

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

LONGEST_STRING = 160
"""Characters of a string that a local model writes; the grammar allows one more, which shows that it had to stop."""
LONGEST_LIST = 12
"""Items of a list that a local model writes, with one more in the same way."""
LARGEST_NUMBER = 10**12
"""Above it and below its negative, no number is written, unless the schema asks for it."""
_OPTIONS = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}
_OPTIONS |= {"coerce_one_of": True}  # what it lets through besides is refused when the call is checked
_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs", "definitions")
_SCHEMAS = ("items", "additionalProperties")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SAYS_WHAT = ("type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf")
_HINTS: dict[str, object] = {"properties": "object", "items": "array", "prefixItems": "array"}
_SCALARS = ["string", "number", "boolean", "null"]
_vocabularies: WeakKeyDictionary[Any, LLTokenizer] = WeakKeyDictionary()


def vocabulary(tokenizer: Any, size: int, ends: Collection[int]) -> LLTokenizer:  # noqa: ANN401 -- transformers' own
    """Return what llguidance needs of a tokenizer, made once: its tokens, `size` of them, and those that end a turn.

    Raises `NotInstalled`, and `ModelFailed` for a tokenizer that is not one of the fast ones.
    """
    try:
        from llguidance.hf import from_tokenizer
    except ImportError as error:
        raise not_installed("local", "selecting an action with a model on this machine", error) from None
    if tokenizer not in _vocabularies:
        try:
            _vocabularies[tokenizer] = from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(ends))
        except Exception as error:  # llguidance raises bare ones
            raise ModelFailed(
                f"the model's tokenizer cannot be held to a schema: {error}",
                remedy="Use a model with a fast tokenizer (tokenizer.json).",
            ) from None
    return _vocabularies[tokenizer]


def matcher(words: LLTokenizer, schema: Mapping[str, object]) -> LLMatcher:
    """Return what follows a text that is to become JSON of this schema, after a blank.

    It is in error (`is_error`) where the schema is none that llguidance can follow.
    """
    from llguidance import LLMatcher

    object_of = json.dumps({**bounded(schema), "x-guidance": _OPTIONS})
    return LLMatcher(words, LLMatcher.grammar_from_lark(f'start: " " object\nobject: %json {object_of}'), log_level=0)


@dataclass(frozen=True, slots=True)
class Constrained:
    """Takes the likeliest token that each row's matcher allows, for `_generation.decode`."""

    matchers: Sequence[LLMatcher]

    def draw(self, logits: Any, rows: Sequence[int], step: int) -> Any:  # noqa: ANN401 -- torch tensors
        """Return a token for each of `rows`, whose logits are (rows, vocabulary)."""
        import torch

        bits = np.stack([np.frombuffer(self.matchers[row].compute_bitmask(), dtype=np.uint8) for row in rows])
        allowed = np.unpackbits(bits, axis=1, count=logits.shape[-1], bitorder="little").astype(bool)
        tokens = logits.masked_fill(torch.from_numpy(~allowed).to(logits.device), -torch.inf).argmax(-1)
        for row, token in zip(rows, tokens.tolist(), strict=True):
            self.matchers[row].consume_token(token)
        return tokens


def bounded(schema: Mapping[str, object]) -> dict[str, object]:
    """Return a schema that is met by less: strings, lists and numbers have an end, objects only their own properties.

    A value of which nothing is said is one that is neither list nor object.
    """
    made = {key: value for key, value in schema.items() if key != "x-guidance"}
    if not any(key in made for key in _SAYS_WHAT):
        made["type"] = next((kind for key, kind in _HINTS.items() if key in made), _SCALARS)
    for key in _SCHEMAS_BY_NAME:
        if isinstance(inside := made.get(key), Mapping):
            made[key] = {name: _bounded(each) for name, each in inside.items()}
    for key in _SCHEMAS:
        if key in made:
            made[key] = _bounded(made[key])
    for key in _LISTS_OF_SCHEMAS:
        if isinstance(several := made.get(key), Sequence):
            made[key] = [_bounded(each) for each in several]
    if "enum" in made or "const" in made:
        return made
    types = made.get("type", ())
    kinds = {types} if isinstance(types, str) else set(types if isinstance(types, Sequence) else ())
    if "string" in kinds:
        made["maxLength"] = _most(made, "minLength", "maxLength", LONGEST_STRING + 1)
    if "array" in kinds:
        made["maxItems"] = _most(made, "minItems", "maxItems", LONGEST_LIST + 1)
        made.setdefault("items", bounded({}))
    if kinds & {"number", "integer"}:
        made |= _range(made)
    if "object" in kinds:
        made.setdefault("additionalProperties", False if made.get("properties") else _bounded({}))
    return made


def overruns(value: object) -> bool:
    """Tell whether a string or a list in the value is longer than the model may write: the grammar had to end it."""
    if isinstance(value, str):
        return len(value) > LONGEST_STRING
    if isinstance(value, dict):
        return any(map(overruns, value.values()))
    return isinstance(value, list) and (len(value) > LONGEST_LIST or any(map(overruns, value)))


def _bounded(schema: object) -> object:
    if schema is True:
        return bounded({})
    return bounded(schema) if isinstance(schema, Mapping) else schema


def _most(schema: Mapping[str, object], least: str, most: str, limit: int) -> int:
    low, high = schema.get(least), schema.get(most)
    limit = max(limit, low) if isinstance(low, int) else limit
    return min(limit, high) if isinstance(high, int) else limit


def _range(schema: Mapping[str, object]) -> dict[str, object]:
    has_least = "minimum" in schema or "exclusiveMinimum" in schema
    has_most = "maximum" in schema or "exclusiveMaximum" in schema
    if has_least or has_most:
        return {}
    return {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
