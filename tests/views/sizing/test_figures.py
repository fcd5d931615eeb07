"""What each figure of sizes draws, number for number."""

from __future__ import annotations

import pytest

from onex_analytics.views.sizing import byte_pareto, codec_bars, growth, size_histogram
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank
from tests.views.sizing.results import cases


def test_a_bar_is_the_bytes_of_a_group_and_the_line_what_those_down_to_it_make():
    report = cases()["a few"].report
    bars, line = byte_pareto(report).data
    assert list(bars.x) == report["total_bytes"].to_list()
    assert list(line.x) == pytest.approx((report["total_bytes"].cum_sum() / report["total_bytes"].sum()).to_list())
    layout = byte_pareto(report).layout
    assert layout.xaxis.range[1] / report["total_bytes"].sum() == pytest.approx(layout.xaxis2.range[1])


@pytest.mark.parametrize("most", [1, 4, 20])
def test_nothing_is_lost_in_other(most):
    report = cases()["2,000 types"].report
    figure = byte_pareto(report, most)
    assert sum(figure.data[0].x) == report["total_bytes"].sum()
    assert f"{2000 - most:,} groups beyond the first {most} share one bar" in description(figure)
    over_time = growth(cases()["2,000 types"].over_time, most)
    assert sum(sum(bar.y) for bar in over_time.data if bar.type == "bar") == report["total_bytes"].sum()


def test_the_pointer_tells_how_many_go_over_a_limit():
    hover = byte_pareto(cases()["huge events"].report).data[0].customdata[0]
    for told in ("HUGE", "2 events over the limit of cloudevents", "1 event over the limit of kafka", "p99 2.86 MiB"):
        assert told in hover


def test_shares_by_size_add_up_and_limits_are_lines():
    case = cases()["huge events"]
    figure = size_histogram(case.distribution, {"mine": 1000, "far": 10**8})
    events, of_bytes = figure.data
    assert sum(events.y) == pytest.approx(1)
    assert sum(of_bytes.y) == pytest.approx(1)
    assert [shape.x0 for shape in figure.layout.shapes] == [1000, 10**8]
    assert figure.layout.xaxis.range[1] > 8  # in powers of ten
    assert [note.text for note in figure.layout.annotations] == ["mine 1,000 B", "far 95.4 MiB"]


def test_growth_adds_up_bucket_by_bucket_and_tells_the_mean():
    case = cases()["a few"]
    figure = growth(case.over_time)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    (line,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert sum(sum(bar.y) for bar in bars) == case.over_time["total_bytes"].sum()
    first = case.over_time.filter(case.over_time["start"] == case.over_time["start"].min())
    assert line.y[0] == pytest.approx(first["total_bytes"].sum() / first["events"].sum())


def test_a_line_breaks_where_there_was_no_event():
    (line,) = [trace for trace in growth(cases()["huge events"].over_time).data if trace.type == "scatter"]
    assert None in list(line.y)


def test_bytes_without_a_time_are_said():
    figure = growth(cases()["a few"].over_time.vstack(cases()["nulls"].over_time))
    assert "of events without a time not drawn" in description(figure)


def test_a_bar_is_what_a_way_leaves():
    report = cases()["a few"].compression
    figure = codec_bars(report)
    left = {place: x for bar in figure.data for place, x in zip(bar.y, bar.x, strict=True)}
    assert [left[place] for place in range(report.height)] == pytest.approx(
        (report["stored_bytes"] / report["plain_bytes"]).to_list()
    )


def test_what_a_figure_cannot_draw_is_said_with_the_mend():
    case = cases()["a few"]
    assert "growth" in description(byte_pareto(case.over_time))
    assert "every=" in description(growth(case.report))
    assert "without by=" in description(size_histogram(case.distribution.with_columns(node=None)))
    for figure in (byte_pareto(cases()["no event"].report), size_histogram(cases()["no event"].distribution),
                   codec_bars(cases()["no event"].compression), growth(cases()["nulls"].over_time)):  # fmt: skip
        assert is_blank(figure)
