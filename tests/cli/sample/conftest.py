"""Five hours of a log with incidents, its store, and rules that fire on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from onex_analytics import generate
from onex_analytics.cli import main

RULES = """
groups:
- name: g
  rules:
  - {alert: Failing, by: [node], when: {ratio: {of: outcome == 'failure', window: 10m}, op: ">", threshold: 0.2}}
  - {alert: Busy, when: {count: {window: 10m}, op: ">", threshold: 120}}
"""


@pytest.fixture(scope="session")
def sampled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """log.jsonl, labels.csv, rules.yaml and store."""
    path = tmp_path_factory.mktemp("sampled")
    log = generate(3_000, seed=3, days=0.2)
    log.write(path / "log.jsonl")
    log.labels.write_csv(path / "labels.csv")
    (path / "rules.yaml").write_text(RULES)
    assert main(["ingest", str(path / "log.jsonl"), "--store", str(path / "store")]) == 0
    return path
