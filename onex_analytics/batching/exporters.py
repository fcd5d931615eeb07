"""What an exporter costs: how long it takes for a batch, and what compression leaves of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class ServiceTime(BaseModel):
    """How long the exporter takes for a batch: a part that each batch costs, and one that grows with its bytes.

    >>> ServiceTime(base_ms=20, ms_per_mb=100).of(50_000)
    25.0
    """

    model_config = _FROZEN

    base_ms: float = Field(default=5.0, ge=0, le=8.64e7, description="of every batch, such as a round trip")
    ms_per_mb: float = Field(default=10.0, ge=0, le=8.64e7, description="of a million bytes: 10 is 100 MB/s")
    counts: Literal["raw", "compressed"] = Field(
        default="raw", description="which bytes: as they come, or what compression leaves (where that is known)"
    )

    def of(self, size_bytes: float) -> float:
        """Milliseconds for a batch of so many bytes."""
        return self.base_ms + self.ms_per_mb * size_bytes / 1e6
