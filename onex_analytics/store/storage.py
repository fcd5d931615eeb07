"""One Delta table of ours: its files and its commits."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from onex_analytics.exceptions import InvalidOption, NotAStore, StoreError, StoreUnavailable, StoreVersionError
from onex_analytics.store.failures import Lost, in_our_words, retry_lost, said, translated
from onex_analytics.store.rest import (
    from_stored,
    parquet_bytes,
    statistics,
    stored_schema,
    to_stored,
    write_file,
)  # fmt: skip
from onex_analytics.store.selection import EVERYTHING, Selection

LAYOUT = 1
"""Version of the layout that this code writes; a newer one is refused."""

_UPLOAD_BYTES = 1 << 20
_BEFORE_ALL = -(1 << 63)
_PROPERTIES = {"delta.enableExpiredLogCleanup": "false", "delta.checkpointInterval": "10"}


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

    def __init__(
        self, uri: str, schema: Mapping[str, pl.DataType], storage_options: Mapping[str, str] | None = None
    ) -> None:
        self.uri, self.schema = uri, dict(schema)
        self.options = dict(storage_options or {}) or None
        self._delta: DeltaTable | None = None
        self._listed: tuple[int, pl.DataFrame] | None = None
        self._every: tuple[int, list[StoredFile]] | None = None
        self._staged: set[str] = set()

    # ------------------------------------------------------------------ opening

    @property
    def is_remote(self) -> bool:
        return "://" in self.uri

    def exists(self) -> bool:
        return self._delta is not None or self._open() is not None

    def _open(self) -> DeltaTable | None:
        try:
            delta = DeltaTable(self.uri, storage_options=self.options)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError, ValueError) as problem:
            raise self._unreadable(problem) from problem
        layout = _described(delta).get("onex_layout")
        if not isinstance(layout, int):
            raise NotAStore(self.uri, "a Delta table that onex_analytics did not make")
        if layout > LAYOUT:
            raise StoreVersionError(self.uri, layout, LAYOUT)
        self._delta = delta
        return delta

    def _unreadable(self, problem: Exception) -> StoreError:
        words = translated(self.uri, problem)
        if self.is_remote or "may not be read" in str(words):
            return words
        mend = "restore `_delta_log` from a copy; where only its last file is damaged, what was before reads without it"
        return StoreUnavailable(self.uri, f"its log is damaged ({said(problem)})", mend)

    def described(self) -> dict[str, Any]:
        """What was said of the table when it was made, or by `describe`."""
        return _described(self.delta)

    def describe(self, words: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Say something else of the table, in a commit of its own: `words` is given what is said now."""

        def attempt() -> None:
            told = {**self.described(), **words(self.described())}
            if told != self.described():
                self.alter(lambda delta: delta.alter.set_table_description(json.dumps(told)))

        retry_lost(self.uri, attempt)

    def alter(self, change: Callable[[DeltaTable], None]) -> None:
        """Change the table itself.

        Raises:
            Lost: another writer committed since the table was last read.
        """
        before = self.delta.version()
        try:
            with in_our_words(self.uri):
                change(self.delta)
        except StoreError:
            self.refresh()
            if self.delta.version() > before:
                raise Lost from None
            raise
        self.refresh()

    def create(self, **words: Any) -> None:
        """Make the table if it is not there; another writer may make it at the same time."""
        if self.exists():
            return
        schema = Schema.from_arrow(pl.DataFrame(schema=stored_schema(self.schema)).to_arrow().schema)
        description = json.dumps({"onex_layout": LAYOUT, **words})
        try:
            self._delta = DeltaTable.create(
                self.uri, schema, mode="error", name="onex_analytics", description=description,
                configuration=_PROPERTIES, storage_options=self.options,
            )  # fmt: skip
        except (DeltaError, OSError) as problem:
            with suppress(StoreError):
                if self._open() is not None:
                    return
            raise translated(self.uri, problem) from problem

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
        with in_our_words(self.uri):
            self.delta.update_incremental()

    def at(self, version: int | None) -> Table:
        """The table as it was at a version; None is the newest of all.

        Raises:
            InvalidOption: the table has no such version, or `vacuum` took files of it.
        """
        self.refresh()
        if version is None:
            return self
        wanted = f"a version from 0 to {self.delta.version()} (see `history`)"
        if type(version) is not int or not 0 <= version <= self.delta.version():
            raise InvalidOption("version", version, wanted)
        past = Table(self.uri, self.schema, self.options)
        try:
            past._delta = DeltaTable(self.uri, version=version, storage_options=self.options)
        except (DeltaError, OSError) as problem:
            raise InvalidOption("version", version, f"{wanted}; this one cannot be read: {said(problem)}") from problem
        if not self.is_remote and not all(Path(past.address(f.path)).exists() for f in past.files()):
            raise InvalidOption("version", version, f"{wanted} whose files `vacuum` did not take") from None
        return past

    # ------------------------------------------------------------------ reading

    def files(self, asked: Selection = EVERYTHING) -> list[StoredFile]:
        """The files that may hold what was asked for, by the statistics in the log; the oldest events first."""
        version, every = self.delta.version(), self._every
        if asked == EVERYTHING and every is not None and every[0] == version:
            return every[1].copy()
        frame = self._frame()
        if frame.is_empty():
            return []
        chosen = frame if asked == EVERYTHING else frame.filter(asked.files(frame.columns))
        names = ("path", "size_bytes", "num_records")
        files = [StoredFile(*row) for row in zip(*(chosen[name].to_list() for name in names), strict=True)]
        earliest = _earliest(chosen)
        order = sorted(range(len(files)), key=lambda i: (earliest[i], files[i].path))
        found = [files[i] for i in order]
        if asked == EVERYTHING:
            self._every = version, found.copy()
        return found

    def times(self) -> pl.DataFrame:
        """One row a file: `path`, and the earliest and latest `timestamp` in it, null where the log does not say."""
        frame = self._frame()
        bounds = {"first": "min.timestamp", "last": "max.timestamp"}
        return frame.select("path", **{
            name: pl.col(bound) if bound in frame.columns else pl.lit(None, pl.Datetime("us", "UTC"))
            for name, bound in bounds.items()
        })  # fmt: skip

    def _frame(self) -> pl.DataFrame:
        """The files of the version that was last read, as the log lists them."""
        version, listed = self.delta.version(), self._listed
        if listed is None or listed[0] != version:
            with in_our_words(self.uri):
                listed = version, pl.DataFrame(self.delta.get_add_actions(flatten=True))
            self._listed = listed  # another thread may put an older list here, which it will then not use again
        return listed[1]

    def address(self, path: str) -> str:
        """Where a file lies, for Polars."""
        return f"{self.uri.rstrip('/')}/{path}"

    def scan(
        self, files: Sequence[StoredFile], schema: Mapping[str, pl.DataType] | None = None,
        row_index: str | None = None,
    ) -> pl.LazyFrame:  # fmt: skip
        """Rows of some files, in our types. A column that an older file lacks is null there.

        `row_index` names a column to make: the place of each row among those of the files, one after another.
        """
        schema = schema or self.schema
        if not files:
            return pl.LazyFrame(schema={**({row_index: pl.UInt32()} if row_index else {}), **schema})
        lazy = pl.scan_parquet(
            [self.address(f.path) for f in files], schema=stored_schema(schema), missing_columns="insert",
            extra_columns="ignore", storage_options=self.options, glob=False, hive_partitioning=False,
            row_index_name=row_index,
        )  # fmt: skip
        return from_stored(lazy, schema)

    def read(
        self, files: Sequence[StoredFile], schema: Mapping[str, pl.DataType] | None = None,
        asked: pl.Expr | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Rows of some files, in memory."""
        lazy = self.scan(files, schema)
        with in_our_words(self.uri):
            return (lazy if asked is None else lazy.filter(asked)).collect()

    def holds(self, key: str) -> bool:
        """Whether a unit's transaction stands in the log."""
        return self.delta.transaction_version(key) is not None

    # ------------------------------------------------------------------ writing

    def write(self, frame: pl.DataFrame) -> AddAction:
        """Write one file; it belongs to the table only once it is committed (see `sweep`).

        Raises:
            StoreFull: there is no room for it.
        """
        return self.put(parquet_bytes(to_stored(frame)), statistics(frame))

    def put(self, data: pa.Buffer | memoryview, said_of_it: Mapping[str, Any], suffix: str = ".parquet") -> AddAction:
        """Write one file whose bytes were made elsewhere, with what the log is to say of it; see `write`.

        Raises:
            StoreFull: there is no room for it.
        """
        path = f"part-{uuid.uuid4().hex}{suffix}"
        self._staged.add(path)
        with in_our_words(self.uri):
            if self.is_remote:
                self._upload(data, path)
            else:
                write_file(data, Path(self.address(path)))
        size = memoryview(data).nbytes
        return AddAction(path, size, {}, int(time.time() * 1000), True, json.dumps(said_of_it))

    def _upload(self, data: pa.Buffer | memoryview, path: str) -> None:
        from deltalake.fs import DeltaStorageHandler

        stream = DeltaStorageHandler(self.uri, self.options).open_output_stream(path)
        with pa.BufferedOutputStream(stream, _UPLOAD_BYTES) as target:  # which hands on bytes, as the stream wants them
            target.write(data)

    def commit(
        self, actions: Sequence[AddAction | RemoveAction], *, keys: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> int:  # fmt: skip
        """Make files visible, all of them at once; returns the new version.

        Raises:
            Lost: another writer committed since the table was last read.
        """
        before = self.delta.version()
        properties = CommitProperties(
            custom_metadata={"onex": dict(metadata or {})}, max_commit_retries=0,
            app_transactions=[Transaction(key, 1) for key in keys],
        )  # fmt: skip
        added = {a.path for a in actions if isinstance(a, AddAction)}
        try:
            self.delta.create_write_transaction(
                list(actions), mode="append", schema=self.delta.schema(), commit_properties=properties
            )
        except (DeltaError, OSError) as problem:
            self.refresh()
            # an answer can be lost though the commit was made
            if not added or not added <= self._paths():
                if isinstance(problem, CommitFailedError) and self.delta.version() > before:
                    raise Lost from problem
                raise translated(self.uri, problem) from problem
        self._staged -= added
        self.refresh()
        return self.delta.version()

    def sweep(self) -> None:
        """Take away files that this table wrote and did not commit; for the end of a piece of work, however it ends."""
        if not self._staged:
            return
        try:
            self.refresh()
            orphans = self._staged - self._paths()
        except StoreError:
            return  # `vacuum(full=True)` will find them
        for path in orphans:
            with suppress(OSError, DeltaError):
                self._remove(path)
        self._staged.clear()

    def _remove(self, path: str) -> None:
        if self.is_remote:
            from deltalake.fs import DeltaStorageHandler

            DeltaStorageHandler(self.uri, self.options).delete_file(path)
        else:
            Path(self.address(path)).unlink(missing_ok=True)

    def _paths(self) -> set[str]:
        return {file.path for file in self.files()}

    def history(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Commits, the newest first, as the log has them."""
        with in_our_words(self.uri):
            return self.delta.history(limit=limit)


def _earliest(files: pl.DataFrame) -> list[int]:
    """The earliest time in each file, and before all others where the log does not say."""
    if "min.timestamp" not in files.columns:
        return [_BEFORE_ALL] * files.height
    return files["min.timestamp"].cast(pl.Int64).fill_null(_BEFORE_ALL).to_list()


def _described(delta: DeltaTable) -> dict[str, Any]:
    """Our words about a table, which stand in its description; empty where it is not ours."""
    try:
        value = json.loads(delta.metadata().description or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
