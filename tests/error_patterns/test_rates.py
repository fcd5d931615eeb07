"""Error rates with their intervals, on a fleet and by hand."""

from __future__ import annotations

import polars as pl
import pytest
from scipy.stats import binomtest

from onex_analytics.error_patterns.rates import error_rates
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import outcomes


@pytest.mark.parametrize("denominator", ["events", "finished"])
def test_rates_are_those_of_frames_and_intervals_those_of_scipy(fleet, denominator):
    events, _ = fleet
    found = error_rates(events, "12h", "node", denominator, level=0.9).collect()
    plain = outcomes.error_rates(events.lazy(), "12h", "node", denominator).collect()
    assert found.drop("low", "high", "end").equals(plain)
    assert found["end"].equals(found["start"].dt.offset_by("12h").alias("end"))
    assert found["failures"].sum() > 50
    for row in found.sample(50, seed=1).to_dicts():
        if not row[denominator]:
            assert (row["low"], row["high"]) == (None, None)
            continue
        wanted = binomtest(row["failures"], row[denominator]).proportion_ci(0.9, method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_without_buckets_and_groups_there_is_one_row_and_a_bad_level_is_refused_at_once(fleet):
    events, _ = fleet
    assert error_rates(events).collect().height == 1
    assert error_rates(events.clear(), by="node").collect().is_empty()
    with pytest.raises(InvalidOption, match="above 0 and below 1"):
        error_rates(events, level=1.0)
    with pytest.raises(InvalidOption, match="finished"):
        error_rates(pl.DataFrame(events), denominator="calls")
