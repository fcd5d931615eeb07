"""A log in the order in which rules see it, slice by slice, so that memory is bounded by the slice and not by the log.

A slice is a stretch of time with about as many events as were asked for. Where they lie is found by counting, so that
a log is read once for its bounds, once for the counts, and each slice with a filter that Parquet can push down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.shapes import UTC_MICROSECONDS

AsOf = Literal["event", "arrival"]
SLICE_EVENTS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BUCKETS = 4096


@dataclass(frozen=True)
class Advance:
    """The clock was moved to `to` when all that had arrived up to `after` had been seen."""

    after: datetime
    to: datetime


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


def advances_of(given: pl.DataFrame | Iterable[tuple[datetime, datetime]] | None) -> list[Advance]:
    """Recorded advances: a frame of `after_arrival` and `to`, or pairs of them."""
    if given is None:
        return []
    pairs = require(given.lazy(), "after_arrival", "to").select("after_arrival", "to").collect().rows() if isinstance(
        given, pl.DataFrame) else list(given)  # fmt: skip
    found = [Advance(utc(after, "advances"), utc(to, "advances")) for after, to in pairs]
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
    slice_events: int = SLICE_EVENTS,
) -> Iterator[pl.DataFrame | datetime]:  # fmt: skip
    """Slices of the log, and times to which the clock is moved, in the order in which they were seen.

    `as_of="event"`: by `timestamp`; within a slice in any order, events without a time last.
    `as_of="arrival"`: by `arrived_at`, then by time and id.

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
    waiting = list(advances)
    if facts["least"] is not None:
        least, most = ((facts[name] - _EPOCH) // _MICROSECOND for name in ("least", "most"))
        edges = {*_edges(read, key, least, most + 1, facts["events"], slice_events), most + 1}
        edges |= {cut for a in waiting if least < (cut := (a.after - _EPOCH) // _MICROSECOND + 1) <= most}
        ordered = sorted(edges)
        for begin, end in pairwise(ordered):
            while waiting and waiting[0].after < _at(begin):
                yield waiting.pop(0).to
            some = read.filter((pl.col(key) >= _at(begin)) & (pl.col(key) < _at(end))).collect()
            yield some if as_of == "event" else some.sort("arrived_at", "timestamp", "event_id")
    if facts["nulls"]:
        yield read.filter(pl.col(key).is_null()).collect()
    for advance in waiting:
        yield advance.to


def _unknown_arrivals(how_many: str) -> InvalidOption:
    wanted = f"event: of {how_many} events nobody knows when they arrived (a bulk load collapses history)"
    return InvalidOption("as_of", "arrival", wanted)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _edges(events: pl.LazyFrame, key: str, begin: int, end: int, total: int, most: int) -> list[int]:
    """Where slices begin, so that each has about `most` events; a single microsecond is never cut."""
    width = -(-(end - begin) // _BUCKETS)
    if total <= most or end - begin <= 1:
        return [begin]
    some = events.filter((pl.col(key) >= _at(begin)) & (pl.col(key) < _at(end)))
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
