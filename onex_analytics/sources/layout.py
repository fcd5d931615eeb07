"""Where the columns of an event stand in its JSON: the paths that are lifted, and how a field is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS, WIRE_FIELDS
from onex_analytics.sources.paths import Path, PathTable, compile_paths, parse_path

EXTRA_ONLY = (
    "sampling_probability", "data", "payload", "envelope", "envelope_id", "envelope_timestamp", "message_id",
    "topic", "partition", "offset", "kafka_offset", "source_tool", "specversion", "id", "source", "time", "type",
)
"""Top-level fields that are read, or tell an envelope, but have no column: on a plain event they go to `extra`."""

CLOUD_FIELDS = ("correlation_id", "parent_correlation_id", "trace_id", "schema_version")
"""Fields of an event that a CloudEvent carries in its data, beside the metadata."""

PAYLOAD_FIELDS = ("event_id", "timestamp", "node_id", "event_type", "payload", "envelope", "specversion")
"""Fields by which a payload is told to be an event, or to hold one."""

PROFILE_FIELDS = ("execution_time_ms", *PROFILE_NUMBERS)

_METADATA_PATHS = (
    "operation", "function", "duration_ms", "error", "error.message", "error.code", "error.type", "error_message",
    "error_type", "error_code", "severity", "recoverable", "success", "status", "level", "log_level",
    "log_entry.level", "node_version", "input_state.correlation_id", "output_state.status", "output_state.message",
    "output_state.error_code", "correlation_id", "parent_correlation_id", "trace_id",
    "performance_profile.operation", "performance_profile.function",
    *PROFILE_FIELDS, *(f"performance_profile.{name}" for name in PROFILE_FIELDS),
)

DIMENSION_TYPES: dict[str, pl.DataType] = {
    "str": pl.String(), "i64": pl.Int64(), "f64": pl.Float64(), "bool": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One declared column: a JSON path within the metadata and a type."""

    name: str
    path: Path
    type: str

    @property
    def dtype(self) -> pl.DataType:
        return DIMENSION_TYPES[self.type]

    @property
    def text(self) -> str:
        """As it is declared, such as `$.input_state.tenant:str`."""
        return f"$.{'.'.join(self.path)}:{self.type}"


def parse_dimensions(declared: Mapping[str, str]) -> dict[str, Dimension]:
    """Read declarations such as `{"tenant": "$.input_state.tenant:str"}`; the type is `str` where none stands.

    Raises:
        InvalidOption: on a name that is a column already, a path that is none, or a type that is none of
            str, i64, f64 and bool.

    >>> parse_dimensions({"input_bytes": "$.input_state.size:i64"})["input_bytes"].path
    ('input_state', 'size')
    """
    dimensions = {}
    for name, declaration in declared.items():
        if name in EVENTS or not name.isidentifier():
            raise InvalidOption("a dimension's name", name, "an identifier that is no column of model.EVENTS")
        path, separator, kind = declaration.rpartition(":")
        if not separator:
            path, kind = declaration, "str"
        if kind not in DIMENSION_TYPES:
            raise InvalidOption(f"the type of dimension {name}", kind, f"one of {', '.join(DIMENSION_TYPES)}")
        dimensions[name] = Dimension(name, parse_path(path), kind)
    return dimensions


def event_paths(dimensions: Iterable[Dimension] = ()) -> PathTable:
    """All that a scan for events looks for."""
    inside = [tuple(p.split(".")) for p in _METADATA_PATHS] + [d.path for d in dimensions]
    top = [(name,) for name in (*WIRE_FIELDS, *EXTRA_ONLY)]
    data = [("data", name) for name in (*CLOUD_FIELDS, "metadata")]
    payload = [("payload", name) for name in PAYLOAD_FIELDS]
    return compile_paths([*top, *data, *payload, *(("metadata", *p) for p in inside)])
