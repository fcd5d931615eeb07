"""Templates of annotations."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.templates import check_template, render

LABELS = {"node": "stamper_node", "size": "2048", "hostile": "{{ value }}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ labels.node }} fails {{ value }}", "stamper_node fails 0.0525"),
        ("{{$labels.node}} fails {{- $value -}} ", "stamper_node fails 0.0525 "),
        ("{{ value | humanizePercentage }}", "5.25%"), ("{{ labels.size | humanize }}", "2.048k"),
        ("{{ labels.other }}", ""), ("{{ labels.hostile }}", "{{ value }}"), ("no template {", "no template {"),
        ("{{ labels.node | humanize }}", "stamper_node"), ("{{ exec() }}", "{{ exec() }}"),
        ("{{ labels.__class__ }}", ""), ("{{ value.real }}", "{{ value.real }}"),
    ],
)  # fmt: skip
def test_labels_and_the_value_are_filled_in_and_nothing_else(text: str, said: str) -> None:
    assert render(text, LABELS, 0.0525) == said


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{{ labels.node }} {{ value | humanize }} {{ labels.alertname }}", None), ("plain", None),
     ("{{ labels.nod }}", "a template names label 'nod'"), ("{{ value", "a template is not closed"),
     ("{{ value | humanise }}", "a template uses 'humanise'"), ("{{ 1 + 1 }}", "a template says {{ 1 + 1 }}"),
     ("{{ range query }}", "a template says {{ range query }}")],
)  # fmt: skip
def test_a_template_is_checked_before_an_alert_needs_it(text: str, problem: str | None) -> None:
    found = check_template(text, LABELS)
    assert (found is None) if problem is None else found is not None and found[0].startswith(problem)


@given(st.text("{}labels.node value|$- humanize", max_size=40), st.floats())
def test_any_text_is_rendered(text: str, value: float) -> None:
    render(text, LABELS, value)
    check_template(text, LABELS)


VALUES = [0.0, 1.0, 12.0, 0.05, 1234567.0, 0.00123, -20.0, 90.0, 3661.5, 172800.0, 0.02, 1e-7, 100000.0,
          0.1 + 0.2, -0.5, 59.9, -3700.0, 1e6, 123456789.0, 999.99, 1e-25,
          999999.5, 123456.7, 1e18, 0.0001, 0.00012, -0.0, math.nan, math.inf, -math.inf]  # fmt: skip


def test_numbers_are_written_as_prometheus_writes_them(promtool: Path, tmp_path: Path) -> None:
    functions = ["value", "value | humanize", "value | humanizePercentage", "value | humanizeDuration"]
    annotations = "".join(f'\n      a{i}: "{{{{ ${function} }}}}"' for i, function in enumerate(functions))
    (tmp_path / "rules.yml").write_text(
        f"groups:\n- name: a\n  rules:\n  - alert: A\n    expr: x == x or x != x\n    annotations:{annotations}\n"
    )
    series = [{math.inf: "Inf", -math.inf: "-Inf"}.get(v, "NaN" if math.isnan(v) else repr(v)) for v in VALUES]
    tests = "".join(f"\n  - {{series: 'x{{i=\"{i}\"}}', values: '{value}'}}" for i, value in enumerate(series))
    wanted = "".join(
        f"\n    - exp_labels: {{i: '{i}'}}\n      exp_annotations: {{"
        + ", ".join(f"a{j}: '{render('{{ ' + f + ' }}', {}, value)}'" for j, f in enumerate(functions)) + "}"
        for i, value in enumerate(VALUES)
    )  # fmt: skip
    (tmp_path / "test.yml").write_text(
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:" + tests
        + "\n  alert_rule_test:\n  - eval_time: 0m\n    alertname: A\n    exp_alerts:" + wanted + "\n"
    )  # fmt: skip
    done = subprocess.run([promtool, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
