"""Chance: one raw stream of bits per (seed, block, purpose), and the few draws that the fleet needs.

Only the raw bits of PCG64 are used, and integer arithmetic or table look-ups on them. NumPy promises
the raw stream for ever, but not the streams of its distributions: so a seed means the same log on every
machine, with every NumPy, at any number of threads. (Latencies and sizes go through `exp` and are then rounded to whole
microseconds and bytes: two libraries whose `exp` differs in the last bit agree but for about one draw in 10**11.)
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

NORMAL: Floats = np.array([NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(65536)])
"""65,536 equally likely values of the standard normal distribution."""


class Draws:
    """A stream of draws named by whole numbers: the same name gives the same draws.

    >>> Draws(7, 1).below(4, 100).tolist() == Draws(7, 1).below(4, 100).tolist()
    True
    """

    def __init__(self, *name: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(name))

    def raw(self, n: int) -> NDArray[np.uint64]:
        """`n` draws of 64 bits."""
        return np.asarray(self._bits.random_raw(n), dtype=np.uint64)

    def short(self, n: int) -> NDArray[np.uint16]:
        """`n` draws of 16 bits, four from each raw one."""
        return self.raw(-(-n // 4)).astype("<u8", copy=False).view("<u2")[:n].astype(np.uint16, copy=False)

    def below(self, n: int, bound: int | Ints) -> Ints:
        """`n` whole numbers in [0, bound), for bounds below 2**31."""
        return ((self.raw(n) >> np.uint64(32)).astype(np.int64) * bound) >> 32

    def shares(self, n: int) -> Floats:
        """`n` numbers in [0, 1)."""
        return (self.raw(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def hits(self, n: int, share: float | Floats) -> Mask:
        """True in about `share` of `n` draws; none at 0, all at 1. A share of exactly 0 or 1 costs no draw."""
        if isinstance(share, float | int):
            if share <= 0 or n == 0:
                return np.zeros(n, dtype=np.bool_)
            if share >= 1:
                return np.ones(n, dtype=np.bool_)
        return np.asarray(self.shares(n) < share)

    def normals(self, n: int) -> Floats:
        """`n` standard normal numbers, by table."""
        return NORMAL[self.short(n)]

    def of(self, n: int, table: NDArray[Any]) -> NDArray[Any]:
        """`n` entries of a table whose length is a power of two up to 65,536."""
        chosen: NDArray[Any] = table[self.short(n) >> (17 - len(table).bit_length())]
        return chosen

    def order(self, n: int) -> Ints:
        """A random order of 0 … n - 1."""
        return np.argsort(self.raw(n), kind="stable")
