"""What may be named to `append`: files, globs, folders, standard input, databases, frames; one by one."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from onex_analytics.exceptions import InvalidOption, SourceError
from onex_analytics.sources.streams import STDIN, log_files

Source = str | Path | pl.DataFrame | pl.LazyFrame

_WANTED = "a file, a glob, a folder, '-', a postgresql:// address, a frame, or several of them"
_SUFFIXES = ".jsonl, .json, .log, .csv or .parquet files (also .gz, .zst)"


def inputs(source: Source | Iterable[Source]) -> list[Source]:
    """Files and frames, one by one; globs and folders give their files in order of their paths.

    Raises:
        SourceError: nothing matches a glob, a folder holds no logs or is a store.
        InvalidOption: it is nothing that can be read.
    """
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return [source]
    if isinstance(source, str | Path):
        return list(_named(str(source)))
    found: object = source
    if isinstance(found, bytes) or not isinstance(found, Iterable):
        raise InvalidOption("source", source, _WANTED)
    return [each for one in source for each in inputs(one)]


def size_on_disk(source: Source) -> int | None:
    """Bytes of a file; None for what is none."""
    try:
        path = Path(source) if isinstance(source, str | Path) else None
        return path.stat().st_size if path is not None and path.is_file() else None
    except (OSError, ValueError):
        return None


def _named(text: str) -> list[str]:
    if text == STDIN or text.startswith(("postgresql://", "postgres://")):
        return [text]
    path = Path(text)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError) as problem:
        raise SourceError(text[:200], f"is no path ({problem})", "check the path") from problem
    if is_folder:
        if (path / "_delta_log").exists() or (path / "events" / "_delta_log").exists():
            raise SourceError(text, "is a store, not logs", "append `EventStore(…).scan()`, or name the logs")
        found = [str(p) for p in log_files(path)]
        if not found:
            raise SourceError(text, "the folder holds no logs", f"name a folder with {_SUFFIXES}")
        return found
    if not is_there and glob.has_magic(text):
        found = sorted(p for p in glob.glob(text, recursive=True) if Path(p).is_file())
        if not found:
            raise SourceError(text, "nothing matches the pattern", "check the pattern; `**` reaches into folders")
        return found
    return [text]
