"""What the events of each trace add up to, group by group and stratum by stratum; equal traces are told once."""

from __future__ import annotations

import numpy as np
from numba import njit

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
def sort_few(keys, order, n):  # type: ignore[no-untyped-def]
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
            sort_few(keys, order, k)
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
def spreads(begins, seg_times, seg_begin, cell_stratum, cell_num, cell_den, quotients, fixed, told):  # type: ignore[no-untyped-def]
    """How far each stratum carries the variance of each group: Σ over traces of what it adds times what the trace does.

    With one share for all strata of a trace, the variance is the sum of these, times 1/p − 1. What goes by `fixed`
    strata, which are kept whole, varies with nothing. Where strata work against each other, a tenth of what a stratum
    would carry alone stays.

    Args:
        quotients: of each group, by which what a ratio divides by is weighed; 0 of a sum.
        told: filled, one row a group, one column a stratum.
    """
    alone = np.zeros(told.shape[1])
    for g in range(len(begins) - 1):
        told[g] = 0.0
        alone[:] = 0.0
        for s in range(begins[g], begins[g + 1]):
            total = 0.0
            for i in range(seg_begin[s], seg_begin[s + 1]):
                if not fixed[cell_stratum[i]]:
                    total += cell_num[i] - (quotients[g] * cell_den[i] if len(cell_den) else 0.0)
            for i in range(seg_begin[s], seg_begin[s + 1]):
                stratum = cell_stratum[i]
                if not fixed[stratum]:
                    e = cell_num[i] - (quotients[g] * cell_den[i] if len(cell_den) else 0.0)
                    told[g, stratum] += seg_times[s] * e * total
                    alone[stratum] += seg_times[s] * e * e
        for stratum in range(told.shape[1]):
            told[g, stratum] = max(told[g, stratum], 0.1 * alone[stratum])
