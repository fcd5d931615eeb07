"""Times as whole microseconds since 1970, UTC: how cells, levels and pages reckon, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(at: datetime) -> int:
    """An aware time as microseconds since the epoch.

    >>> microseconds_of(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (at - EPOCH) // _MICROSECOND


def time_of(us: int) -> datetime:
    """The aware time so many microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=us)
