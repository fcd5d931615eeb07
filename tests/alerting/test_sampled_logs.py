"""What rules still find on a part of the events: held to what probability says it must be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.sampled_logs import DELAYS, DETECTIONS, RULES, RUNS, what_if_sampled
from tests.alerting.arrivals import Event, frame_of
from tests.alerting.test_evaluating import rule, rule_set
from tests.alerting.test_scoring import incident

DAY = 86_400.0
END = Event("end", DAY, "last")


def bursts(nodes: int, events: int, at: float = 3600.0) -> list[Event]:
    """So many events of each node at once, an hour apart from node to node."""
    return [Event(f"{node}:{n}", at + 600 * node, f"n{node}") for node in range(nodes) for n in range(events)]


def each_its_own_page(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.model_validate({
        **rule_set(*rules).model_dump(by_alias=True, exclude={"notification"}),
        "notification": {"receivers": [{"name": "r"}], "route": {"receiver": "r", "group_by": ["node"]}},
    })  # fmt: skip


def more_than(least: int, events: int) -> float:
    """How likely it is that more than so many of the events are kept, each with one half."""
    return float(binom.sf(least, events, 0.5))


def half(events: pl.LazyFrame, seed: int) -> pl.DataFrame:
    """Half of the events, each by a draw of its own."""
    held = events.collect()
    return held.with_columns(keep=pl.Series(np.random.default_rng(seed).random(held.height) < 0.5), probability=0.5)


# ---------------------------------------------------------------------- against closed forms


@pytest.mark.parametrize("keep", [half, pl.lit(0.5)], ids=["a function", "an expression"])
def test_a_burst_is_detected_as_often_as_the_binomial_distribution_says(keep):
    incidents = [incident(f"i{n}", 3600 + 600 * n, 3600 + 600 * n + 300, node=f"n{n}") for n in range(20)]
    log = frame_of([*bursts(20, 20), END])
    found = what_if_sampled(rule_set(rule("Burst", 18)), log, keep, incidents, seeds=25, level=0.9999)
    expected = more_than(9, 20)  # more than 18 / 2 of 20 have to be kept
    rows = found.detections.filter(pl.col("rule") == "Burst")
    assert rows.schema == DETECTIONS
    assert rows["full_delay_s"].is_not_null().all()
    assert (rows["probability_low"] <= expected).all() and (expected <= rows["probability_high"]).all()
    draws = 20 * 25
    assert abs(rows["detected"].sum() / draws - expected) < 4 * (expected * (1 - expected) / draws) ** 0.5
    assert found.rules["recall"].to_list() == pytest.approx([rows["probability"].mean()] * 2)
    assert found.rules["full_recall"].to_list() == [1.0, 1.0]


def test_false_pages_are_as_many_as_the_binomial_distribution_says():
    log = frame_of([*bursts(40, 10), END])
    found = what_if_sampled(each_its_own_page(rule("Burst", 12, "5m")), log, half, [], seeds=60, level=0.999)
    expected = 40 * more_than(6, 10)
    (row,) = found.rules.filter(pl.col("rule") == "Burst").to_dicts()
    days = (found.full.end - found.full.begin) / timedelta(days=1)
    assert row["full_false_pages_per_day"] == row["full_firings"] == 0
    assert row["false_pages_per_day_low"] < expected / days < row["false_pages_per_day_high"]
    assert row["false_pages_per_day_high"] < 1.5 * expected / days
    assert row["false_pages_per_day"] == pytest.approx(found.runs["false_pages"].mean() / days)


def test_the_delay_until_the_first_kept_event_is_geometric():
    nodes, draws = 20, 20 * 25
    log = frame_of([*(Event(f"{n}", 600.0 + 10 * n, f"n{node}") for node in range(nodes) for n in range(30)), END])
    incidents = [incident(f"i{node}", 600, 1200, node=f"n{node}") for node in range(nodes)]
    found = what_if_sampled(rule_set(rule("Any", 0, "1h")), log, half, incidents, seeds=25, lead="0s")
    assert found.delays.schema == DELAYS
    mine = found.delays.filter(pl.col("rule") == "Any")
    one = mine.filter(incident="i7")
    assert one["delay_s"].is_sorted() and one["detected"].is_sorted()
    assert one["share"].to_list() == [detected / 25 for detected in one["detected"]]
    for place in range(4):  # the first kept event is not later than the one of this place
        expected = 1 - 0.5 ** (place + 1)
        by_then = mine.filter(pl.col("delay_s") <= 10 * place).group_by("incident").agg(pl.col("detected").max())
        share = by_then["detected"].sum() / draws
        assert abs(share - expected) < 4 * (expected * (1 - expected) / draws) ** 0.5
    rows = found.detections.filter(pl.col("rule") == "Any")
    assert rows["full_delay_s"].to_list() == [0.0] * nodes and rows["delay_s_p10"].max() == 0.0
    assert rows["probability"].min() == 1.0 and rows["delay_s_p90"].median() in (20.0, 30.0)


# ---------------------------------------------------------------------- against the whole log


def test_who_keeps_everything_loses_nothing():
    log = frame_of([*bursts(3, 5), *bursts(2, 9, 40_000.0), END])
    incidents = [incident("hit", 3590, 3700, node="n0"), incident("missed", 80_000, 81_000)]
    rules = rule_set(rule("Often", 4, "5m"), rule("More", 7), rule("Never", 99))
    found = what_if_sampled(rules, log, pl.lit(1.0), incidents, seeds=3)
    rows = found.detections
    assert rows["full_delay_s"].to_list() == rows["delay_s_p50"].to_list() == rows["delay_s_p90"].to_list()
    assert rows.select("incident", "rule").rows()[:4] == [
        ("hit", None), ("hit", "Often"), ("hit", "More"), ("hit", "Never")
    ]  # fmt: skip
    assert rows["probability"].to_list() == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert found.rules.schema == RULES
    for name in ("firings", "recall", "pages_per_day", "false_pages_per_day"):
        assert found.rules[name].to_list() == pytest.approx(found.rules[f"full_{name}"].to_list()), name
    assert found.rules["rule"].to_list() == ["Often", "More", "Never", None]
    assert found.rules["full_false_pages_per_day"].to_list()[0] > 0
    assert found.rules["full_pages_per_day"].to_list()[-1] == pytest.approx(found.full.load.pages_per_day)
    assert found.runs.schema == RUNS
    assert found.runs.select("seed", "kept_share", "stands_for", "found").rows() == [
        (0, 1.0, 1.0, 1), (1, 1.0, 1.0, 1), (2, 1.0, 1.0, 1)
    ]  # fmt: skip


def test_without_incidents_the_firings_of_the_whole_log_are_looked_for():
    log = frame_of([*bursts(3, 20), *bursts(2, 3, 40_000.0), END])
    found = what_if_sampled(rule_set(rule("Often", 10), rule("Few", 2)), log, half, seeds=30)
    assert found.detections["incident"].null_count() == found.detections.height == 8
    assert found.detections["start"].to_list() == sorted(found.full.alerts["fired"].to_list())
    often = found.detections.filter(rule="Often")
    assert often["probability"].min() > 0.8
    assert found.detections.filter(pl.col("start") > found.full.begin + timedelta(hours=9))["probability"].max() < 1
    assert found.runs["found"].max() <= 8


def test_a_firing_of_another_label_set_finds_nothing():
    log = frame_of([*(Event(f"{node}{n}", 1000, node) for node in "ab" for n in range(5)), END])
    found = what_if_sampled(
        rule_set(rule("Often", 4)), log, pl.when(pl.col("node") == "b").then(0.0).otherwise(1.0), seeds=2
    )
    assert [(row["labels"][0]["value"], row["probability"]) for row in found.detections.to_dicts()] == [
        ("a", 1.0), ("b", 0.0)
    ]  # fmt: skip
    assert found.rules["false_pages_per_day"].to_list() == [0.0, 0.0]


def test_that_no_run_had_a_false_page_does_not_say_that_there_are_none():
    found = what_if_sampled(rule_set(rule("Never", 99)), frame_of([*bursts(2, 5), END]), half, [], seeds=20)
    (row, _) = found.rules.to_dicts()
    assert row["false_pages_per_day"] == row["false_pages_per_day_low"] == 0
    assert 0.15 < row["false_pages_per_day_high"] < 0.25  # 3.7 in twenty days
    assert row["full_recall"] is None and row["recall"] is None


def test_what_fires_in_a_hole_of_the_log_is_no_false_page():
    log = frame_of([*bursts(1, 5), END])
    hole = {**incident("hole", 3000, 7000), "kind": "coverage_hole"}
    for incidents, false in ([], 1), ([hole], 0):
        found = what_if_sampled(rule_set(rule("Often", 4, "5m")), log, pl.lit(1.0), incidents, seeds=1)
        assert found.runs["false_pages"].to_list() == [false]
        assert found.detections.is_empty()


# ---------------------------------------------------------------------- what an event stands for


def test_events_that_stand_for_others_already_go_on_to():
    plain, weighted = frame_of([*bursts(1, 20), END]), frame_of([*bursts(15, 5), END]).with_columns(adjusted_count=4.0)
    one = what_if_sampled(rule_set(rule("Burst", 15)), weighted, pl.lit(0.5), seeds=20, level=0.9999)
    expected = more_than(1, 5)  # two of five stand for sixteen
    assert abs(one.detections["probability"].mean() - expected) < 4 * (expected * (1 - expected) / 300) ** 0.5
    assert 0.8 < one.runs["stands_for"].mean() < 1.2
    assert what_if_sampled(rule_set(rule("Burst", 15)), plain, pl.lit(1.0), seeds=1).full.alerts.height == 1


# ---------------------------------------------------------------------- edges


def test_of_no_events_nothing_can_be_found():
    for log in (frame_of([]), frame_of([Event("untimed", None, "a")])):
        found = what_if_sampled(rule_set(rule("Often")), log, pl.lit(0.5), [incident("i", 0, 10)], seeds=2)
        assert found.detections.is_empty() and found.delays.is_empty()
        assert found.rules["false_pages_per_day"].to_list() == [None, None]
        assert found.runs.height == 2
    assert "2 runs with no events" in repr(what_if_sampled(rule_set(rule("O")), frame_of([]), pl.lit(0.5), seeds=2))


def test_where_nothing_is_kept_nothing_is_found():
    log = frame_of([*bursts(2, 5), END])
    found = what_if_sampled(rule_set(rule("Often", 4)), log, pl.lit(0.0), seeds=4)
    assert found.detections["probability"].to_list() == [0.0, 0.0]
    assert found.detections["delay_s_p50"].to_list() == [None, None]
    assert found.runs["stands_for"].to_list() == [0.0] * 4
