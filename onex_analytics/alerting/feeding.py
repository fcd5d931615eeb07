"""A log in the order in which rules see it, slice by slice, so that memory is bounded by the slice and not by the log.

A slice is a stretch of time with about as many events as were asked for. Where they lie is found by counting, so that
a log is read once for its bounds, once for the counts, and each slice with a filter that Parquet can push down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.progress import Tell, untold

AsOf = Literal["event", "arrival"]
SLICE_EVENTS = 1_000_000
_BUCKETS = 4096
_NO_TIMES = np.empty(0, np.int64)


@dataclass(frozen=True)
class Advance:
    """The clock was moved to `to` when all that had arrived up to `after` had been seen; of what arrived at `after`
    itself only as much as makes `events` in all, where that is known."""

    after: datetime
    to: datetime
    events: int | None = None


def utc(at: datetime | str, name: str) -> datetime:
    """A time as UTC; without a zone it means UTC.

    >>> utc("2026-11-01", "until").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(at) if isinstance(at, str) else at
    except ValueError:
        raise InvalidOption(name, at, "a time such as 2026-11-01 or 2026-11-01T10:00:00Z") from None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)


def advances_of(
    given: pl.DataFrame | Iterable[tuple[datetime, datetime] | tuple[datetime, datetime, int | None]] | None,
) -> list[Advance]:
    """Recorded advances: a frame of `after_arrival`, `to` and, where it is known, `events`; or tuples of them."""
    if given is None:
        return []
    rows: list[tuple[Any, ...]]
    if isinstance(given, pl.DataFrame):
        known = [name for name in ("after_arrival", "to", "events") if name in given.columns]
        rows = require(given.lazy(), "after_arrival", "to").select(known).collect().rows()
    else:
        rows = list(given)
    found = [Advance(utc(after, "advances"), utc(to, "advances"), *events) for after, to, *events in rows]
    return sorted(found, key=lambda advance: advance.after)


def whole_times(events: pl.LazyFrame) -> pl.LazyFrame:
    """The events with `timestamp`, and `arrived_at` where it is there, as UTC microseconds."""
    schema = require(events, "timestamp", "event_id").collect_schema()
    found = []
    for name in ("timestamp", "arrived_at"):
        kind = schema.get(name)
        if kind is None or kind == UTC_MICROSECONDS:
            continue
        if not isinstance(kind, pl.Datetime):
            raise InvalidOption(name, str(kind), "a column of times; `EventStore.scan()` gives one")
        found.append(pl.col(name).cast(UTC_MICROSECONDS))
    return events.with_columns(found) if found else events


def fed(
    events: pl.LazyFrame, columns: Iterable[str], as_of: AsOf, advances: Sequence[Advance] = (),
    slice_events: int = SLICE_EVENTS, *, tell: Tell = untold,
) -> Iterator[pl.DataFrame | datetime]:  # fmt: skip
    """Slices of the log, and times to which the clock is moved, in the order in which they were seen.

    `as_of="event"`: by `timestamp`; within a slice in any order, events without a time last.
    `as_of="arrival"`: by `arrived_at`, then by time and id.
    `tell` is told how many events were seen, and how many there are.

    Raises:
        InvalidOption: `as_of="arrival"`, and it is not known of every event when it arrived.
    """
    key = "timestamp" if as_of == "event" else "arrived_at"
    if as_of not in ("event", "arrival"):
        raise InvalidOption("as_of", as_of, "event or arrival")
    if key not in events.collect_schema():
        raise _unknown_arrivals("all")
    read = events.select(sorted({*columns, key}))
    facts = read.select(
        least=pl.col(key).min(), most=pl.col(key).max(), events=pl.len(), nulls=pl.col(key).null_count()
    ).collect().row(0, named=True)  # fmt: skip
    if facts["nulls"] and as_of == "arrival":
        raise _unknown_arrivals(f"{facts['nulls']:,} of {facts['events']:,}")
    waiting = deque(advances)
    if facts["least"] is not None:
        least, most = (microseconds_of(facts[name]) for name in ("least", "most"))
        edges = sorted({*_edges(read, key, least, most + 1, facts["events"], slice_events), most + 1})
        seen = 0
        for begin, end in pairwise(edges):
            some = read.filter((pl.col(key) >= time_of(begin)) & (pl.col(key) < time_of(end))).collect()
            if as_of == "arrival" or waiting:
                some = some.sort(*dict.fromkeys((key, "timestamp", "event_id")))
            done = 0
            times = some[key].to_physical().to_numpy() if waiting else _NO_TIMES
            while waiting and waiting[0].after < time_of(end):
                advance = waiting.popleft()
                place = max(done, _seen_before(advance, times, seen))
                if place > done:
                    yield some[done:place]
                    done = place
                yield advance.to
            seen += some.height
            if done < some.height:
                yield some[done:]
            tell(seen, facts["events"])
    if facts["nulls"]:
        yield read.filter(pl.col(key).is_null()).collect()
    for advance in waiting:
        yield advance.to


def _seen_before(advance: Advance, times: NDArray[np.int64], before: int) -> int:
    """How many of the events at `times`, of which `before` others were fed, had been seen when the clock was moved."""
    after = microseconds_of(advance.after)
    least, most = (int(np.searchsorted(times, after, side)) for side in ("left", "right"))
    return most if advance.events is None else min(max(advance.events - before, least), most)


def _unknown_arrivals(how_many: str) -> InvalidOption:
    wanted = f"event: of {how_many} events nobody knows when they arrived (a bulk load collapses history)"
    return InvalidOption("as_of", "arrival", wanted)


def _edges(events: pl.LazyFrame, key: str, begin: int, end: int, total: int, most: int) -> list[int]:
    """Where slices begin, so that each has about `most` events; a single microsecond is never cut."""
    width = -(-(end - begin) // _BUCKETS)
    if total <= most or end - begin <= 1:
        return [begin]
    some = events.filter((pl.col(key) >= time_of(begin)) & (pl.col(key) < time_of(end)))
    counts = (
        some.group_by(((pl.col(key).dt.epoch("us") - begin) // width).alias("bucket")).len().sort("bucket").collect()
    )
    found, held = [begin], 0
    for bucket, events_there in counts.iter_rows():
        start = begin + bucket * width
        if events_there > 2 * most:
            found += [start, *_edges(events, key, start, min(start + width, end), events_there, most)]
            found.append(min(start + width, end))
            held = 0
        elif held + events_there > most:
            found.append(start)
            held = events_there
        else:
            held += events_there
    return found
