"""Errors that draw others after them: in which order they come within a trace, and where each begins."""

from __future__ import annotations

import math
from collections.abc import Iterable

import polars as pl

from onex_analytics.error_patterns.episodes import by_time, by_work, timed
from onex_analytics.error_patterns.links import links_of
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require, require_times
from onex_analytics.frames.windows import width_seconds

_COUNTED = (
    "traces", "reversed_traces", "simultaneous_traces", "joined_traces", "lag_p50_ms", "share_followed", "lift",
    "share_direct", "share_root", "p", "q", "n_tests",
)  # fmt: skip
_LONGEST = 12
_DIRECT = 0.5


def cascades(
    errors: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = ("node", "error_code"),
    within: str | None = "trace_id",
    *,
    join_alone: bool = True,
    max_gap: str = "1m",
    min_traces: int = 3,
    min_odds: float = 3.0,
    max_false_discovery: float = 0.05,
) -> pl.DataFrame:
    """Chains of errors that come in one order within a trace: A → B, and A → B → C where it goes on.

    In each trace a group counts once, when it first comes. A → B is where B first comes after A, at most `max_gap`
    later; the sign test asks whether that is the order more often than B → A. Pairs that pass are the links of chains;
    a chain goes on only over links that are direct: where in most of its traces no other error comes in between. So
    of A → B → C, the pair A → C is told with its share of direct traces and is no link.

    Nodes that name neither trace nor parent leave their errors alone in their traces. Where `started_at` says how long
    the failed work took, an error that is alone joins the error of the shortest work during which it came. Work is
    taken to reach as far beyond its end as it took, so that what has nothing to do with it joins on either side alike,
    and the order of those that joined is a fair test, too. Traces of several errors are never made one.

    A call ends before its caller does, so of two that fail by themselves in one trace the callee comes first as well.
    So only pairs are tested of which the one is at least `min_odds` times as likely with the other as without it, as
    far as such many traces tell (Fisher's exact test, 95 %); those that are in nearly all traces, of which none can
    tell, are tested, too. It does not matter to this in which order they come, so the tests of the order stay fair.

    Args:
        errors: one row an error, such as `errors_of` gives; reads `timestamp`, `within`, the columns of `by`, and
            `started_at` where it is there. Rows without a trace or a time are left out.
        by: what names a group of errors.
        within: what holds a chain together. None for time alone: then errors that follow each other with at most
            `max_gap` between them are one episode, and a short one, such as "100ms", tells most.
        join_alone: False leaves errors that are alone in their trace alone.
        max_gap: the longest time from one error to the next, as a Polars duration; work counts for no more.
        min_traces: a pair that comes in fewer traces, in either order, is not tested; a chain of fewer is not told.
        min_odds: how many times the odds to have the one in a trace with an error must be higher where the other is; 0
            takes every pair.
        max_false_discovery: of the links, above 0 and below 1 (over all pairs tested, see `orders.sign_q` and
            `orders.evenly_shared`): the more of the pairs have an order at all, the fewer repetitions show one.

    Returns:
        One row a chain, the longest of the most frequent first:

        - `chain`: its groups in order, as structs of the columns of `by`; `length`: how many, 2 or more.
        - `traces`: in which they come in this order; of pairs also `reversed_traces` and `simultaneous_traces`.
        - `joined_traces`: those of `traces` that no node told of: one of the errors joined another.
        - `lag_p50_ms`: the median time from the first to the last.
        - `share_followed`: P(last | those before it came in this order), 0 to 1; `lift`: how many times as likely that
          is than the last is in any trace with an error.
        - `share_direct`: share of the traces in which no other group came between the last two.
        - `share_root`: share of the traces in which nothing went wrong before the first.
        - `p`, `q`: of the sign test of the last link; `n_tests`: tests tried, two a pair.

    Raises:
        InvalidOption: an option out of its range, or times that are none.

    Source: the sign test and its q: see `orders`. That tests are chosen by what says nothing of their outcome: Bourgon,
    Gentleman and Huber, PNAS 107 (2010) 9546. Chains by extension as in sequential patterns: Agrawal and Srikant,
    Mining sequential patterns, ICDE 1995.

    >>> from datetime import datetime, timedelta
    >>> rows = [(str(trace), datetime(2026, 11, 2, trace, 0, place), code)
    ...         for trace in range(8) for place, code in enumerate("ABC")]
    >>> frame = pl.DataFrame(rows, ["trace_id", "timestamp", "error_code"], orient="row")
    >>> for chain, traces, direct in cascades(frame, "error_code").select("chain", "traces", "share_direct").rows():
    ...     print(" → ".join(group["error_code"] for group in chain), traces, direct)
    A → B → C 8 1.0
    A → B 8 1.0
    A → C 8 0.0
    B → C 8 1.0
    """
    if min_traces < 1:
        raise InvalidOption("min_traces", min_traces, "1 or more")
    if not 0 < max_false_discovery < 1:
        raise InvalidOption("max_false_discovery", max_false_discovery, "a share above 0 and below 1, such as 0.05")
    if not 0 <= min_odds < math.inf:
        raise InvalidOption("min_odds", min_odds, "a ratio of odds, such as 3; 0 asks for none")
    keys, gap_us = names(by), int(width_seconds(max_gap) * 1e6)
    rows = require(errors.lazy(), "timestamp", *([within] if within else []), *keys)
    begins = [name for name in ("started_at",) if name in rows.collect_schema()]
    require_times(rows, "timestamp", *begins)
    if within is None:
        members = by_time(rows, gap_us)
    elif join_alone and begins:
        members = by_work(rows, within, gap_us)
    else:
        members = timed(rows, within)
    first, groups = _first_seen(members, keys)
    steps = _steps(first, gap_us)
    links, n_tests = links_of(steps, first, min_traces=min_traces, min_odds=min_odds, rate=max_false_discovery)
    told = pl.concat(_levels(steps, links, first, min_traces))
    named = told.with_columns(
        pl.col("chain").list.eval(pl.element().replace_strict(groups["_group"], groups["_name"])),
        pl.col("chain").list.len().cast(pl.Int64).alias("length"),
        pl.lit(n_tests, pl.Int64).alias("n_tests"),
    )
    in_order = named.sort(-pl.col("traces"), -pl.col("length"), told["chain"])
    return in_order.select("chain", "length", *_COUNTED)


def _first_seen(members: pl.LazyFrame, keys: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """When each group first came in each trace (`_trace`, `_own`, `_group`, `_at`, its `_rank` in time, `_is_root`),
    and the groups by number. Of errors that joined, the one nearest to what they joined counts, on either side."""
    nearest = [pl.col(name).sort_by("_distance", "_at", "_own").first() for name in ("_own", "_at")]
    seen = members.group_by("_trace", pl.struct(keys).alias("_name")).agg(nearest).collect()
    groups = seen.select(pl.col("_name").unique()).sort(pl.col("_name").struct.unnest(), nulls_last=True)
    groups = groups.with_row_index("_group")
    rank = pl.col("_at").rank("dense").over("_trace").alias("_rank")
    first = seen.join(groups, on="_name", nulls_equal=True).select("_trace", "_own", "_group", "_at", rank)
    return first.with_columns((pl.col("_rank") == 1).alias("_is_root")), groups


def _steps(first: pl.DataFrame, gap_us: int) -> pl.DataFrame:
    """One row a (trace, group, other group that came with it or after it, at most the gap later)."""
    later = first.select("_trace", *(pl.col(name).alias(f"{name}_next") for name in ("_own", "_group", "_at", "_rank")))
    lag, is_other = pl.col("_at_next") - pl.col("_at"), pl.col("_group_next") != pl.col("_group")
    return (
        first.lazy()
        .join(later.lazy(), on="_trace")
        .filter(is_other & lag.is_between(0, gap_us))
        .with_columns(
            lag.alias("_lag"),
            (pl.col("_rank_next") - pl.col("_rank") <= 1).alias("_is_direct"),
            (pl.col("_own_next") != pl.col("_own")).alias("_is_joined"),
        )
        .drop("_own", "_own_next")
        .collect()
    )


def _levels(steps: pl.DataFrame, links: pl.DataFrame, first: pl.DataFrame, min_traces: int) -> list[pl.DataFrame]:
    """The chains of two, three, … groups: one row a chain, `chain` a list of group numbers."""
    every = first["_trace"].n_unique()
    seen = first.group_by("_group").agg(pl.len().alias("_seen"))
    known = ("reversed_traces", "simultaneous_traces", "p", "q", "_share")
    taken = steps.filter(pl.col("_lag") > 0).join(
        links.select("_group", "_group_next", *known), on=["_group", "_group_next"]
    )
    direct = taken.filter(pl.col("_share") >= _DIRECT)
    start = first.join(seen, on="_group").select(
        "_trace", pl.concat_list("_group").alias("chain"), "_group", pl.col("_at").alias("_begin"), "_is_root",
        pl.col("_seen").alias("_before"), pl.lit(True).alias("_leads_on"), pl.lit(False).alias("_has_joined"),
    )  # fmt: skip
    levels = [start.clear().pipe(_extended, taken, seen, every, min_traces)[0]]
    while len(levels) < _LONGEST and start.height:
        told, start = _extended(start, taken, seen, every, min_traces)
        if len(levels) > 1:  # only a pair has been counted in both orders
            told = told.with_columns(pl.lit(None, pl.Int64).alias(name) for name in known[:2])
        levels.append(told)
        taken = direct
    return levels


def _extended(
    started: pl.DataFrame, taken: pl.DataFrame, seen: pl.DataFrame, every: int, min_traces: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Chains with one group more, and the traces in which they go on from there."""
    steps = started.filter("_leads_on").join(taken.drop("_at", "_rank", "_is_root"), on=["_trace", "_group"])
    longer = steps.with_columns(
        pl.concat_list("chain", "_group_next").alias("chain"), pl.col("_has_joined") | pl.col("_is_joined")
    )
    told = (
        longer.group_by("chain")
        .agg(
            pl.len().cast(pl.Int64).alias("traces"),
            pl.col("_has_joined").sum().cast(pl.Int64).alias("joined_traces"),
            ((pl.col("_at_next") - pl.col("_begin")).median() / 1000).alias("lag_p50_ms"),
            pl.col("_is_direct").mean().alias("share_direct"),
            pl.col("_is_root").mean().alias("share_root"),
            pl.col("_before", "_group_next", "reversed_traces", "simultaneous_traces", "p", "q", "_share").first(),
        )
        .filter(pl.col("traces") >= min_traces)
        .join(seen, left_on="_group_next", right_on="_group")
        .with_columns((pl.col("traces") / pl.col("_before")).alias("share_followed"))
        .with_columns((pl.col("share_followed") * every / pl.col("_seen")).alias("lift"))
    )
    going_on = longer.join(told.select("chain", pl.col("traces").alias("_before")), on="chain", suffix="_now").select(
        "_trace", "chain", pl.col("_group_next").alias("_group"), "_begin", "_is_root",
        pl.col("_before_now").alias("_before"), (pl.col("_share") >= _DIRECT).alias("_leads_on"), "_has_joined",
    )  # fmt: skip
    return told.select("chain", *(name for name in _COUNTED if name != "n_tests")), going_on
