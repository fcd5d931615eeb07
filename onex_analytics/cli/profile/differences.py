"""What a change is made of: attribute-change, flame-diff."""

from __future__ import annotations

from typing import Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles
from onex_analytics.cli.profile.sides import Baseline, Candidate, SideColumn, sides_of
from onex_analytics.cli.profile.work import CallName, MaxNodes, Weight
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import By, Files, Format, Limit, Nodes, Since, Until, listed, spans_of


def attribute_change(
    baseline: Baseline,
    candidate: Candidate,
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    column: SideColumn = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    limit: Limit = 40,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Which work moved the mean. By being slower itself (rate), or by being a larger part of all (mix)."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.profiling import attribute_change as attributed

    keys = [key for key in listed(by, ("operation",)) if key != column]
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("comparing"):
        table = attributed(*sides_of(spans, column, baseline, candidate), by=keys).collect()
    output.frame(table.head(limit) if limit else table)


def flame_diff(
    baseline: Baseline,
    candidate: Candidate,
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    column: SideColumn = None,
    since: Since = None,
    until: Until = None,
    by: CallName = "name",
    weight: Weight = "self",
    max_nodes: MaxNodes = 2000,
    limit: Annotated[int, typer.Option(min=0, help="Rows of the table, the largest changes; 0 for all.")] = 40,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Which call paths weigh more than before. A trace, so that the sides may hold unlike numbers of them."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import diff_flame_graph

    chosen = spans_of(files, store, format, since=since, until=until, whole_traces=True)
    with chosen as spans, busy("weighing"):
        before, after = sides_of(spans, column, baseline, candidate, whole_traces=True)
        nodes = diff_flame_graph(before, after, weight, by=by, max_nodes=max_nodes).collect()  # type: ignore[arg-type]
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.diff_flame_graph(nodes), figure, title=f"{baseline} → {candidate}, call by call", caption=(
            "Above before, below after; a box is a call path, as wide as it weighs in a trace. Orange got heavier by "
            "itself, blue lighter."
        ))  # fmt: skip
    if output.form != "table":
        output.frame(nodes)
        return
    changed = nodes.sort(pl.col("delta_own_per_tree_ms").abs(), descending=True, maintain_order=True)
    path = pl.col("path").list.join(" > ").alias("path")
    output.frame((changed.head(limit) if limit else changed).select(path, *_SHOWN))


_SHOWN = ("before_n", "after_n", "before_own_per_tree_ms", "after_own_per_tree_ms", "delta_own_per_tree_ms",
          "delta_total_per_tree_ms")  # fmt: skip
