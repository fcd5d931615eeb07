"""What is simulated is what is sent, event for event."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns, OversizedEvent
from onex_analytics.model import EVENTS, OnexEvent
from onex_analytics.sizing import SizePolicy, encode, simulate_encoding
from onex_analytics.sizing.events import json_bytes, payload_of
from onex_analytics.sizing.payload_sizes import payload_sizes
from onex_analytics.sizing.payloads import payloads_of
from onex_analytics.sizing.simulation import ENCODING
from onex_analytics.sources.block import block_of_bytes
from onex_analytics.sources.canonical import Gate
from onex_analytics.synthetic import generate
from tests.laws import examples
from tests.sizing.drawn import events, policies
from tests.sources import oracle

GATE = Gate(datetime(2026, 11, 23, tzinfo=UTC))
NOON = "2026-11-23T12:00:00"


def rows_of(*lines: str) -> pl.DataFrame:
    return GATE.read(block_of_bytes("\n".join(lines).encode(), "log")).events


def live(event: dict[str, object], policy: SizePolicy) -> dict[str, object]:
    """What the live encoder makes of one event, as the simulation tells it."""
    claims: dict[str, bytes] = {}
    try:
        sent = encode(event, policy, claims=claims)
    except OversizedEvent as refused:
        return {"plain_bytes": refused.plain_bytes, "packed_bytes": refused.stored_bytes, "stored_bytes": None,
                "encoding": "plain", "action": "reject", "oversized": True, "warned": False}  # fmt: skip
    return {"plain_bytes": sent.plain_bytes, "stored_bytes": len(sent.payload), "encoding": sent.encoding,
            "action": sent.action, "oversized": sent.action != "send", "warned": sent.warned}  # fmt: skip


def same_as_live(event: dict[str, object], simulated: dict[str, object], policy: SizePolicy) -> None:
    wanted = live(event, policy)
    assert {name: simulated[name] for name in wanted} == wanted


def plain(event: dict[str, object]) -> dict[str, object]:
    """It as an event that the gate takes, and as no envelope. Polars writes tiny numbers in a way of its own."""
    count = event.get("adjusted_count")
    odd = isinstance(count, float) and 0 < abs(count) < 1e-4
    named = {"event_id": "e1", "timestamp": NOON, "node_id": "n", "event_type": "NODE_START"}
    left_out = {"payload", "envelope", "specversion", *(["adjusted_count"] if odd else [])}
    return {**{key: value for key, value in event.items() if key not in left_out}, **named}


@settings(max_examples=examples(15))
@given(st.lists(events().map(plain), min_size=1, max_size=6), policies())
@example([plain({"claim_check": 1})], SizePolicy())
@example(
    [plain({"adjusted_count": 2, "claim_check": {"a": 1}, "data": {"b": 1}, "é": "\ud800"})],
    SizePolicy(compress_over=0),
)
def test_what_is_simulated_is_what_is_sent(events, policy):
    found = simulate_encoding(policy, rows_of(*map(json.dumps, events))).collect()
    for event, row in zip(events, found.iter_rows(named=True), strict=True):
        same_as_live(event, row, policy)


@settings(max_examples=examples(15))
@given(st.lists(oracle.events(), max_size=6))
def test_a_row_is_written_as_its_event_is_but_for_the_form_of_numbers(lines):
    """Held against Python's reader and writer, on lines with spaces, escapes and keys that stand twice."""
    rows = GATE.read(block_of_bytes("\n".join(lines).encode(), "log"))
    came = [lines[number - 1] for number in rows.lines]
    texts = payloads_of(rows.events).texts()
    assert payload_sizes(rows.events).tolist() == texts.str.len_bytes().to_list()
    for text, line in zip(texts, came, strict=True):
        again = json.loads(text)
        assert again == json.loads(line)
        if _as_python_writes_numbers(text) and not _twice(text):
            assert text.encode() == json_bytes(again)


def _as_python_writes_numbers(text: str) -> bool:
    odd: list[str] = []

    def look(number: str) -> None:
        if repr(json.loads(number)) != number:
            odd.append(number)

    json.loads(text, parse_float=look, parse_int=look)
    return not odd


def _twice(text: str) -> bool:
    """Whether a key stands twice in an object inside."""
    found: list[bool] = []
    json.loads(text, object_pairs_hook=lambda pairs: found.append(len(dict(pairs)) < len(pairs)))
    return any(found)


def test_a_whole_fleet_is_sent_as_simulated():
    log = b"".join(generate(1000, seed=5).chunks())
    policy = SizePolicy(compress_over=700, max_bytes=900, warn_bytes=600, on_oversize="truncate_field")
    read = GATE.read(block_of_bytes(log, "log"))
    rows = simulate_encoding(policy, read.events).collect()
    lines, found = log.splitlines(), set()
    for number, row in zip(read.lines, rows.iter_rows(named=True), strict=True):
        if not row["wire_fields"] >> 31:
            same_as_live(json.loads(lines[number - 1]), row, policy)
            found.add((row["encoding"], row["action"]))
    assert found == {("plain", "send"), ("zstd", "send")}


def test_an_event_that_came_in_an_envelope_is_sent_without_it():
    event = {"event_id": "e1", "timestamp": NOON, "node_id": "n", "event_type": "NODE_START", "metadata": {"a": 1}}
    around = {"envelope_id": "x" * 100, "payload": {**event, "tenant": "t"}}
    assert payloads_of(rows_of(json.dumps(around)))[0] == payload_of({**event, "tenant": "t"})


def test_a_model_is_sent_as_its_row():
    event = OnexEvent.create("NODE_START", "stamper_node", clock=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC),
                             metadata={"input_state": {"é": [1.5, 10**30, None]}}, tenant="a")  # fmt: skip
    rows = rows_of(json.dumps(event.as_dict()))
    assert payloads_of(rows)[0] == payload_of(event)


def test_an_event_without_a_known_field_is_sent_as_the_live_encoder_sends_it():
    event = {"claim_check": {"sha256": "0"}}
    for wire_fields in (0, None):
        rows = pl.DataFrame([{"extra": json.dumps(event), "wire_fields": wire_fields}], schema=EVENTS)
        found = simulate_encoding(SizePolicy(), rows).collect().row(0, named=True)
        same_as_live(event, found, SizePolicy())
        assert found["stored_bytes"] == found["plain_bytes"] + 1


def test_each_row_keeps_its_place_and_what_it_had():
    lines = [json.dumps({"event_id": f"e{n}", "timestamp": NOON, "node_id": "n", "event_type": "A",
                         "metadata": {"body": "x" * n}}) for n in (5, 3000, 50, 2000)]  # fmt: skip
    rows = rows_of(*lines)
    found = simulate_encoding(SizePolicy(compress_over=1000, codec="gzip"), rows).collect()
    assert found.columns == [*EVENTS, *ENCODING]
    assert found.select(*EVENTS).equals(rows)
    assert found["encoding"].to_list() == ["plain", "gzip", "plain", "gzip"]
    assert simulate_encoding(SizePolicy(compress_over=1000, codec="gzip"), found).collect().equals(found)


def test_no_event_is_no_row_and_a_frame_without_metadata_is_refused():
    assert simulate_encoding(SizePolicy(), pl.DataFrame(schema=EVENTS)).collect().schema == {**EVENTS, **ENCODING}
    with pytest.raises(MissingColumns, match="metadata"):
        simulate_encoding(SizePolicy(), pl.LazyFrame({"event_id": ["a"]}))


@pytest.mark.parametrize("metadata", ["{", '{"a"', '{"a":', '{"a":1', '"', '"\\u12', "", '{"a":1}}', '{"a\n":1}', "}"])
def test_metadata_that_is_no_json_is_refused_with_the_event(metadata):
    rows = pl.DataFrame([{"event_id": "e1"}, {"event_id": "e2", "metadata": metadata}], schema=EVENTS)
    for read in (payloads_of, payload_sizes):
        with pytest.raises(InvalidOption, match="e2"):
            read(rows)
