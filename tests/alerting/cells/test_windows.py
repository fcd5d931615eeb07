"""Sums that begin anew: the kernel for counts alone says what the one for all lanes says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.cells.anew_kernels import slide_anew, slide_anew_counts
from onex_analytics.alerting.cells.windows import OPS

NONE = np.empty(0, np.int64)
FIRST = np.zeros(1, np.int64)


def closings(rows: list[dict[int, int]], width: int, cuts: list[int]) -> list[Any]:
    """The rows of each label set (a bucket and its count), those that enter and leave in each closing."""
    found = []
    for before, tick in zip([0, *cuts], [*cuts, 100], strict=True):
        entering = [[b for b in sorted(of) if before < b <= tick] for of in rows]
        leaving = [[b for b in sorted(of) if before < b + width <= tick] for of in rows]
        arrays = []
        for some in (entering, leaving):
            ends = np.cumsum([len(of) for of in some])
            counts = [rows[key][bucket] for key, of in enumerate(some) for bucket in of]
            arrays += [np.array([b for of in some for b in of], np.int64), np.array([counts], np.int64).reshape(1, -1),
                       ends - [len(of) for of in some], ends]  # fmt: skip
        found.append((before, tick, arrays))
    return found


@given(
    st.lists(st.dictionaries(st.integers(1, 60), st.integers(1, 3), max_size=25), min_size=1, max_size=3),
    st.integers(1, 20), st.sets(st.integers(1, 80), max_size=3), st.sampled_from(OPS), st.integers(0, 6),
    st.integers(0, 3), st.sampled_from([1.0, 0.25]),
)  # fmt: skip
def test_a_count_alone_is_the_count_among_lanes(rows, width, cuts, op, threshold, min_count, factor):
    keys = len(rows)
    held = [(np.zeros((keys, 1), np.int64), np.zeros(keys, np.uint8), np.zeros(keys, np.int64)) for _ in range(2)]
    for before, tick, arrays in closings(rows, width, sorted(cuts)):
        told = []
        for kernel, carried in zip((slide_anew, slide_anew_counts), held, strict=True):
            bounds, ticks, values = np.zeros(keys + 1, np.int64), np.zeros(400, np.int64), np.zeros((1, 400), np.int64)
            judged = (factor, OPS.index(op), float(threshold), min_count)
            if kernel is slide_anew:
                n = kernel(*arrays, FIRST, width, before, tick, FIRST, NONE, NONE, NONE, judged[0], False, *judged[1:],
                           False, *carried, bounds, ticks, values)  # fmt: skip
            else:
                plain = [array[0] if array.ndim == 2 else array for array in arrays]
                n = kernel(*plain, width, before, tick, *judged, *carried, bounds, ticks, values[0])
            told.append((bounds.tolist(), ticks[:n].tolist(), values[0, :n].tolist(), [c.tolist() for c in carried]))
        assert told[0] == told[1]


@pytest.mark.parametrize("op", [">", ">="])
def test_a_match_forgets_what_was_there(op):
    (before, tick, arrays), *_ = closings([{1: 1, 2: 1, 3: 1, 4: 1}], 50, [])
    ticks, values = np.zeros(20, np.int64), np.zeros(20, np.int64)
    plain = [array[0] if array.ndim == 2 else array for array in arrays]
    n = slide_anew_counts(
        *plain, 50, before, tick, 1.0, OPS.index(op), 2.0, 0, np.zeros((1, 1), np.int64), np.zeros(1, np.uint8),
        np.zeros(1, np.int64), np.zeros(2, np.int64), ticks, values,
    )  # fmt: skip
    steps = list(zip(ticks[:n].tolist(), values[:n].tolist(), strict=True))
    # the third (of >=, the second) event matches; what comes in the microsecond after it replaces the 0 there
    matched = {">": [(1, 1), (2, 2), (3, 3), (4, 1)], ">=": [(1, 1), (2, 2), (3, 1), (4, 2), (5, 0)]}
    assert steps[: len(matched[op])] == matched[op]
