"""One model in memory with many adapters: what PEFT's merge gives, bit for bit, in any order and from any thread."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundtune.errors import SettingsError
from groundtune.models import _llama, local
from groundtune.settings import ModelSettings
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.values import Message

CONVERSATIONS = [
    (Message("user", "What does the river plan cost?"),),
    (Message("system", "Be short."), Message("user", "Hello?")),
    (Message("user", "5 € or 6 €? ✓"),),
]
FILE = "adapter_model.safetensors"
OPTIONS = ["yes", "no", "perhaps"]
ROUND = ["base", "tuned", "raft", "base", "raft", "tuned", "both", "raft", "both", "base"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder / "model")
    tiny_adapter(folder / "model", folder / "tuned", 1)
    tiny_adapter(
        folder / "model", folder / "raft", 2, r=2, lora_alpha=7, use_rslora=True, target_modules=["q_proj", "up_proj"]
    )
    return folder


@pytest.fixture
def base(place):
    return opened(place)


def opened(folder):
    return local.groundtune_model(ModelSettings(name="path:model", max_tokens=24), folder)


def candidates(base, folder):
    chains = {"base": (), "tuned": ("tuned",), "raft": ("raft",), "both": ("tuned", "raft")}
    return {name: base.adapted([folder / part for part in chain]) for name, chain in chains.items()}


def logits(model):
    import torch

    with model.shared.carrying(model.chain), torch.inference_mode():
        return model.model(torch.arange(2, 60)[None]).logits


def merged(folder, *adapters):
    """What answered before there was anything to share: loaded, merged by PEFT, fused."""
    import torch
    from peft import PeftModel

    model, _ = local.load(str(folder / "model"))
    for adapter in adapters:
        model = PeftModel.from_pretrained(model, str(folder / adapter)).merge_and_unload().eval()
    with torch.inference_mode():
        return _llama.fuse(model)(torch.arange(2, 60)[None]).logits


def test_each_adapter_and_chain_gives_what_merging_gave_whatever_came_before(place, base):
    import torch

    expected = {"base": merged(place), "tuned": merged(place, "tuned"), "raft": merged(place, "raft")}
    expected["both"] = merged(place, "tuned", "raft")
    models = candidates(base, place)
    for name in ROUND:
        assert torch.equal(logits(models[name]), expected[name]), name
    assert not torch.equal(expected["tuned"], expected["base"])
    assert not torch.equal(expected["both"], expected["raft"])


def test_changing_over_keeps_the_fused_layers_and_adds_no_module(place, base):
    for model in candidates(base, place).values():
        logits(model)
        attention = model.model.model.layers[0].self_attn
        assert attention.q_proj.weight.untyped_storage().data_ptr() == attention.joined.untyped_storage().data_ptr()
        assert "_layer" in repr(model.model.model.layers[0].forward)
        assert not [name for name, _ in model.model.named_modules() if "lora" in name]


def test_an_interrupted_change_is_made_good(place, base, monkeypatch):
    import torch

    models = candidates(base, place)
    expected = logits(models["base"])
    adapter = models["tuned"].chain[0]
    real, done = type(adapter).delta, []

    def interrupted(self, parameter):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(parameter)
        return real(self, parameter)

    monkeypatch.setattr(type(adapter), "delta", interrupted)
    with pytest.raises(KeyboardInterrupt):
        logits(models["tuned"])
    monkeypatch.undo()
    assert torch.equal(logits(models["base"]), expected)


def test_name_weights_and_signature_are_those_of_a_merged_model(place, base):
    weights, adapter = (local.fingerprint(place / name) for name in ("model", "tuned"))
    assert base.adapted([]) is base
    tuned = base.adapted([place / "tuned"])
    assert (tuned.name, tuned.weights) == ("path:model+tuned", f"{weights}+{adapter}")
    assert tuned.signature == (
        f"path:model+tuned|weights:{weights}+{adapter}|greedy|loops:ended|max_tokens:24|fp32|layers:fused"
    )
    assert tuned.adapted([place / "raft"]).name == "path:model+tuned+raft"


def test_nothing_is_loaded_twice(place, monkeypatch):
    loads, reads = [], []
    real_load, real_layers = local.load, local._adapters._layers
    monkeypatch.setattr(local, "load", lambda source: loads.append(source) or real_load(source))
    monkeypatch.setattr(local._adapters, "_layers", lambda *given: reads.append(given[1].name) or real_layers(*given))
    with ThreadPoolExecutor(4) as threads:
        models = list(threads.map(lambda _: opened(place), range(4)))
    assert len(loads) == 1
    assert len({id(model.model) for model in models}) == 1
    for _ in range(2):
        for model in candidates(models[0], place).values():
            model.complete(CONVERSATIONS[:1], max_tokens=2)
    assert sorted(reads) == ["raft", "tuned"]
    del model, models  # nobody holds it any longer
    again = opened(place)
    assert len(loads) == 2
    assert again.complete(CONVERSATIONS[:1])


def test_an_adapter_that_was_tuned_again_is_read_again(place, base, tmp_path):
    import torch

    folder = tmp_path / "tuned"
    shutil.copytree(place / "tuned", folder)
    before = base.adapted([folder])
    expected = logits(before)
    shutil.rmtree(folder)
    tiny_adapter(place / "model", folder, 9)
    after = base.adapted([folder])
    assert after.signature != before.signature
    assert not torch.equal(logits(after), expected)
    assert torch.equal(logits(before), expected)


@pytest.mark.parametrize(
    "changed",
    [
        {"use_dora": True},
        {"init_lora_weights": "pissa"},
        {"bias": "all"},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["v_proj"], "trainable_token_indices": [5, 6]},
        {"target_parameters": ["self_attn.q_proj.weight"], "target_modules": []},
    ],
    ids=lambda changed: next(reversed(changed)) if isinstance(changed, dict) else "",
)
def test_an_adapter_that_does_more_than_add_is_right_too_and_leaves_the_base_alone(place, tmp_path, changed):
    import torch

    folder = tmp_path
    tiny_model(folder / "model", tie_word_embeddings=False)
    tiny_adapter(folder / "model", folder / "plain", 4)
    tiny_adapter(folder / "model", folder / "odd", 3, **changed)
    base = opened(folder)
    expected = logits(base)
    odd, chain, other = (
        base.adapted([folder / part for part in parts]) for parts in (["odd"], ["plain", "odd"], ["odd", "plain"])
    )
    for model, parts in ((odd, ["odd"]), (chain, ["plain", "odd"]), (other, ["odd", "plain"]), (odd, ["odd"])):
        assert torch.equal(logits(model), merged(folder, *parts))
        assert torch.equal(logits(base), expected)
    assert odd.shared is not base.shared
    assert base.adapted([folder / "odd"]).shared is odd.shared, "it was loaded again"


@pytest.mark.filterwarnings("ignore::UserWarning")  # PEFT warns of tied embeddings when it writes, reads and merges
@pytest.mark.parametrize("embeddings", ["in the adapter", "left out"])
def test_an_adapter_on_tied_embeddings_changes_both_ends(place, base, tmp_path, embeddings):
    """PEFT writes the whole embeddings beside their factors unless told otherwise."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = tiny_adapter(place / "model", tmp_path / "ends", 5, target_modules=["embed_tokens", "q_proj"]) / FILE
    if embeddings == "left out":
        save_file({key: value for key, value in load_file(weights).items() if "lora" in key}, weights)
    expected = logits(base)
    ends = base.adapted([tmp_path / "ends"])
    assert (ends.shared is base.shared) == (embeddings == "left out")
    shutil.copytree(place / "model", tmp_path / "model")
    assert torch.equal(logits(ends), merged(tmp_path, "ends"))
    assert torch.equal(logits(base), expected)
    assert not torch.equal(logits(ends), expected)


def test_an_adapter_answers_with_the_tokenizer_beside_it(place, base, tmp_path):
    plain = base.adapted([place / "tuned"])
    for folder in ("same", "template", "words"):
        shutil.copytree(place / "tuned", tmp_path / folder)
    template = base.tokenizer.chat_template
    base.tokenizer.save_pretrained(tmp_path / "same")
    base.tokenizer.save_pretrained(tmp_path / "template")
    (tmp_path / "template" / "chat_template.jinja").write_text(template.replace("<s>", "<s>#"))
    same, other = (base.adapted([tmp_path / name]) for name in ("same", "template"))
    assert same.shared is other.shared is base.shared
    assert same.complete(CONVERSATIONS) == plain.complete(CONVERSATIONS)
    assert other.complete(CONVERSATIONS)[0].usage.prompt_tokens > same.complete(CONVERSATIONS)[0].usage.prompt_tokens
    assert len({plain.weights, same.weights, other.weights}) == 3


def test_words_of_its_own_get_an_adapter_a_model_of_its_own(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = tiny_model(tmp_path / "model", tie_word_embeddings=False)
    base = opened(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(place)
    tokenizer.add_tokens(["<plan>", "<price>"])
    wider = AutoModelForCausalLM.from_pretrained(place)
    wider.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    wider.save_pretrained(tmp_path / "wider")
    tiny_adapter(tmp_path / "wider", tmp_path / "words", 6, modules_to_save=["embed_tokens", "lm_head"])
    config = tmp_path / "words" / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": str(place)}))
    tokenizer.save_pretrained(tmp_path / "words")
    before = base.complete(CONVERSATIONS)
    model = base.adapted([tmp_path / "words"])
    assert model.complete(CONVERSATIONS)
    assert model.model.get_input_embeddings().num_embeddings == len(base.tokenizer) + 2
    assert base.complete(CONVERSATIONS) == before


def test_threads_that_ask_several_candidates_at_once_get_what_they_get_alone(place, base):
    models = candidates(base, place)
    asked = [(name, kind) for kind in ("complete", "stream", "choose") for name in models] * 2

    def ask(name, kind):
        model = models[name]
        if kind == "complete":
            return model.complete(CONVERSATIONS)
        if kind == "stream":
            return ["".join(model.stream(each)) for each in CONVERSATIONS]
        return model.choose(CONVERSATIONS[0], OPTIONS)

    alone = {each: ask(*each) for each in asked}
    assert alone["tuned", "complete"] != alone["base", "complete"] != alone["raft", "complete"]
    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8, initializer=barrier.wait) as threads:
        together = list(threads.map(lambda each: ask(*each), asked))
    assert together == [alone[each] for each in asked]


def test_streams_in_turns_neither_wait_for_each_other_nor_mix(place, base):
    import torch

    models = candidates(base, place)
    alone = {name: "".join(model.stream(CONVERSATIONS[0])) for name, model in models.items()}
    streams = {name: model.stream(CONVERSATIONS[0]) for name, model in models.items()}
    pieces = {name: [] for name in models}
    while streams:
        for name in list(streams):
            try:
                pieces[name].append(next(streams[name]))
            except StopIteration:
                del streams[name]
            assert not torch.is_inference_mode_enabled(), "what comes between two pieces is not inference"
    assert {name: "".join(parts) for name, parts in pieces.items()} == alone
    assert min(len(parts) for parts in pieces.values()) > 1


def test_a_stream_that_is_left_holds_nothing(place, base):
    stream = base.stream(CONVERSATIONS[0])
    next(stream)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(base.complete, CONVERSATIONS).result(timeout=60)
    stream.close()
    assert base.complete(CONVERSATIONS)


@pytest.mark.models
def test_the_builtin_model_answers_as_a_merged_one_did_and_two_threads_get_what_each_gets_alone(tmp_path):
    import torch
    from peft import PeftModel

    from groundtune.models.builtin import chat_model_folder

    base = local.groundtune_model(ModelSettings(max_tokens=12), tmp_path)
    folders = [
        tiny_adapter(chat_model_folder(), tmp_path / name, n, r=16, lora_alpha=16)
        for n, name in enumerate(["tuned", "raft"])
    ]
    tuned, raft = (base.adapted([folder]) for folder in folders)
    ids = torch.arange(100, 140)[None]

    def read(model):
        with model.shared.carrying(model.chain), torch.inference_mode():
            return model.model(ids).logits

    before = read(base)
    for folder, model in zip(folders, (tuned, raft), strict=True):
        loaded, _ = local.load(str(chat_model_folder()))
        merged = _llama.fuse(PeftModel.from_pretrained(loaded, str(folder)).merge_and_unload().eval())
        with torch.inference_mode():
            assert torch.equal(read(model), merged(ids).logits)
    assert torch.equal(read(base), before)
    alone = [model.complete(CONVERSATIONS) for model in (base, tuned, raft)]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda model: model.complete(CONVERSATIONS), (base, tuned, raft))) == alone
    assert alone[0] != alone[1]


def test_a_pickled_adapter_is_refused_and_not_read(place, base, tmp_path):
    """Beside good weights too: PEFT would take those, others the pickle."""
    for only in (False, True):
        folder = tmp_path / f"only{only}"
        shutil.copytree(place / "tuned", folder)
        (folder / "adapter_model.bin").write_bytes(b"cos\nsystem\n")
        if only:
            (folder / FILE).unlink()
        with pytest.raises(SettingsError, match="a pickle, which may hold code") as raised:
            base.adapted([folder])
        assert raised.value.place == str(folder)


def test_a_model_of_pickled_weights_is_refused_and_not_read(place, tmp_path):
    shutil.copytree(place / "model", tmp_path / "model")
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"cos\nsystem\n")
    assert opened(tmp_path).weights  # safetensors are read in its place
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(SettingsError, match=r"are pickles \(pytorch_model.bin\)"):
        local.load(str(tmp_path / "model"))
