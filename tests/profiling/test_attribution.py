"""A change of the mean, shared out: it adds up, and each part goes where it belongs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import attribute_change
from tests.profiling.durations import lasting

NAMES = st.sampled_from(["read", "write", "list"])
SPANS = st.lists(st.tuples(NAMES, st.integers(0, 100_000)), min_size=1, max_size=30)


def spans(pairs: list[tuple[str, float]]) -> pl.DataFrame:
    return lasting([ms for _, ms in pairs]).with_columns(name=pl.Series([name for name, _ in pairs], dtype=pl.String))


def parts(before: list[tuple[str, float]], after: list[tuple[str, float]]) -> dict[str, dict[str, float]]:
    table = attribute_change(spans(before), spans(after)).collect()
    return {row["operation"]: row for row in table.iter_rows(named=True)}


@given(SPANS, SPANS)
def test_mix_and_rate_add_up_to_the_change_of_the_mean(before, after):
    change = np.mean([ms for _, ms in after]) - np.mean([ms for _, ms in before])
    found = parts(before, after)
    assert sum(row["mix_ms"] + row["rate_ms"] for row in found.values()) == pytest.approx(change, abs=1e-7)
    for row in found.values():
        assert row["change_ms"] == row["mix_ms"] + row["rate_ms"]


@given(SPANS, SPANS)
def test_the_way_back_is_the_negative_of_the_way(before, after):
    there, back = parts(before, after), parts(after, before)
    for name, row in there.items():
        for part in ("mix_ms", "rate_ms"):
            assert row[part] == pytest.approx(-back[name][part], abs=1e-7)


@given(SPANS)
def test_nothing_changes_between_something_and_itself(pairs):
    assert {(row["mix_ms"], row["rate_ms"]) for row in parts(pairs, pairs).values()} == {(0.0, 0.0)}


def test_the_same_work_that_takes_longer_is_rate_alone():
    found = parts([("read", 10), ("write", 50)], [("read", 10), ("write", 90)])
    assert (found["write"]["mix_ms"], found["write"]["rate_ms"]) == (0.0, 20.0)
    assert (found["read"]["mix_ms"], found["read"]["rate_ms"]) == (0.0, 0.0)


def test_other_work_that_takes_as_long_as_ever_is_mix_alone():
    found = parts([("read", 10)] * 3 + [("write", 50)], [("read", 10)] + [("write", 50)] * 3)
    assert [row["rate_ms"] for row in found.values()] == [0.0, 0.0]
    assert found["write"]["mix_ms"] == found["read"]["mix_ms"] == 10.0, "less fast work slows the mean as well"


def test_work_that_is_new_is_mix():
    found = parts([("read", 10)], [("read", 10), ("write", 50)])
    assert (found["write"]["mean_baseline_ms"], found["write"]["rate_ms"]) == (None, 0.0)
    assert sum(row["mix_ms"] for row in found.values()) == pytest.approx(20.0)


def test_the_largest_part_comes_first():
    table = attribute_change(
        spans([("read", 10), ("write", 50), ("list", 7)]), spans([("read", 40), ("write", 50), ("list", 17)])
    ).collect()
    assert table["operation"].to_list() == ["read", "list", "write"]


def test_what_does_not_count_is_counted():
    before = lasting([10, 20, np.nan, 30]).with_columns(duration_ms=pl.Series([10.0, 20.0, None, -1.0]))
    row = attribute_change(before, lasting([10.0]), by=()).collect().row(0, named=True)
    assert (row["n_baseline"], row["open_baseline"], row["left_out_baseline"], row["share_baseline"]) == (2, 1, 1, 1.0)
    assert (row["mean_baseline_ms"], row["change_ms"]) == (15.0, -5.0)


def test_a_side_without_a_span_that_counts_leaves_nothing_to_share_out():
    table = attribute_change(spans([("read", 10)]), lasting([])).collect()
    assert table.select("n_candidate", "mix_ms", "rate_ms", "change_ms").rows() == [(0, None, None, None)]
    assert attribute_change(lasting([]), lasting([])).collect().height == 0


def test_the_order_of_the_rows_does_not_matter():
    before, after = spans([("read", 10), ("write", 50), ("read", 20)]), spans([("write", 5), ("read", 10)])
    assert_frame_equal(attribute_change(before, after).collect(), attribute_change(before[::-1], after[::-1]).collect())


def test_absent_columns_and_columns_of_two_types_are_refused():
    with pytest.raises(MissingColumns, match="tenant"):
        attribute_change(lasting([1.0]), lasting([1.0]), by="tenant")
    with pytest.raises(InvalidOption, match="same types"):
        attribute_change(lasting([1.0], x=1), lasting([1.0], x="1"), by="x")
