"""Two periods compared, group by group: each word is said where it holds, and seldom by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from onex_analytics.error_patterns.changes import CHANGES, compare_periods
from onex_analytics.exceptions import InvalidOption, MissingColumns

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def errors(**groups: list[float]) -> pl.DataFrame:
    """One row an error: for each code, its times in hours."""
    rows = [(BEGIN + timedelta(hours=float(hour)), code) for code, hours in groups.items() for hour in hours]
    return pl.DataFrame(rows, {"timestamp": pl.Datetime("us", "UTC"), "error_code": pl.String}, orient="row")


def changes(frame: pl.DataFrame, **options: object) -> dict[str, str]:
    watched = {"since": BEGIN, "until": BEGIN + 2 * DAY, **options}
    return dict(compare_periods(frame, BEGIN + DAY, **watched).select("error_code", "change").rows())


def test_each_word_is_said_where_it_holds():
    frame = errors(
        new=np.linspace(25, 47, 20),
        regressed=[*np.linspace(0, 8, 12), *np.linspace(30, 40, 6)],
        escalating=[*np.linspace(0, 23, 20), *np.linspace(25, 47, 90)],
        ongoing=np.linspace(0, 47, 60),
        waning=[*np.linspace(0, 23, 90), *np.linspace(25, 47, 20)],
        gone=np.linspace(0, 23, 20),
        once_after=[30.0],
        once_before=[3.0, 4.0],
    )
    assert changes(frame) == {
        "new": "new", "regressed": "regressed", "escalating": "escalating", "ongoing": "ongoing", "waning": "ongoing",
        "gone": "gone", "once_after": "insufficient", "once_before": "insufficient",
    }  # fmt: skip


def test_new_needs_as_many_as_would_have_shown_before():
    # half the time lies before: five errors after have a chance of 1/32 to be all there
    assert changes(errors(a=[30, 31, 32, 33, 34], b=[1])) == {"a": "new", "b": "insufficient"}
    assert changes(errors(a=[30, 31, 32, 33], b=[1]))["a"] == "insufficient"


def test_what_was_never_seen_is_bounded_by_the_rule_of_three():
    found = compare_periods(errors(a=[30.0], b=[1]), BEGIN + DAY, since=BEGIN, until=BEGIN + 2 * DAY)
    unseen = found.filter(error_code="a").row(0, named=True)
    assert unseen["rate_before_high"] == pytest.approx(3 / 24)
    assert unseen["ratio"] is None
    assert unseen["ratio_high"] == float("inf")
    assert unseen["quiet"] is None


@given(st.integers(0, 40), st.integers(0, 40), st.floats(1, 40), st.floats(1, 40))
def test_test_and_interval_are_those_of_the_binomial_law(before, after, hours_before, hours_after):
    if before + after == 0:
        return
    at = BEGIN + timedelta(hours=hours_before)
    later = hours_before + np.linspace(0.001, 0.99, after) * hours_after
    frame = errors(a=[*np.linspace(0, hours_before * 0.99, before), *later])
    row = compare_periods(frame, at, since=BEGIN, until=at + timedelta(hours=hours_after)).row(0, named=True)
    assert (row["errors_before"], row["errors_after"]) == (before, after)
    share = hours_after / (hours_before + hours_after)
    law = stats.binom(before + after, share)
    assert row["q"] == pytest.approx(min(1, 2 * min(law.cdf(after), law.sf(after - 1))), rel=1e-5, abs=1e-12)
    low, high = stats.binomtest(after, before + after, share).proportion_ci(0.95, method="exact")
    scale = hours_before / hours_after
    assert row["ratio_low"] == pytest.approx(low / (1 - low) * scale, rel=1e-4)
    if before:
        assert row["ratio_high"] == pytest.approx(high / (1 - high) * scale, rel=1e-4)
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]


def test_groups_that_did_not_change_are_seldom_said_to_have():
    draw = np.random.default_rng(4)
    false = 0
    for _ in range(40):
        frame = errors(**{f"e{place}": draw.uniform(0, 48, draw.poisson(6) + 1) for place in range(20)})
        said = changes(frame, min_ratio=1.0)
        false += sum(word == "escalating" for word in said.values())
    assert false <= stats.poisson.isf(1e-4, 40 * 0.05)


def test_weekends_are_weighed_once_weeks_are_known():
    # five weeks with errors on working days only; the last weekend is no "gone"
    hours = [day * 24 + hour for day in range(35) if day % 7 < 5 for hour in range(0, 24, 2)]
    options = {"since": BEGIN, "until": BEGIN + 35 * DAY}
    frame = errors(a=hours, b=[*hours[:10], 33 * 24 + 1])
    weekly = compare_periods(frame, BEGIN + 33 * DAY, **options).filter(error_code="a")
    plain = compare_periods(frame, BEGIN + 33 * DAY, season="none", **options).filter(error_code="a")
    assert (weekly["change"].item(), plain["change"].item()) == ("insufficient", "gone")


def test_counts_add_up_groups_of_several_columns_and_of_null_are_groups():
    frame = errors(a=[1, 2, 30], b=[3]).with_columns(node=pl.lit(None, pl.String))
    found = compare_periods(frame, BEGIN + DAY, ["error_code", "node"])
    assert found.columns == ["error_code", "node", *CHANGES]
    assert found.select(pl.sum("errors_before", "errors_after")).row(0) == (3, 1)
    assert compare_periods(frame, BEGIN + DAY, ()).height == 1


def test_nothing_gives_nothing_and_bad_options_are_refused():
    frame = errors(a=[1, 30])
    assert compare_periods(frame.clear(), BEGIN).schema == {"error_code": pl.String, **CHANGES}
    refused = {"max_false_discovery": (2, "share"), "min_ratio": (0.5, "at least 1"), "season": ("x", "weekly")}
    for option, (value, text) in refused.items():
        with pytest.raises(InvalidOption, match=text):
            compare_periods(frame, BEGIN + DAY, **{option: value})
    with pytest.raises(InvalidOption, match="of which there are errors"):
        compare_periods(frame, BEGIN + 9 * DAY)
    with pytest.raises(MissingColumns, match="node"):
        compare_periods(frame, BEGIN + DAY, "node")
