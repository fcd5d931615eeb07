"""Critical paths of many traces, added up: by name or call path, band by band of latency, and their differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.durations import milliseconds
from onex_analytics.frames.quantiles import Share, exact_share, index_of
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.trees import Trees, over_trees
from onex_analytics.profiling.call_paths import CallPaths, call_paths, coded
from onex_analytics.profiling.sections import Policy, Sections, Touching

PATH = "path"
"""The word in `by` that stands for the names from the root down."""

_BAND = pl.Schema({"band": pl.Int32(), "band_from": pl.Float64(), "band_to": pl.Float64()})
_NUMBERS = pl.Schema({
    "trees": pl.Int64(),
    "sections": pl.Int64(),
    "critical_ms": pl.Float64(),
    "mean_ms": pl.Float64(),
    "share": pl.Float64(),
    "ambiguous_share": pl.Float64(),
})


def critical_path_profile(
    spans: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = "name",
    bands: Sequence[Share] = (0, 1),
    *,
    touching: Touching = "inclusive",
    overlap_tolerance: Share = 0.0,
) -> pl.LazyFrame:
    """What the roots waited for, added up over all trees: the answer to "what makes the tail slow?".

    Args:
        spans: one row a span, in any order, from anywhere; reads `TREE_COLUMNS` as `complete_spans` gives them.
        by: columns of the spans to add up by, such as "name" or ("node", "operation"); the word "path" stands for the
            call path, the names from the root down.
        bands: rising shares of the trees, ordered by their root's duration: (0, .5, .95, 1) makes three bands, the
            faster half, the slower half up to p95, and the tail beyond. A band goes from above the first quantile up
            to the second (nearest rank), from the fastest where it begins with 0: equally long roots are in one band,
            and a band may be empty. Trees outside of all bands are not counted.
        touching, overlap_tolerance: how the critical path is walked, as in `critical_path`.

    Returns:
        One row a (band, `by`) with time on a critical path, by band, then longest first:
        `band` (0, 1, …), `band_from`, `band_to` (shares), the columns of `by` (`path` is a list of names, of which the
        middle ones are only counted beyond 64 levels), `trees` (trees in the band), `sections` (how many),
        `critical_ms` (their sum), `mean_ms` (`critical_ms` a tree of the band), `share` (of the summed durations of the
        band's roots, 0 to 1, summing to 1 over a band; null where they are all zero), `ambiguous_share` (share of
        `critical_ms` in sections that are ambiguous, 0 to 1). A trace of several roots counts as several trees.

    Raises:
        MissingColumns: one of the six columns that every frame of spans has, or one of `by`, is absent.
        InvalidOption: bands that do not rise or lie outside 0 to 1; an unknown policy.

    Source: CRISP (Zhang et al., USENIX ATC 2022), aggregated critical paths.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "b"],
    ...     "name": ["page", "query", "disk"], "start": [at[0], at[1], at[2]], "end": [at[10], at[9], at[8]],
    ... })
    >>> critical_path_profile(spans).select("name", "mean_ms", "share").collect().rows()
    [('disk', 6000.0, 0.6), ('page', 2000.0, 0.2), ('query', 2000.0, 0.2)]
    >>> critical_path_profile(spans, by="path").select("path", "share").head(1).collect().rows()
    [(['page', 'query', 'disk'], 0.6)]
    """
    policy = Policy.of(touching, overlap_tolerance)
    edges = _edges(bands)
    keys = names(by)
    columns = [key for key in keys if key != PATH]
    found = complete_spans(spans).collect_schema()
    types = {key: pl.List(pl.String()) if key == PATH else found[key] for key in keys if key == PATH or key in found}
    shape = pl.Schema({**_BAND, **types, **_NUMBERS})

    def reckon(frame: pl.DataFrame, trees: Trees) -> pl.DataFrame:
        paths = call_paths(trees, *coded(frame["name"])) if PATH in keys else None
        return _added_up(frame, trees, policy.walk(trees), paths, columns, edges).select(shape.names())

    return over_trees(spans, reckon, shape, keep=columns)


def profile_difference(before: pl.LazyFrame | pl.DataFrame, after: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """What two critical path profiles do not have in common: two periods, two versions, or two bands of one profile.

    Args:
        before, after: results of `critical_path_profile` with the same `by`, whole or filtered to some bands; several
            bands are added up.

    Returns:
        One row a value of `by` on either side, largest growth a tree first: the columns of `by`, `before_ms`,
        `after_ms` (time on the critical path a tree, 0 where a side has none), `delta_ms` (after − before: they add up
        to the change of the mean root duration), `before_share`, `after_share` (of all time on the side's critical
        paths, 0 to 1), `delta_share`.

    Raises:
        MissingColumns: a frame is no result of `critical_path_profile`, or has another `by`.

    Source: Gregg, Differential Flame Graphs (2014): one profile less the other; profiles as in
    `critical_path_profile`.

    >>> from datetime import datetime
    >>> at = [datetime(2026, 1, 1, 12, 0, second) for second in range(11)]
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 2, "span_id": ["a", "b"], "parent_span_id": [None, "a"],
    ...     "name": ["page", "query"], "start": [at[0], at[1]], "end": [at[10], at[5]],
    ... })
    >>> profiles = [critical_path_profile(s) for s in (spans, spans.with_columns(end=pl.Series([at[10], at[8]])))]
    >>> profile_difference(*profiles).select("name", "before_ms", "after_ms", "delta_ms").collect().rows()
    [('query', 4000.0, 7000.0, 3000.0), ('page', 6000.0, 3000.0, -3000.0)]
    """
    sides = [before.lazy(), after.lazy()]
    told = [*_BAND, *_NUMBERS]
    keys = [name for name in sides[0].collect_schema().names() if name not in told]
    exact = (pl.col("critical_ms") * 1000).round().cast(pl.Int64)
    parts, wholes = [], []
    for side, profile in zip(("before", "after"), sides, strict=True):
        require(profile, *keys, *told)
        parts.append(profile.select(*keys, exact.alias("_time"), pl.lit(side).alias("_side")))
        trees = pl.col("trees").filter(pl.col("band").is_first_distinct()).sum()
        wholes.append(profile.select(trees.alias(f"_{side}_trees"), exact.sum().alias(f"_{side}_whole")))
    by_side = [pl.col("_time").filter(pl.col("_side") == side).sum().alias(f"_{side}") for side in ("before", "after")]

    def part(side: str, whole: str) -> pl.Expr:
        divisor = pl.col(f"_{side}_{whole}")
        return pl.when(divisor > 0).then(pl.col(f"_{side}") / divisor).otherwise(0.0)

    added = pl.concat(parts).group_by(keys).agg(by_side) if keys else pl.concat(parts).select(by_side)
    told_apart = added.join(wholes[0], how="cross").join(wholes[1], how="cross").select(
        *keys,
        before_ms=milliseconds(part("before", "trees")),
        after_ms=milliseconds(part("after", "trees")),
        before_share=part("before", "whole"),
        after_share=part("after", "whole"),
    )  # fmt: skip
    return told_apart.select(
        *keys, "before_ms", "after_ms", (pl.col("after_ms") - pl.col("before_ms")).alias("delta_ms"),
        "before_share", "after_share", (pl.col("after_share") - pl.col("before_share")).alias("delta_share"),
    ).sort("delta_ms", *keys, descending=[True, *(False for _ in keys)])  # fmt: skip


def _edges(bands: Sequence[Share]) -> list[Share]:
    try:
        shares = [exact_share(band) for band in bands]
    except InvalidOption:
        shares = []
    if len(shares) < 2 or any(b <= a for a, b in pairwise(shares)):
        raise InvalidOption("bands", bands, "two or more rising shares from 0 to 1, such as (0, 0.5, 0.95, 1)")
    return list(shares)


def _bands(durations: NDArray[np.int64], edges: list[Share]) -> NDArray[np.int32]:
    """The band of each tree, −1 for those outside of all."""
    if not durations.size:
        return np.empty(0, np.int32)
    ordered = np.sort(durations)
    limits = np.array([ordered[index_of(edge, ordered.size)] for edge in edges])
    band = np.searchsorted(limits[1:], durations, side="left").astype(np.int32)
    outside = band == len(edges) - 1
    if exact_share(edges[0]) > 0:
        outside |= durations <= limits[0]
    return np.where(outside, np.int32(-1), band)


def _added_up(
    frame: pl.DataFrame,
    trees: Trees,
    sections: Sections,
    paths: CallPaths | None,
    columns: list[str],
    edges: list[Share],
) -> pl.DataFrame:
    """One row a (band, columns, path)."""
    band = _bands(trees.root_durations, edges)
    time = sections.end - sections.start
    parts = pl.LazyFrame({
        "band": band[trees.tree[sections.place]],
        "_place": sections.place,
        "_time": time,
        "_unsure": np.where(sections.ambiguous, time, 0),
    })
    keys = list(columns)
    row = pl.Series(trees.rows).gather(pl.Series(sections.place))
    parts = parts.with_columns(frame[column].gather(row) for column in columns)
    if paths is not None:
        keys.append("_path")
        parts = parts.with_columns(pl.Series("_path", paths.of_place[sections.place]))
    n_bands = len(edges) - 1
    whole = np.zeros(n_bands, np.int64)
    np.add.at(whole, band[band >= 0], trees.root_durations[band >= 0])
    of_band = pl.LazyFrame({
        "band": np.arange(n_bands, dtype=np.int32),
        "band_from": [float(exact_share(edge)) for edge in edges[:-1]],
        "band_to": [float(exact_share(edge)) for edge in edges[1:]],
        "trees": np.bincount(band[band >= 0], minlength=n_bands),
        "_whole": whole,
    })
    ratio = [
        pl.when(pl.col("_whole") > 0).then(pl.col("_time") / pl.col("_whole")).alias("share"),
        pl.when(pl.col("_time") > 0).then(pl.col("_unsure") / pl.col("_time")).otherwise(0.0).alias("ambiguous_share"),
    ]
    added = (
        parts.filter(pl.col("band") >= 0)
        .group_by("band", *keys)
        .agg(pl.len().cast(pl.Int64).alias("sections"), pl.col("_time").sum(), pl.col("_unsure").sum())
        .join(of_band, on="band")
        .with_columns(critical_ms=milliseconds(pl.col("_time")))
        .with_columns(mean_ms=pl.col("critical_ms") / pl.col("trees"))
        .with_columns(ratio)
        .sort("band", "_time", *keys, descending=[False, True, *(False for _ in keys)], nulls_last=True)
        .collect()
    )
    if paths is not None:
        added = added.with_columns(paths.texts(added["_path"].cast(pl.Int64).to_numpy()))
    return added
