"""Amazon Kendra: the contract of retrievers, and what only Kendra does, at a stand-in that botocore's model judges."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("boto3")

import _kendra_service
from _kendra_service import INDEX, Fault
from _opensearch_gateway import KEYS, REGION

from groundtune.errors import SettingsError, StoreError
from groundtune.knowledge.retriever import NotIndexed
from groundtune.knowledge.stores import open_retriever, open_store
from groundtune.knowledge.stores._kendra import KendraSettings
from groundtune.knowledge.stores._kendra_index import KendraIndex
from groundtune.knowledge.stores._kendra_journal import KendraJournal
from groundtune.knowledge.stores._kendra_requests import first_id
from groundtune.settings import StoreSettings
from groundtune.testing.entries import EMBEDDER, documents_of
from groundtune.testing.retrievers import LONG_QUESTION, RetrieverContract, find, read
from groundtune.testing.revisions import MemoryRevisions
from groundtune.values import UNKNOWN_PLACE

URL = f"kendra://{INDEX}@{REGION}"


class KendraContract(RetrieverContract):
    @pytest.fixture(autouse=True)
    def _service(self, service):
        self.service, self.revisions = service, MemoryRevisions()
        self.prepare()

    def prepare(self) -> None:
        """Make the service what it is in this class."""

    def open(self, folder: Path, **own) -> KendraIndex:
        settings = StoreSettings().with_parts({"kendra": KendraSettings(**own)})
        opened = open_retriever(URL, folder, self.revisions, settings)
        assert isinstance(opened, KendraIndex)
        return opened


class TestPrompt(KendraContract):
    """Indexed at the second look, deleted at once, no fields of its own."""


class TestLate(KendraContract):
    """Indexed late, deleted after some questions, with ellipses around its excerpts; fields for filters."""

    def prepare(self) -> None:
        self.service.polls, self.service.lag = 3, 4
        self.service.cut = lambda words: f"...{' '.join(words)}..."
        self.service.fields = {"language": True, "product": False, **{f"key{number}": True for number in range(15)}}


class TestGerman(KendraContract):
    """In another language than the one that Kendra takes documents for; never deleted."""

    def prepare(self) -> None:
        self.service.lag = 10_000

    def open(self, folder: Path, **own) -> KendraIndex:
        return super().open(folder, language="de", **own)


# --- what only Kendra does ------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


@pytest.fixture
def revisions():
    return MemoryRevisions()


@pytest.fixture
def make(service, revisions, tmp_path):
    """Open the index, as it is opened for a project in `tmp_path`."""

    def make(**own) -> KendraIndex:
        tables = StoreSettings().with_parts({"kendra": KendraSettings(**own)})
        index = open_retriever(URL, tmp_path, revisions, tables)
        assert isinstance(index, KendraIndex)
        return index

    return make


@pytest.fixture
def journal(tmp_path):
    return lambda: KendraJournal.read(tmp_path / ".groundtune" / f"kendra-{INDEX}.json", URL)


def texts(index, question="zebra", **more):
    return {passage.text for passage in find(index, question, **more)}


class TestWriting:
    def test_ten_documents_and_five_megabytes_at_a_time(self, make, service) -> None:
        make().replace([read(f"{number}.md", "zebra") for number in range(23)])
        make().replace([read(f"large{number}.md", "zebra " * 350_000) for number in range(3)])
        assert [len(asked["Documents"]) for asked in service.asked("BatchPutDocument")] == [10, 10, 3, 2, 1]
        assert max(len(asked["DocumentInfoList"]) for asked in service.asked("BatchGetDocumentStatus")) == 10
        make().remove([f"{number}.md" for number in range(23)])
        assert [len(asked["DocumentIdList"]) for asked in service.asked("BatchDeleteDocument")] == [10, 10, 3]

    def test_a_revision_is_kept_sent_indexed_made_live_and_then_replaces_the_old_one(self, make, service, revisions):
        index = make()
        index.replace([read("a.md", "zebra old")])
        service.polls, seen = 3, []
        service.refuses = lambda document: seen.append(("sent", revisions.events[-1][0], revisions.live())) or ""
        service.fails = lambda document: seen.append(("indexed", revisions.events[-1][0], texts_live())) or ""

        def texts_live():
            return {revisions.revision(*named).document.text for named in revisions.live().items()}

        index.replace([read("a.md", "zebra new")])
        assert [(stage, event) for stage, event, _ in seen] == [("sent", "keep"), ("indexed", "keep")]
        assert seen[1][2] == {"zebra old"}
        assert texts_live() == {"zebra new"}
        assert [name for name, _ in service.calls[-2:]] == ["BatchGetDocumentStatus", "BatchDeleteDocument"]

    def test_what_did_not_change_is_not_sent_again(self, make, service) -> None:
        index = make()
        index.replace([read("a.md", "zebra")])
        index.replace([read("a.md", "zebra"), read("b.md", "zebra")])
        assert [len(asked["Documents"]) for asked in service.asked("BatchPutDocument")] == [1, 1]
        service.entries.clear()  # somebody empties the index
        index.replace([read("a.md", "zebra")])
        assert documents_of(find(index, "zebra")) == {"a.md"}

    @pytest.mark.parametrize("stage", ["refuses", "fails"])
    def test_a_document_that_kendra_does_not_take_stays_as_it_was(self, make, service, journal, stage) -> None:
        index = make()
        index.replace([read("a.md", "zebra old")])
        setattr(service, stage, lambda document: "the text is a poem" if b"new" in document["Blob"] else "")
        with pytest.raises(NotIndexed, match=r"`a\.md`: Kendra .*: the text is a poem") as raised:
            index.replace([read("a.md", "zebra new"), read("b.md", "zebra too")])
        assert [document for document, _ in raised.value.failed] == ["a.md"]
        assert texts(index) == {"zebra old", "zebra too"}
        setattr(service, stage, lambda document: "")
        index.replace([read("a.md", "zebra new")])
        assert texts(index) == {"zebra new", "zebra too"}
        assert (journal().written, journal().retired, len(service.found())) == ({}, [], 2)

    def test_a_document_that_was_never_taken_leaves_nothing_behind(self, make, service, journal) -> None:
        index = make()
        service.refuses = lambda document: "no" if b"first" in document["Blob"] else ""
        with pytest.raises(NotIndexed):
            index.replace([read("a.md", "zebra first")])
        index.replace([read("a.md", "zebra second")])
        assert (journal().written, journal().retired) == ({}, [])

    def test_a_text_that_is_too_large_is_refused_by_name(self, make, service) -> None:
        index = make()
        index.replace([read("a.md", "zebra old")])
        with pytest.raises(NotIndexed, match=r"`a\.md`: 5\.7 MB of text are more than the 5 MB that Kendra takes"):
            index.replace([read("a.md", "zebra " * 10**6), read("b.md", "zebra too")])
        assert texts(index) == {"zebra old", "zebra too"}
        assert len(service.asked("BatchPutDocument")) == 2

    def test_what_is_late_is_not_sent_again(self, make, service) -> None:
        service.polls = 10**6
        with pytest.raises(NotIndexed, match=r"`a\.md`: Kendra has not indexed it in 0\.05 seconds"):
            make(index_seconds=0.05).replace([read("a.md", "zebra")])
        assert make().is_empty()
        (entry,) = service.entries.values()
        entry.looks = 2
        make().remove([])  # as every ingestion begins
        make().replace([read("a.md", "zebra")])
        assert texts(make()) == {"zebra"}
        assert len(service.asked("BatchPutDocument")) == 1

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("number", range(1, 12))
    def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_is_healed(
        self, make, service, monkeypatch, number, when
    ) -> None:
        """Before or after each request, and each change in the records; the next run goes on. 10 steps are all."""
        service.lag = number % 3
        make().replace([read("a.md", "zebra old"), read("b.md", "zebra stays"), read("c.md", "zebra goes")])
        index, steps = make(), []
        new = [read("a.md", "zebra new"), read("d.md", "zebra more")]

        def step(*_, **__) -> None:
            steps.append(1)
            if len(steps) >= number:
                raise Killed

        def stepping(original):
            def method(self, given) -> None:
                if when == "before":
                    step()
                original(self, given)
                if when == "after":
                    step()

            return method

        index._service._client.meta.events.register(f"{when}-call.kendra", step)
        with monkeypatch.context() as patch, suppress(Killed):
            for name in ("keep", "settle"):
                patch.setattr(MemoryRevisions, name, stepping(getattr(MemoryRevisions, name)))
            index.replace(new)
            index.remove(["c.md"])
        killed = len(steps) >= number
        index = make()
        found = texts(index)
        found.discard("zebra goes")
        assert found in ({"zebra old", "zebra stays"}, {"zebra new", "zebra more", "zebra stays"})
        index.remove([])  # as every ingestion begins
        service.finish_deletions()
        assert texts(index) - {"zebra goes"} == found
        index.replace(new)
        index.remove(["c.md"])
        service.finish_deletions()
        assert texts(make()) == {"zebra new", "zebra stays", "zebra more"}
        assert len(service.found()) == 3
        assert killed == (number <= 10)

    def test_deletions_that_fail_are_told_and_tried_again(self, make, service, journal, caplog) -> None:
        index = make()
        index.replace([read("a.md", "zebra old"), read("b.md", "zebra")])
        service.undeleted = 1
        with caplog.at_level(logging.WARNING):
            index.replace([read("a.md", "zebra new")])
        assert "1 old revisions (it cannot be deleted now)" in caplog.text
        service.denied = {"BatchDeleteDocument": Fault(400, "AccessDeniedException", "not you")}
        index.remove(["b.md"])
        assert "`kendra:BatchDeleteDocument`" in caplog.text
        assert texts(index) == {"zebra new"}
        assert (len(journal().retired), len(service.found())) == (2, 3)
        service.denied = {}
        make().remove([])
        assert (journal().retired, len(service.found())) == ([], 1)

    def test_a_late_deletion_does_not_take_what_came_back(self, make, service, journal) -> None:
        service.lag = 3
        index = make()
        for text in ("zebra one", "zebra two", "zebra one", "zebra two", "zebra one"):
            index.replace([read("a.md", text)])
        assert len(service.found()) == 5
        service.finish_deletions()
        assert texts(index) == {"zebra one"}
        index.replace([read("a.md", "zebra three")])
        service.finish_deletions()
        assert (len(service.found()), journal().again) == (1, {})

    def test_without_its_journal_only_room_is_lost(self, make, service, tmp_path) -> None:
        service.lag = 10**6
        for text in ("zebra one", "zebra two"):
            make().replace([read("a.md", text)])
            for file in (tmp_path / ".groundtune").glob("*.json"):
                file.unlink()
        make().replace([read("a.md", "zebra one")])
        service.finish_deletions()
        assert texts(make()) == {"zebra one"}

    def test_only_one_process_writes_at_a_time(self, make, tmp_path) -> None:
        index = make(index_seconds=0.05)
        with (
            KendraJournal.writing(tmp_path / ".groundtune" / f"kendra-{INDEX}.json", 1, URL),
            pytest.raises(StoreError, match=r"another process has been writing.*index_seconds"),
        ):
            index.replace([read("a.md", "zebra")])
        index.replace([read("a.md", "zebra")])
        assert texts(index) == {"zebra"}

    def test_a_folder_that_cannot_be_written(self, make, tmp_path) -> None:
        (tmp_path / ".groundtune").write_text("a file", encoding="utf-8")
        with pytest.raises(StoreError, match=r"cannot be noted in .*Make the folder writable"):
            make().replace([read("a.md", "zebra")])


class TestAccess:
    def test_no_document_is_public_and_no_question_is_asked_by_nobody(self, make, service) -> None:
        index = make()
        index.replace(
            [read("a.md", "zebra", ["b", "a", ""]), read("nobody.md", "zebra", []), read("c.md", "zebra", [""])]
        )
        (sent,) = service.asked("BatchPutDocument")
        allowed = [{"Name": name, "Type": "GROUP", "Access": "ALLOW"} for name in ("b", "a")]
        assert [document["AccessControlList"] for document in sent["Documents"]] == [allowed]
        for asker in ([], [""]):
            assert find(index, "zebra", asker) == []
        assert service.asked("Retrieve") == []
        find(index, "zebra", ["x", "a", "x"])
        assert [asked["UserContext"] for asked in service.asked("Retrieve")] == [{"Groups": ["x", "a"]}]

    def test_the_live_revision_is_checked_whatever_kendra_shows(self, make, service, monkeypatch) -> None:
        index = make()
        index.replace([read("a.md", "zebra", ["staff"]), read("b.md", "zebra")])
        monkeypatch.setattr(_kendra_service, "readable", lambda document, context: True)
        assert documents_of(find(index, "zebra")) == {"b.md"}

    def test_as_many_groups_as_kendra_takes(self, make, service) -> None:
        index = make()
        index.replace([read("a.md", "zebra", ["group 2047"])])
        names = [f"group {number}" for number in range(2049)]
        assert documents_of(find(index, "zebra", [*names[:2048], "group 7"])) == {"a.md"}
        asked = len(service.calls)
        with pytest.raises(StoreError, match=r"2,049 principals, and Kendra takes 2,048"):
            find(index, "zebra", names)
        assert len(service.calls) == asked

    def test_an_edition_without_groups_is_refused(self, make, service) -> None:
        service.edition = edition = "GEN_AI_ENTERPRISE_EDITION"
        for use in (lambda index: index.replace([read("a.md", "zebra")]), lambda index: find(index, "zebra")):
            with pytest.raises(StoreError, match=rf"{edition}, which does not filter by groups.*access = \"here\""):
                use(make())
        assert {name for name, _ in service.calls} == {"DescribeIndex"}

    def test_such_an_edition_is_filtered_here_if_that_is_allowed(self, make, service) -> None:
        service.edition = "GEN_AI_ENTERPRISE_EDITION"
        index = make(access="here")
        index.replace([read("a.md", "zebra", ["staff"]), read("b.md", "zebra"), read("c.md", "zebra", [])])
        assert documents_of(find(index, "zebra")) == {"b.md"}
        assert documents_of(find(index, "zebra", ["staff"])) == {"a.md"}
        assert find(index, "zebra", []) == []
        sent = [document for asked in service.asked("BatchPutDocument") for document in asked["Documents"]]
        assert all(document["AccessControlList"] for document in sent)

    def test_an_index_that_wants_tokens_is_refused(self, make, service) -> None:
        service.policy = "USER_TOKEN"
        for own in ({}, {"access": "here"}):
            with pytest.raises(StoreError, match=r"policy of user context is USER_TOKEN.*ATTRIBUTE_FILTER"):
                find(make(**own), "zebra")


class TestAsking:
    def test_kendra_filters_by_its_fields_and_we_by_the_others(self, make, service) -> None:
        service.fields = {"language": True, "product": False}
        index = make()
        metadata = {"language": "de", "product": "x", "author": "Ada"}
        index.replace([read("a.md", "zebra", metadata=metadata), read("b.md", "zebra", metadata={"language": "de"})])
        assert documents_of(find(index, "zebra", where=metadata, limit=1)) == {"a.md"}
        filters = [asked.get("AttributeFilter") for asked in service.asked("Retrieve")]
        assert filters == [{"EqualsTo": {"Key": "language", "Value": {"StringValue": "de"}}}]
        sent = [document["Attributes"] for document in service.asked("BatchPutDocument")[0]["Documents"]]
        assert [[each["Key"] for each in attributes] for attributes in sent] == [["language"], ["language"]]

    def test_a_document_that_was_sent_before_the_index_had_the_field_is_found(self, make, service) -> None:
        make().replace([read("a.md", "zebra", metadata={"language": "de"})])
        service.fields = {"language": True}
        index = make()
        index.replace([read("b.md", "zebra", metadata={"language": "de"}), read("c.md", "zebra")])
        assert documents_of(find(index, "zebra", where={"language": "de"})) == {"a.md", "b.md"}

    def test_a_question_is_cut_at_a_word_and_that_is_said_once(self, make, service, caplog) -> None:
        index = make()
        index.replace([read("a.md", "zebra")])
        with caplog.at_level(logging.INFO, logger="groundtune"):
            for _ in range(2):
                find(index, LONG_QUESTION)
        asked = [asked["QueryText"] for asked in service.asked("Retrieve")]
        assert asked == [LONG_QUESTION.rpartition(" ")[0]] * 2
        said = [record.getMessage() for record in caplog.records if "Kendra" in record.getMessage()]
        assert said == ["Kendra reads 30 words of a question: the last 1 are not asked. This is said once."]

    def test_pages_are_asked_for_until_there_is_enough(self, make, service) -> None:
        service.lag = 10**6
        index = make()
        for age in range(6):
            index.replace([read(f"{number}.md", f"zebra {age} {number}") for number in range(8)])
        service.calls.clear()
        assert len(find(index, "zebra", limit=8)) == 8
        sizes = [(asked["PageNumber"], asked["PageSize"]) for asked in service.asked("Retrieve")]
        assert sizes == [(1, 16), (2, 16), (3, 16)]
        service.calls.clear()
        assert len(find(index, "zebra", limit=9)) == 8
        assert [asked["PageNumber"] for asked in service.asked("Retrieve")] == [1, 2, 3]

    def test_kendra_gives_a_hundred_results_and_no_more(self, make, service) -> None:
        service.lag = 10**6
        index = make()
        for age in range(15):
            index.replace([read(f"{number}.md", f"zebra {age} {number}") for number in range(8)])
        service.calls.clear()
        assert find(index, "zebra", limit=8) == []
        assert len(service.asked("Retrieve")) == 7
        service.finish_deletions()
        assert len(find(index, "zebra", limit=8)) == 8

    def test_excerpts_with_something_left_out_and_in_other_words(self, make, service) -> None:
        index = make()
        index.replace([read("a.md", "A zebra\n costs, as  everybody knows, 9 euros a month.")])
        service.cut = lambda words: f"{' '.join(words[:3])} ... {' '.join(words[-4:])}"
        (passage,) = find(index, "zebra")
        assert (passage.start, passage.end, passage.text[:14]) == (0, 53, "A zebra\n costs")
        service.cut = lambda words: " ".join(reversed(words))
        (passage,) = find(index, "zebra")
        assert (passage.place, passage.similarity, passage.score) == (UNKNOWN_PLACE, None, 1.0)
        assert passage.text == "month. a euros 9 knows, everybody as costs, zebra A".replace(
            "everybody as", "everybody as"
        )

    def test_a_change_during_a_search_is_seen(self, make, revisions, monkeypatch) -> None:
        """The records are read, then the document changes and its old revision is gone, then Kendra answers."""
        index = make()
        index.replace([read("a.md", "zebra old")])
        earlier = [revisions.live()]
        index.replace([read("a.md", "zebra new")])
        live = revisions.live
        monkeypatch.setattr(revisions, "live", lambda: earlier.pop() if earlier else live())
        assert texts(index) == {"zebra new"}

    def test_the_index_is_looked_at_once(self, make, service) -> None:
        index = make()
        index.replace([read("a.md", "zebra")])
        for _ in range(3):
            find(index, "zebra")
        assert len(service.asked("DescribeIndex")) == 1


class TestErrors:
    def test_what_is_too_much_at_once_is_asked_again(self, make, service) -> None:
        service.throttled = 3
        make().replace([read("a.md", "zebra")])
        service.throttled = 2
        assert texts(make()) == {"zebra"}
        service.throttled = 10**6
        with pytest.raises(StoreError, match=r"ThrottlingException: Rate exceeded\. Tried 8 times.*more capacity"):
            find(make(), "zebra")

    @pytest.mark.parametrize(
        ("operation", "fault", "said"),
        [
            (
                "Retrieve",
                Fault(400, "AccessDeniedException", "not you"),
                r"not you\. Give .* `kendra:Retrieve`.*docs/stores",
            ),
            ("DescribeIndex", Fault(400, "AccessDeniedException", "no"), "`kendra:DescribeIndex`"),
            ("Retrieve", Fault(400, "ExpiredTokenException", "expired"), "sign in again"),
            ("Retrieve", Fault(400, "ServiceQuotaExceededException", "full"), "more capacity"),
            ("Retrieve", Fault(400, "ConflictException", "busy"), "a connector of it owns such an id"),
            ("Retrieve", Fault(400, "SomethingNew", "odd"), r"answered 400 SomethingNew: odd\. Check the index"),
        ],
    )
    def test_refusals_say_what_to_do(self, make, service, operation, fault, said) -> None:
        service.denied = {operation: fault}
        with pytest.raises(StoreError, match=said) as raised:
            find(make(), "zebra")
        assert str(raised.value).startswith(f"{URL}: answered 400")
        assert not any(key in str(raised.value) for key in KEYS)

    @pytest.mark.parametrize(("status", "said"), [("CREATING", "CREATING"), ("FAILED", "FAILED: the key is gone")])
    def test_an_index_that_is_not_ready(self, make, service, status, said) -> None:
        service.status = status
        with pytest.raises(StoreError, match=rf"says that the index is {said}\. Wait until it is active"):
            find(make(), "zebra")

    def test_an_index_that_is_not_there(self, service, tmp_path) -> None:
        index = open_retriever(URL.replace("kend@", "none@"), tmp_path, MemoryRevisions())
        assert index is not None
        with pytest.raises(StoreError, match=r"ResourceNotFoundException.*Check the index id and the region"):
            find(index, "zebra")

    def test_a_wrong_key_or_region(self, make, service, monkeypatch, tmp_path) -> None:
        index = open_retriever(URL.replace(REGION, "us-east-1"), tmp_path, MemoryRevisions())
        assert index is not None
        with pytest.raises(StoreError, match=r"signed with .* for kendra in us-east-1"):
            find(index, "zebra")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another key")
        with pytest.raises(StoreError, match=r"the signature is another one.*Check the access keys") as raised:
            find(make(), "zebra")
        assert "another key" not in str(raised.value)

    def test_a_server_that_is_not_there(self, make, monkeypatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KENDRA", "http://127.0.0.1:9")
        with pytest.raises(StoreError, match=r"cannot be reached.*Check the region and the network"):
            find(make(), "zebra")

    def test_a_knowledge_store_it_is_not(self, tmp_path) -> None:
        with pytest.raises(SettingsError, match=r"keeps no vectors.*groundtune knowledge migrate"):
            open_store(URL, tmp_path, EMBEDDER)
        assert open_retriever("lancedb:.groundtune/knowledge", tmp_path, MemoryRevisions()) is None


class TestStandIn:
    """What the stand-in refuses, botocore's client does not: the limits that the product keeps to."""

    def refused(self, make, operation, **asked):
        service = make()._service
        with pytest.raises(StoreError) as raised:
            service._call(operation, IndexId=INDEX, **asked)
        return str(raised.value)

    def test_limits_hold(self, make, service) -> None:
        documents = [{"Id": str(number), "Blob": b"x"} for number in range(11)]
        assert "11 are more than 10" in self.refused(make, "batch_put_document", Documents=documents)
        assert "11 are more than 10" in self.refused(
            make, "batch_delete_document", DocumentIdList=list(map(str, range(11)))
        )
        groups = {"Groups": list(map(str, range(2049)))}
        assert "2049 are more than 2048" in self.refused(make, "retrieve", QueryText="x", UserContext=groups)
        odd = {"Groups": ["a\0b"]}
        assert "is not ^" in self.refused(make, "retrieve", QueryText="x", UserContext=odd)
        assert len(service.wrong) == 4
        service.wrong.clear()

    def test_filters_have_limits(self, make, service) -> None:
        service.fields = {"k": True}
        equal = {"EqualsTo": {"Key": "k", "Value": {"StringValue": "v"}}}
        deep = {"AndAllFilters": [{"OrAllFilters": [{"NotFilter": equal}]}]}
        assert "a depth of more than 2" in self.refused(make, "retrieve", QueryText="x", AttributeFilter=deep)
        long = {"AndAllFilters": [equal] * 11}
        assert "a length of more than 10" in self.refused(make, "retrieve", QueryText="x", AttributeFilter=long)
        unknown = {"EqualsTo": {"Key": "z", "Value": {"StringValue": "v"}}}
        assert "has no field z" in self.refused(make, "retrieve", QueryText="x", AttributeFilter=unknown)

    def test_a_document_without_readers_is_public(self, make, service) -> None:
        index = make()
        document = {"Id": first_id("a.md", "1"), "Blob": b"zebra", "ContentType": "PLAIN_TEXT"}
        index._service.put([document])
        while not index._service.states([document["Id"]])[document["Id"]].indexed:
            pass
        (page,) = index._service.pages(10, {"QueryText": "zebra", "UserContext": {"Groups": ["anybody"]}})
        assert [item["Content"] for item in page] == ["zebra"]
        assert find(index, "zebra") == []
