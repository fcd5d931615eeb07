"""A dynamic policy on history: interval by interval, each with the rates that follow from those before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling.arrivals import BEFORE, NEVER, Times, arrivals
from onex_analytics.sampling.dynamic_policies import DynamicPolicy
from onex_analytics.sampling.dynamic_rates import Key, Rates
from onex_analytics.sampling.randomness import randomness_of
from onex_analytics.sampling.thresholds import adjusted_count_of, probability_of, threshold_of

Codes = NDArray[np.int64]


class _Interval(NamedTuple):
    """Events with the same rates: of which kinds they are, and which of those had which."""

    begin: int
    stop: int
    kinds: Codes
    rates: list[int]
    of_event: Codes  # places in `kinds`


def dynamic_decisions(policy: DynamicPolicy, rows: pl.DataFrame) -> pl.DataFrame:
    """What becomes of each event.

    Args:
        policy: what is kept.
        rows: one row an event; reads `_id` (null without any), `event_id`, `arrived_at` where it is there, and the
            columns that the policy reads.

    Returns:
        Of each row, in order, the columns of `deciding.DECISION`.
    """
    in_order = arrivals(rows)
    keys, codes = _kinds(policy, rows)
    codes = codes[in_order.order]
    rates = np.empty(rows.height, np.int64)
    for one in _intervals(policy, codes, keys, np.maximum.accumulate(np.maximum(in_order.moment, BEFORE))):
        rates[one.begin : one.stop] = np.array(one.rates, np.int64)[one.of_event]
    of_row = np.empty_like(rates)
    of_row[in_order.order] = rates
    distinct, which = np.unique(of_row, return_inverse=True)
    thresholds = [threshold_of(1 / rate, policy.precision) for rate in distinct.tolist()]
    keep = randomness_of(rows["_id"]) >= np.array(thresholds, np.uint64)[which]
    told = pl.DataFrame({
        "keep": keep,
        "probability": np.array([probability_of(one) for one in thresholds], np.float64)[which],
        "adjusted_count": np.array([adjusted_count_of(one) for one in thresholds], np.float64)[which],
        "without_id": rows["_id"].is_null(),
    })  # fmt: skip
    return told.select(
        keep=pl.col("keep") | pl.col("without_id"),
        probability=pl.when("without_id").then(1.0).otherwise("probability"),
        adjusted_count=pl.when("without_id").then(1.0).when("keep").then("adjusted_count"),
        policy=pl.when("without_id").then(pl.lit(f"{policy.name}/without id")).otherwise(pl.lit(policy.name)),
    )


def require_texts(policy: DynamicPolicy, schema: Mapping[str, pl.DataType]) -> None:
    """Refuse columns whose values are no names of a kind.

    Raises:
        InvalidOption: a column of `by` holds fractions, times or nested values.
    """
    for name in policy.by:
        kind = schema[name]
        if not (kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)):
            raise InvalidOption(f"column {name!r}, of by", str(kind), "texts, whole numbers, or true and false")


def _kinds(policy: DynamicPolicy, rows: pl.DataFrame) -> tuple[list[Key], Codes]:
    """The kinds of events that there are, and of which each event is."""
    by = list(policy.by)
    values = rows.select(pl.col(name).cast(pl.String) for name in by)
    distinct = values.unique().with_row_index("_kind")
    codes = values.join(distinct, on=by, how="left", nulls_equal=True, maintain_order="left")["_kind"]
    return list(distinct.select(by).iter_rows()), codes.cast(pl.Int64).to_numpy()


def _intervals(policy: DynamicPolicy, codes: Codes, keys: list[Key], moment: Times) -> Iterator[_Interval]:
    rates = Rates(policy)
    length = policy.interval_ms * 1000
    begin = 0
    started = int(moment[0]) if len(moment) else NEVER
    while begin < len(codes):
        stop = int(np.searchsorted(moment, started + length))
        kinds, first, of_event = np.unique(codes[begin:stop], return_index=True, return_inverse=True)
        counted = np.zeros(len(kinds), np.bool_)
        counted[np.argsort(first)[: policy.max_keys]] = True
        burst = _burst(rates.ends_at, counted, of_event)
        if burst is not None:
            stop, of_event = begin + burst, of_event[:burst]
        if stop > begin:
            yield _Interval(begin, stop, kinds, [rates.of(keys[kind]) for kind in kinds.tolist()], of_event)
        counts = np.bincount(of_event, minlength=len(kinds))
        seen = np.flatnonzero(counted & (counts > 0)).tolist()
        rates.end_interval({keys[kinds[place]]: int(counts[place]) for place in seen}, burst=burst is not None)
        if burst is not None:
            started = int(moment[stop - 1])
        elif stop < len(codes):
            passed = (int(moment[stop]) - started) // length
            rates.pass_empty(passed - 1)
            started += passed * length
        begin = stop


def _burst(ends_at: float, counted: NDArray[np.bool_], of_event: Codes) -> int | None:
    """How many events there are until so many of them were counted; None where there are fewer."""
    if ends_at > len(of_event):
        return None
    wanted = max(1, math.ceil(ends_at))
    together = np.cumsum(counted[of_event])
    return int(np.searchsorted(together, wanted)) + 1 if wanted <= together[-1] else None
