"""The compiled half of design errors: what the events of a trace add up to, and how that varies as traces are drawn.

A trace has one randomness, and each of its events a share p of its own: at R, all events with p > 1 − R are kept. So
what a trace adds to an estimate is a staircase over R, with as many steps as there are shares, and its moments are sums
over the steps. The second is Σ over pairs of y_i·y_j·(1/max(p_i, p_j) − 1), in one sort by p instead of all pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from onex_analytics.sampling.segment_kernels import sort_few

TRUE, TRUE_DEN, REACHED, REACHED_DEN, VARIANCE, THIRD, FOURTH, SQUARES, TRACES, INVERSE, NEVER, TAIL, TOP = range(13)
WIDTH = 13
"""Columns of `moments`: see there."""

LARGEST = 200
"""So many of the largest contributions tell how heavy the tail is."""

_LEAST_TOP = 25


@njit(nogil=True, cache=True)
def _push(heap, size, value, times):  # type: ignore[no-untyped-def]
    """Keep the largest values: a heap whose first is the smallest of them. Returns how many it holds."""
    for _ in range(min(times, len(heap))):
        if size < len(heap):
            i = size
            size += 1
            while i > 0 and heap[(i - 1) // 2] > value:
                heap[i] = heap[(i - 1) // 2]
                i = (i - 1) // 2
            heap[i] = value
            continue
        if value <= heap[0]:
            break
        i = 0
        while True:
            child = 2 * i + 1
            if child >= size:
                break
            if child + 1 < size and heap[child + 1] < heap[child]:
                child += 1
            if heap[child] >= value:
                break
            heap[i] = heap[child]
            i = child
        heap[i] = value
    return size


@njit(nogil=True, cache=True)
def _tail(heap, size, count):  # type: ignore[no-untyped-def]
    """Hill's index of the tail of standard deviations, of which a heap holds the largest squares; of how many it is.

    It is of the largest twenty-fifth. NaN where those are fewer than 25, or most of them equal others: that is no tail.
    """
    k = min(size - 1, count // 25)
    if k < _LEAST_TOP:
        return np.nan, 0
    largest = np.sort(heap[:size])[size - 1 - k:]
    total = 0.0
    steps = 0
    for i in range(1, k + 1):
        total += 0.5 * math.log(largest[i] / largest[0])
        steps += largest[i] > largest[i - 1] * (1.0 + 1e-9)
    if 2 * steps < k:
        return np.nan, 0
    return k / total, k


@njit(nogil=True, cache=True)
def moments(share, expanded, begins, seg_times, seg_begin, cell_stratum, cell_num, cell_den, told):  # type: ignore[no-untyped-def]
    """How an estimate varies as traces are drawn, in each group: exact sums over the segments.

    Args:
        share: with which each stratum is kept.
        expanded: whether what is kept is divided by its share, as an estimate does; else it is only added up.
        begins: where the segments of each group begin; then the segments, as `segment_kernels.by_group` gives them.
        told: filled, one row a group. `TRUE`, `TRUE_DEN`: sums of all; `REACHED`, `REACHED_DEN`: of what has a share
            above 0 (not expanded: the expected sums). `VARIANCE`, `THIRD`, `FOURTH`: cumulants of the sum, of a ratio
            of its linearised residuals num − R·den. `SQUARES`: of the variances of clusters, each over p, the greatest
            of the cluster's shares. `TRACES`: clusters with a share above 0; `INVERSE`: the sum of their 1/p; `NEVER`:
            the logarithm of the chance that none is kept. `TAIL`, `TOP`: Hill's index of what clusters bring to the
            numerator, each as far as it varies, and of how many it is.
    """
    longest = 1
    for s in range(len(seg_times)):
        longest = max(longest, seg_begin[s + 1] - seg_begin[s])
    ratio = len(cell_den) > 0
    keys = np.empty(longest)
    steps = np.empty(longest)
    order = np.empty(longest, dtype=np.int64)
    heap = np.empty(LARGEST)
    factor = np.zeros((len(share), 5))  # of each stratum: moments of what one draw of 1 brings, and what a draw counts
    for stratum in range(len(share)):
        p = share[stratum]
        if 0.0 < p < 1.0:
            miss = (1.0 - p) / p
            factor[stratum, 0] = miss
            factor[stratum, 1] = miss * (1.0 - 2.0 * p) / p
            factor[stratum, 2] = (1.0 - p) * (miss * miss * miss + 1.0)
            factor[stratum, 3] = 1.0 / p
            factor[stratum, 4] = math.log1p(-p)
        elif p >= 1.0:
            factor[stratum, 3] = 1.0
            factor[stratum, 4] = -np.inf
    for g in range(len(begins) - 1):
        row = told[g]
        row[:] = 0.0
        if begins[g + 1] == begins[g]:
            continue
        for s in range(begins[g], begins[g + 1]):
            times = seg_times[s]
            for i in range(seg_begin[s], seg_begin[s + 1]):
                p = share[cell_stratum[i]]
                reached = (p > 0.0) * 1.0 if expanded else p
                row[TRUE] += times * cell_num[i]
                row[REACHED] += times * reached * cell_num[i]
                if ratio:
                    row[TRUE_DEN] += times * cell_den[i]
                    row[REACHED_DEN] += times * reached * cell_den[i]
        quotient = row[REACHED] / row[REACHED_DEN] if ratio and row[REACHED_DEN] != 0 else 0.0
        size = 0
        uncertain = 0
        for s in range(begins[g], begins[g + 1]):
            times = seg_times[s]
            first = seg_begin[s]
            k = seg_begin[s + 1] - first
            if k == 1:
                stratum = cell_stratum[first]
                p = share[stratum]
                if p <= 0.0:
                    continue
                row[TRACES] += times
                row[INVERSE] += times * factor[stratum, 3]
                row[NEVER] += times * factor[stratum, 4]
                if p >= 1.0:
                    continue
                e = cell_num[first]
                if ratio:
                    e -= quotient * cell_den[first]
                if not expanded:
                    e *= p
                top = p
                brought = cell_num[first]
                e2 = e * e
                second = e2 * factor[stratum, 0]
                third = e2 * e * factor[stratum, 1]
                fourth = e2 * e2 * factor[stratum, 2]
            else:
                n = 0
                top = 0.0
                total = 0.0
                brought = 0.0
                for i in range(first, first + k):
                    p = share[cell_stratum[i]]
                    if p <= 0.0:
                        continue
                    e = cell_num[i]
                    if ratio:
                        e -= quotient * cell_den[i]
                    if not expanded:
                        e *= p
                    keys[n] = -p
                    steps[n] = e / p
                    total += e
                    brought += cell_num[i]
                    top = max(top, p)
                    n += 1
                if n == 0:
                    continue
                row[TRACES] += times
                row[INVERSE] += times / top
                row[NEVER] = -np.inf if top >= 1.0 else row[NEVER] + times * math.log1p(-top)
                sort_few(keys, order, n)
                second = (1.0 - top) * total * total
                third = -(1.0 - top) * total * total * total
                fourth = (1.0 - top) * total * total * total * total
                height = -total
                for j in range(n):
                    height += steps[order[j]]
                    width = (keys[order[j + 1]] if j + 1 < n else 0.0) - keys[order[j]]
                    if width > 0.0:
                        part = width * height * height
                        second += part
                        third += part * height
                        fourth += part * height * height
            if second > 0.0:
                row[VARIANCE] += times * second
                row[THIRD] += times * third
                row[FOURTH] += times * (fourth - 3.0 * second * second)
                row[SQUARES] += times * second * second / top
                uncertain += times
                spread = brought * brought * (1.0 - top) / top
                if spread > 0.0 and (size < LARGEST or spread > heap[0]):
                    size = _push(heap, size, spread, times)
        row[TAIL], row[TOP] = _tail(heap, size, uncertain)


@njit(nogil=True, cache=True)
def estimated_moments(counts, begins, seg_times, seg_begin, stratum, cell_num, cell_den, told):  # type: ignore[no-untyped-def]
    """What `moments` would say, estimated from what was kept: each pair of a trace is told as often as it is missed.

    A pair is kept together with the smaller of its shares, so that its part of the variance, divided by that, is
    y_i·y_j·(a_i·a_j − max(a_i, a_j)), a = 1/p. Higher moments take a trace for kept with the greatest of its shares.

    Args:
        counts: a, the adjusted count of each stratum; then the segments of what was kept.
        told: filled as by `moments`, but for: `REACHED` and `REACHED_DEN` are estimates, `TRUE` and `TRUE_DEN` the sums
            of what was kept; `TRACES` is the sum of a over traces, of each the smallest, `INVERSE` that of its squares.
    """
    longest = 1
    for s in range(len(seg_times)):
        longest = max(longest, seg_begin[s + 1] - seg_begin[s])
    ratio = len(cell_den) > 0
    keys = np.empty(longest)
    order = np.empty(longest, dtype=np.int64)
    heap = np.empty(LARGEST)
    for g in range(len(begins) - 1):
        row = told[g]
        row[:] = 0.0
        for s in range(begins[g], begins[g + 1]):
            for i in range(seg_begin[s], seg_begin[s + 1]):
                a = counts[stratum[i]]
                row[TRUE] += seg_times[s] * cell_num[i]
                row[REACHED] += seg_times[s] * a * cell_num[i]
                if ratio:
                    row[TRUE_DEN] += seg_times[s] * cell_den[i]
                    row[REACHED_DEN] += seg_times[s] * a * cell_den[i]
        quotient = row[REACHED] / row[REACHED_DEN] if ratio and row[REACHED_DEN] != 0 else 0.0
        size = 0
        uncertain = 0
        for s in range(begins[g], begins[g + 1]):
            times = seg_times[s]
            first = seg_begin[s]
            k = seg_begin[s + 1] - first
            for i in range(k):
                keys[i] = counts[stratum[first + i]]
            order[0] = 0
            if k > 1:
                sort_few(keys, order, k)
            least = keys[order[0]]
            row[TRACES] += times * least
            row[INVERSE] += times * least * least
            total = 0.0
            brought = 0.0
            before = 0.0
            second = 0.0
            for j in range(k):
                i = first + order[j]
                a = keys[order[j]]
                e = cell_num[i]
                if ratio:
                    e -= quotient * cell_den[i]
                second -= a * (e * e + 2.0 * e * before)
                before += e
                total += a * e
                brought += a * cell_num[i]
            second += total * total
            if second > 1e-12 * total * total:
                p = 1.0 / least
                cube = total * total * total
                row[VARIANCE] += times * second
                row[THIRD] += times * cube * (1.0 - p) * (1.0 - 2.0 * p)
                row[FOURTH] += times * cube * total * (1.0 - p) * ((1.0 - p) ** 3 + p ** 3 - 3.0 * p * (1.0 - p))
                row[SQUARES] += times * second * second
                uncertain += times
                spread = brought * brought * (1.0 - p)
                if spread > 0.0 and (size < LARGEST or spread > heap[0]):
                    size = _push(heap, size, spread, times)
        row[TAIL], row[TOP] = _tail(heap, size, uncertain)
