"""Tail policies and arriving events, drawn by Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.sampling import TailPolicy
from onex_analytics.sampling.tail_policies import (
    AlwaysSample,
    And,
    BooleanAttribute,
    Composite,
    Drop,
    Latency,
    NumericAttribute,
    Probabilistic,
    RateLimiting,
    SpanCount,
    StatusCode,
    StringAttribute,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECONDS = st.integers(0, 12) | st.floats(0, 12).map(lambda at: round(at, 6))
TIMES = SECONDS.map(lambda seconds: NOON + timedelta(seconds=seconds))
IDS = st.sampled_from([
    "c0ffee00-1234-4abc-8def-0123456789ab", "C0FFEE0012344ABC8DEF0123456789AB", "a", "b", "c", "", None,
    "c0ffee00-1234-4abc-8d00-0123456789ab",
])  # fmt: skip
SCHEMA = {
    "event_id": pl.String(), "trace_id": pl.String(), "correlation_id": pl.String(), "timestamp": UTC_MICROSECONDS,
    "arrived_at": UTC_MICROSECONDS, "outcome": pl.String(), "node": pl.String(), "execution_time_ms": pl.Float64(),
    "memory_mb": pl.Float64(), "success": pl.Boolean(), "family": pl.String(),
}  # fmt: skip
EVENTS = st.lists(
    st.fixed_dictionaries({
        "event_id": st.sampled_from(["e1", "e2", "e3", None]), "trace_id": IDS, "correlation_id": IDS,
        "timestamp": st.none() | TIMES, "arrived_at": st.none() | TIMES,
        "outcome": st.sampled_from(["start", "success", "soft_failure", "failure", "other", None]),
        "node": st.sampled_from(["node_a", "node_b", None]),
        "execution_time_ms": st.sampled_from([None, 0.0, 1000.0, 2000.0, -5.0, float("nan"), float("inf")]),
        "memory_mb": st.sampled_from([None, 1.0, 2.0, float("nan"), float("inf")]),
        "success": st.sampled_from([None, True, False]),
        "family": st.just("node"),
    }), max_size=25,
).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA))  # fmt: skip

_NAMES = st.sampled_from([None, None, "one", "two"])
_SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])
_FLIPS = st.booleans()
CONDITIONS = st.one_of(
    st.builds(AlwaysSample, name=_NAMES),
    st.builds(Latency, threshold_ms=st.sampled_from([0, 1000, 2000.5]),
              upper_threshold_ms=st.sampled_from([None, 3000])),
    st.builds(StatusCode, status_codes=st.sampled_from(["ERROR", ("OK", "UNSET")])),
    st.builds(StringAttribute, key=st.just("node"), values=st.sampled_from(["node_a", ("node_.", "x")]), regex=_FLIPS,
              invert=_FLIPS),
    st.builds(NumericAttribute, key=st.just("memory_mb"), min_value=st.sampled_from([1, 1.5]),
              max_value=st.sampled_from([None, 2]), invert=_FLIPS),
    st.builds(BooleanAttribute, key=st.just("success"), value=_FLIPS, invert=_FLIPS),
    st.builds(SpanCount, min_events=st.integers(1, 3), max_events=st.sampled_from([None, 3])),
)  # fmt: skip
SHARED = st.builds(Probabilistic, probability=_SHARES)
LIMITED = st.builds(RateLimiting, events_per_second=st.integers(1, 4))
BOTH = st.builds(And, policies=st.lists(CONDITIONS | SHARED, min_size=1, max_size=2).map(tuple), name=_NAMES)
TAILS = st.one_of(
    CONDITIONS, SHARED, LIMITED, BOTH,
    st.builds(And, policies=st.lists(CONDITIONS | SHARED | LIMITED, min_size=1, max_size=3).map(tuple)),
    st.builds(Drop, policies=st.lists(CONDITIONS, min_size=1, max_size=2).map(tuple)),
    st.builds(Composite, events_per_second=st.integers(1, 6),
              policies=st.lists(CONDITIONS | SHARED | BOTH, min_size=1, max_size=3).map(tuple)),
)  # fmt: skip
_NOTHING = Probabilistic(probability=0)  # so that not all of them drop, which is refused
POLICIES = st.builds(
    TailPolicy, policies=st.lists(TAILS, min_size=1, max_size=4).map(lambda drawn: (*drawn, _NOTHING)),
    match=st.sampled_from(["any", "any", "first"]), decision_wait_ms=st.sampled_from([1, 1500, 3000]),
    remember_ms=st.sampled_from([1, 2000, 600_000]), max_traces=st.sampled_from([1, 2, 50_000]),
    max_events=st.sampled_from([1, 4, 1_000_000]), max_remembered=st.sampled_from([1, 2, 100_000]),
    precision=st.sampled_from([1, 4, 14]),
)  # fmt: skip
