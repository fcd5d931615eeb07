"""From numbers to a verdict: regression, improvement, equivalent, no evidence, insufficient data."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from onex_analytics.frames.statistics import q_values, z_of

VERDICTS = ("regression", "improvement", "equivalent", "no evidence", "insufficient data")
NOTABLE_OPEN_SHARE = 0.01
"""More open spans are a regression from one in a hundred on: the newest spans of any log are still under way."""
_TESTS = ("p50_p", "p95_p", "p", "open_p")
_QUANTILES = ("p50", "p95")


def judged(table: pl.DataFrame, min_effect: float, alpha: float, min_power: float) -> pl.DataFrame:
    """`table` of `compare` with `…q`, `n_tests`, `power`, `verdict` and `because`."""
    p = table.select(_TESTS).cast(pl.Float64).to_numpy()
    q = q_values(p.ravel()).reshape(p.shape)
    q_columns = [column.removesuffix("p") + "q" for column in _TESTS]
    with_q = table.with_columns(
        *(pl.Series(column, q[:, i]).fill_nan(None) for i, column in enumerate(q_columns)),
        n_tests=pl.lit(int((~np.isnan(p)).sum())),
    )
    bound = 1 + min_effect
    worse = [_beyond(name, alpha, slower=True) for name in _QUANTILES] + [_won(alpha, slower=True)]
    better = [_beyond(name, alpha, slower=False) for name in _QUANTILES] + [_won(alpha, slower=False)]
    as_good = pl.all_horizontal(
        *(pl.col(f"{name}_ratio_low") >= 1 / bound for name in _QUANTILES),
        *(pl.col(f"{name}_ratio_high") <= bound for name in _QUANTILES),
    ).fill_null(False)
    if_open_are_slowest = {
        "equivalent": pl.all_horizontal(pl.col(f"{n}_worst_ratio").is_between(1 / bound, bound) for n in _QUANTILES),
        "improvement": pl.all_horizontal(
            ~better[i] | (pl.col(f"{n}_worst_ratio") < 1) for i, n in enumerate(_QUANTILES)
        ),
    }
    no_open = (pl.col("open_baseline") + pl.col("open_candidate")) == 0
    holds = {word: no_open | rule.fill_null(False) for word, rule in if_open_are_slowest.items()}
    open_share = [pl.col(f"open_{s}") / (pl.col(f"open_{s}") + pl.col(f"n_{s}")) for s in ("baseline", "candidate")]
    stuck = ((pl.col("open_q") <= alpha) & (open_share[1] - open_share[0] >= NOTABLE_OPEN_SHARE)).fill_null(False)
    verdict = (
        pl.when(stuck)
        .then(pl.lit("regression"))
        .when(as_good & holds["equivalent"])
        .then(pl.lit("equivalent"))
        .when(pl.any_horizontal(worse) & ~as_good)
        .then(pl.lit("regression"))
        .when(pl.any_horizontal(better) & ~as_good & holds["improvement"])
        .then(pl.lit("improvement"))
        .when(pl.col("power") >= min_power)
        .then(pl.lit("no evidence"))
        .otherwise(pl.lit("insufficient data"))
    )
    names = [*_QUANTILES, "superiority"]
    said = {
        word: pl.concat_list(pl.when(rule).then(pl.lit(n)) for rule, n in zip(rules, names, strict=True))
        .list.drop_nulls().list.join(", ")
        for word, rules in (("regression", worse), ("improvement", better))
    }
    because = (
        pl.when((pl.col("verdict") == "regression") & stuck & pl.any_horizontal(worse) & ~as_good)
        .then(pl.concat_str(said["regression"], pl.lit(", open")))
        .when((pl.col("verdict") == "regression") & stuck)
        .then(pl.lit("open"))
        .when(pl.col("verdict") == "regression")
        .then(said["regression"])
        .when(pl.col("verdict") == "improvement")
        .then(said["improvement"])
        .when((as_good | pl.any_horizontal(better)) & pl.col("verdict").is_in(["no evidence", "insufficient data"]))
        .then(pl.lit("open"))
    )
    power = pl.min_horizontal(_power(name, bound) for name in _QUANTILES)
    return with_q.with_columns(power=power).with_columns(verdict=verdict).with_columns(because=because)


def _beyond(name: str, alpha: float, *, slower: bool) -> pl.Expr:
    """The quantile is slower, or faster: by its test, and by its interval."""
    aside = pl.col(f"{name}_ratio_low") > 1 if slower else pl.col(f"{name}_ratio_high") < 1
    return ((pl.col(f"{name}_q") <= alpha) & aside).fill_null(False)


def _won(alpha: float, *, slower: bool) -> pl.Expr:
    aside = pl.col("superiority") > 0.5 if slower else pl.col("superiority") < 0.5
    return ((pl.col("q") <= alpha) & aside).fill_null(False)


def _power(name: str, bound: float) -> pl.Expr:
    """How likely a ratio of `bound` would stand out, from the width of the interval that was found."""
    from scipy.special import ndtr

    error = (pl.col(f"{name}_ratio_high").log() - pl.col(f"{name}_ratio_low").log()) / (2 * z_of(0.95))
    distance = pl.when(error > 0).then(math.log(bound) / error).when(error == 0).then(math.inf) - z_of(0.95)
    chance = distance.map_batches(lambda z: pl.Series(ndtr(z.to_numpy())), return_dtype=pl.Float64)
    return pl.when(distance.is_not_nan()).then(chance).fill_null(0.0)
