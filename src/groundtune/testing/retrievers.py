"""Contract of retrievers: access lists, exact filters and places, and no revision but the live one.

    class TestMine(RetrieverContract):
        def open(self, folder: Path) -> Retriever:
            return MyRetriever(folder)    # twice with one folder: two handles on one knowledge base

A question shares words with what it is to find, so that any ranking finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtune.knowledge.retriever import Retriever
from groundtune.protocols import fingerprint
from groundtune.testing.at_once import look_while_writing
from groundtune.testing.entries import documents_of
from groundtune.testing.stores import STRANGE_QUERIES
from groundtune.values import EVERYONE, Document, Passage, Place, Revision, Search

FILLER = "The rest of this page is about other things that nobody asks for. "
LONG_QUESTION = " ".join(["zebra", *(f"word{number}" for number in range(29)), "giraffe"])  # 31 words


def read(
    document: str,
    text: str,
    readable_by: Sequence[str] = EVERYONE,
    metadata: Mapping[str, str] | None = None,
    segments: Sequence[Place] = (),
) -> Revision:
    """Return a document as it was read."""
    whole = Document(document, text, "Title", tuple(readable_by), metadata or {})
    return Revision(whole, fingerprint(whole, ()), tuple(segments))


def find(
    retriever: Retriever,
    text: str,
    asker: Sequence[str] = EVERYONE,
    where: Mapping[str, str] | None = None,
    limit: int = 10,
    without: Mapping[str, str] | None = None,
) -> list[Passage]:
    """Ask one question."""
    (passages,) = retriever.retrieve([Search(text, tuple(asker), where or {}, without=without or {})], limit)
    return passages


class RetrieverContract:
    """Every retriever passes these tests. Override `open`."""

    def open(self, folder: Path) -> Retriever:
        """Return a handle on the knowledge base in `folder`, which is empty at the first call of a test."""
        raise NotImplementedError

    @pytest.fixture
    def retriever(self, tmp_path: Path) -> Retriever:
        """An empty one."""
        return self.open(tmp_path)

    # --- what is held -----------------------------------------------------------------------------

    def test_an_empty_one_finds_nothing(self, retriever: Retriever) -> None:
        """No error, no passages, no documents."""
        assert find(retriever, "zebra") == []
        assert retriever.retrieve([], 3) == []
        assert retriever.documents() == {}
        assert retriever.is_empty()
        assert retriever.revision() == retriever.revision()
        retriever.remove(["nothing.md"])
        retriever.replace([])
        assert retriever.is_empty()

    def test_documents_are_held_under_their_fingerprints(self, retriever: Retriever) -> None:
        """Those that were added and not removed."""
        made = [read("a.md", "zebra"), read("b.md", "giraffe")]
        retriever.replace(made)
        assert retriever.documents() == {each.document.id: each.fingerprint for each in made}
        assert not retriever.is_empty()
        retriever.remove(["a.md", "unknown.md"])
        assert set(retriever.documents()) == {"b.md"}

    def test_revision(self, retriever: Retriever) -> None:
        """Equal content, equal revision; every change makes another."""
        seen = [retriever.revision()]
        for made in (read("a.md", "zebra"), read("a.md", "zebra", ["staff"]), read("b.md", "zebra")):
            retriever.replace([made])
            seen.append(retriever.revision())
        assert len(set(seen)) == 4
        retriever.replace([read("b.md", "zebra")])
        assert retriever.revision() == seen[3]
        retriever.remove(["b.md", "unknown.md"])
        assert retriever.revision() == seen[2]
        retriever.remove(["a.md"])
        assert retriever.revision() == seen[0]

    def test_a_document_twice_in_one_batch(self, retriever: Retriever) -> None:
        """The last one counts."""
        retriever.replace([read("a.md", "zebra"), read("a.md", "giraffe")])
        assert [passage.text for passage in find(retriever, "zebra giraffe")] == ["giraffe"]

    def test_a_document_without_text_is_held_and_never_found(self, retriever: Retriever) -> None:
        """It is not read again and again."""
        retriever.replace([read("a.md", " \n\t "), read("b.md", "zebra")])
        assert set(retriever.documents()) == {"a.md", "b.md"}
        assert documents_of(find(retriever, "zebra Title")) == {"b.md"}
        retriever.replace([read("b.md", "")])
        assert find(retriever, "zebra") == []
        assert set(retriever.documents()) == {"a.md", "b.md"}

    def test_many_documents_at_once(self, retriever: Retriever) -> None:
        """More than a service takes in one call."""
        retriever.replace([read(f"{number}.md", f"zebra {number}") for number in range(37)])
        assert len(retriever.documents()) == 37
        assert len(documents_of(find(retriever, "zebra", limit=50))) == 37
        retriever.remove([f"{number}.md" for number in range(30)])
        assert documents_of(find(retriever, "zebra", limit=50)) == {f"{number}.md" for number in range(30, 37)}

    # --- passages ---------------------------------------------------------------------------------

    def test_a_passage_is_the_document_at_its_place(self, retriever: Retriever) -> None:
        """Word for word, whatever the service made of blanks; ranks from 1, scores that fall, the revision named."""
        text = f"# Zebras\n\n{FILLER * 30}\n\n  A zebra\n\tcosts  9 euros.\n\n{FILLER * 30}"
        made = [read("a.md", text), read("b.md", "giraffe")]
        retriever.replace(made)
        passages = find(retriever, "zebra costs euros")
        assert [passage.rank for passage in passages] == list(range(1, len(passages) + 1))
        assert [passage.score for passage in passages] == [1 / passage.rank for passage in passages]
        for passage in passages:
            assert passage.place.known
            assert passage.text == text[passage.start : passage.end]
            assert passage.fingerprint == made[0].fingerprint
        assert any("costs  9 euros" in passage.text for passage in passages)

    def test_a_passage_knows_its_pages(self, retriever: Retriever) -> None:
        """The page on which it begins; next to a document without any."""
        pages = (Place(0, 6, 1), Place(6, 31, 2), Place(31, 44, 3))
        text = "cover\nzebra on the second page\nand on third."
        retriever.replace([read("a.pdf", text, segments=pages), read("b.md", "zebra")])
        passages = {passage.document: passage for passage in find(retriever, "zebra second page")}
        first = passages["a.pdf"]
        assert first.place.page == 1
        assert first.segments == pages
        assert first.place_of(*_span(first, "second")).page == 2
        assert (passages["b.md"].place, passages["b.md"].segments) == (Place(0, 5), ())

    def test_nothing_is_found_twice(self, retriever: Retriever) -> None:
        """Not one place of one document, however often it was written; equal texts of two documents are two."""
        for _ in range(3):
            retriever.replace([read("a.md", "zebra"), read("b.md", "zebra")])
        passages = find(retriever, "zebra")
        assert sorted((passage.document, passage.start) for passage in passages) == [("a.md", 0), ("b.md", 0)]

    def test_limit(self, retriever: Retriever) -> None:
        """Never more than asked for, and as many as there are."""
        retriever.replace([read(f"{number}.md", f"zebra {number}") for number in range(25)])
        for limit in (0, 1, 24, 25, 60):
            assert len(find(retriever, "zebra", limit=limit)) == min(limit, 25)

    def test_searches_keep_their_order_and_their_own_askers(self, retriever: Retriever) -> None:
        """Whoever else asks in the same batch."""
        retriever.replace([read("a.md", "zebra"), read("staff.md", "zebra", ["staff"])])
        searches = [Search("zebra", ("staff",)), Search("okapi"), Search("zebra"), Search("zebra", ())]
        found = [documents_of(passages) for passages in retriever.retrieve(searches, 5)]
        assert found == [{"staff.md"}, set(), {"a.md"}, set()]

    def test_any_text_comes_back_as_it_is(self, retriever: Retriever) -> None:
        """Control characters, emoji, both directions of writing, decomposed letters, strange names."""
        text = "Größe 5″ – “Ärger” \t it's\r\n日本語 😀 👩‍👧 zebra e\u0301 \0\x07 \u202bשלום\u202c \u2066x\u2069 end"
        retriever.replace([read("ordner/größe 'x'\"\n😀.md", text)])
        (passage,) = find(retriever, "zebra")
        assert (passage.document, passage.text) == ("ordner/größe 'x'\"\n😀.md", text)
        assert (passage.start, passage.end) == (0, len(text))
        retriever.remove(["ordner/größe 'x'\"\n😀.md"])
        assert retriever.documents() == {}

    @pytest.mark.parametrize("query", STRANGE_QUERIES, ids=range(len(STRANGE_QUERIES)))
    def test_questions_are_data(self, retriever: Retriever, query: str) -> None:
        """Operators, quotes and emptiness are neither errors nor commands."""
        retriever.replace([read("a.md", "zebra giraffe")])
        assert documents_of(find(retriever, query)) <= {"a.md"}
        for asked in (f"zebra {query}", f"{query} zebra", 'zebra "okapi giraffe"', "zebra NOT giraffe"):
            if len(asked.split()) <= 30:
                assert documents_of(find(retriever, asked)) == {"a.md"}, asked

    def test_a_long_question_is_asked_by_its_first_words(self, retriever: Retriever) -> None:
        """However long it is."""
        retriever.replace([read("a.md", "zebra")])
        assert documents_of(find(retriever, LONG_QUESTION)) == {"a.md"}
        assert documents_of(find(retriever, " ".join(["zebra", *["😀 \u202b"] * 2000, "x" * 5000]))) == {"a.md"}

    # --- revisions --------------------------------------------------------------------------------

    def test_a_changed_document_is_found_anew_at_once(self, retriever: Retriever) -> None:
        """And the earlier text no longer, however late the service deletes it."""
        retriever.replace([read("a.md", "zebra old"), read("b.md", "zebra stays")])
        retriever.replace([read("a.md", "zebra new")])
        for _ in range(5):
            assert {passage.text for passage in find(retriever, "zebra old new")} == {"zebra new", "zebra stays"}

    def test_a_removed_document_is_gone_at_once(self, retriever: Retriever) -> None:
        """And stays gone."""
        retriever.replace([read("a.md", "zebra"), read("b.md", "zebra too")])
        retriever.remove(["a.md", "unknown.md"])
        for _ in range(5):
            assert documents_of(find(retriever, "zebra")) == {"b.md"}

    def test_an_earlier_revision_can_come_back(self, retriever: Retriever) -> None:
        """Also while the service is still deleting it."""
        first, second = read("a.md", "zebra first"), read("a.md", "zebra second")
        for _ in range(2):
            for made in (first, second):
                retriever.replace([made])
                assert [passage.text for passage in find(retriever, "zebra")] == [made.document.text]
        retriever.remove(["a.md"])
        retriever.replace([first])
        for _ in range(8):
            assert [passage.text for passage in find(retriever, "zebra")] == ["zebra first"]

    def test_a_second_handle_sees_changes(self, tmp_path: Path) -> None:
        """A server that has it open answers from what another process has just ingested."""
        writer, other = self.open(tmp_path), self.open(tmp_path)
        writer.replace([read("a.md", "zebra")])
        assert documents_of(find(other, "zebra")) == {"a.md"}
        writer.replace([read("a.md", "giraffe")])
        assert [passage.text for passage in find(other, "giraffe zebra")] == ["giraffe"]
        writer.remove(["a.md"])
        assert find(other, "giraffe") == []
        assert other.revision() == writer.revision()

    def test_writers_at_the_same_time_lose_nothing(self, tmp_path: Path) -> None:
        """Several handles write at once, also the same document."""

        def write(writer: int) -> None:
            retriever = self.open(tmp_path)
            for number in range(2):
                own = read(f"{writer}-{number}.md", f"zebra {writer} {number}")
                retriever.replace([own, read("same.md", f"zebra of {writer}")])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        retriever = self.open(tmp_path)
        assert len(retriever.documents()) == 9
        assert len(find(retriever, "zebra", limit=50)) == 9

    def test_a_search_sees_a_document_before_or_after_a_change(self, tmp_path: Path) -> None:
        """Never both revisions, and never none, while another handle writes."""
        writer, reader = self.open(tmp_path), self.open(tmp_path)
        versions = [read("a.md", f"zebra {age}") for age in ("old", "new")]
        writer.replace([versions[0]])

        def look() -> None:
            assert len(find(reader, "zebra")) == 1

        look_while_writing(lambda number: writer.replace([versions[number % 2]]), look, changes=4)

    # --- access and filters -----------------------------------------------------------------------

    def test_nobody_reads_without_a_principal(self, retriever: Retriever) -> None:
        """Deny by default: no principals, no passages; no readers, never found."""
        nobody = [read("nobody.md", "zebra", []), read("noname.md", "zebra", [""])]
        retriever.replace([read("a.md", "zebra"), *nobody])
        assert set(retriever.documents()) == {"a.md", "nobody.md", "noname.md"}
        assert find(retriever, "zebra", []) == []
        assert find(retriever, "zebra", [""]) == []
        assert documents_of(find(retriever, "zebra", ["everyone", ""])) == {"a.md"}

    def test_access_is_by_any_common_principal(self, retriever: Retriever) -> None:
        """Several principals on either side; names are data, however odd."""
        odd = ["o'neil", "ä" * 300, "tab\tand \0", "\u202ebidi", " staff ", "😀"]
        retriever.replace(
            [
                read("public.md", "zebra"),
                read("staff.md", "zebra", ["staff", "management"]),
                *(read(f"{number}.md", "zebra", [name]) for number, name in enumerate(odd)),
            ]
        )
        assert documents_of(find(retriever, "zebra", ["everyone", "staff"])) == {"public.md", "staff.md"}
        assert documents_of(find(retriever, "zebra", ["management"])) == {"staff.md"}
        for number, name in enumerate(odd):
            assert documents_of(find(retriever, "zebra", [name])) == {f"{number}.md"}, name
        assert find(retriever, "zebra", ["staf", "STAFF", "ä" * 299, "Everyone", "\udcff"]) == []

    def test_access_can_be_taken_away(self, retriever: Retriever) -> None:
        """The same text with another list of readers is no longer found by those who are not on it."""
        retriever.replace([read("a.md", "zebra")])
        retriever.replace([read("a.md", "zebra", ["staff"])])
        for _ in range(3):
            assert find(retriever, "zebra") == []
        assert documents_of(find(retriever, "zebra", ["staff"])) == {"a.md"}
        retriever.replace([read("a.md", "zebra", [])])
        assert find(retriever, "zebra", ["everyone", "staff"]) == []

    def test_access_comes_before_the_limit(self, retriever: Retriever) -> None:
        """One readable document among many better ones that are not is still found."""
        hidden = [read(f"secret{number}.md", "zebra crossing", ["staff"]) for number in range(60)]
        retriever.replace([*hidden, read("a.md", "a text that mentions a zebra")])
        assert documents_of(find(retriever, "zebra crossing", limit=1)) == {"a.md"}

    def test_where(self, retriever: Retriever) -> None:
        """All given values must be equal; values are data; fields that a service does not know filter as well."""
        many = {f"key{number}": "x" for number in range(15)}
        retriever.replace(
            [
                read("a.md", "zebra", metadata={"language": "de", "product": "it's"}),
                read("b.md", "zebra", metadata={"language": "en", "odd key!": "y" * 3000}),
                read("c.md", "zebra"),
                read("d.md", "zebra", metadata=many),
                read("e.md", "zebra", metadata={**many, "key14": "another"}),
            ]
        )
        assert documents_of(find(retriever, "zebra", where={"language": "de"})) == {"a.md"}
        assert documents_of(find(retriever, "zebra", where={"language": "de", "product": "it's"})) == {"a.md"}
        assert documents_of(find(retriever, "zebra", where={"odd key!": "y" * 3000})) == {"b.md"}
        assert documents_of(find(retriever, "zebra", where=many)) == {"d.md"}
        for wrong in (
            {"language": "d\udcffe"},
            {"language": "de", "product": "x"},
            {"language": "' OR 1=1"},
            {"de": "language"},
            {"language": ""},
        ):
            assert find(retriever, "zebra", where=wrong) == []

    def test_without(self, retriever: Retriever) -> None:
        """What has one of the values is left out, however much of it there is."""
        learned = [read(f"learned{number}.md", "zebra crossing", metadata={"origin": "it's"}) for number in range(20)]
        mail = read("mail.md", "a zebra in a mail", metadata={"origin": "mail"})
        retriever.replace([*learned, mail, read("a.md", "a text that mentions a zebra")])
        others = find(retriever, "zebra crossing", limit=2, without={"origin": "it's"})
        assert documents_of(others) == {"mail.md", "a.md"}
        assert find(retriever, "zebra", where={"origin": "mail"}, without={"origin": "mail", "language": "de"}) == []

    def test_where_does_not_open_what_may_not_be_read(self, retriever: Retriever) -> None:
        """A filter only ever takes away."""
        retriever.replace([read("a.md", "zebra", ["staff"], {"language": "de"})])
        assert find(retriever, "zebra", where={"language": "de"}) == []


def _span(passage: Passage, word: str) -> tuple[int, int]:
    start = passage.text.index(word)
    return start, start + len(word)
