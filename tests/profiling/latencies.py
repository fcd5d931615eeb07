"""Spans as the tests of latencies write them: a duration, and whatever else matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from onex_analytics.model.shapes import SPANS

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
STATES = ("closed", "open", "negative_duration", "duplicate_start", "duplicate_end", "orphan", "cycle", None)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def spans(rows: Sequence[Mapping[str, object]]) -> pl.LazyFrame:
    """SPANS of `rows`: `at` is seconds after noon; a closed span of node "a" and operation "stamp" unless told."""
    made = []
    for place, row in enumerate(rows):
        begin = at(float(row.get("at", place)))  # type: ignore[arg-type]
        ms = row.get("ms")
        finite = isinstance(ms, int | float) and abs(ms) < 1e9
        made.append({
            "trace_id": f"trace-{place:04d}", "span_id": f"span-{place:04d}", "name": "stamp", "kind": "internal",
            "start": begin, "end": begin + timedelta(milliseconds=float(ms)) if finite else None,  # type: ignore[arg-type]
            "duration_ms": ms, "status": "ok", "state": "closed", "node": "a", "operation": "stamp",
            "adjusted_count": 1.0, **{key: value for key, value in row.items() if key not in ("at", "ms")},
        })  # fmt: skip
    return pl.LazyFrame(made, schema=SPANS)


def judged(row: Mapping[str, object]) -> str:
    """The rules of `profiling.standing`, one row after the other."""
    ms, state = row["ms"], row["state"]
    if state == "open":
        return "open"
    if state in ("duplicate_start", "duplicate_end"):
        return "unmeasured"
    if ms is None or ms != ms or abs(ms) == float("inf"):  # type: ignore[arg-type]
        if ms == float("-inf") or state == "negative_duration":
            return "negative"
        return "unmeasured"
    return "negative" if ms < 0 else "measured"  # type: ignore[operator]


DURATIONS = st.none() | st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, 2.0, -1.0, float("nan"), float("inf"),
                                                             float("-inf")])  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({
        "ms": DURATIONS, "state": st.sampled_from(STATES), "status": st.sampled_from(["ok", "error", "unset", None]),
        "node": st.sampled_from(["a", "b", None]), "operation": st.sampled_from(["stamp", "a name of many letters"]),
        "at": st.integers(0, 300),
    }),
    max_size=25,
)  # fmt: skip
