from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.windows import bucket, counts_over_time, fitting_width, trailing, width_seconds
from tests.frames.rows import NOON, at, events

SECONDS = st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["a", "b"])), max_size=40)


def test_a_bucket_holds_its_start_and_not_its_end():
    log = events([{"at": 0}, {"at": 59.999}, {"at": 60}])
    assert counts_over_time(log, "1m").collect().rows() == [(at(0), 2), (at(60), 1)]


def test_weeks_begin_on_monday_and_days_at_midnight_utc():
    thursday = pl.DataFrame({"timestamp": [NOON]})
    assert thursday.select(bucket("1w")).item() == datetime(2025, 12, 29, tzinfo=UTC)
    assert thursday.select(bucket("1d")).item() == datetime(2026, 1, 1, tzinfo=UTC)


def test_silence_has_no_row_unless_it_is_asked_for():
    log = events([{"at": 0, "node": "a"}, {"at": 130, "node": "b"}])
    assert counts_over_time(log, "1m", "node").collect().rows() == [(at(0), "a", 1), (at(120), "b", 1)]
    assert counts_over_time(log, "1m", "node", fill=True).collect().rows() == [
        (at(0), "a", 1), (at(0), "b", 0),
        (at(60), "a", 0), (at(60), "b", 0),
        (at(120), "a", 0), (at(120), "b", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("fill", [False, True])
def test_an_empty_log_has_no_buckets(fill):
    assert counts_over_time(events([]), "1m", "node", fill=fill).collect().is_empty()


@pytest.mark.parametrize("every", ["", "0m", "5", "-5m", "five minutes", "1i", "5m "])
def test_what_is_no_duration_is_refused_with_the_mend(every):
    with pytest.raises(InvalidOption, match='a duration above zero, such as "30s"'):
        counts_over_time(events([]), every)


def test_a_frame_without_the_columns_is_refused():
    with pytest.raises(MissingColumns, match="tenant"):
        counts_over_time(events([]), "1m", by="tenant")


@given(SECONDS, st.randoms(), st.booleans())
def test_counts_add_up_whatever_the_order(rows, random, fill):
    shuffled = random.sample(rows, len(rows))
    log, other = (events({"at": s, "node": n} for s, n in each) for each in (rows, shuffled))
    counts = counts_over_time(log, "1m", "node", fill=fill).collect()
    assert counts["events"].sum() == len(rows)
    assert counts.equals(counts_over_time(other, "1m", "node", fill=fill).collect())


@given(SECONDS)
def test_counts_of_parts_merge_into_counts_of_the_whole(rows):
    half = len(rows) // 2
    parts = [counts_over_time(events({"at": s} for s, _ in part), "5m") for part in (rows[:half], rows[half:])]
    merged = pl.concat(parts).group_by("start").sum().sort("start").collect()
    assert merged.equals(counts_over_time(events({"at": s} for s, _ in rows), "5m").collect())


def test_a_trailing_window_leaves_out_its_far_end_and_sorts_for_itself():
    log = events([{"at": 60}, {"at": 0}, {"at": 30}])
    counted = trailing(log, "1m").agg(pl.len().alias("n")).collect()
    assert counted.rows() == [(at(0), 1), (at(30), 2), (at(60), 2)]


@pytest.mark.parametrize("span", [timedelta(0), timedelta(hours=1), timedelta(days=9), timedelta(days=3650)])
def test_a_fitting_width_is_the_smallest_that_keeps_to_the_number_of_buckets(span):
    width = fitting_width(span, 100)
    assert span.total_seconds() <= 100 * width_seconds(width)
