"""One index of OpenSearch: connections and signatures, writing and walking, and a lock for writers.

Amazon OpenSearch Service (`es`) and OpenSearch Serverless (`aoss`) differ in what they offer. Only what both offer is
used: documents have ids of the service's own, and are deleted by them; what is written is waited for until it is
visible; what is walked through stays as it was at one point in time. Knows nothing of chunks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from pydantic import Field

from groundtune.errors import SettingsError, StoreError
from groundtune.http import aws
from groundtune.secrets import masked
from groundtune.settings import Table

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

TargetKind = Literal["domain", "serverless"]
SCHEMES: dict[str, TargetKind] = {"opensearch": "domain", "opensearch-serverless": "serverless"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PAGE = 1000  # documents of a walk that come at once
BULK_BYTES = 5 * 2**20  # of one request; Serverless takes 10 MiB
LEASE_SECONDS = 120.0  # a lock that is older was left by a process that is gone
WAIT_SECONDS = 120.0  # for another writer, and for what was written to be visible
SEEN_TIMES = 3  # looks in a row that have to see it, where several copies answer
_REMEDIES = {
    401: "Check user and password, or the AWS profile.",
    403: "Check the rights that docs/stores.md lists: of the AWS user, and of the domain's or collection's policy.",
    404: "Check the host and the index in [knowledge] store.",
    413: "Lower [knowledge] chunk_size.",
    429: "The cluster is overloaded. Run the command again later, or give it more capacity.",
}


class OpensearchSettings(Table):
    """`[store.opensearch]`: a knowledge store in OpenSearch, the service or Serverless."""

    region: str = Field("", description="AWS region. If empty, that of the host's name, or of the AWS profile.")
    login: Literal["auto", "aws", "password", "none"] = Field(
        "auto",
        description="How requests are signed. auto: with the password if the URL has one, not at all on this machine, "
        "else with AWS credentials.",
    )
    engine: Literal["lucene", "faiss"] = Field("lucene", description="k-NN engine of a domain's index.")
    generation: Literal["classic", "next"] = Field(
        "classic", description="Generation of a Serverless collection: they take different indexes."
    )
    language: str = Field("english", description="Stemmer of OpenSearch for the words of documents.")
    ef_search: int = Field(
        800, ge=1, le=10_000, description="Candidates of each vector search: more is exacter and slower."
    )


@dataclass(frozen=True, slots=True)
class Address:
    """Where an index is. `user` and `password` are empty without them."""

    kind: TargetKind
    host: str
    port: int
    index: str
    user: str = ""
    password: str = ""

    @property
    def local(self) -> bool:
        """Whether it is on this machine: without encryption."""
        return self.host in LOOPBACK

    @classmethod
    def of(cls, url: str) -> Address:
        """Return the address in `url`. Raises `SettingsError`."""
        parts = urlsplit(url)
        index = parts.path.strip("/")
        try:
            port = parts.port
        except ValueError:
            port = -1
        if not parts.hostname or not index or "/" in index or port == -1:
            raise SettingsError(
                f"`knowledge.store` is {masked(url)!r}, which names no host and index.",
                remedy=f"Write {parts.scheme}://HOST:PORT/INDEX.",
            )
        if index != index.lower() or index.startswith(("_", "-", "+")) or set(index) & set(' "*\\<|,>?#:'):
            raise SettingsError(
                f"`knowledge.store` names the index {index!r}, which OpenSearch does not take.",
                remedy="Use small letters, digits, - and _.",
            )
        local = parts.hostname in LOOPBACK
        user, password = (unquote(part or "") for part in (parts.username, parts.password))
        return cls(SCHEMES[parts.scheme], parts.hostname, port or (9200 if local else 443), index, user, password)


class SearchIndex:
    """One index. Raises `StoreError` for what the service refuses."""

    def __init__(self, url: str, settings: OpensearchSettings) -> None:
        self.address = Address.of(url)
        self.settings = settings
        self.place = masked(url)
        self.name = self.address.index
        self._client = self._connected()

    @property
    def serverless(self) -> bool:
        """Whether it is a collection of OpenSearch Serverless."""
        return self.address.kind == "serverless"

    def about(self) -> dict[str, Any] | None:
        """Return what is noted about the index (its mapping's `_meta`): at once the same for all. None without one."""
        return self._noted(self.name)

    def note(self, about: Mapping[str, Any]) -> None:
        """Replace what is noted about the index, all at once."""
        with self._refusals():
            self._client.indices.put_mapping(index=self.name, body={"_meta": dict(about)})

    def create(self, body: Mapping[str, Any]) -> bool:
        """Make the index; return whether it was not there."""
        return self._create(self.name, body)

    def search(self, *bodies: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the index answers to each body, asked together."""
        lines: list[Mapping[str, Any]] = []
        for body in bodies:
            lines += [{"index": self.name}, body]
        with self._refusals():
            answers: list[dict[str, Any]] = self._client.msearch(body=lines)["responses"]
        for answer in answers:
            if "error" in answer:
                raise self._refused(answer.get("status", 500), _reason(answer["error"]))
            shards = answer.get("_shards", {})
            if answer.get("timed_out") or shards.get("failed"):
                raise self._refused(503, f"{shards.get('failed', 'some')} shards did not answer")
        return answers

    def count(self, query: Mapping[str, Any]) -> int:
        """Return how many documents a search finds now."""
        (answer,) = self.search({"size": 0, "track_total_hits": True, "query": query})
        return int(answer["hits"]["total"]["value"])

    def walk(self, query: Mapping[str, Any], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield all hits of a query, as they were when the walk began."""
        with self._refusals():
            pit = self._client.create_pit(index=self.name, params={"keep_alive": "2m"})["pit_id"]
        try:
            after: list[Any] = []
            while True:
                body: dict[str, Any] = {
                    "size": PAGE, "query": query, "_source": list(fields), "sort": [{"key": "asc"}],
                    "pit": {"id": pit, "keep_alive": "2m"}, **({"search_after": after} if after else {}),
                }  # fmt: skip
                with self._refusals():
                    hits = self._client.search(body=body)["hits"]["hits"]
                yield from hits
                if len(hits) < PAGE:
                    return
                after = hits[-1]["sort"]
        finally:
            with self._refusals():
                self._client.delete_pit(body={"pit_id": [pit]})

    def add(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Write documents. Those that the service is too busy for are sent again; raises for any other failure."""
        self._bulk([{"_op_type": "index", "_index": self.name, "_source": dict(each)} for each in documents])

    def delete(self, ids: Sequence[str]) -> None:
        """Delete documents by the ids that the service gave them."""
        self._bulk([{"_op_type": "delete", "_index": self.name, "_id": each} for each in ids], gone=True)

    def refresh(self) -> None:
        """Show what was written, where the service lets us say when."""
        if not self.serverless:
            with self._refusals():
                self._client.indices.refresh(index=self.name)

    def await_count(self, query: Mapping[str, Any], wanted: int, renew: Callable[[], None]) -> bool:
        """Wait until a search finds `wanted` documents; return False if it finds more, or too few for too long."""
        self.refresh()
        if not self.serverless:
            return self.count(query) == wanted
        ends, seen, pause = time.monotonic() + WAIT_SECONDS, 0, 0.05
        while time.monotonic() < ends:
            seen = seen + 1 if self.count(query) == wanted else 0
            if seen == SEEN_TIMES:
                return True
            renew()
            time.sleep(pause)
            pause = min(2.0, 1.5 * pause)
        return False

    def tidy(self, *, whole: bool) -> None:
        """Free the space of what was deleted, where the service leaves that to us; `whole` writes all anew."""
        if not self.serverless:
            with self._refusals():
                params = {"max_num_segments": "1"} if whole else {"only_expunge_deletes": "true"}
                self._client.indices.forcemerge(index=self.name, params=params)

    def drop(self) -> None:
        """Delete the index."""
        self._drop(self.name)

    @contextmanager
    def writer(self) -> Iterator[Callable[[], None]]:
        """Be the only writer; gives what says, from time to time, that this one is still there.

        The lock is an index of its own: to create one is what the service does for one of several only.
        """
        lock, owner = f"{self.name}-writer", uuid4().hex
        ends = time.monotonic() + WAIT_SECONDS
        while not self._create(lock, {"mappings": {"_meta": _lease(owner)}}):
            held = self._noted(lock)
            if held is not None and held.get("until", 0.0) < time.time():
                self._drop(lock)
            elif time.monotonic() > ends:
                raise StoreError(
                    "another process has been writing to the store for long.",
                    place=self.place,
                    remedy=f"Wait for it, or delete the index `{lock}` if none is running.",
                )
            else:
                time.sleep(0.1)
        renewed = time.monotonic()

        def renew() -> None:
            nonlocal renewed
            if time.monotonic() - renewed < LEASE_SECONDS / 4:
                return
            if (self._noted(lock) or {}).get("owner") != owner:
                raise StoreError("lost the lock for writing.", place=self.place, remedy="Run the command again.")
            with self._refusals():
                self._client.indices.put_mapping(index=lock, body={"_meta": _lease(owner)})
            renewed = time.monotonic()

        try:
            yield renew
        finally:
            if (self._noted(lock) or {}).get("owner") == owner:
                self._drop(lock)

    # --- inside -----------------------------------------------------------------------------------

    def _connected(self) -> OpenSearch:
        from opensearchpy import OpenSearch, Urllib3HttpConnection

        address = self.address
        return OpenSearch(
            hosts=[{"host": address.host, "port": address.port}],
            http_auth=self._signature(),
            use_ssl=not address.local,
            verify_certs=True,
            connection_class=Urllib3HttpConnection,
            pool_maxsize=16,
            timeout=60,
            max_retries=4,
            retry_on_status=(429, 502, 503, 504),
        )

    def _signature(self) -> Any:  # noqa: ANN401
        address, login = self.address, self.settings.login
        if login == "auto":
            login = "password" if address.user else "none" if address.local else "aws"
        if login == "none":
            if not address.local:
                raise SettingsError(
                    '`store.opensearch.login` is "none", which is for this machine only.', remedy='Use "aws".'
                )
            return None
        if login == "password":
            return (address.user, address.password)
        from opensearchpy import Urllib3AWSV4SignerAuth

        credentials, region = aws.credentials(self._region(), "signing requests", self._failed)
        return Urllib3AWSV4SignerAuth(credentials, region, "aoss" if self.serverless else "es")

    def _region(self) -> str | None:
        parts = self.address.host.split(".")
        of_host = parts[-4] if self.address.host.endswith(".amazonaws.com") and len(parts) > 4 else None
        return self.settings.region or of_host

    def _failed(self, reason: str, remedy: str) -> StoreError:
        return StoreError(f"AWS {reason}", place=self.place, remedy=remedy)

    def _create(self, name: str, body: Mapping[str, Any]) -> bool:
        from opensearchpy.exceptions import RequestError

        with self._refusals():
            try:
                self._client.indices.create(index=name, body=dict(body))
            except RequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise
                return False
        return True

    def _noted(self, name: str) -> dict[str, Any] | None:
        from opensearchpy.exceptions import NotFoundError

        with self._refusals():
            try:
                mappings = self._client.indices.get_mapping(index=name)
            except NotFoundError:
                return None
        return dict(mappings[name]["mappings"].get("_meta", {}))

    def _drop(self, name: str) -> None:
        from opensearchpy.exceptions import NotFoundError

        with self._refusals():
            try:
                self._client.indices.delete(index=name)
            except NotFoundError:
                return

    def _bulk(self, actions: Sequence[Mapping[str, Any]], *, gone: bool = False) -> None:
        from opensearchpy.helpers import streaming_bulk

        with self._refusals():
            results = streaming_bulk(
                self._client, actions, chunk_size=500, max_chunk_bytes=BULK_BYTES, raise_on_error=False, max_retries=6,
                initial_backoff=1, max_backoff=10,
            )  # fmt: skip
            for good, result in results:  # those that were too many at once (429) were sent again
                (told,) = result.values()
                if not good and not (gone and told.get("status") == 404):
                    raise self._refused(told.get("status", 500), _reason(told.get("error", told)))

    def _refused(self, status: int, reason: str) -> StoreError:
        remedy = _REMEDIES.get(status, "Check the cluster's health and logs.")
        if "engine" in reason:
            remedy = "Set `engine` or `generation` of [store.opensearch] to what the target takes."
        return StoreError(f"OpenSearch refused ({status}): {masked(reason)}.", place=self.place, remedy=remedy)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what the client raises into `StoreError` with place and remedy."""
        from opensearchpy.exceptions import ConnectionError as NotConnected
        from opensearchpy.exceptions import OpenSearchException, TransportError

        try:
            yield
        except NotConnected as error:
            raise StoreError(
                f"OpenSearch cannot be reached: {masked(' '.join(str(error.info).split()))}.",
                place=self.place,
                remedy="Check that it is running, and the host and port in [knowledge] store.",
            ) from error
        except TransportError as error:
            reason = _reason(error.info.get("error", error.error) if isinstance(error.info, dict) else error.error)
            raise self._refused(int(error.status_code), reason) from error
        except OpenSearchException as error:
            raise self._refused(500, " ".join(str(error).split())) from error


def _lease(owner: str) -> dict[str, Any]:
    return {"owner": owner, "until": time.time() + LEASE_SECONDS}


def _reason(error: object) -> str:
    """Return why, out of what OpenSearch answers: the first cause tells the most."""
    if isinstance(error, Mapping):
        causes = error.get("root_cause") or [error]
        told = error.get("caused_by", {}).get("reason") or causes[0].get("reason") or error.get("reason") or error
        return " ".join(str(told).split())
    return " ".join(str(error).split())
