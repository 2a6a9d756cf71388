"""The report's charts as SVG text, to stand inside its page: no script, no font and no file besides.

Colours are the page's own variables (`var(--c0)` ...), so that one drawing serves light, dark and print. Altair
and vl-convert are imported when the first chart is drawn, since they take a second to load; without the extra
`charts` nothing is drawn, and the page says how to get it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.comparison.report.data import Report
from groundtune.comparison.wording import verdict_words
from groundtune.extras import missing

EXTRA = "charts"
COLOURS = 8  # as many as the page defines; further candidates reuse them
_SHAPES = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-right", "triangle-left"]
_VERDICTS = {
    "better": "var(--better)",
    "worse": "var(--worse)",
    "equivalent": "var(--same)",
    "cannot tell": "var(--unsure)",
}
_VERDICT_SHAPES = ["triangle-up", "triangle-down", "square", "circle"]
_WIDTH = 860
_SMALL = 290
_MOST_FACETS = 12


@dataclass(frozen=True, slots=True)
class Chart:
    """`svg` is ready for HTML; `caption` says how to read it, `words` what it shows, for readers who cannot see it."""

    title: str
    caption: str
    words: str
    svg: str


def draw(report: Report) -> dict[str, Chart]:
    """Return the charts that the report has data for, by the name of their place in the page.

    None without the extra `charts`: every figure in them is in the tables too.
    """
    if missing(EXTRA):
        return {}
    drawers = {
        "scores": _scores,
        "others": _others,
        "latency": _latency,
        "differences": _differences,
        "distribution": _distribution,
        "training": _curves,
    }
    made = {place: drawer(report) for place, drawer in drawers.items()}
    return {place: chart for place, chart in made.items() if chart is not None}


def colour(report: Report, candidate: str) -> str:
    """Return the page's variable for a candidate's colour."""
    names = [candidate.name for candidate in report.candidates]
    return f"var(--c{names.index(candidate) % COLOURS})"


# --- the charts -----------------------------------------------------------------------------------


def _scores(report: Report) -> Chart | None:
    rows = _score_rows(report, [report.decide_by])
    if not rows:
        return None
    import altair as alt

    base = alt.Chart(alt.Data(values=rows))
    y = alt.Y("candidate:N", sort=None, title=None, axis=_names_axis(row["candidate"] for row in rows))
    chart = _with_intervals(report, base, y, report.measure(report.decide_by).title).properties(
        width=_WIDTH, height=alt.Step(34)
    )
    return Chart(
        f"{report.measure(report.decide_by).title} of each candidate",
        "Mean and interval of each candidate. Overlapping intervals do not mean that candidates are equal: the "
        "differences below are paired on the same cases and show more.",
        "; ".join(_in_words(row) for row in rows),
        _svg(chart),
    )


def _others(report: Report) -> Chart | None:
    names = [name for name in report.ordered_scorers if name != report.decide_by][:_MOST_FACETS]
    panels = [(name, rows) for name in names if (rows := _score_rows(report, [name]))]
    if not panels:
        return None
    import altair as alt

    charts: list[Any] = []
    for index, (name, rows) in enumerate(panels):
        labels = (
            _names_axis(candidate.name for candidate in report.candidates)
            if index % 3 == 0
            else alt.Axis(labels=False, ticks=False)
        )
        everyone = alt.Scale(domain=[candidate.name for candidate in report.candidates])
        y = alt.Y("candidate:N", scale=everyone, title=None, axis=labels)
        base = alt.Chart(alt.Data(values=rows), title=report.measure(name).title)
        charts.append(_with_intervals(report, base, y, None).properties(width=_SMALL - 35, height=alt.Step(20)))
    chart = alt.concat(*charts, columns=3, spacing=22)
    return Chart(
        "The other measures",
        "Mean and interval of each candidate on every other measure, each on its own scale. The figures are in the "
        "table of scores.",
        "",
        _svg(chart),
    )


def _latency(report: Report) -> Chart | None:
    rows = _latency_rows(report)
    if not rows:
        return None
    import altair as alt

    x = alt.X(
        "seconds:Q",
        title="seconds to the whole answer (median; the line ends at the 90th percentile)",
        scale=alt.Scale(zero=True),
        axis=alt.Axis(tickCount=8),
    )
    y = alt.Y("mean:Q", title=report.measure(report.decide_by).title, scale=alt.Scale(zero=False))
    paint = _colour(report, legend=False)
    base = alt.Chart(alt.Data(values=rows))
    chart = alt.layer(
        base.mark_rule(opacity=0.55).encode(x=x, y="low:Q", y2="high:Q", color=paint),
        base.mark_rule(opacity=0.55).encode(x=x, x2="p90:Q", y=y, color=paint),
        base.mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, color=paint, shape=_shape(report)),
        *(
            base.transform_filter(f"datum.place % 2 == {side}")
            .mark_text(align="left", dx=9, dy=-11 if side else 13, fontSize=12, color="var(--ink)")
            .encode(x=x, y=y, text="candidate:N")
            for side in (0, 1)  # neighbours are often close: one label below, the next above
        ),
    ).properties(width=_WIDTH, height=260)
    words = "; ".join(f"{row['candidate']}: {row['mean']:.2f} at {row['seconds']:.1f} s" for row in rows)
    return Chart("Quality against waiting time", "Higher is better, further left is faster.", words, _svg(chart))


def _differences(report: Report) -> Chart | None:
    rows = [
        {
            "pair": f"{difference.challenger} − {difference.baseline}",
            "mean": difference.difference.mean,
            "low": difference.difference.low,
            "high": difference.difference.high,
            "verdict": difference.verdict,
            "words": verdict_words(difference),
        }
        for difference in report.comparisons
        if difference.scorer == report.decide_by and difference.difference.low is not None
    ]
    if not rows:
        return None
    import altair as alt

    order = alt.Y("pair:N", sort=None, title=None, axis=_names_axis(str(row["pair"]) for row in rows))
    verdicts = list(_VERDICTS)
    paint = alt.Color("verdict:N", scale=alt.Scale(domain=verdicts, range=list(_VERDICTS.values())), title="verdict")
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=verdicts, range=_VERDICT_SHAPES), title="verdict")
    title = f"difference in {report.measure(report.decide_by).title}"
    band = alt.Chart(alt.Data(values=[{"from": -report.margin, "to": report.margin}]))
    base = alt.Chart(alt.Data(values=rows))
    chart = alt.layer(
        band.mark_rect(color="var(--band)").encode(x=alt.X("from:Q", title=title), x2="to:Q"),
        band.mark_rule(color="var(--muted)").encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q", y=order, color=paint),
        base.mark_point(filled=True, size=100, opacity=1).encode(x="mean:Q", y=order, color=paint, shape=shape),
    ).properties(width=_WIDTH - 60, height=alt.Step(30))
    words = "; ".join(f"{row['pair']}: {row['mean']:+.3f}, {row['words']}" for row in rows)
    return Chart(
        "Differences on the same cases",
        f"To the right of zero, the first of the two is better. Differences inside the band (±{report.margin:g}) do "
        f"not matter. Verdicts are corrected for the number of comparisons.",
        words,
        _svg(chart),
    )


def _distribution(report: Report) -> Chart | None:
    chosen = report.recommendation.candidate
    if chosen is None:
        return None
    panels = [
        (other.name, _case_differences(report, chosen, other.name))
        for other in report.candidates
        if other.name != chosen
    ]
    panels = [(name, values) for name, values in panels if values]
    if not panels:
        return None
    import altair as alt

    low, high = report.measure(report.decide_by).scale
    reach = high - low
    charts: list[Any] = []
    for name, values in panels[:_MOST_FACETS]:
        x = alt.X(
            "from:Q",
            title=None,
            scale=alt.Scale(domain=[-1.05 * reach, 1.05 * reach], nice=False),
            axis=alt.Axis(values=[-reach, 0, reach]),
        )
        base = alt.Chart(alt.Data(values=_bins(values, reach)), title=f"{chosen} − {name}")
        bars = base.mark_rect(color=colour(report, chosen), stroke="var(--paper)").encode(
            x=x, x2="to:Q", y=alt.Y("cases:Q", title="cases" if len(charts) % 3 == 0 else None), y2=alt.datum(0)
        )
        zero = base.mark_rule(color="var(--ink)", strokeDash=[3, 3]).encode(x=alt.datum(0))
        charts.append((bars + zero).properties(width=_SMALL - 20, height=110))
    chart = alt.concat(*charts, columns=3, spacing=20)
    words = "; ".join(
        f"against {name} better on {sum(value > 0 for value in values)} cases, worse on "
        f"{sum(value < 0 for value in values)}, equal on {sum(value == 0 for value in values)}"
        for name, values in panels
    )
    return Chart(
        "Case by case", f"The number of cases on which {chosen} gains or loses, by how much.", words, _svg(chart)
    )


def _curves(report: Report) -> Chart | None:
    rows = []
    for curve in report.curves:
        for point in curve.points:
            losses = (("training", point.train), ("held out", point.held_out))
            rows += [
                {"adapter": curve.adapter, "step": point.step, "loss": loss, "part": part}
                for part, loss in losses
                if loss is not None
            ]
    if not rows:
        return None
    import altair as alt

    parts = alt.Scale(domain=["training", "held out"], range=["var(--c0)", "var(--c1)"])
    charts: list[Any] = []
    for adapter in dict.fromkeys(row["adapter"] for row in rows):
        values = [row for row in rows if row["adapter"] == adapter]
        base = alt.Chart(alt.Data(values=values), title=str(adapter)).encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(tickCount=5)),
            y=alt.Y("loss:Q", title="loss" if not charts else None, scale=alt.Scale(zero=False)),
            color=alt.Color("part:N", scale=parts, title=None),
        )
        line = base.mark_line(strokeWidth=2).encode(
            strokeDash=alt.StrokeDash(
                "part:N", scale=alt.Scale(domain=["training", "held out"], range=[[1, 0], [5, 3]]), title=None
            )
        )
        held = base.mark_point(filled=True, size=36, opacity=1).transform_filter("datum.part == 'held out'")
        charts.append((line + held).properties(width=_SMALL + 90, height=180))
    return Chart(
        "Training",
        "Loss by optimizer step. If the held-out loss rises while the training loss falls, the model memorises the "
        "training data.",
        "",
        _svg(alt.concat(*charts, columns=2, spacing=24)),
    )


# --- parts ----------------------------------------------------------------------------------------


def _score_rows(report: Report, scorers: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for candidate in report.candidates:
        for name in scorers:
            score = candidate.scores.get(name)
            if score is not None and score.mean is not None:
                low, high = (score.mean if end is None else end for end in (score.low, score.high))
                rows.append({"candidate": candidate.name, "mean": score.mean, "low": low, "high": high})
    return rows


def _latency_rows(report: Report) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for candidate in report.candidates:
        score, total = candidate.scores.get(report.decide_by), candidate.latency.total
        if score is not None and score.mean is not None and total is not None:
            low, high = (score.mean if end is None else end for end in (score.low, score.high))
            row = {"candidate": candidate.name, "mean": score.mean, "low": low, "high": high, "place": len(rows)}
            rows.append(row | {"seconds": total.median, "p90": total.p90})
    return rows


def _in_words(row: dict[str, Any]) -> str:
    return f"{row['candidate']}: {row['mean']:.2f}, {row['low']:.2f} to {row['high']:.2f}"


def _case_differences(report: Report, candidate: str, other: str) -> list[float]:
    pairs = [[case.scores.get(name, {}).get(report.decide_by) for name in (candidate, other)] for case in report.cases]
    return [first - second for first, second in pairs if first is not None and second is not None]


def _bins(values: Sequence[float], reach: float) -> list[dict[str, float]]:
    """Count differences in 21 bins over ±reach, the middle one centred on no difference at all."""
    width = reach / 10
    counts, edges = np.histogram(values, bins=np.linspace(-reach - width / 2, reach + width / 2, 22))
    bars = zip(edges[:-1], edges[1:], counts, strict=True)
    return [{"from": float(low), "to": float(high), "cases": int(count)} for low, high, count in bars]


def _with_intervals(report: Report, base: Any, y: Any, title: str | None) -> Any:  # noqa: ANN401 -- altair is untyped
    import altair as alt

    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=5))
    paint = _colour(report, legend=False)
    rule = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=x, x2="high:Q", y=y, color=paint)
    point = base.mark_point(filled=True, size=90, opacity=1).encode(x="mean:Q", y=y, color=paint, shape=_shape(report))
    return alt.layer(rule, point)


def _colour(report: Report, *, legend: bool) -> Any:  # noqa: ANN401 -- altair is untyped
    import altair as alt

    names = [candidate.name for candidate in report.candidates]
    scale = alt.Scale(domain=names, range=[colour(report, name) for name in names])
    return alt.Color("candidate:N", scale=scale, legend=alt.Legend() if legend else None)


def _shape(report: Report) -> Any:  # noqa: ANN401 -- altair is untyped
    import altair as alt

    names = [candidate.name for candidate in report.candidates]
    shapes = [_SHAPES[index % len(_SHAPES)] for index in range(len(names))]
    return alt.Shape("candidate:N", scale=alt.Scale(domain=names, range=shapes), legend=None)


def _names_axis(names: Iterable[str]) -> Any:  # noqa: ANN401 -- altair is untyped
    """The drawing library measures text without the reader's fonts: room is kept by the letter."""
    import altair as alt

    return alt.Axis(minExtent=min(230, 12 + 7.6 * max(len(name) for name in names)), labelLimit=230)


def _svg(chart: Any) -> str:  # noqa: ANN401 -- altair is untyped
    import vl_convert

    chart = (
        chart.configure(background="transparent", font="system-ui, sans-serif", padding=4)
        .configure_axis(
            labelColor="var(--muted)",
            titleColor="var(--muted)",
            gridColor="var(--line)",
            domainColor="var(--line)",
            tickColor="var(--line)",
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=220,
        )
        .configure_axisY(grid=False, domain=False, ticks=False, labelColor="var(--ink)")
        .configure_view(stroke=None)
        .configure_title(color="var(--ink)", fontSize=12.5, fontWeight=600, anchor="start")
        .configure_legend(labelColor="var(--ink)", titleColor="var(--muted)", titleFontWeight="normal", orient="top")
    )
    return str(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
