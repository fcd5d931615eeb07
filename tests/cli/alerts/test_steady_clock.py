"""The time that moves an engine's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onex_analytics.cli.alerts.steady_clock import SteadyClock

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Machine:
    """A wall clock that can be set, and seconds since boot."""

    def __init__(self) -> None:
        self.seconds, self.set_by = 0.0, 0.0
        self.clock = SteadyClock(lambda: NOON + timedelta(seconds=self.seconds + self.set_by), lambda: self.seconds)

    def at(self, seconds: float, set_by: float = 0.0) -> float:
        self.seconds, self.set_by = seconds, set_by
        return (self.clock.now() - NOON).total_seconds()


def test_it_is_the_wall_clock_while_that_goes_evenly():
    machine = Machine()
    assert [machine.at(s) for s in (0, 1, 3600, 86_400)] == [0, 1, 3600, 86_400]


def test_a_jump_forward_is_not_followed_until_it_has_lasted_an_hour():
    machine = Machine()
    assert [machine.at(s, 1e6) for s in (10, 3000)] == [10, 3000]
    assert machine.at(3700, 1e6) == 3700 + 1e6


def test_a_jump_forward_that_is_taken_back_leaves_no_trace():
    machine = Machine()
    assert [machine.at(10, 1e6), machine.at(20), machine.at(5000)] == [10, 20, 5000]


def test_a_jump_backward_is_followed_at_once():
    machine = Machine()
    assert [machine.at(100, -50), machine.at(200, -50)] == [50, 150]
