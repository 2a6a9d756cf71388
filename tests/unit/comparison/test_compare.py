"""Comparing on a small project with fakes for models: what is run, kept, failed and reported."""

import io
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.comparison.compare import compare, evaluate, material, select
from groundtune.comparison.report import as_json, render_html, render_terminal
from groundtune.comparison.summary import summarise
from groundtune.errors import InputError, ModelFailed, NotComparable, SettingsError
from groundtune.evaluation.benchmark.versions import freeze
from groundtune.settings import AssistantSettings, load
from groundtune.testing.fakes import FunctionModel
from groundtune.values import Case

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAMES = ("pebble", "brook", "river", "delta", "hazel", "sprig", "forge", "skim")
FLAGS = {"comparison.resamples": "1000", "comparison.latency_cases": "2", "assistant.min_support": "0"}


def case(number, name):
    return {
        "id": f"c{number}",
        "question": f"What does the {name} plan cost?",
        "ideal_answer": f"The {name} plan costs {number + 7} euros.",
        "passages": [{"document": f"{name}.md", "quote": f"The {name} plan costs {number + 7} euros"}],
        "group": name,
        "split": "test" if number < 6 else "development",
    }


@pytest.fixture
def folder(tmp_path, make_shop):
    make_shop(NAMES)
    lines = [case(number, name) for number, name in enumerate(NAMES)]
    lines.append({"id": "u", "question": "Who is king?", "answerable": False, "group": "u", "split": "test"})
    (tmp_path / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def reply(conversation):
    """Read the price out of the passages; closed-book, make one up."""
    text = conversation[-1].content
    name = next((name for name in NAMES if f"the {name} plan" in text.partition("Question:")[2]), None)
    place = text.find(f"The {name} plan costs")
    return f"{text[place : text.find(' a month', place)]}. [1]" if name and place >= 0 else "It is 99 euros."


@pytest.fixture
def bench(folder, monkeypatch):
    """Make a assembly whose model is a fake; scorers that need no model."""
    from groundtune.testing.fakes import only

    cheap = ["resolution", "exact", "token_f1", "retrieval_recall"]
    monkeypatch.setattr(compare_module, "all_scorers", only(*cheap))

    def make(model=None, **flags):
        opened = Assembly(folder, load(folder, FLAGS | flags, environment={}))
        fake = model or FunctionModel(reply)
        monkeypatch.setattr(opened, "chat_model", lambda *_: fake)
        opened.fake = fake
        return opened

    return make


def test_the_grounded_candidate_wins_where_documents_have_the_answer(bench):
    report = compare(bench(), ["base", "rag"], NOW)
    by_name = {one.name: one for one in report.candidates}
    assert by_name["rag"].scores["exact"].mean == pytest.approx(1.0)
    assert by_name["base"].scores["exact"].mean == 0.0
    assert by_name["rag"].scores["retrieval_recall"].scored == 6
    assert by_name["base"].scores["retrieval_recall"].scored == 0
    assert by_name["base"].scores["retrieval_recall"].unscored == 7
    assert report.recommendation.candidate in ("rag", None)
    assert (report.benchmark.cases, report.benchmark.groups, report.benchmark.unanswerable) == (7, 7, 1)
    assert report.created_at == NOW
    assert report.decide_by == "resolution"


def test_a_benchmark_run_is_batched_and_latency_is_measured_one_by_one(bench):
    assembly = bench()
    report = compare(assembly, ["base"], NOW)
    assert assembly.fake.batches == [7]
    assert len(assembly.fake.asked) == 7 + 2
    assert report.candidates[0].latency.total.n == 2


def test_the_first_word_is_timed_and_not_the_passages_before_it(bench):
    class Slow(FunctionModel):
        def stream(self, messages, max_tokens=None):
            time.sleep(0.2)
            completion = yield from super().stream(messages, max_tokens)
            return completion

    (candidate,) = compare(bench(Slow(reply)), ["rag"], NOW).candidates
    assert candidate.latency.first_token.median >= 0.2


def test_what_is_finished_is_not_done_again(bench):
    first = bench()
    report = compare(first, ["base", "rag"], NOW)
    again = bench()
    second = compare(again, ["base", "rag"], NOW)
    assert again.fake.asked == []
    assert as_json(second) == as_json(report)


def test_changed_documents_are_asked_anew_by_those_who_read_them(bench, folder):
    compare(bench(), ["base", "rag"], NOW)
    (folder / "documents" / "new.md").write_text("# New\n\nThe new plan costs 50 euros a month.", encoding="utf-8")
    again = bench()
    compare(again, ["base", "rag"], NOW)
    assert again.fake.batches == [7], "the closed-book candidate has nothing to do with documents"


def test_documents_that_cannot_be_read_are_noted(bench, folder):
    (folder / "documents" / "empty.md").write_text(" ", encoding="utf-8")
    note = "1 document could not be read (empty.md). Run `groundtune ingest` to see why."
    assert note in compare(bench(), ["base", "rag"], NOW).notes
    assert note not in compare(bench(), ["base"], NOW).notes, "documents have nothing to do with it"


def test_a_failed_answer_is_counted_and_tried_again_next_time(bench):
    def failing(conversation):
        if "delta" in conversation[-1].content:
            raise ModelFailed("the endpoint is down.")
        return reply(conversation)

    report = compare(bench(FunctionModel(failing)), ["base"], NOW)
    (result,) = report.candidates
    assert result.failed == 1
    assert (result.scores["token_f1"].scored, result.scores["token_f1"].failed) == (5, 1)
    again = bench()
    (repaired,) = compare(again, ["base"], NOW).candidates
    assert repaired.failed == 0
    assert again.fake.batches == [1]


def test_a_question_that_fails_while_latency_is_measured_does_not_end_the_comparison(bench):
    def failing(conversation):
        if "pebble" in conversation[-1].content:
            raise ModelFailed("the endpoint is down.")
        return reply(conversation)

    (result,) = compare(bench(FunctionModel(failing)), ["base"], NOW).candidates
    assert result.failed == 1
    assert result.latency.total.n == 2, "the next one that can be answered takes its place"


def test_one_name_given_twice_is_one_candidate(bench):
    assert [one.name for one in compare(bench(), ["base", "base"], NOW).candidates] == ["base"]


def test_settings_and_versions_are_recorded(bench):
    report = compare(bench(), ["base"], NOW)
    settings = {one.key: one for one in report.settings}
    assert (settings["comparison.resamples"].value, settings["comparison.resamples"].origin) == ("1000", "flag")
    assert settings["project.name"].origin == "file"
    assert settings["tuning.steps"].origin == "default"
    assert {"python", "groundtune"} <= set(report.versions)


def test_a_quick_size_is_said(bench):
    report = compare(bench(**{"comparison.cases": "4"}), ["base"], NOW)
    assert report.benchmark.cases < 7
    assert any("of the 7 test cases" in note for note in report.notes)


def test_a_benchmark_that_differs_from_its_frozen_version_is_noted(bench, folder):
    assembly = bench()
    freeze(folder / "benchmark.lock", assembly.benchmark, NOW.date())
    assert not any("version" in note for note in compare(assembly, ["base"], NOW).notes)
    lines = (folder / "benchmark.jsonl").read_text(encoding="utf-8").replace("Who is king?", "Who is the queen?")
    (folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    notes = compare(bench(), ["base"], NOW).notes
    assert any("changed since version 1 was frozen on 2026-11-22: 1 changed" in note for note in notes)


def test_runs_of_different_versions_of_the_benchmark_are_not_compared(bench, folder):
    before = bench()
    scorers = compare_module.all_scorers(before.settings.comparison)
    cases = before.benchmark.part("test")
    old = evaluate(before, before.candidate("base"), cases, scorers)
    lines = (folder / "benchmark.jsonl").read_text(encoding="utf-8").replace("costs 8 euros", "costs 9 euros")
    (folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    now = bench()
    now.knowledge.ingest()
    new = evaluate(now, now.candidate("rag"), now.benchmark.part("test"), scorers)
    assert old.fingerprint == before.benchmark.fingerprint != new.fingerprint == now.benchmark.fingerprint
    for assembly, runs in ((now, [old, new]), (now, [old]), (before, [old, new])):
        with pytest.raises(NotComparable, match="same version of the benchmark"):
            summarise(material(assembly, runs, cases, scorers, NOW))
    assert (
        summarise(material(now, [new], now.benchmark.part("test"), scorers, NOW)).benchmark.fingerprint
        == new.fingerprint
    )


def test_answers_of_another_version_are_asked_anew(bench, folder):
    compare(bench(), ["base"], NOW)
    lines = (folder / "benchmark.jsonl").read_text(encoding="utf-8").replace("costs 8 euros", "costs 9 euros")
    (folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    again = bench()
    compare(again, ["base"], NOW)
    assert again.fake.batches == [7]


def test_without_test_cases_there_is_nothing_to_compare(bench, folder):
    lines = (folder / "benchmark.jsonl").read_text(encoding="utf-8").replace('"test"', '"development"')
    (folder / "benchmark.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(InputError, match="no test cases"):
        compare(bench(), ["base"], NOW)


def test_an_unknown_deciding_scorer_is_refused_before_anything_is_run(bench):
    assembly = bench(**{"comparison.decide_by": "magic"})
    with pytest.raises(SettingsError, match="magic"):
        compare(assembly, ["base"], NOW)
    assert assembly.fake.asked == []


def made(number, groups, unanswerable=()):
    return [
        Case(f"c{index}", "?", "!", (), index % groups not in unanswerable, f"g{index % groups}", "test")
        for index in range(number)
    ]


@pytest.mark.parametrize("most", [2, 5, 12, 30])
def test_a_selection_has_as_many_cases_as_wanted_spread_over_the_groups(most):
    cases = made(40, 10, unanswerable=(0, 1))
    chosen = select(cases, most, seed=3)
    assert len(chosen) == most
    assert sum(not one.answerable for one in chosen) == round(most * 8 / 40)
    for answerable, groups in ((True, 8), (False, 2)):
        counts = Counter(one.group for one in chosen if one.answerable is answerable)
        assert max(counts.values(), default=0) <= -(-sum(counts.values()) // groups), "no second before all have one"
    assert chosen == select(cases, most, seed=3)
    assert [one.id for one in chosen] == [one.id for one in cases if one in chosen], "in order of the file"


def test_another_seed_selects_other_groups():
    cases = made(400, 100)
    assert select(cases, 40, seed=1) != select(cases, 40, seed=2)


@pytest.mark.parametrize("most", [None, 40, 41])
def test_no_limit_or_a_big_one_selects_all(most):
    cases = made(40, 10)
    assert select(cases, most, seed=0) == cases


def test_a_greedy_candidate_run_twice_has_no_noise(bench):
    assembly = bench(**{"comparison.repeat": "rag"})
    report = compare(assembly, ["base", "rag"], NOW)
    assert assembly.fake.batches == [7, 7, 7], "the repeat is a run of its own"
    assert report.repeat.candidate == "rag"
    assert all(found.floor == 0 for found in report.repeat.floors.values() if found.absolute is not None)
    assert report.repeat.floors["token_f1"].absolute == 0.0
    assert any("rag was run twice, and scored the same on every case" in note for note in report.notes)
    assert [one.name for one in report.candidates] == ["base", "rag"]
    assert as_json(report)["noise_floor"]["scorers"]["exact"]["floor"] == 0.0
    again = bench(**{"comparison.repeat": "rag"})
    compare(again, ["base", "rag"], NOW)
    assert again.fake.asked == [], "and is kept like any other"


def test_a_model_that_samples_has_a_noise_floor_below_which_nothing_is_better(bench):
    turns = Counter()

    def moody(conversation):
        """Right at first, wrong from the second time on."""
        turns[conversation[-1].content] += 1
        return reply(conversation) if turns[conversation[-1].content] == 1 else "It is 99 euros."

    report = compare(bench(FunctionModel(moody), **{"comparison.repeat": "rag"}), ["base", "rag"], NOW)
    noise = report.repeat.floors["exact"]
    assert noise.absolute == pytest.approx(1.0)
    assert noise.difference.mean == pytest.approx(-1.0)
    assert noise.floor >= 1.0
    found = {one.scorer: one for one in report.comparisons}
    assert found["exact"].difference.mean == pytest.approx(1.0)
    assert found["exact"].verdict == "cannot tell"
    assert any("exact 1.00 and 1.00" in note for note in report.notes)


def test_a_candidate_that_is_not_run_cannot_be_repeated(bench):
    assembly = bench(**{"comparison.repeat": "raft"})
    with pytest.raises(SettingsError, match="raft"):
        compare(assembly, ["base", "rag"], NOW)
    assert assembly.fake.asked == []


def test_corpus_bleu_is_compared_too(bench):
    report = compare(bench(), ["base", "rag"], NOW)
    (found,) = [one for one in report.comparisons if one.scorer == "corpus_bleu"]
    by_name = {one.name: one.scores["corpus_bleu"].mean for one in report.candidates}
    assert found.difference.mean == pytest.approx(by_name["rag"] - by_name["base"])
    assert (found.difference.scored, found.difference.unscored) == (6, 1)


# --- replies without an answer, and reasoning -----------------------------------------------------


class Wrapped(FunctionModel):
    """Says what `reply` says, the completion changed by `change`."""

    def __init__(self, change):
        super().__init__(reply, "fake:wrapped")
        self._change = change

    def complete(self, conversations, max_tokens=None):
        return [self._change(each) for each in super().complete(conversations, max_tokens)]


@pytest.mark.parametrize("text", ["", "  ", "<think>The price is"])
def test_empty_replies_are_failed_cases_and_no_abstentions(bench, text):
    report = compare(bench(Wrapped(lambda each: replace(each, text=text, finish_reason="length"))), ["base"], NOW)
    (candidate,) = report.candidates
    assert (candidate.abstained, candidate.failed) == (0, report.benchmark.cases)
    reason = report.rows[0].answers["base"].reason
    assert "finish reason: length" in reason
    assert "max_tokens" in reason


@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, text=f"<think>Let me see.</think>{each.text}"),
        lambda each: replace(each, text=f"Let me see.\n</think>\n{each.text}"),
        lambda each: replace(each, reasoning="Let me see.", usage=replace(each.usage, reasoning_tokens=4)),
    ],
)
def test_reasoning_is_counted_and_changes_no_score(bench, change):
    plain = compare(bench(), ["rag"], NOW)
    report = compare(bench(Wrapped(change)), ["rag"], NOW)
    (candidate,) = report.candidates
    assert candidate.scores == plain.candidates[0].scores
    assert candidate.usage.reasoned == candidate.usage.answers == report.benchmark.cases
    assert candidate.usage.reasoning_words == 3 * report.benchmark.cases
    assert any("rag reasoned before 7 of 7 answers (21 words" in note for note in report.notes)
    assert "reasoning" in as_json(report)["candidates"]["rag"]["usage"].__repr__()


def test_what_an_endpoint_refuses_is_noted(bench):
    change = Wrapped(lambda each: replace(each, adjusted=("`temperature` left out",)))
    notes = compare(bench(change), ["base"], NOW).notes
    assert "base: 7 of 7 answers were made with `temperature` left out, because the endpoint refuses it." in notes


@pytest.mark.parametrize(
    "kept",
    [
        {"text": "<think>Nine.</think>It costs 9 euros.", "abstained": False},
        {"text": "Nine.\n</think>\nIt costs 9 euros.", "abstained": False},
        {"text": AssistantSettings().unknown, "abstained": True, "truncated": True},
    ],
)
def test_answers_kept_from_before_that_were_none_are_asked_again(bench, kept):
    first = bench()
    compare(first, ["base"], NOW)
    (run,) = first.records.runs()
    answers = first.records.answers(run)
    old = next(iter(answers))
    first.records.save_answers(run, {old: replace(answers[old], **kept)})
    again = bench()
    compare(again, ["base"], NOW)
    assert again.fake.batches == [1]
    assert again.records.answers(run)[old] == answers[old]


def test_answers_without_content_and_questions_back_are_counted(bench, folder):
    lines = [json.loads(line) for line in (folder / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    ideal = "Which plan do you mean?"
    lines.append({"id": "q", "question": "Is it dear?", "clarify": True, "ideal_answer": ideal, "split": "test"})
    (folder / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def empty(conversation):
        asked = conversation[-1].content
        return ideal if "dear" in asked else "The answer is:" if "king" in asked else reply(conversation)

    report = compare(bench(FunctionModel(empty)), ["base", "rag"], NOW)
    facts = report.benchmark
    assert (facts.cases, facts.answerable, facts.unanswerable, facts.clarify) == (8, 6, 1, 1)
    assert [candidate.without_content for candidate in report.candidates] == [1, 1]
    values = {case.id: case.scores["base"]["resolution"] for case in report.cases}
    assert (values["q"], values["u"]) == (1.0, 0.0)
    assert any("of the 1 question" in reason for reason in report.recommendation.reasons), "`q` is not among them"
    written = as_json(report)
    assert written["benchmark"]["clarify"] == 1
    assert written["candidates"]["rag"]["without_content"] == 1
    assert [case["id"] for case in written["cases"] if case["clarify"]] == ["q"]
    page = render_html(report)
    assert "Cases that need a question back" in page
    assert "data-clarify" in page
    assert page.count('<p class="tag">without content</p>') == 2
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(render_terminal(report))
    assert "answers without content" in console.export_text()
