"""Ticks of a grid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.grid import EVENT_GRID, Grid

TIMES = st.integers(-(2**55), 2**55)


@given(at=TIMES, interval=st.integers(1, 10**12), offset=st.integers(0, 10**12))
def test_a_tick_sees_what_lies_at_it_or_before_it(at: int, interval: int, offset: int) -> None:
    grid = Grid(interval, offset)
    tick = grid.tick_at_or_after(at)
    assert grid.time(tick - 1) < at <= grid.time(tick)
    assert grid.tick_before(at) == tick - 1
    assert grid.tick_at_or_after(grid.time(tick)) == tick


@given(at=TIMES)
def test_every_microsecond_is_a_tick_where_rules_are_evaluated_at_events(at: int) -> None:
    assert EVENT_GRID.time(at) == EVENT_GRID.tick_at_or_after(at) == at
