"""Logs of single events, and the spans of a store beside those of all its events."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from onex_analytics import EventStore, build_spans

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def same(store: EventStore, version: int | None = None) -> pl.DataFrame:
    """The store's spans, checked against those of its events."""
    kept, anew = store.spans(version=version).collect(), build_spans(store.scan(version=version)).collect()
    assert_frame_equal(kept, anew, check_row_order=False, check_exact=True)
    return kept


def raw(place: int, event_type: str, seconds: float, node: str = "a", **more: object) -> dict[str, object]:
    """One event as it comes; what is not given is null."""
    given = {"correlation_id": None, "parent_correlation_id": None, "trace_id": None, "span_id": None, **more}
    metadata = given.pop("metadata", "{}")
    return {
        "event_id": f"e{place:04d}", "timestamp": (NOON + timedelta(seconds=seconds)).isoformat(), "node_id": node,
        "event_type": event_type, "metadata": metadata, "schema_version": "2.0.0", "parent_span_id": None, **given,
    }  # fmt: skip


def append(store: EventStore, rows: list[dict[str, object]], folder: Path) -> None:
    path = folder / f"log-{time.perf_counter_ns()}.jsonl"
    pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("metadata").str.json_decode(pl.Struct({
            "operation": pl.String(), "execution_time_ms": pl.Float64(), "input_state": pl.Struct({"x": pl.Int64()}),
        }))
    ).write_ndjson(path)  # fmt: skip
    store.append(path)
