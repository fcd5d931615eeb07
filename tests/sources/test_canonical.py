"""The gate against a slow reading of one line at a time."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import xxhash
from hypothesis import example, given, settings

from onex_analytics.exceptions import UnknownVersion
from onex_analytics.model.event_types import family_and_outcome, normalise_event_type
from onex_analytics.model.nodes import normalise_node
from onex_analytics.model.rules import NUMBERS
from onex_analytics.model.shapes import EVENTS, REJECT_REASONS, REJECTED
from onex_analytics.model.validation import violations
from onex_analytics.model.versions import SchemaVersion
from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Batch, Gate
from onex_analytics.sources.layout import parse_dimensions
from tests.laws import examples
from tests.sources import oracle

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIMENSIONS = parse_dimensions(
    {"amount": "$.a:i64", "share": "$.a:f64", "word": "$.a:str", "flag": "$.a:bool", "deep": "$.input_state.a"}
)
GATE = Gate(NOON, DIMENSIONS)
ID = '"event_id":"e1","timestamp":"2026-11-23T12:00:00","node_id":"n","event_type":"NODE_START"'


def read(*lines: str | bytes, gate: Gate = GATE) -> Batch:
    raw = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return gate.read(block_of_bytes(raw, "log"))


def row(line: str, gate: Gate = GATE) -> dict[str, Any]:
    batch = read(line, gate=gate)
    assert batch.rejected.is_empty(), batch.rejected.to_dicts()
    return batch.events.to_dicts()[0]


# ------------------------------------------------------------------ the slow reading

NUMBER = re.compile(r"[ \t\r\n]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\r\n]*")
ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])| ?([+-])(\d\d)(?::?(\d\d))?)?",
    re.ASCII,
)


def number(value: Any) -> float | None:
    """The float of a number or of text that holds one."""
    if isinstance(value, oracle.Number):
        found = float(value)
    elif isinstance(value, str) and (match := NUMBER.fullmatch(value)):
        found = float(match[1])
    else:
        return None
    return found if abs(found) < float("inf") else None


def time(value: Any) -> datetime | None:
    if isinstance(value, str) and not isinstance(value, oracle.Number) and (match := ISO.fullmatch(value)):
        year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
        try:
            whole = datetime(int(year), int(month), int(day), int(hour), int(minute), 0, tzinfo=UTC)
        except ValueError:
            return None
        if int(second or 0) > 60 or int(hours or 0) > 23 or int(minutes or 0) > 59:
            return None
        shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
        micros = int((fraction or "")[:6].ljust(6, "0"))
        found = whole + timedelta(seconds=int(second or 0), microseconds=micros) - shift
    else:
        epoch = number(value)
        if epoch is None or not 0 <= epoch < 1e19:
            return None
        unit = 1e6 if epoch < 1e11 else 1e3 if epoch < 1e14 else 1 if epoch < 1e16 else 1e-3
        micros = int(epoch // 1000) if unit < 1 else round(epoch * unit)
        if micros >= 9_214_646_400_000_000:
            return None
        found = EPOCH + timedelta(microseconds=micros)
    return found if EPOCH <= found < datetime(2262, 1, 1, tzinfo=UTC) else None


def clean(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def words(value: Any) -> str | None:
    """A string as a column holds it."""
    return clean(value) if isinstance(value, str) and not isinstance(value, oracle.Number) else None


def is_wrapped(event: oracle.Object) -> bool:
    held = dict(event)
    if held.get("event_id") is None:
        if held.get("specversion") is not None or isinstance(held.get("payload"), oracle.Object):
            return True
        if isinstance(held.get("envelope"), oracle.Object) and held.get("event_type") is None:
            return True
        if "payload" in held and (held.get("envelope_id") is not None or held.get("message_id") is not None):
            return True
    return isinstance(held.get("data"), oracle.Object) and "metadata" not in held and "specversion" not in held


def expected(event: oracle.Object) -> dict[str, Any] | str:
    """The columns of one event, or the reason why it is rejected."""

    def first(*paths: str, empty: bool = True) -> Any:
        for path in paths:
            value = oracle.at(event, tuple(path.split(".")))
            if value is not ... and value is not None and (empty or value != ""):
                return value
        return None

    def inside(*names: str) -> Any:
        return first(*(f"metadata.{name}" for name in names))

    def identifier(*paths: str) -> str | None:
        value = first(*paths, empty=False)
        return str(value) if isinstance(value, oracle.Number) else words(value)

    event_id, node_id, event_type = first("event_id"), first("node_id"), first("event_type")
    stamp = first("timestamp")
    if event_id is not None and words(event_id) is None:
        return "wrong_type"
    if not event_id:
        return "missing_event_id"
    if stamp is not None and not isinstance(stamp, str):
        return "wrong_type"
    if stamp is None:
        return "missing_timestamp"
    if time(stamp) is None:
        return "invalid_timestamp"
    if event_type is not None and words(event_type) is None:
        return "wrong_type"
    kind = normalise_event_type(words(event_type) or "")
    if not kind:
        return "missing_event_type"
    if node_id is not None and words(node_id) is None:
        return "wrong_type"
    if not (words(node_id) or "").strip():
        return "missing_node_id"
    version = oracle.plain(first("schema_version"))
    try:
        parsed = SchemaVersion.parse("1.0.0" if version is None else version)
    except UnknownVersion:
        parsed = None
    if parsed is not None and parsed.major > 2:
        return "newer_major"
    node, of_id = normalise_node(words(node_id) or "")
    status = words(inside("output_state.status", "status"))
    success = inside("success") if isinstance(inside("success"), bool) else None
    family, outcome = family_and_outcome(kind, status.lower() if status else None, success)
    message = words(inside("error_message", "error.message", "error"))
    if message is None and outcome in ("failure", "soft_failure"):
        message = words(inside("output_state.message"))
    code = (words(inside("error_code", "error.code", "output_state.error_code")) or "").strip() or None
    level = words(inside("log_entry.level", "log_level", "level"))
    state = inside("input_state")
    stated = inside("node_version")
    columns = {
        "event_id": words(event_id), "timestamp": time(stamp), "event_type": kind, "family": family, "outcome": outcome,
        "node_id": words(node_id), "node": node,
        "node_version": words(stated) if words(stated) is not None else of_id,
        "correlation_id": identifier(
            "correlation_id", "metadata.correlation_id", "metadata.input_state.correlation_id"
        ),
        "parent_correlation_id": identifier("parent_correlation_id", "metadata.parent_correlation_id"),
        "trace_id": identifier("trace_id", "metadata.trace_id"), "span_id": identifier("span_id"),
        "operation": words(inside("operation", "performance_profile.operation")),
        "function": words(inside("function", "performance_profile.function")),
        "result_status": status.lower() if status is not None else None, "success": success,
        "error_type": words(inside("error_type", "error.type")), "error_code": code, "error_message": message,
        "level": level.upper() if level is not None else None,
        "is_replay": first("is_replay") if isinstance(first("is_replay"), bool) else None,
        "replay_id": words(first("replay_id")),
        "event_type_raw": words(event_type) if words(event_type) != kind else None,
        "violations": violations(oracle.plain(event)),
        "amount": None, "share": number(inside("a")), "flag": inside("a") if isinstance(inside("a"), bool) else None,
    }  # fmt: skip
    if version is None or (parsed is None and not isinstance(version, str)):
        columns["schema_version"] = "1.0.0"
    else:
        columns["schema_version"] = clean(version) if isinstance(version, str) else str(parsed)
    for name in NUMBERS:
        also = ("duration_ms",) if name == "execution_time_ms" else ()
        value = number(inside(name, *also, f"performance_profile.{name}"))
        whole = None if value is None or abs(value) >= 2**63 else round(value)
        columns[name] = value if EVENTS[name] == pl.Float64 else whole
    columns["input_hash"] = None if state is None else xxhash.xxh64_intdigest(compact(state).encode())
    count, share = number(first("adjusted_count")), number(first("sampling_probability"))
    numbers = [isinstance(first(name), oracle.Number) for name in ("adjusted_count", "sampling_probability")]
    columns["adjusted_count"] = (
        count if numbers[0] and count is not None and count >= 0
        else 1 / share if numbers[1] and share is not None and 0 < share <= 1 and 1 / share < float("inf")
        else 1.0
    )  # fmt: skip
    del columns["amount"]
    return columns


def compact(value: Any) -> str:
    """The JSON text without white space; only for values whose strings hold no escapes."""
    if isinstance(value, oracle.Object):
        return "{" + ",".join(f'"{key}":{compact(child)}' for key, child in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    if isinstance(value, oracle.Number):
        return str(value)
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


def close(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(found, float):
        return found.hex() == wanted.hex()
    return bool(found == wanted)


@settings(max_examples=examples(300))
@given(oracle.events())
@example("{" + ID + ',"metadata":{"input_state":"a b"}}')
@example("{" + ID + ',"timestamp":1}')
@example("{" + ID + ',"metadata":{"execution_time_ms":"1e999","cpu_time_ms":1e999,"cache_hits":1' + "0" * 400 + "}}")
@example("{" + ID + ',"metadata":{"execution_time_ms":"\\u0031","cpu_time_ms":" -1 ","cache_hits":"+.5e1"}}')
@example("{" + ID.replace('"2026-11-23T12:00:00"', '"2026-11-23T12:00:0"') + "}")
def test_an_event_is_read_as_the_slow_reading_reads_it(line):
    batch = read(line)
    try:
        event = oracle.strict_json(line.encode(), GATE.paths)
    except oracle.Refused as refused:
        reason = batch.rejected["reason"].item()
        assert reason in {refused.args[0], "duplicate_key"} or reason == "truncated"
        return
    if is_wrapped(event):
        return
    wanted = expected(event)
    if isinstance(wanted, str):
        assert batch.rejected["reason"].to_list() == [wanted]
        return
    assert batch.rejected.is_empty(), batch.rejected.to_dicts()
    found = batch.events.to_dicts()[0]
    if "\\" in line:
        del wanted["input_hash"]
    assert {n: (found[n], v) for n, v in wanted.items() if not close(found[n], v)} == {}
    assert found["size_bytes"] == len(line.encode())


@settings(max_examples=examples(250))
@given(oracle.files)
def test_every_line_is_an_event_or_rejected_with_a_reason(data):
    for strict in (False, True):
        batch = Gate(NOON, DIMENSIONS, strict).read(block_of_bytes(data, "log"))
        raws = list(oracle.lines_of(data))
        assert batch.read == len(raws) == len(batch.events) + len(batch.rejected)
        assert set(batch.rejected["reason"]) <= set(REJECT_REASONS)
        assert batch.events.schema == pl.Schema(GATE.schema()) and batch.rejected.schema == REJECTED
        numbers = [n for n, line in enumerate(data.split(b"\n"), 1) if line.strip(b" \t\r")]
        assert sorted([*batch.lines.to_list(), *batch.rejected["line"].to_list()]) == numbers
        whole = dict(zip(numbers, raws, strict=True))
        assert batch.rejected["raw"].to_list() == [whole[line] for line in batch.rejected["line"]]
        always = ["event_id", "timestamp", "event_type", "family", "outcome", "node_id", "node", "schema_version"]
        assert batch.events.select(pl.col(always).null_count()).row(0) == (0,) * len(always)
        for texts in (batch.events["metadata"], batch.events["extra"]):
            for text in texts.drop_nulls():
                json.loads(text)


# ------------------------------------------------------------------ examples


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ('"' + "x" * 102_398 + '"', []), ('"' + "x" * 102_399 + '"', ["metadata.input_state: over 100 KB"]),
        ("[" * 10 + "]" * 10, []), ("[" * 11 + "]" * 11, ["metadata.input_state: deeper than 10"]),
        ('{"a":' * 11 + "1" + "}" * 11, ["metadata.input_state: deeper than 10"]),
    ],
)  # fmt: skip
def test_a_state_has_a_size_and_a_depth(state, words):
    assert row("{" + ID + ',"metadata":{"input_state":' + state + "}}")["violations"][1:] == words


def test_metadata_of_one_mebibyte_is_too_big():
    line = "{" + ID + ',"metadata":{"input_state":{},"x":"%s"}}'
    room = 1024 * 1024 - len('{"input_state":{},"x":""}')
    assert "metadata: over 1 MiB" not in row(line % ("x" * (room - 1)))["violations"]
    assert "metadata: over 1 MiB" in row(line % ("x" * room))["violations"]


def test_a_key_may_be_written_with_escapes():
    assert row('{"event\\u005fid":"e9",' + ID[16:] + "}")["event_id"] == "e9"


def test_a_thousand_distinct_statuses_and_types_are_no_burden():
    lines = [
        f'{{"event_id":"{i}","timestamp":1,"node_id":"n{i}","event_type":"T{i}","metadata":{{"status":"s{i}"}}}}'
        for i in range(3000)
    ]
    assert read(*lines).events["result_status"].n_unique() == 3000


def test_strict_rejects_with_the_list_of_violations():
    batch = read("{" + ID + "}", "{" + ID.replace("NODE_START", "STRUCTURED_LOG") + "}", gate=Gate(NOON, strict=True))
    assert batch.rejected["detail"].to_list() == [
        "event_id: not a UUID; metadata.input_state: missing", "event_id: not a UUID"
    ]  # fmt: skip


def test_the_last_line_may_be_cut_off_in_a_character():
    batch = read("{" + ID + "}", b"{" + ID.encode() + b',"a":"\xe2\x82')
    assert (batch.rejected["reason"].to_list(), len(batch.events)) == (["truncated"], 1)


def test_an_empty_block_gives_nothing():
    batch = read("\n \r\n")
    assert (batch.read, batch.events.height, batch.rejected.height) == (0, 0, 0)


@pytest.mark.parametrize("log", ["omnibase_main_v1.0.0.jsonl", "omnibase_dev_telemetry.jsonl"])
def test_real_logs_are_read_as_the_slow_reading_reads_them(shared_data, log):
    data = (shared_data / "onex" / log).read_bytes()
    found = GATE.read(block_of_bytes(data, log)).events.to_dicts()
    for held, raw in zip(found, oracle.lines_of(data), strict=True):
        wanted = expected(oracle.strict_json(raw, GATE.paths))
        assert isinstance(wanted, dict)
        if b"\\" in raw:
            del wanted["input_hash"]
        assert {n: (held[n], v) for n, v in wanted.items() if n != "error_code" and not close(held[n], v)} == {}
