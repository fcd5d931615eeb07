"""The part of the report that is about sampling."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache

import polars as pl

from onex_analytics.cli.sample_look import sample_look
from onex_analytics.frames import main_period
from onex_analytics.looks.alerts import alert_look
from onex_analytics.views import SamplingFrames
from onex_analytics.views.report_of_sampling import sampling_sections
from tests.views.alerting.results import NOON, busy, incident, rules
from tests.views.profiling.results import EVIL
from tests.views.sampling.results import log


def timed(events: pl.DataFrame) -> pl.LazyFrame:
    """The log of `results`, an event a second from noon on."""
    at = pl.lit(NOON) + pl.duration(seconds=pl.int_range(pl.len()))
    return events.lazy().with_columns(at.cast(pl.Datetime("us", "UTC")).alias("timestamp"), *(
        pl.lit(None, pl.String).alias(name) for name in ("severity", "error_type")
    ))  # fmt: skip


@cache
def frames_of(traces: tuple[tuple[str, int], ...], budget: float = 0.4, rule: str = "Busy") -> SamplingFrames:
    whole = timed(log(dict(traces)))
    period = main_period(whole).collect()
    burst = [incident("burst", 2, 12, node="a")]
    alerts = alert_look(rules(busy(100, rule)), whole, burst, name="r", period=period)
    return sample_look(whole, alerts, period=period, budget=budget)


def bodies(frames: SamplingFrames) -> dict[str, str]:
    return {section.anchor: section.body for section in sampling_sections(frames)}


def test_a_chosen_policy_is_told_with_what_it_costs():
    frames = frames_of((("a", 400), ("b", 60)))
    told = bodies(frames)
    assert list(told) == ["sampling", "sampling-lost", "sampling-alerts"]
    assert frames.policies["policy"].to_list() == ["40 %", "failures and 40 %", "chosen"]
    chosen = frames.frontier.filter("chosen").row(0, named=True)
    assert chosen["volume_share"] <= 0.4
    assert "<dt>kept by the chosen policy</dt>" in told["sampling"]
    assert told["sampling"].count("<figure>") == 2
    assert "<td>all together</td>" not in told["sampling-alerts"]
    assert "all rules together" in told["sampling-alerts"]


def test_the_alerts_are_those_of_the_period_and_what_lies_far_outside_is_left_out():
    events = log({"a": 400, "b": 60})
    far = timed(events).with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.col("timestamp") - timedelta(days=900)).otherwise("timestamp")
        .alias("timestamp")
    )  # fmt: skip
    found = sample_look(far, None, period=main_period(far).collect(), budget=0.4)
    assert found.policies["events"].to_list() == [events.height - 1] * 3
    assert found.alerts is None
    assert list(bodies(found)) == ["sampling", "sampling-lost"]


def test_failures_that_are_more_than_the_budget_leave_no_policy_to_choose_and_that_is_said():
    frames = frames_of((("a", 40),), budget=0.05)
    assert frames.frontier is None
    assert "No policy could be chosen: " in bodies(frames)["sampling"]
    assert EVIL not in bodies(frames._replace(why_none=EVIL))["sampling"]
    assert frames.policies["policy"].to_list() == ["5 %", "failures and 5 %"]


def test_a_log_without_events_has_its_page():
    told = bodies(frames_of(()))
    assert all("<figure>" in body for body in told.values())


def test_incidents_that_would_be_lost_are_listed():
    frames = frames_of((("a", 400), ("b", 60)))
    lost = frames.incidents.with_columns(pl.lit(60.0).alias("full_delay_s"), pl.lit(0, pl.Int64).alias("found"))
    body = bodies(frames._replace(incidents=lost))["sampling-alerts"]
    assert body.count("<td>burst</td>") == 3
    kept = lost.with_columns(pl.col("draws").alias("found"))
    assert "is caught under each policy" in bodies(frames._replace(incidents=kept))["sampling-alerts"]


def test_text_of_users_never_becomes_markup():
    for body in bodies(frames_of(((EVIL, 400), ("b", 20)), rule=EVIL)).values():
        assert "pwned" in body
        assert not re.search(r"<script>alert|<img", body)
