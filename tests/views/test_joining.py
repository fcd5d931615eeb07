"""A figure of any result is small: neighbours are joined, nothing is lost in silence, and the figure says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics import alerting, profiling, views
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.views.joining import extremes, joined, thinned
from onex_analytics.views.theme import description

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LARGEST_BYTES = 2_000_000
MINUTES = 8_000
NAME = "a name that is as long as names of operations are in real life"


def minutes(many: int = MINUTES, /, **columns: object) -> pl.DataFrame:
    """One row a minute; columns are numbers or functions of the minute."""
    made = {name: [held(i) for i in range(many)] if callable(held) else [held] * many for name, held in columns.items()}
    return pl.DataFrame({"start": [NOON + timedelta(minutes=i) for i in range(many)], **made})


def by(column: str, names: int, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame once for each name."""
    return pl.concat(frame.with_columns(pl.lit(f"{NAME} {i}").alias(column)) for i in range(names))


def spans(n: int, groups: int = 2_000) -> pl.DataFrame:
    """Spans of traces of three, one each second, of many names."""
    draw = np.random.default_rng(0)
    start = pl.Series([NOON + timedelta(seconds=i) for i in range(n)])
    took = pl.Series(draw.lognormal(10, 2, n).astype(np.int64)).cast(pl.Duration("us"))
    name = [f"{NAME} {i % groups}" for i in range(n)]
    return pl.DataFrame({
        "trace_id": [f"t{i // 3}" for i in range(n)], "span_id": [f"s{i}" for i in range(n)], "node": name,
        "parent_span_id": [f"s{i - 1}" if i % 3 else None for i in range(n)], "operation": name, "name": name,
        "start": start, "end": start + took,
    })  # fmt: skip


def latencies(n: int = MINUTES) -> pl.DataFrame:
    """As `latency_timeseries` has them."""
    shares = {f"p{q}_ms": lambda i, q=q: q + i % 97 / 7 for q in (50, 90, 95, 99)}
    return minutes(n, n=20, errors=1, open=0, **shares)


def heat() -> pl.DataFrame:
    cells = by("node", 3, minutes(1_200, n=lambda i: 1 + i % 9)).with_columns(end=pl.col("start").dt.offset_by("1m"))
    return pl.concat(
        cells.with_columns(bucket=pl.lit(b), lower_ms=pl.lit(2.0**b), upper_ms=pl.lit(2.0 ** (b + 1))) for b in range(9)
    )


def periods(n: int) -> pl.DataFrame:
    told = {"kind": "errors", "what": NAME, "measure": "failed share", "observed": 0.5, "usual": 0.1, "n": 20}
    return minutes(n, node=lambda i: f"{NAME} {i % 2000}", **told).with_columns(end=pl.col("start").dt.offset_by("9m"))


def steps() -> pl.DataFrame:
    more = {"started": 1, "ended": 1, "open": 0, "left_out": 0}
    return minutes(20_000, in_flight=lambda i: i * i % 83, **more).rename({"start": "at"})


def operations(n: int) -> pl.DataFrame:
    numbers = {"n": 9, "errors": 1, "p50_ms": 5.0, "p95_ms": 7.0, "p99_ms": 9.0, "max_ms": 11.0}
    return minutes(n, node=lambda i: f"{NAME} {i}", operation=NAME, **numbers)


VERSIONS = by("schema_version", 30, minutes(1_500, events=3, share=1 / 30))
TYPES = by("event_type", 30, minutes(1_500, events=3, per_minute=3.0))
RATES = minutes(events=10, finished=5, failures=1, rate_of_finished=0.2, rate_of_events=0.1)
QUEUE = minutes(events=3, exported=3, dropped_full=1, dropped_oversize=1, queue_max=lambda i: i % 50)
WEIGHTS = by("node", 12, minutes(3_000, events=2, total_bytes=600, mean_bytes=300.0, max_bytes=400))
FLIGHT = minutes(mean_in_flight=2.5, peak=lambda i: i % 31, least=0, open=1, left_out=0)

def values() -> pl.DataFrame:
    """As `values_over_time` has them: 20 label sets and all others."""
    told = minutes(1_000, state=lambda i: ("inactive", "pending", "firing")[i % 97 // 40], firing=lambda i: i % 2,
                   low=1.0, high=lambda i: i % 31 + 1.0, op=">", threshold=9.0, min_count=0)  # fmt: skip
    end = pl.col("start").dt.offset_by("1m")
    told = told.with_columns(end=end, labels=pl.lit(None, LABEL_SET), label_sets=pl.lit(1))
    return pl.concat(told.with_columns(rank=pl.lit(rank, pl.Int64)) for rank in [*range(20), None])


def thresholds() -> pl.DataFrame:
    """As `sweep` has them: six windows with two thousand thresholds each."""
    log = pl.DataFrame({"event_id": ["a", "b"], "timestamp": [NOON, NOON + timedelta(minutes=9)]})
    cell = {"count": {"window": "1m"}, "threshold": 1}
    row = alerting.sweep(alerting.Rule.model_validate({"alert": "Busy", "when": cell}), log).head(1)
    steps = pl.DataFrame({"threshold": range(2_000)}).select(
        pl.col("threshold").cast(pl.Float64), low=pl.col("threshold") - 0.5, high=pl.col("threshold") + 0.5
    )
    windows = pl.DataFrame({"window": [timedelta(minutes=many) for many in range(1, 7)]})
    rest = row.drop("threshold", "low", "high", "window")
    return windows.join(steps, how="cross").join(rest, how="cross").select(row.columns)


LARGE: dict[str, tuple[Callable[[], go.Figure], str]] = {
    "overview.events_per_minute": (lambda: views.overview.events_per_minute(TYPES), "each bar is 3 buckets together"),
    "overview.error_rate": (lambda: views.overview.error_rate(RATES), "each mark is 6 buckets together"),
    "overview.schema_adoption": (lambda: views.overview.schema_adoption(VERSIONS), "each bar is 3 buckets together"),
    "overview.latency": (lambda: views.overview.latency(operations(2_000)), "1,000 more operations, faster ones"),
    "overview.notable_periods": (lambda: views.overview.notable_periods(periods(5_000)), "4,000 more periods, less"),
    "profiling.percentile_bands": (
        lambda: views.profiling.percentile_bands(by("node", 3, latencies(3_000))), "is the worst of 6 buckets",
    ),
    "profiling.change_points": (
        lambda: views.profiling.change_points(latencies(), profiling.change_points(latencies(50)).collect()),
        "in a row the least and the greatest are drawn",
    ),
    "profiling.concurrency": (lambda: views.profiling.concurrency(steps()), "in a row the least and the greatest"),
    "profiling.concurrency by buckets": (lambda: views.profiling.concurrency(FLIGHT), "each mark is 2 buckets"),
    "profiling.heatmap": (lambda: views.profiling.heatmap(heat()), "each cell is 5 buckets of time together"),
    "profiling.latency_bars": (
        lambda: views.profiling.latency_bars(profiling.latency_table(spans(4_000)).collect()),
        "a mark of the other groups stands for 2 of them",
    ),
    "profiling.open_spans": (
        lambda: views.profiling.open_spans(minutes(node=NAME, operation=NAME, trace_id="t" * 32, span_id="s" * 36,
                                                   age_ms=lambda i: 1.0 + i, silent_ms=1.0)),
        "a mark stands for 3 spans of about its age",
    ),
    "profiling.flame_graph": (
        lambda: views.profiling.flame_graph(profiling.flame_graph(spans(3_000, 3_000), max_nodes=9_000).collect()),
        "3,000 call paths are too many for a picture. Mend: ask for flame_graph(…, max_nodes=2000)",
    ),
    "profiling.diff_flame_graph": (
        lambda: views.profiling.diff_flame_graph(
            profiling.diff_flame_graph(spans(3_000, 3_000), spans(3_000, 3_000), max_nodes=9_000).collect()
        ),
        "3,000 call paths are too many for a picture",
    ),
    "profiling.waterfall": (
        lambda: views.profiling.waterfall(profiling.waterfall(
            spans(3_000).with_columns(trace_id=pl.lit("t")), trace_id="t", max_lanes=9_000).collect()),
        "3,000 lines are too many for a picture. Mend: ask for waterfall(…, max_lanes=200)",
    ),
    "alerting.value_against_threshold": (
        lambda: views.alerting.value_against_threshold(values(), "Busy"), "each step is 6 buckets together",
    ),
    "alerting.sweep_curve": (lambda: views.alerting.sweep_curve(thresholds()), "steps are drawn"),
    "batching.queue_over_time": (lambda: views.batching.queue_over_time(QUEUE), "each bucket is 6 of the result"),
    "sizing.growth": (lambda: views.sizing.growth(WEIGHTS), "each bar is 5 buckets together"),
}  # fmt: skip

BOUNDED = {
    "alerting": "each has a `most`, lanes and stretches by number, and says what stands beyond (tests/views/alerting)",
    "error_patterns": "each has a `most` and joins buckets (tests/views/error_patterns)",
    "sampling": "each has a `most`, or a row a policy that was tried (tests/views/sampling)",
    "batching.batch_sizes": "at most 41 steps for each of three reasons",
    "batching.delay_by_rate": "a row a policy",
    "profiling.comparison_forest": "has a `most`",
    "profiling.critical_path_bar": "pieces beyond the largest share one",
    "profiling.ecdf": "has a `most`; a line has a step a bucket of a sketch, a few hundred",
    "sizing.byte_pareto": "has a `most`",
    "sizing.codec_bars": "a row a way of making bytes smaller",
    "sizing.size_histogram": "a row a bucket of a sketch, a few hundred",
}


def test_every_figure_is_looked_at_or_bounded():
    for room in ("overview", "alerting", "batching", "error_patterns", "profiling", "sampling", "sizing"):
        held = getattr(views, room)
        names = getattr(held, "__all__", [n for n, f in vars(held).items() if _is_figure(f) and n[0] != "_"])
        for name in set(names) - {name.partition(".")[2] for name in LARGE if name.startswith(room)}:
            assert room in BOUNDED or f"{room}.{name}" in BOUNDED, f"{room}.{name}"


def _is_figure(one: object) -> bool:
    return inspect.isfunction(one) and one.__module__ == views.overview.__name__


@pytest.mark.parametrize("name", LARGE)
def test_a_figure_of_a_large_result_is_small_and_says_what_it_joined(name):
    draw, said = LARGE[name]
    figure = draw()
    assert len(figure.to_json().encode()) < LARGEST_BYTES
    axes = " ".join(str(axis.title.text) for axis in figure.select_xaxes())
    assert said in axes + description(figure)


def test_what_is_joined_adds_up():
    told = views.overview.events_per_minute(TYPES)
    assert sum(sum(trace.y) for trace in told.data) * 3 == pytest.approx(TYPES["events"].sum())
    rates = views.overview.error_rate(RATES)
    assert all(share == pytest.approx(0.2) for share in rates.data[0].y)
    assert sum(row[0] for row in rates.data[0].customdata) == RATES["failures"].sum()
    cells = views.profiling.heatmap(heat())
    drawn = sum(round(10**z) for trace in cells.data for row in trace.z for z in row if z is not None)
    assert drawn == heat()["n"].sum()
    weights = views.sizing.growth(WEIGHTS)
    assert sum(sum(bar.y) for bar in weights.data if bar.type == "bar") == WEIGHTS["total_bytes"].sum()
    queue = views.batching.queue_over_time(QUEUE)
    assert sum(queue.data[0].y[:-1]) == QUEUE["events"].sum()
    assert max(queue.data[2].y) == QUEUE["queue_max"].max()


def test_a_result_that_fits_is_drawn_bucket_by_bucket():
    few = RATES.head(1_000)
    assert len(views.overview.error_rate(few).data[0].x) == 1_000
    assert "together" not in views.overview.error_rate(few).layout.xaxis.title.text


COUNTS = st.lists(st.tuples(st.integers(0, 300), st.sampled_from("ab"), st.integers(0, 9)), min_size=1, max_size=60)


@given(COUNTS, st.integers(1, 50))
def test_joined_buckets_are_few_and_hold_what_lay_in_them(rows, most):
    """Beside the slow way: each row goes into the bucket that its minute lies in."""
    start = [NOON + timedelta(minutes=minute) for minute, _, _ in rows]
    frame = pl.DataFrame({"start": start, "by": [name for _, name, _ in rows], "n": [n for _, _, n in rows]})
    found, many = joined(frame, ["by"], lambda many: [pl.col("n").sum()], most)
    if many == 1:
        assert found.equals(frame)
        return
    first = min(minute for minute, _, _ in rows)
    width = min(b - a for a, b in zip(*[sorted({m for m, _, _ in rows})[i:] for i in (0, 1)], strict=False))
    expected: dict[tuple[int, str], int] = {}
    for minute, name, n in rows:
        key = ((minute - first) // (width * many), name)
        expected[key] = expected.get(key, 0) + n
    told = {((at - NOON) // timedelta(minutes=1) - first, name): n for at, name, n in found.rows()} \
        if found.columns[0] == "start" else {((at - NOON) // timedelta(minutes=1) - first, name): n
                                             for name, at, n in found.rows()}  # fmt: skip
    assert told == {(place * width * many, name): n for (place, name), n in expected.items()}
    assert len({place for place, _ in told}) <= most


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(-9, 9)), max_size=200), st.integers(1, 20))
def test_a_line_through_extremes_reaches_as_far_as_the_whole_one(points, most):
    frame = pl.DataFrame(
        [(NOON + timedelta(seconds=at), n) for at, n in sorted(points)],
        schema={"start": pl.Datetime("us", "UTC"), "n": pl.Int64}, orient="row",
    )  # fmt: skip
    found, many = extremes(frame, [], "n", most)
    assert found.height <= max(2 * most, 0) or many == 1
    assert found["start"].is_sorted()
    assert (found["n"].min(), found["n"].max()) == (frame["n"].min(), frame["n"].max())


@given(st.lists(st.integers()), st.integers(1, 20))
def test_of_many_marks_some_stand_for_all(items, most):
    found, each = thinned(items, most)
    assert len(found) <= most
    assert found == items[::each]
    assert not items or found[0] == items[0]
