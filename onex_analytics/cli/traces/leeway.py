"""What it would bring to make something faster: drag, slack, what-if."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Files, Format, Limit, Since, Until, spans_of
from onex_analytics.cli.trace_list import whole_id
from onex_analytics.cli.traces.looking import with_lengths
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

Trace = Annotated[str | None, typer.Option(help="Only this trace, or how its id begins.")]


def drag(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    trace: Trace = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What each span alone adds to its trace. So much would be won at most by making it faster; the most first."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import drag as dragging

    with spans_of(files, store, format, since=since, until=until, whole_traces=True) as spans, busy("reckoning"):
        table = _of_spans(dragging, "drag_ms", spans, trace)
    _write(table, limit, output)


def slack(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    trace: Trace = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How much later each span could end. Without its trace ending later; the most first."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import slack as leeway

    with spans_of(files, store, format, since=since, until=until, whole_traces=True) as spans, busy("reckoning"):
        table = _of_spans(leeway, "slack_ms", spans, trace)
    _write(table, limit, output)


def what_if(
    name: Annotated[list[str], typer.Option(help="The spans that would be faster, by name; may be given again.")],
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    speedup: Annotated[
        float, typer.Option(help="How many times as fast: 2 halves their own work, inf takes it away.")
    ] = 2.0,
    with_children: Annotated[
        bool, typer.Option("--with-children", help="Also what stands below them, not their own work alone.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How long traces would take if some work were faster. Those that would win the most first."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import what_if as imagined

    with spans_of(files, store, format, since=since, until=until, whole_traces=True) as spans, busy("walking again"):
        trees = imagined(spans, name, speedup=speedup, with_children=with_children).collect()
        if not trees.filter(pl.col("spans") > 0).height:
            known = spans.select(pl.col("name").drop_nulls().unique().sort().head(12)).collect()["name"].to_list()
            raise InvalidOption("--name", ", ".join(name), f"a name of a span that stands in a tree, such as {known}")
    concerned = trees.filter(pl.col("spans") > 0).sort(
        "saved_ms", "trace_id", descending=[True, False], maintain_order=True
    )
    before, saved = (float(concerned[column].sum()) for column in ("duration_ms", "saved_ms"))
    share = f", {saved / before:.1%} of their time" if before else ""
    say(f"{concerned.height:,} of {trees.height:,} trees have it; in all they would win {saved:,.0f} ms{share}")
    _write(concerned, limit, output)


def _of_spans(
    question: Callable[..., pl.LazyFrame], measure: str, spans: pl.LazyFrame, trace: str | None
) -> pl.DataFrame:
    """A row a span that stands in a tree, the largest measure first; says how many stand in none."""
    import polars as pl

    if trace is not None:
        spans = spans.filter(pl.col("trace_id") == whole_id(spans, trace))
    table = question(spans, keep=["node"]).collect()
    placed = table.filter(pl.col("left_out").is_null())
    if left := table.height - placed.height:
        say(f"{left:,} spans stand in no tree and are left out (`traces diagnostics` says why)")
    columns = [name for name in placed.columns if name != "left_out"]
    return placed.select(columns).sort(
        measure, "trace_id", "span_id", descending=[True, False, False], nulls_last=True
    )


def _write(table: pl.DataFrame, limit: int, output: Output) -> None:
    rows = table.head(limit) if limit else table
    output.frame(with_lengths(rows) if output.form == "table" else rows)
