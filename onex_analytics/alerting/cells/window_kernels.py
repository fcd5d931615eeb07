"""Kernels: rows gathered by label set, sums that slide over them, and steps of several cells laid side by side.

A step is a tick from which on a label set has these sums, until its next step. Steps lie label set by label set; those
of `k` are the rows `bounds[k]` to `bounds[k + 1]`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_NEVER = np.iinfo(np.int64).max


@lean
def cells_at(times: Numbers, keys: Numbers, offset: int, width: int, low: int, many: int, cell: Numbers) -> Any:
    """As `cells_of`, from times: bucket β is (β − 1, β] · width after the offset. Neighbours often share a bucket."""
    bucket = -((offset - times[0]) // width)
    begin = (bucket - 1) * width + offset
    row_of_bucket = (bucket - low) * many
    for row in range(len(times)):
        if times[row] <= begin or times[row] > begin + width:
            bucket = -((offset - times[row]) // width)
            begin = (bucket - 1) * width + offset
            row_of_bucket = (bucket - low) * many
        cell[row] = row_of_bucket + keys[row]
    return 0


@lean
def cells_of(buckets: Numbers, keys: Numbers, low: int, many: int, cell: Numbers) -> Any:
    """The place of each row in a table of buckets and label sets."""
    for row in range(len(buckets)):
        cell[row] = (buckets[row] - low) * many + keys[row]
    return 0


@lean
def add_flags(cell: Numbers, flags: Numbers, sums: Numbers) -> Any:
    """Count the flagged rows of each cell."""
    for row in range(len(cell)):
        sums[cell[row]] += flags[row]
    return 0


@lean
def add_numbers(cell: Numbers, numbers: Numbers, sums: Numbers) -> Any:
    """Add up the numbers of each cell."""
    for row in range(len(cell)):
        sums[cell[row]] += numbers[row]
    return 0


@lean
def used_cells(lanes: Numbers, counts: int, low: int, many: int, cells: Numbers, buckets: Numbers, keys: Numbers
) -> Any:  # fmt: skip
    """The cells of which any of the first `counts` lanes has something, in order, and their buckets and label sets."""
    n = 0
    cell = 0
    for bucket in range(lanes.shape[1] // many):
        for key in range(many):
            for lane in range(counts):
                if lanes[lane, cell] != 0:
                    cells[n] = cell
                    buckets[n] = low + bucket
                    keys[n] = key
                    n += 1
                    break
            cell += 1
    return n


@lean
def gather(lanes: Numbers, rows: Numbers, found: Numbers) -> Any:
    """The chosen rows of every lane."""
    for lane in range(lanes.shape[0]):
        for place in range(len(rows)):
            found[lane, place] = lanes[lane, rows[place]]
    return 0


@lean
def by_label_set(
    buckets: Numbers, keys: Numbers, lanes: Numbers, begin: int, end: int, bounds: Numbers, found: Numbers,
    found_lanes: Numbers,
) -> Any:  # fmt: skip
    """Rows `begin` to `end` label set by label set, each in the order in which they lie: their buckets and lanes."""
    bounds[:] = 0
    for row in range(begin, end):
        bounds[keys[row] + 1] += 1
    for key in range(1, len(bounds)):
        bounds[key] += bounds[key - 1]
    for row in range(begin, end):
        place = bounds[keys[row]]
        bounds[keys[row]] = place + 1
        found[place] = buckets[row]
        for lane in range(lanes.shape[0]):
            found_lanes[lane, place] = lanes[lane, row]
    for key in range(len(bounds) - 1, 0, -1):
        bounds[key] = bounds[key - 1]
    bounds[0] = 0
    return 0


@lean
def in_order(buckets: Numbers, keys: Numbers) -> Any:
    """Whether each row lies behind the one before it: in a later bucket, or of another label set further on."""
    for row in range(1, len(buckets)):
        if buckets[row] < buckets[row - 1] or (buckets[row] == buckets[row - 1] and keys[row] <= keys[row - 1]):
            return False
    return True


@lean
def places_after(buckets: Numbers, bounds: Numbers, last: int, places: Numbers) -> Any:
    """For each label set the place of its first row behind the bucket `last`."""
    for key in range(len(bounds) - 1):
        low, high = bounds[key], bounds[key + 1]
        while low < high:
            middle = (low + high) // 2
            if buckets[middle] <= last:
                low = middle + 1
            else:
                high = middle
        places[key] = low
    return 0


@lean
def slide(
    buckets_in: Numbers, lanes_in: Numbers, in_begin: Numbers, in_end: Numbers, buckets_out: Numbers,
    lanes_out: Numbers, out_begin: Numbers, out_end: Numbers, chosen: Numbers, per_tick: int, enter: int, leave: int,
    before: int, sums: Numbers, born: Numbers, bounds: Numbers, ticks: Numbers, values: Numbers,
) -> Any:  # fmt: skip
    """The steps of sums over windows: rows enter `enter` buckets after their own, and leave `leave` buckets after it.

    `sums` and `born` are carried from closing to closing. A label set is born with the first row of which the first
    chosen lane has something. Those born before begin with a step at the tick after `before`.
    """
    n = 0
    lanes = len(chosen)
    for key in range(len(in_begin)):
        bounds[key] = n
        i, i_end, o, o_end = in_begin[key], in_end[key], out_begin[key], out_end[key]
        alive = born[key] != 0
        if alive:
            ticks[n] = before + 1
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
        while per_tick == 1 and (i < i_end or o < o_end):  # each tick has one row at most to come and one to go
            come = buckets_in[i] + enter if i < i_end else _NEVER
            gone = buckets_out[o] + leave if o < o_end else _NEVER
            now = min(come, gone)
            changed = False
            for lane in range(lanes):
                number = 0
                if come == now:
                    number += lanes_in[chosen[lane], i]
                if gone == now:
                    number -= lanes_out[chosen[lane], o]
                if number != 0:
                    sums[key, lane] += number
                    changed = True
            if come == now:
                i += 1
            if gone == now:
                o += 1
            if not changed:
                continue
            if not alive:
                if sums[key, 0] == 0:
                    continue
                alive = True
                born[key] = 1
            elif ticks[n - 1] == now and n > bounds[key]:
                n -= 1
            ticks[n] = now
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
        while i < i_end or o < o_end:
            now = _NEVER
            if i < i_end:
                now = -((-(buckets_in[i] + enter)) // per_tick)
            if o < o_end:
                now = min(now, -((-(buckets_out[o] + leave)) // per_tick))
            changed = False
            upto = now * per_tick
            while i < i_end and buckets_in[i] + enter <= upto:
                for lane in range(lanes):
                    number = lanes_in[chosen[lane], i]
                    if number != 0:
                        sums[key, lane] += number
                        changed = True
                i += 1
            while o < o_end and buckets_out[o] + leave <= upto:
                for lane in range(lanes):
                    number = lanes_out[chosen[lane], o]
                    if number != 0:
                        sums[key, lane] -= number
                        changed = True
                o += 1
            if not changed:
                continue
            if not alive:
                if sums[key, 0] == 0:
                    continue
                alive = True
                born[key] = 1
            elif ticks[n - 1] == now and n > bounds[key]:
                n -= 1
            ticks[n] = now
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
    bounds[len(in_begin)] = n
    return n


@lean
def add_up(
    changes_begin: Numbers, change_ticks: Numbers, changes: Numbers, before: int, sums: Numbers, born: Numbers,
    bounds: Numbers, ticks: Numbers, values: Numbers,
) -> Any:  # fmt: skip
    """The steps of sums that change by `changes` at their ticks; those of a label set lie in the order of time."""
    n = 0
    lanes = changes.shape[0]
    for key in range(len(changes_begin) - 1):
        bounds[key] = n
        if born[key] != 0:
            ticks[n] = before + 1
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
        row = changes_begin[key]
        while row < changes_begin[key + 1]:
            now = change_ticks[row]
            while row < changes_begin[key + 1] and change_ticks[row] == now:
                for lane in range(lanes):
                    sums[key, lane] += changes[lane, row]
                row += 1
            if born[key] == 0:
                if sums[key, 0] == 0:
                    continue
                born[key] = 1
            elif n > bounds[key] and ticks[n - 1] == now:
                n -= 1
            ticks[n] = now
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
    bounds[len(changes_begin) - 1] = n
    return n


@lean
def side_by_side(
    a_bounds: Numbers, a_ticks: Numbers, b_bounds: Numbers, b_ticks: Numbers, bounds: Numbers, ticks: Numbers,
    a_row: Numbers, b_row: Numbers,
) -> Any:  # fmt: skip
    """The steps of two cells as one list: at each tick the row that holds in either; -1 before its first."""
    n = 0
    for key in range(len(a_bounds) - 1):
        bounds[key] = n
        a, a_end, b, b_end = a_bounds[key], a_bounds[key + 1], b_bounds[key], b_bounds[key + 1]
        a_now, b_now = -1, -1
        while a < a_end or b < b_end:
            if b >= b_end:
                now = a_ticks[a]
            elif a >= a_end:
                now = b_ticks[b]
            else:
                now = min(a_ticks[a], b_ticks[b])
            if a < a_end and a_ticks[a] == now:
                a_now = a
                a += 1
            if b < b_end and b_ticks[b] == now:
                b_now = b
                b += 1
            ticks[n] = now
            a_row[n] = a_now
            b_row[n] = b_now
            n += 1
    bounds[len(a_bounds) - 1] = n
    return n
