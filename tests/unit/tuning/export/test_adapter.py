"""One adapter for vLLM: what several add up to, exactly, within the limits that vLLM documents."""

import json

import pytest

from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.export import adapter

from .conftest import differ, expected_logits, tuned_model, write


def put_on(place, folder):
    from peft import PeftModel

    from groundtune.models import local

    model, _ = local.load(str(place / "model"))
    return PeftModel.from_pretrained(model, str(folder))


def config(folder):
    return json.loads((folder / "adapter_config.json").read_text())


def shapes(folder):
    from safetensors import safe_open

    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        return {key: tuple(file.get_tensor(key).shape) for key in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("chain", [("domain",), ("friendly",), ("domain", "friendly"), ("friendly", "domain")], ids=str)
def test_it_gives_what_all_of_them_give(place, tmp_path, chain):
    tuned = tuned_model(place, *chain)
    exported = write(tuned, "adapter", tmp_path / "out")
    assert differ(put_on(place, tmp_path / "out"), expected_logits(tuned)) <= 1e-4
    said = config(tmp_path / "out")
    assert said["r"] in adapter.RANKS
    assert said["lora_alpha"] == said["r"]  # a scaling of 1
    assert not said["rank_pattern"]
    assert not said["alpha_pattern"]
    assert said["base_model_name_or_path"] == "org/tiny"
    assert all(said["r"] in shape for shape in shapes(tmp_path / "out").values())
    assert f"--max-lora-rank {said['r']}" in exported.notes[-1]


def test_ranks_add_up_and_are_filled_up(place, tmp_path):
    exported = write(tuned_model(place, "domain", "friendly"), "adapter", tmp_path / "out")
    assert config(tmp_path / "out")["r"] == 8  # 4 + 3, and one of zeros
    assert any("7" in note and "8" in note for note in exported.notes)


@pytest.mark.parametrize("rank", [(1, 1), (2, 8), (8, 8), (9, 16), (65, 128), (257, 320), (321, 512), (512, 512)])
def test_the_next_rank_that_vllm_allows(tmp_path, rank):
    assert adapter.allowed_rank(rank[0], tmp_path) == rank[1]


@pytest.mark.parametrize(
    "kind",
    [
        {"rank_pattern": {"layers.1.self_attn.q_proj": 9}, "alpha_pattern": {"up_proj": 3}},
        {"layers_to_transform": [1], "target_modules": ["q_proj", "down_proj"]},
        {"target_modules": r".*layers\.0\..*(q|down)_proj"},
        {"r": 1, "lora_alpha": 0.5},
        {"lora_dropout": 0.5},
        {"init_lora_weights": True},
    ],
    ids=str,
)
def test_kinds_that_are_factors_only(place, tmp_path, kind):
    tiny_adapter(place / "model", tmp_path / "own", 3, **kind)
    tuned = tuned_model(place, "domain", folders=(place / "domain", tmp_path / "own"))
    write(tuned, "adapter", tmp_path / "out")
    assert differ(put_on(place, tmp_path / "out"), expected_logits(tuned)) <= 1e-4
    alone = tuned_model(place, "domain", folders=(tmp_path / "own",))
    write(alone, "adapter", tmp_path / "alone")
    assert differ(put_on(place, tmp_path / "alone"), expected_logits(alone)) <= 1e-4


@pytest.mark.filterwarnings(
    "ignore:Setting `save_embedding_layers`", "ignore:`lora_bias=True` was passed", "ignore:Adapter .default."
)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ({"modules_to_save": ["lm_head"]}, "modules_to_save.*lm_head"),
        ({"use_dora": True}, "DoRA"),
        ({"bias": "all"}, "biases"),
        ({"bias": "lora_only"}, "biases"),
        ({"lora_bias": True}, "lora_bias"),
        ({"target_modules": ["embed_tokens", "q_proj"]}, "embed_tokens"),
        ({"target_modules": ["lm_head", "q_proj"]}, "lm_head"),
        ({"r": 513}, "rank is 513"),
        ({"trainable_token_indices": [3]}, "trainable_token"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights"),
        ({"layer_replication": [[0, 2], [0, 2]]}, "layer_replication"),
    ],
    ids=str,
)
def test_what_vllm_refuses_is_refused_with_the_way_out(tmp_path, kind, reason):
    untied = tiny_model(tmp_path / "untied", tie_word_embeddings=False)
    tiny_adapter(untied, tmp_path / "own", 3, **kind)
    with pytest.raises(InputError, match=f"vLLM cannot serve this adapter: .*{reason}") as raised:
        write(tuned_model(tmp_path, "own", model="untied"), "adapter", tmp_path / "out")
    assert "--to merged" in raised.value.remedy
    assert not (tmp_path / "out").exists()


def test_ranks_that_add_up_to_too_much_are_refused(place, tmp_path):
    tiny_adapter(place / "model", tmp_path / "wide", 3, r=510)
    with pytest.raises(InputError, match="rank is 514"):
        write(tuned_model(place, folders=(place / "domain", tmp_path / "wide")), "adapter", tmp_path / "out")


def test_other_kinds_than_lora_are_refused(place, tmp_path):
    from peft import IA3Config, get_peft_model

    model, _ = tuned_model(place).base.load()
    kind = IA3Config(target_modules=["k_proj"], feedforward_modules=[], task_type="CAUSAL_LM")
    get_peft_model(model, kind).save_pretrained(tmp_path / "own")
    with pytest.raises(InputError, match="IA3, not LoRA"):
        write(tuned_model(place, folders=(tmp_path / "own",)), "adapter", tmp_path / "out")


def test_a_model_tuned_in_full_has_none(place, tmp_path):
    with pytest.raises(InputError, match="tuned in full"):
        write(tuned_model(place), "adapter", tmp_path / "out")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"peft_type": "LORA"}'])
def test_a_broken_configuration_is_refused(place, tmp_path, content):
    tiny_adapter(place / "model", tmp_path / "own", 3)
    (tmp_path / "own" / "adapter_config.json").write_text(content)
    with pytest.raises((SettingsError, InputError)) as raised:
        write(tuned_model(place, folders=(tmp_path / "own",)), "adapter", tmp_path / "out")
    assert raised.value.remedy


def test_words_of_its_own_are_refused(place, tmp_path):
    tiny_adapter(place / "model", tmp_path / "own", 3)
    _, tokenizer = tuned_model(place).base.load()
    tokenizer.add_tokens(["<brand>"])
    tokenizer.save_pretrained(tmp_path / "own")
    with pytest.raises(InputError, match="adds 1 words"):
        write(tuned_model(place, folders=(tmp_path / "own",)), "adapter", tmp_path / "out")


def test_a_tokenizer_that_adds_no_words_goes_along(place, tmp_path):
    tiny_adapter(place / "model", tmp_path / "own", 3)
    _, tokenizer = tuned_model(place).base.load()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}</s>{% endfor %}"
    tokenizer.save_pretrained(tmp_path / "own")
    write(tuned_model(place, folders=(tmp_path / "own",)), "adapter", tmp_path / "out")
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == tokenizer.chat_template


def test_factors_that_are_not_theirs_are_found(tuned, tmp_path, monkeypatch):
    real = adapter.join
    planted = lambda model: {name: (a, b * 2) for name, (a, b) in real(model).items()}  # noqa: E731 -- scaling twice
    monkeypatch.setattr(adapter, "join", planted)
    with pytest.raises(TuningError, match="other logits"):
        write(tuned, "adapter", tmp_path / "out")
    assert not list(tmp_path.iterdir())
