"""PostgreSQL with pgvector, as a package carries it; GROUNDTUNE_TEST_POSTGRESQL names another database."""

from __future__ import annotations

import hashlib
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

psycopg = pytest.importorskip("psycopg")

from _postgresql_tls import behind_tls, certificates, token_is_good  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from groundtune.errors import SettingsError, StoreError  # noqa: E402
from groundtune.knowledge.stores import _postgresql, _postgresql_words, open_store  # noqa: E402
from groundtune.knowledge.stores._postgresql import PostgresqlSettings  # noqa: E402
from groundtune.knowledge.stores.lancedb import LanceDBStore  # noqa: E402
from groundtune.knowledge.stores.pgvector import PgvectorStore  # noqa: E402
from groundtune.protocols import KnowledgeStore  # noqa: E402
from groundtune.secrets import masked  # noqa: E402
from groundtune.settings import StoreSettings  # noqa: E402
from groundtune.testing.embedders import HashingEmbedder  # noqa: E402
from groundtune.testing.entries import EMBEDDER, ask, documents_of, entry  # noqa: E402
from groundtune.testing.stores import StoreContract  # noqa: E402
from groundtune.values import Query  # noqa: E402


def schema(folder: Path) -> str:
    """Return the name of a schema of the folder's own."""
    return f"test_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"


def settings(folder: Path, **more: object) -> PostgresqlSettings:
    return PostgresqlSettings.model_validate({"schema_name": schema(folder), **more})


class TestPgvector(StoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, postgresql: str, tmp_path: Path):
        self.url = postgresql
        yield
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema(tmp_path)} CASCADE")

    def open(self, folder: Path) -> KnowledgeStore:
        tables = StoreSettings().with_parts({"postgresql": settings(folder)})
        return open_store(self.url, folder, EMBEDDER, tables)

    def made(self, folder: Path, **more: object) -> PgvectorStore:
        return PgvectorStore(self.url, EMBEDDER.signature, EMBEDDER.dimension, settings(folder, **more))

    def test_another_embedder_is_refused(self, tmp_path: Path) -> None:
        self.open(tmp_path)
        tables = StoreSettings().with_parts({"postgresql": settings(tmp_path)})
        with pytest.raises(StoreError, match=r"dimension:64.*dimension:32.*Drop the schema"):
            open_store(self.url, tmp_path, HashingEmbedder(32), tables)
        assert self.open(tmp_path).documents() == {}

    def test_the_revision_is_that_of_any_store(self, tmp_path: Path) -> None:
        stores = [
            self.open(tmp_path),
            LanceDBStore(tmp_path / "lance", EMBEDDER.signature, EMBEDDER.dimension),
        ]
        for store in stores:
            store.replace([entry("ö.md", ["giraffe"]), entry("Z.md", ["zebra"]), entry("a.md", ["zebra"])])
        assert stores[0].revision() == stores[1].revision()

    @pytest.mark.parametrize("dimension", [64, 2100, 4100])
    def test_an_index_finds_what_an_exact_search_finds(self, tmp_path: Path, dimension: int) -> None:
        """Through a filter that few pass too; above 4,000 dimensions there is no index."""
        embedder = HashingEmbedder(dimension)

        def opened(exact_up_to: int) -> PgvectorStore:
            own = settings(tmp_path, exact_up_to=exact_up_to)
            return PgvectorStore(self.url, embedder.signature, dimension, own)

        rng = np.random.default_rng(5)
        entries = []
        for number in range(400):
            readers = ["everyone", "few"] if number % 50 == 0 else ["everyone"]
            made = entry(f"{number}.md", [f"zebra {number}"], readable_by=readers)
            vector = rng.normal(size=(1, dimension)).astype(np.float32)
            entries.append(replace(made, vectors=vector / np.linalg.norm(vector)))
        opened(1000).replace(entries)
        vector = tuple(map(float, entries[7].vectors[0] + entries[100].vectors[0]))
        asked = [Query("", vector, 10, (name,), candidates=10, legs=("vectors",)) for name in ("everyone", "few")]
        exact = [opened(1000).search(query) for query in asked]
        indexed = opened(100)
        indexed.optimize()
        found = [indexed.search(query) for query in asked]
        assert [len(passages) for passages in found] == [10, 8]
        for before, after in zip(exact, found, strict=True):
            assert [passage.document for passage in after] == [passage.document for passage in before]
        with psycopg.connect(self.url) as connection:
            (held,) = connection.execute(
                "SELECT count(*) FROM pg_indexes WHERE schemaname = %s AND indexname = 'chunk_vector'",
                [schema(tmp_path)],
            ).fetchone()
        assert held == (dimension <= 4000)

    def test_words_are_found_in_the_language_of_the_document(self, tmp_path: Path) -> None:
        words = self.made(tmp_path)
        words.replace(
            [
                entry("de.md", ["Die Rechnungen der Kunden"], metadata={"language": "de-AT"}),
                entry("en.md", ["The invoices of customers"]),
                entry("ja.md", ["返金には十日かかります。"], metadata={"language": "ja"}),
            ]
        )
        for question, found in (("Rechnung", "de.md"), ("invoice", "en.md"), ("返金", "ja.md"), ("The", None)):
            assert documents_of(ask(words, question, legs=("words",))) == ({found} if found else set())

    def test_where_words_are_frequent_only_chunks_with_a_rarer_one_are_ranked(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As long as there are enough of them; then by all words of the question."""
        monkeypatch.setattr(_postgresql_words, "_MOST_RANKED", 50)
        words = self.made(tmp_path)
        long = ["an okapi among all other animals of a forest"]
        okapis = [entry(f"okapi {number}.md", long) for number in range(40)]
        zebras = [entry(f"zebra {number}.md", ["zebra"]) for number in range(200)]
        words.replace([*okapis, *zebras, entry("both.md", ["zebra and okapi"])])
        assert "okapi" not in {passage.document[:5] for passage in ask(words, "zebra okapi", legs=("words",))}
        words.optimize()  # counts how many chunks have a word
        frequent = ask(words, "zebra okapi", legs=("words",))
        assert frequent[0].document == "both.md"
        assert {passage.document[:5] for passage in frequent[1:]} == {"okapi"}
        many = Query("zebra okapi", (0.0,) * EMBEDDER.dimension, 100, ("everyone",), candidates=100, legs=("words",))
        assert len(words.search(many)) == 100
        assert {passage.document[:5] for passage in ask(words, "zebra", legs=("words",))} == {"zebra"}

    def test_who_may_only_read_reads(self, tmp_path: Path) -> None:
        self.open(tmp_path).replace([entry("a.md", ["zebra"])])
        name = f"reader_{schema(tmp_path)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN")
            connection.execute(f"GRANT USAGE ON SCHEMA {schema(tmp_path)} TO {name}")
            connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema(tmp_path)} TO {name}")
        try:
            store = PgvectorStore(
                make_conninfo(self.url, user=name), EMBEDDER.signature, EMBEDDER.dimension, settings(tmp_path)
            )
            assert documents_of(ask(store, "zebra")) == {"a.md"}
            assert store.revision() == self.open(tmp_path).revision()
            with pytest.raises(StoreError, match=r"permission denied.*docs/stores\.md"):
                store.replace([entry("b.md", ["zebra"])])
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"DROP OWNED BY {name}")
                connection.execute(f"DROP ROLE {name}")

    def test_a_connection_that_was_lost_is_made_anew(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'groundtune' AND pid <> pg_backend_pid()"
            )
        assert documents_of(ask(store, "zebra")) == {"a.md"}

    def test_an_old_pgvector_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_postgresql, "OLDEST", (99, 1))
        with pytest.raises(StoreError, match=r"pgvector 0\.\d+.*99\.1 is needed.*ALTER EXTENSION vector UPDATE"):
            self.open(tmp_path)

    def test_a_database_without_pgvector(self, tmp_path: Path) -> None:
        """An administrator's database gets it; others are told whom to ask."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bare")
            connection.execute("CREATE ROLE plain LOGIN")
        try:
            url, plain = make_conninfo(self.url, dbname="bare"), make_conninfo(self.url, dbname="bare", user="plain")
            with pytest.raises(StoreError, match=r"no pgvector.*Have an administrator run CREATE EXTENSION vector"):
                PgvectorStore(plain, EMBEDDER.signature, EMBEDDER.dimension, settings(tmp_path))
            PgvectorStore(url, EMBEDDER.signature, EMBEDDER.dimension, settings(tmp_path))
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute("DROP DATABASE bare WITH (FORCE)")
                connection.execute("DROP ROLE plain")


def test_a_server_that_is_not_there() -> None:
    own = PostgresqlSettings()
    with pytest.raises(StoreError, match=r"refused.*Check that the server is running") as raised:
        PgvectorStore("postgresql://ana:hunter2@127.0.0.1:9/support", "x", 64, own)
    assert "hunter2" not in str(raised.value)


def test_an_address_that_is_none() -> None:
    with pytest.raises(SettingsError, match=r"no address of PostgreSQL.*Write postgresql://"):
        PgvectorStore("postgresql://ana@db/support?colour=blue", "x", 64, PostgresqlSettings())


@pytest.mark.parametrize("name", ["", "Support", "a b", "x; DROP TABLE y", "x,public", "1x", "x" * 64, "ö"])
def test_names_of_schemas_that_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"schema_name.*small letters"):
        _postgresql._parameters("postgresql://ana@127.0.0.1/x", PostgresqlSettings(schema_name=name))


def test_an_unknown_language_is_told(postgresql: str) -> None:
    own = PostgresqlSettings(schema_name="test_language", language="klingon")
    store = PgvectorStore(postgresql, EMBEDDER.signature, EMBEDDER.dimension, own)
    try:
        with pytest.raises(StoreError, match="klingon"):
            store.replace([entry("a.md", ["zebra"])])
    finally:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS test_language CASCADE")


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://ana@db.example/support", "verify-full"),
        ("postgresql://ana@10.0.0.5/support", "verify-full"),
        ("postgresql://ana@db.example/support?sslmode=disable", "disable"),
        ("postgresql://ana@127.0.0.1/support", None),
        ("postgresql://ana@localhost/support", None),
        ("postgresql://ana@[::1]/support", None),
        ("postgresql:///support?host=/tmp", None),
    ],
)
def test_away_from_this_machine_the_server_is_verified(url: str, mode: str | None) -> None:
    assert _postgresql._parameters(url, PostgresqlSettings()).get("sslmode") == mode


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://db.example/support", "names no user"),
        ("postgresql:///support", "names no host and no user"),
        ("postgresql://ana@db.example/support?sslmode=require", "only be sent to a verified server"),
    ],
)
def test_a_token_needs_a_place_and_goes_to_verified_servers_only(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        _postgresql._parameters(url, PostgresqlSettings(login="rds-iam"))


class TestBehindTls:
    """What RDS and Aurora have besides: TLS, and tokens for passwords."""

    @pytest.fixture(autouse=True)
    def _made(self, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        for name, value in (("AWS_ACCESS_KEY_ID", "AKIATEST"), ("AWS_SECRET_ACCESS_KEY", "secret")):
            monkeypatch.setenv(name, value)
        self.authority, self.certificate = certificates(tmp_path, "localhost")
        self.behind, self.folder = postgresql, tmp_path
        yield
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema(tmp_path)} CASCADE")

    def served(self, accepts):
        def target() -> socket.socket:
            with psycopg.connect(self.behind) as connection:
                info = connection.info
                host, port = info.host, info.port
            if host.startswith("/"):
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(f"{host}/.s.PGSQL.{port}")
                return behind
            return socket.create_connection((host, port))

        return behind_tls(self.certificate, target, accepts)

    def url(self, port: int, host: str = "localhost", **more: str) -> str:
        from urllib.parse import urlencode

        with psycopg.connect(self.behind) as connection:
            user, database = connection.info.user, connection.info.dbname
        given = {"sslmode": "verify-full", "sslrootcert": str(self.authority), **more}
        return f"postgresql://{user}@{host}:{port}/{database}?{urlencode(given)}"

    def opened(self, url: str, **more: object) -> PgvectorStore:
        return PgvectorStore(url, EMBEDDER.signature, EMBEDDER.dimension, settings(self.folder, **more))

    def test_every_connection_has_a_token_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_postgresql, "CONNECTIONS", 2)
        with self.served(lambda password: password.startswith("localhost:")) as (port, passwords):
            store = self.opened(self.url(port), login="rds-iam", region="eu-west-1")
            accepts = token_is_good("localhost", port, "postgres", "AKIATEST")
            store.replace([entry("a.md", ["zebra"])])
            with psycopg.connect(self.behind, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'groundtune'"
                )
            assert documents_of(ask(store, "zebra")) == {"a.md"}
        assert len(passwords) >= 3
        assert all(map(accepts, passwords))
        assert all(password not in masked(f"token: {password}") for password in passwords)

    def test_an_expired_token_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from botocore.signers import RequestSigner

        made = RequestSigner.generate_presigned_url

        def late(self, *given, **more):
            return made(self, *given, **{**more, "expires_in": 0})

        with self.served(lambda password: token_is_good("localhost", port, "postgres", "AKIATEST")(password)) as (
            port,
            _,
        ):
            self.opened(self.url(port), login="rds-iam", region="eu-west-1")
            monkeypatch.setattr(RequestSigner, "generate_presigned_url", late)
            with pytest.raises(StoreError, match=r"PAM authentication failed.*rds_iam.*rds-db:connect") as raised:
                self.opened(self.url(port), login="rds-iam", region="eu-west-1")
        assert "X-Amz-Signature" not in str(raised.value)

    def test_a_server_of_another_name_is_refused(self) -> None:
        with (
            self.served(lambda password: True) as (port, passwords),
            pytest.raises(StoreError, match=r'server certificate for "localhost".*host name'),
        ):
            self.opened(self.url(port, host="127.0.0.1", password="hunter2"))
        assert passwords == []

    def test_a_server_of_an_unknown_authority_is_refused(self) -> None:
        (self.folder / "other").mkdir()
        other, _ = certificates(self.folder / "other", "localhost")
        with (
            self.served(lambda password: True) as (port, passwords),
            pytest.raises(StoreError, match=r"certificate verify failed.*sslrootcert"),
        ):
            self.opened(self.url(port, sslrootcert=str(other), password="hunter2"))
        assert passwords == []

    def test_a_server_without_tls_is_refused(self) -> None:
        with pytest.raises(StoreError, match=r"does not support SSL.*sslmode=disable"), self._plain() as port:
            self.opened(self.url(port))

    @contextmanager
    def _plain(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def refuse() -> None:
                with suppress(OSError):
                    while True:
                        client, _ = listening.accept()
                        with client:
                            client.recv(8)
                            client.sendall(b"N")

            threading.Thread(target=refuse, daemon=True).start()
            yield listening.getsockname()[1]
