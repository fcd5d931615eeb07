"""Rows as JSON, from their columns alone. What came through a gate is held against it in tests of `sources`."""

import json

import polars as pl
import pytest

from onex_analytics.model.shapes import EVENTS
from onex_analytics.model.wire_json import WIRE_DATA, wire_texts


def text_of(**row: object) -> str:
    return wire_texts(pl.DataFrame([row], schema=EVENTS)).item()


def test_a_row_that_does_not_say_how_its_fields_came_gives_each_that_holds_a_value():
    assert text_of(event_id="e", adjusted_count=2.0, is_replay=False) == (
        '{"event_id":"e","adjusted_count":2.0,"is_replay":false}'
    )


@pytest.mark.parametrize("text", ['"', "\\", "\n\t\x00\x1f", "é\u2028😀\x7f", ""])
def test_text_is_escaped_as_json_wants_it(text):
    assert json.loads(text_of(event_id=text)) == {"event_id": text}


def test_a_row_without_anything_is_an_empty_object_and_no_row_is_none():
    assert text_of() == "{}"
    assert wire_texts(pl.DataFrame(schema=EVENTS)).to_list() == []


def test_metadata_that_came_as_data_is_written_so():
    assert text_of(metadata="[1]", wire_fields=WIRE_DATA | 2 << 10) == '{"data":[1]}'
