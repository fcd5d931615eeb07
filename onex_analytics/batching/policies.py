"""How events become batches, as frozen data. What decides is in `deciding`."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onex_analytics.batching.deciding import NO_LIMIT
from onex_analytics.exceptions import InvalidOption

WhenFull = Literal["block", "drop_newest", "drop_oldest"]
Oversize = Literal["refuse", "alone"]
_LONGEST_MS = 31 * 86_400_000.0


class Limits(NamedTuple):
    """A policy as plain numbers, as `deciding.decision` takes them."""

    max_size: int
    max_age: int
    max_bytes: int
    queue_limit: int
    alone: bool


class BatchPolicy(BaseModel):
    """When a batch is closed, how many events may wait, and what becomes of those that find no room.

    A batch closes when it holds `max_size` events or `max_bytes` bytes, before an event that would not fit, and when
    its first event is `max_age_ms` old, whether or not another event comes.

    >>> policy = BatchPolicy(max_size=512, max_age_ms=5000, queue_limit=2048, when_full="drop_newest")
    >>> policy.title
    '512 events or 5 s'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(default=None, description="as which it is told; else what it closes batches by")
    max_size: int = Field(default=100, ge=1, le=10**9, description="events of a batch, at most")
    max_age_ms: float = Field(
        default=1000, gt=0, le=_LONGEST_MS, description="a batch closes when its first event is so old; at least 1 µs"
    )
    max_bytes: int | None = Field(default=None, ge=1, description="bytes of the events of a batch, at most")
    queue_limit: int | None = Field(
        default=None, ge=1,
        description="events that may wait, those of the open batch among them and those being exported not",
    )  # fmt: skip
    when_full: WhenFull = Field(default="block", description="what an event does that finds no room")
    oversize: Oversize = Field(default="refuse", description="what becomes of one event over max_bytes")

    @model_validator(mode="after")
    def _check(self) -> BatchPolicy:
        if self.queue_limit is not None and self.queue_limit < self.max_size:
            wanted = f"at least max_size ({self.max_size}), or no batch would ever be full"
            raise InvalidOption("queue_limit", self.queue_limit, wanted)
        if self.max_age_ms < 0.001:
            raise InvalidOption("max_age_ms", self.max_age_ms, "at least a microsecond (0.001)")
        return self

    @property
    def title(self) -> str:
        """Its name, else by what it closes batches."""
        if self.name is not None:
            return self.name
        age = f"{self.max_age_ms / 1000:g} s" if self.max_age_ms >= 1000 else f"{self.max_age_ms:g} ms"
        size = "" if self.max_bytes is None else f", {self.max_bytes:,} bytes"
        return f"{self.max_size:,} events{size} or {age}"

    def limits(self, per_ms: int) -> Limits:
        """The policy as plain numbers, with so many units of time a millisecond.

        >>> BatchPolicy().limits(1000)[:2]
        (100, 1000000)
        """
        no_bytes = self.max_bytes is None
        return Limits(
            self.max_size, round(self.max_age_ms * per_ms), NO_LIMIT if no_bytes else int(self.max_bytes or 0),
            NO_LIMIT if self.queue_limit is None else self.queue_limit, self.oversize == "alone",
        )  # fmt: skip


def policy_of(max_size: int | BatchPolicy, **others: object) -> BatchPolicy:
    """The policy of a batcher: a whole one, or its numbers.

    >>> policy_of(50, max_age_ms=200).title
    '50 events or 200 ms'
    """
    if not isinstance(max_size, BatchPolicy):
        return BatchPolicy.model_validate({"max_size": max_size, **others})
    fields = BatchPolicy.model_fields
    if doubled := {name: value for name, value in others.items() if value != fields[name].default}:
        raise InvalidOption("beside a whole policy", doubled, "all of it in the policy")
    return max_size
