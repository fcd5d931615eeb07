"""Time never runs backwards in a batcher, whatever its clock does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.batching.clocks import NS_PER_MS, ManualClock, MonotonicClock, Onward, time_of


@given(st.lists(st.integers(-50, 50), max_size=30))
def test_steps_forward_count_and_steps_back_do_not(steps):
    clock = ManualClock()
    time = Onward(clock)
    begin = time()
    for n, step in enumerate(steps):
        clock.advance(step)
        assert time() - begin == sum(max(one, 0) for one in steps[: n + 1]) * NS_PER_MS


def test_the_machines_clock_is_asked_directly():
    clock = MonotonicClock()
    assert time_of(clock) is clock.now
    assert clock.seconds(2_500_000_000) == 2.5
    assert clock.seconds(-5) == 0


def test_whoever_waits_for_a_manual_clock_is_woken_at_each_step():
    clock, woken = ManualClock(), []
    clock.wake(lambda: woken.append(clock.now()))
    clock.advance(1)
    clock.advance(-1)
    assert woken == [NS_PER_MS, 0]
    assert clock.seconds(10**9) is None
