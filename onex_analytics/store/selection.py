"""Which events are asked for: a time [since, until), some types, some nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from onex_analytics.exceptions import InvalidOption

Time = datetime | str


class Selection(NamedTuple):
    """What was asked for; an empty one asks for everything."""

    since: datetime | None = None
    until: datetime | None = None
    only: Mapping[str, Sequence[str]] = {}

    def rows(self) -> pl.Expr | None:
        """True for an event that was asked for; None where every one was."""
        parts = [pl.col(name).is_in(list(values)) for name, values in self.only.items()]
        if self.since is not None:
            parts.append(pl.col("timestamp") >= self.since)
        if self.until is not None:
            parts.append(pl.col("timestamp") < self.until)
        return pl.all_horizontal(parts) if parts else None

    def files(self, columns: Sequence[str]) -> pl.Expr:
        """True for a file that may hold such an event, by the statistics in the log. An unknown bound keeps it."""

        def bound(name: str) -> pl.Expr:
            return pl.col(name) if name in columns else pl.lit(None)

        keep = pl.lit(True)
        if self.since is not None:
            keep &= (bound("max.timestamp") >= self.since).fill_null(True)
        if self.until is not None:
            keep &= (bound("min.timestamp") < self.until).fill_null(True)
        for name, values in self.only.items():
            low, high = bound(f"min.{name}"), bound(f"max.{name}")
            some = [(low <= v).fill_null(True) & (high >= v).fill_null(True) for v in values]
            keep &= pl.any_horizontal(some) if some else pl.lit(False)
        return keep


EVERYTHING = Selection()


def selection(
    since: Time | None, until: Time | None, event_types: Sequence[str] | None, nodes: Sequence[str] | None
) -> Selection:
    """What a caller asked for, checked.

    Raises:
        InvalidOption: a time that is none.
    """
    asked = {"event_type": event_types, "node": nodes}
    only = {name: [v] if isinstance(v, str) else list(v) for name, v in asked.items() if v is not None}
    return Selection(time_of("since", since), time_of("until", until), only)


def time_of(name: str, value: Time | None) -> datetime | None:
    """An aware time; ISO text is read, naive means UTC.

    Raises:
        InvalidOption: it is no time.
    """
    wanted = "an ISO time such as 2026-11-01T12:00"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as problem:
            raise InvalidOption(name, value, wanted) from problem
    if value is not None and not isinstance(value, datetime):
        raise InvalidOption(name, value, wanted)
    if value is not None and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return value
