"""What commands of sizes share: the events that are read, and bytes as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import store_of
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

Files = Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")]
Since = Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only events before this time.")]

_UNITS = {"": 1, "b": 1, "kb": 1000, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


@contextmanager
def events_of(
    files: Sequence[str] | None, store: str | None, since: str | None, until: str | None, nodes: Sequence[str] | None
) -> Iterator[pl.LazyFrame]:
    """The events in [since, until) of these nodes, for as long as the block lasts."""
    from onex_analytics.store.selection import time_of

    begin, end = time_of("--since", since), time_of("--until", until)
    named = list(files or [])
    with store_of(None if named else store, named) as (held, _):
        yield held.scan(since=begin, until=end, nodes=nodes)


def bytes_of(option: str, text: str) -> int:
    """A number of bytes, with its unit or without.

    >>> bytes_of("--max-bytes", "1MiB"), bytes_of("--max-bytes", "10 kB"), bytes_of("--max-bytes", "512")
    (1048576, 10000, 512)
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS:
        raise InvalidOption(option, text, "a number of bytes, such as 512, 64KiB (65,536), 100kB (100,000) or 1MiB")
    return round(float(found[1]) * _UNITS[found[2].lower()])


def limits_of(given: Sequence[str] | None) -> dict[str, int]:
    """Limits by name: those of `sizing.LIMITS` where none is given.

    >>> limits_of(["ours=100kB"]), limits_of(None)["kafka"]
    ({'ours': 100000}, 1048576)
    """
    from onex_analytics.sizing import LIMITS

    if not given:
        return dict(LIMITS)
    limits = {}
    for text in given:
        name, equals, size = (part.strip() for part in text.partition("="))
        if not equals or not re.fullmatch(r"\w+", name):
            raise InvalidOption("--over", text, "NAME=BYTES, such as ours=100kB")
        limits[name] = bytes_of("--over", size)
    return limits
