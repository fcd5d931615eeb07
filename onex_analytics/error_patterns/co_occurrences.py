"""Errors that come together in a trace more often than by chance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from onex_analytics.error_patterns.chances import hypergeometric_tail
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.statistics import q_values

_COUNTED = pl.Schema({
    "together": pl.Int64(),      # traces with both
    "left_traces": pl.Int64(),   # traces with the left one
    "right_traces": pl.Int64(),
    "lift": pl.Float64(),        # how many times as often as by chance
    "jaccard": pl.Float64(),     # traces with both / with either, 0 to 1
    "phi": pl.Float64(),         # correlation of the two, −1 to 1
    "p": pl.Float64(),           # Fisher's, one-sided: so often or oftener together by chance
    "q": pl.Float64(),           # its false-discovery rate over all `n_tests`
    "n_tests": pl.Int64(),       # pairs of groups that were tested, together or not
})


def co_occurrence(
    errors: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = "error_code",
    within: str = "trace_id",
    *,
    n_traces: int | None = None,
    min_traces: int = 3,
) -> pl.DataFrame:
    """Pairs of groups of errors, and how often they come together in a trace.

    Each trace has one vote, however often an error comes in it.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `within` and the columns of `by`. Rows without a
            trace belong to none and are left out.
        by: what names a group: "error_code", "fingerprint", or several columns.
        within: what errors share that come together: a trace, a session, a bucket of time.
        n_traces: how many traces were watched in all, with and without errors; by default those with an error. Among
            these alone, two errors that are each on their own seldom come together even where nothing parts them.
        min_traces: groups of fewer traces are not tested.

    Returns:
        One row a pair that came together: the columns of `by` ending in `_left` and `_right` (in order of their names),
        `together`, `left_traces`, `right_traces` (traces), `lift`, `jaccard`, `phi`, `p` (Fisher's, one-sided), `q`
        (Benjamini and Hochberg, over all `n_tests` pairs), `n_tests`; the most significant first.

    Raises:
        InvalidOption: fewer traces than those that have errors, `min_traces` below 1, or no column in `by`.

    >>> frame = pl.DataFrame({"trace_id": ["1", "1", "2", "2", "3", "3", "4"], "error_code": list("ABABABC")})
    >>> co_occurrence(frame, n_traces=100).select("error_code_left", "together", pl.col("lift").round(1)).rows()
    [('A', 3, 33.3)]
    """
    if min_traces < 1:
        raise InvalidOption("min_traces", min_traces, "1 or more")
    from scipy.sparse import csr_array, triu

    keys = names(by)
    if not keys:
        raise InvalidOption("by", by, 'a column that names a group, such as "error_code"')
    rows = require(errors.lazy(), within, *keys).select(pl.col(within).alias("_within"), *keys)
    votes = rows.filter(pl.col("_within").is_not_null()).unique().collect()
    with_errors = votes["_within"].n_unique()
    total = with_errors if n_traces is None else n_traces
    if total < with_errors:
        raise InvalidOption("n_traces", total, f"at least the {with_errors} traces that have errors")
    groups = votes.group_by(keys).agg(pl.len().cast(pl.Int64).alias("_traces"))
    groups = groups.filter(pl.col("_traces") >= min_traces).sort(keys, nulls_last=True)
    held = votes.join(groups.with_row_index("_group"), on=keys, nulls_equal=True)
    place = held["_within"].rank("dense").to_numpy() - 1
    ones = np.ones(held.height, dtype=np.int64)
    table = csr_array((ones, (place, held["_group"].to_numpy())), shape=(with_errors, groups.height))
    both = triu(table.T @ table, k=1).tocoo()
    many = groups["_traces"].to_numpy()
    left, right, together = many[both.row], many[both.col], both.data
    n_tests = groups.height * (groups.height - 1) // 2
    p = hypergeometric_tail(together, total, left, right)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = together * total - left * right
        phi = off / np.sqrt(left * right * (total - left).astype(np.float64) * (total - right))
        counted = {
            "together": together, "left_traces": left, "right_traces": right,
            "lift": together * (total / (left * right)), "jaccard": together / (left + right - together), "phi": phi,
            "p": p, "q": q_values(p, n_tests), "n_tests": np.full(len(p), n_tests),
        }  # fmt: skip
    left_of, right_of = (groups.select(pl.col(keys).name.suffix(f"_{side}"))[codes]
                         for side, codes in (("left", both.row), ("right", both.col)))  # fmt: skip
    counts = pl.DataFrame(counted, schema=_COUNTED).with_columns(pl.col("phi").fill_nan(None))
    told: pl.DataFrame = pl.concat([left_of, right_of, counts], how="horizontal")
    most_first = [pl.col("p"), -pl.col("together")]
    return told.sort(*most_first, *left_of.columns, *right_of.columns, nulls_last=True)
