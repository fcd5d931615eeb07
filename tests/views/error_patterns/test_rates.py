import polars as pl
import pytest

from onex_analytics.error_patterns import error_rates
from onex_analytics.views.error_patterns import stacked_rates
from onex_analytics.views.theme import description
from tests.views.error_patterns.results import NOON, cases, event, failure, log, minutes
from tests.views.profiling.results import is_blank, named


def two_nodes(**more) -> pl.DataFrame:
    rows = [failure(1.0, "x", node="a"), failure(2.0, "x", node="a"), event(3.0, node="a"), failure(4.0, "x", node="b")]
    return error_rates(
        log([*rows, failure(31.0, "x", node="b"), event(5.0, node="calm"), event(15.0, node="calm")]),
        "10m",
        "node",
        **more,
    ).collect()


def test_a_bar_is_the_failures_of_a_group_in_a_bucket_and_stands_in_the_middle_of_it():
    a, b = stacked_rates(two_nodes()).data
    assert (list(a.y), list(b.y)) == ([2], [1, 1])
    assert [at.replace(tzinfo=NOON.tzinfo) for at in b.x] == [minutes(5), minutes(35)]
    assert set(b.width) == {600_000}


def test_all_failures_are_drawn_whoever_has_a_colour_of_his_own():
    rates = cases()["2,000 groups"].rates
    figure = stacked_rates(rates, most=5)
    assert sum(n for bar in figure.data for n in bar.y) == sum(rates["failures"])
    assert figure.data[-1].name.startswith("other: 1,995 groups · ")


def test_many_buckets_are_added_to_fewer_bars_and_that_is_said():
    rates = cases()["2,000 groups"].rates
    assert rates["start"].n_unique() > 1000
    figure = stacked_rates(rates)
    assert len({at for bar in figure.data for at in bar.x}) <= 240
    assert "A bar is 18 buckets." in description(figure)
    assert figure.layout.yaxis.title.text == "failures in 3 h"


def test_a_group_without_a_failure_is_no_part_of_other():
    figure = stacked_rates(two_nodes())
    assert len(figure.data) == 2
    assert "1 group without a failure not drawn." in description(figure)


def test_the_pointer_tells_the_share_with_its_interval():
    row = two_nodes().row(0, named=True)
    hover = stacked_rates(two_nodes()).data[0].customdata[0]
    assert f"Wilson interval {row['low']:.2%} to {row['high']:.2%}" in hover
    assert "failed share 66.67%" in hover


def test_of_a_single_group_the_share_is_drawn_with_the_band_that_it_could_lie_in():
    rates = error_rates(log([failure(1.0, "x"), event(2.0), event(3.0), event(12.0), event(45.0)]), "10m").collect()
    figure = stacked_rates(rates)
    band, line = figure.data
    assert [None if y is None else round(y, 4) for y in line.y] == [0.3333, 0.0, None, 0.0]
    assert set(band.y) - {None} == {*rates["low"], *rates["high"]}
    assert figure.layout.yaxis.title.text == "failed share"


def test_a_bucket_that_stands_alone_has_its_interval_as_a_bar():
    rates = error_rates(log([failure(1.0, "x"), event(2.0), event(45.0), event(52.0)]), "10m").collect()
    line = stacked_rates(rates).data[1]
    low, high = rates["low"][0], rates["high"][0]
    assert list(line.y) == [0.5, None, 0.0, 0.0]
    assert list(line.error_y.array) == [pytest.approx(high - 0.5), None, None, None]
    assert list(line.error_y.arrayminus) == [pytest.approx(0.5 - low), None, None, None]


def test_bursts_are_bands_as_long_as_they_lasted():
    case = cases()["a few"]
    figure = stacked_rates(case.rates, case.bursts)
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == case.bursts.sort(
        "score", descending=True, maintain_order=True).select("start", "end").rows()  # fmt: skip
    marks = named(figure, "burst · 2")
    assert "40 errors" in "".join(marks.customdata)
    assert "2 bursts; the strongest, of " in description(figure)


def test_that_there_was_no_burst_is_said():
    case = cases()["one error"]
    assert description(stacked_rates(case.rates, case.bursts)).endswith("No burst.")


@pytest.mark.parametrize("frame", [
    cases()["no event"].rates, two_nodes().drop("start"), two_nodes().with_columns(failures=pl.lit(0, pl.UInt32)),
])  # fmt: skip
def test_what_has_no_failure_or_no_time_is_said(frame):
    assert is_blank(stacked_rates(frame))
