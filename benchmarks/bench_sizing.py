"""What events weigh, beside DuckDB and a Python loop; one event encoded, beside `json.dumps`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.logs import log_of
from benchmarks.race import FOLDER, Row, child, in_turn, median, spread

ROUNDS, EVENTS, FEW = 3, 1_000_000, 50_000
TYPE_BAR, FIELD_BAR, ENCODE_BAR = 1.0, 5.0, 3.0


def rows() -> list[Row]:
    where = _events()
    by_type, duckdb, by_field, loop, encode, dictionary, dumps = in_turn(
        ROUNDS, *(
            lambda program=program: child("benchmarks.sizing_timed", program, where, FEW)
            for program in ("type", "duckdb", "field", "loop", "encode", "dictionary", "dumps")
        )
    )  # fmt: skip
    assert by_type[0].said == by_field[0].said
    named = {"by type": by_type, "DuckDB": duckdb, "by field": by_field, "loop": loop, "encode": encode,
             "with a dictionary": dictionary, "json.dumps": dumps}  # fmt: skip
    for name, runs in named.items():
        peak = max(run.peak_mb for run in runs)
        print(f"  {name}: {runs[0].said['events']:,.0f} events, {spread(runs)}, peak {peak:.0f} MB")
    speed = {name: runs[0].said["events"] / median(runs) for name, runs in named.items()}
    each = {name: 1e6 / speed[name] for name in ("encode", "with a dictionary", "json.dumps")}
    ratios = speed["by type"] / speed["DuckDB"], speed["by field"] / speed["loop"], each["encode"] / each["json.dumps"]
    return [
        Row(
            f"`size_report` by type of {EVENTS / 1e6:.0f} M events / DuckDB ({speed['DuckDB'] / 1e6:.2f} M events/s)",
            f"≥ {TYPE_BAR} ×", f"{ratios[0]:.1f} × ({speed['by type'] / 1e6:.2f} M events/s)", ratios[0] >= TYPE_BAR,
        ),
        Row(
            f"`size_report` by field / a Python loop ({speed['loop'] / 1e6:.3f} M events/s)",
            f"≥ {FIELD_BAR} ×", f"{ratios[1]:.1f} × ({speed['by field'] / 1e6:.2f} M events/s)", ratios[1] >= FIELD_BAR,
        ),
        Row(
            f"`encode` of an event / `json.dumps` ({each['json.dumps']:.1f} µs)", f"≤ {ENCODE_BAR} ×",
            f"{ratios[2]:.1f} × ({each['encode']:.1f} µs; with a dictionary {each['with a dictionary']:.1f} µs)",
            ratios[2] <= ENCODE_BAR,
        ),
    ]  # fmt: skip


def _events() -> Path:
    """The events of a log as rows, with the text of each, made once."""
    path = FOLDER / f"fleet-{EVENTS}-sized.parquet"
    if not path.exists():
        from datetime import UTC, datetime

        from onex_analytics.sources.block import block_of_bytes
        from onex_analytics.sources.canonical import Gate
        from onex_analytics.sources.wire import event_texts

        gate = Gate(datetime(2026, 11, 23, tzinfo=UTC))
        parts = []
        with log_of(EVENTS).open("rb") as log:
            while held := log.readlines(1 << 26):
                events = gate.read(block_of_bytes(b"".join(held), "log")).events
                parts.append(events.with_columns(event_texts(events)))
        pl.concat(parts).write_parquet(path)
    return path
