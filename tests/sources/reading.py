"""Sources read to their end, and small events to put into them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from onex_analytics.sources.block import Rejections
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.formats import source_units
from onex_analytics.sources.streams import Stream
from onex_analytics.sources.units import Unit

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Read(NamedTuple):
    events: pl.DataFrame
    rejected: pl.DataFrame
    units: list[Unit]

    @property
    def ids(self) -> list[str]:
        return self.events["event_id"].to_list()

    @property
    def reasons(self) -> list[str]:
        return self.rejected["reason"].to_list()


def read_units(units: Iterable[Unit]) -> Read:
    """All that the gate makes of units; every line is an event or a rejection."""
    gate, kept = Gate(NOW), []
    events, rejected = [gate.no_events()], [Rejections().frame(NOW)]
    for unit in units:
        kept.append(unit)
        for block in unit.blocks:
            batch = gate.read(block)
            events.append(batch.events)
            rejected.append(batch.rejected)
        rejected.append(Rejections(unit.rejected).frame(NOW))
    read = Read(pl.concat(events), pl.concat(rejected), kept)
    assert sum(len(unit) for unit in kept) == len(read.events) + len(read.rejected)
    return read


def read_source(path: str | Path, *, format: str | None = None) -> Read:
    stream, units = source_units(path, format=format)
    try:
        return read_units(units)
    finally:
        if stream is not None:
            stream.close()


def stream_of(data: bytes, name: str = "memory") -> Stream:
    """Bytes as a stream."""
    raw = io.BytesIO(data)
    return Stream(name, None, False, raw, raw)  # type: ignore[arg-type]


def event(number: int, **fields: object) -> dict[str, object]:
    """A whole small event, known by its number."""
    time = f"2026-11-23T12:00:{number % 60:02d}.000001"
    return {
        "event_id": f"{number:08d}-0000-4000-8000-000000000000", "timestamp": time,
        "node_id": "stamper_node", "event_type": "NODE_START", "metadata": {"input_state": {"n": number}}, **fields,
    }  # fmt: skip


def lines(count: int, first: int = 0) -> bytes:
    return b"".join(json.dumps(event(n), separators=(",", ":")).encode() + b"\n" for n in range(first, first + count))


def ids(*numbers: int) -> list[str]:
    return [str(event(n)["event_id"]) for n in numbers]


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


