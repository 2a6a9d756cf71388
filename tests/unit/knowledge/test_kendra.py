"""What goes to Kendra and what comes of its hits, without a connection."""

import logging
from dataclasses import replace

import pytest

from groundtune.assistant.citations import check_citations
from groundtune.errors import SettingsError
from groundtune.knowledge.stores._excerpts import WIDEST_GAP, span_of
from groundtune.knowledge.stores._kendra import BATCH_BYTES, KendraAddress, KendraSettings, batches
from groundtune.knowledge.stores._kendra_hits import KendraHits
from groundtune.knowledge.stores._kendra_journal import ABANDONED, KendraJournal
from groundtune.knowledge.stores._kendra_requests import (
    MOST_FILTERS,
    document_of,
    fault_of,
    filters_of,
    first_id,
    first_of,
    group_of,
    groups_of,
    is_findable,
    later_id,
    question_of,
)
from groundtune.testing.retrievers import read
from groundtune.testing.revisions import MemoryRevisions
from groundtune.values import UNKNOWN_PLACE, Place, Search

TEXT = "# Plans\n\nThe  Hazel plan\ncosts “9 euros” a month.\n\nIt can be left… at any time."


# --- excerpts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("excerpt", "found"),
    [
        ("# Plans", "# Plans"),
        ("The Hazel plan costs “9 euros” a month.", "The  Hazel plan\ncosts “9 euros” a month."),
        ('Hazel plan costs "9 euros" a month', "Hazel plan\ncosts “9 euros” a month"),
        ("...Hazel plan costs...", "Hazel plan\ncosts"),
        ("… a month....", "a month."),
        ("It can be left… at any time.", "It can be left… at any time."),
        ("month.... can be", "month.\n\nIt can be"),
        ("# Plans ... costs ... at any time.", TEXT),
        ("Hazel… It can be left… at", "Hazel plan\ncosts “9 euros” a month.\n\nIt can be left… at"),
    ],
)
def test_an_excerpt_is_found_whatever_became_of_blanks_and_what_was_left_out(excerpt, found):
    start, end = span_of(excerpt, TEXT)
    assert TEXT[start:end] == found


@pytest.mark.parametrize(
    "excerpt", ["", "...", "… … …", "." * 9000, "The Oak plan", "Hazel ... Oak", "any time ... Hazel", "hazel plan"]
)
def test_an_excerpt_in_other_words_is_not(excerpt):
    assert span_of(excerpt, TEXT) is None


def test_pieces_that_are_far_apart_are_no_passage():
    assert span_of("one ... two", f"one {'x ' * (WIDEST_GAP // 2 - 5)} two") is not None
    assert span_of("one ... two", f"one {'x ' * WIDEST_GAP} two") is None


def test_control_characters_that_became_blanks():
    assert span_of("a b c", "x a\0b \x07\nc") == (2, 9)


# --- requests -------------------------------------------------------------------------------------


def test_each_revision_is_a_document_of_its_own():
    ids = {first_id("a.md", "1"), first_id("a.md", "2"), first_id("a.m", "d1"), first_id("b" * 5000, "1")}
    assert len(ids) == 4
    assert all(len(id_) < 100 for id_ in ids)
    first = first_id("a.md", "1")
    assert [first_of(later_id(first, number)) for number in (0, 1, 12)] == [first] * 3
    assert len({later_id(first, number) for number in (0, 1, 12)}) == 3


def test_no_principal_has_the_group_of_another():
    names = [
        "staff",
        "Staff",
        " staff",
        "a" * 200,
        "a" * 201,
        "a" * 202,
        "x\0",
        "x",
        "\u202ex",
        "😀",
        "\udcff",
        "\\udcff",
    ]
    names += [group_of(name) for name in names]
    assert len({group_of(name) for name in names}) == len(set(names))
    assert all(0 < len(group_of(name)) <= 200 for name in names)
    assert group_of("staff") == "staff"
    assert groups_of(["b", "", "a", "b"]) == ["b", "a"]


def test_a_document_is_never_public():
    sent = document_of(read("a.md", "zebra", ["staff", "", "staff"]), "x", frozenset(), "en")
    assert sent["AccessControlList"] == [{"Name": "staff", "Type": "GROUP", "Access": "ALLOW"}]
    for nobody in ([], [""]):
        with pytest.raises(ValueError, match="no readers"):
            document_of(read("a.md", "zebra", nobody), "x", frozenset(), "en")
        assert not is_findable(read("a.md", "zebra", nobody))


def test_only_fields_of_the_index_are_sent():
    metadata = {"language": "de", "author": "Ada", "_source_uri": "x", "empty": "", "long": "x" * 2049}
    made = read("a.md", "z\0", metadata=metadata)
    sent = document_of(made, "x", {"language", "_source_uri", "empty", "long"}, "de")
    values = {each["Key"]: each["Value"]["StringValue"] for each in sent["Attributes"]}
    assert values == {"language": "de", "_language_code": "de"}
    assert (sent["Blob"], sent["Title"], sent["ContentType"]) == (b"z ", "Title", "PLAIN_TEXT")
    assert document_of(made, "x", set(), "en")["Attributes"] == []


def test_a_text_that_is_too_large():
    assert fault_of(read("a.md", "x" * BATCH_BYTES)) == ""
    assert fault_of(read("a.md", "ä" * (BATCH_BYTES // 2 + 1))).startswith("5.0 MB of text are more than the 5 MB")


def test_batches():
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([3, 3, 9, 1, 4], 10, 5, lambda item: item)) == [[3], [3], [9], [1, 4]]
    assert list(batches([], 2)) == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("How much is it?", ("How much is it", 0)),
        ('title:zebra AND "x" OR (y*) NOT z', ("title zebra and x or y not z", 0)),
        ("nul\0 bell\x07 tab\t\ud800half C++ 3.10", ("nul bell tab half C++ 3.10", 0)),
        (" ".join("abcdefghijklmnopqrstuvwxyzABCDE"), (" ".join("abcdefghijklmnopqrstuvwxyzABCD"), 1)),
        ("a " * 29 + "3.10 b", (" ".join("a" * 29), 2)),
        ("x" * 1001 + " zebra", ("zebra", 1)),
        ("a-" * 31 + " zebra", ("zebra", 1)),
        (f"{'x' * 600} {'y' * 600}", ("x" * 600, 1)),
        ("", ("", 0)),
        (" \0\n", ("", 0)),
        ('"?*', ("", 0)),
        ("😀 -", ("", 0)),
        ("😀 zebra", ("😀 zebra", 0)),
    ],
)
def test_what_kendra_is_asked(text, asked):
    assert question_of(text) == asked


def test_filters_keep_to_the_limits():
    fields = {f"k{number:02}" for number in range(15)} | {"_own"}
    where = {f"k{number:02}": "x" for number in range(15)} | {"unknown": "x", "_own": "x"}
    first, second = filters_of(where, fields, "en")
    assert [each["EqualsTo"]["Key"] for each in first["AttributeFilter"]["AndAllFilters"]] == sorted(fields - {"_own"})[
        :MOST_FILTERS
    ]
    assert second == {}
    first, second = filters_of(where, fields, "de")
    assert len(first["AttributeFilter"]["AndAllFilters"]) == MOST_FILTERS
    german = {"Key": "_language_code", "Value": {"StringValue": "de"}}
    assert first["AttributeFilter"]["AndAllFilters"][0] == {"EqualsTo": german}
    assert second == {"AttributeFilter": {"EqualsTo": german}}
    assert next(filters_of({"k00": "x"}, fields, "en")) == {
        "AttributeFilter": {"EqualsTo": {"Key": "k00", "Value": {"StringValue": "x"}}}
    }
    assert list(filters_of({"unknown": "x", "k00": "x" * 2049, "k01": ""}, fields, "en")) == [{}]


# --- addresses ------------------------------------------------------------------------------------

INDEX = "0a1b2c3d-0000-4000-8000-000000000000"


def test_addresses():
    for region in ("eu-west-1", "us-gov-west-1"):
        address = KendraAddress.of(f"kendra://{INDEX}@{region}")
        assert (address.index, address.region, address.url) == (INDEX, region, f"kendra://{INDEX}@{region}")


@pytest.mark.parametrize(
    "url",
    ["kendra://", "kendra://x@eu-west-1", f"kendra://{INDEX}", f"kendra://{INDEX}@", f"kendra://{INDEX}@eu-west-1/x"],
)
def test_addresses_that_are_none(url):
    with pytest.raises(SettingsError, match=r"`knowledge\.store` is 'kendra://.*INDEX_ID@REGION"):
        KendraAddress.of(url)


# --- hits -----------------------------------------------------------------------------------------


class Case:
    """Kept revisions, and what is live of them."""

    def __init__(self, *made):
        self.revisions = MemoryRevisions()
        self.revisions.keep(made)

    def live(self, *made):
        return {first_id(each.document.id, each.fingerprint): (each.document.id, each.fingerprint) for each in made}

    def hits(self, live, search=None):
        return KendraHits(self.revisions, search or Search("zebra"), live)


def hit(made, excerpt=None, number=0):
    return later_id(first_id(made.document.id, made.fingerprint), number), excerpt or made.document.text


OLD, NEW, OTHER = read("a.md", "zebra old"), read("a.md", "zebra new"), read("b.md", "zebra other")


def test_only_what_is_live_counts():
    case = Case(OLD, NEW, OTHER)
    hits = case.hits(case.live(NEW, OTHER))
    hits.add([hit(OLD), hit(OTHER), ("a-connector's", "zebra"), hit(NEW), hit(NEW, number=2)])
    assert [(passage.text, passage.rank) for passage in hits.passages()] == [("zebra other", 1), ("zebra new", 2)]


def test_a_document_that_changes_during_a_search_is_seen_before_or_after():
    case = Case(OLD, NEW, OTHER)
    before, after = case.live(OLD, OTHER), case.live(NEW)
    for came, shown in (
        ([OLD], {"zebra old"}),
        ([NEW], {"zebra new"}),
        ([OLD, NEW], {"zebra new"}),
        ([NEW, OLD], {"zebra new"}),
    ):
        hits = case.hits(before)
        hits.add(hit(each) for each in came)
        if any(hits.is_news(hit(each)[0]) for each in came):
            hits.renew(after)
        assert {passage.text for passage in hits.passages()} == shown


def test_a_hit_of_somebody_else_is_no_news():
    case = Case(OLD)
    hits = case.hits(case.live(OLD))
    assert not hits.is_news("a-connector's")
    assert not hits.is_news(hit(OLD, number=3)[0])
    assert hits.is_news(hit(NEW)[0])


def test_access_and_metadata_are_those_of_the_live_revision():
    made = [
        read("a.md", "zebra", ["staff"], {"k": "v"}),
        read("b.md", "zebra", ["staff", ""]),
        read("c.md", "zebra", [""]),
    ]
    case = Case(*made)

    def shown(*asker, **where):
        hits = case.hits(case.live(*made), Search("zebra", asker, where))
        hits.add(map(hit, made))
        return {passage.document for passage in hits.passages()}

    assert shown("staff") == {"a.md", "b.md"}
    assert shown("staff", k="v") == {"a.md"}
    assert shown("staff", k="x") == shown("everyone") == shown("", "everyone") == shown() == set()


def test_an_excerpt_that_is_not_found_claims_no_characters():
    made = replace(read("a.pdf", "The zebra costs 9 euros a month."), segments=(Place(0, 40, 1),))
    case = Case(made)
    hits = case.hits(case.live(made))
    hits.add(
        [hit(made, "Monthly cost of the zebra plan: 9 euros."), hit(made, " \n"), hit(made, "zebra costs 9 euros")]
    )
    unknown, known = hits.passages()
    assert (unknown.place, unknown.text) == (UNKNOWN_PLACE, "Monthly cost of the zebra plan: 9 euros.")
    assert (known.place, known.text) == (Place(4, 23, 1), "zebra costs 9 euros")
    checked = check_citations("The zebra plan costs 9 euros [1]. It costs 9 euros [2].", [unknown, known])
    assert [(each.source, each.place.as_json()["start"]) for each in checked.citations] == [
        ("a.pdf, place not known", None),
        ("a.pdf, page 1", 4),
    ]


def test_a_revision_whose_text_is_not_kept_is_not_shown(caplog):
    case = Case(OLD)
    hits = case.hits(case.live(NEW))
    hits.add([hit(NEW), hit(NEW, "zebra")])
    with caplog.at_level(logging.WARNING):
        assert hits.passages() == []
    assert [record.getMessage() for record in caplog.records] == [
        "`a.md` is not shown: the text of its live revision is not kept."
    ]


# --- the journal ----------------------------------------------------------------------------------


def test_the_journal_outlives_the_process(tmp_path):
    path = tmp_path / "deep" / "journal.json"
    with KendraJournal.writing(path, 1, "here") as journal:
        journal.write({"a": "a.md", "b.2": "b.md"})
        journal.retire(["c"])
    with KendraJournal.writing(path, 1, "here") as journal:
        assert (set(journal.written), journal.retired, journal.id_of("b")) == ({"a", "b.2"}, ["c"], "b.2")
        assert journal.of_documents(["b.md", "x.md"]) == {"b.2"}
        journal.settle(["a", "b.2"])
        journal.forget(["c"])
    journal = KendraJournal.read(path, "here")
    assert (journal.written, journal.retired, journal.again) == ({}, [], {"b": "b.2"})


def test_what_comes_back_is_no_longer_to_be_deleted(tmp_path):
    """Kendra had deleted it, and a kill came before that was noted: nobody may ask for it again."""
    journal = KendraJournal.read(tmp_path / "journal.json", "here")
    journal.retire(["a", "b"])
    journal.write({"a": "a.md"})
    assert KendraJournal.read(tmp_path / "journal.json", "here").retired == ["b"]


def test_what_nobody_goes_on_with_is_given_up(tmp_path, monkeypatch):
    journal = KendraJournal.read(tmp_path / "journal.json", "here")
    journal.write({"a": "a.md"})
    assert journal.of_documents(["b.md"]) == set()
    journal.written["a"] = ("a.md", journal.written["a"][1] - ABANDONED - 1)
    assert journal.of_documents(["b.md"]) == {"a"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"written": {}}', '{"written": [1], "retired": [], "again": {}}'])
def test_a_broken_journal_is_begun_anew(tmp_path, caplog, text):
    (tmp_path / "journal.json").write_text(text, encoding="utf-8")
    journal = KendraJournal.read(tmp_path / "journal.json", "here")
    assert (journal.written, journal.retired, journal.again) == ({}, [], {})
    assert "begun anew" in caplog.text


@pytest.mark.parametrize("language", ["", "german", "DE", "pt_BR", "de\n"])
def test_a_language_is_a_code(language):
    with pytest.raises(SettingsError, match=r"`store\.kendra\.language` is .* Write the code of a language"):
        KendraSettings(language=language).check()
    for known in ("de", "pt-BR", "zh"):
        KendraSettings(language=known).check()
