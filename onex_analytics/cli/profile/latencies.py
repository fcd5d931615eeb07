"""How long work takes, and whether that is good enough: latency, timeseries, apdex, slo, heatmap, ecdf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.profile.tables import tell
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import (
    By,
    Every,
    Files,
    Format,
    Limit,
    Nodes,
    Since,
    Until,
    fitting_every,
    listed,
    shares,
    spans_of,
)  # fmt: skip

if TYPE_CHECKING:
    pass

Quantiles = Annotated[str, typer.Option(help="Shares with commas between.")]
GROUPS = ("node", "operation")


def latency(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    quantiles: Quantiles = "0.5,0.9,0.95,0.99",
    sketch: Annotated[bool, typer.Option("--sketch", help="Quantiles within 0.54 %, in constant memory.")] = False,
    limit: Limit = 40,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How long work takes. Count, errors, mean and quantiles, the slowest first; open work has a column of its own."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import histogram_quantile, histogram_table, latency_table

    keys, wanted = listed(by, GROUPS), shares("--quantiles", quantiles)
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("ranking"):
        if sketch:
            table = histogram_quantile(histogram_table(spans, keys), wanted).collect()
        else:
            table = latency_table(spans, keys, wanted).collect()
    highest = [name for name in table.columns if name.startswith("p") and name.endswith("_ms")][-1:]
    order = [*highest, *keys]
    slowest = table.sort(order, descending=[name in highest for name in order], nulls_last=True) if order else table
    rows = slowest.head(limit) if limit else slowest
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.latency_bars(rows), figure, title="How long work takes", caption=(
            "A line a group, the slowest on top: half of the work takes no longer than the first mark, and all but the "
            "slowest hundredth no longer than the last."
        ))  # fmt: skip
    tell(output, rows)


def timeseries(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    every: Every = None,
    by: By = None,
    quantiles: Quantiles = "0.5,0.9,0.95,0.99",
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How long work takes, over time. When did it become slow?"""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import latency_timeseries

    wanted = shares("--quantiles", quantiles)
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("ranking"):
        width = every or fitting_every(spans, 60)
        table = latency_timeseries(spans, width, listed(by, ()), wanted).collect()
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.percentile_bands(table), figure, title=f"Durations in buckets of {width}", caption=(
            "Each line is a share of the work: so much of it took no longer. Lines that part say that some of the work "
            "became slow, lines that rise together that all of it did."
        ))  # fmt: skip
    tell(output, table)


def apdex(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    threshold_ms: Annotated[
        float, typer.Option(help="Up to here work satisfies; up to four times this it will do.")
    ] = 500.0,
    by: By = None,
    min_apdex: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 where a group is below this.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Which work is fast enough. What is just tolerable counts half, what failed does not count."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import apdex as reckoned

    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("judging"):
        table = reckoned(spans, threshold_ms, listed(by, GROUPS)).collect()
    worst = table.sort("apdex", nulls_last=True, maintain_order=True)
    tell(output, worst)
    below = 0 if min_apdex is None else worst.filter(pl.col("apdex") < min_apdex).height
    if below:
        say(f"{below} of {worst.height} are below {min_apdex}.")
    return 1 if below else 0


def slo(
    objective: Annotated[float, typer.Option(help="The share of work that should be good, such as 0.999.")],
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    node: Nodes = None,
    threshold_ms: Annotated[
        float | None, typer.Option(help="What is slower is bad; where not given only what failed is.")
    ] = None,
    window: Annotated[str, typer.Option(help="Time over which the budget holds.")] = "30d",
    by: By = None,
    now: Annotated[str | None, typer.Option(help="End of the window; the latest end where not given.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What is left of an error budget. And how fast it burns; exits with 1 where it is spent."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import slo as reckoned
    from onex_analytics.store.selection import time_of

    with spans_of(files, store, format, nodes=node) as spans, busy("judging"):
        at = time_of("--now", now)
        table = reckoned(spans, objective, threshold_ms, window, listed(by, ()), now=at).collect()
    worst = table.sort("budget_left", nulls_last=True, maintain_order=True)
    tell(output, worst)
    spent = worst.filter(pl.col("budget_left") <= 0).height
    if spent:
        say(f"the error budget of {spent} of {worst.height} is spent." if by else "the error budget is spent.")
    return 1 if spent else 0


def heatmap(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    every: Every = None,
    scale: Annotated[int, typer.Option(help="Steps of duration are 2^(2^-scale) wide: at 2, four to a doubling.")] = 2,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Time against duration. Several kinds of work are seen, where one mean hides them."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import heatmap as reckoned

    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("counting"):
        width = every or fitting_every(spans, 96)
        cells = reckoned(spans, width, scale=scale).collect()
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.heatmap(cells), figure, title=f"Durations in buckets of {width}", caption=(
            "From left to right time, from below the duration: the stronger the colour, the more work took so long. "
            "Two stripes are two kinds of work."
        ))  # fmt: skip
    tell(output, cells)


def ecdf(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Which share of the work took at most so long. A row a step of duration: the whole distribution."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import ecdf as distributed
    from onex_analytics.profiling import histogram_table

    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("counting"):
        table = distributed(histogram_table(spans, listed(by, ()))).collect()
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.ecdf(table), figure, title="How much of the work took at most so long", caption=(
            "A line a group: where it is steep, much of the work takes about so long; a step is a kind of work of its "
            "own. The further left a line, the faster."
        ))  # fmt: skip
    tell(output, table)
