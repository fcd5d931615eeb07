"""What a policy keeps, written as events: apply."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.sample.options import (
    ByEvent,
    Files,
    KeepFailures,
    Policies,
    Probability,
    Rule,
    Since,
    Until,
    log_of,
    one_policy,
    policies_named,
    say_what_was_sampled_before,
)
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

_BEFORE = "adjusted_count before"


def apply(
    files: Files = None,
    store: StoreOrFiles = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", help='Write the kept events here, one JSON object a line (.gz, .zst: compressed), or "-" '
                                   'for standard output.'),
    ] = None,
    policies: Policies = None,
    probability: Probability = None,
    rule: Rule = None,
    keep_failures: KeepFailures = None,
    by_event: ByEvent = False,
    since: Since = None,
    until: Until = None,
    upstream: Annotated[
        str, typer.Option(help="Of a log that was sampled before: independent of this policy, or consistent with it.")
    ] = "independent",
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:  # fmt: skip
    """What a policy keeps of a log, exactly as the live sampler would, with what each event stands for.

    The kept events are as they came, but for `adjusted_count`; the table says what decided, and how it adds up.
    """
    output = Output(as_json, as_csv)
    if to is not None and to.suffix.lower() in (".csv", ".tsv", ".parquet", ".arrow", ".html"):
        raise InvalidOption("--out", str(to), "a name such as kept.jsonl, as JSON lines are written")
    if str(to) == "-" and (as_json or as_csv):
        raise InvalidOption("--out", "- with --json or --csv", "a file, as both would go to standard output")
    import polars as pl

    from onex_analytics.sampling import apply as run
    from onex_analytics.store.exports import write_rows

    policy = one_policy(policies_named(policies, probability, rule, keep_failures, by_event))
    with log_of(files, store, since, until) as (_, log), busy("sampling"):
        say_what_was_sampled_before(log)
        before = log.with_columns(pl.col("adjusted_count").alias(_BEFORE))
        decided = run(policy, before, upstream=upstream)  # type: ignore[arg-type]
        account = accounted(decided)
        if to is not None:
            target: Any = sys.stdout.buffer if str(to) == "-" else to
            write_rows(as_events(decided).collect_batches(maintain_order=True, lazy=True), target)
    if str(to) != "-":
        output.frame(account)
    kept, events, stands_for = (account[name].sum() for name in ("events_kept", "events", "stands_for"))
    where = "" if to is None else f" → {to}"
    say(f"{kept:,} of {events:,} events kept, which stand for {stands_for:,.0f}{where}")


def accounted(decided: pl.LazyFrame) -> pl.DataFrame:
    """What decided, how many events came to it, how many of them were kept, and what these stand for."""
    import polars as pl

    return (
        decided.group_by("policy")
        .agg(
            pl.len().cast(pl.Int64).alias("events"), pl.col("keep").sum().cast(pl.Int64).alias("events_kept"),
            pl.col("adjusted_count").sum().alias("stands_for"), pl.col("probability").first(),
        )
        .sort("events", "policy", descending=[True, False]).collect()
    )  # fmt: skip


def as_events(decided: pl.LazyFrame) -> pl.LazyFrame:
    """The kept rows of the canonical frame, as events that say what they stand for: by `adjusted_count`, and by
    `sampling_probability` where they have one. An event that stood for as many before is as it came."""
    import polars as pl

    from onex_analytics.model.shapes import WIRE_COLUMN, WIRE_FIELDS
    from onex_analytics.model.wire_json import WIRE_READ

    place = 4 ** WIRE_FIELDS.index("adjusted_count")
    wire, before = pl.col("wire_fields"), pl.col(_BEFORE)
    is_new = pl.col("adjusted_count") != before.fill_null(1.0)
    told = wire - (wire // place) % 4 * place + WIRE_COLUMN * place
    parts = pl.col("extra").str.extract_groups(r'(?s)^(.*"sampling_probability":\s*)[^,}\s]+(.*)$')
    share = pl.concat_str(
        parts.struct.field("1"), (1 / pl.col("adjusted_count")).cast(pl.String), parts.struct.field("2")
    )  # what an event says of its share beside that must not contradict it
    kept = decided.filter("keep").with_columns(
        pl.when(is_new).then(told).otherwise(wire).cast(pl.UInt32),
        pl.when(is_new).then(pl.coalesce(share, "extra")).otherwise("extra").alias("extra"),
    )
    return kept.select(*WIRE_READ)
