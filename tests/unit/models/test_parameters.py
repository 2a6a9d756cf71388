"""Which parameter an endpoint's refusal is about, and what it takes instead: wordings of many servers."""

import json

import pytest

from groundtune.models._parameters import Parameters, refused

SENT = {
    "model": "m",
    "messages": [],
    "temperature": 0,
    "max_tokens": 96,
    "logprobs": True,
    "top_logprobs": 20,
    "stream_options": {"include_usage": True},
}


def extra(*loc):
    return json.dumps({"detail": [{"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"}]})


@pytest.mark.parametrize(
    ("text", "name", "bound"),
    [
        ("`temperature` is deprecated for this model.", "temperature", None),
        ("Unsupported value: 'temperature' does not support 0 with this model. Only 1 is.", "temperature", None),
        ("litellm.UnsupportedParamsError: m does not support parameters: {'temperature': 0}", "temperature", None),
        ("temperature: Extra inputs are not permitted", "temperature", None),
        ("`temperature` may only be set to 1 when thinking is enabled", "temperature", None),
        ('{"message": "Validation failed", "errors": {"temperature": ["is not allowed"]}}', "temperature", None),
        ('{"error": "Input validation error: `temperature` must be strictly positive"}', "temperature", 0.01),
        ("temperature should be in (0.0, 1.0]", "temperature", 0.01),
        ("temperature must be >= 0.1", "temperature", 0.1),
        ("top_logprobs must be <= 5", "top_logprobs", 5),
        ("Requested sample logprobs of 20, which is greater than max allowed: 5", "top_logprobs", 5),
        ("top_logprobs: expected [0, 5]", "top_logprobs", 5),
        ('{"detail": [{"loc": ["top_logprobs"], "msg": "too large", "ctx": {"le": 8}}]}', "top_logprobs", 8),
        (extra("body", "top_logprobs"), "top_logprobs", None),
        ("1 validation error for Request\ntop_logprobs\n  extra fields not permitted", "top_logprobs", None),
        (extra("body", "logprobs"), "logprobs", None),
        ("property 'logprobs' is unsupported", "logprobs", None),
        ("Unrecognized request argument supplied: logprobs", "logprobs", None),
        ("Additional properties are not allowed ('logprobs' was unexpected)", "logprobs", None),
        ("max_tokens is too large: 96. This model supports at most 64 completion tokens.", "max_tokens", 64),
        ("max_tokens: 96 > 64, which is the maximum allowed number of output tokens", "max_tokens", 64),
        ("Range of max_tokens should be [1, 64]", "max_tokens", 64),
        ("max_tokens (96) exceeds limit (64)", "max_tokens", 64),
        ("The maximum tokens you requested exceeds the model limit of 64.", "max_tokens", 64),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens", None),
        (
            '{"error": {"code": 400, "message": "Unknown name \\"stream_options\\": Cannot find"}}',
            "stream_options",
            None,
        ),
        ('{"error": ["unknown field: stream_options"]}', "stream_options", None),
    ],
)
def test_a_refusal_names_a_parameter_and_may_name_what_is_taken(text, name, bound):
    found = refused(text, SENT)
    assert (found.name, found.bound) == (name, bound)


@pytest.mark.parametrize(
    "text",
    [
        "The model `m` does not exist",
        "This model's maximum context length is 4096 tokens; max_tokens is too large",
        "The response was filtered by the content management policy.",
        "Rate limit: at most 5 requests, do not stream so many",
        '{"error": {"message": "Invalid temperature in the picture", "param": "messages[0].content"}}',
        "`top_n_tokens` must be <= 5",
        "",
    ],
)
def test_other_errors_name_none(text):
    assert refused(text, {**SENT, "stream": True}) is None


def test_a_limit_is_renamed_then_lowered_then_left_out():
    known = Parameters("m at x")
    body = {"max_tokens": 96}
    assert known.learn("'max_tokens' is not supported", known.accepted(body))
    assert known.accepted(body) == {"max_completion_tokens": 96}
    assert known.learn("max_completion_tokens must be <= 64", known.accepted(body))
    assert known.accepted(body) == {"max_completion_tokens": 64}
    assert known.adjusted(body) == ("`max_tokens` 64 in the place of 96",)
    assert known.learn("max_completion_tokens is not supported", known.accepted(body))
    assert known.accepted(body) == {}
    assert known.adjusted(body) == ("`max_tokens` left out",)


def test_a_smallest_limit_is_kept():
    known = Parameters("m at x")
    assert known.learn("max_tokens: expected a value >= 16, but got 1", {"max_tokens": 1})
    assert known.accepted({"max_tokens": 1}) == {"max_tokens": 16}
    assert known.accepted({"max_tokens": 96}) == {"max_tokens": 96}


def test_what_another_thread_has_learnt_is_not_said_again(caplog):
    known = Parameters("m at x")
    for _ in range(3):
        assert known.learn("temperature is not supported", {"temperature": 0})
    assert len(caplog.messages) == 1
