"""A dead endpoint is found dead once in a command, and asked again in the next one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from groundtune.errors import ModelFailed
from groundtune.http import endpoint as http
from groundtune.http.outages import MOST_FAILURES, carried, known, one_command
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.settings import ModelSettings
from groundtune.testing.endpoint import LocalEndpoint, Response, error, said
from groundtune.values import Completion, Message, Usage

ASKED = (Message("user", "Is it open?"),)
GOOD = Completion("Yes.", Usage(3, 1))


@pytest.fixture(autouse=True)
def local(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Waits(list):
    """Keeps how long it was to wait, and does not."""

    def model(self, url, name="m", timeout=5.0):
        backoff = http.Backoff(attempts=3, sleep=self.append)
        return OpenAICompatible(ModelSettings(name=f"openai:{name}@{url}", timeout=timeout, concurrency=1), backoff)


def fails(model, words=r"\S", times=1):
    for _ in range(times):
        with pytest.raises(ModelFailed, match=words) as raised:
            model.complete([ASKED])
    return str(raised.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://nowhere.invalid/v1", "http://127.0.0.1:1"])
def test_where_nobody_answers_one_request_is_enough(address):
    waits = Waits()
    with one_command():
        first = fails(waits.model(address), "cannot be reached")
        assert len(waits) == 2
        assert fails(waits.model(address), times=5) == first
        assert fails(waits.model(address, "another")) == first
        assert len(waits) == 2


@pytest.mark.parametrize(
    "response",
    [error(500, "oh"), error(429, "busy", {"Retry-After": "0"}), error(403, "no"), error(404, "no such model")],
    ids=["breaks", "busy", "forbidden", "missing"],
)
def test_one_that_answers_with_errors_only_is_asked_eight_times(response):
    waits = Waits()
    with LocalEndpoint(lambda request: response) as endpoint, one_command():
        fails(waits.model(endpoint.url), "answered", MOST_FAILURES)
        asked = len(endpoint.requests)
        fails(waits.model(endpoint.url), "answered", 20)
        assert len(endpoint.requests) == asked
        fails(waits.model(endpoint.url, "another"), "answered")
        assert len(endpoint.requests) > asked


def test_one_that_hangs_is_given_up(monkeypatch):
    waits = Waits()
    with LocalEndpoint(lambda request: Response([b"{}"], delay=5)) as endpoint, one_command():
        fails(waits.model(endpoint.url, timeout=0.02), "did not reply", MOST_FAILURES)
        asked = len(endpoint.requests)
        fails(waits.model(endpoint.url, timeout=0.02), "did not reply")
        assert len(endpoint.requests) == asked


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_tells_nothing_of_the_endpoint(status):
    waits = Waits()
    with LocalEndpoint(lambda request: error(status, "content policy")) as endpoint, one_command():
        fails(waits.model(endpoint.url), "content policy", 2 * MOST_FAILURES)
        assert len(endpoint.requests) == 2 * MOST_FAILURES


def test_an_answer_in_between_starts_the_count_anew():
    waits = Waits()
    calls = []

    def respond(request):
        calls.append(request)
        return said(GOOD) if len(calls) % 5 == 0 else error(501, "no")

    with LocalEndpoint(respond) as endpoint, one_command():
        model = waits.model(endpoint.url)
        for number in range(1, 31):
            if number % 5:
                fails(model, "501")
            else:
                assert model.complete([ASKED])[0].text == "Yes."


def test_one_that_answered_before_is_waited_for_longer():
    waits = Waits()
    with one_command():
        with LocalEndpoint(lambda request: said(GOOD)) as endpoint:
            model = waits.model(endpoint.url)
            model.complete([ASKED])
        fails(model, "cannot be reached", MOST_FAILURES)
        assert len(waits) == 2 * MOST_FAILURES
        fails(model, "cannot be reached", 3)
        assert len(waits) == 2 * MOST_FAILURES


def test_nothing_is_remembered_outside_of_a_command_or_from_one_to_the_next():
    waits = Waits()
    for expected in (2, 4):
        with one_command():
            fails(waits.model("http://127.0.0.1:9/v1"), "cannot be reached", 2)
        assert len(waits) == expected
    fails(waits.model("http://127.0.0.1:9/v1"), "cannot be reached", 2)
    assert len(waits) == 8
    assert known() is None


def test_a_command_inside_another_knows_what_that_one_knows():
    waits = Waits()
    with one_command():
        with one_command():
            fails(waits.model("http://127.0.0.1:9/v1"))
        fails(waits.model("http://127.0.0.1:9/v1"))
    assert len(waits) == 2


def test_other_threads_know_it_too():
    with one_command(), ThreadPoolExecutor(2) as pool:
        assert pool.submit(carried(known)).result() is known() is not None
        assert pool.submit(known).result() is None


def test_a_batch_of_many_threads_is_one_discovery():
    waits = Waits()
    with one_command():
        model = OpenAICompatible(
            ModelSettings(name="openai:m@http://127.0.0.1:9/v1", concurrency=4),
            http.Backoff(attempts=3, sleep=waits.append),
        )
        with pytest.raises(ModelFailed, match="cannot be reached"):
            model.complete([ASKED] * 40)
        spent = len(waits)
        assert spent <= 2 * 4
        with pytest.raises(ModelFailed, match="cannot be reached"):
            model.complete([ASKED] * 40)
        assert len(waits) == spent
