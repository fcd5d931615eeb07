"""The notifier: what Alertmanager would tell, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.notification import Notifier, Page, pages_frame
from onex_analytics.alerting.notification.muting import NamedTimes
from onex_analytics.alerting.notification.pages import PAGES
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.exceptions import InvalidOption
from tests.alerting.notification.simulated import Simulated
from tests.laws import examples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(second: float) -> datetime:
    return EPOCH + timedelta(seconds=second)


def transition(second, state, rule="Down", *, group="g", known=None, **labels):
    return {
        "group": group, "rule": rule, "state": state, "at": at(second), "value": 1.0, "threshold": 0.0,
        "known_at": at(second if known is None else known),
        "labels": [{"name": name, "value": value} for name, value in sorted(labels.items())],
    }  # fmt: skip


def rules(notification=None, silences=(), **static) -> RuleSet:
    alerts = [
        {"alert": name, "by": ["node"], "when": {"count": {"window": "1m"}, "op": ">", "threshold": 0},
         "labels": labels}
        for name, labels in {"Down": {}, "Slow": {}, "Lost": {"severity": "critical"}, **static}.items()
    ]  # fmt: skip
    found = {"groups": [{"name": "g", "rules": alerts}], "silences": silences}
    return RuleSet.model_validate(found if notification is None else {**found, "notification": notification})


def told(pages: list[Page]) -> list[tuple]:
    """A page in short: second, reason, the nodes that fire, the nodes that ended."""

    def nodes(alerts):
        return "".join(dict(alert.labels)["node"] for alert in alerts)

    return [(page.at_us / 1e6, page.reason, nodes(page.firing), nodes(page.resolved)) for page in pages]


def run(settings, transitions, until, silences=()):
    notifier = Notifier(rules(settings, silences))
    for row in transitions:
        notifier.observe(row)
    return notifier.advance(at(until))


ONE = {"receivers": [{"name": "r"}]}


def one_route(**route):
    usual = {"receiver": "r", "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
    return {**ONE, "route": {**usual, **route}}


def test_a_group_is_first_told_after_its_wait_with_all_that_came_meanwhile():
    pages = run(one_route(), [transition(100, "firing", node="a"), transition(129, "firing", node="b")], 200)
    assert told(pages) == [(130, "new", "ab", "")]


def test_an_alert_that_comes_in_the_very_second_of_the_look_is_in_it():
    pages = run(one_route(), [transition(100, "firing", node="a"), transition(130, "firing", node="b")], 200)
    assert told(pages) == [(130, "new", "ab", "")]


def test_what_ends_within_the_wait_is_never_told():
    pages = run(one_route(), [transition(100, "firing", node="a"), transition(120, "resolved", node="a")], 4000)
    assert pages == []


def test_later_changes_wait_for_the_next_beat():
    changes = [
        transition(0, "firing", node="a"), transition(31, "firing", node="b"), transition(400, "resolved", node="a"),
    ]  # fmt: skip
    assert told(run(one_route(), changes, 1000)) == [
        (30, "new", "a", ""), (330, "new", "ab", ""), (630, "resolved", "b", "a"),
    ]  # fmt: skip


def test_an_alert_that_ends_and_fires_again_between_two_looks_is_no_news():
    changes = [
        transition(0, "firing", node="a"), transition(100, "resolved", node="a"), transition(200, "firing", node="a"),
    ]  # fmt: skip
    assert told(run(one_route(), changes, 3000)) == [(30, "new", "a", "")]


def test_an_unchanged_group_is_told_again_at_the_first_beat_past_the_repeat_interval():
    # 4 h is a whole number of beats: at that beat the interval has not yet been passed
    pages = run(one_route(), [transition(0, "firing", node="a")], 30_000)
    assert told(pages) == [(30, "new", "a", ""), (30 + 4 * 3600 + 300, "repeat", "a", ""),
                           (30 + 2 * (4 * 3600 + 300), "repeat", "a", "")]  # fmt: skip


def test_the_end_is_told_unless_the_receiver_wants_no_ends():
    changes = [transition(0, "firing", node="a"), transition(100, "resolved", node="a")]
    assert told(run(one_route(), changes, 1000)) == [(30, "new", "a", ""), (330, "resolved", "", "a")]
    quiet = {**one_route(), "receivers": [{"name": "r", "send_resolved": False}]}
    assert told(run(quiet, changes, 1000)) == [(30, "new", "a", "")]


def test_a_receiver_without_ends_is_told_anew_of_an_alert_that_comes_back():
    quiet = {**one_route(), "receivers": [{"name": "r", "send_resolved": False}]}
    changes = [
        transition(0, "firing", node="a"), transition(100, "resolved", node="a"), transition(700, "firing", node="a"),
    ]  # fmt: skip
    assert told(run(quiet, changes, 3000)) == [(30, "new", "a", ""), (730, "new", "a", "")]


def test_the_end_is_told_even_where_the_repeat_interval_is_much_shorter_than_the_look():
    changes = [transition(0, "firing", node="a"), transition(100, "resolved", node="a")]
    pages = run(one_route(repeat_interval="1s"), changes, 1000)
    assert told(pages) == [(30, "new", "a", ""), (330, "resolved", "", "a")]


def test_a_group_that_is_empty_keeps_its_beat_for_up_to_half_a_minute():
    changes = [transition(0, "firing", node="a"), transition(100, "resolved", node="a")]
    soon, later = transition(340, "firing", node="a"), transition(370, "firing", node="a")
    assert told(run(one_route(), [*changes, soon], 1000))[2:] == [(630, "new", "a", "")]
    assert told(run(one_route(), [*changes, later], 1000))[2:] == [(400, "new", "a", "")]


def test_alerts_are_grouped_by_the_labels_that_the_route_names():
    changes = [
        transition(0, "firing", node="a"), transition(5, "firing", node="b"), transition(5, "firing", "Slow", node="b"),
    ]  # fmt: skip
    by_node = run(one_route(group_by=["node"]), changes, 100)
    assert [(p.at_us / 1e6, p.group_key, len(p.firing)) for p in by_node] == [
        (30, '{}:{node="a"}', 1), (35, '{}:{node="b"}', 2),
    ]  # fmt: skip
    each = run(one_route(group_by=["..."]), changes, 100)
    assert [p.group_labels for p in each] == [p.firing[0].labels for p in each]
    assert len(each) == 3


@pytest.mark.parametrize(
    ("value", "written"),
    [('a"\\', '"a\\"\\\\"'), ("ü\n\t\v\a", '"ü\\n\\t\\v\\a"'), ("\u200b\u00a0\x01", '"\\u200b\\u00a0\\x01"'),
     ("\U000e0001", '"\\U000e0001"')],
)  # fmt: skip
def test_a_group_key_is_written_as_go_writes_texts(value, written):
    (page,) = run({**ONE, "route": {"receiver": "r", "group_by": ["node"]}}, [transition(0, "firing", node=value)], 60)
    assert page.group_key == f"{{}}:{{node={written}}}"


def test_the_first_child_route_that_matches_takes_an_alert_and_a_later_one_only_after_continue():
    both = {"receivers": [{"name": n} for n in "rst"], "route": {
        "receiver": "r", "group_wait": "1s", "routes": [
            {"receiver": "s", "matchers": ["severity = critical"], "continue": True, "group_by": ["node"]},
            {"receiver": "t", "matchers": ['node =~ "a|b"']},
        ]}}  # fmt: skip
    changes = [transition(0, "firing", "Lost", node="a"), transition(0, "firing", node="c")]
    assert [(p.receiver, p.group_key) for p in run(both, changes, 10)] == [
        ("r", "{}:{}"), ("s", '{}/{severity="critical"}:{node="a"}'), ("t", '{}/{node=~"a|b"}:{}'),
    ]  # fmt: skip


def test_a_source_that_fires_keeps_its_target_from_being_told_where_the_equal_labels_are_equal():
    inhibit = [{"source_matchers": ["severity = critical"], "target_matchers": ["alertname = Slow"], "equal": ["node"]}]
    settings = {**one_route(group_by=["alertname"]), "inhibit_rules": inhibit}
    changes = [
        transition(0, "firing", "Lost", node="a"), transition(1, "firing", "Slow", node="a"),
        transition(1, "firing", "Slow", node="b"), transition(700, "resolved", "Lost", node="a"),
    ]  # fmt: skip
    slow = [page for page in run(settings, changes, 2000) if dict(page.group_labels)["alertname"] == "Slow"]
    assert told(slow) == [(31, "new", "b", ""), (31 + 900, "new", "ab", "")]


def test_two_alerts_that_are_both_source_and_target_do_not_mute_each_other():
    inhibit = [{"source_matchers": ['node =~ ".+"'], "target_matchers": ['node =~ ".+"'], "equal": ["node"]}]
    settings = {**one_route(), "inhibit_rules": inhibit}
    changes = [transition(0, "firing", node="a"), transition(0, "firing", "Slow", node="a")]
    assert told(run(settings, changes, 100)) == [(30, "new", "aa", "")]


def test_a_silenced_alert_is_told_when_the_silence_is_over_if_it_still_fires():
    silence = {"matchers": ["node = a"], "start": at(0), "end": at(1000)}
    changes = [transition(0, "firing", node="a"), transition(0, "firing", node="b")]
    assert told(run(one_route(), changes, 2000, [silence])) == [(30, "new", "b", ""), (1230, "new", "ab", "")]


def test_the_end_of_an_alert_that_is_silenced_then_is_told_to_nobody():
    silence = {"matchers": ["node = a"], "start": at(200), "end": at(1000)}
    changes = [transition(0, "firing", node="a"), transition(400, "resolved", node="a")]
    assert told(run(one_route(), changes, 9000, [silence])) == [(30, "new", "a", "")]


def test_a_muted_night_in_berlin_is_told_in_the_morning():
    night = {"name": "night", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "06:00"}],
                                                  "location": "Europe/Berlin"}]}  # fmt: skip
    settings = {**ONE, "time_intervals": [night], "route": {"receiver": "r", "routes": [
        {"matchers": ['node =~ ".*"'], "mute_time_intervals": ["night"], "group_interval": "10m"}]}}  # fmt: skip
    start = (datetime(2026, 7, 1, 2, tzinfo=UTC) - EPOCH).total_seconds()  # 04:00 in Berlin
    pages = run(settings, [transition(start, "firing", node="a")], start + 4 * 3600)
    assert [page.at for page in pages] == [datetime(2026, 7, 1, 4, 0, 30, tzinfo=UTC)]


def test_a_rule_waits_no_longer_than_the_wait_of_its_group_where_the_tick_waited_for_late_events():
    # fired at 0, known at 60 s because of allowed lateness: the wait of 30 s is over
    assert told(run(one_route(), [transition(0, "firing", node="a", known=60)], 100)) == [(60, "new", "a", "")]


def test_one_label_set_of_two_rules_is_one_alert_and_ends_with_the_last():
    same = RuleSet.model_validate({"groups": [
        {"name": g, "rules": [{"alert": "Down", "by": ["node"], "when": {"count": {"window": "1m"}, "op": ">",
                                                                        "threshold": 0}}]} for g in "gh"],
        "notification": one_route()})  # fmt: skip
    notifier = Notifier(same)
    for row in (
        transition(0, "firing", node="a"), transition(10, "firing", node="a", group="h"),
        transition(100, "resolved", node="a"), transition(700, "resolved", node="a", group="h"),
    ):  # fmt: skip
        notifier.observe(row)
    assert notifier.firing == []
    assert told(notifier.advance(at(2000))) == [(30, "new", "a", ""), (930, "resolved", "", "a")]


def test_pending_and_inactive_tell_nobody_anything():
    assert run(one_route(), [transition(0, "pending", node="a"), transition(60, "inactive", node="a")], 9000) == []


def test_years_in_which_an_alert_fires_and_nothing_happens_cost_a_page_a_repeat():
    pages = run(one_route(repeat_interval="12h"), [transition(0, "firing", node="a")], 3 * 365 * 86_400)
    assert len(pages) == 1 + (3 * 365 * 86_400 - 31) // (12 * 3600 + 300)


def test_a_muted_group_is_looked_at_only_where_its_muting_can_change(monkeypatch):
    looks = []
    held = NamedTimes.hold
    monkeypatch.setattr(NamedTimes, "hold", lambda self, names, us: looks.append(us) or held(self, names, us))
    night = {"times": [{"start_time": "00:00", "end_time": "06:00"}], "location": "Europe/Berlin"}
    settings = one_route(routes=[{"matchers": ["node = a"], "mute_time_intervals": ["night"]}])
    settings["time_intervals"] = [{"name": "night", "time_intervals": [night]}]
    pages = run(settings, [transition(0, "firing", node="a")], 10 * 365 * 86_400)
    assert len(pages) > 10 * 365 * 4
    assert len(looks) < 2 * len(pages)


def test_a_transition_from_before_what_was_seen_already_is_refused():
    notifier = Notifier(rules())
    notifier.advance(at(100))
    with pytest.raises(InvalidOption, match="known at or after 100000000"):
        notifier.observe(transition(50, "firing", node="a"))


def test_pages_make_a_frame_of_their_shape_even_where_there_are_none():
    frame = pages_frame(run(one_route(), [transition(0, "firing", node="a")], 100))
    assert frame.schema == PAGES == pages_frame([]).schema
    assert frame.select("at", "status", "reason").row(0) == (at(30), "firing", "new")
    assert frame["firing"][0].struct.field("starts_at")[0] == at(0)


def test_without_a_notification_block_alerts_are_grouped_and_told_to_the_default_receiver():
    notifier = Notifier(rules())
    notifier.observe(transition(0, "firing", node="a"))
    assert [(p.receiver, p.at_us) for p in notifier.advance(at(60))] == [("default", 30_000_000)]


def test_what_fires_is_grouped_anew_by_other_routes_and_not_told_twice_where_its_group_is_the_same():
    before = Notifier(rules(one_route(routes=[{"matchers": ["node = b"], "group_by": ["node"]}])))
    for node in "ab":
        before.observe(transition(0, "firing", node=node))
    assert told(before.advance(at(100))) == [(30, "new", "a", ""), (30, "new", "b", "")]
    after = Notifier(rules(one_route(routes=[{"matchers": ["node = b"], "group_by": ["alertname"]}])))
    after.restore(before.state())
    after.observe(transition(400, "resolved", node="b"))
    assert told(after.advance(at(1000))) == [(100, "new", "b", ""), (400, "resolved", "", "b")]


def test_annotations_are_filled_in_when_an_alert_fires():
    texts = {"summary": "{{ labels.node }} of {{ $labels.severity }} has {{ value | humanize }}"}
    told_by = RuleSet.model_validate({"groups": [{"name": "g", "rules": [{
        "alert": "Down", "by": ["node"], "when": {"count": {"window": "1m"}, "op": ">", "threshold": 0},
        "labels": {"severity": "low"}, "annotations": texts}]}], "notification": one_route()})  # fmt: skip
    notifier = Notifier(told_by)
    began = notifier.observe(transition(0, "firing", node="a"))
    assert began is not None
    assert dict(began.annotations) == {"summary": "a of low has 1"}
    assert notifier.advance(at(60))[0].firing == (began,)


# ---------------------------------------------------------------------- laws

NODES, NAMES = ["a", "b", "c", ""], ["Down", "Slow", "Lost"]
HORIZON = 1500


@st.composite
def histories(draw):
    """Transitions that a lifecycle can make: firing and resolved by turns for each rule and node."""
    known = []
    for rule in NAMES:
        for node in NODES:
            times = sorted(draw(st.sets(st.integers(0, HORIZON - 1), max_size=4)))
            late = draw(st.sampled_from([0, 0, 45]))
            known += [(t + late, t, "firing" if i % 2 == 0 else "resolved", "g", rule, {"node": node})
                      for i, t in enumerate(times) if t + late < HORIZON]  # fmt: skip
    return sorted(known, key=lambda k: (k[0], k[4], k[5]["node"]))


def _seconds(least, most):
    return st.integers(least, most).map(lambda s: f"{s}s")


MATCHERS = st.lists(
    st.sampled_from(["node = a", 'node =~ "a|b"', "node != a", 'severity !~ "c.*"', "severity = critical",
                     "alertname = Slow", 'alertname =~ ".*"', 'node = ""']),
    min_size=1, max_size=2, unique=True,
).map(sorted)  # fmt: skip


@st.composite
def routes(draw, depth=0):
    route = {
        "receiver": draw(st.sampled_from(["r", "s"])),
        "group_by": draw(st.sampled_from([[], ["alertname"], ["node"], ["node", "alertname"], ["..."]])),
        "group_wait": draw(_seconds(0, 60)), "group_interval": draw(_seconds(1, 200)),
        "repeat_interval": draw(_seconds(1, 600)),
    }  # fmt: skip
    if depth:
        for name in draw(st.sets(st.sampled_from(sorted(route)))):
            del route[name]
        route["matchers"] = draw(st.lists(st.sampled_from(["node = a", 'alertname =~ "S.*"', "severity = critical"]),
                                          min_size=1, max_size=1))  # fmt: skip
        route["continue"] = draw(st.booleans())
        route["mute_time_intervals"] = draw(st.sampled_from([[], [], ["early"]]))
        route["active_time_intervals"] = draw(st.sampled_from([[], [], ["late"]]))
    if depth < 2:
        route["routes"] = draw(st.lists(routes(depth + 1), max_size=2))
    return route


@st.composite
def rule_sets(draw):
    inhibit = draw(st.lists(st.fixed_dictionaries({
        "source_matchers": MATCHERS, "target_matchers": MATCHERS,
        "equal": st.sampled_from([[], ["node"], ["severity"]])}), max_size=2))  # fmt: skip
    spans = draw(st.lists(st.tuples(MATCHERS, st.integers(0, HORIZON), st.integers(1, 600)), max_size=2))
    named = [
        {"name": "early", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "00:07"}]}]},
        {"name": "late", "time_intervals": [{"times": [{"start_time": "01:10", "end_time": "24:00"}],
                                             "weekdays": ["thursday"], "location": "Europe/Berlin"}]},
    ]  # fmt: skip
    receivers = [{"name": "r"}, {"name": "s", "send_resolved": draw(st.booleans())}]
    told_by = {"route": draw(routes()), "receivers": receivers, "inhibit_rules": inhibit, "time_intervals": named}
    return rules(told_by, [{"matchers": m, "start": at(a), "end": at(a + n)} for m, a, n in spans])


def as_row(known):
    second, happened, state, group, rule, labels = known
    return transition(happened, state, rule, group=group, known=second, **labels)


def in_short(pages):
    return [
        (p.at_us // 1_000_000, p.receiver, p.reason, p.group_key,
         sorted(a.labels for a in p.firing), sorted(a.labels for a in p.resolved))
        for p in pages
    ]  # fmt: skip


def test_two_routes_alike_write_over_what_each_other_told_as_in_alertmanager():
    often = {"group_wait": "0s", "group_interval": "1s", "matchers": ["alertname = Slow"], "continue": True}
    alike = rules({**ONE, "route": {"receiver": "r", "routes": [
        {**often, "group_by": ["node", "alertname"], "repeat_interval": "1s"},
        {**often, "group_by": ["alertname"], "repeat_interval": "348s"},
    ]}})  # fmt: skip
    history = [(0, 0, "firing", "g", "Slow", {"node": node}) for node in ("", "c")]
    notifier = Notifier(alike)
    for known in history:
        notifier.observe(as_row(known))
    assert in_short(notifier.advance(at(60))) == Simulated(alike).run(history, 60)


@given(rule_sets(), histories())
@settings(max_examples=examples(150))
def test_pages_are_those_of_an_alertmanager_that_runs_second_by_second(rules, history):
    notifier = Notifier(rules)
    for known in history:
        notifier.observe(as_row(known))
    assert in_short(notifier.advance(at(HORIZON))) == Simulated(rules).run(history, HORIZON)


@given(rule_sets(), histories(), st.lists(st.tuples(st.floats(0, HORIZON), st.booleans()), max_size=6))
@settings(max_examples=examples(100))
def test_pages_do_not_hang_on_how_the_calls_are_split_nor_on_restarts_in_between(rules, history, stops):
    whole = Notifier(rules)
    for known in history:
        whole.observe(as_row(known))
    expected = whole.advance(at(HORIZON))

    notifier, found = Notifier(rules), []
    calls = sorted([(known[0], 1, known) for known in history] + [(stop, 0, again) for stop, again in stops],
                   key=lambda call: call[:2])  # fmt: skip
    for moment, is_transition, what in calls:
        if is_transition:
            notifier.observe(as_row(what))
        else:
            found += notifier.advance(at(moment))
        if is_transition or what:
            state = notifier.state()
            notifier = Notifier(rules)
            notifier.restore(state)
            assert notifier.state() == state
    assert found + notifier.advance(at(HORIZON)) == expected
