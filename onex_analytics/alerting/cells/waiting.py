"""Events that wait until their ticks are closed, where more than their sums is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.cells.batches import Batch, Bools

HEAD = {"key": pl.Int32(), "at": pl.Int64(), "event_id": pl.String()}
"""Label set, time in microseconds, and the id that orders events of one time."""

Columns: TypeAlias = Mapping[str, NDArray[Any] | pl.Series]


class Keeper:
    """Something that keeps events of its own, and gives steps or moments that others give steps of."""

    untracked = 0
    sees_all = False  # events of label sets that are not held too; their key is -1


class Waiting:
    """Rows of events, given out when their ticks close."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.schema = pl.Schema({**HEAD, **schema})
        self._frames: list[pl.DataFrame] = []

    def add(self, batch: Batch, rows: Bools, columns: Columns) -> None:
        """Keep the chosen events of a batch; `columns` are of all of its events."""
        if not rows.any():
            return
        held = {"key": batch.keys, "at": batch.times, "event_id": batch.events["event_id"], **columns}
        frame = self._frame(held)
        self._frames.append(frame if rows.all() else frame.filter(pl.Series(rows)))

    def put(self, columns: Columns) -> None:
        """Keep rows of these columns."""
        self._frames.append(self._frame(columns))

    def _frame(self, columns: Columns) -> pl.DataFrame:
        return pl.DataFrame({name: columns[name] for name in self.schema}, schema_overrides=dict(self.schema))

    def due(self, end: int, before: pl.DataFrame | None = None) -> pl.DataFrame:
        """The events up to `end`, in no order; `before`: rows that are put in front of them."""
        held = pl.concat([pl.DataFrame(schema=self.schema), *self._frames], rechunk=False)
        here = held["at"] <= end
        if here.all():
            self._frames, found = [], held
        else:
            self._frames, found = [held.filter(~here)], held.filter(here)
        return found if before is None or not before.height else pl.concat([before, found])

    def state(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=self.schema), *self._frames])

    def restore(self, held: object) -> None:
        assert isinstance(held, pl.DataFrame)
        self._frames = [held] if held.height else []


def text(column: str) -> pl.Expr:
    """A column's value as text, by which values are told apart."""
    return pl.col(column).cast(pl.String)


def numbered(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """A number for each row, equal where the columns are; numbers begin with the first row and have no gaps."""
    if not frame.height:
        return np.empty(0, np.int64)
    ranks = frame.select(pl.struct(columns).alias("one")).with_row_index("row")
    firsts = ranks.group_by("one").agg(pl.col("row").min()).sort("row").with_row_index("number")
    found = ranks.join(firsts.select("one", "number"), on="one", how="left", maintain_order="left", nulls_equal=True)
    return found["number"].to_numpy().astype(np.int64)
