"""The compiled half of `compare`: order, places among the other side's spans, and what the traces have in common.

Spans lie segment by segment (2g: the baseline of group g, 2g + 1: its candidate), in each as they came. Traces have
numbers in the order they came, so that the spans of a trace are neighbours, or nearly: what a trace adds up to is
reckoned in that order, in one pass that needs no table, and only the sort by value leaves it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

P50, P95, PLACE, OPEN = range(4)
"""Columns of what is summed up by trace."""


_OPEN_RANK = 3
_TOGETHER, _SIZES = 8, 9
_LOWER = np.uint64(0xFFFF_FFFF)
_INFINITE = np.uint64(0x7FF) << np.uint64(52)
_BITS = 11
_BUCKETS = 1 << _BITS
_FEW = 1024


@njit(nogil=True, cache=True)
def sort_segments(values, rows, starts, chosen):  # type: ignore[no-untyped-def]
    """Sort the chosen segments by value, in place: two or three rounds of a radix sort, then neighbours.

    The bits of a float that is not negative are in the order of the floats. The upper ones part nearly all values;
    what they leave together is sorted as numbers. Filled: `rows`, the place in its segment that each value came from.
    """
    longest = 0
    for s in chosen:
        longest = max(longest, starts[s + 1] - starts[s])
    keys = np.empty(longest, dtype=np.uint64)
    other = np.empty(longest, dtype=np.uint64)
    came = np.empty(longest)
    counts = np.zeros((3, _BUCKETS), dtype=np.int64)
    mask = np.uint64(_BUCKETS - 1)
    for s in chosen:
        first = starts[s]
        n = starts[s + 1] - first
        came[:n] = values[first:first + n]
        if n < _FEW:
            order = np.argsort(came[:n], kind="mergesort")
            for i in range(n):
                values[first + i] = came[order[i]]
                rows[first + i] = order[i]
            continue
        bits = came[:n].view(np.uint64)
        least, rounds, shift, most = _cells(bits)
        counts[:] = 0
        for i in range(n):
            cell = min((bits[i] - least) >> shift, most)
            keys[i] = (cell << np.uint64(32)) | np.uint64(i)
            counts[0, cell & mask] += 1
            counts[1, (cell >> np.uint64(_BITS)) & mask] += 1
            if rounds == 3:
                counts[2, cell >> np.uint64(2 * _BITS)] += 1
        for turn in range(rounds):
            if _begins(counts[turn], n):
                _dealt(keys, other, n, np.uint64(32 + turn * _BITS), counts[turn])
                keys, other = other, keys
        begin = 0
        for i in range(n):
            row = np.int64(keys[i] & _LOWER)
            values[first + i] = came[row]
            rows[first + i] = row
            if i + 1 == n or (keys[i + 1] >> np.uint64(32)) != (keys[i] >> np.uint64(32)):
                if i > begin:
                    _sort_few(values, rows, first + begin, first + i + 1)
                begin = i + 1


@njit(nogil=True, cache=True)
def _cells(bits):  # type: ignore[no-untyped-def]
    """Cells for the bits of floats: the least of them, rounds, by how much to shift what is above it, the last cell.

    Two rounds where their cells are fine enough to part most values, else three. Infinite ones go into the last cell.
    """
    least = _INFINITE
    greatest = np.uint64(0)
    for i in range(len(bits)):
        least = min(least, bits[i])
        if bits[i] < _INFINITE:
            greatest = max(greatest, bits[i])
    greatest = max(greatest, least)
    width = _width(greatest - least)
    rounds = 2 if width + _width(np.uint64(len(bits))) <= 52 + 2 * _BITS + 1 else 3
    room = 2 * _BITS if rounds == 2 else 32
    return least, rounds, np.uint64(max(width - room, 0)), np.uint64((1 << room) - 1)


@njit(nogil=True, cache=True)
def _width(number):  # type: ignore[no-untyped-def]
    """How many bits a whole number takes."""
    bits = 0
    while number > 0:
        number >>= np.uint64(1)
        bits += 1
    return bits


@njit(nogil=True, cache=True)
def _begins(counts, n):  # type: ignore[no-untyped-def]
    """From how many keys a bucket has to where it begins; False where one bucket has all, so that nothing moves."""
    place = 0
    parted = True
    for b in range(len(counts)):
        here = counts[b]
        parted &= here != n
        counts[b] = place
        place += here
    return parted


@njit(nogil=True, cache=True)
def _dealt(keys, other, n, shift, places):  # type: ignore[no-untyped-def]
    """One round of a radix sort, from `keys` to `other`."""
    mask = np.uint64(_BUCKETS - 1)
    for i in range(n):
        b = (keys[i] >> shift) & mask
        other[places[b]] = keys[i]
        places[b] += 1


@njit(nogil=True, cache=True)
def _sort_few(values, rows, low, high):  # type: ignore[no-untyped-def]
    if high - low > 32:
        order = np.argsort(values[low:high], kind="mergesort")
        values[low:high] = values[low:high][order]
        rows[low:high] = rows[low:high][order]
        return
    for i in range(low + 1, high):
        x = values[i]
        t = rows[i]
        j = i
        while j > low and values[j - 1] > x:
            values[j] = values[j - 1]
            rows[j] = rows[j - 1]
            j -= 1
        values[j] = x
        rows[j] = t


@njit(nogil=True, cache=True)
def by_trace(trace, first, n, keys, other):  # type: ignore[no-untyped-def]
    """The spans of a segment trace by trace: keys of trace number (upper half) and place, in either of the two arrays.

    Nearly sorted is the rule, and sorted by moving the few; where many would move, three rounds of radix sort.
    """
    moves = 4 * n
    for i in range(n):
        key = (np.uint64(trace[first + i]) << np.uint64(32)) | np.uint64(i)
        j = i
        while j > 0 and keys[j - 1] > key and moves > 0:
            keys[j] = keys[j - 1]
            j -= 1
            moves -= 1
        keys[j] = key
    if moves > 0:
        return keys
    counts = np.zeros((3, _BUCKETS), dtype=np.int64)
    mask = np.uint64(_BUCKETS - 1)
    for i in range(n):
        for turn in range(3):
            counts[turn, (keys[i] >> np.uint64(32 + turn * _BITS)) & mask] += 1
    for turn in range(3):
        if _begins(counts[turn], n):
            _dealt(keys, other, n, np.uint64(32 + turn * _BITS), counts[turn])
            keys, other = other, keys
    return keys


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
def placed(values, rows, a, a_end, b, b_end, places_a, places_b):  # type: ignore[no-untyped-def]
    """By row twice the mid-rank among the other side's values, for the sorted values of both sides; and the sum of b's.

    One merge. No branch asks which side comes next, for nobody could guess it: either side's place is written down at
    each step, and stays once its value has been passed.
    """
    begin_a, begin_b = a, b
    won = 0
    while a < a_end and b < b_end:
        x = values[a]
        y = values[b]
        places_a[rows[a]] = 2 * (b - begin_b)
        places_b[rows[b]] = 2 * (a - begin_a)
        if x == y:
            next_a, next_b = a + 1, b + 1
            while next_a < a_end and values[next_a] == x:
                next_a += 1
            while next_b < b_end and values[next_b] == x:
                next_b += 1
            for i in range(a, next_a):
                places_a[rows[i]] = b + next_b - 2 * begin_b
            for i in range(b, next_b):
                places_b[rows[i]] = a + next_a - 2 * begin_a
            won += (next_b - b) * (a + next_a - 2 * begin_a)
            a, b = next_a, next_b
        else:
            later = np.int64(x < y)
            won += (1 - later) * 2 * (a - begin_a)
            a += later
            b += 1 - later
    for i in range(a, a_end):
        places_a[rows[i]] = 2 * (b_end - begin_b)
    for i in range(b, b_end):
        places_b[rows[i]] = 2 * (a_end - begin_a)
    return won + (b_end - b) * 2 * (a_end - begin_a)


@njit(nogil=True, cache=True, inline="always")
def _add(total, lost, k, x):  # type: ignore[no-untyped-def]
    """Add to a sum, and keep what rounding loses (Neumaier): the order in which traces came is not the same twice."""
    before = total[k]
    after = before + x
    back = after - before
    lost[k] += (before - (after - back)) + (x - back)
    total[k] = after


@njit(nogil=True, cache=True)
def compared(  # type: ignore[no-untyped-def]
    values, rows, trace, starts, tops, bottoms, chosen, counts, variance, freedom, places_of, shares_of, pair
):
    """One pass over each chosen pair of segments (2g: baseline, 2g + 1: candidate), whose values are sorted.

    Args:
        values: milliseconds, sorted; infinite for an open span, so that these come last.
        rows: the place in its segment that each value came from.
        trace: the number of the trace of each place, as they came.
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
    for g in chosen:
        for s in (2 * g, 2 * g + 1):
            longest = max(longest, starts[s + 1] - starts[s])
    keys = np.empty(longest, dtype=np.uint64)
    other_keys = np.empty(longest, dtype=np.uint64)
    places = np.zeros((2, longest), dtype=np.uint32)
    rank = np.empty(longest, dtype=np.uint8)
    traces_before = np.empty(longest, dtype=np.uint64)
    sums_before = np.empty(longest)
    total = np.zeros(15)
    lost = np.zeros(15)
    for g in chosen:
        b, c = 2 * g, 2 * g + 1
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
        if both:
            won = placed(values, rows, starts[b], starts[b] + n_b, starts[c], starts[c] + n_c, places[0], places[1])
            pair[g, 0] = won / (2 * n_b) / n_c
        n_before = 0
        for side in range(2):
            s = 2 * g + side
            first, last = starts[s], starts[s + 1]
            n = counts[s, 0]
            mean = 0.0
            width = 0.0
            if both:
                mean = pair[g, 0] if side == 1 else 1 - pair[g, 0]
                width = 0.5 / counts[2 * g + 1 - side, 0]
            upto_50 = round(shares_of[s, 0] * n) if n else 0
            upto_95 = round(shares_of[s, 1] * n) if n else 0
            for j in range(last - first):
                rank[rows[first + j]] = (j >= upto_50) + np.uint8(j >= upto_95) + np.uint8(j >= n)
            open_share = (last - first - n) / max(last - first, 1)
            share_50, share_95 = shares_of[s, 0], shares_of[s, 1]
            ordered = by_trace(trace, first, last - first, keys, other_keys)
            total[:] = 0.0
            lost[:] = 0.0
            n_seen = 0
            n_all = 0
            at_before = 0
            m = below_50 = below_95 = twice_placed = n_open = 0
            for i in range(last - first):
                row = ordered[i] & _LOWER
                of_trace = ordered[i] >> np.uint64(32)
                if rank[row] < _OPEN_RANK:
                    m += 1
                    below_50 += rank[row] < 1
                    below_95 += rank[row] < 2
                    twice_placed += np.int64(places[side, row])
                else:
                    n_open += 1
                if i + 1 < last - first and ordered[i + 1] >> np.uint64(32) == of_trace:
                    continue
                n_all += 1
                n_seen += m > 0
                scale = n / (n - m) if m < n else 1.0
                off_50, off_95 = scale * (below_50 - m * share_50), scale * (below_95 - m * share_95)
                off_place = scale * (width * twice_placed - m * mean)
                for power in range(3):
                    _add(total, lost, _SIZES + power, float(m) ** (power + 2))
                _add(total, lost, P50, off_50 * off_50)
                _add(total, lost, P95, off_95 * off_95)
                _add(total, lost, PLACE, off_place * off_place)
                _add(total, lost, 4 + P50, (off_50 * off_50) * (off_50 * off_50))
                _add(total, lost, 4 + P95, (off_95 * off_95) * (off_95 * off_95))
                _add(total, lost, 4 + PLACE, (off_place * off_place) * (off_place * off_place))
                if n < last - first:
                    size = m + n_open
                    scale = (last - first) / (last - first - size) if size < last - first else 1.0
                    off_open = scale * (n_open - size * open_share)
                    for power in range(3):
                        _add(total, lost, _SIZES + 3 + power, float(size) ** (power + 2))
                    _add(total, lost, OPEN, off_open * off_open)
                    _add(total, lost, 4 + OPEN, (off_open * off_open) * (off_open * off_open))
                if side == 0:
                    traces_before[n_before] = of_trace
                    sums_before[n_before] = off_place
                    n_before += 1
                else:
                    while at_before < n_before and traces_before[at_before] < of_trace:
                        at_before += 1
                    if at_before < n_before and traces_before[at_before] == of_trace:
                        _add(total, lost, _TOGETHER, off_place * sums_before[at_before])
                m = below_50 = below_95 = twice_placed = n_open = 0
            together = total[_TOGETHER] + lost[_TOGETHER]
            squares = total[:4] + lost[:4]
            fourths = total[4:8] + lost[4:8]
            counts[s, 1] = n_seen
            for k in range(4):
                units = n_all if k == 3 else n_seen
                spans = last - first if k == 3 else n
                if units > 1:
                    variance[s, k] = squares[k] / spans**2 * (units - 1) / units
                    at = _SIZES + (3 if k == OPEN else 0)
                    share = open_share if k == OPEN else share_95 if k == P95 else share_50
                    design = variance[s, P50 if k == PLACE else k] * spans / max(share * (1 - share), 1e-300)
                    freedom[s, k] = _freedom(total[at:at + 3] + lost[at:at + 3], spans, units, design)
                    if fourths[k] > 0:
                        peakedness = units * fourths[k] / squares[k] ** 2
                        freedom[s, k] = max(min(2 * units / max(peakedness - 1, 1e-9), freedom[s, k]), 1.0)
            if side == 1 and both:
                units = min(counts[b, 1], counts[c, 1])
                pair[g, 1] = together / n_b / n_c * (units - 1) / units


@njit(nogil=True, cache=True)
def _freedom(powers, spans, units, design):  # type: ignore[no-untyped-def]
    """With how many degrees of freedom a variance over traces is known: as with so many traces of one size, less one.

    Args:
        powers: sums of the squares, cubes and fourth powers of the traces' sizes.
        spans, units: how many spans, and traces of them.
        design: how many times the variance that independent spans would have; it tells how alike those of a trace are.
    """
    square, cube, fourth = powers
    if square <= spans:
        return units - 1.0
    alike = min(max((design - 1) / (square / spans - 1), 0.0), 1.0)
    of_each = (1 - alike) * spans + alike * square
    squared = (1 - alike) ** 2 * square + 2 * alike * (1 - alike) * cube + alike**2 * fourth
    return max(min(of_each**2 / squared, units) - 1, 1.0)


@njit(nogil=True, cache=True)
def _common_cut(values, a, n_a, b, n_b, top, bottom):  # type: ignore[no-untyped-def]
    """The quantile of both sides together, or just below it, where many tie with it and that is nearer to the share."""
    n = n_a + n_b
    x = _of_both(values, a, a + n_a, b, b + n_b, max(-(-n * top // bottom), 1))
    below = np.nextafter(x, -1.0)
    upto = _up_to(values, a, a + n_a, x) + _up_to(values, b, b + n_b, x)
    less = _up_to(values, a, a + n_a, below) + _up_to(values, b, b + n_b, below)
    return below if abs(less * bottom - n * top) < abs(upto * bottom - n * top) else x
