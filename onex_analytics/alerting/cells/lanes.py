"""Lanes: the sums that cells are made of, side by side as whole numbers.

First the counts, one a condition; then the sums of values, two each (whole and rest, `fixed_point`); then what weights
add to the counts, two each, once an event has stood for more or less than itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.fixed_point import joined, parted
from onex_analytics.alerting.cells.runs import Float64, Int64

Columns = Sequence[NDArray[np.generic]]
Summed = tuple[Match, str]


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
        found: Int64 = columns[self.counted.index(wanted)]  # type: ignore[assignment]  # lanes are whole numbers
        return found

    def weight(self, columns: Columns, wanted: Match) -> Float64:
        """How many events the matching ones stand for."""
        place = self.counted.index(wanted)
        if len(columns) == self.plain:
            return columns[place].astype(np.float64)
        whole, rest = self._pair(columns, self.plain + 2 * place)
        return joined(self.n(columns, wanted) + whole, rest)

    def total(self, columns: Columns, wanted: Summed) -> Float64:
        """The sum of the values, each as often as its event stands for."""
        return joined(*self._pair(columns, len(self.counted) + 2 * self.summed.index(wanted)))

    def _pair(self, columns: Columns, place: int) -> tuple[Int64, Int64]:
        return columns[place], columns[place + 1]  # type: ignore[return-value]  # lanes are whole numbers

    def of(self, batch: Batch, weighted: bool) -> list[NDArray[np.generic]]:
        """The lanes of single events: truth values for the counts, whole numbers for the rest."""
        found: list[NDArray[np.generic]] = [batch.flags(wanted) for wanted in self.counted]
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
