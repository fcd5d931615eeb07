"""Answers from a log that was sampled, with intervals: each event stands for its adjusted count."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.statistics import t_reach, wilson, z_of
from onex_analytics.sampling import design_kernels as kernels
from onex_analytics.sampling.claims import finite, grounds, with_warning
from onex_analytics.sampling.designs import woodruff_ends
from onex_analytics.sampling.metrics import Metric, metrics_of
from onex_analytics.sampling.policies import Scope
from onex_analytics.sampling.populations import Floats, Population, Ranked, gathered

ESTIMATE_NUMBERS = pl.Schema({
    "events_kept": pl.Int64(),       # that it was made from
    "estimate": pl.Float64(),        # null where nothing was kept to tell it from
    "std_error": pl.Float64(),
    "low": pl.Float64(),             # of the interval; null where `warning` says why
    "high": pl.Float64(),
    "effective_n": pl.Float64(),     # traces that an unweighted sample as good would have (Kish)
    "rests_on": pl.Float64(),        # traces that carry the standard error: the degrees of freedom
    "skewness": pl.Float64(),        # of the estimate, as far as the sample tells
    "kurtosis": pl.Float64(),        # above that of the normal law
    "tail_index": pl.Float64(),      # Hill's, of what traces bring to it; null of few, or of equal ones
    "warning": pl.String(),          # why no interval is claimed
})  # fmt: skip
"""What a sample says of one metric of one group."""


def estimate(
    sample: pl.LazyFrame | pl.DataFrame, metrics: Iterable[Metric | str] | Metric | str = ("count", "error_rate"),
    by: str | Iterable[str] = (), *, scope: Scope = "trace", confidence: float = 0.95,
) -> pl.LazyFrame:  # fmt: skip
    """Metrics of the whole log, from the part of it that was kept.

    Args:
        sample: one row an event that was kept, in any order; reads `adjusted_count`, the ids, what the metrics read and
            the columns of `by`. An event without an adjusted count was not kept, such as those that `apply` drops.
        metrics: what is to be known; as text, see `metric_of`. A rate is of the time from the first event that was kept
            to the last, unless the metric says how long it was.
        by: columns to tell apart, beside the whole. A group of which nothing was kept has no row.
        scope: whose id was drawn by: what shares one is one draw.
        confidence: of the interval, between 0 and 1.

    Returns:
        One row a metric and group: `metric`, `level` ("all" or "group"), the columns of `by` (null at level "all"), and
        `ESTIMATE_NUMBERS`. Intervals are Student's, a quantile's Woodruff's; an error rate of 0 or 1 has Wilson's, of
        its effective number of traces.

    Raises:
        InvalidOption: a metric is none, or an adjusted count is below 1.
        MissingColumns: the sample lacks a column that is read.

    >>> sample = pl.LazyFrame({"event_id": [f"e{i}" for i in range(50)], "trace_id": None, "correlation_id": None,
    ...                        "adjusted_count": [4.0] * 50})
    >>> estimate(sample, "count").select("estimate", pl.col("low", "high").round(1)).collect().rows()
    [(200.0, 150.8, 249.2)]

    Source: Horvitz and Thompson (1952); variance by traces: Särndal, Swensson and Wretman (1992), §§2.8, 5.6, 5.11.
    """
    z_of(confidence)
    asked, keys, frame = metrics_of(metrics), names(by), sample.lazy()
    require(frame, "adjusted_count", *keys)
    given = frame.collect_schema()
    if taken := {"metric", "level", *ESTIMATE_NUMBERS} & set(keys):
        raise InvalidOption("by", sorted(taken), "columns whose names the result does not use; rename them")
    kept = frame.filter(pl.col("adjusted_count").is_not_null()).with_columns(pl.col("adjusted_count").cast(pl.Float64))
    schema = pl.Schema({
        "metric": pl.String(), "level": pl.String(), **{key: given[key] for key in keys}, **ESTIMATE_NUMBERS,
    })  # fmt: skip
    require(frame, *(column for metric in asked for column in metric.reads))

    def collected() -> pl.DataFrame:
        population = gathered(kept, scope, ["adjusted_count"], keys, asked, weight=None)
        counts = population.strata["adjusted_count"].cast(pl.Float64).to_numpy()
        if not (counts >= 1).all():
            raise InvalidOption("adjusted_count", float(counts.min()), "numbers from 1: what each event stands for")
        told = [
            _told(population, counts, metric, grouped, confidence).with_columns(
                metric=pl.lit(metric.name), level=pl.lit("group" if grouped else "all"), _metric=pl.lit(rank)
            )
            for rank, metric in enumerate(asked) for grouped in (False, True)[: 1 + bool(keys)]
        ]  # fmt: skip
        table = pl.concat(told, how="diagonal").sort("_metric", "level", *keys, nulls_last=True)
        return table.select(pl.col(name).cast(dtype) for name, dtype in schema.items())

    return pl.defer(collected, schema=schema)


def _told(population: Population, counts: Floats, metric: Metric, grouped: bool, confidence: float) -> pl.DataFrame:
    groups = population.groups if grouped else pl.DataFrame({"_all": [True]})
    group = population.group if grouped else np.zeros(population.size, np.int32)
    at = values = None
    if metric.kind == "quantile":
        is_in = ~np.isnan(population.values(metric))
        stands_for = counts[population.stratum]
        values = Ranked(population.values(metric)[is_in], stands_for[is_in], group[is_in], groups.height)
        at = values.quantile(metric.q)
    parts = population.parts(metric, at, group)
    found = np.zeros((groups.height, kernels.WIDTH))
    kernels.estimated_moments(counts, *population.added(parts, grouped), found)
    basis = grounds(found)
    reached, den, variance = (found[:, column] for column in (kernels.REACHED, kernels.REACHED_DEN, kernels.VARIANCE))
    with np.errstate(invalid="ignore", divide="ignore"):
        estimated, error = reached, np.sqrt(variance)
        if metric.is_ratio:
            estimated, error = reached / den, error / den
        freedom = basis["rests_on"].fill_null(float("inf")).to_numpy()
        reach = error * t_reach(freedom, confidence)
        low, high = estimated - reach, estimated + reach
        if metric.kind == "error_rate":
            traces = np.where((estimated == 0) | (estimated == 1), basis["effective_n"].to_numpy(), np.nan)
            _, least, most = wilson(estimated * traces, traces, confidence)
            is_sure = (error == 0) & (found[:, kernels.INVERSE] > found[:, kernels.TRACES])
            low, high = (
                np.where(is_sure, of_wilson, np.clip(bound, 0, 1)) for of_wilson, bound in ((least, low), (most, high))
            )
        elif values is not None and at is not None:
            estimated = at
            low, high = woodruff_ends(at, values, metric.q, reach, found)
            error = (high - low) / (2 * t_reach(freedom, confidence))
    told = pl.DataFrame({
        "events_kept": np.bincount(group[parts.inside], minlength=groups.height), "estimate": finite(estimated),
        "std_error": finite(error), "low": finite(low), "high": finite(high),
    })  # fmt: skip
    warned = with_warning(told.hstack(basis), error_is_known=False, is_thinned=bool((counts > 1).any()))
    return pl.concat([groups, warned], how="horizontal")
