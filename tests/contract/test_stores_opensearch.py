"""OpenSearch, the service and both generations of Serverless: a real one, behind a gateway that acts as AWS does."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("opensearchpy")

from _opensearch_gateway import REGION, before

from groundtune.errors import SettingsError, StoreError
from groundtune.knowledge.stores import _opensearch, open_store, opensearch
from groundtune.knowledge.stores._opensearch import Address, OpensearchSettings, SearchIndex
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.knowledge.stores.opensearch import OpensearchStore
from groundtune.protocols import KnowledgeStore
from groundtune.settings import StoreSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.entries import EMBEDDER, ask, documents_of, entry
from groundtune.testing.stores import StoreContract


def index_of(folder: Path) -> str:
    """Return the name of an index of the folder's own."""
    return f"test-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


class OpensearchContract(StoreContract):
    target = "domain"
    scheme = "opensearch"

    @pytest.fixture(autouse=True)
    def _gateway(self, node, aws, client, tmp_path):
        with before(node, self.target) as gateway:
            self.gateway = gateway
            yield
        for name in (index_of(tmp_path), f"{index_of(tmp_path)}-writer"):
            client.indices.delete(index=name, params={"ignore_unavailable": "true"})

    def url(self, folder: Path) -> str:
        return f"{self.scheme}://127.0.0.1:{self.gateway.port}/{index_of(folder)}"

    def settings(self, **more) -> OpensearchSettings:
        given = {"login": "aws", "region": REGION, "generation": "next" if self.target == "next" else "classic"}
        return OpensearchSettings(**{**given, **more})

    def open(self, folder: Path) -> KnowledgeStore:
        tables = StoreSettings().with_parts({"opensearch": self.settings()})
        return open_store(self.url(folder), folder, EMBEDDER, tables)

    def made(self, folder: Path, **more) -> OpensearchStore:
        return OpensearchStore(self.url(folder), EMBEDDER.signature, EMBEDDER.dimension, self.settings(**more))


class TestDomain(OpensearchContract):
    def test_another_embedder_is_refused(self, tmp_path: Path) -> None:
        self.open(tmp_path)
        tables = StoreSettings().with_parts({"opensearch": self.settings()})
        with pytest.raises(StoreError, match=r"dimension:64.*dimension:32.*Delete the index"):
            open_store(self.url(tmp_path), tmp_path, HashingEmbedder(32), tables)
        assert self.open(tmp_path).documents() == {}

    def test_the_revision_is_that_of_any_store(self, tmp_path: Path) -> None:
        stores = [self.open(tmp_path), LanceDBStore(tmp_path / "lance", EMBEDDER.signature, EMBEDDER.dimension)]
        assert stores[0].revision() == stores[1].revision()
        for store in stores:
            store.replace([entry("ö.md", ["giraffe"]), entry("Z.md", ["zebra"]), entry("a.md", ["zebra"])])
        assert stores[0].revision() == stores[1].revision()

    @pytest.mark.parametrize("number", range(1, 9))
    def test_a_kill_at_any_request_leaves_the_old_or_the_new(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """And what it left is never found, also after the next change."""
        monkeypatch.setattr(_opensearch, "LEASE_SECONDS", 0.5)
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra old"]), entry("b.md", ["zebra stays"])])
        done = []
        send = store._index._client.transport.perform_request

        def send_until(method, url, *given, **more):
            if method != "GET" and "search" not in url:  # what changes something
                done.append(url)
            if len(done) > number:
                raise Killed
            return send(method, url, *given, **more)

        monkeypatch.setattr(store._index._client.transport, "perform_request", send_until)
        with suppress(Killed):
            store.replace([entry("a.md", ["zebra new"])])
        after = self.open(tmp_path)
        found = {passage.text for passage in ask(after, "zebra")}
        assert found in ({"zebra old", "zebra stays"}, {"zebra new", "zebra stays"})
        after.replace([entry("c.md", ["zebra later"])])
        assert {passage.text for passage in ask(after, "zebra")} == found | {"zebra later"}
        assert after._about()["hidden"] == {}
        assert after._index.count({"match_all": {}}) == 3

    def test_what_the_service_is_too_busy_for_is_sent_again(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        self.gateway.busy = 2
        store.replace([entry("a.md", ["zebra one", "zebra two", "zebra three"])])
        assert self.gateway.busy == 0
        assert len(ask(store, "zebra")) == 3

    def test_a_failure_in_a_bulk_that_succeeded_is_told(self, tmp_path: Path) -> None:
        """The request itself is answered with 200."""
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra old"])])

        def spoil(told):
            told["items"][-1] = {"index": {"status": 400, "error": {"type": "x", "reason": "it does not fit"}}}

        self.gateway.spoil = spoil
        with pytest.raises(StoreError, match=r"refused \(400\): it does not fit"):
            store.replace([entry("a.md", ["zebra new", "zebra more"])])
        self.gateway.spoil = None
        assert [passage.text for passage in ask(store, "zebra")] == ["zebra old"]
        store.replace([entry("a.md", ["zebra new"])])
        assert [passage.text for passage in ask(store, "zebra")] == ["zebra new"]

    def test_a_wrong_key_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another key")
        with pytest.raises(StoreError, match=r"refused \(403\): the signature is another one.*docs/stores\.md"):
            self.open(tmp_path)

    def test_an_index_of_others_is_left_alone(self, tmp_path: Path, client) -> None:
        client.indices.create(index=index_of(tmp_path))
        with pytest.raises(StoreError, match=r"not made by groundtune.*another index"):
            self.open(tmp_path)

    def test_the_engine_of_a_domain_can_be_chosen(self, tmp_path: Path) -> None:
        store = self.made(tmp_path, engine="faiss")
        store.replace([entry("a.md", ["zebra"])])
        assert documents_of(ask(store, "zebra")) == {"a.md"}

    def test_many_chunks_of_one_document_come_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_opensearch, "PAGE", 7)
        monkeypatch.setattr(opensearch, "PAGE", 7)
        store = self.open(tmp_path)
        texts = [f"zebra {number}" for number in range(30)]
        store.replace([entry("a.md", texts), *(entry(f"{number}.md", ["x"]) for number in range(20))])
        held = store.document("a.md")
        assert held is not None
        assert [chunk.text for chunk in held.chunks] == texts
        assert len(self.open(tmp_path).documents()) == 21
        store.replace([entry("a.md", ["zebra"])])
        assert store._index.count({"match_all": {}}) == 21


class TestServerlessClassic(OpensearchContract):
    target, scheme = "classic", "opensearch-serverless"

    def test_only_what_a_collection_offers_is_used(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        store.replace([entry("a.md", ["giraffe"])])
        assert documents_of(ask(store, "giraffe")) == {"a.md"}
        store.remove(["a.md"])
        store.optimize()
        assert self.gateway.refused == []

    def test_what_is_gone_stays_hidden_until_every_copy_knows(self, tmp_path: Path, monkeypatch) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        store.replace([entry("a.md", ["giraffe"])])
        assert list(store._about()["hidden"])
        monkeypatch.setattr(opensearch, "_SETTLED", 0.0)
        store.optimize()
        assert store._about()["hidden"] == {}

    def test_the_wrong_generation_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"refused \(400\): engine None is not supported"):
            self.made(tmp_path, generation="next")


class TestServerlessNext(OpensearchContract):
    target, scheme = "next", "opensearch-serverless"

    def test_the_wrong_generation_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"Field parameter 'engine' is not supported.*generation"):
            self.made(tmp_path, generation="classic")


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("opensearch://localhost/kb", Address("domain", "localhost", 9200, "kb")),
        (
            "opensearch://search-x.eu-west-1.es.amazonaws.com/kb",
            Address("domain", "search-x.eu-west-1.es.amazonaws.com", 443, "kb"),
        ),
        ("opensearch://ana:p%40ss@os.example:9200/kb", Address("domain", "os.example", 9200, "kb", "ana", "p@ss")),
        ("opensearch-serverless://x.aoss.amazonaws.com/kb", Address("serverless", "x.aoss.amazonaws.com", 443, "kb")),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert Address.of(url) == address


@pytest.mark.parametrize(
    "url", ["opensearch://", "opensearch://host", "opensearch://host/a/b", "opensearch://h:x/kb", "opensearch://h/KB"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(SettingsError, match=r"knowledge\.store"):
        Address.of(url)


def test_away_from_this_machine_requests_are_signed_and_encrypted(aws) -> None:
    index = SearchIndex("opensearch://search-x.eu-west-1.es.amazonaws.com/kb", OpensearchSettings())
    (connection,) = index._client.transport.connection_pool.connections
    assert connection.host == "https://search-x.eu-west-1.es.amazonaws.com:443"
    assert (index._signature().signer.region, index._signature().signer.service) == ("eu-west-1", "es")
    with pytest.raises(SettingsError, match="for this machine only"):
        SearchIndex("opensearch://os.example/kb", OpensearchSettings(login="none"))


def test_a_server_that_is_not_there_and_no_password_in_the_error() -> None:
    url = "opensearch://ana:hunter2@127.0.0.1:9/kb"
    with pytest.raises(StoreError, match=r"cannot be reached.*Check that it is running") as raised:
        OpensearchStore(url, "x", 64, OpensearchSettings())
    assert "hunter2" not in str(raised.value)


def test_this_machine_needs_no_signature(node, tmp_path: Path, client) -> None:
    store = OpensearchStore(f"opensearch://127.0.0.1:{node}/plain", EMBEDDER.signature, 64, OpensearchSettings())
    try:
        store.replace([entry("a.md", ["zebra"])])
        assert documents_of(ask(store, "zebra")) == {"a.md"}
    finally:
        client.indices.delete(index="plain")
