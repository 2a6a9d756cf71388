"""Changed layers against PEFT's own: logits and gradients, and the calls that go the ordinary way."""

import copy
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from groundtune.tuning import _kernels  # noqa: E402
from groundtune.tuning._attention import attend, chosen, sequences  # noqa: E402
from groundtune.tuning._fast import faster, takes_packed  # noqa: E402
from groundtune.tuning._kernels import Lora  # noqa: E402

WORDS = 50


def llama(**config):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "vocab_size": WORDS, "max_position_embeddings": 256, "initializer_range": 0.2}
    return LlamaForCausalLM(LlamaConfig(**(shape | config)))


def with_lora(model, seed=1, **options):
    from peft import LoraConfig, get_peft_model

    options = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | options
    made = get_peft_model(model, LoraConfig(**options))
    torch.manual_seed(seed)
    for name, parameter in made.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return made.train()


def pair(**options):
    """The same model as it is, and faster."""
    plain = with_lora(llama(), **options)
    return plain, faster(copy.deepcopy(plain))


def inputs(*lengths, side="right"):
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(0, WORDS, (len(lengths), max(lengths)), generator=generator)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        mask[row, slice(0, length) if side == "right" else slice(max(lengths) - length, None)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def gradients(model):
    return {name: part.grad for name, part in model.named_parameters() if part.grad is not None}


def assert_same_learning(plain, fast, **given):
    """Logits where there is a token, and all gradients."""
    seen = given["attention_mask"].bool() if given.get("attention_mask") is not None else slice(None)
    results = []
    for model in (plain, fast):
        model.zero_grad()
        logits = model(**given, use_cache=False).logits[seen]
        logits.square().mean().backward()
        results.append(logits.detach())
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-4)
    assert_same_gradients(plain, fast)


def assert_same_gradients(plain, fast):
    expected, found = gradients(plain), gradients(fast)
    assert expected
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert gradient.abs().max() > 0, f"{name} learns nothing: the comparison would be empty"
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()) + 1e-7)


def doubles(*shapes):
    torch.manual_seed(3)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def test_projections_know_their_gradients():
    states, norm, *rest = doubles((5, 6), (6,), (4, 6), (2, 6), (4, 2), (3, 6), (2, 6), (3, 2), (3, 6))

    def made(states, norm, *rest):
        linears = (Lora(*rest[:3], scale=0.7), Lora(*rest[3:6], scale=1.3), Lora(rest[6]))
        return _kernels.project(states, norm, 1e-5, linears)

    assert torch.autograd.gradcheck(made, (states, norm, *rest))


def test_sums_know_their_gradients():
    states, residual, *linear = doubles((5, 6), (5, 4), (4, 6), (2, 6), (4, 2))
    assert torch.autograd.gradcheck(
        lambda *given: _kernels.add(*given[:2], Lora(*given[2:], scale=0.7)), (states, residual, *linear)
    )
    gate, up = doubles((5, 6), (5, 6))
    assert torch.autograd.gradcheck(
        lambda *given: _kernels.add_gated(*given[:3], Lora(*given[3:], scale=0.7)), (gate, up, residual, *linear)
    )


@pytest.mark.parametrize(("lengths", "shared"), [([5], 0), ([3, 4], 0), ([3, 2, 1], 2), ([0, 3, 0], 2), ([70], 3)])
def test_attention_knows_its_gradients_and_sees_what_it_should(lengths, shared):
    total, heads, kept, size = sum(lengths) + shared, 4, 2, 4
    query, key, value = doubles((total, heads * size), (total, kept * size), (total, kept * size))
    angle = torch.rand(total, size // 2, dtype=torch.float64).repeat(1, 2)
    angles = (angle.cos(), angle.sin())
    pieces = sequences(lengths, heads // kept, shared)

    def made(*states):
        return attend(states, angles, angles, pieces, size, 0.5)

    torch.testing.assert_close(made(query, key, value), plainly(query, key, value, angle, sees(lengths, shared)))
    if total < 10:
        assert torch.autograd.gradcheck(made, (query, key, value))
    wanted = torch.tensor([total - 1, 0])
    mask = torch.zeros(2, total).masked_fill(~sees(lengths, shared)[wanted], torch.finfo(torch.float32).min)
    some = attend(
        (query[wanted], key, value), angles, tuple(part[wanted] for part in angles), chosen(mask, 2), size, 0.5
    )
    torch.testing.assert_close(some, made(query, key, value)[wanted])


def sees(lengths, shared):
    """Which token sees which: (tokens, tokens)."""
    owners = torch.tensor([-1] * shared + [row for row, length in enumerate(lengths) for _ in range(length)])
    own = (owners[:, None] == owners) | (owners == -1)
    return own & torch.ones(len(owners), len(owners)).tril().bool()


def plainly(query, key, value, angle, mask):
    from torch.nn.functional import scaled_dot_product_attention

    def rotated(states):
        parts = states.unflatten(1, (-1, 4)).transpose(0, 1)
        turned = torch.cat([-parts[..., 2:], parts[..., :2]], -1)
        return parts * angle.cos() + turned * angle.sin()

    key, value = (
        rotated(key).repeat_interleave(2, 0),
        value.unflatten(1, (-1, 4)).transpose(0, 1).repeat_interleave(2, 0),
    )
    made = scaled_dot_product_attention(rotated(query), key, value, attn_mask=mask, scale=0.5)
    return made.transpose(0, 1).flatten(1)


@pytest.mark.parametrize("lengths", [(2,), (9,), (70, 70), (12, 3, 7)])
@pytest.mark.parametrize("side", ["right", "left"])
def test_padded_rows_learn_the_same(lengths, side):
    assert_same_learning(*pair(), **inputs(*lengths, side=side))


def test_rows_without_a_mask_learn_the_same():
    assert_same_learning(*pair(), input_ids=inputs(40, 40)["input_ids"])


def test_packed_rows_learn_the_same():
    positions = torch.tensor([[*range(4), *range(6), *range(2)]])
    assert_same_learning(*pair(), input_ids=inputs(12)["input_ids"], position_ids=positions)


@pytest.mark.parametrize("options", [
    {"target_modules": ["q_proj", "up_proj", "down_proj"], "layers_to_transform": [2]},
    {"target_modules": ["q_proj", "down_proj"]},
    {"use_rslora": True},
    {"rank_pattern": {"q_proj": 2}},
])  # fmt: skip
def test_adapters_of_other_shapes_learn_the_same(options):
    plain, fast = pair(**options)
    assert takes_packed(fast)
    assert_same_learning(plain, fast, **inputs(12, 9))


@pytest.mark.parametrize("options", [{"use_dora": True}, {"lora_dropout": 0.5}])
def test_adapters_of_other_kinds_go_the_ordinary_way(options):
    plain, fast = pair(**options)
    assert not takes_packed(fast)
    if "lora_dropout" not in options:
        assert_same_learning(plain, fast, **inputs(12, 9))
        return
    assert takes_packed(fast.eval())
    assert_same_learning(plain.eval(), fast, **inputs(12, 9))


@pytest.mark.parametrize("reentrant", [True, False])
def test_with_gradient_checkpointing_gradients_are_the_same(reentrant):
    plain, fast = pair()
    for model in (plain, fast):
        model.enable_input_require_grads()
    fast.gradient_checkpointing_enable({"use_reentrant": reentrant})
    assert_same_learning(plain, fast, **inputs(12, 9))


def test_a_whole_model_learns_the_same():
    plain = llama().train()
    assert_same_learning(plain, faster(copy.deepcopy(plain)), **inputs(12, 9))


def test_a_reward_model_learns_the_same():
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(4)
    head = LlamaForSequenceClassification(llama(num_labels=1, pad_token_id=0).config)
    plain = with_lora(head, task_type="SEQ_CLS", modules_to_save=["score"])
    assert_same_scores(plain, faster(copy.deepcopy(plain)), inputs(12, 9))


def assert_same_scores(plain, fast, given):
    scores = []
    for model in (plain, fast):
        scores.append(model(**given).logits)
        scores[-1].sum().backward()
    torch.testing.assert_close(scores[1], scores[0])
    assert not takes_packed(fast)
    assert_same_gradients(plain, fast)


def test_several_adapters_and_none_are_as_in_peft():
    from peft import LoraConfig

    plain = with_lora(llama())
    plain.add_adapter("other", LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False))
    fast, given = faster(copy.deepcopy(plain)), inputs(12, 9)
    for model in (plain, fast):
        model.set_adapter("other")
    assert takes_packed(fast)
    assert_same_learning(plain, fast, **given)
    for model in (plain, fast):
        model.base_model.set_adapter(["default", "other"])
    assert not takes_packed(fast)
    assert_same_learning(plain, fast, **given)
    with plain.disable_adapter(), fast.disable_adapter(), torch.no_grad():
        torch.testing.assert_close(fast(**given).logits, plain(**given).logits)


def test_the_saved_adapter_and_the_merged_model_are_pefts(tmp_path):
    from peft import PeftModel

    plain, fast = pair()
    plain.save_pretrained(tmp_path / "plain")
    fast.save_pretrained(tmp_path / "fast")
    names = [sorted(path.name for path in (tmp_path / side).iterdir()) for side in ("plain", "fast")]
    assert names[0] == names[1]
    weights = [(tmp_path / side / "adapter_model.safetensors").read_bytes() for side in ("plain", "fast")]
    assert weights[0] == weights[1]
    configs = [json.loads((tmp_path / side / "adapter_config.json").read_text()) for side in ("plain", "fast")]
    for config in configs:
        config["target_modules"].sort()  # a set, which PEFT writes in any order
    assert configs[0] == configs[1]
    given = inputs(12, 9)
    with torch.no_grad():
        expected = plain.eval()(**given).logits
        again = PeftModel.from_pretrained(llama(), str(tmp_path / "fast")).eval()
        torch.testing.assert_close(again(**given).logits, expected)
        fast.merge_adapter()
        torch.testing.assert_close(fast.eval()(**given).logits, expected, rtol=1e-4, atol=1e-4)
        fast.unmerge_adapter()
        torch.testing.assert_close(fast(**given).logits, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(fast.merge_and_unload()(**given).logits, expected, rtol=1e-4, atol=1e-4)


def test_writing_with_a_cache_gives_the_same_tokens():
    plain, fast = (model.eval() for model in pair())
    given = inputs(6)
    written = [
        model.generate(**given, max_new_tokens=8, do_sample=False, pad_token_id=0).tolist() for model in (plain, fast)
    ]
    assert written[0] == written[1]


def test_in_lower_precision_layers_go_the_ordinary_way():
    plain, fast = pair()
    plain, fast, given = plain.to(torch.bfloat16), fast.to(torch.bfloat16), inputs(12)
    assert not takes_packed(fast)
    with torch.no_grad():
        assert torch.equal(fast(**given).logits, plain(**given).logits)


def test_under_autocast_layers_go_the_ordinary_way():
    plain, fast = pair()
    given = inputs(12)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert not takes_packed(fast)
        assert torch.equal(fast(**given).logits, plain(**given).logits)


def test_eager_attention_learns_the_same():
    plain = with_lora(llama(attn_implementation="eager"))
    assert_same_learning(plain, faster(copy.deepcopy(plain)), **inputs(12, 9))


def test_layers_with_biases_go_the_ordinary_way():
    plain = with_lora(llama(attention_bias=True))
    fast = faster(copy.deepcopy(plain))
    assert not takes_packed(fast)
    assert_same_learning(plain, fast, **inputs(12, 9))


def test_other_models_are_left_as_they_are():
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, vocab_size=50
    )
    model = faster(with_lora(Qwen2ForCausalLM(config)))
    assert not takes_packed(model)
    assert not any("forward" in layer.__dict__ for layer in model.get_base_model().model.layers)
