"""Shares that follow the traffic, as frozen data: what is rare is kept whole, what is frequent is thinned out.

The methods are those of Honeycomb's dynsampler-go; how they reckon is in `dynamic_rates`.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onex_analytics.sampling.policies import Patterns, Scope
from onex_analytics.sampling.thresholds import HEX_DIGITS

Method = Literal["ema", "ema_throughput", "average", "total_throughput", "windowed_throughput"]

_AVERAGING: tuple[Method, ...] = ("ema", "ema_throughput")
OF_METHODS: dict[str, tuple[Method, ...]] = {
    "goal_rate": ("ema", "average"),
    "goal_events_per_second": ("ema_throughput", "total_throughput", "windowed_throughput"),
    "initial_rate": ("ema_throughput",),
    "lookback_ms": ("windowed_throughput",),
    **dict.fromkeys(("weight", "age_out", "burst_multiple", "burst_delay"), _AVERAGING),
}
"""The options that only some methods know."""

USUAL_INTERVAL_MS: dict[Method, int] = {
    "ema": 15_000, "ema_throughput": 15_000, "average": 30_000, "total_throughput": 30_000, "windowed_throughput": 1000,
}  # fmt: skip


class DynamicPolicy(BaseModel):
    """Keeps of each kind of event one in so many, by how many there were of it in the intervals before.

    Events are of one kind where they have the same values in the columns of `by`. The rate of a kind (one in how many
    is kept) holds for an interval and hangs on earlier counts alone:

    - "ema": moving averages of the counts, one event in `goal_rate` over all, shared out by the logarithms of the
      averages. Before the first counts it is `goal_rate`.
    - "average": the same by the counts of the interval before alone.
    - "ema_throughput": as "ema", with `goal_events_per_second` in place of the rate; at first `initial_rate`.
    - "total_throughput": each kind may have the same part of `goal_events_per_second`, by the interval before.
    - "windowed_throughput": so, by the last `lookback_ms`, anew each interval.

    A kind that was not seen before is kept whole. Which events of a kind are kept is the trace's randomness to say.

    >>> DynamicPolicy(by=["node", "outcome"]).interval_ms
    15000

    Source: Honeycomb, dynsampler-go (EMASampleRate, AvgSampleRate, EMAThroughput, TotalThroughput,
    WindowedThroughput).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["dynamic"] = "dynamic"
    name: str = "dynamic"
    method: Method = "ema"
    by: Patterns = Field(min_length=1, description="columns whose values make events of one kind")
    goal_rate: int = Field(default=10, ge=1, description="one event in so many, over all")
    goal_events_per_second: float = Field(default=100, gt=0, allow_inf_nan=False)
    initial_rate: int = Field(default=10, ge=1, description="one in so many, before any counts")
    interval_ms: int = Field(default=0, ge=1, le=86_400_000, description="how long rates hold; usual ones by method")
    lookback_ms: int = Field(default=30_000, ge=1, le=86_400_000, description="what counts, back from now")
    weight: float = Field(default=0.5, gt=0, lt=1, description="of the last interval in a moving average")
    age_out: float = Field(default=0.5, gt=0, allow_inf_nan=False, description="averages below it are forgotten")
    burst_multiple: float | None = Field(
        default=2.0, gt=0, allow_inf_nan=False,
        description="an interval ends at once at so many times the averages' sum; none: it never does",
    )  # fmt: skip
    burst_delay: int = Field(default=3, ge=0, description="intervals before which no burst counts")
    max_keys: int = Field(default=500, ge=1, description="kinds counted in an interval; further ones are kept whole")
    scope: Scope = "trace"
    precision: int = Field(default=4, ge=1, le=HEX_DIGITS, description="hex digits of the threshold that count")

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        usual: dict[str, object] = {}
        method = given.get("method", "ema")
        if isinstance(method, str) and method in USUAL_INTERVAL_MS:
            usual["interval_ms"] = USUAL_INTERVAL_MS[method]
        if "weight" in given:
            usual["age_out"] = given["weight"]
        return {**usual, **given}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, methods in OF_METHODS.items():
            usual = type(self).model_fields[name].default
            if self.method not in methods and getattr(self, name) != usual:
                raise ValueError(f"{name} is not an option of {self.method!r}; it is one of {', '.join(methods)}")
        if self.method == "windowed_throughput" and self.lookback_ms < self.interval_ms:
            raise ValueError(f"lookback_ms is {self.lookback_ms}; wanted at least interval_ms, {self.interval_ms}")
        if len(set(self.by)) < len(self.by):
            raise ValueError(f"by names a column twice: {', '.join(self.by)}; name each once")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the decision hangs on, besides the ids."""
        return tuple(dict.fromkeys(("timestamp", *self.by)))

    @property
    def estimated(self) -> bool:
        """Whether adjusted counts are estimates: here they are, as the shares follow from the log itself."""
        return True
