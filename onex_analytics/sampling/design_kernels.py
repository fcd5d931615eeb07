"""The compiled half of design errors: what the events of a trace add up to, and how that varies as traces are drawn.

A trace has one randomness, and each of its events a share p of its own: at R, all events with p > 1 − R are kept. So
what a trace adds to an estimate is a staircase over R, with as many steps as there are shares, and its moments are sums
over the steps. The second is Σ over pairs of y_i·y_j·(1/max(p_i, p_j) − 1), in one sort by p instead of all pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TRUE, TRUE_DEN, REACHED, REACHED_DEN, VARIANCE, THIRD, FOURTH, SQUARES, TRACES, INVERSE, NEVER, TAIL, TOP = range(13)
WIDTH = 13
"""Columns of `moments`: see there."""

LARGEST = 200
"""So many of the largest contributions tell how heavy the tail is."""

_FEW = 24
_TRIED = 1 << 16


@njit(nogil=True, cache=True)
def in_order(clusters, count):  # type: ignore[no-untyped-def]
    """The rows, cluster by cluster, and where each cluster begins."""
    begins = np.zeros(count + 1, dtype=np.int64)
    for i in range(len(clusters)):
        begins[clusters[i] + 1] += 1
    for c in range(count):
        begins[c + 1] += begins[c]
    place = begins[:-1].copy()
    order = np.empty(len(clusters), dtype=np.int32)
    for i in range(len(clusters)):
        order[place[clusters[i]]] = i
        place[clusters[i]] += 1
    return order, begins


@njit(nogil=True, cache=True)
def _sort(keys, order, n):  # type: ignore[no-untyped-def]
    """Fill `order` with the places of the `n` keys in ascending order."""
    if n > _FEW:
        order[:n] = np.argsort(keys[:n], kind="mergesort")
        return
    for i in range(n):
        j = i
        while j > 0 and keys[order[j - 1]] > keys[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i


@njit(nogil=True, cache=True)
def _mixed(word, number):  # type: ignore[no-untyped-def]
    word = (word ^ number) * np.uint64(0x9E3779B97F4A7C15)
    return word ^ (word >> np.uint64(29))


@njit(nogil=True, cache=True)
def segments(begins, group, stratum, strata, inside, num, den):  # type: ignore[no-untyped-def]
    """What each cluster adds up to, group by group and in each stratum: cells, of which a segment has some.

    Segments that are equal in all but their cluster are told once, as long as there are enough of them.

    Args:
        begins: where each cluster begins among the rows.
        group, stratum: of each row; `strata` is how many there are of the latter.
        inside: which rows count.
        num, den: what is added up of each row; no `den` where its size is 0.

    Returns:
        Of each segment its group, how often it is there, and where its cells begin; of each cell the stratum, and the
        sums of `num` and `den`.
    """
    rows = 0
    longest = 0
    for c in range(len(begins) - 1):
        longest = max(longest, begins[c + 1] - begins[c])
    for i in range(len(group)):
        rows += inside[i]
    ratio = len(den) > 0
    seg_group = np.empty(rows, dtype=np.int32)
    seg_times = np.empty(rows, dtype=np.int64)
    seg_hash = np.empty(rows, dtype=np.uint64)
    seg_begin = np.zeros(rows + 1, dtype=np.int64)
    cell_stratum = np.empty(rows, dtype=np.int32)
    cell_num = np.empty(rows)
    cell_den = np.empty(rows if ratio else 0)
    keys = np.empty(longest, dtype=np.int64)
    members = np.empty(longest, dtype=np.int64)
    order = np.empty(longest, dtype=np.int64)
    held = np.full(1 << 12, -1, dtype=np.int32)
    looking = True
    count = 0
    seen = 0
    for c in range(len(begins) - 1):
        k = 0
        for i in range(begins[c], begins[c + 1]):
            if inside[i]:
                keys[k] = np.int64(group[i]) * strata + stratum[i]
                members[k] = i
                k += 1
        if k > 1:
            _sort(keys, order, k)
        elif k:
            order[0] = 0
        at = 0
        while at < k:  # one segment: the rows of one group
            of = keys[order[at]] // strata
            first = seg_begin[count]
            end = first - 1
            last = np.int64(-1)
            while at < k and keys[order[at]] // strata == of:
                key = keys[order[at]]
                i = members[order[at]]
                if key != last:
                    end += 1
                    cell_stratum[end] = key - of * strata
                    cell_num[end] = 0.0
                    if ratio:
                        cell_den[end] = 0.0
                    last = key
                cell_num[end] += num[i]
                if ratio:
                    cell_den[end] += den[i]
                at += 1
            end += 1
            seen += 1
            if looking:
                h = _mixed(np.uint64(of + 1), np.uint64(end - first))
                for j in range(first, end):
                    h = _mixed(h, np.uint64(cell_stratum[j]))
                    h = _mixed(h, np.float64(cell_num[j]).view(np.uint64))
                    if ratio:
                        h = _mixed(h, np.float64(cell_den[j]).view(np.uint64))
                mask = len(held) - 1
                slot = np.int64(h >> np.uint64(40)) & mask
                found = -1
                while held[slot] >= 0:
                    other = held[slot]
                    if seg_hash[other] == h and seg_group[other] == of and (
                        seg_begin[other + 1] - seg_begin[other] == end - first
                    ):
                        same = True
                        for j in range(end - first):
                            o = seg_begin[other] + j
                            if cell_stratum[o] != cell_stratum[first + j] or cell_num[o] != cell_num[first + j] or (
                                ratio and cell_den[o] != cell_den[first + j]
                            ):
                                same = False
                                break
                        if same:
                            found = other
                            break
                    slot = (slot + 1) & mask
                if found >= 0:
                    seg_times[found] += 1
                    continue
                held[slot] = count
                seg_hash[count] = h
            seg_group[count] = of
            seg_times[count] = 1
            count += 1
            seg_begin[count] = end
            if looking and 2 * count > len(held):
                if len(held) >= _TRIED and 4 * count > seen:
                    looking = False
                else:
                    held = np.full(4 * len(held), -1, dtype=np.int32)
                    mask = len(held) - 1
                    for s in range(count):
                        slot = np.int64(seg_hash[s] >> np.uint64(40)) & mask
                        while held[slot] >= 0:
                            slot = (slot + 1) & mask
                        held[slot] = s
    cells = seg_begin[count]
    return (
        seg_group[:count].copy(), seg_times[:count].copy(), seg_begin[:count + 1].copy(),
        cell_stratum[:cells].copy(), cell_num[:cells].copy(), cell_den[:cells].copy() if ratio else cell_den,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def by_group(seg_group, seg_times, seg_begin, cell_stratum, cell_num, cell_den, groups):  # type: ignore[no-untyped-def]
    """The same segments, group by group, and where each group begins."""
    count = len(seg_group)
    begins = np.zeros(groups + 1, dtype=np.int64)
    for s in range(count):
        begins[seg_group[s] + 1] += 1
    for g in range(groups):
        begins[g + 1] += begins[g]
    place = begins[:-1].copy()
    order = np.empty(count, dtype=np.int64)
    for s in range(count):
        order[place[seg_group[s]]] = s
        place[seg_group[s]] += 1
    times = np.empty_like(seg_times)
    begin = np.zeros_like(seg_begin)
    stratum, num, den = np.empty_like(cell_stratum), np.empty_like(cell_num), np.empty_like(cell_den)
    at = 0
    for s in range(count):
        of = order[s]
        times[s] = seg_times[of]
        for i in range(seg_begin[of], seg_begin[of + 1]):
            stratum[at] = cell_stratum[i]
            num[at] = cell_num[i]
            if len(den):
                den[at] = cell_den[i]
            at += 1
        begin[s + 1] = at
    return begins, times, begin, stratum, num, den


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
    """Hill's index of the tail of the standard deviations whose squares a heap holds, and of how many it is."""
    k = min(size - 1, count // 50)
    if k < 10:
        return np.nan, 0
    largest = np.sort(heap[:size])
    base = largest[size - 1 - k]
    total = 0.0
    for i in range(size - k, size):
        total += 0.5 * math.log(largest[i] / base)
    return (k / total if total > 0 else np.inf), k


@njit(nogil=True, cache=True)
def moments(share, expanded, begins, seg_times, seg_begin, cell_stratum, cell_num, cell_den, told):  # type: ignore[no-untyped-def]
    """How an estimate varies as traces are drawn, in each group: exact sums over the segments.

    Args:
        share: with which each stratum is kept.
        expanded: whether what is kept is divided by its share, as an estimate does; else it is only added up.
        begins: where the segments of each group begin; then the segments, as `by_group` gives them.
        told: filled, one row a group. `TRUE`, `TRUE_DEN`: sums of all; `REACHED`, `REACHED_DEN`: of what has a share
            above 0 (not expanded: the expected sums). `VARIANCE`, `THIRD`, `FOURTH`: cumulants of the sum, of a ratio
            of its linearised residuals num − R·den. `SQUARES`: of the variances of clusters, each over p, the greatest
            of the cluster's shares. `TRACES`: clusters with a share above 0; `INVERSE`: the sum of their 1/p; `NEVER`:
            the logarithm of the chance that none is kept. `TAIL`, `TOP`: Hill's index of the contributions, and of how
            many it is.
    """
    longest = 1
    for s in range(len(seg_times)):
        longest = max(longest, seg_begin[s + 1] - seg_begin[s])
    ratio = len(cell_den) > 0
    keys = np.empty(longest)
    steps = np.empty(longest)
    order = np.empty(longest, dtype=np.int64)
    heap = np.empty(LARGEST)
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
                p = share[cell_stratum[first]]
                if p <= 0.0:
                    continue
                row[TRACES] += times
                row[INVERSE] += times / p
                if p >= 1.0:
                    row[NEVER] = -np.inf
                    continue
                row[NEVER] += times * math.log1p(-p)
                e = cell_num[first]
                if ratio:
                    e -= quotient * cell_den[first]
                if not expanded:
                    e *= p
                miss = (1.0 - p) / p
                e2 = e * e
                second = e2 * miss
                top = p
                third = second * e * (1.0 - 2.0 * p) / p
                fourth = e2 * e2 * (1.0 - p) * (miss * miss * miss + 1.0)
            else:
                n = 0
                top = 0.0
                total = 0.0
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
                    top = max(top, p)
                    n += 1
                if n == 0:
                    continue
                row[TRACES] += times
                row[INVERSE] += times / top
                row[NEVER] = -np.inf if top >= 1.0 else row[NEVER] + times * math.log1p(-top)
                _sort(keys, order, n)
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
                if size < LARGEST or second > heap[0]:
                    size = _push(heap, size, second, times)
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
                _sort(keys, order, k)
            least = keys[order[0]]
            row[TRACES] += times * least
            row[INVERSE] += times * least * least
            total = 0.0
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
            second += total * total
            if second > 1e-12 * total * total:
                p = 1.0 / least
                cube = total * total * total
                row[VARIANCE] += times * second
                row[THIRD] += times * cube * (1.0 - p) * (1.0 - 2.0 * p)
                row[FOURTH] += times * cube * total * (1.0 - p) * ((1.0 - p) ** 3 + p ** 3 - 3.0 * p * (1.0 - p))
                row[SQUARES] += times * second * second
                uncertain += times
                if size < LARGEST or second > heap[0]:
                    size = _push(heap, size, second, times)
        row[TAIL], row[TOP] = _tail(heap, size, uncertain)
