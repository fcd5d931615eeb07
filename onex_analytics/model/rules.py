"""The rules of an event as data: read by `model.validation` and by the vectorised reader alike.

The texts of violations are fixed, and so is their order:

    event_id: not a UUID · correlation_id: not a UUID · event_type: unknown · schema_version: not a version ·
    metadata: not an object · metadata.<key>: missing · metadata.<key>: not a number ·
    metadata.<key>: a number as text ·
    metadata.<key>: negative · metadata.success: not a boolean · metadata.input_state: over 100 KB ·
    metadata.output_state: over 100 KB · metadata.input_state: deeper than 10 ·
    metadata.output_state: deeper than 10 · metadata: over 1 MiB

Within one kind, missing keys follow the order of `REQUIRED_METADATA`, numbers that of `NUMBERS`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from onex_analytics.model.event_types import FAMILY_AND_OUTCOME
from onex_analytics.model.shapes import PROFILE_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRED: dict[str, tuple[str, ...]] = {
    "NODE_START": ("input_state",),
    "NODE_SUCCESS": ("input_state", "output_state"),
    "NODE_FAILURE": ("input_state", "error"),
    "TELEMETRY_OPERATION_START": ("operation", "function"),
    "TELEMETRY_OPERATION_SUCCESS": ("operation", "function", "execution_time_ms"),
    "TELEMETRY_OPERATION_ERROR": ("operation", "function", "execution_time_ms", "error_type", "error_message"),
}
_RECOMMENDED: dict[str, tuple[str, ...]] = {
    "NODE_START": ("node_version", "operation_type"),
    "NODE_SUCCESS": ("execution_time_ms", "result_summary"),
    "NODE_FAILURE": ("error_type", "execution_time_ms", "error_code", "stack_trace"),
    "TELEMETRY_OPERATION_START": ("args_count", "kwargs_keys"),
    "TELEMETRY_OPERATION_SUCCESS": ("result_type", "success", "performance_metrics"),
    "TELEMETRY_OPERATION_ERROR": ("success", "recoverable", "error_code"),
    "PERFORMANCE_PROFILE": ("operation", "function", "execution_time_ms"),
}

REQUIRED_METADATA: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {event_type: _REQUIRED.get(event_type, ()) for event_type in FAMILY_AND_OUTCOME}
)
"""Keys that the metadata of a known type must hold, not null. A type that is not here requires none."""

RECOMMENDED_METADATA: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {event_type: _RECOMMENDED.get(event_type, ()) for event_type in FAMILY_AND_OUTCOME}
)
"""Keys that it should hold; their absence is no violation."""

ALSO_SPELLED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"execution_time_ms": ("duration_ms",)})
"""Other spellings of a key, both in use; the first that is there and not null is read."""

NUMBERS: Final = ("execution_time_ms", *PROFILE_NUMBERS)
"""Metadata keys, of any type of event, that hold a number of at least 0."""

BOOLEANS: Final = ("success",)
STATES: Final = ("input_state", "output_state")

STATE_MAX_BYTES: Final = 100 * 1024
"""A state object may have this many bytes of JSON text, and no more."""
STATE_MAX_DEPTH: Final = 10
"""An object or array is one level deeper than its deepest container; a flat object has depth 1."""
METADATA_MAX_BYTES: Final = 1024 * 1024
"""Metadata must have fewer bytes of JSON text than this."""

UUID_PATTERN: Final = r"^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"
"""A UUID in any case, with or without its four dashes. Reads the same in Python (`fullmatch`) and in Polars."""

NUMBER_PATTERN: Final = r"^[ \t\r\n]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\r\n]*$"
"""A JSON string that holds a number, such as `"0.087434"`."""
