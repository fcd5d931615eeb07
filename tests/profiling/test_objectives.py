from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import apdex, slo
from tests.profiling.latencies import NOON, ROWS, at, judged, spans


def score(rows, threshold_ms=100, **options):
    return apdex(spans(rows), threshold_ms, (), **options).collect().row(0, named=True)


def budget(rows, objective=0.99, **options):
    return slo(spans(rows), objective, **options).collect().row(0, named=True)


def test_up_to_the_threshold_satisfies_and_up_to_four_times_is_tolerated():
    told = score([{"ms": 100.0}, {"ms": 100.001}, {"ms": 400.0}, {"ms": 400.001}])
    assert (told["satisfied"], told["tolerating"], told["frustrated"], told["apdex"]) == (1, 2, 1, 0.5)


def test_what_failed_is_frustrating_however_fast_it_was_even_without_a_duration():
    told = score([{"ms": 1.0, "status": "error"}, {"ms": None, "status": "error"}, {"ms": 1.0}, {"ms": None}])
    assert (told["n"], told["frustrated"], told["unmeasured"]) == (3, 2, 1)
    assert told["apdex"] == pytest.approx(1 / 3)


def test_an_open_span_is_not_judged_even_where_it_says_error():
    told = score([{"ms": 1.0, "state": "open"}, {"ms": None, "state": "open", "status": "error"}, {"ms": 1.0}])
    assert (told["n"], told["open"], told["apdex"]) == (1, 2, 1.0)


def test_where_nothing_is_judged_there_is_no_score():
    assert score([{"ms": None, "state": "open"}])["apdex"] is None
    assert apdex(spans([]), 100).collect().height == 0
    assert apdex(spans([]), 100, ()).collect().height == 0


def test_the_score_is_of_all_work_not_only_of_what_was_kept():
    told = score([{"ms": 1.0, "adjusted_count": 3.0}, {"ms": 200.0}, {"ms": 900.0}])
    assert (told["n"], told["weight"], told["apdex"]) == (3, 5.0, 0.7)


@given(ROWS, st.floats(0.1, 1e5))
def test_every_span_is_judged_or_left_out_for_a_reason(rows, threshold_ms):
    found = apdex(spans(rows), threshold_ms, "node").collect()
    assert found["n"].sum() + found.select("open", "negative", "unmeasured").sum_horizontal().sum() == len(rows)
    for told in found.iter_rows(named=True):
        group = [row for row in rows if row["node"] == told["node"]]
        assert told["satisfied"] + told["tolerating"] + told["frustrated"] == told["n"]
        fast = [r for r in group if judged(r) == "measured" and r["status"] != "error" and r["ms"] <= threshold_ms]
        assert told["satisfied"] == len(fast)


@pytest.mark.parametrize("threshold_ms", [0, -1, float("nan"), float("inf")])
def test_a_threshold_that_is_none_is_refused(threshold_ms):
    with pytest.raises(InvalidOption, match="milliseconds above 0"):
        apdex(spans([]), threshold_ms)


def test_a_tenth_of_the_budget_is_left_after_nine_tenths_were_spent():
    rows = [{"ms": 10.0, "at": 0, "status": "error" if i < 9 else "ok"} for i in range(1_000)]
    told = budget(rows)
    assert (told["n"], told["bad"]) == (1_000, 9)
    assert told["good_share"] == pytest.approx(0.991)
    assert told["budget"] == pytest.approx(10)
    assert told["budget_left"] == pytest.approx(0.1)
    assert told["burn_rate"] == pytest.approx(0.9)
    assert told["alert"] is None


def test_slow_work_is_bad_only_where_a_threshold_is_given():
    rows = [{"ms": 10.0, "at": 0}, {"ms": 20.0, "at": 0}]
    assert budget(rows)["bad"] == 0
    assert budget(rows, threshold_ms=10)["bad"] == 1
    assert budget(rows, 0.5, threshold_ms=10)["budget_left"] == pytest.approx(0)


def test_a_spent_budget_is_below_zero():
    assert budget([{"ms": 1.0, "status": "error"}] * 2, 0.5)["budget_left"] == pytest.approx(-1)


def test_the_window_is_open_at_its_beginning_and_closed_at_its_end():
    rows = [{"ms": 0.0, "at": seconds, "status": "error"} for seconds in (0, 1, 60)]
    assert budget(rows, window="1m", now=at(60))["n"] == 2
    assert budget(rows, window="1m", now=at(59))["n"] == 2
    assert budget(rows, window="1m", now=at(1e6))["good_share"] is None


def test_now_is_the_last_end_unless_told_and_a_naive_time_is_utc():
    rows = [{"ms": 5_000.0, "at": 0}, {"ms": None, "at": 3, "state": "open"}]
    assert budget(rows)["now"] == at(5)
    assert budget(rows, now=datetime(2026, 11, 1, 13))["now"] == at(3_600)
    east = timezone(timedelta(hours=2))
    assert budget(rows, now=datetime(2026, 11, 1, 15, tzinfo=east))["now"] == at(3_600)


HOUR, DAY = 3_600, 86_400


def steady(bad_share, since_seconds):
    """Work every minute for three days, failing in this share of cases since then; noon is now."""
    count = round(1 / bad_share)
    return [
        {"ms": 0.0, "at": -minute * 60,
         "status": "error" if minute * 60 < since_seconds and minute % count == 0 else "ok"}
        for minute in range(3 * 24 * 60)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bad_share", "since", "alert"),
    [
        (0.2, HOUR, "page"),        # 20 times as fast, for an hour: 2 % of the budget in 1 h takes 14.4 times
        (0.1, HOUR, None),          # ten times as fast, but for an hour only
        (0.1, 6 * HOUR, "page"),    # 5 % in 6 h takes six times
        (0.02, 3 * DAY, "ticket"),  # 10 % in three days takes once
        (0.002, 3 * DAY, None),
    ],
)  # fmt: skip
def test_alerts_are_those_of_the_workbook(bad_share, since, alert):
    assert budget(steady(bad_share, since), 0.99, now=NOON)["alert"] == alert


def test_the_burn_rate_is_the_bad_share_over_the_allowed_one():
    told = budget(steady(0.2, HOUR), 0.99, now=NOON)
    assert (told["burn_rate_1h"], told["burn_rate_5m"]) == (pytest.approx(20), pytest.approx(20))
    assert told["burn_rate_6h"] == pytest.approx(20 / 6)


def test_what_burns_no_more_pages_nobody():
    rows = [row | {"status": "ok"} if row["at"] > -HOUR else row for row in steady(0.5, 6 * HOUR)]
    told = budget(rows, 0.99, now=NOON)
    assert told["burn_rate_6h"] > 6
    assert told["burn_rate_30m"] == 0
    assert told["alert"] == "ticket"  # half a day's budget is gone all the same


def test_a_budget_for_each_group_of_all_work():
    rows = [{"ms": 1.0, "node": "a", "adjusted_count": 99.0}, {"ms": 1.0, "node": "a", "status": "error"},
            {"ms": 1.0, "node": "b", "state": "open"}]  # fmt: skip
    found = slo(spans(rows), 0.9, by="node").collect()
    assert found.select("node", "n", "weight", "open").rows() == [("a", 2, 100.0, 0), ("b", 0, 0.0, 1)]
    assert found["budget_left"].to_list() == [pytest.approx(0.9), None]


@pytest.mark.parametrize("objective", [0, 1, 1.5, float("nan")])
def test_an_objective_that_is_none_is_refused(objective):
    with pytest.raises(InvalidOption, match="above 0 and below 1"):
        slo(spans([]), objective)


def test_bad_use_of_an_objective_is_refused_with_the_mend():
    with pytest.raises(InvalidOption, match="a duration above zero"):
        slo(spans([]), 0.9, window="a month")
    with pytest.raises(InvalidOption, match="milliseconds from 0"):
        slo(spans([]), 0.9, threshold_ms=-1)
    with pytest.raises(MissingColumns, match="tenant"):
        slo(spans([]), 0.9, by="tenant")
    assert slo(spans([]), 0.9).collect().height == 0
