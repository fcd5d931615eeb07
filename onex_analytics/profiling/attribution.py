"""Why a mean changed: because the work is another (mix), or because the same work takes longer (rate)."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.profiling.ended import is_open
from onex_analytics.profiling.standing import is_measured

_SIDES = ("baseline", "candidate")


def attribute_change(
    baseline: pl.LazyFrame | pl.DataFrame,
    candidate: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = "operation",
) -> pl.LazyFrame:
    """The change of the mean duration from `baseline` to `candidate`, shared out among operations.

    With the share s and the mean m of an operation on either side, and M the mean of all spans of a side, averaged
    over the two sides: rate = mean of s × change of m; mix = change of s × (mean of m − M). An operation that is on
    one side only has no change of its own mean: all of it is mix. All `mix_ms` and `rate_ms` add up to the change of
    the mean, exactly but for the rounding of floats.

    Args:
        baseline, candidate: one row a span, in any order; reads `duration_ms`, `state`, `start`, `end` and the columns
            of `by`.
        by: the columns whose combinations share the change.

    Returns:
        One row a combination that either side has, the largest part of the change first: the columns of `by`; for
        either side (`…_baseline`, `…_candidate`) `n`: spans that count; `open` and `left_out`: those that never ended,
        and those whose duration is not known, negative, or told of already, which do not count; `share`: of all spans
        that count, 0 to 1; `mean_…_ms`: null where there are none; then `mix_ms`, `rate_ms`, and `change_ms`, their
        sum. All three are null where a side has no span that counts at all: then there is no change to share out.

    Raises:
        MissingColumns: a column is absent. InvalidOption: a column of `by` has two types.

    Source: the two-fold decomposition with averaged weights: Kitagawa, J. Am. Stat. Assoc. 50 (1955) 1168.

    >>> from datetime import datetime, timedelta
    >>> def spans(took: dict[str, list[int]]) -> pl.DataFrame:
    ...     noon = datetime(2026, 11, 1, 12)
    ...     rows = [
    ...         {"trace_id": "t", "span_id": f"{name}{i}", "parent_span_id": None, "name": name, "start": noon,
    ...          "end": noon + timedelta(milliseconds=ms)} for name, all_ in took.items() for i, ms in enumerate(all_)
    ...     ]
    ...     return pl.DataFrame(rows, schema_overrides={"parent_span_id": pl.String})
    >>> before, after = spans({"read": [10, 10], "write": [50, 50]}), spans({"read": [10], "write": [50, 60, 70]})
    >>> attribute_change(before, after).select("operation", "mix_ms", "rate_ms", "change_ms").collect().rows()
    [('write', 4.0625, 6.25, 10.3125), ('read', 7.1875, 0.0, 7.1875)]
    """
    keys = names(by)
    sides = [complete_spans(side) for side in (baseline, candidate)]
    for side in sides:
        require(side, *keys)
    types = [[side.collect_schema()[key] for key in keys] for side in sides]
    if types[0] != types[1]:
        raise InvalidOption("by", keys, f"columns of the same types on both sides; found {types[0]} and {types[1]}")
    took = pl.when(is_measured()).then(pl.col("duration_ms"))
    read = [
        side.select(*keys, _took=took, _open=is_open(), _side=pl.lit(name))
        for side, name in zip(sides, _SIDES, strict=True)
    ]
    counted = [
        expression
        for name in _SIDES
        for expression in (
            pl.col("_took").filter(pl.col("_side") == name).count().alias(f"n_{name}"),
            pl.col("_open").filter(pl.col("_side") == name).sum().alias(f"open_{name}"),
            (pl.col("_took").is_null() & ~pl.col("_open") & (pl.col("_side") == name)).sum().alias(f"left_out_{name}"),
            pl.col("_took").filter(pl.col("_side") == name).mean().alias(f"mean_{name}_ms"),
        )
    ]
    rows = pl.concat(read)
    table = rows.group_by(keys).agg(counted) if keys else rows.select(counted)
    all_ = [pl.col(f"n_{name}").sum() for name in _SIDES]
    share = [pl.col(f"n_{name}") / pl.when(n > 0).then(n) for name, n in zip(_SIDES, all_, strict=True)]
    table = table.with_columns(s.alias(f"share_{name}") for s, name in zip(share, _SIDES, strict=True))
    mean = [pl.col("mean_baseline_ms"), pl.col("mean_candidate_ms")]
    known = [pl.coalesce(mean), pl.coalesce(mean[::-1])]
    shares = [pl.col("share_baseline"), pl.col("share_candidate")]
    whole = sum(((s * m).sum() for s, m in zip(shares, known, strict=True)), pl.lit(0.0)) / 2
    mix = (shares[1] - shares[0]) * ((known[0] + known[1]) / 2 - whole)
    rate = (shares[0] + shares[1]) / 2 * (known[1] - known[0])
    nothing = pl.col("n_baseline") + pl.col("n_candidate") == 0
    parts = [
        pl.when(pl.all_horizontal(s.is_not_null() for s in shares))
        .then(pl.when(nothing).then(0.0).otherwise(part)).alias(name)
        for part, name in ((mix, "mix_ms"), (rate, "rate_ms"))
    ]  # fmt: skip
    table = table.with_columns(parts).with_columns(change_ms=pl.col("mix_ms") + pl.col("rate_ms"))
    sided = [f"{column}_{name}" for column in ("n", "open", "left_out", "share") for name in _SIDES]
    means = [f"mean_{name}_ms" for name in _SIDES]
    return table.select(*keys, *sided, *means, "mix_ms", "rate_ms", "change_ms").sort(
        pl.col("change_ms").abs(), *keys, descending=[True, *(False for _ in keys)], nulls_last=True
    )
