from datetime import timedelta

import polars as pl
import pytest

from onex_analytics import profiling
from onex_analytics.views.profiling import change_points, percentile_bands
from onex_analytics.views.theme import description
from tests.views.profiling.results import NOON, is_blank, named, spans


def series(spans: pl.DataFrame, **more: object) -> pl.DataFrame:
    return profiling.latency_timeseries(spans, "1m", quantiles=[0.5, 0.9, 0.99], **more).collect()


def test_percentiles_are_drawn_as_the_frame_has_them():
    frame = series(spans([1000, 2000, 3000, 4000, 5000, 6000]))
    figure = percentile_bands(frame)
    for name in ("p50", "p90", "p99"):
        line = named(figure, name)
        assert list(line.x) == frame["start"].to_list()
        assert list(line.y) == frame[f"{name}_ms"].to_list()
    assert figure.layout.yaxis.type == "log"


def test_a_band_reaches_from_one_percentile_to_the_next():
    frame = series(spans([1000, 2000, 3000, 4000]))
    band = named(percentile_bands(frame), "p50 to p90")
    assert band.fill == "toself"
    assert list(band.y) == [*frame["p50_ms"], *reversed(frame["p90_ms"].to_list()), frame["p50_ms"][0]]


def test_buckets_without_a_span_leave_a_gap_in_lines_and_bands():
    frame = series(pl.concat([spans([1000] * 6)[:2], spans([1000] * 30)[20:]]))
    figure = percentile_bands(frame)
    assert named(figure, "p50").y.count(None) == 1
    assert named(figure, "p50 to p90").y.count(None) == 1


def test_a_bucket_of_open_spans_only_leaves_a_gap():
    figure = percentile_bands(series(spans([1000, 1000, None, None, 1000, 1000])))
    assert list(named(figure, "p50").y) == [1.0, None, 1.0]
    assert named(figure, "p50 to p90").y.count(None) == 1
    assert "2 open" in named(figure, "p50").customdata[1][1]


def test_eight_of_many_groups_have_a_panel_and_the_others_are_counted():
    names = [f"op{i % 12:02}" for i in range(40)]
    figure = percentile_bands(series(spans([1000] * 40, names, every_s=0.1), by="operation"))
    titles = [note.text for note in figure.layout.annotations]
    assert titles == [f"op{i:02}" for i in range(8)]
    assert "4 less busy groups not drawn" in figure.layout.xaxis8.title.text
    assert "4 less busy groups not drawn." in description(figure)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["p50 to p90", "p90 to p99", "p50"]


def test_the_busiest_groups_are_those_with_a_panel():
    names = [f"op{i:02}" for i in range(20)] + ["op19"] * 3
    figure = percentile_bands(series(spans([1000] * 23, names, every_s=0.1), by="operation"))
    assert figure.layout.annotations[0].text == "op19"


def test_spans_without_a_start_are_told_of():
    frame = series(spans([1000, 1000]))
    unknown = frame.with_columns(start=pl.lit(None, frame.schema["start"]))
    assert "without a known start" in description(percentile_bands(pl.concat([frame, unknown])))
    assert is_blank(percentile_bands(unknown))


@pytest.mark.parametrize("durations", [[], [None]], ids=["no span", "an open one"])
def test_no_percentile_is_no_line(durations):
    figure = percentile_bands(series(spans(durations)))
    assert is_blank(figure) or set(named(figure, "p50").y) == {None}


def test_a_table_without_percentiles_says_so():
    frame = profiling.latency_timeseries(spans([1000]), "1m", quantiles=[]).collect()
    assert "no percentiles" in description(percentile_bands(frame))


def jumpy(node: str = "a") -> pl.DataFrame:
    values = [(30.0 if 40 <= i < 80 else 10.0) + i * 7 % 5 for i in range(120)]
    return pl.DataFrame({
        "node": [node] * 120, "start": [NOON + timedelta(minutes=i) for i in range(120)], "p50_ms": values,
    })  # fmt: skip


def test_a_change_is_marked_where_and_at_the_level_that_the_frame_says():
    frame = jumpy()
    points = profiling.change_points(frame).collect()
    assert points.height == 2
    figure = change_points(frame, points)
    up, down = named(figure, "the level rises"), named(figure, "the level falls")
    assert (up.x[0], up.y[0]) == points.select("start", "after").row(0)
    assert (down.x[0], down.y[0]) == points.select("start", "after").row(1)
    assert up.marker.symbol != down.marker.symbol
    level = named(figure, "level")
    assert list(level.y[:2]) == [points["before"][0]] * 2
    assert list(named(figure, "p50_ms").y) == frame["p50_ms"].to_list()
    assert "2 changes of level" in description(figure)


def test_series_that_changed_come_first():
    flat = jumpy("b").with_columns(p50_ms=pl.lit(5.0))
    both = pl.concat([flat.with_columns(node=pl.lit("0")), flat, jumpy("z")])
    figure = change_points(both, profiling.change_points(both, by="node").collect())
    assert [note.text for note in figure.layout.annotations][:3] == ["z", "0", "b"]


def test_a_value_that_is_no_duration_is_drawn_as_it_is():
    rates = jumpy().rename({"p50_ms": "rate"}).drop("node")
    figure = change_points(rates, profiling.change_points(rates, "rate").collect(), "rate")
    assert figure.layout.yaxis.type is None
    assert figure.layout.yaxis.title.text == "rate"


def test_a_series_without_a_change_is_a_line_and_none_is_blank():
    points = profiling.change_points(jumpy().head(3).drop("node")).collect()
    figure = change_points(jumpy().head(3).drop("node"), points)
    assert [trace.name for trace in figure.data] == ["p50_ms"]
    assert is_blank(change_points(jumpy().head(0), points))
