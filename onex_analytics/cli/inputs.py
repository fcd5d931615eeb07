"""What a command reads: a store, or raw files, which go through a store of their own that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from onex_analytics.cli.output import say, store_by_hand
from onex_analytics.cli.progress import progress, reading
from onex_analytics.exceptions import InvalidOption, NotAStore

if TYPE_CHECKING:
    from onex_analytics.store import EventStore, IngestReport


def open_store(uri: str) -> EventStore:
    """An existing store; a mistyped name is an error and not a new store."""
    from onex_analytics.store import EventStore

    if "://" not in uri:
        from pathlib import Path

        if not Path(uri).is_dir():
            raise NotAStore(uri, "there is no such folder")
    return EventStore(uri)


@contextmanager
def store_of(store: str | None, files: Sequence[str]) -> Iterator[tuple[EventStore, IngestReport | None]]:
    """The store that was named, or one of the files that were named, with what became of their lines."""
    named = store_by_hand.get() or store
    if files and named is not None:
        wanted = "one of them: leave out --store, or leave out the files"
        raise InvalidOption("what to read", f"--store {named}, and files such as {files[0]}", wanted)
    if store is None and not files:
        raise InvalidOption("what to read", "not named", "a store (--store EVENTS), or raw files (FILES)")
    if store is not None:
        yield open_store(store), None
        return
    from onex_analytics.store import EventStore

    with tempfile.TemporaryDirectory(prefix="onex-analytics-") as folder:
        held = EventStore(f"{folder}/events")
        with progress(reading()) as tell:
            report = held.append(list(files), progress=tell)
        if report.rejected:
            reasons = reasons_told(report.rejected_by_reason)
            say(f"{report.rejected:,} of {report.read:,} lines gave no event ({reasons})")
        yield held, report


def reasons_told(counts: Mapping[str, int]) -> str:
    """Why lines were set aside, the most frequent reason first.

    >>> reasons_told({"truncated": 1, "invalid_json": 1200})
    '1,200 invalid_json, 1 truncated'
    """
    often = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in often)
