"""Policies on history: simulate one, compare many."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.batch.options import (
    Batchers,
    Compress,
    ExportTime,
    Files,
    MaxBytes,
    MaxDelay,
    MaxLost,
    Oversize,
    PerMegabyte,
    QueueLimit,
    Since,
    Until,
    WhenFull,
    curve_of,
    events_of,
    over_budget,
    policy_of,
    preset_of,
    service_of,
)
from onex_analytics.cli.figure_files import Figure, write_figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import Every, Limit, Nodes, listed, milliseconds
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.batching import BatchingResult, BatchPolicy

SHOWN = ("summary", "batches", "sizes", "over_time")
SIZES, AGES = ("10", "100", "1000"), ("100ms", "1s", "5s")
_COMPARED = (
    "policy", "best", "batches_per_s", "size_mean", "delay_p50_ms", "delay_p95_ms", "delay_p99_ms", "dropped_full",
    "dropped_oversize", "blocked", "queue_max", "utilisation", "compressed_bytes",
)  # fmt: skip


def simulate(
    files: Files = None,
    store: StoreOrFiles = None,
    preset: Annotated[str | None, typer.Option(help="Begin with how a known exporter batches: see presets.")] = None,
    max_size: Annotated[int | None, typer.Option(min=1, help="Events of a batch, at most; 100.")] = None,
    max_age: Annotated[str | None, typer.Option(help="A batch closes when its first event is so old; 1s.")] = None,
    max_bytes: MaxBytes = None,
    queue_limit: QueueLimit = None,
    when_full: WhenFull = None,
    oversize: Oversize = None,
    export_time: ExportTime = "5ms",
    per_megabyte: PerMegabyte = "10ms",
    compress: Compress = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: Batchers = None,
    every: Every = None,
    show: Annotated[str, typer.Option(help=f"{', '.join(SHOWN[:-1])} or {SHOWN[-1]}.")] = "summary",
    limit: Limit = 60,
    max_lost: MaxLost = None,
    max_delay: MaxDelay = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What a policy would have made of a log: its batches, their delay, what waits and what is lost."""
    output = Output(as_json, as_csv, out)
    if show not in SHOWN:
        raise InvalidOption("--show", show, "one of " + ", ".join(SHOWN))
    from onex_analytics.batching import simulate_batching

    policy = policy_of(preset, {
        "max_size": max_size, "max_age_ms": None if max_age is None else milliseconds("--max-age", max_age),
        "max_bytes": max_bytes, "queue_limit": queue_limit, "when_full": when_full, "oversize": oversize,
    })  # fmt: skip
    latest = None if max_delay is None else milliseconds("--max-delay", max_delay)
    service = service_of(export_time, per_megabyte, compress)
    with events_of(files, store, since, until, node) as events, busy("simulating"):
        curve = curve_of(events, compress)
        if curve is None:
            service = service.model_copy(update={"counts": "raw"})
        found = simulate_batching(policy, events, by=listed(by, ()), service=service, compression=curve, every=every)
    if figure is not None:
        _draw(found, policy, figure)
    if found.summary.is_empty():
        say("no event came")
    if show != "summary":
        table: pl.DataFrame = getattr(found, show)
        output.frame(table.head(limit) if limit and output.form == "table" else table)
        if output.form == "table" and limit and table.height > limit:
            say(f"and {table.height - limit:,} more rows (--limit 0 shows all)")
    elif output.form in ("table", "json") and not found.summary.is_empty():
        output.facts(found.summary.row(0, named=True))
    else:
        output.frame(found.summary)
    return int(over_budget(found.summary, max_lost, latest))


def compare(
    files: Files = None,
    store: StoreOrFiles = None,
    preset: Annotated[
        list[str] | None, typer.Option(help='How a known exporter batches, or "all"; may be given again.')
    ] = None,
    max_size: Annotated[list[str] | None, typer.Option(help=f"Such as {','.join(SIZES)}: each with each age.")] = None,
    max_age: Annotated[list[str] | None, typer.Option(help=f"Such as {','.join(AGES)}: each with each size.")] = None,
    max_bytes: MaxBytes = None,
    queue_limit: QueueLimit = None,
    when_full: WhenFull = None,
    oversize: Oversize = None,
    export_time: ExportTime = "5ms",
    per_megabyte: PerMegabyte = "10ms",
    compress: Compress = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: Batchers = None,
    limit: Limit = 60,
    max_lost: MaxLost = None,
    max_delay: MaxDelay = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What many policies would have made of a log: fewer exports against later events. All that are named must keep a
    budget."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.batching import compare_policies

    others = {"max_bytes": max_bytes, "queue_limit": queue_limit, "when_full": when_full, "oversize": oversize}
    policies = _policies(listed(preset, ()), listed(max_size, ()), listed(max_age, ()), others)
    latest = None if max_delay is None else milliseconds("--max-delay", max_delay)
    service = service_of(export_time, per_megabyte, compress)
    with events_of(files, store, since, until, node) as events, busy("simulating"):
        curve = curve_of(events, compress)
        if curve is None:
            service = service.model_copy(update={"counts": "raw"})
        found = compare_policies(policies, events, by=listed(by, ()), service=service, compression=curve)
    if figure is not None:
        from onex_analytics.views import batching as views

        write_figure(views.delay_by_rate(found), figure, title="What fewer exports cost", caption=(
            "Each mark is a policy: its batches a second, and how late 95 % of the events are exported at most. The "
            "line reaches from the median to 99 %."
        ))  # fmt: skip
    if output.form == "table":
        columns = [name for name in _COMPARED if name != "compressed_bytes" or curve is not None]
        output.frame((found.head(limit) if limit else found).select(columns))
        if limit and found.height > limit:
            say(f"and {found.height - limit:,} more policies (--limit 0 shows all)")
    else:
        output.frame(found)
    if found.is_empty():
        say("no event came")
    return int(over_budget(found, max_lost, latest))


def _policies(
    presets: Sequence[str], sizes: Sequence[str], ages: Sequence[str], others: dict[str, int | str | None]
) -> list[BatchPolicy]:
    """Each size with each age, and the presets that are named; a usual choice of both where nothing is."""
    from onex_analytics.batching import PRESETS

    nothing = not presets and not sizes and not ages
    named = list(PRESETS) if nothing or "all" in presets else list(presets)
    made = []
    if sizes or ages or nothing:
        for size, age in product(sizes or (SIZES if nothing else ("100",)), ages or (AGES if nothing else ("1s",))):
            if not size.isdigit():
                raise InvalidOption("--max-size", size, "whole numbers of events with commas between")
            made.append(policy_of(None, {
                **others, "max_size": int(size), "max_age_ms": milliseconds("--max-age", age)
            }))  # fmt: skip
    elif any(value is not None for value in others.values()):
        raise InvalidOption("--preset", presets, "--max-size or --max-age beside the other limits: presets have theirs")
    return [*made, *(preset_of(name) for name in named)]


def _draw(found: BatchingResult, policy: BatchPolicy, path: Figure) -> None:
    from onex_analytics.views import batching as views

    assert path is not None
    write_figures([
        ("How large batches are, and why they closed", views.batch_sizes(found.sizes)),
        ("What waits, and what is lost", views.queue_over_time(found.over_time, policy.queue_limit)),
    ], path, title=f"Batches of {policy.title}", caption=(
        f"What a batcher of this policy would have made of the log, with one exporter. Over time in buckets of "
        f"{found.every}."
    ))  # fmt: skip
