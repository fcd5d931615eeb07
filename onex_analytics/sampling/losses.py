"""What would never be seen again: groups of errors, error codes, and work that began and never ended.

Whoever keeps the start of finished work without its end makes it look unfinished. Events of one node and one
correlation id are taken for one piece of work each time: the k-th start and the k-th end, in the order of the log.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.error_names import canonical_code
from onex_analytics.frames.outcomes import failed, finished, started
from onex_analytics.sampling.designs import kept_of_groups, of_each
from onex_analytics.sampling.populations import Flags, Floats, Parts, Population
from onex_analytics.sampling.strata import Look

LOSSES = pl.Schema({
    "policy": pl.String(),
    "what": pl.String(),             # error: failures of a node and code; code: an error code; unfinished: of a node
    "node": pl.String(),             # null for a code
    "error": pl.String(),            # the code in its long form, else the type; null for unfinished work
    "events": pl.Int64(),            # of the log: failures, events that name the code, or starts without an end
    "traces": pl.Int64(),            # that hold them: as many draws
    "events_kept": pl.Float64(),     # on average over draws
    "never_seen": pl.Float64(),      # chance that none of them is kept, 0 to 1
})  # fmt: skip
"""One row a policy and a thing that may be lost: by policy, the rarest first."""

Rows = NDArray[np.int64]
WORK, ENDS = "which work", "is its end"
_BITS = 12
"""A hash without its lowest bits is a whole number that a float holds exactly."""


def lost(look: Look) -> tuple[list[pl.DataFrame], pl.DataFrame | None]:
    """What policies lose, as far as the columns tell.

    Returns:
        Tables of `LOSSES`, in which `_policy` is the policy's number; and one row a policy: `_policy`, and how many
        pieces of finished work have their start kept without their end on average, `torn_starts`, and the other way
        round, `torn_ends`. None where nothing says which events are one piece of work.
    """
    names = set(look.events.collect_schema().names())
    texts = look.events.with_columns(pl.col("^error_(code|type)$").cast(pl.String))
    told = [of for of in (canonical_code(), pl.col("error_type")) if of.meta.output_name() in names]
    named = look.over(texts.with_columns(pl.coalesce([*told, pl.lit("unknown")]).alias("error")))
    found = []
    for what, read, by, where in (
        ("error", {"outcome", "node"}, ["node", "error"], failed()),
        ("code", {"error_code"}, ["error"], pl.col("error_code").is_not_null()),
    ):
        if read <= names:
            population, shares = named.population(by, where=where)
            found.append(_table(population, shares, look.which, what, np.ones(population.size, np.bool_)))
    if not {"outcome", "node", "correlation_id", "family"} <= names:
        return found, None
    is_work = pl.col("family").is_in(["node", "telemetry"])
    key = pl.struct("correlation_id", "family", pl.when(is_work).then("node"))
    work = look.over(look.events.with_columns(
        (key.hash() // (1 << _BITS)).cast(pl.Float64).alias(WORK), finished().cast(pl.Float64).alias(ENDS)
    ))  # fmt: skip
    where = pl.col("correlation_id").is_not_null() & (started() | finished())
    population, shares = work.population(["node"], further=[WORK, ENDS], where=where)
    ends, is_open = _paired(population)
    found.append(_table(population, shares, look.which, "unfinished", is_open))
    return found, _torn(population, shares, look.which, ends)


def _table(population: Population, shares: Floats, which: Sequence[int], what: str, inside: Flags) -> pl.DataFrame:
    told = kept_of_groups(population, shares, Parts(inside, np.ones(population.size), np.empty(0)))
    rows = pl.concat([of_each(which, population.groups), told], how="horizontal")
    return rows.filter(pl.col("events") > 0).with_columns(what=pl.lit(what))


def _paired(population: Population) -> tuple[Rows, Flags]:
    """The row of the end that belongs to each start, −1 where none does; and which rows are starts without one."""
    work, ends = population.numbers(WORK), population.numbers(ENDS) > 0
    order = np.argsort(2 * work + ends, kind="stable")  # the starts of a piece of work, and then its ends
    begins = np.flatnonzero(np.diff(work[order], prepend=-1.0))
    sizes = np.diff(begins, append=len(order))
    starts = np.add.reduceat(~ends[order], begins, dtype=np.int64) if len(order) else np.zeros(0, np.int64)
    begin, first_end, size = (np.repeat(of, sizes) for of in (begins, starts, sizes))
    rank = np.arange(len(order)) - begin
    has_end = ~ends[order] & (rank < size - first_end)
    found = np.full(len(order), -1, np.int64)
    found[order[has_end]] = order[(begin + first_end + rank)[has_end]]
    return found, ~ends & (found < 0)


def _torn(population: Population, shares: Floats, which: Sequence[int], ends: Rows) -> pl.DataFrame:
    """Of finished work, how often one end is kept without the other: alike the draw, only the greater share is."""
    trace = np.repeat(np.arange(len(population.begins) - 1), np.diff(population.begins))
    starts = np.flatnonzero(ends >= 0)
    strata = shares.shape[1]
    pairs = (population.stratum[starts].astype(np.int64) * strata + population.stratum[ends[starts]]) * 2
    found, times = np.unique(pairs + (trace[starts] == trace[ends[starts]]), return_counts=True)
    (start, end), together = np.divmod(found // 2, strata), found % 2
    of_start, of_end = shares[:, start], shares[:, end]
    both = np.where(together == 1, np.minimum(of_start, of_end), of_start * of_end)
    return pl.DataFrame({
        "_policy": which, "torn_starts": (of_start - both) @ times, "torn_ends": (of_end - both) @ times,
    })  # fmt: skip
