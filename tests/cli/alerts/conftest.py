"""Half a day of a log with incidents, and two rule files."""

from __future__ import annotations

from pathlib import Path

import pytest

from onex_analytics import generate
from onex_analytics.cli import main

RULES = """
groups:
- name: g
  rules:
  - alert: Failing
    by: [node]
    when: {ratio: {of: outcome == 'failure', window: 10m}, op: ">", threshold: THRESHOLD, min_count: 5}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of half a day, its labels, and two rule files."""
    path = tmp_path_factory.mktemp("history")
    log = generate(20_000, seed=3, days=0.5)
    log.write(path / "log.jsonl")
    log.labels.write_csv(path / "labels.csv")
    (path / "old.yaml").write_text(RULES.replace("THRESHOLD", "0.3"))
    (path / "new.yaml").write_text(RULES.replace("THRESHOLD", "0.1"))
    assert main(["ingest", str(path / "log.jsonl"), "--store", str(path / "store")]) == 0
    return path
