"""Reading a synthetic log back, the slow and obvious way."""

from __future__ import annotations

import json
from typing import Any

from onex_analytics.synthetic import SyntheticLog

Event = dict[str, Any]


def events_of(log: SyntheticLog) -> list[Event]:
    return [json.loads(line) for line in b"".join(log.chunks()).splitlines()]


def flat(event: Event) -> dict[str, Any]:
    held = event["metadata"] or {}
    inputs = held.get("input_state") or {}
    text = held.get("error") or held.get("error_message") or ""
    code = held.get("error_code") or (text[1:text.index("]")] if text.startswith("[ONEX") else None)
    return {
        "at": event["timestamp"], "node": event["node_id"], "type": event["event_type"],
        "correlation": event["correlation_id"], "operation": held.get("operation"), "code": code,
        "ms": held.get("execution_time_ms"), "host": inputs.get("host"), "size": inputs.get("size"),
        "file": inputs.get("file"), "version": held.get("node_version"),
        "parent": event.get("parent_correlation_id"), "trace": event.get("trace_id"),
    }
