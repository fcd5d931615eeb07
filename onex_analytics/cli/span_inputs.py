"""The spans that a command reads: of a store, of raw event files, or of another system's span files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import reasons_told, store_of
from onex_analytics.cli.output import say
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

Files = Annotated[
    list[str] | None,
    typer.Argument(help="Raw event files, or span files (Jaeger JSON, Chrome trace); or name a --store."),
]
Format = Annotated[
    str | None, typer.Option(help="Of the files: events, jaeger or chrome; found out where not given.")
]
Since = Annotated[str | None, typer.Option(help="Only what began from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only what began before this time.")]
Nodes = Annotated[list[str] | None, typer.Option("--node", help="Only this node; may be given again.")]
By = Annotated[list[str] | None, typer.Option(help='Columns to tell apart, such as node,operation; "" for none.')]
Every = Annotated[
    str | None, typer.Option(help="Width of a bucket, such as 5m; fitted to the time of the log where not given.")
]
Limit = Annotated[int, typer.Option(min=0, help="At most so many rows; 0 for all.")]

FORMATS = ("events", "jaeger", "chrome")
_SNIFFED = 1 << 16
_NO_TRACES = re.compile(rb'\s*\{\s*"data"\s*:\s*\[\s*\]\s*[,}]')  # what Jaeger answers where nothing was found


@contextmanager
def spans_of(
    files: Sequence[str] | None, store: str | None, format: str | None = None, *, since: str | None = None,
    until: str | None = None, nodes: Sequence[str] | None = None, whole_traces: bool = False,
) -> Iterator[pl.LazyFrame]:  # fmt: skip
    """The spans that were asked for, with every column of `model.SPANS`, for as long as the block lasts.

    Args:
        files, store: one of them; files win over a store that only the environment names.
        format: one of `FORMATS`.
        since, until: what began in [since, until).
        nodes: what these nodes did.
        whole_traces: choose traces (that began in the time, in which a node took part), not single spans.
    """
    from onex_analytics.frames import complete_spans
    from onex_analytics.store.selection import time_of

    begin, end = time_of("--since", since), time_of("--until", until)
    named = [] if files is None else list(files)
    formats = {name: format or found_format(name) for name in _expanded(named)}
    if format is not None and format not in FORMATS:
        raise InvalidOption("--format", format, "one of " + ", ".join(FORMATS))
    if len({found == "events" for found in formats.values()}) > 1:
        raise InvalidOption("FILES", formats, "either event files or span files of other systems")
    if formats and "events" not in formats.values():
        with busy("reading"):
            spans = _foreign(formats)
        yield chosen(complete_spans(spans), begin, end, nodes, whole_traces=whole_traces)
        return
    with store_of(None if named else store, named) as (held, _):
        with busy("pairing what is new"):
            spans = held.spans()
        yield chosen(complete_spans(spans), begin, end, nodes, whole_traces=whole_traces)


def chosen(
    spans: pl.LazyFrame, since: datetime | None, until: datetime | None, nodes: Sequence[str] | None, *,
    whole_traces: bool,
) -> pl.LazyFrame:  # fmt: skip
    """Spans that began in [since, until) at one of the nodes, or the traces of which this is true."""
    import polars as pl

    began, here = pl.col("start"), pl.col("node")
    if whole_traces:
        began, here = began.min(), here.is_in(list(nodes or [])).any()
    else:
        here = here.is_in(list(nodes or []))
    parts = [began >= since] if since is not None else []
    parts += [began < until] if until is not None else []
    parts += [here] if nodes else []
    if not parts:
        return spans
    if not whole_traces:
        return spans.filter(pl.all_horizontal(parts))
    wanted = spans.group_by("trace_id").agg(pl.all_horizontal(parts).alias("wanted")).filter("wanted")
    return spans.join(wanted.select("trace_id"), on="trace_id", how="semi", nulls_equal=True)


def found_format(name: str) -> str:
    """events, jaeger or chrome, by what the file begins with; events for a pipe, which can be looked at only once."""
    from onex_analytics.sources.streams import STDIN, open_stream

    if name == STDIN or "://" in name or Path(name).is_fifo():
        return "events"
    stream = open_stream(name)
    try:
        head = stream.peek(_SNIFFED)
    finally:
        stream.close()
    if b'"event_type"' in head or head.lstrip()[:1] not in (b"{", b"["):
        return "events"
    if b'"traceEvents"' in head or (b'"ph"' in head and b'"ts"' in head):
        return "chrome"
    told = b'"traceID"' in head or b'"traceId"' in head
    return "jaeger" if told or _NO_TRACES.match(head) else "events"


def _expanded(named: Sequence[str]) -> list[str]:
    from onex_analytics.store.inputs import inputs

    return [str(name) for name in inputs(named)] if named else []


def _foreign(formats: dict[str, str]) -> pl.LazyFrame:
    """The spans of other systems' files, one below the other; what could not be read is told of."""
    import polars as pl

    from onex_analytics.frames import complete_spans
    from onex_analytics.sources import chrome_trace, jaeger_json

    read = {"jaeger": jaeger_json.read_spans, "chrome": chrome_trace.read_spans}
    parts = []
    for name, format in formats.items():
        found = read[format](name)
        parts.append(complete_spans(found.spans))
        if found.rejected.height:
            told = reasons_told(dict(found.rejected["reason"].value_counts().rows()))
            say(f"{name}: {found.rejected.height:,} of {found.read:,} elements could not be read ({told})")
    return pl.concat(parts, how="diagonal_relaxed")


def listed(values: Sequence[str] | None, default: Sequence[str]) -> list[str]:
    """An option that may be given again, or once with commas.

    >>> listed(["node,operation", "host"], ()), listed(None, ("node",))
    (['node', 'operation', 'host'], ['node'])
    """
    given = [part.strip() for value in values or [] for part in value.split(",") if part.strip()]
    return list(dict.fromkeys(given)) if values is not None else list(default)


def shares(name: str, text: str) -> list[float]:
    """Shares with commas between.

    >>> shares("--quantiles", "0.5, 0.95")
    [0.5, 0.95]
    """
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as problem:
        raise InvalidOption(name, text, "shares from 0 to 1 with commas between, such as 0.5,0.95") from problem


def milliseconds(name: str, text: str) -> float:
    """A length of time; a number alone is milliseconds.

    >>> milliseconds("--max-age", "30m"), milliseconds("--slower-than", "0.8s"), milliseconds("--slower-than", "800")
    (1800000.0, 800.0, 800.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", text.strip())
    if found is None:
        raise InvalidOption(name, text, "a length of time such as 800ms, 2s or 30m")
    return float(found[1]) * {"ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}[found[2] or "ms"]


def fitting_every(spans: pl.LazyFrame, buckets: int) -> str:
    """A round bucket width for the time in which nearly all spans began."""
    import polars as pl

    from onex_analytics.frames import fitting_width, main_period

    start, end, _ = main_period(spans.select(timestamp=pl.col("start"))).collect().row(0)
    return fitting_width(end - start, buckets) if start is not None else "1m"
