"""What events weigh: report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.size.options import Files, Since, Until, events_of, limits_of
from onex_analytics.cli.span_inputs import By, Limit, Nodes, listed

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

_BUCKETS = 60


def report(
    files: Files = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    every: Annotated[str | None, typer.Option(help="Also tell buckets of time apart, such as 1h.")] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="Count events over a limit, such as ours=100kB; may be given again. 64 KiB (CloudEvents) and "
                          "1 MiB (Kafka) where not given."),
    ] = None,
    max_over: Annotated[
        int | None, typer.Option(min=0, help="Exit with 1 where more events are over the smallest limit.")
    ] = None,
    limit: Limit = 40,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:  # fmt: skip
    """What events weigh. By event type, or by what --by names: node, field (what each key of the metadata costs) …"""
    output = Output(as_json, as_csv, out)
    from onex_analytics.sizing import size_report

    keys, limits = listed(by, ("event_type",)), limits_of(over)
    with events_of(files, store, since, until, node) as events, busy("weighing"):
        table = size_report(events, keys, every=every, limits=limits).collect()
        smallest = min(limits, key=lambda name: limits[name])
        too_large = 0
        if max_over is not None:
            whole = size_report(events, (), limits=limits, quantiles=()).collect()
            too_large = int(whole[f"over_{smallest}"].sum())
        drawn = _drawn(events, limits, every) if figure is not None else []
    if figure is not None:
        write_figures(drawn, figure, title="What events weigh", caption=(
            "Bytes are those of an event's JSON without white space, as it is sent where it is not compressed."
        ))  # fmt: skip
    output.frame(table.head(limit) if limit and output.form == "table" else table)
    if limit and output.form == "table" and table.height > limit:
        rest = int(table["total_bytes"][limit:].sum())
        say(f"and {table.height - limit:,} more rows with {rest:,} bytes (--limit 0 shows all)")
    if max_over is not None and too_large > max_over:
        say(f"{too_large:,} events are over {smallest} ({limits[smallest]:,} bytes); the budget is {max_over:,}.")
        return 1
    return 0


def _drawn(events: pl.LazyFrame, limits: dict[str, int], every: str | None) -> list[tuple[str, go.Figure]]:
    import polars as pl

    from onex_analytics.frames import fitting_width
    from onex_analytics.sizing import size_distribution, size_report
    from onex_analytics.views import sizing as views

    begin, end = events.select(pl.col("timestamp").min(), pl.col("timestamp").max().alias("end")).collect().row(0)
    width = every or (fitting_width(end - begin, _BUCKETS) if begin is not None else "1m")
    return [
        ("By event type", views.byte_pareto(size_report(events, limits=limits).collect())),
        ("By field", views.byte_pareto(size_report(events, "field", limits=limits).collect())),
        ("How large events are", views.size_histogram(size_distribution(events).collect(), limits)),
        ("Over time", views.growth(size_report(events, every=width, limits=limits, quantiles=()).collect())),
    ]
