"""What is kept, seed by seed: however it is said, and whatever order the events are in."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting.sampled_logs import what_if_sampled
from onex_analytics.exceptions import InvalidOption, MissingColumns
from tests.alerting.arrivals import frame_of
from tests.alerting.test_evaluating import rule, rule_set
from tests.alerting.test_sampled_logs import END, bursts, half


def test_each_way_to_say_what_is_kept_says_the_same():
    log = frame_of([*bursts(3, 20), END])

    def fewer(events: pl.LazyFrame, seed: int) -> pl.LazyFrame:
        return half(events, seed).lazy().filter("keep").drop("keep", "probability").with_columns(adjusted_count=2.0)

    def marked(events: pl.LazyFrame, seed: int) -> pl.DataFrame:
        return half(events, seed).drop("probability").with_columns(adjusted_count=2.0)

    found = [what_if_sampled(rule_set(rule("Burst", 18)), log, way, seeds=4) for way in (half, fewer, marked)]
    for other in found[1:]:
        assert other.detections.equals(found[0].detections)
        assert other.runs.equals(found[0].runs)


def test_events_of_one_trace_are_kept_or_lost_together():
    log = frame_of([*bursts(8, 10), END]).with_columns(trace_id=pl.col("node"))
    found = what_if_sampled(rule_set(rule("Burst", 9)), log, pl.lit(0.5), seeds=20, level=0.9999)
    assert ((found.runs["events"] // 10) * 10 + 1 >= found.runs["events"]).all()  # nothing of a burst, or all of it
    assert (found.detections["probability_low"] < 0.5).all() and (found.detections["probability_high"] > 0.5).all()
    torn = what_if_sampled(rule_set(rule("Burst", 9)), log.drop("trace_id"), pl.lit(0.5), seeds=9)
    assert (torn.runs["events"] % 10).n_unique() > 2


def test_a_seed_is_one_draw_whatever_the_order_of_the_events():
    log = frame_of([*bursts(5, 10), END])
    one, other = (
        what_if_sampled(rule_set(rule("Burst", 9)), frame, pl.lit(0.5), seeds=[7, 3])
        for frame in (log, log.sample(fraction=1.0, shuffle=True, seed=1))
    )
    assert one.runs.equals(other.runs) and one.detections.equals(other.detections)
    assert one.runs["seed"].to_list() == [7, 3]


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (pl.lit(1.5), "probability"), (pl.lit(None), "probability"), (pl.lit(float("nan")), "probability"),
        (lambda events, seed: events.with_columns(probability=0.0), "above 0"),
        (lambda events, seed: events.with_columns(keep=True), "adjusted_count"),
    ],
)  # fmt: skip
def test_a_probability_that_is_none_is_refused(keep, told):
    with pytest.raises(InvalidOption, match=told):
        what_if_sampled(rule_set(rule("Often")), frame_of([END]), keep, seeds=1)


def test_what_is_kept_has_the_columns_that_the_rules_read():
    with pytest.raises(MissingColumns, match="node"):
        what_if_sampled(rule_set(rule("Often")), frame_of([END]), lambda events, seed: events.drop("node"), seeds=1)


@pytest.mark.parametrize("seeds", [0, [], [1, 1], [-1]])
def test_seeds_are_different_whole_numbers(seeds):
    with pytest.raises(InvalidOption, match="seeds"):
        what_if_sampled(rule_set(rule("Often")), frame_of([END]), pl.lit(0.5), seeds=seeds)
