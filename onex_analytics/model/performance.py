"""The event by which running code tells of its own performance."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field

from onex_analytics.model.event_types import OnexEventType
from onex_analytics.model.events import OnexEventV1_3, _known_type, _plain_metadata
from onex_analytics.model.metadata import PerformanceProfile


def _a_profile(metadata: dict[str, Any]) -> dict[str, Any]:
    PerformanceProfile.model_validate(metadata)
    return metadata


class PerformanceProfileEvent(OnexEventV1_3):
    """An event of type PERFORMANCE_PROFILE, which version 1.3.0 brought.

    Its metadata is a plain mapping, as that of every event, that fits `PerformanceProfile`: times in milliseconds,
    memory and transfers in MB of 2^20 bytes, `samples` as folded stacks. Further keys are kept.

    Raises:
        pydantic.ValidationError: another event type, or metadata that does not fit.

    >>> event = PerformanceProfileEvent(node_id="stamper_node", metadata={"operation": "stamp", "cpu_time_ms": 1.5})
    >>> event.event_type.value, event.schema_version, event.profile.cpu_time_ms
    ('PERFORMANCE_PROFILE', '1.3.0', 1.5)
    """

    VERSION: ClassVar[str] = "1.3.0"

    event_type: Annotated[Literal[OnexEventType.PERFORMANCE_PROFILE], BeforeValidator(_known_type)] = Field(
        default=OnexEventType.PERFORMANCE_PROFILE, validate_default=True
    )
    metadata: Annotated[dict[str, Any], BeforeValidator(_plain_metadata), AfterValidator(_a_profile)] = Field(
        description="fits `PerformanceProfile`"
    )

    @property
    def profile(self) -> PerformanceProfile:
        """The metadata as their model."""
        return cast(PerformanceProfile, self.typed_metadata())

    def as_dict(self) -> dict[str, Any]:
        """The event as plain JSON values, its type always among them."""
        return {**super().as_dict(), "event_type": self.event_type.value}
