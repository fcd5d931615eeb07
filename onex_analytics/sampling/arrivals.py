"""When events arrived, and in which order: what decisions that remember hang on.

An event arrived at its `arrived_at`, else at its `timestamp`. A log is gone through by that, then by `timestamp` and
`event_id`, events without a time last; a live sampler takes events as they come. Its clock shows the latest arrival so
far and never goes back: an event that says an earlier time, or none, arrives when the clock stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS

Times = NDArray[np.int64]
"""Microseconds since the epoch."""

NEVER = np.iinfo(np.int64).min
"""A time that is not known."""
BEFORE = -(1 << 62)
"""What a clock shows before it was ever set."""
ARRIVAL = ("arrived_at", "timestamp", "event_id")
"""The columns that the order hangs on; the first need not be there."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_MS = 1e12  # thirty years; beyond it no event says when it began


class Clock:
    """The latest arrival so far, in microseconds since the epoch."""

    def __init__(self) -> None:
        self.shows = BEFORE

    def reach(self, moment: int) -> int:
        """Move it on to a moment, unless that is past or `NEVER`; what it shows then."""
        self.shows = max(self.shows, moment)
        return self.shows

    def take(self, row: Mapping[str, Any]) -> int:
        """Move it on to the arrival of an event; when that happened, or `NEVER`."""
        happened = moment(row.get("timestamp"))
        arrived = row.get("arrived_at")
        self.reach(happened if arrived is None or (at := moment(arrived)) == NEVER else at)
        return happened


class Arrivals(NamedTuple):
    """A log in the order of arrival."""

    order: NDArray[np.uint32]  # places of the rows
    moment: Times              # when each arrived, in that order; `NEVER` where it is not known


def arrivals(rows: pl.DataFrame) -> Arrivals:
    """The order in which events arrived.

    >>> at = [datetime(2026, 11, 1, 9, minute) for minute in (5, 1, 3)]
    >>> arrivals(pl.DataFrame({"timestamp": at, "event_id": ["a", "b", "c"]})).order.tolist()
    [1, 2, 0]
    """
    happened = moments_of(rows, "timestamp")
    arrived = moments_of(rows, "arrived_at")
    moment = np.where(arrived == NEVER, happened, arrived)
    known = moment != NEVER
    keys = pl.DataFrame({
        "moment": pl.Series(moment).set(pl.Series(~known), None),
        "timestamp": pl.Series(happened).set(pl.Series(happened == NEVER), None),
        "event_id": rows["event_id"].cast(pl.String),
    })
    order = keys.select(pl.arg_sort_by("moment", "timestamp", "event_id", nulls_last=True, maintain_order=True))
    places = order.to_series().to_numpy()
    return Arrivals(places, moment[places])

def moment(value: object) -> int:
    """A time as microseconds since the epoch; without a zone it is UTC; `NEVER` for what is none."""
    if value is None:
        return NEVER
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return NEVER
    if not isinstance(value, datetime):
        return NEVER
    return ((value if value.tzinfo is not None else value.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def require_times(schema: Mapping[str, pl.DataType]) -> None:
    """Refuse a log whose times are none.

    Raises:
        InvalidOption: `timestamp`, or `arrived_at` where it is there, is no column of times.
    """
    for name in ("timestamp", "arrived_at"):
        if not isinstance(schema.get(name, pl.Null()), pl.Datetime | pl.Null):
            raise InvalidOption(name, str(schema[name]), "a column of times; `EventStore.scan()` gives one")


def moments_of(rows: pl.DataFrame, key: str) -> Times:
    """`moment` of each time of a column; `NEVER` of each event where there is no such column."""
    if key not in rows.columns:
        return np.full(rows.height, NEVER, np.int64)
    column = rows[key]
    return column.cast(UTC_MICROSECONDS).to_physical().fill_null(NEVER).to_numpy()


def begin(end: int, took_ms: object) -> int:
    """When work began that ended at `end` and took so long; at `end` where it is not known how long."""
    known = isinstance(took_ms, int | float) and 0 <= took_ms < _LONGEST_MS and end != NEVER
    return end - round(float(took_ms) * 1000) if known and isinstance(took_ms, int | float) else end


def begins_of(ends: Times, rows: pl.DataFrame, key: str) -> Times:
    """`begin` of each event."""
    if key not in rows.columns:
        return ends
    took = rows[key].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = (took >= 0) & (took < _LONGEST_MS) & (ends != NEVER)
    return np.where(known, ends - np.rint(np.where(known, took, 0.0) * 1000).astype(np.int64), ends)
