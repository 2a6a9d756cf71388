"""Word search in PostgreSQL: its own text search, in the languages of the documents held.

Words of letters go through the dictionary of a language; the others ("C++", "3.10") are found as they are written. A
question has words that every second chunk has, too: to rank all of these takes longer than the rest of a search. So
where there are many chunks, only those with one of its rarer words are ranked, by all its words; the others follow if
these are too few. Knows the table's columns `id`, `words` and `language`, and nothing of vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from groundtune.comparing import searchable

if TYPE_CHECKING:
    from psycopg import Connection

_MOST_RANKED = 5000  # chunks, about, while enough of them have one of the rarer words
_LANGUAGES_HELD = """
WITH RECURSIVE held AS (
    (SELECT language FROM chunk ORDER BY language LIMIT 1)
    UNION ALL
    SELECT (SELECT language FROM chunk WHERE language > held.language ORDER BY language LIMIT 1)
    FROM held WHERE held.language IS NOT NULL
)
SELECT language::text AS language FROM held WHERE language IS NOT NULL
"""  # few jumps over the index, where DISTINCT reads every chunk
_HELD_BY = """
SELECT lexeme, share * greatest(reltuples, 0) AS chunks
FROM pg_stats, pg_class, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS common (lexeme, share)
WHERE schemaname = current_schema() AND tablename = 'chunk' AND attname = 'words'
    AND pg_class.oid = 'chunk'::regclass AND lexeme = ANY(%s)
"""  # as the last ANALYZE counted; rare lexemes are not among them
_BEST = """
SELECT id, ts_rank(words, %(wanted)s::tsquery, 1) AS rank FROM chunk
WHERE {allowed} AND words @@ %(asked)s::tsquery ORDER BY rank DESC, id LIMIT %(depth)s
"""


def words_of(text: str) -> tuple[list[str], list[str]]:
    """Return the words of letters, which a dictionary knows, and the others, which are found as they are."""
    words = searchable(text).split()
    return [word for word in words if word.isalpha()], [word for word in words if not word.isalpha()]


def best_by_words(
    connection: Connection[Any], text: str, allowed: str, known: Mapping[str, object]
) -> dict[str, float]:
    """Return at most `known["depth"]` ids of the chunks that have words of `text`, with their ranks, best first.

    `allowed` is a condition on chunks, with the parameters `known`.
    """
    lexemes = _lexemes(connection, text)
    if not lexemes:
        return {}
    statement = cast("Any", _BEST.format(allowed=allowed))
    wanted = _any_of(lexemes)
    for asked in dict.fromkeys([_any_of(_rarer(connection, lexemes)), wanted]):
        rows = connection.execute(statement, {**known, "wanted": wanted, "asked": asked}).fetchall()
        if len(rows) == known["depth"]:
            break
    return {row["id"]: row["rank"] for row in rows}


def _lexemes(connection: Connection[Any], text: str) -> list[str]:
    """Return what the words of `text` are in the index, in any of the languages of the chunks."""
    plain, other = words_of(text)
    languages = [row["language"] for row in connection.execute(_LANGUAGES_HELD).fetchall()] if plain + other else []
    if not languages:
        return []
    vectors = " || ".join(["to_tsvector(%s::regconfig, %s)"] * len(languages))
    parameters = [part for language in languages for part in (language, " ".join(plain))]
    rows = connection.execute(cast("Any", f"SELECT lexeme FROM unnest({vectors})"), parameters).fetchall()
    return sorted({*(row["lexeme"] for row in rows), *other})


def _rarer(connection: Connection[Any], lexemes: Sequence[str]) -> list[str]:
    """Return the rarest of these, so many that not too many chunks have one of them; at least one."""
    held = {row["lexeme"]: row["chunks"] for row in connection.execute(_HELD_BY, [list(lexemes)]).fetchall()}
    rarer: list[str] = []
    chunks = 0.0
    for lexeme in sorted(lexemes, key=lambda lexeme: held.get(lexeme, 0.0)):
        chunks += held.get(lexeme, 0.0)
        if rarer and chunks > _MOST_RANKED:
            break
        rarer.append(lexeme)
    return rarer


def _any_of(lexemes: Sequence[str]) -> str:
    """Return a query of PostgreSQL's text search that any of the lexemes satisfies."""
    quoted = ("'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'" for lexeme in lexemes)
    return " | ".join(quoted)
