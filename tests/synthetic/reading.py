"""Reading a synthetic log back, the slow and obvious way."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from onex_analytics.synthetic import SyntheticLog

Event = dict[str, Any]


def events_of(log: SyntheticLog) -> list[Event]:
    return [json.loads(line) for line in b"".join(log.chunks()).splitlines()]


READ = {
    "at": pl.String, "node": pl.String, "type": pl.String, "correlation": pl.String, "parent": pl.String,
    "trace": pl.String, "operation": pl.String, "code": pl.String, "ms": pl.Float64, "host": pl.String,
    "size": pl.Int64, "version": pl.String,
}  # fmt: skip


def flat(event: Event) -> tuple[Any, ...]:
    """What the tests look at, in the order of `READ`."""
    held = event["metadata"] or {}
    inputs = held.get("input_state") or {}
    text = held.get("error") or held.get("error_message") or ""
    code = held.get("error_code") or (text[1:text.index("]")] if text.startswith("[ONEX") else None)
    return (
        event["timestamp"], event["node_id"], event["event_type"], event["correlation_id"],
        event.get("parent_correlation_id"), event.get("trace_id"), held.get("operation"), code,
        held.get("execution_time_ms"), inputs.get("host"), inputs.get("size"), held.get("node_version"),
    )
