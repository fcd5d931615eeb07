"""Where the work is: flame, resources, concurrency."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
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
    spans_of,
)
from onex_analytics.exceptions import InvalidOption

CallName = Annotated[str, typer.Option("--by", help="The column that names the calls.")]
Weight = Annotated[str, typer.Option(help="self (work) or critical (what the roots waited for).")]
MaxNodes = Annotated[int, typer.Option(min=1, help='At most so many; what weighs least becomes "other".')]


def flame(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    by: CallName = "name",
    weight: Weight = "self",
    max_nodes: MaxNodes = 2000,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What each call path weighs. A flame graph, as folded stacks in microseconds."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import flame_graph
    from onex_analytics.profiling.export import folded

    chosen = spans_of(files, store, format, since=since, until=until, whole_traces=True)
    with chosen as spans, busy("weighing"):
        nodes = flame_graph(spans, weight, by=by, max_nodes=max_nodes).collect()  # type: ignore[arg-type]
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.flame_graph(nodes), figure, title="Where the time goes, call by call", caption=(
            "A box is a call path, below what called it; its width is the time spent in it and in all below it. "
            "Click a box to look into it."
        ))  # fmt: skip
    if output.form != "table":
        output.frame(nodes)
    elif out is not None:
        write_text(out, folded(nodes))
    else:
        sys.stdout.write(folded(nodes))


def resources(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    limit: Limit = 60,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What work costs besides time. Processor, memory, disk, network, and what goes with the duration."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import resource_profile

    keys = listed(by, ("node", "operation", "node_version"))
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("adding up"):
        table = resource_profile(spans, keys).collect()
    if table.is_empty():
        say("no span tells what it took: such numbers come with PERFORMANCE_PROFILE events (`profile_operation` makes "
            "them) and with the metadata of ends")
    tell(output, table.head(limit) if limit else table)


def concurrency(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    every: Every = None,
    by: By = None,
    queueing: Annotated[
        bool, typer.Option("--queueing", help="Arrivals, waiting and service, and whether they agree (Little's law).")
    ] = False,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How much is under way at once. Over time; with --queueing how that goes with arrivals and service."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import in_flight
    from onex_analytics.profiling import queueing as queued

    if queueing and figure is not None:
        raise InvalidOption("--figure", str(figure), "no --queueing beside it: that table has no figure")
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("counting"):
        if queueing:
            tell(output, queued(spans, listed(by, ("node",)), every=every).collect())
            return
        width = every or fitting_every(spans, 96)
        table = in_flight(spans, listed(by, ()), every=width).collect()
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.concurrency(table), figure, title=f"Work under way, in buckets of {width}", caption=(
            "The line is the mean, the band reaches from the least to the most that was under way at once."
        ))  # fmt: skip
    tell(output, table)
