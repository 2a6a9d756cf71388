"""Batches within the budget, and decoding of which no row depends on its neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.models._generation import LOOP_TOKENS, MOST_ROWS, batches, decode, repeats
from groundtune.models._prefix import ReadPrefix

lengths = st.lists(st.integers(1, 3000), max_size=200)


@given(lengths, st.integers(1, 200), st.integers(256, 40_000))
def test_batches_hold_every_prompt_once_within_the_budget(lengths, max_tokens, budget):
    found = batches(lengths, max_tokens, budget)
    assert sorted(index for batch in found for index in batch) == list(range(len(lengths)))
    for batch in found:
        assert 1 <= len(batch) <= MOST_ROWS
        width = max(lengths[index] for index in batch) + max_tokens
        assert len(batch) == 1 or len(batch) * width <= budget, "only a prompt too long by itself may pass the budget"


@given(lengths, st.integers(256, 40_000))
def test_batches_are_of_similar_length(lengths, budget):
    order = [lengths[index] for batch in batches(lengths, 10, budget) for index in batch]
    assert order == sorted(lengths, reverse=True)


@given(st.lists(st.integers(0, 5), max_size=20), st.lists(st.integers(6, 9), min_size=1, max_size=30, unique=True))
def test_a_loop_is_seen_as_soon_as_it_is_long_enough_and_not_before(before, words):
    rounds = max(2, -(-LOOP_TOKENS // len(words)))
    whole = [*before, *words * rounds]
    assert repeats(whole)
    assert not any(repeats(whole[len(before) :][:end]) for end in range(len(words) * rounds))


@pytest.fixture(scope="module")
def model():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    # heads that differ from key-value heads, as in the built-in model
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return LlamaForCausalLM(config).eval()


PROMPTS = [[5, 6, 7], [8] * 11, [9], [1, 2, 3, 4, 5, 6, 7], list(range(30)), [12, 13]]


def written(model, prompts, max_tokens, ends, prefix=None):
    rows = [[] for _ in prompts]
    for step in decode(model, prompts, max_tokens, ends, prefix=prefix):
        for row, token in step.items():
            rows[row].append(token)
    return rows


def alone(model, prompt, max_tokens):
    """Greedy decoding at its plainest: the whole text is read anew for each token."""
    import torch

    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(max_tokens):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@pytest.mark.models
def test_a_batch_writes_what_each_prompt_alone_gets(model):
    assert written(model, PROMPTS, 12, set()) == [alone(model, prompt, 12) for prompt in PROMPTS]


@pytest.mark.models
def test_a_row_that_goes_round_in_circles_leaves(model):
    """Greedy decoding of a model this small ends in a loop, which is the case in point."""
    rows, unbounded = written(model, PROMPTS, 200, set()), [alone(model, prompt, 200) for prompt in PROMPTS]
    assert all(len(row) < 200 and repeats(row) for row in rows)
    assert [len(row) for row in rows] == [
        next(end for end in range(len(free)) if repeats(free[:end])) for free in unbounded
    ]
    assert all(row == free[: len(row)] for row, free in zip(rows, unbounded, strict=True))


@pytest.mark.models
def test_prompts_that_are_read_in_pieces_come_to_the_same(model, monkeypatch):
    from groundtune.models import _generation

    whole = written(model, PROMPTS, 8, set())
    monkeypatch.setattr(_generation, "PREFILL_TOKENS", 60)
    assert written(model, PROMPTS, 8, set()) == whole


@pytest.mark.models
def test_rows_that_have_ended_leave_and_change_nothing_for_the_others(model):
    free = written(model, PROMPTS, 12, set())
    ends = {free[0][2], free[3][5]}
    for row, unbounded in zip(written(model, PROMPTS, 12, ends), free, strict=True):
        stop = next((place for place, token in enumerate(unbounded) if token in ends), len(unbounded) - 1)
        assert row == unbounded[: stop + 1]
    sizes = [len(step) for step in decode(model, PROMPTS, 12, ends)]
    assert sizes[0] == len(PROMPTS) > sizes[-1]
    assert sizes == sorted(sizes, reverse=True)


INSTRUCTIONS = [*range(10, 40), 7]
ALIKE = [
    [[*INSTRUCTIONS, 1, 2, 3]],
    [[*INSTRUCTIONS, 1, 2, 3, 4, 5]],  # goes on
    [[*INSTRUCTIONS, 1, 2, 3, 4, 5]],  # the same again
    [[*INSTRUCTIONS, 9], [*INSTRUCTIONS, 9, 8, 7, 6], [*INSTRUCTIONS, 1, 2]],
    [[*INSTRUCTIONS[:20], 4]],
    [[1], [2, 3]],  # nothing alike
    [INSTRUCTIONS],
]


@pytest.mark.models
def test_what_was_read_before_is_not_read_again_and_changes_nothing(model, monkeypatch):
    read = []
    forward = type(model).forward

    def counted(self, ids, **inputs):
        read.append(ids.numel())
        return forward(self, ids, **inputs)

    monkeypatch.setattr(type(model), "forward", counted)
    prefix, tokens = ReadPrefix(), []
    for prompts in ALIKE:
        read.clear()
        found = written(model, prompts, 1, set(), prefix)
        tokens.append(sum(read))
        assert found == written(model, prompts, 1, set())
        assert written(model, prompts, 9, set(), prefix) == [alone(model, prompt, 9) for prompt in prompts]
    assert tokens == [34, 3, 1, 3 * 4, 1, 2 * 2, 1]
    prefix.forget()
    read.clear()
    written(model, ALIKE[0], 1, set(), prefix)
    assert sum(read) == 34


@pytest.mark.models
def test_a_network_that_forgets_reads_all_again():
    from transformers import MistralConfig, MistralForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = MistralConfig(vocab_size=50, num_hidden_layers=2, sliding_window=8, **sizes)
    model, prefix = MistralForCausalLM(config).eval(), ReadPrefix()
    for prompts in ALIKE:
        assert written(model, prompts, 5, set(), prefix) == written(model, prompts, 5, set())
        assert prefix.read(model, prompts) == 0
