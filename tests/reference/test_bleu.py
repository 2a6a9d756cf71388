"""BLEU as sacrebleu 2.6.0 gives it: the wrapping must pass references, smoothing and order rightly."""

import json

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from groundtune.evaluation.scorers import scorers
from groundtune.evaluation.scorers.bleu import counts as _counts
from groundtune.evaluation.scorers.bleu import signature as _signature
from groundtune.evaluation.scorers.bleu import tokenize
from groundtune.evaluation.scorers.corpus_bleu import CorpusBleuScorer
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method, estimate
from groundtune.values import Answer, Case, Usage

# The example of sacrebleu's README and tests (Apache-2.0).
TARGETS = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
SECOND_TARGETS = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
PREDICTIONS = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]


def pair(target, prediction, group="g", others=()):
    case = Case("1", "?", target, (), True, group, "test", other_ideal_answers=tuple(others))
    return case, Answer(prediction, False, Usage())


def bleu(target, prediction, *others):
    return scorers(ComparisonSettings(), ["bleu"])[0].score(*pair(target, prediction, others=others)).value


def corpus(pairs, resamples=1000):
    scorer = CorpusBleuScorer().over([case for case, _ in pairs])
    scores, groups = scorer.score_many(pairs), [case.group for case, _ in pairs]
    return estimate(scores, groups, method=Method(resamples=resamples).on(scorer), rng=np.random.default_rng(1))


def test_known_values():
    target = "producţia de zahăr brut se exprimă în zahăr alb;"
    prediction = "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;"
    assert bleu(target, prediction) == pytest.approx(8.493, abs=1e-3)
    assert bleu("a test", "a test") == pytest.approx(100)  # without effective order: 0
    assert bleu("okay thanks", "this is a cat") == 0
    assert bleu("a test", "") == 0


def test_the_values_of_sacrebleus_own_tests():
    """`test/test_bleu.py` (Apache-2.0): two references, effective order, statistics."""
    zipped = zip(TARGETS, SECOND_TARGETS, PREDICTIONS, strict=True)
    pairs = [pair(one, given, str(i), [other]) for i, (one, other, given) in enumerate(zipped)]
    assert corpus(pairs).mean == pytest.approx(48.530827, abs=1e-6)
    assert corpus([pair(one, "", others=[other]) for one, other in zip(TARGETS, SECOND_TARGETS, strict=True)]).mean == 0
    assert bleu("a test", "test") == pytest.approx(36.78794411714425, abs=1e-8)
    found = _counts([("am I am a character sequence", ["I am a symbol string sequence a a"])])
    assert found == [[4, 2, 1, 0, 6, 5, 4, 3, 6, 8]]


AWKWARD = st.lists(
    st.sampled_from(
        [*"ab5 .,-/&'\n\t(", "&amp;", "&quot;", "<skipped>", "-\n", "..", "5.5", "a.b", "€", "日本", "\x85"]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=600, deadline=None)
@given(AWKWARD | st.text(max_size=40))
def test_tokens_are_sacrebleus(text):
    assert " ".join(tokenize(text)) == Tokenizer13a()(text.rstrip())


@settings(max_examples=200, deadline=None)
@given(AWKWARD, st.lists(AWKWARD.filter(str.strip), min_size=1, max_size=3))
def test_equals_sacrebleu_on_awkward_texts_with_several_references(prediction, references):
    expected = sacrebleu.BLEU(effective_order=True).sentence_score(prediction, references)
    assert bleu(references[0], prediction, *references[1:]) == expected.score
    counts = [*expected.counts, *expected.totals, expected.sys_len, expected.ref_len]
    assert _counts([(prediction, references)]) == [counts]


def test_the_whole_answer_is_scored():
    """Handing sacrebleu a string where it wants a list scores the first part only (ragas#2888)."""
    right = "The sky is blue."
    assert bleu(right, right) == pytest.approx(100)
    assert bleu(right, f"{right} It is made of cheese. Cows jump over it.") < 35


def test_equals_sacrebleu_on_real_answers(shared_data):
    lines = (shared_data / "rag_mtrag" / "queries.jsonl").read_text().splitlines()[:60]
    rows = [json.loads(line) for line in lines]
    targets = [row["reference_answer"] for row in rows]
    predictions = [row["conversation"][min(1, len(row["conversation"]) - 1)]["content"] for row in rows]
    expected = [sacrebleu.sentence_bleu(p, [t]).score for t, p in zip(targets, predictions, strict=True)]
    assert [bleu(t, p) for t, p in zip(targets, predictions, strict=True)] == expected
    found = corpus([pair(t, p, str(i % 20)) for i, (t, p) in enumerate(zip(targets, predictions, strict=True))])
    assert found.mean == pytest.approx(sacrebleu.corpus_bleu(predictions, [targets]).score, abs=1e-9)
    assert found.low < found.mean < found.high
    assert found.scored == 60


def test_corpus_bleu_is_not_the_mean_of_bleu():
    pairs = [pair(t, p, str(i)) for i, (t, p) in enumerate(zip(TARGETS, PREDICTIONS, strict=True))]
    expected = sacrebleu.corpus_bleu(PREDICTIONS, [TARGETS])
    assert corpus(pairs).mean == pytest.approx(expected.score, abs=1e-9)
    assert corpus(pairs).mean != pytest.approx(np.mean([bleu(t, p) for t, p in zip(TARGETS, PREDICTIONS, strict=True)]))


def test_the_interval_is_that_of_a_bootstrap_over_cases_where_each_is_a_group():
    """Against sacrebleu's own bootstrap, which is centred on its mean: half widths agree within noise."""
    targets, predictions = TARGETS * 10, PREDICTIONS * 10
    metric = sacrebleu.BLEU()
    expected = metric.corpus_score(predictions, [targets], n_bootstrap=2000)
    found = corpus([pair(t, p, str(i)) for i, (t, p) in enumerate(zip(targets, predictions, strict=True))], 2000)
    assert (found.high - found.low) / 2 == pytest.approx(expected._ci, rel=0.1)


def test_groups_are_resampled_whole():
    """Thirty cases in three groups tell less than thirty cases by themselves."""
    targets, predictions = TARGETS * 10, PREDICTIONS * 10
    zipped = list(zip(targets, predictions, strict=True))
    alone = corpus([pair(t, p, str(i)) for i, (t, p) in enumerate(zipped)])
    grouped = corpus([pair(t, p, str(i % 3)) for i, (t, p) in enumerate(zipped)])
    assert grouped.mean == alone.mean
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_one_group_has_no_interval_and_no_case_no_mean():
    assert corpus([pair("a b c d e", "a b c d e")]).low is None
    nothing = corpus([pair("", "a")])
    assert (nothing.mean, nothing.scored, nothing.unscored) == (None, 0, 1)


def test_sacrebleu_has_nothing_to_warn_of(caplog):
    """Its advice about effective order goes to the log, once a case."""
    corpus([pair("a b c d e", "a b c d e")])
    bleu("a b c d e", "a b c d e")
    _signature.cache_clear()
    assert CorpusBleuScorer().signature
    assert caplog.records == []


def test_signatures_are_sacrebleus():
    version = sacrebleu.__version__
    assert scorers(ComparisonSettings(), ["bleu"])[0].signature == (
        f"bleu|nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:{version}"
    )
    assert CorpusBleuScorer().signature == f"bleu|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"


def test_signatures_tell_the_number_of_references():
    one, two = pair("a b", "a b")[0], pair("a b", "a b", others=["b a"])[0]
    assert "nrefs:2|" in scorers(ComparisonSettings(), ["bleu"], [two, two])[0].signature
    assert "nrefs:var|" in scorers(ComparisonSettings(), ["bleu"], [one, two])[0].signature
    assert (
        scorers(ComparisonSettings(), ["bleu"], [one])[0].signature
        == scorers(ComparisonSettings(), ["bleu"])[0].signature
    )
    assert "nrefs:2|" in CorpusBleuScorer().over([two]).signature
