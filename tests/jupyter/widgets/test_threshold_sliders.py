"""A slider says of every step what a backtest with its threshold says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting import Rule, RuleSet, backtest, load_rules, sweep
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.jupyter.widgets import ThresholdSlider
from tests.alerting.arrivals import Event, frame_of, when
from tests.alerting.test_sweeps import COUNT, INCIDENTS, LOGS, OPS, RATIO, by_backtest, close, file_of, told
from tests.laws import examples

COLUMNS = ("threshold", "low", "high", "firings", "firing_label_sets", "firing_s", "judged", "true_firings", "caught",
           "delay_s_p50")  # fmt: skip


def sent(widget: ThresholdSlider) -> list[dict[str, float]]:
    """The steps as the browser has them."""
    size = widget._told["steps"]
    table = np.frombuffer(widget._columns, np.float64).reshape(len(COLUMNS), size)
    pages = np.frombuffer(widget._pages, np.int32)
    return [
        {**dict(zip(COLUMNS, table[:, place].tolist(), strict=True)), "pages": int(pages[place])}
        for place in range(size)
    ]


def busy(threshold: float = 1, **more: Any) -> RuleSet:
    return file_of(COUNT, ">", 0, 0, threshold, **more)


EVENTS = frame_of([Event(f"{n}", 3.0 + n * n % 97, "ab"[n % 2]) for n in range(60)])


@settings(max_examples=examples(25))
@given(LOGS, INCIDENTS, st.sampled_from([RATIO, COUNT]), OPS, st.integers(0, 3), st.integers(0, 3),
       st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.5, 90.0]))  # fmt: skip
def test_every_step_is_what_a_backtest_with_its_threshold_says(log, incidents, cell, op, hold, keep, own):
    file, events, labelled = file_of(cell, op, 10 * hold, 10 * keep, own), frame_of(log), told(incidents)
    widget = ThresholdSlider(file, events, labelled, lead="20s", until=when(420))
    assert widget.sweep.drop("threshold").equals(
        sweep(file, events, incidents=labelled, lead="20s", until=when(420), pages="all").drop("threshold")
    )
    steps = sent(widget)
    if steps:
        assert widget.threshold == own
    for place in {0, widget.step, len(steps) - 1} if steps else ():
        widget.step = place
        theirs = by_backtest(file, widget.threshold, events, labelled)
        assert close(widget.row, theirs), widget.row
        assert steps[place]["pages"] == theirs["pages"]
        row = {name: None if np.isnan(value) else value for name, value in steps[place].items()}
        row["precision"] = row["true_firings"] / row["judged"] if row["judged"] else None
        assert close(row, {name: value for name, value in theirs.items() if name in (*COLUMNS, "precision")})
        again = backtest(widget.rules, events, labelled, lead="20s", until=when(420))
        assert again.summary["firings"].to_list() == [widget.row["firings"]]


@settings(max_examples=examples(25))
@given(LOGS, st.sampled_from([RATIO, COUNT]), OPS, st.integers(0, 2), st.data())
def test_a_rule_fires_in_a_bucket_where_its_level_is_beyond_the_threshold(log, cell, op, hold, data):
    file, events = file_of(cell, op, 10 * hold, 10), frame_of(log)
    widget = ThresholdSlider(file, events, until=when(420))
    size, shown = widget._told["steps"], widget._told
    if not size:
        return
    place = data.draw(st.integers(0, size - 1))
    widget.step = place
    low, high, level = np.frombuffer(widget._bands, np.float64).reshape(3, len(shown["names"]), shown["buckets"])
    score = shown["sign"] * widget.threshold
    fires = level > score if shown["strict"] else level >= score
    result = backtest(widget.rules, events, until=when(420))
    start, width = shown["begin"] * 1000, shown["width"] * 1000
    expected, least, greatest = (np.full(shown["buckets"], empty) for empty in (0.0, np.inf, -np.inf))
    for row in result.stretches().to_dicts():
        first, last = (int((row[name] - when(0)) / timedelta(microseconds=1) - start) for name in ("first", "last"))
        for bucket in range(int(first // width), int(last // width) + 1):
            expected[bucket] += row["state"] == "firing"
            if row["value"] is not None and not np.isnan(row["value"]):
                least[bucket] = min(least[bucket], row["value"])
                greatest[bucket] = max(greatest[bucket], row["value"])
    assert ((expected > 0) == fires[0]).all()
    assert np.array_equal(least, low[0]) and np.array_equal(greatest, high[0])


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=examples(25))
def test_the_text_is_a_file_that_says_the_threshold(threshold):
    widget = ThresholdSlider(busy(threshold), EVENTS)
    rule = load_rules(widget.rule_text).rule("A")
    assert rule.when.threshold == threshold == widget.rule.when.threshold
    assert widget._told["before"].endswith("threshold: ")
    assert load_rules(widget._told["before"] + repr(threshold) + widget._told["after"]).rule("A") == rule


def test_the_rest_of_the_file_stays_as_it_is():
    other = {"alert": "B", "when": {**COUNT, "threshold": 1}}
    one = busy().model_dump(mode="json", exclude_defaults=True, by_alias=True)
    one["groups"][0]["rules"].append(other)
    one["groups"].append({"name": "second", "rules": [{**other, "alert": "A"}]})
    file = RuleSet.model_validate(one)
    widget = ThresholdSlider(file.rule("A", "g"), EVENTS, rules=file)
    widget.step += 1
    changed = [(group.name, rule.alert) for (group, rule), (_, before) in zip(
        widget.rules.rules, file.rules, strict=True) if rule != before]  # fmt: skip
    assert changed == [("g", "A")]
    assert widget.rules.notification == file.notification


def test_a_threshold_moves_to_the_step_in_which_it_lies():
    widget = ThresholdSlider(busy(), EVENTS)
    rows = widget.sweep
    low, high = rows.row(3, named=True)["low"], rows.row(3, named=True)["high"]
    widget.threshold = (low + high) / 2
    assert widget.step == 3
    widget.threshold = 1e9
    assert widget.step == rows.height - 1
    widget.step = 10**6  # there is none
    assert widget.step == rows.height - 1
    widget.step = -1
    assert widget.step == 0


def test_of_too_many_steps_some_are_left_out_and_it_is_said():
    file = busy(4)
    every, some = ThresholdSlider(file, EVENTS), ThresholdSlider(file, EVENTS, most=4)
    assert (some._told["steps"], some._told["every"]) == (5, every._told["steps"])
    kept, whole = some.sweep["threshold"].to_list(), every.sweep["threshold"].to_list()
    assert set(kept) <= set(whole)
    assert {whole[0], 4.0, whole[-1]} <= set(kept)
    assert some.threshold == 4.0
    assert some.row == every.row


def test_pages_come_with_the_first_look_at_a_step_and_the_others_when_there_is_time(monkeypatch):
    from onex_analytics.jupyter.widgets import threshold_sliders

    monkeypatch.setattr(threshold_sliders, "_AT_FIRST", 1)
    monkeypatch.setattr(threshold_sliders, "_AT_ONCE", 3)
    widget = ThresholdSlider(busy(-1.0), EVENTS, until=when(420))
    expected = sweep(busy(), EVENTS, pages="all", until=when(420))["pages"]
    unknown = widget.sweep["pages"].null_count()
    assert unknown
    missing = widget.sweep["pages"].is_null().arg_true()[0]
    widget.step = missing
    assert widget.row["pages"] == expected[missing]
    rounds = 0
    while widget._more:
        widget._handle_custom_msg({"do": "more"}, [])
        rounds += 1
        assert rounds < 100
    assert rounds > 1
    assert widget.sweep["pages"].equals(expected)


def test_pages_of_more_firings_than_anybody_waits_for_are_not_simulated(monkeypatch):
    from onex_analytics.jupyter.widgets import threshold_sliders

    monkeypatch.setattr(threshold_sliders, "_PATIENCE", 2)
    widget = ThresholdSlider(busy(), EVENTS, until=when(420))
    rows = widget.sweep
    assert rows["pages"].is_null().to_list() == (rows["firings"] > 2).to_list()
    assert not widget._more
    assert widget._told["patience"] == 2


@pytest.mark.parametrize("label_sets", [0, 1, 2, 12])
def test_the_worst_label_sets_are_told_apart_and_all_are_one_band(label_sets):
    events = frame_of([Event(f"{n}-{k}", 3.0 + k, f"node {n}") for n in range(label_sets) for k in range(n + 1)])
    widget = ThresholdSlider(busy(), events, until=when(60))
    names = widget._told["names"]
    assert widget._told["label_sets"] == label_sets
    assert names == {0: [""], 1: ["node: node 0"], 2: ["", "node: node 1", "node: node 0"]}.get(
        label_sets, ["", *(f"node: node {n}" for n in range(11, 3, -1))]
    )
    assert len(widget._bands) == 3 * 8 * len(names) * widget._told["buckets"]


def test_a_log_in_which_nothing_was_evaluated_has_no_step():
    widget = ThresholdSlider(busy(7), EVENTS.head(0), [])
    assert (widget.threshold, widget.row, widget.sweep.height) == (None, {}, 0)
    assert widget.rule.when.threshold == 7
    widget.threshold = 3
    widget.step = 2
    widget._handle_custom_msg({"do": "more"}, [])
    assert widget.step == 0


@pytest.mark.parametrize(
    ("rule", "options", "error", "mend"),
    [
        (file_of(COUNT, "==", 0, 0), {}, InvalidOption, "compare with >= or <"),
        (busy(), {"most": 1}, InvalidOption, "from 2"),
        ("A", {}, InvalidOption, "rules="),
        (Rule.model_validate({"alert": "A", "by": ["tenant"], "when": {**COUNT, "threshold": 1}}), {}, MissingColumns,
         "tenant"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_swept_is_refused_with_the_mend(rule, options, error, mend):
    with pytest.raises(error, match=mend):
        ThresholdSlider(rule, EVENTS, **options)
