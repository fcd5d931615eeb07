"""Single events as rows: what the gate of `sources` lifts, for what is handed over one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import EVENTS, OnexEvent
from onex_analytics.model.event_rows import event_row, frame_of

OF_A_SOURCE = {
    "input_hash", "extra", "violations", "size_bytes", "ingested_at", "source", "source_offset", "timestamp_original",
    "event_type_raw", "clock_offset_ms", "wire_fields", "metadata",
}  # fmt: skip
MADE = [name for name in EVENTS if name not in OF_A_SOURCE]


@pytest.mark.parametrize("name", ["omnibase_main_v1.0.0.jsonl", "omnibase_dev_telemetry.jsonl"])
def test_rows_of_the_real_logs_hold_what_the_gate_lifts(shared_data, tmp_path, name):
    log = shared_data / "onex" / name
    store = EventStore(str(tmp_path / "events"))
    store.append(str(log))
    lifted = store.scan().select(*MADE, "clock_offset_ms").collect()
    rows = [event_row(json.loads(line), MADE) for line in log.read_text().splitlines()]
    ours = frame_of(rows, {column: EVENTS[column] for column in MADE}).unique("event_id")
    both = lifted.join(ours, on="event_id", suffix=" of ours")
    assert both.height == lifted.height == ours.height > 200
    for column in MADE[1:]:
        # a clock is set right by what a whole log shows of it
        rows = both.filter(pl.col("clock_offset_ms").is_null()) if column == "timestamp" else both
        assert rows.filter(pl.col(column).ne_missing(pl.col(f"{column} of ours"))).select(column).is_empty(), column


def test_a_model_gives_the_row_of_its_fields():
    event = OnexEvent(
        node_id="stamper_node:1.2.0", event_type="NODE_FAILURE", event_id="e", timestamp="2026-01-01T12:00:00+02:00",
        metadata={"error": "[ONEX_SYS_900_OUT_OF_MEMORY] no", "execution_time_ms": "12.5"},
    )  # fmt: skip
    row = event_row(event, ["event_id", "timestamp", "node", "node_version", "outcome", "error_code", "severity",
                            "execution_time_ms", "adjusted_count"])  # fmt: skip
    assert row == {
        "event_id": "e", "timestamp": datetime(2026, 1, 1, 10, tzinfo=UTC), "node": "stamper_node",
        "node_version": "1.2.0", "outcome": "failure", "error_code": "ONEX_SYS_900_OUT_OF_MEMORY",
        "severity": "CRITICAL", "execution_time_ms": 12.5, "adjusted_count": 1.0,
    }  # fmt: skip


def test_a_row_of_the_canonical_frame_passes_as_it_is():
    row = {"node": "n", "family": "node", "tenant": "acme"}
    assert event_row(row, ["node", "tenant", "outcome"]) == {"node": "n", "tenant": "acme", "outcome": None}


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("2026-01-01T12:00:00", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("2026-01-01 12:00:00.5Z", datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 1, 10, tzinfo=UTC)),
        (1_767_268_800, datetime(2026, 1, 1, 12, tzinfo=UTC)),
        (1_767_268_800_250, datetime(2026, 1, 1, 12, 0, 0, 250_000, UTC)),
        ("noon", None), (None, None), (True, None), (1e300, None),
    ],
)  # fmt: skip
def test_a_time_is_read_in_every_form_that_arrives(found, meant):
    assert event_row({"node_id": "n", "event_type": "X", "timestamp": found}, ["timestamp"]) == {"timestamp": meant}


def test_what_is_no_event_is_refused():
    with pytest.raises(InvalidOption, match="an OnexEvent, a mapping"):
        event_row("NODE_START", ["node"])
