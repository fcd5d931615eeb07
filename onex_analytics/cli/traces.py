"""`onex-analytics traces …`: which traces there are, one of them line by line, and what never ended."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure, write_text
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Files, Format, Nodes, Since, Until, listed, milliseconds, shares, spans_of
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Traces: list, look into, what never ended.")

Limit = Annotated[int, typer.Option(min=0, help="At most so many rows; 0 for all.")]


@app.command("list")
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


@app.command()
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
        whole_id = _whole_id(spans, trace_id)
        rows = waterfall(spans, trace_id=whole_id, max_lanes=max_lanes).collect()
    if rows.is_empty():
        raise InvalidOption("TRACE_ID", trace_id, "a trace whose spans say when they were; this one's say no time")
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.waterfall(rows), figure, title=f"Trace {whole_id}", caption=(
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


@app.command("open")
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

        write_figure(views.open_spans(found.head(limit) if limit else found), figure, title="Unfinished work", caption=(
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


@app.command()
def diagnostics(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What is odd about some spans. No end, no parent, clocks that differ: counted, with examples."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.frames import span_diagnostics

    with spans_of(files, store, format) as spans, busy("looking"):
        found = span_diagnostics(spans).collect()
    output.frame(found)


class Profile(StrEnum):
    """What `export` writes."""

    speedscope = "speedscope"
    chrome = "chrome"
    folded = "folded"
    pprof = "pprof"


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help='The file to write, or "-".')],
    files: Files = None,
    store: StoreOrFiles = None,
    to: Annotated[
        Profile, typer.Option("--format", help="Which program shall open it.", show_choices=True)
    ] = Profile.speedscope,
    trace: Annotated[list[str] | None, typer.Option(help="Only this trace; may be given again.")] = None,
    traces: Annotated[
        int, typer.Option(min=0, help="With speedscope and chrome: this many traces one by one, the longest; 0: all.")
    ] = 100,
    since: Since = None,
    until: Until = None,
    from_format: Annotated[
        str | None, typer.Option(help="Of the files: events, jaeger or chrome; found out where not given.")
    ] = None,
) -> None:
    """Profiles for other programs. Speedscope, Chrome and Perfetto, flame graph programs, pprof."""
    import polars as pl

    from onex_analytics.cli.trace_list import slowest_traces
    from onex_analytics.profiling import export as written

    chosen = spans_of(files, store, from_format, since=since, until=until, whole_traces=True)
    with chosen as spans, busy("writing"):
        if trace:
            spans = spans.filter(pl.col("trace_id").is_in([_whole_id(spans, one) for one in trace]))
        match to:
            case Profile.chrome:
                told = spans
                if traces and not trace:
                    longest = slowest_traces(spans, traces).select("trace_id")
                    told = spans.join(longest, on="trace_id", how="semi", nulls_equal=True)
                    left = spans.select(pl.col("trace_id").n_unique()).collect().item() - traces
                    if left > 0:
                        say(f"the {traces:,} longest traces; {left:,} others are left out (--traces 0 writes all)")
                content: str | bytes = written.chrome_trace(told)
            case Profile.speedscope:
                every = spans.select(pl.col("trace_id").n_unique()).collect().item()
                content = written.speedscope(spans, traces=traces or every)
            case Profile.folded:
                content = written.folded(spans)
            case Profile.pprof:
                content = written.pprof(spans)
    if str(target) == "-":
        sys.stdout.buffer.write(content.encode() if isinstance(content, str) else content)
        return
    write_text(target, content)
    say(f"{to.value}: {target}")


@app.command("critical-path")
def critical_path(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    by: Annotated[
        list[str] | None, typer.Option(help='Columns to add up by; "path" stands for all names from the root down.')
    ] = None,
    bands: Annotated[str, typer.Option(help="Cut the traces by duration: 0,0.5,0.95,1 makes three bands.")] = "0,1",
    tail: Annotated[
        float | None, typer.Option(help="Hold the traces slower than this share against the rest, such as 0.95.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Work that ends as the next begins is beside it.")] = False,
    overlap_tolerance: Annotated[float, typer.Option(help="Overlaps up to this share of the parent are none.")] = 0.0,
    limit: Limit = 30,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What the roots were waiting for. Added up over all traces: where being faster would pay."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import critical_path_profile, profile_difference

    keys = listed(by, ("node", "operation"))
    edges = shares("--bands", bands) if tail is None else [0.0, tail, 1.0]
    chosen = spans_of(files, store, format, since=since, until=until, whole_traces=True)
    with chosen as spans, busy("walking"):
        profile = critical_path_profile(
            spans, keys, edges, touching="strict" if strict else "inclusive", overlap_tolerance=overlap_tolerance
        ).collect()
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.critical_path_bar(profile), figure, title="What the roots were waiting for", caption=(
            "Each bar parts the mean duration of a band of traces by who was being waited for; the parts add up to it."
        ))  # fmt: skip
    if tail is None:
        rows = profile.group_by("band", maintain_order=True).head(limit) if limit else profile
        output.frame(_with_text_paths(rows, output))
        return
    sides = [profile.filter(pl.col("band") == band) for band in (0, 1)]
    difference = profile_difference(*sides).collect()
    words = {"before_": "rest_", "after_": "tail_"}
    named = {
        name: word + name.removeprefix(old)
        for name in difference.columns for old, word in words.items() if name.startswith(old)
    }  # fmt: skip
    output.frame(_with_text_paths((difference.head(limit) if limit else difference).rename(named), output))


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


def _whole_id(spans: pl.LazyFrame, given: str) -> str:
    """The id of the one trace whose id is, or begins with, `given`."""
    import polars as pl

    ids = spans.select("trace_id").filter(pl.col("trace_id").str.starts_with(given)).unique()
    found: list[str] = ids.sort("trace_id").head(4).collect()["trace_id"].to_list()
    if given in found or len(found) == 1:
        return given if given in found else found[0]
    if not found:
        raise InvalidOption("TRACE_ID", given, "a trace that is there, as `onex-analytics traces list` names them")
    raise InvalidOption("TRACE_ID", given, f"the beginning of one trace only, not of {', '.join(found)}")


def _with_plain_sections(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    section = pl.element().struct
    text = pl.format("{}–{}", section.field("from_ms"), section.field("to_ms"))
    return rows.with_columns(pl.col("critical").list.eval(text))


def _with_text_paths(rows: pl.DataFrame, output: Output) -> pl.DataFrame:
    import polars as pl

    if output.form != "table" or "path" not in rows.columns:
        return rows
    return rows.with_columns(pl.col("path").list.join(" > "))
