"""Who may read a document, and its metadata: front matter, a file beside it, and rules of folders."""

import pytest

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.folder import find
from groundtune.knowledge.ingest import Manner, documents, ingest
from groundtune.knowledge.readers import read
from groundtune.knowledge.rules import DocumentRule, DocumentRules, narrowed
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.knowledge.watch import snapshot
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import PlainText

STAFF = KnowledgeSettings(readable_by=["staff", "partners"])


def written(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def sole(folder, settings=STAFF):
    (document,) = documents(folder, settings).values()
    return document


class Project:
    """A folder, what was seen of it, and a store that holds it."""

    def __init__(self, folder):
        self.folder, self.memory = folder / "documents", folder / "seen.json"
        self.embedder = HashingEmbedder()
        self.store = LanceDBStore(folder / "store", self.embedder.signature, self.embedder.dimension)

    def ingest(self, paths=None, settings=STAFF):
        manner = Manner(seen=SeenFiles(self.memory, settings))
        return ingest(self.folder, self.store, self.embedder, settings, paths, manner)

    def held(self, document="plans.txt"):
        return self.store.document(document).chunks[0]


@pytest.fixture
def project(tmp_path):
    written(tmp_path / "documents", {"plans.txt": "The delta plan costs 9 euros.", "a/b/deep.txt": "It costs 7 euros."})
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("files", "readers"),
    [
        ({}, ("staff", "partners")),
        ({".meta.toml": 'readable_by = ["all"]'}, ("all",)),
        ({".meta.toml": 'readable_by = "all"'}, ("all",)),
        ({".meta.toml": "", "a/.meta.toml": 'readable_by = ["a"]'}, ("a",)),
        ({".meta.toml": 'readable_by = ["all"]', "a/.meta.toml": 'readable_by = ["a"]'}, ("a",)),
        ({"a/.meta.toml": 'readable_by = ["a"]', "a/b/x.md.meta.toml": 'readable_by = ["x"]'}, ("x",)),
        ({"a/b/x.md.meta.toml": "readable_by = []"}, ()),
        ({"a/c/.meta.toml": 'readable_by = ["c"]', "b/.meta.toml": 'readable_by = ["b"]'}, ("staff", "partners")),
        ({"a/.meta.toml": 'readable_by = ["a"]', "a/b/x.md.meta.toml": 'team = "x"'}, ("a",)),
    ],
)
def test_the_nearest_rule_says_who_may_read(tmp_path, files, readers):
    assert sole(written(tmp_path, {"a/b/x.md": "Text.", **files})).readable_by == readers


def test_metadata_of_all_rules_hold_and_the_nearest_wins(tmp_path):
    files = {
        ".meta.toml": 'team = "all"\nreviewed = true\nyear = 2024\nsince = 2024-05-31\n',
        "a/x.md.meta.toml": 'team = "support"\nauthor = "Ada"\n',
        "a/x.md": "---\nauthor: Bob\ntopic: plans\n---\nText.",
    }
    assert sole(written(tmp_path, files)).metadata == {
        "team": "support", "reviewed": "true", "year": "2024", "since": "2024-05-31", "author": "Ada", "topic": "plans"
    }  # fmt: skip


def test_a_rule_names_the_title(tmp_path):
    document = sole(written(tmp_path, {"x.md": "# Heading\n\nText.", "x.md.meta.toml": 'title = "Plans of 2024"'}))
    assert (document.title, document.metadata["title"]) == ("Plans of 2024", "Plans of 2024")


FORMS = {
    "---\nreadable_by: staff\n---\n": ("staff",),
    '---\nreadable_by: "staff" # of ours\n---\n': ("staff",),
    "---\nreadable_by: [staff, 'partners']\n---\n": ("staff", "partners"),
    "---\ntitle: x\nreadable_by:\n  - staff\n  # not these\n  - 'partners'  # these\nauthor: y\n---\n": (
        "staff",
        "partners",
    ),
    "---\nReadable_By:\n- staff\n---\n": ("staff",),
    "---\nreadable_by:\nauthor: y\n---\n": (),
    "---\nreadable_by: []\n---\n": (),
    "---\nreadable_by: {a: b}\n---\n": (),
    "---\nreadable_by: [staff,\n  partners]\n---\n": (),
    "---\nreadable_by: |\n  staff\n---\n": (),
    "---\nreadable_by: *all\n---\n": (),
    '+++\nreadable_by = ["staff"]\n+++\n': ("staff",),
    '+++\nreadable_by = "staff"\n+++\n': ("staff",),
    "+++\nreadable_by = 7\n+++\n": (),
    '{"readable_by": ["staff", "", 3]}\n': ("staff",),
    '{"readable_by": null}\n': (),
    "---\nauthor: y\n---\n": None,
    "+++\nx = 1\n+++\n": None,
    "No front matter. readable_by: staff\n": None,
}


@pytest.mark.parametrize("form", FORMS)
def test_front_matter_names_readers(tmp_path, form):
    plain = read(written(tmp_path, {"x.md": f"{form}Text."}) / "x.md")
    assert plain.readable_by == FORMS[form]
    assert "readable_by" not in plain.metadata


@pytest.mark.parametrize(
    ("allowed", "named", "left", "told"),
    [
        (["staff", "partners"], ["staff"], ["staff"], ""),
        (["staff"], ["staff", "guests"], ["staff"], "guests"),
        (["staff"], ["guests"], [], "guests"),
        (["staff"], ["everyone"], ["staff"], ""),
        (["staff"], [], [], "Nobody"),
        (["everyone"], ["guests"], ["guests"], ""),
        (["everyone"], ["everyone"], ["everyone"], ""),
        ([], ["everyone"], [], "Nobody"),
    ],
)
def test_a_document_may_only_narrow_who_reads_it(allowed, named, left, told):
    rule, notes = narrowed(DocumentRule(tuple(allowed)), PlainText("Text.", "T", readable_by=tuple(named)))
    assert rule.readable_by == tuple(left)
    assert set(left) <= set(allowed) or "everyone" in allowed
    assert told in " ".join(notes)
    assert bool(told) == bool(notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("readable_by = staff", "not TOML"),
        ("readable_by = 7", "`readable_by` is 7"),
        ('readable_by = ["a", " "]', "`readable_by` is"),
        ("tags = [1, 2]", "`tags` is a list"),
        ("[owner]\nname = 'x'", "`owner` is a list or a table"),
    ],
)
@pytest.mark.parametrize("name", [".meta.toml", "x.txt.meta.toml"])
def test_a_broken_rule_keeps_its_documents_out(tmp_path, name, text, message):
    folder = written(tmp_path, {"x.txt": "Text.", name: text})
    rules = DocumentRules(find(folder, [folder]).rules, ["staff"])
    with pytest.raises(UnreadableDocument, match=message) as raised:
        rules.of("x.txt")
    assert raised.value.message.startswith(name)
    assert raised.value.remedy
    assert documents(folder, STAFF) == {}


@pytest.mark.parametrize("name", [".meta.toml", "a/.meta.toml", "a/x.txt.meta.toml"])
@pytest.mark.parametrize("target", ["outside.toml", "nothing.toml", "itself"])
@pytest.mark.parametrize("part", ["", "a", "a/x.txt"])
def test_a_rule_that_is_a_link_out_of_the_folder_opens_nothing(tmp_path, name, target, part):
    folder = written(tmp_path / "documents", {"a/x.txt": "Text."})
    written(tmp_path, {"outside.toml": ""})
    link = folder / name
    link.symlink_to(link if target == "itself" else tmp_path / target)
    found = find(folder, [folder / part])
    with pytest.raises(UnreadableDocument, match="is no file in the folder"):
        DocumentRules(found.rules, ["everyone"]).of("a/x.txt")


def test_rules_in_hidden_folders_are_nothing(tmp_path):
    folder = written(tmp_path, {".old/.meta.toml": "", ".old/x.txt": "Text.", "x.txt": "Text."})
    assert not find(folder, [folder]).rules
    assert not find(folder, [folder / ".old" / "x.txt"]).rules


def test_rules_are_no_documents_and_one_of_nothing_is_told(project):
    written(project.folder, {".meta.toml": "", "plans.txt.meta.toml": "", "gone.pdf.meta.toml": ""})
    report = project.ingest()
    assert report.added == 2
    assert report.failed == (("gone.pdf.meta.toml", "there is no `gone.pdf` beside it. Rename or delete it."),)


@pytest.mark.parametrize("name", [".meta.toml", "plans.txt.meta.toml"])
def test_a_rule_that_comes_changes_or_goes_changes_what_is_held(project, name):
    project.ingest()
    seen = snapshot(project.folder)
    for text, readers in (('readable_by = ["hr"]', ("hr",)), ('readable_by = ["it"]', ("it",))):
        written(project.folder, {name: text})
        assert snapshot(project.folder) != seen
        seen = snapshot(project.folder)
        assert project.ingest().changed == (2 if name == ".meta.toml" else 1)
        assert project.held().readable_by == readers
        assert project.ingest().unchanged == 2
    (project.folder / name).unlink()
    project.ingest()
    assert project.held().readable_by == ("staff", "partners")


def test_rules_of_the_folders_above_hold_for_a_part_too(project):
    project.ingest()
    written(project.folder, {"a/.meta.toml": 'readable_by = ["a"]', "plans.txt.meta.toml": 'readable_by = ["p"]'})
    for part in ("a/b/deep.txt", "plans.txt"):
        assert project.ingest([project.folder / part]).changed == 1
    assert project.held("a/b/deep.txt").readable_by == ("a",)
    assert project.held().readable_by == ("p",)
    assert project.ingest([project.folder / "a" / "b"]).unchanged == 1


def test_a_document_whose_rule_breaks_stays_as_it_is_held(project):
    written(project.folder, {".meta.toml": 'readable_by = ["hr"]'})
    project.ingest()
    written(project.folder, {".meta.toml": "readable_by = hr"})
    report = project.ingest()
    assert [name for name, _ in report.failed] == ["a/b/deep.txt", "plans.txt"]
    assert project.held().readable_by == ("hr",)
