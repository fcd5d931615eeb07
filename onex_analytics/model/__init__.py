"""The words: events by version, event types, metadata, error codes, column shapes, and the way between versions.

Shapes and event types are here at once; what builds pydantic models or reads a table is loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later
from onex_analytics.model.event_types import (
    FAMILIES,
    FAMILY_AND_OUTCOME,
    OUTCOMES,
    RESULT_STATUSES,
    SOFT_FAILURE_STATUSES,
    OnexEventType,
    event_type_of_topic,
    family_and_outcome,
    normalise_event_type,
    outcome_table,
)
from onex_analytics.model.shapes import (
    EVENTS,
    LABELS,
    PROFILE_NUMBERS,
    REJECT_REASONS,
    REJECTED,
    SPAN_STATES,
    SPANS,
)

if TYPE_CHECKING:
    from onex_analytics.model.correlation import Correlation, correlation_scope, current_correlation
    from onex_analytics.model.error_code_enum import OnexErrorCode
    from onex_analytics.model.error_codes import CODES, LOOKUP, ErrorCode, ErrorCodeTaxonomy, Resolution
    from onex_analytics.model.error_spellings import code_in_text
    from onex_analytics.model.events import (
        EVENT_MODELS,
        OnexEvent,
        OnexEventV1_0,
        OnexEventV1_1,
        OnexEventV1_2,
        OnexEventV1_3,
        OnexEventV2_0,
    )
    from onex_analytics.model.metadata import METADATA_MODELS, Metadata, metadata_of
    from onex_analytics.model.migration import migrate
    from onex_analytics.model.performance import PerformanceProfileEvent
    from onex_analytics.model.rules import RECOMMENDED_METADATA, REQUIRED_METADATA
    from onex_analytics.model.upcasters import Transformed, check_chain, transform_event, transformed
    from onex_analytics.model.validation import Validated, validate, violations
    from onex_analytics.model.versions import FIELDS_ADDED, KEPT_IN_EXTRA, VERSIONS, SchemaVersion, can_read, version_of

__all__ = [
    "CODES",
    "EVENTS",
    "EVENT_MODELS",
    "FAMILIES",
    "FAMILY_AND_OUTCOME",
    "FIELDS_ADDED",
    "KEPT_IN_EXTRA",
    "LABELS",
    "LOOKUP",
    "METADATA_MODELS",
    "OUTCOMES",
    "PROFILE_NUMBERS",
    "RECOMMENDED_METADATA",
    "REJECTED",
    "REJECT_REASONS",
    "REQUIRED_METADATA",
    "RESULT_STATUSES",
    "SOFT_FAILURE_STATUSES",
    "SPANS",
    "SPAN_STATES",
    "VERSIONS",
    "Correlation",
    "ErrorCode",
    "ErrorCodeTaxonomy",
    "Metadata",
    "OnexErrorCode",
    "OnexEvent",
    "OnexEventType",
    "OnexEventV1_0",
    "OnexEventV1_1",
    "OnexEventV1_2",
    "OnexEventV1_3",
    "OnexEventV2_0",
    "PerformanceProfileEvent",
    "Resolution",
    "SchemaVersion",
    "Transformed",
    "Validated",
    "can_read",
    "check_chain",
    "code_in_text",
    "correlation_scope",
    "current_correlation",
    "event_type_of_topic",
    "family_and_outcome",
    "metadata_of",
    "migrate",
    "normalise_event_type",
    "outcome_table",
    "transform_event",
    "transformed",
    "validate",
    "version_of",
    "violations",
]

_LOADED_LATER = {
    "correlation": ("Correlation", "correlation_scope", "current_correlation"),
    "error_code_enum": ("OnexErrorCode",),
    "error_codes": ("CODES", "LOOKUP", "ErrorCode", "ErrorCodeTaxonomy", "Resolution"),
    "error_spellings": ("code_in_text",),
    "events": (
        "EVENT_MODELS", "OnexEvent", "OnexEventV1_0", "OnexEventV1_1", "OnexEventV1_2", "OnexEventV1_3",
        "OnexEventV2_0",
    ),
    "metadata": ("METADATA_MODELS", "Metadata", "metadata_of"),
    "migration": ("migrate",),
    "performance": ("PerformanceProfileEvent",),
    "rules": ("RECOMMENDED_METADATA", "REQUIRED_METADATA"),
    "upcasters": ("Transformed", "check_chain", "transform_event", "transformed"),
    "validation": ("Validated", "validate", "violations"),
    "versions": ("FIELDS_ADDED", "KEPT_IN_EXTRA", "VERSIONS", "SchemaVersion", "can_read", "version_of"),
}  # fmt: skip
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
