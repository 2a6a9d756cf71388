"""Unexpected queries: of every kind, tagged, drafts, answerable as their question is, and the same for a seed."""

from collections import Counter
from difflib import SequenceMatcher

import numpy as np
import pytest

from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.drafting import _phrases as phrases
from groundtune.evaluation.benchmark.drafting.unexpected import DISGUISES, draft_unexpected
from groundtune.files import write_jsonl
from groundtune.standalone import example_folder
from groundtune.text import content_words
from groundtune.values import Case

KINDS = {"off-topic", *DISGUISES}


@pytest.fixture(scope="module")
def cases():
    return load_benchmark(example_folder("telecom") / "benchmark.jsonl", 0.3).cases


@pytest.fixture(scope="module")
def texts():
    folder = example_folder("telecom") / "documents"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md"))}


def drafts(cases, texts, per_kind=6, seed=17):
    return draft_unexpected(cases, texts, per_kind, np.random.default_rng(seed))


def test_so_many_of_every_kind_and_each_is_tagged_and_a_draft(cases, texts):
    made = drafts(cases, texts)
    assert Counter(line.tags[-1] for line in made) == dict.fromkeys(KINDS, 6)
    assert all("unexpected" in line.tags and line.status == "draft" and line.author for line in made)
    assert len({line.id for line in made}) == len(made)
    assert len({line.question for line in made}) == len(made)


def test_a_disguise_keeps_answer_evidence_group_and_side(cases, texts):
    by_id = {case.id: case for case in cases}
    answerable = Counter()
    for line in drafts(cases, texts, per_kind=20):
        kind = line.tags[-1]
        if kind == "off-topic":
            assert (line.answerable, line.ideal_answer, line.passages, line.split) == (False, "", [], None)
            continue
        source = by_id[line.id.removeprefix(f"unexpected-{kind}-")]
        answerable[line.answerable] += 1
        assert line.question != source.question
        assert (line.answerable, line.ideal_answer, line.group) == (
            source.answerable,
            source.ideal_answer,
            source.group,
        )
        assert line.split == source.split
        assert len(line.passages) == len(source.evidence)
        assert len(line.history) == len(source.history)
        if kind in ("contradictory", "rude", "injection"):
            assert source.question in line.question
    assert set(answerable) == {True, False}


def test_typos_are_few_and_spare_numbers(cases, texts):
    by_id = {case.id: case for case in cases}
    for line in drafts(cases, texts, per_kind=40):
        if line.tags[-1] == "typos":
            source = by_id[line.id.removeprefix("unexpected-typos-")].question
            assert 0.85 < SequenceMatcher(None, source, line.question).ratio() < 1
            assert [letter for letter in source if letter.isdigit()] == [x for x in line.question if x.isdigit()]


def test_two_languages_meet(cases, texts):
    for line in drafts(cases, texts, per_kind=30):
        if line.tags[-1] == "mixed-language":
            frames = [frame.partition("{question}")[0] for frame, _ in phrases.LANGUAGES]
            assert any(line.question.startswith(frame) for frame in frames)
    one = Case("c", "Can I use Pebble abroad?", "Yes.", (), True, "g", "test")
    found = {
        line.question for seed in range(20) for line in drafts([one], {}, 1, seed) if "mixed-language" in line.tags
    }
    assert "Hallo, ich hätte da mal eine Frage: Kann ich use Pebble abroad? Vielen Dank im Voraus!" in found


def test_two_wrong_numbers_are_claimed_and_neither_is_the_right_one():
    one = Case("c", "What does Pebble cost?", "Pebble costs 8.40 euros.", (), True, "g", "test")
    made = {line.question for seed in range(20) for line in drafts([one], {}, 1, seed) if "contradictory" in line.tags}
    claims = [text for text in made if text.startswith("This morning")]
    assert claims == [phrases.TWO_CLAIMS.format(first="9.40", second="17.80", question="What does Pebble cost?")]


@pytest.mark.parametrize("ideal", ["PO-5 is a form.", "At 18:30.", "It is called 5G.", "Nobody knows."])
def test_codes_and_times_are_no_numbers_to_get_wrong(ideal):
    one = Case("c", "What is it?", ideal, (), True, "g", "test")
    made = [line for seed in range(20) for line in drafts([one], {}, 1, seed) if "contradictory" in line.tags]
    assert len(made) == 20
    assert not any("This morning" in line.question for line in made)


def test_a_question_too_short_to_be_misspelt_gives_no_draft():
    one = Case("c", "Is it up?", "No.", (), True, "g", "test")
    assert "typos" not in {line.tags[-1] for line in drafts([one], {})}


def off_topic(lines):
    return {line.question for line in lines if line.tags[-1] == "off-topic"}


def test_off_topic_questions_that_a_document_touches_are_left_out(cases):
    cooking = {"cooking.md": "What can I cook? Two eggs and a courgette make a fine omelette."}
    everything = drafts(cases, {}, per_kind=100)
    filtered = drafts(cases, cooking, per_kind=100)
    gone = off_topic(everything) - off_topic(filtered)
    assert phrases.OFF_TOPIC[0] in gone
    assert len(off_topic(everything)) == len(phrases.OFF_TOPIC)
    assert len(off_topic(filtered)) == len(phrases.OFF_TOPIC) - len(gone)
    assert all(content_words(question) for question in phrases.OFF_TOPIC)


def test_questions_come_from_as_many_groups_as_there_are(cases, texts):
    made = [line for line in drafts(cases, texts, per_kind=30) if "rude" in line.tags]
    assert len({line.group for line in made}) == 30


def test_the_same_seed_gives_the_same_and_another_others(cases, texts):
    assert drafts(cases, texts) == drafts(cases, texts)
    assert drafts(cases, texts) != drafts(cases, texts, seed=18)


def test_approved_they_are_a_sound_benchmark_and_are_not_disguised_again(cases, texts, tmp_path):
    made = drafts(cases, texts)
    rows = [line.model_dump(exclude_none=True) | {"status": "approved"} for line in made]
    write_jsonl(tmp_path / "benchmark.jsonl", rows)
    approved = load_benchmark(tmp_path / "benchmark.jsonl", 0.3).cases
    assert len(approved) == len(made)
    again = drafts([*cases, *approved], texts)
    assert not {line.id for line in again} & {line.id for line in made}
    assert not any(line.id.startswith("unexpected-rude-unexpected") for line in again)
