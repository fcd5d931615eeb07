"""Times in which errors come faster than is usual."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.error_patterns.usual_load import Season, hours_of_week, season_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require, require_times
from onex_analytics.frames.statistics import Floats, q_values
from onex_analytics.frames.windows import bucket, duration
from onex_analytics.model.shapes import UTC_MICROSECONDS

Method = Literal["tail", "kleinberg"]

BURSTS = pl.Schema({
    "start": UTC_MICROSECONDS,     # of the first bucket
    "end": UTC_MICROSECONDS,       # of the last, exclusive
    "errors": pl.Int64(),          # in it
    "expected": pl.Float64(),      # how many would have been usual
    "ratio": pl.Float64(),         # errors / expected
    "model": pl.String(),          # of the usual counts: poisson, negative_binomial
    "q": pl.Float64(),             # of its strongest bucket: false-discovery rate over all buckets; null for kleinberg
    "score": pl.Float64(),         # tail: −log10 of the p of that bucket; kleinberg: weight of the burst in nats
})
"""One row a burst, after the columns that tell groups apart."""

Flags = NDArray[np.bool_]

_ROUNDS, _TEST = 6, 0.01

_AT_ONCE = 1 << 19
"""Buckets that are looked at together: enough for NumPy, few enough for the memory."""


class _Usual(NamedTuple):
    expected: Floats         # (group, bucket)
    p: Floats
    dispersion: Floats       # variance over mean that is usual, the uncertainty of the mean included; 1 is Poisson's
    is_spread: Flags         # (group): whether counts spread more than Poisson's


def detect_bursts(
    errors: pl.LazyFrame | pl.DataFrame,
    every: str = "5m",
    by: str | Iterable[str] = (),
    *,
    method: Method = "tail",
    season: Season = "auto",
    max_false_discovery: float = 0.05,
    min_ratio: float = 2.0,
    min_errors: int = 5,
    scaling: float = 2.0,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Bursts of errors: buckets, or runs of them, with more than is usual for that group.

    Two methods. **tail**: a bucket stands out where so many or more would come by chance so rarely that, over all
    buckets and groups, at most `max_false_discovery` of those that are told are false. What is usual is learnt from the
    calm buckets, that is all that do not stand out. Their counts are taken as Poisson's, or as negative binomial where
    a dispersion test (χ², 1 %) says that they spread more. **kleinberg**: the cheapest path through two states, usual
    and `scaling` times as many, where to enter the upper state costs the logarithm of the number of buckets; counts
    that spread more than Poisson's weigh less, by as much.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `timestamp` and the columns of `by`.
        every: bucket width as a Polars duration.
        by: columns to tell apart, such as "error_code" or "node".
        method: "tail" or "kleinberg".
        season: "weekly" compares with the same hour of the other weeks, "none" with the whole time; "auto" is weekly
            once four weeks are there.
        max_false_discovery: share of the told buckets that may be false, above 0 and below 1.
        min_ratio: a burst has at least so many times what is usual.
        min_errors: and so many errors: a retry of a rare error is none.
        scaling: of the upper state of "kleinberg", above 1.
        since, until: the time that was watched, if longer than from the first error to the last: quiet buckets count.

    Returns:
        The columns of `by` and of `BURSTS`, ordered by `start`, then the groups. Buckets that touch are one burst.

    Raises:
        InvalidOption: an option out of its range, or times that are none.

    Source: Kleinberg, Bursty and hierarchical structure in streams, KDD 2002 (batched form, with Poisson's costs);
    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289.

    >>> from datetime import UTC, timedelta
    >>> begin = datetime(2026, 11, 2, tzinfo=UTC)
    >>> at = [begin + timedelta(minutes=10 * place) for place in range(144)]
    >>> at += [begin + timedelta(hours=6, seconds=place) for place in range(30)]
    >>> detect_bursts(pl.DataFrame({"timestamp": at}), "1h").select("start", "errors", "model").rows()
    [(datetime.datetime(2026, 11, 2, 6, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), 36, 'poisson')]
    """
    if method not in ("tail", "kleinberg"):
        raise InvalidOption("method", method, '"tail" or "kleinberg"')
    if not 0 < max_false_discovery < 1:
        raise InvalidOption("max_false_discovery", max_false_discovery, "a share above 0 and below 1, such as 0.05")
    if not scaling > 1:
        raise InvalidOption("scaling", scaling, "a factor above 1, such as 2")
    keys = names(by)
    given = require_times(require(errors.lazy(), "timestamp", *keys), "timestamp")
    counts = _counts(given, duration(every), keys, since, until)
    if counts.is_empty():
        return counts.select(keys).match_to_schema({**counts.select(keys).schema, **BURSTS}, missing_columns="insert")
    starts, groups, matrix = _table(counts, every, keys, since, until)
    is_weekly = season_of(season, starts[0], starts[-1])
    cells = hours_of_week(starts) if is_weekly else np.zeros(starts.len(), dtype=np.int64)
    usual, stands_out = _judged(matrix, cells, max_false_discovery)
    if method == "tail":
        weight, q = -np.log10(np.maximum(usual.p, 1e-300)), _q(usual.p)
    else:
        stands_out, weight = _two_states(matrix, usual, scaling)
        q = np.full(matrix.shape, np.nan)
    rows = []
    for group, first, last in _runs(stands_out):
        run = (group, slice(first, last))
        many, expected = matrix[run].sum(), usual.expected[run].sum()
        score = weight[run].max() if method == "tail" else weight[run].sum()
        if many >= max(min_ratio * expected, min_errors):
            model = "negative_binomial" if usual.is_spread[group] else "poisson"
            rows.append((group, first, last - 1, many, expected, many / expected, model, q[run].min(), score))
    measured = [(name, kind) for name, kind in BURSTS.items() if name not in ("start", "end")]
    places = [(name, pl.Int64()) for name in ("_group", "_first", "_last")]
    told = pl.DataFrame(rows, pl.Schema([*places, *measured]), orient="row", strict=False).with_columns(
        starts.gather([row[1] for row in rows]).alias("start"),
        starts.gather([row[2] for row in rows]).dt.offset_by(every).alias("end"),
        pl.col("q").fill_nan(None),
        *(groups[key].gather([row[0] for row in rows]).alias(key) for key in keys),
    )
    return told.select(*keys, *BURSTS).cast(dict(BURSTS)).sort("start", *keys, nulls_last=True)  # type: ignore[arg-type]


def _counts(
    errors: pl.LazyFrame, every: str, keys: list[str], since: datetime | None, until: datetime | None
) -> pl.DataFrame:
    """`start`, the keys and `errors`, for every group and bucket that has any, in the time that was watched."""
    timed = errors.filter(pl.col("timestamp").is_not_null())
    if since is not None:
        timed = timed.filter(pl.col("timestamp") >= since)
    if until is not None:
        timed = timed.filter(pl.col("timestamp") < until)
    return timed.group_by(bucket(every), *keys).agg(pl.len().cast(pl.Int64).alias("errors")).collect()


def _table(
    counts: pl.DataFrame, every: str, keys: list[str], since: datetime | None, until: datetime | None
) -> tuple[pl.Series, pl.DataFrame, Floats]:
    """The buckets that were watched, the groups, and the errors of each group (row) in each bucket."""
    edges = [counts["start"].min(), counts["start"].max()]
    last_instant = None if until is None else until - timedelta(microseconds=1)
    watched = pl.Series([*edges, since, last_instant], dtype=UTC_MICROSECONDS).drop_nulls().dt.truncate(every)
    span = pl.datetime_range(pl.col("start").min(), pl.col("start").max(), every)
    grid = watched.to_frame("start").select(span).with_row_index("_bucket")
    placed = counts.with_columns(pl.col("start").cast(UTC_MICROSECONDS)).join(grid, on="start")
    groups = counts.select(keys).unique().sort(keys, nulls_last=True) if keys else pl.DataFrame({"_all": [None]})
    row = np.zeros(placed.height, np.int64)
    if keys:
        numbered = groups.with_row_index("_group")
        placed = placed.join(numbered, on=keys, how="left", nulls_equal=True, maintain_order="left")
        row = placed["_group"].to_numpy()
    table = np.zeros((groups.height, grid.height))
    table[row, placed["_bucket"].to_numpy()] = placed["errors"].to_numpy()
    return grid["start"], groups.select(keys), table


def _judged(counts: Floats, cells: NDArray[np.int64], rate: float) -> tuple[_Usual, Flags]:
    """What is usual by the calm buckets, and the buckets that stand out from it: each told by the other, until both
    stay. At first, by Poisson's law, the least likely twentieth is left out, as far as it would not come once by
    chance: a burst must not hide itself."""
    least = _usual(counts, cells, np.ones(counts.shape, dtype=np.bool_), may_spread=False).p
    stands_out = least < np.minimum(np.quantile(least, 0.05, axis=1, keepdims=True), 1 / counts.shape[1])
    for _ in range(_ROUNDS):
        usual = _usual(counts, cells, ~stands_out)
        found = (_q(usual.p) <= rate) & (counts > usual.expected)
        if (found == stands_out).all():
            break
        stands_out = found
    return usual, stands_out


def _q(p: Floats) -> Floats:
    """The q of each bucket; those that have no more than is usual, which most are, need no place among the others."""
    q = np.ones(p.shape)
    above = p < 1
    q[above] = q_values(p[above], p.size)
    return q


def _usual(counts: Floats, cells: NDArray[np.int64], calm: Flags, *, may_spread: bool = True) -> _Usual:
    """Each bucket against the other calm ones of its cell (an hour of the week, or the whole time)."""
    many = max(_AT_ONCE // counts.shape[1], 1)
    parts = [
        _usual_of(counts[first : first + many], cells, calm[first : first + many], may_spread)
        for first in range(0, len(counts), many)
    ]
    return parts[0] if len(parts) == 1 else _Usual(*map(np.concatenate, zip(*parts, strict=True)))


def _usual_of(counts: Floats, cells: NDArray[np.int64], calm: Flags, may_spread: bool) -> _Usual:
    from scipy.special import betainc, chdtrc

    use, held = calm.astype(np.float64), np.where(calm, counts, 0.0)
    order = np.argsort(cells, kind="stable")
    firsts = np.flatnonzero(np.diff(cells[order], prepend=-1))
    place = np.searchsorted(cells[order][firsts], cells)
    uses, sums = (np.add.reduceat(each[:, order], firsts, axis=1) for each in (use, held))
    n, total = uses[:, place] - use, sums[:, place] - held
    few = n < 2
    n = np.where(few, uses.sum(axis=1, keepdims=True) - use, n)
    total = np.where(few, sums.sum(axis=1, keepdims=True) - held, total)
    # half a count: where none was ever seen, none is not the estimate (Jeffreys' prior)
    # and where there is nothing else, nothing is unusual
    known = total + 0.5
    expected = np.where(n > 0, known / np.maximum(n, 1), np.maximum(counts, 0.5))
    off, mean = np.where(calm, counts - expected, 0.0), np.where(calm, expected, 0.0)
    freedom = use.sum(axis=1) - (uses > 0).sum(axis=1)
    unlike = chdtrc(np.maximum(freedom, 1), (off**2 / expected).sum(axis=1)) < _TEST
    is_spread = may_spread & (freedom > 0) & unlike
    squares = np.maximum((mean**2).sum(axis=1), np.finfo(np.float64).tiny)
    extra = np.where(is_spread, np.maximum((off**2 - mean).sum(axis=1) / squares, 0.0), 0.0)
    # a negative binomial law: how far the mean itself is uncertain adds to how far the counts spread
    size = 1 / (extra[:, None] + 1 / known)
    p, above = np.ones(counts.shape), (counts > 0) & (counts > expected)
    p[above] = betainc(counts[above], size[above], (expected / (expected + size))[above])
    return _Usual(expected, p, 1 + expected / size, is_spread)


def _two_states(counts: Floats, usual: _Usual, scaling: float) -> tuple[Flags, Floats]:
    """Kleinberg's cheapest path, and what the upper state saves in each bucket."""
    # the log-likelihood of the upper state over that of the lower; counts that spread more say less (quasi-likelihood)
    saved = (counts * math.log(scaling) - (scaling - 1) * usual.expected) / usual.dispersion
    toll = math.log(max(counts.shape[1], 2))
    many = counts.shape[1]
    came_from = np.zeros((many, 2, len(counts)), dtype=np.bool_)
    low, high = np.zeros(len(counts)), np.full(len(counts), -toll)
    for at in range(many):  # over buckets; all groups at once
        came_from[at, 0], came_from[at, 1] = high > low, low - toll <= high
        low, high = np.maximum(low, high), np.maximum(high, low - toll) + saved[:, at]
    state, path = high > low, np.empty(counts.shape, dtype=np.bool_)
    for at in range(many - 1, -1, -1):
        path[:, at] = state
        state = np.where(state, came_from[at, 1], came_from[at, 0])
    return path, saved


def _runs(flags: Flags) -> Iterator[tuple[int, int, int]]:
    """(group, first, end) of each run of true, along time."""
    padded = np.pad(flags, ((0, 0), (1, 1)))
    change = padded[:, 1:] != padded[:, :-1]
    group, edge = np.nonzero(change)
    yield from zip(group[::2].tolist(), edge[::2].tolist(), edge[1::2].tolist(), strict=True)
