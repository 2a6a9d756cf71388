"""Chunks that the embedder reads only in part are counted and said, or nothing is said where it cannot tell."""

import pytest

from groundtune.cli.ingest import _shown
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import ingest
from groundtune.knowledge.stores import open_store
from groundtune.protocols import LimitedEmbedder
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder

SHORT = "Roaming in Switzerland costs 5 euros."
LONG = "It costs 12.50 and 3.75 and 8.25 or else. " * 40  # more than 512 word pieces


class ShortSighted(HashingEmbedder):
    """Reads a hundred characters."""

    def cut(self, texts):
        return sum(len(text) > 100 for text in texts)


class Doubtful(HashingEmbedder):
    """Has a limit, but cannot tell which texts are longer."""

    def cut(self, texts):
        return None


def report(folder, texts, made, chunk_size=450):
    documents = folder / "documents"
    documents.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (documents / f"{number}.txt").write_text(text)
    store = open_store("lancedb:store", folder, made)
    return ingest(documents, store, made, KnowledgeSettings(chunk_size=chunk_size))


@pytest.mark.parametrize(
    ("texts", "expected"), [([SHORT], 0), ([SHORT, LONG[:200]], 1), ([LONG[:300], SHORT, LONG[:400]], 2)]
)
def test_what_an_embedder_cuts_is_counted_in_json(tmp_path, texts, expected):
    made = report(tmp_path, texts, ShortSighted())
    assert made.cut_by_embedder == made.as_json()["cut_by_embedder"] == expected
    assert ("longer than the embedder reads" in str(_shown(made))) == bool(expected)


def test_batches_are_added_up(tmp_path, monkeypatch):
    monkeypatch.setattr("groundtune.knowledge.ingest.BATCH", 2)
    assert report(tmp_path, [LONG[:200]] * 5, ShortSighted()).cut_by_embedder == 5


def test_only_what_is_written_counts(tmp_path):
    assert report(tmp_path, [LONG[:200]], ShortSighted()).cut_by_embedder == 1
    assert report(tmp_path, [LONG[:200], SHORT], ShortSighted()).cut_by_embedder == 0


@pytest.mark.parametrize(("number", "said"), [(1, "1 chunk is longer"), (2, "2 chunks are longer")])
def test_people_are_told_what_to_do(tmp_path, number, said):
    shown = str(_shown(report(tmp_path, [LONG[:200]] * number, ShortSighted())))
    assert said in shown
    assert "Lower `knowledge.chunk_size`" in shown


@pytest.mark.parametrize("made", [HashingEmbedder(), Doubtful()])
def test_where_an_embedder_cannot_tell_nothing_is_said(tmp_path, made):
    told = report(tmp_path, [LONG], made)
    assert told.as_json()["cut_by_embedder"] is None
    assert "embedder" not in str(_shown(told))


@pytest.fixture(scope="module")
def builtin():
    return embedder(EmbeddingSettings())


@pytest.mark.models
class TestBuiltin:
    @pytest.mark.parametrize(
        ("texts", "expected"),
        [
            ([], 0),
            ([SHORT, ""], 0),
            (["word " * 510], 0),  # with the two special tokens: 512
            (["word " * 511], 1),
            ([LONG, SHORT, "1.2.3.4" * 200], 2),
        ],
    )
    def test_it_knows_what_it_cuts(self, builtin, texts, expected):
        assert isinstance(builtin, LimitedEmbedder)
        assert builtin.cut(texts) == expected

    def test_what_is_cut_does_not_count_and_what_is_not_does(self, builtin):
        for count, differs in [(509, True), (510, False)]:
            one, other = builtin.embed(["word " * count + last for last in ("roaming", "router")], "document")
            assert (float(one @ other) < 0.99999) == differs

    def test_counting_leaves_the_vectors_as_they_are(self, builtin):
        before = builtin.embed([LONG], "document")
        builtin.cut([LONG, SHORT])
        assert (builtin.embed([LONG], "document") == before).all()

    def test_default_chunks_fit(self, tmp_path, builtin):
        assert report(tmp_path, [LONG, SHORT], builtin).cut_by_embedder == 0

    def test_large_chunks_are_told(self, tmp_path, builtin):
        assert report(tmp_path, [LONG, SHORT], builtin, chunk_size=2000).cut_by_embedder == 1
