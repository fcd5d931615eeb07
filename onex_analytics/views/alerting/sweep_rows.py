"""Rows of a sweep: in which of them a threshold lies, and what they are called."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from onex_analytics.views.alerting.words import delay, number
from onex_analytics.views.durations import told as duration
from onex_analytics.views.groups import count
from onex_analytics.views.theme import label

Row = Mapping[str, Any]


def row_of(part: Sequence[Row], threshold: float) -> Row | None:
    """The row in which a threshold lies; the rows come by threshold."""
    place = bisect_right([row["threshold"] for row in part], threshold) - 1
    for row in part[max(place, 0) : place + 2]:
        low, high = (math.copysign(math.inf, sign) if row[end] is None else row[end]
                     for end, sign in (("low", -1), ("high", 1)))  # fmt: skip
        if row["threshold"] == threshold or low < threshold < high:
            return row
    return None


def line_of(row: Row) -> str:
    """Which line it is.

    >>> line_of({"window": timedelta(minutes=10), "for": timedelta(0)})
    'window 10 min, for 0'
    """
    window = "" if row["window"] is None else f"window {length(row['window'])}, "
    return f"{window}for {length(row['for'])}"


def length(span: timedelta) -> str:
    """A duration as a rule has it: 90 s is 90 s, and 5 min is 5 min."""
    seconds = span.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:,.0f} {unit}"
    return duration(seconds * 1000) if seconds else "0"


def share(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if 0 < value < 0.02 else f"{value:.0%}"


def half(row: Row) -> str:
    return "no time: most are missed" if row["delay_s_p50"] is None else delay(row["delay_s_p50"])


def told_of(row: Row, name: str) -> str:
    ends = [("−∞" if end == "low" else "∞") if row[end] is None else number(row[end]) for end in ("low", "high")]
    lines = [
        f"<b>{label(name)}</b>" if name else "", f"threshold {number(row['threshold'])} ({ends[0]} to {ends[1]})",
        f"{count(row['firings'], 'firing')} of {count(row['firing_label_sets'], 'label set')}",
        f"{duration(row['firing_s'] * 1000)} in alert",
        f"{row['caught']:,} of {count(row['incidents'], 'incident')} caught, precision {share(row['precision'])}"
        if row["recall"] is not None else "",
        f"half known after {half(row)}" if row["recall"] is not None else "",
        f"{row['pages']:,} pages, {number(row['pages_per_day'])} a day" if row["pages_per_day"] is not None else "",
    ]  # fmt: skip
    return "<br>".join(filter(None, lines))
