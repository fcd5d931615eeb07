"""Operations with all their witnesses: in a window each is counted once, through the worst of its events."""

from __future__ import annotations

from math import gcd

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.base_rows import Base, Span, rows_at
from onex_analytics.alerting.cells.batches import Batch, Match
from onex_analytics.alerting.cells.fixed_point import parted
from onex_analytics.alerting.cells.lanes import Lanes
from onex_analytics.alerting.cells.saving import Parts, below, of
from onex_analytics.alerting.cells.speaking import COLUMNS, Moments, Speakers
from onex_analytics.alerting.cells.steps import Steps
from onex_analytics.alerting.cells.waiting import Keeper
from onex_analytics.alerting.cells.windows import Window
from onex_analytics.alerting.grid import Grid


class Operations(Keeper):
    """The sums of the events that speak for their operations, for windows of any widths.

    An event begins to speak and ends to; these two moments are the rows of a base, one for each width. The sum over
    (t − lag − width, t − lag] is that of all moments up to t − lag.
    """

    def __init__(self, grid: Grid, wanted: Match, lanes: Lanes) -> None:
        self._grid, self._match, self._lanes = grid, wanted, lanes
        self.matches = (wanted, *lanes.counted)
        self.columns = COLUMNS | {column for _, column in lanes.summed}
        self._counts = [f"count{place}" for place in range(len(lanes.counted))]
        self._sums = [f"sum{place}" for place in range(2 * len(lanes.summed))]
        numbers: dict[str, pl.DataType] = dict.fromkeys([*self._sums, "more", "rest"], pl.Int64())
        self._speakers = Speakers({**dict.fromkeys(self._counts, pl.Boolean()), **numbers})
        self._windows: dict[tuple[int, int], OperationWindow] = {}
        self._bases: dict[int, Base] = {}
        self._weighted = False
        self._closed: int | None = None

    def window(self, width_us: int, lag_us: int) -> OperationWindow:
        """The sums over (t − lag − width, t − lag]; asked for before the first event."""
        if (width_us, lag_us) not in self._windows:
            self._speakers.need(width_us)
            self._windows[width_us, lag_us] = OperationWindow(self, self._lanes, lag_us)
        return self._windows[width_us, lag_us]

    def _made_bases(self) -> dict[int, Base]:
        if not self._bases:
            for width_us in self._speakers.widths:
                windows = [window for (width, _), window in self._windows.items() if width == width_us]
                lags = [window.lag_us for window in windows]
                bucket = gcd(self._grid.interval_us, *lags)
                self._bases[width_us] = base = Base(self._grid, bucket, self._lanes, max(lags) // bucket)
                for window in windows:
                    window.stand_on(base)
        return self._bases

    def take(self, batch: Batch) -> None:
        lanes = self._lanes.of(batch, weighted=False)
        numbers: dict[str, NDArray[np.generic]] = dict(zip([*self._counts, *self._sums], lanes, strict=True))
        if batch.weights is not None:
            self._weighted = True
            numbers["more"], numbers["rest"] = parted(batch.weights - 1)
        else:
            numbers["more"] = numbers["rest"] = np.zeros(len(batch.keys), np.int64)
        self._speakers.take(batch, batch.flags(self._match), numbers)

    def close(self, span: Span) -> None:
        """Find the moments of the closing, once."""
        if self._closed == span.tick:
            return
        self._closed = span.tick
        bases = self._made_bases()
        for base, moments in zip(bases.values(), self._speakers.close(span), strict=True):
            if self._weighted and not base.weighted:
                base.add_weights()
            keys, lanes = self._speakers.column("key", moments.slots), self._lanes_of(moments)
            many = int(keys.max(initial=-1)) + 1
            base.add(rows_at(self._grid, base.width_us, moments.times, keys, many, lanes, len(lanes)))
            base.close(span)

    def _lanes_of(self, moments: Moments) -> list[NDArray[np.generic]]:
        signs = moments.signs.astype(np.int64)
        counted = [self._speakers.column(name, moments.slots) * signs for name in self._counts]
        found = counted + [self._speakers.column(name, moments.slots) * signs for name in self._sums]
        if self._weighted:
            halves = [self._speakers.column(name, moments.slots) for name in ("more", "rest")]
            found += [count * half for count in counted for half in halves]
        return list(found)

    def state(self) -> Parts:
        parts: Parts = {"weighted": np.array([self._weighted]), **below("speakers", self._speakers.state())}
        for width, base in self._made_bases().items():
            parts |= below(f"b{width}", base.state())
        for (width, lag), window in self._windows.items():
            parts |= below(f"w{width}-{lag}", window.state())
        return parts

    def restore(self, parts: Parts) -> None:
        self._closed, self._weighted = None, bool(np.asarray(parts["weighted"])[0])
        self._speakers.restore(of("speakers", parts))
        for width, base in self._made_bases().items():
            base.restore(of(f"b{width}", parts))
        for (width, lag), window in self._windows.items():
            window.restore(of(f"w{width}-{lag}", parts))


class OperationWindow(Window):
    """All moments up to t − lag."""

    def __init__(self, operations: Operations, lanes: Lanes, lag_us: int) -> None:
        super().__init__(lanes, 2**61, lag_us)  # what has come never leaves: its end is a moment of its own
        self._operations = operations

    @property
    def matches(self) -> tuple[Match, ...]:
        return self._operations.matches

    def close(self, span: Span) -> Steps:
        self._operations.close(span)
        return super().close(span)
