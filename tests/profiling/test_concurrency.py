import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import in_flight, queueing
from tests.laws import examples
from tests.profiling.latencies import at, spans

WORK = st.lists(
    st.fixed_dictionaries({
        "at": st.integers(0, 20), "ms": st.none() | st.integers(-2, 9).map(lambda s: 1000.0 * s),
        "state": st.sampled_from(["closed", "open", "duplicate_end", "orphan"]), "node": st.sampled_from(["a", None]),
        "adjusted_count": st.sampled_from([1.0, 2.0]),
    }),
    max_size=15,
)  # fmt: skip


def is_open(row):
    """Without an end it is under way still, whatever its place in the tree."""
    return row["state"] == "open" or (row["ms"] is None and row["state"] != "duplicate_end")


def placed(row):
    return row["state"] != "duplicate_end" and (is_open(row) or row["ms"] >= 0)


def under_way(rows, moment):
    """The spans under way at a moment, looked at one by one: from the start until just before the end."""
    return [
        row for row in rows
        if placed(row) and row["at"] <= moment and (is_open(row) or moment < row["at"] + row["ms"] / 1000)
    ]  # fmt: skip


@given(WORK)
def test_at_every_moment_as_many_are_under_way_as_a_look_at_each_says(rows):
    found = in_flight(spans(rows), "node").collect()
    for (node,), steps in found.group_by("node"):
        group = [row for row in rows if row["node"] == node]
        assert set(steps["left_out"]) == {sum(not placed(row) for row in group)}
        for step in steps.drop_nulls("at").iter_rows(named=True):
            moment = (step["at"] - at(0)).total_seconds()
            there = under_way(group, moment)
            assert step["in_flight"] == len(there)
            assert step["weight"] == sum(row["adjusted_count"] for row in there)
            assert step["open"] == sum(map(is_open, there))
            assert step["started"] == sum(placed(row) and row["at"] == moment for row in group)
        moments = {at(row["at"]) for row in group if placed(row)}
        assert moments <= set(steps["at"])
    assert set(found["node"]) == {row["node"] for row in rows}


def test_work_done_back_to_back_is_never_two_at_once():
    rows = [{"at": second, "ms": 1000.0} for second in range(5)]
    assert in_flight(spans(rows)).collect()["in_flight"].to_list() == [1, 1, 1, 1, 1, 0]


def test_what_takes_no_time_is_never_under_way_but_is_told():
    assert in_flight(spans([{"at": 0, "ms": 0.0}])).select("in_flight", "started", "ended").collect().rows() == [
        (0, 1, 1)
    ]


def test_a_group_of_which_all_is_left_out_is_not_lost():
    found = in_flight(spans([{"ms": None, "state": "duplicate_end"}]), "node").collect()
    assert found.select("node", "at", "left_out").rows() == [("a", None, 1)]
    assert in_flight(spans([])).collect().height == 0


@settings(max_examples=examples(60))
@given(WORK, st.integers(1, 4))
def test_a_bucket_has_the_mean_and_the_extremes_of_its_moments(rows, width):
    """Everything happens at whole seconds, so that a look at each second is a look at all of time."""
    found = in_flight(spans(rows), "node", every=f"{width}s").collect()
    for told in found.drop_nulls("start").iter_rows(named=True):
        group = [row for row in rows if row["node"] == told["node"]]
        begin = round((told["start"] - at(0)).total_seconds())
        seconds = [under_way(group, moment) for moment in range(begin, begin + width)]
        numbers = [len(there) for there in seconds]
        assert told["mean_in_flight"] == pytest.approx(sum(numbers) / width)
        assert (told["peak"], told["least"]) == (max(numbers), min(numbers))
        weights = [sum(row["adjusted_count"] for row in there) for there in seconds]
        assert told["mean_weight"] == pytest.approx(sum(weights) / width)
        assert told["open"] == sum(map(is_open, seconds[-1]))
    for _, buckets in found.drop_nulls("start").group_by("node"):
        gaps = buckets.sort("start")["start"].diff().drop_nulls().dt.total_seconds()
        assert set(gaps) <= {width}


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 3)), min_size=1))
def test_littles_law_holds_where_nothing_is_cut_off(work):
    rows = [{"at": begin, "ms": 1000.0 * s, "adjusted_count": float(w)} for begin, s, w in work]
    told = queueing(spans(rows)).collect().row(0, named=True)
    length = max(begin + s for begin, s, _ in work) - min(begin for begin, _, _ in work)
    assert told["interval_s"] == length
    assert (told["n"], told["weight"]) == (len(work), sum(w for *_, w in work))
    if length:
        assert told["arrival_rate_per_s"] == pytest.approx(sum(w for *_, w in work) / length)
        assert told["mean_in_flight"] == pytest.approx(sum(s * w for _, s, w in work) / length)
        assert told["little_residual"] == pytest.approx(0, abs=1e-9)
    else:
        assert told["arrival_rate_per_s"] is told["little_residual"] is None


def test_open_work_shows_in_the_residual():
    rows = [{"at": 0, "ms": 1000.0}, {"at": 0, "ms": None, "state": "open"}, {"at": 9, "ms": 1000.0}]
    told = queueing(spans(rows)).collect().row(0, named=True)
    assert (told["n"], told["open"], told["interval_s"]) == (3, 1, 10.0)
    assert told["mean_in_flight"] == pytest.approx(1.2)
    assert told["little_residual"] == pytest.approx(0.9)


def test_waiting_is_of_those_that_tell_it():
    rows = [
        {"at": 0, "ms": 1000.0, "queue_time_ms": 100.0, "adjusted_count": 3.0},
        {"at": 9, "ms": 1000.0},
        {"at": 5, "ms": 0.0, "queue_time_ms": 500.0},
        {"at": 5, "ms": 0.0, "queue_time_ms": float("nan")},
    ]
    told = queueing(spans(rows)).collect().row(0, named=True)
    assert (told["waits"], told["mean_wait_ms"]) == (2, 200.0)
    assert told["expected_waiting"] == pytest.approx(6 / 10 * 0.2)


def test_by_buckets_arrivals_are_where_work_starts_and_concurrency_where_it_is():
    rows = [{"at": 0, "ms": 15_000.0}, {"at": 12, "ms": 3_000.0}, {"at": 25, "ms": 5_000.0}]
    found = queueing(spans(rows), every="10s").collect()
    assert found["start"].to_list() == [at(0), at(10), at(20), at(30)]
    assert found["n"].to_list() == [1, 1, 1, 0]
    assert found["arrival_rate_per_s"].to_list() == [0.1, 0.1, 0.1, 0.0]
    assert found["mean_in_flight"].to_list() == pytest.approx([1.0, 0.8, 0.5, 0.0])
    assert found["little_residual"].to_list()[:3] == pytest.approx([-0.5, 0.5, 0.0])


def test_nothing_under_way_gives_no_row_and_what_is_left_out_is_told():
    assert queueing(spans([])).collect().height == 0
    told = queueing(spans([{"ms": None, "state": "duplicate_end"}])).collect().row(0, named=True)
    assert (told["n"], told["left_out"], told["mean_in_flight"]) == (0, 1, None)


def test_every_row_says_that_it_is_exact():
    rows = [{"at": 0, "ms": 15_000.0}, {"at": 12, "ms": None, "state": "open"}, {"ms": -1.0, "node": "b"}]
    for found in (in_flight(spans(rows), "node"), in_flight(spans(rows), "node", every="5s"),
                  queueing(spans(rows)), queueing(spans(rows), every="5s")):  # fmt: skip
        assert found.select("exact", "relative_error").unique().collect().rows() == [(True, 0.0)]


@pytest.mark.parametrize("ask", [in_flight, queueing])
def test_bad_use_is_refused_with_the_mend(ask):
    with pytest.raises(MissingColumns, match="tenant"):
        ask(spans([]), "tenant")
    with pytest.raises(InvalidOption, match="a duration above zero"):
        ask(spans([]), every="now and then")
    with pytest.raises(InvalidOption, match="columns named otherwise"):
        ask(spans([]).with_columns(left_out=pl.lit(1)), "left_out")
