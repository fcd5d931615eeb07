"""The live engine: whatever it is fed with and however often it is killed, it says what the backtest says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.engine import AlertEngine
from onex_analytics.alerting.notification import pages_frame
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.watching import watched
from onex_analytics.exceptions import InputError, InvalidOption
from onex_analytics.model import EVENTS, OnexEvent
from tests.laws import examples

START = datetime(2026, 11, 2, 10, tzinfo=UTC)
FAILED, DONE = "outcome == 'failure'", "outcome in ('success', 'failure')"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def when(op=">", threshold=0, **cell):
    return {**cell, "op": op, "threshold": threshold}


EVERY_KIND = [
    {"alert": "count", "by": ["node"], "when": when(count={"of": FAILED, "window": "2m"}, threshold=1), "for": "1m"},
    {"alert": "rate", "when": when(rate={"window": "1m", "per": "1m"}, threshold=3), "keep_firing_for": "1m"},
    {"alert": "ratio", "by": ["node"], "when": when(ratio={"of": FAILED, "over": DONE, "window": "3m"}, threshold=0.4)},
    {"alert": "aggregate", "when": when(aggregate={"function": "max", "column": "execution_time_ms", "window": "1m"},
                                        threshold=50)},
    {"alert": "quantile", "by": ["node"],
     "when": when(quantile={"q": 0.5, "column": "execution_time_ms", "window": "2m"}, threshold=40)},
    {"alert": "distinct", "when": when(distinct={"column": "node", "window": "1m"}, threshold=1)},
    {"alert": "absent", "by": ["node"], "when": when(absent={"window": "2m"})},
    {"alert": "spike", "when": when(spike={"window": "1m", "reference": "2m"}, threshold=1.5)},
    {"alert": "new_value", "when": when(new_value={"column": "operation", "learn": "1m", "forget_after": "3m"})},
    {"alert": "change", "by": ["node"], "when": when(change={"column": "operation", "window": "2m"}, threshold=1)},
    {"alert": "sequence", "when": when(sequence={"steps": [FAILED, "outcome == 'success'"], "within": "2m",
                                                 "order": "ordered", "by": ["node"]})},
    {"alert": "burn_rate", "when": when(burn_rate={"of": FAILED, "over": DONE, "objective": 0.9,
                                                   "windows": [["4m", "1m", 2]]}, threshold=1)},
    {"alert": "unfinished", "by": ["node"], "when": when(unfinished={"older_than": "1m", "give_up_after": "5m"})},
    {"alert": "expr", "when": when(expr={"cells": {"a": {"count": {"of": FAILED, "window": "1m"}},
                                                   "b": {"count": {"window": "1m"}}}, "value": "a / (b + 1)"},
                                   threshold=0.3)},
    {"alert": "once", "by": ["node"], "unit": "operation",
     "when": when(count={"of": FAILED, "window": "2m"}, threshold=1)},
]  # fmt: skip
AT_EACH_EVENT = [
    {"alert": "burst", "mode": "event", "by": ["node"],
     "when": when(count={"of": FAILED, "window": "40s"}, threshold=1)},
    {"alert": "again", "mode": "event", "reset_after_match": True,
     "when": when(count={"window": "30s"}, op=">=", threshold=3)},
]  # fmt: skip
NOTIFICATION = {
    "receivers": [{"name": "team"}, {"name": "quiet", "send_resolved": False}],
    "route": {"receiver": "team", "group_by": ["alertname"], "group_wait": "20s", "group_interval": "1m",
              "repeat_interval": "3m", "routes": [{"matchers": ['node =~ "a|b"'], "receiver": "quiet",
                                                   "continue": True, "group_by": ["node"]}]},
    "inhibit_rules": [{"source_matchers": ["alertname = ratio"], "target_matchers": ["alertname = count"],
                       "equal": ["node"]}],
}  # fmt: skip
SILENCES = [{"matchers": ["alertname = rate"], "start": after(200), "end": after(400)}]
RULES = RuleSet.model_validate({
    "groups": [
        {"name": "grid", "interval": "30s", "allowed_lateness": "20s", "rules": EVERY_KIND},
        {"name": "limited", "interval": "1m", "offset": "10s", "limit": 1, "rules": EVERY_KIND[:3]},
        {"name": "events", "allowed_lateness": "5s", "rules": AT_EACH_EVENT},
    ],
    "notification": NOTIFICATION, "silences": SILENCES,
})  # fmt: skip


def event(number, second, node="a", outcome="success", *, operation="put", ms=10.0, arrived=None, correlation=None):
    return {
        "event_id": f"e{number:04}", "timestamp": after(second), "event_type": f"NODE_{outcome.upper()}",
        "family": "node", "outcome": outcome, "node_id": node, "node": node, "correlation_id": correlation,
        "schema_version": "1.1.0", "operation": operation, "execution_time_ms": ms, "adjusted_count": 1.0,
        "arrived_at": after(second if arrived is None else arrived),
    }  # fmt: skip


def frame(events) -> pl.DataFrame:
    return pl.DataFrame(events, schema=EVENTS, orient="row")


@st.composite
def streams(draw):
    """Events in the order of their arrival; some late, some ahead of it, some without a time."""
    events, now = [], 0.0
    for number in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0.25, 1, 7, 20, 45, 150]))
        late = draw(st.sampled_from([0, 0, 0, 0, 10, 30, 200, -4000]))
        made = event(
            number, now - late, draw(st.sampled_from("abc")), draw(st.sampled_from(["start", "success", "failure"])),
            operation=draw(st.sampled_from(["put", "get", None])), ms=draw(st.sampled_from([None, 5.0, 45.0, 80.0])),
            arrived=now, correlation=draw(st.sampled_from([None, "x", "y"])),
        )  # fmt: skip
        if draw(st.integers(0, 20)) == 0:
            made["timestamp"] = None
        events.append(made)
    return events


@given(streams(), st.data())
@settings(max_examples=examples(15))
def test_live_says_what_the_backtest_says_for_any_split_any_form_and_any_restart(tmp_path_factory, events, data):
    folder = tmp_path_factory.mktemp("live")
    path = folder / "alerts.state"
    engine = AlertEngine(RULES, state=path)
    transitions, pages, told = [], [], []
    rest = list(events)
    while rest:
        size = data.draw(st.sampled_from([1, 1, 2, 5, 50]))
        part, rest = rest[:size], rest[size:]
        form = data.draw(st.sampled_from(["frame", "rows", "lazy"]))
        given_as = {"frame": frame, "rows": list, "lazy": lambda rows: frame(rows).lazy()}[form](part)
        transitions.append(engine.process(given_as))
        pages += engine.pages
        match data.draw(st.sampled_from(["go on", "go on", "restart", "advance"])):
            case "restart":
                engine.checkpoint()
                counts = engine.by_group
                engine = AlertEngine(RULES, state=path)
                assert engine.restore()
                assert engine.by_group == counts
            case "advance":
                ahead = data.draw(st.sampled_from([1, 100, 1000]))
                seen = events[: len(events) - len(rest)]
                moments = [e["timestamp"] for e in seen if e["timestamp"] and e["timestamp"] <= e["arrived_at"]]
                to = max([START, *moments]) + timedelta(seconds=ahead)
                if not rest or to < rest[0]["arrived_at"]:
                    transitions.append(engine.advance(to))
                    pages += engine.pages
                    told.append(to)
    advances = engine.advances
    replayed = backtest(watched(RULES), frame(events), as_of="arrival", advances=advances)
    live = pl.concat(transitions) if transitions else replayed.transitions
    assert live.equals(replayed.transitions.select(live.columns))
    assert pages_frame(pages).equals(replayed.pages)
    moved = [to for number, to in enumerate(told) if all(to > before for before in told[:number])]
    assert advances["to"].to_list() == moved  # a call that does not move the clock is no input


# ---------------------------------------------------------------------- examples

ONE = {"groups": [{"name": "g", "rules": [
    {"alert": "Failing", "by": ["node"], "when": when(count={"of": FAILED, "window": "2m"}),
     "annotations": {"summary": "{{ labels.node }}: {{ value }}"}}]}],
    "notification": {"receivers": [{"name": "team"}, {"name": "night"}],
                     "route": {"receiver": "team", "group_wait": "0s", "group_interval": "1m",
                               "routes": [{"matchers": ["node = z"], "receiver": "night"}]}}}  # fmt: skip
FAILING = RuleSet.model_validate(ONE)


def failures(*seconds, node="a"):
    return [event(int(second * 10), second, node, "failure") for second in seconds]


def short(pages):
    return [((page.at - START).total_seconds(), page.receiver, page.reason) for page in pages]


def test_every_kind_of_condition_changes_its_state_in_a_long_stream():
    outcomes = ("failure", "start", "success", "failure", "success")
    events = [
        event(i, 3.7 * i if i < 200 else 740 + (i - 200) / 2, "abc"[i * i % 3], outcomes[i % 5 if i < 150 else 4],
              operation=("put", "get", f"op{i}")[i % 3], ms=float(i % 97), correlation=f"c{i // 4}")
        for i in range(300)
    ]  # fmt: skip
    engine = AlertEngine(RULES)
    parts = [engine.process(frame(events[i : i + 7])) for i in range(0, 300, 7)]
    found = pl.concat([*parts, engine.advance(after(3000))])
    assert {rule["alert"] for rule in [*EVERY_KIND, *AT_EACH_EVENT]} <= set(found["rule"].unique())
    assert {"pending", "firing", "resolved"} <= set(found["state"].unique())


def test_events_come_as_models_as_json_or_as_rows():
    wire = {"event_id": "w", "timestamp": after(30).isoformat(), "event_type": "NODE_FAILURE", "node_id": "a"}
    model = OnexEvent(event_id="m", timestamp=after(31), event_type="NODE_FAILURE", node_id="a")
    engine = AlertEngine(FAILING, self_watch=False)
    for one in (wire, model, failures(32)[0]):
        assert engine.process([one]).is_empty()
    found = engine.advance(after(90))
    assert found.select("rule", "state", "value").rows() == [("Failing", "firing", 3.0)]
    assert short(engine.pages) == [(60, "team", "new")]


def test_a_single_event_needs_no_list():
    engine = AlertEngine(FAILING, self_watch=False)
    engine.process(failures(1)[0])
    assert engine.counts["events"] == 1


def test_events_that_cannot_close_a_tick_are_only_held():
    engine = AlertEngine(FAILING, self_watch=False)
    engine.process(failures(1))
    for second in range(2, 60):
        engine.process(failures(second))
    assert engine.by_group["g"]["events"] == 1       # the first tells where the grid begins
    assert engine.counts["events"] == 59
    engine.process(failures(61))
    assert engine.by_group["g"]["events"] == 60


def test_pages_go_to_the_targets_of_their_receiver():
    team, night, both = [], [], []
    engine = AlertEngine(FAILING, {"team": [team.append, both.append], "night": night.append}, self_watch=False)
    engine.process(frame([*failures(1), *failures(2, node="z")]))
    engine.advance(after(120))
    assert engine.close()
    assert [page.receiver for page in team] == [page.receiver for page in both] == ["team"]
    assert [page.receiver for page in night] == ["night"]
    assert dict(team[0].firing[0].annotations) == {"summary": "a: 1"}


def test_a_single_target_is_told_of_all_pages():
    got = []
    with AlertEngine(FAILING, got.append, self_watch=False) as engine:
        engine.process(frame([*failures(1), *failures(2, node="z")]))
        engine.advance(after(120))
    assert sorted(page.receiver for page in got) == ["night", "team"]


def test_a_receiver_that_the_rules_do_not_name_is_refused_with_the_list():
    with pytest.raises(InvalidOption, match="team, night"):
        AlertEngine(FAILING, {"nobody": print})


def test_a_receiver_that_hangs_holds_up_neither_evaluation_nor_the_other_receivers():
    import threading

    released, got = threading.Event(), []
    engine = AlertEngine(
        FAILING, {"team": [lambda page: released.wait(60), got.append], "night": lambda page: released.wait(60)},
        self_watch=False,
    )  # fmt: skip
    for minute in range(0, 60, 5):
        engine.process(failures(60 * minute + 1))
    assert engine.close(0.2) is False
    assert len(got) >= 10
    released.set()


def test_a_page_that_was_taken_is_not_sent_again_after_a_kill_and_one_that_was_not_is(tmp_path):
    def refusing(page):
        raise OSError("not now")

    path, got, again, more = tmp_path / "alerts.state", [], [], []
    engine = AlertEngine(FAILING, {"team": got.append, "night": refusing}, state=path, self_watch=False)
    engine.process(frame([*failures(1), *failures(2, node="z")]))
    engine.advance(after(120))
    engine.outbox.deliveries["team"].drain(10)
    del engine                                     # killed: nothing is closed
    restarted = AlertEngine(FAILING, {"team": again.append, "night": more.append}, state=path, self_watch=False)
    assert restarted.restore()
    assert restarted.close()
    assert [len(pages) for pages in (got, again, more)] == [1, 0, 1]
    assert more[0].page_id != got[0].page_id
    third = AlertEngine(FAILING, {"team": again.append, "night": more.append}, state=path, self_watch=False)
    assert third.restore()
    assert third.close()
    assert [len(pages) for pages in (again, more)] == [0, 1]


def test_the_place_in_the_source_is_kept_with_the_state(tmp_path):
    path = tmp_path / "alerts.state"
    engine = AlertEngine(FAILING, state=path)
    engine.process(failures(1), position={"offset": 17})
    engine.checkpoint()
    other = AlertEngine(FAILING, state=path)
    assert other.restore()
    assert other.position == {"offset": 17}
    assert other.counts == engine.counts


def test_without_a_file_there_is_nothing_to_go_on_from(tmp_path):
    assert not AlertEngine(FAILING, state=tmp_path / "none").restore()
    with pytest.raises(InvalidOption, match="the name of a file"):
        AlertEngine(FAILING).restore()


def test_a_checkpoint_can_be_handed_over_in_memory_or_as_any_file(tmp_path):
    engine = AlertEngine(FAILING, self_watch=False)
    engine.process(failures(1))
    held = engine.checkpoint(tmp_path / "copy")
    expected = engine.advance(after(120))
    for state in (held, tmp_path / "copy", str(tmp_path / "copy")):
        other = AlertEngine(FAILING, self_watch=False)
        assert other.restore(state)
        assert other.advance(after(120)).equals(expected)
        assert other.pages == engine.pages


@pytest.mark.parametrize("place", [3, 40, 120, -1])
def test_a_damaged_state_is_refused_with_the_mend(tmp_path, place):
    path = tmp_path / "alerts.state"
    AlertEngine(FAILING, state=path).checkpoint()
    held = bytearray(path.read_bytes())
    held[place] ^= 1
    path.write_bytes(held)
    with pytest.raises(InputError, match="Mend"):
        AlertEngine(FAILING, state=path).restore()


def test_the_state_of_other_rules_is_refused_but_other_routes_will_do(tmp_path):
    path = tmp_path / "alerts.state"
    AlertEngine(FAILING, state=path).checkpoint()
    routed = {**ONE, "notification": {}}
    assert AlertEngine(RuleSet.model_validate(routed), state=path).restore()
    other = {**ONE, "groups": [{**ONE["groups"][0], "interval": "2m"}]}
    with pytest.raises(InvalidOption, match="other rules"):
        AlertEngine(RuleSet.model_validate(other), state=path).restore()


def test_where_the_state_cannot_be_written_pages_are_sent_all_the_same_and_it_is_told(tmp_path):
    folder, got, problems = tmp_path / "gone", [], []
    folder.mkdir()
    engine = AlertEngine(
        FAILING, {"team": got.append}, state=folder / "alerts.state", self_watch=False, failed=problems.append
    )
    folder.rmdir()
    folder.write_text("a file where a folder was")
    engine.process(failures(1))
    engine.advance(after(120))
    assert engine.outbox.deliveries["team"].drain(10)
    assert len(got) == 1
    assert "the state cannot be written" in problems[0]


def test_a_source_that_stalls_for_two_intervals_is_an_alert_of_its_own_and_ends_with_the_next_event():
    engine = AlertEngine(FAILING)
    engine.process([event(1, 0.5, outcome="success")])
    assert engine.advance(after(119)).is_empty()
    found = engine.advance(after(181))
    assert found.select("rule", "state").rows() == [("SourceStalled", "firing")]
    assert (found["at"][0] - START).total_seconds() == 180      # (60 s, 180 s] holds no event
    found = engine.process([event(2, 185, outcome="success"), event(3, 245, outcome="success")])
    assert found.select("rule", "state").rows() == [("SourceStalled", "resolved")]


def test_advances_are_recorded_and_survive_a_restart_as_far_as_the_checkpoint_knows_them(tmp_path):
    path = tmp_path / "alerts.state"
    engine = AlertEngine(FAILING, state=path)
    engine.process(failures(1))
    engine.advance(after(100))
    engine.checkpoint()
    engine.advance(after(200))
    assert engine.advances["to"].to_list() == [after(100), after(200)]
    engine.advance(after(150))                  # moves nothing
    other = AlertEngine(FAILING, state=path)
    assert other.restore()
    assert other.advances.select("to", "events").rows() == [(after(100), 1)]


def test_an_event_far_ahead_of_its_arrival_moves_no_clock_and_is_told():
    engine = AlertEngine(FAILING, self_watch=False)
    engine.process([event(1, 1), event(2, 90_000, arrived=2)])
    assert engine.set_aside.select("event_id", "reason").rows() == [("e0002", "ahead")]
    assert engine.clock == after(1)
