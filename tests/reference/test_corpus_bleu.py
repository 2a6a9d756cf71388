"""Corpus BLEU compared in pairs, against sacrebleu's own paired tests."""

import json

import numpy as np
import pytest
import sacrebleu
from sacrebleu.significance import PairedTest

from groundtune.evaluation.run import score_answers
from groundtune.evaluation.scorers.corpus_bleu import CorpusBleuScorer, bleu
from groundtune.statistics import Method, compare_all
from groundtune.values import Answer, Case, Failure, Usage

METHOD = Method(resamples=4000)


def case(number, target, group=None):
    return Case(str(number), "?", target, (), True, group or str(number), "test")


def answers(texts):
    return {str(number): Answer(text, False, Usage()) for number, text in enumerate(texts)}


def compared(texts, cases, method=METHOD, seed=1):
    scorer = CorpusBleuScorer()
    scores = {}
    for name, outcomes in texts.items():
        pairs = [(case, outcomes[case.id]) for case in cases]
        found = score_answers([scorer], pairs, {}, lambda *_: None)
        scores[name] = list(found[scorer.name].values())
    groups = [case.group for case in cases]
    rng = np.random.default_rng(seed)
    return compare_all(scores, groups, scorer=scorer.name, method=method.on(scorer), rng=rng)


@pytest.fixture(scope="module")
def systems(shared_data):
    """Ideal answers, and two systems that keep some of their words: one nearly as much as the other."""
    lines = (shared_data / "rag_mtrag" / "queries.jsonl").read_text().splitlines()[:80]
    targets = [json.loads(line)["reference_answer"] for line in lines]
    rng = np.random.default_rng(0)

    def spoil(share):
        return [" ".join(word for word in target.split() if rng.random() > share) for target in targets]

    return targets, spoil(0.2), spoil(0.215)


def test_the_formula_is_sacrebleus():
    rng = np.random.default_rng(2)
    total = np.sort(rng.integers(0, 9, (300, 4)), axis=1)[:, ::-1]
    correct = np.minimum(np.sort(rng.integers(0, 7, (300, 4)), axis=1)[:, ::-1], total)
    lengths = np.stack([total[:, 0], rng.integers(0, 12, 300)], axis=1)
    expected = [
        sacrebleu.BLEU.compute_bleu(c, t, *sizes, smooth_method="exp").score
        for c, t, sizes in zip(correct.tolist(), total.tolist(), lengths.tolist(), strict=True)
    ]
    assert bleu(np.hstack([correct, total, lengths]).astype(float)) == pytest.approx(expected)
    assert len({round(one) for one in expected}) > 20


def test_difference_and_p_value_are_those_of_sacrebleus_paired_tests(systems):
    targets, one, other = systems
    (found,) = compared({"a": answers(one), "b": answers(other)}, [case(*pair) for pair in enumerate(targets)])
    metrics = {"BLEU": sacrebleu.BLEU()}
    _, results = PairedTest([("a", one), ("b", other)], metrics, [targets], test_type="ar", n_samples=4000)()
    by_exchange = results["BLEU"][1]
    expected = sacrebleu.corpus_bleu(other, [targets]).score - sacrebleu.corpus_bleu(one, [targets]).score
    assert found.difference.mean == pytest.approx(expected, abs=1e-9)
    assert 0.02 < by_exchange.p_value < 0.98, "a p-value at an end would show nothing"
    assert found.p_value == pytest.approx(by_exchange.p_value, abs=0.03)
    assert found.difference.low < expected < found.difference.high


def test_better_answers_are_told_apart_and_the_same_ones_are_not(systems):
    targets, one, _ = systems
    cases = [case(*pair) for pair in enumerate(targets)]
    found = compared({"a": answers(one), "same": answers(one), "ideal": answers(targets)}, cases)
    assert [(pair.baseline, pair.challenger, pair.verdict) for pair in found] == [
        ("a", "same", "cannot tell"),
        ("a", "ideal", "better"),
        ("same", "ideal", "better"),
    ]
    assert (found[0].difference.mean, found[0].p_value) == (0.0, 1.0)
    assert found[0].difference.high == pytest.approx(100 * (1 - 0.025 ** (1 / 80))), "eighty cases prove no equality"
    assert found[0].more_cases_needed > 80


def test_groups_are_exchanged_and_resampled_whole(systems):
    targets, one, other = systems
    texts = {"a": answers(one), "b": answers(other)}
    (alone,) = compared(texts, [case(*pair) for pair in enumerate(targets)])
    (grouped,) = compared(texts, [case(number, text, f"g{number % 4}") for number, text in enumerate(targets)])
    assert grouped.difference.mean == alone.difference.mean
    assert grouped.difference.high - grouped.difference.low > 1.2 * (alone.difference.high - alone.difference.low)
    assert grouped.p_value >= 2 / 2**4 - 0.02, "four groups can be exchanged in sixteen ways"
    (one_group,) = compared(texts, [case(number, text, "g") for number, text in enumerate(targets)])
    assert (one_group.difference.low, one_group.verdict) == (None, "cannot tell")


def test_failures_and_cases_without_an_ideal_answer_are_counted():
    cases = [case(0, "a b c d e"), case(1, "f g h i j"), case(2, ""), case(3, "k l m n o")]
    one = answers(["a b c d e", "f g h i j", "x", "k l m n o"])
    other = {**answers(["a b c d e", "f g", "x", "k l m n o"]), "3": Failure("no reply")}
    (found,) = compared({"a": one, "b": other}, cases)
    assert (found.difference.scored, found.difference.unscored, found.difference.failed) == (2, 1, 1)
    (nothing,) = compared({"a": one, "b": other}, cases[2:])
    assert (nothing.difference.mean, nothing.verdict) == (None, "cannot tell")
