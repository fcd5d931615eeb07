"""What is asked of a log, whole or sampled: counts, sums, means, rates, error rates and quantiles, as frozen data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.outcomes import Denominator
from onex_analytics.frames.quantiles import exact_share, quantile_name

MetricKind = Literal["count", "rate", "sum", "mean", "error_rate", "quantile"]

_OF_VALUES = ("sum", "mean", "quantile")
_WRITTEN = re.compile(r"(count|rate|error_rate)|(sum|mean|p(\d+(?:\.\d+)?))\((\w+)\)")
_WANTED = 'such as "count", "rate", "error_rate", "sum(size_bytes)", "mean(size_bytes)", "p95(execution_time_ms)"'


class Metric(BaseModel):
    """One number asked of events, overall or of each group.

    `count`: events. `rate`: events a second, of a time that is known. `sum`, `mean` and `quantile`: of a column, over
    the events that have a value. `error_rate`: failed events as a share of events that ended, or of all; events are
    counted here, not operations, so a failure with two witnesses counts twice.

    >>> Metric(kind="quantile", column="execution_time_ms", q=0.95).name
    'p95(execution_time_ms)'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MetricKind
    name: str = Field(default="", description="as which it is told; by default as it is written")
    column: str | None = Field(default=None, description="the column of a sum, mean or quantile")
    q: float = Field(default=0.5, gt=0, lt=1, description="share below a quantile, between 0 and 1")
    denominator: Denominator = Field(default="finished", description="of what an error rate is a share")
    seconds: float | None = Field(default=None, gt=0, description="time of a rate; default: first to last event")

    @model_validator(mode="after")
    def _named(self) -> Metric:
        if (self.kind in _OF_VALUES) != (self.column is not None):
            raise InvalidOption("column", self.column, f"a column for a {' or a '.join(_OF_VALUES)}, else None")
        if not self.name:
            what = quantile_name(self.q).replace("_", ".") if self.kind == "quantile" else self.kind
            object.__setattr__(self, "name", f"{what}({self.column})" if self.column else what)
        return self

    @property
    def is_ratio(self) -> bool:
        """Whether its estimate divides one estimate by another."""
        return self.kind in ("mean", "error_rate", "quantile")

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it looks at."""
        if self.column is not None:
            return (self.column,)
        return {"error_rate": ("outcome",), "rate": () if self.seconds else ("timestamp",)}.get(self.kind, ())


def metric_of(text: str) -> Metric:
    """The metric that a text writes.

    Raises:
        InvalidOption: it writes none.

    >>> metric_of("p99.9(execution_time_ms)").q, metric_of("error_rate").denominator
    (0.999, 'finished')
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise InvalidOption("metric", text, _WANTED)
    plain, of_values, percent, column = found.groups()
    if percent is None:
        return Metric.model_validate({"kind": plain or of_values, "column": column})
    if not 0 < float(percent) < 100:
        raise InvalidOption("metric", text, "a percentage between 0 and 100, such as p95")
    return Metric(kind="quantile", column=column, q=float(exact_share(_percent_share(percent))))


def _percent_share(percent: str) -> str:
    """A percentage as the share that it is, written exactly.

    >>> _percent_share("99.9"), _percent_share("7")
    ('0.999', '0.07')
    """
    whole, _, rest = percent.partition(".")
    digits = whole.rjust(2, "0")
    return f"0.{digits}{rest}" if len(digits) == 2 else f"{digits[:-2]}.{digits[-2:]}{rest}"


def metrics_of(given: Iterable[Metric | str] | Metric | str) -> list[Metric]:
    """Metrics, written or not, each told by a name of its own.

    Raises:
        InvalidOption: there is none, two have one name, or a text writes none.

    >>> [metric.kind for metric in metrics_of(["count", Metric(kind="error_rate")])]
    ['count', 'error_rate']
    """
    some = [given] if isinstance(given, str | Metric) else list(given)
    metrics = [metric_of(one) if isinstance(one, str) else one for one in some]
    names = [metric.name for metric in metrics]
    if not names or len(set(names)) < len(names):
        raise InvalidOption("metrics", names, "one metric or more, each with a name of its own")
    return metrics
