"""What is lost is told: to whoever asked, else by a warning."""

from __future__ import annotations

import logging

from onex_analytics.batching import EventBatcher
from onex_analytics.batching.losses import Losses


def test_losses_that_nobody_asked_for_are_logged_once_a_reason(caplog):
    with caplog.at_level(logging.WARNING):
        batcher = EventBatcher(exporter=lambda events: None)
        batcher.close()
        batcher.add_event("a")
        batcher.add_event("b")
    assert [record.getMessage()[:17] for record in caplog.records] == ["1 events dropped:"]


def test_an_on_dropped_that_fails_is_logged_and_hurts_nobody(caplog):
    def on_dropped(*told: object) -> None:
        raise RuntimeError("oh")

    batcher = EventBatcher(exporter=lambda events: None, on_dropped=on_dropped)
    batcher.close()
    assert not batcher.add_event("a")
    assert "on_dropped failed" in caplog.text


def test_each_reason_is_logged_with_its_error(caplog):
    losses = Losses(None)
    losses.tell([([1, 2], "failed", OSError("down")), ([3], "full", None), ([4], "failed", None)])
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "2 events dropped" in told[0]
    assert "OSError('down')" in told[0]
