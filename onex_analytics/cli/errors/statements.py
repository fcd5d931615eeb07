"""What errors say of themselves: their code, and where in the code of the nodes they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.errors.inputs import EventFiles, Kinds, Taxonomy, errors_in, events_of, taxonomy_of
from onex_analytics.cli.errors.messages import Own
from onex_analytics.cli.errors.texts import shortened
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Limit, Nodes, Since, Until, listed

if TYPE_CHECKING:
    import polars as pl

CodeRules = Annotated[
    Path | None, typer.Option("--rules", help="A YAML file: messages that match have this code (docs/errors.md).")
]
MinConfidence = Annotated[
    float, typer.Option(help="So large a share of the like messages that bear a code bear one and the same.")
]
MinSupport = Annotated[int, typer.Option(min=1, help="So many messages with a code are like it.")]


def classify(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    rules: CodeRules = None,
    taxonomy: Taxonomy = None,
    min_confidence: MinConfidence = 0.7,
    min_support: MinSupport = 2,
    limit: Limit = 40,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Which code each error has. Said, given by a rule, or borne by messages like it; --json has a row an error."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import classify_errors, load_code_rules

    chosen, codes = load_code_rules(rules) if rules is not None else [], taxonomy_of(taxonomy)
    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("classifying"):
        errors = errors_in(read, listed(kind, ()), taxonomy=codes)
        found = classify_errors(
            errors, rules=chosen, taxonomy=codes, min_confidence=min_confidence, min_support=min_support
        )
    if output.form != "table":
        output.frame(found)
        return
    keys = ("code", "category", "method")
    table = found.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("errors"),
        pl.col("confidence").min().alias("confidence_min"),
        pl.col("error_message").min().alias("example"),
    )
    _tell(table.sort(-pl.col("errors"), *keys, nulls_last=True).select("errors", *keys, "confidence_min", "example"),
          output, limit)  # fmt: skip
    unknown = found["code"].null_count()
    if unknown:
        say(f"{unknown:,} of {found.height:,} errors have no code that is sure; --rules gives codes to messages")


def tracebacks(
    files: EventFiles = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    kind: Kinds = None,
    own: Own = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Where in the code errors come from. The innermost call that is yours, and causes; --json has a row an error."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.error_patterns import parse_tracebacks

    with events_of(files, store, since=since, until=until, nodes=node) as read, busy("reading tracebacks"):
        errors = errors_in(read, listed(kind, ()))
        told = parse_tracebacks(errors, own=listed(own, ())).collect()
    found = told.filter(pl.col("traceback_is_cut").is_not_null())
    if output.form == "table":
        frame, is_own = pl.element(), pl.element().struct.field("is_own")
        call = pl.concat_str(
            frame.struct.field("module"), frame.struct.field("function").fill_null("–"), separator=" "
        )  # fmt: skip
        line = frame.struct.field("line")
        last_own, last = (
            pl.col("frames").list.eval(pl.concat_str(call, pl.lit(":"), line).filter(those)).list.last()
            for those in (is_own, pl.lit(True))
        )
        causes = pl.col("causes").list.eval(frame.struct.field("exception_type").fill_null("?")).list.join(" ← ")
        keys = ("exception_type", "raised_in", "causes")
        table = (
            found.with_columns(pl.coalesce(last_own, last).alias("raised_in"), causes)
            .group_by(keys)
            .agg(
                pl.len().cast(pl.Int64).alias("errors"),
                pl.col("node").drop_nulls().unique().sort().alias("nodes"),
                pl.col("traceback_is_cut").sum().cast(pl.Int64).alias("cut"),
                pl.col("exception_message").min().alias("example"),
            )
        )
        _tell(table.sort(-pl.col("errors"), *keys, nulls_last=True).select("errors", *keys, "nodes", "cut", "example"),
              output, limit)  # fmt: skip
    else:
        output.frame(found)
    if found.height < told.height:
        say(f"{told.height - found.height:,} of {told.height:,} errors have no traceback")


def _tell(table: pl.DataFrame, output: Output, limit: int) -> None:
    """The first rows, and how many errors are in those that are not shown."""
    rows = table.head(limit) if limit else table
    output.frame(shortened(rows))
    if rows.height < table.height:
        rest = sum(table["errors"][rows.height :])
        say(f"and {table.height - rows.height:,} more rows with {rest:,} errors (--limit 0 shows all)")
