"""Drawn answers: the same processors and the same distribution as transformers' own, whatever the batches."""

import numpy as np
import pytest

from groundtune.models import sampling as module
from groundtune.models.sampling import Sampler, Sampling, sample, warped

pytestmark = pytest.mark.models

WAYS = [
    Sampling(),
    Sampling(temperature=0.7),
    Sampling(temperature=1.4, top_k=5),
    Sampling(top_p=0.8),
    Sampling(temperature=0.9, top_k=7, top_p=0.6),
    Sampling(top_k=50),
    Sampling(top_k=1),
]
VOCABULARY = 12
PROMPTS = [[5, 6, 7], [8] * 11, [9], [1, 2, 3, 4, 5, 6, 7], list(range(10)), [2, 3]]


@pytest.fixture(scope="module")
def model():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, bos_token_id=None, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    made = LlamaForCausalLM(config).eval()
    made.lm_head.weight.data.mul_(20)  # a random model is nearly indifferent between tokens
    return made


@pytest.mark.parametrize("way", WAYS)
def test_logits_are_warped_as_transformers_generation_warps_them(model, way):
    import torch
    from transformers import GenerationConfig

    logits = torch.randn(40, VOCABULARY, generator=torch.Generator().manual_seed(1)) * 3
    config = GenerationConfig(
        do_sample=True, temperature=way.temperature, top_k=way.top_k, top_p=way.top_p, eos_token_id=0, pad_token_id=0
    )
    theirs = model._get_logits_processor(generation_config=config, input_ids_seq_length=1, device="cpu")
    assert torch.equal(warped(logits.clone(), way), theirs(torch.zeros(40, 1, dtype=torch.long), logits.clone()))


@pytest.mark.parametrize("way", WAYS)
def test_draws_follow_the_distribution(way):
    """A chi-square test against the exact probabilities, and never a token that was left out."""
    import torch
    from scipy.stats import chisquare

    draws = 20_000
    logits = torch.linspace(-2, 2, VOCABULARY)[None].repeat(draws, 1)
    sampler = Sampler(way, np.random.default_rng(11).random((draws, 1)))
    found = np.bincount(sampler.draw(logits, range(draws), 0).numpy(), minlength=VOCABULARY)
    expected = torch.softmax(warped(logits[:1], way), dim=-1)[0].numpy().astype(float)
    kept = expected > 0
    assert found[~kept].sum() == 0
    if kept.sum() > 1:
        share = expected[kept] / expected[kept].sum()
        assert chisquare(found[kept], share * draws).pvalue > 0.001


def test_the_ends_of_the_uniform_numbers_are_tokens_that_can_be_drawn():
    import torch

    logits = torch.tensor([[-torch.inf, 1.0, 2.0, -torch.inf]]).repeat(2, 1)
    sampler = Sampler(Sampling(), np.array([[0.0], [1 - 2**-53]]))
    assert sampler.draw(logits, [0, 1], 0).tolist() == [1, 2]


@pytest.mark.parametrize("way", [Sampling(), Sampling(temperature=0.8, top_k=6, top_p=0.9)])
def test_whole_answers_have_the_distribution_of_transformers_generation(model, way):
    """Two samples of answers of two tokens, one of each: the chi-square test of homogeneity finds no difference.

    The same test finds the difference between two temperatures, so it could.
    """
    import torch
    from scipy.stats import chi2_contingency
    from transformers import GenerationConfig

    prompt, draws = PROMPTS[3], 6000
    torch.manual_seed(5)
    config = GenerationConfig(
        do_sample=True, temperature=way.temperature, top_k=way.top_k, top_p=way.top_p, max_new_tokens=2,
        eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    theirs = model.generate(
        torch.tensor([prompt] * draws), attention_mask=torch.ones(draws, len(prompt)), generation_config=config
    )[:, len(prompt) :].tolist()
    theirs = [row[:1] if row[0] == 0 else row for row in theirs]

    def p_value(ours):
        kinds = sorted({tuple(row) for row in [*ours, *theirs]})
        counts = np.array([[sum(tuple(row) == kind for row in rows) for kind in kinds] for rows in (ours, theirs)])
        common = counts.sum(0) >= 10  # the rest goes into one column
        table = np.column_stack([counts[:, common], counts[:, ~common].sum(1)])
        return chi2_contingency(table[:, table.sum(0) > 0]).pvalue

    assert p_value(sample(model, [prompt], draws, 2, {0}, way, [7])) > 0.001
    other = Sampling(way.temperature * 0.8, way.top_k, way.top_p)
    assert p_value(sample(model, [prompt], draws, 2, {0}, other, [7])) < 0.001


def test_the_same_call_gives_the_same_answers_whatever_the_batches(model, monkeypatch):
    whole = sample(model, PROMPTS, 3, 15, {0}, Sampling(), [1, 2])
    assert len(whole) == 18
    for tokens in (1, 100, 300):
        monkeypatch.setattr(module, "BATCH_TOKENS", tokens)
        assert sample(model, PROMPTS, 3, 15, {0}, Sampling(), [1, 2]) == whole
    assert sample(model, PROMPTS, 3, 15, {0}, Sampling(), [1, 3]) != whole
    assert sample(model, PROMPTS[:2], 3, 15, {0}, Sampling(), [1, 2]) == whole[:6]


def test_copies_of_a_prompt_differ_and_end_where_they_end(model):
    answers = sample(model, PROMPTS, 20, 30, {0}, Sampling(), [4])
    assert len({tuple(answer) for answer in answers[:20]}) > 10
    for answer in answers:
        assert 1 <= len(answer) <= 30
        assert 0 not in answer[:-1]
        assert answer[-1] == 0 or len(answer) == 30
    assert {len(answer) for answer in answers} - {30}


def test_the_likeliest_token_alone_is_greedy_but_for_the_loop(model):
    from groundtune.models._generation import decode

    greedy = [[] for _ in PROMPTS]
    for step in decode(model, PROMPTS, 12, {0}):
        for row, token in step.items():
            greedy[row].append(token)
    assert sample(model, PROMPTS, 1, 12, {0}, Sampling(top_k=1), [0]) == greedy
