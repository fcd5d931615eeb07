"""Base rows: the same sums whatever order the events are in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.cells.base_rows import rows_at
from onex_analytics.alerting.grid import EVENT_GRID

EVENTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.booleans(), st.integers(-5, 5)), min_size=1)


@given(EVENTS, st.randoms(use_true_random=False), st.integers(1, 2))
def test_single_microseconds_add_up_in_any_order(events, random, counts):
    shuffled = random.sample(events, len(events))
    told = []
    for some in (sorted(events), shuffled, sorted(set(events)), [*events, (10**9, 0, True, 1)]):
        times, keys, flags, numbers = (np.array(column) for column in zip(*some, strict=True))
        lanes = [flags, numbers.astype(np.int64)]
        rows = rows_at(EVENT_GRID, 1, times.astype(np.int64), keys.astype(np.int32), 4, lanes, counts)
        found = {(b, k): (n, s) for b, k, n, s in zip(rows.buckets, rows.keys, *rows.lanes, strict=True)}
        slow: dict[tuple[int, int], list[int]] = {}
        for at, key, flag, number in some:
            sums = slow.setdefault((at, key), [0, 0])
            sums[0] += flag
            sums[1] += number
        assert found == {at: tuple(sums) for at, sums in slow.items() if any(sums[:counts])}
        assert list(found) == sorted(found)
        told.append(found)
    assert told[0] == told[1]
