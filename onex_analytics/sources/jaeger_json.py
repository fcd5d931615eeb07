"""Traces that Jaeger's UI or query API exported as JSON: `{"data": [{"traceID", "spans", "processes"}]}`.

Also read: a bare trace, a list of traces, and a bare list of spans (each with its `process` inside, as Jaeger stores
them in Elasticsearch); plain, gzip or Zstandard. Source: Jaeger, model/json/model.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from onex_analytics.sources.span_files import (
    LIMIT_BYTES,
    Broken,
    Refused,
    Rejections,
    SpanFile,
    Text,
    json_text,
    plain_text,
    read_text,
    span_frame,
    whole_or_salvaged,
    whole_us,
)

_KINDS = ("internal", "server", "client", "producer", "consumer")
_COLUMNS = (
    "trace_id", "span_id", "parent_span_id", "name", "kind", "start", "end", "duration_ms", "status", "node",
    "node_version", "error_type", "error_message", "attributes", "resource", "extra",
)  # fmt: skip
_MORE: Final = dict.fromkeys(("attributes", "resource", "extra"), pl.String())
_EXPRESSED = frozenset({"traceID", "spanID", "operationName", "startTime", "duration", "tags", "processID", "process"})


def read_spans(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> SpanFile:
    """The spans of a Jaeger export.

    Args:
        path: a file, or "-" for standard input.
        limit_bytes: largest JSON text, decompressed, that is parsed; about ten times as much memory is used.

    Returns:
        `spans` with `trace_id`, `span_id`, `parent_span_id` as given (the first CHILD_OF reference within the trace,
        else the first FOLLOWS_FROM), `name`, `kind` (the tag `span.kind`, else "consumer" for FOLLOWS_FROM, else
        "internal"), `start` and `end` (microseconds, exact; no end where there is no duration), `duration_ms`,
        `status` (by the tags `error` and `otel.status_code`), `node` (the service), `node_version`, `error_type`,
        `error_message`, and as JSON text `attributes` (all tags; a key that stands twice holds a list), `resource`
        (the tags of the process) and `extra` (logs, references and all other fields of the span).
        Where the text breaks off, the traces before are read and the rest is one rejected row.

    Raises:
        SourceError: the file is missing, may not be read, is no JSON, or is longer than the limit.

    >>> import json, tempfile
    >>> span = {"traceID": "t1", "spanID": "s1", "operationName": "GET /", "startTime": 1_000_001, "duration": 1500,
    ...         "processID": "p1", "tags": [{"key": "error", "type": "bool", "value": True}]}
    >>> trace = {"traceID": "t1", "spans": [span], "processes": {"p1": {"serviceName": "web", "tags": []}}}
    >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    ...     _ = file.write(json.dumps({"data": [trace]})); file.flush()
    ...     read = read_spans(file.name)
    >>> read.spans.select("node", "name", "duration_ms", "status").rows(), read.read, len(read.rejected)
    ([('web', 'GET /', 1.5, 'error')], 1, 0)
    """
    text = read_text(path, limit_bytes)
    rejections = Rejections()
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    holders, about, broken = _holders(text)
    position = 0
    for holder in holders:
        spans = _spans_of(holder)
        if spans is None:
            rejections.add("not_a_trace", "neither a trace with a list `spans` nor a span", holder, position)
            position += 1
            continue
        processes = _processes(holder)
        for span in spans:
            try:
                row = _row(span, processes)
            except Refused as problem:
                rejections.add(problem.reason, problem.detail, span, position)
            else:
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
            position += 1
    position = rejections.add_end(text, broken, position)
    return SpanFile(span_frame(columns, _MORE), rejections.frame(), {}, position, about)


def _holders(text: Text) -> tuple[list[Any], dict[str, Any], Broken | None]:
    """What should hold spans; what the file says beside; and what stands behind the place where it breaks off."""
    whole, broken = whole_or_salvaged(text, "data")
    about: dict[str, Any] = {}
    if isinstance(whole, dict) and "data" in whole and "spans" not in whole:
        about = {key: value for key, value in whole.items() if key != "data"}
        whole = whole["data"]
    return (whole if isinstance(whole, list) else [] if whole is None else [whole]), about, broken


def _spans_of(value: Any) -> list[Any] | None:
    if isinstance(value, dict):
        if isinstance(value.get("spans"), list):
            found: list[Any] = value["spans"]
            return found
        if "spanID" in value:
            return [value]
    return None


def _processes(holder: Any) -> dict[str, tuple[str | None, str | None, str]]:
    """Of each process of a trace: service, its version, and its tags as JSON text."""
    found = holder.get("processes") if isinstance(holder, dict) else None
    return {key: _process(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _process(value: Any) -> tuple[str | None, str | None, str]:
    if not isinstance(value, dict):
        return None, None, json_text(value)
    try:
        tags = _tags(value.get("tags"))
    except Refused:
        return _text(value.get("serviceName")), None, json_text(value)
    return _text(value.get("serviceName")), _text(tags.get("service.version")), json_text(tags)


def _row(span: Any, processes: Mapping[str, tuple[str | None, str | None, str]]) -> tuple[Any, ...]:
    """The values of a span, in the order of `_COLUMNS`.

    Raises:
        Refused: it is no span that can be placed.
    """
    if not isinstance(span, dict):
        raise Refused("not_an_object", f"{span!r:.60}")
    trace_id, span_id = _id(span, "traceID"), _id(span, "spanID")
    name = span.get("operationName")
    if name is not None and not isinstance(name, str):
        raise Refused("wrong_type", f"operationName is {name!r:.60}, not text")
    if span.get("startTime") is None:
        raise Refused("missing_time", "no startTime")
    start, duration = whole_us(span["startTime"], "startTime"), span.get("duration")
    length = None if duration is None else whole_us(duration, "duration")
    end = None if length is None else whole_us(start + length, "startTime + duration")
    tags = _tags(span.get("tags"))
    parent, follows = _parent(span, trace_id)
    kind = tags.get("span.kind")
    kind = kind.lower() if isinstance(kind, str) else None
    if "process" in span:
        service, version, resource = _process(span["process"])
    else:
        service, version, resource = processes.get(str(span.get("processID")), (None, None, "{}"))
    extra = {key: value for key, value in span.items() if key not in _EXPRESSED}
    if "process" not in span and service is None and span.get("processID") is not None:
        extra["processID"] = span["processID"]
    return (
        trace_id, span_id, parent, None if name is None else plain_text(name),
        kind if kind in _KINDS else "consumer" if follows else "internal",
        start, end, None if length is None else length / 1000, _status(tags), service, version,
        _text(tags.get("exception.type", tags.get("error.type"))),
        _text(tags.get("otel.status_description", tags.get("exception.message", tags.get("error.message")))),
        json_text(tags), resource, json_text(extra),
    )  # fmt: skip


def _id(span: dict[str, Any], key: str) -> str:
    value = span.get(key)
    if value in (None, ""):
        raise Refused("missing_id", f"no {key}")
    if not isinstance(value, str):
        raise Refused("wrong_type", f"{key} is {value!r:.60}, not text")
    return plain_text(value)


def _text(value: Any) -> str | None:
    return plain_text(value) if isinstance(value, str) and value else None


def _tags(tags: Any) -> dict[str, Any]:
    """Tags by key; the values of a key that stands several times as a list."""
    if tags is None:
        return {}
    if isinstance(tags, dict):
        return tags
    found: dict[str, Any] = {}
    repeated = set()
    for tag in tags if isinstance(tags, list) else [tags]:
        if not isinstance(tag, dict) or not isinstance(tag.get("key"), str):
            raise Refused("wrong_type", f"a tag is {tag!r:.60}, not an object with a key")
        key, value = tag["key"], tag.get("value")
        if key not in found:
            found[key] = value
        elif key in repeated:
            found[key].append(value)
        else:
            repeated.add(key)
            found[key] = [found[key], value]
    return found


def _parent(span: dict[str, Any], trace_id: str) -> tuple[str | None, bool]:
    """The parent's span id, and whether the span only follows from it."""
    references = span.get("references")
    if references is not None and not isinstance(references, list):
        raise Refused("wrong_type", f"references is {references!r:.60}, not a list")
    for wanted in ("CHILD_OF", "FOLLOWS_FROM"):
        for reference in references or ():
            if not isinstance(reference, dict) or not isinstance(reference.get("spanID"), str):
                raise Refused("wrong_type", f"a reference is {reference!r:.60}, not an object with a spanID")
            if reference.get("refType") == wanted and reference.get("traceID", trace_id) == trace_id:
                return plain_text(reference["spanID"]), wanted == "FOLLOWS_FROM"
    parent = span.get("parentSpanID")
    return (plain_text(parent) if isinstance(parent, str) and parent.strip("0") else None), False


def _status(tags: Mapping[str, Any]) -> str:
    """ok, error or unset, by the tags of OpenTracing and of OpenTelemetry."""
    error, code = tags.get("error"), tags.get("otel.status_code")
    if error is True or (isinstance(error, str) and error.lower() == "true") or code == "ERROR":
        return "error"
    return "ok" if code == "OK" else "unset"
