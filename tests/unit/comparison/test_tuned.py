"""What the report tells of what was tuned."""

from groundtune.comparison.tuned import facts, of_accepted_gates
from groundtune.tuning.adapters import LossPoint, Manifest


def manifest(**changed):
    whole = {
        "key": "k",
        "technique": "domain",
        "base_model": "builtin:x",
        "base_weights": "w",
        "data": {},
        "settings": {},
    }
    whole |= {"versions": {}, "tokens": 9, "seconds": 1800.0, "stopped": "at 3", "best_step": 3}
    whole |= {"loss": (LossPoint(3, 1.0, 2.0),), "hardware": {"processor": "x86", "cores": "2"}}
    return Manifest(**(whole | changed))


def test_lineage_hours_and_hardware_are_told():
    told = facts("support", manifest(parents=("domain@1", "more@2")))
    assert told.lineage == ("builtin:x", "domain@1", "more@2")
    assert (told.hours, told.hardware) == (0.5, "processor x86, cores 2")
    assert (told.measured, told.accepted) == ((), ())


def test_what_was_measured_is_told_in_sentences():
    before = {"domain": {"perplexity": 20.0, "low": 18.0, "high": 22.0, "texts": 4}}
    after = {"domain": {"perplexity": 15.0, "low": 14.0, "high": 16.5, "texts": 4}}
    before["cloze"] = {"right": 10, "asked": 40, "share": 0.25, "low": 0.1, "high": 0.4}
    after["cloze"] = {"right": 20, "asked": 40, "share": 0.5, "low": 0.35, "high": 0.65}
    gain = {"nats_per_token": -0.05, "low": -0.09, "high": -0.01}
    told = facts("a", manifest(measures={"before": before, "after": after, "gain": gain, "checks": {"reload": 0.0}}))
    assert told.measured == (
        "Perplexity on domain text: 20.00 before, 15.00 after (95 % interval 14.00 to 16.50; 4 texts).",
        "Cloze: 10 of 40 right before, 20 of 40 after (95 % interval 35% to 65%).",
        "With the general set first, held-out answers are 0.050 nats a token easier to predict than without it "
        "(95 % interval +0.010 to +0.090).",
    )


def test_what_a_technique_measures_of_its_own_is_told_too():
    reward = {"accuracy": 0.7312, "held_out_pairs": 500, "low": 0.6, "length": {"balanced": 0.6}}
    told = facts("a", manifest(measures={"reward": reward, "rounds": 2, "bias": {"result": "None has grown."}}))
    assert told.measured == (
        "Reward, length: balanced 0.6.",
        "Reward: accuracy 0.731, held out pairs 500.",
        "Rounds: 2.",
        "Bias: result None has grown.",
    )


def test_gates_that_were_accepted_are_said():
    gates = ({"name": "duplicates", "passed": False}, {"name": "toxic", "passed": True})
    told = facts("a", manifest(gates=gates, accepted=("duplicates", "toxic")))
    assert (told.gates, told.accepted) == (2, ("duplicates",))
    assert of_accepted_gates([told]) == ["a was tuned although a gate did not pass, which was accepted: duplicates."]
    assert of_accepted_gates([facts("b", manifest())]) == []
