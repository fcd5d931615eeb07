"""Events on their way out, as they came in."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl
import zstandard

from onex_analytics.exceptions import SourceError, StoreError
from onex_analytics.sources.wire import event_texts
from onex_analytics.store.selection import Selection
from onex_analytics.store.storage import Table

_CHUNK_ROWS = 1 << 17


def write_jsonl(table: Table, target: str | Path | IO[bytes], asked: Selection) -> int:
    """Write events, one a line, by time within each file; returns how many. Memory is that of one file."""
    files = (table.read([file], None, asked.rows()) for file in table.files(asked))
    return write_rows((rows.sort("timestamp", maintain_order=True) for rows in files), target)


def write_rows(parts: Iterable[pl.DataFrame], target: str | Path | IO[bytes]) -> int:
    """Write rows of `model.EVENTS` as the events that they are, one a line, in their order; returns how many.

    A name that ends in .gz or .zst is compressed.
    """
    written = 0
    with _opened(target) as out:
        for rows in parts:
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
                    yield packed
            else:
                yield raw
    except StoreError:
        raise
    except OSError as problem:
        mend = "choose a folder that is there and has room"
        raise SourceError(str(path), f"cannot be written ({problem})", mend) from problem
