"""How well rules find incidents, and how often people are paged."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.notification import PAGES
from onex_analytics.alerting.scoring import MATCHES, SCORES, agree, load_of, matches, scores
from onex_analytics.alerting.shapes import ALERTS
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import frame_of, when
from tests.alerting.test_evaluating import rule, rule_set

DAY = 86_400


def labels_of(node: str | None) -> list[dict[str, str]]:
    return [] if node is None else [{"name": "node", "value": node}]


def result_of(
    firings: list[tuple[str, str | None, float, float | None]], incidents: list[dict[str, Any]], *, days: float = 10,
    names: tuple[str, ...] | None = None, pages: list[float] = (), tz: str = "UTC",
    about: dict[str, dict[str, str]] | None = None,
) -> Any:  # fmt: skip
    """A backtest that came to these firings: (rule, node, fired, resolved), in seconds."""
    rows = [
        {"group": "g", "rule": name, "labels": labels_of(node), "pending": when(fired), "fired": when(fired),
         "resolved": when(end), "known_at": when(fired + 5), "state": "firing" if end is None else "resolved",
         "value": 1.0, "peak": 1.0, "threshold": 0.0, "events": 1}
        for name, node, fired, end in firings
    ]  # fmt: skip
    told = [{"at": when(at), "receiver": "r", "status": "firing", "reason": "new", "group_labels": [], "firing": [],
             "resolved": [], "group_key": "", "page_id": ""} for at in pages]  # fmt: skip
    rules = list(dict.fromkeys(name for name, *_ in firings)) or ["A"]
    file = rule_set(*(rule(name, by=[], labels=(about or {}).get(name, {})) for name in rules))
    return SimpleNamespace(
        alerts=pl.DataFrame(rows, schema=ALERTS), incidents=load_incidents(incidents), lead=timedelta(minutes=15),
        label_names=names, begin=when(0), end=when(days * DAY), pages=pl.DataFrame(told, schema=PAGES), tz=tz,
        rules=file, summary=pl.DataFrame({"group": ["g"] * len(rules), "rule": rules}),
    )  # fmt: skip


def incident(id: str, start: float, end: float | None, **labels: str) -> dict[str, Any]:
    return {"id": id, "start": when(start), "end": when(end), **labels}


def score(result: Any, rule: str | None = None) -> dict[str, Any]:
    found = scores(result)
    assert found.schema == SCORES
    (row,) = found.filter(pl.col("rule").eq_missing(pl.lit(rule))).to_dicts()
    return row


# ---------------------------------------------------------------------- who caught what


@pytest.mark.parametrize(
    ("fired", "caught"), [(9_099, False), (9_100, True), (10_000, True), (11_000, True), (11_001, False)]
)
def test_a_firing_catches_an_incident_from_the_lead_before_its_start_to_its_end(fired, caught):
    found = matches(result_of([("A", None, fired, None)], [incident("i", 10_000, 11_000)]))
    assert found.schema == MATCHES
    assert (found.height == 1) is caught


def test_a_label_that_the_rule_gives_says_what_its_alerts_are_about_but_its_severity_does_not():
    told = [incident("i", 10_000, 11_000, node="a", severity="low")]
    firings = [("A", None, 10_500, None), ("B", None, 10_500, None), ("C", None, 10_500, None)]
    about = {"A": {"node": "a"}, "B": {"node": "b"}, "C": {"severity": "high"}}
    assert matches(result_of(firings, told, about=about))["rule"].to_list() == ["A", "C"]
    named = result_of(firings, told, about=about, names=("node",))
    assert matches(named)["rule"].to_list() == ["A"]
    assert score(result_of(firings[1:2], told, about=about))["random_recall"] == 0


def test_an_alert_of_another_node_catches_nothing():
    result = result_of([("A", "b", 10, 20), ("A", "a", 11, 20)], [incident("i", 0, 100, node="a")])
    assert matches(result)["fired"].to_list() == [when(11)]


def test_the_delay_counts_until_it_was_known():
    (row,) = matches(result_of([("A", None, 100, 400)], [incident("i", 50, 300)])).to_dicts()
    assert (row["delay_s"], row["overhang_s"]) == (55.0, 100.0)


def test_labels_that_must_be_shared_must_be_there():
    events = [("A", None, 10, 20)], [incident("i", 0, 100, node="a")]
    assert matches(result_of(*events)).height == 1
    assert matches(result_of(*events, names=("node",))).height == 0
    assert matches(result_of(*events, names=())).height == 1


def test_an_incident_that_still_lasts_can_be_caught():
    assert matches(result_of([("A", None, 5000, None)], [incident("i", 10, None)])).height == 1


def test_without_incidents_there_is_nothing_to_score():
    result = backtest(rule_set(rule("A")), frame_of([]))
    with pytest.raises(InvalidOption, match="labelled incidents"):
        result.scores()
    with pytest.raises(InvalidOption, match="labelled incidents"):
        _ = result.matches


# ---------------------------------------------------------------------- scores


def test_precision_recall_and_delay_with_misses_that_take_for_ever():
    result = result_of(
        [("A", None, 1000, 1100), ("A", None, 5000, 5100), ("A", None, 60_000, 60_100)],
        [incident("i", 990, 2000), incident("j", 4900, 5200), incident("k", 300_000, 301_000)],
    )
    found = score(result, "A")
    assert (found["firings"], found["true_firings"], found["precision"]) == (3, 2, 2 / 3)
    assert (found["incidents"], found["caught"], found["recall"]) == (3, 2, 2 / 3)
    assert (found["delay_s_p50"], found["delay_s_p90"]) == (105.0, None)
    assert found["precision_low"] < 2 / 3 < found["precision_high"]
    assert score(result) == {**found, "group": None, "rule": None}


def test_the_first_and_the_only_detector_are_told_apart():
    result = result_of(
        [("A", None, 1000, 1100), ("B", None, 1001, 1100), ("B", None, 5000, 5100)],
        [incident("i", 990, 2000), incident("j", 4900, 5200)],
    )
    assert [(score(result, name)["first"], score(result, name)["only"]) for name in "AB"] == [(1, 0), (1, 1)]


def test_firing_again_in_an_incident_is_a_refire_unless_it_is_another_label_set():
    result = result_of(
        [("A", "a", 1000, 1010), ("A", "a", 1100, 1110), ("A", "b", 1200, 1210)], [incident("i", 990, 2000)]
    )
    assert score(result, "A")["refires"] == 1


def test_nothing_is_judged_in_a_hole():
    hole = {**incident("h", 4000, 6000), "kind": "coverage_hole"}
    inside = incident("in", 4500, 5500)
    result = result_of([("A", None, 1000, 1100), ("A", None, 4100, 4200)], [hole, inside, incident("i", 990, 2000)])
    found = score(result, "A")
    assert (found["firings"], found["judged"], found["precision"], found["incidents"]) == (2, 1, 1.0, 1)


def test_an_alert_in_a_harmless_deploy_is_false():
    deploy = {**incident("d", 900, 2000), "kind": "deploy"}
    found = score(result_of([("A", None, 1000, 1100)], [deploy]), "A")
    assert (found["precision"], found["incidents"], found["recall"]) == (0.0, 0, None)


def test_what_never_fired_has_no_precision_and_no_delay():
    found = score(result_of([], [incident("i", 990, 2000)]), "A")
    assert (found["precision"], found["recall"]) == (None, 0.0)
    assert (found["delay_s_p50"], found["random_recall"]) == (None, None)


def test_a_split_scores_the_parts_apart():
    result = result_of(
        [("A", None, 1000, 1100), ("A", None, 6 * DAY, 6 * DAY + 1)],
        [incident("i", 990, 2000), incident("j", 8 * DAY, 9 * DAY)],
    )
    found = scores(result, 0.5).filter(pl.col("rule") == "A")
    assert found.select("part", "firings", "incidents", "caught").rows() == [("tune", 1, 1, 1), ("report", 1, 1, 0)]
    assert scores(result, when(5 * DAY)).equals(scores(result, 0.5))
    for wrong in (0.0, 1.0, "2030-01-01", "soon"):
        with pytest.raises(InvalidOption):
            scores(result, wrong)


def test_an_incident_that_began_before_the_log_counts_where_it_lasts_into_it():
    before, into = incident("b", -500.0 + DAY, DAY - 100.0), incident("i", DAY - 500.0, DAY + 500.0)
    result = result_of([("A", None, DAY + 10, DAY + 20)], [before, into])
    result.begin = when(DAY)
    assert (score(result)["incidents"], score(result)["caught"]) == (1, 1)
    assert scores(result, 0.5).filter(pl.col("rule").is_null())["incidents"].to_list() == [1, 0]


def test_alerts_at_random_times_are_as_good_as_the_baseline_says():
    firings = [("A", "ab"[n % 2], 7000.0 * n, 7000.0 * n + 60) for n in range(12)]
    incidents = [incident("i", 10_000, 40_000, node="a"), incident("j", 50_000, 55_000), incident("k", 30_000, 45_000)]
    found = score(result_of(firings, incidents, days=1), "A")
    rng = np.random.default_rng(0)
    times, nodes = rng.uniform(0, DAY, (20_000, 12)), rng.integers(0, 2, (20_000, 12))
    hit = [
        (times >= i["start"].timestamp() - 900) & (times <= i["end"].timestamp()) & ((nodes == 0) | ("node" not in i))
        for i in incidents
    ]
    assert found["random_precision"] == pytest.approx(np.any(hit, axis=0).mean(), abs=0.01)
    assert found["random_recall"] == pytest.approx(np.mean([h.any(axis=1).mean() for h in hit]), abs=0.01)


NODES, TIMES = st.sampled_from(["a", "b", None]), st.integers(0, 9000)
FIRINGS = st.lists(st.tuples(st.sampled_from("AB"), NODES, TIMES, st.integers(1, 900)), max_size=12)
INCIDENTS = st.lists(st.tuples(TIMES, st.integers(1, 3000), NODES), max_size=6)


@given(FIRINGS, INCIDENTS)
def test_scores_are_those_of_counting_by_hand(firings, incidents):
    told = [
        incident(str(n), at, at + length, **({"node": node} if node else {}))
        for n, (at, length, node) in enumerate(incidents)
    ]
    result = result_of([(name, node, at, at + length) for name, node, at, length in firings], told, days=1)

    def catches(firing: tuple[Any, ...], one: dict[str, Any]) -> bool:
        _, node, at, _ = firing
        start, end = one["start"].timestamp(), one["end"].timestamp()
        return start - 900 <= at <= end and (node is None or one.get("node") in (None, node))

    found = score(result)
    assert found["true_firings"] == sum(any(catches(f, i) for i in told) for f in firings)
    assert found["caught"] == sum(any(catches(f, i) for f in firings) for i in told)
    delays = sorted(
        min(f[2] + 5 - i["start"].timestamp() for f in firings if catches(f, i))
        for i in told if any(catches(f, i) for f in firings)
    )  # fmt: skip
    rank = -(-len(told) // 2)
    assert found["delay_s_p50"] == (delays[rank - 1] if 0 < rank <= len(delays) else None)


def test_labels_that_only_one_side_names_do_not_matter():
    assert agree({"node": "a", "operation": "o"}, {"node": "a", "team": "t"})
    assert not agree({"node": "a"}, {"node": "b"})


# ---------------------------------------------------------------------- pages a day


def test_days_without_pages_count_and_nights_are_those_of_the_time_zone():
    result = result_of([], [], days=3, pages=[1 * 3600, 2 * 3600, 3 * 3600, DAY + 12 * 3600])
    load = load_of(result)
    assert (load.days, load.pages, load.pages_per_day_p50, load.pages_per_day_p95) == (4, 4, 0, 3)
    assert (load.night_pages, load.night_share) == (3, 0.75)
    assert load_of(result_of([], [], days=3, pages=[1 * 3600], tz="Asia/Tokyo")).night_pages == 0
    assert load_of(result_of([], [], days=3, pages=[2 * DAY + 1.0])).weekend_share == 1.0  # 3 January 1970, a Saturday
