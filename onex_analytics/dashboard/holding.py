"""A store at one version, as the pages read it: counts by minute and the few columns of its spans in memory.

What is held is shared by all who look. A store that has grown is taken up by counting its new files alone; the spans
are those that the store keeps, paired by what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath

import polars as pl

from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.selection import Selection
from onex_analytics.frames import operations_of
from onex_analytics.store import EventStore

_TEXTS = ("node", "operation", "outcome", "state", "status", "paired_by")
_NUMBERS = ("start", "end", "duration_ms", "adjusted_count", "witnesses")
_TIME_OF_EVENTS, _TIME_OF_SPANS = "timestamp", "start"
_FILTERED = ("node", "event_type", "outcome", "operation")
_TRIES = 5


@dataclass(frozen=True, eq=False)
class Holding:
    """A store at one version."""

    name: str
    version: int
    parts: Mapping[str, pl.DataFrame]
    """`tallies.EVENT_TALLY` of each stored file."""
    counts: pl.DataFrame
    """`tallies.EVENT_TALLY` of all of them."""
    work: pl.DataFrame
    """`tallies.WORK_TALLY`."""
    slim: pl.DataFrame
    """All spans, with what says how long they took; texts are categories, ids are left out."""
    all_spans: pl.LazyFrame
    rejected: pl.LazyFrame
    dimensions: Mapping[str, str]
    store: EventStore

    @cached_property
    def events(self) -> int:
        """How many there are."""
        return int(self.counts["events"].sum())

    @cached_property
    def values(self) -> dict[str, dict[str, int]]:
        """Column → the values that a filter can choose, the most frequent first, and the events of each; null is ""."""
        found = {}
        for column in _FILTERED:
            sums = self.counts.group_by(column).agg(pl.col("events").cast(pl.Int64).sum())
            sums = sums.group_by(pl.col(column).cast(pl.String).fill_null("")).agg(pl.col("events").sum())
            found[column] = dict(sums.sort("events", column, descending=[True, False]).rows())
        return found

    @cached_property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last event."""
        return self.counts["first"].min(), self.counts["last"].max()  # type: ignore[return-value]

    def chosen_counts(self, chosen: Selection) -> pl.DataFrame:
        """The counts of the events that were chosen."""
        return _filtered(self.counts, chosen.rows("minute", *_FILTERED), chosen)

    def chosen_work(self, chosen: Selection) -> pl.DataFrame:
        """The counts of the operations that were chosen; they have no event type."""
        return _filtered(self.work, chosen.rows("minute", "node", "operation", "outcome"), chosen)

    def scan(self, chosen: Selection) -> pl.LazyFrame:
        """The events that were chosen, from the store: files that cannot hold them are not opened."""
        events = self.store.scan(chosen.since, chosen.until, version=self.version)
        return events if chosen.is_everything else events.filter(chosen.rows(_TIME_OF_EVENTS, *_FILTERED))

    def spans(self, chosen: Selection) -> pl.LazyFrame:
        """The spans that began in the time that was chosen and pass the filters, from the store."""
        return self.all_spans if chosen.is_everything else self.all_spans.filter(of_spans(chosen))

    def durations(self, chosen: Selection, *, roots: bool = False) -> pl.LazyFrame:
        """As `spans`, from memory: without ids, and with those columns alone that say who did what for how long."""
        slim = self.slim.lazy()
        slim = slim if chosen.is_everything else slim.filter(of_spans(chosen))
        slim = slim.filter("root") if roots else slim
        none = pl.lit(None, pl.String)
        return slim.drop("root").with_columns(
            *(pl.col(name).cast(pl.String) for name in _TEXTS),
            trace_id=none, span_id=none, parent_span_id=none, name=pl.coalesce("operation", "node").cast(pl.String),
        )  # fmt: skip


def of_spans(chosen: Selection) -> pl.Expr:
    """True for a span that was chosen, by when it began; spans have no event type."""
    return chosen.rows(_TIME_OF_SPANS, "node", "operation", "outcome")


def hold(store: EventStore, before: Holding | None = None) -> Holding:
    """The store as it is now; what `before` holds is not read again.

    Raises:
        NotAStore: nothing was stored here yet.
    """
    for _ in range(_TRIES):
        version = store.version()
        files, spans, rejected = store.parts(), store.spans(), store.rejected()
        if store.version() == version:  # else somebody committed between two looks
            break
    known = {} if before is None else before.parts
    new = {name: rows for name, rows in files.items() if name not in known}
    read = pl.collect_all([tallies.event_tally(rows) for rows in new.values()])
    parts = {**{name: known[name] for name in files if name in known}, **dict(zip(new, read, strict=True))}
    columns = [pl.col(name).cast(pl.Categorical) for name in _TEXTS]
    root = pl.col("parent_span_id").is_null().alias("root")
    known_id = pl.col("correlation_id").is_not_null().alias("_known")
    slim = spans.select(*_NUMBERS, *columns, root, known_id).collect()
    return Holding(
        name=name_of(store.uri), version=version, parts=parts, counts=tallies.merged(list(parts.values())),
        work=_work(slim), slim=slim.drop("_known"), all_spans=spans, rejected=rejected,
        dimensions=dict(store.dimensions), store=store,
    )  # fmt: skip


def name_of(uri: str) -> str:
    """What a store is called; where it lies stays with whoever started the dashboard.

    >>> name_of("logs/events"), name_of("s3://bucket/events/")
    ('events', 'events')
    """
    return PurePosixPath(uri.rstrip("/\\").replace("\\", "/")).name or "events"


def _work(slim: pl.DataFrame) -> pl.DataFrame:
    none = pl.lit(None, pl.String)
    texts = [pl.col(name).cast(pl.String) for name in _TEXTS]
    spans = slim.lazy().with_columns(
        *texts, correlation_id=pl.when("_known").then(pl.lit("")), error_type=none, error_code=none, error_message=none
    )
    return tallies.work_tally(operations_of(spans)).sort("minute").collect()


def _filtered(counts: pl.DataFrame, rows: pl.Expr, chosen: Selection) -> pl.DataFrame:
    return counts if chosen.is_everything else counts.filter(rows)
