"""The events and the errors that a command reads: of a store, or of raw event files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

EventFiles = Annotated[list[str] | None, typer.Argument(help="Raw event files; or name a --store.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="failure, soft_failure or log; may be given again. All where not given."),
]
KINDS = ("failure", "soft_failure", "log")


@dataclass(frozen=True)
class Read:
    """What was asked for, as a store gives it."""

    events: pl.LazyFrame
    spans: pl.LazyFrame


@contextmanager
def events_of(
    files: Sequence[str] | None, store: str | None, *, since: str | None = None, until: str | None = None,
    nodes: Sequence[str] | None = None,
) -> Iterator[Read]:  # fmt: skip
    """The events in [since, until) of these nodes, and the spans of the whole log, for as long as the block lasts."""
    from onex_analytics.store.selection import time_of

    begin, end = time_of("--since", since), time_of("--until", until)
    named = [] if files is None else list(files)
    with store_of(None if named else store, named) as (held, _):
        with busy("pairing what is new"):
            spans = held.spans()
        yield Read(held.scan(since=begin, until=end, nodes=nodes), spans)


def errors_in(read: Read, kinds: Sequence[str], carry: Sequence[str] = ()) -> pl.DataFrame:
    """One row an error, of these kinds; those of all where none is named."""
    import polars as pl

    from onex_analytics.error_patterns import errors_of

    if unknown := [word for word in kinds if word not in KINDS]:
        raise InvalidOption("--kind", unknown, "some of " + ", ".join(KINDS))
    errors = errors_of(read.events, carry=carry, spans=read.spans)
    return (errors.filter(pl.col("kind").is_in(list(kinds))) if kinds else errors).collect()
