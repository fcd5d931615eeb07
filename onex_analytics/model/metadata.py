"""What the metadata of each event type holds: one model a type, further keys kept.

Required and recommended keys are those of `model.rules`; a recommended one is optional here. `OnexEvent.metadata`
itself is a plain mapping, so that an event that breaks a rule can still be read; `OnexEvent.typed_metadata()`
gives these models.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from onex_analytics.model.event_types import OnexEventType

if TYPE_CHECKING:
    from collections.abc import Mapping

State = dict[str, Any]
_EXECUTION_TIME = AliasChoices("execution_time_ms", "duration_ms")


class Metadata(BaseModel):
    """Metadata of any type, and of the types whose keys upstream does not document. Further keys are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    operation: str | None = None
    function: str | None = None
    execution_time_ms: float | None = Field(default=None, validation_alias=_EXECUTION_TIME)
    node_version: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    severity: str | None = Field(default=None, description="CRITICAL, ERROR, WARNING or INFO")
    recoverable: bool | str | None = Field(default=None, description="true or false; or no, yes, retry")
    success: bool | None = None
    status: str | None = None


class PerformanceNumbers(BaseModel):
    """Where the time and the memory of one operation went."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cpu_time_ms: float | None = None
    cpu_usage_percent: float | None = Field(default=None, description="of one core, 0 and up")
    memory_usage_mb: float | None = None
    memory_peak_mb: float | None = None
    disk_io_mb: float | None = None
    network_io_mb: float | None = None
    queue_time_ms: float | None = None
    cache_hits: int | None = None
    cache_misses: int | None = None
    gc_time_ms: float | None = None
    samples: dict[str, float] | None = Field(default=None, description='folded stacks: {"a;b;c": n}')


class NodeStart(Metadata):
    """NODE_START: a node begins to work on an input."""

    input_state: State
    operation_type: str | None = None
    args: list[Any] | None = None
    kwargs: State | None = None


class NodeSuccess(Metadata):
    """NODE_SUCCESS: a node has finished; `output_state.status` may still say error or warning."""

    input_state: State
    output_state: State
    result_summary: str | None = None

    @property
    def result_status(self) -> str | None:
        """The status of the output state, else of the metadata itself."""
        found = self.output_state.get("status", self.status)
        return found if isinstance(found, str) else None


class NodeFailure(Metadata):
    """NODE_FAILURE: a node has failed."""

    input_state: State
    error: str
    output_state: State | None = None
    stack_trace: str | None = None


class OperationStart(Metadata):
    """TELEMETRY_OPERATION_START: a decorated function is entered."""

    operation: str
    function: str
    args_count: int | None = None
    kwargs_keys: list[str] | None = None


class OperationSuccess(Metadata):
    """TELEMETRY_OPERATION_SUCCESS: a decorated function has returned."""

    operation: str
    function: str
    execution_time_ms: float = Field(validation_alias=_EXECUTION_TIME)
    result_type: str | None = None
    performance_metrics: dict[str, Any] | None = None
    performance_profile: PerformanceNumbers | None = None


class OperationError(Metadata):
    """TELEMETRY_OPERATION_ERROR: a decorated function has raised."""

    operation: str
    function: str
    execution_time_ms: float = Field(validation_alias=_EXECUTION_TIME)
    error_type: str
    error_message: str


class PerformanceProfile(Metadata, PerformanceNumbers):
    """PERFORMANCE_PROFILE: the numbers of one operation, and optionally its sampled stacks."""


class LogContext(BaseModel):
    """Where a log entry was written."""

    model_config = ConfigDict(extra="allow", frozen=True)

    calling_module: str | None = None
    calling_function: str | None = None
    calling_line: int | None = None
    timestamp: str | None = None
    node_id: str | None = None
    correlation_id: str | None = None


class LogEntry(BaseModel):
    """A line of a log."""

    model_config = ConfigDict(extra="allow", frozen=True)

    message: str | None = None
    level: str | None = None
    context: LogContext | None = None


class StructuredLog(Metadata):
    """STRUCTURED_LOG: nested in `log_entry`, or in the older form flat."""

    log_entry: LogEntry | None = None
    message: str | None = None
    log_level: str | None = None
    context: LogContext | None = None

    @property
    def entry(self) -> LogEntry:
        """The log entry, whichever form it came in.

        >>> StructuredLog(message="done", log_level="INFO").entry.level
        'INFO'
        """
        return self.log_entry or LogEntry(message=self.message, level=self.log_level, context=self.context)


class Announcement(Metadata):
    """NODE_REGISTER and NODE_ANNOUNCE…: a node asks to be known, and the registry answers."""

    reason: str | None = None
    registry_id: str | None = None
    trust_state: str | None = None
    ttl: int | None = Field(default=None, description="seconds")


_DOCUMENTED: dict[OnexEventType, type[Metadata]] = {
    OnexEventType.NODE_START: NodeStart,
    OnexEventType.NODE_SUCCESS: NodeSuccess,
    OnexEventType.NODE_FAILURE: NodeFailure,
    OnexEventType.NODE_REGISTER: Announcement,
    OnexEventType.TELEMETRY_OPERATION_START: OperationStart,
    OnexEventType.TELEMETRY_OPERATION_SUCCESS: OperationSuccess,
    OnexEventType.TELEMETRY_OPERATION_ERROR: OperationError,
    OnexEventType.STRUCTURED_LOG: StructuredLog,
    OnexEventType.NODE_ANNOUNCE: Announcement,
    OnexEventType.NODE_ANNOUNCE_ACCEPTED: Announcement,
    OnexEventType.NODE_ANNOUNCE_REJECTED: Announcement,
    OnexEventType.PERFORMANCE_PROFILE: PerformanceProfile,
}

METADATA_MODELS: Final[Mapping[str, type[Metadata]]] = MappingProxyType(
    {event_type.value: _DOCUMENTED.get(event_type, Metadata) for event_type in OnexEventType}
)
"""The model of each of the 28 types; any other type has `Metadata`."""


def metadata_of(event_type: str, metadata: Mapping[str, Any] | None) -> Metadata:
    """The metadata of an event as the model of its type.

    Raises:
        pydantic.ValidationError: a required key is missing or a value does not fit.

    >>> metadata_of("TELEMETRY_OPERATION_SUCCESS", {"operation": "o", "function": "f", "duration_ms": "0.09"}).execution_time_ms
    0.09
    """  # noqa: E501
    return METADATA_MODELS.get(event_type, Metadata).model_validate({} if metadata is None else dict(metadata))
