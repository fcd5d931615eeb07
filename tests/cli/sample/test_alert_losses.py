"""What policies do to alerts, on logs made by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID as UUID4

import polars as pl
import pytest

from onex_analytics.alerting import backtest, what_if_sampled
from onex_analytics.cli.sample.alert_losses import LOSSES, LOST_ALERTS, LOST_INCIDENTS, alert_losses, kept_of, other_id
from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, TraceIdRatioBased, apply
from onex_analytics.sampling.randomness import is_random_uuid, plain
from tests.views.alerting.results import NOON, busy, incident, rules

ALL = ProbabilityPolicy(name="all", probability=1)
HALF = ProbabilityPolicy(name="half", probability=0.5)
NONE = ProbabilityPolicy(name="none", probability=0)
SUMS = ("on_time", "late", "lost")


def log(*bursts: tuple[str, float, int], until: float = 120) -> pl.LazyFrame:
    """So many events of a node within a minute from each (node, minute) on, each a trace of its own."""
    rows = [(node, NOON + timedelta(minutes=at, seconds=60 * i / n)) for node, at, n in bursts for i in range(n)]
    rows += [("clock", NOON), ("clock", NOON + timedelta(minutes=until))]
    return pl.LazyFrame(
        [(f"event {i}", f"trace {i}", None, at, node) for i, (node, at) in enumerate(rows)], orient="row",
        schema={"event_id": pl.String, "trace_id": pl.String, "correlation_id": pl.String,
                "timestamp": pl.Datetime("us", "UTC"), "node": pl.String},
    )  # fmt: skip


BURSTS = log(("a", 10, 400), ("b", 30, 12), ("a", 60, 500))
RULES = rules(busy(100, "Often"), busy(5, "Some"))


def total(losses: pl.DataFrame, policy: str) -> dict[str, object]:
    (row,) = losses.filter(pl.col("rule").is_null(), policy=policy).to_dicts()
    return row


def test_what_keeps_all_loses_nothing_and_tells_nothing_false():
    found = alert_losses(RULES, BURSTS, [ALL])
    row = total(found.rules, "all")
    assert (row["full_firings"], row["on_time"], row["late"], row["lost"], row["false"]) == (5, 5, 0, 0, 0)
    assert row["pages_right"] == row["full_pages"] > 0
    assert found.alerts["late_s_p50"].to_list() == [0.0] * 5


def test_what_keeps_nothing_loses_all():
    incidents = [incident("burst", 10, 15, node="a"), incident("calm", 90, 95, node="a")]
    found = alert_losses(RULES, BURSTS, [NONE], incidents)
    row = total(found.rules, "none")
    assert (row["events_share"], row["on_time"], row["lost"], row["pages_right"]) == (0, 0, 5, 0)
    assert (row["incidents"], row["incidents_lost"]) == (1, 1)
    told = found.incidents.select("incident", "full_delay_s", "found", "delay_s_p50").rows()
    assert told[0][1] > 0
    assert [(name, n, delay) for name, _, n, delay in told] == [("burst", 0, None), ("calm", 0, None)]
    assert told[1][1] is None


def test_an_alert_that_only_the_sample_has_is_false():
    few = log(("a", 10, 4))
    draw = next(n for n in range(99) if apply(HALF, few.with_columns(pl.format("{} {}", pl.lit(n), "trace_id").alias(
        "trace_id"))).filter("keep", node="a").collect().height == 3)  # fmt: skip
    other = few.with_columns(pl.format("{} {}", pl.lit(draw), "trace_id").alias("trace_id"))
    row = total(alert_losses(rules(busy(5)), other, [HALF]).rules, "half")  # three events stand for six
    assert (row["full_firings"], row["false"], row["pages_false"], row["full_pages"]) == (0, 1, 1, 0)


def test_what_comes_later_is_late_by_so_much():
    slowly = log(*(("a", minute, 2) for minute in range(10, 40)))
    keep = RulePolicy(name="later", keep_failures=False)
    gone = slowly.filter((pl.col("node") != "a") | (pl.col("timestamp") >= NOON + timedelta(minutes=13)))
    full = backtest(rules(busy(5)), slowly)
    row = total(alert_losses(rules(busy(5)), gone, [keep], full=full).rules, "later")
    assert (row["on_time"], row["late"], row["lost"], row["late_s_p50"]) == (0, 1, 0, 180.0)


def test_parts_add_up_for_each_rule_and_for_all_together():
    found = alert_losses(RULES, BURSTS, [HALF, NONE], draws=4)
    losses = found.rules
    assert losses.schema == LOSSES
    assert losses["rule"].to_list() == ["Often", "Some", None] * 2
    assert losses.select(pl.sum_horizontal(SUMS) - pl.col("full_firings")).to_series().abs().max() < 1e-9
    for policy in ("half", "none"):
        mine = losses.filter(policy=policy)
        for part in (*SUMS, "false", "full_firings"):
            assert mine.filter(pl.col("rule").is_not_null())[part].sum() == pytest.approx(total(losses, policy)[part])
    assert found.alerts.schema == LOST_ALERTS
    lost = found.alerts.filter(policy="half").select((1 - pl.col("probability")).sum()).item()
    assert lost == pytest.approx(total(losses, "half")["lost"])


def test_the_first_draw_is_what_the_policy_keeps_of_the_log():
    kept = apply(HALF, BURSTS).filter("keep").collect()
    found = alert_losses(RULES, BURSTS, [HALF])
    assert total(found.rules, "half")["events_share"] == kept.height / BURSTS.collect().height
    what_if = what_if_sampled(RULES, BURSTS, lambda events, seed: apply(HALF, events).filter("keep"), seeds=1)
    assert found.alerts["found"].to_list() == what_if.detections["detected"].to_list()


def test_further_draws_differ_and_chances_are_those_of_many():
    found = alert_losses(rules(busy(5)), log(("a", 10, 8)), [HALF], draws=12)
    (row,) = found.alerts.to_dicts()
    # at least three of eight, each of which stands for two: 1 − (1 + 8 + 28) / 256 = 0.855
    assert row["probability"] == pytest.approx(0.855, abs=0.25)
    assert 0 < row["found"] < 12


UUID = "c0ffee00-1234-4abc-8def-0123456789ab"


@pytest.mark.parametrize("draw", range(1, 9))
def test_another_id_is_of_the_same_kind_and_the_same_however_it_is_written(draw):
    other = other_id(UUID, draw)
    assert is_random_uuid(other)
    assert other_id(UUID.upper().replace("-", ""), draw) == other != plain(UUID)
    digits = other_id("0" * 32, draw)
    assert len(digits) == 32
    assert not is_random_uuid(digits)
    assert other_id("order-17", draw) == f"{draw} order-17"


def test_other_ids_are_kept_as_often_as_the_policy_says():
    uuids = [str(UUID4(int=n << 64, version=4)) for n in range(2000)]
    log_of_uuids = pl.LazyFrame({"trace_id": uuids}).with_columns(
        pl.lit(None, pl.String).alias("correlation_id"), pl.col("trace_id").alias("event_id"),
        pl.lit("a").alias("node"), (pl.lit(NOON) + pl.duration(seconds=pl.int_range(pl.len()))).alias("timestamp"),
    )  # fmt: skip
    for policy, share in ((HALF, 0.5), (TraceIdRatioBased(name="half", probability=0.625), 0.5)):
        kept = [kept_of(policy, log_of_uuids, draw, ["trace_id"]) for draw in (1, 2)]
        assert [frame.height / 2000 for frame in kept] == pytest.approx([share, share], abs=0.05)
        assert set(kept[0]["trace_id"]) != set(kept[1]["trace_id"])
        assert set(kept[0]["trace_id"]) <= set(log_of_uuids.collect()["trace_id"])


def test_incidents_without_rules_and_logs_without_events_are_empty_frames_of_their_shape():
    found = alert_losses(rules(), BURSTS.filter(pl.lit(False)), [HALF], [])
    assert total(found.rules, "half")["events_share"] is None
    assert (found.alerts.height, found.incidents.schema) == (0, LOST_INCIDENTS)


def test_no_draw_is_refused():
    with pytest.raises(InvalidOption, match="from 1"):
        alert_losses(RULES, BURSTS, [HALF], draws=0)
