"""The part of the report that is about sizes."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from onex_analytics.frames import main_period
from onex_analytics.looks import sizes
from onex_analytics.model import EVENTS
from onex_analytics.views.report_of_sizes import size_sections
from tests.views.sizing.results import EVIL, NOON


def page_of(*types: str | None) -> str:
    """The page of events of these types, five minutes apart, each larger than the one before it."""
    rows = [{"event_id": f"e{n}", "event_type": one, "timestamp": NOON + timedelta(minutes=5 * n),
             "metadata": f'{{"body": "{"x" * n}"}}'} for n, one in enumerate(types)]  # fmt: skip
    events = pl.LazyFrame(rows, schema=EVENTS)
    frames = sizes.size_look(events, period=main_period(events).collect())
    (section,) = size_sections(frames)
    return section.body


@pytest.mark.parametrize("types", [(), ("A",), (None, EVIL), ("A", "B") * 30])
def test_every_log_has_its_page(types):
    page = page_of(*types)
    assert page.count("<figure>") == 3
    assert "<script>alert" not in page


def test_fields_are_looked_into_for_some_events_and_all_else_for_all(monkeypatch):
    monkeypatch.setattr(sizes, "_MOST_EVENTS", 5)
    page = page_of(*("A" * 9))
    assert '<td>A</td><td class="number">9</td>' in page
    assert "Which field costs what, of one event in 2" in page
    assert "over 64 KiB (cloudevents)</dt><dd>0</dd>" in page
