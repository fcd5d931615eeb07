"""`/metrics`: what a running engine says of itself."""

from __future__ import annotations

import urllib.request

import pytest

from onex_analytics.alerting import AlertEngine, RuleSet
from onex_analytics.exceptions import InvalidOption
from onex_analytics.servers.metrics import CONTENT_TYPE, Metric, MetricsServer, engine_metrics, openmetrics


def test_labels_are_escaped_and_a_counter_ends_in_total():
    text = openmetrics([Metric("m", "counter", "a\nb", [({"to": 'x"\\\n'}, 1.5)]), Metric("g", "gauge", "", [({}, 2)])])
    assert text.splitlines() == [
        "# TYPE m counter", "# HELP m a\\nb", 'm_total{to="x\\"\\\\\\n"} 1.5',
        "# TYPE g gauge", "# HELP g ", "g 2", "# EOF",
    ]  # fmt: skip


def test_an_engine_tells_its_counts_over_http():
    engine = AlertEngine(RuleSet(), print)
    engine.process([{"event_id": "a", "node_id": "n", "event_type": "NODE_START", "timestamp": "2026-01-01T00:00:00"}])
    server = MetricsServer()
    try:
        server.show(engine_metrics(engine))
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            text = answer.read().decode()
    finally:
        server.close()
    assert "onex_analytics_alerts_events_total 1\n" in text
    assert "onex_analytics_alerts_clock_seconds 1767225600\n" in text
    assert "# TYPE onex_analytics_alerts_label_sets_left_out counter\n" in text
    assert 'onex_analytics_alerts_waiting{receiver="default"} 0\n' in text
    assert text.endswith("# EOF\n")


def test_an_address_that_is_taken_is_told():
    first = MetricsServer()
    try:
        with pytest.raises(InvalidOption, match="one that is free"):
            MetricsServer(first.port)
    finally:
        first.close()
