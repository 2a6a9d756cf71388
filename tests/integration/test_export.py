"""`groundtune export`, from the project to what others load: tuned adapters, chains, whole models, and refusals."""

import json
import shutil
import sys
from dataclasses import replace

import pytest

from groundtune import cli
from groundtune.errors import InputError, NotComparable, SettingsError
from groundtune.models import local
from groundtune.project import open_project
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.adapters import LossPoint, Manifest, read_manifest, write_manifest


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    tiny_model(folder / "model", initializer_range=0.1)
    (folder / "groundtune.toml").write_text('[model]\nname = "path:model"\n')
    adapter(folder, "domain@1a")
    adapter(folder, "friendly@2b", parents=("domain@1a",), settings={"tuning.quantize": {"value": "4bit"}})
    return folder


def adapter(shop, name, made=None, **changed):
    """A finished adapter in the project, or another kind of folder that `made` writes."""
    folder = shop / ".groundtune" / "adapters" / name
    if made is None:
        tiny_adapter(shop / "model", folder, len(name))
    else:
        made(folder)
    given = {"key": name, "technique": "instruction", "base_model": "path:model", "data": {}, "settings": {}}
    rest = {"versions": {}, "tokens": 1, "seconds": 1.0, "stopped": "", "best_step": 1, "loss": (LossPoint(1, 2.0),)}
    weights = local.fingerprint(shop / "model")
    write_manifest(folder, Manifest(**{**given, **rest, "base_weights": weights, **changed}))
    return folder


@pytest.fixture
def own(shop, tmp_path):
    """A copy of the project that a test may damage."""
    shutil.copytree(shop, tmp_path / "own")
    return tmp_path / "own"


def differ(one, other):
    import torch

    ids = torch.arange(2, 60)[None]
    with torch.inference_mode():
        return float((one.eval()(ids).logits - other.eval()(ids).logits).abs().max())


def served(shop, *adapters):
    """The model with adapters in its weights, as serving puts them there."""
    folders = [shop / ".groundtune" / "adapters" / name for name in adapters]
    return local._open_merged(str(shop / "model"), folders).model


def run(capsys, *arguments):
    code = 0
    before, sys.argv = sys.argv, ["groundtune", *map(str, arguments)]
    try:
        cli.main()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.argv = before
    return code or 0, capsys.readouterr()


def test_the_command_writes_what_serving_gives(shop, tmp_path, capsys):
    from transformers import AutoModelForCausalLM

    for to in ("merged", "gguf"):
        code, said = run(
            capsys, "export", "friendly", "--to", to, tmp_path / to, "--type", "f32", "--project", shop, "--json"
        )
        assert code == 0, said.err
        document = json.loads(said.out)
        assert document["name"] == "friendly"
        assert document["folder"] == str(tmp_path / to)
        assert document["logits_differ_by"] <= 1e-4
        assert any("trained on weights rounded to 4 bits" in note for note in document["notes"])
        file = {"gguf_file": "friendly-f32.gguf"} if to == "gguf" else {}
        model = AutoModelForCausalLM.from_pretrained(tmp_path / to, **file)
        assert differ(model, served(shop, "domain@1a", "friendly@2b")) <= 1e-4


def test_an_adapter_for_vllm(shop, tmp_path, capsys):
    from peft import PeftModel

    code, said = run(capsys, "export", "friendly", "--to", "adapter", tmp_path / "out", "--project", shop, "--json")
    assert code == 0, said.err
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["base_model_name_or_path"] == "model"
    model, _ = local.load(str(shop / "model"))
    put_on = PeftModel.from_pretrained(model, str(tmp_path / "out"))
    assert differ(put_on, served(shop, "domain@1a", "friendly@2b")) <= 1e-4


def test_people_are_told_where_it_is_and_how_to_serve_it(shop, tmp_path, capsys):
    code, said = run(capsys, "export", "domain", "--to", "adapter", tmp_path / "out", "--project", shop)
    assert code == 0
    assert "vllm serve model --enable-lora --max-lora-rank 8" in " ".join(said.out.split())
    assert "Writing about" in said.err


def test_one_version_can_be_named(shop, tmp_path):
    with open_project(shop) as project:
        assert project.export("domain@1a", "merged", tmp_path / "out").name == "domain"
        with pytest.raises(InputError, match="no finished adapter `domain@9z`"):
            project.export("domain@9z", "merged", tmp_path / "other")


@pytest.mark.parametrize("name", ["nobody", "", "../domain@1a", "base", "domain@", "friendly/../domain@1a"])
def test_an_adapter_that_is_not_there(shop, tmp_path, name):
    with open_project(shop) as project, pytest.raises(InputError, match="no finished adapter") as raised:
        project.export(name, "merged", tmp_path / "out")
    assert "domain, friendly" in raised.value.remedy


@pytest.mark.parametrize("damaged", ["friendly@2b", "domain@1a"])
def test_a_tampered_adapter_is_refused_wherever_it_stands_in_the_chain(own, tmp_path, capsys, damaged):
    weights = own / ".groundtune" / "adapters" / damaged / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 255
    weights.write_bytes(content)
    code, said = run(capsys, "export", "friendly", "--to", "merged", tmp_path / "out", "--project", own, "--json")
    assert code == 2
    error = json.loads(said.out)["error"]
    assert error["place"] == str(weights)
    assert "is not the file that tuning wrote" in error["message"]
    assert not (tmp_path / "out").exists()


def test_a_chain_that_lacks_a_part(own, tmp_path):
    shutil.rmtree(own / ".groundtune" / "adapters" / "domain@1a")
    with open_project(own) as project, pytest.raises(InputError, match="on top of `domain@1a`, which is not there"):
        project.export("friendly", "merged", tmp_path / "out")


def test_a_model_tuned_in_full_and_an_adapter_on_top(own, tmp_path):
    from transformers import AutoModelForCausalLM

    adapter(own, "whole@3c", lambda folder: tiny_model(folder, seed=5, initializer_range=0.1), kind="model")
    adapter(own, "more@4d", parents=("domain@1a", "whole@3c"))
    with open_project(own) as project:
        project.export("more", "merged", tmp_path / "more")
        project.export("whole", "merged", tmp_path / "whole")
        told = project.export("more", "adapter", tmp_path / "adapter").notes
        with pytest.raises(InputError, match="tuned in full"):
            project.export("whole", "adapter", tmp_path / "none")
    assert any("`whole`, which was tuned in full" in note for note in told)
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == "whole"
    folders = own / ".groundtune" / "adapters"
    expected = local._open_merged(str(folders / "whole@3c"), [folders / "more@4d"]).model
    assert differ(AutoModelForCausalLM.from_pretrained(tmp_path / "more"), expected) <= 1e-4
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
    assert differ(whole, AutoModelForCausalLM.from_pretrained(folders / "whole@3c")) == 0


@pytest.mark.parametrize(("kind", "reason"), [("reward", "a reward model"), ("hosted", "at a service")])
def test_what_cannot_be_exported(own, tmp_path, kind, reason):
    adapter(own, "odd@5e", kind=kind, hosted="bedrock:x" if kind == "hosted" else "")
    with open_project(own) as project, pytest.raises(InputError, match=reason) as raised:
        project.export("odd", "merged", tmp_path / "out")
    assert raised.value.remedy


def test_another_model_is_set_now(own, tmp_path):
    folder = own / ".groundtune" / "adapters" / "domain@1a"
    write_manifest(folder, replace(read_manifest(folder), base_weights="others"))
    with open_project(own) as project, pytest.raises(NotComparable, match="is now another model"):
        project.export("domain", "merged", tmp_path / "out")
    with open_project(own, {"model.name": "openai:x@http://localhost:1"}) as project, pytest.raises(SettingsError):
        project.export("domain", "merged", tmp_path / "out")


@pytest.mark.parametrize("arguments", [["--to", "onnx"], ["--to", "gguf", "--type", "q4"], []])
def test_wrong_use_ends_with_2(shop, tmp_path, capsys, arguments):
    code, _ = run(capsys, "export", "domain", tmp_path / "out", *arguments, "--project", shop)
    assert code == 2
    assert not (tmp_path / "out").exists()


def test_help_has_examples(capsys):
    code, said = run(capsys, "export", "--help")
    assert code == 0
    assert "groundtune export friendly --to adapter" in said.out
