"""Alerts handed to an Alertmanager; the real one stands in `test_arrival.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from onex_analytics.alerting.receivers import Alertmanager
from tests.alerting.receivers.made import an_alert
from tests.alerting.receivers.server import Sink, wait_until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def posting(sink, **options):
    return Alertmanager(sink.url, clock=lambda: NOON, first_pause_s=0.01, **options)


def test_a_firing_alert_is_posted_with_an_end_ahead_and_posted_again():
    with Sink() as sink:
        manager = posting(sink, resend_s=0.05)
        manager.set([an_alert("a", starts=10)])
        wait_until(lambda: len(sink.taken) >= 3)
        manager.close(5)
    assert sink.taken[0] == sink.taken[2] == [{
        "labels": {"alertname": "Down", "node": "a", "severity": "critical"}, "annotations": {},
        "startsAt": "1970-01-01T00:00:10Z", "endsAt": "2026-01-01T12:00:00.2Z"}]  # fmt: skip


def test_an_end_is_posted_once_and_tried_until_it_was_taken():
    with Sink() as sink:
        sink.mood = 500
        problems = []
        manager = posting(sink, failed=problems.append)
        manager.set([an_alert("a", ends=20)])
        wait_until(lambda: sink.attempts >= 2)
        assert manager.waiting == 1
        assert manager.ended() == [an_alert("a", ends=20)]
        sink.mood = "ok"
        assert manager.drain(10)
        assert manager.ended() == []
        manager.close(5)
    assert [alert["endsAt"] for body in sink.taken for alert in body] == ["1970-01-01T00:00:20Z"]
    assert "answered 500" in problems[0]


def test_times_that_lie_ahead_of_this_machine_are_brought_back_to_now():
    ahead = int((NOON + timedelta(hours=1)).timestamp())
    with Sink() as sink:
        manager = posting(sink)
        manager.set([an_alert("a", starts=ahead, ends=ahead + 60)])
        assert manager.drain(10)
        manager.close(5)
    assert (sink.taken[0][0]["startsAt"], sink.taken[0][0]["endsAt"]) == ("2026-01-01T12:00:00Z",) * 2


def test_many_alerts_go_in_several_requests_and_none_is_missing():
    with Sink() as sink:
        manager = posting(sink)
        manager.set([an_alert(f"node{i}") for i in range(2500)])
        assert manager.drain(20)
        manager.close(5)
    assert sorted(len(body) for body in sink.taken) == [500, 1000, 1000]
    assert len({alert["labels"]["node"] for body in sink.taken for alert in body}) == 2500


def test_what_an_alertmanager_refuses_is_told_and_not_posted_for_ever():
    with Sink() as sink:
        sink.mood = 400
        problems = []
        manager = posting(sink, failed=problems.append)
        manager.set([an_alert("a", ends=20)])
        assert manager.drain(10)
        manager.close(5)
    assert manager.counts["refused"] == 1
    assert "refused 1 alert" in problems[0]
