"""Small literal logs for the tests of the store."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onex_analytics import EventStore
from onex_analytics.sources import units
from onex_analytics.store import IngestReport

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def event(number: int, **changes: Any) -> dict[str, Any]:
    """One plain event; event `n` happened `n` seconds after noon."""
    return {
        "event_id": f"e{number}", "timestamp": (NOON + timedelta(seconds=number)).isoformat()[:19], "node_id": "router",
        "event_type": "NODE_START", "metadata": {"input_state": {"tenant": "acme", "size": number}}, **changes,
    }  # fmt: skip


def line(number: int, **changes: Any) -> bytes:
    return json.dumps(event(number, **changes)).encode() + b"\n"


def write(path: Path, *parts: bytes) -> Path:
    data = b"".join(parts)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def lines(numbers: Iterable[int], **changes: Any) -> bytes:
    return b"".join(line(n, **changes) for n in numbers)


def ids(store: EventStore, **asked: Any) -> list[str]:
    return store.scan(**asked).collect()["event_id"].sort().to_list()


def adds_up(report: IngestReport) -> IngestReport:
    """Every line is accounted for; passes the report on."""
    assert report.read == report.stored + report.duplicate + report.rejected, str(report)
    assert report.rejected == sum(report.rejected_by_reason.values())
    return report


def small_units(patch: pytest.MonkeyPatch, size: int) -> None:
    """Cut sources into units of about so many bytes."""
    for cut in (units.line_units, units.element_units):
        patch.setitem(cut.__kwdefaults__, "unit_bytes", size)
