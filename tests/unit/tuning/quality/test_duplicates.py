"""Which lines are duplicates, which are nearly, and which only look like it."""

from itertools import pairwise

import numpy as np
import pytest

from groundtune.tuning.quality import duplicates
from groundtune.tuning.quality.signatures import jaccard, plain, proposed, shingles, signatures

QUESTION = "How long does it take until a new router is delivered?"
ANSWER = "A new router is delivered within three working days after the order."
OTHER = ("Where do I find my customer number?", "It is on the first page of each invoice, above the address.")


def kinds(result):
    return [(finding.line, finding.kind) for finding in result.findings]


def test_the_first_of_several_is_kept(run_check, pair):
    result = run_check(duplicates, [pair(QUESTION, ANSWER), pair(*OTHER), pair(QUESTION, ANSWER), pair(*OTHER)])
    assert kinds(result) == [(3, "duplicate"), (4, "duplicate")]
    assert result.findings[0].detail == "the same as training.jsonl:1"
    gate = result.gates[0]
    assert (gate.name, gate.passed, gate.value, gate.rows) == ("duplicates", False, 0.5, 4)


@pytest.mark.parametrize(
    "copy",
    [
        (f"  {QUESTION} ", ANSWER.replace(" ", "\n", 1)),
        (QUESTION.replace(" ", "\u00a0"), ANSWER),
        (QUESTION, ANSWER.replace("-", "‑")),
    ],
    ids=["blanks", "no-break blanks", "dash"],
)
def test_blanks_and_ways_of_writing_do_not_make_another_line(run_check, pair, copy):
    assert kinds(run_check(duplicates, [pair(QUESTION, ANSWER), pair(*copy)])) == [(2, "duplicate")]


@pytest.mark.parametrize(
    "copy",
    [
        (QUESTION.upper(), ANSWER),
        (QUESTION.rstrip("?"), ANSWER.rstrip(".")),
        (QUESTION.replace("new", "nwe"), ANSWER),
        (QUESTION.replace("long", "much time"), ANSWER),
        (QUESTION, ANSWER.replace("new ", "")),
        (f"Hello! {QUESTION}", ANSWER),
        (QUESTION, f"{ANSWER} Goodbye!"),
        (QUESTION.replace("it take until", "until it take"), ANSWER),
        (QUESTION, "Within three working days after the order a new router is delivered."),
    ],
)
def test_slight_edits_are_near_duplicates(run_check, pair, copy):
    result = run_check(duplicates, [pair(QUESTION, ANSWER), pair(*OTHER), pair(*copy)])
    assert kinds(result) == [(3, "near_duplicate")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            ("How much does Pebble cost?", "It costs 8.40 euros."),
            ("How much does Pebble cost?", "It costs 9.40 euros."),
        ),
        (("What does plan 3 cost?", "Ten euros a month."), ("What does plan 4 cost?", "Ten euros a month.")),
        ((QUESTION, ANSWER), (QUESTION, "That depends on where you live. Please ask in the shop.")),
        ((QUESTION, "Yes."), ("Is it true that the shop opens on Sundays?", "Yes.")),
    ],
    ids=["other price", "other plan", "other answer", "other question"],
)
def test_other_facts_are_no_duplicates(run_check, pair, one, other):
    assert not run_check(duplicates, [pair(*one), pair(*other)]).findings


def test_two_questions_about_one_long_passage_are_no_duplicates(run_check, pair):
    passage = (
        " ".join(f"Sentence {word} tells something about the town and its river." for word in OTHER[1].split()) * 4
    )
    lines = [
        pair(f"{passage}\n\nWho founded the town near the river in those days?", "A monk."),
        pair(f"Which order did the abbot belong to before he came?\n\n{passage}", "A monk."),
    ]
    assert not run_check(duplicates, lines).findings
    same = [lines[0], pair(f"{passage}\n\nWho founded the town near the river in those dayz?", "A monk.")]
    assert kinds(run_check(duplicates, same)) == [(2, "near_duplicate")]


def test_one_pair_rated_by_several_annotators_is_no_duplicate(run_check, pair):
    rated = {"kind": "pair", "rejected": "I do not know.", "group": "g1"}
    lines = [pair(QUESTION, ANSWER, annotator=name, **rated) for name in ("ana", "ben", "cem")]
    assert not run_check(duplicates, lines).findings
    assert kinds(run_check(duplicates, [*lines, lines[1]])) == [(4, "duplicate")]
    nearly = [pair(QUESTION, f"{ANSWER} Bye.", annotator=name, **rated) for name in ("dia", "eva")]
    assert not run_check(duplicates, [*lines, *nearly]).findings  # the same item


def test_an_edited_pair_is_found_for_each_of_its_annotators(run_check, pair):
    rated = {"kind": "pair", "rejected": "I do not know."}
    lines = [pair(QUESTION, ANSWER, annotator=name, group="g1", **rated) for name in ("ana", "ben")]
    lines += [pair(QUESTION.upper(), ANSWER, annotator=name, group="g2", **rated) for name in ("ana", "ben")]
    assert kinds(run_check(duplicates, lines)) == [(3, "near_duplicate"), (4, "near_duplicate")]


def test_opposite_verdicts_and_swapped_pairs_are_no_duplicates(run_check, pair):
    thumbs = [pair(QUESTION, ANSWER, kind="thumb", good=good) for good in (True, False)]
    swapped = [
        pair(QUESTION, ANSWER, kind="pair", rejected=OTHER[1]),
        pair(QUESTION, OTHER[1], kind="pair", rejected=ANSWER),
    ]
    assert not run_check(duplicates, [*thumbs, *swapped]).findings


def test_a_line_of_each_kind_is_no_duplicate_of_the_others(run_check, pair):
    lines = [
        pair(QUESTION, ANSWER),
        pair(QUESTION, ANSWER, kind="pair", rejected="No."),
        pair("", f"{QUESTION} {ANSWER}", kind="text"),
    ]
    assert not run_check(duplicates, lines).findings


@pytest.mark.parametrize(
    "text", ["", " ", "a", "?", "👍", "好", "\ud83d", "ß" * 3, "x" * 5000, "不知道在哪里" * 3, "\x00\x01", "1"]
)
def test_odd_texts_are_compared_like_others(run_check, pair, text):
    result = run_check(duplicates, [pair(text, text), pair(*OTHER), pair(text, text)])
    assert kinds(result) == [(3, "duplicate")]


def test_chinese_is_compared_by_its_characters(run_check, pair):
    lines = [
        pair("我在哪里可以找到我的客户号码？", "在每张发票的第一页上。"),
        pair("我在哪里可以找到我的客户号码", "在每张发票的第一页上"),
    ]
    assert kinds(run_check(duplicates, lines)) == [(2, "near_duplicate")]


def test_nothing_is_found_in_nothing(run_check):
    result = run_check(duplicates, [])
    assert not result.findings
    assert all(gate.passed and gate.value == 0 for gate in result.gates)


def test_pairs_are_read_in_pieces_where_they_are_too_many_to_be_held(run_check, pair, monkeypatch):
    lines = [pair(f"{QUESTION} {letter * 9}", f"{ANSWER} {letter * 9}") for letter in "abcdefghij"]
    lines += [pair(line.question.upper(), line.answer) for line in lines]
    whole = run_check(duplicates, lines, settings={"near_duplicate_similarity": 0.9})
    monkeypatch.setattr(duplicates, "_HELD", 400)
    assert run_check(duplicates, lines, settings={"near_duplicate_similarity": 0.9}) == whole
    assert [finding.line for finding in whole.findings] == list(range(11, 21))


def test_proposed_pairs_hold_all_that_are_alike():
    """Against every pair compared with every other."""
    rng = np.random.default_rng(17)
    words = [f"word{number}" for number in range(300)]
    texts = [" ".join(rng.choice(words, 25)) for _ in range(120)]
    texts += [" ".join([*text.split()[:-2], "changed", "end"]) for text in texts[:60]]
    sets = [np.unique(shingles([text])[0]) for text in texts]
    alike = {(i, j) for j in range(len(texts)) for i in range(j) if jaccard(sets[i], sets[j]) >= 0.7}
    found = set(map(tuple, proposed(signatures(texts), 0.7).tolist()))
    assert len(alike) > 50
    assert len(alike - found) <= 0.02 * len(alike)
    assert all(earlier < later for earlier, later in found)


def test_a_signature_estimates_the_share_of_equal_shingles():
    texts = ["abcdefghijklmnopqrstuvwxyz0123456789" * 2, "abcdefghijklmnopqrstuvwxyz9876543210" * 2]
    sets = [np.unique(shingles([text])[0]) for text in texts]
    made = signatures(texts)
    assert (made[0] == made[1]).mean() == pytest.approx(jaccard(*sets), abs=0.15)


def test_pairs_stay_few_where_all_lines_share_their_words():
    texts = [f"please answer the question about the plan in one sentence number {number}" for number in range(2000)]
    assert len(proposed(signatures(texts), 0.65)) < 6 * 32 * len(texts)


def test_shingles_of_one_text_do_not_reach_into_the_next():
    hashes, offsets = shingles(["abc", "", "defg"])
    alone = [shingles([text])[0].tolist() for text in ("abc", "", "defg")]
    assert [hashes[int(a) : int(b)].tolist() for a, b in pairwise(offsets)] == alone


def test_plain_words():
    assert plain("ＡＢＣ — “Café”") == "abc café"
    assert plain("!?") == "!?"
