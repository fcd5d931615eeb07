"""`alerts live` where a label has too many values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from onex_analytics.cli import main

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_label_of_too_many_values_is_said_once_with_the_mend(tmp_path, capsys):
    rules, log = tmp_path / "rules.yaml", tmp_path / "events.jsonl"
    rules.write_text("""
groups:
- name: g
  rules:
  - {alert: Some, by: [node], max_series: 5, mode: event, when: {count: {window: 1m}, op: ">", threshold: 0}}
notification: {route: {receiver: default, group_wait: 0s}}
""")
    log.write_text("".join(
        json.dumps({"event_id": str(i), "timestamp": (START + timedelta(seconds=i)).isoformat(), "node_id": f"n{i}",
                    "event_type": "NODE_START", "metadata": {}}) + "\n"
        for i in range(50)
    ))  # fmt: skip
    assert main(["alerts", "live", str(log), "--rules", str(rules), "--until-end", "--clock", "events"]) == 0
    said = capsys.readouterr()
    limit = "g / Some: more than 5 label sets of node; further ones are not evaluated. Raise max_series, or take a "
    assert said.err.count(limit + "column out of `by`.") == 1
    assert "5 changes of state, 1 pages, 5 alerts fire" in said.err
