"""Talking JSON to an HTTP endpoint: retries with back-off, deadlines, server-sent events, errors with a remedy.

Knows HTTP; nothing of chat models. The key stands in one header and nowhere else: not in a message, not in `repr`.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain, count
from typing import TypeVar

import httpx

from groundtune.errors import ModelFailed

Result = TypeVar("Result")
RETRIED = frozenset({408, 429, 500, 502, 503, 504, 529})
NEVER_RETRIED_CODE = "insufficient_quota"  # comes as 429, and waiting does not help
CONNECT_SECONDS = 10.0
MOST_TIMEOUTS = 2  # a server that hangs takes the whole timeout each time
_EXCERPT = 300
_WRONG_ADDRESS = "Check the model's name, and that the base URL is that of an OpenAI-compatible API (most end in /v1)."


class Refused(ModelFailed):
    """The endpoint will not take this request (400 or 422): asking the same again is of no use."""


class Passing(Exception):
    """What may go better next time; `wait` is what the server asks for, in seconds, `most` how often to try at all."""

    def __init__(self, message: str, remedy: str, wait: float | None = None, most: int = sys.maxsize) -> None:
        self.message = message
        self.remedy = remedy
        self.wait = wait
        self.most = most


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long to wait: base · 2^n seconds, at most `longest`, times a random share of [0.5, 1].

    A server's Retry-After is followed up to `longest_asked` seconds; a server that asks for more is given up. The
    jitter keeps many clients from coming back together; no result depends on it.
    """

    attempts: int = 5
    base: float = 0.5
    longest: float = 30.0
    longest_asked: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    generator: random.Random = field(default_factory=random.Random)

    def seconds(self, attempt: int) -> float:
        """Return the seconds to wait after attempt number `attempt`, from 0."""
        return min(self.longest, self.base * 2.0**attempt) * self.generator.uniform(0.5, 1.0)

    def run(self, attempt: Callable[[], Result], failure: Callable[[str, str], Exception]) -> Result:
        """Return what `attempt` returns, trying again while it raises `Passing`; then raises `failure` of why not."""
        for number in count():
            try:
                return attempt()
            except Passing as error:
                wait = self.seconds(number) if error.wait is None else error.wait
                if number + 1 >= min(self.attempts, error.most):
                    raise failure(f"{error.message} Tried {number + 1} times.", error.remedy) from None
                if wait > self.longest_asked:
                    asked = f"{error.message} It asks to wait {wait:.0f} seconds."
                    raise failure(asked, "Wait so long, or ask less at once.") from None
                self.sleep(wait)
        raise AssertionError("unreachable")


class Endpoint:
    """A base URL with its key. Safe to use from several threads."""

    def __init__(self, base_url: str, key: str, key_variable: str, timeout: float, backoff: Backoff) -> None:
        self.base_url = base_url.rstrip("/")
        self._key = key
        self._key_variable = key_variable
        self._timeout = timeout
        self._backoff = backoff
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        self._client = httpx.Client(headers=headers, timeout=limits)

    def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Return what the endpoint answers with 200. Raises `ModelFailed`, or `Refused` for a bad request."""
        return self._patiently(lambda: self._read(path, body))

    def events(self, path: str, body: Mapping[str, object]) -> Iterator[str]:
        """Yield the data of each server-sent event, `[DONE]` included.

        Retried until the endpoint accepts the request, never after. Raises `ModelFailed`, also for a broken line.
        """
        response = self._patiently(lambda: self._open(path, body))
        try:
            yield from _event_data(response.iter_bytes())
        except httpx.TransportError as error:
            raise self.failure(f"broke off while answering ({type(error).__name__}).", "Ask again.") from None
        finally:
            response.close()

    def failure(self, message: str, remedy: str = _WRONG_ADDRESS, kind: type[ModelFailed] = ModelFailed) -> ModelFailed:
        """Return an error that names this endpoint, with the key blanked out."""
        return kind(self._blanked(message), place=self.base_url, remedy=remedy)

    def _patiently(self, attempt: Callable[[], Result]) -> Result:
        return self._backoff.run(attempt, self.failure)

    def _open(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        """Return the response to a request that was accepted, its body not yet read."""
        request = self._client.build_request("POST", f"{self.base_url}{path}", json=body)
        try:
            response = self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise self._unreached(error) from None
        if response.status_code == httpx.codes.OK:
            return response
        try:
            text = self._body(response, time.monotonic() + self._timeout).decode("utf-8", "replace")
        finally:
            response.close()
        raise self._status_error(response, text)

    def _read(self, path: str, body: Mapping[str, object]) -> bytes:
        deadline = time.monotonic() + self._timeout
        response = self._open(path, body)
        try:
            return self._body(response, deadline)
        finally:
            response.close()

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """Return the body. httpx limits the wait for each piece; `deadline` limits that for all of them."""
        pieces = []
        try:
            for piece in response.iter_bytes():
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise self._late()
        except httpx.TransportError as error:
            raise self._unreached(error) from None
        return b"".join(pieces)

    def _late(self) -> Passing:
        remedy = "Raise `model.timeout`, or check the load of the server."
        return Passing(f"gave no reply within {self._timeout:g} seconds.", remedy, most=MOST_TIMEOUTS)

    def _unreached(self, error: httpx.TransportError) -> Passing:
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return self._late()
        return Passing(f"cannot be reached ({error}).", "Check that the server runs and that the address is right.")

    def _status_error(self, response: httpx.Response, text: str) -> Exception:
        status = response.status_code
        reason = _reason(text)
        message = f"answered {status}: {reason[:_EXCERPT]}"
        if status in RETRIED and NEVER_RETRIED_CODE not in text:
            remedy = "Lower `model.concurrency`." if status == httpx.codes.TOO_MANY_REQUESTS else "Look at its log."
            return Passing(message, remedy, retry_after(response.headers.get("retry-after", "")))
        if status in (400, 413, 422):
            return self.failure(message, _advice(text), Refused)
        if status in (401, 403):
            state = "is refused" if self._key else "is not set"
            return self.failure(message, f"The environment variable {self._key_variable} {state}: put a valid key in.")
        return self.failure(message)

    def _blanked(self, message: str) -> str:
        return message.replace(self._key, "***") if self._key else message


def _event_data(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the data of server-sent events (WHATWG HTML §9.2.6); comments and other fields are passed over.

    Lines end in LF or CRLF only: U+2028, at which str.splitlines would cut, may stand inside JSON.
    """
    buffer = b""
    data: list[str] = []
    for piece in chain(pieces, (b"\n\n",)):  # some servers leave the last blank line out
        buffer += piece
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                data.append(text.removeprefix("data:").removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data = []


def _reason(text: str) -> str:
    """Return the message out of `{"error": {"message": ...}}`, or the body as it is."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split()) or "(nothing)"


def _advice(text: str) -> str:
    if "context_length" in text or "maximum context" in text:
        return "Lower `knowledge.passages`, `knowledge.chunk_size` or `model.max_tokens`."
    return "Check the model's name and what the endpoint supports."


def retry_after(value: str) -> float | None:
    """Return the seconds of a Retry-After header: a number or a date (RFC 9110 §10.2.3); None if it is neither."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
