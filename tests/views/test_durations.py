import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.views.durations import LogAxis, told


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"), (1e-6, "1 ns"), (0.001, "1 µs"), (0.9995, "1,000 µs"), (1, "1 ms"), (999.4, "999 ms"),
        (1_000, "1 s"),
        (119_000, "119 s"), (120_000, "2 min"), (7_200_000, "2 h"), (86_400_000, "24 h"), (172_800_000, "2 d"),
        (None, "–"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_its_own_unit(ms, text):
    assert told(ms) == text


def test_an_axis_from_a_microsecond_to_a_day_is_marked_in_the_units_between():
    assert LogAxis.of([0.001, 86_400_000]).layout()["ticktext"] == [
        "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "1 min", "10 min", "1 h", "1 d",
    ]  # fmt: skip


def test_durations_of_zero_stand_at_the_foot_of_a_logarithmic_axis():
    axis = LogAxis.of([0.0, 5.0, 500.0, None])
    foot, five, most, nothing = axis.places([0.0, 5.0, 500.0, None])
    assert 0 < foot < five < most
    assert nothing is None
    assert (axis.layout()["tickvals"][0], axis.layout()["ticktext"][0]) == (foot, "0")


@given(st.lists(st.one_of(st.none(), st.just(0.0), st.floats(1e-5, 1e12)), max_size=6))
def test_all_that_is_drawn_lies_on_the_axis_and_the_axis_is_marked(durations):
    axis = LogAxis.of(durations)
    layout = axis.layout()
    low, high = layout["range"]
    assert low < high
    assert all(low <= math.log10(place) <= high for place in axis.places(durations) if place is not None)
    assert 1 <= len(layout["ticktext"]) == len(layout["tickvals"]) <= 14
    ticks = layout["tickvals"]
    assert all(tick > 0 for tick in ticks) and ticks == sorted(ticks)


def test_an_axis_of_a_small_panel_has_few_marks():
    assert len(LogAxis.of([0.001, 86_400_000]).layout(5)["ticktext"]) <= 5
