"""Small literal logs, written as briefly as the tests can be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from onex_analytics.model.event_types import family_and_outcome
from onex_analytics.model.shapes import EVENTS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """That many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def events(rows: Iterable[Mapping[str, object]]) -> pl.LazyFrame:
    """EVENTS of `rows`: `at` is seconds after noon; family and outcome follow from the type, ids from the place."""
    made = []
    for place, row in enumerate(rows):
        event_type = str(row.get("event_type", "STRUCTURED_LOG"))
        family, outcome = family_and_outcome(event_type, row.get("result_status"))  # type: ignore[arg-type]
        node = row.get("node", "a")
        made.append({
            "event_id": f"id-{place:06d}", "timestamp": at(float(row.get("at", place))),  # type: ignore[arg-type]
            "event_type": event_type, "family": family, "outcome": outcome, "node_id": node, "node": node,
            "schema_version": "1.0.0", "violations": [], "adjusted_count": 1.0,
            **{key: value for key, value in row.items() if key not in ("at", "event_type", "node")},
        })  # fmt: skip
    return pl.LazyFrame(made, schema=EVENTS)


def run(node: str, correlation_id: str | None, begin: float, ms: float = 10.0, *, failed: bool = False,
        operation: str = "stamp", code: str | None = None) -> list[dict[str, object]]:  # fmt: skip
    """The four events of one run of a node, as upstream emits them."""
    same: dict[str, object] = {"node": node, "correlation_id": correlation_id}
    done = begin + ms / 1000
    error = {"error_type": "ValueError", "error_code": code, "error_message": "boom"} if failed else {}
    message = {"error_message": "boom"} if failed else {}
    return [
        {**same, "at": begin, "event_type": "TELEMETRY_OPERATION_START", "operation": operation},
        {**same, "at": begin + 0.001, "event_type": "NODE_START"},
        {**same, "at": done, "event_type": "NODE_FAILURE" if failed else "NODE_SUCCESS", **message},
        {**same, "at": done + 0.001, "event_type": "TELEMETRY_OPERATION_" + ("ERROR" if failed else "SUCCESS"),
         "operation": operation, "execution_time_ms": ms, **error},
    ]  # fmt: skip
