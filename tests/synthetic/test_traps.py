"""Every trap is there when it is set, gone when it is not, and counted right."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_types import OnexEventType
from onex_analytics.synthetic import SyntheticLog, Traps, generate
from onex_analytics.synthetic.topology import DEFAULT_NODES
from tests.synthetic.reading import Event, events_of

PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
LONG_CODE = re.compile(r"ONEX_[A-Z]+_\d{3}_[A-Z0-9_]+")
DECORATED = {spec.name for spec in DEFAULT_NODES if spec.pattern == "decorated"}
KNOWN = {
    "event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata", "schema_version", "trace_id",
    "parent_correlation_id", "sampling_probability", "is_replay", "registry_subject", "registry_version", "span_id",
    "priority_hint", "payload_ref",
}  # fmt: skip


def held(event: Event) -> Event:
    return event["metadata"] or {}


def inputs(event: Event) -> Event:
    return held(event).get("input_state") or {}


def code(event: Event) -> str | None:
    text = held(event).get("error") or held(event).get("error_message") or ""
    return held(event).get("error_code") or (text[1:text.index("]")] if text.startswith("[") else None)


VISIBLE: dict[str, Callable[[Event], bool]] = {
    "timestamp_forms": lambda e: not (isinstance(e["timestamp"], str) and PLAIN_TIME.fullmatch(e["timestamp"])),
    "type_spellings": lambda e: e["event_type"] not in OnexEventType.__members__,
    "unknown_types": lambda e: e["event_type"] not in OnexEventType.__members__,
    "duration_key": lambda e: "duration_ms" in held(e),
    "numbers_as_text": lambda e: isinstance(held(e).get("execution_time_ms"), str),
    "error_shapes": lambda e: code(e) is not None and LONG_CODE.fullmatch(code(e) or "") is None,
    "soft_failures": lambda e: (held(e).get("output_state") or {}).get("status") in ("error", "warning"),
    "node_id_variants": lambda e: e["node_id"] not in {spec.name for spec in DEFAULT_NODES},
    "redaction": lambda e: bool({"api_key", "password"} & set(inputs(e))),
    "schema_object": lambda e: isinstance(e.get("schema_version"), dict),
    "missing_metadata": lambda e: not e["metadata"],
    "newer_minor": lambda e: e.get("schema_version") == "1.9.0",
    "newer_major": lambda e: e.get("schema_version") == "3.0.0",
    "unknown_fields": lambda e: bool(set(e) - KNOWN),
}


@cache
def log_of(*names: str) -> tuple[SyntheticLog, list[Event], pl.DataFrame]:
    log = generate(7_000, seed=8, traps=names)
    return log, events_of(log), log.truth


def test_the_table_of_traps_tells_every_name_and_default():
    from onex_analytics.synthetic import traps

    rows = re.findall(r"^\| (\w+) \| ([\d.]+) \|", traps.__doc__ or "", re.MULTILINE)
    assert {name: float(rate) for name, rate in rows} == {n: f.default for n, f in Traps.model_fields.items()}


@pytest.mark.parametrize("trap", sorted(VISIBLE))
def test_a_trap_catches_exactly_the_events_that_the_truth_names(trap):
    log, events, truth = log_of(trap)
    seen = [VISIBLE[trap](event) for event in events]
    assert seen == truth["traps"].list.contains(trap).to_list()
    assert sum(seen) == log.trap_counts[trap] > 0
    assert sum(log.trap_counts.values()) == log.trap_counts[trap]


@pytest.mark.parametrize("trap", sorted(VISIBLE))
def test_a_trap_that_is_not_set_catches_nothing(trap):
    log, events, _ = log_of()
    assert not any(VISIBLE[trap](event) for event in events)
    assert not any(log.trap_counts.values())
    assert log.n_lines == len(events) == log.n_events


def written_times(events: list[Event]) -> pl.Series:
    return pl.Series([datetime.fromisoformat(e["timestamp"]).replace(tzinfo=UTC) for e in events]).cast(
        pl.Datetime("us", "UTC"))


def test_mixed_clocks_shift_the_telemetry_starts_of_some_nodes_by_whole_quarters_of_an_hour():
    log, events, truth = log_of("mixed_clocks")
    frame = truth.with_columns(off=written_times(events) - pl.col("timestamp"))
    shifted = frame.filter(pl.col("off") != timedelta(0))
    assert len(shifted) == log.trap_counts["mixed_clocks"] > 0
    assert set(shifted["event_type"]) == {"TELEMETRY_OPERATION_START"}
    assert shifted.group_by("node").agg(pl.col("off").n_unique())["off"].to_list() == [1] * shifted["node"].n_unique()
    assert (shifted["off"].dt.total_microseconds() % 900_000_000 == 0).all()
    others = frame.filter((pl.col("event_type") == "TELEMETRY_OPERATION_START") & (pl.col("off") == timedelta(0)))
    assert not set(others["node"]) & set(shifted["node"])


def test_daylight_saving_moves_a_zone_by_one_hour_in_the_middle_of_the_span():
    log = generate(6_000, seed=8, traps=Traps(**{**Traps.only().model_dump(), "mixed_clocks": 1, "daylight_saving": 1}))
    frame = log.truth.with_columns(off=written_times(events_of(log)) - pl.col("timestamp")).filter(
        (pl.col("event_type") == "TELEMETRY_OPERATION_START") & (pl.col("node") == "cli_node"))
    middle = pl.col("timestamp") < log.start + timedelta(days=3.5)
    before, after = frame.filter(middle)["off"].unique(), frame.filter(~middle)["off"].unique()
    assert len(before) == len(after) == 1
    assert after[0] - before[0] == timedelta(hours=1)


def test_two_witnesses_tell_of_one_failure_under_one_correlation_id():
    log, events, _ = log_of("two_witnesses")
    first = [e["correlation_id"] for e in events if e["event_type"] == "NODE_FAILURE" and e["correlation_id"]]
    second = [e["correlation_id"] for e in events if e["event_type"] == "TELEMETRY_OPERATION_ERROR"]
    assert len(set(first) & set(second)) == log.trap_counts["two_witnesses"] > 0
    _, alone, _ = log_of()
    assert not [e for e in alone if e["event_type"] == "NODE_FAILURE" and e["correlation_id"]]
    assert any(e["event_type"] == "TELEMETRY_OPERATION_ERROR" for e in alone)


def test_correlation_ids_of_decorated_nodes_are_sometimes_hidden_or_no_uuid():
    log, events, truth = log_of("correlation_forms")
    caught = truth["traps"].list.contains("correlation_forms").to_list()
    assert sum(caught) == log.trap_counts["correlation_forms"] > 0
    odd = [e for e, hit in zip(events, caught, strict=True) if hit]
    assert {None if e["correlation_id"] is None else e["correlation_id"][:4] for e in odd} == {None, "req-"}
    hidden = [e for e in odd if e["correlation_id"] is None and inputs(e)]
    assert hidden and all(len(inputs(e)["correlation_id"]) == 36 for e in hidden)
    for event, hit in zip(events, caught, strict=True):
        if not hit and event["node_id"] in DECORATED and event["event_type"].startswith("TELEMETRY"):
            assert len(event["correlation_id"]) == 36


def test_out_of_order_lines_come_late_and_only_they():
    _, _, truth = log_of("out_of_order")
    running = truth["timestamp"].cum_max()
    late = truth["timestamp"] < running
    marked = truth["traps"].list.contains("out_of_order")
    assert 0.2 * marked.sum() < (late & marked).sum()
    assert not (late & ~marked).any()
    assert (running - truth["timestamp"]).max() <= timedelta(minutes=2)
    _, _, tidy = log_of()
    assert tidy["timestamp"].is_sorted()


@pytest.mark.parametrize("seed", [1, 2])
def test_further_lines_repeat_edit_or_break_a_line_that_came_before(seed):
    log = generate(8_000, seed=seed, traps=["duplicates", "conflicts", "broken"])
    lines = b"".join(log.chunks()).splitlines(keepends=True)
    truth = log.truth
    assert len(lines) == len(truth) == log.n_lines
    first: dict[str, bytes] = {}
    for role, id_, line in zip(truth["role"], truth["event_id"], lines, strict=True):
        if role == "event":
            assert id_ not in first
            assert id_.encode() in line
            first[id_] = line
        elif role == "duplicate":
            assert first[id_] == line
        elif role == "conflict":
            assert line != first[id_] and line.startswith(first[id_][:60])
        else:
            assert not first[id_].startswith(line)
    roles = dict(truth["role"].value_counts().iter_rows())
    assert (roles["duplicate"], roles["conflict"], roles["broken"]) == tuple(
        log.trap_counts[name] for name in ("duplicates", "conflicts", "broken"))


def test_no_event_is_repeated_that_is_to_be_quarantined():
    log = generate(20_000, seed=1, traps=Traps(newer_major=0.2, missing_metadata=0.2, duplicates=0.3, broken=0.1))
    again = log.truth.filter(pl.col("role") != "event")
    assert again["event_id"].is_unique().all()
    assert not again["traps"].list.contains("newer_major").any()


def test_traps_are_chosen_by_default_by_name_or_by_rate():
    assert generate(1, traps="default").traps == Traps()
    assert generate(1, traps=None).traps == Traps.only()
    assert generate(1, traps={"duplicates"}).traps.duplicates == Traps().duplicates
    assert generate(1, traps={"daylight_saving"}).traps.daylight_saving == 1.0
    with pytest.raises(InvalidOption, match="names among mixed_clocks"):
        generate(1, traps=["duplicate"])
    with pytest.raises(InvalidOption, match="'default', None"):
        generate(1, traps="all")
