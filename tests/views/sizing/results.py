"""Results of `onex_analytics.sizing` that figures are drawn of: usual ones, none, one, huge ones, markup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property

import polars as pl

from onex_analytics.model import EVENTS
from onex_analytics.sizing import compression_report, size_distribution, size_report

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script><img src=x>"


@dataclass(frozen=True, eq=False)
class Case:
    """What each figure is drawn of, reckoned once it is asked for: the names of cases are read by every worker."""

    rows: list[dict[str, object]]

    @cached_property
    def events(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=EVENTS)

    @cached_property
    def report(self) -> pl.DataFrame:
        return size_report(self.events).collect()

    @cached_property
    def fields(self) -> pl.DataFrame:
        return size_report(self.events, ("event_type", "field")).collect()

    @cached_property
    def over_time(self) -> pl.DataFrame:
        return size_report(self.events, every="1h").collect()

    @cached_property
    def distribution(self) -> pl.DataFrame:
        return size_distribution(self.events).collect()

    @cached_property
    def compression(self) -> pl.DataFrame:
        return compression_report(self.events, batch_events=[10], dictionary_bytes=()).collect()


def _event(n: int, event_type: str | None, size: int, minutes: float | None) -> dict[str, object]:
    at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return {"event_id": f"e{n:04}", "event_type": event_type, "timestamp": at, "metadata": f'{{"body":"{"x" * size}"}}'}


@cache
def cases() -> dict[str, Case]:
    """By name."""
    few = [_event(n, "ABCDE"[n % 5], 10 * (n % 5) ** 3, 15 * n) for n in range(40)]
    return {
        "a few": Case(few),
        "no event": Case([]),
        "one event": Case(few[:1]),
        "2,000 types": Case([_event(n, f"TYPE_{n}", n % 100, n) for n in range(2000)]),
        "huge events": Case([*few, _event(98, "HUGE", 3_000_000, 30), _event(99, "HUGE", 70_000, 40 * 24 * 60)]),
        "markup": Case([_event(n, EVIL, 5, n) for n in range(3)]),
        "nulls": Case([_event(n, None, 5, None) for n in range(3)]),
    }
