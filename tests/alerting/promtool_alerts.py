"""What `promtool test rules` says of ALERTS: each expectation is that nothing is active, so it prints what was."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TIME = re.compile(r'expr: "ALERTS", time: ([0-9a-z]+),')
_SAMPLE = re.compile(r"\{([^{}]*)\} 1E\+00")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_UNITS = {"h": 3600, "m": 60, "s": 1}

Active = dict[tuple[int, str, tuple[tuple[str, str], ...]], str]
"""(evaluation, alert name, labels) → pending or firing."""


def _seconds(text: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def active_alerts(
    promtool: Path, folder: Path, rules: Sequence[Mapping[str, object]],
    series: Mapping[str, Sequence[float | None]], interval_s: int = 60,
) -> Active:  # fmt: skip
    """Evaluate `rules` (as in a rule file) on `series` (text of the series → its value at each evaluation, None where
    there is no sample yet) and read what was active at each evaluation."""
    evaluations = max(map(len, series.values()), default=0)
    group = {"name": "g", "interval": f"{interval_s}s", "rules": list(rules)}
    (folder / "rules.json").write_text(json.dumps({"groups": [group]}))
    values = [" ".join("_" if v is None else repr(v) for v in row) for row in series.values()]
    test = {
        "rule_files": ["rules.json"], "evaluation_interval": f"{interval_s}s",
        "tests": [{
            "interval": f"{interval_s}s",
            "input_series": [{"series": s, "values": v} for s, v in zip(series, values, strict=True)],
            "promql_expr_test": [
                {"expr": "ALERTS", "eval_time": f"{k * interval_s}s", "exp_samples": []} for k in range(evaluations)
            ],
        }],
    }  # fmt: skip
    (folder / "test.json").write_text(json.dumps(test))
    done = subprocess.run([promtool, "test", "rules", "test.json"], cwd=folder, capture_output=True, text=True)
    told = done.stdout + done.stderr
    assert done.returncode == 0 or "FAILED" in told, told
    found: Active = {}
    parts = _TIME.split(told)
    for at, text in zip(parts[1::2], parts[2::2], strict=True):
        for sample in _SAMPLE.findall(text.split("got:")[1]):
            labels = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _LABEL.findall(sample)}
            rest = {k: v for k, v in labels.items() if k not in {"__name__", "alertname", "alertstate"}}
            key = (_seconds(at) // interval_s, labels["alertname"], tuple(sorted(rest.items())))
            found[key] = labels["alertstate"]
    if done.returncode:
        assert found or not re.search("error|unmarshal", told), told
    return found
