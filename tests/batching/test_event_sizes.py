"""An event is as large as its compact JSON in UTF-8."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.batching.event_sizes import json_bytes
from onex_analytics.model import OnexEvent
from tests.laws import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abé", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abé", max_size=3), JSON, max_size=4))
@settings(max_examples=examples(30))
def test_a_mapping_is_as_large_as_its_json(event):
    assert json_bytes(event) == len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def test_models_texts_and_bytes_are_measured_as_they_are_sent():
    event = OnexEvent.create("NODE_START", node_id="naïve_node", metadata={})
    assert json_bytes(event) == len(event.model_dump_json().encode())
    assert json_bytes("naïve") == len("naïve".encode())
    assert json_bytes(bytearray(7)) == 7


def test_what_json_has_no_form_for_is_measured_as_its_text():
    assert json_bytes({"at": datetime(2026, 1, 1, tzinfo=UTC)}) == len('{"at":"2026-01-01 00:00:00+00:00"}')


def test_a_circle_and_a_key_that_is_no_text_raise():
    circle: list[object] = []
    circle.append(circle)
    for event in (circle, {(1, 2): 3}):
        with pytest.raises((ValueError, TypeError)):
            json_bytes(event)
