"""Delay against the rate of exports."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.views.batching import delay_by_rate
from onex_analytics.views.theme import description
from tests.views.batching.results import compared


def marks(figure) -> dict[str, list[str]]:
    return {trace.name.split(" · ")[0]: list(trace.customdata) for trace in figure.data if trace.mode == "markers"}


def test_every_policy_with_a_rate_has_a_mark_of_its_kind():
    rows = compared()
    figure = delay_by_rate(rows)
    found = marks(figure)
    assert len(found["loses events"]) == 1
    assert "small &lt;queue&gt;" in found["loses events"][0]
    clean = rows.filter((pl.col("dropped_full") == 0) & (pl.col("dropped_oversize") == 0))
    assert len(found["nothing beats it"]) == clean["best"].sum() > 0
    assert len(found["beaten"]) == (~clean["best"]).sum() > 0
    assert figure.data[-1].name.startswith("nothing beats it")  # above the others
    assert "1 policy without batches or rate not drawn" in figure.layout.xaxis.title.text
    assert "1 policy loses events." in description(figure)


def test_a_line_reaches_from_the_median_to_99_percent():
    rows = compared().filter(policy="50 events or 1 s")
    line = delay_by_rate(rows).data[0]
    assert line.mode == "lines"
    assert list(line.y[:2]) == [rows["delay_p50_ms"].item(), rows["delay_p99_ms"].item()]


def test_marks_in_one_place_are_named_on_both_sides_and_no_more():
    row = compared().filter(policy="50 events or 1 s")
    thrice = pl.concat([row.with_columns(policy=pl.lit(name)) for name in ("one", "two", "three")])
    shown = delay_by_rate(thrice).layout.annotations
    assert [(one.text, one.xanchor) for one in shown] == [("one", "left"), ("two", "right")]


@pytest.mark.parametrize("policy", ["none of them", "refuses all"])
def test_without_batches_the_figure_says_so(policy):
    rows = compared().filter(policy=policy)
    assert "no policy made batches" in description(delay_by_rate(rows))


def test_a_delay_of_nothing_stands_at_the_foot_of_the_axis():
    rows = compared().head(2).with_columns(delay_p50_ms=0.0, delay_p95_ms=0.0)
    figure = delay_by_rate(rows)
    assert "0" in figure.layout.yaxis.ticktext
    assert all(y > 0 for trace in figure.data for y in trace.y if y is not None)
