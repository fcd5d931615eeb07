"""What may be named to `append`: files, globs, folders, standard input, databases, frames; one by one."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import polars as pl

from onex_analytics.exceptions import InputError, InvalidOption, OnexError, SourceError
from onex_analytics.sources.formats import ADDRESSES, source_units
from onex_analytics.sources.streams import HIDDEN, LOG_SUFFIXES, STDIN, folder_unreadable, log_files

Told = TypeVar("Told", bound=OnexError)
Source = str | Path | pl.DataFrame | pl.LazyFrame

_WANTED = "a file, a glob, a folder, '-', a postgresql:// address, a frame, or several of them"
_TAKEN = (
    f"files whose names end in {', '.join(LOG_SUFFIXES[:-1])} or {LOG_SUFFIXES[-1]}, in it or in its folders (names "
    f"that begin with {' or '.join(HIDDEN)} are left out), or name the files themselves"
)


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


def refuse_unreadable(sources: Sequence[Source], format: str | None) -> None:
    """Open every file once, so that one that cannot be read is known before any is stored.

    A pipe, a database and a frame are not looked at: what is read of them is gone.

    Raises:
        SourceError, InputError: as `source_units` does; where there are several sources it says that none was stored.
    """
    for source in sources:
        if not isinstance(source, str | Path) or source == STDIN or str(source).startswith(ADDRESSES):
            continue
        path = Path(source)
        if path.exists() and not path.is_file():
            continue
        try:
            stream, _ = source_units(source, format=format)
        except (SourceError, InputError) as problem:
            raise told_of_the_others(problem, 0, len(sources)) from None
        if stream is not None:
            stream.close()


def told_of_the_others(problem: Told, done: int, in_all: int) -> Told:
    """An error of one source that also says what became of the others, where there are others."""
    if in_all > 1:
        kept = f"{done} of {in_all} sources were" if done else f"none of the {in_all} sources was"
        problem.args = (f"{problem} Before it, {kept} stored; what is stored is skipped when you run it again.",)
    return problem


def size_on_disk(source: Source) -> int | None:
    """Bytes of a file; None for what is none."""
    try:
        path = Path(source) if isinstance(source, str | Path) else None
        return path.stat().st_size if path is not None and path.is_file() else None
    except (OSError, ValueError):
        return None


def _named(text: str) -> list[str]:
    if text == STDIN or text.startswith(ADDRESSES):
        return [text]
    path = Path(text)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        is_store = is_folder and any((path / log).exists() for log in ("_delta_log", "events/_delta_log"))
    except PermissionError as problem:
        raise folder_unreadable(text, problem) from problem
    except (OSError, ValueError) as problem:
        raise SourceError(text[:200], f"is no path ({problem})", "check the path") from problem
    if is_folder:
        if is_store:
            mend = "name it with --store where a command takes one, append `EventStore(…).scan()`, or name the logs"
            raise SourceError(text, "is a store, not logs", mend)
        found = [str(p) for p in log_files(path)]
        if not found:
            raise SourceError(text, "the folder holds no logs", f"name a folder with {_TAKEN}")
        return found
    if not is_there and glob.has_magic(text):
        found = sorted(p for p in glob.glob(text, recursive=True) if Path(p).is_file())
        if not found:
            raise SourceError(text, "nothing matches the pattern", "check the pattern; `**` reaches into folders")
        return found
    return [text]
