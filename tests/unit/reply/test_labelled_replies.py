"""The rule for "I do not know" on replies that people labelled, on the half that no wording was chosen on."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[3] / "benchmarks" / "abstention.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("abstention_benchmark", _SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def held_out(script, shared_data):
    for name in ("safety_xstest", "rag_mtrag"):
        if not (shared_data / name).is_dir():
            pytest.skip(f"{shared_data / name} is not here")
    return [reply for reply in script.labelled(shared_data) if not reply.chosen_on]


@pytest.mark.parametrize(
    ("source", "precision", "recall"),
    [("", 0.96, 0.76), ("XSTest, gpt4", 1.0, 0.88), ("MTRAG-UN", 1.0, 0.92)],  # measured: benchmarks/abstention.py
)
def test_held_out_replies(script, held_out, source, precision, recall):
    replies = [reply for reply in held_out if source in reply.source]
    measured = script.rates(script.by_clauses, replies)
    assert measured[0] >= precision
    assert measured[1] >= recall


def test_held_out_replies_are_recognised_more_often_than_by_openings(script, held_out):
    openings, clauses = (script.rates(way, held_out) for way in (script.by_openings, script.by_clauses))
    assert clauses[1] > openings[1] + 0.5
    assert clauses[0] >= openings[0]


def test_questions_back_of_mtrag_are_no_abstentions(script, held_out):
    replies = [reply for reply in held_out if reply.text.strip().endswith("?") and reply.source == "MTRAG-UN"]
    assert len(replies) >= 3
    assert not any(script.by_clauses(reply.text) for reply in replies)
