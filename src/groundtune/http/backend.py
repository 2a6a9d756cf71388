"""Calls of a back-end that settings name: one request, no retry, no redirect, no cookies, and a limit on everything.

What matters for whoever calls is whether a request may have arrived: `NotSent` says that none did, `NoReply` that
nobody knows. A connection is made for each call, so that none fails because an old one was closed meanwhile. Proxies of
the environment are not used. Knows no operation.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from time import monotonic

import httpcore
import httpx

from groundtune.errors import AddressRefused
from groundtune.http.addresses import Guard, authority, parsed
from groundtune.http.endpoint import CONNECT_SECONDS
from groundtune.http.guarded import AGENT, FetchLimits, GuardedNetwork, LookUp, TooLarge, addresses_of, read_whole


class NotSent(Exception):
    """Nothing left this machine; the reason."""


class NoReply(Exception):
    """The request may have arrived, and what came of it is not known; the reason."""


@dataclass(frozen=True, slots=True)
class BackendReply:
    """A reply: `large` tells that its body was larger than is read, and is not here."""

    status: int
    headers: httpx.Headers
    body: bytes = b""
    large: bool = False


class BackendClient:
    """Asks the server at `base_url`, which may be on this machine or in the company's network. Safe across threads.

    Raises `AddressRefused` for a `base_url` that is no address.
    """

    def __init__(self, base_url: str, limits: FetchLimits, look_up: LookUp = addresses_of) -> None:
        self._base = parsed(base_url)
        self._guard = Guard(private=[authority(self._base)])
        self._limits, self._look_up = limits, look_up

    @property
    def base_url(self) -> str:
        """Where it asks, without a slash at the end."""
        return str(self._base).rstrip("/")

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> BackendReply:
        """Send one request; `target` is path and query below the base URL, percent-encoded.

        Raises `NotSent` and `NoReply`; any status of HTTP is a reply.
        """
        sent = _Progress()
        base = self._base.raw_path.decode("ascii").rstrip("/")
        url = httpcore.URL(
            scheme=self._base.raw_scheme, host=self._base.raw_host, port=self._base.port, target=f"{base}{target}"
        )
        said = {"Host": authority(self._base), "User-Agent": AGENT, "Accept-Encoding": "gzip", **headers}
        if body is not None:
            said["Content-Length"] = str(len(body))
        limit = self._limits.seconds
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit) | {"connect": min(CONNECT_SECONDS, limit)}
        ssl_context = self._tls if self._base.scheme == "https" else None
        network = GuardedNetwork(self._guard, self._look_up, monotonic() + limit)
        try:
            with (
                httpcore.ConnectionPool(ssl_context, network_backend=network) as pool,
                pool.stream(
                    method,
                    url,
                    headers=list(said.items()),
                    content=body,
                    extensions={"timeout": timeouts, "trace": sent.note},
                ) as response,
            ):
                return self._reply(response, bodiless=method == "HEAD")
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError, zlib.error) as error:
            late = isinstance(error, httpcore.TimeoutException)
            reason = f"it did not reply within {limit:g} seconds" if late else f"{type(error).__name__}: {error}"
            raise (NoReply(reason) if sent.begun else NotSent(f"it cannot be reached: {reason}")) from None
        except AddressRefused as error:
            raise NotSent(str(error)) from None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()  # SSL_CERT_FILE names the company's own authority

    def _reply(self, response: httpcore.Response, *, bodiless: bool) -> BackendReply:
        headers = httpx.Headers(response.headers)
        if bodiless or response.status in (204, 205, 304):
            return BackendReply(response.status, headers)
        try:
            body = read_whole(response, headers, self._limits.megabytes)
        except TooLarge:
            return BackendReply(response.status, headers, large=True)
        return BackendReply(response.status, headers, body)


class _Progress:
    """Whether a request began to be sent."""

    begun = False

    def note(self, event: str, info: object) -> None:
        """Listen to httpcore's trace."""
        self.begun = self.begun or event.endswith("send_request_headers.started")
