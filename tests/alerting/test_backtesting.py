"""A backtest says what the live engine would have done."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting import feeding
from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.notification import Notifier, pages_frame
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import ALERTS, EVIDENCE, STATES, TRANSITIONS
from onex_analytics.alerting.summaries import SUMMARY
from onex_analytics.exceptions import InvalidOption, MissingColumns
from tests.alerting.arrivals import SCHEMA, Advance, Event, frame_of, streams, when
from tests.alerting.test_evaluating import EVERYTHING, fold, rule, rule_set
from tests.laws import examples

NOTIFIED = EVERYTHING.model_copy(update={"notification": RuleSet.model_validate({"notification": {
    "route": {"receiver": "default", "group_by": ["node"], "group_wait": "5s", "group_interval": "30s",
              "repeat_interval": "1m"},
    "receivers": [{"name": "default"}],
}}).notification})  # fmt: skip
BUSY = rule_set(rule("Busy", 1, **{"for": "10s"}))
BURST = [Event(f"{n}", 3.0 + n, "a") for n in range(10)]


def test_the_path_of_a_rule_file_is_refused_with_the_way_to_load_it():
    with pytest.raises(InvalidOption, match=r"a RuleSet, such as `load_rules\(path\)`"):
        backtest("rules.yaml", frame_of(BURST))  # type: ignore[arg-type]


def test_frames_have_their_shapes_even_where_nothing_happens():
    for log in (frame_of([]), frame_of([Event("1", 5, "a")])):
        result = backtest(BUSY, log)
        assert result.transitions.schema == TRANSITIONS
        assert result.alerts.schema == ALERTS
        assert result.summary.schema == SUMMARY
        assert result.pages.height == 0
        assert result.evidence.schema == EVIDENCE
        assert result.states().collect().schema == STATES
        assert result.load.pages == 0


def test_rules_without_groups_have_nothing_to_say():
    result = backtest(RuleSet(), frame_of(BURST))
    assert (result.transitions.height, result.summary.height, result.begin, result.end) == (0, 0, None, None)


def test_what_is_still_open_at_the_end_of_the_log_stays_open_unless_the_clock_is_moved():
    left_open = backtest(BUSY, frame_of([*BURST, Event("x", 20.5, "b")]))
    assert left_open.alerts.select("state", "resolved").rows() == [("firing", None)]
    moved = backtest(BUSY, frame_of([*BURST, Event("x", 20.5, "b")]), until=when(90))
    assert moved.alerts.select("state", "resolved").rows() == [("resolved", when(50))]
    assert moved.end == when(90)


def test_an_alert_tells_when_it_began_fired_and_ended_and_its_worst_value():
    log = frame_of([*BURST, *(Event(f"y{n}", 21.0 + n / 10, "a") for n in range(30))])
    (alert,) = backtest(BUSY, log, until=when(200)).alerts.to_dicts()
    assert (alert["pending"], alert["fired"], alert["resolved"]) == (when(10), when(20), when(60))
    assert (alert["value"], alert["peak"], alert["events"]) == (10.0, 40.0, 10)


def test_where_low_values_are_bad_the_worst_is_the_lowest():
    condition = {"count": {"window": "30s"}, "op": "<", "threshold": 3}
    quiet = rule_set({"alert": "Quiet", "by": ["node"], "when": condition})
    (alert,) = backtest(quiet, frame_of(BURST), until=when(60)).alerts.to_dicts()
    assert (alert["fired"], alert["value"], alert["peak"]) == (when(40), 2.0, 0.0)


def test_an_alert_that_never_fired_is_told_as_well():
    brief = rule_set(rule("A", 0, "10s", **{"for": "1m"}))
    (alert,) = backtest(brief, frame_of(BURST), until=when(60)).alerts.to_dicts()
    assert (alert["fired"], alert["known_at"], alert["state"]) == (None, None, "inactive")


def test_evidence_is_the_events_in_the_window_of_each_transition():
    result = backtest(BUSY, frame_of([*BURST, Event("other", 5, "b"), Event("late", 35, "a")]), until=when(90))
    found = result.evidence.group_by("at", "state", maintain_order=True).agg("event_id")
    assert found.rows() == [
        (when(10), "pending", [str(n) for n in range(8)]),
        (when(20), "firing", [str(n) for n in range(10)]),
        (when(50), "resolved", ["late"]),
    ]
    assert result.evidence_of(result.transitions.head(0)).height == 0


def test_every_slice_of_the_log_gives_the_same(monkeypatch):
    log = frame_of([Event(f"{n:04}", float(n % 700) + n / 1000, "ab"[n % 2]) for n in range(2000)])
    whole = backtest(EVERYTHING, log)
    monkeypatch.setattr(feeding, "SLICE_EVENTS", 100)
    monkeypatch.setattr(feeding.fed, "__defaults__", ((), 100))
    cut = backtest(EVERYTHING, log)
    assert len(list(feeding.fed(log.lazy(), ["node"], "event"))) > 10
    for name in ("transitions", "alerts", "summary"):
        assert getattr(cut, name).equals(getattr(whole, name)), name
    assert cut.accounts == whole.accounts
    assert cut.stretches().equals(whole.stretches())


def test_years_between_two_events_are_one_stretch():
    result = backtest(BUSY, frame_of([*BURST, Event("x", 10 * 365 * 86_400.0, "a")]))
    assert result.stretches().height < 30
    assert result.stretches()["evaluations"].sum() == result.accounts["g"]["evaluations"]


@settings(max_examples=examples(40))
@given(streams())
def test_a_backtest_of_recorded_arrivals_is_what_the_live_engine_did(ops):
    """The stream is lived through event by event; then its log, with its recorded advances, is tested."""
    live, notifier = Evaluation(NOTIFIED, SCHEMA), Notifier(NOTIFIED)
    arrived, log, advances, told, pages = 1000.0, [], [], [pl.DataFrame(schema=TRANSITIONS)], []
    for op in ops:
        if isinstance(op, Advance):
            advances.append((when(arrived), when(op.to)))
        else:
            arrived += 1
            op = op._replace(arrived=arrived)
            log.append(op)
        (known,) = fold(live, [op])
        told.append(known)
        notifier.observe_all(known)
        if live.clock is not None:
            pages += notifier.advance(live.clock)
    result = backtest(NOTIFIED, frame_of(log).reverse(), as_of="arrival", advances=advances)
    assert result.transitions.equals(pl.concat(told))
    assert result.pages.equals(pages_frame(pages))
    assert result.accounts == live.counts


@pytest.mark.parametrize("slice_events", [1, 2, 1_000_000])
def test_a_clock_that_was_moved_between_events_of_one_arrival_is_moved_there_again(monkeypatch, slice_events):
    monkeypatch.setattr(feeding.fed, "__defaults__", ((), slice_events))
    log = [Event(str(n), at, "a", arrived=100.0) for n, at in enumerate((4.0, 5.0, 6.0, 7.0, 300.0))]
    log.append(Event("9", 310.0, "a", arrived=400.0))
    late = []
    for moves in ([(100, 60, 2)], [(100, 60, 0), (100, 65, 4)], [(100, 60, None)], [(50, 60, 9)], [(100, 400, 5)]):
        advances = [(when(after), when(to), events) for after, to, events in moves]
        result = backtest(BUSY, frame_of(log), as_of="arrival", advances=advances)
        late.append(result.accounts["g"]["late"])
        as_frame = pl.DataFrame(advances, schema=["after_arrival", "to", "events"], orient="row")
        same = backtest(BUSY, frame_of(log), as_of="arrival", advances=as_frame).again(BUSY)
        assert same.accounts == result.accounts
    assert late == [2, 4, 0, 4, 1]


@settings(max_examples=examples(40))
@given(streams(advances=False), st.randoms())
def test_by_event_time_the_order_of_the_log_means_nothing(ops, random):
    shuffled = list(ops)
    random.shuffle(shuffled)
    one, other = backtest(NOTIFIED, frame_of(ops)), backtest(NOTIFIED, frame_of(shuffled))
    assert one.transitions.equals(other.transitions)
    assert one.alerts.equals(other.alerts)
    assert one.pages.equals(other.pages)
    assert all(counts["late"] == 0 for counts in one.accounts.values())


def test_arrivals_that_nobody_knows_are_no_order():
    with pytest.raises(InvalidOption, match="of 10 of 10 events"):
        backtest(BUSY, frame_of(BURST), as_of="arrival")
    with pytest.raises(InvalidOption, match="bulk load"):
        backtest(BUSY, frame_of(BURST).drop("arrived_at"), as_of="arrival")


def test_late_events_cost_what_the_two_clocks_differ_by():
    log = frame_of([e._replace(arrived=100.0 if 5 < e.at < 9 else e.at) for e in [*BURST, Event("x", 40, "b")]])
    assert backtest(BUSY, log).transitions.height == 2
    seen = backtest(BUSY, log, as_of="arrival")
    assert seen.accounts["g"]["late"] == 3
    assert backtest(rule_set(rule("Busy", 9)), log, as_of="arrival").transitions.height == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"as_of": "guess"}, "event or arrival"), ({"tz": "Mars/Base"}, "Europe/Berlin"),
        ({"until": "soon"}, "a time such as"), ({"lead": "1 hour"}, "a duration"),
    ],
)  # fmt: skip
def test_a_bad_option_is_refused_with_the_mend(options, said):
    with pytest.raises(InvalidOption, match=said):
        backtest(BUSY, frame_of(BURST), **options)


def test_a_log_without_times_or_ids_is_refused():
    with pytest.raises(MissingColumns):
        backtest(BUSY, frame_of(BURST).drop("event_id"))
    with pytest.raises(InvalidOption, match="a column of times"):
        backtest(BUSY, frame_of(BURST).with_columns(pl.col("timestamp").cast(pl.String)))


def test_a_rule_that_is_not_there_has_no_states():
    with pytest.raises(InvalidOption, match="Busy of g"):
        backtest(BUSY, frame_of(BURST)).states("Bsy")


def test_pages_are_told_by_rule_day_and_night():
    rules = rule_set(rule("A", 0, "1m"), name="g")
    day = 86_400.0
    log = frame_of([Event(f"{n}", n * day + hour * 3600.0, "a") for n, hour in enumerate([3, 12, 23, 12])])
    result = backtest(rules, log, until=when(4 * day))
    starts = result.pages.filter(pl.col("status") == "firing").height
    assert starts == 4
    assert result.pages.height > starts  # that an alert ended is told as well, and wakes nobody
    assert result.summary["pages"].to_list() == [starts]
    assert result.load.days == 5  # four, and the midnight at which it ends
    night = backtest(rules, log, until=when(4 * day), tz="Asia/Tokyo").load.night_pages
    assert (result.load.night_pages, night) == (starts // 2, 0)
    assert timedelta(0) < result.end - result.begin
