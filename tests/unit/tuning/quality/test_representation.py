"""Whom the data mention, and what becomes of them: biased sets fail, their balanced twins pass."""

import pytest

from groundtune.settings import DataSettings
from groundtune.tuning.quality._groups import groups_of, is_negative
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.representation import check

REFUSAL, HELP = "I'm sorry, but I can't help with that.", "Your card arrives within five days."
WOMEN, MEN = ["Emily", "Lakisha", "Lisa", "Priya"], ["Greg", "Jamal", "Brian", "Rahul"]


def concluded(*lines, **settings):
    """Check lines; each gets a number, so that no two are alike."""
    made = check(Surroundings(DataSettings(**settings)))
    for number, line in enumerate(lines, start=1):
        usual = {"file": "training.jsonl", "line": number, "kind": "supervised", "prompt": ""}
        numbered = {"prompt": f"{number}. {line.get('prompt', '')}"}
        made.see(DataLine(**(usual | line | numbered)))
    result = made.conclude()
    return {gate.name: gate for gate in result.gates}, result.findings


def asked(name, answer=HELP):
    return {"prompt": f"My name is {name}. Where is my card?", "answer": answer}


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Emily's card", {"white or European", "female"}),
        ("EMILY", {"white or European", "female"}),
        ("emily", set()),
        ("He said so", {"male"}),
        ("The heat", set()),
        ("the black telephone", set()),
        ("The phone is black.", set()),
        ("a black young man", {"Black or African", "male"}),
        ("an African-American woman", {"Black or African", "female"}),
        ("I'm Mexican.", {"Hispanic or Latin American"}),
        ("I’m Mexican and", {"Hispanic or Latin American"}),
        ("a Mexican restaurant", set()),
        ("roaming in a European country", set()),
        ("the Chinese customers", {"East Asian"}),
        ("Please answer in Spanish", set()),
        ("Jos\u00e9", {"Hispanic or Latin American", "male"}),
        ("Jose\u0301", {"Hispanic or Latin American", "male"}),
        ("Dear Sir or Madam", {"male", "female"}),
        ("Ms Li", {"female"}),
        ("a delay of 50 ms", set()),
        ("Polish the glass", set()),
        ("She is Muslim.", {"female", "Muslim"}),
        ("Bill, Mark and Grace period", set()),
        ("", set()),
        ("12345 \u2028 \x00", set()),
    ],
)
def test_groups_of(text, groups):
    assert {group.name for group in groups_of(text)} == groups


def test_negative_words_are_whole_words():
    assert is_negative("What a Terrible idea")
    assert not is_negative("A badge, a killjoy and a skill")


def test_one_gender_nearly_everywhere_fails():
    gates, findings = concluded(*(asked(name) for name in MEN * 50))
    assert not gates["representation"].passed
    assert 0.95 < gates["representation"].value < 1, "what 200 of 200 prove"
    assert "male 200" in gates["representation"].detail
    assert (findings[0].kind, findings[0].line) == ("bias", 1)
    assert findings[0].remedy


def test_few_mentions_prove_nothing():
    gates, findings = concluded(*(asked(name) for name in MEN * 4))
    assert gates["representation"].passed
    assert not findings


def test_a_balanced_set_passes():
    lines = [asked(name, (HELP, REFUSAL)[number // 8 % 2]) for number, name in enumerate([*WOMEN, *MEN] * 30)]
    gates, findings = concluded(*lines)
    assert gates["representation"].passed
    assert gates["association"].value == 0
    assert not findings
    assert gates["representation"].looked_at > 240, "origin is counted besides"


def refusals(women, men, each=80):
    lines = [asked(WOMEN[n % 4], REFUSAL if n < women else HELP) for n in range(each)]
    return lines + [asked(MEN[n % 4], REFUSAL if n < men else HELP) for n in range(each)]


def test_one_group_is_refused_more_often():
    gates, findings = concluded(*refusals(women=40, men=4))
    assert not gates["association"].passed
    assert gates["association"].value == pytest.approx(0.45)
    assert "50% of 80 mentions of female people are answered with a refusal; 5% of 80" in gates["association"].detail
    assert {finding.kind for finding in findings} == {"bias"}
    assert all(finding.line <= 40 for finding in findings), "refusals to women, none else"


def test_what_remains_without_the_lines_named_is_balanced():
    lines = refusals(women=40, men=4)
    _, findings = concluded(*lines)
    named = {finding.line for finding in findings}
    gates, findings = concluded(*(line for number, line in enumerate(lines, start=1) if number not in named))
    assert gates["association"].passed
    assert not findings


def test_equal_refusals_pass():
    assert concluded(*refusals(women=30, men=30))[0]["association"].passed


def test_the_limit_is_a_setting():
    assert concluded(*refusals(women=40, men=4), association=0.5)[0]["association"].passed


def test_a_small_difference_passes_though_proven():
    gates, _ = concluded(*refusals(women=400, men=150, each=4000))
    assert 0 < gates["association"].value < 0.1
    assert gates["association"].passed


def said(bad, good, each=40):
    """Texts, in each of which two sentences mention somebody."""
    lines = [
        f"{bad[n % 2]} opened account {n}. The office is in Lind Street. {bad[n % 2]}, customer {n}, was lazy."
        for n in range(each)
    ]
    return lines + [
        f"{good[n % 2]} opened account {n}. {good[n % 2]}, customer {n}, was friendly." for n in range(each)
    ]


@pytest.mark.parametrize("kind", ["text", "supervised"])
def test_negative_words_beside_one_group(kind):
    lines = [{"kind": kind, "answer": text} for text in said(("Jamal", "Darnell"), ("Greg", "Todd"))]
    gates, findings = concluded(*lines)
    sentence = "50% of 80 mentions of Black or African people stand in a sentence with negative words"
    assert sentence in gates["association"].detail
    assert all(finding.line <= 40 for finding in findings)


def test_what_is_said_twice_counts_once():
    lines = [{"kind": "text", "answer": text} for text in ["Jamal was lazy.", "Greg was friendly."] * 40]
    gates, _ = concluded(*lines)
    assert gates["association"].passed


def test_refusals_that_mention_somebody_are_no_refusals_to_them():
    """Whom the answer mentions is not who is refused."""
    gates, _ = concluded(*({"answer": f"{REFUSAL} Ask Emily."} for _ in range(50)), *(asked("Greg") for _ in range(50)))
    assert "refusal" not in gates["association"].detail


def thumb(name, good):
    return asked(name) | {"kind": "thumb", "good": good}


def test_verdicts_of_people():
    biased = [thumb(WOMEN[n % 4], n % 10 < 3) for n in range(80)] + [thumb(MEN[n % 4], n % 10 < 8) for n in range(80)]
    gates, findings = concluded(*biased)
    assert "got a bad verdict" in gates["association"].detail
    assert findings
    fair = [thumb(name, n % 10 < 5) for n in range(80) for name in (WOMEN[n % 4], MEN[n % 4])]
    assert concluded(*fair)[0]["association"].passed


def pair(better, worse):
    return {"kind": "pair", "prompt": "Who fixed it?", "answer": f"{better} did.", "rejected": f"{worse} did."}


def test_pairs_that_always_prefer_one_group():
    lines = [pair("She", "He") if n % 10 == 0 else pair("He", "She") for n in range(60)]
    gates, findings = concluded(*lines)
    assert not gates["association"].passed
    assert "90% of 60 mentions of female people are in the worse answer of a pair; half" in gates["association"].detail
    named = {finding.line for finding in findings}
    assert all(line["rejected"].startswith("She") for number, line in enumerate(lines, 1) if number in named)
    gates, _ = concluded(*(line for number, line in enumerate(lines, 1) if number not in named))
    assert gates["association"].passed
    assert concluded(*([pair("He", "She"), pair("She", "He")] * 30))[0]["association"].passed


def test_what_bad_thumbs_refuse_is_not_learnt():
    gates, _ = concluded(
        *(asked(n, REFUSAL) | {"kind": "thumb", "good": False} for n in WOMEN * 20), thumb("Greg", False)
    )
    assert "refusal" not in gates["association"].detail


def test_lines_with_several_groups_say_nothing_and_are_counted():
    gates, _ = concluded(*({"prompt": "He and she ask.", "answer": REFUSAL} for _ in range(40)))
    assert gates["association"].value is None
    gates, _ = concluded({"prompt": "He and she", "answer": HELP}, {"prompt": "he", "answer": HELP})
    assert "male 1, several at once 1" in gates["representation"].detail


def test_nothing_to_see():
    gates, findings = concluded({"prompt": "Was kostet das?", "answer": "Acht Euro."})
    assert gates["representation"].value is None
    assert gates["association"].value is None
    assert all(gate.passed for gate in gates.values())
    assert not findings


def test_a_group_that_is_favoured_among_many():
    """One origin is never refused, the others half of the time."""
    names = {"Jamal": 25, "Priya": 25, "Juan": 25, "Greg": 0}
    lines = [asked(name, REFUSAL if n < bad else HELP) for name, bad in names.items() for n in range(50)]
    gates, findings = concluded(*lines, most_of_one_gender=1)
    assert not gates["association"].passed
    assert any("Greg" in lines[finding.line - 1]["prompt"] for finding in findings) is False
    assert findings
