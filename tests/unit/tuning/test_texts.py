"""Learning from texts: nothing is left out, pieces in one row do not see each other, perplexity is right."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.errors import TuningError
from groundtune.tuning import cloze
from groundtune.tuning.objective import IGNORED, Construction
from groundtune.tuning.perplexity import Predicted, as_lists, difference, from_told, nats_of, predicted
from groundtune.tuning.probes import general_texts
from groundtune.tuning.texts import Texts, collate, keeps_apart, pack, pieces, split_texts
from groundtune.values import TrainingText


class Letters:
    """A tokenizer of characters."""

    eos_token_id = 0

    def __call__(self, text, **_):
        return {"input_ids": [ord(letter) for letter in text]}


@given(texts=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6), row=st.integers(3, 40))
def test_every_token_is_in_a_row_and_is_learned_but_the_first_of_a_piece(texts, row):
    cut = pieces(Letters(), texts, row)
    rows = pack(cut, row)
    assert all(1 < len(piece) <= row + 1 for piece in cut)
    assert all(len(each["input_ids"]) <= row + 1 for each in rows)
    tokens = sorted(token for each in rows for token in each["input_ids"])
    whole = sorted(ord(letter) for text in texts for letter in text) + [0] * len(texts)
    overlaps = len(tokens) - len(whole)
    assert overlaps >= 0
    assert overlaps <= len(texts), "a last piece of one token takes one of the piece before it"
    assert not [token for token in whole if token not in tokens]
    learned = [label for each in rows for label in each["labels"] if label != IGNORED]
    assert len(learned) == len(tokens) - len(cut)


def test_full_rows_are_filled_first():
    rows = pack([[1] * 5, [2] * 3, [3] * 2, [4] * 4], 7)
    assert [each["position_ids"] for each in rows] == [[*range(5), 0, 1], [*range(4), 0, 1, 2]]
    alone = pack([[1, 2], [3, 4]], 0)
    assert [each["input_ids"] for each in alone] == [[1, 2], [3, 4]]


@pytest.mark.models
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_pieces_in_one_row_are_learned_as_if_alone(task, implementation):
    import torch

    model, tokenizer = task.base.load()
    model.set_attn_implementation(implementation)
    assert keeps_apart(model)
    cut = pieces(tokenizer, ["Roaming is free in the Union.", "A handset costs 79 euros.", "Call 2255."], 64)
    batch = collate(pack(cut, 64))
    logits = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
    labels = batch["labels"][:, 1:]
    together = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels.flatten(), reduction="sum")
    assert together.item() == pytest.approx(sum(nats_of(model, cut)), rel=1e-4)


@pytest.mark.models
def test_a_model_that_does_not_keep_pieces_apart_gets_them_one_by_one(task, monkeypatch):
    model, tokenizer = task.base.load()
    forward = type(model).forward
    monkeypatch.setattr(
        type(model),
        "forward",
        lambda self, *given, **named: forward(
            self, *given, **named, attention_mask=named["input_ids"].new_ones(named["input_ids"].shape)
        ),
    )
    assert not keeps_apart(model)
    texts = [TrainingText("A handset costs 79 euros.", "a"), TrainingText("Call 2255.", "b")]
    rows = Texts(texts, texts, 64).rows(tokenizer, model, task.settings)
    assert len(rows.training) == 2


@pytest.mark.models
def test_the_trainer_learns_from_packed_rows_what_it_should(task, tmp_path):
    """The loss that the trainer computes on a batch is the sum over all pieces, divided by the labels."""
    from datasets import Dataset

    model, tokenizer = task.base.load()
    cut = pieces(tokenizer, ["Roaming is free in the Union.", "A handset costs 79 euros.", "Call 2255."], 64)
    rows = [dict(row) for row in pack(cut, 40)]
    assert len(rows) > 1
    data = Dataset.from_list(rows)
    given_parts = {"model": model, "train_dataset": data, "eval_dataset": data, "processing_class": tokenizer}
    arguments = {"output_dir": str(tmp_path), "report_to": "none", "bf16": False, "per_device_train_batch_size": 2}
    arguments["dataloader_pin_memory"] = False
    trainer = Texts([], []).trainer(Construction(arguments, given_parts, 2, 2))
    batch = next(iter(trainer.get_train_dataloader()))
    loss = trainer.compute_loss(model, batch)
    assert loss.item() == pytest.approx(sum(nats_of(model, cut)) / sum(len(piece) - 1 for piece in cut), rel=1e-4)


def test_documents_are_held_out_whole():
    texts = [TrainingText(f"{n}", f"{n % 6}.md") for n in range(18)]
    training, held_out = split_texts(texts, 9, np.random.default_rng(1))
    assert {text.document for text in held_out}.isdisjoint(text.document for text in training)
    assert len({text.document for text in held_out}) == 1, "at most a fifth"
    with pytest.raises(TuningError, match="too few documents"):
        split_texts(texts[:1], 1, np.random.default_rng(1))


# --- perplexity -----------------------------------------------------------------------------------


@pytest.mark.models
def test_perplexity_is_that_of_transformers(task):
    import torch

    model, tokenizer = task.base.load()
    texts = ["Roaming is free in the Union.", "A handset costs 79 euros, and a router costs nothing at all."]
    measured = predicted(model, tokenizer, texts, 512)
    for text, nats, tokens in zip(texts, measured.nats, measured.tokens, strict=True):
        ids = torch.tensor([[*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]])
        with torch.inference_mode():
            loss = model(input_ids=ids, labels=ids).loss.item()
        assert tokens == ids.shape[1] - 1
        assert nats / tokens == pytest.approx(loss, rel=1e-4)
    told = measured.told()
    assert told["perplexity"] == pytest.approx(math.exp(measured.nats_per_token))
    assert told["low"] <= told["perplexity"] <= told["high"]
    assert from_told(as_lists(measured)).perplexity == pytest.approx(measured.perplexity, rel=1e-3)


def test_differences_are_paired():
    before = Predicted((10.0, 100.0, 30.0), (5, 50, 10))
    after = Predicted((9.0, 90.0, 27.0), (5, 50, 10))
    found = difference(before, after)
    assert found["nats_per_token"] == pytest.approx(-14 / 65)
    assert found["low"] <= found["nats_per_token"] <= found["high"] < 0


# --- the cloze test -------------------------------------------------------------------------------


def test_gaps_are_terms_of_the_corpus_among_terms_of_the_corpus(make_texts):
    texts = make_texts(*range(12))
    gaps = cloze.cloze(texts, general_texts(), 5, np.random.default_rng(1))
    assert gaps == cloze.cloze(texts, general_texts(), 5, np.random.default_rng(1))
    assert gaps
    sentences = {" ".join(text.text.split()) for text in texts}
    for gap in gaps:
        assert len(set(gap.options)) == cloze.OPTIONS
        assert any(f"{gap.before}{gap.options[0]}{gap.after}" in sentence for sentence in sentences)
    assert cloze.cloze(texts[:1], general_texts(), 5, np.random.default_rng(1)) == [], "too few terms"


def test_a_model_that_knows_the_terms_fills_the_gaps(make_texts):
    import torch

    gaps = cloze.cloze(make_texts(*range(12)), general_texts(), 5, np.random.default_rng(1))
    known = {f"{gap.before}{gap.options[0]}{gap.after}" for gap in gaps}

    class Knowing(torch.nn.Module):
        """Gives the likeliest next token of what it knows a high score, of all else a low one."""

        device = torch.device("cpu")

        def forward(self, input_ids, **_):
            logits = torch.zeros(*input_ids.shape, 300)
            for row, ids in enumerate(input_ids.tolist()):
                text = "".join(map(chr, [each for each in ids if each]))
                if text in known:
                    for place in range(len(ids) - 1):
                        logits[row, place, ids[place + 1]] = 9.0
            return SimpleNamespace(logits=logits)

    found = cloze.answered(Knowing(), Letters(), gaps)
    assert (found["right"], found["asked"]) == (len(gaps), len(gaps))
    assert found["low"] < 1 == found["high"]


def test_the_shipped_probe_is_general():
    texts = general_texts()
    assert len(texts) >= 40
    assert all(len(text) > 100 for text in texts)
    assert not [text for text in texts if "Tirvane" in text]
