"""The compiled half of `compare`: order, places among the other side's spans, and what the traces have in common."""

from __future__ import annotations

import numpy as np
from numba import njit

P50, P95, PLACE, OPEN = range(4)
"""Columns of what is summed up by trace."""


_BITS = 11
_BUCKETS = 1 << _BITS
_FEW = 1024


@njit(nogil=True, cache=True)
def in_segments(segment, values, trace, n_segments):  # type: ignore[no-untyped-def]
    """Values and traces by segment, and where each segment begins (the last entry: all of them)."""
    starts = np.zeros(n_segments + 1, dtype=np.int64)
    for i in range(len(segment)):
        starts[segment[i] + 1] += 1
    for s in range(n_segments):
        starts[s + 1] += starts[s]
    place = starts[:-1].copy()
    values_out = np.empty(len(values))
    trace_out = np.empty(len(trace), dtype=np.uint64)
    for i in range(len(segment)):
        to = place[segment[i]]
        place[segment[i]] += 1
        values_out[to] = values[i] + 0.0  # −0 is 0
        trace_out[to] = trace[i]
    return values_out, trace_out, starts


@njit(nogil=True, cache=True)
def sort_segments(values, trace, starts, chosen):  # type: ignore[no-untyped-def]
    """Sort the chosen segments by value, in place: three rounds over the upper half of the bits, then neighbours.

    The bits of a float that is not negative are in the order of the floats. Their upper half parts nearly all values;
    what it leaves together is sorted as numbers.
    """
    longest = 0
    for s in chosen:
        longest = max(longest, starts[s + 1] - starts[s])
    keys = np.empty(longest, dtype=np.uint64)
    other = np.empty(longest, dtype=np.uint64)
    old_values = np.empty(longest)
    old_trace = np.empty(longest, dtype=np.uint64)
    counts = np.zeros((3, _BUCKETS), dtype=np.int64)
    mask = np.uint64(_BUCKETS - 1)
    for s in chosen:
        first = starts[s]
        n = starts[s + 1] - first
        old_values[:n] = values[first:first + n]
        old_trace[:n] = trace[first:first + n]
        if n < _FEW:
            order = np.argsort(old_values[:n], kind="mergesort")
            for i in range(n):
                values[first + i] = old_values[order[i]]
                trace[first + i] = old_trace[order[i]]
            continue
        counts[:] = 0
        bits = old_values[:n].view(np.uint64)
        for i in range(n):
            upper = bits[i] >> np.uint64(32)
            keys[i] = (upper << np.uint64(32)) | np.uint64(i)
            counts[0, upper & mask] += 1
            counts[1, (upper >> np.uint64(_BITS)) & mask] += 1
            counts[2, (upper >> np.uint64(2 * _BITS)) & mask] += 1
        for turn in range(3):
            place = 0
            alone = False
            for b in range(_BUCKETS):
                here = counts[turn, b]
                alone |= here == n
                counts[turn, b] = place
                place += here
            if alone:
                continue
            shift = np.uint64(32 + turn * _BITS)
            for i in range(n):
                b = (keys[i] >> shift) & mask
                other[counts[turn, b]] = keys[i]
                counts[turn, b] += 1
            keys, other = other, keys
        begin = 0
        for i in range(n):
            row = np.int64(keys[i] & np.uint64(0xFFFFFFFF))
            values[first + i] = old_values[row]
            trace[first + i] = old_trace[row]
            if i + 1 == n or (keys[i + 1] >> np.uint64(32)) != (keys[i] >> np.uint64(32)):
                if i > begin:
                    _sort_few(values, trace, first + begin, first + i + 1)
                begin = i + 1


@njit(nogil=True, cache=True)
def _sort_few(values, trace, low, high):  # type: ignore[no-untyped-def]
    if high - low > 32:
        order = np.argsort(values[low:high], kind="mergesort")
        values[low:high] = values[low:high][order]
        trace[low:high] = trace[low:high][order]
        return
    for i in range(low + 1, high):
        x = values[i]
        t = trace[i]
        j = i
        while j > low and values[j - 1] > x:
            values[j] = values[j - 1]
            trace[j] = trace[j - 1]
            j -= 1
        values[j] = x
        trace[j] = t


@njit(nogil=True, cache=True)
def _up_to(values, low, high, x):  # type: ignore[no-untyped-def]
    """How many of the sorted values[low:high] are at most x."""
    begin = low
    while low < high:
        middle = (low + high) // 2
        if values[middle] <= x:
            low = middle + 1
        else:
            high = middle
    return low - begin


@njit(nogil=True, cache=True)
def _of_both(values, a, a_end, b, b_end, k):  # type: ignore[no-untyped-def]
    """The k-th smallest (from 1) of two sorted stretches together."""
    while k > 1 and a < a_end and b < b_end:
        half = k // 2
        i = min(a + half, a_end)
        j = min(b + half, b_end)
        if values[i - 1] <= values[j - 1]:
            k -= i - a
            a = i
        else:
            k -= j - b
            b = j
    if a >= a_end:
        return values[b + k - 1]
    if b >= b_end:
        return values[a + k - 1]
    return min(values[a], values[b])


@njit(nogil=True, cache=True)
def _place_among(values, own, own_end, other, other_end, places):  # type: ignore[no-untyped-def]
    """Mid-rank share of the other side's values below each own value; their mean is the share of pairs won."""
    below = other
    upto = other
    total = 0.0
    n_other = other_end - other
    for i in range(own, own_end):
        x = values[i]
        while below < other_end and values[below] < x:
            below += 1
        if upto < below:
            upto = below
        while upto < other_end and values[upto] <= x:
            upto += 1
        share = ((below - other) + 0.5 * (upto - below)) / n_other
        places[i - own] = share
        total += share
    return total / max(own_end - own, 1)


@njit(nogil=True, cache=True)
def _number(trace, first, last, codes):  # type: ignore[no-untyped-def]
    """Numbers from 0 for the traces of some spans, by a table that is as small as it can be, to stay in the cache."""
    bits = 12
    keys = np.empty(1 << bits, dtype=np.uint64)
    held = np.full(1 << bits, -1, dtype=np.int32)
    count = 0
    for i in range(first, last):
        h = trace[i]
        mask = (1 << bits) - 1
        slot = np.int64((h * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
        while held[slot] >= 0 and keys[slot] != h:
            slot = (slot + 1) & mask
        if held[slot] >= 0:
            codes[i - first] = held[slot]
            continue
        keys[slot] = h
        held[slot] = count
        codes[i - first] = count
        count += 1
        if 2 * count > mask:
            old_keys, old_held = keys, held
            bits += 2
            mask = (1 << bits) - 1
            keys = np.empty(1 << bits, dtype=np.uint64)
            held = np.full(1 << bits, -1, dtype=np.int32)
            for old in range(len(old_held)):
                if old_held[old] >= 0:
                    to = np.int64((old_keys[old] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
                    while held[to] >= 0:
                        to = (to + 1) & mask
                    keys[to] = old_keys[old]
                    held[to] = old_held[old]
    return count


@njit(nogil=True, cache=True)
def compared(  # type: ignore[no-untyped-def]
    values, trace, starts, tops, bottoms, chosen, counts, variance, freedom, places_of, shares_of, pair
):
    """One pass over each chosen pair of segments (2g: baseline, 2g + 1: candidate), whose values are sorted.

    Args:
        values: milliseconds; infinite for an open span, so that these come last.
        trace: 64 bits that tell the traces apart.
        tops, bottoms: the two quantiles as fractions of whole numbers.
        counts: filled: by segment, closed spans, and traces with a closed span.
        variance, freedom: filled: by (segment, column P50 …) the variance of the mean over traces, and the degrees of
            freedom it is known with.
        places_of: filled: by segment, the places of the two quantiles, and those where open spans count as longest.
        shares_of: filled: by segment, the shares at or below its own two quantiles, and at or below those of both
            sides together.
        pair: filled: by pair, the probability of superiority and the covariance of its two halves.
    """
    longest = 0
    widest = 0
    for g in chosen:
        widest = max(widest, starts[2 * g + 2] - starts[2 * g])
        for s in (2 * g, 2 * g + 1):
            longest = max(longest, starts[s + 1] - starts[s])
    codes = np.empty(widest, dtype=np.int32)
    sums = np.zeros((1, 4))
    sums_before = np.zeros(1)
    seen = np.zeros((1, 2), dtype=np.bool_)
    places = np.zeros(longest)
    for g in chosen:
        b, c = 2 * g, 2 * g + 1
        n_traces = _number(trace, starts[b], starts[c + 1], codes)
        if n_traces > len(sums):
            sums = np.zeros((n_traces, 4))
            sums_before = np.zeros(n_traces)
            seen = np.zeros((n_traces, 2), dtype=np.bool_)
        for s in (b, c):
            n = _up_to(values, starts[s], starts[s + 1], np.finfo(np.float64).max)
            counts[s, 0] = n
            for k in range(2):
                if n > 0:
                    places_of[s, k] = max(-(-n * tops[k] // bottoms[k]) - 1, 0)
                    places_of[s, 2 + k] = max(-(-(starts[s + 1] - starts[s]) * tops[k] // bottoms[k]) - 1, 0)
                    upto = _up_to(values, starts[s], starts[s] + n, values[starts[s] + places_of[s, k]])
                    shares_of[s, k] = upto / n
        n_b, n_c = counts[b, 0], counts[c, 0]
        both = n_b > 0 and n_c > 0
        if both:
            for k in range(2):
                x = _common_cut(values, starts[b], n_b, starts[c], n_c, tops[k], bottoms[k])
                for s in (b, c):
                    shares_of[s, 2 + k] = _up_to(values, starts[s], starts[s] + counts[s, 0], x) / counts[s, 0]
        sums_before[:n_traces] = 0.0
        for side in range(2):
            s = 2 * g + side
            first, last = starts[s], starts[s + 1]
            n = counts[s, 0]
            mean = 0.0
            if both:
                other = 2 * g + 1 - side
                mean = _place_among(values, first, first + n, starts[other], starts[other] + counts[other, 0], places)
                if side == 1:
                    pair[g, 0] = mean
            upto_50 = round(shares_of[s, 0] * n) if n else 0
            upto_95 = round(shares_of[s, 1] * n) if n else 0
            open_share = (last - first - n) / max(last - first, 1)
            sums[:n_traces] = 0.0
            seen[:n_traces] = False
            for i in range(first, last):
                t = codes[i - starts[b]]
                j = i - first
                seen[t, 1] = True
                if j < n:
                    seen[t, 0] = True
                    sums[t, 0] += (1.0 if j < upto_50 else 0.0) - shares_of[s, 0]
                    sums[t, 1] += (1.0 if j < upto_95 else 0.0) - shares_of[s, 1]
                    sums[t, 2] += places[j] - mean if both else 0.0
                    sums[t, 3] -= open_share
                else:
                    sums[t, 3] += 1.0 - open_share
            squares = np.zeros(4)
            fourths = np.zeros(4)
            together = 0.0
            n_seen = 0
            n_all = 0
            for t in range(n_traces):
                if seen[t, 1]:
                    n_all += 1
                    n_seen += seen[t, 0]
                    for k in range(4):
                        square = sums[t, k] * sums[t, k]
                        squares[k] += square
                        fourths[k] += square * square
                    if side == 0:
                        sums_before[t] = sums[t, 2]
                    else:
                        together += sums[t, 2] * sums_before[t]
            counts[s, 1] = n_seen
            for k in range(4):
                units = n_all if k == 3 else n_seen
                rows = last - first if k == 3 else n
                if units > 1:
                    variance[s, k] = squares[k] / rows**2 * units / (units - 1)
                    if fourths[k] > 0:
                        peakedness = units * fourths[k] / squares[k] ** 2
                        freedom[s, k] = min(max(2 * units / max(peakedness - 1, 1e-9), 1.0), units - 1)
                    else:
                        freedom[s, k] = units - 1
            if side == 1 and both:
                units = min(counts[b, 1], counts[c, 1])
                pair[g, 1] = together / n_b / n_c * units / max(units - 1, 1)


@njit(nogil=True, cache=True)
def _common_cut(values, a, n_a, b, n_b, top, bottom):  # type: ignore[no-untyped-def]
    """The quantile of both sides together, or just below it, where many tie with it and that is nearer to the share."""
    n = n_a + n_b
    x = _of_both(values, a, a + n_a, b, b + n_b, max(-(-n * top // bottom), 1))
    below = np.nextafter(x, -1.0)
    upto = _up_to(values, a, a + n_a, x) + _up_to(values, b, b + n_b, x)
    less = _up_to(values, a, a + n_a, below) + _up_to(values, b, b + n_b, below)
    return below if abs(less * bottom - n * top) < abs(upto * bottom - n * top) else x
