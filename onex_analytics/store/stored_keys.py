"""What a table holds already, by key: hashes of the keys of all its rows, learned file by file."""

from __future__ import annotations

from datetime import timedelta
from threading import RLock

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.sources.hashing import xxh64_texts
from onex_analytics.store.hash_table import Hashes
from onex_analytics.store.known_ids import KnownIds
from onex_analytics.store.selection import Selection
from onex_analytics.store.storage import StoredFile, Table

EVENT_KEY = ("event_id",)
PLACE_KEY = ("source", "source_offset", "line")
"""Where a rejected line stands; with its bytes it says which line it is."""


class StoredKeys:
    """Hashes of the keys of a table's rows; a hash that is not there proves that a key is new.

    `learned` counts the files of others that were taken in. May be used by several threads.
    """

    def __init__(self, table: Table, columns: tuple[str, ...]) -> None:
        self.table, self.columns = table, columns
        self.learned = 0
        self._known = KnownIds()
        self._seen: set[str] = set()
        self._turn = RLock()

    def learn(self) -> int:
        """Take in the keys of files that were committed since the last look; returns `learned`."""
        with self._turn:
            for file in self.table.files():
                if file.path not in self._seen:
                    rows = self.table.read([file], {name: self.table.schema[name] for name in self.columns})
                    self.took(file.path, self.hashes(rows))
                    self.learned += 1
            return self.learned

    def took(self, path: str, hashes: Hashes) -> None:
        """Take in the keys of one file."""
        with self._turn:
            self._known.add(hashes)
            self._seen.add(path)

    def expect(self, path: str) -> None:
        """Leave a file to `took`, that is about to be committed here."""
        with self._turn:
            self._seen.add(path)

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """True for a hash of a key that may be there."""
        with self._turn:
            return self._known.contains(hashes)

    def hashes(self, rows: pl.DataFrame) -> Hashes:
        """One hash a row."""
        if len(self.columns) == 1:
            return xxh64_texts(rows[self.columns[0]])
        parts = [pl.col(name).cast(pl.String).fill_null("") for name in self.columns]
        return xxh64_texts(rows.select(pl.concat_str(parts, separator="\n")).to_series())


def stored_events(table: Table, suspects: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Stored rows with the ids of some suspects: first where their time says, then, for the rest, everywhere."""
    first, last = suspects.select(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()).row(0)
    near = table.files(Selection(first, last + timedelta(microseconds=1)))
    found = _with_ids(table, near, suspects["event_id"], columns)
    missing = suspects.join(found, on="event_id", how="anti")["event_id"]
    if missing.is_empty():
        return found
    far = sorted({*table.files()} - {*near}, key=lambda f: f.path)
    return pl.concat([found, _with_ids(table, far, missing, columns)])


def _with_ids(table: Table, files: list[StoredFile], ids: pl.Series, columns: tuple[str, ...]) -> pl.DataFrame:
    schema = {name: table.schema[name] for name in columns}
    found = [table.read([file], schema, pl.col("event_id").is_in(ids.implode())) for file in files]
    return pl.concat(found) if found else pl.DataFrame(schema=schema)


def not_kept_yet(table: Table, rejected: pl.DataFrame, keys: StoredKeys) -> pl.DataFrame:
    """The rejected lines that are not kept yet: the same bytes at the same place of the same source are one line."""
    keys.learn()
    seen = keys.contains(keys.hashes(rejected))
    if not seen.any():
        return rejected
    columns = [*PLACE_KEY, "raw"]
    lines = rejected["line"]
    asked = pl.col("source").is_in(rejected["source"].unique().implode())
    asked &= pl.col("line").is_between(pl.lit(lines.min()), pl.lit(lines.max()))
    stored = table.read(table.files(), {name: table.schema[name] for name in columns}, asked)
    return rejected.join(stored, on=columns, how="anti", nulls_equal=True, maintain_order="left")
