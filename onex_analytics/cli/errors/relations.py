"""What errors go with: co-occurrence, cascades, contrast."""

from __future__ import annotations

from typing import Annotated

import typer

from onex_analytics.cli.contrasting import EVENT_FAMILY, explaining, show_findings
from onex_analytics.cli.errors.inputs import GROUP, EventFiles, Kinds, Taxonomy, errors_in, events_of, taxonomy_of
from onex_analytics.cli.errors.texts import shortened
from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import By, Limit, Nodes, Since, Until, listed, spans_of
from onex_analytics.exceptions import InvalidOption

Codes = Annotated[
    list[str] | None, typer.Option("--code", help="Only failures with this code, in any spelling; may be given again.")
]
MaxGap = Annotated[str, typer.Option(help="The longest time from one error to the next, such as 1m or 100ms.")]
ByTime = Annotated[
    bool, typer.Option("--by-time", help="Not within traces: errors at most --max-gap apart, whoever they are of.")
]
MinRatio = Annotated[float, typer.Option(help="Smallest risk ratio of a finding.")]
MaxOrder = Annotated[int, typer.Option(min=1, max=2, help="2 looks at combinations of two, too.")]


def co_occurrence(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    by: By = None,
    taxonomy: Taxonomy = None,
    min_traces: Annotated[int, typer.Option(min=1, help="Groups of fewer traces are not tested.")] = 3,
    limit: Limit = 20,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Errors that come together. Pairs that meet in a trace more often than by chance, among all traces."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import co_occurrence as together

    keys, codes = listed(by, (GROUP,)), taxonomy_of(taxonomy)
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("counting"):
        errors = errors_in(read, listed(kind, ()), keys, codes)
        traces = pl.concat([read.work.select("trace_id"), errors.lazy().select("trace_id")]).drop_nulls()
        watched = traces.select(pl.col("trace_id").n_unique()).collect().item()
        found = together(errors, keys, n_traces=watched, min_traces=min_traces)
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        write_figure(views.co_occurrence_matrix(found), figure, title="Which errors come together", caption=(
            "A cell is a pair: how many times as often as by chance both come in one trace; grey is mere chance."
        ))  # fmt: skip
    if output.form != "table":
        output.frame(found)
        return

    def name(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.String).fill_null("–")

    sides = [
        pl.concat_str([name(f"{key}_{side}") for key in keys], separator=" ").alias(side) for side in ("left", "right")
    ]
    rows = found.head(limit) if limit else found
    output.frame(shortened(rows.with_columns(sides).select(_PAIRS)))
    if found.is_empty():
        say(f"no two groups come together, among {watched:,} traces")
        return
    hidden = found.height - rows.height
    more = f"; {hidden:,} more came together (--limit 0 shows all)" if hidden else ""
    say(f"{found['n_tests'][0]:,} pairs tested, among {watched:,} traces{more}")


def cascades(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    by: By = None,
    taxonomy: Taxonomy = None,
    max_gap: MaxGap = "1m",
    by_time: ByTime = False,
    min_traces: Annotated[int, typer.Option(min=1, help="A chain comes in at least so many traces.")] = 3,
    min_odds: Annotated[
        float, typer.Option(help="How many times the odds of one error are higher with the other; 0 asks for no more.")
    ] = 3.0,
    limit: Limit = 20,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Errors that draw others after them. Chains that come in one order within a trace, and where they begin.

    An error that is alone in its trace, as nodes tell it that name no parents, joins the work in which it came.
    """
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import cascades as sought

    keys, codes = listed(by, ("node", "error_code")), taxonomy_of(taxonomy)
    if not keys:
        raise InvalidOption("--by", "", "a column that names an error, such as node,error_code")
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("looking"):
        errors, within = errors_in(read, listed(kind, ()), keys, codes), None if by_time else "trace_id"
        found = sought(errors, keys, within, max_gap=max_gap, min_traces=min_traces, min_odds=min_odds)
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        drawn = views.cascade_sankey(found, "episode" if by_time else "trace")
        write_figure(drawn, figure, title="Errors that draw others after them", caption=(
            "A band leads from an error to one that comes after it; the wider, the more often."
        ))  # fmt: skip
    if output.form != "table":
        output.frame(found)
        return
    name = pl.concat_str([pl.element().struct.field(key).fill_null("–") for key in keys], separator=" ")
    if found.is_empty() and not by_time:
        say("no chain within traces, nor by the work in which errors came; "
            "where nodes do not tell how long they worked, try --by-time --max-gap 1s")
    rows = found.head(limit) if limit else found
    chains = rows.with_columns(pl.col("chain").list.eval(name).list.join(" → ")).select(_CHAINS)
    output.frame(shortened(chains, 600))


def contrast(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    code: Codes = None,
    taxonomy: Taxonomy = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Columns that may explain it; who, what and dimensions where not given.")
    ] = None,
    max_order: MaxOrder = 2,
    min_ratio: MinRatio = 1.5,
    limit: Limit = 20,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What is different about the work that failed. Values it has more often than the work that went well."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.frames import contrast as contrasted
    from onex_analytics.frames.error_names import canonical_code

    named = canonical_code(taxonomy=taxonomy_of(taxonomy))
    asked = pl.DataFrame({"error_code": listed(code, ())}, {"error_code": pl.String}).select(named)
    with spans_of(files, store, None, since=since, until=until, nodes=node) as spans, busy("looking"):
        failed = pl.col("outcome") == "failure"
        if code:
            failed = failed & named.is_in(asked["error_code"].implode()).fill_null(False)
        judged = spans.filter(pl.col("outcome") != "start").with_columns(failed.alias(_TARGET))
        chosen = listed(column, explaining(spans, EVENT_FAMILY))
        found = contrasted(judged, pl.col(_TARGET), max_order, columns=chosen, min_ratio=min_ratio).collect()
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        target = f"failures with {', '.join(asked['error_code'])}" if code else "failed work"
        drawn = views.contrast_forest(found, target)
        write_figure(drawn, figure, title=f"What is different about {target}", caption=(
            "How many times as likely it is with a value, or two together, as without, and how sure that is."
        ))  # fmt: skip
    show_findings(found, output, limit)


_TARGET = "_in_question"
_PAIRS = ("left", "right", "together", "left_traces", "right_traces", "lift", "jaccard", "q")
_CHAINS = (
    "chain", "traces", "reversed_traces", "joined_traces", "lag_p50_ms", "share_followed", "lift", "share_direct",
    "share_root", "q",
)  # fmt: skip
