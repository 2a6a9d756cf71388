"""Transfer and continuous pretraining: what is trained on what, what it gained, and going back to an earlier round."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from groundtune.errors import GateFailed, SettingsError
from groundtune.models.sampling import sample
from groundtune.tuning.adapters import companion, read_manifest
from groundtune.tuning.continual import ContinualSettings
from groundtune.tuning.model import ready
from groundtune.tuning.replay import earlier, generated
from groundtune.tuning.rounds import CURRENT, FOLDER, Rounds
from groundtune.tuning.technique import technique
from groundtune.values import TrainingText

pytestmark = pytest.mark.models


def logits(task, folder):
    import torch
    from peft import PeftModel

    model, tokenizer = ready(task.base, (), task.settings)
    with torch.inference_mode():
        ids = torch.tensor([tokenizer("Tirvane router 3 costs")["input_ids"]])
        return PeftModel.from_pretrained(model, str(folder))(input_ids=ids).logits


def with_own(task, **changed):
    own = task.settings.part("continual", ContinualSettings).model_copy(update=changed)
    return replace(task, settings=task.settings.with_parts({"continual": own}))


def test_transfer_makes_both_models_beside_it_and_says_what_it_gained(task, tmp_path):
    folder = tmp_path / "shop@1"
    made = technique("transfer").run(task, folder)
    general, small = (read_manifest(companion(folder, part)) for part in ("general", "small"))
    assert made.parents == ("shop-general@1",)
    assert (general.part, small.part, made.part) == ("general", "small", "")
    assert general.data["hash"] != small.data["hash"] == made.data["hash"]
    gain = made.measures["gain"]
    assert gain["low"] <= gain["nats_per_token"] <= gain["high"]
    own, alone = made.measures["after"]["held_out"], small.measures["after"]["held_out"]
    expected = (sum(own["nats"]) - sum(alone["nats"])) / sum(own["tokens"])
    assert gain["nats_per_token"] == pytest.approx(expected, abs=1e-3)
    assert read_manifest(folder) == made == technique("transfer").run(task, folder)


def test_a_round_learns_what_is_new_and_replays_what_is_not(task, make_texts, tmp_path, caplog):
    folder = tmp_path / "news@1"
    with_old = replace(task, texts=lambda: make_texts(*range(5)))
    first = technique("continual").run(with_old, folder)
    assert (first.data["round"], first.data["new_texts"], first.data["replayed_texts"]) == (1, 5, 0)
    with caplog.at_level(logging.INFO):
        assert technique("continual").run(with_old, folder) == first
    assert "No document changed since round 1." in caplog.text
    changed = [*make_texts(*range(4)), *make_texts(4, 5, 6, word="Kelvar")]  # one changed, two new
    second = technique("continual").run(replace(task, texts=lambda: changed), folder)
    assert (second.data["round"], second.data["new_texts"]) == (2, 3)
    assert second.data["replayed_texts"] == 1
    assert set(second.data["documents"]) == {f"{n}.md" for n in range(7)}
    assert read_manifest(folder) == second
    assert not logits(task, folder).allclose(logits(task, folder / "rounds" / "1"), atol=1e-4)


def test_going_back_restores_the_round_and_the_next_one_is_made_from_there(task, make_texts, tmp_path):
    folder = tmp_path / "news@1"
    first = technique("continual").run(replace(task, texts=lambda: make_texts(*range(5))), folder)
    after_first = logits(task, folder)
    technique("continual").run(task, folder)
    assert Rounds(folder).make_current(1) == first
    assert logits(task, folder).equal(after_first)
    other = technique("continual").run(replace(task, texts=lambda: make_texts(*range(7))), folder)
    assert other.data["round"] == 2
    assert other.data["new_texts"] == 2
    with pytest.raises(SettingsError, match="there is no round 9") as raised:
        Rounds(folder).make_current(9)
    assert "1, 2" in raised.value.remedy


def test_a_round_that_forgets_too_much_is_refused_and_the_last_one_stays(task, make_texts, tmp_path):
    folder, probe = tmp_path / "news@1", tmp_path / "probe.txt"
    probe.write_text("QZXJ#~^ %$ QQZZ WVVW", encoding="utf-8")  # letters that the documents do not have
    task = with_own(task, probe=str(probe))
    first = technique("continual").run(replace(task, texts=lambda: make_texts(*range(5))), folder)
    strict = with_own(task, forgetting_budget=0.0, learning_rate=0.2)
    with pytest.raises(GateFailed, match=r"round 2 forgot too much: perplexity on the probe rose by") as raised:
        technique("continual").run(strict, folder)
    assert raised.value.gates == ("forgetting",)
    assert "Round 1 stays in use" in raised.value.remedy
    assert read_manifest(folder) == first
    assert Rounds(folder).number == 1
    written = (folder / "rounds" / "2" / "adapter_model.safetensors").stat().st_mtime_ns
    accepted = technique("continual").run(replace(strict, accepted=("forgetting",)), folder)
    assert accepted.data["round"] == 2
    assert (folder / "rounds" / "2" / "adapter_model.safetensors").stat().st_mtime_ns == written, "not trained again"


def test_a_change_of_rounds_that_was_cut_short_is_completed(task, make_texts, tmp_path):
    folder = tmp_path / "news@1"
    technique("continual").run(replace(task, texts=lambda: make_texts(*range(5))), folder)
    second = technique("continual").run(task, folder)
    Rounds(folder).make_current(1)
    (folder / FOLDER / CURRENT).write_text("2\n")
    (folder / "manifest.json").unlink()
    assert technique("continual").run(task, folder) == second
    assert logits(task, folder).equal(logits(task, folder / "rounds" / "2"))


def test_one_new_document_is_enough(task, make_texts, tmp_path):
    folder = tmp_path / "news@1"
    technique("continual").run(replace(task, texts=lambda: make_texts(*range(5))), folder)
    made = technique("continual").run(replace(task, texts=lambda: make_texts(*range(6))), folder)
    assert made.data["new_texts"] == 1


def test_rounds_of_whole_models_go_on_from_the_last(task, make_texts, tmp_path):
    folder = tmp_path / "news@1"
    task = with_own(task, learning_rate=1e-3)
    task = replace(task, settings=task.settings.model_copy(update={"method": "full"}))
    first = technique("continual").run(replace(task, texts=lambda: make_texts(*range(5))), folder)
    second = technique("continual").run(task, folder)
    assert (first.kind, second.kind, second.data["round"]) == ("model", "model", 2)
    assert second.measures["before"]["new"]["perplexity"] != first.measures["before"]["new"]["perplexity"]
    assert second.parents == ()


def test_text_of_the_model_itself_can_be_replayed(task, make_texts, tmp_path):
    folder = tmp_path / "news@1"
    made = technique("continual").run(
        replace(with_own(task, replay_from="generated", replay=0.5), texts=lambda: make_texts(*range(5))), folder
    )
    assert made.data["training"] > 4


def test_text_is_not_generated_where_nothing_can_be_drawn(task, tmp_path):
    cannot = replace(with_own(task, replay_from="generated", replay=0.5), base=replace(task.base, draw=None))
    with pytest.raises(SettingsError, match="text cannot be drawn from `tiny`"):
        technique("continual").run(cannot, tmp_path / "news@1")


def test_what_is_generated_follows_from_the_seed(task):
    model, tokenizer = task.base.load()
    one, same, other = (generated(sample, model, tokenizer, 60, 32, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert one


def test_earlier_text_makes_up_the_share(make_texts):
    known, new = make_texts(*range(40)), make_texts(*range(50, 60))
    drawn = earlier(known, new, 0.5, np.random.default_rng(1))
    size, wanted = (sum(len(text.text) for text in part) for part in (drawn, new))
    assert wanted <= size <= wanted + max(len(text.text) for text in known)
    assert earlier([], new, 0.5, np.random.default_rng(1)) == []
    assert earlier(known, [TrainingText("a")], 0.0, np.random.default_rng(1)) == []
