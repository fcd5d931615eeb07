"""Two periods, versions or hosts beside each other: what got slower, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.grouping import in_threads, workers
from onex_analytics.frames.quantiles import exact_share
from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.frames.statistics import (
    percentile_bounds,
    quantile_ranks,
    seeded,
    signed_root,
    t_reach,
    two_sided,
    z_of,
)
from onex_analytics.profiling.comparison_kernel import OPEN, P50, P95, PLACE, compared, sort_segments
from onex_analytics.profiling.sides import READS, TRACE, Laid, Layout, read
from onex_analytics.profiling.verdicts import judged

Floats: TypeAlias = NDArray[np.float64]

MEASURES = {"p50": 0.5, "p95": 0.95}
FEWEST_TRACES = 5
"""With fewer traces on a side nothing is tested: what they have in common cannot be told."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIDES = ("baseline", "candidate")
_COUNTS = ("n", "open", "left_out", "traces")
_AT_A_TIME = 1 << 20
"""Spans that a thread compares at a time: what is kept of them meanwhile fits a cache, or nearly."""


def compare(
    baseline: pl.LazyFrame | pl.DataFrame,
    candidate: pl.LazyFrame | pl.DataFrame | datetime,
    by: str | Iterable[str] = ("node", "operation"),
    *,
    min_effect: float = 0.1,
    alpha: float = 0.05,
    min_power: float = 0.8,
    draws: int = 2000,
    seed: int = 0,
) -> pl.LazyFrame:
    """What got slower or faster from `baseline` to `candidate`, how much, and how sure that is.

    Spans of one trace are not independent of each other, so that every interval and test here counts traces: the
    variance of a share of spans is that of sums over traces, each left out in turn, and the spans count for as many
    independent ones as would vary so much. A quantile's interval comes from drawing its rank (how much of all work
    takes less than the k-th of so many is Beta distributed, so that no sample need be drawn). The rows stream through
    compiled kernels, about 30 bytes of each are kept.

    Args:
        baseline, candidate: one row a span, in any order; or `candidate` is a moment, such as that of a deploy: the
            spans of `baseline` that start at that moment or later are then the candidate (all are read once, which is
            faster than two filters; those whose start is not known are left out of the baseline). Naive means UTC.
            Reads `trace_id`, `duration_ms`, `state`, `start`,
            `end` and the columns of `by`. A span without a trace id is a trace of its own; a trace id may be a whole
            number, which saves reading texts. A trace may have spans on both sides.
        by: columns to compare separately; `()` compares all spans as one.
        min_effect: smallest change that matters: 0.1 means that ratios from 1/1.1 to 1.1 are as good as equal.
        alpha: the share of false findings among all findings that is accepted, over all rows and tests.
        min_power: how likely a change of `min_effect` must have been found, where none is, for "no evidence".
        draws: how often the rank of a quantile is drawn.
        seed: settles what is left to chance; a row's numbers do not depend on the other rows.

    Returns:
        One row a combination of `by` that either side has, ordered by it:

        - the columns of `by`; then for either side (`…_baseline`, `…_candidate`) `n`: spans compared; `open`: spans
          that never ended; `left_out`: spans whose duration is not known, negative, or told of already by
          another; `traces`: traces of the spans compared.
        - `p50_baseline_ms`, `p50_candidate_ms`, `p50_ratio` (candidate/baseline; above 1 is slower), and its 95 %
          interval `p50_ratio_low`, `p50_ratio_high`; the same for `p95_…`. An interval is null where there are too
          few independent spans to bound the quantile, a ratio where the baseline's quantile is 0.
        - `p50_p`, `p95_p`: likelihood-ratio test whether the same share of both sides lies below their common
          quantile, null where there is no interval. `superiority`: probability that a span of the candidate takes
          longer than one of the baseline (ties count half); `p`: the Mann–Whitney test of it that allows for traces
          and for unequal spread (Brunner–Munzel); it says little about the tail. `open_p`: whether the same share
          never ended, null where all did.
        - `p50_q`, `p95_q`, `q`, `open_q`: the p-values after Benjamini–Hochberg over all `n_tests` tests of all rows.
        - `power`: probability, 0 to 1, that a change of `min_effect` would have been found in p50 and in p95, the
          smaller of the two.
        - `verdict`, and `because`, the measures that led to it (p50, p95, superiority, open):
          "regression": p50, p95 or superiority is worse at q ≤ alpha (and the ratio's interval lies above 1), or at
          least one span in a hundred more never ends, at q ≤ alpha. "improvement": the same the other way, nothing
          got worse, and it still holds when open spans count as slower than all others. "equivalent": both intervals
          lie within `min_effect`, with open spans counted so as well. "no evidence": none of these, though a change
          of `min_effect` would have been found with a probability of `min_power`. "insufficient data": it would not,
          or fewer than five traces on a side. Where only open spans stand in the way of a better verdict, `because`
          is "open".

        Comparing what is the same gives a regression anywhere in the table in at most a share `alpha` of all tables.

    Raises:
        MissingColumns: a column is absent. InvalidOption: an argument lies outside what is allowed.

    Sources: Thompson (1936) on the rank of a quantile; Obuchowski, Biometrics 53 (1997) 567, on clustered placements;
    Brunner and Munzel, Biom. J. 42 (2000) 17; Benjamini and Hochberg (1995); design effects after Kish (1965);
    variances of few and unequal clusters: Bell and McCaffrey, Survey Methodology 28 (2002) 169.

    >>> from datetime import datetime, timedelta
    >>> def spans(ms: list[int]) -> pl.DataFrame:
    ...     noon = datetime(2026, 11, 1, 12)
    ...     return pl.DataFrame({
    ...         "trace_id": [f"{i}" for i in range(len(ms))], "span_id": [f"{i}" for i in range(len(ms))],
    ...         "parent_span_id": [None] * len(ms), "name": ["stamp"] * len(ms), "start": [noon] * len(ms),
    ...         "end": [noon + timedelta(milliseconds=x) for x in ms],
    ...     }, schema_overrides={"parent_span_id": pl.String})
    >>> before, after = spans([10 + i % 7 for i in range(400)]), spans([20 + i % 9 for i in range(400)])
    >>> compare(before, after, by="operation").select("operation", "p50_ratio", "verdict", "because").collect().row(0)
    ('stamp', 1.8461538461538463, 'regression', 'p50, p95, superiority')
    >>> compare(before, before, by="operation").collect()["verdict"].to_list()
    ['equivalent']
    >>> later = after.with_columns(pl.col("start", "end").dt.offset_by("1d"))
    >>> since_deploy = compare(pl.concat([before, later]), datetime(2026, 11, 2), by="operation")
    >>> since_deploy.select("p50_ratio", "verdict").collect().row(0)
    (1.8461538461538463, 'regression')
    """
    keys = names(by)
    _within("min_effect", min_effect, 0, 10)
    for name, value in (("alpha", alpha), ("min_power", min_power)):
        _within(name, value, 0, 1)
    if draws < 200:
        raise InvalidOption("draws", draws, "at least 200, such as 2000")
    seeded(seed)
    moment = _microseconds(candidate) if isinstance(candidate, datetime) else None
    sides = [_complete(side, keys) for side in (baseline, candidate) if not isinstance(side, datetime)]
    found = [side.collect_schema() for side in sides]
    key_types = {key: found[0][key] for key in keys}
    if any(found[-1][key] != dtype for key, dtype in key_types.items()):
        raise InvalidOption("by", keys, f"columns of the same types on both sides; found {found[0]} and {found[1]}")

    def result() -> pl.DataFrame:
        found = read(sides, keys, moment)
        groups = found.grouping.rows()
        if keys and not groups.height:
            return pl.DataFrame(schema=schema)
        table = _side_by_side(Layout(found, groups["_code"].to_numpy()), groups.drop("_code"), draws, seed)
        whole = judged(table, min_effect, alpha, min_power).select(list(schema)).cast(schema)  # type: ignore[arg-type]
        return whole.sort(keys, nulls_last=True) if keys else whole

    schema = _schema(key_types)
    return pl.defer(result, schema=schema)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise InvalidOption(name, value, f"a number above {low} and below {high}, such as 0.1")


def _microseconds(moment: datetime) -> int:
    """Since 1970; naive means UTC."""
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(microseconds=1)


def _complete(spans: pl.LazyFrame | pl.DataFrame, keys: list[str]) -> pl.LazyFrame:
    """The columns touched; `TRACE` is the trace id as it came, so that a number is not made into a text."""
    lazy = spans.lazy()
    if "trace_id" in (found := lazy.collect_schema()) and found["trace_id"].is_integer():
        lazy = lazy.with_columns(pl.col("trace_id").alias(TRACE))
    whole = complete_spans(lazy)
    require(whole, *keys)
    if TRACE not in whole.collect_schema():
        whole = whole.with_columns(pl.col("trace_id").alias(TRACE))
    return whole.select(dict.fromkeys([*keys, *READS, "start", "end"]).keys())


def _schema(key_types: dict[str, pl.DataType]) -> dict[str, Any]:
    whole, number = pl.UInt32(), pl.Float64()
    schema: dict[str, Any] = dict(key_types)
    schema |= {f"{count}_{side}": whole for count in _COUNTS for side in _SIDES}
    for name in MEASURES:
        columns = (f"{name}_baseline_ms", f"{name}_candidate_ms", f"{name}_ratio", f"{name}_ratio_low")
        schema |= dict.fromkeys((*columns, f"{name}_ratio_high", f"{name}_p", f"{name}_q"), number)
    schema |= dict.fromkeys(("superiority", "p", "q", "open_p", "open_q"), number)
    return schema | {"n_tests": whole, "power": number, "verdict": pl.String(), "because": pl.String()}


def _side_by_side(layout: Layout, groups: pl.DataFrame, draws: int, seed: int) -> pl.DataFrame:
    """Everything but the verdicts: one row a combination of the keys; some groups at a time on each core."""
    sizes = layout.sizes[0::2] + layout.sizes[1::2]
    whole = int(sizes.sum())
    number = (np.cumsum(sizes) - sizes) // _AT_A_TIME
    cuts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(sizes)]
    spans = {cut: int(sizes[slice(*cut)].sum()) for cut in pairwise(cuts)}
    largest_first = sorted(spans, key=lambda cut: -spans[cut])
    tables: dict[tuple[int, int], pl.DataFrame] = {}

    def work(cuts: Iterator[tuple[int, int]], threads: int) -> None:
        room = _Room(0)
        for first, last in cuts:
            if len(room.ms) < spans[first, last]:  # only the first of them is the largest
                room = _Room(spans[first, last])
            laid = layout.laid(first, last, room.ms, room.trace)
            tables[first, last] = _compared(laid, room.rows, groups.slice(first, last - first), draws, seed, threads)

    # all cores on a group that is more than one's share
    work((cut for cut in largest_first if spans[cut] * workers() > whole), workers())
    rest = iter([cut for cut in largest_first if cut not in tables])
    in_threads(lambda _: work(rest, 1))
    return pl.concat([tables[cut] for cut in pairwise(cuts)])


class _Room:
    """Arrays for the spans that are compared at a time."""

    def __init__(self, size: int) -> None:
        self.ms, self.trace, self.rows = np.empty(size), np.empty(size, np.uint32), np.empty(size, np.uint32)


def _compared(
    laid: Laid, rows: NDArray[np.uint32], groups: pl.DataFrame, draws: int, seed: int, threads: int
) -> pl.DataFrame:
    """`_side_by_side` of some groups; `rows` is written over."""
    ms, trace, starts, n_left_out = laid
    pairs = groups.height
    sizes = np.diff(starts)
    halves = _shares(sizes, threads)
    in_threads(lambda worker: sort_segments(ms, rows, starts, halves[worker]), len(halves))
    shares = [exact_share(q) for q in MEASURES.values()]
    tops, bottoms = (np.array([getattr(q, part) for q in shares]) for part in ("numerator", "denominator"))
    counts = np.zeros((2 * pairs, 2), dtype=np.int64)
    variance, freedom, shares_of = (np.full((2 * pairs, 4), np.nan) for _ in range(3))
    places_of = np.full((2 * pairs, 4), -1, dtype=np.int64)
    pair = np.column_stack([np.full(pairs, np.nan), np.zeros(pairs)])
    parts = _shares(sizes[0::2] + sizes[1::2], threads)
    in_threads(
        lambda worker: compared(
            ms, rows, trace, starts, tops, bottoms, parts[worker], counts, variance, freedom, places_of, shares_of,
            pair,
        ),
        len(parts),
    )
    closed, clusters = counts.T.copy()
    place, worst = places_of[:, :2], places_of[:, 2:]
    share, common = shares_of[:, :2], shares_of[:, 2:]
    superiority, covariance = pair.T
    n_open = np.diff(starts) - closed
    columns: dict[str, Any] = {}
    for count, values in zip(_COUNTS, (closed, n_open, n_left_out, clusters), strict=True):
        columns |= {f"{count}_{side}": values[i::2] for i, side in enumerate(_SIDES)}
    enough = (clusters[0::2] >= FEWEST_TRACES) & (clusters[1::2] >= FEWEST_TRACES)
    words = [repr(row) for row in groups.iter_rows()]
    middle: Floats | None = None
    for k, (name, column) in enumerate({"p50": P50, "p95": P95}.items()):
        independent = _independent(share[:, k], variance[:, column], closed)
        df = np.where(clusters == closed, np.inf, freedom[:, column])
        reach = independent * (z_of(0.95) / t_reach(df)) ** 2
        middle = reach if middle is None else middle
        chance = partial(lambda name, g: seeded(seed, name, words[g]), name)
        wide = np.flatnonzero(_bounded(MEASURES[name], np.minimum(reach, np.sqrt(reach * middle))) & enough)
        bounds = _all_bounds(ms, starts, closed, MEASURES[name], reach, wide, draws, chance, threads)
        bounded = ~np.isnan(bounds[:, 0])
        columns[f"{name}_p"] = np.where(bounded, _share_test(common[:, k], independent, df), np.nan)
        at, at_worst = _at(ms, starts, place[:, k]), _at(ms, starts, worst[:, k])
        with np.errstate(invalid="ignore", divide="ignore"):
            columns |= {f"{name}_{side}_ms": at[i::2] for i, side in enumerate(_SIDES)}
            columns[f"{name}_ratio"] = np.where(at[0::2] > 0, at[1::2] / at[0::2], np.nan)
            columns[f"{name}_worst_ratio"] = at_worst[1::2] / at_worst[0::2]
        columns[f"{name}_ratio_low"], columns[f"{name}_ratio_high"] = bounds[:, 0], bounds[:, 1]
    columns["superiority"] = superiority
    columns["p"] = np.where(enough, _superiority_test(superiority, variance, freedom, covariance), np.nan)
    open_share = n_open / np.maximum(np.diff(starts), 1)
    independent = _independent(open_share, variance[:, OPEN], np.diff(starts))
    df = np.where(clusters == closed, np.inf, freedom[:, OPEN])
    any_open = (n_open[0::2] + n_open[1::2]) > 0
    columns["open_p"] = np.where(any_open, _share_test(open_share, independent, df), np.nan)
    return pl.concat([groups, pl.DataFrame(columns).fill_nan(None)], how="horizontal")


def _at(ms: Floats, starts: NDArray[np.int64], place: NDArray[np.int64]) -> Floats:
    """The value at a place of each segment, NaN where the place is −1."""
    if len(ms) == 0:
        return np.full(len(place), np.nan)
    return np.where(place >= 0, ms[np.clip(starts[:-1] + place, 0, len(ms) - 1)], np.nan)


def _shares(sizes: NDArray[np.int64], threads: int) -> list[NDArray[np.int64]]:
    """Segments shared out among threads, about as many values to each."""
    largest_first = np.argsort(-sizes, kind="stable")
    return [largest_first[worker::threads] for worker in range(threads)]


def _independent(share: Floats, variance: Floats, rows: NDArray[np.int64]) -> Floats:
    """As how many independent rows these count: as many as would make a share vary so; never more than there are."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = share * (1 - share) / variance
    return np.where(np.isfinite(found) & (found > 0), np.minimum(found, rows), rows.astype(np.float64))


def _share_test(share: Floats, independent: Floats, df: Floats) -> Floats:
    """p that the shares of the two sides differ by chance; segments alternate between the sides."""
    m, n = independent[0::2], independent[1::2]
    z = signed_root(share[0::2] * m, m, share[1::2] * n, n)
    return two_sided(z, _welch(1 / np.maximum(m, 1e-9), df[0::2], 1 / np.maximum(n, 1e-9), df[1::2]))


def _superiority_test(theta: Floats, variance: Floats, freedom: Floats, covariance: Floats) -> Floats:
    of_baseline, of_candidate = variance[0::2, PLACE], variance[1::2, PLACE]
    df = _welch(of_baseline, freedom[0::2, PLACE], of_candidate, freedom[1::2, PLACE])
    off = theta - 0.5
    error = np.sqrt(np.maximum(of_baseline + of_candidate - 2 * covariance, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(np.abs(off) < 1e-12, 0.0, off / error)
    return two_sided(z, df)


def _welch(a: Floats, df_a: Floats, b: Floats, df_b: Floats) -> Floats:
    """Degrees of freedom of the sum of two variances (Satterthwaite)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (a + b) ** 2 / (a**2 / df_a + b**2 / df_b)
    return np.where(np.isnan(df), np.inf, np.maximum(df, 1.0))


def _all_bounds(
    ms: Floats, starts: NDArray[np.int64], closed: NDArray[np.int64], share: float, independent: Floats,
    chosen: NDArray[np.int64], draws: int, chance: Callable[[int], np.random.Generator], threads: int,
) -> Floats:  # fmt: skip
    """`_ratio_bounds` of the chosen pairs; NaN for the others."""
    bounds = np.full((len(closed) // 2, 2), np.nan)

    def bound(worker: int) -> None:
        for g in chosen[worker::threads].tolist():
            bounds[g] = _ratio_bounds(ms, starts, closed, share, independent, g, draws, chance(g))

    in_threads(bound, threads)
    return bounds


def _bounded(share: float, independent: Floats) -> NDArray[np.bool_]:
    """Whether so many independent spans bound the quantile on either side, for both segments of each pair.

    What the spans of a trace have in common in the tail, few traces tell. Where it was found too small by chance, just
    there an interval would be given, and be too narrow. So what the middle tells of the same traces counts as much.
    """
    out = (independent < 2) | (max(share, 1 - share) ** independent > 0.025)
    return ~(out[0::2] | out[1::2])


def _ratio_bounds(
    ms: Floats, starts: NDArray[np.int64], closed: NDArray[np.int64], share: float, independent: Floats,
    g: int, draws: int, rng: np.random.Generator,
) -> tuple[float, float]:
    """The 95 % interval of the ratio of one quantile; NaN where it is nothing on both sides."""
    drawn = []
    for s in (2 * g, 2 * g + 1):
        places = quantile_ranks(rng, share, float(independent[s]), int(closed[s]), draws)
        drawn.append(ms[starts[s] + places])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = drawn[1] / drawn[0]
    return (np.nan, np.nan) if np.isnan(ratios).any() else percentile_bounds(ratios)
