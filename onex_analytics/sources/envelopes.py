"""Events inside other things: bus captures, envelopes, CloudEvents, omnibase_core. Each is unwrapped to a plain
event line and a row of context; what stood around it is kept in `extra.envelope`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.model.event_types import event_type_of_topic
from onex_analytics.sources.block import CONTEXT, Block, block_of_texts
from onex_analytics.sources.columns import Spans, times
from onex_analytics.sources.layout import WIRE_DATA, WIRE_WRAPPED
from onex_analytics.sources.paths import PathTable
from onex_analytics.sources.scan import ABSENT, NULL, OBJECT, OK, STRING, Scan

MAX_WRAPPINGS = 6
"""Envelopes inside envelopes; anything deeper is taken for an event that is one."""

_CLOUD_SOURCE = "onex/"


def wrapped_rows(found: Scan, paths: PathTable) -> NDArray[np.bool_]:
    """The lines that hold an event inside something else."""
    kind = found.kind
    no_id = kind[paths["event_id"]] <= NULL
    inside = (
        ((kind[paths["payload"]] == OBJECT) | (kind[paths["envelope"]] == OBJECT) | (kind[paths["specversion"]] > NULL)) & no_id
        | (kind[paths["data"]] == OBJECT) & (kind[paths["metadata"]] == ABSENT) & (kind[paths["specversion"]] == ABSENT)
    )
    return inside & (found.status == OK)


def _value(block: Block, found: Scan, slot: int, row: int) -> Any:
    if found.kind[slot, row] <= NULL:
        return None
    begin, size = int(found.offset[slot, row]), int(found.length[slot, row])
    raw = block.buffer[begin : begin + size].tobytes()
    return json.loads(b'"' + raw + b'"') if found.kind[slot, row] in (STRING, STRING + 1) else json.loads(raw)


def _text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62 else None


def _micros(block: Block, found: Scan, slot: int, row: int) -> int | None:
    spans = Spans(found.kind[slot, row : row + 1], found.offset[slot, row : row + 1], found.length[slot, row : row + 1])
    micros, states = times(block.buffer, spans)
    return int(micros[0]) if states[0] in (1, 2) else None


def _cut(block: Block, found: Scan, slot: int, row: int) -> tuple[bytes, bytes]:
    """The value of a slot, and its line with null in its place."""
    start = int(block.starts[row])
    line = block.raw(row)
    begin = int(found.offset[slot, row]) - start
    end = begin + int(found.length[slot, row])
    return line[begin:end], line[:begin] + b"null" + line[end:]


def _nest(outer: dict[str, Any], inner: dict[str, Any], around: bytes | None) -> dict[str, Any]:
    """Context of an inner event: what is nearest wins; arrival and place in the bus come from outside."""
    merged = dict(outer)
    for name, value in inner.items():
        if value is not None:
            merged[name] = value
    for name in ("arrived_at", "source", "source_offset", "size_bytes"):
        if outer.get(name) is not None:
            merged[name] = outer[name]
    if around is not None:
        text = around.decode("utf-8")
        merged["envelope"] = f"[{outer['envelope']},{text}]" if outer.get("envelope") else text
    merged["wire"] = (outer.get("wire") or 0) | (inner.get("wire") or 0)
    return merged


def unwrap(block: Block, found: Scan, rows: NDArray[np.intp], paths: PathTable) -> Block:
    """One line a wrapped line: the event inside, with what stood around it as context."""
    texts: list[bytes] = []
    contexts: list[dict[str, Any]] = []
    outers = block.context[rows.tolist()].to_dicts() if block.context is not None else [{} for _ in rows]
    slot = {name: paths[name] for name in (
        "envelope", "payload", "specversion", "data", "topic", "partition", "offset", "kafka_offset", "envelope_id",
        "message_id", "envelope_timestamp", "correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id",
        "event_type", "source_tool", "id", "source", "time", "type", "timestamp", "node_id",
    )}
    for row, outer in zip(rows.tolist(), outers, strict=True):

        def read(name: str, row: int = row) -> Any:
            return _value(block, found, slot[name], row)

        def micros(name: str, row: int = row) -> int | None:
            return _micros(block, found, slot[name], row)

        inner: dict[str, Any] = {"size_bytes": int(block.ends[row] - block.starts[row]), "wire": WIRE_WRAPPED}
        if found.kind[slot["specversion"], row] > NULL:
            text, around = _cloud_event(block, found, paths, row, inner, read, micros)
        elif found.kind[slot["envelope"], row] == OBJECT and found.kind[slot["event_type"], row] <= NULL:
            topic = _text(read("topic"))
            inner["event_type"] = event_type_of_topic(topic) if topic else None
            partition = _text(read("partition"))
            inner["source"] = topic if partition is None else f"{topic}/{partition}"
            place = _whole(read("offset"))
            inner["source_offset"] = place if place is not None else _whole(read("kafka_offset"))
            inner["arrived_at"] = micros("timestamp")
            text, around = _cut(block, found, slot["envelope"], row)
        elif found.kind[slot["payload"], row] == OBJECT and found.kind[paths["event_id"], row] <= NULL:
            topic = _text(read("topic"))
            of_topic = event_type_of_topic(topic) if topic else None
            inner["event_id"] = _text(read("envelope_id")) or _text(read("message_id"))
            inner["arrived_at"] = micros("envelope_timestamp")
            inner["timestamp"] = inner["arrived_at"] if inner["arrived_at"] is not None else micros("timestamp")
            inner["event_type"] = _text(read("event_type")) or of_topic or outer.get("event_type")
            inner["node_id"] = _text(read("source_tool")) or _text(read("node_id"))
            if inner["node_id"] is None and topic and len(topic.split(".")) > 3:
                inner["node_id"] = topic.split(".")[2]
            for name in ("correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id"):
                inner[name] = _text(read(name))
            text, around = _cut(block, found, slot["payload"], row)
            if not _is_event(text):
                text = b'{"metadata":' + text + b"}"
        else:
            # omnibase_core: an event whose metadata is called `data`
            value, rest = _cut(block, found, slot["data"], row)
            begin = int(found.offset[slot["data"], row]) - int(block.starts[row])
            line = block.raw(row)
            head = line[:begin]
            key = head.rindex(b'"data"')
            text, around = head[:key] + b'"metadata"' + head[key + 6 :] + line[begin:], None
            inner["wire"] = WIRE_DATA
        texts.append(text)
        contexts.append(_nest(outer, inner, around))
    frame = pl.DataFrame(
        {name: pl.Series(name, [c.get(name) for c in contexts], dtype=dtype) for name, dtype in CONTEXT.items()}
    )
    return block_of_texts(texts, block, rows, frame)


def _is_event(payload: bytes) -> bool:
    """Whether a payload is an event or holds one, and is not merely the data of the envelope's event."""
    value = json.loads(payload)
    if "payload" in value or "envelope" in value:
        return True
    return "event_type" in value and ("node_id" in value or "event_id" in value) or {"event_id", "timestamp"} <= value.keys()


def _cloud_event(block: Block, found: Scan, paths: PathTable, row: int, inner: dict[str, Any], read: Any, micros: Any) -> tuple[bytes, bytes]:
    """A CloudEvent as a plain line. Source: CloudEvents 1.0, with upstream's `com.onex.` types."""
    source = _text(read("source")) or ""
    event: dict[str, Any] = {"event_id": read("id"), "timestamp": read("time")}
    event["node_id"] = source.removeprefix(_CLOUD_SOURCE) or None
    event["event_type"] = read("type")
    members = [f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=False)}" for k, v in event.items() if v is not None]
    data = read("data") if found.kind[paths["data"], row] == OBJECT else {}
    if isinstance(data, dict):
        for name in ("correlation_id", "parent_correlation_id", "trace_id", "schema_version"):
            if name in data:
                members.append(f"{json.dumps(name)}:{json.dumps(data[name], ensure_ascii=False)}")
    line = ",".join(members)
    if found.kind[paths["data.metadata"], row] > NULL:
        metadata, around = _cut(block, found, paths["data.metadata"], row)
    elif found.kind[paths["data"], row] > NULL:
        metadata, around = _cut(block, found, paths["data"], row)
    else:
        metadata, around = b"null", block.raw(row)
    return b"{" + line.encode() + b',"metadata":' + metadata + b"}", around

