"""Events as arrays for design errors: trace by trace, with the stratum, the group and the values of each.

A stratum is all events of which every policy keeps the same share. What shares one randomness is one trace, however
its id is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import MissingColumns
from onex_analytics.frames.clusters import cluster_codes
from onex_analytics.frames.columns import require
from onex_analytics.frames.grouping import Grouping, streamed
from onex_analytics.frames.outcomes import failed, finished
from onex_analytics.frames.quantiles import Share, exact_share, index_of
from onex_analytics.sampling import segment_kernels as kernels
from onex_analytics.sampling.deciding import IDS
from onex_analytics.sampling.metrics import Metric
from onex_analytics.sampling.policies import Scope
from onex_analytics.sampling.randomness import randomness_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]


class Segments(NamedTuple):
    """What each trace adds up to in each group, as `segment_kernels.by_group` gives it."""

    begins: NDArray[np.int64]
    times: NDArray[np.int64]
    cells: NDArray[np.int64]
    stratum: Codes
    num: Floats
    den: Floats


@dataclass(frozen=True, eq=False)
class Population:
    """Events, trace by trace."""

    begins: NDArray[np.int64]
    """Where each trace begins."""
    stratum: Codes
    strata: pl.DataFrame
    """The facts of each stratum, as they were read."""
    without_id: int
    """The stratum of events without an id, the last."""
    group: Codes
    groups: pl.DataFrame
    """The columns of `by`, one row a group."""
    columns: dict[str, NDArray[np.generic]]
    seconds: float
    """From the first event to the last; NaN where no metric asked."""

    @property
    def size(self) -> int:
        return len(self.stratum)

    def weight(self) -> Floats:
        """Events of the log that each row stands for: its adjusted count, where the log had been sampled before."""
        return self.numbers("weight") if "weight" in self.columns else np.ones(self.size)

    def renumbered(self, numbers: Codes, last: int) -> Population:
        """The same events in other strata: `numbers` says in which each stratum is, and `last` is the last of them."""
        return replace(self, stratum=numbers[self.stratum], without_id=last)

    def parts(self, metric: Metric, at: Floats | None = None, group: Codes | None = None) -> Parts:
        """What a metric adds up of each event, and of which events.

        Args:
            at: of a quantile, the value that it has in each group of `group`: what is asked is the share up to it.
        """
        weight, everything, nothing = self.weight(), np.ones(self.size, np.bool_), np.empty(0)
        match metric.kind:
            case "count":
                return Parts(everything, weight, nothing)
            case "rate":
                return Parts(everything, weight / (metric.seconds or self.seconds), nothing)
            case "error_rate":
                is_in = self.flags("finished") if metric.denominator == "finished" else everything
                return Parts(is_in, weight * self.flags("failed"), weight * is_in)
        value = self.values(metric)
        is_in = ~np.isnan(value)
        if metric.kind == "quantile":
            assert at is not None and group is not None
            return Parts(is_in, weight * (value <= at[group]), weight)
        return Parts(is_in, weight * np.where(is_in, value, 0.0), weight if metric.kind == "mean" else nothing)

    def values(self, metric: Metric) -> Floats:
        """The values of the column of a metric; NaN where there is none."""
        return self.numbers(f"value {metric.column}")

    def numbers(self, name: str) -> Floats:
        return self.columns[name].astype(np.float64, copy=False)

    def flags(self, name: str) -> Flags:
        return self.columns[name].astype(np.bool_, copy=False)

    def added(self, parts: Parts, grouped: bool) -> Segments:
        """What each trace adds up to, overall or by group."""
        group = self.group if grouped else np.zeros(self.size, np.int32)
        found = kernels.segments(self.begins, group, self.stratum, self.without_id + 1, *parts)
        return Segments(*kernels.by_group(*found, self.groups.height if grouped else 1))


class Parts(NamedTuple):
    """What is added up of each event: whether it counts, the numerator, and the denominator (empty where none)."""

    inside: Flags
    num: Floats
    den: Floats


def gathered(
    events: pl.LazyFrame, scope: Scope, facts: Sequence[str], by: Sequence[str], metrics: Iterable[Metric],
    further: Iterable[str] = (), weight: str | None = "adjusted_count",
) -> Population:  # fmt: skip
    """Read the events once.

    Args:
        events: one row an event; reads the ids of `scope`, `facts`, `by`, what `metrics` read and `further`.
        facts: what strata differ in. Events without an id are a stratum of their own where facts are texts: they are
            kept whatever these are.
        further: columns of numbers to keep as they are, such as `size_bytes`; a null is 0.
        weight: what an event stands for, where the column is there.

    Raises:
        MissingColumns: one of these is absent.
    """
    metrics, further = list(metrics), list(further)
    read = {column for metric in metrics for column in metric.reads}
    require(events, *IDS[scope], *facts, *by, *read, *further)
    schema = events.collect_schema()
    if odd := [m.column for m in metrics if m.column and not schema[m.column].is_numeric()]:
        raise MissingColumns(odd, schema.names(), "Mend: name a column of numbers.")
    ids = [pl.when(pl.col(name).cast(pl.String) != "").then(pl.col(name).cast(pl.String)) for name in IDS[scope]]
    columns = {f"value {m.column}": pl.col(m.column).cast(pl.Float64).fill_null(float("nan"))
               for m in metrics if m.column}  # fmt: skip
    columns |= {name: pl.col(name).cast(pl.Float64).fill_null(0.0) for name in further}
    if "outcome" in read:
        columns |= {"failed": failed().fill_null(False), "finished": finished().fill_null(False)}
    if weight is not None and weight in schema:
        columns["weight"] = pl.col(weight).fill_null(1.0).cast(pl.Float64)
    times = {"_micros": pl.col("timestamp").dt.epoch("us")} if "timestamp" in read else {}
    kinds, groups = Grouping([f"fact {name}" for name in facts]), Grouping([f"by {name}" for name in by])
    frame = events.select(
        pl.coalesce(ids).alias("_id"),
        *((pl.col(n) if schema[n].is_float() else pl.col(n).cast(pl.String)).alias(f"fact {n}") for n in facts),
        *(pl.col(name).alias(f"by {name}") for name in by),
        **columns, **times,
    )  # fmt: skip
    batches: list[dict[str, NDArray[np.generic]]] = []

    def coded(grouping: Grouping, part: pl.DataFrame) -> Codes:
        return grouping.codes(part) if part.height else np.empty(0, np.int32)

    def take(part: pl.DataFrame) -> None:
        batch: dict[str, NDArray[np.generic]] = {
            "_random": randomness_of(part["_id"]), "_without": part["_id"].is_null().to_numpy(),
            "_stratum": coded(kinds, part), "_group": coded(groups, part),
        }  # fmt: skip
        batches.append(batch | {name: part[name].to_numpy() for name in (*columns, *times)})

    streamed(frame, take)
    if not batches:
        take(frame.head(0).collect())
    whole = {name: np.concatenate([batch.pop(name) for batch in batches]) for name in list(batches[0])}
    strata, own = _told(kinds, "fact "), _told(groups, "by ")
    without = whole.pop("_without")
    drawn = pl.Series(whole.pop("_random"))
    clusters, count = cluster_codes(pl.select(pl.when(pl.lit(pl.Series(~without))).then(drawn)).to_series())
    order, begins = kernels.in_order(clusters, count)
    codes = whole.pop("_stratum")
    if not any(schema[name].is_float() for name in facts):
        codes[without] = strata.height
    micros = whole.pop("_micros", np.empty(0))
    seconds = float(micros.max() - micros.min()) / 1e6 if micros.size else float("nan")
    return Population(
        begins, codes[order], strata, strata.height, whole.pop("_group")[order], own,
        {name: whole.pop(name)[order] for name in columns}, seconds or float("nan"),
    )  # fmt: skip


def _told(grouping: Grouping, prefix: str) -> pl.DataFrame:
    """What the numbers of a grouping stand for; one row where it is of no columns."""
    rows = grouping.rows()
    if not grouping.keys:
        return pl.DataFrame({"all": [True]})
    if rows.is_empty():
        return pl.DataFrame({name.removeprefix(prefix): [] for name in grouping.keys})
    return rows.select(pl.col(grouping.keys).name.map(lambda name: name.removeprefix(prefix)))


class Ranked:
    """The values of some events in order, group by group, to be asked for quantiles.

    >>> ranked = Ranked(np.array([3.0, 1.0, 2.0]), None, np.zeros(3, np.int32), 1)
    >>> ranked.quantile(0.5).tolist(), ranked.at(np.array([0.99])).tolist()
    ([2.0], [3.0])
    """

    def __init__(self, values: Floats, weights: Floats | None, group: Codes, groups: int) -> None:
        order = np.argsort(values, kind="stable")
        order = order[np.argsort(group[order].astype(np.uint16 if groups < 1 << 16 else np.int32), kind="stable")]
        self._values = values[order]
        self._begins = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))])
        self._weights = None if weights is None or (weights == 1).all() else weights[order]

    def quantile(self, q: Share) -> Floats:
        """The value at a share, of nearest rank, in each group; NaN where it has none."""
        if self._weights is not None:
            return self.at(np.full(len(self._begins) - 1, float(exact_share(q))))
        sizes = np.diff(self._begins)
        places = [index_of(q, int(n)) if n else 0 for n in sizes]
        return self._told(self._begins[:-1] + np.array(places, np.int64))

    def at(self, shares: Floats) -> Floats:
        """The smallest value up to which there is such a share of each group; NaN beyond 0 and 1."""
        sizes = np.diff(self._begins)
        if self._weights is None:
            places = np.ceil(np.nan_to_num(shares) * sizes - 1e-9).astype(np.int64) - 1
        else:
            places = np.zeros(len(sizes), np.int64)
            for g in np.flatnonzero(sizes):
                sums = np.cumsum(self._weights[self._begins[g] : self._begins[g + 1]])
                places[g] = np.searchsorted(sums, shares[g] * sums[-1] * (1 - 1e-12))
        told = self._told(self._begins[:-1] + np.clip(places, 0, np.maximum(sizes - 1, 0)))
        return np.where((shares > 0) & (shares < 1), told, np.nan)

    def _told(self, places: NDArray[np.int64]) -> Floats:
        there = np.diff(self._begins) > 0
        found = np.full(len(there), np.nan)
        found[there] = self._values[places[there]]
        return found
