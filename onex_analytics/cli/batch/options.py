"""What commands of batching share: policies as they are named, the exporter, and the events that come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import say
from onex_analytics.cli.size.options import bytes_of
from onex_analytics.cli.span_inputs import milliseconds
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.batching import BatchPolicy, CompressionCurve, ServiceTime

Files = Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")]
Since = Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only events before this time.")]
Batchers = Annotated[
    list[str] | None,
    typer.Option(
        "--by", help="Columns whose values have a batcher and an exporter each, such as node; else one for all."
    ),
]
MaxBytes = Annotated[str | None, typer.Option(help="Bytes of a batch, at most, such as 64KiB.")]
QueueLimit = Annotated[int | None, typer.Option(min=1, help="Events that may wait for the exporter.")]
WhenFull = Annotated[
    str | None, typer.Option(help="block, drop_newest or drop_oldest: what happens where that many wait.")
]
Oversize = Annotated[str | None, typer.Option(help="refuse or alone: what becomes of one event over --max-bytes.")]
ExportTime = Annotated[str, typer.Option(help="How long the exporter takes for any batch.")]
PerMegabyte = Annotated[
    str, typer.Option("--per-mb", help="And for each megabyte (10^6 bytes) of it: 10ms is 100 MB/s.")
]
Compress = Annotated[
    str | None,
    typer.Option(help="zstd or gzip: calibrated on events of the log; --per-mb then counts what is left."),
]
MaxLost = Annotated[
    float | None, typer.Option(min=0, max=1, help="Exit with 1 where a larger share of the events is lost.")
]
MaxDelay = Annotated[
    str | None, typer.Option(help="Exit with 1 where more than 5 % of the events are exported later than this.")
]
_CALIBRATED_ON = 50_000


def policy_of(preset: str | None, given: Mapping[str, Any]) -> BatchPolicy:
    """A preset, or the usual policy, with what was given in its place; `max_bytes` may be written with its unit.

    >>> policy_of("kafka", {"max_age_ms": 0.5, "max_size": None}).title
    '16,384 events, 16,384 bytes or 0.5 ms'
    """
    from pydantic import ValidationError

    from onex_analytics.batching import BatchPolicy

    base = preset_of(preset) if preset is not None else BatchPolicy()
    changed = {name: value for name, value in given.items() if value is not None}
    if "max_bytes" in changed:
        changed["max_bytes"] = bytes_of("--max-bytes", str(changed["max_bytes"]))
    if not changed:
        return base
    try:
        return BatchPolicy.model_validate({**base.model_dump(), "name": None, **changed})
    except ValidationError as problem:
        first = problem.errors()[0]
        what, found = "the policy", changed
        if first["loc"]:
            what, found = "--" + str(first["loc"][0]).removesuffix("_ms").replace("_", "-"), first["input"]
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise InvalidOption(what, found, f"what a policy takes ({message})") from None


def preset_of(name: str) -> BatchPolicy:
    """A preset by its name."""
    from onex_analytics.batching import PRESETS

    if name not in PRESETS:
        raise InvalidOption("--preset", name, "one of " + ", ".join(PRESETS))
    return PRESETS[name].policy


def service_of(export_time: str, per_megabyte: str, compress: str | None) -> ServiceTime:
    """How long exports take."""
    from onex_analytics.batching import ServiceTime

    return ServiceTime(
        base_ms=milliseconds("--export-time", export_time), ms_per_mb=milliseconds("--per-mb", per_megabyte),
        counts="raw" if compress is None else "compressed",
    )  # fmt: skip


def curve_of(events: pl.LazyFrame, codec: str | None) -> CompressionCurve | None:
    """What compression leaves, measured on the first events."""
    if codec is None:
        return None
    from onex_analytics.batching import calibrate_compression
    from onex_analytics.model.wire_json import WIRE_READ

    if codec not in ("zstd", "gzip"):
        raise InvalidOption("--compress", codec, "zstd or gzip")
    some = events.select(WIRE_READ).head(_CALIBRATED_ON).collect().sort("timestamp", maintain_order=True)
    if some.is_empty():
        return None
    curve = calibrate_compression(some.lazy(), codec=codec)  # type: ignore[arg-type]
    say(
        f"{codec} leaves {curve.shares[0]:.0%} of {curve.batch_bytes[0]:,.0f} bytes and {curve.shares[-1]:.1%} of "
        f"{curve.batch_bytes[-1]:,.0f}, measured on {some.height:,} events"
    )
    return curve


@contextmanager
def events_of(
    files: Sequence[str] | None, store: str | None, since: str | None, until: str | None, nodes: Sequence[str] | None
) -> Iterator[pl.LazyFrame]:
    """The events that were asked for."""
    from onex_analytics.store.selection import time_of

    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, list(files or [])) as (held, _):
        yield held.scan(since=begin, until=end, nodes=nodes or None)


def over_budget(rows: pl.DataFrame, max_lost: float | None, max_delay_ms: float | None) -> bool:
    """Whether a policy loses more, or is later, than was allowed; says which."""
    found = False
    for row in rows.iter_rows(named=True):
        lost = (row["dropped_full"] + row["dropped_oversize"]) / row["events"]
        if max_lost is not None and lost > max_lost:
            say(f"{row['policy']}: {lost:.3%} of the events are lost; the budget is {max_lost:.3%}.")
            found = True
        late = row["delay_p95_ms"]
        if max_delay_ms is not None and late is not None and late > max_delay_ms:
            say(f"{row['policy']}: 95 % of the events within {late:,.1f} ms; the budget is {max_delay_ms:,.1f} ms.")
            found = True
    return found
