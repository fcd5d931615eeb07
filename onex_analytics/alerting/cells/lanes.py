"""Lanes: the sums that cells are made of, side by side as whole numbers.

First the counts, one a condition; then the sums of values, two each (whole and rest, `fixed_point`); then what weights
add to the counts, two each, once an event has stood for more or less than itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.fixed_point import joined, parted
from onex_analytics.alerting.cells.runs import Float64, Int64

Columns: TypeAlias = Sequence[NDArray[Any]]
Summed = tuple[Match, str]


@dataclass(frozen=True)
class LaneSum:
    """Lanes that are added up: those of whole numbers, and those of the rests. Lanes that are not there are 0."""

    whole: tuple[int, ...]
    rest: tuple[int, ...]

    def of(self, columns: Columns) -> Float64:
        """The sum in each row."""
        whole, *more = (columns[lane] for lane in self.whole if lane < len(columns))
        rest = [columns[lane] for lane in self.rest if lane < len(columns)]
        units = sum(more, whole)
        return joined(units, sum(rest[1:], rest[0])) if rest else units.astype(np.float64)

    def within(self, lanes: int) -> tuple[Int64, Int64]:
        """The lanes of which there are so many, as arrays."""
        whole, rest = ([lane for lane in part if lane < lanes] for part in (self.whole, self.rest))
        return np.array(whole, np.int64), np.array(rest, np.int64)


@dataclass(frozen=True)
class Lanes:
    """Which conditions are counted, and of which the numbers of a column are added up (their conditions are too)."""

    counted: tuple[Match, ...]
    summed: tuple[Summed, ...] = ()

    @property
    def plain(self) -> int:
        """How many lanes there are while each event stands for itself."""
        return len(self.counted) + 2 * len(self.summed)

    @property
    def weighted(self) -> int:
        """How many lanes there are with those of weights."""
        return self.plain + 2 * len(self.counted)

    def within(self, other: Lanes, weighted: bool) -> Int64:
        """Where these lanes lie among those of `other`."""
        counts = [other.counted.index(wanted) for wanted in self.counted]
        sums = [len(other.counted) + 2 * other.summed.index(wanted) + half for wanted in self.summed for half in (0, 1)]
        more = [other.plain + 2 * place + half for place in counts for half in (0, 1)] if weighted else []
        return np.array(counts + sums + more, np.int64)

    def n(self, columns: Columns, wanted: Match) -> Int64:
        """How many events match, each counted once."""
        found: Int64 = columns[self.counted.index(wanted)]
        return found

    def weight(self, wanted: Match) -> LaneSum:
        """How many events the matching ones stand for."""
        place = self.counted.index(wanted)
        more = self.plain + 2 * place
        return LaneSum((place, more), (more + 1,))

    def total(self, wanted: Summed) -> LaneSum:
        """The sum of the values, each as often as its event stands for."""
        place = len(self.counted) + 2 * self.summed.index(wanted)
        return LaneSum((place,), (place + 1,))

    def of(self, batch: Batch, weighted: bool) -> list[NDArray[Any]]:
        """The lanes of single events: truth values for the counts, whole numbers for the rest."""
        found: list[NDArray[Any]] = [batch.flags(wanted) for wanted in self.counted]
        for wanted, column in self.summed:
            flags, numbers = batch.flags(wanted), batch.numbers(column)
            for half in parted(numbers if batch.weights is None else numbers * batch.weights):
                found.append(np.where(flags, half, 0))
        if weighted:
            halves = parted(np.zeros(1) if batch.weights is None else batch.weights - 1)
            found.extend(np.where(batch.flags(wanted), half, 0) for wanted in self.counted for half in halves)
        return found


def all_lanes(parts: Iterable[Lanes]) -> Lanes:
    """Every lane that any of the parts has."""
    held = list(parts)
    return Lanes(
        tuple(dict.fromkeys(one for part in held for one in part.counted)),
        tuple(dict.fromkeys(one for part in held for one in part.summed)),
    )


def share(part: Float64, whole: Float64) -> Float64:
    """part / whole, and no data where there is nothing."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
