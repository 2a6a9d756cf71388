"""Encoders whose files are damaged are named with a remedy."""

import shutil

import pytest

from groundtune.errors import SettingsError
from groundtune.evaluation.scorers._encoder import open_encoder
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.embedding.local import builtin_folder
from groundtune.knowledge.reranking import reranker
from groundtune.settings import EmbeddingSettings
from groundtune.values import Passage, Place

pytestmark = pytest.mark.models
PASSAGES = [Passage("a.md", Place(0, 18), "It costs 5 euros.", "", 1, 1.0)]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES = {
    "weights cut in half": lambda folder: cut(folder / "model.safetensors"),
    "empty weights": lambda folder: (folder / "model.safetensors").write_bytes(b""),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "a configuration that is cut": lambda folder: cut(folder / "config.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_encoder_is_named_with_a_remedy(tmp_path, damage):
    folder = tmp_path / "encoder"
    shutil.copytree(builtin_folder(), folder)
    DAMAGES[damage](folder)
    with pytest.raises(SettingsError, match="the encoder cannot be loaded") as raised:
        embedder(EmbeddingSettings(name=f"path:{folder}")).embed(["a"], "query")
    assert (raised.value.place, "again" in raised.value.remedy) == (str(folder), True)
    for use in (
        lambda: reranker(f"late:path:{folder}").score("a", PASSAGES),
        lambda: reranker(f"cross:path:{folder}").score("a", PASSAGES),
        lambda: open_encoder(f"path:{folder}", None),
    ):
        with pytest.raises(SettingsError, match="cannot be loaded"):
            use()
