"""The table of LanceDB's store: what it is made of, how it is opened, and how one of an earlier version is brought up.

Knows no chunk and no question. LanceDB is imported inside functions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception_message, stop_after_attempt, wait_random_exponential

from groundtune.comparing import VERSION, searchable
from groundtune.errors import StoreError
from groundtune.files import write_text
from groundtune.knowledge.stores._checks import check_filling
from groundtune.values import digest

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "chunks"
FILLING = ("layout", "embedder", "dimension")
EMPTIED = "Delete the folder"
WORDS = f"words_{VERSION}"  # what the word index is made of; another version is another column
PATIENTLY = Retrying(
    retry=retry_if_exception_message(match="(?is).*conflict"),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.2, max=6.4),
    reraise=True,
)
GROUP = 512  # vectors in one group of the index
_INDEXED_FROM = 5_000  # rows: below, reading the table takes as long as the rest of a search
_LISTING = "held.json"  # beside the table: what it holds in one state


@dataclass(frozen=True, slots=True)
class Listing:
    """What a table holds: the fingerprint of each document, the revision that follows from them, and what the table is
    filled with, as its schema says."""

    documents: Mapping[str, str]
    revision: str
    filled: Mapping[str, str]


def state_of(path: Path) -> str:
    """Return what is another with every change of the table: a hash of names and times of its files of versions."""
    try:
        versions = list(os.scandir(path / f"{TABLE}.lance" / "_versions"))
        files = sorted((version.name, version.stat().st_mtime_ns) for version in versions)
    except OSError:
        return ""
    return digest(*(f"{name} {time}" for name, time in files))


def kept_listing(path: Path, state: str) -> Listing | None:
    """Return what the table holds in this state, if that is kept: LanceDB itself takes seconds to import."""
    try:
        kept = json.loads((path / _LISTING).read_text(encoding="utf-8"))
        return Listing(**kept["listing"]) if kept["state"] == state else None
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not what was written
        return None


def keep_listing(path: Path, state: str, listing: Listing) -> None:
    """Keep it for other processes; a store that may only be read works as well."""
    with suppress(OSError):
        write_text(path / _LISTING, json.dumps({"state": state, "listing": asdict(listing)}, ensure_ascii=False))


def schema_of(filled: Mapping[str, str]) -> pa.Schema:
    """Return the schema of a table that is filled so."""
    import pyarrow as pa

    text, integer, number, texts = pa.string(), pa.int64(), pa.float64(), pa.list_(pa.string())
    place = pa.struct({"start": integer, "end": integer, "page": integer, "seconds": number})  # as since layout 1
    return pa.schema(
        {
            "id": text, "document": text, "fingerprint": text, "start": integer, "end": integer, "text": text,
            "heading": text, WORDS: text, "readable_by": texts, "metadata": texts,
            "vector": pa.list_(pa.float32(), int(filled["dimension"])), "page": integer, "seconds": number,
            "segments": pa.list_(place), "confidence": number, "confidences": pa.list_(number),
        },
        metadata=dict(filled),
    )  # fmt: skip


def filling_of(schema: pa.Schema) -> dict[str, str]:
    """Return what a table is filled with."""
    return {key: (schema.metadata or {}).get(key.encode(), b"").decode() for key in FILLING}


def open_table(path: Path, filled: Mapping[str, str]) -> Any:  # noqa: ANN401 -- lancedb has no usable types
    """Open or create the table. Raises `StoreError` if it was made with another embedder."""
    schema = schema_of(filled)
    try:
        connection = database(path)
        if TABLE in connection.list_tables().tables:
            table = connection.open_table(TABLE)
        else:
            table = connection.create_table(TABLE, schema=schema, exist_ok=True)
        check_filling(filling_of(table.schema), filled, path, EMPTIED)
        _add_columns(table, schema)
        PATIENTLY(_fill_words, table)
        PATIENTLY(index_words, table)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(
            f"LanceDB cannot open the store: {error}.", place=path, remedy="Check the path and its permissions."
        ) from error
    return table


def database(path: Path) -> Any:  # noqa: ANN401
    """Connect. Interval zero: every read looks for what others wrote, so that a deleted document is gone at once."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of what it mends itself
    import lancedb

    return lancedb.connect(path, read_consistency_interval=timedelta(0))


def _add_columns(table: Any, wanted: pa.Schema) -> None:  # noqa: ANN401
    """Give a table of an earlier version the columns that it lacks, empty, unless another process just did."""
    import pyarrow as pa

    def lacking() -> list[pa.Field]:
        return [field for field in wanted if field.name not in table.schema.names]

    if lacking():
        try:
            table.add_columns(pa.schema(lacking()))
        except (OSError, RuntimeError, ValueError):
            if lacking():
                raise


def _fill_words(table: Any) -> None:  # noqa: ANN401
    """Give the rows that an earlier version wrote the words by which this one finds them."""
    import pyarrow as pa

    if not table.count_rows(f"{WORDS} IS NULL"):
        return
    rows = table.search().where(f"{WORDS} IS NULL").limit(None).to_arrow().select(table.schema.names)
    pairs = zip(rows["heading"].to_pylist(), rows["text"].to_pylist(), strict=True)
    words = pa.array([searchable_words(heading, text) for heading, text in pairs], pa.string())
    filled = rows.set_column(rows.schema.get_field_index(WORDS), WORDS, words)
    table.merge_insert("id").when_matched_update_all().execute(filled)


def index_words(table: Any, *, anew: bool = False) -> None:  # noqa: ANN401
    """Make the word index, unless it is there. The words are parted already: no tokenizer takes them apart."""
    from lancedb.index import FTS

    if anew or not any(index.columns == [WORDS] for index in table.list_indices()):
        config = FTS(
            base_tokenizer="whitespace", language="English", stem=True, remove_stop_words=True, max_token_length=None
        )
        table.create_index(WORDS, config=config)


def index_vectors(table: Any, *, anew: bool = False) -> None:  # noqa: ANN401
    """Make the vector index once there are enough rows.

    It parts the vectors into groups of about `GROUP` and keeps them whole (IVF_FLAT): looking into all groups is exact,
    and takes a tenth of the time of reading the table. Rows that came later are found, too; `optimize` puts them in,
    and parts groups that have grown.
    """
    from lancedb.index import IvfFlat, LabelList

    if table.count_rows() < _INDEXED_FROM or (has_vector_index(table) and not anew):
        return
    # a number of groups instead would be undone by `optimize`, which joins those below the usual size
    config = IvfFlat(distance_type="cosine", target_partition_size=GROUP, sample_rate=128, max_iterations=20)
    table.create_index("vector", config=config, replace=True)
    table.create_index("readable_by", config=LabelList(), replace=True)


def has_vector_index(table: Any) -> bool:  # noqa: ANN401
    """Tell whether the vectors are indexed."""
    return any(index.columns == ["vector"] for index in table.list_indices())


def searchable_words(heading: str, text: str) -> str:
    """Return the words of a chunk by which it is found."""
    return searchable(f"{heading}\n{text}")
