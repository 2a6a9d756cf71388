"""Models in a folder as real ones are: templates that refuse, ends of turns in other files, files that are damaged."""

import json
import shutil
from functools import partial

import pytest

from groundtune.errors import ModelFailed, SettingsError, TuningError
from groundtune.models import local
from groundtune.models.templates import closing_id, prompt_text, training_ids, turn_ends
from groundtune.settings import ModelSettings, TuningSettings
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.model import Base
from groundtune.tuning.training import TrainingJob, tune
from groundtune.values import Example, Message

pytestmark = pytest.mark.models

NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
ALTERNATE = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/...') }}{% endif %}{% endfor %}"
)
TURNS = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] | trim }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)
MISTRAL = (
    ALTERNATE + "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %}{{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
TEMPLATES = {
    "refuses system": NO_SYSTEM + TURNS,
    "Gemma": NO_SYSTEM + ALTERNATE + TURNS,
    "Mistral": MISTRAL,
    "leaves system out": TURNS.replace("{% for m in messages %}", "{% for m in messages if m['role'] != 'system' %}"),
}
SYSTEM = Message("system", "Be short and kind.")
ASKED = (SYSTEM, Message("user", "What is it?"))
TALK = (*ASKED, Message("assistant", "A plan."), Message("user", "And abroad?"), Message("assistant", "There too."))


@pytest.fixture
def place(tmp_path):
    return tiny_model(tmp_path / "model").parent


def opened(place):
    return local.groundtune_model(ModelSettings(name="path:model", max_tokens=3), place)


def template(place, text):
    (place / "model" / "chat_template.jinja").write_text(text, encoding="utf-8")


# --- chat templates -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("turns", [2, 4])
def test_a_system_message_that_a_template_does_not_take_stands_before_the_first_question(place, name, turns):
    template(place, TEMPLATES[name])
    model = opened(place)
    text = prompt_text(model.tokenizer, TALK[:turns])
    assert "Be short and kind.\n\nWhat is it?" in text
    assert text.count("Be short and kind.") == 1
    assert model.complete([TALK[:turns]])[0].usage.completion_tokens
    assert "".join(model.stream(TALK[:turns])) is not None


@pytest.mark.parametrize("name", TEMPLATES)
def test_training_sees_it_as_serving_does(place, name):
    template(place, TEMPLATES[name])
    model = opened(place)
    rendered = training_ids(model.tokenizer, TALK, turn_ends(model.tokenizer, model.model))
    learned = model.tokenizer.decode([label for label in rendered.labels if label != -100])
    assert learned == "A plan.</s>There too.</s>"
    prompt = model.tokenizer(prompt_text(model.tokenizer, ASKED), add_special_tokens=False)["input_ids"]
    assert rendered.input_ids[: len(prompt)] == prompt


@pytest.mark.parametrize("name", TEMPLATES)
def test_two_turns_of_one_speaker_in_a_row_are_one_where_the_template_wants_it(place, name):
    template(place, TEMPLATES[name])
    messages = (*ASKED, Message("user", "And why?"))
    text = prompt_text(opened(place).tokenizer, messages)
    assert all(part in text for part in ("Be short and kind.", "What is it?", "And why?"))


def test_a_template_that_takes_a_system_message_gets_it_as_it_is(place):
    template(place, TURNS)
    assert prompt_text(opened(place).tokenizer, ASKED).startswith("<s>system\nBe short and kind.</s>")


def test_a_template_that_writes_a_system_message_in_its_own_way_is_taken(place):
    template(place, TURNS.replace("| trim", "| upper"))
    assert prompt_text(opened(place).tokenizer, ASKED).startswith("<s>system\nBE SHORT AND KIND.</s>")


@pytest.mark.parametrize(
    "text", ["{{ raise_exception('never') }}", "{{ nothing.at.all }}", "{% for %}", "{{ messages[7]['content'] }}"]
)
def test_a_template_that_takes_nothing_is_an_error_and_no_traceback(place, text):
    template(place, text)
    model = opened(place)
    for ask in (lambda: model.complete([ASKED]), lambda: list(model.stream(ASKED))):
        with pytest.raises(ModelFailed, match="chat template cannot render"):
            ask()
    with pytest.raises(TuningError, match="chat template cannot render"):
        training_ids(model.tokenizer, TALK)


def test_a_model_without_a_template_is_refused_with_a_remedy(place):
    (place / "model" / "chat_template.jinja").unlink()
    with pytest.raises(SettingsError, match="no chat template") as raised:
        opened(place)
    assert "instruction-tuned" in raised.value.remedy


# --- ends of turns --------------------------------------------------------------------------------


def configure(place, name, **changed):
    path = place / "model" / name
    content = json.loads(path.read_text(encoding="utf-8")) | changed
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(("end", "ids"), [("!", [1, 2]), ("#", [1, 4]), ("$", 5)])
def test_an_end_that_only_the_generation_settings_name_ends_turns_and_is_learned(place, end, ids):
    template(place, TURNS.replace("</s>", end))
    configure(place, "generation_config.json", eos_token_id=ids)
    model = opened(place)
    token = model.tokenizer.convert_tokens_to_ids(end)
    ends = turn_ends(model.tokenizer, model.model)
    assert {token, model.tokenizer.eos_token_id} <= ends
    assert closing_id(model.tokenizer, ends) == token
    rendered = training_ids(model.tokenizer, TALK, ends)
    assert [label for label in rendered.labels if label != -100][-1] == token
    with pytest.raises(TuningError, match="would never stop"):
        training_ids(model.tokenizer, TALK)
    assert sum(model.choose(ASKED, ["yes", "no"]).values()) == pytest.approx(1)


def test_an_adapter_learns_such_an_end(place, tmp_path):
    template(place, NO_SYSTEM + TURNS.replace("</s>", "!"))
    configure(place, "generation_config.json", eos_token_id=[1, 2])
    examples = [Example((SYSTEM, Message("user", f"What is {n}?"), Message("assistant", f"{n}"))) for n in range(6)]
    settings = TuningSettings(steps=1, batch_size=2, evaluate_every=1, held_out=1)
    base = Base("path:model", "w", partial(local.load, str(place / "model")))
    assert tune(TrainingJob("instruction", base, Conversations(examples), settings, {}), tmp_path / "a").best_step == 1


# --- damaged files --------------------------------------------------------------------------------


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def drop_tensor(path):
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    tensors.pop(next(name for name in tensors if "q_proj" in name))
    save_file(tensors, path, metadata={"format": "pt"})


def lose_a_shard(place):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(place / "model")
    (place / "model" / "model.safetensors").unlink()
    model.save_pretrained(place / "model", max_shard_size="40KB")
    sorted((place / "model").glob("model-*.safetensors"))[0].unlink()


DAMAGES = {
    "weights cut in half": lambda place: cut(place / "model" / "model.safetensors", 0.5),
    "weights cut in the header": lambda place: cut(place / "model" / "model.safetensors", 0.001),
    "no weights": lambda place: (place / "model" / "model.safetensors").unlink(),
    "empty weights": lambda place: (place / "model" / "model.safetensors").write_bytes(b""),
    "a tensor is missing": lambda place: drop_tensor(place / "model" / "model.safetensors"),
    "a shard is missing": lose_a_shard,
    "another size": lambda place: configure(place, "config.json", hidden_size=16),
    "a tokenizer that is cut": lambda place: cut(place / "model" / "tokenizer.json", 0.5),
    "a configuration that is cut": lambda place: cut(place / "model" / "config.json", 0.5),
    "an unknown kind": lambda place: configure(place, "config.json", model_type="nonesuch", architectures=["X"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_named_with_a_remedy(place, damage):
    DAMAGES[damage](place)
    with pytest.raises(SettingsError, match=r"model .*model` (cannot be loaded|lacks)") as raised:
        opened(place).complete([ASKED])
    assert "again" in raised.value.remedy


ADAPTERS = {
    "no weights": lambda folder: (folder / "adapter_model.safetensors").unlink(),
    "no configuration": lambda folder: (folder / "adapter_config.json").unlink(),
    "weights cut in half": lambda folder: cut(folder / "adapter_model.safetensors", 0.5),
    "empty weights": lambda folder: (folder / "adapter_model.safetensors").write_bytes(b""),
    "a configuration that is cut": lambda folder: cut(folder / "adapter_config.json", 0.5),
    "only a manifest": lambda folder: (shutil.rmtree(folder), folder.mkdir(), (folder / "manifest.json").touch()),
    "no folder": shutil.rmtree,
}


@pytest.mark.parametrize("damage", ADAPTERS)
def test_a_damaged_adapter_is_named_with_a_remedy(place, damage):
    folder = tiny_adapter(place / "model", place / "tuned", 1)
    ADAPTERS[damage](folder)
    with pytest.raises(SettingsError, match="the adapter") as raised:
        opened(place).adapted([folder]).complete([ASKED])
    assert (raised.value.place, "tune again" in raised.value.remedy) == (str(folder), True)


def test_an_adapter_of_another_model_is_named_with_a_remedy(place, tmp_path):
    other = tiny_model(tmp_path / "other", hidden_size=64)
    folder = tiny_adapter(other, place / "tuned", 1)
    with pytest.raises(SettingsError, match="the adapter cannot be read"):
        opened(place).adapted([folder]).complete([ASKED])
