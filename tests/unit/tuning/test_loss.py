"""The loss of packed batches against that of padded ones, which PEFT and PyTorch compute."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from groundtune.tuning._fast import faster, takes_packed  # noqa: E402
from groundtune.tuning._loss import _padded_loss, _rows, labelled_loss, pack, split, summed_loss  # noqa: E402

WORDS = 50


def model(**options):
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "vocab_size": WORDS, "max_position_embeddings": 512, "initializer_range": 0.2}
    made = LlamaForCausalLM(LlamaConfig(**(shape | options)))
    made = get_peft_model(made, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in made.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return made.train()


def batch(rows):
    """Pad rows of (token ids, labels) as TRL does."""
    width = max(len(ids) for ids, _ in rows)
    return {
        "input_ids": torch.tensor([[*ids, *[0] * (width - len(ids))] for ids, _ in rows]),
        "labels": torch.tensor([[*labels, *[-100] * (width - len(ids))] for ids, labels in rows]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows]),
    }


def rows(lengths, shared=0, labelled=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    start = torch.randint(0, WORDS, (shared,), generator=generator).tolist()
    made = []
    for length in lengths:
        ids = [*start, *torch.randint(0, WORDS, (length,), generator=generator).tolist()][:length]
        learned = range(max(0, length - 1 - labelled), length - 1)  # the last token is the line's end
        made.append((ids, [ids[place] if place in learned else -100 for place in range(length)]))
    return made


SAME = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
BATCHES = {
    "one row": rows([30]),
    "even": rows([20, 20, 20]),
    "uneven": rows([40, 6, 90, 15]),
    "shared": rows([30, 50, 21], shared=16),
    "all begins alike, all is learned": rows([30, 50, 21], shared=16, labelled=99),
    "only the beginning is learned": [
        (ids, [-100, *ids[1:9], *[-100] * (len(ids) - 9)]) for ids, _ in rows([30, 22], 12)
    ],
    "the same row twice": rows([30]) * 2,
    "one row is the beginning of another": [(SAME, SAME), (SAME[:10], SAME[:10])],
    "too little is shared": rows([30, 20], shared=7),
    "a row without labels": [*rows([30, 20]), (SAME, [-100] * len(SAME))],
    "a row of one token": [*rows([30, 20]), ([7], [7])],
    "turns with labels between": [(SAME, [-100, 1, 4, -100, -100, 9, 2, -100, 5, -100, -100, -100]), *rows([17])],
    "longer than a block": rows([300, 290], shared=70),
    "learned in several chunks": rows([200, 220], labelled=210),
}


def learned(network, loss):
    network.zero_grad()
    loss.backward()
    return {name: part.grad.clone() for name, part in network.named_parameters() if part.grad is not None}


def assert_same(found, expected):
    assert expected
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=2e-5 * float(gradient.abs().max()) + 1e-8)


@pytest.fixture(scope="module")
def plain():
    return model()


@pytest.fixture(scope="module")
def fast(plain):
    made = faster(copy.deepcopy(plain))
    assert takes_packed(made)
    return made


@pytest.mark.parametrize("name", BATCHES)
def test_loss_and_gradients_are_those_of_the_padded_batch(plain, fast, name):
    given = batch(BATCHES[name])
    number = (given["labels"][:, 1:] != -100).sum()
    expected, found = _padded_loss(plain, given) / number, labelled_loss(fast, given)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert_same(learned(fast, found), learned(plain, expected))


@pytest.mark.parametrize("name", ["uneven", "shared"])
def test_it_divides_by_the_number_it_is_given(fast, name):
    given = batch(BATCHES[name])
    number = (given["labels"][:, 1:] != -100).sum()
    torch.testing.assert_close(labelled_loss(fast, given, 3 * number), labelled_loss(fast, given) / 3)


def test_left_padding_is_left_out_too(plain, fast):
    turned = {name: part.flip(1) for name, part in batch([(a[::-1], b[::-1]) for a, b in BATCHES["uneven"]]).items()}
    torch.testing.assert_close(labelled_loss(fast, turned), labelled_loss(fast, batch(BATCHES["uneven"])))
    assert turned["attention_mask"][1, 0] == 0


def test_texts_in_one_row_do_not_see_each_other(plain, fast):
    texts = [ids for ids, _ in rows([30, 12, 45, 2])]
    row = {
        "input_ids": [token for ids in texts for token in ids],
        "labels": [label for ids in texts for label in (-100, *ids[1:])],
        "position_ids": [place for ids in texts for place in range(len(ids))],
    }
    given = {
        name: torch.tensor([[*values, *[fill] * 5]])
        for (name, values), fill in zip(row.items(), (0, -100, 0), strict=True)
    }
    alone = batch([(ids, ids) for ids in texts])
    expected, found = labelled_loss(plain, alone), labelled_loss(fast, given)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert_same(learned(fast, found), learned(plain, expected))


def test_a_batch_without_labels_teaches_nothing(plain, fast):
    given = batch([(SAME, [-100] * len(SAME))])
    for network in (plain, fast):
        loss = labelled_loss(network, given, 1)
        assert loss.item() == 0
        assert all(not gradient.any() for gradient in learned(network, loss).values())


@pytest.mark.parametrize("reentrant", [True, False])
def test_activations_that_are_computed_again_give_the_same(plain, reentrant):
    again, given = faster(copy.deepcopy(plain)), batch(BATCHES["shared"])
    again.enable_input_require_grads()
    again.gradient_checkpointing_enable({"use_reentrant": reentrant})
    assert_same(learned(again, labelled_loss(again, given)), learned(plain, labelled_loss(plain, given)))


def test_a_whole_model_learns_the_same(plain):
    whole = copy.deepcopy(plain).merge_and_unload().train()
    for parameter in whole.parameters():
        parameter.requires_grad_(requires_grad=True)
    quick, given = faster(copy.deepcopy(whole)), batch(BATCHES["shared"])
    assert takes_packed(quick)
    assert_same(learned(quick, labelled_loss(quick, given)), learned(whole, labelled_loss(whole, given)))


def test_without_gradients_the_loss_is_the_same(plain, fast):
    given = batch(BATCHES["shared"])
    with torch.no_grad():
        torch.testing.assert_close(labelled_loss(fast.eval(), given), labelled_loss(plain.eval(), given))
    fast.train(), plain.train()


def test_shared_tokens_are_read_once_and_none_after_the_last_label():
    packed = pack(BATCHES["shared"])
    assert packed.shared == 16
    assert len(packed.tokens) == 16 + (28 - 16) + (48 - 16) + (19 - 16)
    assert len(packed.targets) == 12
    assert pack(BATCHES["too little is shared"]).shared == 0


@pytest.mark.parametrize("double", [True, False])
def test_cross_entropy_in_chunks_is_pytorchs(double):
    torch.manual_seed(0)
    kind = torch.float64 if double else torch.float32
    states, weight = torch.randn(300, 8, dtype=kind, requires_grad=True), torch.randn(40, 8, dtype=kind) * 3
    targets = torch.randint(0, 40, (300,))
    expected = torch.nn.functional.cross_entropy(states @ weight.t(), targets, reduction="sum")
    (wanted,) = torch.autograd.grad(expected * 0.5, states)
    found = summed_loss(states, weight, targets)
    (gradient,) = torch.autograd.grad(found * 0.5, states)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(gradient, wanted)


@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=12), most=st.integers(1, 120), packs=st.booleans())
@settings(deadline=None)  # the first example builds the models
def test_parts_are_all_rows_in_order_and_none_is_too_large(lengths, most, packs):
    network = split_model(packs)
    given = batch(rows(lengths, labelled=99))
    parts = split(network, given, most)
    ids = [row for part in parts for row in part["input_ids"].tolist()]
    assert len(ids) == len(lengths)
    assert all(whole[: len(row)] == row for whole, row in zip(given["input_ids"].tolist(), ids, strict=True))
    assert sum(int((part["labels"] != -100).sum()) for part in parts) == int((given["labels"] != -100).sum())
    for part in parts:
        read = len(pack(_rows(part)).tokens) if packs else part["input_ids"].numel()
        assert read <= most or len(part["input_ids"]) == 1


_MODELS = {}


def split_model(packs):
    if not _MODELS:
        _MODELS[False] = model()
        _MODELS[True] = faster(copy.deepcopy(_MODELS[False]))
    return _MODELS[packs]


def test_parts_of_a_batch_add_up_to_the_batch(plain, fast):
    given = batch(BATCHES["uneven"])
    number = (given["labels"][:, 1:] != -100).sum()
    parts = split(fast, given, 60)
    assert len(parts) > 1
    loss = sum(labelled_loss(fast, part, number) for part in parts)
    assert_same(learned(fast, loss), learned(plain, labelled_loss(plain, given)))


@pytest.mark.models
def test_the_built_in_model_learns_the_same():
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from groundtune.models.builtin import chat_model_folder

    base = AutoModelForCausalLM.from_pretrained(str(chat_model_folder()), dtype=torch.float32)
    torch.manual_seed(0)
    network = get_peft_model(
        base, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", init_lora_weights=False)
    ).train()
    given = batch(rows([30, 24, 28], shared=12))
    given["input_ids"] *= 97
    given["labels"] = torch.where(given["labels"] == -100, -100, given["input_ids"])
    expected = labelled_loss(network, given)
    gradients = learned(network, expected)
    found = labelled_loss(faster(network), given)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for name, gradient in learned(network, found).items():
        assert float((gradient - gradients[name]).norm() / gradients[name].norm()) < 1e-3, name
