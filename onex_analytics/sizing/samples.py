"""Parts of a log on which codecs are tried: the same ones each time, whatever order rows come in."""

from __future__ import annotations

from typing import Final

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.wire_json import WIRE_READ

_ORDER: Final = ("timestamp", "event_id")


def spread_events(events: pl.LazyFrame | pl.DataFrame, most_events: int) -> pl.DataFrame:
    """At most so many events, evenly spread over the log, in the order of their times."""
    lazy = _checked(events, most_events)
    times = _times(lazy)
    if times.height > most_events:
        chosen = pl.int_range(most_events, eager=True) * times.height // most_events
        lazy = lazy.join(times[chosen].lazy().unique(), on=_ORDER, how="semi", nulls_equal=True)
    return lazy.select(WIRE_READ).collect().sort(_ORDER).head(most_events)


def last_events(events: pl.LazyFrame | pl.DataFrame, most_events: int) -> pl.DataFrame:
    """At most so many of the latest events of the log, one behind the other, in the order of their times."""
    lazy = _checked(events, most_events)
    times = _times(lazy)
    if times.height > most_events:
        first = times["timestamp"][times.height - most_events]
        lazy = lazy.filter(pl.col("timestamp") >= first) if first is not None else lazy
    return lazy.select(WIRE_READ).collect().sort(_ORDER).tail(most_events)


def _checked(events: pl.LazyFrame | pl.DataFrame, most_events: int) -> pl.LazyFrame:
    if most_events < 1:
        raise InvalidOption("most_events", most_events, "at least 1")
    return require(events.lazy(), *WIRE_READ)


def _times(events: pl.LazyFrame) -> pl.DataFrame:
    return events.select(_ORDER).collect().sort(_ORDER)
