"""Results of `onex_analytics.sizing` that figures are drawn of: usual ones, none, one, huge ones, markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import polars as pl

from onex_analytics.model import EVENTS
from onex_analytics.sizing import compression_report, size_distribution, size_report

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script><img src=x>"


class Case(NamedTuple):
    """What each figure is drawn of."""

    report: pl.DataFrame
    fields: pl.DataFrame
    over_time: pl.DataFrame
    distribution: pl.DataFrame
    compression: pl.DataFrame


def _case(rows: list[dict[str, object]]) -> Case:
    events = pl.DataFrame(rows, schema=EVENTS)
    ways = compression_report(events, batch_events=[10], dictionary_bytes=()).collect()
    return Case(
        size_report(events).collect(), size_report(events, ("event_type", "field")).collect(),
        size_report(events, every="1h").collect(), size_distribution(events).collect(), ways,
    )  # fmt: skip


def _event(n: int, event_type: str | None, size: int, minutes: float | None) -> dict[str, object]:
    at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return {"event_id": f"e{n:04}", "event_type": event_type, "timestamp": at, "metadata": f'{{"body":"{"x" * size}"}}'}


@cache
def cases() -> dict[str, Case]:
    """By name."""
    few = [_event(n, "ABCDE"[n % 5], 10 * (n % 5) ** 3, 15 * n) for n in range(40)]
    return {
        "a few": _case(few),
        "no event": _case([]),
        "one event": _case(few[:1]),
        "2,000 types": _case([_event(n, f"TYPE_{n}", n % 100, n) for n in range(2000)]),
        "huge events": _case([*few, _event(98, "HUGE", 3_000_000, 30), _event(99, "HUGE", 70_000, 40 * 24 * 60)]),
        "markup": _case([_event(n, EVIL, 5, n) for n in range(3)]),
        "nulls": _case([_event(n, None, 5, None) for n in range(3)]),
    }
