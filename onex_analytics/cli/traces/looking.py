"""One trace or a few: list, show, open."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Files, Format, Limit, Nodes, Since, Until, listed, milliseconds, spans_of
from onex_analytics.cli.trace_list import whole_id
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl


def listing(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Annotated[list[str] | None, typer.Option(help="Only traces in which this node took part.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """The traces that lasted longest. With root, start, duration, spans, errors and open spans of each."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.cli.trace_list import slowest_traces

    chosen = spans_of(files, store, format, since=since, until=until, nodes=node, whole_traces=True)
    with chosen as spans, busy("listing"):
        traces = slowest_traces(spans, limit).collect(engine="streaming")
    output.frame(with_lengths(traces) if output.form == "table" else traces)


def show(
    trace_id: Annotated[str, typer.Argument(help="The trace, or how its id begins.")],
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    max_lanes: Annotated[int, typer.Option(min=1, help="At most so many lines; what matters least is folded.")] = 200,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """One trace as a waterfall. It marks what the root was waiting for, failures, and what never ended."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.cli.waterfall_text import waterfall_lines
    from onex_analytics.profiling import waterfall

    with spans_of(files, store, format) as spans, busy("looking"):
        meant = whole_id(spans, trace_id)
        rows = waterfall(spans, trace_id=meant, max_lanes=max_lanes).collect()
    if rows.is_empty():
        raise InvalidOption("TRACE_ID", trace_id, "a trace whose spans say when they were; this one's say no time")
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.waterfall(rows), figure, title=f"Trace {meant}", caption=(
            "A bar a span, below what called it; the marked parts are what the root was waiting for: only there does "
            "being faster make the whole faster. A bar that fades has no end in the log."
        ))  # fmt: skip
    if output.form == "table":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() and out is None else 140
        text = "\n".join(waterfall_lines(rows, width=width)) + "\n"
        if out is not None:
            write_text(out, text)
        else:
            sys.stdout.write(text)
    else:
        output.frame(_with_plain_sections(rows) if output.form == "csv" else rows)


def unfinished(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    now: Annotated[
        str | None, typer.Option(help="Judge by this time; the last sign of life in the log where not given.")
    ] = None,
    node: Nodes = None,
    survival: Annotated[
        bool, typer.Option("--survival", help="Percentiles in which open work counts for its age (Kaplan–Meier).")
    ] = False,
    by: Annotated[list[str] | None, typer.Option(help="With --survival: columns to tell apart.")] = None,
    max_open: Annotated[int | None, typer.Option(min=0, help="Exit with 1 where more is open.")] = None,
    max_age: Annotated[str | None, typer.Option(help="Exit with 1 where something open is older, such as 30m.")] = None,
    limit: Limit = 50,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Work that never ended. The oldest first, with its age and the last sign of life in its trace."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.frames import open_spans
    from onex_analytics.store.selection import time_of

    oldest_ms = milliseconds("--max-age", max_age) if max_age is not None else None
    with spans_of(files, store, format, nodes=node) as spans, busy("looking"):
        at = time_of("--now", now) or last_sign_of_life(spans)
        if at is None:
            say("there are no spans")
            return 0
        found = open_spans(spans, now=at).collect()
        keys = listed(by, ("node", "operation"))
        percentiles = open_spans(spans, now=at, survival=True, by=keys).collect() if survival else None
    say(f"judged by {at:%Y-%m-%d %H:%M:%S} UTC: {found.height:,} open")
    if figure is not None:
        from onex_analytics.views import profiling as views

        drawn = views.open_spans(found.head(_MOST_DRAWN), of=found.height)
        write_figure(drawn, figure, title="Unfinished work", caption=(
            "A mark is a piece of work without an end in the log, the older the further right; begin with the oldest."
        ))  # fmt: skip
    if percentiles is not None:
        output.frame(percentiles.head(limit) if limit else percentiles)
    else:
        rows = found.head(limit) if limit else found
        output.frame(with_lengths(rows).select(_SHOWN_OPEN) if output.form == "table" else rows)
    too_old = 0 if oldest_ms is None else found.filter(pl.col("age_ms") > oldest_ms).height
    if too_old:
        say(f"{too_old:,} are older than {max_age}.")
    if max_open is not None and found.height > max_open:
        say(f"{found.height:,} are open; the budget is {max_open:,}.")
    return 1 if too_old or (max_open is not None and found.height > max_open) else 0


_MOST_DRAWN = 2_000
_SHOWN_OPEN = ("node", "operation", "start", "age", "last_sign_of_life", "silent", "trace_id", "span_id")


def last_sign_of_life(spans: pl.LazyFrame) -> datetime | None:
    """The latest start or end of the time in which nearly everything happened: one clock of 2099 shall not age all."""
    import polars as pl

    from onex_analytics.frames import main_period

    told = spans.select(timestamp=pl.max_horizontal("start", "end")).filter(pl.col("timestamp").is_not_null())
    found: datetime | None = main_period(told).collect()["end"].item()
    return found


def with_lengths(rows: pl.DataFrame) -> pl.DataFrame:
    """Durations as people say them, in place of those in milliseconds: `age` for `age_ms`."""
    import polars as pl

    from onex_analytics.cli.waterfall_text import length

    told = [name for name in rows.columns if name.endswith("_ms")]
    return rows.with_columns(pl.col(told).map_elements(length, pl.String)).rename(
        {name: name.removesuffix("_ms") for name in told}
    )


def _with_plain_sections(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    section = pl.element().struct
    text = pl.format("{}–{}", section.field("from_ms"), section.field("to_ms"))
    return rows.with_columns(pl.col("critical").list.eval(text))
