"""Annotators of pairs and thumbs: who is careless, biased or drifts, and that nobody else is called so."""

import numpy as np
import pytest

from groundtune.settings import DataSettings
from groundtune.tuning.quality.annotators import check
from groundtune.tuning.quality.check import DataLine, Surroundings

CAREFUL = 0.95


def answers(item):
    """Two answers to an item; which of them is longer has nothing to do with which is better."""
    return f"The plan costs {item} euros.", f"It is {item} euros" + " a month, taxes included." * (item % 3 + 1)


def truth(item):
    return item * 7919 % 10 < 6


def rate(rater, items=50, kind="thumb", verdict=None, seed=0, names=None):
    """Lines of a rater who is right in `CAREFUL` of all cases, or says what `verdict(item, rng)` says."""
    rng = np.random.default_rng([seed, *rater.encode()])
    for item in range(items):
        good = verdict(item, rng) if verdict else truth(item) == (rng.random() < CAREFUL)
        prompt, (one, other) = f"What does plan {item} cost?", answers(item)
        if kind == "thumb":
            yield {"kind": kind, "prompt": prompt, "answer": one, "annotator": rater, "good": bool(good)}
        else:
            chosen, rejected = (one, other) if good else (other, one)
            yield {
                "kind": kind,
                "prompt": prompt,
                "answer": chosen,
                "rejected": rejected,
                "annotator": rater,
                "shown_first": bool(rng.random() < 0.5),
            }


def concluded(*lines, **settings):
    made = check(Surroundings(DataSettings(**settings)))
    for number, line in enumerate(lines, start=1):
        made.see(DataLine(file="preferences.jsonl", line=number, **line))
    result = made.conclude()
    return {gate.name: gate for gate in result.gates}, result.findings


def panel(kind="thumb", raters=5, seed=0, **others):
    lines = [line for number in range(raters) for line in rate(f"careful{number}", kind=kind, seed=seed)]
    for name, verdict in others.items():
        lines += rate(name, kind=kind, verdict=verdict, seed=seed)
    return lines


def coin(item, rng):
    return rng.random() < 0.5


def always(item, rng):
    return True


def opposite(item, rng):
    return not truth(item)


def longer(item, rng):
    return False


@pytest.mark.parametrize("kind", ["pair", "thumb"])
def test_careful_annotators_pass(kind):
    for seed in range(5):
        gates, findings = concluded(*panel(kind, seed=seed))
        assert all(gate.passed for gate in gates.values())
        assert not findings
        assert gates["annotator_agreement"].value > 0.7
        assert gates["careless_annotators"].value == 0
        assert gates["careless_annotators"].looked_at == 250


@pytest.mark.parametrize("kind", ["pair", "thumb"])
@pytest.mark.parametrize("verdict", [coin, opposite])
def test_careless_annotators_are_named_with_all_their_lines(kind, verdict):
    gates, findings = concluded(*panel(kind, eva=verdict))
    assert not gates["careless_annotators"].passed
    assert gates["careless_annotators"].value == 1
    assert "eva" in gates["careless_annotators"].detail
    assert {finding.line for finding in findings} == set(range(251, 301))
    assert all(finding.kind == "annotator" and "eva" in finding.detail and finding.remedy for finding in findings)


def test_always_the_same_verdict_is_careless_though_most_items_deserve_it():
    gates, findings = concluded(*panel(eva=always))
    assert gates["careless_annotators"].value == 1
    assert "always gives the same verdict" in findings[0].detail


def test_two_careless_ones_among_six_are_both_found():
    gates, _ = concluded(*panel(raters=4, eva=coin, max=opposite))
    assert gates["careless_annotators"].detail.startswith("2 of 6 annotators: eva, max.")


def test_who_merely_errs_more_often_is_spared():
    for seed in range(5):
        gates, _ = concluded(*panel(eva=lambda item, rng: truth(item) == (rng.random() < 0.85), seed=seed))
        assert gates["careless_annotators"].passed


def test_among_two_nobody_can_tell():
    gates, findings = concluded(*rate("ana"), *rate("eva", verdict=opposite))
    assert gates["careless_annotators"].value is None
    assert "cannot be told" in gates["careless_annotators"].detail
    assert not gates["annotator_agreement"].passed
    assert gates["annotator_agreement"].value < 0
    assert not findings


def test_where_nobody_agrees_nobody_is_singled_out():
    gates, _ = concluded(*(line for name in "abcdef" for line in rate(name, verdict=coin)))
    assert not gates["annotator_agreement"].passed
    assert gates["careless_annotators"].passed


def test_limits_are_settings():
    lines = panel(eva=coin)
    assert concluded(*lines, careless_annotators=1)[0]["careless_annotators"].passed
    assert not concluded(*panel(), annotator_agreement=0.99)[0]["annotator_agreement"].passed


def test_position_bias():
    lines = panel("pair")
    for line in lines[:50]:
        line["shown_first"] = True
    gates, findings = concluded(*lines)
    assert gates["biased_annotators"].value == 1
    assert {finding.line for finding in findings} == set(range(1, 51))
    assert "shown first in 100% of 50 pairs" in findings[0].detail
    assert gates["careless_annotators"].passed


def test_without_positions_it_says_so():
    lines = panel("pair")
    for line in lines:
        del line["shown_first"]
    gates, _ = concluded(*lines)
    assert "No pair says which answer was shown first." in gates["biased_annotators"].detail
    lines[0]["shown_first"] = True
    assert "249 of 250 pairs do not say" in concluded(*lines)[0]["biased_annotators"].detail


def test_length_bias_is_what_the_items_do_not_explain():
    """The second answer is always longer."""
    gates, findings = concluded(*panel("pair", eva=longer))
    assert gates["biased_annotators"].value == 1
    assert any("longer answer in 100%" in finding.detail for finding in findings)
    gates, _ = concluded(*panel("pair", eva=coin))
    assert gates["biased_annotators"].passed, "a coin goes with length as often as against it"


def test_length_bias_of_those_who_share_no_pairs():
    """Everybody rated other pairs."""
    lines = []
    for number, name in enumerate(["ana", "ben", "cleo", "eva"]):
        for line in rate(name, kind="pair", verdict=longer if name == "eva" else coin, seed=number):
            lines.append(line | {"prompt": f"{name} {line['prompt']}"})
    gates, findings = concluded(*lines)
    assert gates["biased_annotators"].detail.startswith("1 of 4 annotators: eva.")
    assert "chose the longer answer in 100% of 50 pairs" in findings[0].detail
    assert gates["careless_annotators"].value is None
    assert "No pairs were rated by two annotators." in gates["careless_annotators"].detail


def test_drift():
    """Careful on the first half of the items, upside down on the second."""
    gates, findings = concluded(*panel(eva=lambda item, rng: truth(item) == (item < 25)))
    assert gates["drifting_annotators"].value == 1
    assert "100% of the earlier and on 0% of the later half" in " ".join(finding.detail for finding in findings)
    assert concluded(*panel(eva=coin))[0]["drifting_annotators"].passed, "a coin is as careless early as late"


def test_lines_without_annotators_are_counted_and_nothing_else():
    lines = [line | {"annotator": " "} for line in panel()]
    gates, findings = concluded(*lines)
    assert not findings
    assert all(gate.passed and gate.value is None for gate in gates.values())
    assert "250 of 250 lines name no annotator" in gates["annotator_agreement"].detail


def test_nothing_at_all():
    gates, findings = concluded()
    assert not findings
    assert [gate.value for gate in gates.values()] == [None] * 4


def test_supervised_lines_and_texts_are_none_of_its_business():
    gates, _ = concluded({"kind": "supervised", "prompt": "a", "answer": "b", "annotator": "ana"})
    assert {gate.rows for gate in gates.values()} == {0}


def test_a_pair_is_one_item_whichever_answer_was_chosen():
    def line(name, *texts):
        return {"kind": "pair", "prompt": "q", "answer": texts[0], "rejected": texts[1], "annotator": name}

    gates, _ = concluded(
        *(
            line(name, f"a{n}", "b") if name == "ana" else line(name, "b", f"a{n}")
            for n in range(25)
            for name in ("ana", "ben")
        )
    )
    assert gates["annotator_agreement"].value < -0.9
    assert gates["annotator_agreement"].looked_at == 50


def test_rating_an_item_twice_counts_once():
    lines = panel(raters=3)
    assert concluded(*lines, *lines)[0]["annotator_agreement"].looked_at == 150


@pytest.mark.parametrize("name", ["Zoë", "李", "a" * 300, "1", "None", "ana\n"])
def test_any_name_will_do(name):
    gates, _findings = concluded(
        *panel(raters=4), *(line | {"annotator": name} for line in rate("eva", verdict=opposite))
    )
    assert gates["careless_annotators"].value == 1
    assert name.strip() in gates["careless_annotators"].detail


def test_verdicts_that_are_all_equal_have_no_agreement_beyond_chance():
    gates, findings = concluded(*(line for name in "abc" for line in rate(name, verdict=always)))
    assert gates["annotator_agreement"].value is None
    assert gates["annotator_agreement"].passed
    assert not findings


def test_a_pair_of_equal_answers_is_no_verdict():
    line = {"kind": "pair", "prompt": "q", "answer": "a", "rejected": "a", "annotator": "ana"}
    gates, _ = concluded(line, line)
    assert gates["annotator_agreement"].value is None


def test_each_kind_is_looked_at_on_its_own():
    """One name may rate pairs with care and thumbs without."""
    lines = [*panel("pair"), *panel("thumb", raters=4), *rate("careful4", verdict=coin)]
    gates, findings = concluded(*lines)
    assert gates["careless_annotators"].value == 1
    assert {finding.line for finding in findings} == set(range(451, 501))
