"""Word search against the published collections: plain BM25 gives nDCG@10 of about 0.36 and 0.71 on these."""

import importlib.util
import sys
from pathlib import Path

import pytest

from groundtune.testing.embedders import HashingEmbedder

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "retrieval.py"


@pytest.fixture(scope="module")
def benchmark_script():
    spec = importlib.util.spec_from_file_location("retrieval_benchmark", _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "published"), [("cranfield", 0.36), ("medline", 0.71)])
def test_words_alone_are_as_good_as_bm25(benchmark_script, shared_data, tmp_path, name, published):
    folder = shared_data / benchmark_script.COLLECTIONS[name]
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    collection = benchmark_script.load(folder)
    embedder = HashingEmbedder(8)
    benchmark_script.fill(tmp_path / name, collection, embedder)
    scores, _ = benchmark_script.measure(tmp_path / name, collection, embedder, ("words",))
    assert scores.mean() == pytest.approx(published, abs=0.02)


def test_ndcg_by_hand(benchmark_script):
    # Grades 3, 0, 1 found at ranks 1-3, ideal order 3, 2, 1: (3 + 1/2) / (3 + 2/log2(3) + 1/2)
    assert benchmark_script.ndcg(["a", "x", "c"], {"a": 3, "b": 2, "c": 1}) == pytest.approx(3.5 / 4.7618595)
    assert benchmark_script.ndcg([], {"a": 1}) == 0.0
    assert benchmark_script.ndcg(["a"], {"a": 1}) == 1.0
