"""Where a widget reads: a store at one version, or a frame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.store import EventStore

Log = EventStore | pl.LazyFrame | pl.DataFrame
"""What a widget takes for a log of events."""


class EventLog:
    """Events of a store, as they were when it was opened, or of a frame (naive times are UTC).

    >>> EventLog(pl.DataFrame(schema={"timestamp": pl.Datetime})).scan().collect().height
    0
    """

    def __init__(self, log: Log) -> None:
        self._log = log if isinstance(log, EventStore) else _in_utc(log.lazy())
        self.version = int(log.history()["version"][0]) if isinstance(log, EventStore) else None

    def scan(
        self, since: datetime | None = None, until: datetime | None = None, *,
        event_types: Sequence[str] | None = None, nodes: Sequence[str] | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """The events of [since, until), of some types and nodes; of a store, files that hold none are not opened."""
        if isinstance(self._log, EventStore):
            return self._log.scan(since, until, event_types=event_types, nodes=nodes, version=self.version)
        lazy, at = self._log, pl.col("timestamp")
        rows = [] if since is None else [at >= since]
        rows += [] if until is None else [at < until]
        only = {"event_type": event_types, "node": nodes}
        rows += [pl.col(name).is_in(list(values)) for name, values in only.items() if values is not None]
        return lazy.filter(rows) if rows else lazy


def _in_utc(events: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with its times in UTC; naive ones are that already."""
    kind = require(events, "timestamp").collect_schema()["timestamp"]
    if not isinstance(kind, pl.Datetime | pl.Null):
        raise InvalidOption("timestamp", str(kind), "times: cast the column to pl.Datetime")
    return events if kind == UTC_MICROSECONDS else events.with_columns(pl.col("timestamp").cast(UTC_MICROSECONDS))
