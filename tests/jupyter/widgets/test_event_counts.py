"""What a brush and filters show is what filtering the events says, whatever they are set to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import main_period
from onex_analytics.jupyter.widgets.event_counts import EventCounts, columns_of, period_of
from onex_analytics.jupyter.widgets.selections import Period, Selection
from tests.laws import examples

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCHEMA = {"timestamp": pl.Datetime("us", "UTC"), "node": pl.String, "size": pl.Int64}
NODES = ["a", "b", "c", "(other)", None]
TIMES = st.one_of(st.none(), st.integers(0, 90))
ROWS = st.lists(st.tuples(TIMES, st.sampled_from(NODES), st.sampled_from([1, 2, None])), max_size=40)
BOUNDS = st.one_of(st.none(), st.integers(-5, 100))
CHOICES = st.lists(st.sampled_from(["a", "b", "c", "(other)", None, ...]), min_size=1, max_size=4, unique=True)


def log_of(rows: list[tuple[float | None, str | None, int | None]]) -> pl.DataFrame:
    timed = [(None if at is None else NOON + timedelta(seconds=at), node, size) for at, node, size in rows]
    return pl.DataFrame(timed, schema=SCHEMA, orient="row")


def chosen(row: tuple[float | None, str | None, int | None], selection: Selection, listed: tuple[str, ...]) -> bool:
    """Whether a row is selected: the slow, obvious answer."""
    at = None if row[0] is None else NOON + timedelta(seconds=row[0])
    if selection.is_bounded and at is None:
        return False
    if at is not None and selection.since is not None and at < selection.since:
        return False
    if at is not None and selection.until is not None and at >= selection.until:
        return False
    if "node" not in selection.filters:
        return True
    wanted = selection.filters["node"]
    return row[1] in wanted or (... in wanted and row[1] is not None and row[1] not in listed)


@settings(max_examples=examples(50))
@given(ROWS, BOUNDS, BOUNDS, st.one_of(st.none(), CHOICES), st.integers(1, 3))
def test_every_count_is_what_filtering_one_by_one_says(rows, low, high, wanted, most):
    log = log_of(rows).lazy()
    columns = columns_of(log, ["node", "size"], most, {"node": wanted or ()})
    period = Period(NOON, timedelta(seconds=7), 10)
    filters = {"node": tuple(wanted)} if wanted else {}
    since, until = (None if bound is None else NOON + timedelta(seconds=bound) for bound in (low, high))
    selection = Selection(since, until, filters)
    counts = EventCounts.of(log, period, columns, selection)
    listed = columns[0].values
    assert counts.knows(selection)
    assert counts.selected(selection) == sum(chosen(row, selection, listed) for row in rows)
    assert counts.total == len(rows)
    timeless = Selection(filters=filters)
    filtered = [row for row in rows if chosen(row, timeless, listed)]
    assert counts.bars(selection).tolist() == [
        sum(row[0] is not None and 7 * n <= row[0] < 7 * n + 7 for row in filtered) for n in range(10)
    ]
    within = [row for row in rows if chosen(row, Selection(since, until), listed)]
    shown = dict(zip(columns[0].places, counts.values(0, selection).tolist(), strict=True))
    assert sum(shown.values()) == len(within)
    assert all(shown[node] == sum(row[1] == node for row in within) for node in (*listed, *([None] * (None in shown))))
    assert sum(counts.outside()) + int(counts.bars(Selection()).sum()) == len(rows)


@settings(max_examples=examples(50))
@given(ROWS, st.integers(0, 10), st.integers(0, 10), st.one_of(st.none(), CHOICES))
def test_a_brush_of_whole_bars_needs_no_second_look_at_the_log(rows, low, high, wanted):
    log = log_of(rows).lazy()
    columns = columns_of(log, ["node"], 5, {})
    period = Period(NOON, timedelta(seconds=7), 10)
    counts = EventCounts.of(log, period, columns)
    known = {"node": tuple(wanted)} if wanted else {}
    selection = Selection(period.edge(min(low, high)), period.edge(max(low, high)), known)
    assert counts.knows(selection)
    assert counts.selected(selection) == sum(chosen(row, selection, columns[0].values) for row in rows)
    assert not counts.knows(Selection(since=NOON + timedelta(seconds=1)))


def test_the_most_frequent_values_are_listed_and_pinned_ones_with_them():
    log = log_of([(0, node, None) for node in "aaabbcd"]).lazy()
    (column,) = columns_of(log, ["node"], 2, {"node": ["d", "e", None]})
    assert (column.values, column.others, column.has_nulls) == (("a", "b", "d", "e"), 1, False)
    assert column.places == ("a", "b", "d", "e", ...)


def test_a_column_of_very_many_values_is_counted_by_its_frequent_ones():
    names = ["usual"] * 3 + [f"only once {n}" for n in range(6000)] + [None]
    log = pl.LazyFrame({"timestamp": [NOON] * len(names), "node": names})
    columns = columns_of(log, ["node"], 1, {})
    counts = EventCounts.of(log, Period(NOON, timedelta(seconds=1), 1), columns)
    assert counts.values(0, Selection()).tolist() == [3, 1, 6000]
    assert counts._n.size == 3


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["a", "b"])])
def test_categories_are_chosen_by_their_text(kind):
    log = pl.LazyFrame({"timestamp": [NOON] * 3, "node": pl.Series(["a", "b", "b"], dtype=kind)})
    (column,) = columns_of(log, ["node"], 1, {"node": ["x"]})
    assert column.values == ("b", "x")
    assert log.filter(column.has(["x", ...])).collect()["node"].to_list() == ["a"]


def test_columns_that_cannot_be_chosen_from_are_refused_with_the_mend():
    log = pl.LazyFrame({"timestamp": [NOON], "node": ["a"], "parts": [["a"]]})
    with pytest.raises(InvalidOption, match="columns of texts, numbers or times"):
        columns_of(log, ["parts"], 3, {})
    with pytest.raises(MissingColumns, match="tenant"):
        columns_of(log, ["tenant"], 3, {})
    with pytest.raises(InvalidOption, match="values of type String"):
        columns_of(log, ["node"], 3, {"node": [7]})


SPREAD = st.lists(st.integers(0, 10), min_size=1, max_size=60).map(lambda found: [3600 * hour for hour in found])


@settings(max_examples=examples(50))
@given(SPREAD, st.sampled_from([0, 40, 400, 40_000]), st.sampled_from([0, 3]))
def test_the_time_that_is_shown_is_the_main_period_however_it_was_found(seconds, hours, strays):
    at = [NOON + timedelta(seconds=s) for s in seconds * 40] + [NOON + timedelta(hours=hours)] * strays
    log = pl.LazyFrame({"timestamp": at}, schema={"timestamp": SCHEMA["timestamp"]})
    start, end, _ = main_period(log).collect().row(0)
    assert period_of(log, 240) == Period.of(start, end, 240)


@pytest.mark.parametrize(
    ("length", "width", "buckets"),
    [(timedelta(), "1ms", 1), (timedelta(milliseconds=500), "5ms", 101), (timedelta(seconds=30), "200ms", 151),
     (timedelta(days=1), "10m", 145), (timedelta(days=400), "1w", 59)],
)  # fmt: skip
def test_buckets_are_round_and_not_many(length, width, buckets):
    found = Period.of(NOON, NOON + length, 240)
    assert (found.every, found.buckets) == (width, buckets)
    assert found.begin <= NOON <= NOON + length < found.end
    assert found.place(found.edge(1)) == 1
    assert found.place(found.begin + found.width / 2) is None
