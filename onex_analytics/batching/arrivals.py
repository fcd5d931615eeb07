"""When events come, and how large they are: a log as kernels read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require


class Arrivals(NamedTuple):
    """Events by who batches them, and by time."""

    times: NDArray[np.int64]
    """Microseconds."""
    sizes: NDArray[np.int64]
    firsts: NDArray[np.int64]
    """Where the events of each batcher begin, and the number of all."""
    unsized: int

    @property
    def begin(self) -> int:
        """When the first event came."""
        return int(self.times[self.firsts[:-1]].min())

    @property
    def end(self) -> int:
        """When the last event came."""
        return int(self.times[self.firsts[1:] - 1].max())


def arrivals_of(events: pl.LazyFrame, by: str | Iterable[str], weighs: bool) -> Arrivals:
    """The events of a log.

    Args:
        events: reads `timestamp`, the columns of `by`, and `size_bytes` where it is there.
        by: whose values have a batcher each.
        weighs: whether sizes are needed.

    >>> rows = {"timestamp": [3, 1, 2], "size_bytes": [30, 10, None], "node": ["a", "b", "a"]}
    >>> found = arrivals_of(pl.LazyFrame(rows).cast({"timestamp": pl.Datetime("us")}), "node", True)
    >>> found.times.tolist(), found.sizes.tolist(), found.firsts.tolist(), found.unsized
    ([2, 3, 1], [20, 30, 10], [0, 2, 3], 1)
    """
    read, keys = events.lazy(), names(by)
    known = "size_bytes" in read.collect_schema().names()
    require(read, "timestamp", *keys, *(("size_bytes",) if weighs else ()))
    time = pl.col("timestamp").cast(pl.Datetime("us")).to_physical()
    size = pl.col("size_bytes").cast(pl.Int64) if known else pl.lit(0, pl.Int64)
    who = pl.struct(keys).rank("dense") if keys else pl.lit(1)
    rows = read.select(who=who.cast(pl.UInt32), time=time, size=size).collect()
    if nulls := rows["time"].null_count():
        raise InvalidOption("timestamp", f"null in {nulls:,} rows", "a time for each event: filter those without first")
    if keys or not rows["time"].is_sorted():
        rows = rows.sort("who", "time", maintain_order=True)
    if (rows["size"] < 0).any():
        raise InvalidOption("size_bytes", rows["size"].min(), "bytes, none below 0")
    unsized = rows["size"].null_count()
    if unsized:
        if weighs and unsized == rows.height:
            raise InvalidOption("size_bytes", "null in all rows", "sizes of events, as a store gives them")
        usual = rows["size"].mean()
        rows = rows.with_columns(pl.col("size").fill_null(round(usual) if isinstance(usual, float) else 0))
    changes = np.flatnonzero(np.diff(rows["who"].to_numpy())) + 1 if keys else np.empty(0, np.int64)
    firsts = np.concatenate([[0], changes, [rows.height]]).astype(np.int64)
    return Arrivals(_readonly(rows["time"]), _readonly(rows["size"]), firsts, unsized)


def _readonly(column: pl.Series) -> NDArray[np.int64]:
    """The numbers as one and the same type of array, for which the kernel is compiled once."""
    numbers = column.to_numpy().view()
    numbers.flags.writeable = False
    return numbers
