"""Connections to PostgreSQL for a knowledge store: settings, TLS, tokens of RDS, and errors in plain words.

Away from this machine a connection is encrypted and the server's certificate and name are verified, unless the URL says
otherwise (`sslmode`). With `[store.postgresql] login = "rds-iam"` every new connection logs in with a token of its own,
which AWS takes for 15 minutes. Knows nothing of chunks.
"""

from __future__ import annotations

import ipaddress
import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field

from groundtune.errors import SettingsError, StoreError
from groundtune.http import aws
from groundtune.secrets import Secret, masked
from groundtune.settings import Table

if TYPE_CHECKING:
    from psycopg import Connection

OLDEST = (0, 8)  # of pgvector: the first that scans an index on until enough rows pass the filter
CONNECTIONS = 8  # at once, for the threads of a server
WAIT_SECONDS = 30.0
_LIVELY = {  # a server that is gone without a word is noticed; seconds, and milliseconds for the last
    "connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}  # fmt: skip
_SECRET_PARTS = ("X-Amz-Signature", "X-Amz-Security-Token")  # of a token; the rest is known to who reads the settings
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_VERIFIED = "verify-full"
_REMEDIES = (
    (
        "pam authentication",
        "Check that the user has the role `rds_iam`, and that the AWS policy allows rds-db:connect.",
    ),
    ("authentication failed", "Check user and password: in the URL, in PGPASSWORD or in ~/.pgpass."),
    ("no password supplied", "Give the password in the URL, in PGPASSWORD or in ~/.pgpass."),
    ("server does not support ssl", "Add ?sslmode=disable to the URL if the network is to be trusted."),
    ("server certificate for", "Use the host name that the certificate is made out to."),
    (
        "certificate",
        "Name the authority's certificates with ?sslrootcert=FILE in the URL; AWS has global-bundle.pem.",
    ),
    ("permission denied", "Give the user the rights that docs/stores.md lists."),
    ("must be owner", "Give the user the rights that docs/stores.md lists."),
    ("does not exist", "Check the database and the user in the URL."),
    ("disk full", "Free some disk space of the server, then run `groundtune ingest` again."),
    ("no space left", "Free some disk space of the server, then run `groundtune ingest` again."),
    ("read-only", "Connect to the primary: this server takes no changes."),
    ("connect", "Check that the server is running and that [knowledge] store has the right host, port and database."),
)
# ISO 639-1 codes of the languages that PostgreSQL brings dictionaries for
LANGUAGES = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


class PostgresqlSettings(Table):
    """`[store.postgresql]`: a knowledge store in PostgreSQL with pgvector."""

    schema_name: str = Field(
        "groundtune",
        description="Schema with the tables. Each knowledge base of a database has one of its own.",
    )
    language: str = Field(
        "english",
        description="Text search configuration of documents that name no `language` in their metadata.",
    )
    login: Literal["password", "rds-iam"] = Field(
        "password", description="How to log in: with a password, or on RDS and Aurora with a token for each connection."
    )
    region: str = Field("", description="AWS region of the database, for tokens. If empty, that of the AWS profile.")
    exact_up_to: int = Field(
        20_000, ge=0, description="Number of chunks up to which vector search is exact. Above, an HNSW index is built."
    )
    ef_search: int = Field(
        800,
        ge=1,
        le=1000,
        description="Candidates that a search of the HNSW index keeps: more find more, and take longer.",
    )


class Database:
    """A pool of connections to one database; `place` names it in errors. Raises `StoreError` if it is out of reach."""

    def __init__(self, url: str, settings: PostgresqlSettings) -> None:
        import psycopg
        from psycopg_pool import ConnectionPool

        self.place = masked(url)
        self._given = _parameters(url, settings)
        self._settings = settings
        with self._refusals():
            psycopg.connect(**self._arguments()).close()  # a pool would try for long, and not say why it cannot
        self._pool = ConnectionPool(
            kwargs=self._arguments,
            min_size=0,
            max_size=CONNECTIONS,
            num_workers=1,
            timeout=WAIT_SECONDS,
            check=ConnectionPool.check_connection,
            open=True,
        )
        weakref.finalize(self, self._pool.close)

    @contextmanager
    def connection(self, *, autocommit: bool = False) -> Iterator[Connection[Any]]:
        """Give a connection in a transaction, which is kept if nothing is raised. Raises `StoreError`."""
        with self._refusals(), self._pool.connection() as connection:
            if not autocommit:
                yield connection
                return
            connection.autocommit = True
            try:
                yield connection
            finally:
                connection.autocommit = False

    def _arguments(self) -> dict[str, Any]:
        """Return what a new connection is made with; called for each."""
        from psycopg.rows import dict_row

        arguments: dict[str, Any] = {**self._given, "row_factory": dict_row, "prepare_threshold": None}
        if self._settings.login == "rds-iam":
            arguments["password"] = self._token()
        return arguments

    def _token(self) -> str:
        _, region = aws.credentials(self._settings.region or None, "tokens of RDS", self._failed)
        rds = aws.client("rds", region, {}, "tokens of RDS", self._failed)
        given = self._given
        token = rds.generate_db_auth_token(given["host"], int(given.get("port", 5432)), given["user"])
        for name, values in parse_qs(urlsplit(f"https://{token}").query).items():
            if name in _SECRET_PARTS:
                Secret(values[0])  # blanked wherever it appears from now on
        return str(token)

    def _failed(self, reason: str, remedy: str) -> StoreError:
        return StoreError(f"AWS {reason}", place=self.place, remedy=remedy)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn what PostgreSQL raises into `StoreError` with place and remedy."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            reason = masked(" ".join(str(error).split()))
            remedy = next((text for part, text in _REMEDIES if part in reason.lower()), "Check the database.")
            raise StoreError(f"PostgreSQL refused: {reason}.", place=self.place, remedy=remedy) from error


def check_extension(connection: Connection[Any], place: str) -> None:
    """Have pgvector in the database. Raises `StoreError` where it is missing or too old."""
    import psycopg

    held = connection.execute("SELECT extversion AS v FROM pg_extension WHERE extname = 'vector'").fetchone()
    if held is None:
        try:
            with connection.transaction():
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            raise StoreError(
                f"the database has no pgvector, and it cannot be added: {' '.join(str(error).split())}.",
                place=place,
                remedy="Have an administrator run CREATE EXTENSION vector; in this database.",
            ) from error
        held = connection.execute("SELECT extversion AS v FROM pg_extension WHERE extname = 'vector'").fetchone()
    version = str(held["v"]) if held else ""
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise StoreError(
            f"the database has pgvector {version}, but {OLDEST[0]}.{OLDEST[1]} is needed: an older one returns too few "
            "passages where access lists filter.",
            place=place,
            remedy="Have an administrator run ALTER EXTENSION vector UPDATE; after an upgrade of the server too.",
        )


def language(code: str, default: str) -> str:
    """Return PostgreSQL's name of a language ("de", "pt-BR"); "simple", which has no dictionary, for one that it lacks.

    >>> language("pt-BR", "english"), language("", "english"), language("ja", "english")
    ('portuguese', 'english', 'simple')
    """
    short = code.strip().lower().replace("_", "-").partition("-")[0]
    if not short:
        return default
    return LANGUAGES.get(short, short if short in LANGUAGES.values() else "simple")


def lock(connection: Connection[Any]) -> None:
    """Wait for others who set a store up in this database, until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('groundtune stores'))")


def add_column(connection: Connection[Any], table: str, column: str, kind: str) -> None:
    """Give a table of an earlier version the column that it lacks, empty."""
    there = "SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s AND NOT attisdropped"
    if connection.execute(there, [table, column]).fetchone() is None:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}")


def make_schema(connection: Connection[Any], name: str) -> None:
    """Make the schema, unless it is there."""
    from psycopg import sql

    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))


def drop_empty_schema(connection: Connection[Any], name: str) -> None:
    """Drop the schema, unless there is anything in it or it is not ours to drop."""
    import psycopg
    from psycopg import sql

    with suppress(psycopg.Error), connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} RESTRICT").format(sql.Identifier(name)))


def _parameters(url: str, settings: PostgresqlSettings) -> dict[str, Any]:
    """Return the parameters of libpq. Raises `SettingsError`."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not _NAME.fullmatch(settings.schema_name):
        raise SettingsError(
            f"`store.postgresql.schema_name` is {masked(settings.schema_name)!r}.",
            remedy="Use small letters, digits and _, and begin with a letter.",
        )
    try:
        given = dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError as error:
        reason = masked(" ".join(str(error).split()))
        raise SettingsError(
            f"`knowledge.store` is no address of PostgreSQL: {reason}.",
            remedy="Write postgresql://USER@HOST:PORT/DATABASE.",
        ) from None
    if settings.login == "rds-iam":
        missing = [name for name in ("host", "user") if not given.get(name)]
        if missing:
            raise SettingsError(
                f"`knowledge.store` names no {' and no '.join(missing)}, which a token of RDS is made for.",
                remedy="Write postgresql://USER@HOST:PORT/DATABASE.",
            )
        if given.setdefault("sslmode", _VERIFIED) != _VERIFIED:
            raise SettingsError(
                f"`knowledge.store` has sslmode={given['sslmode']}, but a token may only be sent to a verified server.",
                remedy=f"Leave sslmode out, or set it to {_VERIFIED}.",
            )
    elif not _is_local(given):
        given.setdefault("sslmode", _VERIFIED)
    given.setdefault("application_name", "groundtune")
    for name, value in _LIVELY.items():
        given.setdefault(name, value)
    given["options"] = f"{given.get('options', '')} -c search_path={settings.schema_name},public".strip()
    return given


def _is_local(given: Mapping[str, Any]) -> bool:
    """Tell whether a connection stays on this machine: a socket, or the loopback."""
    host = str(given.get("host") or "")
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
