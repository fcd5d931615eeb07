"""The shapes of our frames: every column, its type and its unit, written once."""

from __future__ import annotations

import polars as pl

UTC_MICROSECONDS = pl.Datetime("us", "UTC")

PROFILE_NUMBERS = pl.Schema({
    "cpu_time_ms": pl.Float64(),
    "cpu_usage_percent": pl.Float64(),
    "memory_usage_mb": pl.Float64(),
    "memory_peak_mb": pl.Float64(),
    "disk_io_mb": pl.Float64(),
    "network_io_mb": pl.Float64(),
    "queue_time_ms": pl.Float64(),
    "cache_hits": pl.Int64(),
    "cache_misses": pl.Int64(),
    "gc_time_ms": pl.Float64(),
})
"""The numbers of a PERFORMANCE_PROFILE, beside `execution_time_ms`."""

EVENTS = pl.Schema({
    # always there
    "event_id": pl.String(),
    "timestamp": UTC_MICROSECONDS,           # when it happened; repaired where a clock was off
    "event_type": pl.String(),               # upper case; an unknown type is kept
    "family": pl.String(),                   # one of `FAMILIES`: node, telemetry, log, …
    "outcome": pl.String(),                  # start, success, soft_failure, failure, other
    "node_id": pl.String(),                  # as it came
    "node": pl.String(),                     # without version and instance number
    "correlation_id": pl.String(),           # null for most nodes upstream
    "parent_correlation_id": pl.String(),
    "trace_id": pl.String(),                 # as given, never guessed
    "schema_version": pl.String(),           # "1.0.0" where the event names none
    # lifted out of the metadata, null where it does not say
    "operation": pl.String(),
    "function": pl.String(),
    "execution_time_ms": pl.Float64(),
    "result_status": pl.String(),            # success warning error skipped fixed partial info unknown failure
    "success": pl.Boolean(),
    "error_type": pl.String(),
    "error_code": pl.String(),               # as given, else the bracketed prefix of the message
    "error_message": pl.String(),
    "severity": pl.String(),                 # CRITICAL ERROR WARNING INFO
    "recoverable": pl.String(),              # no, yes, retry
    "level": pl.String(),                    # of a log entry, upper case
    "node_version": pl.String(),
    "span_id": pl.String(),
    "parent_span_id": pl.String(),
    "causation_id": pl.String(),
    "input_hash": pl.UInt64(),               # xxh64 of the compact text of `input_state`, for pairing
    **PROFILE_NUMBERS,
    "replay_id": pl.String(),
    "is_replay": pl.Boolean(),
    # kept
    "metadata": pl.String(),                 # JSON text, whole
    "extra": pl.String(),                    # JSON object: top-level fields that no column can express
    "violations": pl.List(pl.String()),      # rules of the specification that the event breaks; empty for most
    "size_bytes": pl.UInt32(),               # of the line as it came
    "adjusted_count": pl.Float64(),          # events this one stands for; 1.0 unless sampled upstream
    "arrived_at": UTC_MICROSECONDS,          # the bus's or ledger's time; null if unknown
    "ingested_at": UTC_MICROSECONDS,
    "source": pl.String(),                   # file, topic or table it came from
    "source_offset": pl.Int64(),             # byte, element or row number within the source
    "timestamp_original": pl.String(),       # the text that came, where it is not the plain form or was repaired
    "event_type_raw": pl.String(),           # the text that came, where it was normalised
    "clock_offset_ms": pl.Int64(),           # what the producer's clock was off by; null where nothing was repaired
    "wire_fields": pl.UInt32(),              # two bits a known field: absent, null, in its column, in `extra`
})
"""One row an event: the canonical frame. A store's dimensions follow as further columns."""

SPANS = pl.Schema({
    "trace_id": pl.String(),                 # as given, else that of the root above, its correlation id or event id
    "span_id": pl.String(),                  # as given, else the event id of its start, else of its end
    "parent_span_id": pl.String(),           # as given, else the span found by the parent's correlation or causation id
    "name": pl.String(),                     # the operation, else the node
    "kind": pl.String(),                     # internal, server, client, producer, consumer
    "start": UTC_MICROSECONDS,               # null only where neither a start nor a duration is known
    "end": UTC_MICROSECONDS,                 # null while open
    "duration_ms": pl.Float64(),             # as measured by the node (`execution_time_ms`), else by the clocks
    "status": pl.String(),                   # unset, ok, error
    "state": pl.String(),                    # a word of `SPAN_STATES`
    "node": pl.String(),                     # who did the work (another system's service)
    "node_version": pl.String(),
    "operation": pl.String(),
    "error_code": pl.String(),
    "error_type": pl.String(),
    "error_message": pl.String(),
    "family": pl.String(),                   # of the events it was made from
    "outcome": pl.String(),                  # start (while open), success, soft_failure, failure
    "correlation_id": pl.String(),
    "paired_by": pl.String(),                # correlation, execution_time, input_state, order; null where unpaired
    "witnesses": pl.UInt8(),                 # events that told of its end: 0 while open, 2 where node and telemetry did
    "start_event_id": pl.String(),
    "end_event_id": pl.String(),
    "adjusted_count": pl.Float64(),          # spans this one stands for; 1.0 unless sampled upstream
    **PROFILE_NUMBERS,                       # of its end, or of its PERFORMANCE_PROFILE
})
"""One row an operation, in OpenTelemetry's words. A store's dimensions follow as further columns."""

SPAN_STATES = {
    "closed": "a start and its end, or an end that says how long the work took",
    "open": "a start without an end",
    "end_without_start": "an end without a start that does not say how long the work took",
    "duplicate_start": "a second start of work that began already",
    "duplicate_end": "a second end of work that ended already",
    "negative_duration": "it ends before it starts",
    "orphan": "its parent is not there",
    "cycle": "it is its own ancestor",
}
"""What a span's rows in the log amount to."""

WIRE_FIELDS = (
    "event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata", "schema_version",
    "parent_correlation_id", "trace_id", "span_id", "parent_span_id", "causation_id", "adjusted_count",
    "replay_id", "is_replay",
)  # fmt: skip
"""Top-level fields that have a column: `wire_fields` holds two bits for each, the first one lowest."""

WIRE_ABSENT, WIRE_NULL, WIRE_COLUMN, WIRE_EXTRA = range(4)
"""How a field came: not at all, as null, as its column says, as `extra` says."""

REJECTED = pl.Schema({
    "reason": pl.String(),                   # a word of `REJECT_REASONS`
    "detail": pl.String(),                   # what was found and where
    "raw": pl.Binary(),                      # the bytes as they came, whole
    "source": pl.String(),
    "source_offset": pl.Int64(),             # byte, element or row number within the source
    "line": pl.Int64(),                      # 1-based line, element or row number
    "event_id": pl.String(),                 # where one could be read (a conflict always has one)
    "rejected_at": UTC_MICROSECONDS,
})
"""One row a line that gave no event. Nothing is ever dropped."""

REJECT_REASONS = {
    "invalid_json": "the line is not JSON (RFC 8259)",
    "invalid_utf8": "the line is not UTF-8",
    "truncated": "the last line of the source ends in the middle of a value",
    "not_an_object": "the line is JSON, but neither an event nor an envelope",
    "duplicate_key": "a key that we read stands twice in one object",
    "missing_event_id": "no event id, and no envelope id in its place",
    "missing_timestamp": "no timestamp",
    "invalid_timestamp": "a timestamp that is no time, or outside the years 1970 to 2261",
    "missing_node_id": "no node id",
    "missing_event_type": "no event type, and no topic that names one",
    "wrong_type": "an id, type or timestamp that is not text (or, for a timestamp, a number)",
    "too_deep": "nested deeper than 1,000 levels",
    "newer_major": "a schema version of a newer major than we read",
    "conflict": "an event id that is stored already, with other content",
    "broken_row": "a row of a CSV file that cannot be cut into the fields that its first row names",
    "corrupt_compression": "the compressed stream ends early or is damaged from here on",
    "strict": "strict mode was asked for and the event breaks a rule",
}
"""Why a line was rejected, word by word."""

LABELS = pl.Schema({
    "incident_id": pl.String(),
    "kind": pl.String(),                     # latency_regression, error_burst, new_error, stuck_node, silent_node,
                                             # crash_loop, cascade, deploy, coverage_hole
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # exclusive
    "node": pl.String(),
    "operation": pl.String(),
    "error_code": pl.String(),
    "cause": pl.String(),                    # "column=value" that explains it, such as node_version=1.4.0
    "magnitude": pl.Float64(),               # factor on latency, share of failures, …
    "events": pl.UInt64(),                   # events touched by it
})
"""One row a labelled incident of the synthetic fleet: the truth that analyses are scored against."""
