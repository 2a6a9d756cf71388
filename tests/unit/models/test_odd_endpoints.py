"""Endpoints differ: replies of every shape and refusals of every wording, from a real server, whole and streamed."""

import gzip
import html
import json
import logging
import random
import zlib

import pytest

from groundtune.assistant.closed_book import ClosedBook
from groundtune.errors import ModelFailed
from groundtune.evaluation.run import answer_cases
from groundtune.http import Backoff
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.settings import AssistantSettings, ModelSettings
from groundtune.testing.endpoint import LocalEndpoint, Response, error, in_turn, said, streamed
from groundtune.values import Case, Completion, Failure, Message, Usage

ASKED = (Message("user", "What does Brook cost?"),)
TEXT = "Brook costs €9."
REPLY = Completion(TEXT, Usage(12, 6))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def model_at(endpoint, **settings):
    backoff = Backoff(attempts=3, sleep=lambda _: None, generator=random.Random(1))
    return OpenAICompatible(ModelSettings(name=f"openai:org/m@{endpoint.url}", **settings), backoff)


def drain(generator):
    pieces = []
    while True:
        try:
            pieces.append(next(generator))
        except StopIteration as end:
            return pieces, end.value


def completed(*responses, **settings):
    with LocalEndpoint(in_turn(*responses)) as endpoint:
        return model_at(endpoint, **settings).complete([ASKED])[0]


def streamed_whole(*responses, **settings):
    with LocalEndpoint(in_turn(*responses)) as endpoint:
        pieces, completion = drain(model_at(endpoint, **settings).stream(ASKED))
    return "".join(pieces), completion


def body(message, finish="stop", **more):
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def raw(value):
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


def chunk(delta, finish=None, **more):
    return b"data: " + raw({"choices": [{"delta": delta, "finish_reason": finish}], **more}) + b"\n\n"


# --- content ----------------------------------------------------------------------------------------

CONTENTS = [
    TEXT,
    [{"type": "text", "text": TEXT}],
    [{"type": "text", "text": "Brook "}, {"type": "text", "text": "costs €9."}],
    ["Brook ", "costs €9."],
    [{"type": "output_text", "text": TEXT, "annotations": []}],
    [{"text": TEXT}],
    [{"type": "text", "text": {"value": TEXT}}],
    {"type": "text", "text": TEXT},
    [None, {"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": TEXT}],
]


@pytest.mark.parametrize("content", CONTENTS)
def test_content_may_come_as_parts(content):
    whole = completed(Response([raw(body({"role": "assistant", "content": content}))]))
    shown, completion = streamed_whole(Response([chunk({"content": content}, "stop"), b"data: [DONE]\n\n"]))
    assert whole.text == shown == completion.text == TEXT


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (0, 0, 0)),
        ({}, (0, 0, 0)),
        ("unknown", (0, 0, 0)),
        ([], (0, 0, 0)),
        ({"prompt_tokens": 12}, (12, 0, 0)),
        ({"prompt_tokens": "12", "completion_tokens": "6"}, (12, 6, 0)),
        ({"prompt_tokens": 12.0, "completion_tokens": 6.0}, (12, 6, 0)),
        ({"prompt_tokens": 12, "completion_tokens": -1}, (12, 0, 0)),
        ({"prompt_tokens": None, "completion_tokens": 6}, (0, 6, 0)),
        ({"prompt_tokens": 12, "total_tokens": 18}, (12, 6, 0)),
        ({"input_tokens": 12, "output_tokens": 6}, (12, 6, 0)),
        ({"prompt_tokens": {"text": 12}, "completion_tokens": [6], "cost": "0.1"}, (0, 0, 0)),
        (
            {"prompt_tokens": 12, "completion_tokens": 6, "completion_tokens_details": {"reasoning_tokens": 4}},
            (12, 6, 4),
        ),
        ({"prompt_tokens": 12, "completion_tokens": 6, "completion_tokens_details": None}, (12, 6, 0)),
        ({"prompt_tokens": 12, "completion_tokens": 6, "reasoning_tokens": "4"}, (12, 6, 4)),
    ],
)
def test_usage_may_be_missing_or_odd(usage, counts):
    whole = completed(Response([raw(body({"content": TEXT}, usage=usage))]))
    _, completion = streamed_whole(Response([chunk({"content": TEXT}, "stop", usage=usage), b"data: [DONE]\n\n"]))
    for each in (whole, completion):
        assert each.text == TEXT
        assert (each.usage.prompt_tokens, each.usage.completion_tokens, each.usage.reasoning_tokens) == counts


def test_usage_that_is_null_in_the_last_chunk_does_not_undo_what_was_counted():
    events = [
        chunk({"content": TEXT}, usage={"prompt_tokens": 12, "completion_tokens": 6}),
        chunk({}, "stop", usage=None),
    ]
    assert streamed_whole(Response(events))[1].usage == Usage(12, 6)


GOOD = raw(body({"content": TEXT}))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD + b"\r\n  \n\n",
        b"\n\n   \n" + GOOD,
        b": keep-alive\n\n: keep-alive\n\n" + GOOD,
        json.dumps(body({"content": TEXT}), indent=2).encode(),
        raw(body({"content": TEXT}, None)),
        raw([body({"content": TEXT})]),
        raw({"choices": {"message": {"content": TEXT}, "finish_reason": "stop"}}),
        raw({"choices": [{"text": TEXT, "finish_reason": "stop"}]}),
        raw({"choices": [{"delta": {"content": TEXT}, "finish_reason": "stop"}]}),
        raw({"choices": [{"message": None, "text": TEXT, "finish_reason": "stop"}]}),
        raw({"message": {"role": "assistant", "content": TEXT}, "done": True}),
        raw(body({"content": TEXT}, logprobs="none", error=None)),
        raw(body({"content": TEXT}, error={})),
        raw(body({"content": TEXT}, error={"code": 0, "message": ""})),
        raw(body({"content": TEXT, "tool_calls": [], "function_call": None, "refusal": None})),
        chunk({"content": "Brook "}) + chunk({"content": "costs €9."}, "stop") + b"data: [DONE]\n\n",
        GOOD.replace(b'"index": 0', b'"note": "\xff\xfe"'),
    ],
)
def test_a_good_reply_is_never_lost_whatever_stands_around_it(data):
    assert completed(Response([data])).text == TEXT
    shown, completion = streamed_whole(Response([data]))
    assert shown == completion.text == TEXT


def test_a_reply_in_utf_16_is_read():
    assert completed(Response([json.dumps(body({"content": TEXT})).encode("utf-16")])).text == TEXT


@pytest.mark.parametrize(
    "events",
    [
        [chunk({"content": TEXT}, "stop"), b"data:[DONE]"],
        [chunk({"content": TEXT}, "stop").rstrip(), b"\ndata: [DONE]\n"],
        [chunk({"content": "Brook "}).rstrip() + b"\n", chunk({"content": "costs €9."}, "stop").rstrip() + b"\n"],
        [chunk({"content": TEXT}, "stop")],
        [chunk({"content": TEXT}), b"data: [DONE]   \r\n\r\n"],
        [b"\xef\xbb\xbf" + chunk({"content": TEXT}, "stop")],
        [b"data:\n\n", b"data: \n\n", chunk({"content": TEXT}, "stop"), b"data\n\n", b"data: [DONE]\n\n"],
        [b": ping\n\n", b"event: message\r\n", chunk({"content": TEXT}, "stop"), b": ping\n\n"],
        [b"ping\n\n", chunk({"content": TEXT}, "stop")],
        [
            chunk({"role": "assistant"}),
            chunk(None),
            chunk({"content": None}),
            chunk({"content": TEXT}),
            chunk({}, "stop"),
        ],
        [
            b'data: {"choices": []}\n\n',
            b'data: {"choices": null}\n\n',
            b"data: {}\n\n",
            chunk({"content": TEXT}, "stop"),
        ],
        [b"data: " + chunk({"content": TEXT}, "stop")],
        [chunk({"content": TEXT}, "stop").removeprefix(b"data: ").strip() + b"\n"],
        [
            raw({"message": {"content": "Brook "}, "done": False}) + b"\n",
            raw({"message": {"content": "costs €9."}, "done": True}),
        ],
        [b'data: {"choices": [{"text": "Brook costs \xe2\x82\xac9.", "finish_reason": "stop"}]}\n\n'],
        [
            chunk({"content": TEXT}),
            raw({"choices": [{"delta": {}, "message": {"content": TEXT}, "finish_reason": "stop"}]}),
        ],
        [bytes([byte]) for byte in chunk({"content": TEXT}, "stop")],
        [chunk({"content": TEXT}, "stop").replace(b"\n", b"\r")],
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/html; charset=latin-1"}])
def test_a_good_stream_is_never_lost_however_it_is_framed(events, headers):
    shown, completion = streamed_whole(Response(events, headers=headers))
    assert shown == completion.text == TEXT
    assert completed(Response(events, headers=headers)).text == TEXT  # nor where no stream was asked for


@pytest.mark.parametrize(
    ("packed", "stated"),
    [
        (GOOD, "gzip"),
        (GOOD, "deflate"),
        (GOOD, "br"),
        (GOOD, "utf-8"),
        (gzip.compress(GOOD), "gzip"),
        (gzip.compress(GOOD), ""),
        (gzip.compress(GOOD), "deflate"),
        (zlib.compress(GOOD), "deflate"),
        (chunk({"content": TEXT}, "stop"), "gzip"),
        (gzip.compress(chunk({"content": TEXT}, "stop")), "gzip"),
    ],
)
def test_a_wrong_content_encoding_does_no_harm(packed, stated):
    response = Response([packed[:1], packed[1:]], headers={"Content-Encoding": stated})
    assert completed(response).text == TEXT
    assert streamed_whole(response)[0] == TEXT


def test_what_cannot_be_decompressed_is_asked_for_once_more_without_compression():
    broken = Response([b"\x1f\x8b" + b"\xff" * 20], headers={"Content-Encoding": "gzip"})
    with LocalEndpoint(in_turn(broken, said(REPLY))) as endpoint:
        assert model_at(endpoint).complete([ASKED])[0].text == TEXT
    assert endpoint.requests[1].headers["Accept-Encoding"] == "identity"
    with pytest.raises(ModelFailed, match="cannot be decompressed"):
        completed(broken)


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"error": {"message": "worker died"}}, "worker died"),
        ({"error": "worker died"}, "worker died"),
        ({"error": ["worker died", "twice"]}, "worker died; twice"),
        ({"error": {"code": 400, "message": {"detail": [{"msg": "worker died"}]}}}, "worker died"),
        ({"errors": [{"message": "worker died"}]}, "worker died"),
        ({"object": "error", "message": "worker died", "code": 404}, "worker died"),
        ({"type": "error", "error": {"type": "api_error", "message": "worker died"}}, "worker died"),
        ({"detail": "worker died"}, "worker died"),
        ({"error": True, "reason": "worker died"}, "worker died"),
        ({"error": {"code": 1302}}, "1302"),
        (
            {
                "error": {"message": "worker died"},
                "choices": [{"message": {"content": "Bro"}, "finish_reason": "error"}],
            },
            "died",
        ),
        ({"choices": [{"message": {"content": "Bro"}, "finish_reason": "error"}]}, "finish reason 'error'"),
        ({"choices": []}, "without any choices"),
        ({"choices": [None]}, "without any choices"),
        ({"choices": "none"}, "not a chat completion"),
        ({"choices": [7]}, "not a chat completion"),
        ({"choices": [{"message": ["x"]}]}, "not a chat completion"),
        (b"<html><body>Welcome</body></html>", "not a chat completion"),
        (b"[" * 5000, "not a chat completion"),
        (b"null", "not a chat completion"),
        (b"", "not a chat completion"),
        (b"Internal error", "not a chat completion"),
    ],
)
def test_an_error_in_a_200_is_an_error_with_its_reason(data, reason):
    with pytest.raises(ModelFailed, match=reason):
        completed(Response([raw(data)]))
    with pytest.raises(ModelFailed):
        streamed_whole(Response([raw(data)]))
    if isinstance(data, dict) and "error" in data:
        for events in (
            [b"data: " + raw(data)],
            [chunk({"content": "Bro"}), b"data: " + raw(data)],
            [chunk({"content": "Bro"}), raw(data)],
        ):
            with pytest.raises(ModelFailed, match=reason):
                streamed_whole(Response(events))


def test_an_answer_that_is_complete_outweighs_an_error_beside_it():
    data = body({"content": TEXT}, error={"message": "usage could not be counted"})
    assert completed(Response([raw(data)])).text == TEXT
    events = [chunk({"content": TEXT}, "stop"), b"data: " + raw({"error": {"message": "usage could not be counted"}})]
    assert streamed_whole(Response(events))[0] == TEXT


@pytest.mark.parametrize("status", [500, 502, 520, 521, 522, 523, 524, 525, 526, 529, 530])
def test_statuses_that_pass_are_asked_again(status):
    page = b"<html><head><title>Web server is down</title></head><body><h1>Error</h1></body></html>"
    assert completed(Response([page], status), said(REPLY)).text == TEXT
    assert streamed_whole(Response([page], status), streamed([TEXT], REPLY))[0] == TEXT
    with pytest.raises(ModelFailed, match=f"answered {status}: Web server is down: Error Tried 3 times"):
        completed(Response([page], status))


@pytest.mark.parametrize(
    "fault",
    [{"code": 503, "message": "x"}, {"code": "429", "message": "x"}, {"type": "overloaded_error", "message": "x"}],
)
def test_a_passing_error_in_a_200_is_asked_again(fault):
    busy = Response([raw({"error": fault})])
    assert completed(busy, said(REPLY)).text == TEXT
    assert streamed_whole(Response([b"data: " + raw({"error": fault})]), streamed([TEXT], REPLY))[0] == TEXT


def test_a_json_error_in_a_page_is_read():
    told = html.escape(json.dumps({"error": {"message": "no such model"}}))
    page = f"<html><style>p {{color: red}}</style><pre>{told}</pre></html>".encode()
    with pytest.raises(ModelFailed, match="answered 400: no such model"):
        completed(Response([page], 400))


# --- no answer --------------------------------------------------------------------------------------

SILENT = [
    ({"content": None}, "length", "length"),
    ({"content": ""}, "length", "length"),
    ({"content": " \n"}, "max_tokens", "length"),
    ({"content": []}, "stop", "stop"),
    ({}, "content_filter", "content_filter"),
    (
        {"content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
        "tool_calls",
        "tool_calls",
    ),
    (
        {"content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
        "stop",
        "tool_calls",
    ),
    ({"content": None, "refusal": "I cannot help with that."}, "stop", "refusal 'I cannot help with that.'"),
    ({"content": [{"type": "refusal", "refusal": "I cannot."}]}, "stop", "refusal 'I cannot.'"),
    ({"content": None, "reasoning_content": "Let me see"}, "length", "length"),
    ({"content": "<think>Let me see"}, "length", "length"),
    ({"content": None}, "max_time", "other 'max_time'"),
    ({"content": None}, None, "other"),
]


def case(number):
    return Case(f"c{number}", "What does Brook cost?", TEXT, (), True, f"g{number}", "test")


@pytest.mark.parametrize(("message", "finish", "reason"), SILENT)
def test_an_empty_reply_of_an_endpoint_fails_with_its_finish_reason(message, finish, reason):
    whole = Response([raw(body(message, finish))])
    with LocalEndpoint(in_turn(whole)) as endpoint:
        answerer = ClosedBook(model_at(endpoint), AssistantSettings(), "Acme")
        outcomes = answer_cases(answerer, [case(number) for number in range(40)], {}, lambda _: None)
        with pytest.raises(ModelFailed, match="gave no answer"):
            answerer.answer(case(0).asked)
    assert len(endpoint.requests) == 41  # each once
    assert all(isinstance(each, Failure) and f"(finish reason: {reason}" in each.reason for each in outcomes.values())
    with LocalEndpoint(in_turn(Response([chunk(message, finish), b"data: [DONE]\n\n"]))) as endpoint:
        answerer = ClosedBook(model_at(endpoint), AssistantSettings(), "Acme")
        with pytest.raises(ModelFailed, match="gave no answer"):
            list(answerer.stream(case(0).asked))


@pytest.mark.parametrize(
    "events",
    [
        [b"data: [DONE]\n\n"],
        [chunk({"role": "assistant"}), b"data: [DONE]\n\n"],
        [chunk(None, "stop")],
        [b'data: {"choices": []}\n\n', b"data: [DONE]\n\n"],
        [],
        [b": ping\n\n"],
        [b"<html>Welcome</html>"],
    ],
)
def test_a_stream_without_a_word_never_becomes_an_abstention(events):
    with LocalEndpoint(in_turn(Response(events))) as endpoint:
        answerer = ClosedBook(model_at(endpoint), AssistantSettings(), "Acme")
        with pytest.raises(ModelFailed):
            list(answerer.stream(case(0).asked))


# --- reasoning --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        {"content": TEXT, "reasoning_content": "Nine."},
        {"content": TEXT, "reasoning": "Nine."},
        {"content": TEXT, "reasoning": "Nine.", "reasoning_content": "Nine."},
        {"content": TEXT, "reasoning": "Nine.", "reasoning_details": [{"type": "reasoning.text", "text": "Nine."}]},
        {"content": TEXT, "reasoning_details": [{"type": "reasoning.summary", "summary": "Nine."}]},
        {"content": TEXT, "thinking": "Nine."},
        {"content": TEXT, "thinking_blocks": [{"type": "thinking", "thinking": "Nine.", "signature": "abc"}]},
        {"content": TEXT, "reasoning": {"content": [{"type": "text", "text": "Nine."}]}},
        {"content": TEXT, "provider_specific_fields": {"reasoning_content": "Nine."}},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Nine."}]},
                {"type": "text", "text": TEXT},
            ]
        },
        {"content": [{"type": "reasoning", "text": "Nine."}, {"type": "text", "text": TEXT}]},
        {
            "content": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Nine."}]},
                {"type": "output_text", "text": TEXT},
            ]
        },
        {
            "content": [
                {"type": "redacted_thinking", "data": "abc"},
                {"type": "thinking", "thinking": "Nine."},
                {"type": "text", "text": TEXT},
            ]
        },
        {"content": f"<think>Nine.</think>{TEXT}"},
        {"content": f"<think>\nNine.\n</think>\n\n{TEXT}"},
        {"content": f"Nine.\n</think>\n\n{TEXT}"},
        {"content": f"<think></think>{TEXT}", "reasoning": "Nine."},
    ],
)
def test_reasoning_is_kept_apart_whatever_field_or_tag_it_comes_in(message):
    whole = completed(Response([raw(body(message))]))
    _, completion = streamed_whole(Response([chunk(message, "stop"), b"data: [DONE]\n\n"]))
    for each in (whole, completion):
        assert (each.text, each.reasoning) == (TEXT, "Nine.")


def test_reasoning_comes_in_pieces_too():
    events = [chunk({"reasoning_content": each, "content": None}) for each in ("Ni", "ne", ".")]
    events += [chunk({"content": each}) for each in ("<thi", "nk>Te", "n.</thi", "nk>\n", "\nBrook", " costs €9.")]
    with LocalEndpoint(in_turn(Response([*events, chunk({}, "stop")]))) as endpoint:
        pieces, completion = drain(model_at(endpoint).stream(ASKED))
    assert "".join(pieces) == completion.text == TEXT
    assert completion.reasoning == "Nine.\n\nTen."


# --- refused parameters -----------------------------------------------------------------------------

REFUSALS = {
    "message": lambda text, name: (400, {"error": {"message": text, "type": "invalid_request_error"}}),
    "param": lambda text, name: (400, {"error": {"message": text, "param": name, "code": "unsupported_value"}}),
    "string": lambda text, name: (422, {"error": text}),
    "list": lambda text, name: (400, {"error": [text]}),
    "pydantic": lambda text, name: (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": text}]}),
    "mistral": lambda text, name: (422, {"object": "error", "message": {"detail": [{"loc": [name], "msg": text}]}}),
    "detail": lambda text, name: (400, {"detail": text}),
    "nested": lambda text, name: (400, {"error": {"error": {"message": text}}}),
    "plain": lambda text, name: (415, text),
    "404": lambda text, name: (404, {"error": {"message": text}}),
    "501": lambda text, name: (501, {"message": text}),
    "500": lambda text, name: (500, {"error": {"code": 500, "message": text}}),
    "200": lambda text, name: (200, {"error": {"message": text}}),
    "page": lambda text, name: (400, f"<html><body>{json.dumps({'error': {'message': text}})}</body></html>"),
}
WORDINGS = {
    "temperature": "`temperature` is deprecated for this model.",
    "stream_options": "Unknown field: stream_options",
    "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model.",
}


def refusing(refuse, form):
    """Return a `respond` that refuses what `refuse` finds wrong with a request: a wording and the field, or None."""

    def respond(request):
        found = refuse(request.body)
        if found is None:
            return streamed([TEXT], REPLY) if request.body.get("stream") else said(REPLY)
        status, data = REFUSALS[form](*found)
        return Response([data.encode() if isinstance(data, str) else raw(data)], status)

    return respond


@pytest.mark.parametrize("form", REFUSALS)
def test_several_refused_parameters_are_left_out_one_after_the_other_and_said_once(form, caplog):
    def refuse(body):
        return next(((text, name) for name, text in WORDINGS.items() if name in body), None)

    with LocalEndpoint(refusing(refuse, form)) as endpoint, caplog.at_level(logging.WARNING):
        model = model_at(endpoint, max_tokens=50)
        pieces, completion = drain(model.stream(ASKED))
        asked = len(endpoint.requests)
        assert [each.text for each in model.complete([ASKED] * 3)] == [TEXT] * 3
    assert "".join(pieces) == completion.text == TEXT
    assert asked == 4
    assert len(endpoint.requests) == asked + 3  # nothing is refused twice
    assert set(endpoint.requests[-1].body) == {"model", "messages", "max_completion_tokens"}
    assert completion.adjusted == ("`temperature` left out",)
    assert len(caplog.messages) == 3
    assert all("org/m at " in message for message in caplog.messages)


@pytest.mark.parametrize("form", ["message", "pydantic", "string"])
@pytest.mark.parametrize(
    "text",
    [
        "top_logprobs must be <= 5",
        "Invalid value for top_logprobs: must be less than or equal to 5.",
        "top_logprobs: Input should be less than or equal to 5",
        "Requested sample logprobs of 20, which is greater than max allowed: 5",
        "top_logprobs must be between 0 and 5",
    ],
)
def test_the_number_of_log_probabilities_is_lowered_to_what_is_allowed(form, text):
    def refuse(body):
        return (text, "top_logprobs") if body.get("top_logprobs", 0) > 5 else None

    with LocalEndpoint(refusing(refuse, form)) as endpoint, pytest.raises(ModelFailed, match="asked for one of A, B"):
        model_at(endpoint).choose(ASKED, ["yes", "no"])
    assert [request.body["top_logprobs"] for request in endpoint.requests] == [20, 5]


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("max_tokens is too large: 96. This model supports at most 64 completion tokens, whereas you provided 96.", 64),
        ("max_tokens: 96 > 64, which is the maximum allowed number of output tokens", 64),
        ("`max_tokens` must be less than or equal to `64`", 64),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 64]", 64),
    ],
)
def test_a_token_limit_is_lowered_to_what_is_allowed_and_answers_say_so(text, most):
    def refuse(body):
        return (text, "max_tokens") if body["max_tokens"] > most else None

    with LocalEndpoint(refusing(refuse, "message")) as endpoint:
        (completion,) = model_at(endpoint, max_tokens=96).complete([ASKED])
    assert endpoint.requests[-1].body["max_tokens"] == most
    assert completion.adjusted == (f"`max_tokens` {most} in the place of 96",)


def test_streaming_that_is_refused_is_done_without():
    def refuse(body):
        return ("Streaming is not supported for this model", "stream") if body.get("stream") else None

    with LocalEndpoint(refusing(refuse, "message")) as endpoint:
        pieces, completion = drain(model_at(endpoint).stream(ASKED))
    assert "".join(pieces) == completion.text == TEXT


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "The response was filtered by the content management policy."),
        error(400, "This model's maximum context length is 4096 tokens; max_tokens is too large"),
        error(404, "The model `org/m` does not exist"),
        error(422, "messages: at least one user message is expected"),
        Response([raw({"error": {"message": "Invalid image in stream", "param": "messages[0].content"}})], 400),
    ],
)
def test_other_refusals_are_errors_at_once(refusal):
    with LocalEndpoint(in_turn(refusal)) as endpoint, pytest.raises(ModelFailed):
        model_at(endpoint).complete([ASKED])
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_refuses_whatever_is_sent_is_given_up():
    def refuse(body):
        return next(((f"{name} is not supported", name) for name in body if name != "model"), ("no support", "model"))

    with LocalEndpoint(refusing(refuse, "message")) as endpoint, pytest.raises(ModelFailed):
        model_at(endpoint).complete([ASKED])
    assert len(endpoint.requests) < 10
