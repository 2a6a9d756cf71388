import json
import math
import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from groundtune.errors import ModelFailed, SettingsError
from groundtune.http import Backoff
from groundtune.models._options import LABEL_TOKENS, UNCHOSEN
from groundtune.models.openai_compatible import OpenAICompatible, groundtune_model
from groundtune.settings import ModelSettings
from groundtune.testing.endpoint import LocalEndpoint, Response, error, in_turn, said, served_by, streamed
from groundtune.testing.fakes import EchoModel
from groundtune.values import Completion, Message, ToolCall, Usage

ASKED = (Message("system", "Be brief."), Message("user", "What does Brook cost?"))
REPLY = Completion("Brook costs €9.", Usage(12, 6))
KEY = "sk-very-secret-1234"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class Waits(list):
    """Stands for sleeping: remembers for how long."""

    def backoff(self, attempts=4):
        return Backoff(attempts=attempts, sleep=self.append, generator=random.Random(1))


def model_at(endpoint, waits=None, **settings):
    name = f"openai:org/model-1@{endpoint.url}"
    backoff = (Waits() if waits is None else waits).backoff()
    return OpenAICompatible(ModelSettings(name=name, **settings), backoff)


def chunk(**fields):
    return f"data: {json.dumps(fields)}\n\n".encode()


# --- asking ---------------------------------------------------------------------------------------


def test_a_good_reply_gives_text_usage_and_seconds():
    with LocalEndpoint(in_turn(said(REPLY))) as endpoint:
        (completion,) = model_at(endpoint, max_tokens=77).complete([ASKED])
    assert completion.text == REPLY.text
    assert completion.finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (12, 6)
    assert completion.usage.seconds > 0
    (request,) = endpoint.requests
    assert request.path == "/v1/chat/completions"
    assert request.body == {
        "model": "org/model-1",
        "messages": [{"role": turn.role, "content": turn.content} for turn in ASKED],
        "temperature": 0,
        "max_tokens": 77,
    }
    assert "Authorization" not in request.headers


def test_calls_of_tools_in_earlier_turns_are_sent_as_the_api_takes_them():
    talk = (Message("user", "Brook?"), Message("assistant", "", (ToolCall("f", '{"n": 1}'),)), Message("tool", "9"))
    with LocalEndpoint(in_turn(said(REPLY))) as endpoint:
        model_at(endpoint).complete([talk])
    call = {"type": "function", "id": "call00000", "function": {"name": "f", "arguments": '{"n": 1}'}}
    assert endpoint.requests[0].body["messages"] == [
        {"role": "user", "content": "Brook?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "9", "tool_call_id": "call00000", "name": "f"},
    ]


def test_a_cut_off_reply_says_so():
    with LocalEndpoint(in_turn(said(Completion("Brook", Usage(1, 1), "length")))) as endpoint:
        (completion,) = model_at(endpoint).complete([ASKED])
    assert completion.finish_reason == "length"


def test_missing_usage_content_and_finish_reason_are_taken():
    body = {"choices": [{"message": {"content": None}, "finish_reason": None, "logprobs": None}], "usage": None}
    with LocalEndpoint(in_turn(Response([json.dumps(body).encode()]))) as endpoint:
        (completion,) = model_at(endpoint).complete([ASKED])
    assert (completion.text, completion.finish_reason) == ("", "other")


def test_a_batch_runs_at_once_up_to_the_limit_and_stays_in_order():
    def slow_echo(request):
        time.sleep(0.1)
        return said(Completion(request.body["messages"][-1]["content"], Usage(1, 1)))

    conversations = [(Message("user", f"question {number}"),) for number in range(8)]
    with LocalEndpoint(slow_echo) as endpoint:
        started = time.perf_counter()
        completions = model_at(endpoint, concurrency=4).complete(conversations)
        seconds = time.perf_counter() - started
    assert [each.text for each in completions] == [f"question {number}" for number in range(8)]
    assert 0.2 <= seconds < 0.7
    assert all(each.usage.seconds is None for each in completions)


def test_a_failure_in_a_batch_ends_it():
    def respond(request):
        bad = request.body["messages"][-1]["content"] == "0"
        return error(400, "no such thing") if bad else said(REPLY)

    conversations = [(Message("user", str(number)),) for number in range(50)]
    with LocalEndpoint(respond) as endpoint, pytest.raises(ModelFailed, match="no such thing"):
        model_at(endpoint, concurrency=1).complete(conversations)
    assert len(endpoint.requests) < 50


# --- retries --------------------------------------------------------------------------------------


def test_retry_after_is_honoured():
    waits = Waits()
    busy = error(429, "slow down", {"Retry-After": "7"})
    with LocalEndpoint(in_turn(busy, said(REPLY))) as endpoint:
        (completion,) = model_at(endpoint, waits).complete([ASKED])
    assert completion.text == REPLY.text
    assert waits == [7.0]


def test_retry_after_may_be_a_date():
    waits = Waits()
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    with LocalEndpoint(in_turn(error(503, "starting", {"Retry-After": later}), said(REPLY))) as endpoint:
        model_at(endpoint, waits).complete([ASKED])
    assert waits[0] == pytest.approx(19.5, abs=1)


def test_a_server_that_asks_for_too_long_a_wait_is_given_up():
    waits = Waits()
    busy = error(429, "daily limit", {"Retry-After": "3600"})
    with LocalEndpoint(in_turn(busy)) as endpoint, pytest.raises(ModelFailed, match="wait 3600 seconds"):
        model_at(endpoint, waits).complete([ASKED])
    assert waits == []


def test_an_exhausted_quota_is_not_asked_again():
    body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with (
        LocalEndpoint(in_turn(Response([json.dumps(body).encode()], 429))) as endpoint,
        pytest.raises(ModelFailed, match="exceeded your quota"),
    ):
        model_at(endpoint).complete([ASKED])
    assert len(endpoint.requests) == 1


def test_server_errors_are_retried_with_growing_waits_and_then_reported():
    waits = Waits()
    with LocalEndpoint(in_turn(error(500, "boom"))) as endpoint, pytest.raises(ModelFailed) as raised:
        model_at(endpoint, waits).complete([ASKED])
    assert "answered 500: boom Tried 4 times." in str(raised.value)
    assert endpoint.url in str(raised.value)
    assert len(endpoint.requests) == 4
    assert [0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1.0, 1.0 <= waits[2] <= 2.0] == [True] * 3
    assert len(waits) == 3


@pytest.mark.parametrize(
    "hang",
    [Response([b"{}"], delay=30), Response([b" "] * 100, delay_between=0.1)],
    ids=["no reply at all", "a reply that drips"],
)
def test_a_hanging_server_meets_the_timeout(hang):
    with (
        LocalEndpoint(in_turn(hang)) as endpoint,
        pytest.raises(ModelFailed, match=r"not reply within 0\.3 seconds"),
    ):
        model_at(endpoint, timeout=0.3).complete([ASKED])
    assert len(endpoint.requests) == 2  # each takes the whole timeout


def test_an_unreachable_server_is_named():
    with LocalEndpoint(in_turn(said(REPLY))) as endpoint:
        model = model_at(endpoint)
    with pytest.raises(ModelFailed, match="cannot be reached") as raised:
        model.complete([ASKED])
    assert endpoint.url in str(raised.value)


# --- broken replies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>not an API</html>", "not a chat completion"),
        (b'{"choices": [{"message": "text"}]}', "not a chat completion"),
        (b'{"choices": []}', "without any choices"),
        (b'{"choices": null}', "without any choices"),
        (b'{"error": {"message": "worker died"}}', "worker died"),
    ],
)
def test_garbage_is_an_error_and_not_an_answer(body, message):
    with LocalEndpoint(in_turn(Response([body]))) as endpoint, pytest.raises(ModelFailed, match=message):
        model_at(endpoint).complete([ASKED])
    assert len(endpoint.requests) == 1


def test_a_wrong_address_is_explained():
    with (
        LocalEndpoint(in_turn(Response([b"Not Found"], 404))) as endpoint,
        pytest.raises(ModelFailed, match=r"404: Not Found .*base URL"),
    ):
        model_at(endpoint).complete([ASKED])


def test_a_redirect_is_not_followed_with_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    away = Response([], 307, {"Location": "http://127.0.0.1:9/v1"})
    with LocalEndpoint(in_turn(away)) as endpoint, pytest.raises(ModelFailed, match="answered 307"):
        model_at(endpoint).complete([ASKED])


def test_too_long_a_conversation_names_the_settings_to_change():
    refusal = error(400, "This model's maximum context length is 4096 tokens; max_tokens is too large")
    with LocalEndpoint(in_turn(refusal)) as endpoint, pytest.raises(ModelFailed, match=r"knowledge\.passages"):
        model_at(endpoint).complete([ASKED])
    assert len(endpoint.requests) == 1


def test_a_parameter_of_another_name_is_learned_once():
    def respond(request):
        if "max_tokens" in request.body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return said(REPLY)

    with LocalEndpoint(respond) as endpoint:
        model = model_at(endpoint, max_tokens=5)
        assert [each.text for each in model.complete([ASKED, ASKED, ASKED])] == [REPLY.text] * 3
        before = len(endpoint.requests)
        model.complete([ASKED])
    assert len(endpoint.requests) == before + 1
    assert endpoint.requests[-1].body["max_completion_tokens"] == 5


# --- the key --------------------------------------------------------------------------------------


def test_a_missing_key_is_asked_for_by_its_variable():
    with (
        LocalEndpoint(in_turn(error(401, "no key"))) as endpoint,
        pytest.raises(ModelFailed, match="MY_KEY is not set"),
    ):
        model_at(endpoint, api_key_variable="MY_KEY").complete([ASKED])


def test_the_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    with LocalEndpoint(in_turn(said(REPLY), error(401, f"Incorrect key: {KEY}"))) as endpoint:
        model = model_at(endpoint)
        model.complete([ASKED])
        with pytest.raises(ModelFailed, match="OPENAI_API_KEY holds a key that was rejected") as raised:
            model.complete([ASKED])
    assert endpoint.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    shown = [str(raised.value), repr(raised.value), repr(model), repr(vars(model)), model.signature, model.name]
    assert not any(KEY in text for text in shown)


def test_a_broken_key_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nmore")
    with pytest.raises(SettingsError, match="OPENAI_API_KEY") as raised:
        OpenAICompatible(ModelSettings(name="openai:m@http://localhost:1/v1"))
    assert KEY not in str(raised.value)


# --- streaming ------------------------------------------------------------------------------------


def drain(generator):
    pieces = []
    while True:
        try:
            pieces.append(next(generator))
        except StopIteration as end:
            return pieces, end.value


def test_a_stream_gives_pieces_and_returns_the_completion():
    with LocalEndpoint(in_turn(streamed(["Brook ", "costs ", "€9."], REPLY))) as endpoint:
        pieces, completion = drain(model_at(endpoint).stream(ASKED, 9))
    assert pieces == ["Brook ", "costs ", "€9."]
    assert completion == REPLY
    assert endpoint.requests[0].body["stream_options"] == {"include_usage": True}
    assert endpoint.requests[0].body["max_tokens"] == 9


def test_odd_streams_are_taken():
    events = [
        b": keep-alive\n\nevent: message\nid: 3\n",
        b'data:{"choices": null}\r\n\r\n',
        b'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "caf\xc3',
        b'\xa9 \xe2\x80\xa8 line"}, "finish_reason": "length"}]}',
    ]
    with LocalEndpoint(in_turn(Response(events))) as endpoint:
        pieces, completion = drain(model_at(endpoint).stream(ASKED))
    assert pieces == ["café \u2028 line"]
    assert completion.finish_reason == "length"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ([], "before the answer was complete"),
        ([b"data: {broken\n\n"], "not a chat completion"),
        ([chunk(error={"message": "out of memory"})], "out of memory"),
    ],
)
def test_a_stream_that_goes_wrong_is_an_error_after_the_pieces(end, message):
    events = [chunk(choices=[{"delta": {"content": "Brook "}}]), *end]
    with LocalEndpoint(in_turn(Response(events))) as endpoint:
        stream = model_at(endpoint).stream(ASKED)
        assert next(stream) == "Brook "
        with pytest.raises(ModelFailed, match=message):
            next(stream)


def test_a_stream_that_hangs_half_way_is_an_error():
    events = [chunk(choices=[{"delta": {"content": "Brook "}}]), b""]
    with LocalEndpoint(in_turn(Response(events, delay_between=20))) as endpoint:
        stream = model_at(endpoint, timeout=0.3).stream(ASKED)
        assert next(stream) == "Brook "
        with pytest.raises(ModelFailed, match=r"stopped in the middle of the answer \(ReadTimeout\)"):
            next(stream)


def test_a_stream_is_retried_until_it_begins_and_learns_what_is_not_supported():
    def respond(request):
        if len(endpoint.requests) == 1:
            return error(503, "starting")
        if "stream_options" in request.body:
            return error(400, "unknown field stream_options")
        return streamed(["ok"], REPLY)

    with LocalEndpoint(respond) as endpoint:
        pieces, _ = drain(model_at(endpoint).stream(ASKED))
    assert pieces == ["ok"]
    assert len(endpoint.requests) == 3


# --- choosing -------------------------------------------------------------------------------------


def with_logprobs(text, logprobs):
    top = [{"token": token, "logprob": math.log(share), "bytes": None} for token, share in logprobs]
    content = [{"token": text, "logprob": 0.0, "top_logprobs": top}]
    choice = {"message": {"content": text}, "finish_reason": "length", "logprobs": {"content": content}}
    return Response([json.dumps({"choices": [choice]}).encode()])


def test_choose_reads_log_probabilities_of_the_letters():
    reply = with_logprobs("B", [("B", 0.5), (" B", 0.1), ("A", 0.2), ("a", 0.05), ("Because", 0.1), ("D", 0.02)])
    with LocalEndpoint(in_turn(reply)) as endpoint:
        chosen = model_at(endpoint).choose(ASKED, ["yes", "no", "perhaps"])
    assert chosen == pytest.approx({"yes": 0.25, "no": 0.75, "perhaps": 0.0})
    body = endpoint.requests[0].body
    assert body["messages"][-1]["content"].endswith(
        "Options:\nA. yes\nB. no\nC. perhaps\n\nReply with one letter and nothing else."
    )
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, LABEL_TOKENS)


@pytest.mark.parametrize("reply", ["B", " (B)", "B. no", "**B**", "No"])
def test_choose_falls_back_on_the_reply(reply):
    with LocalEndpoint(in_turn(said(Completion(reply, Usage(1, 1))))) as endpoint:
        chosen = model_at(endpoint).choose(ASKED, ["yes", "no", "perhaps"])
    assert chosen == pytest.approx({"yes": UNCHOSEN / 2, "no": 1 - UNCHOSEN, "perhaps": UNCHOSEN / 2})


def test_choose_works_where_log_probabilities_are_refused():
    def respond(request):
        if "logprobs" in request.body:
            return error(400, "logprobs is not supported")
        return said(Completion("A", Usage(1, 1)))

    with LocalEndpoint(respond) as endpoint:
        assert model_at(endpoint).choose(ASKED, ["yes", "no"])["yes"] == pytest.approx(1 - UNCHOSEN)


@pytest.mark.parametrize("reply", ["", "Both are fine", "Z", "D"])
def test_a_reply_that_names_no_option_is_an_error(reply):
    with (
        LocalEndpoint(in_turn(said(Completion(reply, Usage(1, 1))))) as endpoint,
        pytest.raises(ModelFailed, match="asked for one of A, B and replied"),
    ):
        model_at(endpoint).choose(ASKED, ["yes", "no"])


@pytest.mark.parametrize("number", [0, 27])
def test_choose_has_as_many_letters_as_the_alphabet(number):
    model = OpenAICompatible(ModelSettings(name="openai:m@http://localhost:1/v1"))
    with pytest.raises(ModelFailed, match=f"among {number} options"):
        model.choose(ASKED, [str(each) for each in range(number)])


# --- the hook -------------------------------------------------------------------------------------


def test_the_hook_takes_its_own_names_only():
    assert groundtune_model(ModelSettings(name="hf:org/model"), Path()) is None
    made = groundtune_model(ModelSettings(name="openai:org/m@https://models.example/v1/"), Path())
    assert made.name == "openai:org/m@https://models.example/v1/"
    assert made.signature == "openai:org/m@https://models.example/v1|temperature:0|max_tokens:96"


@pytest.mark.parametrize(
    "name",
    [
        "openai:m",
        "openai:@http://localhost/v1",
        "openai:m@localhost:8000",
        "openai:m@ftp://localhost/v1",
        "openai:m@http://",
        "openai:m@http://local host/v1",
        "openai:m@http://me:secret@localhost/v1",
        "openai:m@https://host/v1?key=1",
    ],
)
def test_names_that_cannot_work_are_refused(name):
    with pytest.raises(SettingsError, match=r"model\.name") as raised:
        OpenAICompatible(ModelSettings(name=name))
    assert "secret" not in str(raised.value)


def test_a_served_model_answers_like_itself():
    with LocalEndpoint(served_by(EchoModel())) as endpoint:
        assert model_at(endpoint).complete([ASKED])[0].text == ASKED[-1].content
