"""The pages that a site lists in its sitemap (sitemaps.org), as far as its robots.txt allows (RFC 9309).

All is fetched through the guarded client, from the sitemap's own host and those that settings name. Knows no HTML.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lxml import etree
from protego import Protego
from pydantic import Field

from groundtune.errors import AddressRefused, FetchFailed, NotReached, SettingsError
from groundtune.http.addresses import Guard, authority, parsed
from groundtune.http.guarded import AGENT, Fetched, FetchLimits, GuardedClient, TooLarge, unzipped
from groundtune.knowledge.readers import reader_for, readers
from groundtune.knowledge.readers._encodings import codec
from groundtune.knowledge.rules import is_rule
from groundtune.knowledge.sources import Content, NotThere, Remote, SourceListing
from groundtune.settings import KnowledgeSettings, Table

if TYPE_CHECKING:
    import httpx

_MB = 1_000_000
_HTML = ("text/html", "application/xhtml+xml")
_SUFFIXES = {"application/pdf": ".pdf", "text/plain": ".txt", "text/markdown": ".md", "text/csv": ".csv"}
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LONGEST_DELAY = 60.0  # seconds between two pages, whatever robots.txt asks
_ASKED_WITH = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class WebSettings(Table):
    """`[knowledge.web]`: how the pages of sitemaps are fetched."""

    private_hosts: list[str] = Field(
        [],
        description="Hosts of the company's own network, HOST or HOST:PORT. All others must have public addresses.",
    )
    other_hosts: list[str] = Field(
        [], description="Hosts, HOST or HOST:PORT, whose pages may be listed in sitemaps of other hosts."
    )
    most_pages: int = Field(10_000, ge=1, description="Maximum number of pages, and of sitemaps, of a source.")
    page_mb: float = Field(20, gt=0, description="Maximum size of a page or sitemap, uncompressed, in megabytes.")
    page_seconds: float = Field(30, gt=0, description="Maximum time to fetch a page or sitemap, in seconds.")


class SitemapSource:
    """The pages that the sitemap at `url` lists, or the sitemaps that it lists."""

    def __init__(self, url: str, settings: WebSettings) -> None:
        self._url, self._settings = parsed(url), settings
        private, others = (_hosts(names) for names in (settings.private_hosts, settings.other_hosts))
        self._hosts = {authority(self._url), *others}
        self._client = GuardedClient(
            Guard(private, self._hosts), FetchLimits(megabytes=settings.page_mb, seconds=settings.page_seconds)
        )
        self._robots: dict[str, Protego] = {}
        self._last = 0.0  # when the last page was asked for, by `time.monotonic`
        self.beginnings = tuple(f"{scheme}://{host}/" for host in sorted(self._hosts) for scheme in ("http", "https"))

    def listing(self) -> SourceListing:
        """Return the pages of all sitemaps. Raises `FetchFailed` if one of them cannot be had, or robots.txt cannot."""
        pages: dict[str, Remote] = {}
        ignored: dict[str, str] = {}
        for text, changed in self._pages():
            try:
                url = parsed(text)
            except AddressRefused:
                ignored[text] = "an address that must not be fetched"
                continue
            if reason := self._refused(url):
                ignored[str(url)] = reason
            else:
                pages[str(url)] = Remote(str(url), _settled(changed))
            self._refuse_too_many("pages", len(pages) + len(ignored))
        return SourceListing(tuple(pages.values()), tuple(ignored.items()))

    def fetch(self, remote: Remote, known: Mapping[str, str]) -> Content | None:
        """Return a page as it is now, as UTF-8 if the site says its encoding."""
        self._wait(remote.document)
        asked = {header: known[key] for key, header in _ASKED_WITH.items() if key in known}
        reply = self._client.get(remote.document, asked, hosts=self._hosts)
        if reply.status == HTTPStatus.NOT_MODIFIED and asked:
            return None
        if reply.status in _GONE:
            raise NotThere(f"is not there any more ({reply.status}).", place=remote.document)
        self._require_ok(reply, remote.document)
        name = _file_name(parsed(remote.document), reply.type)
        reader_for(Path(name))
        return Content(
            name, (_in_utf8(reply),), {key: reply.headers[key] for key in _ASKED_WITH if key in reply.headers}
        )

    def _refused(self, url: httpx.URL) -> str:
        """Return why a page that is listed is no document of this source."""
        if authority(url) not in self._hosts:
            return "on another host: name it in [knowledge.web] other_hosts if it is yours"
        if is_rule(url.path):
            return "a rule, which only folders and buckets have"
        return "" if self._rules(url).can_fetch(str(url), AGENT) else "forbidden by robots.txt"

    def _pages(self) -> Iterator[tuple[str, str]]:
        """Yield address and `lastmod` of each page, of all sitemaps."""
        waiting, seen = [self._url], {str(self._url)}
        while waiting:
            place = waiting.pop()
            root = self._sitemap(place)
            of_sitemaps = etree.QName(root).localname == "sitemapindex"
            for entry in root.iterchildren("{*}sitemap" if of_sitemaps else "{*}url"):
                text = (entry.findtext("{*}loc") or "").strip()
                if not of_sitemaps:
                    yield text, (entry.findtext("{*}lastmod") or "").strip()
                elif str(inner := parsed(text)) not in seen:
                    seen.add(str(inner))
                    waiting.append(inner)
                    self._refuse_too_many("sitemaps", len(seen))

    def _sitemap(self, place: httpx.URL) -> etree._Element:
        reply = self._client.get(str(place), hosts=self._hosts)
        self._require_ok(reply, str(place))
        try:
            body = reply.body
            if body.startswith(b"\x1f\x8b"):
                body = unzipped([body], round(self._settings.page_mb * _MB))
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except (etree.XMLSyntaxError, zlib.error) as error:
            raise _no_sitemap(place, str(error)) from None
        except TooLarge:
            large = f"is larger than {self._settings.page_mb:g} MB."
            raise FetchFailed(large, place=str(place), remedy="Raise [knowledge.web] page_mb.") from None
        if etree.QName(root).localname not in ("urlset", "sitemapindex"):
            raise _no_sitemap(place, f"its element is {etree.QName(root).localname}")
        return root

    def _rules(self, url: httpx.URL) -> Protego:
        """Return what robots.txt of a host says; where there is none, all is allowed."""
        place = str(url.copy_with(raw_path=b"/robots.txt"))
        if place not in self._robots:
            reply = self._client.get(place, hosts=self._hosts)
            if _is_down(reply):
                self._require_ok(reply, place)
            self._robots[place] = Protego.parse(reply.body.decode("utf-8", "replace"))
        return self._robots[place]

    def _wait(self, document: str) -> None:
        """Wait as long as robots.txt asks between two pages."""
        delay = min(self._rules(parsed(document)).crawl_delay(AGENT) or 0.0, _LONGEST_DELAY)
        time.sleep(max(0.0, self._last + delay - time.monotonic()))
        self._last = time.monotonic()

    def _refuse_too_many(self, what: str, count: int) -> None:
        if count > self._settings.most_pages:
            more = f"lists more than {self._settings.most_pages:,} {what}."
            raise FetchFailed(more, place=str(self._url), remedy="Raise [knowledge.web] most_pages.")

    @staticmethod
    def _require_ok(reply: Fetched, place: str) -> None:
        if reply.status != HTTPStatus.OK:
            raise (NotReached if _is_down(reply) else FetchFailed)(f"answered {reply.status}.", place=place)


def _is_down(reply: Fetched) -> bool:
    return reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS


def _hosts(names: list[str]) -> set[str]:
    """Return hosts as addresses have them. Raises `SettingsError` for what is none."""
    hosts = set()
    for name in names:
        try:
            url = parsed(f"http://{name}")
        except AddressRefused:
            url = None
        if url is None or url.raw_path != b"/":
            raise SettingsError(
                f"`knowledge.web` names the host {name!r}.", remedy="Write HOST or HOST:PORT, as in wiki.internal:8080."
            )
        hosts.add(authority(url))
    return hosts


def _settled(changed: str) -> str:
    """Return a `lastmod` that tells whether a page is the same; "" for one of these days: it may change once more."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    return changed if changed[:10] < yesterday else ""


def _file_name(url: httpx.URL, kind: str) -> str:
    """Return a file name for a page, with the suffix of its kind: HTML by its media type, others by their own suffix.

    >>> _file_name(parsed("https://docs.example.com/plans/"), "text/html")
    'plans.html'
    """
    name = PurePosixPath(unquote(url.path)).name or url.host
    if kind in _HTML:
        return name if PurePosixPath(name).suffix in (".html", ".htm") else f"{name}.html"
    if PurePosixPath(name).suffix.lower() in readers():
        return name
    return f"{name}{_SUFFIXES.get(kind, '')}"


def _in_utf8(reply: Fetched) -> bytes:
    """Return a text in UTF-8 if the reply names its encoding, which goes before what the text says; else as it is."""
    name = codec(reply.charset)
    if not name or not reply.type.startswith(("text/", *_HTML)):
        return reply.body
    try:
        return reply.body.decode(name).encode("utf-8")
    except UnicodeError:
        return reply.body


def _no_sitemap(place: httpx.URL, why: str) -> FetchFailed:
    return FetchFailed(
        f"is no sitemap ({why}).", place=str(place), remedy="Name the address of the site's sitemap.xml."
    )


def groundtune_source(url: str, settings: KnowledgeSettings) -> SitemapSource | None:
    """Hook of `sources`. Raises `SettingsError` for an address that must not be fetched."""
    if not url.startswith(("http://", "https://")):
        return None
    try:
        parsed(url)
    except AddressRefused as error:
        raise SettingsError(f"`knowledge.sources`: {error}") from None
    return SitemapSource(url, settings.part("web", WebSettings))


def groundtune_settings() -> dict[str, type[Table]]:
    """Hook for settings."""
    return {"knowledge.web": WebSettings}
