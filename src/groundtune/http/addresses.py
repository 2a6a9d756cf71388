"""Which addresses may be asked for what content names, and which hosts and ports. Asks nobody itself.

What content names is not what the user named: a page may lead to the router, to a database on this machine, or to the
service that gives a server its keys. Only public addresses may be asked, and the company's own for hosts that settings
name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from groundtune.errors import AddressRefused

PORTS = {"http": 80, "https": 443}
# a company's own networks (RFC 1918, 4193, 6598) and this machine
_OWN = [
    ip_network(network)
    for network in "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 ::1/128 fc00::/7".split()
]
# where clouds give a server its keys, outside of 169.254.0.0/16: Azure, Alibaba, Oracle, Amazon, Google
_METADATA = [
    ip_address(address) for address in "168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd20:ce::254".split()
]
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_UNICAST = ip_network("2000::/3")
_UNCLEAR = re.compile(r"[\x00-\x1f\x7f\\]")  # what programs take in different ways
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be asked besides public addresses on ports 80 and 443; hosts are written HOST or HOST:PORT.

    `private` are hosts of the company, which may be at its own addresses; `public` are others, on ports of their own.
    """

    private: Collection[str] = ()
    public: Collection[str] = ()

    def check(self, url: httpx.URL) -> None:
        """Raise `AddressRefused` for a port that may not be asked."""
        if url.port not in (None, *PORTS.values()) and authority(url) not in {*self.private, *self.public}:
            raise refused(url, f"names port {url.port}", "Only 80, 443 and ports that settings name are asked.")

    def forbids(self, address: str, host: str, port: int) -> str:
        """Return why no connection to an address may be made for a host, "" if it may.

        >>> Guard().forbids("10.0.0.7", "wiki.internal", 443)
        'is not public'
        >>> Guard(private=["wiki.internal"]).forbids("10.0.0.7", "wiki.internal", 443)
        ''
        """
        name = f"[{host}]" if ":" in host else host
        usual = port in PORTS.values() and name in self.private
        return forbidden(address, own=usual or f"{name}:{port}" in self.private)


def forbidden(address: str, *, own: bool = False) -> str:
    """Return why an IP address must not be asked, "" if it may; with `own`, the company's networks may."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        return forbidden(str(IPv4Address(int(ip) & 0xFFFF_FFFF)))
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo):
        return "hides another address"
    if ip in _METADATA or ip.is_link_local:
        return "is where clouds keep keys, or in no network"
    if own and any(ip in network for network in _OWN):
        return ""
    unusual = ip.is_multicast or ip.is_reserved or (ip.version == 6 and ip not in _UNICAST)
    return "is not public" if unusual or not ip.is_global else ""


def parsed(text: str) -> httpx.URL:
    """Return the address that a text is, without its fragment.

    Raises `AddressRefused` unless it is http or https, has no credentials, and names its host so that every program
    reads the same one.
    """
    remedy = "Write it as browsers show it, as in https://docs.example.com/plans."
    try:
        url = httpx.URL(text).copy_with(fragment=None)
        second = urlsplit(text)
        raw_host = url.raw_host.decode("ascii")
        ports = [each.port or PORTS.get(url.scheme) for each in (url, second)]
        clear = second.hostname in (url.host, raw_host) and ports[0] == ports[1] and not _UNCLEAR.search(text)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise refused(text, f"is no address ({error})", remedy) from None
    if url.scheme not in PORTS:
        raise refused(text, f"begins with `{url.scheme}:`", "Only http and https are fetched.")
    if url.userinfo or "@" in second.netloc:
        raise refused(text, "contains credentials", "Leave them out.")
    if not clear or not _is_host(raw_host):
        raise refused(text, "spells its host in a way that programs read differently", remedy)
    return url


def authority(url: httpx.URL) -> str:
    """Return HOST, or HOST:PORT where the port is not the usual one."""
    return url.netloc.decode("ascii")


def refused(url: httpx.URL | str, why: str, remedy: str) -> AddressRefused:
    """Return the error for an address that must not be asked."""
    return AddressRefused(f"is not fetched: it {why}.", place=str(url), remedy=remedy)


def _is_host(host: str) -> bool:
    """Tell whether a host is a name, or an IP address in its usual form: not 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""
    if ":" in host:
        return "%" not in host
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host)) == host
        except ValueError:
            return False
    return _NAME.fullmatch(host) is not None
