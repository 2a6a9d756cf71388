"""Under a grammar, whatever the logits are, what is written fits its schema or was cut off."""

import json

import numpy as np
import pytest

from groundtune.calls import NotACall, call_of
from groundtune.models import _grammar
from groundtune.models._grammar import (
    LONGEST_LIST,
    LONGEST_STRING,
    bounded,
    matcher,
    overruns,
    vocabulary,
    whole_matcher,
)
from groundtune.testing.selecting import CHANGE_PLAN, NETWORK_STATUS, PAY_BILL, REPORT
from groundtune.testing.tiny import tiny_model
from groundtune.values import ActionSchema

STEPS = 400
BEFORE = "arguments: "
EVERY_KIND = {
    "text": {"type": "string"},
    "short": {"type": "string", "minLength": 2, "maxLength": 4},
    "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
    "day": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "mail": {"type": "string", "format": "email"},
    "odd_format": {"type": "string", "format": "msisdn"},
    "whole": {"type": "integer"},
    "share": {"type": "number", "minimum": 0, "maximum": 1},
    "more": {"type": "number", "exclusiveMinimum": 3},
    "flag": {"type": "boolean"},
    "one_of": {"enum": ["a", 2, None, {"x": [1]}]},
    "fixed": {"const": "yes"},
    "perhaps": {"type": ["string", "null"]},
    "either": {"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 3}]},
    "any_of": {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "integer"}}]},
    "referred": {"$ref": "#/$defs/point"},
    "tree": {"$ref": "#/$defs/tree"},
    "list": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "anything": {},
    "true": True,
    "listed": {"type": "array"},
    "free": {"type": "object"},
    "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    "bare_list": {"items": {"type": "integer"}},
    "inner": {"properties": {"a": {"type": "string"}}, "required": ["a"]},
}
POINT = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": False}

TREE = {"type": "object", "properties": {"under": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}


def action_of(name, schema):
    parameters = {
        "type": "object",
        "properties": {name: schema},
        "required": [name],
        "$defs": {"point": POINT, "tree": TREE},
    }
    return ActionSchema(name, "", {**parameters, "additionalProperties": False})


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture(scope="module")
def words(tokenizer):
    return vocabulary(tokenizer, len(tokenizer), {tokenizer.eos_token_id})


def written(words, tokenizer, schema, seed):
    """Return what random logits write under a schema, None if it does not end."""
    import torch

    allowed = matcher(words, {BEFORE: schema})
    assert not allowed.is_error(), allowed.get_error()
    sampler, generator, tokens = _grammar.Constrained([allowed]), np.random.default_rng(seed), []
    closing = generator.choice([0.0, 4.0])  # some draws like to close what is open, others go on for long
    for step in range(STEPS):
        logits = generator.normal(size=(1, len(tokenizer)))
        logits[0, tokenizer.convert_tokens_to_ids(['"', "}", "]"])] += closing
        (token,) = sampler.draw(torch.from_numpy(logits), [0], step).tolist()
        if token == tokenizer.eos_token_id:
            return tokenizer.decode(tokens).removeprefix(BEFORE)
        tokens.append(token)
    return None


@pytest.mark.parametrize(
    "action",
    [CHANGE_PLAN, PAY_BILL, NETWORK_STATUS, REPORT, *(action_of(*each) for each in EVERY_KIND.items())],
    ids=lambda action: action.name,
)
def test_what_ends_fits_the_schema(words, tokenizer, action):
    texts = [written(words, tokenizer, action.parameters, seed) for seed in range(12)]
    ended = [text for text in texts if text is not None and not overruns(json.loads(text))]
    assert ended
    for text in ended:
        assert call_of(action, text).action == action.name


def test_the_same_draws_without_a_grammar_fit_no_schema(tokenizer):
    """The test above can fail: it is the grammar that makes these fit."""
    generator = np.random.default_rng(1)
    for _ in range(50):
        with pytest.raises(NotACall):
            call_of(PAY_BILL, tokenizer.decode(generator.integers(2, len(tokenizer), size=60)))


def test_strings_and_lists_have_an_end(words, tokenizer):
    text = action_of("text", {"type": "string"}).parameters
    accepted = [consumed(words, tokenizer, text, json.dumps({"text": "x" * length})) for length in (160, 161, 162)]
    assert accepted == [True, True, False]
    many = action_of("list", {"type": "array", "items": {"type": "integer"}}).parameters
    assert [consumed(words, tokenizer, many, json.dumps({"list": [1] * length})) for length in (13, 14)] == [
        True,
        False,
    ]
    assert consumed(words, tokenizer, action_of("whole", {"type": "integer"}).parameters, '{"whole": 1000000000000}')
    assert not consumed(
        words, tokenizer, action_of("whole", {"type": "integer"}).parameters, '{"whole": 10000000000000}'
    )


def consumed(words, tokenizer, schema, text):
    allowed = matcher(words, {BEFORE: schema})
    return allowed.consume_tokens(tokenizer(BEFORE + text)["input_ids"]) and allowed.is_accepting()


def test_what_the_grammar_had_to_end_is_told():
    assert not overruns({"a": "x" * LONGEST_STRING, "b": [1] * LONGEST_LIST, "c": None})
    assert overruns({"a": [{"b": "x" * (LONGEST_STRING + 1)}]})
    assert overruns({"a": {"b": [1] * (LONGEST_LIST + 1)}})


def test_limits_of_the_schema_itself_stay():
    assert bounded({"type": "string", "maxLength": 500})["maxLength"] == LONGEST_STRING + 1
    assert bounded({"type": "string", "maxLength": 5})["maxLength"] == 5
    assert bounded({"type": "array", "items": {}, "minItems": 40, "maxItems": 50})["maxItems"] == 40
    assert bounded({"type": "integer", "minimum": 5}) == {"type": "integer", "minimum": 5}
    assert bounded({"enum": ["x" * 500]}) == {"enum": ["x" * 500]}


def test_a_property_may_have_the_name_of_a_keyword():
    schema = {"type": "object", "properties": {"enum": {"type": "string"}, "type": {"type": "array"}}}
    made = bounded(schema)["properties"]
    assert made["enum"]["maxLength"] == LONGEST_STRING + 1
    assert made["type"]["maxItems"] == LONGEST_LIST + 1


@pytest.mark.parametrize(
    "schema", [{"type": "string", "pattern": "(?=a)b"}, {"$ref": "#/$defs/missing"}, {"type": "dict"}]
)
def test_a_schema_that_no_grammar_can_follow_is_told(words, schema):
    assert matcher(words, {BEFORE: action_of("a", schema).parameters}).is_error()


def test_alternatives_stand_beside_one_another(words, tokenizer):
    three = {'"pay" ': PAY_BILL.parameters, '"\\ä" ': NETWORK_STATUS.parameters, "none": None}
    texts = ["none", '"\\ä" {}', '"pay" {}', "non", "none {}", '"pay" {"bill": "B", "euros": 1}']
    accepted = []
    for text in texts:
        allowed = matcher(words, three)
        accepted.append(allowed.consume_tokens(tokenizer(text)["input_ids"]) and allowed.is_accepting())
    assert accepted == [True, True, False, False, False, True]


def test_the_others_do_without_such_a_schema(words, tokenizer, caplog):
    odd = action_of("a", {"type": "string", "pattern": "(?=a)b"}).parameters
    allowed = whole_matcher(words, {"odd ": odd, "pay ": PAY_BILL.parameters})
    assert not allowed.is_error()
    assert "after 'odd ': its schema has no grammar" in caplog.text
    assert "look-around, including look-ahead and look-behind, is not supported" in caplog.text
    assert "pay" not in caplog.text
    assert allowed.deep_copy().consume_tokens(tokenizer("odd ")["input_ids"])
    assert not allowed.deep_copy().consume_tokens(tokenizer("odd {")["input_ids"])
    assert allowed.deep_copy().consume_tokens(tokenizer("pay {")["input_ids"])


def test_a_vocabulary_is_made_once(words, tokenizer):
    assert vocabulary(tokenizer, len(tokenizer), {tokenizer.eos_token_id}) is words
