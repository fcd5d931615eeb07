"""Unfinished work is found, and counts in percentiles for what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics import EventStore, build_spans, generate
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import open_spans, quantile_of
from onex_analytics.synthetic import Incident

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def spans(*rows: tuple[str, str, float | None, float | None]) -> pl.DataFrame:
    """Trace, id, start and end in seconds."""
    return pl.DataFrame(
        [(trace, span, None, "work", at(start), at(end)) for trace, span, start, end in rows],
        schema={"trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
                "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}, orient="row",
    )  # fmt: skip


def test_an_open_span_has_its_age_and_the_last_sign_of_life_in_its_trace():
    frame = spans(("t", "a", 0, None), ("t", "b", 1, 7), ("u", "c", 2, None))
    found = open_spans(frame, now=at(10)).select("span_id", "age_ms", "last_sign_of_life", "silent_ms").collect()
    assert found.rows() == [("a", 10_000.0, at(7), 3000.0), ("c", 8000.0, at(2), 8000.0)]


def test_now_may_lie_in_the_past_what_ended_later_was_open_and_what_began_later_was_not_there():
    frame = spans(("t", "a", 0, 9), ("t", "b", 6, None), ("t", "c", 1, 2))
    assert open_spans(frame, now=at(5)).select("span_id", "last_sign_of_life").collect().rows() == [("a", at(2))]


def test_dimensions_stay():
    frame = spans(("t", "a", 0, None)).with_columns(tenant=pl.lit("acme"))
    assert open_spans(frame, now=at(1)).collect()["tenant"].to_list() == ["acme"]


def test_no_time_is_refused():
    with pytest.raises(InvalidOption, match="now"):
        open_spans(spans(), now="today")  # type: ignore[arg-type]


def test_a_column_that_is_absent_is_asked_for():
    with pytest.raises(MissingColumns, match="tenant"):
        open_spans(spans(), now=at(0), survival=True, by="tenant")


def test_what_a_node_timed_itself_counts_though_a_clock_was_set_back():
    frame = spans(("t", "a", 5, 3), ("t", "b", 5, 4)).with_columns(
        state=pl.lit("negative_duration"), duration_ms=pl.Series([700.0, -1000.0])
    )
    found = open_spans(frame, now=at(10), survival=True, by=(), quantiles=[0.5]).collect()
    assert found.select("n", "ended", "open", "left_out", "p50_ms").rows() == [(2, 1, 0, 1, 700.0)]


def test_open_work_counts_as_having_lasted_so_long_yet():
    frame = spans(("t", "a", 0, 1), ("t", "b", 0, 2), ("t", "c", 7.5, None), ("t", "d", 0, 4))
    found = open_spans(frame, now=at(10), survival=True, by=(), quantiles=[0.5, 0.9]).collect()
    assert found.row(0, named=True) == {
        "n": 4, "ended": 3, "open": 1, "left_out": 0, "p50_ms": 2000.0, "p90_ms": 4000.0
    }  # fmt: skip


def test_spans_without_a_usable_duration_are_left_out_and_counted():
    frame = spans(("t", "a", 0, 1), ("t", "b", 3, 2), ("t", "c", None, 2))
    found = open_spans(frame, now=at(10), survival=True, by="node").collect()
    assert found.select("node", "n", "ended", "open", "left_out").rows() == [(None, 3, 1, 0, 2)]


def test_nothing_gives_nothing():
    assert open_spans(spans(), now=at(0)).collect().is_empty()
    assert open_spans(spans(), now=at(0), survival=True).collect().is_empty()
    waiting = open_spans(spans(("t", "a", 0, None)), now=at(1), survival=True, by=()).collect()
    assert waiting["p50_ms"].to_list() == [None]


def textbook(lasted: list[tuple[int, bool]], q: float) -> int | None:
    """Kaplan and Meier as a textbook has it: at each duration at which work ended, one factor."""
    still = 1.0
    for duration in sorted({d for d, over in lasted if over}):
        at_risk = sum(d >= duration for d, _ in lasted)
        ended = sum(d == duration and over for d, over in lasted)
        still *= 1 - ended / at_risk
        if still <= 1 - q + 1e-9:
            return duration
    return None


@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30), st.sampled_from([0.1, 0.5, 0.9, 1])
)
def test_percentiles_are_those_of_the_textbook(lasted, q):
    frame = spans(*(("t", f"s{i}", 0 if over else 100 - d, d if over else None) for i, (d, over) in enumerate(lasted)))
    found = open_spans(frame, now=at(100), survival=True, by=(), quantiles=[q]).collect()
    wanted = textbook(lasted, float(q))
    assert found.to_series(4).to_list() == [None if wanted is None else wanted * 1000.0]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.sampled_from([0.01, 0.07, 0.3, 0.5, 0.95, 1]))
def test_where_all_work_ended_the_percentile_is_the_nearest_rank(durations, q):
    frame = spans(*(("t", f"s{i}", 0, d) for i, d in enumerate(durations)))
    found = open_spans(frame, now=at(100), survival=True, by=(), quantiles=[q]).collect().to_series(4).item()
    assert found == quantile_of([d * 1000.0 for d in durations], q)


def test_the_work_of_a_stuck_node_is_found(tmp_path: Path):
    stuck = Incident(kind="stuck_node", node="schema_generator_node", start=0.4, end=0.6, magnitude=0.8)
    log = generate(40_000, seed=11, incidents=[stuck])
    log.write(tmp_path / "log.jsonl")
    store = EventStore(tmp_path / "store")
    store.append(tmp_path / "log.jsonl")
    (label,) = log.labels.iter_rows(named=True)
    events = store.scan()
    now = events.select(pl.col("timestamp").max()).collect().item()
    found = open_spans(build_spans(events), now=now).collect()
    within = found.filter(pl.col("start").is_between(label["start"], label["end"]))
    by_node = within["node"].value_counts(sort=True)
    assert by_node["node"][0] == "schema_generator_node"
    rest = by_node["count"].slice(1).sum()
    assert by_node["count"][0] > 3 * rest / max(by_node.height - 1, 1)
    outside = found.filter(~pl.col("start").is_between(label["start"], label["end"]), node="schema_generator_node")
    assert by_node["count"][0] > outside.height
