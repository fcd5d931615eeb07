"""What is kept of whole traces, as frozen data: conditions, how they combine, and how long a trace is waited for.

The kinds bear the names of the OpenTelemetry collector's `tail_sampling` processor. What decides is in `tail_judging`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from onex_analytics.sampling.policies import SHARE, Patterns, share
from onex_analytics.sampling.thresholds import HEX_DIGITS

STATUS_OF = {"failure": "ERROR", "success": "OK", "soft_failure": "OK"}
"""The status that an outcome is; of any other it is UNSET."""

MOST_CONDITIONS = 62
LONGEST_MS = 366 * 86_400_000
"""The longest wait, a year."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(default=None, description="as which it is told; else its kind, and its number if need be")


_Ordered = TypeVar("_Ordered", bound=_Part)


class AlwaysSample(_Part):
    """Every trace."""

    kind: Literal["always_sample"] = "always_sample"


class Latency(_Part):
    """A trace that took so long: from its first start to its last end, both marks included."""

    kind: Literal["latency"] = "latency"
    threshold_ms: float = Field(ge=0, allow_inf_nan=False)
    upper_threshold_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _in_order(self, "threshold_ms", "upper_threshold_ms")


class StatusCode(_Part):
    """A trace in which an event has one of these: ERROR (it failed), OK (it succeeded, softly failed or not), UNSET."""

    kind: Literal["status_code"] = "status_code"
    status_codes: Annotated[tuple[Literal["ERROR", "OK", "UNSET"], ...], BeforeValidator(
        lambda value: (value,) if isinstance(value, str) else value
    )] = Field(default=("ERROR",), min_length=1)  # fmt: skip


class StringAttribute(_Part):
    """A trace in which a text column of an event has one of the values.

    With `regex` a value that one of the patterns is found in (Python's `re`); with `invert` the traces of which no
    event has one.
    """

    kind: Literal["string_attribute"] = "string_attribute"
    key: str = Field(min_length=1, description="a column of the events")
    values: Patterns = Field(min_length=1)
    regex: bool = False
    invert: bool = False

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for value in self.values if self.regex else ():
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"values has {value!r}, which is no pattern ({error})") from None
        return self

    def matches(self, value: str) -> bool:
        """Whether such a text is one of those meant; `invert` is not heeded, as it is about the trace."""
        return any(re.search(pattern, value) for pattern in self.values) if self.regex else value in self.values


class NumericAttribute(_Part):
    """A trace in which a column of numbers lies from `min_value` to `max_value` in an event; `invert`: in none."""

    kind: Literal["numeric_attribute"] = "numeric_attribute"
    key: str = Field(min_length=1, description="a column of the events")
    min_value: float | None = Field(default=None, description="the least that matches; none: no least")
    max_value: float | None = Field(default=None, description="the greatest that matches; none: no greatest")
    invert: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_value is None and self.max_value is None:
            raise ValueError("min_value and max_value are both missing; give at least one of them")
        for name in ("min_value", "max_value"):
            if math.isnan(getattr(self, name) or 0.0):
                raise ValueError(f"{name} is NaN; wanted a number")
        return _in_order(self, "min_value", "max_value")


class BooleanAttribute(_Part):
    """A trace in which a column of true and false has this value in an event; `invert`: in none."""

    kind: Literal["boolean_attribute"] = "boolean_attribute"
    key: str = Field(min_length=1, description="a column of the events")
    value: bool = True
    invert: bool = False


class SpanCount(_Part):
    """A trace of so many events, both marks included."""

    kind: Literal["span_count"] = "span_count"
    min_events: int = Field(ge=1)
    max_events: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        return _in_order(self, "min_events", "max_events")


class Probabilistic(_Part):
    """A share of the traces: those that `ProbabilityPolicy` keeps at this share."""

    kind: Literal["probabilistic"] = "probabilistic"
    probability: float = Field(description=SHARE)

    _check = field_validator("probability")(share)


class RateLimiting(_Part):
    """Traces in the order in which they are decided, up to so many events in a second of the clock."""

    kind: Literal["rate_limiting"] = "rate_limiting"
    events_per_second: int = Field(ge=1)


Condition = Annotated[
    AlwaysSample | Latency | StatusCode | StringAttribute | NumericAttribute | BooleanAttribute | SpanCount,
    Field(discriminator="kind"),
]
"""What a trace either is or is not."""


class And(_Part):
    """A trace of which all of these hold; with a share as well, that share of them; with a limit, up to that."""

    kind: Literal["and"] = "and"
    policies: tuple[
        Annotated[
            AlwaysSample | Latency | StatusCode | StringAttribute | NumericAttribute | BooleanAttribute | SpanCount
            | Probabilistic | RateLimiting,
            Field(discriminator="kind"),
        ], ...
    ] = Field(min_length=1)  # fmt: skip

    @property
    def limits(self) -> tuple[int, ...]:
        """Events a second that its parts let through."""
        return tuple(part.events_per_second for part in self.policies if isinstance(part, RateLimiting))


class Drop(_Part):
    """No trace of which all of these hold, whatever other policies say."""

    kind: Literal["drop"] = "drop"
    policies: tuple[Condition, ...] = Field(min_length=1)


class Composite(_Part):
    """Traces by the first of its policies that wants them, each up to its part of the events in a second."""

    kind: Literal["composite"] = "composite"
    events_per_second: int = Field(ge=1)
    policies: tuple[
        Annotated[
            AlwaysSample | Latency | StatusCode | StringAttribute | NumericAttribute | BooleanAttribute | SpanCount
            | Probabilistic | And,
            Field(discriminator="kind"),
        ], ...
    ] = Field(min_length=1)  # fmt: skip
    rate_allocation: Annotated[
        tuple[tuple[str, Annotated[float, Field(ge=0, le=1)]], ...],
        BeforeValidator(lambda value: tuple(value.items()) if isinstance(value, Mapping) else value),
    ] = Field(default=(), description="by name of a policy, its share of the events, 0 to 1; the others share evenly")

    @model_validator(mode="after")
    def _known(self) -> Self:
        names = told_names(self.policies)
        for name, _ in self.rate_allocation:
            if name not in names:
                raise ValueError(f"rate_allocation names {name!r}; wanted one of {', '.join(names)}")
        if any(part.limits for part in self.policies if isinstance(part, And)):
            raise ValueError("policies has a rate_limiting within a composite; leave it out, as composite limits")
        return self

    @property
    def limits(self) -> tuple[int, ...]:
        """Events a second, for each of its policies."""
        given = dict(self.rate_allocation)
        even = 1 / len(self.policies)
        rate = self.events_per_second
        return tuple(int(given.get(name, even) * rate + 1e-9) for name in told_names(self.policies))


Tail = Annotated[
    AlwaysSample | Latency | StatusCode | StringAttribute | NumericAttribute | BooleanAttribute | SpanCount
    | Probabilistic | RateLimiting | And | Drop | Composite,
    Field(discriminator="kind"),
]  # fmt: skip
"""One policy about traces."""

SomeTail = (
    AlwaysSample | Latency | StatusCode | StringAttribute | NumericAttribute | BooleanAttribute | SpanCount
    | Probabilistic | RateLimiting | And | Drop | Composite
)  # fmt: skip


class TailPolicy(BaseModel):
    """Decides of a trace when it has been seen, by policies of which each wants it or not.

    A trace goes by its trace id; without one an event belongs to its correlation id, else it is alone. It is decided at
    the first whole second at or after `decision_wait_ms` from the arrival of its first event. What arrives later has
    the decision that was made, for `remember_ms`; then the trace begins anew. Where more is held than allowed, the
    oldest trace is decided early, and limits of a rate let nothing of it through.

    >>> policy = TailPolicy(policies=[{"kind": "status_code"}, {"kind": "latency", "threshold_ms": 2000},
    ...                               {"kind": "probabilistic", "probability": 0.05}])
    >>> policy.reads
    ('timestamp', 'outcome', 'execution_time_ms')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["tail"] = "tail"
    name: str = "tail"
    policies: tuple[Tail, ...] = Field(min_length=1)
    match: Literal["any", "first"] = Field(
        default="any", description="any: what drops beats what keeps, the greatest share holds; first: the first says",
    )  # fmt: skip
    decision_wait_ms: int = Field(
        default=30_000, ge=1, le=LONGEST_MS, description="from the arrival of a trace's first event",
    )  # fmt: skip
    remember_ms: int = Field(default=600_000, ge=1, le=LONGEST_MS, description="how long late events have the decision")
    max_traces: int = Field(default=50_000, ge=1, description="undecided traces held")
    max_events: int = Field(default=1_000_000, ge=1, description="events of undecided traces held")
    max_remembered: int = Field(default=100_000, ge=1, description="decisions held")
    precision: int = Field(default=4, ge=1, le=HEX_DIGITS, description="hex digits of the threshold that count")

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if all(isinstance(policy, Drop) for policy in self.policies):
            raise ValueError("policies only drop, so that nothing is kept; add one that keeps, such as always_sample")
        if (count := len(self.conditions)) > MOST_CONDITIONS:
            raise ValueError(f"policies have {count} conditions; at most {MOST_CONDITIONS} are read")
        return self

    @property
    def estimated(self) -> bool:
        """Whether adjusted counts are estimates, as a limit of a rate has a word in them."""
        return any(limits_of(policy) for policy in self.policies)

    @property
    def scope(self) -> Literal["trace"]:
        """Whose id is drawn by."""
        return "trace"

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What is asked of a trace, each once."""
        return tuple(dict.fromkeys(found for policy in self.policies for found in _conditions(policy)))

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the decision hangs on, besides the ids."""
        return tuple(dict.fromkeys(("timestamp", *(name for one in self.conditions for name in reads_of(one)))))


def reads_of(condition: Condition) -> tuple[str, ...]:
    """The columns that a condition looks at."""
    match condition:
        case StatusCode():
            return ("outcome",)
        case Latency():
            return ("execution_time_ms",)
        case StringAttribute() | NumericAttribute() | BooleanAttribute():
            return (condition.key,)
    return ()


def limits_of(policy: SomeTail) -> tuple[int, ...]:
    """Events a second that a policy lets through, for each of its parts; empty where it has no limit."""
    match policy:
        case RateLimiting():
            return (policy.events_per_second,)
        case Composite():
            return policy.limits
        case And() if policy.limits:
            return (min(policy.limits),)
    return ()


def told_names(policies: Sequence[SomeTail]) -> list[str]:
    """As which policies are told: their names, else their kinds, with a number where one comes again.

    >>> told_names([AlwaysSample(), Latency(threshold_ms=5), Latency(threshold_ms=9), AlwaysSample(name="rest")])
    ['always_sample', 'latency', 'latency_2', 'rest']
    """
    names: list[str] = []
    for policy in policies:
        given = name = policy.name or policy.kind
        number = 1
        while name in names:
            number += 1
            name = f"{given}_{number}"
        names.append(name)
    return names


def _conditions(policy: SomeTail) -> Iterator[Condition]:
    match policy:
        case And() | Drop() | Composite():
            for part in policy.policies:
                yield from _conditions(part)
        case Probabilistic() | RateLimiting():
            return
        case _:
            yield policy.model_copy(update={"name": None})


def _in_order(part: _Ordered, low: str, high: str) -> _Ordered:
    least, most = getattr(part, low), getattr(part, high)
    if least is not None and most is not None and most < least:
        raise ValueError(f"{high} is {most:g}, below {low}, which is {least:g}; wanted at least that")
    return part
