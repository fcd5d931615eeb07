"""What cells amount to: runs of ticks with one value, for each rule and label set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Int8 = NDArray[np.int8]
Float64 = NDArray[np.float64]

FALSE, TRUE, KEPT = 0, 1, 2
"""What a condition is at a tick; `KEPT`: as it was at the tick before (`no_data: keep`)."""


class RuleRuns(NamedTuple):
    """The runs of one rule, label set by label set.

    Those of `series[i]` are the rows `bounds[i]` to `bounds[i + 1]`; they follow one another without a gap from the
    tick after the last closing (or the label set's first) to the closed one. Two runs beside each other may be alike.
    Rules with equal cells share the arrays.
    """

    rule: int         # place in the group
    series: Int32     # ids of the `SeriesTable`
    bounds: Int64
    first: Int64      # tick
    last: Int64       # tick, inclusive
    value: Float64    # NaN: no data
    n: Int64          # events behind the value, each counted once
    truth: Int8       # FALSE, TRUE or KEPT


class FlatRuns(NamedTuple):
    """The runs of several rules, ordered by series and time."""

    series: Int32
    first: Int64
    last: Int64
    value: Float64
    n: Int64
    truth: Int8


class Runs:
    """The runs of a closing, rule by rule. They are made while one iterates: do so once, before the next closing."""

    def __init__(self, of_rules: Iterable[RuleRuns]) -> None:
        self._of_rules = of_rules

    def __iter__(self) -> Iterator[RuleRuns]:
        return iter(self._of_rules)

    def flat(self) -> FlatRuns:
        """All runs in one table: for a few rules only."""
        parts = list(self)
        none = np.empty(0, np.int32)
        series = np.concatenate([none, *(np.repeat(part.series, np.diff(part.bounds)) for part in parts)])
        first, last, n = (
            np.concatenate([np.empty(0, np.int64), *columns])
            for columns in ([p.first for p in parts], [p.last for p in parts], [p.n for p in parts])
        )
        value = np.concatenate([np.empty(0), *(part.value for part in parts)])
        held = np.concatenate([np.empty(0, np.int8), *(part.truth for part in parts)])
        order = np.lexsort((first, series))
        return FlatRuns(series[order], first[order], last[order], value[order], n[order], held[order])
