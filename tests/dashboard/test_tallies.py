"""What counts by minute tell is what the analyses of the log tell."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics import frames
from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.selection import Selection
from tests.frames.rows import NOON, events, run

NAMES = st.sampled_from(["a", "b", "c", None])
RUNS = st.lists(
    st.tuples(NAMES, st.integers(0, 9000), st.booleans(), st.sampled_from(["stamp", "read", None]), st.booleans()),
    max_size=12,
)
LONE = st.lists(st.tuples(NAMES, st.integers(0, 9000), st.sampled_from(["NODE_START", "STRUCTURED_LOG", "mine"])),
                max_size=12)  # fmt: skip
TIMES = st.sampled_from([None, NOON + timedelta(minutes=20), NOON + timedelta(minutes=90)])
SELECTIONS = st.builds(
    lambda since, until, node, outcome: Selection(since, until, node=node, outcome=outcome), TIMES, TIMES,
    st.sampled_from([(), ("a",), ("", "b")]), st.sampled_from([(), ("failure", "success")]),
).filter(lambda s: s.since is None or s.until is None or s.since < s.until)  # fmt: skip


def log_of(runs, lone) -> pl.DataFrame:
    rows = [
        row for place, (node, at, failed, operation, open_) in enumerate(runs)
        for row in run(node, f"c{place}", at, failed=failed, operation=operation)[: 2 if open_ else 4]
    ]  # fmt: skip
    rows += [{"node": node, "at": at, "event_type": kind, "schema_version": kind[:3]} for node, at, kind in lone]
    return events(rows).collect()


def chosen(log: pl.DataFrame, selection: Selection) -> tuple[pl.DataFrame, pl.DataFrame, pl.LazyFrame, pl.LazyFrame]:
    """The counts of events and work, and the events and the work themselves, that were chosen."""
    work = frames.operations_of(frames.build_spans(log.lazy())).collect()
    of_events = selection.rows("timestamp", "node", "event_type", "outcome", "operation")
    told_at = work.with_columns(told_at=pl.coalesce("finished_at", "timestamp"))
    of_work = selection.rows("told_at", "node", "operation", "outcome")
    counts = tallies.event_tally(log.lazy()).collect().sort("minute")
    counts = counts.filter(selection.rows("minute", "node", "event_type", "outcome", "operation"))
    work_counts = tallies.work_tally(work.lazy()).collect()
    work_counts = work_counts.filter(selection.rows("minute", "node", "operation", "outcome"))
    return counts, work_counts, log.lazy().filter(of_events), told_at.filter(of_work).drop("told_at").lazy()


@settings(max_examples=15)
@given(RUNS, LONE, SELECTIONS)
def test_counts_tell_what_the_log_tells(runs, lone, selection):
    counts, work_counts, log, work = chosen(log_of(runs, lone), selection)
    expected = frames.totals(log, work=work).drop("correlations")
    assert_frame_equal(tallies.totals(counts, work_counts), expected.collect(), check_dtypes=False)
    found = tallies.error_overview(counts, work_counts)
    assert_frame_equal(found, frames.error_overview(log, work=work).collect(), check_dtypes=False)
    by_node = tallies.error_overview(counts, work_counts, by_node=True)
    assert_frame_equal(by_node, frames.error_overview(log, by="node", limit=40, work=work).collect())
    for every in ("1m", "10m", "1h"):
        told = frames.events_per_minute(log, every).collect()
        assert_frame_equal(tallies.events_per_minute(counts, every), told, check_dtypes=False, check_row_order=False)
        told = frames.schema_adoption(log, every).collect()
        assert_frame_equal(tallies.schema_adoption(counts, every), told, check_dtypes=False, check_row_order=False)
        told = frames.error_overview(log, every, fill=True, work=work).collect()
        assert_frame_equal(tallies.error_overview(counts, work_counts, every), told)


@given(RUNS, LONE, st.integers(0, 60))
@settings(max_examples=15)
def test_the_counts_of_parts_are_the_counts_of_the_whole(runs, lone, cut):
    log = log_of(runs, lone)
    parts = [tallies.event_tally(part.lazy()).collect() for part in (log[:cut], log[cut:])]
    both = tallies.merged(parts)
    once = tallies.merged([tallies.event_tally(log.lazy()).collect()])
    work = tallies.work_tally(frames.operations_of(frames.build_spans(log.lazy()))).collect()
    assert_frame_equal(tallies.totals(both, work), tallies.totals(once, work))
    assert_frame_equal(tallies.events_per_minute(both, "5m"), tallies.events_per_minute(once, "5m"))


def test_more_types_than_are_drawn_are_one_and_none_is_lost():
    log = events({"at": i, "event_type": f"mine{i % 14}"} for i in range(100))
    counts = tallies.event_tally(log).collect()
    found = tallies.events_per_minute(counts, "1m")
    assert found["events"].sum() == 100
    assert frames.OTHER in found["event_type"].to_list()
    assert_frame_equal(found, frames.events_per_minute(log, "1m").collect(), check_dtypes=False)


@pytest.mark.parametrize("strays", [0, 2])
def test_the_main_period_leaves_out_what_lies_far_off(strays):
    log = events([{"at": 10 * i} for i in range(300)] + [{"at": -10**8}] * strays)
    counts = tallies.event_tally(log).collect().sort("minute")
    assert_frame_equal(tallies.main_period(counts), frames.main_period(log).collect())


def test_no_events_have_no_period_and_no_buckets():
    empty = pl.DataFrame(schema=tallies.EVENT_TALLY)
    work = pl.DataFrame(schema=tallies.WORK_TALLY)
    assert tallies.main_period(empty).rows() == [(None, None, 0)]
    assert tallies.events_per_minute(empty, "1m").is_empty()
    assert tallies.error_overview(empty, work, "1m").is_empty()
    assert tallies.totals(empty, work)["events"].item() == 0
    assert tallies.width_of(empty) == "1m"
