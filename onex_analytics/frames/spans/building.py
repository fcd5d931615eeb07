"""Spans from events: one row an operation, whoever told of it.

**Which events pair.** Events that begin or end something pair within a correlation: the correlation id (else the given
span id), the node, the family; requests (announce, discovery, introspection, proxy, scenario) are answered by another
node and pair within correlation and family. Within it, what has operation, span id and input state in common comes
first; then whatever nothing speaks against (a missing operation matches any). Of several starts an end takes the one
nearest to where `execution_time_ms` puts it, within max(10 ms, 5 %), else the last that is unpaired. Without a
correlation: same node, family, operation, trace and equal `input_state` (two that have none are equal, where the
execution time does not contradict), else the order within node, family and trace. Ends go in order of time, so that
what is paired stays paired when later events arrive.

**One operation, two witnesses**: see `witnesses`. **Parents and traces**: see `linking`.

Source of the rules: the specification of this package (spans, traces and performance profiles, §1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from onex_analytics.exceptions import MissingColumns
from onex_analytics.frames.spans.finding import found_spans, threads_for
from onex_analytics.frames.spans.gathering import Witnesses, first_of, gathered, owners
from onex_analytics.frames.spans.keys import PAIRING_COLUMNS, frozen, in_threads
from onex_analytics.frames.spans.linking import Unlinked, linked
from onex_analytics.frames.spans.pairing import (
    BY_INPUT,
    BY_KEY,
    NO_TIME,
    NONE,
    PAIRED_BY,
    STATES,
)
from onex_analytics.frames.spans.taking import worded
from onex_analytics.frames.spans.telling import Found, named_elsewhere
from onex_analytics.model.event_types import FAMILIES
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS, SPANS, UTC_MICROSECONDS, WIRE_FIELDS

REQUIRED = ("event_id", "timestamp", "family", "outcome", "node", "correlation_id")
LINKING_COLUMNS = (
    "event_id", "trace_id", "span_id", "parent_span_id", "correlation_id", "parent_correlation_id", "causation_id",
)  # fmt: skip
"""What linking reads of an event."""

OUTCOMES_OF_SPANS = ("start", "success", "soft_failure", "failure")
_KINDS = [{"proxy": "client", "discovery": "client", "introspection": "client", "announce": "client"}.get(f, "internal")
          for f in (*FAMILIES, "other")]  # fmt: skip
_TOLD = ("error_code", "error_type", "error_message")
_LINKED = ("trace_id", "parent_span_id", "state")
_CORRELATION_BITS = 2 * WIRE_FIELDS.index("correlation_id")


def build_spans(events: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Pair events into spans: one row an operation (the module says which events pair). Nothing is dropped or mended.

    The columns that are asked for, and those that pairing needs, are collected inside when the result is.

    Args:
        events: one row an event, in any order; reads `event_id`, `timestamp`, `family`, `outcome`, `node` and
            `correlation_id`, and where they are there the other columns of `model.EVENTS` that spans have or pairing
            needs, and every further column (a store's dimensions). Events that neither begin nor end nor profile
            anything take no part.

    Returns:
        One row a span, the columns of `model.SPANS` and then the dimensions, in no order that may be relied on. A
        dimension that bears the name of one of our columns is called `dimension_…` here. `duration_ms` is what the
        node measured (`execution_time_ms`), else end − start; an end without a start began its execution time ago.
        Every start and end event stands in exactly one span.

    Raises:
        MissingColumns: one of the six columns is absent.

    >>> from datetime import datetime, UTC
    >>> noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    >>> events = pl.DataFrame({
    ...     "event_id": ["e1", "e2", "e3"], "timestamp": [noon, noon.replace(second=2), noon.replace(second=1)],
    ...     "family": "node", "outcome": ["start", "success", "start"], "node": ["a", "a", "b"],
    ...     "correlation_id": ["c1", "c1", "c2"], "parent_correlation_id": [None, None, "c1"],
    ... })
    >>> spans = build_spans(events).select("span_id", "parent_span_id", "trace_id", "duration_ms", "state")
    >>> spans.sort("span_id").collect().rows()
    [('e1', None, 'c1', 2000.0, 'closed'), ('e3', 'e1', 'c1', None, 'open')]
    """
    lazy = events.lazy()
    found = lazy.collect_schema()
    if missing := [column for column in REQUIRED if column not in found]:
        raise MissingColumns(missing, found.names())
    dimensions = {name: _carried(name) for name in found if name not in EVENTS}
    schema = pl.Schema({**SPANS, **{name: found[column] for column, name in dimensions.items()}})

    def spans(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = list(schema) if with_columns is None else with_columns
        read = _columns_read(wanted, {name: column for column, name in dimensions.items()})
        frame = spans_of(lazy.select(name for name in read if name in found).collect(), wanted, dimensions)
        if predicate is not None:
            frame = frame.filter(predicate)
        yield frame if n_rows is None else frame.head(n_rows)

    return register_io_source(spans, schema=schema, is_pure=True, explain_name="spans of events")


def _carried(name: str) -> str:
    """What a dimension is called among spans."""
    return f"dimension_{name}" if name in SPANS else name


def _columns_read(wanted: list[str], dimension_of: dict[str, str]) -> list[str]:
    """The columns of events that some columns of spans are made of."""
    read = [*PAIRING_COLUMNS, "wire_fields", *LINKING_COLUMNS]
    for name in wanted:
        if name in dimension_of:
            read.append(dimension_of[name])
        elif name in EVENTS:
            read.append(name)
    if any(name in PROFILE_NUMBERS for name in wanted):
        read += PROFILE_NUMBERS
    return list(dict.fromkeys(read))


def spans_of(events: pl.DataFrame, wanted: list[str], dimensions: dict[str, str]) -> pl.DataFrame:
    """Some columns of the spans of some events."""
    events = with_absent(events, [*PAIRING_COLUMNS, *LINKING_COLUMNS, *(c for c in wanted if c in EVENTS)])
    found = found_spans(events)
    links: dict[str, pl.Series] = {}

    def link(columns: dict[str, pl.Series]) -> None:
        told = linked(unlinked(columns, found))
        links["trace_id"], links["parent_span_id"] = told.trace_id, told.parent_span_id
        links["state"] = worded(STATES, told.state)

    asked = any(name in wanted for name in _LINKED)
    columns = columns_of(events, found, wanted, dimensions, link if asked else None) | links
    return pl.DataFrame([columns[name].alias(name) for name in wanted])


def with_absent(events: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Events with the columns of `model.EVENTS` that they lack, all null."""
    return events.with_columns(
        pl.lit(None, dtype=EVENTS[name]).alias(name) for name in dict.fromkeys(names) if name not in events.columns
    )


GIVEN = {
    "given_trace_id": "trace_id", "given_span_id": "span_id", "given_parent_span_id": "parent_span_id",
    "parent_correlation_id": "parent_correlation_id", "causation_id": "causation_id",
}  # fmt: skip
"""What a span is linked by beside its own columns, and the column of events that it comes from."""

OTHER_EVENTS = ("second_start_event_id", "second_end_event_id")
"""The events of its second witness: they may be the cause of other work."""


def columns_of(
    events: pl.DataFrame, found: Found, wanted: list[str], dimensions: dict[str, str],
    link: Callable[[dict[str, pl.Series]], None] | None = None,
) -> dict[str, pl.Series]:  # fmt: skip
    """Columns of spans, but for those that linking makes; with those that linking reads, where it is asked for.

    `link` is called with the latter as soon as they are there, beside the making of the others.
    """
    owner = owners(events.height, found.told_by)

    def witnesses(*order: int) -> Witnesses:
        return Witnesses(found.told_by, order, owner)

    everyone, own = witnesses(0, 1, 2, 3, 4), witnesses(0, 1, 2, 3)  # own: but for the profile
    worst, measured = Witnesses(found.worst, range(2), owner), witnesses(4, 0, 2)
    ends, starts, first = witnesses(0, 2), witnesses(1, 3), witnesses(1, 3, 0, 2)
    column_of = {name: column for column, name in dimensions.items()}
    event_ids = events["event_id"]
    out: dict[str, pl.Series] = {}

    def make(name: str) -> pl.Series:
        if name in column_of:
            return everyone.gathered(events[column_of[name]])
        if name in GIVEN:
            return own.gathered(events[GIVEN[name]])
        if name in _TOLD:
            return worst.gathered(events[name])
        if name in PROFILE_NUMBERS:
            return measured.gathered(events[name])
        if name == "_own_event_id":
            return first.gathered(event_ids)
        if name == "start_event_id":
            return starts.gathered(event_ids)
        if name == "end_event_id":
            return ends.gathered(event_ids)
        if name in OTHER_EVENTS:
            main, second = (found.end, found.second_end) if name == "second_end_event_id" else (
                found.start, found.second_start)  # fmt: skip
            return gathered(event_ids, np.where(main == NONE, NONE, second)[None, :])
        if name == "adjusted_count":
            return own.gathered(events[name]).fill_null(1.0)
        if name in ("operation", "node_version"):
            return everyone.gathered(events[name])
        if name in ("node", "correlation_id"):
            return own.gathered(events[name])
        return _reckoned(events, found, name)

    def keep(name: str) -> None:
        out[name] = make(name).alias(name)

    def keep_named() -> None:
        keep("operation")
        keep("node")
        out["name"] = first_of([out["operation"], out["node"]])

    names = ["start_event_id", "end_event_id", "_own_event_id", "given_span_id"]
    if not set(_LINKED).isdisjoint(wanted):
        names += [*GIVEN, "correlation_id"]
        if events["causation_id"].null_count() < events.height:
            names += OTHER_EVENTS
    names = list(dict.fromkeys(names))
    threads = threads_for(found.end.size)
    in_threads(keep, names, threads)
    out["span_id"] = first_of([out["given_span_id"], out["_own_event_id"]])
    made = {*_LINKED, "span_id", *out} | ({"name", "operation", "node"} if "name" in wanted else set())
    work: list[Callable[[], None]] = [partial(keep, name) for name in dict.fromkeys(wanted) if name not in made]
    if "name" in wanted:
        work.insert(0, keep_named)
    if link is not None:
        work.insert(0, partial(link, out.copy()))
    in_threads(lambda do: do(), work, threads)
    return out


def unlinked(columns: dict[str, pl.Series], found: Found) -> Unlinked:
    """What linking reads of the spans."""
    causes = tuple(columns[name] for name in ("start_event_id", "end_event_id", *OTHER_EVENTS) if name in columns)
    return Unlinked(
        columns["span_id"], columns["given_trace_id"], columns["given_parent_span_id"], columns["correlation_id"],
        columns["parent_correlation_id"], columns["causation_id"], causes, columns["_own_event_id"],
        found.began, found.ended, found.state,
    )  # fmt: skip


def _reckoned(events: pl.DataFrame, found: Found, name: str) -> pl.Series:
    """A column that no event has as it is."""
    if name in ("start", "end"):
        return _times(found.began if name == "start" else found.ended)
    if name == "duration_ms":
        return pl.Series(found.duration_ms, nan_to_null=True)
    if name == "outcome":
        return worded(OUTCOMES_OF_SPANS, found.severity)
    if name == "status":
        profiled = (found.profile == found.end) & (found.end != NONE)
        status = np.where(profiled, 0, np.array([0, 1, 1, 2], np.uint8)[found.severity])
        return worded(("unset", "ok", "error"), status)
    if name == "witnesses":
        return pl.Series((found.end != NONE).astype(np.uint8) + (found.second_end != NONE))
    if name == "family":
        return worded((*FAMILIES, "other"), found.family)
    if name == "kind":
        return worded(_KINDS, found.family)
    assert name == "paired_by"
    return worded(PAIRED_BY, _paired_by(events, found))


def _times(microseconds: NDArray[np.int64]) -> pl.Series:
    times = pl.Series(microseconds)
    if (microseconds == NO_TIME).any():
        times = pl.select(pl.when(times != NO_TIME).then(times)).to_series()
    return times.cast(UTC_MICROSECONDS)


def _paired_by(events: pl.DataFrame, found: Found) -> NDArray[np.int16]:
    """How each pair was found; by input state those whose correlation id stood there only, as the wire fields tell."""
    if "wire_fields" not in events.columns or not (found.by == BY_KEY).any():
        return found.by
    wire = frozen(events["wire_fields"].cast(pl.UInt32).fill_null(2 << _CORRELATION_BITS).to_numpy())
    perhaps = np.empty(found.by.size, np.uint32)
    n = named_elsewhere(found.by, found.start, found.end, found.second_end, wire, _CORRELATION_BITS, perhaps)
    one, other = (events["input_hash"].gather(pl.Series(places[perhaps[:n]], dtype=pl.UInt32))
                  for places in (found.start, found.end))  # fmt: skip
    out = found.by.copy()
    out[perhaps[:n][((one == other) & (one != 0)).fill_null(False).to_numpy()]] = BY_INPUT
    return out
