"""Fetching what content names: pages of a sitemap now, what agents ask for later. The one client that may do so.

A host is looked up at the moment in which the connection is made, and the connection goes to an address that was
checked, so that a name which leads elsewhere a moment later does nothing; the certificate is checked against the name.
Redirects are followed here, and every hop is checked. Bytes are counted after they are unpacked, and time from the
first look-up to the last byte. Proxies of the environment are not used: they would look hosts up by themselves.
Knows no content.
"""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import httpcore
import httpx

from groundtune.errors import FetchFailed, NotReached
from groundtune.http.addresses import Guard, authority, parsed, refused
from groundtune.http.endpoint import CONNECT_SECONDS

AGENT = "groundtune"
_MB = 1_000_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP_OR_ZLIB = 47  # zlib's window bits for both
LookUp = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """The most that one fetch may take: megabytes after unpacking, seconds in all, and redirects."""

    megabytes: float = 20
    seconds: float = 30
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A reply: `url` is where it came from in the end. There is a body only if the status is 200."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes = b""

    @property
    def type(self) -> str:
        """Its media type, as in "text/html"; "" if it names none."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The encoding that it names, as in "iso-8859-1"; "" if it names none."""
        return httpx.Response(self.status, headers=self.headers).charset_encoding or ""


def addresses_of(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, in the order in which to try them. Raises `OSError` if there are none."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class GuardedClient:
    """Fetches what `guard` allows, within `limits`. Keeps no cookies and sends no credentials. Safe across threads."""

    def __init__(self, guard: Guard, limits: FetchLimits, look_up: LookUp = addresses_of) -> None:
        self._guard, self._limits, self._look_up = guard, limits, look_up

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        hosts: Collection[str] | None = None,
        types: Collection[str] = (),
    ) -> Fetched:
        """Fetch `url`. Where `hosts` are given, no other host (HOST or HOST:PORT) is asked, after redirects either.

        `types` are the media types that a body may have, all if empty. Raises `AddressRefused` for what must not be
        asked, `NotReached` for who is not there or too slow, and `FetchFailed` for what is too large or of another
        kind; any status of HTTP is a reply.
        """
        network = GuardedNetwork(self._guard, self._look_up, time.monotonic() + self._limits.seconds)
        place = parsed(url)
        with httpcore.ConnectionPool(self._tls, network_backend=network) as pool:
            for _ in range(self._limits.redirects + 1):
                self._guard.check(place)
                if hosts is not None and authority(place) not in hosts:
                    raise refused(place, f"is on another host, {authority(place)}", "Allow that host, if it is yours.")
                with self._asked(pool, place, headers or {}) as response:
                    said = httpx.Headers(response.headers)
                    if response.status not in _REDIRECTS or "location" not in said:
                        return self._reply(place, response, said, types)
                place = self._next(place, said["location"])
        raise FetchFailed(f"is redirected more than {self._limits.redirects} times.", place=url)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()  # SSL_CERT_FILE names the company's own authority

    @contextmanager
    def _asked(
        self, pool: httpcore.ConnectionPool, place: httpx.URL, headers: Mapping[str, str]
    ) -> Iterator[httpcore.Response]:
        limit = self._limits.seconds
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit) | {"connect": min(CONNECT_SECONDS, limit)}
        sent = {"Host": authority(place), "User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **headers}
        target = httpcore.URL(
            scheme=place.raw_scheme, host=place.raw_host, port=place.port, target=place.raw_path or b"/"
        )
        try:
            with pool.stream("GET", target, headers=list(sent.items()), extensions={"timeout": timeouts}) as response:
                yield response
        except httpcore.TimeoutException:
            raise NotReached(f"did not reply within {limit:g} seconds.", place=str(place)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise NotReached(f"cannot be reached ({error}).", place=str(place), remedy="Try again later.") from None

    def _next(self, place: httpx.URL, location: str) -> httpx.URL:
        try:
            target = place.join(location)
        except httpx.InvalidURL as error:
            raise refused(place, f"leads to what is no address ({error})", "") from None
        target = parsed(str(target))
        if place.scheme == "https" and target.scheme == "http":
            raise refused(target, f"is where {place} leads, without encryption", "")
        return target

    def _reply(
        self, place: httpx.URL, response: httpcore.Response, headers: httpx.Headers, types: Collection[str]
    ) -> Fetched:
        reply = Fetched(place, response.status, headers)
        if response.status != httpx.codes.OK:
            return reply
        if types and reply.type not in types:
            raise FetchFailed(f"is `{reply.type}`, not {' or '.join(sorted(types))}.", place=str(place))
        try:
            body = read_whole(response, headers, self._limits.megabytes)
        except UnknownEncoding as error:
            raise FetchFailed(f"is compressed as `{error}`, which was not asked for.", place=str(place)) from None
        except TooLarge:
            large = f"is larger than {self._limits.megabytes:g} MB."
            raise FetchFailed(large, place=str(place), remedy="Raise the limit, or leave it out.") from None
        except zlib.error as error:
            raise FetchFailed(f"cannot be decompressed ({error}).", place=str(place)) from None
        return Fetched(place, response.status, headers, body)


class TooLarge(Exception):
    """More bytes than may be taken."""


class UnknownEncoding(zlib.error):
    """A body that is compressed in a way that was not asked for."""


def read_whole(response: httpcore.Response, headers: httpx.Headers, megabytes: float) -> bytes:
    """Return the body of a reply, unpacked. Raises `TooLarge`, `UnknownEncoding`, and `zlib.error` for a broken one."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    most = round(megabytes * _MB)
    if encoding in ("gzip", "x-gzip", "deflate"):
        return unzipped(response.iter_stream(), most)
    if encoding in ("identity", ""):
        return _joined(response.iter_stream(), most)
    raise UnknownEncoding(encoding)


def unzipped(pieces: Iterable[bytes], most: int) -> bytes:
    """Return gzip or zlib data unpacked, however small a bomb is packed.

    Raises `TooLarge` beyond `most` bytes, and `zlib.error` for what is broken or cut off.
    """
    whole, unpacking = bytearray(), zlib.decompressobj(_GZIP_OR_ZLIB)
    for piece in pieces:
        rest = piece
        while rest:
            if unpacking.eof:  # the next member of a file that is put together
                unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
            whole += unpacking.decompress(rest, most + 1 - len(whole))
            if len(whole) > most:
                raise TooLarge
            rest = unpacking.unused_data or unpacking.unconsumed_tail
    if not unpacking.eof:
        raise zlib.error("it is cut off")
    return bytes(whole)


def _joined(pieces: Iterable[bytes], most: int) -> bytes:
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > most:
            raise TooLarge
    return bytes(whole)


class GuardedNetwork(httpcore.NetworkBackend):
    """Connections to addresses that were checked, until `deadline` (of `time.monotonic`)."""

    def __init__(self, guard: Guard, look_up: LookUp, deadline: float) -> None:
        self._guard, self._look_up, self._deadline = guard, look_up, deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers. Raises `AddressRefused` if one of them is forbidden."""
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError(f"{host} has no address")
        addresses = self._look_up(host, port)
        for address in addresses:
            if why := self._guard.forbids(address, host, port):
                remedy = "If it is the company's own, allow it by name in the settings."
                raise refused(host, f"is at {address}, which {why}", remedy)
        for address in addresses:
            try:
                stream = self._network.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
                return _Stream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def left(self, timeout: float | None) -> float:
        """Return how long an operation may take. Raises `httpcore.ReadTimeout` if the time is over."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the time is over")
        return seconds if timeout is None else min(seconds, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection of which each operation ends by the deadline: a byte a second keeps no one waiting."""

    def __init__(self, stream: httpcore.NetworkStream, network: GuardedNetwork) -> None:
        self._stream, self._network = stream, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._network.left(timeout))
        return _Stream(inner, self._network)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
