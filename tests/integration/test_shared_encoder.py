"""The built-in encoder is in memory once, for embedding, reranking and BERTScore, in whatever order they come."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytestmark = pytest.mark.models

PROGRAM = """
import transformers
loads, real = [], transformers.PreTrainedModel.from_pretrained.__func__
def counted(cls, *given, **named):
    loads.append(cls.__name__)
    return real(cls, *given, **named)
transformers.PreTrainedModel.from_pretrained = classmethod(counted)

from groundtune.evaluation.scorers._encoder import open_encoder
from groundtune.evaluation.scorers.bertscore import Matcher
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.reranking import reranker
from groundtune.settings import ComparisonSettings, EmbeddingSettings
from groundtune.testing.rerankers import passage

name = ComparisonSettings().bertscore_model
embedding, reranking = embedder(EmbeddingSettings()), reranker("late:builtin:minilm-l6-v2")
parts = {
    "embed": lambda: embedding.embed(["roaming"], "query"),
    "rerank": lambda: reranking.score("roaming?", [passage("Roaming is free.")]),
    "score": lambda: Matcher(name, None).match([("a refund", "money back")]),
    "cut": lambda: Matcher(name, 3).match([("a refund", "money back")]),
}
for part in ORDER:
    parts[part]()
assert loads == ["BertModel"], loads
networks = [embedding._model.model[0].auto_model, reranking._embedder._model.model[0].auto_model]
networks += [open_encoder(name, layer).network for layer in (None, 3)]
places = [{key: weight.data_ptr() for key, weight in network.named_parameters()} for network in networks]
assert places[0] == places[1] == places[2]
assert len(places[3]) < len(places[0])
assert places[3].items() <= places[0].items()
assert len(networks[0].encoder.layer) == 6 > len(networks[3].encoder.layer) == 3
"""


@pytest.mark.parametrize("order", [["embed", "rerank", "score", "cut"], ["cut", "score", "rerank", "embed"]])
def test_its_weights_are_loaded_once(order):
    done = subprocess.run(
        [sys.executable, "-c", f"ORDER = {order}\n{PROGRAM}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_threads_that_embed_with_different_limits_get_what_they_get_alone():
    from groundtune.knowledge.embedding.local import LocalEmbedder, builtin_folder

    texts = ["word " * length + "roaming" for length in (3, 100, 300, 400)]
    embedders = [LocalEmbedder("x", builtin_folder(), 2, limit) for limit in (512, 64, None)] * 2
    alone = [each.embed(texts, "document") for each in embedders]
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda each: each.embed(texts, "document"), embedders * 2))
    for vectors, expected in zip(together, alone * 2, strict=True):
        np.testing.assert_array_equal(vectors, expected)
    assert not np.allclose(alone[0], alone[1])
    assert not np.allclose(alone[0], alone[2])
