"""All traces added up: critical-path, diagnostics, export."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Files, Format, Limit, Since, Until, listed, shares, spans_of
from onex_analytics.cli.trace_list import whole_id

if TYPE_CHECKING:
    import polars as pl


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
            spans = spans.filter(pl.col("trace_id").is_in([whole_id(spans, one) for one in trace]))
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

    from onex_analytics.frames.trees import tree_states
    from onex_analytics.profiling import critical_path_profile, profile_difference

    keys = listed(by, ("node", "operation"))
    edges = shares("--bands", bands) if tail is None else [0.0, tail, 1.0]
    chosen = spans_of(files, store, format, since=since, until=until, whole_traces=True)
    with chosen as spans, busy("walking"):
        profile = critical_path_profile(
            spans, keys, edges, touching="strict" if strict else "inclusive", overlap_tolerance=overlap_tolerance
        ).collect()
        aside = tree_states(spans).filter(pl.col("place") == "left_out").select(pl.col("spans").sum()).collect().item()
    if aside:
        say(f"{aside:,} spans stand in no tree and are left out (`traces diagnostics` says why)")
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


def _with_text_paths(rows: pl.DataFrame, output: Output) -> pl.DataFrame:
    import polars as pl

    if output.form != "table" or "path" not in rows.columns:
        return rows
    return rows.with_columns(pl.col("path").list.join(" > "))
