"""Every labelled incident is truly there, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import LABELS
from onex_analytics.synthetic import DEFAULT_INCIDENTS, Incident, SyntheticLog, generate

ENDS = ["NODE_SUCCESS", "NODE_FAILURE"]
TELEMETRY_ENDS = ["TELEMETRY_OPERATION_SUCCESS", "TELEMETRY_OPERATION_ERROR"]
ALL_ENDS = ENDS + TELEMETRY_ENDS


@pytest.fixture(scope="module")
def labels(week: SyntheticLog) -> dict[str, dict]:
    return {row["incident_id"]: row for row in week.labels.iter_rows(named=True)}


def within(label: dict) -> pl.Expr:
    return pl.col("at").is_between(label["start"], label["end"], closed="left")


def failed() -> pl.Expr:
    return pl.col("type").str.contains("FAILURE|ERROR")


def share(events: pl.DataFrame, hit: pl.Expr) -> float:
    assert len(events) > 12
    return events.select(hit.mean()).item()


def test_labels_have_the_canonical_shape_and_lie_within_the_span(week):
    assert week.labels.schema == LABELS
    end = week.start + timedelta(days=7)
    assert week.labels.select(((pl.col("start") >= week.start) & (pl.col("end") <= end)
                               & (pl.col("start") < pl.col("end"))).all()).item()


def test_the_default_incidents_show_every_kind_apart_in_time(labels):
    kinds = {row["kind"] for row in labels.values()}
    assert kinds == set(Incident.model_fields["kind"].annotation.__args__)
    windows = sorted((row["start"], row["end"]) for row in labels.values())
    assert all(a[1] <= b[0] for a, b in pairwise(windows))


def test_a_latency_regression_makes_the_new_version_slower(week_events, labels):
    label = labels["latency_regression-2"]
    own = week_events.filter((pl.col("node") == label["node"]) & pl.col("type").is_in(TELEMETRY_ENDS))
    inside, outside = own.filter(within(label)), own.filter(~within(label))
    assert inside["ms"].median() > 2.5 * outside["ms"].median()
    versions = week_events.filter(pl.col("node") == label["node"], pl.col("version").is_not_null())
    late = timedelta(minutes=1)  # a call takes the version of the moment its trace began
    assert set(versions.filter(within({**label, "start": label["start"] + late}))["version"]) == {"1.4.0"}
    assert "1.4.0" not in set(versions.filter(~within({**label, "end": label["end"] + late}))["version"])


def test_an_error_burst_fails_five_times_as_often_inside(week_events, labels):
    label = labels["error_burst-3"]
    own = week_events.filter(
        (pl.col("node") == label["node"]) & (pl.col("operation") == label["operation"]) & pl.col("type").is_in(ALL_ENDS)
    )
    assert share(own.filter(within(label)), failed()) > 5 * share(own.filter(~within(label)), failed())


def test_a_new_error_was_never_seen_before(week_events, labels):
    label = labels["new_error-4"]
    seen = week_events.filter(pl.col("code") == label["error_code"])
    assert len(seen) > 0
    assert seen["at"].min() >= label["start"]
    assert set(seen["node"]) == {label["node"]}


def test_a_stuck_node_starts_and_does_not_end(week_events, labels):
    label = labels["stuck_node-5"]
    own = week_events.filter(pl.col("node") == label["node"])
    ended = own.filter(pl.col("type").is_in(TELEMETRY_ENDS))["correlation"].implode()
    starts = own.filter(pl.col("type") == "TELEMETRY_OPERATION_START").with_columns(
        ended=pl.col("correlation").is_in(ended)
    )
    assert share(starts.filter(within(label)), pl.col("ended")) < 0.5
    assert share(starts.filter(~within(label)), pl.col("ended")) > 0.98


def test_a_silent_node_says_nothing_while_others_talk(week_events, labels):
    label = labels["silent_node-6"]
    inside = week_events.filter(within(label))
    assert len(inside) > 500
    assert label["node"] not in set(inside["node"])
    assert label["node"] in set(week_events.filter(pl.col("at") < label["start"])["node"])
    assert label["node"] in set(week_events.filter(pl.col("at") >= label["end"])["node"])


def test_a_crash_loop_restarts_four_times_in_five_minutes(week_events, labels):
    label = labels["crash_loop-7"]
    restarts = week_events.filter((pl.col("node") == label["node"]) & (pl.col("type") == "NODE_REGISTER"))
    assert restarts.select(within(label).all()).item()
    per_five = restarts.sort("at").group_by_dynamic("at", every="5m").agg(n=pl.len())["n"]
    assert per_five.median() >= 4
    failures = week_events.filter((pl.col("node") == label["node"]) & (pl.col("code") == label["error_code"]))
    assert len(failures) >= len(restarts)


def test_a_cascade_spreads_to_the_callers_and_the_cause_fails_first(week_calls, week_events, labels):
    label = labels["cascade-8"]
    spread = pl.col("code") == "ONEX_CORE_081_OPERATION_FAILED"
    ends = week_events.filter(pl.col("type").is_in(ENDS))
    assert share(ends.filter(within(label)), spread.fill_null(False)) > 5 * share(
        ends.filter(~within(label)), spread.fill_null(False))
    touched = week_calls.filter(pl.col("incidents").list.contains("cascade-8"))
    end = pl.col("start") + pl.duration(microseconds=(pl.col("duration_ms") * 1000).round().cast(pl.Int64))
    pairs = touched.with_columns(end=end).filter(pl.col("error_code") == label["error_code"]).join(
        touched.with_columns(end=end).filter(pl.col("error_code") == "ONEX_CORE_081_OPERATION_FAILED"),
        left_on="parent_call", right_on="call",
    )
    assert len(pairs) > 10
    assert pairs.select((pl.col("end") <= pl.col("end_right")).all()).item()


def test_large_inputs_make_one_node_slow_and_another_fail(week_calls, labels):
    slow, broken = labels["latency_regression-9"], labels["error_burst-12"]
    large = pl.col("input_bytes") >= int(slow["cause"].split(">=")[1])
    at = pl.col("start").alias("at")
    calls = week_calls.with_columns(at)
    inside = calls.filter(within(slow) & (pl.col("node") == slow["node"]))
    assert inside.filter(large)["duration_ms"].median() > 3 * inside.filter(~large)["duration_ms"].median()
    inside = calls.filter(within(broken) & (pl.col("node") == broken["node"]))
    bad = pl.col("error_code").is_not_null()
    assert share(inside.filter(large), bad) > 5 * share(inside.filter(~large), bad)


def test_one_host_makes_all_nodes_fail(week_events, labels):
    label = labels["error_burst-10"]
    ends = week_events.filter(within(label) & pl.col("type").is_in(ENDS))
    here = pl.col("host") == label["cause"].split("=")[1]
    assert share(ends.filter(here), failed()) > 5 * share(ends.filter(~here), failed())


def test_nothing_comes_from_a_coverage_hole(week_events, labels):
    label = labels["coverage_hole-11"]
    assert week_events.filter(within(label)).is_empty()
    hour = timedelta(hours=1)
    assert len(week_events.filter(pl.col("at").is_between(label["start"] - hour, label["start"]))) > 100


def test_a_deploy_brings_a_version_that_stays(week_events, labels):
    label = labels["deploy-1"]
    own = week_events.filter((pl.col("node") == label["node"]) & pl.col("version").is_not_null())
    # a call takes the version of the moment its trace began: give those in flight a minute
    after = own.filter(pl.col("at") >= label["start"] + timedelta(minutes=1))
    assert set(after["version"]) == {"1.5.0"}
    assert "1.5.0" not in set(own.filter(pl.col("at") < label["start"])["version"])


def test_the_label_counts_the_events_that_the_incident_touched(week):
    counted = week.truth.explode("incidents", empty_as_null=True).group_by("incidents").len()
    known = dict(counted.drop_nulls().iter_rows())
    for incident, events in week.labels.select("incident_id", "events").iter_rows():
        assert known.get(incident, 0) == events, incident


def test_without_incidents_there_is_nothing_to_find():
    log = generate(5_000, seed=3, incidents=None)
    assert log.labels.is_empty()
    assert log.labels.schema == LABELS
    assert log.truth["incidents"].list.len().sum() == 0


def test_an_incident_can_be_given_by_times_and_by_tenant():
    start = datetime(2026, 11, 3, 9, tzinfo=UTC)
    end = start + timedelta(hours=6)
    burst = Incident(kind="error_burst", start=start, end=end, cause="tenant=acme", magnitude=0.9)
    log = generate(20_000, incidents=[burst])
    calls = pl.concat(log.calls()).filter(pl.col("start").is_between(start, end))
    bad = pl.col("error_code").is_not_null()
    acme = pl.col("tenant") == "acme"
    assert share(calls.filter(acme), bad) > 5 * share(calls.filter(~acme), bad)


@pytest.mark.parametrize(("wrong", "mend"), [
    ({"start": 0.5, "end": 0.4}, "a start before its end"),
    ({"start": 0.5, "end": 1.4}, "within the span"),
    ({"start": 0.1, "end": 0.2, "node": "nobody_node"}, "one of the fleet: cli_node"),
    ({"start": 0.1, "end": 0.2, "operation": "fly"}, "an operation of the fleet"),
    ({"start": 0.1, "end": 0.2, "cause": "host=mars"}, "a host of the fleet: onex-01"),
    ({"start": 0.1, "end": 0.2, "cause": "node_version=1.4.0"}, "the name of a node whose version"),
    ({"start": 0.1, "end": 0.2, "error_code": "ONEX_X_1"}, "one of ONEX_CORE_001"),
    ({"start": 0.1, "end": 0.2, "magnitude": 3.0}, "a share above 0 and at most 1"),
    ({"start": 0.1, "end": 0.2, "kind": "silent_node"}, "the name of a node for this kind"),
    ({"start": datetime(2026, 11, 3), "end": 0.9}, "a time with a zone"),
])
def test_an_impossible_incident_is_refused_with_the_mend(wrong, mend):
    with pytest.raises(InvalidOption, match=mend):
        generate(100, incidents=[Incident(**{"kind": "error_burst", **wrong})])


def test_default_incidents_move_to_the_nodes_that_there_are():
    log = generate(2_000, nodes=3)
    assert len(log.labels) == len(DEFAULT_INCIDENTS)
    assert set(log.labels["node"].drop_nulls()) <= {"cli_node", "stamper_node", "file_reader_node"}
