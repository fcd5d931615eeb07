"""The events and the errors that a command reads: of a store, or of raw event files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import chosen
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.model.error_codes import ErrorCodeTaxonomy

EventFiles = Annotated[list[str] | None, typer.Argument(help="Raw event files; or name a --store.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="failure, soft_failure or log; may be given again. All where not given."),
]
Taxonomy = Annotated[
    Path | None, typer.Option("--taxonomy", help="A YAML file of error codes of your own (docs/errors.md).")
]
GROUP = "group"
"""What `--by` takes for the text that makes errors one, whatever it was made of."""
KINDS = ("failure", "soft_failure", "log")


@dataclass(frozen=True)
class Read:
    """What was asked for, as a store gives it."""

    events: pl.LazyFrame
    spans: pl.LazyFrame
    """Of the whole log: they say of which trace an error is."""
    work: pl.LazyFrame
    """Those of them that were asked for."""


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
        work = chosen(spans, begin, end, nodes, whole_traces=False)
        yield Read(held.scan(since=begin, until=end, nodes=nodes), spans, work)


def errors_in(
    read: Read, kinds: Sequence[str], keys: Sequence[str] = (), taxonomy: ErrorCodeTaxonomy | None = None
) -> pl.DataFrame:
    """One row an error, of these kinds (of all where none is named), with the columns of `keys`; `GROUP` is the text of
    its fingerprint."""
    import polars as pl

    from onex_analytics.error_patterns import errors_of, fingerprint

    if unknown := [word for word in kinds if word not in KINDS]:
        raise InvalidOption("--kind", unknown, "some of " + ", ".join(KINDS))
    carry = [key for key in keys if key != GROUP]
    errors = errors_of(read.events, carry=carry, spans=read.spans, taxonomy=taxonomy)
    found = (errors.filter(pl.col("kind").is_in(list(kinds))) if kinds else errors).collect()
    if GROUP not in keys:
        return found
    return fingerprint(found, taxonomy=taxonomy).rename({"fingerprint_text": GROUP}).collect()


def taxonomy_of(path: Path | None) -> ErrorCodeTaxonomy | None:
    """Upstream's codes and those of a file; None where there is no file."""
    if path is None:
        return None
    from onex_analytics.model.error_codes import ErrorCodeTaxonomy

    return ErrorCodeTaxonomy.default().extended(path)
