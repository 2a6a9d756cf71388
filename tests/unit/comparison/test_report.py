"""The report as JSON, page and terminal: every number is there, and nothing that was written becomes markup."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from groundtune import extras
from groundtune.comparison.recommend import Recommendation
from groundtune.comparison.report import CaseRow, as_json, charts, from_json, render_html, render_terminal, write_report
from groundtune.values import Case

VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """Collects tags, ids, links and text, and checks that tags nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.text, self.attributes, self._open = [], [], [], [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def html(report):
    return render_html(report)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_json_has_the_promised_shape(report, tmp_path):
    _, path = write_report(report, tmp_path / "new")
    read = json.loads(path.read_text())
    assert read["benchmark"]["fingerprint"] == "9c1e0f5a7d"
    assert read["benchmark"]["cases"] == 60
    assert set(read["candidates"]) == {"base", "rag", "tuned", "tuned+rag", "raft"}
    estimate = read["candidates"]["raft"]["scores"]["resolution"]
    assert set(estimate) == {"mean", "low", "high", "scored", "unscored", "failed"}
    assert (estimate["scored"], estimate["failed"]) == (59, 1)
    assert {"latency", "usage"} <= set(read["candidates"]["rag"])
    pair = read["comparisons"][0]
    assert {"scorer", "baseline", "challenger", "difference", "p_value", "verdict"} <= set(pair)
    assert set(pair["difference"]) == set(estimate)
    advice = read["recommendation"]
    assert advice["candidate"] == report.recommendation.candidate
    assert advice["indistinguishable"] == list(report.recommendation.indistinguishable)
    assert advice["reasons"] == list(report.recommendation.reasons)


def test_every_mean_can_be_computed_from_the_cases_in_the_json(report):
    read = as_json(report)
    for name, one in read["candidates"].items():
        values = [case["scores"][name]["resolution"] for case in read["cases"]]
        values = [value for value in values if value is not None]
        assert one["scores"]["resolution"]["mean"] == pytest.approx(sum(values) / len(values))


def test_the_page_needs_nothing_besides_itself(html, page):
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert "@import" not in html
    assert "url(" not in html
    assert not {"link", "iframe", "object"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)


def test_what_people_and_models_wrote_stays_text(html, page):
    assert page.tags.count("script") == 2  # the data and the filters
    assert "img" not in page.tags
    assert "onerror" not in page.attributes
    assert "{{ 7 * 7 }}" in "".join(page.text)
    assert "first & <b>only</b>" in "".join(page.text)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL).group(1)
    assert json.loads(data)["cases"][0]["id"] == "first & <b>only</b>"


def test_hostile_candidate_and_scorer_names_stay_text(report):
    name = "<script>alert(1)</script>"
    one = replace(report.candidates[0], name=name)
    found = tuple(replace(pair, baseline=name) if pair.baseline == "base" else pair for pair in report.comparisons)
    changed = replace(report, candidates=(one, *report.candidates[1:]), comparisons=found)
    assert Page(render_html(changed)).tags.count("script") == 2


def test_every_link_leads_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} - set(page.ids) == set()


def test_the_page_opens_with_the_recommendation_and_all_its_reasons(report, page):
    text = "".join(page.text)
    places = [text.index(reason) for reason in report.recommendation.reasons]
    assert places == sorted(places)
    assert places[-1] < text.index("Before you rely on this") < text.index("Mean over the scored cases")


def test_failures_and_unscored_cases_are_counted_with_their_reasons(page):
    text = "".join(page.text)
    assert "59 scored" in text
    assert "1 failed" in text
    assert "60 unscored" in text
    assert "closed-book: nothing was retrieved" in text
    assert "Failed: no reply: the endpoint timed out" in text


def test_every_case_and_answer_is_in_the_page(report, page):
    assert page.tags.count("details") == len(report.rows) + 1
    text = "".join(page.text)
    for row in report.rows[1:]:
        assert row.case.question in text
    assert "made-up citation removed" in text


def test_charts_have_words_for_those_who_cannot_see_them(report, html):
    drawn = charts.draw(report)
    assert list(drawn) == ["scores", "others", "latency", "differences", "distribution", "training"]
    assert html.count('role="img" aria-label="') == len(drawn)
    assert "rag − base: +0." in drawn["differences"].words
    assert "base: 0." in drawn["latency"].words


def test_a_report_without_the_extra_for_charts_says_how_to_get_them(report, html, monkeypatch):
    told = "pip install &#34;groundtune[charts]&#34;"
    assert told not in html
    monkeypatch.setattr(extras, "_installed", lambda name: name != "vl-convert-python")
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    bare = render_html(report)
    assert told in bare
    assert 'role="img"' not in bare
    assert Page(bare).tags.count("table") == Page(html).tags.count("table")


def test_the_distribution_counts_every_common_case_once_and_equal_ones_in_the_middle():
    bars = charts._bins([0.0, 0.0, 1.0, -1.0, 0.31], 1.0)
    assert sum(bar["cases"] for bar in bars) == 5
    middle = next(bar for bar in bars if bar["from"] < 0 < bar["to"])
    assert (middle["cases"], middle["from"]) == (2, pytest.approx(-0.05))


def test_a_report_without_choice_curves_latency_or_scores_is_still_a_page(report):
    bare = replace(
        report,
        recommendation=Recommendation(None, (), None, ("The evidence cannot tell.",), sure=False),
        candidates=tuple(
            replace(one, scores={}, latency=replace(one.latency, first_token=None, total=None))
            for one in report.candidates
        ),
        comparisons=(),
        curves=(),
        detectable=None,
        cases=(),
        rows=(),
        notes=(),
    )
    assert charts.draw(bare) == {}
    text = "".join(Page(render_html(bare)).text)
    assert "The evidence cannot tell" in text
    assert "Nothing can be said" in text


def test_a_case_that_nobody_answered_is_shown(report):
    case = Case("only", "Is it on?", "Yes.", (), True, "g", "test")
    text = "".join(Page(render_html(replace(report, rows=(CaseRow(case, {}, {}),)))).text)
    assert "No answer in the records." in text


def test_four_hundred_cases_stay_below_five_megabytes(report):
    many = replace(report, cases=report.cases * 7, rows=report.rows * 7)
    assert len(many.rows) == 420
    assert len(render_html(many).encode()) < 5_000_000


def test_the_terminal_shows_advice_scores_failures_and_notes(report):
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(render_terminal(report))
    text = console.export_text()
    assert report.recommendation.reasons[0] in text
    assert "59 1!" in text
    assert "Note: The held-out loss" in text
    for one in report.candidates:
        assert set(one.name.split("+")) <= set(text.replace("+", " ").split())


def test_many_candidates_fit_into_a_terminal(report):
    """Of 80 columns: no name and no figure is cut."""
    many = tuple(replace(report.candidates[0], name=f"transferred{number}+rag") for number in range(15))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(render_terminal(replace(report, candidates=many, by_tag=())))
    text = console.export_text()
    tables = text[text.index("─") :]
    assert "…" not in tables
    assert tables.count("abstention") == 3
    assert text.count("Mean with 95% interval") == 1


def test_where_less_is_better_page_and_terminal_say_so(report):
    turned = replace(
        report, scorers={**report.scorers, "resolution": replace(report.scorers["resolution"], higher_is_better=False)}
    )
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(render_terminal(turned))
    assert "(less is better)" in console.export_text()
    assert ">less is better</span>" in render_html(turned)
    assert ">less is better</span>" not in render_html(report)


def test_a_scorer_that_is_not_installed_is_described_by_its_name(report):
    assert report.measure("politeness").title == "politeness"
    assert report.measure("politeness").scale == (0.0, 1.0)


def test_a_report_is_written_and_read_by_the_same_model(report):
    written = json.loads(json.dumps(as_json(report), allow_nan=False))
    read = from_json(written)
    assert read == replace(report, rows=())
    assert as_json(read) == written


def test_a_report_of_before_opens_and_means_the_same():
    path = Path(__file__).parents[2] / "fixtures" / "project_0_1" / "report.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    now = as_json(from_json(before))
    measures = now.pop("scorers")
    assert {name: measure["signature"] for name, measure in measures.items()} == before.pop("scorers")
    assert measures["bleu"]["scale"] == [0.0, 100.0]
    assert measures["resolution"]["title"] == "Resolution"
    assert datetime.fromisoformat(now.pop("created_at")) == datetime.fromisoformat(before.pop("created_at"))
    assert [result["latency"].pop("machine") for result in now["candidates"].values()] == ["", ""]
    for pair in now["comparisons"]:
        assert (pair.pop("least"), pair.pop("most"), pair.pop("robust")) == (None, None, True)
    assert now.pop("by_tag") == {}
    assert now.pop("adapters") == {}
    assert [result.pop("without_content") for result in now["candidates"].values()] == [0, 0]
    assert now["benchmark"].pop("clarify") == 0
    assert not any(case.pop("clarify") for case in now["cases"])
    assert now == before
