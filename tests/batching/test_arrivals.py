"""A log as the simulation reads it: by who batches it, and by time."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.batching.arrivals import arrivals_of
from onex_analytics.exceptions import InvalidOption, MissingColumns


def rows(times: list[int | None], sizes: list[int | None], nodes: list[str | None]) -> pl.LazyFrame:
    return pl.LazyFrame(
        {"timestamp": times, "size_bytes": sizes, "node": nodes},
        schema={"timestamp": pl.Datetime("us", "UTC"), "size_bytes": pl.UInt32, "node": pl.String},
    )


def test_events_stand_by_time_and_simultaneous_ones_keep_their_order():
    found = arrivals_of(rows([5, 1, 5, 0, 1], [1, 2, 3, 4, 5], ["a"] * 5), (), True)
    assert (found.times.tolist(), found.sizes.tolist()) == ([0, 1, 1, 5, 5], [4, 2, 5, 1, 3])
    assert (found.firsts.tolist(), found.begin, found.end) == ([0, 5], 0, 5)


def test_events_of_each_batcher_stand_together_those_without_a_value_too():
    found = arrivals_of(rows([9, 1, 5, 0, 1], [1, 2, 3, 4, 5], ["b", None, "a", "a", None]), "node", True)
    parts = zip(found.firsts[:-1], found.firsts[1:], strict=True)
    assert sorted(found.sizes[first:end].tolist() for first, end in parts) == [[1], [2, 5], [4, 3]]
    assert (found.begin, found.end) == (0, 9)


def test_unknown_sizes_count_as_the_mean_of_the_others_and_are_counted():
    found = arrivals_of(rows([0, 1, 2, 3], [10, None, 21, None], ["a"] * 4), (), True)
    assert (found.sizes.tolist(), found.unsized) == ([10, 16, 21, 16], 2)
    nothing = arrivals_of(rows([0], [None], ["a"]), (), False)
    assert (nothing.sizes.tolist(), nothing.unsized) == ([0], 1)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_are_read_in_any_unit(unit):
    events = rows([1_000_000, 2_000_000], [1, 1], ["a", "a"]).cast({"timestamp": pl.Datetime(unit)})
    assert arrivals_of(events, (), True).times.tolist() == [1_000_000, 2_000_000]


def test_what_cannot_be_read_is_refused():
    with pytest.raises(InvalidOption, match="null in 1 rows"):
        arrivals_of(rows([None, 1], [1, 1], ["a", "a"]), (), True)
    with pytest.raises(MissingColumns, match="host"):
        arrivals_of(rows([1], [1], ["a"]), ("node", "host"), True)
