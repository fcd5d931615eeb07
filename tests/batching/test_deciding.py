"""The one decision: where each limit lies exactly."""

from __future__ import annotations

import pytest

from onex_analytics.batching.deciding import ADD, CLOSE_AFTER, CLOSE_BEFORE, FULL, NO_LIMIT, REFUSE, decision


def decided(held=0, held_bytes=0, waiting=None, now=0, size=0, alone=False):
    """Of a policy of 3 events, 1,000 of age, 50 bytes and 5 that wait; the open batch began at 0."""
    return decision(held, held_bytes, 0, held if waiting is None else waiting, now, size, 3, 1000, 50, 5, alone)


@pytest.mark.parametrize(("state", "found"), [
    ({}, ADD),
    ({"held": 1, "now": 999}, ADD),
    ({"held": 1, "now": 1000}, CLOSE_BEFORE),
    ({"held": 2}, CLOSE_AFTER),
    ({"held": 2, "now": 1000}, CLOSE_BEFORE),
    ({"held": 1, "held_bytes": 30, "size": 19}, ADD),
    ({"held": 1, "held_bytes": 30, "size": 20}, CLOSE_AFTER),
    ({"held": 1, "held_bytes": 30, "size": 21}, CLOSE_BEFORE),
    ({"held": 1, "held_bytes": 30, "size": 50}, CLOSE_BEFORE + CLOSE_AFTER),
    ({"size": 51}, REFUSE),
    ({"size": 51, "alone": True}, CLOSE_AFTER),
    ({"held": 1, "size": 51, "alone": True}, CLOSE_BEFORE + CLOSE_AFTER),
    ({"waiting": 5}, FULL),
    ({"waiting": 5, "size": 51}, REFUSE),
])  # fmt: skip
def test_each_limit_is_exact(state, found):
    assert decided(**state) == found


def test_without_limits_only_size_and_age_close():
    assert decision(98, 10**12, 0, 10**9, 999, 10**9, 100, 1000, NO_LIMIT, NO_LIMIT, False) == ADD
