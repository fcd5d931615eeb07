"""`onex-analytics alerts …`: rule files, and rules for Prometheus."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from onex_analytics.alerting import load_rules, presets
from onex_analytics.cli import main

RULES = """
groups:
- name: nodes
  rules:
  - alert: Failures
    by: [node]
    when: {count: {of: outcome == 'failure', window: 5m}, threshold: 2}
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Ten failures of one node, a minute apart, and a success of another an hour later."""
    def line(i: int, minute: int, node: str, kind: str) -> str:
        return json.dumps({
            "event_id": f"00000000-0000-4000-8000-{i:012}",
            "timestamp": f"2026-11-01T{12 + minute // 60}:{minute % 60:02}:00Z",
            "node_id": node, "event_type": kind, "metadata": {"input_state": {}, "error": "x", "output_state": {}},
        })  # fmt: skip

    lines = [line(i, i, "a_node", "NODE_FAILURE") for i in range(10)] + [line(10, 60, "b_node", "NODE_SUCCESS")]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "log.jsonl"


def test_a_good_file_has_no_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    assert main(["alerts", "check", str(tmp_path / "rules.yaml")]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "1 rule file: no mistake\n")


def test_mistakes_of_several_files_are_told_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(RULES.replace("outcome ==", "outcom =="), encoding="utf-8")
    other.write_text(RULES.replace("by:", "bye:"), encoding="utf-8")
    assert main(["alerts", "check", str(one), str(other)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{one}:7: of: no column is named 'outcom', at character 1. Mend: write outcome;")
    assert second == f"{other}:6: unknown key 'bye' in a rule. Mend: write by."
    assert main(["alerts", "check", str(other), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {"file": str(other), "line": 6, "problem": "unknown key 'bye' in a rule", "mend": "write by"}


def test_check_asks_for_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "check"]) == 2
    assert "wanted rule files, or --schema" in capsys.readouterr().err
    assert main(["alerts", "check", "nowhere.yaml"]) == 2
    assert "nowhere.yaml: No such file or directory. Mend: name a rule file" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["alerts", "check", "--schema"]) == 0
    assert "groups" in json.loads(capsys.readouterr().out)["properties"]
    assert main(["alerts", "check", "--schema", "--out", str(tmp_path / "rules.schema.json")]) == 0
    assert "groups" in json.loads((tmp_path / "rules.schema.json").read_text())["properties"]


def test_the_presets_are_a_file_to_begin_with(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    assert main(["alerts", "presets", "--out", str(path)]) == 0
    assert load_rules(path) == presets()
    assert main(["alerts", "check", str(path)]) == 0


def test_an_export_passes_promtool(
    log: Path, tmp_path: Path, promtool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    out = tmp_path / "out"
    assert main(["alerts", "export", str(tmp_path / "rules.yaml"), str(log), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["rules.yml", "series-nodes.om", "test-nodes.yml"]
    assert "promtool test rules test-nodes.yml" in capsys.readouterr().err
    done = subprocess.run([promtool, "test", "rules", "test-nodes.yml"], cwd=out, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'alertstate="firing"' in (out / "test-nodes.yml").read_text()


def test_the_lifecycle_of_prometheus_is_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ours.yaml").write_text(RULES, encoding="utf-8")
    theirs = "groups:\n- name: x\n  rules:\n  - {alert: Failures, expr: up == 0, for: 7m}\n"
    (tmp_path / "theirs.yml").write_text(theirs, encoding="utf-8")
    assert main(["alerts", "import", str(tmp_path / "theirs.yml"), "--into", str(tmp_path / "ours.yaml")]) == 0
    told = capsys.readouterr()
    assert load_rules(told.out).rule("Failures").for_.total_seconds() == 420
    reason = "Prometheus asks its series (up == 0); the condition stays ours"
    assert told.err == f"not imported: x / Failures / expr: {reason}\n"


def test_tests_of_rules_are_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    path = tmp_path / "rules_test.yaml"
    text = """rule_files: [rules.yaml]
tests:
- input_events: [{event: {node: a, outcome: failure}, at: 0s, every: 10s, times: 5}]
  expect: [{at: 1m, alert: Failures, firing: [{node: a}]}]
"""
    path.write_text(text, encoding="utf-8")
    assert main(["alerts", "test", str(path)]) == 0
    assert capsys.readouterr().err == "1 expectations, all met\n"
    path.write_text(text.replace("firing: [{node: a}]", "firing: []"), encoding="utf-8")
    assert main(["alerts", "test", str(path)]) == 1
    told = capsys.readouterr()
    assert told.out == f"{path}:4: test: Failures firing at 1m: expected [], found [{{node: a}}]\n"
    assert told.err == "1 expectations, 1 not met\n"
    assert main(["alerts", "test", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["passed"] is False
