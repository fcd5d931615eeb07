"""A view and its address are one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.dashboard.selection import PAGES, Cell, Selection, View, view_of
from onex_analytics.exceptions import InvalidOption

MINUTES = st.integers(0, 200_000_000).map(lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
VALUES = st.lists(st.text(max_size=6), max_size=3, unique=True).map(tuple)
TIMES = st.lists(st.none() | MINUTES, min_size=2, max_size=2).filter(lambda t: None in t or t[0] < t[1])
SELECTIONS = st.builds(
    lambda times, *filters: Selection(*times, *filters), TIMES, VALUES, VALUES, VALUES, VALUES
)  # fmt: skip
CELLS = st.builds(
    lambda start, length, lengths: Cell(start, start + length, *sorted(lengths)),
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=9)),
    st.tuples(st.floats(0, 1e15), st.floats(0, 1e15)),
)
VIEWS = st.builds(
    View, page=st.sampled_from(list(PAGES)), selection=SELECTIONS, spans=st.booleans(), cell=st.none() | CELLS,
    trace=st.none() | st.text(min_size=1), rule=st.none() | st.text(min_size=1), share=st.floats(1e-5, 1),
)  # fmt: skip


@given(VIEWS)
def test_a_link_reproduces_the_view_that_it_was_made_of(view):
    assert view_of(view.query()) == view


@given(VIEWS)
def test_another_page_keeps_the_time_range_and_the_filters_and_goes_no_deeper(view):
    other = view_of(view.on("errors").query())
    assert (other.page, other.selection, other.trace, other.cell) == ("errors", view.selection, None, None)


def test_nothing_asked_is_the_overview_of_everything():
    assert view_of("") == View()
    assert view_of("").selection.is_everything


def test_times_that_are_no_whole_minutes_widen_the_range():
    found = view_of("?from=2026-11-01T12:00:30&to=2026-11-01T12:05:01").selection
    assert (found.since, found.until) == (
        datetime(2026, 11, 1, 12, 0, tzinfo=UTC), datetime(2026, 11, 1, 12, 6, tzinfo=UTC)
    )  # fmt: skip


def test_a_time_of_another_zone_is_taken_as_it_is_meant():
    assert view_of("?from=2026-11-01T12:00%2B02:00").selection.since == datetime(2026, 11, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?page=secrets", "page"), ("?from=yesterday", "from"), ("?from=2026-11-02&to=2026-11-01", "before"),
        ("?at=2026-11-01/2026-11-02", "ms"), ("?at=2026-11-02/2026-11-01&ms=1/2", "at and ms"),
        ("?at=2026-11-01/2026-11-02&ms=nan/2", "at and ms"), ("?at=2026-11-01/2026-11-02&ms=5/2", "at and ms"),
        ("?share=2", "share"), ("?share=much", "share"), ("?node=" + "a" * 9000, "letters"), ("?to=0001-01-01", "to"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(query, named):
    with pytest.raises(InvalidOption, match=named):
        view_of(query)


def test_a_filter_takes_null_for_the_empty_text():
    rows = pl.DataFrame({"minute": [datetime(2026, 1, 1, tzinfo=UTC)] * 3, "node": ["a", None, "b"]})
    found = rows.filter(Selection(node=("", "b")).rows("minute", "node"))
    assert found["node"].to_list() == [None, "b"]


def test_a_cell_holds_what_took_over_its_lower_and_up_to_its_upper_length():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = pl.DataFrame({"start": [start] * 4, "duration_ms": [0.0, 4.0, 8.0, 8.1]})
    cell = Cell(start, start + timedelta(minutes=1), 4.0, 8.0)
    assert rows.filter(cell.rows())["duration_ms"].to_list() == [8.0]
    assert rows.filter(Cell(start, start + timedelta(minutes=1), 0.0, 0.0).rows())["duration_ms"].to_list() == [0.0]
