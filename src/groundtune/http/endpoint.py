"""Talking JSON to an HTTP endpoint: retries with back-off, deadlines, server-sent events, errors with a remedy.

Knows HTTP; nothing of models. tenacity repeats and `bodies` reads what comes; what a server asks for (Retry-After), how
long a whole reply may take and what the user should do are decided here. The key appears in one header only,
never in a message or in `repr`.
"""

from __future__ import annotations

import copy
import os
import random
import re
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from groundtune.errors import ModelFailed, SettingsError
from groundtune.http.bodies import decoded, fault_in, frames, reason, unpacked
from groundtune.http.headers import request_id, retry_after
from groundtune.http.outages import known
from groundtune.secrets import BLANK, masked

Result = TypeVar("Result")
FINAL_SERVER_ERRORS = frozenset({501, 505})  # not implemented, HTTP version not supported: waiting does not help
NEVER_RETRIED_CODE = "insufficient_quota"  # comes as 429, and waiting does not help either
CONNECT_SECONDS = 10.0
MOST_TIMEOUTS = 2  # a server that hangs takes the whole timeout each time
_EXCERPT = 300
_REFUSALS = frozenset({400, 404, 405, 406, 413, 415, 422, 501})
_OF_THE_REQUEST = frozenset({0, 400, 413, 415, 422})  # another request may be taken
_WORDS = {"model", "messages", "input", "stream"}  # fields that other errors name as well
_NOT_TAKEN = re.compile(
    r"(?:un|not |n't )(?:support|recogni|known|expected|permitted|allowed|implemented)|unknown|unexpected|invalid"
    r"|extra (?:input|field)|deprecated",
    re.IGNORECASE,
)


class RequestRefused(ModelFailed):
    """The endpoint will not take this request (400, 404, 413, 415, 422, 501): asking the same again is of no use.

    `said` is the whole body that it refused with, `status` the HTTP status (0: not known).
    """

    said: str = ""
    status: int = 0


class Passing(Exception):
    """What may go better next time; `wait` is what the server asks for, in seconds, `most` how often to try at all.

    `unreached` tells that nobody was there to ask.
    """

    def __init__(
        self,
        message: str,
        remedy: str,
        wait: float | None = None,
        most: int = sys.maxsize,
        *,
        unreached: bool = False,
    ) -> None:
        self.message = message
        self.remedy = remedy
        self.wait = wait
        self.most = most
        self.unreached = unreached


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long to wait: base · 2^n seconds, at most `longest`, times a random share of [least_share, 1].

    A server's Retry-After is followed up to `longest_asked` seconds; a server that asks for more is given up. The
    jitter keeps many clients from coming back together; no result depends on it.
    """

    attempts: int = 5
    base: float = 0.5
    longest: float = 30.0
    longest_asked: float = 60.0
    least_share: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    generator: random.Random = field(default_factory=random.Random)

    def run(
        self, attempt: Callable[[], Result], failure: Callable[[str, str], Exception], of: tuple[str, str] | None = None
    ) -> Result:
        """Return what `attempt` returns, trying again while it raises `Passing`; then raises `failure` of why not.

        `of` are the host and the model that are asked: one that this command knows to be down is not asked again.
        """
        outages = known()
        if outages is None or of is None:
            return self._run(attempt, failure)
        if (error := outages.error(*of)) is not None:
            raise copy.copy(error)
        started = time.monotonic()
        try:
            result = self._run(attempt, failure)
        except ModelFailed as failed:
            if isinstance(failed, RequestRefused) and failed.status in _OF_THE_REQUEST:
                outages.answered(*of)
                raise
            unreached = isinstance(failed.__cause__, Passing) and failed.__cause__.unreached
            outages.failed(of[0] if unreached else of[1], failed, started, unreached=unreached)
            raise
        outages.answered(*of)
        return result

    def _run(self, attempt: Callable[[], Result], failure: Callable[[str, str], Exception]) -> Result:
        retrying = Retrying(
            retry=retry_if_exception_type(Passing), stop=self._stop, wait=self._wait, sleep=self.sleep, reraise=True
        )
        try:
            return retrying(attempt)
        except Passing as error:
            if self._asks_too_much(error):
                asked = f"{error.message} It asks to wait {error.wait:.0f} seconds."
                raise failure(asked, "Wait that long, or send fewer requests at once.") from error
            tried = retrying.statistics["attempt_number"]
            raise failure(f"{error.message} Tried {tried} times.", error.remedy) from error

    def _stop(self, state: RetryCallState) -> bool:
        error = _passing(state)
        return state.attempt_number >= min(self.attempts, error.most) or self._asks_too_much(error)

    def _wait(self, state: RetryCallState) -> float:
        asked = _passing(state).wait
        if asked is not None:
            return asked
        growing: float = wait_exponential(self.base, self.longest)(state)
        return growing * self.generator.uniform(self.least_share, 1.0)

    def _asks_too_much(self, error: Passing) -> bool:
        return error.wait is not None and error.wait > self.longest_asked


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The key for an endpoint and the environment variable that it comes from; an empty one is not sent."""

    variable: str
    value: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, variable: str) -> Self:
        """Return the key in `variable`. Raises `SettingsError` for a broken one, which httpx would print."""
        value = os.environ.get(variable, "").strip()
        if not value.isascii() or any(not character.isprintable() or character.isspace() for character in value):
            raise SettingsError(
                "the key contains a space or another character that is not allowed in keys.",
                place=f"environment variable {variable}",
            )
        return cls(variable, value)


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the errors of an endpoint begin with, and what they advise."""

    address: str
    late: str
    busy: str
    too_long: str
    broken: str = "Check the server's log."
    subject: str = ""


class Endpoint:
    """A URL to post JSON to, with its key. Safe to use from several threads.

    `client` is an httpx client made elsewhere, with timeouts of its own; `timeout` limits the whole reply either way.
    """

    def __init__(
        self,
        url: str,
        key: ApiKey,
        timeout: float,
        backoff: Backoff,
        guidance: Guidance,
        client: httpx.Client | None = None,
    ) -> None:
        self.url = url
        self._key = key
        self._timeout = timeout
        self._backoff = backoff
        self._guidance = guidance
        limits = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        self._client = client or httpx.Client(timeout=limits)
        self._uncompressed = False  # whether it is asked to compress nothing, as what it compressed could not be read

    def post(self, body: Mapping[str, object]) -> bytes:
        """Return what the endpoint answers with 200. Raises `ModelFailed`, or `RequestRefused` for a bad request."""
        return self._patiently(lambda: self._read(body), body)

    def events(self, body: Mapping[str, object]) -> Generator[str, None, None]:
        """Return the data of each server-sent event, `[DONE]` included; of a plain reply, the reply.

        Retried until the endpoint accepts the request, never after. Raises `ModelFailed`, or `RequestRefused` for a
        bad request; what is returned raises `ModelFailed` where the stream breaks off.
        """
        return self._data(*self._patiently(lambda: self._begin(body), body))

    def _data(self, response: httpx.Response, data: Iterator[str], first: str | None) -> Generator[str, None, None]:
        try:
            if first is not None:
                yield first
            yield from data
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._broken_off(error) from None
        finally:
            response.close()

    def failure(self, message: str, remedy: str = "", kind: type[ModelFailed] = ModelFailed) -> ModelFailed:
        """Return an error that names this endpoint, with key and passwords blanked out."""
        text = self._blanked(f"{self._guidance.subject}{message}")
        return kind(text, place=masked(self.url), remedy=remedy or self._guidance.address)

    def _patiently(self, attempt: Callable[[], Result], body: Mapping[str, object]) -> Result:
        host = str(httpx.URL(self.url).copy_with(raw_path=b"/"))
        return self._backoff.run(attempt, self.failure, (host, f"{self.url} {body.get('model')}"))

    def _begin(self, body: Mapping[str, object]) -> tuple[httpx.Response, Iterator[str], str | None]:
        """Return the response to a stream that was accepted, its events, and the first one, which is no error."""
        response = self._open(body)
        data = frames(unpacked(response))
        try:
            first = next(data, None)
            self._check(first or "", body)
        except httpx.DecodingError:
            response.close()
            raise self._unreadable() from None
        except httpx.TransportError as error:
            response.close()
            raise self._broken_off(error) from None
        except BaseException:
            response.close()
            raise
        return response, data, first

    def _broken_off(self, error: Exception) -> ModelFailed:
        return self.failure(f"stopped in the middle of the answer ({type(error).__name__}).", "Try again.")

    def _open(self, body: Mapping[str, object]) -> httpx.Response:
        """Return the response to a request that was accepted, its body not yet read."""
        headers = {"Authorization": f"Bearer {self._key.value}"} if self._key.value else {}
        if self._uncompressed:
            headers["Accept-Encoding"] = "identity"
        request = self._client.build_request("POST", self.url, json=body, headers=headers)
        try:
            response = self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise self._unreached(error) from None
        if response.status_code == httpx.codes.OK:
            return response
        try:
            text = decoded(self._body(response, time.monotonic() + self._timeout))
        finally:
            response.close()
        raise self._status_error(response.status_code, text, body, response.headers)

    def _read(self, body: Mapping[str, object]) -> bytes:
        deadline = time.monotonic() + self._timeout
        response = self._open(body)
        try:
            data = self._body(response, deadline)
        finally:
            response.close()
        self._check(decoded(data), body)
        return data

    def _check(self, text: str, body: Mapping[str, object]) -> None:
        """Raise what an error in the place of a result, with status 200, stands for."""
        fault = fault_in(text)
        if fault is not None:
            status = fault.status or (400 if _names_field(text, body) else 200)
            raise self._status_error(status, text, body, {})

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """Return the body. httpx limits the wait for each piece; `deadline` limits that for all of them."""
        pieces = []
        try:
            for piece in unpacked(response):
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise self._late()
        except httpx.DecodingError:
            raise self._unreadable() from None
        except httpx.TransportError as error:
            raise self._unreached(error) from None
        return b"".join(pieces)

    def _unreadable(self) -> Passing:
        self._uncompressed = True
        return Passing("sent a reply that cannot be decompressed.", self._guidance.broken)

    def _late(self) -> Passing:
        return Passing(f"did not reply within {self._timeout:g} seconds.", self._guidance.late, most=MOST_TIMEOUTS)

    def _unreached(self, error: httpx.TransportError) -> Passing:
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return self._late()
        return Passing(
            f"cannot be reached ({error}).",
            "Check that the server is running and that the address is correct.",
            unreached=isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)),
        )

    def _status_error(
        self, status: int, text: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> Exception:
        error = f"answered {status}" if status != httpx.codes.OK else "answered with an error"
        message = f"{error}: {reason(text)[:_EXCERPT]}{request_id(headers)}"
        names_field = _names_field(text, body)
        if _passes(status) and not names_field and NEVER_RETRIED_CODE not in text:
            remedy = self._guidance.busy if status == httpx.codes.TOO_MANY_REQUESTS else self._guidance.broken
            return Passing(message, remedy, retry_after(headers.get("retry-after", "")))
        if status in _REFUSALS or (status >= 500 and names_field):
            refused = self.failure(message, self._advice(status, text), RequestRefused)
            assert isinstance(refused, RequestRefused)
            refused.said, refused.status = text, status
            return refused
        if status in (401, 403):
            state = "holds a key that was rejected" if self._key.value else "is not set"
            return self.failure(message, f"The environment variable {self._key.variable} {state}: set a valid key.")
        return self.failure(message, self._guidance.broken if status == httpx.codes.OK else "")

    def _advice(self, status: int, text: str) -> str:
        if "context_length" in text or "maximum context" in text:
            return self._guidance.too_long
        if status not in (400, 413, 422):
            return ""
        return "Check the model name and what the endpoint supports."

    def _blanked(self, message: str) -> str:
        return masked(message.replace(self._key.value, BLANK) if self._key.value else message)


def named_address(name: str, prefix: str, setting: str) -> tuple[str, str]:
    """Return model and base URL of `name`, which is written PREFIX:MODEL@BASE_URL in `setting`.

    Raises `SettingsError`, which shows no password.
    """
    form = f"Write {prefix}MODEL@BASE_URL, for example {prefix}qwen3@http://localhost:8000/v1."
    model, _, address = name.removeprefix(prefix).partition("@")
    if "@" in address:
        raise SettingsError(
            f"`{setting}`: the address contains a password.", remedy="Put the key in an environment variable."
        )
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise SettingsError(f"`{setting}`: not a valid address ({error}).", remedy=form) from None
    shown = masked(name.partition("?")[0])
    if url.query:
        raise SettingsError(f"`{setting}` is {shown!r} with a query string, which is not supported.", remedy=form)
    if not model or len(address.split()) != 1 or url.scheme not in ("http", "https") or not url.host:
        raise SettingsError(f"`{setting}` is {shown!r}.", remedy=form)
    return model, address.rstrip("/")


def _passing(state: RetryCallState) -> Passing:
    """Return why the last attempt did not succeed: `Backoff.run` tries again after `Passing` only."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Passing)
    return error


def _passes(status: int) -> bool:
    """Return whether an error of the server may go away: it is busy, late or broken."""
    return status in (408, 429) or (status >= 500 and status not in FINAL_SERVER_ERRORS)


def _names_field(text: str, body: Mapping[str, object]) -> bool:
    """Return whether an error says that it does not take a field of the request: then waiting does not help."""
    said = reason(text)
    named = any(re.search(rf"\b{re.escape(field)}\b", said) for field in {*body} - _WORDS)
    return named and bool(_NOT_TAKEN.search(said))
