"""`scan` and a count over 10 M events beside `pl.scan_parquet` of the same rows in one file; and the size on disk."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
from deltalake import DeltaTable

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, child, in_turn, median, spread
from onex_analytics.store import EventStore

ROUNDS = 7
SCAN_BAR, SIZE_BAR = 1.2, 1.05


def rows() -> list[Row]:
    folder = FOLDER / "store-10m"
    store = EventStore(folder)
    if not (folder / "events").exists():
        store.append(str(log_of(10_000_000)))
    store.compact()
    one = FOLDER / "events-10m.parquet"
    store.scan().sink_parquet(one, compression="zstd", compression_level=1)
    ours, plain = in_turn(
        ROUNDS,
        lambda: child("benchmarks.scan_timed", "store", folder),
        lambda: child("benchmarks.scan_timed", "parquet", one),
    )
    assert ours[0].said == plain[0].said
    ratio = median(ours) / median(plain)
    print(f"  store {spread(ours)}; one file {spread(plain)} (five counts each)")
    size_ratio = _size_ratio(store, folder)
    return [
        Row(
            "`scan` + count by (node, type) over 10 M events, after `compact` / `pl.scan_parquet` of one file",
            f"≤ {SCAN_BAR} ×", f"{ratio:.2f} ×", ratio <= SCAN_BAR,
        ),
        Row(
            "store size / DuckDB's zstd Parquet of the same columns",
            f"≤ {SIZE_BAR} ×", f"{size_ratio:.2f} ×", size_ratio <= SIZE_BAR,
        ),
    ]  # fmt: skip


def _size_ratio(store: EventStore, folder: Path) -> float:
    """DuckDB writes the very files of the store once more, all columns and rows."""
    target = FOLDER / "duckdb-10m.parquet"
    files = DeltaTable(f"{folder}/events").file_uris()
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(f"COPY (FROM read_parquet({files})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    ours, theirs = sum(Path(f).stat().st_size for f in files), target.stat().st_size
    print(f"  store {ours / 1e6:.0f} MB; DuckDB {theirs / 1e6:.0f} MB")
    assert pl.scan_parquet(target).select(pl.len()).collect().item() == store.info()["events"]
    return ours / theirs
