"""Decoding under a JSON Schema: at each step, only tokens after which the text can still become a fitting object.

llguidance works out which tokens these are; see docs/decisions/0026-selecting-actions.md. Knows token ids, no
conversations. Strings and lists are bounded, so that what is written ends.
"""

from __future__ import annotations

import json
import logging
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
_REASON = 200  # characters of an error of llguidance, which ends with the grammar
_log = logging.getLogger(__name__)
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


def matcher(words: LLTokenizer, alternatives: Mapping[str, Mapping[str, object] | None]) -> LLMatcher:
    """Return what follows a text that one of the alternatives is to continue: a text, then JSON of its schema, if any.

    It is in error (`is_error`) where a schema is none that llguidance can follow.
    """
    from llguidance import LLMatcher

    rules = []
    for place, (text, schema) in enumerate(alternatives.items()):
        made = None if schema is None else json.dumps({**bounded(schema), "x-guidance": _OPTIONS})
        rules += [f"text_{place}: {json.dumps(text)}" + (f" json_{place}\njson_{place}: %json {made}" if made else "")]
    start = " | ".join(f"text_{place}" for place in range(len(alternatives)))
    return LLMatcher(words, LLMatcher.grammar_from_lark("\n".join([f"start: {start}", *rules])), log_level=0)


def whole_matcher(words: LLTokenizer, alternatives: Mapping[str, Mapping[str, object] | None]) -> LLMatcher:
    """Return the same, without the schemas that llguidance cannot follow: after their text comes nothing.

    The log names them. Raises `ModelFailed` where all together are too much.
    """
    made = matcher(words, alternatives)
    if not made.is_error():
        return made
    alone = {text: matcher(words, {text: schema}) for text, schema in alternatives.items()}
    for text, each in alone.items():
        if each.is_error():
            _log.warning("nothing can be written after %r: its schema has no grammar (%s)", text, _error(each))
    made = matcher(words, {text: None if alone[text].is_error() else alternatives[text] for text in alternatives})
    if made.is_error():
        raise ModelFailed(
            f"the schemas of {len(alternatives)} actions are too much for one grammar: {_error(made)}",
            remedy="Offer fewer actions at once, or simpler ones.",
        )
    return made


def _error(made: LLMatcher) -> str:
    return " ".join(made.get_error().split())[:_REASON]


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
