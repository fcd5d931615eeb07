"""One Delta table of ours: its files, its commits, and how our columns rest in types that Delta has."""

from __future__ import annotations

import errno
import io
import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from onex_analytics.exceptions import NotAStore, StoreConflict, StoreFull, StoreVersionError

LAYOUT = 1
"""Version of the layout that this code writes; a newer one is refused."""

STATISTICS = ("timestamp", "event_type", "node")
"""Columns whose smallest and largest value stand in the log. The log shows them in the clear, so no others do."""

ROW_GROUP_ROWS = 1 << 18
_UNSIGNED = {pl.UInt64(): pl.Int64(), pl.UInt32(): pl.Int64()}
_PROPERTIES = {"delta.enableExpiredLogCleanup": "false", "delta.checkpointInterval": "50"}
_FULL = (errno.ENOSPC, errno.EDQUOT)


def stored_schema(schema: Mapping[str, pl.DataType]) -> pl.Schema:
    """The types in which columns rest: Delta has no unsigned numbers."""
    return pl.Schema({name: _UNSIGNED.get(dtype, dtype) for name, dtype in schema.items()})


def to_stored(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame as it rests; a 64-bit unsigned number keeps its bits."""
    return frame.with_columns(
        [pl.col(n).reinterpret(signed=True) for n, t in frame.schema.items() if t == pl.UInt64]
        + [pl.col(n).cast(pl.Int64) for n, t in frame.schema.items() if t == pl.UInt32]
    )


def from_stored(frame: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """What `to_stored` put away, in its own types again."""
    return frame.with_columns(
        [pl.col(n).reinterpret(signed=False) for n, t in schema.items() if t == pl.UInt64]
        + [pl.col(n).cast(pl.UInt32) for n, t in schema.items() if t == pl.UInt32]
    )


class Lost(Exception):
    """Another writer committed first; nothing of this commit is visible."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file of a table."""

    path: str
    size_bytes: int
    rows: int


class Table:
    """One Delta table in a folder or under an object store's address.

    Args:
        uri: of the table itself.
        schema: our columns in our types.
        storage_options: of the object store, as `deltalake` and Polars read them (`aws_…`).
    """

    def __init__(self, uri: str, schema: Mapping[str, pl.DataType], storage_options: Mapping[str, str] | None = None) -> None:
        self.uri, self.schema = uri, dict(schema)
        self.options = dict(storage_options or {}) or None
        self._delta: DeltaTable | None = None

    # ------------------------------------------------------------------ opening

    @property
    def is_remote(self) -> bool:
        return "://" in self.uri and not self.uri.startswith("file://")

    def exists(self) -> bool:
        return self._delta is not None or self._open() is not None

    def _open(self) -> DeltaTable | None:
        try:
            delta = DeltaTable(self.uri, storage_options=self.options)
        except TableNotFoundError:
            return None
        except DeltaError as problem:
            raise NotAStore(self.uri, f"its log cannot be read: {problem}") from problem
        layout = _described(delta).get("onex_layout")
        if not isinstance(layout, int):
            raise NotAStore(self.uri, "a Delta table that onex_analytics did not make")
        if layout > LAYOUT:
            raise StoreVersionError(self.uri, layout, LAYOUT)
        self._delta = delta
        return delta

    def described(self) -> dict[str, Any]:
        """What was said of the table when it was made, or by `describe`."""
        return _described(self.delta)

    def describe(self, **words: Any) -> None:
        """Say something else of the table, in a commit of its own."""
        self.delta.alter.set_table_description(json.dumps({**self.described(), **words}))
        self.refresh()

    def create(self, **words: Any) -> None:
        """Make the table if it is not there; another writer may make it at the same time."""
        if self.exists():
            return
        schema = Schema.from_arrow(pl.DataFrame(schema=stored_schema(self.schema)).to_arrow().schema)
        try:
            self._delta = DeltaTable.create(
                self.uri, schema, mode="error", name="onex_analytics", description=json.dumps({"onex_layout": LAYOUT, **words}),
                configuration=_PROPERTIES, storage_options=self.options,
            )
        except DeltaError:
            if self._open() is None:
                raise
        except OSError as problem:
            raise full_or_same(self.uri, problem) from problem

    @property
    def delta(self) -> DeltaTable:
        """The table as it was last read.

        Raises:
            NotAStore: there is none.
        """
        if self._delta is None and self._open() is None:
            raise NotAStore(self.uri, "there is no event table here yet")
        assert self._delta is not None
        return self._delta

    def refresh(self) -> None:
        """Take in what others have committed."""
        self.delta.update_incremental()

    def at(self, version: int | None) -> DeltaTable:
        """The table as it was at a version.

        Raises:
            NotAStore: the table has no such version.
        """
        if version is None:
            return self.delta
        try:
            return DeltaTable(self.uri, version=version, storage_options=self.options)
        except DeltaError as problem:
            raise NotAStore(self.uri, f"it has no version {version}; the newest is {self.delta.version()}") from problem

    # ------------------------------------------------------------------ reading

    def files(self, *, version: int | None = None, since: datetime | None = None, until: datetime | None = None,
              only: Mapping[str, Sequence[str]] | None = None) -> list[StoredFile]:
        """The files that may hold rows of a time and of some values, by the statistics in the log."""
        actions = self.at(version).get_add_actions(flatten=True)
        frame = pl.DataFrame(actions)
        if frame.is_empty():
            return []
        keep = pl.lit(True)
        if since is not None and "max.timestamp" in frame.columns:
            keep &= (pl.col("max.timestamp") >= since).fill_null(True)
        if until is not None and "min.timestamp" in frame.columns:
            keep &= (pl.col("min.timestamp") < until).fill_null(True)
        for name, values in (only or {}).items():
            if f"min.{name}" in frame.columns and values:
                some = [(pl.col(f"min.{name}") <= v) & (pl.col(f"max.{name}") >= v) for v in values]
                keep &= pl.any_horizontal(some).fill_null(True)
        chosen = frame.filter(keep).sort("min.timestamp" if "min.timestamp" in frame.columns else "path")
        return [StoredFile(*row) for row in chosen.select("path", "size_bytes", "num_records").iter_rows()]

    def address(self, path: str) -> str:
        """Where a file lies, for Polars."""
        return f"{self.uri.rstrip('/')}/{path}"

    def scan(self, files: Sequence[StoredFile], schema: Mapping[str, pl.DataType] | None = None) -> pl.LazyFrame:
        """Rows of some files, in our types. A column that an older file lacks is null there."""
        schema = schema or self.schema
        if not files:
            return pl.LazyFrame(schema=dict(schema))
        lazy = pl.scan_parquet(
            [self.address(f.path) for f in files], schema=stored_schema(schema), missing_columns="insert",
            extra_columns="ignore", storage_options=self.options, glob=False, hive_partitioning=False,
        )
        return from_stored(lazy, schema)

    def holds(self, key: str) -> bool:
        """Whether a unit's transaction stands in the log."""
        return self.delta.transaction_version(key) is not None

    # ------------------------------------------------------------------ writing

    def write(self, frame: pl.DataFrame) -> AddAction:
        """Write one file; it belongs to the table only once it is committed.

        Raises:
            StoreFull: there is no room for it; what was written of it is taken away.
        """
        path = f"part-{uuid.uuid4().hex}.parquet"
        stored = to_stored(frame)
        if self.is_remote:
            size = self._upload(stored, path)
        else:
            target = Path(self.uri.removeprefix("file://")) / path
            try:
                _write_parquet(stored, target)
                size = target.stat().st_size
            except (OSError, pl.exceptions.ComputeError) as problem:
                target.unlink(missing_ok=True)
                raise full_or_same(self.uri, problem) from problem
        return AddAction(path, size, {}, int(time.time() * 1000), True, json.dumps(_statistics(frame)))

    def _upload(self, stored: pl.DataFrame, path: str) -> int:
        import pyarrow.fs as pa_fs
        from deltalake.fs import DeltaStorageHandler

        held = io.BytesIO()
        _write_parquet(stored, held)
        filesystem = pa_fs.PyFileSystem(DeltaStorageHandler(self.uri, self.options))
        with filesystem.open_output_stream(path) as stream:
            stream.write(held.getbuffer())
        return held.getbuffer().nbytes

    def commit(self, actions: Sequence[AddAction | RemoveAction], *, keys: Sequence[str] = (), metadata: Mapping[str, Any] | None = None) -> int:
        """Make files visible, all of them at once; returns the new version.

        Raises:
            Lost: another writer committed since the table was last read.
        """
        before = self.delta.version()
        properties = CommitProperties(
            custom_metadata={"onex": dict(metadata or {})}, max_commit_retries=0,
            app_transactions=[Transaction(key, 1) for key in keys],
        )
        try:
            self.delta.create_write_transaction(list(actions), mode="append", schema=self.delta.schema(), commit_properties=properties)
        except CommitFailedError as problem:
            self.refresh()
            if self.delta.version() > before:
                raise Lost from problem
            raise full_or_same(self.uri, problem) from problem
        except OSError as problem:
            raise full_or_same(self.uri, problem) from problem
        self.refresh()
        return self.delta.version()

    def discard(self, action: AddAction) -> None:
        """Take away a file that was never committed."""
        if not self.is_remote:
            (Path(self.uri.removeprefix("file://")) / action.path).unlink(missing_ok=True)

    def history(self) -> list[dict[str, Any]]:
        """Commits, the newest first, as the log has them."""
        return self.delta.history()


def retry_lost(uri: str, attempt: Any, *, attempts: int = 40) -> Any:
    """Call `attempt()` until it is not `Lost`, with a pause that grows.

    Raises:
        StoreConflict: it was lost each time.
    """
    for number in range(attempts):
        try:
            return attempt()
        except Lost:
            time.sleep(min(0.01 * 1.5**number, 1.0))
    raise StoreConflict(uri, attempts)


def full_or_same(uri: str, problem: BaseException) -> BaseException:
    """`StoreFull` where the disk is full, else the problem itself."""
    text = str(problem)
    if getattr(problem, "errno", None) in _FULL or "No space left" in text or "os error 28" in text or "quota exceeded" in text.lower():
        return StoreFull(uri, text)
    return problem


def _described(delta: DeltaTable) -> dict[str, Any]:
    """Our words about a table, which stand in its description; empty where it is not ours."""
    try:
        value = json.loads(delta.metadata().description or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _write_parquet(frame: pl.DataFrame, target: Path | io.BytesIO) -> None:
    frame.write_parquet(target, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS, statistics=True)
    if isinstance(target, Path):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _statistics(frame: pl.DataFrame) -> dict[str, Any]:
    """Delta's statistics of one file, for the columns whose values may stand in the log."""
    names = [n for n in STATISTICS if n in frame.columns]
    if frame.is_empty() or not names:
        return {"numRecords": frame.height}
    row = frame.select(
        *[pl.col(n).min().alias(f"min.{n}") for n in names], *[pl.col(n).max().alias(f"max.{n}") for n in names],
        *[pl.col(n).null_count().alias(f"null.{n}") for n in names],
    ).row(0, named=True)
    return {
        "numRecords": frame.height,
        "minValues": {n: _plain(row[f"min.{n}"]) for n in names if row[f"min.{n}"] is not None},
        "maxValues": {n: _plain(row[f"max.{n}"]) for n in names if row[f"max.{n}"] is not None},
        "nullCount": {n: row[f"null.{n}"] for n in names},
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value
