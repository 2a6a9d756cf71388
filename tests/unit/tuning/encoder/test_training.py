"""Training a tiny encoder: it learns what is planted, serves what was trained, and goes on after a kill."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from groundtune.encoders import sentence_encoder
from groundtune.errors import InputError, TuningError
from groundtune.knowledge.embedding import embedder
from groundtune.protocols import silent
from groundtune.settings import EmbeddingSettings
from groundtune.testing.tiny import tiny_encoder
from groundtune.tuning.adapters import read_manifest, verify
from groundtune.tuning.card import CARD
from groundtune.tuning.encoder import training
from groundtune.tuning.encoder.pairs import QuestionPair
from groundtune.tuning.encoder.settings import EncoderSettings
from groundtune.tuning.encoder.training import EncoderJob, train_encoder

pytestmark = pytest.mark.models
WORDS = 12
ASKED, TOLD = ([f"{kind}{number}" for number in range(WORDS)] for kind in ("ask", "tell"))
PROMPTS = {"query": "find: ", "document": "text: "}
FAST = EncoderSettings(passes=6, learning_rate=3e-3, batch_size=8, evaluate_every=10, patience=20, negatives=1)


def planted():
    """Pairs of two words: the word asked with a number means the word told with that number."""
    made = []
    for first in range(WORDS):
        for second in range(first + 1, WORDS):
            passage = f"{TOLD[first]} {TOLD[second]}"
            wrong = f"{TOLD[first]} {TOLD[(second + 1) % WORDS]}"
            question = f"{ASKED[first]} {ASKED[second]}"
            made.append(QuestionPair(question, passage, (wrong,), frozenset({passage}), str(first + 3 * second)))
    return made


def embed(folder, texts, kind):
    return embedder(EmbeddingSettings(name=f"path:{folder}")).embed(texts, kind)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    words = [*ASKED, *TOLD, "find", "text", ":"]
    return tiny_encoder(tmp_path_factory.mktemp("base") / "tiny", words, prompts=PROMPTS)


@pytest.fixture
def job(base):
    return EncoderJob("path:tiny", "weights", base, 40, planted(), FAST, embed, counts={"cases": 66})


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole") / "ours"
    train_encoder(EncoderJob("path:tiny", "weights", base, 40, planted(), FAST, embed), folder)
    return folder


def first_is_right(folder, pairs):
    """Return the share of questions whose passage is the nearest of all."""
    passages = sorted({pair.passage for pair in pairs})
    near = embed(folder, [pair.question for pair in pairs], "query") @ embed(folder, passages, "document").T
    return np.mean([passages[place] == pair.passage for place, pair in zip(near.argmax(1), pairs, strict=True)])


def test_what_is_planted_is_learned_and_holds_for_pairs_held_out(base, whole):
    manifest = read_manifest(whole)
    assert manifest.kind == "encoder"
    losses = [point.held_out for point in manifest.loss if point.held_out is not None]
    assert manifest.measures["held_out_loss"] == min(losses) < 0.5 * losses[0]
    assert manifest.measures["held_out_loss_of_the_base"] == losses[0]
    assert first_is_right(base, planted()) < 0.2
    assert first_is_right(whole, planted()) > 0.6
    assert manifest.data["training"] + manifest.data["held_out"] == len(planted())
    assert manifest.tokens == 6 * manifest.data["training"] * 3 * 4  # passes, texts of a pair, word pieces of a text


def test_the_folder_is_an_encoder_that_is_served_as_it_was_trained(base, whole):
    """With the base's pooling and prompts, and cut where the base was cut."""
    made, before = sentence_encoder(whole).model, sentence_encoder(base).model
    assert made.max_seq_length == 40
    assert made.prompts == before.prompts
    assert [type(part) for part in made] == [type(part) for part in before]
    assert read_manifest(whole).measures["checks"]["reload"] < 1e-5
    verify(whole)
    assert not list(whole.parent.glob("ours.checkpoints"))
    card = (whole / CARD).read_text(encoding="utf-8")
    assert "library_name: sentence-transformers" in card
    assert "path:tiny" in card


def test_the_encoder_in_memory_is_left_as_it_is(base, job, tmp_path):
    before = embed(base, ["find me"], "query")
    train_encoder(job, tmp_path / "ours")
    assert np.array_equal(embed(base, ["find me"], "query"), before)


class Killed(Exception):
    pass


def killed_at(step):
    def progress(stage, done, total):
        if done == step:
            raise Killed

    return progress


def test_a_run_that_was_killed_goes_on_to_the_same_weights(job, whole, tmp_path):
    folder = tmp_path / "ours"
    with pytest.raises(Killed):
        train_encoder(job, folder, killed_at(25))
    assert not folder.exists()
    steps = []
    train_encoder(job, folder, lambda stage, done, total: steps.append(done))
    assert steps[0] == 21  # the last checkpoint is of step 20
    texts = [pair.question for pair in planted()]
    assert np.abs(embed(folder, texts, "query") - embed(whole, texts, "query")).max() < 1e-5
    assert read_manifest(folder).loss == read_manifest(whole).loss


def test_the_best_step_is_kept_and_training_ends_when_it_no_longer_helps(job, tmp_path):
    """A rate at which everything is forgotten again."""
    settings = job.settings.model_copy(update={"learning_rate": 0.5, "patience": 2, "evaluate_every": 2})
    manifest = train_encoder(replace(job, settings=settings), tmp_path / "ours")
    losses = {point.step: point.held_out for point in manifest.loss if point.held_out is not None}
    assert "early" in manifest.stopped
    assert manifest.best_step == min((step for step in losses if step), key=lambda step: losses[step])
    assert manifest.best_step < max(losses)


def test_the_same_job_is_done_once_and_another_does_not_replace_it(job, whole, tmp_path):
    folder = tmp_path / "ours"
    shutil.copytree(whole, folder)
    assert train_encoder(job, folder, killed_at(0)) == read_manifest(folder)
    other = replace(job, settings=job.settings.model_copy(update={"seed": 1}))
    with pytest.raises(InputError, match="other pairs, settings or weights"):
        train_encoder(other, folder)
    with pytest.raises(InputError, match="other pairs"):
        train_encoder(replace(job, pairs=job.pairs[1:]), folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match="not the file that tuning wrote"):
        train_encoder(job, folder)


def test_an_encoder_that_is_served_otherwise_is_not_kept(job, tmp_path):
    """As if serving left the prompts out."""

    def without_prompts(folder, texts, kind):
        return embed(folder, texts, "document" if kind == "query" else "query")

    with pytest.raises(TuningError, match="not what was trained"):
        train_encoder(replace(job, embed=without_prompts), tmp_path / "ours", silent)
    assert not (tmp_path / "ours").exists()


def test_a_best_step_that_cannot_be_loaded_is_refused(job, tmp_path, monkeypatch):
    """The trainer logs an error and goes on with the last step."""
    from sentence_transformers import SentenceTransformerTrainer

    def broken(self, path):
        raise OSError("gone")

    monkeypatch.setattr(SentenceTransformerTrainer, "_load_from_checkpoint", broken)
    settings = job.settings.model_copy(update={"learning_rate": 0.5, "evaluate_every": 2, "patience": 2})
    with pytest.raises(TuningError, match="best step"):
        train_encoder(replace(job, settings=settings), tmp_path / "ours")


def test_checkpoints_that_were_cut_short_give_way(job, whole, tmp_path):
    folder = tmp_path / "ours"
    with pytest.raises(Killed):
        train_encoder(job, folder, killed_at(25))
    (work,) = (tmp_path / "ours.checkpoints").iterdir()
    weights = work / "checkpoint-20" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    train_encoder(job, folder)
    texts = [pair.question for pair in planted()]
    assert np.abs(embed(folder, texts, "query") - embed(whole, texts, "query")).max() < 1e-5


def test_the_manifest_tells_what_was_trained_with(whole):
    content = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    assert set(content["versions"]) == set(training.PACKAGES)
    assert content["data"]["training_hash"] != content["data"]["held_out_hash"]
    assert content["hardware"]
    assert content["technique"] == "encoder"
