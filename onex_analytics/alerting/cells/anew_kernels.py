"""Kernels: sums that slide over single microseconds, and begin anew whenever a condition holds of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.machine import lean

Numbers = NDArray[Any]
_NEVER = np.iinfo(np.int64).max


@lean
def _joined(sums: Numbers, whole: Numbers, rest: Numbers) -> Any:
    """The sum of some lanes as one float, as `fixed_point.joined` has it."""
    units, parts = 0, 0
    for lane in whole:
        units += sums[lane]
    for lane in rest:
        parts += sums[lane]
    carried = parts >> 32
    return float(units + carried) + float(parts - (carried << 32)) / 4294967296.0


@lean
def _holds(sums: Numbers, part_whole: Numbers, part_rest: Numbers, over_whole: Numbers, over_rest: Numbers,
           factor: float, empty_is_none: bool, compared: int, threshold: float, min_count: int, without: bool,
) -> Any:  # fmt: skip
    """Whether the condition holds of these sums, as `judging.truth` has it."""
    value = _joined(sums, part_whole, part_rest)
    if len(over_whole) > 0:
        over = _joined(sums, over_whole, over_rest)
        if not over > 0:
            return without
        value = value / over
    elif empty_is_none and sums[0] == 0:
        return without
    if factor != 1.0:
        value = value * factor
    return sums[0] >= min_count and _compares(value, compared, threshold)


@lean
def _compares(value: float, compared: int, threshold: float) -> Any:
    """The comparison, by its place in `windows.OPS`."""
    if compared == 0:
        return value > threshold
    if compared == 1:
        return value >= threshold
    if compared == 2:
        return value < threshold
    if compared == 3:
        return value <= threshold
    if compared == 4:
        return value == threshold
    return value != threshold


@lean
def slide_anew(
    buckets_in: Numbers, lanes_in: Numbers, in_begin: Numbers, in_end: Numbers, buckets_out: Numbers,
    lanes_out: Numbers, out_begin: Numbers, out_end: Numbers, chosen: Numbers, leave: int, before: int, tick: int,
    part_whole: Numbers, part_rest: Numbers, over_whole: Numbers, over_rest: Numbers, factor: float,
    empty_is_none: bool, compared: int, threshold: float, min_count: int, without: bool, sums: Numbers,
    born: Numbers, matched: Numbers, bounds: Numbers, ticks: Numbers, values: Numbers,
) -> Any:  # fmt: skip
    """As `slide` on single microseconds, but whatever was there when the condition held takes no part afterwards.

    `matched` is the last tick of each label set at which it held.
    """
    n = 0
    lanes = len(chosen)
    for key in range(len(in_begin)):
        bounds[key] = n
        i, i_end, o, o_end = in_begin[key], in_end[key], out_begin[key], out_end[key]
        if born[key] != 0:
            ticks[n] = before + 1
            for lane in range(lanes):
                values[lane, n] = sums[key, lane]
            n += 1
        while i < i_end or o < o_end:
            now = _NEVER
            if i < i_end:
                now = buckets_in[i]
            if o < o_end:
                now = min(now, buckets_out[o] + leave)
            changed = False
            while i < i_end and buckets_in[i] == now:
                for lane in range(lanes):
                    number = lanes_in[chosen[lane], i]
                    if number != 0:
                        sums[key, lane] += number
                        changed = True
                i += 1
            while o < o_end and buckets_out[o] + leave == now:
                if buckets_out[o] > matched[key]:
                    for lane in range(lanes):
                        number = lanes_out[chosen[lane], o]
                        if number != 0:
                            sums[key, lane] -= number
                            changed = True
                o += 1
            if not changed:
                continue
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
            if _holds(sums[key], part_whole, part_rest, over_whole, over_rest, factor, empty_is_none, compared,
                      threshold, min_count, without):  # fmt: skip
                matched[key] = now
                for lane in range(lanes):
                    sums[key, lane] = 0
                if now < tick:
                    ticks[n] = now + 1
                    for lane in range(lanes):
                        values[lane, n] = 0
                    n += 1
    bounds[len(in_begin)] = n
    return n


@lean
def slide_anew_counts(
    buckets_in: Numbers, lane_in: Numbers, in_begin: Numbers, in_end: Numbers, buckets_out: Numbers,
    lane_out: Numbers, out_begin: Numbers, out_end: Numbers, leave: int, before: int, tick: int, factor: float,
    compared: int, threshold: float, min_count: int, sums: Numbers, born: Numbers, matched: Numbers, bounds: Numbers,
    ticks: Numbers, values: Numbers,
) -> Any:  # fmt: skip
    """As `slide_anew` for one lane that counts: a count or a rate of events that stand for themselves alone.

    The count is held outside of the arrays, which is four times as fast.
    """
    n = 0
    for key in range(len(in_begin)):
        bounds[key] = n
        i, i_end, o, o_end = in_begin[key], in_end[key], out_begin[key], out_end[key]
        count, last_match, alive = sums[key, 0], matched[key], born[key] != 0
        if alive:
            ticks[n], values[n] = before + 1, count
            n += 1
        come = buckets_in[i] if i < i_end else _NEVER
        gone = buckets_out[o] + leave if o < o_end else _NEVER
        while come != _NEVER or gone != _NEVER:
            now = min(come, gone)
            changed = False
            if come == now:
                count += lane_in[i]
                changed = lane_in[i] != 0
                i += 1
                come = buckets_in[i] if i < i_end else _NEVER
            if gone == now:
                if buckets_out[o] > last_match and lane_out[o] != 0:
                    count -= lane_out[o]
                    changed = True
                o += 1
                gone = buckets_out[o] + leave if o < o_end else _NEVER
            if not changed:
                continue
            if not alive:
                if count == 0:
                    continue
                alive = True
            elif ticks[n - 1] == now and n > bounds[key]:
                n -= 1
            ticks[n], values[n] = now, count
            n += 1
            if count >= min_count and _compares(count * factor, compared, threshold):
                last_match = now
                count = 0
                if now < tick:
                    ticks[n], values[n] = now + 1, 0
                    n += 1
        sums[key, 0], matched[key] = count, last_match
        if alive:
            born[key] = 1
    bounds[len(in_begin)] = n
    return n
