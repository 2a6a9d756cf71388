"""The frame of all techniques: going on after a kill, adapters on top of adapters, whole models, what a run takes, and
checks that fail on planted faults."""

import gc
import weakref
from dataclasses import replace

import pytest

from groundtune.errors import SettingsError, TuningError
from groundtune.tuning import checks, estimate, training
from groundtune.tuning._fast import faster
from groundtune.tuning.adapters import chain, companion, read_manifest
from groundtune.tuning.estimate import RunEstimate, rows_at_once, shown
from groundtune.tuning.model import learning, ready
from groundtune.tuning.objective import ServedPrompt
from groundtune.tuning.order import padded
from groundtune.tuning.technique import Estimating, technique
from groundtune.tuning.training import estimated, tune
from groundtune.values import Message

TECHNIQUES = ["instruction", "preference", "domain", "transfer", "continual"]

pytestmark = pytest.mark.models


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


def weights(folder):
    from safetensors.numpy import load_file

    found = [folder / name for name in ("adapter_model.safetensors", "model.safetensors")]
    return load_file(next(path for path in found if path.is_file()))


def assert_same_weights(left, right):
    left, right = weights(left), weights(right)
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values == pytest.approx(right[name], abs=1e-5), name


def logits(task, folders):
    import torch

    model, tokenizer = ready(task.base, folders, task.settings)
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokenizer("What does plan 3 cost?")["input_ids"]])).logits


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_killed_technique_goes_on_to_the_same_adapter(name, task, tmp_path):
    whole = technique(name).run(task, tmp_path / "whole")
    steps = []

    def kill(stage, done, total):
        steps.append((stage, done))
        if stage == f"tuning {name}" and done == 3:
            raise Killed

    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        technique(name).run(task, folder, kill)
    again = []
    made = technique(name).run(task, folder, lambda stage, done, total: again.append((stage, done)))
    assert (f"tuning {name}", 3) in again
    assert (f"tuning {name}", 1) not in again[: again.index((f"tuning {name}", 4)) + 1], "it began anew"
    assert_same_weights(tmp_path / "whole", folder)
    curve = [(point.step, point.train, point.held_out) for point in whole.loss]
    assert [(p.step, p.train, p.held_out) for p in made.loss] == [
        (step, pytest.approx(train, abs=1e-4), pytest.approx(held_out, abs=1e-4)) for step, train, held_out in curve
    ]


# --- adapters on top of adapters ------------------------------------------------------------------


def test_an_adapter_on_top_of_another_tells_its_lineage_and_needs_it(task, tmp_path):
    lower, upper = tmp_path / "domain@1", tmp_path / "support@2"
    technique("domain").run(task, lower)
    made = technique("instruction").run(replace(task, parents=tuple(chain(lower))), upper)
    assert made.parents == ("domain@1",)
    assert chain(upper) == [lower, upper]
    alone = technique("instruction").run(task, tmp_path / "alone")
    assert made.key != alone.key
    assert not logits(task, chain(upper)).allclose(logits(task, [upper]), atol=1e-4)
    (lower / "manifest.json").unlink()
    from groundtune.errors import InputError

    with pytest.raises(InputError, match="`domain@1`, which is not there"):
        chain(upper)


def test_full_tuning_makes_a_whole_model_on_which_others_stand(task, tmp_path):
    whole = replace(task, settings=task.settings.model_copy(update={"method": "full", "learning_rate": 1e-3}))
    lower, upper = tmp_path / "whole@1", tmp_path / "support@2"
    made = technique("instruction").run(whole, lower)
    assert made.kind == "model"
    assert (lower / "model.safetensors").is_file()
    assert made.measures["checks"]["reload"] < checks.TOLERANCE
    on_top = technique("instruction").run(replace(task, parents=(lower,)), upper)
    assert (on_top.kind, on_top.parents) == ("adapter", ("whole@1",))
    assert not logits(task, [lower]).allclose(logits(task, []), atol=1e-4)


def test_frozen_layers_stay_as_they_were(task, tmp_path):
    frozen = task.settings.model_copy(update={"frozen_layers": 1})
    technique("instruction").run(replace(task, settings=frozen), tmp_path / "a")
    assert all(".layers.1." in name for name in weights(tmp_path / "a"))
    whole = frozen.model_copy(update={"method": "full", "learning_rate": 1e-3})
    technique("instruction").run(replace(task, settings=whole), tmp_path / "b")
    before = dict(task.base.load()[0].named_parameters())
    changed = {
        name for name, value in weights(tmp_path / "b").items() if abs(value - before[name].detach().numpy()).max() > 0
    }
    assert changed
    assert not any(".layers.0." in name or "embed" in name for name in changed)
    too_many = replace(task, settings=task.settings.model_copy(update={"frozen_layers": 2}))
    with pytest.raises(SettingsError, match="only 2 layers"):
        technique("instruction").run(too_many, tmp_path / "c")


def test_four_bits_are_not_put_on_top_of_adapters(task, tmp_path):
    technique("domain").run(task, tmp_path / "domain@1")
    four = replace(
        task, settings=task.settings.model_copy(update={"quantize": "4bit"}), parents=(tmp_path / "domain@1",)
    )
    with pytest.raises(SettingsError, match="cannot be merged into a quantised model"):
        technique("instruction").run(four, tmp_path / "a")


def test_other_adapters_of_a_run_stand_beside_it(tmp_path):
    assert companion(tmp_path / "shop@12", "general") == tmp_path / "shop-general@12"
    assert companion(tmp_path / "shop", "general") == tmp_path / "shop-general"


# --- what a run takes -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TECHNIQUES)
def test_an_estimate_trains_nothing_and_leaves_nothing(name, task, tmp_path):
    estimating = Estimating()
    folder = tmp_path / "adapters" / "a"
    technique(name).run(replace(task, tune=estimating), folder)
    assert estimating.total.tokens > 0
    assert estimating.total.seconds > 0
    assert estimating.total.memory_bytes > 10_000_000
    assert not folder.parent.exists()


def test_the_estimate_counts_the_tokens_of_all_steps(job):
    made = job()
    rows = made.objective.rows(*reversed(made.base.load()), made.settings)
    order = training._order(made, rows)
    found = estimated(made)
    assert found.tokens == sum(rows.lengths[index] for index in order)


def test_the_memory_of_the_backward_pass_is_counted_as_the_trainer_runs(job):
    made = job()
    model, _ = ready(made.base, (), made.settings)
    with learning(model, made.settings, None) as trained:
        plain = estimate.bytes_per_token(trained, [1] * 64)
        fast = estimate.bytes_per_token(faster(trained), [1] * 64)
    assert 0 < fast < 0.8 * plain


def test_rows_that_are_packed_are_not_counted_as_padded(job, monkeypatch):
    reads = []

    def probed(trainer_of, rows, order, read, settings):
        reads.append(read([5, 3]))
        return RunEstimate(1, 1.0, 1)

    monkeypatch.setattr(estimate, "probe", probed)
    estimated(job())
    monkeypatch.setattr(training, "takes_packed", lambda model: False)
    estimated(job())
    assert reads == [8, 10]


def test_less_memory_gives_smaller_parts_then_recomputation(job, monkeypatch):
    settings = job(batch_size=8).settings
    lengths = [100, 60, 20]

    def with_room(tokens):
        monkeypatch.setattr(estimate, "available", lambda device: tokens * 1000 / estimate.SPARE)
        return rows_at_once(lengths, 1000.0, settings)

    assert with_room(100_000) == (8, False)
    assert with_room(450) == (4, False)
    assert with_room(101) == (1, False)
    assert with_room(99) == (1, True)


def test_recomputing_activations_changes_memory_and_nothing_else(job, tmp_path, monkeypatch):
    tune(job(), tmp_path / "a")
    monkeypatch.setattr(training.estimate, "rows_at_once", lambda *_: (4, True))
    tune(job(), tmp_path / "b")
    assert_same_weights(tmp_path / "a", tmp_path / "b")


def test_counting_what_the_backward_pass_keeps_leaves_nothing_in_memory(task):
    model, _ = ready(task.base, (), task.settings)
    parameters = [weakref.ref(parameter) for parameter in model.parameters()]
    with learning(model, task.settings, None) as trained:
        assert estimate.bytes_per_token(trained, [1, 2, 3]) > 0
    del model, trained
    gc.collect()
    assert not [each for each in parameters if each() is not None]


@pytest.mark.parametrize("technique_name", ["instruction", "domain"])
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_model_trained_in_16_bits_is_checked_as_it_is_served(technique_name, method, task, tmp_path, monkeypatch):
    arguments = training._arguments
    monkeypatch.setattr(training, "_arguments", lambda *given: {**arguments(*given), "bf16": True, "use_cpu": True})
    asked = replace(task, settings=task.settings.model_copy(update={"method": method}))
    manifest = technique(technique_name).run(asked, tmp_path / "a")
    assert manifest.measures["checks"]["reload"] < checks.TOLERANCE / 10


def test_too_little_memory_is_told_and_nothing_is_lost(job, tmp_path, monkeypatch):
    def out_of_memory(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried ...")

    monkeypatch.setattr(estimate, "_timed_evaluation", out_of_memory)
    with pytest.raises(TuningError, match="not enough memory to train") as raised:
        tune(job(), tmp_path / "a")
    assert "max_length" in raised.value.remedy
    monkeypatch.undo()
    assert tune(job(), tmp_path / "a").best_step


def test_padding_is_counted():
    assert padded([3, 5, 2, 2], 2) == 14
    assert padded([4], 3) == 4


@pytest.mark.parametrize(
    ("seconds", "said"), [(5.2, "about 5 s"), (600, "about 10 min"), (9000, "about 2.5 h")], ids=["s", "min", "h"]
)
def test_an_estimate_is_told_in_words(seconds, said):
    assert said in shown(RunEstimate(1000, seconds, 1_500_000_000))
    assert "1.5 GB" in shown(RunEstimate(1000, seconds, 1_500_000_000))


# --- what must hold of an adapter -----------------------------------------------------------------


def test_the_checks_of_a_sound_adapter_are_in_its_manifest(job, tmp_path):
    found = tune(job(), tmp_path / "a").measures["checks"]
    assert found["reload"] < 1e-5
    assert found["merge"] < 1e-5
    assert found["prompts"] == 4


def test_an_adapter_that_loads_differently_is_refused(job, tmp_path, monkeypatch):
    from safetensors.numpy import load_file, save_file

    saved = training.save

    def damaged(model, tokenizer, folder, settings):
        saved(model, tokenizer, folder, settings)
        values = load_file(folder / "adapter_model.safetensors")
        save_file({name: value * 3 for name, value in values.items()}, folder / "adapter_model.safetensors")

    monkeypatch.setattr(training, "save", damaged)
    with pytest.raises(TuningError, match="reloaded, its logits differ"):
        tune(job(), tmp_path / "a")
    assert read_manifest(tmp_path / "a") is None


def test_an_adapter_that_merges_differently_is_refused(job, tmp_path, monkeypatch):
    from peft.tuners.lora import Linear

    monkeypatch.setattr(Linear, "get_delta_weight", lambda self, adapter: self.weight * 0.5)
    with pytest.raises(TuningError, match="merged into the model, its logits differ"):
        tune(job(), tmp_path / "a")
    assert read_manifest(tmp_path / "a") is None


def test_a_model_that_is_served_with_another_prompt_is_refused(job, tmp_path):
    made = job()
    loaded = made.base.load
    loads = []

    def load():
        model, tokenizer = loaded()
        loads.append(1)
        if len(loads) > 2:  # the probe and the run have had theirs: this is how it is served
            tokenizer.chat_template = tokenizer.chat_template.replace("assistant\n", "assistant: ")
        return model, tokenizer

    made = replace(made, base=replace(made.base, load=load))
    with pytest.raises(TuningError, match="serving gives the model another prompt"):
        tune(made, tmp_path / "a")
    assert read_manifest(tmp_path / "a") is None


def test_numbers_that_are_none_do_not_pass_for_equal(task):
    import torch

    class Broken(torch.nn.Module):
        device = torch.device("cpu")

        def forward(self, input_ids):
            return type("Output", (), {"logits": torch.full((1, input_ids.shape[1], 5), float("nan"))})()

    with pytest.raises(TuningError, match="differ by nan"):
        checks._compared("reloaded", Broken(), [[1, 2]], [torch.ones(2, 5)], 1e-3, None)


def test_a_prompt_is_compared_with_what_was_trained(task):
    _, tokenizer = task.base.load()
    conversation = (Message("user", "Hello"),)
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Hello"}], add_generation_prompt=True)["input_ids"]
    assert checks.check_prompts(tokenizer, [ServedPrompt(conversation, [*ids, 5, 6])]) == 1
    with pytest.raises(TuningError, match="another prompt"):
        checks.check_prompts(tokenizer, [ServedPrompt(conversation, [7, *ids])])
