import math

import plotly.graph_objects as go
import pytest

from onex_analytics.views.ratios import add_intervals, ratio_axis


@pytest.mark.parametrize("ratios", [[], [1.0], [None], [0.0], [math.inf], [1.01, 0.99], [1e-40, 1e40]])
def test_every_axis_holds_one_and_ends_within_nine_powers_of_ten(ratios):
    axis = ratio_axis(ratios)
    low, high = axis["range"]
    assert -10 < low < 0 < high < 10
    assert 1.0 in axis["tickvals"]
    assert len(axis["ticktext"]) == len(axis["tickvals"])


def test_twice_and_half_are_both_on_the_axis():
    low, high = ratio_axis([0.5, 2.0])["range"]
    assert low < math.log10(0.5) and high > math.log10(2.0)
    assert low == pytest.approx(-high)


def test_an_interval_without_an_end_is_not_drawn():
    figure = go.Figure()
    add_intervals(figure, [(0.5, 2.0, 0), (1.0, math.inf, 1), (None, 3.0, 2), (0.0, 3.0, 3)], "#1F82C0")
    assert list(figure.data[0].x) == [0.5, 2.0, None]
    assert list(figure.data[0].y) == [0, 0, None]
