"""Which bucket of OpenTelemetry's exponential histogram a number falls into, exactly.

At scale s the base is b = 2^(2^-s), and bucket i holds b^i < |x| ≤ b^(i+1). The bounds are irrational but for the
powers of two, so no float lies on one of those; but a float can lie between a bound and what rounding makes of it.
Here a number's mantissa, a whole number, is compared with the bound's, rounded down by whole-number roots: that is
the comparison with the bound itself, for every float, subnormal ones included.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.grouping import Codes
from onex_analytics.machine import lean

SCALE = 6
"""The usual scale: 64 buckets from each power of two to the next."""

FINEST, COARSEST = 10, -10

Values = NDArray[np.float64]
Bounds = NDArray[np.uint64]
_MANTISSA = 52
_MANTISSA_MASK = np.uint64(0xF_FFFF_FFFF_FFFF)
_WITHOUT_SIGN = ~(np.uint64(1) << np.uint64(63))
LEAST_NORMAL = np.uint64(1) << np.uint64(52)
INFINITE = np.uint64(0x7FF) << np.uint64(52)
_NO_BUCKET = np.int32(np.iinfo(np.int32).min)


def known_scale(scale: int) -> int:
    """The scale, if it is a whole number from `COARSEST` to `FINEST`."""
    if scale not in range(COARSEST, FINEST + 1):
        raise InvalidOption("scale", scale, f"a whole number from {COARSEST} to {FINEST}, such as {SCALE}")
    return int(scale)


def relative_error(scale: int = SCALE) -> float:
    """How far a bucket's estimate can be off, as a share of the number: (b − 1) / (b + 1).

    >>> f"{relative_error(6):.3%}"
    '0.542%'
    """
    inverse = 2.0 ** -(2.0 ** -known_scale(scale))  # the base itself may be beyond all floats
    return (1 - inverse) / (1 + inverse)


def bucket_of(values: Values, scale: int = SCALE) -> Codes:
    """The bucket of each number's distance from zero. What has none (zero, NaN, infinity) gives the least int32.

    >>> bucket_of(np.array([1.0, 1.0000001, 2.0, 0.5])).tolist()
    [-1, 0, 63, -65]
    """
    found = np.empty(len(values), np.int32)
    _fill(values, scale, bounds(scale), found)
    return found


@lru_cache
def bounds(scale: int) -> Bounds:
    """What a kernel needs to find buckets at `scale`.

    For each slot, a 2^(s+1)th of the way from a power of two to the next, in which lies at most one bound: how many
    bounds are before it (the upper bits), and the mantissa of its own; the greatest where it has none.
    """
    fine = max(known_scale(scale), 0)
    slots = 2 << fine
    width = (1 << _MANTISSA) // slots
    before = np.zeros(slots, np.uint64)
    own = np.full(slots, _MANTISSA_MASK, np.uint64)
    for k in range(1 << fine):
        bound = _root(_MANTISSA, k, fine) - (1 << _MANTISSA)
        own[bound // width] = bound
        before[bound // width + 1 :] += np.uint64(1)
    return before << np.uint64(_MANTISSA) | own


def _root(exponent: int, k: int, scale: int) -> int:
    """⌊2^(exponent + k / 2^scale)⌋: the root of a root, rounded down each time, is the whole root rounded down."""
    power: int = 1 << ((exponent << scale) + k)
    for _ in range(scale):
        power = isqrt(power)
    return power


@njit(nogil=True, cache=True, inline="always")
def place(bits: np.uint64, scale: int, bounds: Bounds) -> np.int64:
    """The bucket of the float with these bits, which is positive, finite and not subnormal; unsigned, so it is fast."""
    fine = max(scale, 0)
    mantissa = bits & _MANTISSA_MASK
    slot = bounds[mantissa >> np.uint64(51 - fine)]
    whole = np.int64((bits >> np.uint64(52)) << np.uint64(fine)) - np.int64(1023 << fine)
    before = np.int64(slot >> np.uint64(52)) + np.int64(mantissa > slot & _MANTISSA_MASK)
    return (whole + before - np.int64(1)) >> np.int64(fine - scale)


@lean
def place_subnormal(bits: np.uint64, scale: int, bounds: Bounds) -> np.int64:
    """`place` of a positive subnormal float: moved up by powers of two until it is one no more, and back again."""
    moved = np.int64(0)
    while bits < LEAST_NORMAL:
        bits <<= np.uint64(1)
        moved += np.int64(1)
    fine = max(scale, 0)
    return (place(bits, fine, bounds) - (moved << np.int64(fine))) >> np.int64(fine - scale)


@lean
def _fill(values: Values, scale: int, bounds: Bounds, found: Codes) -> None:
    signed = values.view(np.uint64)
    for i in range(values.shape[0]):
        bits = signed[i] & _WITHOUT_SIGN
        if bits == 0 or bits >= INFINITE:
            found[i] = _NO_BUCKET
        elif bits < LEAST_NORMAL:
            found[i] = place_subnormal(bits, scale, bounds)
        else:
            found[i] = place(bits, scale, bounds)
