"""Sums that do not depend on the order: numbers in whole units and units of 2^-32.

A float is its floor and the rest, rounded half to even to 2^-32. Both add up as whole numbers, so that sums can be
merged, taken away again and split anywhere without a difference in the last digit. A sum is exact to 2^-33 per value,
up to 2^63.
"""

from __future__ import annotations

import numpy as np

from onex_analytics.alerting.cells.runs import Float64, Int64

MOST = 2.0**53
"""Numbers of that size and more take no part: their sums would not be exact."""

_UNITS = 2.0**32


def parted(numbers: Float64) -> tuple[Int64, Int64]:
    """The floors, and what is above them in units of 2^-32.

    >>> parted(np.array([2.5, -0.25, 1e-12]))
    (array([ 2, -1,  0]), array([2147483648, 3221225472,          0]))
    """
    floors = np.floor(numbers)
    return floors.astype(np.int64), np.rint((numbers - floors) * _UNITS).astype(np.int64)


def joined(whole: Int64, rest: Int64) -> Float64:
    """The sums as floats.

    >>> joined(np.array([1]), np.array([3 * 2**31]))
    array([2.5])
    """
    carried = rest >> 32
    found: Float64 = (whole + carried) + (rest - (carried << 32)) / _UNITS
    return found
