"""Sketches: how numbers are distributed, as a table that can be merged.

A sketch is a frame, one row a bucket that is not empty: columns that tell groups apart, then `scale` i8, `sign` i8,
`bucket` i32, `n` u64 (numbers that are there) and `weight` f64 (numbers that they stand for). With b = 2^(2^-scale),
bucket i of sign 1 holds b^i < x ≤ b^(i+1), of sign −1 the same of −x, and sign 0 holds zeros (bucket 0). Its parts can
be counted anywhere and merged by adding: a merged sketch is the sketch of all the numbers.

Source: OpenTelemetry's exponential histogram, opentelemetry.io/docs/specs/otel/metrics/data-model.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.buckets import SCALE, known_scale
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.counters import COUNTED, SketchCounter, in_order
from onex_analytics.frames.grouping import Grouping, streamed
from onex_analytics.frames.quantiles import Method, Share, exact_share, index_column, quantile_name

SKETCH = pl.Schema({"scale": pl.Int8(), **COUNTED})
"""The columns of a sketch after those that tell its groups apart."""

SKETCH_MEND = "Mend: give a sketch, as `profiling.histogram_table(spans)` makes one, not the spans themselves."

Frame = pl.LazyFrame | pl.DataFrame


def sketch_of(
    frame: Frame, column: str, by: str | Iterable[str] = (), *, scale: int = SCALE, weight: str | None = None
) -> pl.LazyFrame:
    """The sketch of a column of numbers, for each group.

    Args:
        frame: rows in any order; reads `column`, `weight` and the columns of `by`. When the result is collected the
            rows stream through compiled kernels and none is kept, so that the frame may be larger than memory.
        column: numbers of any sign. Null, NaN and infinities have no bucket and are not counted.
        by: columns to tell apart; null is a group like others.
        scale: from −10 to 10; at 6 an estimate is within 0.542 % of the number.
        weight: a column that says how many numbers each stands for, such as `adjusted_count`; null means one.

    Returns:
        A sketch, ordered by the columns of `by` (nulls last), then by the numbers. A group without numbers has no row.

    >>> sketch_of(pl.DataFrame({"ms": [1.0, 1.5, 1.5, 0.0, -8.0]}), "ms", scale=0).select(
    ...     "sign", "bucket", "n").collect().rows()
    [(-1, 2, 1), (0, 0, 1), (1, -1, 1), (1, 0, 2)]
    """
    keys = names(by)
    lazy = require(frame.lazy(), *keys, column, *([weight] if weight else []))
    found = lazy.collect_schema()
    schema = sketch_schema(found, keys)
    known_scale(scale)
    weights = pl.lit(1.0) if weight is None else pl.col(weight).cast(pl.Float64).fill_null(1.0)
    numbers = pl.col(column).cast(pl.Float64).fill_null(float("nan"))
    needed = lazy.select(*keys, numbers.alias("_number"), weights.alias("_weight"))

    def collected() -> pl.DataFrame:
        grouping, counter = Grouping(keys), SketchCounter(scale)

        def take(part: pl.DataFrame) -> None:
            weighed = None if weight is None else part["_weight"].to_numpy()
            counter.add(grouping.codes(part, lasting=False), part["_number"].to_numpy(), weighed)

        streamed(needed, take)
        return finished_sketch(counter, grouping, schema)

    return pl.defer(collected, schema=schema)


def merge_sketches(*sketches: Frame, by: str | Iterable[str] | None = None) -> pl.LazyFrame:
    """One sketch of all the numbers that several hold: exactly the sketch that those numbers together give.

    Args:
        sketches: one or more, with the same columns; of different scales, the coarsest is taken.
        by: the columns that shall still tell groups apart; None keeps all.

    Returns:
        A sketch, ordered by its columns.

    >>> parts = [sketch_of(pl.DataFrame({"ms": ms}), "ms") for ms in ([1.0, 2.0], [2.0, 4.0])]
    >>> merge_sketches(*parts).select("bucket", "n").collect().rows()
    [(-1, 1), (63, 2), (127, 1)]
    """
    if not sketches:
        raise InvalidOption("sketches", sketches, "one sketch or more")
    lazies = [require(sketch.lazy(), *SKETCH, mend=SKETCH_MEND) for sketch in sketches]
    dims = dimensions_of(lazies[0])
    keys = dims if by is None else names(by)
    both = pl.concat([require(lazy, *dims, *keys).select(*dims, *SKETCH) for lazy in lazies])
    return _added(both, keys, pl.col("scale").min())


def downscaled(sketch: Frame, scale: int) -> pl.LazyFrame:
    """The sketch of the same numbers at a coarser scale, exactly; one that is as coarse already stays as it is.

    >>> fine = sketch_of(pl.DataFrame({"ms": [1.0, 1.5, 3.0]}), "ms")
    >>> downscaled(fine, 0).select("scale", "bucket", "n").collect().rows()
    [(0, -1, 1), (0, 0, 1), (0, 1, 1)]
    """
    lazy = require(sketch.lazy(), *SKETCH, mend=SKETCH_MEND)
    coarser = pl.min_horizontal("scale", pl.lit(known_scale(scale), pl.Int8))
    return _added(lazy, dimensions_of(lazy), coarser)


def sketch_quantiles(
    sketch: Frame, quantiles: Iterable[Share], by: str | Iterable[str] | None = None, *,
    method: Method = "nearest_rank", suffix: str = "",
) -> pl.LazyFrame:  # fmt: skip
    """Quantiles from a sketch, each within `relative_error` of the exact one of the same rank convention.

    Args:
        sketch: a sketch of any scale or several.
        quantiles: shares from 0 to 1.
        by: the columns that shall tell groups apart; None keeps all that the sketch has.
        method: the rank convention, as everywhere.
        suffix: what the names of the quantiles end in, such as "_ms".

    Returns:
        One row a group, ordered so: its columns, `n`, `weight`, a column a quantile (`p50`, `p99_9`), `exact` (false)
        and `relative_error`: how far a quantile can be from the number that stands at its rank, as a share of it.

    >>> ten = sketch_of(pl.DataFrame({"ms": [float(ms) for ms in range(1, 11)]}), "ms")
    >>> sketch_quantiles(ten, [0.5, 0.9]).select(pl.col("p50", "p90").round(2), "exact").collect().rows()
    [(4.99, 8.96, False)]
    """
    merged = merge_sketches(sketch, by=by)
    keys = dimensions_of(merged)
    shares = list(quantiles)
    groups = [pl.col(key) for key in keys] or [pl.lit(0).alias("_all")]
    n, weight = (pl.col(name).sort_by(in_order()).cum_sum() for name in ("n", "weight"))
    estimates = _estimate().sort_by(in_order())
    is_whole = (pl.col("n") == pl.col("weight")).all()
    found = []
    for q in shares:
        among_n = estimates.filter(n > index_column(pl.col("n").sum(), q, method)).first()
        heavy = float(exact_share(q)) * pl.col("weight").sum()
        enough = weight > heavy * (1 + 1e-12) if method == "onex" else weight >= heavy * (1 - 1e-12)
        by_weight = pl.coalesce(
            estimates.filter(enough & (pl.col("weight").sort_by(in_order()) > 0)).first(),
            estimates.filter(pl.col("weight").sort_by(in_order()) > 0).last(),
        )
        found.append(pl.when(is_whole).then(among_n).otherwise(by_weight).alias(quantile_name(q) + suffix))
    inverse = _inverse_base(pl.col("scale").first())
    table = merged.group_by(groups).agg(
        pl.col("n", "weight").sum(),
        *found,
        pl.lit(False).alias("exact"),
        ((1 - inverse) / (1 + inverse)).alias("relative_error"),
    )
    return table.sort(keys, nulls_last=True) if keys else table.drop("_all")


def dimensions_of(sketch: pl.LazyFrame) -> list[str]:
    """The columns that tell a sketch's groups apart."""
    return [name for name in sketch.collect_schema() if name not in SKETCH]


def sketch_schema(found: pl.Schema, keys: list[str]) -> pl.Schema:
    """The columns of a sketch by `keys` of a frame whose columns are `found`."""
    if clash := [key for key in keys if key in SKETCH]:
        raise InvalidOption("by", clash, f"columns named otherwise than those of a sketch, {list(SKETCH)}")
    return pl.Schema({**{key: found[key] for key in keys}, **SKETCH})


def finished_sketch(counter: SketchCounter, grouping: Grouping, schema: pl.Schema) -> pl.DataFrame:
    """What was counted, with the columns that tell groups apart, and ordered by them."""
    keys = [name for name in schema if name not in SKETCH]
    rows = grouping.rows()
    if not rows.height:
        return pl.DataFrame(schema=schema)
    rows = rows.sort(keys, nulls_last=True) if keys else rows
    counted = counter.counted(rows["_code"].to_numpy())
    told = [rows[key].gather(counted["_place"]) for key in keys]
    return counted.with_columns(*told, pl.lit(counter.scale, pl.Int8).alias("scale")).select(schema.names())


def _added(sketch: pl.LazyFrame, keys: list[str], scale: pl.Expr) -> pl.LazyFrame:
    """Buckets brought to a coarser scale, those of one group added up."""
    steps = (pl.col("scale") - pl.col("_scale")).cast(pl.Int32)
    bucket = pl.col("bucket").cast(pl.Int64).floordiv(pl.lit(2, pl.Int64).pow(steps)).cast(pl.Int32)
    coarse = sketch.with_columns(scale.alias("_scale")).with_columns(
        pl.when(pl.col("sign") == 0).then(pl.lit(0, pl.Int32)).otherwise(bucket).alias("bucket")
    )
    added = coarse.group_by(*keys, "sign", "bucket", pl.col("_scale").alias("scale")).agg(
        pl.col("n").sum().cast(pl.UInt64), pl.col("weight").sum()
    )
    return added.sort(*keys, in_order(), nulls_last=True).select(*keys, *SKETCH)


def _inverse_base(scale: pl.Expr) -> pl.Expr:
    """1 / b: the base itself may be beyond all floats."""
    return pl.lit(0.5).pow(pl.lit(0.5).pow(scale.cast(pl.Float64)))


def _estimate() -> pl.Expr:
    """The number as far from a bucket's lower bound as from its upper, each as a share of that bound."""
    width = pl.lit(0.5).pow(pl.col("scale").cast(pl.Float64))
    lower = pl.lit(2.0).pow(pl.col("bucket").cast(pl.Float64) * width)
    return pl.col("sign").cast(pl.Float64) * lower * (2 / (1 + _inverse_base(pl.col("scale"))))
