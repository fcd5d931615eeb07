"""The spans that are kept, as an update looks through them: hashes of all, rows of those that are asked for.

Every span has a number: its place among the rows of the settled files, one file after another, and then of the file of
loose spans. Rows that were replaced keep their number and are never found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.spans.keys import frozen
from onex_analytics.frames.spans.materialising import LINKED_BY, MADE_BY_LINKING
from onex_analytics.store.beside import read_beside
from onex_analytics.store.failures import in_our_words
from onex_analytics.store.hash_table import insert, places_of
from onex_analytics.store.span_keys import INDEX, NO_HASH
from onex_analytics.store.storage import StoredFile, Table

ROW_GROUP_ROWS = 1 << 12
"""Few, because an update looks for single rows."""

INDEXED = (*INDEX, "_whole", "start", "end", "_first", "_last")
"""What an update looks through: columns that stand in a file of their own beside each settled file."""

REPLACED = pl.Schema({"file": pl.String(), "row": pl.Int64()})
"""A row of a settled file that is not a span any more: another one stands in its place."""

SIDES = ("loose", "loose_events", "replaced")
"""Files of the table beside the settled spans: those that are loose, the events of their pairs, and what was replaced
in settled files. Each commit says which they are."""

Hashes = NDArray[np.int64]
Numbers = NDArray[np.int64]
_SPARE = 6  # bits of the bitmap beyond those that number the keys: one other hash of 64 gets through
_SCATTERED = 4


class Kept:
    """The spans that are kept: the hashes of all, the rows of those that are asked for.

    Args:
        table: of the spans.
        shape: all columns of a span that is kept.
        said: what the last commit said.
    """

    def __init__(self, table: Table, shape: Mapping[str, pl.DataType], said: Mapping[str, Any]) -> None:
        self.table, self.shape, self.said = table, shape, said
        files = {file.path: file for file in table.files()}
        self.files = [files[path] for path in said["settled"]]
        self.indexes = [files[path] for path, _ in said["settled"].values()]
        self.sides = {side: [files[said[side]]] if said[side] else [] for side in SIDES}
        self.begins = np.cumsum([0, *(file.rows for file in self.files)])
        self.settled = int(self.begins[-1])
        self.index = read_beside(table, self.indexes, {name: shape[name] for name in INDEXED})
        self.replaced = read_beside(table, self.sides["replaced"], REPLACED)
        loose = read_beside(table, self.sides["loose"], shape)
        self.loose = loose.with_columns(_at=pl.int_range(self.settled, self.settled + pl.len(), dtype=pl.Int64))
        begins = pl.DataFrame(
            {"file": [file.path for file in self.files], "begin": self.begins[:-1]},
            schema={"file": pl.String(), "begin": pl.Int64()},
        )
        gone = self.replaced.join(begins, on="file").select(pl.col("begin") + pl.col("row"))
        self.gone = gone.to_series().to_numpy()
        self._stays = np.ones(self.settled, np.bool_)
        self._stays[self.gone] = False
        self._loose_events: pl.DataFrame | None = None

    # ------------------------------------------------------------------ finding

    def bearing(self, name: str, wanted: pl.Series) -> Numbers:
        """The spans that have one of some hashes."""
        loose = _bearing(self.loose[name], wanted.unique().to_numpy(), 0, self.loose.height) + self.settled
        return np.concatenate([self.settled_bearing(name, wanted, 0, self.settled), loose])

    def settled_bearing(self, name: str, wanted: pl.Series, begin: int, end: int) -> Numbers:
        """The settled spans, of those numbered from `begin` to `end`, that have one of some hashes."""
        at = _bearing(self.index[name], wanted.unique().to_numpy(), begin, end)
        return at[self._stays[at]]

    def files_until(self, moment: int) -> list[tuple[int, int]]:
        """Stretches of the numbers of settled spans: those of files that may hold an event at that moment or later."""
        return [
            (int(begin), int(end))
            for (_, latest), begin, end in zip(
                self.said["settled"].values(), self.begins[:-1], self.begins[1:], strict=True
            )
            if latest >= moment
        ]

    # ------------------------------------------------------------------ rows

    def loose_events(self, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """The events of pairs that are loose."""
        if self._loose_events is None:
            self._loose_events = read_beside(self.table, self.sides["loose_events"], schema)
        return self._loose_events

    def indexed(self, at: Numbers) -> pl.DataFrame:
        """What an update looks through of some spans, and `_at`: their numbers."""
        at = np.unique(at)
        cut = np.searchsorted(at, self.settled)
        loose = self.loose.select(INDEXED)[at[cut:] - self.settled]
        return pl.concat([self.index[at[:cut]], loose]).with_columns(_at=pl.Series(at))

    def rows(self, at: Numbers, columns: Sequence[str]) -> pl.DataFrame:
        """Some of their own columns of some spans, and `_at`: their numbers. In no order."""
        at = np.unique(at)
        cut = np.searchsorted(at, self.settled)
        loose = self.loose.select(*columns, "_at")[at[cut:] - self.settled]
        if not cut:
            return loose
        at = at[:cut]
        cuts = np.searchsorted(at, self.begins)
        lazies = []
        for place, file in enumerate(self.files):
            mine = at[cuts[place] : cuts[place + 1]] - self.begins[place]
            if mine.size:
                lazies += self._rows_of(file, int(self.begins[place]), mine, columns)
        with in_our_words(self.table.uri):
            return pl.concat([loose, *pl.collect_all(lazies)])

    def linking_rows(self, at: Numbers) -> pl.DataFrame:
        """What linking reads and makes of some spans, and `_at`: their numbers. In no order."""
        return self.rows(at, (*LINKED_BY, *MADE_BY_LINKING))

    def whole_rows(self, at: Numbers) -> pl.DataFrame:
        """Some spans with all columns, and `_at`: their numbers. In no order."""
        own = [name for name in self.shape if name in self.table.schema]
        beside = self.indexed(at).select("_at", *(name for name in self.shape if name not in self.table.schema))
        return self.rows(at, own).join(beside, on="_at", how="inner")

    def _rows_of(self, file: StoredFile, begin: int, rows: Numbers, columns: Sequence[str]) -> list[pl.LazyFrame]:
        """Rows of one file: of the row groups where they are, one by one where those are few."""
        groups = np.unique(rows // ROW_GROUP_ROWS)
        chosen = pl.col("_at").is_in(pl.Series(rows, dtype=pl.UInt32).implode())
        lazy = self.table.scan([file], {name: self.shape[name] for name in columns}, row_index="_at")
        parts = [lazy]
        if groups.size * _SCATTERED * ROW_GROUP_ROWS < file.rows:
            parts = [lazy.slice(group * ROW_GROUP_ROWS, ROW_GROUP_ROWS) for group in groups.tolist()]
        at = (pl.col("_at").cast(pl.Int64) + begin).alias("_at")
        return [part.filter(chosen).select(*columns, at) for part in parts]

    def whole_file(self, place: int, without: Numbers) -> pl.DataFrame:
        """All spans of one settled file, but for some of them and what was replaced before."""
        begin, end = int(self.begins[place]), int(self.begins[place + 1])
        stays = self._stays[begin:end].copy()
        stays[without[(without >= begin) & (without < end)] - begin] = False
        beside = self.index.select(name for name in self.shape if name not in self.table.schema)
        return self.table.read([self.files[place]]).hstack(beside[begin:end]).filter(pl.Series(stays))


def _bearing(keys: pl.Series, wanted: Hashes, begin: int, end: int) -> Numbers:
    """The places of hashes that are among those wanted."""
    wanted = wanted[wanted != NO_HASH].view(np.uint64)
    if not wanted.size or begin == end:
        return np.empty(0, np.int64)
    bits = min(wanted.size.bit_length() + _SPARE, 32)
    shift = np.uint64(64 - bits)
    first_bits = np.zeros(1 << bits, np.bool_)
    first_bits[wanted >> shift] = True
    table = np.zeros(2 << wanted.size.bit_length(), np.uint64)
    insert(table, wanted)
    found, at = np.empty(end - begin, np.int64), begin
    count = 0
    for chunk in keys.slice(begin, end - begin).get_chunks():  # one of each file; together they would be copied
        hashes = frozen(chunk.to_numpy().view(np.uint64))
        count += places_of(table, first_bits, shift, hashes, at, found[count:])
        at += hashes.size
    return found[:count].copy()
