"""Reading without padding gives what sentence-transformers gives."""

import numpy as np
import pytest

from groundtune.errors import SettingsError
from groundtune.knowledge.embedding import local
from groundtune.knowledge.embedding._packed import PackedBert, packed, pieces
from groundtune.knowledge.embedding.local import LocalEmbedder, builtin_folder

torch = pytest.importorskip("torch")
sentence_transformers = pytest.importorskip("sentence_transformers")

TEXTS = [
    "",
    "a",
    "?!",
    "Mjölnir 😀 ﷺ",
    "word " * 700,
    *(" ".join(map(str, range(number))) for number in range(1, 90, 7)),
]


@pytest.fixture(scope="module")
def builtin():
    return sentence_transformers.SentenceTransformer(str(builtin_folder()), device="cpu", local_files_only=True)


def small(folder, kind="Bert", pooling="mean", **settings):
    """Return a sentence encoder with random weights and the built-in tokenizer."""
    import transformers
    from sentence_transformers.models import Pooling, Transformer

    given = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = getattr(transformers, f"{kind}Config")(vocab_size=30522, **given, **settings)
    torch.manual_seed(5)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(str(builtin_folder())).save_pretrained(folder)
    first = Transformer(str(folder), max_seq_length=256)
    return sentence_transformers.SentenceTransformer(modules=[first, Pooling(32, pooling_mode=pooling)], device="cpu")


def wanted(model, texts, prompt=""):
    return model.encode(texts, normalize_embeddings=True, show_progress_bar=False, prompt=prompt)


@pytest.mark.parametrize("prompt", ["", "passage: "])
def test_vectors_are_the_same(builtin, prompt):
    made = packed(builtin)
    found = made.vectors(pieces(builtin, TEXTS, prompt))
    assert np.abs(found - wanted(builtin, TEXTS, prompt)).max() < 1e-6
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_states_are_the_same(builtin):
    made = packed(builtin).states(pieces(builtin, TEXTS, ""))
    for found, own in zip(made, builtin.encode(TEXTS, output_value="token_embeddings", prompt=""), strict=True):
        assert found.shape == own.shape
        assert np.abs(found - own.numpy()).max() < 1e-4  # these are not of length 1


def test_the_first_token_as_pooling(tmp_path):
    model = small(tmp_path, pooling="cls")
    made = packed(model)
    assert np.abs(made.vectors(pieces(model, TEXTS, "")) - wanted(model, TEXTS)).max() < 1e-6


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("Roberta", {}), ("Bert", {"hidden_act": "relu"}), ("Bert", {"pooling": "max"})],
)
def test_another_shape_is_left_to_the_library(tmp_path, kind, settings):
    assert packed(small(tmp_path, kind, **settings)) is None


def test_a_network_that_was_changed_is_left_to_the_library(tmp_path):
    model = small(tmp_path)
    assert packed(model) is not None
    model[0].auto_model.encoder.layer[0].output.register_forward_hook(lambda module, given, made: made + 0.1)
    assert packed(model) is None


def test_memory_holds_the_weights_once(tmp_path):
    model = small(tmp_path)
    network = model[0].auto_model
    before = wanted(model, TEXTS)
    PackedBert(network, "mean")
    attention = network.encoder.layer[0].attention.self
    stored = {part.weight.untyped_storage().data_ptr() for part in (attention.query, attention.key, attention.value)}
    assert len(stored) == 1
    assert np.array_equal(wanted(model, TEXTS), before)


def test_integers_are_near_and_have_a_signature_of_their_own(builtin):
    exact, rounded = (LocalEmbedder("x", builtin_folder(), 8, 512, integers=integers) for integers in (False, True))
    assert rounded.signature == f"{exact.signature}|int8"
    cosines = (exact.embed(TEXTS, "document") * rounded.embed(TEXTS, "document")).sum(1)
    assert 0.95 < cosines.min() < 0.99999
    alone = np.concatenate([rounded.embed([text], "document") for text in TEXTS])
    together = (rounded.embed(TEXTS, "document") * alone).sum(1)
    assert together.min() > 0.9999  # a vector does not depend on what else is embedded
    sea, ocean, stapler = rounded.embed(["sea", "ocean", "stapler"], "query")
    assert sea @ ocean > sea @ stapler


def test_integers_are_refused_where_they_cannot_be(monkeypatch):
    monkeypatch.setattr(local, "packed", lambda model, integers: None)
    refused = LocalEmbedder("odd", builtin_folder(), 8, 512, integers=True)
    refused._model.derived.clear()
    with pytest.raises(SettingsError, match=r'`embedding.precision` is "int8", but odd has not the shape of BERT'):
        refused.embed(["a"], "query")
    refused._model.derived.clear()
