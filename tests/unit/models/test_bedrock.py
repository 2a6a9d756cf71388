"""Bedrock without AWS: calls validated by botocore's own model, and a server on this machine that checks signatures."""

import hashlib
import hmac
import json
import random
import re
import sys
from urllib.parse import quote

import boto3
import pytest
from botocore.stub import Stubber

from groundtune import plugins
from groundtune.assistant.closed_book import ClosedBook
from groundtune.errors import ModelFailed, NotInstalled, SettingsError
from groundtune.http import Backoff
from groundtune.models.bedrock import Bedrock
from groundtune.settings import AssistantSettings, ModelSettings
from groundtune.testing import bedrock as wire
from groundtune.testing.endpoint import LocalEndpoint, Response, in_turn
from groundtune.values import Choice, Completion, Message, Question, ToolCall, Usage

NAME = "bedrock:amazon.nova-lite-v1:0@eu-west-1"
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ASKED = (Message("system", "Be short."), Message("user", "Is it open?"))
HELLO = Completion("Yes, it is.", Usage(7, 4))


@pytest.fixture(autouse=True)
def credentials(monkeypatch, tmp_path):
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


class Waits:
    def __init__(self, attempts=3):
        self.seconds = []
        self.backoff = Backoff(attempts=attempts, sleep=self.seconds.append, generator=random.Random(1))


@pytest.fixture
def serve(monkeypatch):
    """Start a server that gives these responses in turn; return the model and the server."""
    running = []

    def start(*responses, attempts=3, **settings):
        endpoint = LocalEndpoint(in_turn(*responses)).__enter__()
        running.append(endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
        waits = Waits(attempts)
        model = Bedrock(ModelSettings(name=NAME, **settings), waits.backoff)
        model.waits = waits.seconds
        return model, endpoint

    yield start
    for endpoint in running:
        endpoint.__exit__(None, None, None)


def signature(request, region="eu-west-1", service="bedrock"):
    """Signature Version 4, worked out from the request alone (AWS General Reference, "Create a signed request")."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = re.search(r"Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)", headers["authorization"])
    credential, signed, given = found.groups()
    date = headers["x-amz-date"]
    body = hashlib.sha256(json.dumps(request.body).encode()).hexdigest()
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed.split(";"))
    canonical = "\n".join(["POST", quote(request.path, safe="/"), "", lines, signed, body])
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    assert credential == f"{KEY}/{scope}"
    return given, hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_calls_are_what_botocore_says_they_must_be():
    client = boto3.client("bedrock-runtime", region_name="eu-west-1")
    expected = {
        "modelId": "amazon.nova-lite-v1:0",
        "system": [{"text": "Be short."}],
        "messages": [{"role": "user", "content": [{"text": "Is it open?"}]}],
        "inferenceConfig": {"maxTokens": 20, "temperature": 0.0},
    }
    reply = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Yes, "}, {"text": "it is."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 7, "outputTokens": 4, "totalTokens": 11},
        "metrics": {"latencyMs": 12},
    }
    with Stubber(client) as stub:
        stub.add_response("converse", reply, expected)
        (found,) = Bedrock(ModelSettings(name=NAME), client=client).complete([ASKED], max_tokens=20)
        stub.assert_no_pending_responses()
    assert (found.text, found.finish_reason) == ("Yes, it is.", "stop")
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (7, 4)
    assert found.usage.seconds > 0


def test_requests_are_signed(serve):
    model, endpoint = serve(wire.said(HELLO), wire.streamed(["Yes, it ", "is."], HELLO))
    model.complete([ASKED])
    "".join(model.stream(ASKED))
    for request in endpoint.requests:
        given, expected = signature(request)
        assert given == expected
    assert [request.path for request in endpoint.requests] == [
        "/model/amazon.nova-lite-v1%3A0/converse",
        "/model/amazon.nova-lite-v1%3A0/converse-stream",
    ]
    assert SECRET not in str(endpoint.requests)


def test_a_stream_gives_pieces_and_returns_the_whole(serve):
    model, _ = serve(wire.streamed(["Yes, it ", "is."], Completion("Yes, it is.", Usage(7, 4), "length")))
    stream = model.stream(ASKED)
    assert [next(stream), next(stream)] == ["Yes, it ", "is."]
    with pytest.raises(StopIteration) as end:
        next(stream)
    assert end.value.value == Completion("Yes, it is.", Usage(7, 4), "length")


def test_too_many_requests_are_asked_again_after_as_long_as_it_says(serve):
    busy = wire.refused(429, "ThrottlingException", "Too many requests", {"Retry-After": "2"})
    model, endpoint = serve(busy, wire.refused(503, "ServiceUnavailableException", "later"), wire.said(HELLO))
    assert model.complete([ASKED])[0].text == "Yes, it is."
    assert len(endpoint.requests) == 3
    assert model.waits[0] == 2.0
    assert 0 < model.waits[1] <= 1.0


@pytest.mark.parametrize(
    ("response", "words", "requests"),
    [
        (wire.refused(429, "ThrottlingException", "slow down"), "429 ThrottlingException: slow down Tried 3 times", 3),
        (wire.refused(500, "InternalServerException", "oh"), "500 InternalServerException: oh Tried 3 times", 3),
        (Response([b"<html>oops"], 502), "502", 3),
        (wire.refused(403, "AccessDeniedException", "no"), "403 AccessDeniedException: no", 1),
        (wire.refused(400, "ValidationException", "on-demand"), "inference profile", 1),
        (wire.refused(404, "ResourceNotFoundException", "gone"), "access to the model", 1),
        (Response([b"{}"]), "answered without a message", 1),
        (Response([b"garbage"]), "answered without a message", 1),
        (Response([b'{"output": []}']), "cannot be read", 1),
    ],
)
def test_what_goes_wrong_is_a_failure_with_a_remedy(serve, response, words, requests):
    model, endpoint = serve(response)
    with pytest.raises(ModelFailed, match=words) as error:
        model.complete([ASKED])
    assert error.value.place == NAME
    assert error.value.remedy
    assert len(endpoint.requests) == requests


def test_a_server_that_hangs_is_given_up(serve):
    model, endpoint = serve(Response([b"{}"], delay=5), attempts=5, timeout=0.2)
    with pytest.raises(ModelFailed, match=r"did not reply within 0.2 seconds. Tried 2 times"):
        model.complete([ASKED])
    assert len(endpoint.requests) == 2


def test_a_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    waits = Waits(2)
    with pytest.raises(ModelFailed, match="cannot be reached"):
        Bedrock(ModelSettings(name=NAME), waits.backoff).complete([ASKED])
    assert len(waits.seconds) == 1


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([wire.event("contentBlockDelta", {"delta": {"text": "Yes"}, "contentBlockIndex": 0})], "before the answer"),
        ([wire.event("throttlingException", {"message": "slow"}, "exception")], "stopped in the middle of the answer"),
        ([wire.event("validationException", {"message": "bad"}, "exception")], "ValidationException: bad"),
        ([b"\x00\x00\x00\x20garbage that is long enough to be a frame"], "cannot be read"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure(serve, frames, words):
    model, endpoint = serve(wire.stream_of(frames))
    with pytest.raises(ModelFailed, match=words):
        list(model.stream(ASKED))
    assert len(endpoint.requests) == 1


def test_without_credentials_it_says_so(monkeypatch, serve):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps the credentials it has seen
    model, _ = serve(wire.said(HELLO))
    with pytest.raises(ModelFailed, match="no AWS credentials"):
        model.complete([ASKED])


def test_a_choice_is_what_the_reply_names(serve):
    model, endpoint = serve(wire.said(Completion(" 2.", Usage(30, 2))), wire.said(Completion("Who knows", Usage())))
    found = model.weigh(ASKED, ["1", "2", "3"])
    assert found == Choice({"1": 0.005, "2": 0.99, "3": 0.005}, Usage(30, 2), 1.0, "2.")
    assert endpoint.requests[0].body["messages"][0]["content"] == [{"text": ASKED[-1].content}]
    with pytest.raises(ModelFailed, match="was asked for one of A, B and replied 'Who knows'"):
        model.choose(ASKED, ["yes", "no"])
    assert "A. yes\nB. no" in endpoint.requests[1].body["messages"][0]["content"][0]["text"]
    assert model.choose(ASKED, ["1"]) == {"1": 1.0}
    assert len(endpoint.requests) == 2


def test_turns_of_one_role_in_a_row_go_together_and_none_is_empty(serve):
    model, endpoint = serve(wire.said(HELLO))
    model.complete([(Message("user", "a"), Message("user", "b"), Message("assistant", ""), Message("user", "c"))])
    assert endpoint.requests[0].body["messages"] == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "assistant", "content": [{"text": " "}]},
        {"role": "user", "content": [{"text": "c"}]},
    ]
    assert "system" not in endpoint.requests[0].body


def test_calls_of_tools_in_earlier_turns_are_written_out(serve):
    model, endpoint = serve(wire.said(HELLO))
    model.complete([(Message("user", "a"), Message("assistant", "", (ToolCall("f"),)), Message("tool", "9"))])
    assert endpoint.requests[0].body["messages"][1:] == [
        {"role": "assistant", "content": [{"text": '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'}]},
        {"role": "user", "content": [{"text": "<tool_response>\n9\n</tool_response>"}]},
    ]


@pytest.mark.parametrize("name", ["bedrock:", "bedrock:nova", "bedrock:nova@", "bedrock:@eu-west-1", "bedrock:a b@eu"])
def test_names_that_are_not_whole_are_refused(name):
    with pytest.raises(SettingsError, match=r"model\.name"):
        Bedrock(ModelSettings(name=name))


def test_the_plugin_knows_its_names(tmp_path):
    settings = ModelSettings(name=NAME)
    model = plugins.first("models", NAME, settings, tmp_path)
    assert (model.name, model.signature) == (NAME, f"{NAME}|converse|temperature:0|max_tokens:96")


def test_without_boto3_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(NotInstalled, match=r"groundtune\[aws\]"):
        Bedrock(ModelSettings(name=NAME))


# --- reasoning, empty replies and refused parameters ----------------------------------------------


def conversed(*blocks, stop="end_turn", usage=None):
    reply = {"output": {"message": {"role": "assistant", "content": list(blocks)}}, "stopReason": stop, "usage": usage}
    return Response([json.dumps(reply).encode()], headers={"Content-Type": "application/json"})


def conversed_in_events(*deltas, stop="end_turn"):
    events = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
    return wire.stream_of([wire.event(*each) for each in [*events, ("messageStop", {"stopReason": stop})]])


THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Nine.", "signature": "abc"}}}


@pytest.mark.parametrize(
    ("blocks", "deltas"),
    [
        (
            [THOUGHT, {"text": "Yes."}],
            [{"reasoningContent": {"text": "Ni"}}, {"reasoningContent": {"text": "ne."}}, {"text": "Yes."}],
        ),
        ([{"text": "<think>Nine.</think>Yes."}], [{"text": "<thi"}, {"text": "nk>Nine.</think>Yes."}]),
        ([{"text": "Nine.\n</think>\n\nYes."}], [{"text": "Nine.\n</think>\n\nYes."}]),
        (
            [{"reasoningContent": {"redactedContent": "YWJj"}}, THOUGHT, {"text": "Yes."}],
            [
                {"reasoningContent": {"redactedContent": "YWJj"}},
                {"reasoningContent": {"text": "Nine."}},
                {"text": "Yes."},
            ],
        ),
    ],
)
def test_reasoning_is_kept_apart(serve, blocks, deltas):
    model, _ = serve(conversed(*blocks), conversed_in_events(*deltas))
    (whole,) = model.complete([ASKED])
    streamed = ended(model.stream(ASKED))
    assert (whole.text, whole.reasoning) == (streamed.text, streamed.reasoning) == ("Yes.", "Nine.")


def ended(stream):
    while True:
        try:
            next(stream)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize(
    ("blocks", "stop", "reason"),
    [
        ([], "max_tokens", "length"),
        ([THOUGHT], "max_tokens", "length"),
        ([{"text": "  "}], "end_turn", "stop"),
        ([{"toolUse": {"toolUseId": "1", "name": "f", "input": {}}}], "tool_use", "tool_calls"),
        ([], "guardrail_intervened", "content_filter"),
        ([], "malformed_model_output", "other 'malformed_model_output'"),
        ([], "model_context_window_exceeded", "length"),
    ],
)
def test_an_empty_reply_is_an_error_with_its_finish_reason(serve, blocks, stop, reason):
    deltas = [{"text": block["text"]} for block in blocks if "text" in block]
    model, _ = serve(conversed(*blocks, stop=stop), conversed_in_events(*deltas, stop=stop))
    answerer = ClosedBook(model, AssistantSettings(), "Acme")
    for ask in (answerer.answer, lambda question: list(answerer.stream(question))):
        with pytest.raises(ModelFailed, match=f"gave no answer.*finish reason: {reason}"):
            ask(Question("Is it open?"))


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ("`temperature` is deprecated for this model.", {"maxTokens": 96}),
        ("The model returned the following errors: temperature: Extra inputs are not permitted", {"maxTokens": 96}),
        ("The maximum tokens you requested exceeds the model limit of 64.", {"maxTokens": 64, "temperature": 0.0}),
        (
            "max_tokens: 96 > 64, which is the maximum allowed number of output tokens",
            {"maxTokens": 64, "temperature": 0.0},
        ),
    ],
)
def test_a_parameter_that_a_model_refuses_is_left_out_or_lowered(serve, message, config):
    refusal = wire.refused(400, "ValidationException", message)
    model, endpoint = serve(refusal, wire.said(HELLO), wire.streamed(["Yes, it is."], HELLO))
    (completion,) = model.complete([ASKED])
    assert (completion.text, len(completion.adjusted)) == (HELLO.text, 1)
    assert "".join(model.stream(ASKED)) == HELLO.text
    assert [request.body["inferenceConfig"] for request in endpoint.requests[1:]] == [config, config]


@pytest.mark.parametrize("usage", [None, {}, {"inputTokens": None, "outputTokens": 3}])
def test_missing_usage_is_taken(serve, usage):
    model, _ = serve(conversed({"text": "Yes."}, usage=usage))
    assert model.complete([ASKED])[0].text == "Yes."
