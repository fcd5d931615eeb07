"""What is one: groups, templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onex_analytics.cli.errors.inputs import EventFiles, Kinds, Taxonomy, errors_in, events_of, taxonomy_of
from onex_analytics.cli.errors.over_time import fitting, rates_of, watched
from onex_analytics.cli.errors.texts import shortened
from onex_analytics.cli.figure_files import Figure, write_figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Limit, Nodes, Since, Until, listed

Rules = Annotated[
    Path | None, typer.Option("--rules", help="A YAML file of rules that join or part groups (docs/errors.md).")
]
Own = Annotated[
    list[str] | None, typer.Option(help="Modules that are yours although they are installed, such as omnibase.")
]
Model = Annotated[
    Path | None, typer.Option("--model", help="A template model to go by, and to keep what is new in; made if absent.")
]


def groups(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    rules: Rules = None,
    own: Own = None,
    taxonomy: Taxonomy = None,
    limit: Limit = 20,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Errors that are one. How often, since when, whom they touch, and why they are one."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import group_errors, load_grouping_rules

    chosen, codes = load_grouping_rules(rules) if rules is not None else [], taxonomy_of(taxonomy)
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("grouping"):
        errors = errors_in(read, listed(kind, ()), taxonomy=codes)
        table = group_errors(errors, rules=chosen, own=listed(own, ()), taxonomy=codes)
    if figure is not None:
        from onex_analytics.views import error_patterns as views

        drawn = [("How often", views.pareto(table)), ("Since when", views.first_seen_timeline(table))]
        write_figures(drawn, figure, title="Errors that are one", caption=(
            "A line is a group of errors that have a rule, a code, a stack or a message in common."
        ))  # fmt: skip
    if output.form != "table":
        output.frame(table)
        return
    rows = table.head(limit) if limit else table
    bars = rows["sparkline"].map_elements(_drawn, pl.String)
    output.frame(shortened(rows.drop("sparkline")).with_columns(bars).select(_GROUPED))
    if rows.height < table.height:
        rest = sum(table["errors"][rows.height :])
        say(f"and {table.height - rows.height:,} more groups with {rest:,} errors (--limit 0 shows all)")
    settled, open_ = (table[name].sum() for name in ("resolved_codes", "ambiguous_codes"))
    if settled or open_:
        say(f"of codes that share their spelling with others {settled:,} were told by what stands beside them; "
            f"{open_:,} stay ambiguous")


def templates(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    model: Model = None,
    limit: Limit = 40,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What messages have in common. A row a template, the most frequent first."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.error_patterns import TemplateModel, mine_templates

    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("mining"):
        errors = errors_in(read, listed(kind, ()))
        messages = errors.select("error_message")
        known = TemplateModel.load(model) if model is not None and model.exists() else None
        mined = mine_templates(messages) if known is None else known.learn(messages)
        if figure is not None:
            from onex_analytics.views import error_patterns as views

            width = fitting(watched(read.events), 120)
            over_time = rates_of(read, mined.transform(errors), ("template",), width)
            drawn = views.template_heatmap(over_time, "events")
            write_figure(drawn, figure, title="When which message comes", caption=(
                f"A line is a template, a column {width}. Each error is counted by the event that tells most of it."
            ))  # fmt: skip
    if model is not None:
        mined.save(model)
        fresh = mined.table.height - (0 if known is None else known.table.height)
        say(f"{model}: version {mined.version}, {mined.table.height:,} templates, {fresh:,} of them new")
    rows = mined.table.head(limit) if limit and output.form == "table" else mined.table
    told = shortened(rows.select("count", "template", "since_version", "template_id"))
    output.frame(told if output.form == "table" else rows)


_GROUPED = (
    "errors", "title", "failures", "soft_failures", "log_entries", "traces", "nodes", "first_seen", "last_seen",
    "sparkline", "fingerprint_basis",
)  # fmt: skip
_BARS = " ▁▂▃▄▅▆▇█"


def _drawn(counts: list[int]) -> str:
    """Counts as bars, the highest of them as high as can be.

    >>> _drawn([0, 1, 8])
    ' ▁█'
    """
    highest = max(counts, default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in counts)
