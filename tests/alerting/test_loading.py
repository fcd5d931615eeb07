"""Rule files: what is read from them, and what is said of each mistake."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting import Filter, check_rules, load_rules, presets
from onex_analytics.alerting.conditions import KINDS, Expr, Ratio
from onex_analytics.alerting.loading import presets_text
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.exceptions import RuleError, SourceError

SPECIFICATION = """
groups:
- name: stamper
  interval: 1m            # evaluation grid, aligned to the epoch
  offset: 0s
  allowed_lateness: 30s   # how long a tick waits for late events
  rules:
  - alert: StamperErrorRate
    where: node == 'stamper_node'
    by: [node, operation]
    when: {ratio: {of: outcome == 'failure', over: "outcome in ('success','failure')", window: 10m},
           op: ">", threshold: 0.05, min_count: 20}
    for: 2m
    keep_firing_for: 5m
    labels: {severity: warning}
    annotations: {summary: "{{ labels.node }} fails {{ value }}"}
"""

MISTAKES = {
    name: (file, messages.splitlines())
    for case in (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("=== ")[1:]
    for name, _, rest in [case.partition("\n")]
    for file, _, messages in [rest.rpartition("---\n")]
}


def test_the_file_of_the_specification_is_read() -> None:
    rules = load_rules(SPECIFICATION)
    (group,) = rules.groups
    (rule,) = group.rules
    assert (group.name, group.interval) == ("stamper", timedelta(minutes=1))
    assert (group.offset, group.allowed_lateness) == (timedelta(), timedelta(seconds=30))
    assert rule.where == Filter("node == 'stamper_node'")
    assert rule.when.cell == Ratio(
        of=Filter("outcome == 'failure'"), over=Filter("outcome in ('success','failure')"), window=timedelta(minutes=10)
    )
    assert (rule.when.op, rule.when.threshold, rule.when.min_count, rule.when.no_data) == (">", 0.05, 20, "ok")
    assert (rule.for_, rule.keep_firing_for) == (timedelta(minutes=2), timedelta(minutes=5))
    assert (rule.by, rule.labels) == (("node", "operation"), {"severity": "warning"})
    assert (rule.unit, rule.mode) == ("event", "grid")
    assert hash(rules) == hash(load_rules(SPECIFICATION))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_its_mend(name: str) -> None:
    file, messages = MISTAKES[name]
    assert [str(mistake).removeprefix("<text>:") for mistake in check_rules(file)] == messages
    with pytest.raises(RuleError) as caught:
        load_rules(file)
    assert str(caught.value) == f"<text>:{messages[0]}"
    assert caught.value.line == int(messages[0].split(":")[0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("groups: " + "[" * 100_000, "nested more than 40 deep"),
        ("[" * 100_000, "nested more than 40 deep"),
        ("x: " + "a" * (1 << 21) + "\n", "2,097,156 characters; at most 1,048,576 are read"),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)),
         "more than 100,000 values, those that * repeats included"),
        ("a: &a [*a]\n", "*a names no value that was finished before"),
        ("groups: \x01\n", "a control character, which no YAML holds"),
        ("groups: [" + "{}, " * 60_000 + "]\n", "more than 100,000 values"),
    ],
    ids=["deep", "deep alone", "long", "bomb", "cycle", "control", "wide"],
)  # fmt: skip
def test_a_file_made_to_break_the_reader_is_refused(text: str, says: str) -> None:
    if says.endswith("values"):
        text = text.replace("{}, ", "{a: b}, ")
    (mistake,) = check_rules(text)
    assert says in str(mistake)
    assert len(str(mistake)) < 200


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("of: outcome == 'failure'", "of: outcome in ('a', 'b')",
         ("5: no YAML: expected ',' or '}', but got '<scalar>'. Mend: quote a filter within { } or [ ], as commas "
         "end a value there: {of: \"node in ('a', 'b')\", window: 5m}.")),
        ("of: outcome == 'failure'", "of: node contains ', x'",
         ("5: unknown key \"x'\" in count. Mend: quote the filter, as a comma ends a value within { }: "
         "{of: \"node in ('a', 'b')\", window: 5m}.")),
        ("when:", "where: 'a' == node\n    when:", ("5: no YAML: expected <block end>, but found '<scalar>'. "
         "Mend: quote the whole text if it begins with a quotation mark: \"'a' == node\".")),
        ("when:", "where: node == 'a' # b'\n    when:", None),
        ("when:", "where: node contains '# b'\n    when:", None),
    ],
)  # fmt: skip
def test_a_filter_that_yaml_cuts_is_to_be_quoted(old: str, new: str, says: str | None) -> None:
    count = "{count: {of: outcome == 'failure', window: 5m}, threshold: 1}"
    rule = f"groups:\n- name: a\n  rules:\n  - alert: b\n    when: {count}\n"
    found = [str(mistake).removeprefix("<text>:") for mistake in check_rules(rule.replace(old, new))]
    assert found == ([] if says is None else [says])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("route: {recever: x}", "3: unknown key 'recever' in a route. Mend: write receiver."),
        ("route: {receiver: x}", "2: a route names receiver 'x'. Mend: write one of default, or add it."),
        ("route: {receiver: default, routes: [{mute_time_intervals: [x]}]}",
         "2: a route names time interval 'x'. Mend: write one of those you declare, or add it."),
        ("receivers: [{name: a}, {name: a}]", "2: receiver 'a' stands twice. Mend: give it another name."),
        ("receivers: [{name: a, webhook: host/x}]",
         "3: webhook is 'host/x'; wanted an address. Mend: write webhook: http://127.0.0.1:9093."),
        ("time_intervals: [{name: n, time_intervals: [{weekdays: [friday:monday]}]}]",
         "3: 'friday:monday' ends before it begins. Mend: write two ranges."),
        ("time_intervals: [{name: n, time_intervals: [{months: [13]}]}]", ("3: '13' is no month. Mend: write one of "
         "january, february, march, april, may, june, july, august, september, october, november, december.")),
        ("time_intervals: [{name: n, time_intervals: [{times: [{start_time: 22:00, end_time: 06:00}]}]}]",
         "3: start_time is not before end_time. Mend: a night is two ranges, up to 24:00 and from 00:00."),
    ],
)  # fmt: skip
def test_mistakes_in_the_notification_are_told_too(text: str, says: str) -> None:
    found = check_rules(f"groups: []\nnotification:\n  {text}\n")
    assert [str(mistake).removeprefix("<text>:") for mistake in found] == [says]


def test_a_file_is_named_in_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("\ufeffgroups:\n- nam: x\n", encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        load_rules(path)
    assert str(caught.value) == f"{path}:2: unknown key 'nam' in a group. Mend: write name."
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.file, copy.line, str(copy)) == (str(path), 2, str(caught.value))
    path.write_text(SPECIFICATION, encoding="utf-8")
    assert load_rules(str(path)) == load_rules(path) == load_rules(SPECIFICATION)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rules\.yaml: No such file or directory\. Mend: name a rule file"):
        load_rules(tmp_path / "rules.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"groups:\n- name: caf\xe9\n")
    with pytest.raises(RuleError, match=r"latin\.yaml:2: bytes that are no UTF-8\. Mend: save the file as UTF-8"):
        load_rules(tmp_path / "latin.yaml")


def test_dimensions_are_columns_once_they_are_declared() -> None:
    by_tenant = SPECIFICATION.replace("by: [node, operation]", "by: [node, tenant]")
    (mistake,) = check_rules(by_tenant)
    assert mistake.problem == "by: no column is named 'tenant'"
    assert load_rules(by_tenant, dimensions={"tenant": "$.input_state.tenant:str"})
    assert load_rules(by_tenant + "dimensions: {tenant: str}\n").dimensions == {"tenant": "str"}
    mixed = SPECIFICATION.replace("node == 'stamper_node'", "tenant > 5") + "dimensions: {tenant: str}\n"
    assert check_rules(mixed)[0].problem == "where: column tenant holds text, and is compared with 5, at character 10"


def test_several_mistakes_are_told_in_the_order_of_the_lines() -> None:
    text = SPECIFICATION.replace("1m ", "1 ").replace("2m", "soon").replace('">"', '">>"')
    assert [mistake.line for mistake in check_rules(text)] == [4, 12, 13]


@pytest.mark.parametrize("key", ["min_count: 5", "no_data: keep", "unit: operation", "mode: event"])
def test_some_keys_may_stand_beside_the_condition_or_inside_it(key: str) -> None:
    head = "groups:\n- name: a\n  rules:\n  - alert: b\n    when: {ratio: {of: success, window: 5m}, threshold: 0.5"
    inside, beside = load_rules(head + f", {key}}}\n"), load_rules(head + f"}}\n    {key}\n")
    assert inside == beside != load_rules(head + "}\n")


def test_plain_words_are_read_as_yaml_1_2_reads_them() -> None:
    text = ("groups:\n- name: on\n  rules:\n"
            "  - {alert: yes, when: {count: {window: 5m}, threshold: 1e2}, labels: {a: 2026-01-01}}\n")  # fmt: skip
    (group,) = load_rules(text).groups
    assert (group.name, group.rules[0].alert, group.rules[0].labels) == ("on", "yes", {"a": "2026-01-01"})
    assert group.rules[0].when.threshold == 100


def test_anchors_are_read() -> None:
    text = ("groups:\n- name: a\n  rules:\n  - alert: b\n    when: &w {count: {window: 5m}, threshold: 1}\n"
            "  - alert: c\n    when: *w\n")  # fmt: skip
    first, second = load_rules(text).groups[0].rules
    assert first.when == second.when


HEAD = "groups:\n- name: a\n  rules:\n  - alert: b\n    by: [node]\n"
CELLS = {
    "count": "{window: 5m}", "rate": "{window: 5m, per: 1m}", "ratio": "{of: success, window: 5m}",
    "aggregate": "{function: max, column: execution_time_ms, window: 5m}",
    "quantile": "{q: 0.95, column: execution_time_ms, window: 5m}", "distinct": "{column: operation, window: 5m}",
    "absent": "{window: 5m, lookback: 2d}", "spike": "{window: 5m, season: 1w, seasons: 3}",
    "new_value": "{column: error_code, learn: 1d}", "change": "{column: node_version, window: 1h}",
    "sequence": "{steps: [outcome == 'start', outcome == 'failure'], within: 1m, not: outcome == 'success'}",
    "burn_rate": "{of: outcome == 'failure', objective: 0.99, windows: [[1h, 5m, 14.4], [6h, 30m, 6]]}",
    "unfinished": "{older_than: 30m}",
    "expr": "{cells: {a: {count: {window: 5m}}, b: {rate: {window: 1h}}}, value: a / (b + 1)}",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_and_written_as_it_was(kind: str) -> None:
    rules = load_rules(HEAD + f"    when: {{{kind}: {CELLS[kind]}, threshold: 0.5}}\n")
    when = rules.groups[0].rules[0].when
    assert (when.cell.kind, type(when.cell), when.threshold) == (kind, KINDS[kind], 0.5)
    assert RuleSet.model_validate(rules.model_dump(mode="json", exclude_unset=True)) == rules
    assert RuleSet.model_validate_json(rules.model_dump_json(exclude_defaults=True)) == rules
    assert pickle.loads(pickle.dumps(rules)) == rules
    if isinstance(when.cell, Expr):
        assert [cell.kind for cell in when.cell.cells.values()] == ["count", "rate"]


@pytest.mark.parametrize("kind", [
    "absent", "new_value", "change", "sequence", "unfinished", "burn_rate",
])  # fmt: skip
def test_some_kinds_need_no_threshold(kind: str) -> None:
    when = load_rules(HEAD + f"    when: {{{kind}: {CELLS[kind]}}}\n").groups[0].rules[0].when
    assert (when.op, when.threshold) == (("==", 1) if kind == "absent" else (">", 1 if kind == "burn_rate" else 0))


def test_what_is_read_cannot_be_changed() -> None:
    rule = load_rules(SPECIFICATION).groups[0].rules[0]
    with pytest.raises(TypeError, match="a rule is frozen"):
        rule.labels["severity"] = "critical"  # type: ignore[index]
    with pytest.raises(ValueError, match="frozen"):
        rule.alert = "other"  # type: ignore[misc]


def test_the_presets_are_the_defaults_of_upstream() -> None:
    rules = {rule.alert: rule for _, rule in presets().rules}
    assert {name: (rule.when.cell.kind, rule.when.op, rule.when.threshold, rule.labels["severity"])
            for name, rule in rules.items()} == {
        "ErrorRateCritical": ("ratio", ">", 0.1, "critical"), "ErrorRateWarning": ("ratio", ">", 0.05, "warning"),
        "SuccessRateLow": ("ratio", "<", 0.85, "warning"), "MeanResponseSlow": ("aggregate", ">", 2000, "warning"),
        "RestartLoop": ("count", ">=", 4, "critical"), "CriticalErrorCode": ("count", ">", 0, "critical"),
        "NewErrorCode": ("new_value", ">", 0, "warning"),
    }  # fmt: skip
    assert rules["RestartLoop"].for_ == timedelta(minutes=2)
    for name in ("ErrorRateCritical", "ErrorRateWarning", "SuccessRateLow", "MeanResponseSlow"):
        assert rules[name].unit == "operation"
    assert check_rules(presets_text()) == []


@given(st.text(max_size=60) | st.text("groups:-{}[]'\"&*a \n\t!", max_size=80))
def test_any_text_gives_rules_or_mistakes_of_ours(text: str) -> None:
    try:
        mistakes = check_rules(text + "\n")
    except SourceError:
        return
    assert all(mistake.line >= 1 for mistake in mistakes)


def test_an_unknown_rule_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"rule is 'x'; wanted StamperErrorRate"):
        load_rules(SPECIFICATION).rule("x")
