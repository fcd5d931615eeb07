"""Which groups of errors come after which others in an order that is no chance."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.chances import odds_tail
from onex_analytics.error_patterns.orders import evenly_shared, sign_p, sign_q

PAIR = ("_group", "_group_next")
_UNSURE = 0.05


def links_of(
    steps: pl.DataFrame, first: pl.DataFrame, *, min_traces: int, min_odds: float, rate: float
) -> tuple[pl.DataFrame, int]:
    """The pairs whose order is no chance, and how many tests were tried.

    Only pairs are tested that come together often enough (`_belongs`). That says nothing of their order, so the tests
    of the order are as fair as before, and fewer of them are in vain.

    Args:
        steps: one row a (trace, group, group that came with it or after it): `_trace`, `PAIR`, `_lag`, `_is_direct`.
        first: one row a (trace, group): `_trace`, `_group`.
        min_traces: pairs that come in fewer, in either order, are not tested.
        min_odds: see `cascades`.
        rate: of false discoveries.

    Returns:
        One row a link: `PAIR`, `traces`, `simultaneous_traces`, `reversed_traces`, `p`, `q` and `_share`, of the traces
        in which nothing came in between.
    """
    pairs = _counted(steps, first)
    pairs = pairs.filter(pl.Series(_belongs(pairs, first["_trace"].n_unique(), min_odds), dtype=pl.Boolean))
    ordered = pairs["traces"] + pairs["reversed_traces"]
    tested = pairs.filter(ordered >= min_traces)
    forward, back = _orders(tested)
    every = (forward + back)[_is_first(tested)]
    p = sign_p(forward, back)
    q = np.minimum(sign_q(p, forward + back, every) * _even_share(pairs.filter(ordered >= 2), steps), 1.0)
    share = (pl.col("_direct") / pl.col("traces")).alias("_share")
    judged = tested.with_columns(pl.Series("p", p), pl.Series("q", q), share)
    return judged.filter((pl.col("q") <= rate) & (pl.col("traces") >= min_traces)), 2 * len(every)


def _counted(steps: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    """Each pair that came in this order, with its counts; of one that came in both orders there are two rows."""
    counts = steps.group_by(PAIR).agg(
        (pl.col("_lag") > 0).sum().cast(pl.Int64).alias("traces"),
        (pl.col("_lag") == 0).sum().cast(pl.Int64).alias("simultaneous_traces"),
        (pl.col("_is_direct") & (pl.col("_lag") > 0)).sum().alias("_direct"),
    )
    other_way = counts.select(
        pl.col("_group").alias("_group_next"), pl.col("_group_next").alias("_group"),
        pl.col("traces").alias("reversed_traces"),
    )  # fmt: skip
    seen = first.group_by("_group").agg(pl.len().cast(pl.Int64).alias("_seen"))
    return (
        counts.filter(pl.col("traces") > 0)
        .join(other_way, on=PAIR, how="left")
        .with_columns(pl.col("reversed_traces").fill_null(0))
        .join(seen, on="_group")
        .join(seen.rename({"_group": "_group_next", "_seen": "_seen_next"}), on="_group_next")
        .sort(PAIR)
    )


def _belongs(pairs: pl.DataFrame, traces: int, min_odds: float) -> NDArray[np.bool_]:
    """Whether a pair comes together, in any order, more often than what merely lies on one way of calls.

    A caller ends after what it calls: of two that fail by themselves the callee comes first, each time. What one draws
    after it comes seldom without it. Where both are nearly everywhere, nothing can show that: these are left in.
    """
    if min_odds == 0:
        return np.ones(pairs.height, np.bool_)
    left, right = (pairs[name].to_numpy() for name in ("_seen", "_seen_next"))
    together = sum(pairs[name].to_numpy() for name in ("traces", "reversed_traces", "simultaneous_traces"))
    chance, least = (odds_tail(n, traces, left, right, min_odds) for n in (together, np.minimum(left, right)))
    return np.asarray((chance <= _UNSURE) | (least > _UNSURE))


def _even_share(pairs: pl.DataFrame, steps: pl.DataFrame) -> float:
    """The share of pairs that come in either order alike; the pairs of a trace together count once for it."""
    one = pl.min_horizontal(PAIR).alias("_one"), pl.max_horizontal(PAIR).alias("_other")
    known = pairs.filter(pl.Series(_is_first(pairs), dtype=pl.Boolean)).with_columns(one)
    both = ["_one", "_other"]
    came = steps.filter(pl.col("_lag") > 0).select("_trace", *one).join(known.select(both), on=both)
    shares = came.with_columns((1 / pl.len().over("_trace")).alias("_weight"))
    weighed = known.join(shares.group_by(both).agg(pl.col("_weight").mean()), on=both)
    return evenly_shared(*_orders(weighed), weighed["_weight"].to_numpy())


def _orders(pairs: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    forward, back = (pairs[name].to_numpy().astype(np.int64) for name in ("traces", "reversed_traces"))
    return forward, back


def _is_first(pairs: pl.DataFrame) -> NDArray[np.bool_]:
    """Of a pair that came in both orders one row only."""
    return ((pairs["reversed_traces"] == 0) | (pairs["_group"] < pairs["_group_next"])).to_numpy()
