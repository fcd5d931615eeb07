"""Rules that come to nothing, option by option: each is told with its line and its mend."""

from __future__ import annotations

import pytest

from onex_analytics.alerting import check_rules, load_rules, presets
from onex_analytics.alerting.conditions import KINDS
from onex_analytics.alerting.contradictions import contradictions
from onex_analytics.exceptions import RuleError

HEAD = "groups:\n- name: g\n  interval: 1m\n  rules:\n  - alert: A\n    by: [node]\n"
FAILED = "outcome == 'failure'"
STEPS = "steps: [outcome == 'start', outcome == 'failure']"
BURN = f"of: {FAILED}, objective"

REFUSED = {
    # windows and other lengths
    "{count: {window: 0s}, threshold: 1}": "7: window is '0s'. Mend: write more than 0.",
    "{count: {window: -5m}, threshold: 1}": "7: window is '-5m'. Mend: write a duration",
    "{count: {window: 200y}, threshold: 1}": "7: window is '200y'. Mend: write at most 100y.",
    "{count: {}, threshold: 1}": "7: count lacks `window`. Mend: add window: 5m.",
    "{rate: {window: 5m, per: 0s}, threshold: 1}": "7: per is '0s'. Mend: write more than 0.",
    f"{{sequence: {{{STEPS}, within: 0s}}}}": "7: within is '0s'. Mend: write more than 0.",
    "{new_value: {column: error_code, learn: 0s}}": "7: learn is '0s'. Mend: write more than 0.",
    "{unfinished: {older_than: 0s}}": "7: older_than is '0s'. Mend: write more than 0.",
    "{spike: {window: 5m, reference: 0s}, threshold: 3}": "7: reference is '0s'. Mend: write more than 0.",
    # numbers out of their range
    "{quantile: {q: 0, column: execution_time_ms, window: 5m}, threshold: 1}":
        "7: q is 0; wanted more than 0. Mend: write q: 0.95.",
    "{quantile: {q: 1.5, column: execution_time_ms, window: 5m}, threshold: 1}":
        "7: q is 1.5; wanted at most 1. Mend: write q: 0.95.",
    "{quantile: {q: .nan, column: execution_time_ms, window: 5m}, threshold: 1}":
        "7: q is '.nan'; wanted a number. Mend: write q: 0.95.",
    f"{{burn_rate: {{{BURN}: 99.9, windows: [[1h, 5m, 14.4]]}}}}":
        "7: objective is 99.9; wanted less than 1. Mend: write objective: 0.999.",
    f"{{burn_rate: {{{BURN}: 1, windows: [[1h, 5m, 14.4]]}}}}":
        "7: objective is 1; wanted less than 1. Mend: write objective: 0.999.",
    f"{{burn_rate: {{{BURN}: 0.99, windows: [[1h, 5m, 0]]}}}}":
        "7: factor is 0; wanted more than 0. Mend: write such a number.",
    "{spike: {window: 5m, min_reference: 0}, threshold: 3}": "7: min_reference is 0; wanted more than 0.",
    "{count: {window: 5m}, threshold: 1, min_count: -1}": "7: min_count is -1; wanted at least 0.",
    # pairs of windows
    f"{{burn_rate: {{{BURN}: 0.99, windows: [[5m, 1h, 14.4]]}}}}":
        "7: the first window of a pair is not longer than the second. Mend: write [long, short, factor]",
    f"{{burn_rate: {{{BURN}: 0.99, windows: [[5m, 5m, 14.4]]}}}}":
        "7: the first window of a pair is not longer than the second. Mend: write [long, short, factor]",
    f"{{burn_rate: {{{BURN}: 0.99, windows: [1h, 5m, 2]}}}}":
        "7: a burn window is '1h'. Mend: write [long, short, factor], in a list: [[1h, 5m, 14.4]].",
    f"{{burn_rate: {{{BURN}: 0.99, windows: []}}}}": "7: windows is empty or too short. Mend: write windows: [[1h,",
    f"{{burn_rate: {{{BURN}: 0.99, windows: [[1h, 5m, 2], [1h, 5m, 3]]}}}}":
        "7: the same two windows stand there before. Mend: keep the pair with the smaller factor.",
    f"{{burn_rate: {{{BURN}: 0.9, windows: [[1h, 5m, 14.4]]}}}}":
        ("7: at an objective of 0.9 the budget burns 10 times as fast at most, and never 14.4 times. "
         "Mend: write a factor below 10."),
    # lengths that contradict one another
    "{new_value: {column: error_code, window: 1h, forget_after: 30m}}":
        ("7: forget_after is shorter than the 1h for which a value counts as new. "
         "Mend: write a longer one, such as 30d."),
    "{new_value: {column: error_code, forget_after: 30s}}":
        "7: forget_after is shorter than the 1m for which a value counts as new. Mend: write a longer one",
    "{unfinished: {older_than: 2d}}":
        "7: give_up_after is not longer than older_than. Mend: write a longer one, such as 1d.",
    "{absent: {window: 2d}}":
        ("7: a label set is watched for 1d after its last event, and is absent after 2d: it never is. "
         "Mend: write a lookback that is longer than the window."),
    "{absent: {window: 5m, lookback: 5m}}": "7: a label set is watched for 5m after its last event",
    "{absent: {window: 5m, lookback: 1h, expect: [{node: a}]}}":
        "7: lookback says nothing: `expect` says what is watched. Mend: leave it out.",
    "{spike: {window: 1d, season: 1h}, threshold: 3}":
        ("7: the window of 1d reaches into the same window 1h ago. "
         "Mend: make the window as short as the season, or name a reference."),
    "{spike: {window: 2w}, threshold: 3}": "7: the window of 2w reaches into the same window 1w ago.",
    "{spike: {window: 5m, reference: 1h, season: 1w}, threshold: 3}":
        "7: reference and season are both given. Mend: keep one of them.",
    "{spike: {window: 5m, seasons: 3}, threshold: 3}":
        "7: seasons counts seasons, and no season is given. Mend: add one, such as season: 1w.",
    # steps, labels and columns
    f"{{sequence: {{steps: [{FAILED}], within: 5m}}}}": "7: steps is empty or too short. Mend: write steps:",
    f"{{sequence: {{{STEPS}, not: {FAILED}, within: 5m}}}}":
        "7: step 2 is what breaks a sequence off, so that none is completed. Mend: leave it out of `not`.",
    f"{{sequence: {{steps: [{FAILED}, {FAILED}], order: any, within: 5m}}}}":
        ("7: step 2 stands there before, and one event is enough for both. "
         "Mend: leave one of them out, or write order: ordered."),
    f"{{sequence: {{{STEPS}, by: [nod], within: 5m}}}}": "7: by: no column is named 'nod'. Mend: write node",
    f"{{sequence: {{{STEPS}, by: [node, node], within: 5m}}}}": "7: by names node twice. Mend: keep one of them.",
    "{distinct: {column: node, window: 5m}, threshold: 0}":
        ("7: column node is in `by`, so that a label set has one value of it. "
         "Mend: take node out of `by`, or name another column."),
    "{change: {column: node, window: 5m}}": "7: column node is in `by`, so that a label set has one value of it.",
    "{distinct: {column: nod, window: 5m}, threshold: 1}": "7: no column is named 'nod'. Mend: write node",
    "{aggregate: {function: sum, column: node, window: 5m}, threshold: 1}":
        "7: aggregate reckons with numbers, and column node holds text.",
    "{absent: {window: 5m, expect: [{nod: a}]}}":
        "7: expect names nod where `by` is node. Mend: each entry gives a value for every column of `by`.",
    "{absent: {window: 5m, expect: []}}": "7: expect is empty or too short.",
    f"{{ratio: {{of: {FAILED}, over: {FAILED}, window: 5m}}, threshold: 0.1}}":
        ("7: of and over are the same, so that the share is always 1. "
         "Mend: let over be everything that of is a part of."),
    "{ratio: {over: success, window: 5m}, threshold: 0.1}": "7: ratio lacks `of`. Mend: add of: outcome == 'failure'.",
    # cells of an expression
    "{expr: {cells: {a: {count: {window: 5m}}}, value: a / b}, threshold: 1}":
        "7: value reads b. Mend: the cells are a.",
    "{expr: {cells: {a: {count: {window: 5m}}, b: {count: {window: 1m}}}, value: a}, threshold: 1}":
        "7: value does not read b. Mend: leave the cell out or use it.",
    "{expr: {cells: {a: {expr: {cells: {a: {count: {window: 5m}}}, value: a}}}, value: a}, threshold: 1}":
        "7: cell 'a' is an expr itself. Mend: write its cells into this one.",
    "{expr: {cells: {a: {count: {window: 5m}}}, value: a / (2 - 2)}, threshold: 1}":
        "7: value divides by 0 whatever the cells are. Mend: divide by something else.",
    "{expr: {cells: {a: {distinct: {column: node, window: 5m}}}, value: a}, threshold: 1}":
        "7: column node is in `by`, so that a label set has one value of it.",
    "{expr: {cells: {a: {absent: {window: 5m, expect: [{node: x}]}}, b: {absent: {window: 5m, expect: [{node: y}]}}}, "
    "value: a + b}, threshold: 1}":
        "7: the cells expect different label sets. Mend: let all of them expect the same.",
    # comparisons that no value passes
    "{count: {window: 5m}, op: '<', threshold: 0}":
        "7: no value is < 0: count is never below 0. Mend: write one within reach.",
    "{unfinished: {older_than: 1h}, op: '==', threshold: -1}": "7: no value is == -1: unfinished is never below 0.",
    "{ratio: {of: success, window: 5m}, threshold: 5}":
        "7: no value is > 5: a share is from 0 to 1. Mend: write a share: 5 % is 0.05.",
    "{ratio: {of: success, window: 5m}, threshold: 1}": "7: no value is > 1: a share is from 0 to 1.",
    "{ratio: {of: success, window: 5m}, threshold: 5%}":
        "7: threshold is '5%'; wanted a number. Mend: write threshold: 0.05.",
    "{absent: {window: 5m}, threshold: 1}":
        "7: no value is > 1: absent is 0 or 1. Mend: leave op and threshold out.",
    f"{{burn_rate: {{{BURN}: 0.9, windows: [[1h, 5m, 5]]}}, threshold: 4}}":
        "7: no value is > 4: burn_rate is at most 2 here. Mend: write one within reach.",
    "{count: {window: 5m}, op: '<', threshold: 3, min_count: 5}":
        "7: min_count asks for 5 events where the condition is < 3. Mend: leave it out.",
    "{absent: {window: 5m}, min_count: 3}": "7: min_count asks for events, and absent for none. Mend: leave it out.",
    "{count: {window: 5m}}": "7: when lacks `threshold`. Mend: add threshold: 10.",
    "{absent: {window: 5m}, op: '>'}": "7: when lacks `threshold`. Mend: add threshold: 10.",
    # no data
    "{count: {window: 5m}, threshold: 1, no_data: alert}":
        ("7: no_data says what to do without a value, and count always has one. "
         "Mend: leave it out; an empty window counts as 0."),
    "{absent: {window: 5m}, no_data: keep}":
        "7: no_data says what to do without a value, and absent always has one. Mend: leave it out.",
    "{count: {window: 5m}, threshold: 1}\n    mode: event\n    no_data: alert":
        "9: no_data says what to do without a value, and count always has one.",
    # the rule around the condition
    "{count: {window: 5m}, threshold: 1}\n    mode: tick": "8: mode is 'tick'; wanted one of grid event.",
    "{distinct: {column: operation, window: 5m}, threshold: 1}\n    unit: operation":
        "8: unit: operation means nothing for distinct.",
    "{count: {window: 5m}, threshold: 1}\n    annotations:\n      a: '{{ value }}'\n      b: '{{ labels.nod }}'":
        "10: a template names label 'nod', and the alert has none of this name. Mend: write labels.node.",
    "{count: {window: 5m}, threshold: 1}\n    for: -1m": "8: for is '-1m'.",
    "{count: {window: 5m}, threshold: 1}\n    max_series: 0": "8: max_series is 0; wanted at least 1.",
    "{count: {window: 5m}, threshold: 1}\n    reset_after_match: true":
        "8: reset_after_match works in mode: event only. Mend: add the mode, or leave it out.",
    "{count: {window: 5m}, threshold: 1}\n    mode: event\n    for: 5m\n    reset_after_match: true":
        ("9: for asks that the condition lasts, and reset_after_match ends it with each match. "
         "Mend: leave one of them out; keep_firing_for lets an alert go on."),
}  # fmt: skip
ANEW = {
    "count": "{window: 5m}", "rate": "{window: 5m}", "ratio": "{of: success, window: 5m}",
    "aggregate": "{function: sum, column: execution_time_ms, window: 5m}",
}  # fmt: skip
NOT_ANEW = {
    "aggregate": "{function: max, column: execution_time_ms, window: 5m}",
    "quantile": "{q: 0.5, column: execution_time_ms, window: 5m}", "distinct": "{column: operation, window: 5m}",
    "absent": "{window: 5m}", "spike": "{window: 5m}", "new_value": "{column: error_code}",
    "change": "{column: operation, window: 5m}", "sequence": f"{{{STEPS}, within: 5m}}",
    "burn_rate": f"{{{BURN}: 0.99, windows: [[1h, 5m, 14.4]]}}", "unfinished": "{older_than: 1h}",
    "expr": "{cells: {a: {count: {window: 5m}}}, value: a}",
}  # fmt: skip


def messages(when: str) -> list[str]:
    return [str(mistake).removeprefix("<text>:") for mistake in check_rules(f"{HEAD}    when: {when}\n")]


@pytest.mark.parametrize("when", REFUSED)
def test_what_comes_to_nothing_is_refused_with_its_line_and_its_mend(when: str) -> None:
    found = messages(when)
    assert found[0].startswith(REFUSED[when])
    assert all("Mend: " in message and "see docs" not in message for message in found)
    assert len({message.split(":")[0] for message in found}) == 1
    with pytest.raises(RuleError) as caught:
        load_rules(f"{HEAD}    when: {when}\n")
    assert caught.value.line == int(found[0].split(":")[0])


@pytest.mark.parametrize("kind", KINDS)
def test_counting_begins_anew_only_where_there_are_sums_of_one_window(kind: str) -> None:
    rest = "threshold: 0.5}\n    mode: event\n    reset_after_match: true"
    if kind in ANEW:
        assert messages(f"{{{kind}: {ANEW[kind]}, {rest}") == []
        (found,) = messages(f"{{{kind}: {ANEW[kind]}, {rest}\n    unit: operation")
        assert found.startswith(f"9: reset_after_match means nothing for {kind} of operations")
    if kind in NOT_ANEW:
        name = "aggregate (max)" if kind == "aggregate" else kind
        (found,) = messages(f"{{{kind}: {NOT_ANEW[kind]}, {rest}")
        mend = "it is there for count, rate, ratio and aggregate (sum, avg) with unit: event."
        assert found == f"9: reset_after_match means nothing for {name}. Mend: {mend}"
    assert kind in ANEW or kind in NOT_ANEW


@pytest.mark.parametrize("when", [
    "{count: {window: 5m}, op: '<', threshold: 1}", "{count: {window: 5m}, op: '>=', threshold: 0}",
    "{count: {window: 5m}, threshold: 3, min_count: 5}", "{count: {window: 5m}, op: '==', threshold: 1.5}",
    "{ratio: {of: success, window: 5m}, op: '>=', threshold: 1}",
    "{ratio: {of: success, window: 5m}, op: '<', threshold: 0, no_data: alert}",
    "{ratio: {of: success, window: 5m}, threshold: 0.1, no_data: keep}\n    mode: event",
    "{absent: {window: 5m}, op: '>', threshold: 0}", "{absent: {window: 5m}, op: '==', threshold: 0}",
    "{absent: {window: 1d, lookback: 2d}}", "{absent: {window: 2d, expect: [{node: a}]}}",
    "{new_value: {column: node}}", "{new_value: {column: error_code, learn: 7d, forget_after: 1d}}",
    "{spike: {window: 1w}, threshold: 3}", "{spike: {window: 2w, reference: 1w}, threshold: 3}",
    f"{{sequence: {{steps: [{FAILED}, {FAILED}], within: 5m}}}}",
    f"{{burn_rate: {{{BURN}: 0.9, windows: [[1h, 5m, 10]]}}}}",
    "{expr: {cells: {a: {count: {window: 5m}}}, value: a - 5}, op: '<', threshold: 0}",
    "{count: {window: 5m}, threshold: 1}\n    mode: event\n    keep_firing_for: 5m\n    reset_after_match: true",
    "{count: {window: 5m}, threshold: 1}\n    labels: {team: a}\n    annotations: {s: '{{ labels.team }}'}",
])  # fmt: skip
def test_what_can_come_true_is_read(when: str) -> None:
    assert messages(when) == []


def test_what_is_wrong_stands_in_the_line_where_it_was_written() -> None:
    head = HEAD.replace("    by: [node]\n", "    by: [node]\n    no_data: alert\n    min_count: 9\n")
    rest = "    when:\n      count:\n        window: 5m\n      op: '<'\n      threshold: 2\n"
    found = [(mistake.line, mistake.problem.split(" ")[0]) for mistake in check_rules(head + rest)]
    assert found == [(7, "no_data"), (8, "min_count")]


def test_the_presets_contradict_themselves_nowhere() -> None:
    assert [found for group, rule in presets().rules for found in contradictions(group, rule)] == []
