"""Spans in two steps, for whoever keeps them: pairing, and linking what was paired with what is kept.

`pair_events` gives spans with everything that linking them, or pairing them again, will need; `link_spans` finds
parents and traces among whatever spans it is given. `link_spans(pair_events(events))` is `build_spans(events)`, with
the columns of `KEPT` beside.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.building import (
    GIVEN,
    LINKING_COLUMNS,
    OTHER_EVENTS,
    columns_of,
    with_absent,
)
from onex_analytics.frames.spans.finding import found_spans
from onex_analytics.frames.spans.gathering import gathered
from onex_analytics.frames.spans.keys import PAIRING_COLUMNS
from onex_analytics.frames.spans.linking import Unlinked, linked
from onex_analytics.frames.spans.pairing import NO_TIME, NONE, STATES
from onex_analytics.frames.spans.parents import roots
from onex_analytics.frames.spans.taking import worded
from onex_analytics.frames.spans.telling import Found
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS, SPANS

KEPT = pl.Schema({
    **{f"_{name}": pl.String() for name in (*GIVEN, *OTHER_EVENTS)},
    "_paired_state": pl.String(),            # the state before any look at parents
    "_operation": pl.String(),               # of its start, else of its end, and so are the next two
    "_input_hash": pl.UInt64(),
    "_wire_fields": pl.UInt32(),
    "_first": pl.Int64(),                    # microseconds of the earliest and the latest of its events
    "_last": pl.Int64(),
    "_complete": pl.Boolean(),               # no witness has a start without its end, or an end without its start
    "_single": pl.Boolean(),                 # one event tells of it, and its columns are that event's
    "_loose": pl.Boolean(),                  # no correlation, and paired by the order alone or not at all
    "_root_id": pl.String(),                 # the topmost of its ancestors
})
"""What is kept beside the columns of a span."""

MADE_BY_LINKING = ("trace_id", "parent_span_id", "state", "_root_id")
LINKED_BY = (
    "span_id", "correlation_id", "start_event_id", "end_event_id", "start", "end", "_given_trace_id",
    "_given_parent_span_id", "_parent_correlation_id", "_causation_id", "_paired_state",
    *(f"_{name}" for name in OTHER_EVENTS),
)  # fmt: skip
"""The columns that linking makes, and those that it reads."""

EVENT_COLUMNS = tuple(dict.fromkeys((
    *PAIRING_COLUMNS, *LINKING_COLUMNS, "wire_fields", "node_version", "error_code", "error_type", "error_message",
    "adjusted_count", *PROFILE_NUMBERS,
)))  # fmt: skip
"""What is read of an event, beside the dimensions."""


WHETHER_WHOLE = ("node", "family", "correlation_id")
"""Columns of `whole_or_not`, beside three of `KEPT`: what says what a span's events pair within, and how it came out.
"""


def whole_or_not(events: pl.DataFrame) -> pl.DataFrame:
    """A few columns of the spans of events, not yet linked: `WHETHER_WHOLE`, and three of `KEPT`."""
    events = with_absent(events, list(EVENT_COLUMNS))
    found = found_spans(events)
    columns = columns_of(events, found, [*WHETHER_WHOLE, "given_span_id"], {})
    return pl.DataFrame([columns[name].alias(name) for name in WHETHER_WHOLE]).with_columns(
        columns["given_span_id"].alias("_given_span_id"), worded(STATES, found.state).alias("_paired_state"),
        _complete(found),
    )


def pair_events(events: pl.DataFrame, dimensions: Mapping[str, str]) -> pl.DataFrame:
    """Spans of events, not yet linked: `model.SPANS`, the dimensions (column of events → of spans), and `KEPT`."""
    events = with_absent(events, list(EVENT_COLUMNS))
    found = found_spans(events)
    wanted = [*SPANS, *dimensions.values(), *GIVEN, *OTHER_EVENTS]
    columns = columns_of(events, found, wanted, dict(dimensions))
    told_by = found.told_by
    time = events["timestamp"].cast(pl.Int64).fill_null(NO_TIME).to_numpy()
    there = told_by != NONE
    times = np.where(there, time[told_by], NO_TIME)
    begins = np.where(found.start != NONE, found.start, found.end)[None, :]
    n_events = there.sum(axis=0) - ((found.profile == found.end) & (found.profile != NONE))
    kept: dict[str, object] = {f"_{name}": columns[name] for name in (*GIVEN, *OTHER_EVENTS)}
    kept |= {
        "_paired_state": worded(STATES, found.state),
        **{f"_{name}": gathered(events[name], begins) for name in ("operation", "input_hash", "wire_fields")},
        "_first": np.where(there, times, np.iinfo(np.int64).max).min(axis=0, initial=np.iinfo(np.int64).max),
        "_last": times.max(axis=0, initial=NO_TIME),
        "_complete": _complete(found),
        "_single": n_events == 1,
        "_loose": found.loose,
    }
    made = {name: columns[name] for name in (*SPANS, *dimensions.values()) if name not in MADE_BY_LINKING}
    frame = pl.DataFrame({**made, **kept}, strict=False)
    return frame.with_columns(
        pl.lit(None, pl.String).alias(name) for name in MADE_BY_LINKING
    ).select(*SPANS, *dimensions.values(), *KEPT)  # fmt: skip


def _complete(found: Found) -> pl.Series:
    """See `KEPT`: an end and a start that only stand in one span, as two witnesses, may yet find others."""
    told = found.told_by != NONE
    return pl.Series("_complete", told[0] & told[1] & (told[2] == told[3]))


def link_spans(spans: pl.DataFrame) -> pl.DataFrame:
    """The same spans with parents, traces, states and roots, as far as these very spans tell."""
    first = pl.coalesce("start_event_id", "end_event_id")
    state = spans["_paired_state"].cast(pl.Enum(STATES)).to_physical().to_numpy().astype(np.uint8)
    found = linked(Unlinked(
        spans["span_id"], spans["_given_trace_id"], spans["_given_parent_span_id"], spans["correlation_id"],
        spans["_parent_correlation_id"], spans["_causation_id"],
        (spans["start_event_id"], spans["end_event_id"], *(spans[f"_{name}"] for name in OTHER_EVENTS)),
        spans.select(first).to_series(), _microseconds(spans["start"]), _microseconds(spans["end"]), state,
    ))  # fmt: skip
    top, _ = roots(found.parent, np.zeros(spans.height, np.int32))
    return spans.with_columns(
        found.trace_id.alias("trace_id"),
        found.parent_span_id.alias("parent_span_id"),
        worded(STATES, found.state).alias("state"),
        spans["span_id"].gather(pl.Series(top, dtype=pl.UInt32)).alias("_root_id"),
    )


def events_again(spans: pl.DataFrame, dimensions: Mapping[str, str]) -> pl.DataFrame:
    """The events of spans that one event tells of (`_single`), as far as pairing and spans need them."""
    is_start = pl.col("outcome") == "start"
    back = {name: pl.col(f"_{given}") for given, name in GIVEN.items()}
    return spans.select(
        pl.coalesce("start_event_id", "end_event_id").alias("event_id"),
        pl.when(is_start).then("start").otherwise("end").alias("timestamp"),
        "family",
        pl.when(pl.col("family") == "profile").then(pl.lit("other")).otherwise("outcome").alias("outcome"),
        *(pl.col(name) for name in ("node", "node_version", "operation", "correlation_id", "adjusted_count")),
        *(pl.col(name) for name in ("error_code", "error_type", "error_message", *PROFILE_NUMBERS)),
        pl.col("duration_ms").alias("execution_time_ms"),
        pl.col("_input_hash").alias("input_hash"),
        pl.col("_wire_fields").alias("wire_fields"),
        *(expr.alias(name) for name, expr in back.items()),
        *(pl.col(name).alias(column) for column, name in dimensions.items()),
    )


def _microseconds(times: pl.Series) -> NDArray[np.int64]:
    return times.cast(pl.Int64).fill_null(NO_TIME).to_numpy(writable=True)  # one type, for which kernels are compiled


assert set(EVENT_COLUMNS) <= set(EVENTS)
