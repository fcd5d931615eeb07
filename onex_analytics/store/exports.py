"""Events on their way out, as they came in."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import polars as pl
import zstandard

from onex_analytics.exceptions import SourceError
from onex_analytics.store.storage import StoredFile, Table

_CHUNK_ROWS = 1 << 17


def write_jsonl(
    table: Table, files: Sequence[StoredFile], target: str | Path | IO[bytes], *, since: datetime | None, until: datetime | None,
    only: Mapping[str, Sequence[str]],
) -> int:
    """Write the events of some files, one a line, by time within each file; returns how many. Memory is that of one file."""
    from onex_analytics.sources.wire import event_texts

    keep = pl.lit(True)
    if since is not None:
        keep &= pl.col("timestamp") >= since
    if until is not None:
        keep &= pl.col("timestamp") < until
    for name, values in only.items():
        keep &= pl.col(name).is_in(list(values))
    written = 0
    with _opened(target) as out:
        for file in files:
            rows = table.scan([file]).filter(keep).sort("timestamp", maintain_order=True).collect()
            for part in rows.iter_slices(_CHUNK_ROWS):
                text = event_texts(part).str.join("\n").item()
                out.write(text.encode())
                out.write(b"\n")
                written += part.height
    return written


@contextmanager
def _opened(target: str | Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(target, str | Path):
        yield target
        return
    path = Path(target)
    try:
        with path.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            elif path.suffix == ".zst":
                with zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw
    except OSError as problem:
        raise SourceError(str(path), f"cannot be written ({problem})", "choose a folder that is there and has room") from problem
