"""What came in goes out again, field by field."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onex_analytics.model.shapes import EVENTS
from onex_analytics.sources.block import block_of_bytes, block_of_texts_of
from onex_analytics.sources.canonical import Gate
from onex_analytics.sources.wire import event_contexts, event_texts
from tests.laws import examples
from tests.sources import oracle

GATE = Gate(datetime(2026, 11, 23, tzinfo=UTC))
ID = '"event_id":"e1","timestamp":"2026-11-23T12:00:00","node_id":"n","event_type":"NODE_START"'


def parsed(raw: bytes | str) -> object:
    """As `json.loads` reads it, with the infinities that it makes of numbers too large."""
    return json.loads(raw)


def read_back(line: str) -> list[str]:
    return event_texts(GATE.read(block_of_bytes(line.encode(), "x")).events).to_list()


@settings(max_examples=examples(200))
@given(oracle.events())
@example("{" + ID + ',"adjusted_count":-1,"metadata":[1e400,"\\ud800"]}')
@example("{" + ID + ',"event_type\\u0020":1,"k\\"":2,"adjusted_count":12345678901234567890}')
def test_an_event_comes_out_as_it_came_in(line):
    for text in read_back(line):
        assert "\n" not in text
        assert parsed(text) == parsed(line)


@pytest.mark.parametrize("log", ["omnibase_main_v1.0.0.jsonl", "omnibase_dev_telemetry.jsonl"])
def test_real_logs_come_out_as_they_came_in(shared_data, log):
    data = (shared_data / "onex" / log).read_bytes()
    batch = GATE.read(block_of_bytes(data, log))
    assert batch.rejected.is_empty()
    assert [parsed(t) for t in event_texts(batch.events)] == [parsed(line) for line in oracle.lines_of(data)]


@pytest.mark.parametrize(
    "member",
    [
        '"correlation_id":null', '"correlation_id":""', '"correlation_id":7', '"correlation_id":{"a":1}',
        '"metadata":null', '"metadata":"text"', '"metadata":[1, 2]', '"metadata":""',
        '"schema_version":{"major":1,"minor":0,"patch":0}',
        '"data":{"a":1},"metadata":{}', '"data":{"a":1}', '"payload":{"a":1}', '"envelope":{"a":1}', '"is_replay":true',
        '"is_replay":"yes"', '"adjusted_count":2', '"adjusted_count":2.5e3', '"adjusted_count":null',
        '"tenant":"\\u00e9"',
        '"trace_id":"é\\n"', '"replay_id":"\\ud83d\\ude00"', '"specversion":null,"id":3',
    ],
)  # fmt: skip
def test_an_odd_field_comes_out_as_it_came_in(member):
    line = "{" + ID + "," + member + "}"
    assert [parsed(t) for t in read_back(line)] == [parsed(line)]


def test_an_enveloped_event_comes_out_without_its_envelope():
    event = "{" + ID + ',"envelope":{"mine":[1]},"x":1}'
    bare = "{" + ID + "}"
    for inner in (event, bare):
        line = '{"topic":"t","envelope":{"envelope_id":"a","payload":' + inner + "}}"
        assert [parsed(t) for t in read_back(line)] == [parsed(inner)]


@settings(max_examples=examples(150))
@given(st.lists(st.one_of(oracle.events(), oracle.wrapped()), max_size=4))
def test_texts_and_contexts_give_the_same_events_again(lines):
    events = GATE.read(block_of_bytes("\n".join(lines).replace("\r", " ").encode(), "x")).events
    block = block_of_texts_of(event_texts(events), "x")
    block.context = event_contexts(events)
    again = GATE.read(block)
    assert again.rejected.is_empty()
    same = ["extra", "wire_fields", "timestamp_original"] if "\\" in "".join(lines) else []
    assert again.events.drop("size_bytes", *same).equals(events.drop("size_bytes", *same))


def test_any_text_is_written_as_json():
    odd = "".join(map(chr, range(0x250))) + '\u2028\ud7ff\U0001f600"\\'
    row = {"event_id": odd, "node_id": odd, "event_type": "X", "timestamp": datetime(2026, 1, 1, tzinfo=UTC)}
    frame = pl.DataFrame([row], schema={name: EVENTS[name] for name in row})
    whole = frame.select(pl.col(n) if n in row else pl.lit(None, dtype=t).alias(n) for n, t in EVENTS.items())
    assert [json.loads(t) for t in event_texts(whole)] == [
        {"event_id": odd, "timestamp": "2026-01-01T00:00:00", "node_id": odd, "event_type": "X"}
    ]


def test_no_rows_give_no_texts():
    assert event_texts(pl.DataFrame(schema=EVENTS)).to_list() == []
