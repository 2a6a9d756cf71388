"""What chat models, embedders and other clients of endpoints share. Chat models hold the rest of it in their tests."""

import random

import pytest

from groundtune.errors import ModelFailed, SettingsError
from groundtune.http import ApiKey, Backoff, Endpoint, Guidance, Passing, RequestRefused, named_address, retry_after
from groundtune.testing.endpoint import LocalEndpoint, Response, error, in_turn

GUIDANCE = Guidance(address="check it", late="wait", busy="ask less", too_long="shorten", subject="no luck: it ")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def client(url, waits=None, key=""):
    backoff = Backoff(attempts=3, sleep=(waits if waits is not None else []).append, generator=random.Random(1))
    return Endpoint(url, ApiKey("MY_KEY", key), 5.0, backoff, GUIDANCE)


class Attempts:
    """Fails with each of these in turn, then succeeds."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.made = 0

    def __call__(self):
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def failure(message, remedy):
    return ModelFailed(message, remedy=remedy)


# --- trying again ---------------------------------------------------------------------------------


def test_waits_double_up_to_the_longest_and_keep_their_share():
    waits = []
    backoff = Backoff(attempts=6, base=1.0, longest=5.0, least_share=1.0, sleep=waits.append)
    assert backoff.run(Attempts(*[Passing("busy", "")] * 5), failure) == "done"
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_same_seed_gives_the_same_waits():
    seen = []
    for _ in range(2):
        waits = []
        Backoff(sleep=waits.append, generator=random.Random(7)).run(Attempts(*[Passing("busy", "")] * 4), failure)
        seen.append(waits)
    assert seen[0] == seen[1]
    assert all(full / 2 <= wait <= full for wait, full in zip(seen[0], [0.5, 1.0, 2.0, 4.0], strict=True))


def test_what_a_failure_allows_at_most_is_kept():
    attempts = Attempts(*[Passing("late.", "be patient", most=2)] * 9)
    with pytest.raises(ModelFailed, match=r"late\. Tried 2 times\. be patient"):
        Backoff(sleep=lambda _: None).run(attempts, failure)
    assert attempts.made == 2


def test_a_wait_that_is_too_long_is_not_begun():
    waits = []
    attempts = Attempts(Passing("busy.", "", wait=1.0), Passing("busy.", "", wait=61.0))
    with pytest.raises(ModelFailed, match="asks to wait 61 seconds"):
        Backoff(sleep=waits.append).run(attempts, failure)
    assert (waits, attempts.made) == ([1.0], 2)


def test_other_errors_are_not_tried_again():
    attempts = Attempts(KeyError("x"))
    with pytest.raises(KeyError):
        Backoff(sleep=lambda _: None).run(attempts, failure)
    assert attempts.made == 1


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("", None)])
def test_retry_after(value, seconds):
    assert retry_after(value) == seconds


# --- asking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "asked"), [(408, 3), (429, 3), (500, 3), (503, 3), (524, 3), (529, 3), (501, 1), (505, 1), (404, 1)]
)
def test_which_statuses_are_asked_again(status, asked):
    with LocalEndpoint(in_turn(error(status, "no"))) as server, pytest.raises(ModelFailed, match=f"answered {status}"):
        client(server.url).post({})
    assert len(server.requests) == asked


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_bad_request_is_told_from_other_failures(status):
    with (
        LocalEndpoint(in_turn(error(status, "maximum context is 4096"))) as server,
        pytest.raises(RequestRefused) as raised,
    ):
        client(server.url).post({})
    assert raised.value.remedy == "shorten"


def test_errors_begin_with_the_subject_and_blank_key_and_passwords():
    shown = "cannot log in to postgresql://ana:hunter2@db with sk-1234"
    with LocalEndpoint(in_turn(error(404, shown))) as server, pytest.raises(ModelFailed) as raised:
        client(server.url, key="sk-1234").post({})
    assert raised.value.message == "no luck: it answered 404: cannot log in to postgresql://ana:***@db with ***"
    assert raised.value.remedy == "check it"
    assert server.requests[0].headers["Authorization"] == "Bearer sk-1234"


# --- server-sent events ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        ([b"data: a\n\ndata: b\n\n"], ["a", "b"]),
        ([b"data: a\r\n\r\ndata: b\r\r"], ["a", "b"]),
        ([b"data: first\ndata:second\n\n"], ["first\nsecond"]),
        ([b"data: caf\xc3", b"\xa9 \xe2\x80\xa8 x\n\n"], ["café \u2028 x"]),
        ([b": alive\n\nid: 7\nevent: m\ndata: a\n\n\n\n: alive\n\n"], ["a"]),
        ([b"data: a\n\ndata: the blank line is missing"], ["a", "the blank line is missing"]),
        ([b"data: a\n\ndata: one end of line is missing\n"], ["a", "one end of line is missing"]),
        ([], []),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
def test_events_are_read_as_the_standard_says(pieces, events, headers):
    with LocalEndpoint(in_turn(Response(pieces, headers=headers))) as server:
        assert list(client(server.url).events({})) == events


def test_a_stream_is_opened_again_while_the_server_is_busy():
    waits = []
    with LocalEndpoint(in_turn(error(503, "starting", {"Retry-After": "2"}), Response([b"data: a\n\n"]))) as server:
        assert list(client(server.url, waits).events({})) == ["a"]
    assert waits == [2.0]


# --- settings -------------------------------------------------------------------------------------


def test_a_name_has_a_model_and_an_address():
    assert named_address("openai:org/m@http://host/v1/", "openai:", "x.name") == ("org/m", "http://host/v1")


@pytest.mark.parametrize("name", ["openai:m@http://host:port/v1", "openai:m@", "openai:m@http://"])
def test_a_wrong_name_shows_the_form(name):
    with pytest.raises(SettingsError, match=r"`x\.name`.*Write openai:MODEL@BASE_URL"):
        named_address(name, "openai:", "x.name")


def test_a_key_shows_itself_to_nobody():
    assert "sk-1234" not in repr(ApiKey("MY_KEY", "sk-1234"))
