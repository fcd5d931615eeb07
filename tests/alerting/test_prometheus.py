"""What goes out to Prometheus fires there at the same ticks; what comes back is the lifecycle."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onex_analytics.alerting import load_rules
from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.prometheus import PrometheusExport, export_prometheus
from onex_analytics.alerting.rules import RuleSet
from tests.laws import examples

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rules_of(when: str, more: str = "") -> RuleSet:
    return load_rules(f"""
groups:
- name: nodes
  interval: 1m
  rules:
  - alert: 'Fails "often"'
    by: [node]
    when: {when}
    for: 2m
    keep_firing_for: 3m
    labels: {{severity: 'a "b" {{{{ x }}}}'}}
    annotations: {{summary: "{{{{ labels.node }}}} has {{{{ value | humanize }}}}"}}
{more}""")


def events_of(rows: list[tuple[int, str, str]]) -> pl.DataFrame:
    """(second, node, outcome)"""
    return pl.DataFrame(
        {
            "event_id": [f"e{i:04}" for i in range(len(rows))],
            "timestamp": [BEGIN + timedelta(seconds=s) for s, _, _ in rows],
            "node": [node for _, node, _ in rows],
            "outcome": [outcome for _, _, outcome in rows],
            "adjusted_count": [1.0] * len(rows),
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def write(export: PrometheusExport, folder: Path) -> None:
    for name, text in export.files.items():
        (folder / name).write_text(text, encoding="utf-8")


def agrees(promtool: Path, folder: Path, test: str = "test-nodes.yml") -> tuple[bool, str]:
    done = subprocess.run([promtool, "test", "rules", test], cwd=folder, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


rows = st.lists(
    st.tuples(
        st.integers(0, 1500), st.sampled_from(["a", 'b"\\', "", "ü\n"]), st.sampled_from(["success", "failure"])
    ),
    min_size=1, max_size=60,
)  # fmt: skip
conditions = st.sampled_from([
    "{count: {of: outcome == 'failure', window: 3m}, threshold: 1}",
    "{ratio: {of: outcome == 'failure', window: 4m}, threshold: 0.3, min_count: 2}",
    "{ratio: {of: outcome == 'failure', window: 2m}, op: '!=', threshold: 0.5}",
    "{ratio: {of: outcome == 'failure', window: 2m}, op: '<', threshold: 0.5, no_data: alert, min_count: 2}",
    "{rate: {window: 5m, per: 1m}, op: '>=', threshold: 0.6}",
    "{absent: {window: 3m, lookback: 10m}}",
    "{distinct: {column: outcome, window: 90s}, op: '==', threshold: 2}",
    "{change: {column: outcome, window: 5m}}",
    ("{expr: {cells: {a: {count: {of: outcome == 'failure', window: 2m}}, b: {count: {window: 4m}}}, value: a / b}, "
    "threshold: 0.4, no_data: alert}"),
])


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, conditions)
def test_an_exported_rule_fires_at_the_same_ticks_in_promtool(
    promtool: Path, tmp_path: Path, rows: list[tuple[int, str, str]], when: str
) -> None:
    rules = rules_of(when)
    result = backtest(rules, events_of(rows), until=BEGIN + timedelta(minutes=40))
    export = export_prometheus(rules, result.stretches())
    write(export, tmp_path)
    same, said = agrees(promtool, tmp_path)
    assert same, said[-3000:]
    assert export.unmapped.is_empty()
    assert export_prometheus(rules, result.states()).files["series-nodes.om"] == export.files["series-nodes.om"]


def test_a_wrong_expectation_is_noticed_by_promtool(promtool: Path, tmp_path: Path) -> None:
    rules = rules_of("{count: {of: outcome == 'failure', window: 3m}, threshold: 1}")
    result = backtest(rules, events_of([(s, "a", "failure") for s in range(0, 900, 20)]), until=BEGIN + 40 * MINUTE)
    export = export_prometheus(rules, result.stretches())
    write(export, tmp_path)
    assert agrees(promtool, tmp_path)[0]
    assert 'alertstate="firing"' in export.files["test-nodes.yml"].replace("\\", "")
    sooner = export.files["rules.yml"].replace("for: 2m", "for: 1m")
    (tmp_path / "rules.yml").write_text(sooner, encoding="utf-8")
    assert not agrees(promtool, tmp_path)[0]


def test_the_series_can_be_put_into_a_prometheus(promtool: Path, tmp_path: Path) -> None:
    rules = rules_of("{ratio: {of: outcome == 'failure', window: 1m}, threshold: 0.5, min_count: 1}")
    found = [(s, node, "failure") for s in range(0, 600, 50) for node in ("a", 'b"\\')]
    result = backtest(rules, events_of(found), until=BEGIN + 20 * MINUTE)
    export = export_prometheus(rules, result.stretches())
    (tmp_path / "series.om").write_text(export.files["series-nodes.om"], encoding="utf-8")
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "series.om", "blocks"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert any((tmp_path / "blocks").iterdir())


def test_the_rules_themselves_are_good_ones(promtool: Path, tmp_path: Path) -> None:
    rules = rules_of("{count: {window: 3m}, threshold: 1}")
    write(export_prometheus(rules, backtest(rules, events_of([(0, "a", "failure")])).stretches()), tmp_path)
    done = subprocess.run([promtool, "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "rules.yml").read_text()
    assert "{{ $labels.node }} has {{ $value | humanize }}" in text


def test_what_has_no_counterpart_is_listed_by_name() -> None:
    rules = rules_of(
        "{count: {window: 3m}, threshold: 1}",
        "  - {alert: Each, mode: event, when: {count: {window: 3m}, threshold: 1}}\n"
        "  - {alert: Kept, when: {ratio: {of: success, window: 3m}, threshold: 1, no_data: keep}}\n"
        "silences:\n- {matchers: ['a = b'], start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z}\n",
    )
    nothing = pl.DataFrame(schema={
        "group": pl.String, "rule": pl.String, "labels": pl.List(pl.Struct({"name": pl.String, "value": pl.String})),
        "state": pl.String, "value": pl.Float64, "events": pl.Int64, "at": pl.Datetime("us", "UTC"),
    })  # fmt: skip
    rules = rules.model_copy(update={"groups": (rules.groups[0].model_copy(update={"limit": 5}),)})
    export = export_prometheus(rules, nothing)
    assert "limit: 5" in export.files["rules.yml"]
    assert export.unmapped.select("rule", "field").rows() == [
        (None, "silences"), (None, "limit"), ("Each", "mode: event"), ("Kept", "no_data: keep")
    ]
    assert "Each" not in export.files["rules.yml"]
    assert export.files["series-nodes.om"] == "# EOF\n"


@pytest.mark.parametrize(
    ("name", "mend"), [("service.name", "service_name"), ("__own", "own"), ("9th", "label_9th"), ("größe", "gr__e")]
)
def test_a_label_that_prometheus_refuses_is_named_and_its_rule_left_out(promtool, tmp_path, name, mend):
    when = {"count": {"window": "3m"}, "threshold": 1}
    some = [{"alert": "Dotted", "by": [name], "when": when}, {"alert": "Plain", "by": ["node"], "when": when}]
    rules = RuleSet.model_validate({"dimensions": {name: "str"}, "groups": [{"name": "nodes", "rules": some}]})
    log = events_of([(s, "a", "success") for s in range(0, 600, 20)]).with_columns(pl.lit("pay").alias(name))
    export = export_prometheus(rules, backtest(rules, log).stretches())
    write(export, tmp_path)
    assert agrees(promtool, tmp_path)[0]
    assert "Plain" in export.files["rules.yml"]
    assert not any("Dotted" in text for text in export.files.values())
    (told,) = export.unmapped.rows()
    assert told[:3] == ("nodes", "Dotted", f"label {name}")
    assert f"such as {mend};" in told[3]


def test_groups_and_rules_of_like_names_have_files_and_series_of_their_own(promtool, tmp_path):
    some = [
        {"alert": name, "by": ["node"], "when": {"count": {"window": window}, "threshold": 0, "min_count": 1}}
        for name, window in (("A_events", "2m"), ("A", "5m"), ("a-events", "4m"))
    ]  # fmt: skip
    names = ["a b", "a_b", "A_B", "a_b_2"]
    rules = RuleSet.model_validate({"groups": [{"name": name, "offset": "7s", "rules": some} for name in names]})
    result = backtest(rules, events_of([(0, "x", "success"), (60, "y", "failure"), (600, "x", "success")]))
    export = export_prometheus(rules, result.stretches())
    write(export, tmp_path)
    tests = [name for name in export.files if name.startswith("test-")]
    assert len({name.lower() for name in export.files}) == 1 + 2 * len(names)
    for test in tests:
        assert agrees(promtool, tmp_path, test)[0]
    assert export.unmapped.select("group", "field").rows() == [(name, "offset") for name in names]
