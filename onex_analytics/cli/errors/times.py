"""When errors come: rates, bursts, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.errors.inputs import GROUP, EventFiles, Kinds, Taxonomy, errors_in, events_of, taxonomy_of
from onex_analytics.cli.errors.over_time import fitting, rates_of, watched
from onex_analytics.cli.errors.texts import shortened
from onex_analytics.cli.figure_files import Figure, write_figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import By, Every, Limit, Nodes, Since, Until, listed
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

    from onex_analytics.cli.errors.inputs import Read

    Drawn = tuple[str, go.Figure]

Season = Annotated[
    str, typer.Option(help="weekly compares with the same hour of other weeks; auto does once four are there.")
]
FalseDiscovery = Annotated[float, typer.Option(help="Accepted share of false findings.")]


def rates(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    every: Every = None,
    by: By = None,
    denominator: Annotated[str, typer.Option(help="events or finished (operations that ended).")] = "events",
    limit: Limit = 60,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How often work fails. With the interval that so few cases allow; over time with --every."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.error_patterns import detect_bursts, error_rates

    keys = listed(by, ("node",))
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("counting"):
        table = error_rates(read.events, every, keys, denominator).collect()  # type: ignore[arg-type]
        if figure is not None:
            times = watched(read.events)
            width = every or fitting(times, 120)
            over_time = error_rates(read.events, width, keys, denominator).collect()  # type: ignore[arg-type]
            failures = errors_in(read, ("failure",), keys)
            found = detect_bursts(failures, width, keys, since=times[0], until=times[1])
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        write_figure(views.stacked_rates(over_time, found), figure, title=f"Failures in buckets of {width}", caption=(
            "A bar is a bucket, a colour a group. Grey bands, with a mark above, are bursts: more failures of a group "
            "than are usual."
        ))  # fmt: skip
    output.frame(table.head(limit) if limit and output.form == "table" else table)


def bursts(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    every: Every = None,
    by: By = None,
    taxonomy: Taxonomy = None,
    method: Annotated[str, typer.Option(help="tail or kleinberg.")] = "tail",
    season: Season = "auto",
    max_false_discovery: FalseDiscovery = 0.05,
    max_bursts: Annotated[int | None, typer.Option(min=0, help="Exit with 1 where there are more.")] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """When errors come faster than is usual. For each node and code, or what --by names."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.error_patterns import detect_bursts

    keys, codes = listed(by, ("node", "error_code")), taxonomy_of(taxonomy)
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("looking"):
        errors, times = errors_in(read, listed(kind, ()), keys, codes), watched(read.events)
        width = every or fitting(times)
        found = detect_bursts(
            errors, width, keys, method=method, season=season,  # type: ignore[arg-type]
            max_false_discovery=max_false_discovery, since=times[0], until=times[1],
        )  # fmt: skip
        drawn = _drawn(read, errors, found, keys, width) if figure is not None else []
    if figure is not None:
        write_figures(drawn, figure, title="When errors come in bursts", caption=(
            f"In buckets of {width}. Grey bands, with a mark above, are the bursts, of soft failures and logs, too."
        ))  # fmt: skip
    output.frame(shortened(found) if output.form == "table" else found)
    if max_bursts is not None and found.height > max_bursts:
        say(f"{found.height} bursts; the budget is {max_bursts}.")
        return 1
    return 0


def compare(
    moment: Annotated[str, typer.Argument(metavar="MOMENT", help="Before and after this time, such as a deploy.")],
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    by: By = None,
    taxonomy: Taxonomy = None,
    season: Season = "auto",
    max_false_discovery: FalseDiscovery = 0.05,
    min_ratio: Annotated[float, typer.Option(help="Smallest ratio of rates that is escalating.")] = 1.5,
    fail_on: Annotated[
        list[str] | None, typer.Option(help="Exit with 1 on this word, such as new; may be given again.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What is new, gone, back or more frequent since a moment. Or too seldom to say."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import compare_periods
    from onex_analytics.error_patterns.changes import CHANGES
    from onex_analytics.store.selection import time_of

    words = CHANGES["change"].categories.to_list()  # type: ignore[attr-defined]
    fatal = listed(fail_on, ())
    if unknown := [word for word in fatal if word not in words]:
        raise InvalidOption("--fail-on", unknown, "some of " + ", ".join(words))
    at, keys, codes = time_of("MOMENT", moment), listed(by, (GROUP,)), taxonomy_of(taxonomy)
    assert at is not None
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("comparing"):
        errors = errors_in(read, listed(kind, ()), keys, codes)
        begin, end = watched(read.events)
        found = compare_periods(
            errors, at, keys, since=begin, until=end, season=season,  # type: ignore[arg-type]
            max_false_discovery=max_false_discovery, min_ratio=min_ratio,
        )  # fmt: skip
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        write_figure(views.first_seen_timeline(found, moment=at), figure, title="Since when errors come", caption=(
            "A line is a group of errors, from when it was first seen to when it was last; across stands the moment."
        ))  # fmt: skip
    output.frame(shortened(found) if output.form == "table" else found)
    bad = found.filter(pl.col("change").cast(pl.String).is_in(fatal))
    if bad.height:
        say(", ".join(f"{word}: {n}" for word, n in bad["change"].value_counts(sort=True).rows()))
    return 1 if bad.height else 0


def _drawn(read: Read, errors: pl.DataFrame, bursts: pl.DataFrame, keys: list[str], every: str) -> list[Drawn]:
    """Failures with the bursts, and all errors by group and time."""
    from onex_analytics.views import error_patterns as views

    failures = rates_of(read, errors.filter(kind="failure"), keys, every)
    told = rates_of(read, errors, keys, every)
    return [
        ("Failures, with the bursts", views.stacked_rates(failures, bursts)),
        ("All errors, by group and time", views.template_heatmap(told, "events")),
    ]
