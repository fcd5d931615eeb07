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

from onex_analytics.store.failures import in_our_words
from onex_analytics.store.span_keys import INDEX
from onex_analytics.store.storage import StoredFile, Table

ROW_GROUP_ROWS = 1 << 13
"""Few, because an update looks for single rows."""

REPLACED = pl.Schema({"file": pl.String(), "row": pl.Int64()})
"""A row of a settled file that is not a span any more: another one stands in its place."""

SIDES = ("loose", "loose_events", "replaced")
"""Files of the table beside the settled spans: those that are loose, the events of their pairs, and what was replaced
in settled files. Each commit says which they are."""

Hashes = NDArray[np.int64]
Numbers = NDArray[np.int64]
_NONE = 0
"""Stands for no hash. (A text whose hash it is would not be found: one of 2^64.)"""
_SPARE = 6  # bits of the bitmap beyond those that number the keys: one other hash of 64 gets through
_SCATTERED = 4


class Kept:
    """The spans that are kept: the hashes of all, the rows of those that are asked for."""

    def __init__(self, table: Table, said: Mapping[str, Any]) -> None:
        self.table, self.said = table, said
        files = table.files()
        beside = {said[side] for side in SIDES}
        self.files = [file for file in files if file.path not in beside]
        self.sides = {side: [file for file in files if file.path == said[side]] for side in SIDES}
        self.begins = np.cumsum([0, *(file.rows for file in self.files)])
        self.settled = int(self.begins[-1])
        self.replaced = table.read(self.sides["replaced"], REPLACED)
        with in_our_words(table.uri):
            self.loose, index = pl.collect_all([
                table.scan(self.sides["loose"], row_index="_at").with_columns(
                    pl.col("_at").cast(pl.Int64) + self.settled
                ),
                table.scan(self.files, {name: table.schema[name] for name in INDEX}, row_index="_at"),
            ])  # fmt: skip
        if not index["_at"].is_sorted():
            index = index.sort("_at")
        place = {file.path: begin for file, begin in zip(self.files, self.begins.tolist(), strict=False)}
        gone = self.replaced.select(pl.col("file").replace_strict(place, return_dtype=pl.Int64) + pl.col("row"))
        self.gone = gone.to_series().to_numpy()
        self._keys = {name: self._key(index[name], self.loose[name]) for name in INDEX}
        root = self._keys["_root"]
        self._keys["_tree"] = np.where(root == _NONE, self._keys["_span"], root)

    def _key(self, settled: pl.Series, loose: pl.Series) -> Hashes:
        key = np.concatenate([settled.fill_null(_NONE).to_numpy(), loose.fill_null(_NONE).to_numpy()])
        key[self.gone] = _NONE
        return key

    # ------------------------------------------------------------------ finding

    def key(self, name: str, at: Numbers) -> pl.Series:
        """A hash of some spans; null where they have none."""
        hashes = pl.Series(name, self._keys[name][at])
        return pl.select(pl.when(hashes != _NONE).then(hashes).alias(name)).to_series()

    def bearing(self, name: str, wanted: pl.Series, begin: int = 0, end: int | None = None) -> Numbers:
        """The spans, of those numbered from `begin` to `end`, that have one of some hashes."""
        hashes = wanted.drop_nulls().unique().to_numpy()
        key = self._keys[name][begin:end].view(np.uint64)
        hashes = hashes[hashes != _NONE].view(np.uint64)
        if not hashes.size or not key.size:
            return np.empty(0, np.int64)
        bits = min(hashes.size.bit_length() + _SPARE, 32)
        shift = np.uint64(64 - bits)
        bitmap = np.zeros(1 << bits, np.bool_)
        bitmap[hashes >> shift] = True
        perhaps = np.flatnonzero(bitmap[key >> shift])
        return perhaps[np.isin(key[perhaps], hashes)] + begin

    def files_until(self, moment: int) -> list[tuple[int, int]]:
        """Stretches of the numbers of settled spans: those of files that may hold an event at that moment or later."""
        latest = self.said["latest"]
        return [
            (int(begin), int(end))
            for file, begin, end in zip(self.files, self.begins[:-1], self.begins[1:], strict=True)
            if latest.get(file.path, moment) >= moment
        ]

    # ------------------------------------------------------------------ rows

    def loose_events(self, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """The events of pairs that are loose."""
        return self.table.read(self.sides["loose_events"], schema)

    def rows(self, at: Numbers, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Rows of some spans, whole or some columns of them, and `_at`: their numbers. In no order."""
        names = [*self.table.schema] if columns is None else [*columns]
        schema = {name: self.table.schema[name] for name in names}
        at = np.unique(at)
        found = [self.loose.filter(pl.col("_at").is_in(pl.Series(at[at >= self.settled]).implode()))]
        found = [part.select("_at", *names) for part in found]
        at = at[at < self.settled]
        cuts = np.searchsorted(at, self.begins)
        lazies = []
        for place, file in enumerate(self.files):
            mine = at[cuts[place] : cuts[place + 1]] - self.begins[place]
            if mine.size:
                lazies += self._rows_of(file, int(self.begins[place]), mine, schema)
        with in_our_words(self.table.uri):
            return pl.concat([*found, *(part.select("_at", *names) for part in pl.collect_all(lazies))])

    def _rows_of(
        self, file: StoredFile, begin: int, rows: Numbers, schema: Mapping[str, pl.DataType]
    ) -> list[pl.LazyFrame]:
        """Rows of one file: of the row groups where they are, one by one where those are few."""
        groups = np.unique(rows // ROW_GROUP_ROWS)
        chosen = pl.col("_at").is_in(pl.Series(rows, dtype=pl.UInt32).implode())
        lazy = self.table.scan([file], schema, row_index="_at")
        parts = [lazy]
        if groups.size * _SCATTERED * ROW_GROUP_ROWS < file.rows:
            parts = [lazy.slice(group * ROW_GROUP_ROWS, ROW_GROUP_ROWS) for group in groups.tolist()]
        return [part.filter(chosen).with_columns(pl.col("_at").cast(pl.Int64) + begin) for part in parts]

    def whole(self, place: int, without: Numbers) -> pl.DataFrame:
        """All spans of one settled file, but for some rows and what was replaced before."""
        begin, end = int(self.begins[place]), int(self.begins[place + 1])
        stays = np.ones(end - begin, np.bool_)
        for gone in (self.gone, without):
            stays[gone[(gone >= begin) & (gone < end)] - begin] = False
        return self.table.read([self.files[place]]).filter(pl.Series(stays))
